use std::future::pending;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::sandbox::{Sandbox, TERMS, all_ok, rows};
use crate::handoff::{Exit, RunStore, layout};
use crate::job::{Destination, Mode, OnFailure, Stamp};
use crate::merge::load::{Loaded, Settled, Stop, load, load_into, resolve};
use crate::merge::{End, MergeError, ResolvedDestination, database, ddl, first_rows, prove, publish};
use crate::seed::seeded;
use crate::value::{Field, Type, Value};

fn one_fails(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(if (ordinal, endpoint) == (2, 1) { End::Failed } else { End::Ok })
}

fn the_one_again(ordinal: u64, endpoint: usize) -> Option<End> {
    ((ordinal, endpoint) == (2, 1)).then_some(End::Ok)
}

#[tokio::test]
async fn a_table_is_made_as_the_ddl_says() {
    let mut sandbox = Sandbox::of_one_round(5, &all_ok).await;
    sandbox.job.input.columns = vec!["country".into()];
    sandbox.job.table.stamp = vec![
        ("run".into(), Stamp::RunId),
        ("nr".into(), Stamp::Ordinal),
        ("fetched_at".into(), Stamp::FetchedAt),
        ("started".into(), Stamp::RunStartedAt),
    ];
    let ddl = ddl(&sandbox.job, &sandbox.plan).unwrap();
    assert!(
        ddl.starts_with("CREATE TABLE \"films\" (\n    \"id\" VARCHAR,\n    \"country\" VARCHAR,"),
        "{ddl}"
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total.unwrap()), (5, 0, 5));
    let made = "SELECT column_name || ' ' || data_type FROM duckdb_columns() WHERE table_name = 'films'";
    for column in sandbox.rows(made) {
        let (name, ty) = column.split_once(' ').unwrap();
        assert!(ddl.contains(&format!("\"{name}\" {ty}")), "{column} in {ddl}");
    }
    assert_eq!(
        sandbox.rows("SELECT * FROM films WHERE id = 'tt0003'")[0],
        "tt0003|land 3|film 3 of round 0|3|30|{\"n\":3}|20261123T000000-4f2a9c81d3f60|3|\
         2026-11-23 00:00:00.000001|2026-11-23 00:00:00"
    );
}

#[tokio::test]
async fn the_run_is_entered_in_windrow_runs_and_merged_json() {
    let sandbox = Sandbox::of_one_round(5, &one_fails).await;
    let published = sandbox.publish().await.unwrap();
    let outcome = sandbox.run.outcome().await.unwrap().unwrap();
    assert_eq!(published.outcome, outcome);
    assert_eq!((outcome.published, outcome.rows, outcome.rounds), (true, 4, 1));
    assert_eq!(published.left_out, 1);
    assert_eq!(
        sandbox.rows("FROM windrow_runs")[0],
        format!(
            "20261123T000000-4f2a9c81d3f60|1|films|films|{}|4|2026-11-23 00:00:00|film=skip money=skip|~|~|~",
            outcome.digest
        )
    );
}

#[tokio::test]
async fn merging_twice_changes_nothing() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let sandbox = Sandbox::of_one_round(7, &one_fails).await.mode(mode);
        let first = sandbox.publish().await.unwrap();
        sandbox.execute("UPDATE films SET title = 'edited' WHERE id = 'tt0001'");
        let table = sandbox.table();
        let second = sandbox.publish().await.unwrap();
        assert!(!first.already && second.already);
        assert_eq!((second.rows, second.total.unwrap()), (6, 6));
        assert_eq!(second.outcome, first.outcome);
        assert_eq!(sandbox.table(), table);
        assert_eq!(sandbox.rows("FROM windrow_runs").len(), 1);
    }
}

#[tokio::test]
async fn killed_between_commit_and_the_note_the_row_tells() {
    let sandbox = Sandbox::of_one_round(7, &all_ok).await;
    let outcome = sandbox.publish().await.unwrap().outcome;
    std::fs::remove_file(sandbox.run.folder().join(layout::OUTCOME)).unwrap();
    assert!(sandbox.publish().await.unwrap().already);
    assert_eq!(sandbox.run.outcome().await.unwrap().unwrap(), outcome);
    assert_eq!(sandbox.table().len(), 7);
}

#[tokio::test]
async fn a_retry_adds_what_is_new_to_an_appended_table() {
    let mut sandbox = Sandbox::of_one_round(5, &one_fails).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    sandbox.add_round(1, &the_one_again).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.left_out, published.late, published.total.unwrap()), (1, 0, 0, 5));
    assert_eq!(sandbox.table()[2], "tt0002|film 2 of round 0|2|21");
    assert_eq!(sandbox.rows("SELECT rounds, \"rows\" FROM windrow_runs ORDER BY 1"), ["1|4", "2|1"]);
}

#[tokio::test]
async fn a_row_that_was_appended_with_nulls_stays() {
    let mut sandbox = Sandbox::of_one_round(5, &one_fails).await;
    sandbox.on_failure([OnFailure::Skip, OnFailure::Null]);
    sandbox.publish().await.unwrap();
    sandbox.add_round(1, &the_one_again).await;
    // Even if the job has another mind about failures now.
    sandbox.on_failure([OnFailure::Skip, OnFailure::Skip]);
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.late, published.total.unwrap()), (0, 1, 5));
    assert_eq!(sandbox.table()[2], "tt0002|film 2 of round 0|2|~");
}

#[tokio::test]
async fn a_retry_does_not_undo_what_a_newer_run_wrote() {
    let mut sandbox = Sandbox::of_one_round(5, &one_fails).await.mode(Mode::Upsert);
    sandbox.publish().await.unwrap();
    sandbox.execute("UPDATE films SET title = 'newer' WHERE id = 'tt0001'");
    sandbox.add_round(1, &the_one_again).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced), (1, 0));
    assert_eq!(sandbox.table()[1], "tt0001|newer|1|10");
}

#[tokio::test]
async fn other_files_under_a_published_run_are_refused() {
    let sandbox = Sandbox::of_one_round(4, &all_ok).await;
    sandbox.publish().await.unwrap();
    sandbox.execute("UPDATE windrow_runs SET digest = 'other'");
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Integrity);
    assert!(error.to_string().contains("published from other files"), "{error}");
}

#[tokio::test]
async fn missing_counts_as_success() {
    let missing = |ordinal: u64, _: usize| Some(if ordinal == 1 { End::Missing } else { End::Ok });
    let mut sandbox = Sandbox::of_one_round(3, &missing).await;
    sandbox.job.publish.min_success = Some(1.0);
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.table()[1], "tt0001|~|~|~");
}

#[tokio::test]
async fn what_its_when_skipped_counts_as_success() {
    let skipped = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (1, 1) => Some(End::Exempt),
        (2, 1) => Some(End::NotAsked),
        _ => Some(End::Ok),
    };
    let mut sandbox = Sandbox::of_one_round(3, &skipped).await;
    let proof = sandbox.prove().await.unwrap();
    assert_eq!(
        (proof.complete, proof.latest["money"][&End::Exempt], proof.latest["money"][&End::NotAsked]),
        (2, 1, 1)
    );
    sandbox.job.publish.min_success = Some(0.66);
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.left_out), (2, 1));
    assert_eq!(sandbox.table()[1], "tt0001|film 1 of round 0|1|~");
    // It is not asked again; what depended on something else is.
    sandbox.add_round(1, &|o, e| ((o, e) == (2, 1)).then_some(End::Ok)).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 1);
    sandbox.add_round(1, &|o, e| ((o, e) == (1, 1)).then_some(End::Ok)).await;
    let error = sandbox.prove().await.map(|proof| proof.digest).unwrap_err();
    assert!(error.to_string().contains("record 1 at money was not_asked already"), "{error}");
}

#[tokio::test]
async fn an_empty_list_replaces_a_table_by_nothing() {
    let sandbox = Sandbox::of_one_round(0, &all_ok).await.mode(Mode::Replace);
    sandbox.execute(
        "CREATE TABLE films AS SELECT 'x' id, '' title, 1::BIGINT votes, 1 budget, '{}'::JSON facts",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total.unwrap()), (0, 1, 0));
}

#[tokio::test]
async fn of_two_records_with_one_key_the_later_wins() {
    let mut sandbox = Sandbox::new(6).await.mode(Mode::Upsert);
    sandbox.ids[4] = "tt0001".into();
    sandbox.add_round(2, &all_ok).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.duplicates.rows, published.total.unwrap()), (5, 1, 5));
    assert_eq!(sandbox.table()[1], "tt0001|film 4 of round 0|4|40");
}

#[tokio::test]
async fn a_null_key_is_refused_and_nothing_is_written() {
    let missing = |ordinal: u64, _: usize| Some(if ordinal > 1 { End::Missing } else { End::Ok });
    let mut sandbox = Sandbox::of_one_round(4, &missing).await.mode(Mode::Upsert);
    sandbox.job.table.key = vec!["votes".into()];
    let error = sandbox.publish().await.unwrap_err();
    assert!(
        matches!(&error, MergeError::NullKey { column, rows: 2, ordinal: 2 } if column == "votes"),
        "{error}"
    );
    assert!(sandbox.rows("SELECT table_name FROM duckdb_tables()").is_empty());
    assert!(sandbox.run.outcome().await.unwrap().is_none());
}

#[tokio::test]
async fn a_table_with_keys_and_columns_of_its_own_is_filled_as_it_is() {
    for (mode, index) in [
        (Mode::Upsert, ""),
        (Mode::Upsert, "UNIQUE"),
        (Mode::Replace, "UNIQUE"),
        (Mode::ReplaceIds, "UNIQUE"),
    ] {
        let mut sandbox = Sandbox::new(4000).await.mode(mode);
        sandbox.block = 1000;
        sandbox.add_round(2, &all_ok).await;
        sandbox.execute(&format!(
            "CREATE SEQUENCE numbers START 100; \
             CREATE TABLE films (note TEXT DEFAULT 'new', votes BIGINT {index}, id TEXT PRIMARY KEY, title TEXT, \
             twice BIGINT GENERATED ALWAYS AS (votes * 2), budget BIGINT, facts JSON, \
             nr BIGINT DEFAULT nextval('numbers')); \
             INSERT INTO films (note, votes, id, title, nr) \
             SELECT 'mine', 1000000 + i, 'tt' || lpad(i::TEXT, 4, '0'), 'old', i FROM range(1000, 3000) r(i); \
             INSERT INTO films (note, votes, id, title, nr) VALUES ('other', -7, 'zz', 'stays', 7)"
        ));
        let published = sandbox.publish().await.unwrap();
        let stays = u64::from(mode != Mode::Replace);
        assert_eq!((published.rows, published.replaced), (4000, 2001 - stays));
        assert_eq!(published.total.unwrap(), 4000 + stays);
        let row = |id: &str| {
            sandbox.rows(&format!("SELECT note, title, twice, nr < 100 FROM films WHERE id = '{id}'"))
        };
        assert_eq!(row("tt0001"), ["new|film 1 of round 0|2|false"]);
        let note = if mode == Mode::Upsert { "mine" } else { "new" };
        assert_eq!(row("tt2000")[0].split('|').next(), Some(note));
        assert_eq!(row("tt2000")[0].split('|').nth(2), Some("4000"));
        assert_eq!(row("zz").len() as u64, stays);
        if mode == Mode::Upsert {
            assert_eq!(sandbox.rows("SELECT nr FROM films WHERE id = 'tt2000'"), ["2000"]);
        }
    }
}

#[tokio::test]
async fn an_append_that_meets_a_primary_key_leaves_nothing_behind() {
    let sandbox = Sandbox::of_one_round(5, &all_ok).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('tt0003', 'old', 1, 1, NULL)",
    );
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Database);
    assert!(error.to_string().contains("tt0003"), "{error}");
    assert!(error.to_string().contains("upsert"), "{error}");
    assert_eq!(sandbox.table(), ["tt0003|old|1|1"]);
    assert!(
        sandbox.rows("SELECT table_name FROM duckdb_tables() WHERE table_name = 'windrow_runs'").is_empty()
    );
}

#[tokio::test]
async fn a_value_that_the_table_cannot_hold_leaves_nothing_behind() {
    let sandbox = Sandbox::of_one_round(500, &all_ok).await.mode(Mode::Replace);
    sandbox.execute(
        "CREATE TABLE films (id TEXT, title TEXT, votes DECIMAL(2,0), budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('old', 'old', 1, 1, NULL)",
    );
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Database, "{error}");
    assert_eq!(sandbox.table(), ["old|old|1|1"]);
}

#[tokio::test]
async fn a_file_that_changes_between_proof_and_load_is_not_published() {
    let sandbox = Sandbox::of_one_round(6, &all_ok).await;
    let proof = sandbox.prove().await.unwrap();
    let shorter = sandbox.run.local_path(0, "000000000.a1.film.parquet");
    let shard = &sandbox.rounds[0].shards[0];
    let mut content = sandbox.content(0, &shard.blocks[0], &all_ok);
    content.rows[0].pop();
    sandbox.put_block(0, &shard.blocks[0], content).await;
    assert!(shorter.exists());
    let error =
        publish(&sandbox.run, &sandbox.job, &sandbox.place(), &proof, &TERMS, pending()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Integrity);
    assert!(error.to_string().contains("5 rows were loaded, the proof has 6"), "{error}");
    assert!(sandbox.rows("SELECT table_name FROM duckdb_tables()").is_empty());
}

/// Every reader in the process sees the rows of before or the rows of after.
#[tokio::test]
async fn readers_see_the_old_table_or_the_new_one() {
    let mut sandbox = Sandbox::new(20_000).await.mode(Mode::Replace);
    sandbox.block = 2_000;
    sandbox.add_round(2, &all_ok).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films SELECT 'old' || i, 'old', -1, 1, NULL FROM range(777) r(i)",
    );
    let order = sandbox.order().await;
    let connection = database::open(&sandbox.database()).unwrap();
    let reader = connection.try_clone().unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let seen = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            seen.push(rows(&reader, "SELECT count(*), count(*) FILTER (title = 'old') FROM films").remove(0));
        }
        seen.push(rows(&reader, "SELECT count(*), count(*) FILTER (title = 'old') FROM films").remove(0));
        seen
    });
    load_into(&connection, &order, &sandbox.database(), &Stop::default()).unwrap();
    drop(stop);
    let mut seen = seen.join().unwrap();
    assert!(seen.len() > 5, "the reader hardly looked");
    seen.dedup();
    assert!(seen.iter().all(|seen| seen == "777|777" || seen == "20000|0"), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "20000|0");
}

#[tokio::test]
async fn the_row_tells_where_commit_gave_no_answer() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await;
    let order = sandbox.order().await;
    let unanswered = || MergeError::Database { path: String::new(), message: "no answer".into() };
    let settled = Settled { rows: 3, rejected: Vec::new(), at_pauses: 0 };
    let unknown = || {
        let loaded = Loaded::before(&order, settled.clone(), Some(3), Duration::ZERO);
        (Loaded { already: false, ..loaded }, Vec::new())
    };
    let resolved = || resolve(&order, &sandbox.database(), unanswered(), unknown(), &Stop::default());
    let error = resolved().unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    sandbox.publish().await.unwrap();
    let loaded = resolved().unwrap();
    assert_eq!((loaded.already, loaded.rows, loaded.total), (false, 3, Some(3)));
}

#[tokio::test]
async fn a_stopped_load_publishes_nothing() {
    let mut sandbox = Sandbox::new(20_000).await;
    sandbox.block = 2_000;
    sandbox.add_round(2, &all_ok).await;
    let order = sandbox.order().await;
    let given_up = Stop::default();
    given_up.stop();
    assert!(load(order.clone(), &sandbox.database(), &given_up).is_err());
    for pause in [0, 1, 5, 20] {
        let stop = Stop::default();
        let path = sandbox.database();
        let loaded = std::thread::scope(|scope| {
            let loading = scope.spawn(|| load(order.clone(), &path, &stop));
            std::thread::sleep(Duration::from_millis(pause));
            stop.stop();
            loading.join().unwrap()
        });
        let rows = sandbox.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'films'");
        assert_eq!(rows, [if loaded.is_ok() { "1" } else { "0" }]);
        if loaded.is_ok() {
            break;
        }
    }
    assert_eq!(sandbox.publish().await.unwrap().total.unwrap(), 20_000);
}

#[tokio::test]
async fn rows_that_others_refer_to_are_not_replaced() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert);
    sandbox.execute(
        "CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('tt0001', 'old', 1, 1, NULL); \
         CREATE TABLE seen (id TEXT REFERENCES films (id)); INSERT INTO seen VALUES ('tt0001')",
    );
    let error = sandbox.publish().await.unwrap_err();
    assert!(error.to_string().contains("does not replace rows that another table refers to"), "{error}");
    assert_eq!(sandbox.table(), ["tt0001|old|1|1"]);
}

#[tokio::test]
async fn the_first_rows_are_read_from_the_database() {
    let sandbox = Sandbox::of_one_round(5, &all_ok).await;
    sandbox.publish().await.unwrap();
    let first = first_rows(&sandbox.place(), "films", 3).await.unwrap();
    assert_eq!((first.rows.len(), first.truncated), (3, true));
    assert_eq!(first.columns[3].ty, "INTEGER");
    assert!(!first_rows(&sandbox.place(), "FILMS", 5).await.unwrap().truncated);
}

/// What the killed process of the next test runs.
const KILLED: &str = "WINDROW_TEST_PUBLISHES";

/// Not a test of its own.
#[tokio::test]
async fn publishes_for_another_test() {
    let Ok(folder) = std::env::var(KILLED) else { return };
    let run = RunStore::open(Path::new(&folder)).await.unwrap();
    let plan = run.plan().await.unwrap();
    let database = run.folder().join("films.duckdb");
    let proof = prove(&run).await.unwrap();
    println!("\nstarting");
    let (to, job) = (ResolvedDestination::DuckDb(database.clone()), super::sandbox::job(database, &plan));
    publish(&run, &job, &to, &proof, &TERMS, pending()).await.unwrap();
}

/// Starts the other process, up to the moment when it has proven the run.
fn publisher(sandbox: &Sandbox) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "merge::tests::publishing::publishes_for_another_test", "--nocapture"])
        .env(KILLED, sandbox.run.folder())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "starting"));
    child
}

#[tokio::test]
async fn killed_at_any_moment_the_next_merge_publishes_once() {
    let mut sandbox = Sandbox::new(30_000).await;
    sandbox.block = 2_000;
    sandbox.add_round(2, &all_ok).await;
    let database = sandbox.run.folder().join("films.duckdb");
    sandbox.job.table.to = Destination::DuckDb(database.clone());
    let started = Instant::now();
    publisher(&sandbox).wait().unwrap();
    let undisturbed = started.elapsed();
    let mut random = seeded();
    for _ in 0..10 {
        std::fs::remove_file(&database).or_else(absent).unwrap();
        std::fs::remove_file(sandbox.run.folder().join(layout::OUTCOME)).or_else(absent).unwrap();
        let mut child = publisher(&sandbox);
        std::thread::sleep(undisturbed.mul_f64(random.f64()));
        child.kill().unwrap();
        child.wait().unwrap();
        let noted = sandbox.run.outcome().await.unwrap().is_some();
        let published = sandbox.publish().await.unwrap();
        assert!(published.already || !noted);
        assert_eq!((published.rows, published.total.unwrap()), (30_000, 30_000));
        assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["30000|30000"]);
    }
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.into(), ty }
}

fn every_type() -> Vec<Field> {
    let types = [
        Type::Text,
        Type::Boolean,
        Type::Integer,
        Type::Bigint,
        Type::Double,
        Type::Decimal { precision: 38, scale: 2 },
        Type::Date,
        Type::Timestamp,
        Type::Json,
    ];
    types.into_iter().map(|ty| field(ty.to_string().split('(').next().unwrap(), ty)).collect()
}

const TEXTS: [&str; 10] =
    ["", " ", "NULL", "a,b", "say \"x\"", "line\nbreak", "cr\r\nlf", "lone\rcr", "é😀", "\"\""];

fn every_value(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![
        Value::Text(TEXTS[ordinal as usize % TEXTS.len()].into()),
        Value::Boolean(ordinal.is_multiple_of(2)),
        Value::Integer(i32::MIN),
        Value::Bigint(i64::MAX),
        Value::Double(-0.1),
        Value::Decimal(10i128.pow(38) - 1),
        Value::Date(-719_162),
        Value::Timestamp(-1),
        Value::Json("{\"a\": \"x,\\n\"}".into()),
    ]
}

#[tokio::test]
async fn every_type_arrives_as_it_was_written() {
    for csv in [false, true] {
        let mut sandbox = Sandbox::with(20, vec![("film", every_type())], every_value).await;
        if csv {
            sandbox = sandbox.csv().await;
        }
        let missing = |ordinal: u64, _: usize| Some(if ordinal < 10 { End::Ok } else { End::Missing });
        sandbox.add_round(1, &missing).await;
        sandbox.publish().await.unwrap();
        let connection = database::open(&sandbox.database()).unwrap();
        for (at, text) in TEXTS.iter().enumerate() {
            let sql = "SELECT \"text\" FROM films WHERE id = ?";
            let read: String = connection.query_row(sql, [&sandbox.ids[at]], |row| row.get(0)).unwrap();
            assert_eq!(read, *text, "csv: {csv}");
        }
        drop(connection);
        let rest = "SELECT * EXCLUDE (id, \"text\") FROM films WHERE id = ";
        assert_eq!(
            sandbox.rows(&format!("{rest} 'tt0000'"))[0],
            "true|-2147483648|9223372036854775807|-0.1|999999999999999999999999999999999999.99|0001-01-01|\
             1969-12-31 23:59:59.999999|{\"a\": \"x,\\n\"}"
        );
        assert_eq!(sandbox.rows(&format!("{rest} 'tt0010'"))[0], "~|~|~|~|~|~|~|~");
        let json = "SELECT json_type(\"json\") FROM films WHERE id = 'tt0000'";
        assert_eq!(sandbox.rows(json), ["OBJECT"]);
    }
}

#[tokio::test]
async fn a_trial_is_published_into_its_own_folder() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await;
    sandbox.plan.trial = true;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    let published = sandbox.publish().await.unwrap();
    assert!(!sandbox.database().exists());
    let trial = sandbox.run.folder().join(layout::TRIAL_DATABASE);
    assert_eq!(published.outcome.to, format!("duckdb:{}", trial.display()));
    assert_eq!(rows(&database::open(&trial).unwrap(), "SELECT count(*) FROM films"), ["3"]);
}

#[tokio::test]
async fn a_schema_is_made_where_the_table_names_one() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await;
    // The database's own name is "films", too.
    sandbox.job.table.name = "films.FILMS".into();
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM films.films.films"), ["3"]);
    assert!(sandbox.publish().await.unwrap().already);
}

#[tokio::test]
async fn names_with_quotes_and_spaces_are_names() {
    let odd =
        vec![field("a \"b\" c", Type::Text), field("select", Type::Bigint), field("it's", Type::Integer)];
    let values = |_: u32, o: u64, _: usize, _: u32| {
        vec![Value::Text("x".into()), Value::Bigint(o as i64), Value::Integer(1)]
    };
    for csv in [false, true] {
        let mut sandbox = Sandbox::with(3, vec![("film", odd.clone())], values).await.mode(Mode::Upsert);
        if csv {
            sandbox = sandbox.csv().await;
        }
        sandbox.job.table.name = "order \"by\"".into();
        sandbox.job.table.key = vec!["select".into()];
        sandbox.job.input.columns = vec!["country".into()];
        sandbox.add_round(1, &all_ok).await;
        sandbox.publish().await.unwrap();
        let found = sandbox
            .rows("SELECT \"a \"\"b\"\" c\", \"select\", \"it's\" FROM \"order \"\"by\"\"\" ORDER BY 2");
        assert_eq!(found, ["x|0|1", "x|1|1", "x|2|1"]);
    }
}

#[tokio::test]
async fn a_key_may_be_called_like_a_column_of_ours() {
    let columns = ["ordinal", "part", "key ordinal"].map(|name| Field { name: name.into(), ty: Type::Text });
    let sandbox = Sandbox::with(10, vec![("film", columns.to_vec())], |_, ordinal, _, part| {
        vec![(ordinal / 2).to_string(), part.to_string(), ordinal.to_string()]
            .into_iter()
            .map(Value::Text)
            .collect()
    });
    let mut sandbox = sandbox.await.exploding(0, |_, _| 2).await.mode(Mode::Upsert);
    sandbox.job.table.key = vec!["ordinal".into(), "part".into()];
    sandbox.execute(
        "CREATE TABLE films (id TEXT, ordinal TEXT, part TEXT, \"key ordinal\" TEXT); \
         INSERT INTO films VALUES ('old', '1', '0', 'goes'), ('old', '1', '7', 'stays')",
    );
    sandbox.add_round(2, &all_ok).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.duplicates.rows), (10, 1, 10));
    let expected = ["0|0|1", "0|1|1", "1|0|3", "1|1|3", "1|7|stays", "2|0|5"];
    let rows = sandbox.rows("SELECT ordinal, part, \"key ordinal\" FROM films ORDER BY ordinal, part");
    assert_eq!((rows[..6].to_vec(), rows.len()), (expected.map(str::to_owned).to_vec(), 11));
}
