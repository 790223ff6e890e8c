//! The same value in every destination: random rows go through DuckDB, PostgreSQL, MariaDB, Parquet, CSV and
//! SQLite, and are read back with each one's own client (duckdb, psql, mariadb, pyarrow, Python's csv and sqlite3).
//!
//! Every client spells a value in one way: texts in hexadecimal, days and microseconds since 1970, decimals digit by
//! digit, doubles by the number that is read back from them.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::sandbox::{Sandbox, all_ok};
use crate::job::{Destination, Mode};
use crate::seed::seed;
use crate::value::{Field, Type, Value};

const RECORDS: u64 = 400;

const SMALL: Type = Type::Decimal { precision: 9, scale: 2 };
const LARGE: Type = Type::Decimal { precision: 38, scale: 10 };

/// The columns, in order.
const COLUMNS: [(&str, Type); 11] = [
    ("words", Type::Text),
    ("flag", Type::Boolean),
    ("small", Type::Integer),
    ("large", Type::Bigint),
    ("real", Type::Double),
    ("money", SMALL),
    ("exact", LARGE),
    ("day", Type::Date),
    ("moment", Type::Timestamp),
    ("facts", Type::Json),
    ("picture", Type::Blob),
];

/// 0001-01-01 and 9999-12-31, in days since 1970.
const DAYS: (i32, i32) = (-719_162, 2_932_896);
const DAY_MICROS: i64 = 86_400_000_000;

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(0) };
}

const TEXTS: [&str; 22] = [
    "",
    " ",
    "null",
    "NULL",
    "\\N",
    "\\.",
    "a,b;c\td",
    "say \"so\"",
    "\"",
    "line\nbreak",
    "carriage\r\nreturn",
    "\r",
    "trailing ",
    "😀 𐍈 四",
    "שלום עולם",
    "e\u{301} and é",
    "\u{feff}bom",
    "\u{7f}\u{1}\u{1b}[0m",
    "\u{10ffff}",
    "'; DROP TABLE films; --",
    "007",
    "{\"a\":1}",
];

const JSONS: [&str; 8] = [
    "null",
    "{}",
    "{\"b\":1,\"a\":[1,2.50,\"x\"]}",
    "12345678901234567890123",
    "1.10",
    "\"\\u00e9 \\ud83d\\ude00\"",
    "[true,false,null]",
    "{\"text\":\"a \\\"quote\\\", a comma\"}",
];

fn pick<'a>(random: &mut fastrand::Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}

fn text(random: &mut fastrand::Rng) -> String {
    match random.u8(..4) {
        0 => (0..random.usize(..40)).map(|_| random.char('\u{1}'..)).collect(),
        1 => "long ".repeat(random.usize(..3000)),
        _ => pick(random, &TEXTS).to_owned(),
    }
}

/// Bytes that are no text, that look like an escape, or like the beginning of a letter before what would end a field.
fn bytes(random: &mut fastrand::Rng) -> Vec<u8> {
    const EDGES: [&[u8]; 9] =
        [b"", b"\0", b"\\N", b"\\x00", b"\xc3\t", b"\xe2\n\xf0\\", b"'\xe9'", b"\xff\xfe", b"0x41"];
    match random.u8(..4) {
        0 => EDGES[random.usize(..EDGES.len())].to_vec(),
        1 => (0..random.usize(..9000)).map(|_| random.u8(..)).collect(),
        _ => (0..random.usize(..40)).map(|_| random.u8(..)).collect(),
    }
}

/// One of the edges, or anything between.
fn edge<T: Copy>(random: &mut fastrand::Rng, edges: &[T], other: impl Fn(&mut fastrand::Rng) -> T) -> T {
    if random.bool() { edges[random.usize(..edges.len())] } else { other(random) }
}

fn double(random: &mut fastrand::Rng) -> f64 {
    let edges =
        [0.0, -0.0, 0.1, 1.0 / 3.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 1e21, 123_456_789.125];
    let any = |random: &mut fastrand::Rng| f64::from_bits(random.u64(..));
    Some(edge(random, &edges, any)).filter(|number| number.is_finite()).unwrap_or(0.5)
}

fn decimal(random: &mut fastrand::Rng, precision: u32) -> i128 {
    let most = 10i128.pow(precision) - 1;
    edge(random, &[0, 1, -1, 10_000, 99_999_999, most, -most], |random| random.i128(-most..=most))
}

fn value(random: &mut fastrand::Rng, ty: Type) -> Value {
    if random.u8(..8) == 0 {
        return Value::Null;
    }
    match ty {
        Type::Text => Value::Text(text(random)),
        Type::Boolean => Value::Boolean(random.bool()),
        Type::Integer => Value::Integer(edge(random, &[0, i32::MIN, i32::MAX], |random| random.i32(..))),
        Type::Bigint => {
            Value::Bigint(edge(random, &[0, i64::MIN, i64::MAX, 1 << 53], |random| random.i64(..)))
        }
        Type::Double => Value::Double(double(random)),
        Type::Decimal { precision, .. } => Value::Decimal(decimal(random, precision.into())),
        Type::Date => {
            Value::Date(edge(random, &[0, -1, DAYS.0, DAYS.1], |random| random.i32(DAYS.0..=DAYS.1)))
        }
        Type::Timestamp => {
            let (first, last) =
                (i64::from(DAYS.0) * DAY_MICROS, i64::from(DAYS.1) * DAY_MICROS + DAY_MICROS - 1);
            Value::Timestamp(edge(random, &[0, -1, 1, first, last], |random| random.i64(first..=last)))
        }
        Type::Json => Value::Json(pick(random, &JSONS).to_owned()),
        Type::Blob => Value::Blob(bytes(random)),
    }
}

fn values(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(SEED.get().wrapping_add(ordinal));
    COLUMNS.iter().map(|(_, ty)| value(&mut random, *ty)).collect()
}

async fn sandbox() -> Sandbox {
    let fields = COLUMNS.iter().map(|(name, ty)| Field { name: (*name).into(), ty: *ty }).collect();
    let mut sandbox = Sandbox::with(RECORDS, vec![("film", fields)], values).await.mode(Mode::Replace);
    sandbox.block = 70;
    sandbox.add_round(2, &all_ok).await;
    sandbox
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut spelled, byte| {
        // Writing into a String cannot fail.
        let _ = write!(spelled, "{byte:02x}");
        spelled
    })
}

fn digits(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// As every client is to spell it.
fn spelled(value: &Value, ty: Type) -> String {
    match value {
        Value::Null => "~".into(),
        Value::Text(text) | Value::Json(text) => format!("x{}", hexadecimal(text.as_bytes())),
        Value::Blob(bytes) => format!("x{}", hexadecimal(bytes)),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Bigint(value) => value.to_string(),
        Value::Double(value) => format!("{:016x}", value.to_bits()),
        Value::Decimal(value) => match ty {
            Type::Decimal { scale, .. } => digits(*value, scale.into()),
            _ => value.to_string(),
        },
        Value::Date(value) => value.to_string(),
        Value::Timestamp(value) => value.to_string(),
    }
}

fn expected() -> Vec<String> {
    let line = |ordinal: u64| {
        let values = values(0, ordinal, 0, 0);
        let cells = values.iter().zip(COLUMNS).map(|(value, (_, ty))| spelled(value, ty));
        std::iter::once(format!("tt{ordinal:04}")).chain(cells).collect::<Vec<_>>().join("|")
    };
    (0..RECORDS).map(line).collect()
}

/// What a database spells as text: doubles in any way that is read back as the same number.
fn read(lines: Vec<String>) -> Vec<String> {
    let real = 1 + COLUMNS.iter().position(|(name, _)| *name == "real").unwrap();
    let line = |line: String| {
        let mut cells: Vec<String> = line.split('|').map(str::to_owned).collect();
        if let Ok(number) = cells[real].parse::<f64>() {
            cells[real] = format!("{:016x}", number.to_bits());
        }
        cells.join("|")
    };
    lines.into_iter().map(line).collect()
}

const IN_DUCKDB: &str = "SELECT id, 'x' || lower(hex(encode(words))), flag, small, large, \"real\", money, exact, \
     day - DATE '1970-01-01', epoch_us(moment), 'x' || lower(hex(encode(facts::VARCHAR))), 'x' || lower(hex(picture)) FROM films ORDER BY id";

const IN_POSTGRESQL: &str = "SELECT id, 'x' || encode(convert_to(words, 'UTF8'), 'hex'), \
     CASE WHEN flag THEN 'true' WHEN NOT flag THEN 'false' END, small, large, \"real\", money, exact, \
     day - DATE '1970-01-01', (extract(epoch FROM moment) * 1000000)::bigint, \
     'x' || encode(convert_to(facts::text, 'UTF8'), 'hex'), 'x' || encode(picture, 'hex') FROM films ORDER BY id";

const IN_MARIADB: &str = "SELECT id, CONCAT('x', LOWER(HEX(words))), CASE flag WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, \
     small, large, `real`, money, exact, DATEDIFF(day, '1970-01-01'), \
     TIMESTAMPDIFF(MICROSECOND, '1970-01-01', moment), CONCAT('x', LOWER(HEX(facts))), \
     CONCAT('x', LOWER(HEX(picture))) FROM films ORDER BY id";

/// Reads a Parquet file, or a CSV file (in which an empty text and null look alike to Python), and spells its values.
const PYTHON: &str = r#"
import csv, datetime, decimal, struct, sys
path, epoch, day = sys.argv[1], datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC), datetime.date(1970, 1, 1)
micro = datetime.timedelta(microseconds=1)
text = lambda value: "x" + value.encode().hex()
real = lambda value: struct.pack(">d", float(value)).hex()
moment = lambda value: str((value - epoch) // micro)
spell = [str, text, lambda v: str(v).lower(), str, str, real, lambda v: f"{decimal.Decimal(v):f}",
         lambda v: f"{decimal.Decimal(v):f}", lambda v: str((v - day).days), moment, text, lambda v: "x" + v.hex()]
if path.endswith(".sqlite"):
    import sqlite3
    rows = sqlite3.connect(path).execute("SELECT * FROM films")
    spell[2] = lambda v: str({0: False, 1: True}[v]).lower()
    spell[8] = lambda v: str((datetime.date.fromisoformat(v) - day).days)
    spell[9] = lambda v: moment(datetime.datetime.fromisoformat(v))
elif path.endswith(".parquet"):
    import pyarrow.parquet
    rows = zip(*[column.to_pylist() for column in pyarrow.parquet.ParquetFile(path).read().columns])
else:
    csv.field_size_limit(1 << 30)
    lines = csv.reader(open(path, newline="", encoding="utf-8"))
    next(lines)
    spell[11] = lambda v: "x" + v
    spell[8] = lambda v: str((datetime.date.fromisoformat(v) - day).days)
    spell[9] = lambda v: moment(datetime.datetime.fromisoformat(v))
    rows = ([cell if cell != "" else None for cell in line] for line in lines)
for row in rows:
    print("|".join("~" if value is None else say(value) for say, value in zip(spell, row)))
"#;

fn by_python(path: &Path) -> Vec<String> {
    let output = Command::new("python3").args(["-c", PYTHON]).arg(path).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[track_caller]
fn compare(found: &[String], expected: &[String]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn every_value_is_the_same_in_every_destination() {
    SEED.set(seed());
    let mut sandbox = sandbox().await;
    let folder = sandbox.run.folder().parent().unwrap().to_owned();
    sandbox.publish().await.unwrap();
    compare(&read(sandbox.rows(IN_DUCKDB)), &expected());
    let parquet = folder.join("films.parquet");
    sandbox.job.table.to = Destination::Parquet(parquet.clone());
    sandbox.publish().await.unwrap();
    compare(&by_python(&parquet), &expected());
    let csv = folder.join("films.csv");
    sandbox.job.table.to = Destination::Csv(csv.clone());
    sandbox.publish().await.unwrap();
    let without_empty = |line: &String| {
        let cells: Vec<&str> = line.split('|').map(|cell| if cell == "x" { "~" } else { cell }).collect();
        cells.join("|")
    };
    let without_empty: Vec<String> = expected().iter().map(without_empty).collect();
    compare(&by_python(&csv), &without_empty);
    let sandbox = sandbox.on_postgres();
    sandbox.publish().await.unwrap();
    compare(&read(sandbox.rows(IN_POSTGRESQL)), &expected());
    let sandbox = sandbox.on_mariadb();
    sandbox.publish().await.unwrap();
    // Since 10.11.19 it has no zero below zero: `SELECT -0e0` is 0.
    let one_zero = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.replace("|8000000000000000|", "|0000000000000000|")).collect()
    };
    compare(&one_zero(read(sandbox.rows(IN_MARIADB))), &one_zero(expected()));
    let sandbox = sandbox.on_sqlite();
    sandbox.publish().await.unwrap();
    // "SQLite converts a -0.0 into +0.0 when storing" (sqlite.org/floatingpoint.html).
    let unsigned: Vec<String> =
        expected().iter().map(|line| line.replace("|8000000000000000|", "|0000000000000000|")).collect();
    compare(&by_python(sandbox.sqlite().unwrap()), &unsigned);
}
