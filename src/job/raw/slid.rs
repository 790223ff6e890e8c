//! Keys of an endpoint that stand below `[endpoint.columns]`, or another table of names that are the user's: there TOML takes
//! them for such names.
//!
//! Promise: what reads as a key of `[[endpoint]]` is never taken for a column; `{ jq = … }` makes one of any name. A text
//! that could not stand under that key is a column: `name = ".name"`, `pages = ".pages"`. Below `[endpoint.params]` and its
//! like, where any text is a value, it is a key that no parameter, field or header is likely to be named, or one whose text
//! is jq; within `params = { … }` nothing has slid.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::column::Column;
use super::endpoint::Endpoint;
use super::fields::{Fields, Section, keys_of};
use crate::job::jq;
use crate::job::mistake::{Mistakes, Span};

/// A key of an endpoint that stands below another table of it.
pub(super) struct Slid {
    pub key: String,
    /// The table: `columns`.
    pub below: &'static str,
    pub name: Span,
    pub value: Span,
}

/// Tables of an endpoint, or the defaults, whose names are the user's and whose values any text.
const NAMED: [&str; 4] = ["params", "headers", "form", "json"];

/// All of them in a file.
pub(super) fn slid(tables: &DeTable<'_>) -> Vec<Slid> {
    let written = tables.get("endpoint").and_then(|list| list.get_ref().as_array());
    let endpoints = written.into_iter().flat_map(|list| list.iter());
    let mut slid = Vec::new();
    for endpoint in endpoints.chain(tables.get("defaults")) {
        let Some(endpoint) = endpoint.get_ref().as_table() else { continue };
        slid.extend(below(endpoint, "columns", is_of_the_endpoint));
        for table in NAMED {
            slid.extend(below(endpoint, table, is_no_name));
        }
    }
    slid
}

type Name<'d> = Spanned<DeString<'d>>;
type Value<'d> = Spanned<DeValue<'d>>;

/// Those below the table of that name. One in braces ends where it ends.
fn below<'d>(
    endpoint: &DeTable<'d>,
    table: &'static str,
    has_slid: fn(&Name<'d>, &Value<'d>) -> bool,
) -> Vec<Slid> {
    let written = endpoint.get(table);
    let names =
        written.and_then(|written| written.get_ref().as_table()).into_iter().flat_map(|names| names.iter());
    let is_in_braces = |name: &Name<'d>| written.is_some_and(|written| written.span().end >= name.span().end);
    let may_slide = |name: &Name<'d>| table == "columns" || !is_in_braces(name);
    let slid = names.filter(|(name, value)| may_slide(name) && has_slid(name, value));
    slid.map(|(name, value)| Slid {
        key: name.get_ref().to_string(),
        below: table,
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
