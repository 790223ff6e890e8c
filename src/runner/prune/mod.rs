//! Removing the runs of a job that nobody needs any more.

mod rule;
mod sweep;

use std::path::Path;

pub use self::rule::Rule;
pub use self::sweep::{Gone, Swept, sweep, would_go};

use super::{Ended, RunEnd, Watcher};

/// At the end of a run: what the job's `keep_runs` lets go; `None` where it says nothing, or the run is not over. Whatever
/// comes of it is not the run's affair.
pub async fn after_run(ended: &Ended, root: &Path, watcher: &mut dyn Watcher) -> Option<Swept> {
    let is_over = !matches!(ended.end, RunEnd::Unfinished(_)) && !ended.run.plan.trial;
    let older_than = ended.job.settings.keep_runs.filter(|_| is_over)?;
    let rule = Rule { older_than, keep: 0, unfinished: false };
    Some(sweep(root, &ended.job.name, &rule, watcher).await)
}
