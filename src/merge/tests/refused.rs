//! Rows that a table refuses are named, in every database: record, id, columns with values, rule.

use super::engines::{Engine, MODES, on_each, text};
use super::sandbox::{Sandbox, all_ok, film_values};
use crate::handoff::Exit;
use crate::job::Mode;
use crate::merge::{End, MergeError};
use crate::value::Value;

on_each! {
    [duckdb, postgres, mariadb, sqlite]
    a_row_that_a_type_or_a_condition_refuses_is_named_with_its_value,
    a_null_where_none_may_be_names_the_record,
    a_key_that_another_row_has_names_the_record,
    a_reference_to_nothing_names_the_record,
    rows_that_are_refused_only_beside_each_other_are_named,
    one_of_several_rows_of_a_record_is_found,
    what_stands_in_a_value_does_not_look_like_a_line_of_ours;
    [postgres, mariadb, sqlite]
    a_trigger_that_refuses_a_row_is_told_with_the_record;
    [postgres, sqlite]
    rows_that_a_trigger_keeps_out_are_counted;
    [mariadb, sqlite]
    a_null_does_not_become_a_number;
}

pub const COLUMNS: &str = "title TEXT, votes BIGINT, budget INTEGER, facts JSON";

/// The rows that a publication is refused for, as "record id columns with values: why", and how many they are.
pub async fn rows(sandbox: &Sandbox) -> (Vec<String>, Option<u64>) {
    let before = sandbox.rows("SELECT count(*) FROM films");
    let error = sandbox.refused().await;
    assert_eq!(error.exit(), Exit::Database, "{error}");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), before, "{error}");
    let MergeError::Rows { rows, all, .. } = error else { panic!("{error}") };
    let value = |(name, text): (String, Option<String>)| format!("{name}={}", text.unwrap_or("~".into()));
    let named = rows.into_iter().map(|row| {
        let values: Vec<String> = row.values.into_iter().map(value).collect();
        format!("{} {} {}: {}", row.record, row.id, values.join(" "), row.why)
    });
    (named.collect(), all)
}

/// The one row of them. Where the job lets a few be rejected, it alone is.
pub async fn row(sandbox: &Sandbox) -> String {
    let (rows, all) = rows(sandbox).await;
    assert_eq!((rows.len(), all), (1, Some(1)), "{rows:?}");
    let record: u64 = rows[0].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(sandbox.rejected().await, [record], "{rows:?}");
    rows.into_iter().next().unwrap()
}

/// Columns of tables that refuse the record 10 of 11, and how it is named.
fn conditions(on: Engine) -> Vec<(&'static str, &'static str)> {
    let checks = [
        ("title TEXT, votes BIGINT CHECK (votes <> 10), budget INTEGER", "10 tt0010 votes=10: "),
        (
            "title TEXT, votes BIGINT, budget INTEGER, CONSTRAINT no_ten CHECK (votes <> 10)",
            "10 tt0010 votes=10: ",
        ),
        (
            "title TEXT, votes BIGINT, budget INTEGER, CHECK (votes < 10 OR budget <> 100)",
            "10 tt0010 votes=10 budget=100: ",
        ),
    ];
    let own: &[(&str, &str)] = match on {
        Engine::DuckDb => &[
            (
                "title TEXT, votes BIGINT CHECK (votes <> 10), budget INTEGER",
                "10 tt0010 votes=10: CHECK((votes != 10))",
            ),
            (
                "title TEXT, votes BIGINT, budget INTEGER, CHECK (CAST(CASE votes WHEN 10 THEN 'x' END AS INTEGER) = 1)",
                "10 tt0010 votes=10: CHECK((CAST(CASE  WHEN ((votes = 10)) THEN ('x') ELSE NULL END AS INTEGER) = 1))",
            ),
            (
                "title TEXT, votes BIGINT, budget INTEGER, more INTEGER AS (CAST(CASE votes WHEN 10 THEN 'x' END AS INTEGER))",
                "10 tt0010 votes=10: the generated column \"more\" cannot be computed",
            ),
        ],
        Engine::Postgres => &[
            (
                "title varchar(17), votes bigint, budget integer",
                "10 tt0010 title=film 10 of round 0: value too long for type character varying(17)",
            ),
            (
                "title text, votes bigint CHECK (votes <> 10), budget integer",
                "10 tt0010 votes=10: new row for relation \"films\" violates check constraint \"films_votes_check\": \
                 CHECK ((votes <> 10))",
            ),
            (
                "title text, votes bigint, budget odd",
                "10 tt0010 budget=100: value for domain odd violates check constraint \"odd_check\"",
            ),
        ],
        Engine::MariaDb => &[
            (
                "title varchar(17), votes bigint, budget integer",
                "10 tt0010 title=film 10 of round 0: Data too long for column 'title'",
            ),
            (
                "title text, votes bigint CHECK (votes <> 10), budget integer",
                "10 tt0010 votes=10: CONSTRAINT `films.votes` failed for",
            ),
        ],
        Engine::Sqlite => &[
            (
                "title, votes INT CHECK (votes <> 10), budget INT",
                "10 tt0010 votes=10: CHECK constraint failed: votes <> 10",
            ),
            (
                "title, votes INT CONSTRAINT \"no 10\" CHECK (votes <> (5 + 5)), budget INT",
                "10 tt0010 votes=10: CHECK constraint failed: no 10: votes <> (5 + 5)",
            ),
        ],
    };
    checks.iter().chain(own).copied().collect()
}

async fn a_row_that_a_type_or_a_condition_refuses_is_named_with_its_value(on: Engine) {
    let domain =
        if on == Engine::Postgres { "CREATE DOMAIN odd AS integer CHECK (value <> 100);" } else { "" };
    for mode in MODES {
        for (columns, expected) in conditions(on) {
            // The row that stands comes again, but for the mode that only adds.
            let stands = if mode == Mode::Append { "other" } else { "tt0003" };
            let table = format!(
                "{domain}CREATE TABLE films (id TEXT PRIMARY KEY, facts JSON, {columns});
                 INSERT INTO films (id, title, votes, budget) VALUES ('{stands}', 'it stands', -3, 3)"
            );
            let sandbox = on.run_into(&table, 11, mode).await;
            let (named, all) = rows(&sandbox).await;
            assert!(
                all == Some(1) && named[0].starts_with(expected),
                "{on:?} {mode:?}: {named:?}, {expected}"
            );
            assert_eq!(sandbox.rows("SELECT id, votes FROM films"), [format!("{stands}|-3")], "{mode:?}");
            assert_eq!(sandbox.rejected().await, [10], "{on:?} {mode:?} {columns}");
        }
    }
}

async fn a_null_where_none_may_be_names_the_record(on: Engine) {
    let ends = |o: u64, e: usize| Some(if (o, e) == (20, 0) { End::Missing } else { End::Ok });
    let sandbox = Sandbox::of_one_round(30, &ends).await.on(on);
    sandbox.execute(&format!("CREATE TABLE films (id TEXT, {})", COLUMNS.replace("TEXT", "TEXT NOT NULL")));
    let why = match on {
        Engine::DuckDb => "NOT NULL",
        Engine::Postgres => {
            "null value in column \"title\" of relation \"films\" violates not-null constraint"
        }
        Engine::MariaDb => "Column 'title' cannot be null",
        Engine::Sqlite => "NOT NULL constraint failed: films.title",
    };
    assert_eq!(row(&sandbox).await, format!("20 tt0020 title=~: {why}"));
}

async fn a_key_that_another_row_has_names_the_record(on: Engine) {
    let index = ("", "CREATE UNIQUE INDEX by_votes ON films (votes);");
    let cases = match on {
        Engine::DuckDb => vec![
            (index, "another row has that value, and the unique index \"by_votes\" lets only one"),
            ((", UNIQUE (votes)", ""), "another row has that value, and UNIQUE(votes) lets only one"),
        ],
        Engine::Postgres => vec![(
            index,
            "duplicate key value violates unique constraint \"by_votes\": Key (votes)=(41) already exists",
        )],
        Engine::MariaDb => vec![(index, "Duplicate entry '41' for key 'by_votes'")],
        Engine::Sqlite => vec![(index, "UNIQUE constraint failed: films.votes")],
    };
    for mode in [Mode::Append, Mode::Upsert, Mode::ReplaceIds] {
        for ((unique, index), why) in &cases {
            let table = format!(
                "CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS}{unique}); {index}
                 INSERT INTO films (id, title, votes) VALUES ('other', 'it stands', 41)"
            );
            let sandbox = on.run_into(&table, 100, mode).await;
            assert_eq!(row(&sandbox).await, format!("41 tt0041 votes=41: {why}"), "{on:?} {mode:?}");
        }
    }
}

/// A reference may be looked at with its row, or when the transaction ends.
async fn a_reference_to_nothing_names_the_record(on: Engine) {
    let listed: Vec<String> = (0..100).filter(|n| *n != 7).map(|n| format!("({n})")).collect();
    let why = match on {
        Engine::DuckDb => "FOREIGN KEY (votes) REFERENCES listed(n)",
        Engine::Postgres => "Key (votes)=(7) is not present in table \"listed\"",
        Engine::MariaDb => "of_list",
        Engine::Sqlite => "FOREIGN KEY constraint failed",
    };
    let waits = matches!(on, Engine::Postgres | Engine::Sqlite);
    // What DuckDB's references refuse in an upsert has a test of its own.
    let modes = if on == Engine::DuckDb { &MODES[..1] } else { &MODES[..] };
    for deferred in ["", " DEFERRABLE INITIALLY DEFERRED"].iter().take(1 + usize::from(waits)) {
        for mode in modes {
            let table = format!(
                "CREATE TABLE listed (n BIGINT PRIMARY KEY); INSERT INTO listed VALUES {};
                 CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS}, \
                   CONSTRAINT of_list FOREIGN KEY (votes) REFERENCES listed (n){deferred})",
                listed.join(", ")
            );
            let sandbox = on.run_into(&table, 100, *mode).await;
            let named = row(&sandbox).await;
            // Of a reference that is looked at with its row SQLite does not say which it is.
            let value = if on == Engine::Sqlite && deferred.is_empty() { "" } else { "votes=7" };
            let expected = format!("7 tt0007 {value}: ");
            assert!(named.starts_with(&expected), "{on:?} {mode:?}{deferred}: {named}");
            assert!(named.contains(why), "{on:?} {mode:?}{deferred}: {named}");
            assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["99"], "{on:?} {mode:?}{deferred}");
        }
    }
}

/// A run of 40 records of which 12 and 31 have the same number of votes.
async fn with_twins(on: Engine) -> Sandbox {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = |round, o, endpoint, part| match (endpoint, o) {
        (0, 31) => film_values(round, 12, 0, part),
        _ => film_values(round, o, endpoint, part),
    };
    sandbox.add_round(2, &all_ok).await;
    sandbox.on(on)
}

async fn rows_that_are_refused_only_beside_each_other_are_named(on: Engine) {
    let sandbox = with_twins(on).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, {COLUMNS}); CREATE UNIQUE INDEX once ON films (votes)"
    ));
    let why = match on {
        Engine::DuckDb => "another row has that value, and the unique index \"once\" lets only one",
        Engine::Postgres | Engine::MariaDb => "several rows have the same, and once lets only one",
        Engine::Sqlite => "several rows have the same, and films.votes lets only one",
    };
    let expected = [12, 31].map(|o| format!("{o} tt00{o} votes=12: {why}")).to_vec();
    assert_eq!(rows(&sandbox).await, (expected, Some(2)), "{on:?}");
    assert_eq!(sandbox.rejected().await, [31], "the first is written");
}

async fn one_of_several_rows_of_a_record_is_found(on: Engine) {
    let mut sandbox = Sandbox::new(20).await.mode(Mode::Append).exploding(0, |_, o| 1 + o as u32 % 3).await;
    sandbox.add_round(2, &all_ok).await;
    let sandbox = sandbox.on(on);
    sandbox
        .execute(&format!("CREATE TABLE films (id TEXT, {COLUMNS}, CONSTRAINT low CHECK (votes <> 1017))"));
    let named = row(&sandbox).await;
    assert!(named.starts_with("17 tt0017 votes=1017: "), "{on:?}: {named}");
}

async fn what_stands_in_a_value_does_not_look_like_a_line_of_ours(on: Engine) {
    let mut sandbox = Sandbox::new(2).await.mode(Mode::Append);
    sandbox.values = |_, o, endpoint, _| match endpoint {
        0 => vec![text("x\nwindrow: published"), Value::Bigint(o as i64)],
        _ => film_values(0, o, endpoint, 0),
    };
    sandbox.add_round(1, &all_ok).await;
    let sandbox = sandbox.on(on);
    sandbox.execute(&format!(
        "CREATE TABLE listed (title VARCHAR(60) PRIMARY KEY); \
         CREATE TABLE films (id TEXT, {}, FOREIGN KEY (title) REFERENCES listed (title))",
        COLUMNS.replace("TEXT", "VARCHAR(60)")
    ));
    let said = sandbox.refused().await.to_string();
    let named = match on {
        Engine::Sqlite => "record 0, id \"tt0000\": ",
        _ => "record 0, id \"tt0000\", title = \"x\\nwindrow: published\": ",
    };
    assert!(said.contains(named), "{on:?}: {said}");
    assert!(on != Engine::Postgres || said.contains("Key (title)=(x\\nwindrow: published) is not"), "{said}");
    assert!(said.lines().all(|line| !line.starts_with("windrow: published")), "{on:?}: {said}");
}

/// What each does with a row that is inserted or updated, where a condition holds.
fn triggers(on: Engine, condition: &str, refuses: bool) -> Vec<String> {
    match on {
        Engine::Postgres => {
            let done = if refuses { "RAISE EXCEPTION 'no sevens here'" } else { "RETURN NULL" };
            vec![format!(
                "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   IF {condition} THEN {done}; END IF; RETURN new; END $$;
                 CREATE TRIGGER look BEFORE INSERT OR UPDATE ON films FOR EACH ROW EXECUTE FUNCTION look()"
            )]
        }
        Engine::Sqlite => {
            let done = if refuses { "RAISE(ABORT, 'no sevens here')" } else { "RAISE(IGNORE)" };
            let trigger = |word: &str| {
                format!("CREATE TRIGGER on_{word} BEFORE {word} ON films WHEN {condition} BEGIN SELECT {done}; END;")
            };
            vec![trigger("INSERT") + &trigger("UPDATE")]
        }
        _ => ["", " MYSQL_ERRNO = 30001,"]
            .map(|number| {
                format!(
                    "\nDELIMITER ;;\nCREATE TRIGGER look BEFORE INSERT ON films FOR EACH ROW BEGIN IF {condition} THEN \
                     SIGNAL SQLSTATE '45000' SET{number} MESSAGE_TEXT = 'no sevens here'; END IF; END;;\nDELIMITER ;\n"
                )
            })
            .to_vec(),
    }
}

async fn a_trigger_that_refuses_a_row_is_told_with_the_record(on: Engine) {
    for trigger in triggers(on, "new.votes = 77", true) {
        for mode in MODES {
            let table = format!("CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS});{trigger}");
            let sandbox = on.run_into(&table, 100, mode).await;
            assert_eq!(row(&sandbox).await, "77 tt0077 : no sevens here", "{on:?} {mode:?}");
        }
    }
}

async fn rows_that_a_trigger_keeps_out_are_counted(on: Engine) {
    let standing: Vec<String> = (20..30).map(|n| format!("('tt00{n}', 'it stands', 1)")).collect();
    for mode in MODES {
        let key = if mode == Mode::Append { "" } else { " PRIMARY KEY" };
        let table = format!(
            "CREATE TABLE films (id TEXT{key}, {COLUMNS}); INSERT INTO films (id, title, votes) VALUES {};{}",
            standing.join(", "),
            triggers(on, "new.votes % 10 = 5", false).concat()
        );
        let sandbox = on.run_into(&table, 100, mode).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.kept_out), (90, 10), "{on:?} {mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE votes % 10 = 5"), ["0"], "{on:?} {mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["90"], "{on:?} {mode:?}");
        // What is kept out is not there, so that a gate does not count it.
        let mut sandbox = on.run_into(&table, 100, mode).await;
        sandbox.job.publish.min_rows = Some(91);
        let said = sandbox.publish().await.unwrap_err().to_string();
        assert!(
            said.contains("the run brings 90 rows, the job asks for at least 91"),
            "{on:?} {mode:?}: {said}"
        );
    }
}

/// They give a row without a number one of their own.
async fn a_null_does_not_become_a_number(on: Engine) {
    let ends = |o: u64, e: usize| Some(if (o, e) == (7, 0) { End::Missing } else { End::Ok });
    let (number, why) = match on {
        Engine::MariaDb => {
            ("bigint unsigned AUTO_INCREMENT", "the server would make up a number (AUTO_INCREMENT)")
        }
        _ => ("INTEGER", "SQLite would make up a number (INTEGER PRIMARY KEY)"),
    };
    for mode in [Mode::Append, Mode::Replace, Mode::ReplaceIds] {
        let sandbox = Sandbox::of_one_round(11, &ends).await.mode(mode).on(on);
        sandbox.execute(&format!(
            "CREATE TABLE films (id varchar(20), title text, votes {number} PRIMARY KEY, budget int, facts json)"
        ));
        assert_eq!(
            row(&sandbox).await,
            format!("7 tt0007 votes=~: it is null, and {why}"),
            "{on:?} {mode:?}"
        );
        let left = sandbox.rows("SELECT count(*), min(votes), max(votes) FROM films");
        assert_eq!(left, ["10|0|10"], "{on:?} {mode:?}");
    }
}

/// DuckDB reads an index of a file at the first INSERT, and a DELETE before that stayed unknown to it.
#[tokio::test]
async fn a_unique_index_on_any_column_lets_rows_come_again_in_duckdb() {
    for index in ["(votes)", "(id)", "(lower(title))", "(votes, budget)"] {
        for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
            for key in ["", " PRIMARY KEY"] {
                let sandbox = Sandbox::of_one_round(50, &all_ok).await.mode(mode);
                sandbox.execute(&format!(
                    "CREATE TABLE films (id TEXT{key}, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
                     CREATE UNIQUE INDEX by_it ON films {index}; INSERT INTO films \
                     SELECT 'tt' || lpad(n::TEXT, 4, '0'), 'film ' || n || ' of round 0', n, n * 10, NULL FROM range(50) r(n)"
                ));
                let published = sandbox.publish().await.unwrap();
                assert_eq!((published.rows, published.replaced), (50, 50), "{index} {mode:?}");
                assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE facts IS NULL"), ["0"]);
            }
        }
    }
}

/// As many as are named, and how many they are, of a value that none has but one.
#[tokio::test]
async fn no_more_than_ten_rows_are_named_in_duckdb() {
    let sandbox = Sandbox::of_one_round(50, &all_ok).await;
    let title = COLUMNS.replace("title TEXT", "title ENUM ('film 3 of round 0')");
    sandbox.execute(&format!("CREATE TABLE films (id TEXT PRIMARY KEY, {title})"));
    let (named, all) = rows(&sandbox).await;
    let first = "0 tt0000 title=film 0 of round 0: it is no value of type ENUM('film 3 of round 0')";
    assert_eq!((named.len(), all, named[0].as_str()), (10, Some(49), first));
    let sandbox = with_twins(Engine::DuckDb).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, {COLUMNS}); CREATE UNIQUE INDEX once ON films (lower(title), votes)"
    ));
    assert_eq!(rows(&sandbox).await.1, Some(2), "an index on an expression");
}
