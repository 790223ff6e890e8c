//! Rows that only PostgreSQL can refuse, or refuses in its own way.

use super::super::engines::MODES;
use super::super::engines::text;
use super::super::refused::{COLUMNS, row, rows};
use super::super::sandbox::film_values as films;
use super::{Sandbox, refused, run_of};
use crate::job::Mode;
use crate::value::Value;

/// A run of 40 records with these values, into a table by hand.
async fn with(values: super::super::sandbox::Values, table: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = values;
    sandbox.add_round(2, &super::all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(table);
    sandbox
}

#[tokio::test]
async fn a_message_says_what_is_wrong_in_full() {
    let sandbox = run_of(100, Mode::Append).await;
    sandbox
        .execute("CREATE TABLE films (id text, title varchar(17), votes bigint, budget integer, facts json)");
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
async fn a_row_that_an_exclusion_constraint_refuses_beside_another_is_named() {
    let table = format!("CREATE TABLE films (id text, {COLUMNS}, EXCLUDE USING btree (votes WITH =))");
    let sandbox = with(|_, o, e, _| films(0, if (e, o) == (0, 31) { 12 } else { o }, e, 0), &table).await;
    let named = row(&sandbox).await;
    assert!(named.starts_with("31 tt0031 votes=12: "), "{named}");
    assert!(named.ends_with("Key (votes)=(12) conflicts with existing key (votes)=(12)"), "{named}");
}

#[tokio::test]
async fn a_value_that_is_too_long_for_an_index_names_the_record() {
    let table = format!("CREATE TABLE films (id text, {COLUMNS}); CREATE INDEX by_title ON films (title)");
    let long: super::super::sandbox::Values = |_, o, endpoint, _| {
        let mut values = films(0, o, endpoint, 0);
        if (endpoint, o) == (0, 31) {
            let mut random = fastrand::Rng::with_seed(1);
            values[0] = text((0..20_000).map(|_| random.alphanumeric()).collect::<String>());
        }
        values
    };
    let named = row(&with(long, &table).await).await;
    assert!(named.starts_with("31 tt0031 ") && named.contains(": index row "), "{named}");
}

#[tokio::test]
async fn a_rule_of_the_table_holds_in_every_mode() {
    let table = format!(
        "CREATE TABLE films (id text, {COLUMNS}); CREATE RULE look AS ON INSERT TO films WHERE new.votes % 10 = 5 DO INSTEAD NOTHING"
    );
    for mode in MODES {
        let sandbox = run_of(100, mode).await;
        sandbox.execute(&table);
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.kept_out), (90, 10), "{mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE votes % 10 = 5"), ["0"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_partial_index_or_one_on_an_expression_names_the_rows_that_break_it_alone() {
    for index in ["(facts) WHERE votes IN (3, 8)", "(upper(title))"] {
        let columns = COLUMNS.replace("JSON", "text");
        let table =
            format!("CREATE TABLE films (id text, {columns}); CREATE UNIQUE INDEX once ON films {index}");
        let values: super::super::sandbox::Values = |_, o, endpoint, _| match (endpoint, o) {
            (0, 8) => vec![text("FILM 3 of round 0"), films(0, 8, 0, 0)[1].clone()],
            (1, _) => vec![films(0, o, 1, 0)[0].clone(), Value::Json("1".into())],
            _ => films(0, o, endpoint, 0),
        };
        let (named, all) = rows(&with(values, &table).await).await;
        let records: Vec<&str> = named.iter().map(|row| row.split(' ').next().unwrap()).collect();
        assert_eq!((records, all), (vec!["3", "8"], Some(2)), "{index}");
    }
}
