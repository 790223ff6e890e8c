//! What flows from the list to the table: records, rows of values, and what became of each question.
//!
//! A *record* is one line of the input. Its *ordinal* (0-based position in the input) is its identity for
//! the whole run. For every record each endpoint is asked once per round; such a (record, endpoint) is a
//! *pair*, and every planned pair ends in exactly one [`Status`], with a [`Failure`] where it is not a success.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// Position of a record in the input, from 0.
pub type Ordinal = u64;

/// How a pair ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answered, and every column made.
    Ok,
    /// Answered: the id does not exist there. A success whose columns are null.
    Missing,
    /// Asked without success; the ledger names the [`Kind`].
    Failed,
    /// Not asked: what it depends on failed, or its `when` said no. The latter has no kind, and a row of nulls.
    NotAsked,
    /// Never asked, or not to its end: interrupted, a limit or quota was used up, or its host answered nobody.
    Waiting,
}

/// Why a pair is not a success: the closed list that the ledger's `kind` column draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The host name did not resolve.
    Dns,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed, or the certificate did not verify.
    Tls,
    /// A time limit (connect, idle or total) ran out.
    Timeout,
    /// The connection broke before the answer was whole.
    Reset,
    /// The answer was not HTTP.
    Protocol,
    /// An HTTP status that is not a success; the status is in its own column.
    Status,
    /// Too many redirects, or one that may not be followed.
    Redirect,
    /// Headers or body above their limits.
    TooLarge,
    /// The content encoding could not be undone, or the charset not be read.
    Decode,
    /// The body is another thing than the endpoint reads: a PDF, a picture, XML for HTML.
    ContentType,
    /// The body is not JSON (or not UTF-8).
    NotJson,
    /// The body nests deeper than allowed.
    TooDeep,
    /// A column's expression failed or gave more than one value.
    Extract,
    /// A value does not fit its column's type.
    Convert,
    /// A `not_null` column came out null.
    Null,
    /// The job's `ok` does not hold for the answer.
    NotOk,
    /// Too many pages, pages that come twice, a next page that is missing or whose `Link` header cannot be read.
    Pages,
    /// The job's own program (`pipe`) failed, or died over the answer.
    Pipe,
    /// The request could not be built from this record's values.
    Template,
    /// What this endpoint depends on gave no value.
    Dependency,
    /// The run was interrupted before the pair was asked, or stopped since a secret was refused.
    Interrupted,
    /// The limit on requests was used up before the pair was asked.
    MaxRequests,
    /// A quota is used up, or the server asks for a longer pause than anybody waits.
    Quota,
    /// No access token could be had for it.
    Token,
    /// Its host did not answer anybody: left to a later round, or failed in the last.
    HostDown,
    /// Working on this record ended its process more than once.
    Crashed,
}

impl Kind {
    /// Whether it says that the pair was not asked, or not to its end, and is left to a later round.
    pub fn waits(self) -> bool {
        matches!(self, Kind::Interrupted | Kind::MaxRequests | Kind::Quota | Kind::Token | Kind::HostDown)
    }

    /// All kinds, for help and documentation.
    pub const ALL: [Kind; 27] = [
        Kind::Dns,
        Kind::Connect,
        Kind::Tls,
        Kind::Timeout,
        Kind::Reset,
        Kind::Protocol,
        Kind::Status,
        Kind::Redirect,
        Kind::TooLarge,
        Kind::Decode,
        Kind::ContentType,
        Kind::NotJson,
        Kind::TooDeep,
        Kind::Extract,
        Kind::Convert,
        Kind::Null,
        Kind::NotOk,
        Kind::Pages,
        Kind::Pipe,
        Kind::Template,
        Kind::Dependency,
        Kind::Interrupted,
        Kind::MaxRequests,
        Kind::Quota,
        Kind::Token,
        Kind::HostDown,
        Kind::Crashed,
    ];

    /// The word that the ledger and the summaries use.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Dns => "dns",
            Kind::Connect => "connect",
            Kind::Tls => "tls",
            Kind::Timeout => "timeout",
            Kind::Reset => "reset",
            Kind::Protocol => "protocol",
            Kind::Status => "status",
            Kind::Redirect => "redirect",
            Kind::TooLarge => "too_large",
            Kind::Decode => "decode",
            Kind::ContentType => "content_type",
            Kind::NotJson => "not_json",
            Kind::TooDeep => "too_deep",
            Kind::Extract => "extract",
            Kind::Convert => "convert",
            Kind::Null => "null",
            Kind::NotOk => "not_ok",
            Kind::Pages => "pages",
            Kind::Pipe => "pipe",
            Kind::Template => "template",
            Kind::Dependency => "dependency",
            Kind::Interrupted => "interrupted",
            Kind::MaxRequests => "max_requests",
            Kind::Quota => "quota",
            Kind::Token => "token",
            Kind::HostDown => "host_down",
            Kind::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl Status {
    /// The word that the ledger and the summaries use.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Missing => "missing",
            Status::Failed => "failed",
            Status::NotAsked => "not_asked",
            Status::Waiting => "waiting",
        }
    }

    /// The status that `word` names.
    pub fn from_word(word: &str) -> Option<Status> {
        [Status::Ok, Status::Missing, Status::Failed, Status::NotAsked, Status::Waiting]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// Why one pair is not a success: a ledger line, never a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// From the closed list.
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// One line for a person: at most [`Failure::DETAIL_LIMIT`] characters, no secrets.
    pub detail: String,
    /// Whether asking again later may mend it (a server that was down, yes; a 404, no).
    pub worth_repeating: bool,
}

impl Failure {
    /// Characters that a detail keeps.
    pub const DETAIL_LIMIT: usize = 240;

    /// A failure that asking again cannot mend.
    pub fn lasting(kind: Kind, detail: impl Into<String>) -> Failure {
        Failure { kind, status: None, detail: shortened(detail.into()), worth_repeating: false }
    }

    /// A failure that asking again may mend.
    pub fn passing(kind: Kind, detail: impl Into<String>) -> Failure {
        Failure { kind, status: None, detail: shortened(detail.into()), worth_repeating: true }
    }

    /// The same failure with the HTTP status of the answer.
    pub fn with_status(mut self, status: u16) -> Failure {
        self.status = Some(status);
        self
    }
}

/// One line, control characters replaced, cut on a character's boundary.
fn shortened(detail: String) -> String {
    let mut line: String = detail
        .chars()
        .take(Failure::DETAIL_LIMIT + 1)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.chars().count() > Failure::DETAIL_LIMIT {
        line = line.chars().take(Failure::DETAIL_LIMIT - 1).collect();
        line.push('…');
    }
    line
}

/// The rows that an answer gave, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// How many.
    pub count: u32,
    /// Their values, as many for each row as the endpoint has columns.
    pub values: Vec<Value>,
}

impl Rows {
    /// One row.
    pub fn one(values: Vec<Value>) -> Rows {
        Rows { count: 1, values }
    }

    /// One row of nulls.
    pub fn null(columns: usize) -> Rows {
        Rows::one(vec![Value::Null; columns])
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[Value]> {
        let columns = self.values.len() / (self.count.max(1) as usize);
        (0..self.count as usize).map(move |row| &self.values[row * columns..(row + 1) * columns])
    }

    /// Appends the rows of a further page.
    pub fn append(&mut self, mut more: Rows) {
        self.count += more.count;
        self.values.append(&mut more.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_one_short_line() {
        let failure = Failure::lasting(Kind::Protocol, "é\n".repeat(500));
        assert_eq!(failure.detail.chars().count(), Failure::DETAIL_LIMIT);
        assert!(!failure.detail.contains('\n'));
    }
}
