//! HTTPS: both versions of HTTP, and certificates that nobody vouches for.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::raw::{Raw, Wire, http};
use crate::support::{Origin, Sandbox, ended};

/// A job that asks an HTTPS server for the version of HTTP that it was asked in.
fn job(sandbox: &Sandbox, port: u16) {
    sandbox.write("ids.txt", (0..100).map(|id| format!("{id}\n")).collect::<String>());
    sandbox.write(
        "secure.toml",
        format!(
            r#"
[job]
name = "secure"

[input]
file = "ids.txt"
id = "id"

[[endpoint]]
name = "echo"
url = "https://localhost:{port}/echo/{{id}}"
columns = {{ version = ".version" }}

[table]
to = "duckdb:secure.duckdb"
name = "secure"
mode = "append"

[publish]
min_success = 0.5
"#
        ),
    );
}

/// Runs the job with the authorities of this file only.
fn run_trusting(sandbox: &Sandbox, authorities: &std::path::Path) -> crate::support::Ended {
    let mut command = sandbox.command(["run", "secure.toml"]);
    command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
    ended(command)
}

#[test]
fn https_with_http_2_publishes_like_any_other() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--tls"]);
    job(&sandbox, origin.port);
    run_trusting(&sandbox, &origin.authority).with_code(0).saying("published 100 rows");
    assert_eq!(sandbox.query("secure", "SELECT DISTINCT version FROM rows"), ["HTTP/2.0"]);
}

#[test]
fn https_with_http_1_publishes_like_any_other() {
    let sandbox = Sandbox::new();
    let (config, authority) = tls_without_http_2();
    sandbox.write("authority.pem", authority);
    let server = Raw::serve_over(
        move |stream| Box::new(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)),
        |_| http("200 OK", "", r#"{"version":"HTTP/1.1"}"#),
    );
    job(&sandbox, server.port);
    run_trusting(&sandbox, &sandbox.path().join("authority.pem")).with_code(0).saying("published 100 rows");
    assert_eq!(server.asked(), 100);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_spoken_to() {
    let sandbox = Sandbox::new();
    let (origin, other) = (Origin::start(&["--tls"]), Origin::start(&["--tls"]));
    job(&sandbox, origin.port);
    let ended = run_trusting(&sandbox, &other.authority).with_code(1);
    ended.saying("not published: 0 % of the records succeeded").saying("certificate");
    let ends = "SELECT status, kind, requests, worth_repeating, count(*) FROM requests GROUP BY ALL";
    assert_eq!(sandbox.query("secure", ends), ["failed,tls,0,false,100"]);
    assert!(!sandbox.path().join("secure.duckdb").exists());
}

/// Where nothing tells a body's length, TLS does: an end without its alert (RFC 8446, section 6.1) is none.
#[test]
fn a_body_without_a_length_ends_when_tls_says_so() {
    // A run without one answer, whose only failure may be mended, gives up and settles nothing.
    for (ends_well, code, expected) in [(true, 0, &["ok,whole or not"][..]), (false, 75, &[])] {
        let sandbox = Sandbox::new();
        let (config, authority) = tls_without_http_2();
        sandbox.write("authority.pem", authority);
        let over_tls = move |stream| {
            let tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            if ends_well { Box::new(tls) as Box<dyn Wire> } else { Box::new(Abrupt(tls)) }
        };
        let server = Raw::serve_over(over_tls, |_| b"HTTP/1.0 200 OK\r\n\r\nwhole or not".to_vec());
        job(&sandbox, server.port);
        sandbox.edit("secure.toml", "{ version = \".version\" }", "{ version = '(?s)(.*)' }");
        sandbox.edit(
            "secure.toml",
            "name = \"echo\"",
            "name = \"echo\"\nformat = \"text\"\nretry.attempts = 2",
        );
        sandbox.edit(
            "secure.toml",
            "name = \"secure\"\n\n[input]",
            "name = \"secure\"\nretry_rounds = 0\n\n[input]",
        );
        sandbox.edit("secure.toml", "min_success = 0.5", "min_success = 0.0");
        sandbox.write("ids.txt", "1\n");
        let ended = run_trusting(&sandbox, &sandbox.path().join("authority.pem")).with_code(code);
        assert!(ends_well || ended.stderr.contains("close_notify"), "{}", ended.stderr);
        let end = "SELECT requests.status, version FROM requests JOIN input USING (ordinal)
                   LEFT JOIN rows USING (id)";
        assert_eq!(sandbox.query("secure", end), expected);
    }
}

/// TLS that ends as if its line had been cut.
struct Abrupt(StreamOwned<ServerConnection, TcpStream>);

impl Read for Abrupt {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Abrupt {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Wire for Abrupt {
    fn close(&mut self) -> std::io::Result<()> {
        self.0.flush()?;
        self.0.sock.shutdown(Shutdown::Write)
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) -> std::io::Result<()> {
        self.conn.send_close_notify();
        self.conn.complete_io(&mut self.sock).map(drop)
    }
}

/// TLS for `localhost` that agrees on HTTP/1.1 only, and the PEM of its authority.
fn tls_without_http_2() -> (Arc<ServerConfig>, String) {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), authority)
}
