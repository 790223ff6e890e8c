//! The runs that were removed.

use super::numbers::{age, counted, size};
use super::stdout;
use crate::handoff::Exit;
use crate::job::Job;
use crate::os::tell;
use crate::runner::{Gone, RunnerError, Swept};

/// Shows what went of some jobs, or in a `dry_run` would go; the exit code that stands for it.
pub fn removed(all: &[(String, Swept)], dry_run: bool) -> Result<Exit, RunnerError> {
    let mut lines = vec![["JOB", "RUN", "STATE", "AGE", "SIZE", ""].map(str::to_owned).to_vec()];
    lines.extend(all.iter().flat_map(|(job, swept)| swept.gone.iter().map(|gone| line(job, gone))));
    if lines.len() > 1 {
        let shown = stdout::write(|out| stdout::columns(out, &lines));
        // The runs are gone, even where this table cannot be written.
        if dry_run {
            shown?;
        }
    }
    let gone: Vec<&Gone> = all.iter().flat_map(|(_, swept)| &swept.gone).collect();
    let sum = format!("{}, {}", counted(gone.len() as u64, "run"), size(bytes(gone.iter().copied())));
    match (gone.len(), dry_run) {
        (0, _) => tell!("nothing to remove"),
        (_, true) => tell!("{sum} would be removed (--dry-run)"),
        (_, false) => tell!("removed {sum}"),
    }
    let mut failures = all.iter().flat_map(|(_, swept)| &swept.failures).peekable();
    let exit = if failures.peek().is_some() { Exit::Disk } else { Exit::Done };
    failures.for_each(|error| tell!("windrow: {error}"));
    Ok(exit)
}

fn line(job: &str, gone: &Gone) -> Vec<String> {
    let trial = if gone.known.trial { "trial" } else { "" };
    let cells = [job, &gone.known.run, gone.state, &age(gone.known.age), &size(gone.bytes), trial];
    cells.map(str::to_owned).to_vec()
}

fn bytes<'a>(gone: impl Iterator<Item = &'a Gone>) -> u64 {
    gone.map(|gone| gone.bytes).sum()
}

/// Shows what went at the end of a run; nothing where nothing did.
pub fn removed_after(job: &Job, swept: &Swept) {
    let (name, older_than) = (&job.name, job.settings.keep_runs.unwrap_or_default());
    if !swept.gone.is_empty() {
        tell!(
            "{name}: removed {} older than {}, {}",
            counted(swept.gone.len() as u64, "run"),
            humantime::format_duration(older_than),
            size(bytes(swept.gone.iter())),
        );
    }
    for error in &swept.failures {
        tell!("{name}: an old run is still there: {error}");
    }
}
