//! What the expressions of an endpoint are written in, and whether they are.

use scraper::Selector;
use scraper::error::SelectorErrorKind;

use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{AnswerFormat, LONGEST_JQ, jq};

/// What the expressions of an endpoint are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// jq, for JSON of every kind.
    Jq,
    /// CSS selectors, for HTML.
    Css,
    /// Regular expressions, for text.
    Text,
}

/// The language of an endpoint's expressions; none where the word that would tell is wrong.
pub(super) fn language(endpoint: &raw::Endpoint) -> Option<Language> {
    if endpoint.common.present.has("pipe") {
        return Some(Language::Jq);
    }
    match &endpoint.common.format {
        None if endpoint.common.present.has("format") => None,
        None => Some(Language::Jq),
        Some(word) => Some(match word.value.0 {
            AnswerFormat::Json | AnswerFormat::JsonLines | AnswerFormat::Jsonp => Language::Jq,
            AnswerFormat::Html => Language::Css,
            AnswerFormat::Text => Language::Text,
        }),
    }
}

/// Notes jq that does not compile.
pub(super) fn check_jq(code: &At<String>, mistakes: &mut Mistakes) {
    if let Err(mistake) = jq::compile(code.text()) {
        let hint =
            "jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer";
        mistakes.add(&code.part(mistake.range), &mistake.message, hint);
    }
}

/// Notes a CSS selector that does not parse.
pub(super) fn check_css(css: &At<String>, mistakes: &mut Mistakes) {
    let hint = "selectors are those of CSS: table.odds tr, a[href], li:nth-child(2)";
    if css.value.len() > LONGEST_JQ {
        let message =
            format!("{} bytes of CSS selector are too many, {LONGEST_JQ} are allowed", css.value.len());
        mistakes.add(&css.span, message, hint);
    } else if let Err(error) = Selector::parse(css.text()) {
        let reason = match error {
            SelectorErrorKind::EndOfLine => "it ends too early".to_owned(),
            error => in_words(&format!("{error:?}")),
        };
        let message = format!("the CSS selector does not parse: {reason}");
        mistakes.add(&css.span, message, hint);
    }
}

/// The name of an error, `UnexpectedToken` or `Outer(DanglingCombinator)`, in small words.
fn in_words(name: &str) -> String {
    let innermost = name.trim_end_matches(')').rsplit('(').next().unwrap_or(name);
    let mut words = String::new();
    for one in innermost.chars() {
        if one.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(one.to_ascii_lowercase());
    }
    words
}
