//! PostgreSQL servers of the tests' own: real ones, from the system's packages, started as an ordinary user in a
//! temporary folder on a free port, and ended with the test process, however that ends.
//!
//! Included by the unit tests (`src/merge/tests`) and by the integration tests (`tests/it`).

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The user that servers run as where the tests run as root: PostgreSQL refuses root.
const ORDINARY_USER: &str = "postgres";

/// Ends the server when its standard input ends, and empties the folder, `$0`, unless it is told to keep it: what lives as long
/// as the process is not dropped.
const WATCH: &str = r#""$@" & server=$!; read -r word; kill -INT $server 2>/dev/null; wait $server
    [ "$word" = keep ] || rm -rf "$0" 2>/dev/null"#;

/// A server. It ends when this is dropped, or when the process ends.
pub struct PostgresServer {
    folder: tempfile::TempDir,
    pub port: u16,
    settings: Vec<(String, String)>,
    /// The shell that watches over the server: it ends the server when this process is gone.
    watcher: Option<(Child, ChildStdin)>,
}

/// A database of a test's own on a server.
pub struct TestDatabase<'s> {
    pub server: &'s PostgresServer,
    pub name: String,
}

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
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("permissions");
        let made = as_ordinary_user(&program("initdb"))
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"])
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut server = PostgresServer { folder, port: free_port(), settings, watcher: None };
        files.iter().for_each(|(name, content)| server.put_file(name, content));
        server.launch();
        server
    }

    /// Writes a file of the cluster, which belongs to the server's user and which nobody else may read.
    fn put_file(&self, name: &str, content: &str) {
        let path = self.data().join(name);
        fs::write(&path, content).expect("a file of the cluster");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        let owner = fs::metadata(self.data()).expect("the cluster");
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).expect("its owner");
    }

    /// Starts the server again after it was stopped.
    pub fn launch(&mut self) {
        let mut command = as_ordinary_user(Path::new("sh"));
        // The server's own process id is in postmaster.pid; this shell ends it when its standard input ends.
        command
            .args(["-c", WATCH])
            .arg(self.folder.path())
            .arg(program("postgres"))
            .arg("-D")
            .arg(self.data())
            .args(["-h", "127.0.0.1", "-k"])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()]);
        for (name, value) in &self.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let log = fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let errors = log.try_clone().expect("the log");
        let mut watcher =
            command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn().expect("postgres starts");
        let stdin = watcher.stdin.take().expect("a pipe");
        self.watcher = Some((watcher, stdin));
        self.wait_until_it_answers();
    }

    /// Waits until the server lets somebody in.
    pub fn wait_until_it_answers(&self) {
        let since = Instant::now();
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.log()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where the cluster lies.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its socket.
    pub fn sockets(&self) -> &Path {
        self.folder.path()
    }

    /// What the server says.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The process id of the server's parent process.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).expect("a running server");
        text.lines().next().and_then(|line| line.parse().ok()).expect("a process id")
    }

    /// Stops the server as a power cut would (`pg_ctl stop -m immediate`): it recovers when it is launched again.
    pub fn stop_immediately(&mut self) {
        self.stop("-QUIT");
    }

    /// Stops the server, ending its connections.
    pub fn stop_fast(&mut self) {
        self.stop("-INT");
    }

    fn stop(&mut self, signal: &str) {
        let Some((mut watcher, mut stdin)) = self.watcher.take() else { return };
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success(), "the server is there");
        // It may be launched again.
        let _ = stdin.write_all(b"keep\n");
        drop(stdin);
        watcher.wait().expect("the server ends");
    }

    /// A new database.
    pub fn database(&self) -> TestDatabase<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.must("postgres", &format!("CREATE DATABASE {name}"));
        TestDatabase { server: self, name }
    }

    /// Its URL, for the superuser and a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        let mut child = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--single-transaction", "--file=-", &self.url(database)])
            .env("PGTZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        child.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("psql reads");
        child.wait_with_output().expect("psql ends")
    }

    /// The answer's rows of a database, as psql prints them: columns are separated by `|`, null is `~`.
    pub fn rows(&self, database: &str, sql: &str) -> Vec<String> {
        self.must(database, sql).lines().map(str::to_owned).collect()
    }

    fn must(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        command.args(["--pset=null=~", "--command", sql, &self.url(database)]).env("PGTZ", "UTC");
        let done = command.output().expect("psql runs");
        assert!(done.status.success(), "{sql}\n{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("UTF-8")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.watcher.is_some() {
            self.stop("-QUIT");
        }
    }
}

impl TestDatabase<'_> {
    /// Its URL, as a job file has it.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Runs statements in one transaction.
    pub fn execute(&self, sql: &str) {
        let done = self.server.psql(&self.name, sql);
        assert!(done.status.success(), "{sql}\n{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The answer's rows, as psql prints them: columns are separated by `|`, null is `~`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.name, sql)
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
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

/// A command that runs as somebody who is not root.
fn as_ordinary_user(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ORDINARY_USER, "--regid", ORDINARY_USER, "--clear-groups"]).arg(program);
    command.current_dir("/");
    command
}
