//! How answers are read, and where in them a column's value stands.

use serde::{Deserialize, Serialize};

/// The format of an endpoint's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// One JSON value (the default).
    Json,
    /// A JSON value a line; to expressions they are one array.
    JsonLines,
    /// JSON in a function call, `callback({…})`.
    Jsonp,
    /// HTML; expressions are CSS selectors.
    Html,
    /// Plain text; a column is the whole of it, or what its `regex` finds.
    Text,
}

/// Where a column's value stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// jq. Compiles (checked).
    Jq(String),
    /// A CSS selector.
    Css(Css),
    /// The whole text.
    Text,
}

/// What is taken from the elements that a CSS selector finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Css {
    /// Parses (checked). `:scope` is the row's own element.
    pub selector: String,
    /// The attribute; without it the element's text, white space folded.
    pub attribute: Option<String>,
    /// All matches as a JSON array of texts; otherwise the first match.
    pub all: bool,
}

/// What a column of an endpoint with `rows` is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenFrom {
    /// The row (the default).
    Row,
    /// The whole answer: the same value for all its rows.
    Answer,
}

/// Which answers are kept beside the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepAnswers {
    /// None.
    None,
    /// Those of pairs that failed (the default).
    Failed,
    /// All of them: `windrow extract` needs no request.
    All,
}
