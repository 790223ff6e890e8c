//! What a run, its list and its job may be, drawn at random.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::kinds::Kind;
use crate::job::{Mode, OnFailure, OnUnlisted};
use crate::merge::End;

#[derive(Debug, Clone)]
pub struct Case {
    /// How each pair ends, by round, ordinal, endpoint; used only where the round plans the pair.
    pub ends: Vec<Vec<[End; 2]>>,
    /// The rows of an answer of the endpoint that explodes, by round and ordinal.
    pub parts: Vec<Vec<u32>>,
    pub exploding: Option<usize>,
    /// Whether a merge follows the round.
    pub merges: Vec<bool>,
    /// For the blocks of each round: the one with the lowest number is committed first, and whether the run pauses after.
    pub commits: Vec<Vec<(u8, bool)>>,
    pub policy: [OnFailure; 2],
    pub mode: Mode,
    pub kind: Kind,
    /// In an upsert: whether a number that tells an answer's rows apart belongs to the key.
    pub key_of_parts: bool,
    pub on_unlisted: OnUnlisted,
    pub shards: usize,
    /// Records of a block.
    pub block: usize,
    pub csv: bool,
    /// Rows that stand before, by number of the id; `None` where there is no table.
    pub standing: Option<Vec<u32>>,
    /// Records whose id is that of the record before.
    pub twins: Vec<bool>,
    /// Values of `votes` that the table refuses.
    pub refused: BTreeSet<u32>,
}

/// What a publication can see of a run.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Round and ordinal of the lines of committed blocks.
    pub committed: BTreeSet<(usize, usize)>,
    /// Whether the run had but paused.
    pub is_part: bool,
    /// Records that the table refused.
    pub rejected: BTreeSet<usize>,
}

pub const RECORDS: usize = 11;

pub fn case() -> impl Strategy<Value = Case> {
    use End::{Exempt, Failed, Missing, NotAsked, Ok, Waiting};
    let end = || prop::sample::select(vec![Ok, Ok, Missing, Exempt, Failed, Failed, NotAsked, Waiting]);
    let policy = || prop::sample::select(vec![OnFailure::Skip, OnFailure::Null, OnFailure::Keep]);
    let mode = prop::sample::select(vec![Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds]);
    let kind = prop::sample::select(vec![Kind::Database, Kind::Csv, Kind::Parquet, Kind::Folder]);
    let round = prop::collection::vec([end(), end()], RECORDS);
    let parts = prop::collection::vec(prop::collection::vec(0..4u32, RECORDS), 3);
    let commits = prop::collection::vec((any::<u8>(), prop::bool::weighted(0.4)), RECORDS);
    let standing = prop::collection::vec(prop::sample::select(vec![0u32, 0, 1, 2]), RECORDS);
    (
        (
            prop::collection::vec(round, 1..4),
            prop::collection::vec(any::<bool>(), 3),
            prop::collection::vec(commits, 3),
        ),
        (parts, prop::sample::select(vec![None, Some(0), Some(1)])),
        ([policy(), policy()], mode, kind, any::<bool>(), any::<bool>()),
        (1..4usize, 2..5usize, any::<bool>()),
        (
            prop::option::weighted(0.9, standing),
            prop::collection::vec(prop::bool::weighted(0.2), RECORDS),
            prop::collection::btree_set(
                (0..3u32, 1..RECORDS as u32).prop_map(|(part, o)| o + 1000 * part),
                0..4,
            ),
        ),
    )
        .prop_map(|(run, rows, table, (shards, block, csv), (standing, twins, refused))| {
            let ((ends, merges, commits), (parts, exploding)) = (run, rows);
            let (policy, mode, kind, key_of_parts, gone) = table;
            let kind = if mode == Mode::Append { Kind::Database } else { kind };
            let gone = if gone && by_key_or_id(mode) { OnUnlisted::Delete } else { OnUnlisted::Keep };
            let case = Case {
                ends,
                parts,
                exploding,
                merges,
                commits,
                policy,
                mode,
                kind,
                key_of_parts,
                on_unlisted: gone,
                shards,
                block,
                csv,
                standing,
                twins,
                refused,
            };
            case.with_a_key()
        })
}

fn by_key_or_id(mode: Mode) -> bool {
    matches!(mode, Mode::Upsert | Mode::ReplaceIds)
}

impl Case {
    /// Whether the destination knows what was published into it.
    pub fn remembers(&self) -> bool {
        self.kind != Kind::Csv
    }

    /// Whether the table refuses a row of these votes.
    pub fn refuses(&self, votes: &str) -> bool {
        votes.parse().is_ok_and(|votes: u32| self.refused.contains(&votes))
    }

    /// What refuses them, as a condition; only a table that is made by hand has one.
    pub fn condition(&self) -> String {
        let refused: Vec<String> = self.refused.iter().map(u32::to_string).collect();
        if refused.is_empty() {
            String::new()
        } else {
            format!(" CHECK (votes NOT IN ({}))", refused.join(", "))
        }
    }

    /// A key needs a value in every row.
    fn with_a_key(mut self) -> Case {
        let Some(exploding) = self.exploding.filter(|at| self.policy[*at] != OnFailure::Null) else {
            self.key_of_parts = false;
            return self;
        };
        self.key_of_parts &= self.mode == Mode::Upsert;
        if self.key_of_parts {
            for ends in self.ends.iter_mut().flatten().filter(|ends| ends[exploding] == End::Exempt) {
                ends[exploding] = End::Ok;
            }
        }
        self
    }

    /// How the pair ends in the round, if the round plans it.
    pub fn end(&self, round: usize, ordinal: usize, endpoint: usize) -> Option<End> {
        let before = (0..round).all(|earlier| !succeeded(self.ends[earlier][ordinal][endpoint]));
        before.then(|| self.ends[round][ordinal][endpoint])
    }

    /// The round in which the pair succeeded, as far as it can be seen.
    pub fn success(&self, seen: &Seen, ordinal: usize, endpoint: usize) -> Option<usize> {
        let can_be_seen = |round: &usize| seen.committed.contains(&(*round, ordinal));
        let mut rounds = (0..self.ends.len()).filter(can_be_seen);
        rounds.find(|round| self.end(*round, ordinal, endpoint).is_some_and(succeeded))
    }

    pub fn id(&self, ordinal: usize) -> String {
        let twin = ordinal > 0 && self.twins[ordinal];
        format!("tt{:04}", if twin { ordinal - 1 } else { ordinal })
    }

    /// Whether the failure of an endpoint leaves the record out.
    fn is_needed(&self, endpoint: usize) -> bool {
        match self.policy[endpoint] {
            OnFailure::Skip => true,
            OnFailure::Null => false,
            OnFailure::Keep => self.exploding == Some(endpoint),
        }
    }

    /// At a pause every endpoint is needed.
    pub fn is_answered(&self, seen: &Seen, ordinal: usize) -> bool {
        let is_needed = |e: usize| seen.is_part || self.is_needed(e);
        !seen.rejected.contains(&ordinal)
            && (0..2).all(|e| !is_needed(e) || self.success(seen, ordinal, e).is_some())
    }

    /// Whether only the endpoint that would have given its rows failed, and says that those that stand are kept.
    pub fn is_spared(&self, seen: &Seen, ordinal: usize) -> bool {
        let fails = |e: usize| self.is_needed(e) && self.success(seen, ordinal, e).is_none();
        let failing: Vec<usize> = (0..2).filter(|e| fails(*e)).collect();
        self.exploding.is_some_and(|e| failing == [e] && self.policy[e] == OnFailure::Keep)
    }

    /// The rows that the record has.
    pub fn parts(&self, seen: &Seen, ordinal: usize) -> u32 {
        let Some(exploding) = self.exploding else { return 1 };
        match self.success(seen, ordinal, exploding) {
            None => 1,
            Some(round) => match self.ends[round][ordinal][exploding] {
                End::Ok => self.parts[round][ordinal],
                End::Missing => 0,
                _ => 1,
            },
        }
    }
}

fn succeeded(end: End) -> bool {
    [End::Ok, End::Missing, End::Exempt].contains(&end)
}
