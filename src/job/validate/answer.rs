//! How answers are read, and which conditions and rows they may then have.

use super::language::{Language, check_css, check_jq, language};
use super::pages;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{AnswerFormat, Missing, Pages};

/// How the answers of an endpoint are read.
pub(super) struct Read {
    pub format: AnswerFormat,
    pub pipe: Option<Vec<String>>,
    pub ok: Option<String>,
    pub missing: Missing,
    pub rows: Option<String>,
    pub pages: Option<Pages>,
}

/// Everything about an endpoint's answers but the columns.
pub(super) fn validated(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> Option<Read> {
    let language = language(endpoint);
    let pipe = pipe(endpoint, mistakes);
    let missing = missing(endpoint, language, mistakes);
    if let Some(ok) = &endpoint.common.ok {
        check_condition("ok", ok, language, mistakes);
    }
    if let Some(rows) = &endpoint.rows {
        check_rows(rows, language, mistakes);
    }
    let pages = pages::validated(endpoint, language, mistakes)?;
    let written = endpoint.common.format.as_ref().filter(|_| pipe.is_none());
    Some(Read {
        format: written.map_or(AnswerFormat::Json, |word| word.value.0),
        pipe,
        ok: endpoint.common.ok.as_ref().map(|code| code.value.clone()),
        missing,
        rows: endpoint.rows.as_ref().map(|rows| rows.value.clone()),
        pages,
    })
}

fn pipe(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let pipe = endpoint.common.pipe.as_ref()?;
    if let Some(format) = &endpoint.common.format {
        let hint = "leave `format` out: the program gets the text of an answer and makes JSON of it";
        mistakes.add(&format.span, "both `format` and `pipe` in [[endpoint]]", hint);
    }
    if pipe.value.first().is_none_or(|program| program.value.is_empty()) {
        let hint = "name the program, then its arguments: [\"python3\", \"parse.py\"]";
        mistakes.add(&pipe.span, "`pipe` without a program", hint);
    }
    for word in pipe.value.iter().filter(|word| word.value.contains('\0')) {
        mistakes.add(&word.span, "a null character in an argument", "no program can be given one");
    }
    Some(pipe.value.iter().map(|word| word.value.clone()).collect())
}

fn missing(endpoint: &raw::Endpoint, language: Option<Language>, mistakes: &mut Mistakes) -> Missing {
    let Some(rule) = endpoint.common.missing.as_ref().map(|missing| &missing.value) else {
        return Missing::default();
    };
    if let Some(code) = &rule.when {
        check_condition("missing", code, language, mistakes);
    }
    Missing {
        statuses: rule.statuses.iter().map(|status| status.value).collect(),
        when: rule.when.as_ref().map(|code| code.value.clone()),
    }
}

/// Notes a condition on the body that is no jq, or that no jq can look at.
fn check_condition(key: &str, code: &At<String>, language: Option<Language>, mistakes: &mut Mistakes) {
    match language {
        Some(Language::Jq) => check_jq(code, mistakes),
        Some(Language::Css | Language::Text) => {
            let hint = match key {
                "missing" => "list statuses, such as [404]; a condition is jq, for answers of JSON",
                _ => "leave it out; a column with not_null = true fails where nothing is found",
            };
            mistakes.add(&code.span, format!("a condition in `{key}` on an answer that is no JSON"), hint);
        }
        None => {}
    }
}

fn check_rows(rows: &At<String>, language: Option<Language>, mistakes: &mut Mistakes) {
    match language {
        Some(Language::Jq) => check_jq(rows, mistakes),
        Some(Language::Css) => check_css(rows, mistakes),
        Some(Language::Text) => {
            let hint = "text gives one row: read it as \"jsonl\" or \"html\" if it is, or let a `pipe` take it apart";
            mistakes.add(&rows.span, "`rows` on an answer that is text", hint);
        }
        None => {}
    }
}
