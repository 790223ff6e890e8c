//! What SQLite's own functions do not tell: SQL functions of ours, at each connection that a load uses.
//!
//! | function | |
//! |---|---|
//! | `windrow_collation(table, column)` | how the column compares texts, as its table declares |
//! | `windrow_overrides(sql)` | whether a table's declaration says what becomes of rows that a condition refuses (`ON CONFLICT`) |
//! | `windrow_condition(sql, name)` | the condition of the CHECK to which a table's declaration gives that name |
//! | `windrow_refuse(why)` | nothing: it is an error |
//! | `windrow_given(number)` | the number, unless it is null: that is an error |
//! | `windrow_unchanged(text)` | the text, unless a column for numbers would make a number of it: that is an error |
//! | `windrow_count()` | true, and counts that it was asked |
//! | `windrow_counted()` | how often it was |

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Result};

/// The function that a value passes which its column may not change.
pub const UNCHANGED: &str = "windrow_unchanged";

/// What it says of one that would be.
pub const NOT_KEPT: &str = "the column would make a number of the text";

/// The function that a value passes which becomes the number of its row.
pub const GIVEN: &str = "windrow_given";

/// What it says of null.
pub const NOT_GIVEN: &str = "it is null, and SQLite would make up a number (INTEGER PRIMARY KEY)";

/// The function that counts rows of a statement that comes past them.
pub const COUNT: &str = "windrow_count";

/// What tells how many these were.
pub const COUNTED: &str = "SELECT windrow_counted()";

/// Adds the functions, and reads how the columns that are there compare texts.
pub(super) fn add(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let collations = collations(connection)?;
    connection.create_scalar_function("windrow_collation", 2, flags, move |context| {
        // An index may be on an expression, which has no name.
        let name = |at| -> Result<String> {
            Ok(context.get::<Option<String>>(at)?.unwrap_or_default().to_lowercase())
        };
        let key = (name(0)?, name(1)?);
        Ok(collations.get(&key).cloned().unwrap_or_else(|| "BINARY".to_owned()))
    })?;
    connection.create_scalar_function("windrow_overrides", 1, flags, |context| {
        Ok(overrides(&context.get::<Option<String>>(0)?.unwrap_or_default()))
    })?;
    connection.create_scalar_function("windrow_condition", 2, flags, |context| {
        let (sql, name): (String, String) = (context.get(0)?, context.get(1)?);
        Ok(named_condition(&sql, &name).map(str::to_owned))
    })?;
    connection.create_scalar_function("windrow_refuse", 1, flags, |context| -> Result<bool> {
        Err(Error::UserFunctionError(context.get::<String>(0)?.into()))
    })?;
    connection.create_scalar_function(GIVEN, 1, flags, |context| match context.get(0)? {
        Value::Null => Err(Error::UserFunctionError(NOT_GIVEN.into())),
        number => Ok(number),
    })?;
    connection.create_scalar_function(UNCHANGED, 1, flags, unchanged)?;
    let (counted, told) = (Arc::new(AtomicI64::new(0)), FunctionFlags::SQLITE_UTF8);
    let count = Arc::clone(&counted);
    connection.create_scalar_function(COUNT, 0, told, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    })?;
    connection.create_scalar_function(
        "windrow_counted",
        0,
        told,
        move |_| Ok(counted.load(Ordering::Relaxed)),
    )
}

/// The collation of each column, by its table and name in lower case, where it is not BINARY.
fn collations(connection: &Connection) -> Result<HashMap<(String, String), String>> {
    const COLUMNS: &str = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c \
                           WHERE m.type = 'table' AND m.sql LIKE '%collate%'";
    let mut statement = connection.prepare(COLUMNS)?;
    let mut rows = statement.query([])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        let (_, collation, ..) = connection.column_metadata(Some("main"), table.as_str(), column.as_str())?;
        let collation = collation.map(|name| name.to_string_lossy().to_uppercase());
        if let Some(collation) = collation.filter(|name| name != "BINARY") {
            found.insert((table.to_lowercase(), column.to_lowercase()), collation);
        }
    }
    Ok(found)
}

/// `ON CONFLICT REPLACE` deletes rows, and `IGNORE` leaves rows out, without a word.
fn overrides(sql: &str) -> bool {
    let words: Vec<String> = sql
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(3).any(|three| match three {
        [on, conflict, what] => {
            on == "on" && conflict == "conflict" && ["replace", "ignore"].contains(&&**what)
        }
        _ => false,
    })
}

/// The condition of `CONSTRAINT name CHECK (condition)`.
fn named_condition<'s>(sql: &'s str, name: &str) -> Option<&'s str> {
    let tokens = tokens(sql);
    let is_word = |token: &str, word: &str| token.eq_ignore_ascii_case(word);
    let at = tokens.windows(4).position(|four| {
        let [constraint, named, check, open] = [0, 1, 2, 3].map(|at| four[at].1);
        is_word(constraint, "CONSTRAINT") && plain(named) == name && is_word(check, "CHECK") && open == "("
    })?;
    let (mut depth, start) = (0_usize, tokens[at + 3].0 + 1);
    for (place, token) in &tokens[at + 3..] {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(sql[start..*place].trim());
        }
    }
    None
}

/// The words, names and signs of a declaration, each with its place; what is quoted is one of them, and so is each comment.
fn tokens(sql: &str) -> Vec<(usize, &str)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let length = match first {
            '"' | '\'' | '`' => 1 + rest[1..].find(first).map_or(rest.len() - 1, |end| end + 1),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => {
                let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
                rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8())
            }
        };
        if !first.is_whitespace() {
            found.push((at, &rest[..length]));
        }
        at += length;
    }
    found
}

/// A name as it is, without its quotes.
fn plain(name: &str) -> String {
    let quoted = |first: char, last: char| name.strip_prefix(first)?.strip_suffix(last);
    match quoted('[', ']') {
        Some(within) => within.to_owned(),
        None => ['"', '`', '\'']
            .iter()
            .find_map(|quote| quoted(*quote, *quote))
            .map_or_else(|| name.to_owned(), str::to_owned),
    }
}

fn unchanged(context: &mut Context<'_>) -> Result<Option<String>> {
    let text: Option<String> = context.get(0)?;
    match text {
        Some(text) if looks_like_a_number(&text) => Err(Error::UserFunctionError(NOT_KEPT.into())),
        text => Ok(text),
    }
}

/// Whether a column for numbers takes the text for one ("Determination Of Column Affinity"): with a look at more than
/// SQLite's rule, so that what is kept is certainly kept.
fn looks_like_a_number(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok() && text.contains(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_says_what_becomes_of_refused_rows_is_known() {
        assert!(overrides("CREATE TABLE t (id TEXT PRIMARY KEY ON\n  CONFLICT Replace, n INT)"));
        assert!(overrides("CREATE TABLE t (id TEXT, UNIQUE (id) ON CONFLICT IGNORE)"));
        assert!(!overrides("CREATE TABLE t (id TEXT PRIMARY KEY ON CONFLICT ABORT, conflict REPLACE)"));
    }

    #[test]
    fn the_condition_of_a_name_is_found_however_it_is_written() {
        let sql = "CREATE TABLE \"t (x\" (a INT constraint \"no 10\" Check ( a <> (5 + 5) ), b TEXT -- CONSTRAINT few CHECK (0)\n, \
                   CONSTRAINT [few] CHECK(b <> ')' AND b <> 'it''s CHECK ('), /* CONSTRAINT gone CHECK (1) */ \
                   CONSTRAINT one UNIQUE (a), CONSTRAINT größe CHECK (length(b) < 9))";
        for (name, condition) in [
            ("no 10", Some("a <> (5 + 5)")),
            ("few", Some("b <> ')' AND b <> 'it''s CHECK ('")),
            ("größe", Some("length(b) < 9")),
            ("gone", None),
            ("one", None),
            ("a <> 7", None),
        ] {
            assert_eq!(named_condition(sql, name), condition, "{name}");
        }
        assert_eq!(named_condition("CREATE TABLE t (a CONSTRAINT x CHECK (a", "x"), None, "cut off");
    }

    #[test]
    fn numbers_are_known_however_they_are_written() {
        for text in ["7", "007", " 1.10", "-1e3", "12345678901234567890123", ".5", "+1"] {
            assert!(looks_like_a_number(text), "{text}");
        }
        for text in ["{\"n\":1}", "[1]", "null", "\"1\"", "", "1 2", "nan", "0x10", "inf"] {
            assert!(!looks_like_a_number(text), "{text}");
        }
    }
}
