//! A table that is served, and how to read it.

use jiff::Timestamp;
use maud::{Markup, html};

use super::address::{Address, example, path_of};
use super::words::{NAME, TEXT, moment, quoted};
use crate::report::{age, count, size};
use crate::serve::standing::{GenerationStanding, TableStanding};

/// Columns that are named.
const COLUMNS: usize = 30;

/// What a table can be had as.
const FORMATS: [&str; 4] = ["json", "csv", "parquet", "ndjson"];

pub(super) fn table(table: &TableStanding, now: Timestamp, address: &Address) -> Markup {
    html! {
        section {
            h3 { "Table " (quoted(&table.name, NAME)) " " (readiness(table, now)) }
            @if let Some(trouble) = &table.trouble {
                p class="trouble" { "a newer file is not served: " (quoted(trouble, TEXT)) }
            }
            @match &table.generation {
                Some(generation) => { (facts(generation, now)) (ways(table, generation, address)) },
                None => p { "nothing was published yet into " code { (quoted(&table.file.display().to_string(), TEXT)) } },
            }
        }
    }
}

/// Whether it may be relied on, as `/readyz` says it.
fn readiness(table: &TableStanding, now: Timestamp) -> Markup {
    let limit = table.stale_after.map(age).unwrap_or_default();
    match (&table.generation, table.unreadiness(now)) {
        (Some(_), None) => html! { span class="well" { span aria-hidden="true" { "✓" } " ready" } },
        (Some(_), Some(_)) => {
            html! { span class="ill" { span aria-hidden="true" { "✗" } " too old: more than " (limit) } }
        }
        (None, _) => html! { span class="new" { span aria-hidden="true" { "○" } " nothing yet" } },
    }
}

fn facts(generation: &GenerationStanding, now: Timestamp) -> Markup {
    html! {
        dl {
            div { dt { "Rows" } dd { (count(generation.rows)) } }
            div { dt { "Size" } dd { (size(generation.bytes)) } @if !generation.in_memory { dd { small { "read from the file for each question" } } } }
            div { dt { "Published" } dd { (moment(generation.published_at, now)) } }
            @if let Some(run) = &generation.run { div { dt { "By run" } dd { code { (quoted(run, NAME)) } } } }
            @if !generation.key.is_empty() { div { dt { "Key" } dd { (names(&generation.key)) } } }
            div class="wide" { dt { "Columns" } dd { (names(&generation.columns)) } }
        }
    }
}

fn names(columns: &[String]) -> Markup {
    let more = columns.len().saturating_sub(COLUMNS);
    html! {
        @for (nth, column) in columns.iter().take(COLUMNS).enumerate() {
            @if nth > 0 { ", " }
            (quoted(column, NAME))
        }
        @if more > 0 { ", and " (count(more as u64)) " more" }
    }
}

/// The ways to read it.
fn ways(table: &TableStanding, generation: &GenerationStanding, address: &Address) -> Markup {
    let Some(path) = path_of(&table.name) else {
        return html! { p { "no URL can have its name" } };
    };
    let question = format!(".json{}", example(&generation.columns));
    let part = format!("{path}{question}");
    html! {
        p class="links" {
            @for format in FORMATS { a href=(format!("{path}.{format}")) { "." (format) } " " }
            a href=(part) { (question) } " "
            @if !generation.key.is_empty() { span { "a row: " (row(&path, &generation.key)) } }
        }
        pre tabindex="0" { code { (address.curl(&format!("{path}.csv"))) "\n" (address.curl(&part)) } }
    }
}

/// `/prices/{day}/{symbol}`
fn row(path: &str, key: &[String]) -> Markup {
    html! {
        code {
            (path)
            @for column in key.iter().take(COLUMNS) { "/{" (quoted(column, NAME)) "}" }
        }
    }
}
