use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::sandbox::{Sandbox, all_ok};
use crate::handoff::Exit;
use crate::handoff::mark;
use crate::job::{Destination, Mode, OnUnlisted, Stamp};
use crate::merge::{MergeError, check_destination, database};
use crate::value::Type;

async fn checked(sandbox: &Sandbox) -> String {
    check_destination(&sandbox.job, &sandbox.place())
        .await
        .map_or_else(|error| error.to_string(), |_| "fits".into())
}

#[tokio::test]
async fn a_database_that_can_be_made_is_not_made_to_find_out() {
    let sandbox = Sandbox::new(1).await;
    assert_eq!(checked(&sandbox).await, "fits");
    assert!(!sandbox.database().exists());
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let mut sandbox = Sandbox::new(1).await;
    let folder = sandbox.database().with_file_name("no such folder");
    sandbox.job.table.to = Destination::DuckDb(folder.join("films.duckdb"));
    let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Disk);
    assert!(error.to_string().contains("there is no folder"), "{error}");
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_described_at_once() {
    let mut sandbox = Sandbox::of_one_round(2, &all_ok).await;
    sandbox.execute(
        "CREATE TABLE films (ID TEXT, votes INTEGER, budget DOUBLE, facts TEXT, \
         title TEXT GENERATED ALWAYS AS (id), owner TEXT NOT NULL)",
    );
    sandbox.job.table.stamp = vec![("fetched_at".into(), Stamp::FetchedAt)];
    let before = checked(&sandbox).await;
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert_eq!(before, error.to_string());
    assert_eq!(
        before.lines().take(5).collect::<Vec<_>>(),
        [
            "table films does not fit the job:",
            "  column \"title\" is generated and cannot be filled",
            "  column \"votes\" is INTEGER there, bigint in the job",
            "  it has no column \"fetched_at\"",
            "  column \"owner\" is NOT NULL without a default, and the job does not fill it",
        ]
    );
    assert!(
        sandbox.rows("SELECT table_name FROM duckdb_tables() WHERE table_name = 'windrow_runs'").is_empty()
    );
}

#[tokio::test]
async fn text_goes_into_enums_and_uuids() {
    let sandbox = Sandbox::new(1).await;
    sandbox.execute(
        "CREATE TABLE films (id UUID, title ENUM ('a', 'b'), votes HUGEINT, budget DOUBLE, facts TEXT)",
    );
    assert_eq!(checked(&sandbox).await, "fits");
}

#[tokio::test]
async fn views_and_windrows_own_table_are_refused() {
    let mut sandbox = Sandbox::new(1).await;
    sandbox.execute("CREATE VIEW films AS SELECT 1 AS id");
    assert!(checked(&sandbox).await.contains("it is a view"));
    sandbox.job.table.name = "windrow_runs".into();
    assert!(checked(&sandbox).await.contains("keeps its own records"));
}

#[tokio::test]
async fn a_table_of_somebody_elses_is_not_taken_for_windrows_own() {
    let sandbox = Sandbox::new(1).await;
    sandbox.execute("CREATE TABLE Windrow_Runs (run_id TEXT, mine TEXT)");
    let said = checked(&sandbox).await;
    assert!(said.contains("lacks rounds, job, table_name,") && said.contains("rename it"), "{said}");
}

#[tokio::test]
async fn columns_and_keys_that_cannot_be_are_refused() {
    let mut sandbox = Sandbox::new(1).await.mode(Mode::Upsert);
    sandbox.job.table.key = vec!["facts".into(), "nobody".into()];
    sandbox.job.table.stamp = vec![("TITLE".into(), Stamp::RunId)];
    let said = checked(&sandbox).await;
    assert!(said.contains("columns \"title\" and \"TITLE\" have one name"), "{said}");
    assert!(said.contains("key column \"facts\" is json"), "{said}");
    assert!(said.contains("key column \"nobody\" is not one of its columns"), "{said}");
}

#[tokio::test]
async fn an_id_that_rows_are_found_by_can_be_compared() {
    for (mode, gone) in [(Mode::ReplaceIds, OnUnlisted::Keep), (Mode::Upsert, OnUnlisted::Delete)] {
        let mut sandbox = Sandbox::new(1).await.mode(mode);
        sandbox.job.table.key = vec!["title".into()];
        sandbox.job.table.on_unlisted = gone;
        sandbox.job.input.types = vec![("id".into(), Type::Json)];
        assert!(checked(&sandbox).await.contains("key column \"id\" is json"), "{}", checked(&sandbox).await);
        sandbox.job.input.types.clear();
        assert_eq!(checked(&sandbox).await, "fits");
    }
}

#[tokio::test]
async fn what_is_no_database_is_not_touched() {
    let sandbox = Sandbox::new(1).await;
    let sqlite = [b"SQLite format 3\0".as_slice(), &[0; 4096]].concat();
    for content in [&b""[..], b"hello, this is no database", &sqlite] {
        std::fs::write(sandbox.database(), content).unwrap();
        let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err();
        assert!(matches!(error, MergeError::NotReadable { .. }), "{error}");
        assert_eq!(error.exit(), Exit::Database);
        assert_eq!(std::fs::read(sandbox.database()).unwrap(), content);
    }
}

#[tokio::test]
async fn a_folder_and_a_damaged_file_are_told() {
    let mut sandbox = Sandbox::new(1).await;
    sandbox.execute("CREATE TABLE films (id TEXT)");
    let mut file = std::fs::read(sandbox.database()).unwrap();
    file[20] ^= 1;
    std::fs::write(sandbox.database(), file).unwrap();
    let said = checked(&sandbox).await;
    assert!(said.contains("hint: the file is damaged"), "{said}");
    let folder = sandbox.run.folder().to_path_buf();
    sandbox.job.table.to = Destination::DuckDb(folder);
    assert!(checked(&sandbox).await.contains("must name a DuckDB file"));
}

/// The headers of a file that DuckDB 2.0.0 made, where it is not zero: (offset, bytes).
const DUCKDB_2: [(usize, &[u8]); 8] = [
    (0, b"U\xf9\xbf3\xc9\x18\x25\xacDUCK\xe7\x03"),
    (52, b"v2\x2e0\x2e0"),
    (84, b"d54cbbe3df"),
    (124, b"\xe9:\xc6Y\x97\xe0\xa4`L\xb2\xf6\xfb?\xdb\x85E"),
    (4096, b"\xd87xx\x1c[D?\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\x08\0\0\0\0\0\0E"),
    (8192, b"\x92^\x8a\xa8\x22J\xd2\x7e\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\x08\0\0\0\0\0\0E"),
    (8276, b"d54cbbe3df"),
    (8316, b"\xe9:\xc6Y\x97\xe0\xa4`L\xb2\xf6\xfb?\xdb\x85E"),
];

#[tokio::test]
async fn a_database_of_a_newer_duckdb_is_told_from_a_broken_one() {
    let sandbox = Sandbox::new(1).await;
    let mut file = vec![0; 12_288];
    for (at, bytes) in DUCKDB_2 {
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }
    std::fs::write(sandbox.database(), file).unwrap();
    let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err();
    assert!(matches!(error, MergeError::NotReadable { .. }), "{error}");
    assert!(error.to_string().contains("newer version of DuckDB"), "{error}");
    assert!(error.to_string().contains("hint: open it with the DuckDB that made it"), "{error}");
}

const HELD: &str = "WINDROW_TEST_HOLDS";

/// Not a test of its own: the other process of the next one.
#[test]
fn holds_a_database_for_another_test() {
    let Ok(path) = std::env::var(HELD) else { return };
    let _connection = database::open(path.as_ref()).unwrap();
    println!("\nholding");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[tokio::test]
async fn a_database_that_another_process_has_open_is_in_use() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await;
    let this = "merge::tests::destination::holds_a_database_for_another_test";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env(HELD, sandbox.database())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));
    for error in [
        check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err(),
        sandbox.publish().await.unwrap_err(),
    ] {
        assert!(matches!(error, MergeError::InUse { .. }), "{error}");
        assert!(error.to_string().contains(&format!("PID {}", child.id())), "{error}");
        assert_eq!(error.exit(), Exit::Database);
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
}

#[tokio::test]
async fn what_a_killed_maker_of_the_database_left_is_swept_and_a_living_one_is_not() {
    let sandbox = Sandbox::new(1).await;
    let aside = |name: &str, age: u64| {
        let folder = sandbox.database().with_file_name(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("new.duckdb"), "half").unwrap();
        let then = SystemTime::now() - Duration::from_secs(age);
        if name != ".windrow-theirs" {
            mark::put(&folder).unwrap();
            std::fs::File::open(folder.join(mark::MARK)).unwrap().set_modified(then).unwrap();
        }
        std::fs::File::open(&folder).unwrap().set_modified(then).unwrap();
        folder
    };
    let (left, living) = (aside(".windrow-old", 3600), aside(".windrow-new", 5));
    let (theirs, other) = (aside(".windrow-theirs", 3600), aside(".other", 3600));
    database::open(&sandbox.database()).unwrap();
    assert_eq!([left.exists(), living.exists(), theirs.exists(), other.exists()], [false, true, true, true]);
}
