//! What a worker comes to, as figures for whoever watches it ([`monitor`](crate::monitor)).

use super::watch::WorkEvent;
use crate::monitor::QueueFigures;

/// Notes an event.
pub(super) fn note(figures: &QueueFigures, event: &WorkEvent<'_>) {
    match event {
        WorkEvent::Settled { batch, requests, took, .. } => {
            let (resting, dead) = (batch.resting.len() as u64, batch.dead.len() as u64);
            figures.done.inc_by(batch.done);
            figures.failed_attempts.inc_by(resting + dead);
            figures.died.inc_by(dead);
            figures.freed.inc_by(batch.freed);
            figures.requests.inc_by(*requests);
            figures.batch_seconds.observe(took.as_secs_f64());
        }
        WorkEvent::Unreadable { .. } => {
            figures.died.inc();
        }
        WorkEvent::Fenced { .. } => {
            figures.fenced.inc();
        }
        WorkEvent::PickedUp(after) => figures.pick_up.observe(after.as_secs_f64()),
        WorkEvent::Claimed(_) => figures.look_succeeded(),
        WorkEvent::UnderWay(batches) => {
            figures.batches.set(i64::try_from(*batches).unwrap_or_default());
        }
        WorkEvent::Counts(counts) => {
            let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            figures.waiting.set(signed(counts.waiting()));
            figures.claimed.set(signed(counts.claimed));
            figures.resting.set(signed(counts.resting));
            figures.dead.set(signed(counts.dead));
            figures.oldest.set(counts.oldest.unwrap_or_default());
        }
        WorkEvent::Lost(error) => figures.look_failed(&error.to_string()),
        _ => {}
    }
}
