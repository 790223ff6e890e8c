//! Keys of an endpoint that stand below `[endpoint.columns]`, or another table of names that are the user's: there TOML takes
//! them for such names.
//!
//! Promise: what reads as a key of `[[endpoint]]` is never taken for a column; `{ jq = … }` makes one of any name. A text
//! that could not stand under that key is a column: `name = ".name"`, `pages = ".pages"`. Below `[endpoint.params]` and its
//! like, where any text is a value, it is a key that no parameter, field or header is likely to be named, or one whose text
//! is jq; within `params = { … }` nothing is misplaced.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::column::Column;
use super::endpoint::Endpoint;
use super::fields::{Fields, Section, keys_of};
use crate::job::jq;
use crate::job::mistake::{Mistakes, Span};

/// A key of an endpoint that stands below another table of it.
pub(super) struct Misplaced {
    pub key: String,
    /// `endpoint` or `defaults`, and the table in it: `columns`.
    pub below: (&'static str, &'static str),
    pub name: Span,
    pub value: Span,
}

/// Tables of an endpoint, or the defaults, whose names are the user's and whose values any text.
const NAMED: [&str; 4] = ["params", "headers", "form", "json"];

/// All of them in a file.
pub(super) fn misplaced(tables: &DeTable<'_>) -> Vec<Misplaced> {
    let written = tables.get("endpoint").and_then(|list| list.get_ref().as_array());
    let endpoints = written.into_iter().flat_map(|list| list.iter());
    let sections = endpoints.map(|endpoint| ("endpoint", endpoint));
    let sections = sections.chain(tables.get("defaults").map(|defaults| ("defaults", defaults)));
    let mut found = Vec::new();
    for (section, table) in sections {
        let Some(keys) = table.get_ref().as_table() else { continue };
        found.extend(below(keys, (section, "columns"), is_of_the_endpoint));
        for name in NAMED {
            found.extend(below(keys, (section, name), is_no_name));
        }
    }
    found
}

type Name<'d> = Spanned<DeString<'d>>;
type Value<'d> = Spanned<DeValue<'d>>;

/// Those below the table of that name. One in braces ends where it ends.
fn below<'d>(
    keys: &DeTable<'d>,
    (section, table): (&'static str, &'static str),
    is_misplaced: fn(&Name<'d>, &Value<'d>) -> bool,
) -> Vec<Misplaced> {
    let written = keys.get(table);
    let names =
        written.and_then(|written| written.get_ref().as_table()).into_iter().flat_map(|names| names.iter());
    let is_in_braces = |name: &Name<'d>| written.is_some_and(|written| written.span().end >= name.span().end);
    let may_be_misplaced = |name: &Name<'d>| table == "columns" || !is_in_braces(name);
    let found = names.filter(|(name, value)| may_be_misplaced(name) && is_misplaced(name, value));
    found
        .map(|(name, value)| Misplaced {
            key: name.get_ref().to_string(),
            below: (section, table),
            name: name.span(),
            value: value.span(),
        })
        .collect()
}

/// Whether a thing among the columns is a key of the endpoint itself.
fn is_of_the_endpoint(name: &Name<'_>, value: &Value<'_>) -> bool {
    let key = name.get_ref().as_ref();
    if key == "columns" || !keys_of::<Endpoint>().contains(&key) {
        return false;
    }
    match value.get_ref() {
        DeValue::String(text) => is_written_so(key, text) && fits(name, value),
        DeValue::Table(table) => {
            let of_a_column = keys_of::<Column>();
            !table.is_empty() && table.keys().all(|key| !of_a_column.contains(&key.get_ref().as_ref()))
        }
        _ => true,
    }
}

/// Whether a text is written as that key has it, as far as its type does not say.
fn is_written_so(key: &str, text: &str) -> bool {
    match key {
        // An expression as likely as a name.
        "name" | "limit" | "json" => false,
        "url" => ["http://", "https://", "{"].iter().any(|begin| text.starts_with(begin)),
        "proxy" => ["http://", "environment", "none", "${"].iter().any(|begin| text.starts_with(begin)),
        "ca_file" | "client_certificate_file" | "client_key_file" => jq::compile(text).is_err(),
        "method" => text.bytes().all(|byte| byte.is_ascii_uppercase()),
        "body" => text.contains('{'),
        "ok" | "when" | "missing" | "cost" => jq::compile(text).is_ok(),
        _ => true,
    }
}

/// Whether a thing among names of the user's is a key of the endpoint: no API is likely to have that name.
fn is_no_name(name: &Name<'_>, value: &Value<'_>) -> bool {
    let key = name.get_ref().as_ref();
    if !keys_of::<Endpoint>().contains(&key) {
        return false;
    }
    match (key, value.get_ref()) {
        ("ok" | "when" | "missing" | "cost" | "rows", DeValue::String(text)) => {
            text.starts_with('.') && jq::compile(text).is_ok()
        }
        (
            "on_failure" | "max_answer" | "max_redirects" | "max_depth" | "min_success" | "connect_timeout"
            | "idle_timeout" | "idempotent" | "nulls" | "retry",
            _,
        ) => fits(name, value),
        _ => false,
    }
}

/// Whether the value could stand under that key.
fn fits(name: &Name<'_>, value: &Value<'_>) -> bool {
    let noted = |table: &DeTable<'_>| {
        let mut mistakes = Mistakes::default();
        Endpoint::read(&mut Fields::of(Endpoint::TITLE, table, 0..0, &mut mistakes));
        mistakes.len()
    };
    let mut alone = DeTable::new();
    alone.insert(name.clone(), value.clone());
    // A key that must be there is one mistake less.
    noted(&alone) <= noted(&DeTable::new())
}
