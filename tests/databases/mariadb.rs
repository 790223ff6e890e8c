//! MariaDB's servers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::{Kind, TestServer, as_ordinary_user, fed, must};

/// MariaDB.
pub struct MariaDb;

/// A server of MariaDB.
pub type MariaDbServer = TestServer<MariaDb>;

/// A database of one.
pub type TestDatabase<'s> = super::TestDatabase<'s, MariaDb>;

/// The server that tests share which do not harm it.
pub fn shared() -> &'static MariaDbServer {
    static SHARED: OnceLock<MariaDbServer> = OnceLock::new();
    SHARED.get_or_init(|| {
        MariaDbServer::start(&["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"])
    })
}

/// A database of one's own on the shared server.
pub fn database() -> TestDatabase<'static> {
    shared().database()
}

impl MariaDbServer {
    /// Makes the server's own tables and starts it, with settings of its command line. Its own defaults hold otherwise.
    pub fn start(settings: &[&str]) -> MariaDbServer {
        TestServer::start_in(settings.iter().map(|setting| (*setting).to_owned()).collect(), |_| {})
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.sockets().join("socket")
    }
}

impl Kind for MariaDb {
    const ORDINARY_USER: [&'static str; 2] = ["nobody", "nogroup"];
    const IMMEDIATELY: &'static str = "-KILL";
    const FAST: &'static str = "-TERM";
    const FIRST: &'static str = "";

    fn make(folder: &Path) {
        let made = as_ordinary_user::<MariaDb>("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--skip-name-resolve"])
            .arg(format!("--datadir={}", folder.join("data").display()))
            .env("TMPDIR", folder)
            .output()
            .expect("mariadb-install-db runs: `make test-needs` installs it");
        must(made, "mariadb-install-db");
    }

    fn program(server: &MariaDbServer) -> Vec<String> {
        let mut words = ["mariadbd", "--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]
            .map(str::to_owned)
            .to_vec();
        words.push("--innodb-buffer-pool-size=64M".to_owned());
        words.push(format!("--datadir={}", server.data().display()));
        words.push(format!("--socket={}", server.socket().display()));
        words.push(format!("--pid-file={}", Self::pid_file(server).display()));
        words.push(format!("--port={}", server.port));
        words
    }

    fn pid_file(server: &MariaDbServer) -> PathBuf {
        server.sockets().join("pid")
    }

    fn url(port: u16, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{port}/{database}")
    }

    /// Of the usual character set, whose usual collation takes `a`, `A`, `ä` and `a ` for one text.
    fn create_database(name: &str) -> String {
        format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")
    }

    fn client(server: &MariaDbServer, database: &str, sql: &str) -> Output {
        let mut command = Command::new("mariadb");
        command
            .args(["--no-defaults", "--user=root", "--batch", "--skip-column-names"])
            .arg("--default-character-set=utf8mb4")
            .arg("--init-command=SET time_zone = '+00:00', group_concat_max_len = 1000000")
            .arg(format!("--socket={}", server.socket().display()))
            .arg(database);
        fed(&mut command, sql)
    }

    fn rows(server: &MariaDbServer, database: &str, sql: &str) -> Vec<String> {
        let value = |text: &str| if text == "NULL" { "~".to_owned() } else { text.replace("\\\\", "\\") };
        let row = |line: &str| line.split('\t').map(value).collect::<Vec<_>>().join("|");
        must(Self::client(server, database, sql), sql).lines().map(row).collect()
    }
}
