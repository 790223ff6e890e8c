//! JSON arrays into arrays of the server's: exactly, or refused with their record.

use super::super::sandbox::{Sandbox, Values};
use super::{of_values, refused};
use crate::job::{Mode, OnFailure, Statement};
use crate::merge::dialect::StandingType;
use crate::merge::{End, MergeError, check_destination};
use crate::value::{Field, Type, Value, parse, spelled};

/// What a column of arrays holds of a JSON value, whatever the time zone of the server.
async fn held(column: &str, values: Values) -> String {
    let sandbox = of_values(Type::Json, values, 1).await;
    let name = &sandbox.postgres().name;
    sandbox.execute(&format!(
        "ALTER DATABASE {name} SET timezone = 'America/New_York';
         CREATE EXTENSION citext; CREATE TYPE color AS ENUM ('red', 'light blue');
         CREATE TYPE \"Odd [] 'type'\" AS ENUM ('red');
         CREATE DOMAIN tags AS text[] CHECK (cardinality(value) < 9);
         CREATE TABLE films (id text, value {column})"
    ));
    sandbox.publish().await.unwrap();
    sandbox.execute(&format!("ALTER DATABASE {name} SET timezone = 'UTC'"));
    sandbox.rows("SELECT value FROM films").remove(0)
}

macro_rules! holds {
    ($column:literal, $json:literal, $held:literal) => {
        let values: Values = |_, _, _, _| vec![Value::Json($json.into())];
        assert_eq!(held($column, values).await, $held, "{} in {}", $json, $column);
    };
}

#[tokio::test]
async fn texts_go_into_arrays_of_texts_as_they_are() {
    for_texts().await;
    holds!("varchar(3)[]", r#"["abc", "ä€😀"]"#, "{abc,ä€😀}");
    holds!("varchar(3)[]", r#"["a  ", "   "]"#, "{\"a  \",\"   \"}");
    holds!("char(3)[]", r#"["abc", "d"]"#, "{abc,\"d  \"}");
    holds!("citext[]", r#"["A", "a"]"#, "{A,a}");
    holds!("color[]", r#"["light blue", null, "red"]"#, "{\"light blue\",NULL,red}");
    holds!("\"Odd [] 'type'\"[]", r#"["red"]"#, "{red}");
    holds!("tags", r#"["a", "b"]"#, "{a,b}");
    holds!("uuid[]", r#"["A0EEBC999C0B4EF8BB6D6BB9BD380A11"]"#, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}");
}

async fn for_texts() {
    holds!("text[]", "[]", "{}");
    holds!("text[]", " [ ] ", "{}");
    holds!("text[]", "null", "~");
    holds!("text[]", "[null]", "{NULL}");
    holds!("text[]", r#"["NULL", "null", "", " a "]"#, "{\"NULL\",\"null\",\"\",\" a \"}");
    holds!(
        "text[]",
        r#"["a,b", "{c}", "d\"e", "f\\g", "h\ti", "'"]"#,
        "{\"a,b\",\"{c}\",\"d\\\"e\",\"f\\\\g\",\"h\ti\",'}"
    );
    holds!("text[]", r#"["\u00e4\ud83d\ude00", "windrow says: "]"#, "{ä😀,\"windrow says: \"}");
    holds!(
        "text[]",
        "[1.50, 1e3, 12345678901234567890123, true, false]",
        "{1.50,1e3,12345678901234567890123,true,false}"
    );
    holds!("text[][]", r#"["a"]"#, "{a}");
}

#[tokio::test]
async fn numbers_go_into_arrays_of_numbers_exactly() {
    holds!(
        "bigint[]",
        "[9223372036854775807, -9223372036854775808, 9007199254740993]",
        "{9223372036854775807,-9223372036854775808,9007199254740993}"
    );
    holds!("bigint[]", r#"["7", " +7 ", 7.0, 7e3, "0.7e1", -0, null]"#, "{7,7,7,7000,7,0,NULL}");
    holds!("integer[]", "[2147483647, -2147483648]", "{2147483647,-2147483648}");
    holds!("smallint[]", "[32767, -32768]", "{32767,-32768}");
    holds!(
        "numeric[]",
        "[12345678901234567890123.450, 1e-3, 0.10]",
        "{12345678901234567890123.450,0.001,0.10}"
    );
    holds!("numeric(9,2)[]", "[1.5, 1.500, -0.01, 15e-1]", "{1.50,1.50,-0.01,1.50}");
    holds!("numeric(3,-2)[]", "[100, 99900]", "{100,99900}");
    holds!(
        "double precision[]",
        r#"[0.1, 1.7976931348623157e308, 5e-324, -0.0, "2"]"#,
        "{0.1,1.7976931348623157e+308,5e-324,-0,2}"
    );
    holds!("boolean[]", r#"[true, false, null, "T", "0", 1]"#, "{t,f,NULL,t,f,t}");
}

#[tokio::test]
async fn days_and_moments_go_into_arrays_as_utc() {
    holds!("date[]", r#"["2024-05-31", "0001-01-01"]"#, "{2024-05-31,0001-01-01}");
    holds!(
        "timestamptz[]",
        r#"["2024-05-31T10:00:00.1234569+02:00", "2024-05-31", "2024-05-31 10:00"]"#,
        "{\"2024-05-31 08:00:00.123456+00\",\"2024-05-31 00:00:00+00\",\"2024-05-31 10:00:00+00\"}"
    );
    holds!(
        "timestamp(6)[]",
        r#"["2024-05-31T10:00:00-0530", "1969-12-31t23:59:59.9999999z"]"#,
        "{\"2024-05-31 15:30:00\",\"1969-12-31 23:59:59.999999\"}"
    );
}

#[tokio::test]
async fn any_json_goes_into_arrays_of_json() {
    holds!("json[]", r#"[{"a":  1}, [2.50], null, "x"]"#, "{\"{\\\"a\\\":  1}\",[2.50],NULL,\"\\\"x\\\"\"}");
    holds!("jsonb[]", r#"[{"b": [null]}, 2.50]"#, "{\"{\\\"b\\\": [null]}\",2.50}");
}

/// How a column of arrays refuses the second of two records.
macro_rules! refuses {
    ($column:literal, $json:literal, $why:literal) => {
        let values: Values = |_, o, _, _| vec![Value::Json(["[]", $json][o as usize].into())];
        let sandbox = of_values(Type::Json, values, 2).await;
        sandbox.execute(&format!(
            "CREATE TYPE color AS ENUM ('red'); CREATE DOMAIN tags AS text[] CHECK (cardinality(value) < 2);
             CREATE DOMAIN codes AS varchar(3)[]; CREATE DOMAIN prices AS numeric(3,1)[];
             CREATE TABLE films (id text, value {})",
            $column
        ));
        let error = refused(&sandbox).await;
        let MergeError::Rows { rows, all, .. } = &error else { panic!("{error}") };
        let named: Vec<_> =
            rows.iter().map(|row| (row.record, row.id.as_str(), row.values.clone())).collect();
        let value = vec![("value".to_owned(), Some($json.to_owned()))];
        assert_eq!((named, *all), (vec![(1, "tt0001", value)], Some(1)), "{} in {}", $json, $column);
        assert!(rows[0].why.contains($why), "{} in {}: {}", $json, $column, rows[0].why);
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    };
}

#[tokio::test]
async fn what_is_no_array_is_refused_with_its_record() {
    refuses!("text[]", "{}", "it is not an array: {}");
    refuses!("text[]", r#""{a,b}""#, "it is not an array: \"{a,b}\"");
    refuses!("bigint[]", "7", "it is not an array: 7");
    refuses!("jsonb[]", r#"{"a": 1}"#, "it is not an array: {\"a\": 1}");
    refuses!("text[]", r#"["a", ["b"]]"#, "an element is not text: [\"b\"]");
    refuses!("text[]", "[[]]", "an element is not text: []");
    refuses!("bigint[]", r#"[{"a": 1}]"#, "an element is not bigint: {\"a\": 1}");
    refuses!("tags", r#"["a", "b"]"#, "value for domain tags violates check constraint");
}

#[tokio::test]
async fn what_an_element_cannot_hold_is_refused_never_rounded_or_cut() {
    refuses!("varchar(3)[]", r#"["abc  "]"#, "an element is not character varying: \"abc  \"");
    refuses!("bigint[]", "[1, 1.5]", "an element is not bigint: 1.5");
    refuses!("bigint[]", "[9223372036854775808]", "bigint out of range");
    refuses!("bigint[]", "[true]", "an element is not bigint: true");
    refuses!("bigint[]", r#"[""]"#, "an element is not bigint: \"\"");
    refuses!("bigint[]", r#"["0x10"]"#, "an element is not bigint: \"0x10\"");
    refuses!("smallint[]", "[32768]", "smallint out of range");
    refuses!("numeric[]", r#"["NaN"]"#, "an element is not numeric: \"NaN\"");
    refuses!("numeric(9,2)[]", "[1.505]", "an element is not numeric: 1.505");
    refuses!("numeric(3,2)[]", "[10.0]", "numeric field overflow");
    refuses!("double precision[]", "[1e400]", "out of range for type double precision");
    refuses!("boolean[]", r#"["yes"]"#, "an element is not boolean: \"yes\"");
    refuses!("date[]", r#"["2024-02-30"]"#, "date/time field value out of range");
    refuses!("date[]", r#"["today"]"#, "an element is not date: \"today\"");
    refuses!("timestamptz[]", "[1718000000]", "an element is not timestamp with time zone: 1718000000");
    refuses!("uuid[]", r#"["x"]"#, "invalid input syntax for type uuid: \"x\"");
    refuses!("color[]", r#"["blue"]"#, "invalid input value for enum color: \"blue\"");
    refuses!("codes", r#"["abcd"]"#, "value too long for type character varying(3)");
    refuses!("prices", "[1.25]", "an element is not numeric: 1.25");
    refuses!("char(2)[]", r#"["abc"]"#, "value too long for type character(2)");
    refuses!("text[] NOT NULL", "null", "null value in column \"value\"");
    refuses!("varchar(3)[]", r#"["abc", "abcd"]"#, "value too long for type character varying(3)");
    refuses!("text[]", r#"["a\u0000b"]"#, "unsupported Unicode escape sequence");
}

/// The texts of other tests of values, and what only the server would take.
const TEXTS: &[&str] = &[
    "",
    " ",
    "7",
    "+7",
    "-7",
    "007",
    "7.",
    ".7",
    "7.0",
    "7e3",
    "7E+3",
    "70e-1",
    "1e-1",
    "1.5",
    " 7 ",
    "7 7",
    "1_000",
    "0x10",
    "0b1",
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "-Infinity",
    "e",
    "1e",
    "--1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "2147483648",
    "-2147483649",
    "1e19",
    "0e99999",
    "9.223372036854775807e18",
    "1e308",
    "1e309",
    "true",
    "TRUE",
    "t",
    "f",
    "False",
    "1",
    "0",
    "yes",
    "on",
    "off",
    "y",
    "tru",
    "2024-05-31",
    "2024-2-1",
    "2024-02-30",
    "1999-12-31",
    "20240531",
    "10000-01-01",
    "today",
    "now",
    "infinity",
    "epoch",
    "May 31 2024",
    "2024-05-31T10:00:00Z",
    "2024-05-31 10:00",
    "2024-05-31T24:00:00Z",
    "2024-05-31T25:00:00Z",
    "2024-05-31T10:00:60Z",
    "2024-05-31T10:00:00.1234569Z",
    "1969-12-31T23:59:59.9999999Z",
    "2024-05-31T10:00:00+02:00",
    "2024-05-31T10:00:00+0530",
    "2024-05-31T10:00:00-14",
    "2024-05-31T10:00:00 PST",
    "2024-05-31T10:00:00,5Z",
    "9999-12-31T23:59:59.999999Z",
    "12:00",
];

/// Whatever an array takes, a column of the same type has, too, and as the same value; it may take less.
#[tokio::test]
async fn an_element_means_what_it_means_in_a_column() {
    let sandbox = Sandbox::new(1).await.on_postgres();
    for (element, cast, ty) in [
        ("int8", "bigint", Type::Bigint),
        ("int4", "integer", Type::Integer),
        ("float8", "double precision", Type::Double),
        ("numeric", "numeric", Type::Decimal { precision: 38, scale: 6 }),
        ("bool", "boolean", Type::Boolean),
        ("date", "date", Type::Date),
        ("timestamptz", "timestamp with time zone", Type::Timestamp),
    ] {
        let standing = StandingType {
            name: format!("{element}[]"),
            cast: format!("{cast}[]"),
            modifier: -1,
            ..StandingType::default()
        };
        let fit =
            crate::merge::dialect::of_destination(&sandbox.job.table.to).unwrap().fit(Type::Json, &standing);
        let read = fit.unwrap().cast.unwrap().replace("{new}", "given");
        // As in a load, moments are those of UTC. A day beyond the calendar is one here, and none there.
        let sql = format!(
            "CREATE OR REPLACE FUNCTION held(given json) RETURNS {cast} LANGUAGE plpgsql SET timezone = 'UTC' AS $$ \
             BEGIN RETURN ({read})[1]; EXCEPTION WHEN data_exception THEN RETURN NULL; END $$"
        );
        sandbox.execute(&format!("DROP FUNCTION IF EXISTS held; {sql}"));
        // A numeric without digits of its own has room for any.
        let texts = TEXTS.iter().filter(|text| element != "numeric" || !text.contains("e30"));
        let asked = texts.enumerate().map(|(at, text)| {
            let json = serde_json::to_string(&[text]).unwrap().replace('\'', "''");
            let same = match parse(text, ty) {
                Ok(value) => format!("held('{json}') = '{}'::{cast}", spelled(&value, ty)),
                Err(_) => "false".to_owned(),
            };
            format!("SELECT {at}, '{json}', coalesce(({same})::text, 'refused'), held('{json}')::text")
        });
        let said = sandbox.rows(&format!("{} ORDER BY 1", asked.collect::<Vec<_>>().join(" UNION ALL ")));
        for said in &said {
            let is_refused = said.ends_with("|refused|~") || said.ends_with("|false|~");
            assert!(is_refused || said.contains("|true|"), "{said} as {cast}");
        }
        let taken = said.iter().filter(|said| said.contains("|true|")).count();
        assert!(taken >= 2, "{cast}: {taken}");
    }
}

#[tokio::test]
async fn other_types_and_arrays_are_refused_before_the_first_request() {
    for (ty, column, said) in [
        (
            Type::Text,
            "text[]",
            "is text[] there, text in the job: an array is filled by a column of type = \"json\"",
        ),
        (Type::Bigint, "bigint[]", "is bigint[] there, bigint in the job: an array is filled by"),
        (Type::Json, "real[]", "is real[] there, json in the job: arrays of texts, whole numbers, numeric,"),
        (Type::Json, "timestamptz(3)[]", "is timestamp(3) with time zone[] there, json in the job"),
        (Type::Json, "inet[]", "is inet[] there, json in the job"),
        (Type::Json, "bigint", "is bigint there, json in the job"),
        (Type::Json, "int2vector", "is int2vector there, json in the job"),
    ] {
        let sandbox = of_values(ty, |_, _, _, _| vec![Value::Null], 1).await;
        sandbox.execute(&format!("CREATE TABLE films (id text, value {column})"));
        let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
        assert!(error.contains(said), "{column}: {error}");
    }
}

/// Rows that come again, rows that keep what stands, rows of ids: arrays go the same way in each mode.
#[tokio::test]
async fn arrays_are_written_in_every_mode_and_kept_where_an_endpoint_failed() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let values: Values = |_, o, _, _| vec![Value::Json(format!("[\"of {o}\"]"))];
        let column = Field { name: "value".into(), ty: Type::Json };
        let mut sandbox = Sandbox::with(3, vec![("answer", vec![column])], values).await.mode(mode);
        sandbox.job.endpoints[0].on_failure = OnFailure::Keep;
        sandbox.add_round(1, &|o, _| Some(if o == 1 { End::Failed } else { End::Ok })).await;
        let sandbox = sandbox.on_postgres();
        sandbox.execute(
            "CREATE TABLE films (id text, value text[]);
             INSERT INTO films VALUES ('other', '{it stands}'), ('tt0001', '{old}'), ('tt0002', '{old}')",
        );
        sandbox.publish().await.unwrap();
        let mut expected = vec!["tt0000|{\"of 0\"}", "tt0001|{old}", "tt0002|{\"of 2\"}"];
        if mode != Mode::Replace {
            expected.insert(0, "other|{\"it stands\"}");
        }
        if mode == Mode::Append {
            expected.splice(2..3, ["tt0001|{old}", "tt0001|{old}", "tt0002|{old}"]);
        }
        let held = sandbox.rows("SELECT id, value FROM films ORDER BY id, value DESC");
        assert_eq!(held, expected, "{mode:?}");
    }
}

#[tokio::test]
async fn arrays_that_a_unique_index_finds_alike_are_named_together() {
    let values: Values = |_, o, _, _| vec![Value::Json(["[7]", "[]", "[\"7\"]"][o as usize].into())];
    let sandbox = of_values(Type::Json, values, 3).await;
    sandbox.execute("CREATE TABLE films (id text, value bigint[] UNIQUE)");
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("record 0, id \"tt0000\", value = \"[7]\": several rows have the same"), "{said}");
    assert!(said.contains("record 2, id \"tt0002\", value = \"[\\\"7\\\"]\": several rows"), "{said}");
    assert!(!said.contains("record 1"), "{said}");
}

/// Rows that take a table's place, and rows that a statement of the job's own has changed.
#[tokio::test]
async fn arrays_are_written_into_a_table_that_takes_the_name_and_after_statements() {
    let values: Values = |_, _, _, _| vec![Value::Json("[1]".into())];
    let mut sandbox = of_values(Type::Json, values, 2).await.mode(Mode::Replace);
    sandbox
        .execute("CREATE TABLE films (id text, value smallint[]); INSERT INTO films VALUES ('old', '{7}')");
    sandbox.job.table.swap = true;
    let sql = "UPDATE windrow_rows SET value = '[1, 2]' WHERE windrow_ordinal = 1";
    sandbox.job.before = vec![Statement { sql: sql.into(), file: None, key: Vec::new() }];
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT value FROM films ORDER BY id"), ["{1}", "{1,2}"]);
}
