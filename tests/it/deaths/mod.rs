//! Publishing into a database is killed at random moments, then repeated: nothing is lost, nothing doubled, nothing half
//! there, and readers see the old table or the new one.
//!
//! | file | |
//! |---|---|
//! | `postgres`, `mariadb`, `sqlite` | what is each database's own, and its tests |
//! | `reader` | who looks at the table all the time |

mod mariadb;
mod postgres;
mod reader;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::reader::{Reader, Watch};
use crate::support::processes::kill_9;
use crate::support::{Cut, Ended, Origin, Sandbox, film_ids, is_soak, seeded, wait};

/// Moments at which something dies, in `make soak` and otherwise; `WINDROW_MOMENTS` says otherwise.
const MOMENTS: [usize; 2] = [72, 24];
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
    /// The server's end of the connection.
    ServersEnd,
    /// What the server is doing for it.
    ServersWork,
    /// The connection, at its COMMIT.
    Connection(Cut),
}

/// The ways of writing, each with the rows and the ids that the table then has: that of [`FILMS`] and of one other film,
/// with old rows of it and of every second one before.
const MODES: [(&str, usize, usize); 4] = [
    ("append", FILMS + FILMS / 2 + 1, FILMS + 1),
    ("upsert", FILMS + 1, FILMS + 1),
    ("replace", FILMS, FILMS),
    ("replace_ids", FILMS + 1, FILMS + 1),
];

/// What is a database's own.
trait Ground {
    /// What the job says of it.
    fn to(&self) -> String;

    /// The answer of a client that is not ours: columns are separated by `|`.
    fn sql(&self, sql: &str) -> Vec<String>;

    /// Makes the table anew, without a table of runs, with old rows of these ids, `('a'), ('b')`; for the moment of that
    /// number.
    fn make_table(&self, mode: &str, ids: &str, moment: usize);

    /// A query: all of the table in a line that begins with `N rows, N ids, `, whatever the order of its rows, and the serial
    /// numbers aside.
    fn summary(&self) -> &'static str;

    /// The runs that are noted, or `no run`.
    fn runs(&self) -> String;

    /// What may die.
    fn deaths(&self) -> &'static [Death];

    /// The next COMMIT is cut so.
    fn cut_next(&self, _: Cut) {}

    /// Lets what is the server's die.
    fn let_die(&mut self, _: Death) {}

    /// Waits until it answers after a death; whether it is whole.
    fn is_whole(&self) -> bool {
        true
    }

    /// Who looks at the table meanwhile.
    fn reader(&self) -> Option<Look> {
        None
    }
}

/// Looks at a table until it is stopped.
type Look = Box<dyn FnOnce(Arc<Watch>) + Send>;

/// A fetched run that can be published again and again.
struct Stage<G> {
    sandbox: Sandbox,
    ground: G,
    origin: Origin,
}

impl<G: Ground> Stage<G> {
    fn new(ground: impl FnOnce(&Path) -> G) -> Stage<G> {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let ground = ground(sandbox.path());
        sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
        let stage = Stage { sandbox, ground, origin };
        stage.reset("append", 0);
        stage.sandbox.run(["run", "films.toml"]).with_code(0);
        stage
    }

    fn write_job(&self, mode: &str) {
        let key = if mode == "upsert" { "key = \"imdb_id\"" } else { "" };
        let (url, to) = (self.origin.url(), self.ground.to());
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
to = "{to}"
name = "films"
mode = "{mode}"
{key}
"#
            ),
        );
    }

    /// The run as if it had never been published; the table with old rows: of every second id of the list, and of one
    /// that is not in it.
    fn reset(&self, mode: &str, moment: usize) {
        self.write_job(mode);
        let ids = film_ids(FILMS);
        let old = ids.iter().step_by(2).map(|id| format!("('{id}')")).collect::<Vec<_>>().join(",");
        self.ground.make_table(mode, &format!("{old}, ('other')"), moment);
        if let Ok(entries) = std::fs::read_dir(self.sandbox.path().join("shards/films")) {
            for entry in entries.flatten() {
                let _ = std::fs::remove_file(entry.path().join("merged.json"));
            }
        }
    }

    /// The table and the runs that are noted, at one moment: of a killed program the COMMIT may still be under way.
    fn state(&self) -> (String, String) {
        let look = || (self.ground.sql(self.ground.summary()).join("\n"), self.ground.runs());
        let mut state = look();
        loop {
            match look() {
                same if same == state => return state,
                other => state = other,
            }
        }
    }

    /// Lets the death come after this time; how the program ended.
    fn let_die(&mut self, death: Death, after: Duration) -> Ended {
        if let Death::Connection(cut) = death {
            self.ground.cut_next(cut);
        }
        let child = match death {
            Death::Run => self.sandbox.start(["run", "films.toml"]),
            _ => self.sandbox.start(["merge", "films"]),
        };
        std::thread::sleep(after);
        match death {
            Death::Merge | Death::Run => kill_9(child.id() as i32),
            death => self.ground.let_die(death),
        }
        wait(child)
    }

    /// What each way of writing makes of the table, and how long the longest takes.
    fn expected(&self) -> (Vec<(&'static str, String, String, String)>, Duration) {
        let (mut longest, mut expected) = (Duration::ZERO, Vec::new());
        for (mode, rows, ids) in MODES {
            self.reset(mode, 0);
            let (old, started) = (self.state().0, Instant::now());
            self.sandbox.run(["merge", "films"]).with_code(0);
            longest = longest.max(started.elapsed());
            let (new, runs) = self.state();
            assert!(new.starts_with(&format!("{rows} rows, {ids} ids, ")), "{mode}: {}", &new[..40]);
            expected.push((mode, old, new, runs));
        }
        (expected, longest)
    }

    /// A death at any moment loses nothing and doubles nothing.
    fn let_all_die(mut self) {
        let mut random = seeded();
        let usual = if is_soak() { MOMENTS[0] } else { MOMENTS[1] };
        let moments = std::env::var("WINDROW_MOMENTS").ok().and_then(|text| text.parse().ok());
        let (expected, longest) = self.expected();
        let (deaths, mut outcomes) = (self.ground.deaths(), BTreeMap::<String, u32>::new());
        for moment in 0..moments.unwrap_or(usual) {
            let (mode, old, new, runs) = &expected[random.usize(..MODES.len())];
            let death = deaths[moment % deaths.len()];
            let after = longest.mul_f64(random.f64() * 1.1);
            let case = format!("{}, moment {moment}: {mode}, {death:?} after {after:?}", self.ground.to());
            self.reset(mode, moment);
            let reader = self.ground.reader().map(Reader::start);
            let died = self.let_die(death, after);
            assert!(self.ground.is_whole(), "{case}");
            let (table, runs_now) = self.state();
            assert!(table == *old || table == *new, "{case}: half a table: {table}\n{}", died.stderr);
            let is_new = table == *new;
            assert_eq!(runs_now != "no run", is_new, "{case}: table and runs do not agree\n{}", died.stderr);
            assert!(died.code != Some(0) || is_new, "{case}: said to be published\n{}", died.stderr);
            if let Death::Connection(_) = death {
                assert_eq!(died.code, Some(0), "{case}: a lost answer is asked for\n{}", died.stderr);
            }
            *outcomes.entry(format!("{death:?}, {}", if is_new { "new" } else { "old" })).or_default() += 1;
            self.ground.cut_next(Cut::Never);
            self.sandbox.run(["merge", "films"]).with_code(0);
            assert!(self.state() == (new.clone(), runs.clone()), "{case}: after it was repeated");
            if let Some(reader) = reader {
                reader.saw_only(old, new, &case);
            }
        }
        println!("{outcomes:#?}");
    }

    /// From the refusal to the widened table, as a person would.
    fn refuse_and_widen(self) {
        self.reset("upsert", 0);
        let refused = film_ids(FILMS)[7].clone();
        let table = "DROP TABLE films; CREATE TABLE films (imdb_id VARCHAR(20) PRIMARY KEY, title TEXT, year INTEGER, plot TEXT)";
        let strict = format!("PRIMARY KEY CHECK (imdb_id <> '{refused}')");
        self.ground.sql(&table.replace("PRIMARY KEY", &strict));
        let told = self.sandbox.run(["merge", "films"]).with_code(5);
        told.saying(&format!("record 7, id \"{refused}\", imdb_id = \"{refused}\""));
        self.sandbox.edit("films.toml", "[table]", "[publish]\nmax_rejected = 1\n\n[table]");
        let merged = self.sandbox.run(["merge", "films"]).with_code(0);
        merged.saying("published 2,999 rows, 1 record rejected by the table; the table has 2,999");
        let status = self.sandbox.run(["status", "films"]).with_code(0).stdout;
        assert!(status.contains("1 record rejected by it"), "{status}");
        let failures = self.sandbox.run(["failures", "films", "--list", "-f", "csv"]).with_code(0).stdout;
        assert!(failures.contains(&format!("{refused},,rejected,rejected,,,")), "{failures}");
        self.ground.sql("CREATE TABLE kept AS SELECT * FROM films");
        self.ground.sql(table);
        self.ground.sql("INSERT INTO films SELECT * FROM kept");
        let merged = self.sandbox.run(["merge", "films"]).with_code(0);
        merged.saying("published 1 row; the table has 3,000");
        self.sandbox.run(["merge", "films"]).with_code(0).saying("already published, nothing to do");
        assert_eq!(self.ground.sql("SELECT count(*), count(DISTINCT imdb_id) FROM films"), ["3000|3000"]);
    }
}
