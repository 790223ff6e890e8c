//! How a run ended, or why it has not, as a value.

use super::LiveRun;
use crate::fetch::Mask;
use crate::handoff::lock::Lock;
use crate::handoff::{Exit, RunStore};
use crate::job::Job;
use crate::merge::{Published, PublishedPart, ResolvedDestination};
use crate::os::wait_until_read;

/// What came of working the shards of a round.
#[derive(Debug)]
pub struct Fetched {
    /// `Done` when every shard is committed.
    pub exit: Exit,
    /// Requests sent.
    pub requests: u64,
    /// When a quota renews that was found used up, in seconds since 1970.
    pub renews_at: Option<u64>,
    /// Which secrets were refused, and by whom.
    pub refused: Option<String>,
    /// Whether shards gave up since nobody answered, and others were committed: such a shard may find by now that other
    /// hosts of the job are there.
    pub(super) is_worth_another_look: bool,
}

impl Fetched {
    /// That it ended so, and nothing else.
    pub fn ended(exit: Exit) -> Fetched {
        Fetched { exit, requests: 0, renews_at: None, refused: None, is_worth_another_look: false }
    }
}

/// A run that is not whole.
#[derive(Debug)]
pub struct Unfinished {
    /// How fetching ended.
    pub fetched: Fetched,
    /// What of it is published.
    pub published: Part,
}

impl Unfinished {
    /// Of which nothing is published.
    pub(super) fn unpublished(fetched: Fetched) -> Unfinished {
        Unfinished { fetched, published: Part::Nothing }
    }
}

/// What is published of a run that is not whole.
#[derive(Debug)]
pub enum Part {
    /// Nothing: the job does not want it, or the run was interrupted.
    Nothing,
    /// What there is.
    SoFar(PublishedPart),
    /// Nothing besides what earlier pauses published.
    NoMore,
    /// The same, as the gate says why.
    Refused(String),
}

/// How a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// Whole, and in the table.
    Published(Box<Published>),
    /// Whole, and not published: what the gate said.
    Refused(String),
    /// Not whole; the next `run` continues it.
    Unfinished(Unfinished),
}

impl RunEnd {
    /// By this signal, before anything was published.
    pub(super) fn interrupted(signal: i32) -> RunEnd {
        RunEnd::Unfinished(Unfinished::unpublished(Fetched::ended(Exit::Interrupted(signal))))
    }
}

/// A run at its end, and what it takes to tell of it.
pub struct Ended {
    /// The run.
    pub run: LiveRun,
    /// The job by which it was published.
    pub job: Job,
    /// Where it is published.
    pub to: ResolvedDestination,
    /// Hides the job's secrets in what is shown.
    pub mask: Mask,
    /// How it ended.
    pub end: RunEnd,
    /// Whether a note says that nobody was told yet.
    pub(super) is_noted: bool,
    /// Nobody else works on the job as long as this is there.
    pub(super) _job_lock: Option<Lock>,
}

impl Ended {
    /// The exit code of a command that ends with it.
    pub fn exit(&self) -> Exit {
        match &self.end {
            RunEnd::Published(_) => Exit::Done,
            RunEnd::Refused(_) => Exit::Refused,
            RunEnd::Unfinished(unfinished) => unfinished.fetched.exit,
        }
    }

    /// Notes that somebody has been told. Until then the next command takes it that nobody was, and tells it again.
    pub fn told(&self) {
        if self.is_noted {
            told(&self.run.store);
        }
    }
}

/// Notes that somebody has been told what came of a run's publication, or that nothing can have come of it.
pub(super) fn told(run: &RunStore) {
    wait_until_read();
    // Where it cannot be noted, the next command tells it once more.
    let _ = run.end_publishing();
}
