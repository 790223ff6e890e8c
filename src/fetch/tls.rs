//! Whom TLS trusts, and what it shows of us.
//!
//! A certificate is always verified: by whom it was signed, for which host, and until when. Trusted are the operating
//! system's roots (or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name), and those of an endpoint's `ca_file`. The
//! system's are loaded with the first https connection: a job without one does not need them.
//!
//! A server's own certificate that says of itself that it is an authority's (`CA:TRUE`, as `openssl req -x509` writes it)
//! is accepted where that very key is trusted, as curl, Python and Node do. Its name and its time are looked at all the same.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::origin::Origin;
use crate::job::ClientCertificate;
use crate::record::{Failure, Kind};

/// The system's roots, loaded when they are first needed.
pub(super) type SystemRoots = OnceLock<Result<RootCertStore, Failure>>;

type Config = OnceLock<Result<Arc<ClientConfig>, Failure>>;

/// The files that an endpoint names, read.
#[derive(Default)]
pub(super) struct Files {
    /// Trusted besides the system's roots.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// What shows one origin who is asking.
    pub(super) identity: Option<Identity>,
}

/// A client's certificate, for one origin.
pub(super) struct Identity {
    origin: Origin,
    certified: Arc<CertifiedKey>,
}

/// How connections are encrypted.
pub(super) struct Tls {
    system: Arc<SystemRoots>,
    files: Arc<Files>,
    /// To any origin.
    anonymous: Config,
    /// To the identity's.
    identified: Config,
}

/// A certificate that nobody but itself vouches for.
#[derive(Debug)]
pub(super) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the certificate is signed by itself only")
    }
}

impl std::error::Error for SelfSigned {}

impl Files {
    /// Reads an endpoint's files; the origin is its own.
    pub(super) fn read(
        ca_file: Option<&Path>,
        client: Option<(&ClientCertificate, &Origin)>,
    ) -> Result<Files, String> {
        let authorities = ca_file.map(authorities).transpose()?.unwrap_or_default();
        let identity = client.map(|(files, origin)| identity(files, origin)).transpose()?;
        Ok(Files { authorities, identity })
    }
}

/// The certificates of a file, each of which can be trusted.
fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = certificates(path)?;
    for certificate in &found {
        webpki::anchor_from_trusted_cert(certificate)
            .map_err(|error| format!("{}: a certificate cannot be read: {error}", path.display()))?;
    }
    Ok(found)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(|found| found.collect::<Result<Vec<_>, _>>());
    match read {
        Ok(found) if found.is_empty() => Err(format!(
            "{} holds no certificate: a PEM file has lines such as -----BEGIN CERTIFICATE-----",
            path.display()
        )),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("{}: {error}", path.display()),
        error => format!("{} is no PEM file: {error}", path.display()),
    }
}

fn identity(files: &ClientCertificate, origin: &Origin) -> Result<Identity, String> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| match error {
        pem::Error::NoItemsFound => format!(
            "{} holds no private key that can be read: one that has a password cannot, and a .p12 file neither; \
             `openssl pkey` and `openssl pkcs12 -nodes` write it so, into a file of mode 0600",
            files.key.display()
        ),
        error => unreadable(&files.key, &error),
    })?;
    let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        let certificate = files.certificate.display();
        match error {
            Error::InconsistentKeys(_) => {
                format!("the key in {} is not that of the certificate in {certificate}", files.key.display())
            }
            error => format!("{certificate}: {error}"),
        }
    })?;
    Ok(Identity { origin: origin.clone(), certified: Arc::new(certified) })
}

impl Tls {
    /// With these files besides the system's roots.
    pub(super) fn new(system: Arc<SystemRoots>, files: Arc<Files>) -> Tls {
        Tls { system, files, anonymous: Config::new(), identified: Config::new() }
    }

    /// How a connection to an origin is encrypted. Only its own origin is shown an identity.
    pub(super) fn config(&self, origin: &Origin) -> Result<Arc<ClientConfig>, Failure> {
        let identity = self.files.identity.as_ref().filter(|identity| identity.origin == *origin);
        let config = if identity.is_some() { &self.identified } else { &self.anonymous };
        config.get_or_init(|| self.made(identity)).clone()
    }

    fn made(&self, identity: Option<&Identity>) -> Result<Arc<ClientConfig>, Failure> {
        let wrong = |error: &dyn fmt::Display| Failure::lasting(Kind::Tls, error.to_string());
        let verifier = Trusting::new(self.roots()?).map_err(|error| wrong(&error))?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified.clone()))),
        };
        // HTTP/2 and HTTP/1.1 (RFC 7301).
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The system's may be lacking where the job has its own.
    fn roots(&self) -> Result<RootCertStore, Failure> {
        let mut roots = match self.system.get_or_init(system_roots) {
            Ok(roots) => roots.clone(),
            Err(_) if !self.files.authorities.is_empty() => RootCertStore::empty(),
            Err(failure) => return Err(failure.clone()),
        };
        roots.add_parsable_certificates(self.files.authorities.iter().cloned());
        Ok(roots)
    }
}

fn system_roots() -> Result<RootCertStore, Failure> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let errors: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
    let why = if errors.is_empty() { "none was found".to_owned() } else { errors.join(", ") };
    let hint = "install ca-certificates, or say ca_file = \"ca.pem\"";
    Err(Failure::lasting(Kind::Tls, format!("this machine has no root certificates ({why}); hint: {hint}")))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Verifies a server's certificate.
#[derive(Debug)]
struct Trusting {
    usual: Arc<WebPkiServerVerifier>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Trusting {
    fn new(roots: RootCertStore) -> Result<Trusting, rustls::client::VerifierBuilderError> {
        let anchors = roots.roots.clone();
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Trusting { usual, anchors })
    }

    /// Whether a certificate is trusted as it stands.
    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        webpki::anchor_from_trusted_cert(certificate).is_ok_and(|own| {
            let is_same = |anchor: &TrustAnchor<'_>| {
                anchor.subject == own.subject && anchor.subject_public_key_info == own.subject_public_key_info
            };
            self.anchors.iter().any(is_same)
        })
    }
}

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // Found after its time was looked at, and before anything else.
            Err(error) if is_an_authority(&error) && self.trusts(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(error) if is_self_signed(&error, end_entity) => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether a server's certificate was refused since it says that it is an authority's.
fn is_an_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(error))) = error else { return false };
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether nobody vouches for a certificate that names nobody but itself.
fn is_self_signed(error: &Error, certificate: &CertificateDer<'_>) -> bool {
    let is_unknown = matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer));
    let names_itself = || {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        parsed.is_ok_and(|parsed| parsed.issuer() == parsed.subject())
    };
    (is_unknown || is_an_authority(error)) && names_itself()
}
