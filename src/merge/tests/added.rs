//! Columns of the job that a table which is there lacks: refused, or added where the job says so.

use super::engines::{Engine, MODES, another_run, on_each, statement};
use super::kinds::Kind;
use super::sandbox::{Sandbox, Values, all_ok};
use crate::handoff::Exit;
use crate::job::{Destination, Mode, OnNewColumn, OnUnlisted, Stamp};
use crate::merge::destination::Found;
use crate::merge::{MergeError, check_destination, ddl_of_new_columns};
use crate::value::{Field, Type, Value};

on_each! {
    [duckdb, postgres, mariadb, sqlite]
    columns_that_a_table_lacks_are_added_and_rows_that_stay_have_nothing_in_them,
    a_job_that_does_not_say_so_is_refused_and_told_what_to_say,
    what_else_does_not_fit_is_refused_and_nothing_is_added_then,
    the_key_is_never_added,
    stamps_and_columns_of_the_list_are_added_with_the_types_of_a_new_table,
    the_jobs_own_statements_see_the_new_columns,
    a_load_that_fails_leaves_at_the_most_empty_columns,
    rows_that_the_table_refuses_are_named_though_columns_are_added,
    names_that_are_words_of_sql_or_have_quotes_in_them_are_added,
    a_column_that_differs_in_capitals_only_is_not_put_beside,
    a_table_that_has_none_of_the_jobs_columns_gains_them_all;
    [postgres, mariadb, sqlite]
    two_runs_that_add_the_same_columns_at_once_both_publish;
}

/// A table that lacks `budget` and `facts`, and has a column that the job does not fill. One of its rows comes again.
const NARROW: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, owner TEXT);
    INSERT INTO films (id, title, votes, owner) VALUES ('tt0001', 'old', -1, 'Ann'), ('tt0009', 'old', -9, 'Bob')";

/// A run of four records whose job adds columns, and that table.
async fn narrow(mode: Mode, on: Engine) -> Sandbox {
    let mut sandbox = on.run_of(4, mode).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute(NARROW);
    sandbox
}

/// What is found before the first request.
async fn found(sandbox: &Sandbox) -> Result<Vec<String>, MergeError> {
    match check_destination(&sandbox.job, &sandbox.place()).await? {
        Found::Table(new) => Ok(new),
        Found::Nothing => panic!("there is a table"),
    }
}

fn columns_of(sandbox: &Sandbox) -> Vec<String> {
    let names = match (&sandbox.job.table.to, sandbox.is_on_mariadb()) {
        (_, true) => {
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'films' \
             AND column_name <> 'number' ORDER BY ordinal_position"
        }
        (Destination::Sqlite(_), _) => "SELECT name FROM pragma_table_info('films') ORDER BY cid",
        _ => {
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'films' ORDER BY ordinal_position"
        }
    };
    sandbox.rows(names)
}

const NEW: &str = "SELECT id, title, budget, owner FROM films ORDER BY id, title";

async fn columns_that_a_table_lacks_are_added_and_rows_that_stay_have_nothing_in_them(on: Engine) {
    for mode in MODES {
        let sandbox = narrow(mode, on).await;
        assert_eq!(found(&sandbox).await.unwrap(), ["budget", "facts"]);
        assert_eq!(columns_of(&sandbox), ["id", "title", "votes", "owner"]);
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.added), (4, vec!["budget".into(), "facts".into()]), "{on:?}");
        assert_eq!(columns_of(&sandbox), ["id", "title", "votes", "owner", "budget", "facts"]);
        let row = |at: u64, owner: &str| format!("tt000{at}|film {at} of round 0|{}|{owner}", at * 10);
        let kept = if mode == Mode::Upsert { "Ann" } else { "~" };
        let mut expected = vec![row(0, "~"), row(1, kept), row(2, "~"), row(3, "~")];
        if mode == Mode::Append {
            expected.insert(2, "tt0001|old|~|Ann".into());
        }
        if mode != Mode::Replace {
            expected.push("tt0009|old|~|Bob".into());
        }
        assert_eq!(sandbox.rows(NEW), expected, "{on:?} {mode:?}");
        // Once more, as `windrow merge` does it: they are there.
        let again = sandbox.publish().await.unwrap();
        assert_eq!((again.already, again.added), (true, vec![]), "{on:?}");
        assert_eq!(found(&sandbox).await.unwrap(), [""; 0]);
    }
}

async fn a_job_that_does_not_say_so_is_refused_and_told_what_to_say(on: Engine) {
    let mut sandbox = narrow(Mode::Append, on).await;
    sandbox.job.table.on_new_column = OnNewColumn::Fail;
    let error = found(&sandbox).await.unwrap_err();
    let said = error.to_string();
    let told: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(
        told,
        [
            "  it has no column \"budget\"",
            "  it has no column \"facts\"",
            "hint: change the job or the table; on_new_column = \"add\" in [table] lets windrow add the columns that it lacks",
        ]
    );
    assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    assert_eq!(columns_of(&sandbox), ["id", "title", "votes", "owner"]);
}

async fn what_else_does_not_fit_is_refused_and_nothing_is_added_then(on: Engine) {
    let mut sandbox = on.run_of(4, Mode::Append).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    let table = "CREATE TABLE films (id TEXT, title INTEGER, votes BIGINT, budget BIGINT)";
    sandbox.execute(table);
    let error = found(&sandbox).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("column \"title\" is "), "{said}");
    assert!(!said.contains("facts"), "{said}");
    let hint =
        "hint: change the job or the table; windrow adds columns to it, and changes none that is there";
    assert!(said.ends_with(hint), "{said}");
    assert_eq!((sandbox.publish().await.unwrap_err().to_string(), error.exit()), (said, Exit::Usage));
    assert_eq!(columns_of(&sandbox).len(), 4);
}

async fn the_key_is_never_added(on: Engine) {
    for mode in [Mode::Upsert, Mode::ReplaceIds] {
        let mut sandbox = on.run_of(4, mode).await;
        sandbox.job.table.on_new_column = OnNewColumn::Add;
        sandbox.execute("CREATE TABLE films (title VARCHAR(60), votes BIGINT)");
        let said = found(&sandbox).await.unwrap_err().to_string();
        assert!(said.contains("it has no column \"id\", which is of the key, and is not added"), "{said}");
        assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
        assert_eq!(columns_of(&sandbox), ["title", "votes"]);
    }
}

async fn stamps_and_columns_of_the_list_are_added_with_the_types_of_a_new_table(on: Engine) {
    let mut sandbox = narrow(Mode::Append, on).await;
    sandbox.job.input.columns = vec!["country".into()];
    sandbox.job.table.stamp = vec![("fetched_at".into(), Stamp::FetchedAt)];
    assert_eq!(found(&sandbox).await.unwrap(), ["country", "budget", "facts", "fetched_at"]);
    sandbox.publish().await.unwrap();
    let mut new = on.run_of(4, Mode::Append).await;
    new.job.input.columns = vec!["country".into()];
    new.job.table.stamp = vec![("fetched_at".into(), Stamp::FetchedAt)];
    new.publish().await.unwrap();
    let types = |sandbox: &Sandbox| {
        match &sandbox.job.table.to {
        Destination::Sqlite(_) => {
            sandbox.rows("SELECT name, type FROM pragma_table_info('films') WHERE name > 'e' AND name < 'g' ORDER BY 1")
        }
        _ => sandbox.rows(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'films' \
             AND column_name IN ('country', 'budget', 'facts', 'fetched_at') GROUP BY 1, 2, 3 ORDER BY 1",
        ),
    }
    };
    assert_eq!(types(&sandbox), types(&new));
    let sum = "SELECT count(*), count(country), count(fetched_at) FROM films WHERE budget IS NOT NULL";
    assert_eq!(sandbox.rows(sum), ["4|2|4"]);
}

async fn the_jobs_own_statements_see_the_new_columns(on: Engine) {
    let mut sandbox = narrow(Mode::Append, on).await;
    sandbox.job.before = vec![statement("UPDATE films SET budget = 7 WHERE id = 'tt0009'")];
    sandbox.job.after = vec![statement("UPDATE films SET budget = budget + 1 WHERE id = 'tt0009'")];
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT budget FROM films WHERE id = 'tt0009'"), ["8"]);
}

async fn a_load_that_fails_leaves_at_the_most_empty_columns(on: Engine) {
    let mut sandbox = narrow(Mode::Upsert, on).await;
    sandbox.job.publish.min_rows = Some(5);
    let before = sandbox.rows("SELECT id, title, votes, owner FROM films ORDER BY id");
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    assert_eq!(sandbox.rows("SELECT id, title, votes, owner FROM films ORDER BY id"), before);
    if sandbox.is_on_mariadb() {
        assert_eq!(sandbox.rows("SELECT count(budget), count(facts) FROM films"), ["0|0"]);
    } else {
        assert_eq!(columns_of(&sandbox), ["id", "title", "votes", "owner"]);
    }
    sandbox.job.publish.min_rows = None;
    assert_eq!(sandbox.publish().await.unwrap().total, Some(5));
}

async fn rows_that_the_table_refuses_are_named_though_columns_are_added(on: Engine) {
    let mut sandbox = narrow(Mode::Upsert, on).await;
    sandbox.execute("DROP TABLE films");
    sandbox.execute("CREATE TABLE films (id TEXT, title TEXT, votes BIGINT CHECK (votes <> 2), owner TEXT)");
    sandbox.job.table.on_unlisted = OnUnlisted::Keep;
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("record 2, id \"tt0002\""), "{said}");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
}

#[tokio::test]
async fn files_gain_columns_and_those_that_are_replaced_need_no_word() {
    for kind in [Kind::Csv, Kind::Parquet] {
        for mode in [Mode::Replace, Mode::Upsert, Mode::ReplaceIds] {
            let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(mode).into_kind(kind);
            std::fs::write(sandbox.file(), "id,votes,budget,facts\ntt0001,-1,1,{}\ntt0009,-9,,\n").unwrap();
            if kind == Kind::Parquet {
                let path = sandbox.file().display().to_string().replace('\'', "''");
                let table = "SELECT * FROM (VALUES ('tt0001', -1::BIGINT, 1), ('tt0009', -9, NULL)) f (id, votes, budget)";
                let copy = format!("COPY ({table}) TO '{path}' (FORMAT parquet)");
                duckdb::Connection::open_in_memory().unwrap().execute_batch(&copy).unwrap();
            }
            if mode != Mode::Replace {
                let said = found(&sandbox).await.unwrap_err().to_string();
                assert!(said.contains(" has no column \"title\"\n"), "{said}");
                let hint = "it is made anew then; on_new_column = \"add\" in [table] lets windrow add the columns that it lacks";
                assert!(said.ends_with(hint), "{said}");
                assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
                sandbox.job.table.on_new_column = OnNewColumn::Add;
            }
            let new = if kind == Kind::Csv { vec!["title"] } else { vec!["title", "facts"] };
            assert_eq!(found(&sandbox).await.unwrap(), new);
            let published = sandbox.publish().await.unwrap();
            assert_eq!(
                (published.rows, published.added),
                (3, new.iter().map(|name| (*name).to_owned()).collect()),
                "{kind:?} {mode:?}"
            );
            let mut expected = vec!["tt0000|film 0 of round 0|0", "tt0001|film 1 of round 0|10"];
            expected.push("tt0002|film 2 of round 0|20");
            if mode != Mode::Replace {
                expected.push("tt0009|~|~");
            }
            assert_eq!(sandbox.rows("SELECT id, title, budget FROM films ORDER BY id"), expected, "{mode:?}");
        }
    }
}

async fn two_runs_that_add_the_same_columns_at_once_both_publish(on: Engine) {
    let one = narrow(Mode::Append, on).await;
    let other = another_run(&one, "other").await;
    let (first, second) = tokio::join!(one.publish(), other.publish());
    assert_eq!((first.unwrap().rows, second.unwrap().rows), (4, 4), "{on:?}");
    assert_eq!(columns_of(&one), ["id", "title", "votes", "owner", "budget", "facts"]);
    assert_eq!(one.rows("SELECT count(*), count(budget), sum(budget) FROM films"), ["10|8|120"]);
}

async fn names_that_are_words_of_sql_or_have_quotes_in_them_are_added(on: Engine) {
    let names = ["order", "select", "it's \"new\"", "a `b` c", "Größe (cm)", "x; DROP TABLE films"];
    let columns = names.map(|name| Field { name: name.into(), ty: Type::Integer }).to_vec();
    let values: Values = |_, ordinal, _, _| (0..6).map(|at| Value::Integer(ordinal as i32 + at)).collect();
    let mut sandbox = Sandbox::with(2, vec![("answer", columns)], values).await;
    sandbox.add_round(1, &all_ok).await;
    let mut sandbox = sandbox.mode(Mode::Upsert).on(on);
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute("CREATE TABLE films (id TEXT, title TEXT)");
    assert_eq!(found(&sandbox).await.unwrap(), names);
    sandbox.publish().await.unwrap();
    let quoted = names.map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    if sandbox.is_on_mariadb() {
        // The sandbox makes backticks of quotes.
        assert_eq!(
            sandbox.rows("SELECT `order`, `a ``b`` c`, `Größe (cm)` FROM films ORDER BY 1"),
            ["0|3|4", "1|4|5"]
        );
    } else {
        let sql = format!("SELECT {} FROM films ORDER BY 1", quoted.join(", "));
        assert_eq!(sandbox.rows(&sql), ["0|1|2|3|4|5", "1|2|3|4|5|6"]);
    }
    assert_eq!(columns_of(&sandbox).len(), 8);
}

#[tokio::test]
async fn the_statements_of_the_plan_are_those_that_are_run() {
    let mut sandbox = Sandbox::new(1).await;
    sandbox.job.table.name = "shop.films".into();
    let new = ["votes".to_owned(), "facts".to_owned()];
    let ddl = |sandbox: &Sandbox| ddl_of_new_columns(&sandbox.job, &sandbox.plan, &new).unwrap();
    insta::assert_snapshot!(ddl(&sandbox), @r#"
    ALTER TABLE "shop"."films" ADD COLUMN "votes" BIGINT;
    ALTER TABLE "shop"."films" ADD COLUMN "facts" JSON;
    "#);
    let sandbox = sandbox.on_postgres();
    insta::assert_snapshot!(ddl(&sandbox), @r#"
    ALTER TABLE "shop"."films" ADD COLUMN IF NOT EXISTS "votes" bigint;
    ALTER TABLE "shop"."films" ADD COLUMN IF NOT EXISTS "facts" json;
    "#);
    let sandbox = sandbox.on_mariadb();
    insta::assert_snapshot!(ddl(&sandbox), @r#"
    ALTER TABLE `shop`.`films` ADD COLUMN `votes` bigint;
    ALTER TABLE `shop`.`films` ADD COLUMN `facts` longtext CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;
    "#);
    let sandbox = sandbox.on_sqlite();
    insta::assert_snapshot!(ddl(&sandbox), @r#"
    ALTER TABLE "shop"."films" ADD COLUMN "votes" INTEGER;
    ALTER TABLE "shop"."films" ADD COLUMN "facts" TEXT;
    "#);
    let sandbox = sandbox.into_kind(Kind::Csv);
    insta::assert_snapshot!(ddl(&sandbox), @r#"
    -- votes  BIGINT
    -- facts  JSON
    "#);
}

async fn a_column_that_differs_in_capitals_only_is_not_put_beside(on: Engine) {
    let column = vec![Field { name: "größe".into(), ty: Type::Integer }];
    let mut sandbox = Sandbox::with(1, vec![("answer", column)], |_, _, _, _| vec![Value::Integer(1)]).await;
    sandbox.add_round(1, &all_ok).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    let sandbox = sandbox.mode(Mode::Upsert).on(on);
    sandbox.execute("CREATE TABLE films (id TEXT, GRÖßE INTEGER)");
    let said = found(&sandbox).await.unwrap_err().to_string();
    assert!(said.contains("it has no column \"größe\", but \""), "{said}");
    assert_eq!(columns_of(&sandbox).len(), 2);
}

async fn a_table_that_has_none_of_the_jobs_columns_gains_them_all(on: Engine) {
    let mut sandbox = on.run_of(4, Mode::Append).await;
    sandbox.execute("CREATE TABLE films (other INTEGER)");
    let said = found(&sandbox).await.unwrap_err().to_string();
    assert_eq!(said.matches("\n  it has no column ").count(), 5, "{said}");
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    assert_eq!(found(&sandbox).await.unwrap().len(), 5);
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    assert_eq!(sandbox.rows("SELECT other, id, budget FROM films ORDER BY id LIMIT 1"), ["~|tt0000|0"]);
}
