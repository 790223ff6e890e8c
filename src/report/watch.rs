//! A run that another process works, watched from here: what that one shows, by the lines that it appends to `pulse.jsonl`.

use std::time::Duration;

use super::progress::{Detail, Progress, Show};
use super::status;
use super::stdout::Form;
use crate::handoff::lock::run_is_locked;
use crate::handoff::{Phase, RunStore, last_pulse};
use crate::runner::RunnerError;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// Shows how a run goes until nobody works on it any more; then how it stands.
///
/// # Errors
/// The run cannot be read.
pub async fn watch(run: &RunStore, show: Show) -> Result<(), RunnerError> {
    let mut progress = Progress::new(show, Detail::Usual);
    let mut last = String::new();
    while run_is_locked(run.folder()) {
        if let Some(pulse) = last_pulse(run.folder())? {
            // Of a round that is over nothing moves: what follows is told at the end.
            if pulse.phase != Phase::Ended && pulse.at != last {
                progress.pulse(&pulse);
            }
            last = pulse.at;
        }
        tokio::time::sleep(LOOK).await;
    }
    progress.finish();
    status::one(run, Form::Text).await
}
