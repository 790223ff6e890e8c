//! What DuckDB does for an answer.

use std::time::Instant;

use super::{columns, duckdb, row_numbers, shape};
use crate::serve::filter::Question;

fn plan(connection: &duckdb::Connection, question: &Question) -> String {
    let (rest, values) = question.sql();
    let mut statement = connection.prepare(&format!("EXPLAIN ANALYZE SELECT * FROM served {rest}")).unwrap();
    statement.query_row(duckdb::params_from_iter(&values), |row| row.get(1)).unwrap()
}

#[test]
fn a_key_is_looked_up_in_its_index() {
    let connection = duckdb();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT i id, 'k' || i AS name, (i / 100)::DECIMAL(18,2) price, \
             TIMESTAMP '2000-01-01' + to_seconds(i) AS \"at\", md5(i::VARCHAR)::UUID u, i windrow_row FROM range(100000) t(i)",
        )
        .unwrap();
    let columns = columns(&[
        ("id", "BIGINT"),
        ("name", "VARCHAR"),
        ("price", "DECIMAL(18,2)"),
        ("at", "TIMESTAMP"),
        ("u", "UUID"),
    ]);
    for (place, path) in ["4711", "k4711", "47.11", "2000-01-01T01:18:31Z"].iter().enumerate() {
        let name = &columns[place].name;
        connection.execute_batch(&format!("CREATE INDEX by_{name} ON served (\"{name}\")")).unwrap();
        let question = Question::of_key(path, &[place], &shape(&columns)).unwrap();
        assert_eq!(row_numbers(&connection, &question).unwrap(), [4711], "{name}");
        let plan = plan(&connection, &question);
        assert!(plan.contains("Index Scan"), "{name}: {plan}");
    }
}

#[test]
fn rows_without_an_order_come_as_they_were_published() {
    let connection = duckdb();
    connection.execute_batch("SET threads = 4").unwrap();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT (hash(i) % 300)::BIGINT id, (hash(i + 5) % 7)::BIGINT g, i windrow_row FROM range(400000) t(i); \
             CREATE INDEX by_id ON served (id)",
        )
        .unwrap();
    let columns = columns(&[("id", "BIGINT"), ("g", "BIGINT")]);
    for (condition, expected) in [
        ("id=5", "id = 5"),
        ("id=5&g=1", "id = 5 AND g = 1"),
        ("g.ne=3", "g <> 3"),
        ("g.in=1,2&id.gt=200", "g IN (1, 2) AND id > 200"),
    ] {
        for page in
            ["", "&limit=11", "&limit=11&after=0123456789ab.500", "&limit=1000&after=0123456789ab.150"]
        {
            let question = Question::parse(Some(&format!("{condition}{page}")), &shape(&columns)).unwrap();
            let sorted = format!(
                "SELECT windrow_row FROM served WHERE {expected} ORDER BY windrow_row LIMIT {} OFFSET {}",
                question.limit().unwrap_or(1000),
                question.offset
            );
            let mut statement = connection.prepare(&sorted).unwrap();
            let sorted: Vec<i64> =
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(row_numbers(&connection, &question).unwrap(), sorted, "{condition}{page}");
        }
    }
}

/// Figures for whoever asks for them; nothing is judged.
#[test]
#[ignore = "it prints figures"]
fn a_million_rows() {
    let connection = duckdb();
    connection.execute_batch("SET threads = 1").unwrap();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT id, 'k' || id AS name, (id / 100)::DECIMAL(18,2) price, id % 100 AS g, repeat('x', 40) pad, \
             (row_number() OVER () - 1) windrow_row FROM (SELECT i id FROM range(1000000) t(i) ORDER BY hash(i)); \
             CREATE INDEX by_id ON served (id)",
        )
        .unwrap();
    let columns = columns(&[
        ("id", "BIGINT"),
        ("name", "VARCHAR"),
        ("price", "DECIMAL(18,2)"),
        ("g", "BIGINT"),
        ("pad", "VARCHAR"),
    ]);
    let many = (0..1000).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let in_many = format!("id.in={many}");
    for query in [
        "id=4711",
        "id=4711&g=11",
        "name=k4711",
        "limit=100",
        "limit=100&after=0123456789ab.900000",
        "g=3&limit=100",
        "order=-id&limit=100",
        "id.in=1,2",
        &in_many,
    ] {
        let question = Question::parse(Some(query), &shape(&columns)).unwrap();
        let (rest, values) = question.sql();
        {
            let sql = format!("SELECT id::VARCHAR, name, price::VARCHAR, g::VARCHAR, pad FROM served {rest}");
            let ask = || {
                let mut statement = connection.prepare_cached(&sql).unwrap();
                let mut rows = statement.query(duckdb::params_from_iter(&values)).unwrap();
                let mut count = 0;
                while rows.next().unwrap().is_some() && count < 200 {
                    count += 1;
                }
                count
            };
            ask();
            let began = Instant::now();
            let times = 50;
            let rows = (0..times).map(|_| ask()).max().unwrap();
            let each = began.elapsed().as_secs_f64() * 1e3 / f64::from(times);
            println!("{each:8.3} ms {rows:6} rows  {}", crate::value::cut(&sql[65..], 150));
        }
    }
}
