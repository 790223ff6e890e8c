//! `when`: a jq condition on the record, and what of the record it looks at.
//!
//! The record is an object of its input columns, with an object of its columns for each endpoint: `.country == "US"`,
//! `.omdb.type == "movie"`. What is read from the list and asked beforehand is known before the first request, so a
//! condition names what it looks at; one that takes the record as a whole (`keys`, `.[$x]`) is refused.

mod follow;
mod term;

pub(super) use self::term::literal;

use std::ops::Range;

use serde::Serialize;

use super::jq::on_enough_stack;
use super::template::AnswerNames;

/// A condition without which a record is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct When {
    /// Compiles (checked). Its input is an object of `inputs`, with an object of its `answers` for each endpoint.
    pub jq: String,
    /// The input columns that it names, each once.
    #[serde(skip)]
    pub inputs: Vec<String>,
    /// The columns of other endpoints that it names, as (endpoint, column), each once.
    #[serde(skip)]
    pub answers: Vec<(usize, usize)>,
}

/// What a condition may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The job's endpoints.
    pub answers: &'a [AnswerNames],
    /// The columns of the list that the job names elsewhere; the list may have others.
    pub listed: &'a [&'a str],
}

/// What a condition names, with the bytes of the expression that it does so in; each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// Input columns.
    pub inputs: Vec<(String, Range<usize>)>,
    /// Columns of endpoints, as (endpoint, column).
    pub answers: Vec<((usize, usize), Range<usize>)>,
}

/// Why what a condition names cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WhenMistake {
    /// The bytes of the expression that it is about.
    pub range: Range<usize>,
    /// One lowercase line.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Uses {
    /// What the expression names; nothing where it does not parse, which compiling it tells.
    ///
    /// # Errors
    /// All its mistakes, in the order of the expression.
    pub(super) fn of(code: &str, names: Names<'_>) -> Result<Uses, Vec<WhenMistake>> {
        if code.len() > super::LONGEST_JQ {
            return Ok(Uses::default());
        }
        let failed = |message: String| {
            let hint = "write a shorter condition".to_owned();
            Err(vec![WhenMistake { range: 0..code.len(), message, hint }])
        };
        on_enough_stack(code, || follow::uses(code, names)).unwrap_or_else(failed)
    }

    /// The condition that names these.
    pub(super) fn into_when(self, jq: String) -> When {
        When {
            jq,
            inputs: self.inputs.into_iter().map(|(name, _)| name).collect(),
            answers: self.answers.into_iter().map(|(answer, _)| answer).collect(),
        }
    }
}
