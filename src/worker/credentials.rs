//! What becomes of records whose answers refuse the job's secrets.
//!
//! | the origin, by all that the command's processes have seen | the record |
//! |---|---|
//! | has accepted the secrets | has failed: the refusal is its own |
//! | has refused them ([`MOST`] times, and nothing else) | is left to a later round; the shard stops |
//! | has refused so far, in round 0 | is left to a later round, in which the others may have told |
//! | the same in a later round, or of a list too short to tell | has failed |
//!
//! So that a secret is mended and the command repeated, with every refused record asked again.

use super::board::OpenBlock;
use super::pair::Settled;
use super::recipe::Recipe;
use crate::fetch::{Question, Request, SecretsSeen};
use crate::handoff::Plan;
use crate::handoff::accepted::{Accepted, MOST, SecretsAccepted};
use crate::record::{Failure, Kind, Status};

/// What is known of the job's secrets.
pub(super) struct Credentials {
    /// `None` where nobody looks.
    accepted: Option<SecretsAccepted>,
    /// Whether a later round asks again what is not known in this one.
    waits: bool,
}

impl Credentials {
    pub(super) fn new(
        accepted: Option<SecretsAccepted>,
        round: u32,
        plan: &Plan,
        recipe: &Recipe,
    ) -> Credentials {
        let questions = recipe.steps.iter().map(|step| &step.question);
        let may_be_refused = |question: &&Question| question.has_secrets() || question.goes_by_proxy();
        let asking = questions.filter(may_be_refused).count() as u64;
        let waits = round == 0 && plan.records.saturating_mul(asking) >= MOST;
        Credentials { accepted, waits }
    }

    /// Notes an answer; if the origin refuses the secrets, what to tell people.
    pub(super) fn note(&self, seen: SecretsSeen, question: &Question, request: &Request) -> Option<String> {
        let is_refused = self.accepted.as_ref()?.note(seen.key, seen.refused) == Accepted::No;
        is_refused.then(|| format!("the first {MOST} answers of {}", question.shown_refusals(request, seen)))
    }

    /// Leaves what was refused to a later round, where that may mend it; whether there was any.
    pub(super) fn let_refused_wait(&self, open: &mut OpenBlock) -> bool {
        let Some(accepted) = &self.accepted else { return false };
        let mut any = false;
        for settled in open.records.iter_mut().flat_map(|record| record.pairs.iter_mut().flatten()) {
            let Some(key) = settled.refused else { continue };
            match accepted.get(key) {
                Accepted::Yes => {}
                Accepted::Unknown if !self.waits => {}
                Accepted::No | Accepted::Unknown => {
                    let_wait(settled);
                    any = true;
                }
            }
        }
        any
    }
}

fn let_wait(settled: &mut Settled) {
    let failure = settled.line.failure.take();
    let detail = failure.as_ref().map_or("", |failure| &failure.detail);
    let later = Failure::passing(Kind::Interrupted, format!("left to a later round: {detail}"));
    settled.line.failure = Some(Failure { status: failure.and_then(|failure| failure.status), ..later });
    settled.line.status = Status::Waiting;
}
