//! What `run` publishes when it pauses, where the job says `on_pause = "publish"`.

use tokio::sync::watch;

use super::merge::{Publication, unpublished};
use super::outcome::{Fetched, Part, Unfinished};
use super::rounds::told_to_stop;
use super::{LiveRun, Milestone, RunnerError, Watcher};
use crate::handoff::Exit;
use crate::handoff::store::now_micros;
use crate::job::{Job, OnPause};
use crate::merge::{MergeError, publish_partial};
use crate::os::Stop;

/// Whether a pause publishes what there is; a trial is not resumed.
pub(super) fn publishes(run: &LiveRun, job: &Job) -> bool {
    job.publish.on_pause == OnPause::Publish && !run.plan.trial
}

/// Publishes what there is; the run stays paused, unless a signal came meanwhile.
pub(super) async fn publish_so_far(
    Publication { run, job, to, mask }: Publication<'_>,
    fetched: Fetched,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Unfinished, RunnerError> {
    let error = match publish_partial(&run.store, job, to, now_micros(), told_to_stop(stop)).await {
        Ok(part) => return Ok(Unfinished { fetched, published: Part::SoFar(part) }),
        Err(MergeError::Interrupted) => {
            let fetched = Fetched::ended(Exit::Interrupted(stop.borrow().signal().unwrap_or_default()));
            return Ok(Unfinished { fetched, published: Part::NoMore });
        }
        Err(error) => unpublished(&error, mask),
    };
    if error.exit() == Exit::Refused {
        return Ok(Unfinished { fetched, published: Part::Refused(error.to_string()) });
    }
    watcher.reached(Milestone::PauseUnpublished {
        run,
        unfinished: &Unfinished { fetched, published: Part::NoMore },
    });
    Err(error)
}
