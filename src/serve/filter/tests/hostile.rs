//! Who wants more than rows: two thousand questions, each of which is refused, or answered with the rows that a plain loop finds.

use std::cmp::Ordering;
use std::path::Path;

use duckdb::Connection;
use fastrand::Rng;

use super::{columns, duckdb, row_numbers, shape};
use crate::seed::seeded;
use crate::serve::column::Column;
use crate::serve::filter::Question;
use crate::value::{Type, Value, parse};

const QUESTIONS: usize = 2_000;

/// Columns, as windrow and DuckDB name their types.
const COLUMNS: [(&str, Type, &str); 8] = [
    ("id", Type::Bigint, "BIGINT"),
    ("name", Type::Text, "VARCHAR"),
    ("price", Type::Decimal { precision: 9, scale: 2 }, "DECIMAL(9,2)"),
    ("ratio", Type::Double, "DOUBLE"),
    ("day", Type::Date, "DATE"),
    ("ok", Type::Boolean, "BOOLEAN"),
    ("limit", Type::Integer, "INTEGER"),
    ("x\"; DROP TABLE beside; --", Type::Text, "VARCHAR"),
];

/// What is tried in the place of a value, and of a name.
const HOSTILE: [&str; 56] = [
    "'",
    "\"",
    "''",
    "\\",
    "\\'",
    "`",
    ";",
    "--",
    "/*",
    "*/",
    "' OR '1'='1",
    "1 OR 1=1",
    "1; DROP TABLE beside",
    "'; DROP TABLE beside; --",
    "\"; DROP TABLE beside; --",
    ") OR (1=1",
    "1) UNION SELECT secret FROM beside --",
    "(SELECT secret FROM beside)",
    "read_csv('/etc/passwd')",
    "(SELECT * FROM read_text('/etc/passwd'))",
    "'/etc/passwd'",
    "ATTACH '{}/attached.duckdb' AS stolen",
    "1; COPY beside TO '{}/copied.csv'",
    "'); COPY beside TO '{}/copied.csv'; --",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "getenv('HOME')",
    "$1",
    "?",
    "?1",
    ":a",
    "${HOME}",
    "%s%n",
    "{{7*7}}",
    "<script>",
    "NULL",
    "null",
    "DEFAULT",
    "rowid",
    "windrow_row",
    "served",
    "beside.secret",
    "*",
    "COLUMNS(*)",
    "\u{ff07}",
    "\u{2018}a\u{2019}",
    "ｉｄ",
    "іd",
    "\u{202e}di",
    "\u{feff}id",
    "9999999999999999999999999999999999999999999999",
    "1e999999999",
    "0x7f",
];

/// Texts that some column takes.
const MEANT: [&str; 26] = [
    "0",
    "1",
    "2",
    "3",
    "007",
    "-1",
    "7.0",
    "1e1",
    "0.1",
    "0.50",
    "9.99",
    "-0",
    "true",
    "f",
    "2026-11-23",
    "2024-02-29",
    "a",
    "A",
    "b",
    "a,b",
    "é",
    "",
    " ",
    "%",
    "_",
    "9223372036854775807",
];

const OPERATORS: [&str; 10] =
    ["", ".eq", ".ne", ".gt", ".ge", ".lt", ".le", ".contains", ".startswith", ".null"];

type Row = Vec<Value>;

fn rows(random: &mut Rng) -> Vec<Row> {
    (0..60).map(|_| COLUMNS.map(|(_, ty, _)| value(random, ty)).to_vec()).collect()
}

fn value(random: &mut Rng, ty: Type) -> Value {
    let texts = [&MEANT[..], &HOSTILE[..]].concat();
    for _ in 0..100 {
        if let Ok(value) = parse(texts[random.usize(..texts.len())], ty) {
            return value;
        }
    }
    Value::Null
}

fn database(rows: &[Row]) -> Connection {
    let connection = duckdb();
    let typed = COLUMNS.map(|(name, _, ty)| format!("{} {ty}", super::quoted(name))).join(", ");
    connection
        .execute_batch(&format!(
            "CREATE TABLE served ({typed}, windrow_row BIGINT); CREATE TABLE beside AS SELECT 'kept' AS secret"
        ))
        .unwrap();
    let places = COLUMNS.map(|(_, _, ty)| format!("CAST(? AS {ty})")).join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO served VALUES ({places}, ?)")).unwrap();
    for (at, row) in rows.iter().enumerate() {
        let mut texts: Vec<Option<String>> = row
            .iter()
            .zip(COLUMNS)
            .map(|(value, (_, ty, _))| (*value != Value::Null).then(|| crate::value::spelled(value, ty)))
            .collect();
        texts.push(Some(at.to_string()));
        insert.execute(duckdb::params_from_iter(texts)).unwrap();
    }
    drop(insert);
    connection
}

/// Everything in the database, and what lies in the folder.
fn state(connection: &Connection, folder: &Path) -> String {
    let all = "SELECT (SELECT string_agg(database_name || table_name || sql, ' ') FROM duckdb_tables()) \
               || (SELECT string_agg(secret, ' ') FROM beside) || (SELECT coalesce(string_agg(hash(served)::VARCHAR, ' '), '') FROM served) \
               || (SELECT string_agg(database_name, ' ') FROM duckdb_databases()) || current_setting('threads')";
    let inside: String = connection.query_row(all, [], |row| row.get(0)).unwrap();
    format!("{inside} {}", std::fs::read_dir(folder).unwrap().count())
}

/// All bytes but letters and digits are encoded: nothing of what the program itself writes is trusted.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
        (Value::Integer(one), Value::Integer(other)) | (Value::Date(one), Value::Date(other)) => {
            one.cmp(other)
        }
        (Value::Bigint(one), Value::Bigint(other)) => one.cmp(other),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other).unwrap(),
        (Value::Decimal(one), Value::Decimal(other)) => one.cmp(other),
        other => panic!("{other:?}"),
    }
}

/// One condition: its column, comparison and texts (several for `.in`); `None` as column stands for a name that there is not.
struct Asked {
    place: Option<usize>,
    name: String,
    operator: &'static str,
    texts: Vec<String>,
}

impl Asked {
    fn draw(random: &mut Rng, folder: &Path) -> Asked {
        let is_hostile = random.u8(..3) == 0;
        let texts: &[&str] = if is_hostile { &HOSTILE } else { &MEANT };
        let mut text = || texts[random.usize(..texts.len())].replace("{}", &folder.to_string_lossy());
        let several = [text(), text(), text()];
        let hostile_name = || HOSTILE[several[0].len() * 7 % HOSTILE.len()].to_owned();
        let place = (random.u8(..12) > 0).then(|| random.usize(..COLUMNS.len()));
        let is_in = random.u8(..5) == 0;
        let operator = if is_in { ".in" } else { OPERATORS[random.usize(..OPERATORS.len())] };
        let texts = if is_in { several[..random.usize(1..=3)].to_vec() } else { several[..1].to_vec() };
        Asked {
            place,
            name: place.map_or_else(hostile_name, |place| COLUMNS[place].0.to_owned()),
            operator,
            texts,
        }
    }

    fn written(&self) -> String {
        // `limit` alone is ours.
        let operator = if self.name == "limit" && self.operator.is_empty() { ".eq" } else { self.operator };
        let value = match operator {
            ".in" => self.texts.iter().map(|text| super::quoted(text)).collect::<Vec<_>>().join(","),
            _ => self.texts.concat(),
        };
        format!("{}{operator}={}", encoded(&self.name), encoded(&value))
    }

    /// The type whose values it is compared with, where that has a meaning.
    fn ty(&self) -> Option<Type> {
        let ty = COLUMNS[self.place?].1;
        match self.operator {
            ".null" => Some(Type::Boolean),
            ".contains" | ".startswith" => Some(ty).filter(|ty| *ty == Type::Text),
            _ => Some(ty),
        }
    }

    /// The values that it means; `None` where it has no meaning.
    fn values(&self) -> Option<Vec<Value>> {
        let ty = self.ty()?;
        self.texts.iter().map(|text| parse(text, ty).ok()).collect()
    }

    fn holds(&self, row: &Row, values: &[Value]) -> bool {
        let Some(value) = self.place.map(|place| &row[place]) else { return false };
        match (self.operator, value) {
            (".null", value) => values[0] == Value::Boolean(*value == Value::Null),
            (".ne", Value::Null) => true,
            (_, Value::Null) => false,
            (".contains" | ".startswith", Value::Text(text)) => {
                let Value::Text(part) = &values[0] else { return false };
                if self.operator == ".contains" { text.contains(part) } else { text.starts_with(part) }
            }
            (operator, value) => values.iter().any(|other| {
                let order = order(value, other);
                match operator {
                    ".ne" => order.is_ne(),
                    ".gt" => order.is_gt(),
                    ".ge" => order.is_ge(),
                    ".lt" => order.is_lt(),
                    ".le" => order.is_le(),
                    _ => order.is_eq(),
                }
            }),
        }
    }
}

fn expected(rows: &[Row], asked: &[Asked], by: Option<(usize, bool)>) -> Option<Vec<i64>> {
    let values: Vec<Vec<Value>> = asked.iter().map(Asked::values).collect::<Option<_>>()?;
    let holds = |row: &Row| asked.iter().zip(&values).all(|(asked, values)| asked.holds(row, values));
    let mut found: Vec<i64> = (0..rows.len()).filter(|at| holds(&rows[*at])).map(|at| at as i64).collect();
    if let Some((place, is_down)) = by {
        found.sort_by(|one, other| match (&rows[*one as usize][place], &rows[*other as usize][place]) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            (one, other) if is_down => order(other, one),
            (one, other) => order(one, other),
        });
    }
    Some(found)
}

#[test]
fn two_thousand_questions_are_refused_or_answered_as_a_loop_does() {
    let mut random = seeded();
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(&mut random);
    let connection = database(&rows);
    let columns: Vec<Column> = columns(&COLUMNS.map(|(name, _, ty)| (name, ty)));
    let before = state(&connection, folder.path());
    let mut answered = 0;
    for _ in 0..QUESTIONS {
        let mut asked: Vec<Asked> =
            (0..random.usize(1..=2)).map(|_| Asked::draw(&mut random, folder.path())).collect();
        let is_twice = asked.len() == 2
            && asked[0].place == asked[1].place
            && asked[0].operator.trim_start_matches(".eq") == asked[1].operator.trim_start_matches(".eq");
        asked.truncate(if is_twice { 1 } else { 2 });
        let by = (random.u8(..3) == 0).then(|| (random.usize(..COLUMNS.len()), random.bool()));
        let mut query = asked.iter().map(Asked::written).collect::<Vec<_>>().join("&");
        if let Some((place, is_down)) = by {
            let name = format!("{}{}", if is_down { "-" } else { "" }, COLUMNS[place].0);
            query += &format!("&order={}", encoded(&name));
        }
        let question = Question::parse(Some(&query), &shape(&columns));
        let found = question.as_ref().ok().map(|question| row_numbers(&connection, question).unwrap());
        assert_eq!(found, expected(&rows, &asked, by), "{query}: {question:?}");
        answered += usize::from(found.is_some());
    }
    assert!(
        (QUESTIONS / 10..QUESTIONS * 9 / 10).contains(&answered),
        "{answered} of {QUESTIONS} were answered"
    );
    assert_eq!(state(&connection, folder.path()), before);
}

#[test]
fn what_is_hostile_is_refused_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let connection = database(&[]);
    let columns: Vec<Column> = columns(&COLUMNS.map(|(name, _, ty)| (name, ty)));
    let before = state(&connection, folder.path());
    let refused = |query: &str| {
        if let Ok(question) = Question::parse(Some(query), &shape(&columns)) {
            let answer = row_numbers(&connection, &question);
            panic!("{query} was answered: {answer:?}");
        }
    };
    for text in HOSTILE {
        let hostile = encoded(&text.replace("{}", &folder.path().to_string_lossy()));
        for place in
            ["select", "order", "limit", "limit=5&after", "id", "price", "day", "ok", "id.null", "id.in"]
        {
            refused(&format!("{place}={hostile}"));
        }
        for query in [
            format!("{hostile}=1"),
            format!("id.{hostile}=1"),
            format!("{hostile}.eq=1"),
            format!("id.eq.{hostile}=1"),
            format!("limit=1&after=0123456789ab.{hostile}"),
        ] {
            // What is no value may be the word for one that is not there.
            if query != "id.null=1" {
                refused(&query);
            }
        }
    }
    for query in [
        "id=1;DROP TABLE beside",
        "id=1%00",
        "id==1",
        "id=1=1",
        "id[]=1",
        "id[eq]=1",
        "id=%",
        "id=1%u0027",
        "id%00=1",
        "=",
        "=id",
        "?id=1",
        "id=%C0%A7",
        "id=1#x",
    ] {
        refused(query);
    }
    assert_eq!(state(&connection, folder.path()), before);
}
