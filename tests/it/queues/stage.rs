//! A table of jobs and one of results on a server, the job file, and the program that works it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Child;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::database_servers::AnyServer;
use crate::mariadb_server::{self, MariaDbServer};
use crate::postgres_server::{self, PostgresServer};
use crate::support::processes::{kill_9, until};
use crate::support::{Cut, Ended, Origin, Proxy, Sandbox, wait};

/// Longest wait for what comes soon.
pub const SOON: Duration = Duration::from_secs(10);

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Postgres,
    MariaDb,
}

impl Server {
    /// Of what differs, what is this one's: PostgreSQL's, MariaDB's.
    pub fn own<T>(self, [postgres, mariadb]: [T; 2]) -> T {
        match self {
            Server::Postgres => postgres,
            Server::MariaDb => mariadb,
        }
    }

    /// Where a database of a test's own lies on the server that all tests share.
    fn shared(self) -> Place {
        let (url, name) = match self {
            Server::Postgres => postgres_server::shared().new_database(),
            Server::MariaDb => mariadb_server::shared().new_database(),
        };
        Place { url, name, server: None, proxy: None }
    }

    /// On a server of the test's own, which may be stopped and cut off, behind a proxy.
    fn apart(self) -> Place {
        let server: Box<dyn AnyServer + Send> = match self {
            Server::Postgres => {
                Box::new(PostgresServer::start(&[("fsync", "off"), ("max_connections", "300")]))
            }
            Server::MariaDb => Box::new(MariaDbServer::start(&["--max-connections=300"])),
        };
        let (url, name) = server.new_database();
        let (before, rest) = url.split_once("127.0.0.1:").expect("a URL of this machine");
        let (port, database) = rest.split_once('/').expect("a database");
        let commit: &[u8] = self.own([b"COMMIT\0", b"\x03COMMIT"]);
        let proxy = Proxy::before(port.parse().expect("a port"), commit);
        let before = match self {
            Server::Postgres => before.to_owned(),
            // Whoever is ended by name is the program, not the test.
            Server::MariaDb => {
                let user = "loader@'127.0.0.1'";
                server.rows("", &format!("CREATE USER {user}; GRANT ALL ON {database}.* TO {user}"));
                before.replace("root", "loader")
            }
        };
        let url = format!("{before}127.0.0.1:{}/{database}", proxy.port);
        Place { url, name, server: Some(Mutex::new(server)), proxy: Some(proxy) }
    }
}

/// A database.
struct Place {
    url: String,
    name: String,
    /// `None` for the server that all tests share.
    server: Option<Mutex<Box<dyn AnyServer + Send>>>,
    proxy: Option<Proxy>,
}

/// All of it.
pub struct Stage {
    pub on: Server,
    pub sandbox: Sandbox,
    pub origin: Origin,
    place: Place,
    /// Workers that were started, which end with the test where it fails.
    workers: Mutex<Vec<u32>>,
}

/// What [`Stage::job`] writes but for what a test says: each key is quick, so that tests are.
const JOB: &str = r#"
[job]
name = "jobs"

[input]
id = "id"

[input.queue]
table = "jobs"
where = "state = 'new'"
done = "state = 'done'"
failed = "state = 'failed'"
lease = "5s"
backoff = "100ms"
poll = "50ms"

[defaults]
retry = { attempts = 1 }

[[endpoint]]
name = "echo"
url = "ORIGIN/echo/{target}"
columns = { target = ".target" }

[table]
to = "DATABASE"
name = "results"
mode = "append"
"#;

impl Stage {
    /// The tables, empty, the job file `jobs.toml`, and the origin.
    pub fn new(on: Server) -> Stage {
        Stage::at(on, on.shared())
    }

    /// The same on a server of its own, which may be stopped and cut off.
    pub fn apart(on: Server) -> Stage {
        Stage::at(on, on.apart())
    }

    fn at(on: Server, place: Place) -> Stage {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let stage = Stage { on, sandbox, origin, place, workers: Mutex::default() };
        stage.make_tables("id bigint PRIMARY KEY", "id bigint PRIMARY KEY");
        stage.job(&stage.sandbox, &[]);
        stage
    }

    /// Makes both tables anew: their columns but for those that all have.
    pub fn make_tables(&self, jobs: &str, results: &str) {
        let (text, moment, now) = self.on.own([
            ("text", "timestamptz", "clock_timestamp()"),
            ("varchar(200)", "datetime(6)", "sysdate(6)"),
        ]);
        let character_set = self.on.own(["", "CHARACTER SET utf8mb4"]);
        self.sql("DROP TABLE IF EXISTS jobs");
        self.sql("DROP TABLE IF EXISTS results");
        self.sql(&format!(
            "CREATE TABLE jobs ({jobs}, target {text}, state varchar(10) NOT NULL DEFAULT 'new', \
             inserted_at {moment} DEFAULT {now}, done_at {moment}) {character_set}"
        ));
        self.sql("CREATE INDEX waiting ON jobs (state, id)");
        self.sql(&format!(
            "CREATE TABLE results ({results}, target {text}, asked_at {moment}) {character_set}"
        ));
    }

    /// The job file of a sandbox, with what is to stand in place of other words.
    pub fn job(&self, sandbox: &Sandbox, changes: &[(&str, &str)]) {
        let text = JOB.replace("ORIGIN", &self.origin.url()).replace("DATABASE", &self.place.url);
        sandbox.write("jobs.toml", text);
        changes.iter().for_each(|(old, new)| sandbox.edit("jobs.toml", old, new));
    }

    /// Changes this sandbox's job file.
    pub fn change(&self, old: &str, new: &str) {
        self.sandbox.edit("jobs.toml", old, new);
    }

    /// What the job says of the database.
    pub fn url(&self) -> &str {
        &self.place.url
    }

    /// Runs a statement; the rows of its answer: columns are separated by `|`, null is `~`.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        match (&self.place.server, self.on) {
            (Some(server), _) => server.lock().expect("nobody failed").rows(&self.place.name, sql),
            (None, Server::Postgres) => postgres_server::shared().rows(&self.place.name, sql),
            (None, Server::MariaDb) => mariadb_server::shared().rows(&self.place.name, sql),
        }
    }

    /// The only value of an answer, a number.
    #[track_caller]
    pub fn number(&self, sql: &str) -> u64 {
        let rows = self.sql(sql);
        rows.concat().parse().unwrap_or_else(|_| panic!("{sql}: {rows:?}"))
    }

    /// Inserts waiting jobs of these numbers; each asks for `tNUMBER`.
    pub fn insert(&self, numbers: impl IntoIterator<Item = u64>) {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        for some in numbers.chunks(500) {
            let rows: Vec<String> = some.iter().map(|number| format!("({number}, 't{number}')")).collect();
            self.sql(&format!("INSERT INTO jobs (id, target) VALUES {}", rows.join(", ")));
        }
    }

    /// Jobs by state.
    pub fn states(&self) -> BTreeMap<String, u64> {
        let rows = self.sql("SELECT state, count(*) FROM jobs GROUP BY state");
        let pair = |row: &String| {
            let (state, count) = row.rsplit_once('|').expect("two columns");
            (state.to_owned(), count.parse().expect("a count"))
        };
        rows.iter().map(pair).collect()
    }

    /// Jobs of this state.
    pub fn count(&self, state: &str) -> u64 {
        self.states().get(state).copied().unwrap_or(0)
    }

    /// Results.
    pub fn results(&self) -> u64 {
        self.number("SELECT count(*) FROM results")
    }

    /// Whether a table is there.
    pub fn has_table(&self, name: &str) -> bool {
        let schema = self.on.own(["current_schema()", "database()"]);
        let all = format!("SELECT count(*) FROM information_schema.tables WHERE table_schema = {schema}");
        self.number(&format!("{all} AND table_name = '{name}'")) == 1
    }

    /// Claims that there are, of what is worked and of what rests.
    pub fn claims(&self) -> u64 {
        if self.has_table("windrow_claims") { self.number("SELECT count(*) FROM windrow_claims") } else { 0 }
    }

    /// Dead jobs, each as `key|attempts|kind`.
    pub fn dead(&self) -> Vec<String> {
        if !self.has_table("windrow_dead") {
            return Vec::new();
        }
        self.sql(
            "SELECT key_, attempts, kind FROM windrow_dead ORDER BY 1".replace("key_", self.key()).as_str(),
        )
    }

    /// How the column `key` of the tables of claims is spelled, a word that MariaDB has for itself.
    pub fn key(&self) -> &'static str {
        self.on.own(["key", "`key`"])
    }

    /// `windrow work` until no job waits.
    #[track_caller]
    pub fn work(&self) -> Ended {
        self.sandbox.run(["work", "jobs.toml", "--until-empty"])
    }

    /// Starts `windrow work`, which does not end by itself.
    pub fn start(&self) -> Child {
        self.start_in(&self.sandbox)
    }

    /// The same on another machine.
    pub fn start_in(&self, sandbox: &Sandbox) -> Child {
        let worker = sandbox.start(["work", "jobs.toml"]);
        self.workers.lock().expect("nobody failed").push(worker.id());
        worker
    }

    /// Waits until so many jobs have this state.
    #[track_caller]
    pub fn wait_for(&self, state: &str, jobs: u64) {
        until(SOON, &format!("{jobs} jobs are {state}: {:?}", self.states()), || self.count(state) >= jobs);
    }

    /// Waits until the origin was asked so often.
    #[track_caller]
    pub fn wait_until_asked(&self, requests: u64) {
        until(SOON, &format!("{requests} requests arrive"), || self.asked() >= requests);
    }

    /// Requests that the origin has had.
    pub fn asked(&self) -> u64 {
        self.origin.counts()["total"].as_u64().expect("a count")
    }

    /// Each of so many jobs is done and has one result, the right one; nothing is claimed, nothing dead, and no run is left.
    #[track_caller]
    pub fn is_settled(&self, jobs: u64) {
        self.is_settled_after_failures(jobs);
        self.has_no_runs(&self.sandbox);
    }

    /// The same where something failed meanwhile, whose runs are kept for a while.
    #[track_caller]
    pub fn is_settled_after_failures(&self, jobs: u64) {
        assert_eq!(self.states(), BTreeMap::from([("done".to_owned(), jobs)]));
        self.has_one_result_each(jobs);
        assert_eq!((self.claims(), self.dead()), (0, Vec::new()), "claims, and dead jobs");
    }

    /// So many results, of different jobs, each the one that the job asked for.
    #[track_caller]
    pub fn has_one_result_each(&self, jobs: u64) {
        let right = "SELECT count(*), count(DISTINCT results.id) FROM results JOIN jobs ON jobs.id = results.id \
             WHERE results.target = concat('/echo/', jobs.target) AND jobs.state = 'done'";
        assert_eq!(
            self.sql(right),
            [format!("{jobs}|{jobs}")],
            "results of jobs that are done, and their jobs"
        );
        assert_eq!(self.results(), jobs, "results, with those of other jobs");
    }

    /// No folder of a run is left.
    #[track_caller]
    pub fn has_no_runs(&self, sandbox: &Sandbox) {
        let left = runs(sandbox.path());
        assert!(left.is_empty(), "runs are left: {left:?}");
    }

    /// The next COMMIT is cut so.
    pub fn cut_next(&self, cut: Cut) {
        self.place.proxy.as_ref().expect("a server of its own").cut_next(cut);
    }

    /// Ends a connection of the program, if there is one: of MariaDB all of them.
    pub fn end_connections(&self) {
        self.sql(self.on.own([
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'windrow' \
             ORDER BY random() LIMIT 1) one",
            "KILL HARD CONNECTION USER loader@'127.0.0.1'",
        ]));
    }

    /// Restarts the server, as after a power cut or in order.
    pub fn restart(&self, in_order: bool) {
        let server = self.place.server.as_ref().expect("a server of its own");
        let mut server = server.lock().expect("nobody failed");
        if in_order {
            server.stop_fast()
        } else {
            server.stop_immediately()
        }
        server.launch();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(workers) = self.workers.lock()
        {
            workers.iter().for_each(|pid| kill_9(pid.cast_signed()));
        }
    }
}

/// The names of the folders of runs.
pub fn runs(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.join("shards/jobs")) else { return Vec::new() };
    let names = entries.flatten().filter(|entry| entry.path().is_dir());
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Sends a signal to a process that the test started.
pub fn send(process: &Child, signal: Signal) {
    kill(Pid::from_raw(process.id().cast_signed()), signal).expect("the process is there");
}

/// Ends a worker in order.
#[track_caller]
pub fn end(worker: Child) -> Ended {
    send(&worker, Signal::SIGTERM);
    wait(worker).with_code(143)
}

/// `fail_ids` of the origin: these targets are answered with a status, so many times or for ever.
pub fn failing(targets: impl IntoIterator<Item = u64>, status: u16, times: Option<u32>) -> String {
    let mut text = String::new();
    for target in targets {
        let times = times.map_or_else(String::new, |times| format!(", \"times\": {times}"));
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}\"t{target}\": {{\"status\": {status}{times}}}").expect("a text");
    }
    format!("{{\"fail_ids\": {{{text}}}}}")
}
