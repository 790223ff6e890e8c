//! The commands that advice names: for one run, ready to be typed.

use super::super::words::{run_again, word_for};
use crate::handoff::{Plan, RunStore};
use crate::job::{Job, KeepAnswers};
use crate::runner::RunState;

/// How the commands name a run, and what can be done with it.
#[derive(Debug, Clone)]
pub struct Commands {
    /// The run as RUN.
    pub(super) run: String,
    /// Its job as JOB, with `--runs` where that is needed.
    pub(super) job: String,
    pub(super) state: Stage,
    /// Whether it was published or refused: `run` does not go on with it.
    pub(super) has_ended: bool,
    /// Which answers are there.
    pub(super) kept: KeepAnswers,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Every shard is complete: it can be retried.
    Whole,
    /// `run` goes on with it; `retry` refuses.
    Unfinished,
    /// Neither: another trial is started.
    Trial,
    /// What `check` asked, or read of what was kept: it is checked again.
    Check,
}

impl Commands {
    /// Those of a run and of the job that it was planned from.
    pub fn of(run: &RunStore, plan: &Plan, job: &Job, state: &RunState) -> Commands {
        let has_ended = state.outcome.is_some();
        let state = match state.is_whole() {
            _ if plan.trial => Stage::Trial,
            true => Stage::Whole,
            false => Stage::Unfinished,
        };
        Commands {
            run: word_for(run, plan),
            job: run_again(run, plan),
            state,
            has_ended,
            kept: job.settings.keep_answers,
        }
    }

    /// Those of a check: `job` is what it is typed with.
    pub fn of_check(job: String) -> Commands {
        Commands { run: String::new(), job, state: Stage::Check, has_ended: false, kept: KeepAnswers::All }
    }

    /// How far the run is.
    pub fn stage(&self) -> Stage {
        self.state
    }

    /// Goes on with an unfinished run.
    pub fn go_on(&self) -> String {
        format!("`windrow run {}`", self.job)
    }

    /// Publishes again, where only the table refused rows.
    pub(super) fn merge(&self) -> String {
        match self.state {
            Stage::Trial | Stage::Check => self.try_again(None),
            Stage::Whole | Stage::Unfinished => format!("`windrow merge {}`", self.run),
        }
    }

    /// What to do about what only waits.
    pub fn for_waiting(&self) -> String {
        match self.state {
            Stage::Trial | Stage::Check => {
                format!("a trial is not resumed: {} begins another", self.try_again(None))
            }
            Stage::Whole if self.has_ended => format!("`windrow retry {}` asks it", self.run),
            Stage::Whole | Stage::Unfinished => format!("{} goes on", self.go_on()),
        }
    }

    /// Asks again what failed so: `filter` is `--kind timeout`.
    pub(super) fn retry(&self, filter: &str, id: Option<&str>) -> String {
        self.later(format!("`windrow retry {} {filter}`", self.run), id)
    }

    /// Makes the columns anew of the answers that were kept, or asks anew where there are none.
    pub(super) fn extract(&self, id: Option<&str>) -> String {
        match self.kept {
            KeepAnswers::Failed | KeepAnswers::All => {
                self.later(format!("`windrow extract {}`", self.run), id)
            }
            KeepAnswers::None => self.anew(id),
        }
    }

    /// Makes all columns anew, whatever changed in them, where all answers were kept; or asks anew.
    pub(super) fn remake(&self, id: Option<&str>) -> String {
        match self.kept {
            KeepAnswers::All => self.extract(id),
            KeepAnswers::Failed | KeepAnswers::None => self.anew(id),
        }
    }

    /// Asks everything: what is changed makes another question.
    pub(super) fn anew(&self, id: Option<&str>) -> String {
        match self.state {
            Stage::Trial | Stage::Check => self.try_again(id),
            Stage::Whole | Stage::Unfinished => format!("`windrow run {}`", self.job),
        }
    }

    /// Shows the whole answers of what failed.
    pub(super) fn answers(&self) -> String {
        if self.state == Stage::Check {
            return "the answer above".to_owned();
        }
        format!("`windrow failures {} --answers`", self.run)
    }

    fn later(&self, command: String, id: Option<&str>) -> String {
        match self.state {
            Stage::Whole => command,
            Stage::Unfinished => format!("{} goes on, and afterwards {command}", self.go_on()),
            Stage::Trial | Stage::Check => self.try_again(id),
        }
    }

    fn try_again(&self, id: Option<&str>) -> String {
        if self.state == Stage::Check {
            return format!("`windrow check {}`", self.job);
        }
        match id.filter(|id| is_plain(id)) {
            Some(id) => format!("`windrow run {} --ids {id}`", self.job),
            None => format!("`windrow run {} --sample 10`", self.job),
        }
    }
}

/// Whether a word is the same to every shell, and one id to `--ids`.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && !id.starts_with('-')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}
