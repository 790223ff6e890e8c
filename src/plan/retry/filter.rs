//! Which pairs a retry asks again.

use std::str::FromStr;

use crate::job::Job;
use crate::record::{Kind, Status};

/// What a retry asks again, of what failed or waits.
///
/// A failed pair passes if `statuses` or `kinds` name it, or if both are empty. Failures of extraction ([`Kind::Extract`],
/// [`Kind::Convert`], [`Kind::Null`]), of the job's own program ([`Kind::Pipe`]) and of the template ([`Kind::Template`]) do not lie with the server: they pass only
/// where `kinds` names them. Waiting pairs always pass, but for `endpoints`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryFilter {
    /// HTTP statuses of the last answer.
    pub statuses: Vec<StatusFilter>,
    /// Kinds of failure.
    pub kinds: Vec<Kind>,
    /// Endpoints by name; empty: all. What depends on a pair that is asked again is asked again with it, whatever its
    /// endpoint.
    pub endpoints: Vec<String>,
    /// Only failures that asking again may mend.
    pub worth_repeating_only: bool,
}

/// One status, or a hundred of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// `429`.
    Code(u16),
    /// `5xx`: the first digit.
    Class(u16),
}

/// What [`StatusFilter::from_str`] refuses.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an HTTP status\nhint: write 429, or 5xx for all from 500 to 599")]
pub struct NotAStatus(String);

impl FromStr for StatusFilter {
    type Err = NotAStatus;

    fn from_str(text: &str) -> Result<StatusFilter, NotAStatus> {
        let wrong = || NotAStatus(text.to_owned());
        let (digits, filter): (&str, fn(u16) -> StatusFilter) = match text.strip_suffix("xx") {
            Some(first) => (first, StatusFilter::Class),
            None => (text, StatusFilter::Code),
        };
        let number: u16 = digits.parse().map_err(|_| wrong())?;
        let filter = filter(number);
        let known = match filter {
            StatusFilter::Code(code) => (100..600).contains(&code),
            StatusFilter::Class(class) => (1..6).contains(&class),
        };
        if known { Ok(filter) } else { Err(wrong()) }
    }
}

impl StatusFilter {
    /// Whether this names `status`.
    pub fn names(self, status: u16) -> bool {
        match self {
            StatusFilter::Code(code) => code == status,
            StatusFilter::Class(class) => class == status / 100,
        }
    }
}

/// What a ledger says of a pair, as far as a retry cares.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended<'a> {
    pub endpoint: &'a str,
    pub status: Status,
    /// Its word: a ledger of a newer windrow may know more kinds.
    pub kind: Option<&'a str>,
    pub http_status: Option<u16>,
    pub worth_repeating: bool,
}

/// Whether a pair is taken up again for its own sake.
pub(super) type Passes<'a> = &'a dyn Fn(&Ended<'_>) -> bool;

/// Whether a pair can become another thing by a job that makes columns otherwise, from the answer that it had: what could
/// not be made of it, or a status that says by now that the id is missing.
pub(super) fn may_be_made_anew(job: &Job, pair: &Ended<'_>) -> bool {
    let is_missing_now = || {
        let endpoint = job.endpoint(pair.endpoint).map(|(_, endpoint)| &endpoint.missing.statuses);
        pair.http_status.zip(endpoint).is_some_and(|(status, missing)| missing.contains(&status))
    };
    pair.status == Status::Failed
        && match pair.kind {
            Some(kind) if kind == Kind::Status.word() => is_missing_now(),
            kind => is_ours(kind) && kind != Some(Kind::Template.word()),
        }
}

impl RetryFilter {
    /// Whether the pair is asked again for its own sake. One that was not asked is not: its `when` said no, or what it
    /// depends on is asked again, and it with that.
    pub(super) fn passes(&self, pair: &Ended<'_>) -> bool {
        let endpoint = self.endpoints.is_empty() || self.endpoints.iter().any(|name| name == pair.endpoint);
        match pair.status {
            Status::Ok | Status::Missing | Status::NotAsked => false,
            Status::Waiting => endpoint,
            Status::Failed => endpoint && self.passes_failed(pair),
        }
    }

    fn passes_failed(&self, pair: &Ended<'_>) -> bool {
        let kind_named = self.kinds.iter().any(|kind| Some(kind.word()) == pair.kind);
        let status_named =
            pair.http_status.is_some_and(|code| self.statuses.iter().any(|status| status.names(code)));
        let unnamed = self.kinds.is_empty() && self.statuses.is_empty();
        (kind_named || (!is_ours(pair.kind) && (status_named || unnamed)))
            && (pair.worth_repeating || !self.worth_repeating_only)
    }
}

/// Whether the failure lies with the job or its list.
fn is_ours(kind: Option<&str>) -> bool {
    [Kind::Extract, Kind::Convert, Kind::Null, Kind::Pipe, Kind::Template]
        .iter()
        .any(|ours| Some(ours.word()) == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: Kind, http_status: Option<u16>) -> Ended<'static> {
        Ended {
            endpoint: "one",
            status: Status::Failed,
            kind: Some(kind.word()),
            http_status,
            worth_repeating: true,
        }
    }

    fn filter(statuses: &[&str], kinds: &[Kind]) -> RetryFilter {
        let statuses = statuses.iter().map(|status| status.parse().unwrap()).collect();
        RetryFilter { statuses, kinds: kinds.to_vec(), ..RetryFilter::default() }
    }

    #[test]
    fn statuses_are_read_one_by_one_or_by_the_hundred() {
        assert_eq!("429".parse::<StatusFilter>().unwrap(), StatusFilter::Code(429));
        assert_eq!("5xx".parse::<StatusFilter>().unwrap(), StatusFilter::Class(5));
        for wrong in ["", "xx", "6xx", "55xx", "99", "600", "many", "-1"] {
            assert!(wrong.parse::<StatusFilter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn statuses_and_kinds_add_up() {
        let both = filter(&["429", "5xx"], &[Kind::Timeout]);
        assert!(both.passes(&failed(Kind::Status, Some(503))));
        assert!(both.passes(&failed(Kind::Status, Some(429))));
        assert!(both.passes(&failed(Kind::Timeout, None)));
        assert!(!both.passes(&failed(Kind::Status, Some(404))));
        assert!(!both.passes(&failed(Kind::Dns, None)));
    }

    #[test]
    fn without_conditions_everything_passes_that_lies_with_the_server() {
        let all = RetryFilter::default();
        assert!(all.passes(&failed(Kind::Status, Some(404))));
        assert!(all.passes(&failed(Kind::NotJson, Some(200))));
        assert!(!all.passes(&failed(Kind::Extract, Some(200))));
        assert!(!all.passes(&failed(Kind::Template, None)));
        assert!(filter(&[], &[Kind::Extract]).passes(&failed(Kind::Extract, Some(200))));
        assert!(!filter(&["200"], &[]).passes(&failed(Kind::Extract, Some(200))));
    }

    #[test]
    fn only_failed_and_waiting_pairs_of_the_named_endpoints_pass() {
        let mut named = RetryFilter { endpoints: vec!["one".into()], ..RetryFilter::default() };
        let mut pair = failed(Kind::Interrupted, None);
        for (status, passes) in [
            (Status::Ok, false),
            (Status::Missing, false),
            (Status::NotAsked, false),
            (Status::Failed, true),
            (Status::Waiting, true),
        ] {
            pair.status = status;
            assert_eq!(named.passes(&pair), passes, "{status}");
        }
        pair.endpoint = "other";
        assert!(!named.passes(&pair));

        named.worth_repeating_only = true;
        let lasting = Ended { worth_repeating: false, ..failed(Kind::Status, Some(404)) };
        assert!(!named.passes(&lasting));
        assert!(named.passes(&Ended { status: Status::Waiting, ..lasting }));
    }

    /// What was cut, refused or never came is no answer to make columns of.
    #[test]
    fn only_what_came_and_could_not_be_read_is_made_anew() {
        let text = "input.ids = ['a']\ntable.to = 'duckdb:x.duckdb'\n[[endpoint]]\nname = 'one'\n\
                    url = 'https://example.org/{id}'\nmissing = [410]\ncolumns = { x = '.x' }";
        let job = Job::parse(text.to_owned(), std::path::Path::new("/nowhere/small.toml")).unwrap();
        let anew = |pair| may_be_made_anew(&job, &pair);
        let kinds = Kind::ALL.into_iter().filter(|kind| anew(failed(*kind, Some(404))));
        assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Extract, Kind::Convert, Kind::Null, Kind::Pipe]);
        assert!(anew(failed(Kind::Status, Some(410))) && !anew(failed(Kind::NotOk, Some(410))));
        for status in [Status::Ok, Status::Missing, Status::NotAsked, Status::Waiting] {
            assert!(!anew(Ended { status, ..failed(Kind::Convert, Some(200)) }), "{status}");
        }
    }
}
