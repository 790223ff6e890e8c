//! `[notify]`: the summary of a command is posted, or given to a program, when everything else is told.
//!
//! Promises: it takes [`WITHIN`] at the most, whatever the other side does; a program that outlives it is killed with all that
//! it started; what fails is an error in one line, which changes nothing of how the command ends.

use std::time::Duration;

use tokio::sync::watch;

use super::rounds::told_to_stop;
use crate::fetch::{PostTo, post_json};
use crate::handoff::Summary;
use crate::job::{Job, Notify, NotifyTo};
use crate::os::{Stop, feed_program};
use crate::secrets::Secrets;

/// How long telling may take, all attempts together.
const WITHIN: Duration = Duration::from_secs(10);

/// The same of the attempts to post, so that the last of them says what was wrong.
const POSTED_WITHIN: Duration = Duration::from_millis(9_500);

/// Tells whom the job names, if it names anybody and wants this end told; a trial is told to nobody, since a person is there.
/// A signal that comes meanwhile ends it.
///
/// # Errors
/// Why it could not be told, in one line.
pub async fn notify(
    job: &Job,
    summary: &Summary,
    secrets: &Secrets,
    stop: &watch::Receiver<Stop>,
) -> Result<(), String> {
    let Some(notify) = job.notify.as_ref().filter(|notify| notify.on.contains(&summary.state)) else {
        return Ok(());
    };
    if summary.trial {
        return Ok(());
    }
    // One that came before has ended the work; the next one ends this process.
    let was_stopped = stop.borrow().is_set();
    let interrupted =
        async { if was_stopped { std::future::pending().await } else { told_to_stop(stop).await } };
    let told = tokio::select! {
        told = tokio::time::timeout(WITHIN, deliver(notify, job, summary, secrets)) => {
            told.unwrap_or_else(|_| Err(format!("no end within {} s", WITHIN.as_secs())))
        }
        () = interrupted => Err("interrupted".to_owned()),
    };
    told.map_err(|why| match &notify.to {
        NotifyTo::Url { .. } => why,
        NotifyTo::Command(command) => format!("{}: {why}", command.first().map_or("", String::as_str)),
    })
}

async fn deliver(notify: &Notify, job: &Job, summary: &Summary, secrets: &Secrets) -> Result<(), String> {
    match &notify.to {
        NotifyTo::Url { url, network } => {
            let value = |name: &str| match name {
                "exit" => summary.exit.to_string(),
                _ => summary.state.to_string(),
            };
            let to = PostTo { url, network, within: POSTED_WITHIN };
            post_json(to, value, summary.to_json(), secrets).await
        }
        NotifyTo::Command(command) => feed_program(command, &job.folder, summary.to_json()).await,
    }
}
