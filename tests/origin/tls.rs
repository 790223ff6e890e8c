//! HTTPS with an authority of its own, made anew at every start.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::arguments::write_whole;

/// The ALPN name of HTTP/2.
pub const HTTP2: &[u8] = b"h2";

/// Accepts TLS as `localhost` and 127.0.0.1; the authority's certificate goes to `cert_out` as PEM.
pub fn acceptor(cert_out: Option<&Path>) -> Result<TlsAcceptor, String> {
    let (config, authority) = config().map_err(|error| format!("the certificate: {error}"))?;
    if let Some(path) = cert_out {
        write_whole(path, &authority)?;
    }
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn config() -> Result<(ServerConfig, String), Box<dyn Error>> {
    let (issuer, authority) = authority()?;
    let key = KeyPair::generate()?;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "windrow test origin");
    let chain: Vec<CertificateDer<'static>> = vec![leaf.signed_by(&key, &issuer)?.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok((config, authority))
}

/// The authority, and its certificate as PEM.
fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(DnType::CommonName, "windrow test authority");
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?.pem();
    Ok((Issuer::new(parameters, key), certificate))
}
