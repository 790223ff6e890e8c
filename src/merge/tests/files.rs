use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use super::kinds::{FILES, Kind};
use super::sandbox::{Sandbox, TERMS, all_ok, rows};
use crate::handoff::{Exit, layout, mark};
use crate::job::{Destination, Mode, OnFailure, Stamp};
use crate::merge::aside::Aside;
use crate::merge::{End, MergeError, check_destination, ddl, first_rows, publish};
use crate::value::{Field, Type, Value};

fn one_fails(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(if (ordinal, endpoint) == (2, 1) { End::Failed } else { End::Ok })
}

fn the_one_again(ordinal: u64, endpoint: usize) -> Option<End> {
    ((ordinal, endpoint) == (2, 1)).then_some(End::Ok)
}

async fn checked(sandbox: &Sandbox) -> String {
    check_destination(&sandbox.job, &sandbox.place())
        .await
        .map_or_else(|error| error.to_string(), |_| "fits".into())
}

fn text(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.file()).unwrap()
}

/// Another time at the file, as if somebody had written it anew.
fn touch(sandbox: &Sandbox) {
    let file = fs::File::options().append(true).open(sandbox.file()).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

#[tokio::test]
async fn a_csv_file_has_the_declared_columns_in_the_order_of_the_list() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    sandbox.job.input.columns = vec!["country".into()];
    sandbox.job.table.stamp = vec![("day".into(), Stamp::RunDay), ("fetched_at".into(), Stamp::FetchedAt)];
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.total), (3, Some(3)));
    assert_eq!(
        text(&sandbox),
        "id,country,title,votes,budget,facts,day,fetched_at\n\
         tt0000,,film 0 of round 0,0,0,\"{\"\"n\"\":0}\",2026-11-23,2026-11-23 00:00:00.000001Z\n\
         tt0001,land 1,film 1 of round 0,1,10,\"{\"\"n\"\":1}\",2026-11-23,2026-11-23 00:00:00.000001Z\n\
         tt0002,,film 2 of round 0,2,20,\"{\"\"n\"\":2}\",2026-11-23,2026-11-23 00:00:00.000001Z\n"
    );
    assert_eq!(sandbox.beside(), ["films.csv"]);
}

fn kinds() -> Vec<(&'static str, Vec<Field>)> {
    let types = [
        ("text", Type::Text),
        ("flag", Type::Boolean),
        ("small", Type::Integer),
        ("large", Type::Bigint),
        ("real", Type::Double),
        ("money", Type::Decimal { precision: 38, scale: 4 }),
        ("day", Type::Date),
        ("moment", Type::Timestamp),
        ("json", Type::Json),
    ];
    vec![("all", types.map(|(name, ty)| Field { name: name.into(), ty }).to_vec())]
}

/// What is awkward in any file.
fn awkward(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    let (text, json) = [
        ("", "\"\""),
        ("a,\"b\"\r\nc\n", "{\"a\": \"x,\\\"y\"}"),
        ("NULL", "null"),
        (" \t\u{1F600}#\\N'", "[]"),
        ("\r", " 1 "),
    ][ordinal as usize % 5];
    let is_low = ordinal.is_multiple_of(2);
    vec![
        Value::Text(text.into()),
        Value::Boolean(is_low),
        Value::Integer(if is_low { i32::MIN } else { i32::MAX }),
        Value::Bigint(if is_low { i64::MIN } else { i64::MAX }),
        Value::Double([0.1, -0.0, 5e-324, f64::MAX, 1.0 / 3.0][ordinal as usize % 5]),
        Value::Decimal(if is_low { -(10i128.pow(38) - 1) } else { 1 }),
        Value::Date([-719_162, -1, 0, 20_000, 2_932_896][ordinal as usize % 5]),
        Value::Timestamp(
            [-1, 0, 1_795_392_000_000_001, 86_399_999_999, -62_135_596_800_000_000][ordinal as usize % 5],
        ),
        Value::Json(json.into()),
    ]
}

/// Ten records, every other of which knows nothing.
async fn of_awkward_values(kind: Kind) -> Sandbox {
    let mut sandbox = Sandbox::with(10, kinds(), awkward).await.mode(Mode::Upsert).into_kind(kind);
    sandbox.job.table.partition_by.clear();
    sandbox.add_round(2, &|o, _| Some(if o < 5 { End::Ok } else { End::Missing })).await;
    sandbox
}

#[tokio::test]
async fn every_value_comes_back_as_it_was_and_as_the_database_has_it() {
    let database = of_awkward_values(Kind::Database).await;
    database.publish().await.unwrap();
    for kind in [Kind::Csv, Kind::Parquet] {
        let sandbox = of_awkward_values(kind).await;
        sandbox.publish().await.unwrap();
        let read = database.connection();
        let path = sandbox.file().display().to_string().replace('\'', "''");
        let columns = "id: 'TEXT', text: 'TEXT', flag: 'BOOLEAN', small: 'INTEGER', large: 'BIGINT', real: 'DOUBLE', \
                       money: 'DECIMAL(38,4)', day: 'DATE', moment: 'TIMESTAMP', json: 'JSON'";
        let from = match kind {
            Kind::Csv => format!(
                "read_csv(['{path}'], auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', \
                 nullstr = '', allow_quoted_nulls = false, columns = {{{columns}}})"
            ),
            _ => format!("read_parquet(['{path}'])"),
        };
        let differ =
            format!("(FROM films EXCEPT ALL FROM {from}) UNION ALL (FROM {from} EXCEPT ALL FROM films)");
        assert_eq!(rows(&read, &differ), [""; 0], "{kind:?}");
        assert_eq!(rows(&read, &format!("SELECT count(*) FROM {from} WHERE text = ''")), ["1"]);
        let zero = format!("SELECT 1 / real FROM {from} WHERE id = 'tt0001'");
        assert_eq!(rows(&read, &zero), ["-inf"], "minus zero");
    }
}

#[tokio::test]
async fn a_file_that_stands_is_read_back_to_the_letter() {
    for kind in [Kind::Csv, Kind::Parquet] {
        let first = of_awkward_values(kind).await;
        first.publish().await.unwrap();
        // Another run has other ids: the rows stay, and are written again.
        let mut other = Sandbox::with(10, kinds(), awkward).await.mode(Mode::Upsert).into_kind(kind);
        other.plan.run = "20261124T000000-0000000000000".into();
        other.run.put_plan(&other.plan).await.unwrap();
        other.ids = (0..10).map(|ordinal| format!("new{ordinal}")).collect();
        other.add_round(2, &all_ok).await;
        fs::copy(first.file(), other.file()).unwrap();
        let published = other.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (10, 0, Some(20)));
        match kind {
            Kind::Csv => assert!(text(&other).starts_with(&text(&first))),
            _ => assert_eq!(other.rows("FROM films LIMIT 10"), first.rows("FROM films")),
        }
    }
}

#[tokio::test]
async fn rows_come_in_the_order_of_the_list_whatever_round_they_are_of() {
    for kind in [Kind::Csv, Kind::Parquet] {
        let mut sandbox = Sandbox::new(2000).await.mode(Mode::Upsert).into_kind(kind);
        sandbox.block = 300;
        sandbox.add_round(3, &|o, _| Some(if o % 7 == 3 { End::Failed } else { End::Ok })).await;
        sandbox.add_round(2, &|o, _| (o % 7 == 3).then_some(End::Ok)).await;
        sandbox.execute(
            "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
             INSERT INTO films SELECT x, 'old', 1, 1, NULL FROM (VALUES ('zz'), ('tt0005'), ('aa')) t(x)",
        );
        sandbox.publish().await.unwrap();
        let expected = ["zz".to_owned(), "aa".into()].into_iter().chain(sandbox.ids.clone());
        assert_eq!(sandbox.rows("SELECT id FROM films"), expected.collect::<Vec<_>>(), "{kind:?}");
    }
}

#[tokio::test]
async fn an_answers_rows_come_in_their_order() {
    let parts = |_: u32, ordinal: u64| if ordinal.is_multiple_of(3) { 0 } else { 40 };
    let sandbox = Sandbox::new(200).await.exploding(0, parts).await;
    let mut sandbox = sandbox.mode(Mode::ReplaceIds).into_kind(Kind::Csv);
    sandbox.add_round(2, &all_ok).await;
    sandbox.publish().await.unwrap();
    let votes = sandbox.rows("SELECT id || ' ' || votes FROM films");
    let line = |ordinal: u64| (0..40).map(move |part| format!("tt{ordinal:04} {}", ordinal + 1000 * part));
    let expected: Vec<String> = (0..200).filter(|o| o % 3 != 0).flat_map(line).collect();
    assert_eq!(votes, expected);
}

#[tokio::test]
async fn merging_twice_leaves_the_file_as_it_is() {
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for kind in FILES {
            let sandbox = Sandbox::of_one_round(7, &one_fails).await.mode(mode).into_kind(kind);
            let first = sandbox.publish().await.unwrap();
            let modified = fs::metadata(sandbox.file()).unwrap().modified().unwrap();
            let second = sandbox.publish().await.unwrap();
            assert!(!first.already && second.already, "{kind:?}");
            assert_eq!((second.rows, second.left_out, second.total), (6, 1, Some(6)));
            assert_eq!(second.outcome, first.outcome);
            assert_eq!(fs::metadata(sandbox.file()).unwrap().modified().unwrap(), modified);
            assert_eq!(sandbox.table().len(), 6);
        }
    }
}

#[tokio::test]
async fn killed_between_the_rename_and_the_note_the_file_tells_or_becomes_the_same_again() {
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for kind in FILES {
            let mut sandbox = Sandbox::of_one_round(7, &one_fails).await.mode(mode).into_kind(kind);
            sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
            let first = sandbox.publish().await.unwrap();
            let before = (kind == Kind::Csv).then(|| text(&sandbox));
            fs::remove_file(sandbox.run.folder().join(layout::OUTCOME)).unwrap();
            let second = sandbox.publish().await.unwrap();
            assert_eq!(second.already, kind != Kind::Csv);
            assert_eq!((second.rows, second.total), (7, Some(7)));
            assert_eq!((kind == Kind::Csv).then(|| text(&sandbox)), before);
            let outcome = sandbox.run.outcome().await.unwrap().unwrap();
            assert_eq!(outcome, second.outcome);
            assert_eq!(outcome.digest, first.outcome.digest);
        }
    }
}

#[tokio::test]
async fn a_csv_file_that_changed_since_is_written_anew() {
    let sandbox = Sandbox::of_one_round(4, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    sandbox.publish().await.unwrap();
    let before = text(&sandbox);
    sandbox.execute("UPDATE films SET title = 'newer' WHERE id = 'tt0001'; INSERT INTO films VALUES ('zz', '', 1, 1, NULL)");
    let again = sandbox.publish().await.unwrap();
    assert_eq!((again.already, again.replaced, again.total), (false, 4, Some(5)));
    assert_eq!(sandbox.table()[1], "tt0001|film 1 of round 0|1|10", "what is merged last stands");
    assert_eq!(text(&sandbox), before.replacen('\n', "\nzz,\"\",1,1,\n", 1));
    // By its time alone.
    touch(&sandbox);
    assert!(!sandbox.publish().await.unwrap().already);
    assert!(sandbox.publish().await.unwrap().already);
    fs::remove_file(sandbox.file()).unwrap();
    assert_eq!(sandbox.publish().await.unwrap().total, Some(4));
}

#[tokio::test]
async fn a_retry_adds_to_a_parquet_file_what_is_new_alone() {
    for kind in [Kind::Parquet, Kind::Folder] {
        let mut sandbox = Sandbox::of_one_round(5, &one_fails).await.mode(Mode::Upsert).into_kind(kind);
        assert_eq!(sandbox.publish().await.unwrap().rows, 4);
        sandbox.add_round(1, &the_one_again).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (1, 0, Some(5)), "{kind:?}");
        assert_eq!(sandbox.table()[2], "tt0002|film 2 of round 0|2|21");
        assert!(sandbox.publish().await.unwrap().already);
    }
    let mut sandbox = Sandbox::of_one_round(5, &one_fails).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    sandbox.publish().await.unwrap();
    sandbox.add_round(1, &the_one_again).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 5);
    assert_eq!(sandbox.table().len(), 5);
}

#[tokio::test]
async fn other_files_under_a_run_that_a_parquet_file_has_are_refused() {
    let sandbox = Sandbox::of_one_round(4, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Parquet);
    sandbox.publish().await.unwrap();
    let shard = sandbox.rounds[0].shards[0].clone();
    let mut content = sandbox.content(0, &shard.blocks[0], &all_ok);
    content.rows[0][0].2[0] = Value::Text("another title".into());
    sandbox.put_block(shard.number, &shard.blocks[0], content).await;
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Integrity);
    assert!(error.to_string().contains("published from other files"), "{error}");
}

#[tokio::test]
async fn append_is_refused_before_anything_is_written() {
    for kind in FILES {
        let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.into_kind(kind);
        sandbox.job.publish.min_success = Some(1.0);
        let said = checked(&sandbox).await;
        assert!(said.contains("\"append\" cannot add to it\nhint: publish with mode = \"upsert\""), "{said}");
        for error in [sandbox.publish().await.unwrap_err(), sandbox.publish_partial().await.unwrap_err()] {
            assert_eq!((error.to_string(), error.exit()), (said.clone(), Exit::Usage));
        }
        // Where the gate is shut as well.
        let mut sandbox = Sandbox::of_one_round(3, &one_fails).await.into_kind(kind);
        sandbox.job.publish.min_success = Some(1.0);
        assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Usage);
        assert!(!sandbox.file().exists() && sandbox.run.outcome().await.unwrap().is_none());
        // A trial has a database of its own.
        sandbox.plan.trial = true;
        sandbox.run.put_plan(&sandbox.plan).await.unwrap();
        assert_eq!(sandbox.publish_anyway().await.unwrap().rows, 2);
        assert!(!sandbox.file().exists());
    }
}

#[tokio::test]
async fn what_stands_is_held_against_the_job_at_once() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    assert_eq!(checked(&sandbox).await, "fits");
    fs::write(sandbox.file(), "id,title,votes,budget,fact,\"o,o\"\n").unwrap();
    let said = checked(&sandbox).await;
    let told: Vec<&str> = said.lines().skip(1).collect();
    assert!(said.starts_with(&format!("{} does not fit the job:", sandbox.file().display())), "{said}");
    assert_eq!(
        told,
        [
            "  its header has no column \"facts\"",
            "  its header has a column \"fact\", which the job does not fill",
            "  its header has a column \"o,o\", which the job does not fill",
            "hint: change the job, or move what stands there away: it is made anew then; on_new_column = \"add\" in [table] lets windrow \
             add the columns that it lacks",
        ]
    );
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!((error.to_string(), error.exit()), (said, Exit::Usage));
    // An empty file has nothing to lose.
    fs::write(sandbox.file(), "").unwrap();
    assert_eq!(checked(&sandbox).await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);

    sandbox = sandbox.into_kind(Kind::Parquet);
    sandbox.execute("CREATE TABLE films AS SELECT '' AS id, 1 AS title, 1 AS votes, 1 AS budget");
    let said = checked(&sandbox).await;
    assert!(said.contains("\n  column \"title\" is INTEGER there, text in the job\n"), "{said}");
    assert!(said.contains("\n  column \"votes\" is INTEGER there, bigint in the job\n"), "{said}");
    assert!(said.contains("\n  it has no column \"facts\"\nhint: change the job, or move"), "{said}");
    assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    fs::write(sandbox.file(), "id,title\n").unwrap();
    let said = checked(&sandbox).await;
    assert!(said.contains("hint: nothing was published; correct the file"), "{said}");

    fs::remove_file(sandbox.file()).unwrap();
    fs::create_dir(sandbox.file()).unwrap();
    for kind in [Kind::Parquet, Kind::Csv] {
        let path = sandbox.file();
        sandbox.job.table.to = match kind {
            Kind::Csv => Destination::Csv(path),
            _ => Destination::Parquet(path),
        };
        let said = checked(&sandbox).await;
        assert!(said.contains("it is a folder, and the job writes one file"), "{said}");
        assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    }
    sandbox.job.table.to = Destination::Csv(sandbox.folder().join("nowhere/films.csv"));
    assert!(checked(&sandbox).await.contains("there is no folder"));
    assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Disk);
}

#[tokio::test]
async fn a_parquet_file_keeps_what_else_it_has() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Parquet);
    sandbox.execute(
        "CREATE TABLE films AS SELECT 'tt0001' AS id, 'mine' AS note, 'x' AS title, 1::HUGEINT::DOUBLE AS votes, \
         1::BIGINT AS budget, '{}'::JSON AS facts",
    );
    assert_eq!(checked(&sandbox).await, "fits");
    sandbox.publish().await.unwrap();
    assert_eq!(
        sandbox
            .rows("SELECT column_name || ' ' || data_type FROM duckdb_columns() WHERE table_name = 'films'"),
        ["id VARCHAR", "title VARCHAR", "votes DOUBLE", "budget BIGINT", "facts VARCHAR", "note VARCHAR"]
    );
    assert_eq!(sandbox.rows("SELECT id, note FROM films"), ["tt0000|~", "tt0001|mine", "tt0002|~"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_left_as_it_is() {
    for (content, mode, words) in [
        ("id,title,votes,budget,facts\nx,y,many,1,\n", Mode::Upsert, "many"),
        ("id,title,votes,budget,facts\nx,y\n", Mode::ReplaceIds, "Expected Number of Columns: 5 Found: 2"),
    ] {
        let sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(mode).into_kind(Kind::Csv);
        fs::write(sandbox.file(), content).unwrap();
        let error = sandbox.publish().await.unwrap_err();
        assert!(error.to_string().contains(words) && error.exit() == Exit::Database, "{error}");
        assert!(error.to_string().contains("hint: nothing was published; correct the file"), "{error}");
        assert_eq!((text(&sandbox), sandbox.beside()), (content.to_owned(), vec!["films.csv".to_owned()]));
    }
}

#[tokio::test]
async fn a_csv_file_of_other_programs_is_taken() {
    let sandbox = Sandbox::of_one_round(1, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    let long = "x".repeat(3_000_000);
    fs::write(
        sandbox.file(),
        format!("\u{feff}title,FACTS,votes,budget,ID\r\n\"a\r\n\"\"b\",[],1,,zz\r\n{long},,,,yy\r\n"),
    )
    .unwrap();
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.total), (1, Some(3)));
    assert_eq!(
        text(&sandbox),
        format!(
            "id,title,votes,budget,facts\nzz,\"a\r\n\"\"b\",1,,[]\nyy,{long},,,\ntt0000,film 0 of round 0,0,0,\"{{\"\"n\"\":0}}\"\n"
        )
    );
}

#[tokio::test]
async fn the_gate_looks_at_the_rows_that_stood() {
    for (mode, change) in [(Mode::Replace, "shrink by 50 %"), (Mode::Upsert, "grow by 100 %")] {
        for kind in FILES {
            let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(mode).into_kind(kind);
            let stood = if mode == Mode::Replace { 6 } else { 3 };
            sandbox.execute(&format!(
                "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
                 INSERT INTO films SELECT 'old' || i, 'old', 1, 1, NULL FROM range({stood}) r(i)"
            ));
            let before = sandbox.table();
            sandbox.job.publish.max_change = Some(0.1);
            let error = sandbox.publish().await.unwrap_err();
            assert!(error.to_string().contains(change), "{kind:?}: {error}");
            assert_eq!(sandbox.table(), before);
            assert!(sandbox.beside().iter().all(|name| !name.starts_with(".windrow")));
            sandbox.job.publish.max_change = None;
            sandbox.job.publish.min_rows = Some(4);
            assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Refused);
            assert_eq!(sandbox.table(), before);
            let published = sandbox.publish_anyway().await.unwrap();
            let replaced = if mode == Mode::Replace { 6 } else { 0 };
            assert_eq!((published.replaced, published.total), (replaced, Some(6 - replaced / 2)), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn rights_and_links_stay_as_they_are() {
    let mut sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Csv);
    let (target, link) = (sandbox.file(), sandbox.folder().join("link.csv"));
    fs::write(&target, "").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&target, &link).unwrap();
    sandbox.job.table.to = Destination::Csv(link.clone());
    sandbox.publish().await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(text(&sandbox).lines().count(), 3);
    assert!(sandbox.publish().await.unwrap().already);
}

/// `link` → `links/second` → `data/target`, each relative, the last one not there yet.
fn dangling(sandbox: &Sandbox, name: &str) -> [std::path::PathBuf; 3] {
    let [link, second, target] = [name.to_owned(), format!("links/{name}"), format!("data/{name}")]
        .map(|path| sandbox.folder().join(path));
    for folder in [&second, &target] {
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
    }
    symlink(format!("links/{name}"), &link).unwrap();
    symlink(format!("../data/{name}"), &second).unwrap();
    [link, second, target]
}

#[tokio::test]
async fn a_link_whose_target_is_not_there_stays_and_the_target_is_made() {
    for kind in [Kind::Csv, Kind::Parquet, Kind::Folder, Kind::Database] {
        let mut sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(kind);
        let [link, second, target] = dangling(&sandbox, "linked");
        sandbox.job.table.to = match kind {
            Kind::Csv => Destination::Csv(link.clone()),
            Kind::Database => Destination::DuckDb(link.clone()),
            _ => Destination::Parquet(link.clone()),
        };
        for round in 0..2 {
            assert_eq!(checked(&sandbox).await, "fits", "{kind:?}");
            assert_eq!(sandbox.publish().await.unwrap().already, round == 1, "{kind:?}");
            assert!(link.is_symlink() && second.is_symlink(), "{kind:?}");
            assert!(target.exists() && !target.is_symlink(), "{kind:?}");
        }
        for folder in [sandbox.folder().as_path(), second.parent().unwrap(), target.parent().unwrap()] {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(!names.into_iter().any(|name| name.to_string_lossy().contains(".wal")), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn links_in_a_circle_and_links_to_what_is_no_file_are_refused_before_anything_is_asked() {
    for kind in FILES {
        let mut sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(kind);
        let [a, b] = ["a", "b"].map(|name| sandbox.folder().join(name));
        symlink("b", &a).unwrap();
        symlink("a", &b).unwrap();
        sandbox.job.table.to = match kind {
            Kind::Csv => Destination::Csv(a.clone()),
            _ => Destination::Parquet(a.clone()),
        };
        let said = checked(&sandbox).await;
        assert!(said.contains("symbolic links"), "{kind:?}: {said}");
        assert!(a.is_symlink() && b.is_symlink());
        fs::remove_file(&b).unwrap();
        symlink("/dev/null", &b).unwrap();
        let said = checked(&sandbox).await;
        assert!(
            said.contains("no file that could be replaced") || said.contains("it is a file"),
            "{kind:?}: {said}"
        );
    }
}

#[tokio::test]
async fn a_folder_that_has_the_name_windrow_needs_is_told_and_stays() {
    for kind in FILES {
        let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(kind);
        let name = sandbox.file().file_name().unwrap().to_string_lossy().into_owned();
        let theirs = sandbox.file().with_file_name(format!(".windrow-{name}"));
        fs::create_dir_all(theirs.join("kept")).unwrap();
        assert!(checked(&sandbox).await.contains("is in the way"), "{kind:?}");
        assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Usage);
        assert!(theirs.join("kept").is_dir());
    }
}

#[tokio::test]
async fn one_at_a_time_publishes_into_a_file() {
    let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Parquet);
    let held = Aside::claim(&sandbox.file(), "another").unwrap();
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Locked);
    assert!(
        error.to_string().contains("films.parquet is in use by another windrow process (PID "),
        "{error}"
    );
    drop(held);
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    assert_eq!(sandbox.beside(), ["films.parquet"]);
}

#[tokio::test]
async fn what_a_dead_one_left_beside_the_file_is_gone_after_the_next() {
    let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Csv);
    let left = sandbox.file().with_file_name(".windrow-films.csv");
    fs::create_dir_all(left.join("scratch.duckdb.tmp")).unwrap();
    mark::put(&left).unwrap();
    for name in ["lock", "new", "scratch.duckdb"] {
        fs::write(left.join(name), if name == "lock" { "" } else { "half" }).unwrap();
    }
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.beside(), ["films.csv"]);
}

#[tokio::test]
async fn told_to_stop_the_file_stays_as_it_is() {
    for kind in FILES {
        let mut sandbox = Sandbox::new(3000).await.mode(Mode::Replace).into_kind(kind);
        sandbox.block = 1000;
        sandbox.add_round(1, &all_ok).await;
        let proof = sandbox.prove().await.unwrap();
        let stop = std::future::ready(());
        let error =
            publish(&sandbox.run, &sandbox.job, &sandbox.place(), &proof, &TERMS, stop).await.unwrap_err();
        assert!(matches!(error, MergeError::Interrupted), "{error}");
        assert!(!sandbox.file().exists());
        assert!(sandbox.beside().iter().all(|name| !name.starts_with(".windrow")), "{:?}", sandbox.beside());
        assert_eq!(sandbox.publish().await.unwrap().rows, 3000);
    }
}

#[tokio::test]
async fn what_somebody_else_writes_meanwhile_is_not_lost() {
    let mut sandbox = Sandbox::new(5000).await.mode(Mode::Upsert).into_kind(Kind::Csv);
    sandbox.block = 1000;
    sandbox.add_round(1, &all_ok).await;
    let (path, new) = (sandbox.file(), sandbox.folder().join("new.csv"));
    fs::write(&path, "id,title,votes,budget,facts\n").unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writing = std::thread::spawn(move || {
        for row in 0.. {
            fs::write(&new, format!("id,title,votes,budget,facts\nmine,,{row},,\n")).unwrap();
            fs::rename(&new, &path).unwrap();
            if stopped.recv_timeout(Duration::from_millis(1))
                != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                return;
            }
        }
    });
    let error = sandbox.publish().await.unwrap_err();
    drop(stop);
    writing.join().unwrap();
    assert!(error.to_string().contains("somebody else has written it meanwhile"), "{error}");
    assert_eq!(sandbox.table().len(), 1);
    assert_eq!(sandbox.publish().await.unwrap().total, Some(5001));
}

#[tokio::test]
async fn people_are_shown_columns_and_first_rows() {
    for kind in FILES {
        let sandbox = Sandbox::of_one_round(5, &one_fails).await.mode(Mode::Replace).into_kind(kind);
        assert_eq!(
            ddl(&sandbox.job, &sandbox.plan).unwrap(),
            "-- id      VARCHAR\n-- title   VARCHAR\n-- votes   BIGINT\n-- budget  INTEGER\n-- facts   JSON"
        );
        sandbox.publish().await.unwrap();
        let first = first_rows(&sandbox.place(), "films", 3).await.unwrap();
        let names: Vec<&str> = first.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names.len(), names[0], first.rows.len(), first.truncated), (5, "id", 3, true));
        let title = names.iter().position(|name| *name == "title").unwrap();
        assert_eq!(first.rows[0][title].as_deref(), Some("film 0 of round 0"));
        assert!(!first_rows(&sandbox.place(), "films", 4).await.unwrap().truncated);
    }
}
