//! PostgreSQL's servers.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::{Kind, TestServer, as_ordinary_user, fed, must};

/// PostgreSQL.
pub struct Postgres;

/// A server of PostgreSQL.
pub type PostgresServer = TestServer<Postgres>;

/// A database of one.
pub type TestDatabase<'s> = super::TestDatabase<'s, Postgres>;

/// The server that tests share which do not harm it.
pub fn shared() -> &'static PostgresServer {
    static SHARED: OnceLock<PostgresServer> = OnceLock::new();
    SHARED.get_or_init(|| PostgresServer::start(&[("fsync", "off")]))
}

/// A database of one's own on the shared server.
pub fn database() -> TestDatabase<'static> {
    shared().database()
}

impl PostgresServer {
    /// Makes a cluster and starts its server, with settings of `postgresql.conf`.
    pub fn start(settings: &[(&str, &str)]) -> PostgresServer {
        PostgresServer::start_with_files(settings, &[])
    }

    /// The same, with files of this content in the cluster's folder before it is started, such as `pg_hba.conf`, which
    /// must let the superuser in from 127.0.0.1.
    pub fn start_with_files(settings: &[(&str, &str)], files: &[(&str, &str)]) -> PostgresServer {
        let settings = settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]);
        TestServer::start_in(settings.collect(), |server| {
            files.iter().for_each(|(name, content)| server.put_file(name, content));
        })
    }

    /// Writes a file of the cluster, which belongs to the server's user and which nobody else may read.
    fn put_file(&self, name: &str, content: &str) {
        let path = self.data().join(name);
        fs::write(&path, content).expect("a file of the cluster");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        let owner = fs::metadata(self.data()).expect("the cluster");
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).expect("its owner");
    }
}

/// psql, which reads nothing of the user's, and says no more than rows.
fn psql() -> Command {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
    command.env("PGTZ", "UTC");
    command
}

impl Kind for Postgres {
    const ORDINARY_USER: [&'static str; 2] = ["postgres", "postgres"];
    /// As `pg_ctl stop -m immediate` does.
    const IMMEDIATELY: &'static str = "-QUIT";
    const FAST: &'static str = "-INT";
    const FIRST: &'static str = "postgres";

    fn make(folder: &Path) {
        let made = as_ordinary_user::<Postgres>(program("initdb"))
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"])
            .arg("--pgdata")
            .arg(folder.join("data"))
            .output()
            .expect("initdb runs");
        must(made, "initdb");
    }

    fn program(server: &PostgresServer) -> Vec<String> {
        let (data, sockets) = (server.data().display().to_string(), server.sockets().display().to_string());
        let postgres = program("postgres").display().to_string();
        let port = server.port.to_string();
        [&postgres, "-D", &data, "-h", "127.0.0.1", "-k", &sockets, "-p", &port].map(str::to_owned).to_vec()
    }

    fn pid_file(server: &PostgresServer) -> PathBuf {
        server.data().join("postmaster.pid")
    }

    fn url(port: u16, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    fn create_database(name: &str) -> String {
        format!("CREATE DATABASE {name}")
    }

    fn client(server: &PostgresServer, database: &str, sql: &str) -> Output {
        fed(psql().args(["--single-transaction", "--file=-", &server.url(database)]), sql)
    }

    fn rows(server: &PostgresServer, database: &str, sql: &str) -> Vec<String> {
        let done = psql().args(["--pset=null=~", "--command", sql, &server.url(database)]).output();
        must(done.expect("psql runs"), sql).lines().map(str::to_owned).collect()
    }
}

/// A program of the newest PostgreSQL that is installed.
pub fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin").join(name))).filter(|(_, path)| path.is_file())
        })
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, path)| path);
    newest.unwrap_or_else(|| panic!("PostgreSQL is not installed: `make test-needs` installs it"))
}
