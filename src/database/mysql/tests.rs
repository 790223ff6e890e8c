//! Connections to real servers: encrypted as `ssl-mode` says, with a password from each place where one may be.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::mariadb_server::{self, MariaDbServer};

const PASSWORD: &str = "geh:eim\\ p@ss/w%rd";

/// A server with TLS and passwords, and the files that belong to it.
struct Guarded {
    server: MariaDbServer,
    folder: tempfile::TempDir,
}

/// One for all tests: `ca.pem` signed its certificate, which is for `localhost` only; `other.pem` did not.
fn guarded() -> &'static Guarded {
    static GUARDED: OnceLock<Guarded> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name).display().to_string()
        };
        let (authority, other) = (authority(), authority());
        write("ca.pem", &authority.pem());
        write("other.pem", &other.pem());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let certificate = format!("--ssl-cert={}", write("server.crt", &certificate.pem()));
        let key = format!("--ssl-key={}", write("server.key", &key.serialize_pem()));
        let server = MariaDbServer::start(&[&certificate, &key]);
        let quoted = PASSWORD.replace('\\', "\\\\");
        server.rows(
            "",
            &format!(
                "CREATE DATABASE shop;
                 CREATE USER loader@'127.0.0.1' IDENTIFIED BY '{quoted}';
                 CREATE USER loader@localhost IDENTIFIED BY '{quoted}';
                 GRANT ALL ON shop.* TO loader@'127.0.0.1'; GRANT ALL ON shop.* TO loader@localhost;
                 CREATE USER guarded@'127.0.0.1' REQUIRE SSL; GRANT ALL ON shop.* TO guarded@'127.0.0.1'"
            ),
        );
        Guarded { server, folder }
    })
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// These secrets, and no file of the user who runs the tests.
fn secrets(values: &[(&str, &str)]) -> Secrets {
    let nowhere = [("HOME", "/nowhere")];
    let values = nowhere
        .into_iter()
        .chain(values.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Secrets::default().with_file(values.collect::<HashMap<_, _>>())
}

/// The answer to one question, or why there is none.
fn asked(url: &str, secrets: &Secrets, sql: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = ServerUrl::parse(url).unwrap();
    runtime.block_on(async {
        let session = Server::of(&url, secrets).map_err(told)?.connect().await.map_err(told)?;
        let answer = session.rows(sql).await.map_err(told)?[0].text(0);
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

const ENCRYPTED: &str = "SELECT IF(VARIABLE_VALUE = '', 'plain', 'tls') FROM information_schema.SESSION_STATUS \
     WHERE VARIABLE_NAME = 'Ssl_cipher'";

#[test]
fn tls_is_as_ssl_mode_says() {
    let Guarded { server, folder } = guarded();
    let (ca, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    let (ca, other) = (ca.display(), other.display());
    let cases = [
        // 127.0.0.1 is a name that is not in the certificate.
        ("127.0.0.1", "ssl-mode=disabled".to_owned(), Ok("plain")),
        ("127.0.0.1", String::new(), Ok("tls")),
        ("127.0.0.1", "ssl-mode=preferred".to_owned(), Ok("tls")),
        ("127.0.0.1", "ssl-mode=REQUIRED".to_owned(), Ok("tls")),
        ("127.0.0.1", format!("ssl-mode=required&ssl-ca={other}"), Ok("tls")),
        ("127.0.0.1", format!("ssl-mode=verify_ca&ssl-ca={ca}"), Ok("tls")),
        ("localhost", format!("ssl-mode=VERIFY_CA&ssl-ca={ca}"), Ok("tls")),
        ("127.0.0.1", format!("ssl-mode=verify_ca&ssl-ca={other}"), Err("certificate")),
        ("localhost", format!("ssl-mode=verify_ca&ssl-ca={other}"), Err("certificate")),
        ("localhost", format!("ssl_mode=verify_identity&ssl_ca={ca}"), Ok("tls")),
        ("127.0.0.1", format!("ssl-mode=verify_identity&ssl-ca={ca}"), Err("certificate")),
        ("localhost", format!("ssl-mode=verify-identity&ssl-ca={other}"), Err("certificate")),
        ("localhost", "ssl-mode=verify_ca".to_owned(), Err("certificate")),
        ("localhost", "ssl-mode=verify_identity".to_owned(), Err("certificate")),
    ];
    for (host, parameters, expected) in cases {
        let url = format!("mysql://root@{host}:{}/shop?{parameters}", server.port);
        match (asked(&url, &secrets(&[]), ENCRYPTED), expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{host} {parameters}"),
            (Err(said), Err(expected)) => {
                assert!(said.contains(expected), "{host} {parameters}: {said}");
                assert!(said.contains("\nhint: look at ssl-mode and ssl-ca in the URL"), "{said}");
            }
            (answer, _) => panic!("{host} {parameters}: {answer:?}"),
        }
    }
}

#[test]
fn a_user_who_must_encrypt_does() {
    let server = &guarded().server;
    let url = format!("mysql://guarded@127.0.0.1:{}/shop", server.port);
    assert_eq!(asked(&url, &secrets(&[]), ENCRYPTED).as_deref(), Ok("tls"));
}

#[test]
fn a_server_without_tls_is_left_where_tls_is_required() {
    let url = mariadb_server::shared().url("mysql");
    for mode in ["disabled", "preferred"] {
        assert_eq!(
            asked(&format!("{url}?ssl-mode={mode}"), &secrets(&[]), ENCRYPTED).as_deref(),
            Ok("plain")
        );
    }
    for mode in ["required", "verify_ca", "verify_identity"] {
        let said = asked(&format!("{url}?ssl-mode={mode}"), &secrets(&[]), ENCRYPTED).unwrap_err();
        assert!(
            said.contains("the server does not encrypt\nhint: let it, or take ssl-mode=disabled"),
            "{said}"
        );
    }
}

#[test]
fn what_is_wrong_with_the_url_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let said = |parameters: &str| {
        asked(&format!("mysql://u@127.0.0.1:9/db?{parameters}"), &secrets(&[]), "SELECT ''").unwrap_err()
    };
    assert!(said("ssl-mode=always").contains("ssl-mode=always is not known; it is disabled, preferred"));
    assert!(said("sslmode=require").contains("sslmode is PostgreSQL's word: write ssl-mode"));
    assert!(said("ssl-mode=verify_ca&ssl-ca=/gone.pem").contains("/gone.pem"));
    let empty = said(&format!("ssl-mode=verify_ca&ssl-ca={}", empty.display()));
    assert!(empty.contains("no roots to verify"), "{empty}");
    assert!(said("ssl-cert=/a.pem").contains("ssl-cert and ssl-key belong together"));
    assert!(said("ssl-cert=/a.pem&ssl-key=/b.pem").contains("/a.pem: "));
    assert!(said("charset=utf8").contains("charset is not known; a URL takes ssl-mode, ssl-ca,"));
    let said = asked("mysql://u@127.0.0.1:9/", &secrets(&[]), "SELECT ''").unwrap_err();
    assert!(said.contains("it names no database"), "{said}");
    let said = asked("mysql://u:${GONE}@127.0.0.1:9/db", &secrets(&[]), "SELECT ''").unwrap_err();
    assert!(said.contains("the secret GONE"), "{said}");
}

const WHO: &str = "SELECT concat(substring_index(user(), '@', 1), ' ', database())";

fn loader(host: &str) -> String {
    format!("mysql://loader@{host}:{}/shop", guarded().server.port)
}

/// An option file in a folder that is then somebody's home.
fn option_file(home: &Path, text: &str, mode: u32) -> Secrets {
    let path = home.join(".my.cnf");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    secrets(&[("HOME", home.to_str().unwrap())])
}

#[test]
fn the_password_may_stand_in_three_places() {
    let port = guarded().server.port;
    for scheme in ["mysql", "mariadb"] {
        let url = format!("{scheme}://loader:${{PASSWORD}}@127.0.0.1:{port}/shop");
        let who = asked(&url, &secrets(&[("PASSWORD", PASSWORD), ("MYSQL_PWD", "geheim")]), WHO);
        assert_eq!(who.as_deref(), Ok("loader shop"), "the URL comes first");
    }
    let who = asked(&loader("127.0.0.1"), &secrets(&[("MYSQL_PWD", PASSWORD)]), WHO);
    assert_eq!(who.as_deref(), Ok("loader shop"));
    let home = tempfile::tempdir().unwrap();
    let file = option_file(home.path(), &format!("[client]\nuser=loader\npassword=\"{PASSWORD}\"\n"), 0o600);
    assert_eq!(asked(&loader("127.0.0.1"), &file, WHO).as_deref(), Ok("loader shop"));
    let nameless = format!("mysql://127.0.0.1:{port}/shop");
    assert_eq!(asked(&nameless, &file, WHO).as_deref(), Ok("loader shop"), "the user, too");
    let socket = format!("{nameless}?socket={}", guarded().server.socket().display());
    assert_eq!(asked(&socket, &file, WHO).as_deref(), Ok("loader shop"), "by the socket, too");
    let said = asked(&format!("{socket}&ssl-mode=required"), &file, WHO).unwrap_err();
    assert!(said.contains("a socket is not encrypted: leave ssl-mode out"), "{said}");
}

#[test]
fn an_option_file_that_others_may_read_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let file = option_file(home.path(), &format!("[client]\npassword='{PASSWORD}'\n"), 0o640);
    let said = asked(&loader("127.0.0.1"), &file, WHO).unwrap_err();
    let path = home.path().join(".my.cnf");
    let path = path.display();
    let hint = format!("\nhint: {path} was not read, since others may read it: chmod 600 {path}");
    assert!(said.ends_with(&hint), "{said}");
}

#[test]
fn a_refused_login_says_what_to_do() {
    let wrong = secrets(&[("MYSQL_PWD", "geheimer")]);
    let said = asked(&loader("127.0.0.1"), &wrong, WHO).unwrap_err();
    assert!(said.contains("Access denied for user 'loader'@'127.0.0.1' (using password: YES)"), "{said}");
    assert!(said.contains("\nhint: set the password: ${NAME} in the URL, MYSQL_PWD, or ~/.my.cnf"), "{said}");
    let url = loader("127.0.0.1").replace("loader@", "loader:${WORD}@");
    let said = asked(&url, &secrets(&[("WORD", "geheimer")]), WHO).unwrap_err();
    assert!(said.contains("Access denied for user 'loader'"), "{said}");
    let said = asked(&loader("127.0.0.1"), &secrets(&[]), WHO).unwrap_err();
    assert!(said.contains("(using password: NO)\nhint: set the password"), "{said}");
    let other = loader("127.0.0.1").replace("/shop", "/mysql");
    let said = asked(&other, &secrets(&[("MYSQL_PWD", PASSWORD)]), WHO).unwrap_err();
    assert!(said.contains("to database 'mysql'\nhint: GRANT this user rights in that database"), "{said}");
    let said = asked(&mariadb_server::shared().url("no_such"), &secrets(&[]), WHO).unwrap_err();
    assert!(said.contains("Unknown database 'no_such'\nhint: the database must be there"), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let places = [
        format!("mysql://u@127.0.0.1:{nobody}/db"),
        "mysql://u@no-such-host.invalid/db".to_owned(),
        "mysql://u@localhost/db?socket=/nowhere/mysqld.sock".to_owned(),
    ];
    for place in places {
        let said = asked(&place, &secrets(&[("MYSQL_PWD", PASSWORD)]), WHO).unwrap_err();
        assert!(said.contains("\nhint: is the server running there"), "{place}: {said}");
    }
}

#[test]
fn what_a_server_repeats_of_the_urls_secrets_has_their_names() {
    let port = guarded().server.port;
    let url = format!("mysql://loader:${{WORD}}@127.0.0.1:{port}/shop");
    let said =
        asked(&url, &secrets(&[("WORD", PASSWORD)]), "SELECT * FROM `geh:eim\\ p@ss/w%rd`").unwrap_err();
    assert!(said.contains("${WORD}"), "{said}");
}

#[test]
fn a_login_that_windrow_does_not_know_is_told() {
    let server = mariadb_server::shared();
    let made = server.database();
    server.rows(
        "",
        &format!(
            "INSTALL SONAME 'auth_ed25519'; CREATE USER modern@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')"
        ),
    );
    let url = format!("mysql://modern@127.0.0.1:{}/{}", server.port, made.name);
    let said = asked(&url, &secrets(&[("MYSQL_PWD", PASSWORD)]), WHO).unwrap_err();
    assert!(said.contains("Unknown authentication plugin `ed25519'"), "{said}");
    assert!(
        said.contains("\nhint: let the user log in by mysql_native_password or caching_sha2_password"),
        "{said}"
    );
}

#[test]
fn a_statement_is_cancelled_from_outside() {
    let url = ServerUrl::parse(&mariadb_server::shared().url("mysql")).unwrap();
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
            ended = session.run("SELECT count(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq + b.seq < 0") => ended.unwrap_err(),
            () = cancelling => unreachable!("it goes on"),
        }
    });
    assert!(matches!(&error, DatabaseError::Refused { trouble: Trouble::Cancelled, .. }), "{error}");
}
