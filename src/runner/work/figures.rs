//! Feeds the metrics of a worker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::WorkEvent;
use crate::job::{Job, Source};
use crate::merge::{QueueCounts, SettledBatch};
use crate::monitor::{Answering, Monitor, QueueFigures};
use crate::runner::RunnerError;

/// The figures of a job's worker.
pub(super) fn of(job: &Job) -> Arc<QueueFigures> {
    let lease = match &job.input.source {
        Source::Queue(queue) => queue.lease,
        // It ends soon enough, saying so.
        _ => Duration::ZERO,
    };
    Arc::new(QueueFigures::new(&job.name, lease))
}

/// Answers at the address that the job names, if it does; and where that is.
pub(super) async fn begin_to_answer(
    job: &Job,
    figures: &Arc<QueueFigures>,
) -> Result<Option<(SocketAddr, Answering)>, RunnerError> {
    let Some(listen) = job.settings.listen else { return Ok(None) };
    let monitor = Monitor::bind(listen).await.map_err(|error| RunnerError::Usage(error.to_string()))?;
    Ok(Some((monitor.address(), monitor.begin(Arc::clone(figures)))))
}

/// Counts what a worker tells.
pub(super) fn count(figures: &QueueFigures, event: &WorkEvent<'_>) {
    match event {
        WorkEvent::Begun { counts, .. } | WorkEvent::Counts(counts) => stands(figures, counts),
        WorkEvent::Settled { batch, requests, took, .. } => {
            figures.requests.inc_by(*requests);
            figures.batch_seconds.observe(took.as_secs_f64());
            settled(figures, batch);
        }
        WorkEvent::Dropped { .. } | WorkEvent::Fenced { .. } => {
            figures.dropped.inc();
        }
        WorkEvent::Unreadable { .. } => {
            figures.failed_attempts.inc();
            figures.died.inc();
        }
        _ => {}
    }
}

fn settled(figures: &QueueFigures, batch: &SettledBatch) {
    let (resting, dead) = (batch.resting.len() as u64, batch.dead.len() as u64);
    figures.done.inc_by(batch.done);
    figures.failed_attempts.inc_by(resting + dead);
    figures.died.inc_by(dead);
    figures.freed.inc_by(batch.freed);
}

fn stands(figures: &QueueFigures, counts: &QueueCounts) {
    let of = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    figures.waiting.set(of(counts.waiting()));
    figures.claimed.set(of(counts.claimed));
    figures.resting.set(of(counts.resting));
    figures.dead.set(of(counts.dead));
    figures.oldest.set(counts.oldest.unwrap_or_default());
}
