use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::merge::tests::sandbox::film_values;
use crate::value::Value;

/// Reads all the time, and says at its end how often, and what it saw that no publication wrote.
const READER: &str = r#"
import os, sqlite3, sys
path, stop = sys.argv[1:]
reads, torn, locked = 0, 0, 0
connection = sqlite3.connect(path, timeout=float(os.environ.get("WAIT", "0")))
# Until it is told, or the test has failed.
while not os.path.exists(stop) and os.path.isdir(os.path.dirname(stop)):
    try:
        rows = connection.execute("SELECT count(*), count(DISTINCT title), count(DISTINCT votes) FROM films").fetchall()
        reads += 1
        torn += rows != [(2000, 2000, 2000)]
    except sqlite3.OperationalError as error:
        locked += 1
print(reads, torn, locked)
"#;

fn reader(path: &Path, stop: &Path, wait: &str) -> Child {
    Command::new("python3")
        .args(["-c", READER])
        .args([path, stop])
        .env("WAIT", wait)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs")
}

fn told(reader: Child) -> Vec<u64> {
    let output = reader.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn values(round: u32, ordinal: u64, endpoint: usize, part: u32) -> Vec<Value> {
    film_values(round, ordinal, endpoint, part)
}

/// Three processes read while the table is replaced eight times: whole tables only. With a log they never wait.
async fn replaced_while_read(journal: &str, wait: &str) -> Vec<Vec<u64>> {
    let films = crate::merge::tests::sandbox::films();
    let mut sandbox = Sandbox::with(2000, films, values).await.mode(Mode::Replace).on_sqlite();
    sandbox.block = 500;
    sandbox.add_round(1, &all_ok).await;
    sandbox.execute(&format!("PRAGMA journal_mode = {journal}; CREATE TABLE other (n)"));
    sandbox.publish().await.unwrap();
    let stop = sandbox.folder().join("stop");
    let path = sandbox.sqlite().unwrap().to_owned();
    let readers = [(); 3].map(|()| reader(&path, &stop, wait));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for _ in 0..8 {
        sandbox.execute("DELETE FROM windrow_runs");
        assert_eq!(sandbox.publish().await.unwrap().rows, 2000);
    }
    std::fs::write(&stop, "").unwrap();
    readers.into_iter().map(told).collect()
}

#[tokio::test]
async fn readers_see_whole_tables_only_and_are_never_locked_out() {
    for told in replaced_while_read("WAL", "0").await {
        let [reads, torn, locked] = told.as_slice() else { panic!("{told:?}") };
        assert!(*reads > 0 && (*torn, *locked) == (0, 0), "{told:?}");
    }
}

#[tokio::test]
async fn with_a_rollback_journal_they_wait() {
    for told in replaced_while_read("DELETE", "20").await {
        let [reads, torn, locked] = told.as_slice() else { panic!("{told:?}") };
        assert!(*reads > 0 && (*torn, *locked) == (0, 0), "{told:?}");
    }
}
