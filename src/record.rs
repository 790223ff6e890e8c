//! What flows from the list to the table: records, typed values, and what became of each question.
//!
//! A *record* is one line of the input. Its *ordinal* (0-based position in the input) is its identity for
//! the whole run. For every record each endpoint is asked once per round; such a (record, endpoint) is a
//! *pair*, and every planned pair ends in exactly one [`Status`], with a [`Failure`] where it is not a success.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Position of a record in the input, from 0.
pub type Ordinal = u64;

/// The type of a column, as a job file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// True or false.
    Boolean,
    /// A signed integer of 32 bits.
    Integer,
    /// A signed integer of 64 bits.
    Bigint,
    /// An IEEE 754 number of 64 bits.
    Double,
    /// An exact decimal of `precision` digits (1 to 38), `scale` of them after the point.
    Decimal {
        /// All digits, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// A calendar day.
    Date,
    /// A moment in UTC, to the microsecond.
    Timestamp,
    /// JSON text, as the answer had it.
    Json,
}

/// One typed value. `Null` fits every [`Type`]; the other variants belong to the type of their name.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// UTF-8 text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// 32 bits.
    Integer(i32),
    /// 64 bits.
    Bigint(i64),
    /// 64 bits; never NaN from JSON.
    Double(f64),
    /// The unscaled digits: 12.50 as `decimal(9,2)` is 1250.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// JSON text.
    Json(String),
}

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
    Skipped,
    /// Never asked, or not to its end: interrupted, a limit or quota was used up, or its host answered nobody.
    Deferred,
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
    /// Its host did not answer anybody: left to a later round, or failed in the last.
    Parked,
    /// Working on this record ended its process more than once.
    Crashed,
}

impl Kind {
    /// Whether it says that the pair was not asked, or not to its end, and is left to a later round.
    pub fn defers(self) -> bool {
        matches!(self, Kind::Interrupted | Kind::MaxRequests | Kind::Quota | Kind::Parked)
    }

    /// All kinds, for help and documentation.
    pub const ALL: [Kind; 26] = [
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
        Kind::Parked,
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
            Kind::Parked => "parked",
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
            Status::Skipped => "skipped",
            Status::Deferred => "deferred",
        }
    }

    /// The status that `word` names.
    pub fn from_word(word: &str) -> Option<Status> {
        [Status::Ok, Status::Missing, Status::Failed, Status::Skipped, Status::Deferred]
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

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Text => out.write_str("text"),
            Type::Boolean => out.write_str("boolean"),
            Type::Integer => out.write_str("integer"),
            Type::Bigint => out.write_str("bigint"),
            Type::Double => out.write_str("double"),
            Type::Decimal { precision, scale } => write!(out, "decimal({precision},{scale})"),
            Type::Date => out.write_str("date"),
            Type::Timestamp => out.write_str("timestamp"),
            Type::Json => out.write_str("json"),
        }
    }
}

/// What [`Type::from_str`](std::str::FromStr) refuses.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown type {0:?}: use text, boolean, integer, bigint, double, decimal(p,s), date, timestamp or json"
)]
pub struct UnknownType(String);

impl std::str::FromStr for Type {
    type Err = UnknownType;

    fn from_str(word: &str) -> Result<Type, UnknownType> {
        let simple = match word {
            "text" => Type::Text,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "bigint" => Type::Bigint,
            "double" => Type::Double,
            "date" => Type::Date,
            "timestamp" => Type::Timestamp,
            "json" => Type::Json,
            _ => return decimal(word).ok_or_else(|| UnknownType(word.to_owned())),
        };
        Ok(simple)
    }
}

/// `decimal(p,s)` with 1 ≤ p ≤ 38 and s ≤ p.
fn decimal(word: &str) -> Option<Type> {
    let inside = word.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = inside.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    ((1..=38).contains(&precision) && scale <= precision).then_some(Type::Decimal { precision, scale })
}

impl Serialize for Type {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
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

/// A named, typed column of the input or of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for word in
            ["text", "boolean", "integer", "bigint", "double", "decimal(38,0)", "date", "timestamp", "json"]
        {
            assert_eq!(word.parse::<Type>().unwrap().to_string(), word);
        }
        for word in ["decimal(39,0)", "decimal(3,4)", "decimal(0,0)", "decimal", "int"] {
            assert!(word.parse::<Type>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_detail_is_one_short_line() {
        let failure = Failure::lasting(Kind::Protocol, "é\n".repeat(500));
        assert_eq!(failure.detail.chars().count(), Failure::DETAIL_LIMIT);
        assert!(!failure.detail.contains('\n'));
    }
}
