//! How every pair of a range of records stands, after all rounds.

use std::ops::Range;

use polars::prelude::*;

use super::RetryError;
use super::filter::{Ended, Passes};
use super::history::{Done, History};
use crate::handoff::Content;
use crate::handoff::plan::PlannedEndpoint;
use crate::job::Endpoint;
use crate::plan::PlanError;
use crate::record::{Ordinal, Status};

/// Where a pair stands in the highest round that planned it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pair {
    /// Whether any round has a line for it.
    known: bool,
    /// Failed and passing the filter, or waiting.
    again: bool,
    /// The round.
    pub round: u16,
}

/// The pairs of a range of ordinals, by record, then endpoint.
pub(super) struct Pairs {
    range: Range<Ordinal>,
    endpoints: usize,
    pairs: Vec<Pair>,
}

/// The columns of a ledger that say how a pair ended.
const COLUMNS: [&str; 6] = ["ordinal", "endpoint", "status", "kind", "http_status", "worth_repeating"];

impl Pairs {
    /// Reads the ledgers of these blocks.
    pub async fn read(
        history: &History<'_>,
        blocks: &[Done],
        range: Range<Ordinal>,
        endpoints: &[PlannedEndpoint],
        passes: Passes<'_>,
    ) -> Result<Pairs, PlanError> {
        let length = (range.end - range.start) as usize * endpoints.len();
        let mut pairs = Pairs { range, endpoints: endpoints.len(), pairs: vec![Pair::default(); length] };
        for done in blocks {
            let ledger = history.chunk(done, &Content::Requests, &COLUMNS).await?;
            let ledger =
                ledger.ok_or(RetryError::NoLedger { shard: done.commit.shard, first: done.commit.first })?;
            pairs.note(&ledger, done, endpoints, passes)?;
        }
        pairs.all_known(endpoints)?;
        Ok(pairs)
    }

    fn note(
        &mut self,
        ledger: &DataFrame,
        done: &Done,
        endpoints: &[PlannedEndpoint],
        passes: Passes<'_>,
    ) -> Result<(), PlanError> {
        let lines = Lines::of(ledger)?;
        for row in 0..ledger.height() {
            let ordinal = lines.ordinals.get(row).unwrap_or(-1) as Ordinal;
            if !self.range.contains(&ordinal) {
                continue;
            }
            let unreadable = || RetryError::Line { shard: done.commit.shard, first: done.commit.first, row };
            let ended = lines.ended(row).ok_or_else(unreadable)?;
            let endpoint = endpoints.iter().position(|endpoint| endpoint.name == ended.endpoint);
            let index = self.index(ordinal, endpoint.ok_or_else(unreadable)?);
            self.pairs[index] = Pair { known: true, again: passes(&ended), round: done.round as u16 };
        }
        Ok(())
    }

    fn all_known(&self, endpoints: &[PlannedEndpoint]) -> Result<(), RetryError> {
        match self.pairs.iter().position(|pair| !pair.known) {
            None => Ok(()),
            Some(index) => Err(RetryError::Unaccounted {
                ordinal: self.range.start + (index / self.endpoints) as Ordinal,
                endpoint: endpoints[index % self.endpoints].name.clone(),
            }),
        }
    }

    fn index(&self, ordinal: Ordinal, endpoint: usize) -> usize {
        (ordinal - self.range.start) as usize * self.endpoints + endpoint
    }

    /// A pair of the range.
    pub fn get(&self, ordinal: Ordinal, endpoint: usize) -> Pair {
        self.pairs[self.index(ordinal, endpoint)]
    }

    /// For every record of the range, a bit for each endpoint to ask again: those that stand so, and all that depend on
    /// one of them.
    pub fn asks(&self, endpoints: &[Endpoint]) -> Vec<u64> {
        let bits = |of: &dyn Fn(usize) -> bool| {
            (0..endpoints.len()).fold(0u64, |mask, index| mask | u64::from(of(index)) << index)
        };
        let depends =
            |mask: u64| bits(&|index| endpoints[index].after.iter().any(|other| mask >> other & 1 == 1));
        let mask = |pairs: &[Pair]| {
            let mut mask = bits(&|index| pairs[index].again);
            // A job may name an endpoint after one that uses it: until nothing is added.
            while mask | depends(mask) != mask {
                mask |= depends(mask);
            }
            mask
        };
        self.pairs.chunks(self.endpoints).map(mask).collect()
    }
}

/// The columns of a ledger.
struct Lines<'a> {
    ordinals: &'a Int64Chunked,
    endpoints: &'a StringChunked,
    statuses: &'a StringChunked,
    kinds: &'a StringChunked,
    http_statuses: &'a Int32Chunked,
    worth_repeating: &'a BooleanChunked,
}

impl<'a> Lines<'a> {
    fn of(ledger: &'a DataFrame) -> PolarsResult<Lines<'a>> {
        Ok(Lines {
            ordinals: ledger.column("ordinal")?.i64()?,
            endpoints: ledger.column("endpoint")?.str()?,
            statuses: ledger.column("status")?.str()?,
            kinds: ledger.column("kind")?.str()?,
            http_statuses: ledger.column("http_status")?.i32()?,
            worth_repeating: ledger.column("worth_repeating")?.bool()?,
        })
    }

    fn ended(&self, row: usize) -> Option<Ended<'a>> {
        Some(Ended {
            endpoint: self.endpoints.get(row)?,
            status: Status::from_word(self.statuses.get(row)?)?,
            kind: self.kinds.get(row),
            http_status: self.http_statuses.get(row).and_then(|status| status.try_into().ok()),
            worth_repeating: self.worth_repeating.get(row).unwrap_or(false),
        })
    }
}
