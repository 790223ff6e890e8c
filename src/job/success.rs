//! How much must succeed for a run to be published: what `min_success` under `[publish]` says, or what holds without it.

use std::fmt;

use super::{Job, Mode, OnFailure, OnUnlisted};

/// The share of records, 0 to 1, that must have succeeded where publishing takes something away and the job writes no
/// `min_success`.
pub const USUAL_MIN_SUCCESS: f64 = 0.9;

/// How much must succeed for a run to be published. Decided here and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Success {
    /// The job writes it: this share of the records, 0 to 1, at every endpoint.
    Written(f64),
    /// The job does not, and publishing takes something away: [`USUAL_MIN_SUCCESS`], and where rows go some must come.
    Usual(Loss),
    /// The job does not, and publishing only adds: one record.
    One,
}

/// How publishing takes something away that the table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `mode = "replace"`: all rows.
    Replace,
    /// `mode = "replace_ids"`: all rows of an id.
    ReplaceIds,
    /// `on_unlisted = "delete"`: the rows of ids that the list no longer has.
    OnUnlisted,
    /// `on_failure = "null"` with `mode = "upsert"`: the values of what failed.
    Nulls,
}

impl Success {
    /// What the job's runs need.
    pub fn of(job: &Job) -> Success {
        match (job.publish.min_success, Loss::of(job)) {
            (Some(share), _) => Success::Written(share),
            (None, Some(loss)) => Success::Usual(loss),
            (None, None) => Success::One,
        }
    }
}

impl Loss {
    fn of(job: &Job) -> Option<Loss> {
        let nulls = || job.endpoints.iter().any(|endpoint| endpoint.on_failure == OnFailure::Null);
        match job.table.mode {
            Mode::Replace => Some(Loss::Replace),
            Mode::Upsert | Mode::ReplaceIds if job.table.on_unlisted == OnUnlisted::Delete => {
                Some(Loss::OnUnlisted)
            }
            Mode::ReplaceIds => Some(Loss::ReplaceIds),
            Mode::Upsert => nulls().then_some(Loss::Nulls),
            Mode::Append => None,
        }
    }

    /// Whether whole rows go, be the record missing or its answer without rows.
    pub fn takes_rows(self) -> bool {
        self != Loss::Nulls
    }
}

impl fmt::Display for Loss {
    /// As the job says it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Loss::Replace => "mode = \"replace\"",
            Loss::ReplaceIds => "mode = \"replace_ids\"",
            Loss::OnUnlisted => "on_unlisted = \"delete\"",
            Loss::Nulls => "on_failure = \"null\" with mode = \"upsert\"",
        })
    }
}
