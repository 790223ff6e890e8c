//! Connections to real servers: encrypted as `sslmode` says, with a password from each place where one may be.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::database::Trouble;
use crate::postgres_server::{self, PostgresServer};

const PASSWORD: &str = "geh:eim\\ p@ss/w%rd";

/// Whoever is not the superuser has a password, and comes by TCP or by the socket.
const HBA: &str = "host all postgres 127.0.0.1/32 trust\nlocal all all scram-sha-256\n\
                   host all loader 127.0.0.1/32 scram-sha-256\n";

/// A server with TLS and passwords, and the files that belong to it.
struct Guarded {
    server: PostgresServer,
    folder: tempfile::TempDir,
}

/// One for all tests: `ca.pem` signed its certificate, `other.pem` did not.
fn guarded() -> &'static Guarded {
    static GUARDED: OnceLock<Guarded> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (authority, other) = (authority(), authority());
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let server = PostgresServer::start_with_files(
            &[("fsync", "off"), ("ssl", "on")],
            &[("server.crt", &certificate.pem()), ("server.key", &key.serialize_pem()), ("pg_hba.conf", HBA)],
        );
        let made = server.database();
        made.execute(&format!("CREATE ROLE loader LOGIN PASSWORD '{PASSWORD}'"));
        made.rows("CREATE DATABASE loader");
        Guarded { server, folder }
    })
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn secrets(values: &[(&str, &str)]) -> Secrets {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Secrets::default().with_file(values.collect::<HashMap<_, _>>())
}

/// The answer to one question, or why there is none.
fn asked(url: &str, secrets: &Secrets, sql: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = ServerUrl::parse(url).unwrap();
    runtime.block_on(async {
        let session = Server::of(&url, secrets).map_err(told)?.connect().await.map_err(told)?;
        let row = session.client().query_one(sql, &[]).await.map_err(|error| told(session.failed(&error)))?;
        let answer = row.get(0);
        session.close().await;
        Ok(answer)
    })
}

/// An error as it is seen, which never has a password in it.
fn told(error: DatabaseError) -> String {
    let told = format!("{error}");
    for shown in [&told, &format!("{error:?}")] {
        assert!(!shown.contains("geh") && !shown.contains("p@ss"), "{shown}");
    }
    told
}

const ENCRYPTED: &str =
    "SELECT CASE WHEN ssl THEN 'tls' ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

#[test]
fn tls_is_as_sslmode_says() {
    let Guarded { server, folder } = guarded();
    let port = server.port;
    let (ca, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    let (ca, other) = (ca.display(), other.display());
    // A name that is not in the certificate, at the same address.
    let elsewhere = format!("wrong.example:{port}/postgres?hostaddr=127.0.0.1&");
    let (here, by_name) = (format!("127.0.0.1:{port}/postgres?"), format!("localhost:{port}/postgres?"));
    let cases = [
        (&here, "sslmode=disable".to_owned(), Ok("plain")),
        (&here, String::new(), Ok("tls")),
        (&here, "sslmode=prefer".to_owned(), Ok("tls")),
        (&here, "sslmode=allow".to_owned(), Ok("tls")),
        (&here, "sslmode=require".to_owned(), Ok("tls")),
        (&here, format!("sslmode=require&sslrootcert={other}"), Err("certificate")),
        (&here, format!("sslmode=verify-ca&sslrootcert={ca}"), Ok("tls")),
        (&here, format!("sslmode=verify-ca&sslrootcert={other}"), Err("certificate")),
        (&elsewhere, format!("sslmode=verify-ca&sslrootcert={ca}"), Ok("tls")),
        (&elsewhere, format!("sslmode=verify-ca&sslrootcert={other}"), Err("certificate")),
        (&here, format!("sslmode=verify-full&sslrootcert={ca}"), Ok("tls")),
        (&by_name, format!("sslmode=verify-full&sslrootcert={ca}"), Ok("tls")),
        (&elsewhere, format!("sslmode=verify-full&sslrootcert={ca}"), Err("certificate")),
        (&here, format!("sslmode=verify-full&sslrootcert={other}"), Err("certificate")),
        (&here, "sslmode=verify-full".to_owned(), Err("certificate")),
    ];
    for (place, parameters, expected) in cases {
        let answer = asked(&format!("postgres://postgres@{place}{parameters}"), &secrets(&[]), ENCRYPTED);
        match (&answer, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{parameters}"),
            (Err(said), Err(expected)) => {
                assert!(said.contains(expected), "{parameters}: {said}");
                assert!(said.contains("\nhint: look at sslmode and sslrootcert"), "{said}");
            }
            _ => panic!("{place}{parameters}: {answer:?}"),
        }
    }
}

#[test]
fn what_a_server_repeats_of_the_urls_secrets_has_their_names() {
    let place = postgres_server::shared().url("postgres").replace("postgres://", "");
    let (_, place) = place.split_once('@').unwrap_or(("", &place));
    let url = format!("postgres://postgres:${{WORD}}@{place}");
    let secret = secrets(&[("WORD", "open-sesame")]);
    let said = asked(&url, &secret, "SELECT 'open-sesame'::integer::text").unwrap_err();
    assert!(said.contains("invalid input syntax for type integer: \"${WORD}\""), "{said}");
    assert!(!said.contains("open-sesame"), "{said}");
}

#[test]
fn a_server_without_tls_is_left_where_tls_is_required() {
    let url = postgres_server::shared().url("postgres");
    for mode in ["disable", "allow", "prefer"] {
        assert_eq!(asked(&format!("{url}?sslmode={mode}"), &secrets(&[]), ENCRYPTED).as_deref(), Ok("plain"));
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = asked(&format!("{url}?sslmode={mode}"), &secrets(&[]), ENCRYPTED).unwrap_err();
        assert!(said.contains("server does not support TLS\nhint: look at sslmode"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_tls_files_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let said = |parameters: &str| {
        asked(&format!("postgres://u@127.0.0.1:9/db?{parameters}"), &secrets(&[]), "SELECT ''").unwrap_err()
    };
    assert!(said("sslmode=always").contains("sslmode=always is not known; it is disable"));
    assert!(said("sslmode=verify-ca&sslrootcert=/gone.pem").contains("/gone.pem"));
    assert!(
        said(&format!("sslmode=verify-ca&sslrootcert={}", empty.display())).contains("has no certificate")
    );
    assert!(said("sslcert=/a.pem").contains("sslcert and sslkey belong together"));
    assert!(said("sslmdoe=require").contains("sslmdoe"));
}

const WHO: &str = "SELECT current_user || ' ' || current_database()";

fn loader(host: &str) -> String {
    format!("postgres://loader@{host}:{}/postgres", guarded().server.port)
}

/// A password file with one line.
fn password_file(folder: &Path, line: &str, mode: u32) -> PathBuf {
    let path = folder.join("passwords");
    fs::write(&path, format!("# mine\n{line}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// [`PASSWORD`] as the password file has it.
fn escaped() -> String {
    PASSWORD.replace('\\', "\\\\").replace(':', "\\:")
}

#[test]
fn the_password_may_stand_in_three_places() {
    let port = guarded().server.port;
    let url = format!("postgres://loader:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres");
    let who = asked(&url, &secrets(&[("PG_PASSWORD", PASSWORD), ("PGPASSWORD", "geheim")]), WHO);
    assert_eq!(who.as_deref(), Ok("loader postgres"), "the URL comes first");
    let who = asked(&loader("127.0.0.1"), &secrets(&[("PGPASSWORD", PASSWORD)]), WHO);
    assert_eq!(who.as_deref(), Ok("loader postgres"));
    let folder = tempfile::tempdir().unwrap();
    let file = password_file(folder.path(), &format!("127.0.0.1:{port}:*:loader:{}", escaped()), 0o600);
    let named = [("PGPASSFILE", file.to_str().unwrap()), ("HOME", "/nowhere")];
    assert_eq!(asked(&loader("127.0.0.1"), &secrets(&named), WHO).as_deref(), Ok("loader postgres"));
    fs::rename(&file, folder.path().join(".pgpass")).unwrap();
    let home = secrets(&[("HOME", folder.path().to_str().unwrap())]);
    assert_eq!(asked(&loader("127.0.0.1"), &home, WHO).as_deref(), Ok("loader postgres"));
    let said = asked(&loader("localhost"), &home, WHO).unwrap_err();
    assert!(said.contains("password missing\nhint: set the password"), "{said}");
}

#[test]
fn a_password_file_that_others_may_read_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = password_file(folder.path(), &format!("*:*:*:*:{}", escaped()), 0o640);
    let path = file.to_str().unwrap();
    let said = asked(&loader("127.0.0.1"), &secrets(&[("PGPASSFILE", path)]), WHO).unwrap_err();
    let hint = format!("\nhint: {path} was not read, since others may read it: chmod 600 {path}");
    assert!(said.ends_with(&hint), "{said}");
    let who = asked(&loader("127.0.0.1"), &secrets(&[("PGPASSFILE", path), ("PGPASSWORD", PASSWORD)]), WHO);
    assert_eq!(who.as_deref(), Ok("loader postgres"));
}

#[test]
fn a_refused_login_says_what_to_do() {
    let wrong = secrets(&[("PGPASSWORD", "geheimer")]);
    let said = asked(&loader("127.0.0.1"), &wrong, WHO).unwrap_err();
    assert!(
        said.contains("password authentication failed for user \"loader\"\nhint: set the password"),
        "{said}"
    );
    let said = asked(&loader("127.0.0.1"), &secrets(&[]), WHO).unwrap_err();
    assert!(said.contains("hint: set the password: ${NAME} in the URL"), "{said}");
    let stranger = format!("postgres://stranger@127.0.0.1:{}/postgres", guarded().server.port);
    let said = asked(&stranger, &wrong, WHO).unwrap_err();
    assert!(said.contains("\nhint: the server's pg_hba.conf does not let"), "{said}");
    let said = asked(&postgres_server::shared().url("no_such"), &secrets(&[]), WHO).unwrap_err();
    assert!(said.contains("database \"no_such\" does not exist\nhint: the database must be there"), "{said}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let said = asked(&format!("postgres://u@127.0.0.1:{nobody}/db"), &secrets(&[]), WHO).unwrap_err();
    assert!(
        said.contains("onnection refused") && said.contains("\nhint: is the server running there"),
        "{said}"
    );
}

#[test]
fn a_socket_is_named_by_its_folder() {
    let server = &guarded().server;
    let (sockets, port) = (server.sockets().display(), server.port);
    let url = format!("postgres:///postgres?host={sockets}&port={port}&user=loader");
    let who = asked(&url, &secrets(&[("PGPASSWORD", PASSWORD)]), WHO);
    assert_eq!(who.as_deref(), Ok("loader postgres"));
    let folder = tempfile::tempdir().unwrap();
    let file =
        password_file(folder.path(), &format!("{sockets}:{port}:postgres:loader:{}", escaped()), 0o600);
    let who = asked(&url, &secrets(&[("PGPASSFILE", file.to_str().unwrap())]), WHO);
    assert_eq!(who.as_deref(), Ok("loader postgres"));
    let gone = format!("postgres:///postgres?host={}&port={port}&user=loader", folder.path().display());
    let said = asked(&gone, &secrets(&[]), WHO).unwrap_err();
    assert!(said.contains("\nhint: is the server running there"), "{said}");
}

#[test]
fn whoever_is_not_named_is_the_user_of_the_environment() {
    let server = postgres_server::shared();
    let url = format!("postgres://127.0.0.1:{}/postgres", server.port);
    let who = asked(&url, &secrets(&[("PGUSER", "postgres")]), WHO);
    assert_eq!(who.as_deref(), Ok("postgres postgres"));
    let own = crate::os::user_name().unwrap();
    if own != "postgres" {
        server.database().execute(&format!("CREATE ROLE \"{own}\" LOGIN"));
    }
    assert_eq!(asked(&url, &secrets(&[]), WHO), Ok(format!("{own} postgres")));
    let guarded = format!("postgres://127.0.0.1:{}", guarded().server.port);
    let values = secrets(&[("PGUSER", "loader"), ("PGPASSWORD", PASSWORD)]);
    assert_eq!(asked(&guarded, &values, WHO).as_deref(), Ok("loader loader"), "the database is the user's");
}

#[test]
fn other_parameters_reach_the_server_as_they_are_written() {
    let url = postgres_server::shared().url("postgres");
    let url = format!("{url}?options=-c%20work_mem%3D123kB&sslmode=disable&application_name=a+b");
    let sql = "SELECT current_setting('work_mem') || ' ' || current_setting('application_name')";
    assert_eq!(asked(&url, &secrets(&[]), sql).as_deref(), Ok("123kB a+b"));
}

#[test]
fn a_statement_is_cancelled_from_outside() {
    let url = ServerUrl::parse(&postgres_server::shared().url("postgres")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let session = Server::of(&url, &Secrets::default()).unwrap().connect().await.unwrap();
        let canceller = session.canceller();
        // Until the statement is there, there is nothing to cancel.
        let cancelling = async {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                canceller.cancel().await;
            }
        };
        tokio::select! {
            ended = session.run("SELECT pg_sleep(60)") => ended.unwrap_err(),
            () = cancelling => unreachable!("it goes on"),
        }
    });
    assert!(matches!(&error, DatabaseError::Refused { trouble: Trouble::Cancelled, .. }), "{error}");
}
