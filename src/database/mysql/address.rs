//! From a URL to where to connect, as whom, and how.

use std::path::Path;

use mysql_async::{ClientIdentity, Opts, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use super::option_file::Options;
use super::{DatabaseError, Server};
use crate::database::words::Hidden;
use crate::job::{ServerKind, ServerUrl};
use crate::os::user_name;
use crate::secrets::Secrets;

/// The server's own port.
const PORT: u16 = 3306;

/// Silence after which the peer is asked whether it is still there, in milliseconds.
const KEEPALIVE: u32 = 20_000;

/// What a URL may have behind its `?`.
const PARAMETERS: &str = "ssl-mode, ssl-ca, ssl-cert, ssl-key and socket";

pub(super) fn server(url: &ServerUrl, secrets: &Secrets) -> Result<Server, DatabaseError> {
    let shown = url.shown();
    let form = ServerKind::MySql.form();
    let wrong = |message: String| DatabaseError::Address { server: shown.clone(), message, form };
    let (spelled, hidden) = Hidden::in_url(url, secrets).map_err(wrong)?;
    let wrong = |message: String| wrong(hidden.masked(&message));
    let address = Url::parse(&spelled).map_err(|error| wrong(error.to_string()))?;
    let parameters = Parameters::of(&address).map_err(wrong)?;
    let database = decoded(address.path().trim_start_matches('/'));
    if database.is_empty() {
        return Err(wrong("it names no database".to_owned()));
    }
    let options = Options::read(secrets);
    let builder = OptsBuilder::default()
        .ip_or_hostname(host(&address))
        .tcp_port(address.port().unwrap_or(PORT))
        .tcp_keepalive(Some(KEEPALIVE))
        .user(user(&address, &options))
        .pass(password(&address, &options, secrets))
        .db_name(Some(database))
        // It would leave a TCP connection for a socket that is somebody else's, as in another container.
        .prefer_socket(Some(false))
        .socket(parameters.socket.clone())
        .client_found_rows(true)
        .stmt_cache_size(0);
    let ssl = parameters.ssl().map_err(wrong)?;
    let without_tls = || Opts::from(builder.clone().ssl_opts(None::<SslOpts>));
    let plain = matches!(parameters.mode, Mode::Preferred).then(without_tls);
    Ok(Server {
        plain,
        opts: builder.ssl_opts(ssl).into(),
        hidden,
        password_hint: password_hint(&options).into(),
        shown,
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An address of IPv6 stands in brackets only in a URL.
fn host(address: &Url) -> String {
    let host = decoded(address.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost"));
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

fn user(address: &Url, options: &Options) -> Option<String> {
    match address.username() {
        "" => options.user.clone().or_else(user_name),
        name => Some(decoded(name)),
    }
}

fn password(address: &Url, options: &Options, secrets: &Secrets) -> Option<String> {
    let written = address.password().map(decoded);
    written.or_else(|| secrets.find("MYSQL_PWD")).or_else(|| options.password.clone())
}

fn password_hint(options: &Options) -> String {
    match &options.passed_over {
        Some(path) => format!("{} was not read, since others may read it: chmod 600 {0}", path.display()),
        None => "set the password: ${NAME} in the URL, MYSQL_PWD, or ~/.my.cnf".to_owned(),
    }
}

/// How connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// What a URL has behind its `?`.
struct Parameters {
    mode: Mode,
    socket: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Parameters {
    fn of(address: &Url) -> Result<Parameters, String> {
        let mut found =
            Parameters { mode: Mode::Preferred, socket: None, roots: None, certificate: None, key: None };
        for (name, value) in address.query_pairs() {
            let value = value.into_owned();
            match name.replace('_', "-").to_ascii_lowercase().as_str() {
                "ssl-mode" => found.mode = mode(&value)?,
                "ssl-ca" => found.roots = Some(value),
                "ssl-cert" => found.certificate = Some(value),
                "ssl-key" => found.key = Some(value),
                "socket" => found.socket = Some(value),
                // Read as the password of the URL, if anywhere.
                "sslmode" => return Err("sslmode is PostgreSQL's word: write ssl-mode".to_owned()),
                other => return Err(format!("{other} is not known; a URL takes {PARAMETERS}")),
            }
        }
        Ok(found)
    }

    fn ssl(&self) -> Result<Option<SslOpts>, String> {
        match (self.mode, &self.socket) {
            // The client asks for it there, too, and then does not encrypt.
            (Mode::Disabled, _) | (Mode::Preferred, Some(_)) => return Ok(None),
            (_, Some(_)) => return Err("a socket is not encrypted: leave ssl-mode out".to_owned()),
            (_, None) => {}
        }
        let is_verified = matches!(self.mode, Mode::VerifyCa | Mode::VerifyIdentity);
        // Without any root the client has nothing to begin with, though nothing is verified.
        let roots = if is_verified { self.roots()? } else { Vec::new() };
        let ssl = SslOpts::default()
            .with_danger_accept_invalid_certs(!is_verified)
            .with_danger_skip_domain_validation(self.mode != Mode::VerifyIdentity)
            .with_disable_built_in_roots(is_verified)
            .with_root_certs(roots.into_iter().map(|root| root.to_vec().into()).collect());
        Ok(Some(ssl.with_client_identity(self.identity()?)))
    }

    fn roots(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let roots = match &self.roots {
            Some(path) => certificates(Path::new(path))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        if roots.is_empty() {
            Err("no roots to verify the server's certificate with".to_owned())
        } else {
            Ok(roots)
        }
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, String> {
        let read = |path: &str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(ClientIdentity::new(read(certificate)?.into(), read(key)?.into())))
            }
            (None, None) => Ok(None),
            _ => Err("ssl-cert and ssl-key belong together".to_owned()),
        }
    }
}

fn mode(word: &str) -> Result<Mode, String> {
    match word.replace('-', "_").to_ascii_lowercase().as_str() {
        "disabled" => Ok(Mode::Disabled),
        "preferred" => Ok(Mode::Preferred),
        "required" => Ok(Mode::Required),
        "verify_ca" => Ok(Mode::VerifyCa),
        "verify_identity" => Ok(Mode::VerifyIdentity),
        _ => Err(format!(
            "ssl-mode={word} is not known; it is disabled, preferred, required, verify_ca or verify_identity"
        )),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(|found| found.collect::<Result<Vec<_>, _>>());
    read.map_err(|error| format!("{}: {error}", path.display()))
}
