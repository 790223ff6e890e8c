//! What the blocks add up to: the parts of the proof that no block can see by itself.

use std::collections::BTreeMap;

use super::block::PairEnd;
use super::ends::{End, Ends};
use super::{Proof, ShardWork, bound, damaged_round};
use crate::handoff::{Commit, layout};
use crate::merge::MergeError;
use crate::merge::covered::Covered;
use crate::merge::files::{Planned, RunFiles};
use crate::record::Ordinal;

/// What the blocks add up to.
pub(super) struct Account {
    files: RunFiles,
    ends: Ends,
    pairs: u64,
    records: u64,
    /// The round's further records come at or after this one.
    next_ordinal: Ordinal,
}

impl Account {
    /// Nothing yet.
    pub fn new(files: RunFiles) -> Account {
        let ends = Ends::new(&files.plan.endpoints);
        Account { files, ends, pairs: 0, records: 0, next_ordinal: 0 }
    }

    /// The blocks that come now are of another round.
    pub fn begin_round(&mut self) {
        self.next_ordinal = 0;
    }

    /// Not every block of the plan will be added.
    pub fn leave_open(&mut self) {
        self.files.complete = false;
    }

    /// Adds a block that is sound by itself, if it is so beside the others.
    pub fn add(
        &mut self,
        work: &ShardWork<'_>,
        planned: &Planned,
        commit: &Commit,
        ends: &[PairEnd],
    ) -> Result<(), MergeError> {
        let bad = |why| Err(work.bad(planned, layout::INPUT, why));
        let mut before = None;
        for end in ends {
            let same_record = before == Some(end.ordinal);
            if !same_record && end.ordinal < self.next_ordinal || end.ordinal >= bound(&self.files.plan) {
                return bad(format!("record {} is not where it must be", end.ordinal));
            }
            let earlier = self.ends.get(end.ordinal, end.endpoint);
            if let Some(why) = wrongly_planned(planned.round, earlier) {
                let endpoint = &self.files.plan.endpoints[end.endpoint].name;
                return bad(format!("record {} at {endpoint} {why}", end.ordinal));
            }
            self.ends.set(end.ordinal, end.endpoint, end.end, end.rows);
            before = Some(end.ordinal);
            self.next_ordinal = end.ordinal + 1;
        }
        self.note(work, planned, commit, ends.len());
        Ok(())
    }

    fn note(&mut self, work: &ShardWork<'_>, planned: &Planned, commit: &Commit, pairs: usize) {
        self.pairs += pairs as u64;
        self.records += if planned.round == 0 { planned.block.records } else { 0 };
        self.files.add(work.run, planned, commit);
    }

    /// The proof, if the records are as many as the plan has, where all are there.
    pub fn finish(self) -> Result<Proof, MergeError> {
        let plan = &self.files.plan;
        if self.files.complete && self.records != plan.records {
            let why = format!("its shards have {} records, the plan has {}", self.records, plan.records);
            return Err(damaged_round(0, why));
        }
        let bound = bound(plan);
        let names = plan.endpoints.iter().map(|endpoint| endpoint.name.clone());
        let latest = names.enumerate().map(|(at, name)| (name, latest(&self.ends, bound, at))).collect();
        Ok(Proof {
            rounds: self.files.rounds,
            records: self.records,
            complete: self.ends.count(0..bound, |ends| ends.iter().all(|end| end.succeeded())),
            pairs: self.pairs,
            latest,
            digest: self.files.digest(&Covered::Rounds(self.files.rounds)),
            files: self.files,
            ends: self.ends,
        })
    }
}

/// Why a pair should not have been planned in this round, if so.
fn wrongly_planned(round: u32, earlier: Option<End>) -> Option<String> {
    match (round, earlier) {
        (0, None) => None,
        (0, Some(_)) => Some("is planned twice".into()),
        (_, None) => Some("was planned by no earlier round".into()),
        (_, Some(end)) if end.succeeded() => Some(format!("was {} already", end.status())),
        (_, Some(_)) => None,
    }
}

fn latest(ends: &Ends, bound: Ordinal, endpoint: usize) -> BTreeMap<End, u64> {
    let mut counts = BTreeMap::new();
    for end in (0..bound).filter_map(|ordinal| ends.get(ordinal, endpoint)) {
        *counts.entry(end).or_default() += 1;
    }
    counts
}
