//! Whatever the text, it is a job or a list of mistakes: never a panic, and never a mistake without its line.

use proptest::prelude::*;

use super::{FILMS, FULL, parse};

/// Parses, and holds every mistake to its promises.
fn hold(text: &str) {
    let Err(error) = parse(text) else { return };
    assert!(!error.mistakes().is_empty(), "{error}");
    let lines = text.lines().count().max(1);
    for mistake in error.mistakes() {
        assert!((1..=lines).contains(&mistake.line), "{mistake:?} of {lines} lines");
        assert!(mistake.columns.start >= 1 && mistake.columns.start < mistake.columns.end, "{mistake:?}");
        assert!(!mistake.message.is_empty() && !mistake.hint.is_empty(), "{mistake:?}");
        let text = format!("{}{}", mistake.message, mistake.hint);
        assert!(!text.contains(char::is_control), "{mistake:?}");
    }
    assert!(error.mistakes().is_sorted_by_key(|mistake| mistake.line), "{error}");
    assert!(!error.render(false).contains("Failed to read"), "{}", error.render(false));
}

/// Tokens that mean something in a job file.
fn token() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\n",
        "\r\n",
        "#",
        "\\",
        "\\u0000",
        "-",
        "0",
        "1e999",
        "nan",
        "inf",
        "99999999999999999999",
        "1979-05-27",
        "true",
        "name",
        "url",
        "columns",
        "jq",
        "type",
        "format",
        "%",
        "%Y",
        "%z",
        "regex",
        "(((",
        "${",
        "{a.b}",
        "é",
        "\u{feff}",
        "\u{0}",
        "🎬",
        "[endpoint]",
        "[[endpoint]]",
        "endpoint",
        "key",
        "stamp",
        "missing",
        "retry",
        "~/",
        "duckdb:",
        "postgres://",
        "${P}@h/d?sslmode=",
        "parquet:",
        "csv:",
        "database",
        "query",
        "[[publish.after]]",
        "sql",
        "partition_by",
        "runs_table",
        "{a:url}",
        "when",
        "rows",
        "pages",
        "batch",
        "css",
        ":is(",
        "$x",
        "/s",
        "/day",
        "limits",
        "limit",
        "cost",
        ":80",
        "json.",
        "\t",
        " ",
    ]);
    prop_oneof![known.prop_map(str::to_owned), any::<char>().prop_map(String::from), "\\PC{0,6}"]
}

/// A change of a text: a number of bytes, from a place on, become a token.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, String)> {
    (any::<prop::sample::Index>(), 0..12usize, token())
}

fn changed(text: &str, changes: &[(prop::sample::Index, usize, String)]) -> String {
    let mut text = text.to_owned();
    for (place, length, token) in changes {
        let from = text.floor_char_boundary(place.index(text.len() + 1));
        let to = text.ceil_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to, token);
    }
    text
}

proptest! {
    #[test]
    fn random_text_is_refused_in_order(text in "\\PC{0,200}") {
        hold(&text);
    }

    #[test]
    fn random_tokens_are_refused_in_order(tokens in prop::collection::vec(token(), 0..60)) {
        hold(&tokens.concat());
    }

    #[test]
    fn random_bytes_are_refused_in_order(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        hold(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_valid_job_with_random_changes_is_a_job_or_refused(changes in prop::collection::vec(change(), 1..6)) {
        hold(&changed(FILMS, &changes));
        hold(&changed(FULL, &changes));
    }

    #[test]
    fn a_valid_job_that_breaks_off_is_refused(end in any::<prop::sample::Index>()) {
        let end = FILMS.floor_char_boundary(end.index(FILMS.len()));
        hold(&FILMS[..end]);
        let end = FULL.floor_char_boundary(end.min(FULL.len()));
        hold(&FULL[..end]);
    }

    #[test]
    fn random_jq_regular_expressions_and_formats_are_refused_in_order(code in "\\PC{0,40}", which in 0..4usize) {
        let quoted = format!("{code:?}").replace("\\'", "'").replace("\\u{", "{");
        let old = ["\".Title\"", "'\\$([\\d,]+)'", "\"%d %b %Y\"", "\"{imdb_id}\""][which];
        hold(&super::films_with(old, &quoted));
        let old = ["'.country == \"US\"'", "\"table tr\"", "\"a.next\"", "\"{page:url}\""][which];
        hold(&FULL.replacen(old, &quoted, 1));
    }
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a=", "a.", "[[a.", "{\"a\"={", "("] {
        hold(&format!("x = {}", open.repeat(100_000)));
        hold(&open.repeat(100_000));
        hold(&super::films_with("\".Title\"", &format!("'{}'", open.repeat(100_000))));
        hold(&super::films_with("'\\$([\\d,]+)'", &format!("'{}'", open.repeat(100_000))));
        for code in ["'.country == \"US\"'", "\"table tr\""] {
            hold(&FULL.replace(code, &format!("'{}'", open.repeat(4000))));
        }
        hold(&FULL.replace("json = {", &format!("json.{}x = {{", open.repeat(10_000))));
    }
}
