//! What `run` publishes when it pauses, where the job says `when = "each_pause"`.

use tokio::sync::watch;

use super::live::LiveRun;
use super::merge::{told_to_stop, unpublished};
use super::round::Fetched;
use super::{CliError, summary};
use crate::fetch::Mask;
use crate::handoff::Exit;
use crate::handoff::store::now_micros;
use crate::job::{Job, PublishWhen};
use crate::merge::{MergeError, Place, PublishedPart, publish_partial};
use crate::os::Stop;
use crate::report::{count, counted};
use crate::secrets::Secrets;

/// Whether a pause publishes what there is; a trial is not resumed.
pub(super) fn publishes(run: &LiveRun, job: &Job) -> bool {
    job.publish.when == PublishWhen::EachPause && !run.plan.trial
}

/// Publishes what there is and says so; the run stays paused, unless a signal came meanwhile.
pub(super) async fn publish_so_far(
    run: &LiveRun,
    job: &Job,
    secrets: &Secrets,
    fetched: &Fetched,
    stop: &watch::Receiver<Stop>,
) -> Result<Exit, CliError> {
    let to = Place::of(&run.store, &run.plan, job, secrets)?;
    match publish_partial(&run.store, job, &to, now_micros(), told_to_stop(stop)).await {
        Ok(part) => {
            summary::unfinished_with(run, fetched, &so_far(&part));
            summary::say_warnings(&job.name, &part.warnings);
            Ok(Exit::Paused)
        }
        Err(MergeError::Interrupted) => {
            let exit = Exit::Interrupted(stop.borrow().signal().unwrap_or_default());
            summary::unfinished_with(run, &Fetched::ended(exit), NOTHING_MORE);
            Ok(exit)
        }
        Err(error) => {
            summary::unfinished_with(run, fetched, NOTHING_MORE);
            let error = unpublished(&error, &Mask::of(&job.endpoints, secrets));
            if error.exit() != Exit::Refused {
                return Err(error);
            }
            tell!("{}: {error}", job.name);
            Ok(Exit::Paused)
        }
    }
}

const NOTHING_MORE: &str = "nothing more is published";

fn so_far(part: &PublishedPart) -> String {
    let all = counted(part.so_far, "row");
    match part.rows {
        _ if part.so_far == 0 => "nothing is published yet".to_owned(),
        0 => format!("published {all} so far, none of them now"),
        rows if rows == part.so_far => format!("published {all} so far"),
        rows => format!("published {all} so far, {} of them now", count(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_told_with_what_is_new() {
        let told = |rows, so_far| {
            super::so_far(&PublishedPart { rows, replaced: 0, so_far, total: Some(0), warnings: vec![] })
        };
        assert_eq!(told(0, 0), "nothing is published yet");
        assert_eq!(told(1, 1), "published 1 row so far");
        assert_eq!(told(0, 7), "published 7 rows so far, none of them now");
        assert_eq!(told(1200, 2300), "published 2,300 rows so far, 1,200 of them now");
    }
}
