//! What an endpoint should say, proposed from a few answers.
//!
//! Promises: it is pure and quick, whatever the answers are. A job made of the proposal is valid, and reads each answer
//! that it was made of without an error; an id that `missing` calls missing is one whose answer says so, and no other. What
//! no key can say, and what was guessed, is told in words.
//!
//! | step | by |
//! |---|---|
//! | statuses: answers, ids that do not exist, failures | `statuses` |
//! | JSON, lines of it, HTML, … | `format`, `json` |
//! | answers with status 200 that say that there is none | `refusal` (which answers), `condition` (what tells them apart) |
//! | where the rows are, or the object | `shape`, `words` |
//! | keys become columns | `columns`, `name`, `spelling`, `types` |
//! | the next page | `pages` |
//! | limits | `limit` |

mod answer;
mod columns;
mod condition;
mod format;
mod json;
mod limit;
mod name;
mod pages;
mod read;
mod refusal;
mod shape;
mod spelling;
mod statuses;
#[cfg(test)]
mod tests;
mod types;
mod words;

use crate::job::toml_text;

/// One answer to the question about one id.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The id.
    pub id: String,
    /// The URL as it was asked.
    pub url: String,
    /// The status.
    pub status: u16,
    /// All headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// That of the answer, if it says one.
    pub content_type: Option<String>,
    /// The answer as text.
    pub body: String,
}

/// A value, and why it was chosen, for a comment in the job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed<T> {
    /// The value.
    pub value: T,
    /// A few words without a line break.
    pub because: String,
}

impl<T> Proposed<T> {
    fn new(value: T, because: impl Into<String>) -> Proposed<T> {
        Proposed { value, because: because.into() }
    }
}

/// What the answers suggest the endpoint should say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The key `format`; none where it is json.
    pub format: Option<Proposed<&'static str>>,
    /// As TOML: `[404]`, or `'.Response == "False"'`.
    pub missing: Option<Proposed<String>>,
    /// As TOML, where errors come with status 200 and do not mean that the id is unknown.
    pub ok: Option<Proposed<String>>,
    /// jq: `.items[]`.
    pub rows: Option<Proposed<String>>,
    /// An inline table of TOML: `{ next = ".next" }`.
    pub pages: Option<Proposed<String>>,
    /// The query parameter that `pages` sets: it must not stand in the URL or in `params`, too.
    pub pages_param: Option<String>,
    /// Texts that mean null in all columns.
    pub nulls: Option<Proposed<Vec<String>>>,
    /// In the order of the answers.
    pub columns: Vec<ProposedColumn>,
    /// Keys of `[limit."HOST"]` with their values, as text: `rate`, `5/s`.
    pub limit: Option<Proposed<Vec<(String, String)>>>,
    /// What a person should know and no key says.
    pub notes: Vec<String>,
}

/// A column of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedColumn {
    /// An ASCII identifier in small letters.
    pub name: String,
    /// The right side as written in TOML: `".Title"`, or a table.
    pub toml: String,
    /// Its type: `bigint`.
    pub type_word: String,
    /// The expression that finds it: jq, or for HTML a CSS selector.
    pub from: String,
    /// The first value that is not null, as it would be in the table.
    pub example: Option<String>,
    /// How often it is null,
    pub nulls: usize,
    /// among so many rows.
    pub of: usize,
    /// Only where it is not obvious; without a line break.
    pub because: Option<String>,
}

/// Proposes what an endpoint should say. `id_column` and `taken` are names of columns that the table has already.
pub fn propose(samples: &[Sample], id_column: &str, taken: &[String]) -> Proposal {
    let mut proposal = Proposal::default();
    let sorted = statuses::sorted(samples, &mut proposal.notes);
    proposal.limit = limit::proposed(samples, &mut proposal.notes);
    let taken = || name::Names::besides(std::iter::once(id_column).chain(taken.iter().map(String::as_str)));
    match format::of(&sorted.answers, &mut proposal.notes) {
        format::Format::None => {}
        format::Format::Html => format::html(&sorted.answers, taken(), &mut proposal),
        format::Format::Text(kind) => format::text(kind, &sorted.answers, taken(), &mut proposal),
        format::Format::Json { key, texts } => {
            proposal.format = key;
            read::json(&texts, taken(), &mut proposal);
        }
    }
    proposal.ok = proposal.ok.take().map(|ok| Proposed { value: toml_text(&ok.value), ..ok });
    proposal.missing = statuses::joined(sorted.missing, proposal.missing.take());
    proposal
}
