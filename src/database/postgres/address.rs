//! From a URL to where to connect, as whom, and how.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::password_file::{PasswordFile, password_for};
use super::tls::{Tls, TlsFiles, Verification};
use super::{DatabaseError, Server};
use crate::database::words::Hidden;
use crate::job::ServerUrl;
use crate::os::user_name;
use crate::secrets::Secrets;

/// Parameters of the URL that are about TLS, and read here.
const TLS_PARAMETERS: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// How long a connection may take to be made, unless the URL says (`connect_timeout`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the peer is asked whether it is still there, and how often then.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(20), Duration::from_secs(10), 3);
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// How the URL of a server looks.
const FORM: &str = "postgres://user:${PASSWORD}@host:5432/database?sslmode=verify-full";

pub(super) fn server(url: &ServerUrl, secrets: &Secrets) -> Result<Server, DatabaseError> {
    let shown = url.shown();
    let wrong = |message: String| DatabaseError::Address { server: shown.clone(), message, form: FORM };
    let (spelled, hidden) = Hidden::in_url(url, secrets).map_err(wrong)?;
    let wrong = |message: String| wrong(hidden.masked(&message));
    let (tls, others) = without_tls(&spelled);
    let mut config: Config = others.parse().map_err(|error| wrong(why(&error)))?;
    let (mode, tls) = read_tls(&tls, secrets).map_err(wrong)?;
    config.ssl_mode(mode);
    complete(&mut config, secrets);
    let passed_over = complete_password(&mut config, secrets);
    Ok(Server { config: config.into(), tls: Tls::new(tls).map_err(wrong)?, shown, hidden, passed_over })
}

/// The parameters that are about TLS, and the URL without them, which is otherwise as it was.
fn without_tls(url: &str) -> (Vec<(String, String)>, String) {
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    let pairs = parameters.split('&').filter(|pair| !pair.is_empty());
    let named = pairs.map(|pair| (pair.split_once('=').unwrap_or((pair, "")), pair));
    let (tls, others): (Vec<_>, Vec<_>) = named.partition(|((name, _), _)| TLS_PARAMETERS.contains(name));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let tls = tls.into_iter().map(|((name, value), _)| (name.to_owned(), decoded(value))).collect();
    let others: Vec<&str> = others.into_iter().map(|(_, pair)| pair).collect();
    (tls, if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) })
}

/// What tokio-postgres says of a URL is about one parameter by name.
fn why(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| cause.to_string())
}

/// What the URL leaves open.
fn complete(config: &mut Config, secrets: &Secrets) {
    if config.get_user().is_none()
        && let Some(user) = secrets.find("PGUSER").or_else(user_name)
    {
        config.user(user);
    }
    if config.get_application_name().is_none() {
        config.application_name("windrow");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_hosts().is_empty() {
        config.host("localhost");
    }
    let (idle, interval, retries) = KEEPALIVE;
    config.keepalives_idle(idle).keepalives_interval(interval).keepalives_retries(retries);
    if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
}

/// The password, where the URL has none; the password file, where it was not read since others may read it.
fn complete_password(config: &mut Config, secrets: &Secrets) -> Option<PathBuf> {
    if config.get_password().is_some() {
        return None;
    }
    if let Some(password) = secrets.find("PGPASSWORD") {
        config.password(password);
        return None;
    }
    match PasswordFile::open(secrets) {
        PasswordFile::Missing => None,
        PasswordFile::Exposed(path) => Some(path),
        PasswordFile::Text(text) => {
            if let Some(password) = password_for(config, &text) {
                config.password(password);
            }
            None
        }
    }
}

fn read_tls(parameters: &[(String, String)], secrets: &Secrets) -> Result<(SslMode, TlsFiles), String> {
    let of = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let roots = of("sslrootcert").map(str::to_owned);
    let (mode, verification) = match of("sslmode").unwrap_or("prefer") {
        "disable" => (SslMode::Disable, Verification::None),
        "allow" | "prefer" => (SslMode::Prefer, Verification::None),
        "require" if roots.is_some() => (SslMode::Require, Verification::Chain),
        "require" => (SslMode::Require, Verification::None),
        "verify-ca" => (SslMode::Require, Verification::Chain),
        "verify-full" => (SslMode::Require, Verification::Full),
        other => {
            return Err(format!(
                "sslmode={other} is not known; it is disable, prefer, require, verify-ca or verify-full"
            ));
        }
    };
    let home = secrets.find("HOME").map(PathBuf::from);
    let own_roots = home.map(|home| home.join(".postgresql/root.crt")).filter(|path| path.is_file());
    let roots = match roots.as_deref() {
        Some("system") => None,
        Some(path) => Some(PathBuf::from(path)),
        None => own_roots,
    };
    let client = match (of("sslcert"), of("sslkey")) {
        (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
        (None, None) => None,
        _ => return Err("sslcert and sslkey belong together".to_owned()),
    };
    Ok((mode, TlsFiles { verification, roots, client }))
}
