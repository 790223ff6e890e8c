//! Publications into files, killed at random moments while a reader looks at the file all the time.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use duckdb::Connection;
use fastrand::Rng;

use crate::support::{Origin, Sandbox, film_ids, seeded, small_job, wait};

/// Films of the run whose file stands, and of the one that is published.
const FILMS: [usize; 2] = [1500, 2500];
/// Between two looks of the reader: 500 in a second.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
/// Kills of each kind of file.
const KILLS: usize = 25;

/// What a look at a file finds.
type Look = fn(&Path) -> String;

/// All its bytes.
fn look_at_csv(path: &Path) -> String {
    let content = match std::fs::read(path) {
        Ok(content) => content,
        Err(error) => return format!("no file: {error}"),
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(&content);
    format!("{} bytes, {:x}", content.len(), hasher.finish())
}

/// All its rows. The file is opened once: DuckDB, which opens it again for the rows when it has read the columns, gets
/// a copy.
fn look_at_parquet(path: &Path) -> String {
    thread_local!(static DUCKDB: (Connection, tempfile::NamedTempFile) =
        (Connection::open_in_memory().unwrap(), tempfile::NamedTempFile::new().unwrap()));
    let sql =
        "SET enable_external_file_cache = false; SELECT concat_ws(' ', count(*), sum(hash(films))) FROM ";
    DUCKDB.with(|(duckdb, copy)| {
        match std::fs::read(path) {
            Ok(content) => std::fs::write(copy.path(), content).unwrap(),
            Err(error) => return format!("no file: {error}"),
        }
        let sql = format!("{sql} read_parquet(['{}']) films", copy.path().display());
        duckdb.query_row(&sql, [], |row| row.get(0)).unwrap_or_else(|error| format!("no file: {error}"))
    })
}

/// Looks at a file until it is told to stop; what it has seen, each once.
struct Reader {
    thread: thread::JoinHandle<usize>,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Reader {
    fn start(path: PathBuf, look: Look) -> Reader {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, noted) = (stop.clone(), seen.clone());
        let thread = thread::spawn(move || {
            let mut looks = 0;
            while !stopped.load(Ordering::Relaxed) {
                let found = look(&path);
                let mut seen = noted.lock().unwrap();
                if !seen.contains(&found) {
                    seen.push(found);
                }
                drop(seen);
                looks += 1;
                thread::sleep(BETWEEN_LOOKS);
            }
            looks
        });
        Reader { thread, stop, seen }
    }

    /// How often it has looked, and what it has seen.
    fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let looks = self.thread.join().unwrap();
        (looks, self.seen.lock().unwrap().clone())
    }
}

/// Two runs of one job over lists of different lengths; whole answers make its file one of megabytes, so that whoever
/// writes it bit by bit is seen.
fn two_runs(sandbox: &Sandbox, origin: &Origin) -> [PathBuf; 2] {
    let job = small_job(sandbox, origin, FILMS[0], "", "");
    sandbox.edit("small.toml", "mode = \"upsert\"\nkey = [\"imdb_id\"]", "mode = \"replace\"");
    sandbox.edit(
        "small.toml",
        "title = \".Title\"",
        "title = \".Title\", all = { jq = \".\", type = \"json\" }",
    );
    FILMS.map(|films| {
        sandbox.write("ids.txt", film_ids(films).join("\n"));
        sandbox.run(["run", job.to_str().unwrap(), "--new"]).with_code(0);
        sandbox.newest_run("small")
    })
}

/// What lies in the folder that a destination is in, but for the destination.
fn left_beside(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|other| other != path).map(|other| other.display().to_string()).collect()
}

fn attack(random: &mut Rng, sandbox: &Sandbox, runs: &[PathBuf; 2], kind: &str, look: Look) {
    let path = sandbox.path().join(kind).join(format!("films.{kind}"));
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let to = format!("{kind}:{}", path.display());
    let merge = |run: &Path| ["merge".to_owned(), run.display().to_string(), "--to".into(), to.clone()];
    sandbox.run(merge(&runs[0])).with_code(0);
    let old = sandbox.path().join("old");
    std::fs::copy(&path, &old).unwrap();
    let before = look(&path);
    let started = Instant::now();
    sandbox.run(merge(&runs[1])).with_code(0);
    let took = started.elapsed();
    let after = look(&path);
    assert!(before != after && !before.starts_with("no file") && !after.starts_with("no file"));
    assert!(std::fs::metadata(&path).unwrap().len() > 100_000);

    let put_back = |sandbox: &Sandbox| {
        let copy = sandbox.path().join("copy");
        std::fs::copy(&old, &copy).unwrap();
        std::fs::rename(&copy, &path).unwrap();
    };
    put_back(sandbox);
    let reader = Reader::start(path.clone(), look);
    let mut published = 0;
    for kill in 0..KILLS {
        let mut child = sandbox.start(merge(&runs[1]));
        thread::sleep(took.mul_f64(random.f64() * 1.1));
        child.kill().unwrap();
        wait(child);
        let found = look(&path);
        assert!(found == before || found == after, "after kill {kill} of {kind}: {found:.200}");
        published += usize::from(found == after);
        sandbox.run(merge(&runs[1])).with_code(0).saying("the file has 2,500");
        assert_eq!(look(&path), after, "after kill {kill} of {kind}");
        assert_eq!(left_beside(&path), [""; 0], "after kill {kill} of {kind}");
        put_back(sandbox);
    }
    let (looks, seen) = reader.stop();
    println!("{kind}: {KILLS} kills within {took:?}, {published} of them after the rename, {looks} looks");
    for found in seen {
        assert!(found == before || found == after, "a reader of {kind} saw {found:.200}");
    }
    assert!(looks > KILLS * 20, "the reader hardly looked");
}

#[test]
fn whoever_reads_a_file_sees_the_old_one_or_the_new_one_whatever_is_killed() {
    let mut random = seeded();
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let runs = two_runs(&sandbox, &origin);
    attack(&mut random, &sandbox, &runs, "csv", look_at_csv);
    attack(&mut random, &sandbox, &runs, "parquet", look_at_parquet);
}
