//! Rows that the server refuses are named: record, id, column, value, rule.

use super::{Sandbox, refused, run_of};
use crate::handoff::Exit;
use crate::job::Mode;
use crate::merge::MergeError;

const COLUMNS: &str = "title text, votes bigint, budget integer, facts json";

/// A run of 100 records into a table by hand.
async fn into(mode: Mode, table: &str) -> Sandbox {
    let sandbox = run_of(100, mode).await;
    sandbox.execute(table);
    sandbox
}

/// The rows that a publication is refused for, as (record, id, columns with values, why), and how many they are.
async fn rows(sandbox: &Sandbox) -> (Vec<(u64, String, String, String)>, Option<u64>) {
    let error = refused(sandbox).await;
    assert_eq!(error.exit(), Exit::Database, "{error}");
    let MergeError::Rows { rows, all, .. } = error else { panic!("{error}") };
    let value = |(name, text): (String, Option<String>)| format!("{name}={}", text.unwrap_or("~".into()));
    let named = rows.into_iter().map(|row| {
        let values: Vec<String> = row.values.into_iter().map(value).collect();
        (row.record, row.id, values.join(" "), row.why)
    });
    (named.collect(), all)
}

/// Those of one row.
async fn row(sandbox: &Sandbox) -> (u64, String, String, String) {
    let (rows, all) = rows(sandbox).await;
    assert_eq!((rows.len(), all), (1, Some(1)), "{rows:?}");
    rows.into_iter().next().unwrap()
}

const MODES: [Mode; 4] = [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds];

#[tokio::test]
async fn a_row_that_a_type_or_a_condition_refuses_is_named_with_its_value() {
    for mode in MODES {
        for (columns, value, why) in [
            (
                "title varchar(17), votes bigint, budget integer, facts json",
                "title=film 10 of round 0",
                "value too long for type character varying(17)",
            ),
            (
                "title text, votes bigint CHECK (votes <> 10), budget integer, facts json",
                "votes=10",
                "new row for relation \"films\" violates check constraint \"films_votes_check\": CHECK ((votes <> 10))",
            ),
            (
                "title text, votes bigint, budget odd, facts json",
                "budget=100",
                "value for domain odd violates check constraint \"odd_check\"",
            ),
            (
                "title text, votes bigint, budget integer, facts json, CHECK (votes < 10 OR budget <> 100)",
                "votes=10 budget=100",
                "new row for relation \"films\" violates check constraint \"films_check\": \
                 CHECK (((votes < 10) OR (budget <> 100)))",
            ),
        ] {
            // Of the titles the eleventh is the first with a number of two digits. The row that stands comes again, but
            // for the mode that only adds.
            let stands = if mode == Mode::Append { "other" } else { "tt0003" };
            let sandbox = Sandbox::of_one_round(11, &super::all_ok).await.mode(mode).on_postgres();
            sandbox.execute(&format!(
                "CREATE DOMAIN odd AS integer CHECK (value <> 100); CREATE TABLE films (id text PRIMARY KEY, {columns}); \
                 INSERT INTO films VALUES ('{stands}', 'it stands', 3, 3)"
            ));
            let named = row(&sandbox).await;
            assert_eq!(named, (10, "tt0010".into(), value.into(), why.into()), "{mode:?}");
            let standing = sandbox.rows("SELECT id, title FROM films");
            assert_eq!(standing, [format!("{stands}|it stands")], "{mode:?}");
            assert_eq!(sandbox.rejected().await, [10], "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_message_says_what_is_wrong_in_full() {
    let table = "CREATE TABLE films (id text, title varchar(17), votes bigint, budget integer, facts json)";
    let sandbox = into(Mode::Append, table).await;
    let said = refused(&sandbox).await.to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("postgres://"), "{said}");
    let of_table = ": table public.films refuses rows of the run; nothing was published";
    assert!(lines[0].ends_with(of_table), "{said}");
    let first = "  record 10, id \"tt0010\", title = \"film 10 of round 0\": value too long for type character varying(17)";
    assert_eq!(lines[1], first);
    assert_eq!(lines[10].split(',').next(), Some("  record 19"));
    assert_eq!(lines[11], "  and perhaps more");
    assert!(lines[12].starts_with("hint: mend them or leave them out with [[publish.before]]"), "{said}");
}

#[tokio::test]
async fn a_key_that_is_taken_or_missing_elsewhere_names_the_record() {
    let table = format!(
        "CREATE TABLE films (id text PRIMARY KEY, {COLUMNS}); CREATE UNIQUE INDEX by_votes ON films (votes);
         INSERT INTO films VALUES ('other', 'it stands', 41)"
    );
    for mode in [Mode::Append, Mode::Upsert, Mode::ReplaceIds] {
        let sandbox = into(mode, &table).await;
        let (record, id, values, why) = row(&sandbox).await;
        assert_eq!((record, id.as_str(), values.as_str()), (41, "tt0041", "votes=41"), "{mode:?}");
        assert_eq!(sandbox.rejected().await, [41], "{mode:?}");
        assert!(why.ends_with("\"by_votes\": Key (votes)=(41) already exists"), "{why}");
    }
    let table = format!(
        "CREATE TABLE listed (n bigint PRIMARY KEY); INSERT INTO listed SELECT n FROM generate_series(0, 99) n WHERE n <> 7;
         CREATE TABLE films (id text PRIMARY KEY, {COLUMNS});
         ALTER TABLE films ADD FOREIGN KEY (votes) REFERENCES listed DEFERRABLE INITIALLY DEFERRED"
    );
    for mode in MODES {
        let sandbox = into(mode, &table).await;
        let (record, id, values, why) = row(&sandbox).await;
        assert_eq!((record, id.as_str(), values.as_str()), (7, "tt0007", "votes=7"), "{mode:?}");
        assert_eq!(sandbox.rejected().await, [7], "{mode:?}");
        assert!(why.ends_with("Key (votes)=(7) is not present in table \"listed\""), "{why}");
    }
}

#[tokio::test]
async fn rows_that_are_refused_only_beside_each_other_are_named_together() {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = |_, o, endpoint, _| match (endpoint, o) {
        (0, 31) => super::super::sandbox::film_values(0, 12, 0, 0),
        _ => super::super::sandbox::film_values(0, o, endpoint, 0),
    };
    sandbox.add_round(2, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(&format!("CREATE TABLE films (id text, {COLUMNS}, CONSTRAINT once UNIQUE (votes))"));
    let (rows, all) = rows(&sandbox).await;
    let records: Vec<u64> = rows.iter().map(|(record, ..)| *record).collect();
    assert_eq!((records, all), (vec![12, 31], Some(2)));
    assert_eq!(rows[1].2, "votes=12");
    assert_eq!(rows[1].3, "several rows have the same, and once lets only one");
}

#[tokio::test]
async fn a_row_that_an_exclusion_constraint_refuses_beside_another_is_named() {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = |_, o, endpoint, _| match (endpoint, o) {
        (0, 31) => super::super::sandbox::film_values(0, 12, 0, 0),
        _ => super::super::sandbox::film_values(0, o, endpoint, 0),
    };
    sandbox.add_round(2, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(&format!("CREATE TABLE films (id text, {COLUMNS}, EXCLUDE USING btree (votes WITH =))"));
    let (rows, all) = rows(&sandbox).await;
    let (record, id, values, why) = &rows[0];
    assert_eq!((rows.len(), all), (1, Some(1)));
    assert_eq!((*record, id.as_str(), values.as_str()), (31, "tt0031", "votes=12"));
    assert!(why.ends_with("Key (votes)=(12) conflicts with existing key (votes)=(12)"), "{why}");
    assert_eq!(sandbox.rejected().await, [31]);
}

#[tokio::test]
async fn a_value_that_is_too_long_for_an_index_names_the_record() {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = |_, o, endpoint, _| {
        let mut values = super::super::sandbox::film_values(0, o, endpoint, 0);
        if (endpoint, o) == (0, 31) {
            let mut random = fastrand::Rng::with_seed(1);
            values[0] = super::text((0..20_000).map(|_| random.alphanumeric()).collect::<String>());
        }
        values
    };
    sandbox.add_round(2, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox
        .execute(&format!("CREATE TABLE films (id text, {COLUMNS}); CREATE INDEX by_title ON films (title)"));
    let (record, id, _, why) = row(&sandbox).await;
    assert_eq!((record, id.as_str()), (31, "tt0031"));
    assert!(why.starts_with("index row "), "{why}");
    assert_eq!(sandbox.rejected().await, [31]);
}

#[tokio::test]
async fn a_trigger_that_refuses_a_row_is_told_with_the_record() {
    let table = format!(
        "CREATE TABLE films (id text PRIMARY KEY, {COLUMNS});
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF new.votes = 77 THEN RAISE EXCEPTION 'no sevens here'; END IF; RETURN new; END $$;
         CREATE TRIGGER look BEFORE INSERT OR UPDATE ON films FOR EACH ROW EXECUTE FUNCTION look()"
    );
    for mode in MODES {
        let sandbox = into(mode, &table).await;
        let named = row(&sandbox).await;
        assert_eq!(named, (77, "tt0077".into(), String::new(), "no sevens here".into()), "{mode:?}");
        assert_eq!(sandbox.rejected().await, [77], "{mode:?}");
    }
}

#[tokio::test]
async fn one_of_several_rows_of_a_record_is_found() {
    let mut sandbox = Sandbox::new(20).await.mode(Mode::Append).exploding(0, |_, o| 1 + o as u32 % 3).await;
    sandbox.add_round(2, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox
        .execute(&format!("CREATE TABLE films (id text, {COLUMNS}, CONSTRAINT low CHECK (votes <> 1017))"));
    let (record, id, values, _) = row(&sandbox).await;
    assert_eq!((record, id.as_str(), values.as_str()), (17, "tt0017", "votes=1017"));
}

#[tokio::test]
async fn rows_that_a_trigger_keeps_out_are_counted() {
    let table = format!(
        "CREATE TABLE films (id text PRIMARY KEY, {COLUMNS});
         INSERT INTO films SELECT 'tt00' || n, 'it stands', 1 FROM generate_series(20, 29) n;
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF new.votes % 10 = 5 THEN RETURN NULL; END IF; RETURN new; END $$;
         CREATE TRIGGER look BEFORE INSERT OR UPDATE ON films FOR EACH ROW EXECUTE FUNCTION look()"
    );
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = into(mode, &table).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.kept_out), (90, 10), "{mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE votes % 10 = 5"), ["0"], "{mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["90"], "{mode:?}");
        // What is kept out is not there, so that a gate does not count it.
        sandbox = into(mode, &table).await;
        sandbox.job.publish.min_rows = Some(91);
        let error = sandbox.publish().await.unwrap_err();
        assert!(
            error.to_string().contains("the run brings 90 rows, the job asks for at least 91"),
            "{error}"
        );
    }
    let table = table.replace(" PRIMARY KEY", "");
    let published = into(Mode::Append, &table).await.publish().await.unwrap();
    assert_eq!((published.rows, published.kept_out), (90, 10));
}

#[tokio::test]
async fn a_rule_of_the_table_holds_in_every_mode() {
    let table = format!(
        "CREATE TABLE films (id text, {COLUMNS}); CREATE RULE look AS ON INSERT TO films WHERE new.votes % 10 = 5 DO INSTEAD NOTHING"
    );
    for mode in MODES {
        let sandbox = into(mode, &table).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.kept_out), (90, 10), "{mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE votes % 10 = 5"), ["0"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_partial_index_or_one_on_an_expression_names_the_rows_that_break_it_alone() {
    use super::super::sandbox::film_values as films;
    for index in ["(facts) WHERE votes IN (3, 8)", "(upper(title))"] {
        let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
        sandbox.values = |_, o, endpoint, _| match (endpoint, o) {
            (0, 8) => vec![super::text("FILM 3 of round 0"), films(0, 8, 0, 0)[1].clone()],
            (1, _) => vec![films(0, o, 1, 0)[0].clone(), crate::value::Value::Json("1".into())],
            _ => films(0, o, endpoint, 0),
        };
        sandbox.add_round(2, &super::all_ok).await;
        let sandbox = sandbox.on_postgres();
        let columns = COLUMNS.replace("json", "text");
        sandbox.execute(&format!(
            "CREATE TABLE films (id text, {columns}); CREATE UNIQUE INDEX once ON films {index}"
        ));
        let (rows, all) = rows(&sandbox).await;
        let records: Vec<u64> = rows.iter().map(|(record, ..)| *record).collect();
        assert_eq!((records, all), (vec![3, 8], Some(2)), "{index}");
    }
}

#[tokio::test]
async fn what_stands_in_a_value_does_not_look_like_a_line_of_ours() {
    let mut sandbox = Sandbox::new(2).await.mode(Mode::Append);
    sandbox.values = |_, o, endpoint, _| match endpoint {
        0 => vec![super::text("x\nwindrow: published"), crate::value::Value::Bigint(o as i64)],
        _ => super::super::sandbox::film_values(0, o, endpoint, 0),
    };
    sandbox.add_round(1, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(&format!(
        "CREATE TABLE listed (title text PRIMARY KEY); CREATE TABLE films (id text, {COLUMNS}, FOREIGN KEY (title) REFERENCES listed)"
    ));
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("Key (title)=(x\\nwindrow: published) is not present"), "{said}");
    assert!(said.lines().all(|line| !line.starts_with("windrow: published")), "{said}");
}
