//! How much succeeded, against what the job needs ([`Success`]).
//!
//! | the job | publishing | needs |
//! |---|---|---|
//! | writes `min_success` | | that share of the records successful at every endpoint; 0 publishes a total failure |
//! | does not | takes something away | 90 % of the records that were asked |
//! | | takes rows away | besides, one row that an answer brought |
//! | | only adds | one record, if any was asked |
//!
//! Without a written one a record counts as succeeded if an endpoint answered it (missing is an answer) and none with
//! `on_failure = "skip"` failed: one API of several that is dead does not count where the job makes do without it. A
//! record whose every `when` said no was not asked: it is neither a success nor a failure.
//!
//! That rows come is looked at by itself, because answers that are no failures may take everything away: every record
//! missing, every answer an empty list, a login page in which `rows` finds nothing.
//!
//! A trial replaces nothing but its own table: only what is written holds for it.

use super::{counted, percent, share};
use crate::job::OnFailure;
use crate::job::{Job, Loss, Success, USUAL_MIN_SUCCESS};
use crate::merge::policy::Policy;
use crate::merge::refused::{Rejected, others};
use crate::merge::{End, Proof};

/// What a run needs to be published, for people.
pub fn in_words(job: &Job) -> String {
    match Success::of(job) {
        Success::Written(least) => {
            format!("if {} of the records succeed (min_success under [publish])", percent::limit(least))
        }
        Success::Usual(loss) => format!(
            "if {} of the records succeed, since {loss} takes away what the table has (min_success under [publish] \
             says otherwise)",
            percent::limit(USUAL_MIN_SUCCESS)
        ),
        Success::One => "if one record succeeds (min_success under [publish] asks for more)".to_owned(),
    }
}

/// Why a whole run is not published, if so.
pub(super) fn unmet(job: &Job, proof: &Proof, rejected: &Rejected) -> Option<String> {
    match Success::of(job) {
        Success::Written(least) => too_few(least, proof, rejected),
        _ if proof.files.plan.trial => None,
        Success::Usual(loss) => {
            let came = Came::count(proof, &Policy::now(&proof.files.plan, Some(job)), rejected);
            came.too_few(loss).or_else(|| came.nothing(job, loss))
        }
        Success::One => Came::count(proof, &Policy::now(&proof.files.plan, Some(job)), rejected).none(),
    }
}

/// Why what there is at a pause is not published, if so: failures wait, but answers that bring nothing would take rows
/// away.
pub(super) fn unmet_at_pause(job: &Job, proof: &Proof, rejected: &Rejected) -> Option<String> {
    let Success::Usual(loss) = Success::of(job) else { return None };
    Came::count(proof, &Policy::strict(&proof.files.plan), rejected).nothing(job, loss)
}

/// That rows would go and none come.
pub(super) fn no_row(why: &str, loss: Loss) -> String {
    format!("{why}; without min_success under [publish] a row from an answer is needed, {}", since(loss))
}

fn since(loss: Loss) -> String {
    format!("since {loss} takes away what the table has")
}

fn too_few(least: f64, proof: &Proof, rejected: &Rejected) -> Option<String> {
    let is_complete = |ends: &[End]| ends.iter().all(|end| end.succeeded());
    let lost = proof.ends.count(rejected.keys().copied(), is_complete);
    let (complete, records) = (proof.complete - lost, proof.records);
    let share = share(complete, records)?;
    (share < least).then(|| {
        format!(
            "{} of the records succeeded ({complete} of {records}), the job asks for {} (min_success under [publish])",
            percent::at_most(share),
            percent::limit(least),
        )
    })
}

/// What came of the records.
struct Came {
    records: u64,
    /// Those with an endpoint that was asked, or would have been if all had gone well.
    asked: u64,
    /// Those that an endpoint answered, and none failed whose failure drops them; the table takes them.
    succeeded: u64,
    /// Those that no endpoint has, and that none failed.
    missing: u64,
    /// Rows that answers brought.
    rows: u64,
}

impl Came {
    fn count(proof: &Proof, policy: &Policy, rejected: &Rejected) -> Came {
        let count = |fits: &dyn Fn(&[End]) -> bool| proof.ends.count(0..proof.bound(), fits);
        let taken = || others(proof.bound(), rejected);
        let drops = |at: usize| policy.said()[at] == OnFailure::Skip;
        let is_answered = |ends: &[End]| ends.iter().any(|end| matches!(end, End::Ok | End::Missing));
        let is_dropped =
            |ends: &[End]| ends.iter().enumerate().any(|(at, end)| drops(at) && !end.succeeded());
        Came {
            records: proof.records,
            asked: count(&|ends| ends.iter().any(|end| *end != End::Exempt)),
            succeeded: proof.ends.count(taken(), |ends| is_answered(ends) && !is_dropped(ends)),
            missing: count(&|ends| {
                is_answered(ends) && ends.iter().all(|end| matches!(end, End::Missing | End::Exempt))
            }),
            rows: proof.ends.count_rows(taken(), |ends| ends.contains(&End::Ok) && policy.admits(ends)),
        }
    }

    /// Not one succeeded of those that were asked.
    fn none(&self) -> Option<String> {
        (self.asked > 0 && self.succeeded == 0)
            .then(|| format!("{}; without min_success under [publish] one success is needed", self.told()))
    }

    /// Fewer than usual succeeded.
    fn too_few(&self, loss: Loss) -> Option<String> {
        share(self.succeeded, self.asked).filter(|share| *share < USUAL_MIN_SUCCESS).map(|_| {
            let least = percent::limit(USUAL_MIN_SUCCESS);
            format!(
                "{}; without min_success under [publish] {least} are needed, {}",
                self.told(),
                since(loss)
            )
        })
    }

    /// No row came where rows are taken away.
    fn nothing(&self, job: &Job, loss: Loss) -> Option<String> {
        if !loss.takes_rows() || self.rows > 0 || self.records == 0 && job.input.allow_empty {
            return None;
        }
        let why = match (self.records, self.missing, self.asked) {
            (0, ..) => "the list is empty".to_owned(),
            (records, missing, _) if missing == records => {
                format!("every record is missing ({records} of {records})")
            }
            (records, _, 0) => format!("no record was asked (0 of {records})"),
            (records, ..) => format!("no answer brings a row ({})", counted(records, "record")),
        };
        Some(no_row(&why, loss))
    }

    fn told(&self) -> String {
        let Came { succeeded, asked, records, .. } = *self;
        let share = share(succeeded, asked).unwrap_or_default();
        let of = if asked == records { "the records" } else { "the records that were asked" };
        format!("{} of {of} succeeded ({succeeded} of {asked})", percent::at_most(share))
    }
}
