//! Database servers of the tests' own: real ones, from the system's packages, started as an ordinary user in a temporary
//! folder on a free port, and ended with the test process, however that ends.
//!
//! Included by the unit tests (`src/merge/tests`), by the integration tests (`tests/it`) and by benches.

pub mod mariadb;
pub mod postgres;

use std::fs;
use std::io::Write as _;
use std::marker::PhantomData;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the server by the signal `$1` when its standard input ends, and empties the folder, `$0`, unless it is told to keep it:
/// what lives as long as the process is not dropped.
const WATCH: &str = r#"signal=$1; shift; "$@" & server=$!; read -r word; kill $signal $server 2>/dev/null; wait $server
    [ "$word" = keep ] || rm -rf "$0" 2>/dev/null"#;

/// What differs between kinds of servers.
pub trait Kind: Sized {
    /// The user and the group that servers run as where the tests run as root: they refuse root.
    const ORDINARY_USER: [&'static str; 2];
    /// Ends one as a power cut would: it recovers when it is launched again.
    const IMMEDIATELY: &'static str;
    /// Ends one, and its connections.
    const FAST: &'static str;
    /// A database that is there from the first.
    const FIRST: &'static str;

    /// Makes what a server needs in its folder.
    fn make(folder: &Path);

    /// What starts one.
    fn program(server: &TestServer<Self>) -> Vec<String>;

    /// The file that has its process id in the first line.
    fn pid_file(server: &TestServer<Self>) -> PathBuf;

    /// Its URL, for the superuser and a database.
    fn url(port: u16, database: &str) -> String;

    /// What makes a database.
    fn create_database(name: &str) -> String;

    /// Runs statements in a database with the system's client.
    fn client(server: &TestServer<Self>, database: &str, sql: &str) -> Output;

    /// The same, which answers with rows: columns are separated by `|`, null is `~`.
    fn rows(server: &TestServer<Self>, database: &str, sql: &str) -> Vec<String>;
}

/// A server. It ends when this is dropped, or when the process ends.
pub struct TestServer<K: Kind> {
    folder: tempfile::TempDir,
    pub port: u16,
    /// Of its command line.
    settings: Vec<String>,
    /// The shell that watches over the server: it ends the server when this process is gone.
    watcher: Option<(Child, ChildStdin)>,
    kind: PhantomData<K>,
}

/// A database of a test's own on a server.
pub struct TestDatabase<'s, K: Kind> {
    pub server: &'s TestServer<K>,
    pub name: String,
}

impl<K: Kind> TestServer<K> {
    /// Makes a server's folder, has it prepared, and starts the server.
    fn start_in(settings: Vec<String>, prepare: impl FnOnce(&Self)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("permissions");
        K::make(folder.path());
        let mut server = Self { folder, port: free_port(), settings, watcher: None, kind: PhantomData };
        prepare(&server);
        server.launch();
        server
    }

    /// Starts the server again after it was stopped.
    pub fn launch(&mut self) {
        let mut command = as_ordinary_user::<K>("sh");
        command.args(["-c", WATCH]).arg(self.folder.path()).arg(K::FAST).args(K::program(self));
        command.args(&self.settings).env("TMPDIR", self.folder.path());
        let log = fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let errors = log.try_clone().expect("the log");
        let mut watcher =
            command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn().expect("the server starts");
        let stdin = watcher.stdin.take().expect("a pipe");
        self.watcher = Some((watcher, stdin));
        self.wait_until_it_answers();
    }

    /// Waits until the server lets somebody in.
    pub fn wait_until_it_answers(&self) {
        let since = Instant::now();
        while !K::client(self, K::FIRST, "SELECT 1").status.success() {
            assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.log()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its data lie.
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

    /// The process id of the server, or of its parent process.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(K::pid_file(self)).expect("a running server");
        text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id")
    }

    /// Stops the server as a power cut would: it recovers when it is launched again.
    pub fn stop_immediately(&mut self) {
        self.stop(K::IMMEDIATELY);
    }

    /// Stops the server, ending its connections.
    pub fn stop_fast(&mut self) {
        self.stop(K::FAST);
    }

    fn stop(&mut self, signal: &str) {
        let Some((mut watcher, mut stdin)) = self.watcher.take() else { return };
        // One that has not begun yet is ended by its watcher.
        if K::pid_file(self).exists() {
            let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status();
            assert!(sent.expect("kill runs").success(), "the server is there");
        }
        // It may be launched again.
        let _ = stdin.write_all(b"keep\n");
        drop(stdin);
        watcher.wait().expect("the server ends");
    }

    /// A new database.
    pub fn database(&self) -> TestDatabase<'_, K> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        K::rows(self, K::FIRST, &K::create_database(&name));
        TestDatabase { server: self, name }
    }

    /// Its URL, for the superuser and a database.
    pub fn url(&self, database: &str) -> String {
        K::url(self.port, database)
    }

    /// The answer's rows of a database: columns are separated by `|`, null is `~`.
    pub fn rows(&self, database: &str, sql: &str) -> Vec<String> {
        K::rows(self, database, sql)
    }
}

impl<K: Kind> Drop for TestServer<K> {
    fn drop(&mut self) {
        if self.watcher.is_some() {
            self.stop(K::IMMEDIATELY);
        }
    }
}

impl<K: Kind> TestDatabase<'_, K> {
    /// Its URL, as a job file has it.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Runs statements; of PostgreSQL in one transaction.
    pub fn execute(&self, sql: &str) {
        must(K::client(self.server, &self.name, sql), sql);
    }

    /// The answer's rows: columns are separated by `|`, null is `~`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.name, sql)
    }
}

/// A server of either kind.
pub trait AnyServer {
    /// The URL and the name of a new database.
    fn new_database(&self) -> (String, String);
    fn rows(&self, database: &str, sql: &str) -> Vec<String>;
    fn stop_immediately(&mut self);
    fn stop_fast(&mut self);
    fn launch(&mut self);
}

impl<K: Kind> AnyServer for TestServer<K> {
    fn new_database(&self) -> (String, String) {
        let database = self.database();
        (database.url(), database.name)
    }

    fn rows(&self, database: &str, sql: &str) -> Vec<String> {
        self.rows(database, sql)
    }

    fn stop_immediately(&mut self) {
        self.stop_immediately();
    }

    fn stop_fast(&mut self) {
        self.stop_fast();
    }

    fn launch(&mut self) {
        self.launch();
    }
}

/// What a client printed, which was to succeed.
fn must(done: Output, sql: &str) -> String {
    assert!(done.status.success(), "{sql}\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

/// What a client prints for statements that it reads from its standard input.
fn fed(command: &mut Command, sql: &str) -> Output {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the client runs");
    // One that finds no server does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(sql.as_bytes());
    child.wait_with_output().expect("the client ends")
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A command that runs as somebody who is not root.
fn as_ordinary_user<K: Kind>(program: impl AsRef<Path>) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return Command::new(program.as_ref());
    }
    let mut command = Command::new("setpriv");
    let [user, group] = K::ORDINARY_USER;
    command.args(["--reuid", user, "--regid", group, "--clear-groups"]).arg(program.as_ref());
    command.current_dir("/");
    command
}
