//! Names of columns, tables and endpoints: all that the destination can have, and what it cannot.

use super::super::*;
use super::{mistakes_of, parse, small};

/// The small job with these columns of answers, into this destination; `more` stands at its end.
fn job(to: &str, columns: &[&str], more: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|name| format!("{} = \".x\"", toml(name))).collect();
    let text = small(&format!("columns = {{ {} }}", columns.join(", ")));
    text.replace("duckdb:small.duckdb", to)
        .replace("columns = [\"kept\", \"tags\"]", "columns = [\"Kept\", \"tags\"]")
        + more
}

fn toml(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The one mistake, with its hint.
#[track_caller]
fn mistake(text: &str) -> String {
    let found = mistakes_of(text);
    let [mistake] = found.as_slice() else { panic!("{text}\none mistake expected, found {found:#?}") };
    assert!(!mistake.hint.is_empty());
    format!("{}\nhint: {}", mistake.message, mistake.hint)
}

const DUCKDB: &str = "duckdb:small.duckdb";
const SERVER: &str = "postgres://h/d";
const REPORT: &str = "[[publish.after]]\nfile = \"r.csv\"\nsql = \"SELECT * FROM Windrow_Input\"\n";

#[test]
fn no_name_is_reserved() {
    let most = "ä".repeat(31);
    let names = [
        "ordinal",
        "Part",
        "ASK",
        "rowid",
        "requests",
        "windrow_ordinal",
        "größe",
        "price-eur",
        "a.b",
        "one.x",
        "a\nb",
        " a ",
        "'",
        "\"",
        "{",
        "1",
        &most,
    ];
    for to in [DUCKDB, SERVER, "csv:x.csv", "parquet:x.parquet"] {
        let text = job(to, &names, "");
        let text = if to.contains(":x.") { text.replace("append", "replace") } else { text };
        parse(&text).unwrap_or_else(|error| panic!("{to}: {error}"));
    }
    for endpoint in ["requests", "Rows", "input", "answers", "ordinal", "windrow_rows"] {
        parse(&small("").replace("\"one\"", &toml(endpoint))).unwrap();
    }
}

#[test]
fn what_a_server_cuts_off_or_has_itself_is_refused_there_only() {
    let long = "ä".repeat(32);
    let said = mistake(&job(SERVER, &[&long], ""));
    assert!(said.contains(&format!("\"{long}\" is 64 bytes long")) && said.contains("cuts off"), "{said}");
    assert!(mistake(&job(SERVER, &["ctid"], "")).contains("system column"));
    parse(&job(SERVER, &["CTID"], "")).unwrap();
    parse(&job(DUCKDB, &[&long, "ctid"], "")).unwrap();
    // A statement of the job's own may see what only a template uses.
    let used = |more: &str| job(SERVER, &["x"], more).replace("{id}", "{xmin}");
    parse(&used("")).unwrap();
    assert!(mistake(&used(REPORT)).contains("\"xmin\" is no name for a column in PostgreSQL"));
    for to in [DUCKDB, SERVER] {
        assert!(mistake(&job(to, &[""], "")).contains("one character at least"));
        assert!(mistake(&job(to, &["a\0b"], "")).contains("U+0000"));
    }
}

#[test]
fn capitals_make_a_difference_where_the_destination_makes_one() {
    for (columns, to, refused) in [
        (["title", "Title"], DUCKDB, true),
        (["kept", "x"], "csv:x.csv", true),
        (["title", "Title"], SERVER, false),
        (["kept", "ID"], SERVER, false),
        (["kept", "x"], "mysql://h/d", true),
        (["ä", "Ä"], DUCKDB, false),
    ] {
        let text = job(to, &columns, "");
        let text = if to.starts_with("csv") { text.replace("append", "replace") } else { text };
        if refused {
            assert!(mistake(&text).contains("capitals make no difference there"), "{columns:?}")
        } else {
            drop(parse(&text).unwrap_or_else(|error| panic!("{columns:?}: {error}")))
        }
    }
    assert!(mistake(&job(SERVER, &["Kept"], "")).contains("a second column named `Kept`"));
}

#[test]
fn a_tables_name_is_read_as_sql_reads_it() {
    let long = "x".repeat(64);
    for (text, schema, table) in [
        ("films", None, "films"),
        ("my-table", None, "my-table"),
        ("größe in cm", None, "größe in cm"),
        ("a.b", Some("a"), "b"),
        ("\"a.b\"", None, "a.b"),
        ("\"a.b\".\"c\"\".d\"", Some("a.b"), "c\".d"),
        ("a.\" b \"", Some("a"), " b "),
        (&long, None, &long),
    ] {
        let name = TableName::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((name.schema.as_deref(), name.table.as_str()), (schema, table));
        assert_eq!(TableName::parse(&name.to_string()), Some(name));
        let written = small("").replace("name = \"small\",", &format!("name = {},", toml(text)));
        parse(&written).unwrap_or_else(|error| panic!("{text}: {error}"));
        if text == long {
            let said = mistake(&written.replace("duckdb:small.duckdb", SERVER));
            assert!(said.contains("is 64 bytes long"), "{said}");
        }
    }
    for wrong in ["", ".", "a.", ".a", "a.b.c", " a", "a. b", "\"a", "\"a\"b", "\"\"", "a\"b\"", "a\0"] {
        assert_eq!(TableName::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_template_names_any_column_of_an_endpoint() {
    let text = small("columns = { 'a:b}' = \".x\", 'c \"d\"' = \".x\", plain = \".x\" }");
    let second = "[[endpoint]]\nname = \"two\"\nurl = '''https://example.org/{one.\"a:b}\"}/{one.'c \"d\"'}/{one.plain}/{\"one.plain\"}'''\n\
                  columns = { y = \".y\" }\n";
    let job = parse(&(text.clone() + second)).unwrap();
    let named: Vec<Part> =
        job.endpoints[1].url.parts.iter().filter(|part| !matches!(part, Part::Literal(_))).cloned().collect();
    let of = |column, name: &str| Part::Answer { endpoint: 0, column, name: name.to_owned() };
    let of =
        [of(0, "one.\"a:b}\""), of(1, "one.c \"d\""), of(2, "one.plain"), Part::Input("one.plain".into())];
    assert_eq!(named, of);
    for wrong in ["{one.\"nope\"}", "{one.\"plain\" }", "{one.\"plain}"] {
        assert_eq!(mistakes_of(&(text.clone() + &second.replace("{one.plain}", wrong))).len(), 1, "{wrong}");
    }
}
