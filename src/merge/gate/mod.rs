//! The publish gate: the job's own conditions, without which nothing is published.
//!
//! | condition | a publication needs | known |
//! |---|---|---|
//! | `min_success` under `[publish]` | this share of the records successful at every endpoint; without it see [`success`] | from the proof |
//! | `min_success` of an endpoint | this share of its pairs successful | from the proof |
//! | `max_failed` | no more records without success at an endpoint | from the proof |
//! | `max_duplicates` | no more rows that a later one with the same key leaves out | in the transaction |
//! | `min_rows` | at least this many rows of the run, those of its earlier publications included; not of a trial | in the transaction |
//! | `max_change` | no larger change of the table's row count, as a share of what it is; none where it is 0 | in the transaction |
//!
//! A pair counts as its last round left it; ok, missing and what its `when` left out are successes. A record that the
//! table refuses (`max_rejected`) has not succeeded, and brings no rows. All that refuses is
//! told at once: what the proof shows goes along into the transaction where a condition on rows may have to be told
//! beside it, and what refuses there is rolled back.
//!
//! What a pause publishes is held against `max_change`, each time by itself: readers see the table as it is then. It also
//! must not take rows away where no answer brought any, as a whole run must not. The other conditions speak of the run
//! as a whole. What failed or waits at a pause will be asked again, so no share and no number of failures is
//! final, and rows are yet to come; they are looked at when the run is whole. A pause publishes only what has
//! succeeded.

mod percent;
mod success;

use super::refused::Rejected;
use super::{MergeError, Proof};
use crate::job::{Job, Loss, Publish, Success};

pub use success::in_words as success_in_words;

/// The conditions of one publication, and what the proof says to them.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// Those that are not met, in words.
    unmet: Vec<String>,
    /// Why at least one row must be written.
    takes_rows: Option<Loss>,
    max_duplicates: Option<u64>,
    min_rows: Option<u64>,
    max_change: Option<f64>,
    /// Whether what is not met is only noted.
    anyway: bool,
    /// Whether it is that of a whole run.
    is_whole: bool,
    hint: String,
}

/// Rows that are left out because a later row of the run has the same key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// How many.
    pub rows: u64,
    /// The first key that comes more than once, and whose it is, for people.
    pub first: Option<String>,
}

/// What is known of rows when all of them are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowCounts<'a> {
    /// Left out, since a later one has the same key.
    pub duplicates: &'a Duplicates,
    /// Of the run, as published by now.
    pub of_run: u64,
    /// Of the table before.
    pub before: u64,
    /// Of the table with them.
    pub after: u64,
}

impl Gate {
    /// The gate before a whole run.
    pub fn of_run(job: &Job, proof: &Proof, anyway: bool) -> Gate {
        let plan = &proof.files.plan;
        let run = &plan.run;
        Gate {
            unmet: of_proof(job, proof, &Rejected::new()),
            takes_rows: takes_rows(job).filter(|_| !plan.trial && proof.records > 0),
            max_duplicates: job.publish.max_duplicates,
            min_rows: job.publish.min_rows.filter(|_| !plan.trial),
            max_change: job.publish.max_change,
            anyway,
            is_whole: true,
            hint: format!(
                "`windrow failures {run}` shows what failed, `windrow retry {run}` asks it again; change the keys \
                 named here and merge again, or publish all the same with `windrow merge {run} --anyway`"
            ),
        }
    }

    /// The gate before what a pause publishes.
    pub fn of_pause(job: &Job, proof: &Proof) -> Gate {
        let hint = "nothing is lost, the run goes on; change the key named here, or leave it so: when the run is whole, \
                    `windrow merge RUN --anyway` publishes all of it";
        Gate {
            unmet: success::unmet_at_pause(job, proof, &Rejected::new()).into_iter().collect(),
            takes_rows: takes_rows(job),
            max_duplicates: None,
            min_rows: None,
            max_change: job.publish.max_change,
            anyway: false,
            is_whole: false,
            hint: hint.to_owned(),
        }
    }

    /// The same where the table refuses some records: they count as not succeeded.
    pub fn without(&self, job: &Job, proof: &Proof, rejected: &Rejected) -> Gate {
        let unmet = if self.is_whole {
            of_proof(job, proof, rejected)
        } else {
            success::unmet_at_pause(job, proof, rejected).into_iter().collect()
        };
        Gate { unmet, ..self.clone() }
    }

    /// The refusal, where it is certain before anything is loaded.
    pub fn refusal(&self) -> Option<MergeError> {
        let rows_matter =
            self.max_duplicates.is_some() || self.min_rows.is_some() || self.max_change.is_some();
        (!self.anyway && !rows_matter && !self.unmet.is_empty()).then(|| self.refused(self.unmet.clone()))
    }

    /// Whether the table's rows have to be counted.
    pub fn looks_at_table(&self) -> bool {
        self.max_change.is_some()
    }

    /// What was overridden, or the refusal.
    pub fn pass(&self, rows: &RowCounts<'_>) -> Result<Vec<String>, MergeError> {
        let mut unmet = self.unmet.clone();
        unmet.extend(self.takes_rows.filter(|_| unmet.is_empty()).and_then(|loss| no_rows(loss, rows)));
        unmet.extend(self.max_duplicates.and_then(|most| max_duplicates(most, rows.duplicates)));
        unmet.extend(self.min_rows.and_then(|least| min_rows(least, rows)));
        unmet.extend(self.max_change.and_then(|most| max_change(most, rows)));
        if unmet.is_empty() || self.anyway { Ok(unmet) } else { Err(self.refused(unmet)) }
    }

    fn refused(&self, conditions: Vec<String>) -> MergeError {
        MergeError::Refused { conditions, hint: self.hint.clone() }
    }
}

/// The conditions that the proof shows not to be met.
fn of_proof(job: &Job, proof: &Proof, rejected: &Rejected) -> Vec<String> {
    let mut unmet = Vec::new();
    unmet.extend(success::unmet(job, proof, rejected));
    unmet.extend(proof.files.plan.endpoints.iter().filter_map(|planned| {
        let least = job.endpoint(&planned.name)?.1.min_success;
        endpoint_min_success(&planned.name, least, proof)
    }));
    unmet.extend(max_failed(&job.publish, proof));
    unmet
}

/// How publishing takes rows away, where the job leaves it to us what it needs.
fn takes_rows(job: &Job) -> Option<Loss> {
    match Success::of(job) {
        Success::Usual(loss) => Some(loss).filter(|loss| loss.takes_rows()),
        Success::Written(_) | Success::One => None,
    }
}

fn endpoint_min_success(name: &str, least: f64, proof: &Proof) -> Option<String> {
    let ends = proof.latest.get(name)?;
    let pairs = ends.values().sum();
    let succeeded = ends.iter().filter(|(end, _)| end.succeeded()).map(|(_, count)| count).sum();
    let share = share(succeeded, pairs)?;
    (share < least).then(|| {
        format!(
            "{} of the records succeeded at {name} ({succeeded} of {pairs}), the job asks for {} (min_success of the \
             endpoint)",
            percent::at_most(share),
            percent::limit(least),
        )
    })
}

fn max_failed(publish: &Publish, proof: &Proof) -> Option<String> {
    let failed = proof.records - proof.complete;
    let most = publish.max_failed.filter(|most| failed > *most)?;
    Some(format!(
        "{} had no success at some endpoint, the job allows {most} (max_failed under [publish])",
        counted(failed, "record")
    ))
}

/// What the answers brought, statements of the job's own took out again.
fn no_rows(loss: Loss, rows: &RowCounts<'_>) -> Option<String> {
    (rows.of_run == 0).then(|| success::no_row("the run brings no row", loss))
}

fn max_duplicates(most: u64, duplicates: &Duplicates) -> Option<String> {
    let first = duplicates.first.as_ref().map_or_else(String::new, |first| format!(" ({first})"));
    (duplicates.rows > most).then(|| {
        format!(
            "{} left out: a later row has the same key{first}, the job allows {most} (max_duplicates under [publish])",
            counted(duplicates.rows, "row")
        )
    })
}

fn min_rows(least: u64, rows: &RowCounts<'_>) -> Option<String> {
    (rows.of_run < least).then(|| {
        format!(
            "the run brings {}, the job asks for at least {least} (min_rows under [publish])",
            counted(rows.of_run, "row")
        )
    })
}

fn max_change(most: f64, rows: &RowCounts<'_>) -> Option<String> {
    let RowCounts { before, after, .. } = *rows;
    let change = share(after.abs_diff(before), before).filter(|change| *change > most)?;
    let verb = if after > before { "grow" } else { "shrink" };
    Some(format!(
        "the table would {verb} by {}, from {} to {after}, the job allows {} (max_change under [publish])",
        percent::at_least(change),
        counted(before, "row"),
        percent::limit(most),
    ))
}

/// A part of a whole; `None` of nothing, which meets every condition.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
