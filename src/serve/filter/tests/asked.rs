//! What DuckDB answers.

use super::{columns, duckdb, row_numbers, shape, texts};
use crate::serve::filter::Question;

#[test]
fn numbers_with_a_point_are_what_people_expect() {
    let connection = duckdb();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT v::FLOAT f, v::DOUBLE d, v::DECIMAL(9,2) m, (row_number() OVER () - 1) windrow_row \
             FROM (VALUES ('0.1'), ('0.2'), ('0.3'), ('-0'), ('1234567')) AS t(v)",
        )
        .unwrap();
    let columns = columns(&[("f", "FLOAT"), ("d", "DOUBLE"), ("m", "DECIMAL(9,2)")]);
    let asked = |query: &str| {
        row_numbers(&connection, &Question::parse(Some(query), &shape(&columns)).unwrap()).unwrap()
    };
    for column in ["f", "d", "m"] {
        assert_eq!(asked(&format!("{column}=0.1")), [0], "{column}");
        assert_eq!(asked(&format!("{column}.gt=0.1&{column}.lt=1")), [1, 2], "{column}");
        assert_eq!(asked(&format!("{column}.le=0.3&{column}.ge=0.2")), [1, 2], "{column}");
        assert_eq!(asked(&format!("{column}.in=0.30,0")), [2, 3], "{column}");
        assert_eq!(asked(&format!("{column}.ne=0")), [0, 1, 2, 4], "{column}");
    }
}

#[test]
fn equal_and_other_together_are_the_table() {
    let connection = duckdb();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT *, (row_number() OVER () - 1) windrow_row \
             FROM (VALUES ('a', 'nan'::DOUBLE), (NULL, 1), ('', NULL), ('b', 'inf'::DOUBLE)) AS t(name, n)",
        )
        .unwrap();
    let columns = columns(&[("name", "VARCHAR"), ("n", "DOUBLE")]);
    let asked = |query: &str| {
        row_numbers(&connection, &Question::parse(Some(query), &shape(&columns)).unwrap()).unwrap()
    };
    assert_eq!(asked("name=a"), [0]);
    assert_eq!(asked("name.ne=a"), [1, 2, 3]);
    assert_eq!(asked("name.ne=a&name.null=false"), [2, 3]);
    assert_eq!(asked("name="), [2]);
    assert_eq!(asked("name.null=true"), [1]);
    assert_eq!(asked("name.contains="), [0, 2, 3]);
    assert_eq!(asked("n.gt=5"), [0, 3], "not a number is greater than all");
    assert_eq!(asked("n.le=5"), [1]);
    assert_eq!(asked("order=n"), [1, 3, 0, 2]);
    assert_eq!(asked("order=-n"), [0, 3, 1, 2]);
}

#[test]
fn pages_together_are_the_answer() {
    let connection = duckdb();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT (i * 7919) % 10 g, i id, (row_number() OVER () - 1) windrow_row FROM range(997) t(i)",
        )
        .unwrap();
    let columns = columns(&[("g", "BIGINT"), ("id", "BIGINT")]);
    for query in ["", "order=g", "order=-g", "g.in=1,2,3", "g.ne=4&order=-g", "g=99"] {
        for limit in [1, 7, 100, 997, 1000] {
            let all =
                row_numbers(&connection, &Question::parse(Some(query), &shape(&columns)).unwrap()).unwrap();
            if limit == 1 && all.len() > 500 {
                continue;
            }
            let mut gathered = Vec::new();
            let mut next = format!("{query}&limit={limit}");
            loop {
                let question = Question::parse(Some(&next), &shape(&columns)).unwrap();
                let page = row_numbers(&connection, &question).unwrap();
                next = question.next(super::DIGEST);
                let is_last = page.len() < limit;
                gathered.extend(page);
                if is_last {
                    break;
                }
            }
            assert_eq!(gathered, all, "{query} by {limit}");
        }
    }
}

#[test]
fn one_row_more_tells_that_there_are_more() {
    let connection = duckdb();
    connection
        .execute_batch("CREATE TABLE served AS SELECT i id, i windrow_row FROM range(2000) t(i)")
        .unwrap();
    let columns = columns(&[("id", "BIGINT")]);
    for (query, rows) in [
        ("limit=10", 11),
        ("limit=10&id.ge=0", 11),
        ("id.ge=0", 1001),
        ("id.lt=1000", 1000),
        ("order=id", 1001),
        ("select=id", 1001),
        ("limit=10&after=0123456789ab.1995", 5),
        ("limit=10&after=0123456789ab.5000", 0),
    ] {
        let question = Question::parse(Some(query), &shape(&columns)).unwrap();
        // All columns in their order are the whole table, of which the caller has a body.
        if !question.is_whole() {
            assert_eq!(texts(&connection, &columns, &question).len(), rows, "{query}");
        }
    }
}

#[test]
fn names_of_any_letters_are_asked_for() {
    let names = [
        "a b",
        "A\"b",
        "select",
        "SELECT",
        "x;DROP TABLE served--",
        "é🎬",
        "a.gt",
        "from",
        "-n",
        "n",
        "%",
        "'",
        "\\",
        "a,b",
        "served",
    ];
    let connection = duckdb();
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("'{}' AS {}", name.replace('\'', "''"), super::quoted(name)))
        .collect();
    // DuckDB's names are the same in any case: of `select` and `SELECT` one can stand.
    let distinct: Vec<&String> = quoted.iter().filter(|one| !one.contains("SELECT")).collect();
    let sql = distinct.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    connection.execute_batch(&format!("CREATE TABLE served AS SELECT {sql}, 0 windrow_row")).unwrap();
    let names: Vec<&str> = names.into_iter().filter(|name| *name != "SELECT").collect();
    let columns = columns(&names.iter().map(|name| (*name, "VARCHAR")).collect::<Vec<_>>());
    for (place, name) in names.iter().enumerate() {
        let parameter =
            crate::serve::filter::parameter_name(&columns, place, crate::serve::filter::Operator::Eq);
        let encode = crate::serve::filter::form::encoded;
        let chosen = encode(&super::quoted(name));
        let query = format!("{}={}&select={chosen}", encode(&parameter), encode(name));
        let question = Question::parse(Some(&query), &shape(&columns)).unwrap();
        assert_eq!(texts(&connection, &columns, &question), [[Some((*name).to_owned())]], "{query}");
        let other = query.replace('&', "x&");
        assert!(
            texts(&connection, &columns, &Question::parse(Some(&other), &shape(&columns)).unwrap())
                .is_empty()
        );
    }
}
