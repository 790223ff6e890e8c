//! Connections to real servers: encrypted as the URL says, with a password from each place where one may be.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::{DatabaseError, Server, Trouble};
use crate::engines::{Engine, on_each};
use crate::job::ServerUrl;
use crate::mariadb_server::{self, MariaDbServer};
use crate::postgres_server::{self, PostgresServer};
use crate::secrets::Secrets;

on_each! {
    [postgres, mariadb]
    tls_is_as_the_url_says,
    a_server_without_tls_is_left_where_tls_is_required,
    what_is_wrong_with_the_url_is_told_before_anybody_is_asked,
    the_password_may_stand_in_three_places,
    a_password_file_that_others_may_read_is_passed_over,
    a_refused_login_says_what_to_do,
    a_server_that_is_not_there_is_told,
    what_a_server_repeats_of_the_urls_secrets_has_their_names,
    a_statement_is_cancelled_from_outside;
}

const PASSWORD: &str = "geh:eim\\ p@ss/w%rd";

/// A server with TLS and passwords, and the files that belong to it: `ca.pem` signed its certificate, `other.pem` did not.
struct Guarded<S> {
    server: S,
    folder: tempfile::TempDir,
}

/// Its folder, with the authorities, and a certificate for these names, with its key.
fn certified(names: &[&str]) -> (tempfile::TempDir, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (ours, other) = (authority(), authority());
    fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &ours).unwrap();
    (folder, [certificate.pem(), key.serialize_pem()])
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Whoever is not the superuser has a password, and comes by TCP or by the socket.
const HBA: &str = "host all postgres 127.0.0.1/32 trust\nlocal all all scram-sha-256\n\
                   host all loader 127.0.0.1/32 scram-sha-256\n";

/// PostgreSQL's, certified for `localhost` and 127.0.0.1.
fn postgres() -> &'static Guarded<PostgresServer> {
    static GUARDED: OnceLock<Guarded<PostgresServer>> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let (folder, [certificate, key]) = certified(&["localhost", "127.0.0.1"]);
        let files = [("server.crt", &*certificate), ("server.key", &*key), ("pg_hba.conf", HBA)];
        let server = PostgresServer::start_with_files(&[("fsync", "off"), ("ssl", "on")], &files);
        let made = server.database();
        made.execute(&format!("CREATE ROLE loader LOGIN PASSWORD '{PASSWORD}'"));
        made.rows("CREATE DATABASE loader");
        Guarded { server, folder }
    })
}

/// MariaDB's, certified for `localhost` only.
fn mariadb() -> &'static Guarded<MariaDbServer> {
    static GUARDED: OnceLock<Guarded<MariaDbServer>> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let (folder, pems) = certified(&["localhost"]);
        let [certificate, key] = ["server.crt", "server.key"].map(|name| folder.path().join(name));
        fs::write(&certificate, &pems[0]).unwrap();
        fs::write(&key, &pems[1]).unwrap();
        let server = MariaDbServer::start(&[
            &format!("--ssl-cert={}", certificate.display()),
            &format!("--ssl-key={}", key.display()),
        ]);
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

/// The port of the guarded server, and its folder with the authorities.
fn guarded(on: Engine) -> (u16, &'static Path) {
    match on {
        Engine::Postgres => (postgres().server.port, postgres().folder.path()),
        _ => (mariadb().server.port, mariadb().folder.path()),
    }
}

/// The URL of the server that tests share, which does not encrypt.
fn unguarded(on: Engine, database: &str) -> String {
    match on {
        Engine::Postgres => postgres_server::shared().url(database),
        _ => mariadb_server::shared().url(database),
    }
}

/// The URL of who needs a password.
fn loader(on: Engine, host: &str) -> String {
    let (port, _) = guarded(on);
    match on {
        Engine::Postgres => format!("postgres://loader@{host}:{port}/postgres"),
        _ => format!("mysql://loader@{host}:{port}/shop"),
    }
}

/// Where each server's own programs look for a password.
fn variable(on: Engine) -> &'static str {
    if on == Engine::Postgres { "PGPASSWORD" } else { "MYSQL_PWD" }
}

/// These secrets, and no file of the user who runs the tests.
fn secrets(values: &[(&str, &str)]) -> Secrets {
    let values = [("HOME", "/nowhere")].into_iter().chain(values.iter().copied());
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Secrets::default().with_file(values.collect::<HashMap<_, _>>())
}

/// The answer to one question, or why there is none.
async fn asked(url: &str, secrets: &Secrets, sql: &str) -> Result<String, String> {
    let url = ServerUrl::parse(url).unwrap();
    let session = Server::of(&url, secrets).map_err(told)?.connect().await.map_err(told)?;
    let answer = session.row(sql).await.map_err(told)?.text(0);
    session.close().await;
    Ok(answer)
}

/// An error as it is seen, which never has a password in it.
fn told(error: DatabaseError) -> String {
    let told = format!("{error}");
    for shown in [&told, &format!("{error:?}")] {
        assert!(!shown.contains("geh") && !shown.contains("p@ss"), "{shown}");
    }
    told
}

/// Whether the connection is encrypted.
fn encrypted(on: Engine) -> &'static str {
    match on {
        Engine::Postgres => {
            "SELECT CASE WHEN ssl THEN 'tls' ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        }
        _ => {
            "SELECT IF(VARIABLE_VALUE = '', 'plain', 'tls') FROM information_schema.SESSION_STATUS \
             WHERE VARIABLE_NAME = 'Ssl_cipher'"
        }
    }
}

/// User and database.
fn who(on: Engine) -> &'static str {
    match on {
        Engine::Postgres => "SELECT current_user || ' ' || current_database()",
        _ => "SELECT concat(substring_index(user(), '@', 1), ' ', database())",
    }
}

/// Places and parameters, with what comes of them: of PostgreSQL `elsewhere` is a name that is not in the certificate, of
/// MariaDB 127.0.0.1. CA and OTHER are files.
const POSTGRES_TLS: [(&str, &str, Result<&str, &str>); 15] = [
    ("here", "sslmode=disable", Ok("plain")),
    ("here", "", Ok("tls")),
    ("here", "sslmode=prefer", Ok("tls")),
    ("here", "sslmode=allow", Ok("tls")),
    ("here", "sslmode=require", Ok("tls")),
    ("here", "sslmode=require&sslrootcert=OTHER", Err("certificate")),
    ("here", "sslmode=verify-ca&sslrootcert=CA", Ok("tls")),
    ("here", "sslmode=verify-ca&sslrootcert=OTHER", Err("certificate")),
    ("elsewhere", "sslmode=verify-ca&sslrootcert=CA", Ok("tls")),
    ("elsewhere", "sslmode=verify-ca&sslrootcert=OTHER", Err("certificate")),
    ("here", "sslmode=verify-full&sslrootcert=CA", Ok("tls")),
    ("localhost", "sslmode=verify-full&sslrootcert=CA", Ok("tls")),
    ("elsewhere", "sslmode=verify-full&sslrootcert=CA", Err("certificate")),
    ("here", "sslmode=verify-full&sslrootcert=OTHER", Err("certificate")),
    ("here", "sslmode=verify-full", Err("certificate")),
];

const MARIADB_TLS: [(&str, &str, Result<&str, &str>); 14] = [
    ("elsewhere", "ssl-mode=disabled", Ok("plain")),
    ("elsewhere", "", Ok("tls")),
    ("elsewhere", "ssl-mode=preferred", Ok("tls")),
    ("elsewhere", "ssl-mode=REQUIRED", Ok("tls")),
    ("elsewhere", "ssl-mode=required&ssl-ca=OTHER", Ok("tls")),
    ("elsewhere", "ssl-mode=verify_ca&ssl-ca=CA", Ok("tls")),
    ("localhost", "ssl-mode=VERIFY_CA&ssl-ca=CA", Ok("tls")),
    ("elsewhere", "ssl-mode=verify_ca&ssl-ca=OTHER", Err("certificate")),
    ("localhost", "ssl-mode=verify_ca&ssl-ca=OTHER", Err("certificate")),
    ("localhost", "ssl_mode=verify_identity&ssl_ca=CA", Ok("tls")),
    ("elsewhere", "ssl-mode=verify_identity&ssl-ca=CA", Err("certificate")),
    ("localhost", "ssl-mode=verify-identity&ssl-ca=OTHER", Err("certificate")),
    ("localhost", "ssl-mode=verify_ca", Err("certificate")),
    ("localhost", "ssl-mode=verify_identity", Err("certificate")),
];

async fn tls_is_as_the_url_says(on: Engine) {
    let (port, folder) = guarded(on);
    let place = |place: &str| match (on, place) {
        (Engine::Postgres, "elsewhere") => {
            format!("postgres://postgres@wrong.example:{port}/postgres?hostaddr=127.0.0.1&")
        }
        (Engine::Postgres, "localhost") => format!("postgres://postgres@localhost:{port}/postgres?"),
        (Engine::Postgres, _) => format!("postgres://postgres@127.0.0.1:{port}/postgres?"),
        (_, "localhost") => format!("mysql://root@localhost:{port}/shop?"),
        _ => format!("mysql://root@127.0.0.1:{port}/shop?"),
    };
    let (cases, hint): (&[_], _) = match on {
        Engine::Postgres => (&POSTGRES_TLS, "\nhint: look at sslmode and sslrootcert in the URL"),
        _ => (&MARIADB_TLS, "\nhint: look at ssl-mode and ssl-ca in the URL"),
    };
    for (host, parameters, expected) in cases {
        let file = |name: &str| folder.join(name).display().to_string();
        let named = parameters.replace("=CA", &format!("={}", file("ca.pem")));
        let named = named.replace("=OTHER", &format!("={}", file("other.pem")));
        let answer = asked(&(place(host) + &named), &secrets(&[]), encrypted(on)).await;
        match (&answer, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{host} {parameters}"),
            (Err(said), Err(expected)) => {
                assert!(said.contains(expected) && said.contains(hint), "{host} {parameters}: {said}");
            }
            _ => panic!("{host} {parameters}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_user_of_mariadb_who_must_encrypt_does() {
    let url = format!("mysql://guarded@127.0.0.1:{}/shop", mariadb().server.port);
    assert_eq!(asked(&url, &secrets(&[]), encrypted(Engine::MariaDb)).await.as_deref(), Ok("tls"));
}

async fn a_server_without_tls_is_left_where_tls_is_required(on: Engine) {
    let (lenient, strict, words): (&[&str], &[&str], _) = match on {
        Engine::Postgres => (
            &["sslmode=disable", "sslmode=allow", "sslmode=prefer"],
            &["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"],
            "server does not support TLS\nhint: look at sslmode",
        ),
        _ => (
            &["ssl-mode=disabled", "ssl-mode=preferred"],
            &["ssl-mode=required", "ssl-mode=verify_ca", "ssl-mode=verify_identity"],
            "the server does not encrypt\nhint: let it, or take ssl-mode=disabled",
        ),
    };
    let url = unguarded(on, on.own(["postgres", "mysql", ""]));
    for mode in lenient {
        let answer = asked(&format!("{url}?{mode}"), &secrets(&[]), encrypted(on)).await;
        assert_eq!(answer.as_deref(), Ok("plain"), "{mode}");
    }
    for mode in strict {
        let said = asked(&format!("{url}?{mode}"), &secrets(&[]), encrypted(on)).await.unwrap_err();
        assert!(said.contains(words), "{mode}: {said}");
    }
}

async fn what_is_wrong_with_the_url_is_told_before_anybody_is_asked(on: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let empty = empty.display();
    let cases = match on {
        Engine::Postgres => vec![
            ("db?sslmode=always".to_owned(), "sslmode=always is not known; it is disable"),
            ("db?sslmode=verify-ca&sslrootcert=/gone.pem".to_owned(), "/gone.pem"),
            (format!("db?sslmode=verify-ca&sslrootcert={empty}"), "has no certificate"),
            ("db?sslcert=/a.pem".to_owned(), "sslcert and sslkey belong together"),
            ("db?sslmdoe=require".to_owned(), "sslmdoe"),
        ],
        _ => vec![
            ("db?ssl-mode=always".to_owned(), "ssl-mode=always is not known; it is disabled, preferred"),
            ("db?sslmode=require".to_owned(), "sslmode is PostgreSQL's word: write ssl-mode"),
            ("db?ssl-mode=verify_ca&ssl-ca=/gone.pem".to_owned(), "/gone.pem"),
            (format!("db?ssl-mode=verify_ca&ssl-ca={empty}"), "no roots to verify"),
            ("db?ssl-cert=/a.pem".to_owned(), "ssl-cert and ssl-key belong together"),
            ("db?ssl-cert=/a.pem&ssl-key=/b.pem".to_owned(), "/a.pem: "),
            ("db?charset=utf8".to_owned(), "charset is not known; a URL takes ssl-mode, ssl-ca,"),
            (String::new(), "it names no database"),
        ],
    };
    let scheme = on.own(["postgres", "mysql", ""]);
    for (rest, words) in cases {
        let url = format!("{scheme}://u@127.0.0.1:9/{rest}");
        let said = asked(&url, &secrets(&[]), "SELECT ''").await.unwrap_err();
        assert!(said.contains(words), "{url}: {said}");
    }
    let url = format!("{scheme}://u:${{GONE}}@127.0.0.1:9/db");
    let said = asked(&url, &secrets(&[]), "SELECT ''").await.unwrap_err();
    assert!(said.contains("the secret GONE is not set: export GONE=…"), "{said}");
    let mode = on.own(["sslmode", "ssl-mode", ""]);
    let url = format!("{scheme}://u@127.0.0.1:9/db?{mode}=${{MODE}}");
    let said = asked(&url, &secrets(&[("MODE", "geheim-7")]), "SELECT ''").await.unwrap_err();
    assert!(said.contains(&format!("{mode}=${{MODE}} is not known")) && !said.contains("geheim"), "{said}");
}

/// Writes a file with a password where the server's own programs look for it in a home; secrets of who lives there.
fn at_home(home: &Path, on: Engine, text: &str, mode: u32) -> (PathBuf, Secrets) {
    let path = home.join(if on == Engine::Postgres { ".pgpass" } else { ".my.cnf" });
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (path, secrets(&[("HOME", home.to_str().unwrap())]))
}

/// Such a file for a host or the folder of a socket, and any database.
fn password_file(on: Engine, host: &str) -> String {
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    match on {
        Engine::Postgres => format!("# mine\n{host}:{}:*:loader:{escaped}\n", guarded(on).0),
        _ => format!("[client]\nuser=loader\npassword=\"{PASSWORD}\"\n"),
    }
}

async fn the_password_may_stand_in_three_places(on: Engine) {
    let (me, who) = (on.own(["loader postgres", "loader shop", ""]), who(on));
    for scheme in on.own([["postgres", "postgresql"], ["mysql", "mariadb"], [""; 2]]) {
        let url = loader(on, "127.0.0.1").replace("loader@", "loader:${WORD}@");
        let (_, rest) = url.split_once("://").unwrap();
        let both = secrets(&[("WORD", PASSWORD), (variable(on), "geheim")]);
        let answer = asked(&format!("{scheme}://{rest}"), &both, who).await;
        assert_eq!(answer.as_deref(), Ok(me), "the URL comes first");
    }
    let answer = asked(&loader(on, "127.0.0.1"), &secrets(&[(variable(on), PASSWORD)]), who).await;
    assert_eq!(answer.as_deref(), Ok(me));
    let home = tempfile::tempdir().unwrap();
    let (_, at_home) = at_home(home.path(), on, &password_file(on, "127.0.0.1"), 0o600);
    assert_eq!(asked(&loader(on, "127.0.0.1"), &at_home, who).await.as_deref(), Ok(me));
}

#[tokio::test]
async fn a_password_file_of_postgres_is_of_its_hosts_and_may_be_named() {
    let (on, home) = (Engine::Postgres, tempfile::tempdir().unwrap());
    let (file, at_home) = at_home(home.path(), on, &password_file(on, "127.0.0.1"), 0o600);
    let said = asked(&loader(on, "localhost"), &at_home, who(on)).await.unwrap_err();
    assert!(said.contains("password missing\nhint: set the password"), "{said}");
    let named = secrets(&[("PGPASSFILE", file.to_str().unwrap())]);
    assert_eq!(asked(&loader(on, "127.0.0.1"), &named, who(on)).await.as_deref(), Ok("loader postgres"));
}

#[tokio::test]
async fn an_option_file_of_mariadb_has_the_user_too_and_is_of_sockets() {
    let (on, home) = (Engine::MariaDb, tempfile::tempdir().unwrap());
    let (_, file) = at_home(home.path(), on, &password_file(on, ""), 0o600);
    let nameless = loader(on, "127.0.0.1").replace("loader@", "");
    assert_eq!(asked(&nameless, &file, who(on)).await.as_deref(), Ok("loader shop"), "the user, too");
    let socket = format!("{nameless}?socket={}", mariadb().server.socket().display());
    assert_eq!(asked(&socket, &file, who(on)).await.as_deref(), Ok("loader shop"), "by the socket, too");
    let said = asked(&format!("{socket}&ssl-mode=required"), &file, who(on)).await.unwrap_err();
    assert!(said.contains("a socket is not encrypted: leave ssl-mode out"), "{said}");
}

async fn a_password_file_that_others_may_read_is_passed_over(on: Engine) {
    let home = tempfile::tempdir().unwrap();
    let (path, file) = at_home(home.path(), on, &password_file(on, "*"), 0o640);
    let said = asked(&loader(on, "127.0.0.1"), &file, who(on)).await.unwrap_err();
    let path = path.display();
    let hint = format!("\nhint: {path} was not read, since others may read it: chmod 600 {path}");
    assert!(said.ends_with(&hint), "{said}");
    let home = home.path().to_str().unwrap();
    let both = secrets(&[("HOME", home), (variable(on), PASSWORD)]);
    assert!(asked(&loader(on, "127.0.0.1"), &both, who(on)).await.is_ok());
}

async fn a_refused_login_says_what_to_do(on: Engine) {
    let (wrong, none) = (secrets(&[(variable(on), "geheimer"), ("WORD", "geheimer")]), secrets(&[]));
    let right = secrets(&[(variable(on), PASSWORD)]);
    let url = loader(on, "127.0.0.1");
    let by_url = url.replace("loader@", "loader:${WORD}@");
    let cases = match on {
        Engine::Postgres => vec![
            (url.clone(), &wrong, "authentication failed for user \"loader\"\nhint: set the password"),
            (by_url, &wrong, "authentication failed for user \"loader\"\nhint: set the password"),
            (url.clone(), &none, "hint: set the password: ${NAME} in the URL"),
            (url.replace("loader@", "stranger@"), &wrong, "\nhint: the server's pg_hba.conf does not let"),
            (unguarded(on, "no_such"), &none, "\"no_such\" does not exist\nhint: the database must be there"),
        ],
        _ => vec![
            (url.clone(), &wrong, "Access denied for user 'loader'@'127.0.0.1' (using password: YES)"),
            (url.clone(), &wrong, "\nhint: set the password: ${NAME} in the URL, MYSQL_PWD, or ~/.my.cnf"),
            (by_url, &wrong, "Access denied for user 'loader'"),
            (url.clone(), &none, "(using password: NO)\nhint: set the password"),
            (
                url.replace("/shop", "/mysql"),
                &right,
                "'mysql'\nhint: GRANT this user rights in that database",
            ),
            (unguarded(on, "no_such"), &none, "Unknown database 'no_such'\nhint: the database must be there"),
        ],
    };
    for (url, secrets, words) in cases {
        let said = asked(&url, secrets, who(on)).await.unwrap_err();
        assert!(said.contains(words), "{url}: {said}");
    }
}

async fn a_server_that_is_not_there_is_told(on: Engine) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let (scheme, folder) = (on.own(["postgres", "mysql", ""]), folder.path().display());
    let socket = match on {
        Engine::Postgres => format!("postgres:///postgres?host={folder}&user=loader"),
        _ => format!("mysql://u@localhost/db?socket={folder}/mysqld.sock"),
    };
    let places = [
        format!("{scheme}://u@127.0.0.1:{nobody}/db"),
        format!("{scheme}://u@no-such-host.invalid/db"),
        socket,
    ];
    for place in places {
        let said = asked(&place, &secrets(&[(variable(on), PASSWORD)]), who(on)).await.unwrap_err();
        assert!(said.contains("\nhint: is the server running there"), "{place}: {said}");
    }
}

async fn what_a_server_repeats_of_the_urls_secrets_has_their_names(on: Engine) {
    let url = loader(on, "127.0.0.1").replace("loader@", "loader:${WORD}@");
    let repeated = match on {
        Engine::Postgres => format!("SELECT '{PASSWORD}'::integer::text"),
        _ => format!("SELECT * FROM `{PASSWORD}`"),
    };
    let said = asked(&url, &secrets(&[("WORD", PASSWORD)]), &repeated).await.unwrap_err();
    assert!(said.contains("${WORD}"), "{said}");
}

async fn a_statement_is_cancelled_from_outside(on: Engine) {
    let endless = match on {
        Engine::Postgres => "SELECT pg_sleep(60)",
        _ => "SELECT count(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq + b.seq < 0",
    };
    let url = ServerUrl::parse(&unguarded(on, on.own(["postgres", "mysql", ""]))).unwrap();
    let session = Server::of(&url, &Secrets::default()).unwrap().connect().await.unwrap();
    let canceller = session.canceller();
    // Until the statement is there, there is nothing to cancel.
    let cancelling = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            canceller.cancel().await;
        }
    };
    let error = tokio::select! {
        ended = session.run(endless) => ended.unwrap_err(),
        () = cancelling => unreachable!("it goes on"),
    };
    assert!(matches!(&error, DatabaseError::Refused { trouble: Trouble::Cancelled, .. }), "{on:?}: {error}");
}

#[tokio::test]
async fn a_socket_of_postgres_is_named_by_its_folder() {
    let on = Engine::Postgres;
    let (sockets, port) = (postgres().server.sockets().display(), postgres().server.port);
    let url = format!("postgres:///postgres?host={sockets}&port={port}&user=loader");
    let answer = asked(&url, &secrets(&[("PGPASSWORD", PASSWORD)]), who(on)).await;
    assert_eq!(answer.as_deref(), Ok("loader postgres"));
    let home = tempfile::tempdir().unwrap();
    let (_, file) = at_home(home.path(), on, &password_file(on, &sockets.to_string()), 0o600);
    assert_eq!(asked(&url, &file, who(on)).await.as_deref(), Ok("loader postgres"));
}

#[tokio::test]
async fn whoever_is_not_named_is_the_user_of_the_environment_in_postgres() {
    let (server, who) = (postgres_server::shared(), who(Engine::Postgres));
    let url = format!("postgres://127.0.0.1:{}/postgres", server.port);
    let answer = asked(&url, &secrets(&[("PGUSER", "postgres")]), who).await;
    assert_eq!(answer.as_deref(), Ok("postgres postgres"));
    let own = crate::os::user_name().unwrap();
    if own != "postgres" {
        server.database().execute(&format!("CREATE ROLE \"{own}\" LOGIN"));
    }
    assert_eq!(asked(&url, &secrets(&[]), who).await, Ok(format!("{own} postgres")));
    let guarded = format!("postgres://127.0.0.1:{}", postgres().server.port);
    let values = secrets(&[("PGUSER", "loader"), ("PGPASSWORD", PASSWORD)]);
    let answer = asked(&guarded, &values, who).await;
    assert_eq!(answer.as_deref(), Ok("loader loader"), "the database is the user's");
}

#[tokio::test]
async fn other_parameters_reach_postgres_as_they_are_written() {
    let url = unguarded(Engine::Postgres, "postgres");
    let url = format!("{url}?options=-c%20work_mem%3D123kB&sslmode=disable&application_name=a+b");
    let sql = "SELECT current_setting('work_mem') || ' ' || current_setting('application_name')";
    assert_eq!(asked(&url, &secrets(&[]), sql).await.as_deref(), Ok("123kB a+b"));
}

#[tokio::test]
async fn a_login_of_mariadb_that_windrow_does_not_know_is_told() {
    let server = mariadb_server::shared();
    let made = server.database();
    server.rows(
        "",
        &format!(
            "INSTALL SONAME 'auth_ed25519'; CREATE USER modern@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')"
        ),
    );
    let url = format!("mysql://modern@127.0.0.1:{}/{}", server.port, made.name);
    let said = asked(&url, &secrets(&[("MYSQL_PWD", PASSWORD)]), who(Engine::MariaDb)).await.unwrap_err();
    assert!(said.contains("Unknown authentication plugin `ed25519'"), "{said}");
    let hint = "\nhint: let the user log in by mysql_native_password or caching_sha2_password";
    assert!(said.contains(hint), "{said}");
}
