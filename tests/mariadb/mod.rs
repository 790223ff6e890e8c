//! MariaDB servers of the tests' own: real ones, from the system's packages, started as an ordinary user in a temporary
//! folder on a free port, and ended with the test process, however that ends.
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

/// The user that servers run as where the tests run as root: the server refuses root.
const ORDINARY_USER: &str = "nobody";

/// A server. It ends when this is dropped, or when the process ends.
pub struct MariaDbServer {
    folder: tempfile::TempDir,
    pub port: u16,
    settings: Vec<String>,
    /// The shell that watches over the server: it ends the server when this process is gone.
    watcher: Option<(Child, ChildStdin)>,
}

/// A database of a test's own on a server.
pub struct TestDatabase<'s> {
    pub server: &'s MariaDbServer,
    pub name: String,
}

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
    /// Makes the server's own tables and starts it, with settings of its command line. Its own defaults hold otherwise,
    /// which compare texts without regard to case, in `latin1`.
    pub fn start(settings: &[&str]) -> MariaDbServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("permissions");
        let made = as_ordinary_user("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .arg(format!("--datadir={}", folder.path().join("data").display()))
            .env("TMPDIR", folder.path())
            .output()
            .expect("mariadb-install-db runs: `make test-needs` installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = MariaDbServer { folder, port: free_port(), settings, watcher: None };
        server.launch();
        server
    }

    /// Starts the server again after it was stopped.
    pub fn launch(&mut self) {
        let mut command = as_ordinary_user("sh");
        command
            .args([
                "-c",
                // A line ends the server; without one this process is gone, and its folder goes, too.
                r#"folder=$1; shift; "$@" & server=$!; read -r _ && stays=yes; kill -TERM $server 2>/dev/null
                   wait $server; [ "$stays" ] || rm -rf "$folder"/*"#,
                "sh",
            ])
            .arg(self.folder.path())
            .args(["mariadbd", "--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .arg("--innodb-buffer-pool-size=64M")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--pid-file={}", self.folder.path().join("pid").display()))
            .arg(format!("--port={}", self.port))
            .args(&self.settings);
        command.env("TMPDIR", self.folder.path());
        let log = fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let errors = log.try_clone().expect("the log");
        let mut watcher =
            command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn().expect("mariadbd starts");
        let stdin = watcher.stdin.take().expect("a pipe");
        self.watcher = Some((watcher, stdin));
        self.wait_until_it_answers();
    }

    /// Waits until the server lets somebody in.
    pub fn wait_until_it_answers(&self) {
        let since = Instant::now();
        while !self.client("", "SELECT 1").status.success() {
            assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.log()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its data lie.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What the server says.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The process id of the server.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.folder.path().join("pid")).expect("a running server");
        text.trim().parse().expect("a process id")
    }

    /// Stops the server as a power cut would: it recovers when it is launched again.
    pub fn stop_immediately(&mut self) {
        self.stop("-KILL");
    }

    /// Stops the server, ending its connections.
    pub fn stop_fast(&mut self) {
        self.stop("-TERM");
    }

    fn stop(&mut self, signal: &str) {
        let Some((mut watcher, mut stdin)) = self.watcher.take() else { return };
        // One that has not begun yet is ended by its watcher.
        if self.folder.path().join("pid").exists() {
            let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status();
            assert!(sent.expect("kill runs").success(), "the server is there");
        }
        // It has ended if the server has.
        let _ = stdin.write_all(b"\n");
        drop(stdin);
        watcher.wait().expect("the server ends");
    }

    /// A new database.
    pub fn database(&self) -> TestDatabase<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.must("", &format!("CREATE DATABASE {name}"));
        TestDatabase { server: self, name }
    }

    /// Its URL, for the superuser and a database.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    fn client(&self, database: &str, sql: &str) -> Output {
        let mut child = Command::new("mariadb")
            .args([
                "--no-defaults",
                "--user=root",
                "--batch",
                "--skip-column-names",
                "--default-character-set=utf8mb4",
            ])
            .arg("--init-command=SET time_zone = '+00:00', group_concat_max_len = 1000000")
            .arg(format!("--socket={}", self.socket().display()))
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client runs");
        // One that finds no server does not read.
        let _ = child.stdin.take().expect("a pipe").write_all(sql.as_bytes());
        child.wait_with_output().expect("the client ends")
    }

    /// The answer's rows of a database: columns are separated by `|`, null is `~`.
    pub fn rows(&self, database: &str, sql: &str) -> Vec<String> {
        let value = |text: &str| if text == "NULL" { "~".to_owned() } else { text.replace("\\\\", "\\") };
        let row = |line: &str| line.split('\t').map(value).collect::<Vec<_>>().join("|");
        self.must(database, sql).lines().map(row).collect()
    }

    fn must(&self, database: &str, sql: &str) -> String {
        let done = self.client(database, sql);
        assert!(done.status.success(), "{sql}\n{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("UTF-8")
    }
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        if self.watcher.is_some() {
            self.stop("-KILL");
        }
    }
}

impl TestDatabase<'_> {
    /// Its URL, as a job file has it.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) {
        self.server.must(&self.name, sql);
    }

    /// The answer's rows: columns are separated by `|`, null is `~`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.name, sql)
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A command that runs as somebody who is not root.
fn as_ordinary_user(program: impl AsRef<Path>) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return Command::new(program.as_ref());
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ORDINARY_USER, "--regid", "nogroup", "--clear-groups"]).arg(program.as_ref());
    command.current_dir("/");
    command
}
