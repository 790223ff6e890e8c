//! What a shard's process has done so far: told with its progress.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::ledger::Line;
use crate::record::{Kind, Status};

/// Counts since the process started, but for what holds now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// What became of the pairs that ended.
    #[serde(flatten)]
    pub pairs: Pairs,
    /// HTTP requests sent.
    pub requests: u64,
    /// Requests in flight now.
    pub in_flight: u32,
    /// What keeps more from being sent, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// How long answers took since this was told last, from when their request was written, in microseconds, and how many
    /// took as long; within a hundredth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<(u64, u32)>,
}

/// What became of pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pairs {
    /// Those that ended: answered, failed, waiting or not asked.
    pub done: u64,
    /// Those whose id does not exist there.
    pub missing: u64,
    /// Those that failed, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<Kind, u64>,
    /// Those that are left to a later round or a later command, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<Kind, u64>,
    /// Those that succeeded when they were asked again.
    pub recovered: u64,
    /// Attempts after the first; of several pages those of the one that took most.
    pub repeats: u64,
    /// Body bytes over the wire.
    pub bytes: u64,
}

impl Pairs {
    /// Those that failed, of whatever kind.
    pub fn all_failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Those that are left to a later round or command, for whatever reason.
    pub fn all_waiting(&self) -> u64 {
        self.waiting.values().sum()
    }

    /// Counts one more.
    pub fn count(&mut self, line: &Line) {
        let one = Pairs::of(line);
        self.change(&one, |count, one| count + one);
    }

    /// Takes one back that is asked again as if it had not been. It may never have been counted.
    pub fn take_back(&mut self, line: &Line) {
        let one = Pairs::of(line);
        self.change(&one, u64::saturating_sub);
    }

    /// Adds others.
    pub fn add(&mut self, others: &Pairs) {
        self.change(others, |count, more| count + more);
    }

    fn of(line: &Line) -> Pairs {
        let kind = line.failure.as_ref().map(|failure| failure.kind);
        let is_by_kind = |status: Status| {
            let kind = kind.filter(|_| line.status == status);
            kind.map(|kind| (kind, 1)).into_iter().collect()
        };
        let is_answered = matches!(line.status, Status::Ok | Status::Missing);
        Pairs {
            done: 1,
            missing: u64::from(line.status == Status::Missing),
            failed: is_by_kind(Status::Failed),
            waiting: is_by_kind(Status::Waiting),
            recovered: u64::from(is_answered && line.attempts > 1),
            // Of a request that several records shared one line counts them.
            repeats: if line.requests > 0 { line.attempts.saturating_sub(1).into() } else { 0 },
            bytes: line.bytes,
        }
    }

    fn change(&mut self, by: &Pairs, how: impl Fn(u64, u64) -> u64) {
        let kinds = |of: &mut BTreeMap<Kind, u64>, by: &BTreeMap<Kind, u64>| {
            for (kind, count) in by {
                let now = of.entry(*kind).or_default();
                *now = how(*now, *count);
            }
            of.retain(|_, count| *count > 0);
        };
        kinds(&mut self.failed, &by.failed);
        kinds(&mut self.waiting, &by.waiting);
        self.done = how(self.done, by.done);
        self.missing = how(self.missing, by.missing);
        self.recovered = how(self.recovered, by.recovered);
        self.repeats = how(self.repeats, by.repeats);
        self.bytes = how(self.bytes, by.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Failure;

    fn line(status: Status, attempts: u32) -> Line {
        let kind = match status {
            Status::Failed => Some(Kind::NotJson),
            Status::Waiting => Some(Kind::Quota),
            _ => None,
        };
        Line {
            ordinal: 0,
            endpoint: 0,
            status,
            failure: kind.map(|kind| Failure::lasting(kind, "")),
            http_status: None,
            attempts,
            requests: attempts,
            pages: 1,
            rows: 0,
            bytes: 10,
            started_at: None,
            finished_at: None,
            batch: None,
            host: None,
        }
    }

    #[test]
    fn a_line_is_counted_by_what_became_of_it_and_taken_back_without_a_trace() {
        let lines = [
            line(Status::Ok, 1),
            line(Status::Ok, 3),
            line(Status::Missing, 1),
            line(Status::Failed, 2),
            line(Status::Waiting, 0),
            line(Status::NotAsked, 0),
        ];
        let mut pairs = Pairs::default();
        lines.iter().for_each(|line| pairs.count(line));
        let expected = Pairs {
            done: 6,
            missing: 1,
            failed: [(Kind::NotJson, 1)].into(),
            waiting: [(Kind::Quota, 1)].into(),
            recovered: 1,
            repeats: 3,
            bytes: 60,
        };
        assert_eq!(pairs, expected);
        let text = serde_json::to_string(&Counts { pairs: pairs.clone(), ..Counts::default() }).unwrap();
        assert_eq!(serde_json::from_str::<Counts>(&text).unwrap().pairs, expected);
        lines.iter().for_each(|line| pairs.take_back(line));
        assert_eq!(pairs, Pairs::default());
        pairs.take_back(&lines[3]);
        assert_eq!(pairs, Pairs::default(), "it was never counted");
    }
}
