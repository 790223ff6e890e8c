//! How answers are written: JSON, lines of it, JSON in a call, HTML, or other text.

use std::borrow::Cow;

use super::json::{Json, Kind};
use super::name::Names;
use super::statuses::some_of;
use super::{Proposal, Proposed, ProposedColumn, Sample};

/// How the answers that count are written.
pub(super) enum Format<'s> {
    /// There are none.
    None,
    Html,
    /// What kind of text.
    Text(&'static str),
    /// JSON texts with the samples that they are of; `key` where it comes in a wrapping of its own.
    Json {
        key: Option<Proposed<&'static str>>,
        texts: Vec<(&'s Sample, Cow<'s, str>)>,
    },
}

/// How one answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Json,
    JsonLines,
    Jsonp,
    Html,
    Text(&'static str),
}

/// What some put before JSON so that a page cannot load it as a script.
const GUARDS: [&str; 4] = [")]}'", "for(;;);", "for (;;);", "while(1);"];

/// How most answers are written; what is written otherwise is told.
pub(super) fn of<'s>(answers: &[&'s Sample], notes: &mut Vec<String>) -> Format<'s> {
    let all: Vec<Written> = answers.iter().map(|sample| written(sample)).collect();
    let count = |one: Written| all.iter().filter(|other| **other == one).count();
    // The first of those that are as frequent.
    let Some(most) = all.iter().rev().copied().max_by_key(|one| count(*one)) else { return Format::None };
    // Whatever else there is, where there is JSON that is what the job should read.
    let most = if count(Written::Json) > 0 { Written::Json } else { most };
    let others = answers.iter().zip(&all).filter(|(_, one)| **one != most);
    if let Some((first, other)) = others.clone().next() {
        let advice = if *other == Written::Html { ": a login or maintenance page?" } else { "" };
        let some = some_of(others.count(), answers.len());
        notes.push(format!("{some} were {}, as for {}{advice}", other.word(), first.id));
    }
    let texts = answers.iter().zip(&all).filter(|(_, one)| **one == most);
    let texts = texts.map(|(sample, _)| (*sample, json_text(sample, most))).collect();
    match most {
        Written::Html => Format::Html,
        Written::Text(kind) => Format::Text(kind),
        Written::Json => Format::Json { key: None, texts },
        Written::JsonLines => {
            Format::Json { key: Some(Proposed::new("jsonl", "a JSON value on each line")), texts }
        }
        Written::Jsonp => Format::Json { key: Some(Proposed::new("jsonp", "JSON in a call")), texts },
    }
}

impl Written {
    fn word(self) -> &'static str {
        match self {
            Written::Json => "JSON",
            Written::JsonLines => "lines of JSON",
            Written::Jsonp => "JSON in a call",
            Written::Html => "HTML",
            Written::Text(kind) => kind,
        }
    }
}

fn written(sample: &Sample) -> Written {
    let text = sample.body.trim_start_matches('\u{feff}').trim();
    let says = |word: &str| {
        sample.content_type.as_ref().is_some_and(|kind| kind.to_ascii_lowercase().contains(word))
    };
    let is_plain = says("text/plain") || says("text/csv");
    if let Ok(json) = Json::parse(text)
        && (json.is_container() || !is_plain)
    {
        return Written::Json;
    }
    if lines(text).is_some() {
        return Written::JsonLines;
    }
    if argument(text).is_some() {
        return Written::Jsonp;
    }
    let start: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    match () {
        () if GUARDS.iter().any(|guard| text.starts_with(guard)) => Written::Text("JSON behind a guard"),
        () if start.starts_with("<?xml") && !start.contains("<html") => Written::Text("XML"),
        () if start.starts_with("<!doctype html") || start.contains("<html") || says("text/html") => {
            Written::Html
        }
        () if start.starts_with('<') => Written::Text("XML"),
        () if start.starts_with(['{', '[']) => Written::Text("no JSON, though they begin like it"),
        () if says("csv") => Written::Text("CSV"),
        () => Written::Text("text"),
    }
}

/// The JSON of an answer.
fn json_text(sample: &Sample, written: Written) -> Cow<'_, str> {
    let text = sample.body.as_str();
    match written {
        Written::JsonLines => lines(text).map_or(Cow::Borrowed(text), Cow::Owned),
        Written::Jsonp => Cow::Borrowed(argument(text).unwrap_or(text)),
        Written::Json | Written::Html | Written::Text(_) => Cow::Borrowed(text),
    }
}

/// The array of a JSON object or array on each of several lines.
fn lines(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_json = |line: &&str| Json::parse(line).is_ok_and(Json::is_container);
    (lines.len() > 1 && lines.iter().all(is_json)).then(|| format!("[{}]", lines.join(",")))
}

/// What stands in the parentheses of `callback({…});`.
fn argument(text: &str) -> Option<&str> {
    let text = text.trim().trim_start_matches("/**/").trim_start();
    let (name, rest) = text.split_once('(')?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_$.".contains(letter);
    let inside = rest.trim_end_matches(';').trim_end().strip_suffix(')')?.trim();
    let is_call = !name.is_empty() && name.trim_end().chars().all(is_name);
    (is_call && Json::parse(inside).is_ok_and(|json| matches!(json.kind(), Kind::Object | Kind::Array)))
        .then_some(inside)
}

/// Columns that any page has.
pub(super) fn html(answers: &[&Sample], mut names: Names, proposal: &mut Proposal) {
    proposal.format = Some(Proposed::new("html", "the answers are HTML"));
    proposal.notes.push(
        "the answers are HTML: write a CSS selector for each column, and `rows` for a table's lines"
            .to_owned(),
    );
    for selector in ["title", "h1"] {
        let name = names.give(&[selector], 1);
        proposal.columns.push(whole(name, selector, format!("\"{selector}\""), answers.len(), None));
    }
}

/// One column with all of the text.
pub(super) fn text(kind: &str, answers: &[&Sample], mut names: Names, proposal: &mut Proposal) {
    proposal.format = Some(Proposed::new("text", format!("the answers are {kind}")));
    proposal.notes.push(format!(
        "the answers are {kind}: write a regular expression for each column, or a `pipe` to a program that makes JSON of them"
    ));
    let example = answers.first().map(|sample| sample.body.trim_start_matches('\u{feff}').to_owned());
    let name = names.give(&["answer"], 1);
    proposal.columns.push(whole(name, "", "{ type = \"text\" }".to_owned(), answers.len(), example));
}

fn whole(name: String, from: &str, toml: String, of: usize, example: Option<String>) -> ProposedColumn {
    let type_word = "text".to_owned();
    ProposedColumn { name, toml, type_word, from: from.to_owned(), example, nulls: 0, of, because: None }
}
