//! Whether a worker does what it is there for.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What is known of the looks at the queue: claims, renewals, settlements, counts.
#[derive(Debug)]
pub(super) struct Looks {
    /// How long none may succeed: then what was claimed is nobody's any more.
    lease: Duration,
    /// When one succeeded last, or the worker began.
    last: Instant,
    /// Since when they fail, and how the last one did.
    failing: Option<(Timestamp, String)>,
}

impl Looks {
    pub fn begun(lease: Duration) -> Looks {
        Looks { lease, last: Instant::now(), failing: None }
    }

    pub fn succeeded(&mut self) {
        self.last = Instant::now();
        self.failing = None;
    }

    pub fn failed(&mut self, why: &str) {
        let since = self.failing.as_ref().map_or_else(Timestamp::now, |(since, _)| *since);
        // One line: what follows are hints for a person at a terminal.
        self.failing = Some((since, why.lines().next().unwrap_or_default().to_owned()));
    }

    /// Why the worker is not well by `now`; `None` where it is.
    pub fn illness(&self, now: Instant) -> Option<String> {
        let silent = now.saturating_duration_since(self.last);
        if silent <= self.lease {
            return None;
        }
        Some(match &self.failing {
            Some((since, why)) => {
                format!("the database has failed since {}: {why}", since.strftime("%Y-%m-%d %H:%M:%S UTC"))
            }
            None => format!("the queue was not looked at for {} s, longer than a lease", silent.as_secs()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_does_not_look_for_longer_than_a_lease_is_ill_and_well_again_after_a_look() {
        let mut looks = Looks::begun(LEASE);
        let begun = looks.last;
        assert_eq!(looks.illness(begun + LEASE), None);
        let ill = looks.illness(begun + LEASE + SECOND).unwrap();
        assert_eq!(ill, "the queue was not looked at for 61 s, longer than a lease");
        looks.succeeded();
        assert_eq!(looks.illness(looks.last + LEASE), None);
    }

    #[test]
    fn a_database_that_fails_is_named_with_the_first_line_of_its_last_error_and_since_when() {
        let mut looks = Looks::begun(LEASE);
        looks.failed("connection refused\nhint: start it");
        let (since, _) = looks.failing.clone().unwrap();
        assert_eq!(looks.illness(looks.last + LEASE), None, "a server that is restarted is no illness");
        looks.failed("the database system is starting up");
        assert_eq!(looks.failing.clone().unwrap().0, since, "since the first failure");
        let ill = looks.illness(looks.last + LEASE + SECOND).unwrap();
        let expected = format!("the database has failed since {}: ", since.strftime("%Y-%m-%d %H:%M:%S UTC"));
        assert_eq!(ill, expected + "the database system is starting up");
        looks.succeeded();
        assert_eq!(looks.illness(looks.last), None);
    }
}
