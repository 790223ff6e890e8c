//! What a run tells on its way.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::{LiveRun, RunnerError, Subject, Unfinished};
use crate::handoff::{Plan, Pulse, Round};
use crate::job::Job;
use crate::merge::Published;
use crate::plan::price::Price;
use crate::supervisor::Observer;

/// Something that a run has come to. How it ends is no milestone but a value, [`Ended`](super::Ended).
pub enum Milestone<'a> {
    /// A folder between the runs of a job is none, and nothing in it says that windrow made it: it stays.
    NoRun {
        /// The folder.
        folder: &'a Path,
    },
    /// A run that might go, stays.
    RunStays {
        /// The run.
        folder: &'a Path,
        /// What keeps it.
        why: String,
    },
    /// The environment names a proxy, and the job says nothing of one: what to say of it.
    ProxyUnused(String),
    /// The run that all that follows is about, which this process holds. Told as soon as it is known.
    Opened(&'a LiveRun),
    /// The job that it is worked or published by.
    WorkedBy(&'a Job),
    /// It is checked that nothing of the run is missing.
    Proving,
    /// The rows are being written.
    Loading {
        /// Records that are complete; a row each where none is made of several.
        records: u64,
        /// Rows that were sent so far, where they go to a server.
        sent: &'static AtomicU64,
    },
    /// It is published, or that failed.
    PublishingEnded,
    /// The unfinished run is continued.
    Resumed(&'a LiveRun),
    /// The run goes on by the job file as it is now, which makes columns otherwise.
    TakenUp {
        /// The run.
        run: &'a LiveRun,
        /// What differs, in clauses.
        changes: &'a [String],
    },
    /// The unfinished run stays as it is, and another one begins.
    LeftBehind {
        /// The unfinished one.
        run: &'a LiveRun,
        /// What it cannot be continued for.
        why: &'a str,
    },
    /// The job's table is there, and is to gain columns.
    NewColumns {
        /// The job.
        job: &'a Job,
        /// Their names.
        columns: &'a [String],
    },
    /// A new run is planned.
    Planned {
        /// The run.
        run: &'a LiveRun,
        /// Its job.
        job: &'a Job,
        /// Its shards.
        shards: u64,
        /// What it will cost.
        price: &'a Price,
    },
    /// A new run reads the answers of an earlier one.
    Extracting {
        /// The new run.
        run: &'a LiveRun,
        /// The earlier one.
        then: &'a Plan,
    },
    /// A round begins that asks again.
    RoundBegun {
        /// The job.
        job: &'a str,
        /// The round.
        round: &'a Round,
        /// Which requests are asked again.
        again: Again,
    },
    /// A round of the person's own is continued, whatever is chosen now.
    RoundResumed {
        /// The job.
        job: &'a str,
        /// The round's number.
        number: u32,
    },
    /// Children begin to work a round.
    FetchingBegun {
        /// The run.
        run: &'a LiveRun,
        /// The round.
        subject: &'a Subject,
        /// The job and what is left of the round costs, where limits say how long that takes.
        limited: Option<(&'a Job, &'a Price)>,
    },
    /// No child works any more.
    FetchingEnded,
    /// A quota is used up, and the person waits for the next.
    Waiting {
        /// The run.
        run: &'a LiveRun,
        /// How it stands.
        unfinished: &'a Unfinished,
    },
    /// Fetching has paused, and what there is could not be published.
    PauseUnpublished {
        /// The run.
        run: &'a LiveRun,
        /// How it stands.
        unfinished: &'a Unfinished,
    },
    /// An earlier run is published, though its command ended before it could say so.
    FoundPublished {
        /// Its plan.
        plan: &'a Plan,
        /// What was published.
        published: &'a Published,
        /// How long ago.
        age: Duration,
    },
    /// What an earlier publication warned of, which nobody was told.
    FoundWarnings {
        /// Its job.
        job: &'a str,
        /// The warnings.
        warnings: &'a [String],
    },
    /// An earlier run that is found published stands for the one that is asked for.
    StandsForThis(&'a Job),
    /// It could not be found out whether an earlier run is published.
    PublicationUnknown {
        /// Its job.
        job: &'a str,
        /// The run.
        folder: &'a Path,
        /// Why.
        error: &'a RunnerError,
    },
    /// The job's statements are for another kind of destination, and left out.
    StatementsLeftOut(&'a Job),
}

/// Which requests a round asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Those that a quota, a signal or a host that was down left over.
    Waiting,
    /// Those that failed and may succeed.
    Failed,
    /// Those that the person chose.
    Chosen,
    /// None: what could not be made of an answer is made of the one that was kept.
    Kept,
}

/// Who is told how a run goes.
pub trait Watcher: Observer {
    /// The run has come to this.
    fn reached(&mut self, milestone: Milestone<'_>);

    /// Fetching goes like this, a few times a second.
    fn pulse(&mut self, _pulse: &Pulse) {}
}
