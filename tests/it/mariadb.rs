//! MariaDB as the destination: publishing is killed at random moments, then repeated; nothing is lost, nothing doubled,
//! nothing half there, and readers see the old table or the new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;

use crate::mariadb_server::MariaDbServer;
use crate::support::processes::kill_9;
use crate::support::{Cut, Ended, Origin, Proxy, Sandbox, film_ids, is_soak, seeded, wait};

/// Moments at which something dies, in `make soak` and otherwise; `WINDROW_MOMENTS` says otherwise.
const MOMENTS: [usize; 2] = [72, 24];
/// COMMIT, as the protocol has it.
const COMMIT: &[u8] = b"\x03COMMIT";
/// Records of the run.
const FILMS: usize = 3_000;

/// What dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// `windrow merge`, by SIGKILL.
    Merge,
    /// `windrow run`, which only has to publish, by SIGKILL.
    Run,
    /// The server, as by a power cut; it comes back at once.
    Server,
    /// The server's end of the connection, by KILL.
    Connected,
    /// What the server is doing for it, by KILL QUERY.
    Query,
    /// The connection, at its COMMIT.
    Connection(Cut),
}

const DEATHS: [Death; 8] = [
    Death::Merge,
    Death::Run,
    Death::Merge,
    Death::Server,
    Death::Connected,
    Death::Query,
    Death::Connection(Cut::BeforeCommit),
    Death::Connection(Cut::BeforeAnswer),
];

/// The ways of writing, each with the rows and the ids that the table then has: that of [`FILMS`] and of one other film,
/// with old rows of it and of every second one before.
const MODES: [(&str, usize, usize); 4] = [
    ("append", FILMS + FILMS / 2 + 1, FILMS + 1),
    ("upsert", FILMS + 1, FILMS + 1),
    ("replace", FILMS, FILMS),
    ("replace_ids", FILMS + 1, FILMS + 1),
];

/// A fetched run that can be published again and again.
struct Stage {
    sandbox: Sandbox,
    server: MariaDbServer,
    database: String,
    proxy: Proxy,
    origin: Origin,
}

impl Stage {
    fn new() -> Stage {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let server = MariaDbServer::start(&[]);
        let database = server.database().name;
        server.rows(
            "",
            &format!("CREATE USER loader@'127.0.0.1'; GRANT ALL ON {database}.* TO loader@'127.0.0.1'"),
        );
        let proxy = Proxy::before(server.port, COMMIT);
        sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
        let stage = Stage { sandbox, server, database, proxy, origin };
        stage.reset("append");
        stage.sandbox.run(["run", "films.toml"]).with_code(0);
        stage
    }

    fn write_job(&self, mode: &str) {
        let key = if mode == "upsert" { "key = \"imdb_id\"" } else { "" };
        let (url, port, database) = (self.origin.url(), self.proxy.port, &self.database);
        self.sandbox.write(
            "films.toml",
            format!(
                r#"
[job]
name = "films"

[input]
file = "ids.txt"
id = "imdb_id"

[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
nulls = ["N/A"]
columns = {{ title = ".Title", year = {{ jq = ".Year", type = "integer" }}, plot = ".Plot" }}

[table]
to = "mysql://loader@127.0.0.1:{port}/{database}"
name = "films"
mode = "{mode}"
{key}
"#
            ),
        );
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.database, sql)
    }

    /// The run as if it had never been published; the table with old rows: of every second id of the list, and of one
    /// that is not in it.
    fn reset(&self, mode: &str) {
        self.write_job(mode);
        let ids = film_ids(FILMS);
        let old = ids.iter().step_by(2).map(|id| format!("('{id}', 'old')")).collect::<Vec<_>>().join(",");
        let unique = if mode == "upsert" { "UNIQUE" } else { "" };
        self.sql(&format!(
            "DROP TABLE IF EXISTS films, windrow_runs;
             CREATE TABLE films (serial bigint AUTO_INCREMENT PRIMARY KEY, imdb_id varchar(20), title text, year int,
               plot text, {unique} KEY (imdb_id)) CHARACTER SET utf8mb4;
             INSERT INTO films (imdb_id, title) VALUES {old}, ('other', 'old')"
        ));
        if let Ok(entries) = std::fs::read_dir(self.sandbox.path().join("shards/films")) {
            for entry in entries.flatten() {
                let _ = std::fs::remove_file(entry.path().join("merged.json"));
            }
        }
    }

    /// The table in a line, the serial numbers aside, and the runs that are noted, at one moment.
    fn state(&self) -> (String, String) {
        let is_there = !self.sql("SHOW TABLES LIKE 'windrow_runs'").is_empty();
        let runs = match is_there {
            true => "(SELECT coalesce(group_concat(rounds, ':', `rows`), 'no run') FROM windrow_runs)",
            false => "'no run'",
        };
        let found = self.sql(&format!("SELECT ({SUMMARY}), {runs}")).join(" ");
        let (table, runs) = found.split_once('|').expect("two columns");
        (table.to_owned(), runs.to_owned())
    }
}

/// All of the table, whatever the order of its rows.
const SUMMARY: &str = "SELECT concat(count(*), ' rows, ', count(DISTINCT imdb_id), ' ids, ', \
       coalesce(sum(crc32(concat_ws(' / ', imdb_id, title, year, plot))), 0)) FROM films";

/// Looks at the table some 500 times a second, through restarts of the server.
struct Reader {
    thread: JoinHandle<Vec<String>>,
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
}

impl Reader {
    fn start(url: String) -> Reader {
        let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, looked) = (Arc::clone(&stop), Arc::clone(&looks));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(look_on(&url, &stopped, &looked))
        });
        Reader { thread, stop, looks }
    }

    /// The different tables that were seen, in order.
    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

async fn look_on(url: &str, stop: &AtomicBool, looks: &AtomicU64) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let Ok(mut conn) = mysql_async::Conn::from_url(url).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while !stop.load(Ordering::SeqCst) {
            let Ok(Some(table)) = conn.query_first::<String, _>(SUMMARY).await else { break };
            looks.fetch_add(1, Ordering::Relaxed);
            if seen.last() != Some(&table) {
                seen.push(table);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    seen
}

/// Lets the death come after this time; how the program ended.
fn let_die(stage: &mut Stage, death: Death, after: Duration) -> Ended {
    if let Death::Connection(cut) = death {
        stage.proxy.cut_next(cut);
    }
    let child = match death {
        Death::Run => stage.sandbox.start(["run", "films.toml"]),
        _ => stage.sandbox.start(["merge", "films"]),
    };
    std::thread::sleep(after);
    match death {
        Death::Merge | Death::Run => kill_9(child.id() as i32),
        Death::Server => {
            stage.server.stop_immediately();
            stage.server.launch();
        }
        // Whether it is connected or not.
        Death::Connected => drop(stage.sql("KILL HARD CONNECTION USER loader@'127.0.0.1'")),
        Death::Query => drop(stage.sql("KILL QUERY USER loader@'127.0.0.1'")),
        Death::Connection(_) => {}
    }
    wait(child)
}

#[test]
fn a_death_at_any_moment_loses_nothing_and_doubles_nothing() {
    let mut random = seeded();
    let usual = if is_soak() { MOMENTS[0] } else { MOMENTS[1] };
    let moments = std::env::var("WINDROW_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut stage = Stage::new();
    let (mut longest, mut expected) = (Duration::ZERO, Vec::new());
    for (mode, rows, ids) in MODES {
        stage.reset(mode);
        let (old, started) = (stage.state().0, Instant::now());
        stage.sandbox.run(["merge", "films"]).with_code(0);
        longest = longest.max(started.elapsed());
        let (new, runs) = stage.state();
        assert!(new.starts_with(&format!("{rows} rows, {ids} ids, ")), "{mode}: {new}");
        expected.push((mode, old, new, runs));
    }
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    for moment in 0..moments {
        let (mode, old, new, runs) = &expected[random.usize(..MODES.len())];
        let death = DEATHS[moment % DEATHS.len()];
        let after = longest.mul_f64(random.f64() * 1.1);
        let case = format!("moment {moment}: {mode}, {death:?} after {after:?}");
        stage.reset(mode);
        let reader = Reader::start(stage.server.url(&stage.database));
        let died = let_die(&mut stage, death, after);
        let (table, runs_now) = stage.state();
        assert!(table == *old || table == *new, "{case}: half a table: {table}\n{}", died.stderr);
        let is_new = table == *new;
        assert_eq!(runs_now != "no run", is_new, "{case}: table and runs do not agree\n{}", died.stderr);
        assert!(died.code != Some(0) || is_new, "{case}: said to be published\n{}", died.stderr);
        if let Death::Connection(_) = death {
            assert_eq!(died.code, Some(0), "{case}: a lost answer is asked for\n{}", died.stderr);
        }
        *outcomes.entry(format!("{death:?}, {}", if is_new { "new" } else { "old" })).or_default() += 1;
        stage.proxy.cut_next(Cut::Never);
        stage.sandbox.run(["merge", "films"]).with_code(0);
        assert_eq!(stage.state(), (new.clone(), runs.clone()), "{case}: after it was repeated");
        let looks = reader.looks.load(Ordering::Relaxed);
        let seen = reader.stop();
        let allowed = [vec![old.clone()], vec![new.clone()], vec![old.clone(), new.clone()]];
        assert!(looks == 0 || allowed.contains(&seen), "{case}: a reader saw {seen:?}, not {old} and {new}");
    }
    println!("{outcomes:#?}");
}
