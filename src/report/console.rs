//! What a run tells on its way, in lines for a person.

use std::sync::atomic::Ordering;

use super::numbers::{age, counted};
use super::price;
use super::progress::{self, Detail, LOADING, PROVING, Progress, Show, Step};
use super::{filled_table, summary};
use crate::handoff::{Event, Pulse, Shard};
use crate::job::Job;
use crate::os::{Stop, asked_to_tell, shown_path, tell};
use crate::plan::price::Price;
use crate::runner::{Again, LiveRun, Milestone, Watcher};
use crate::supervisor::{Notice, Observer};

/// Tells a person how a run goes, on standard error.
#[derive(Default)]
pub struct Console {
    show: Show,
    detail: Detail,
    /// The round that is being worked.
    progress: Option<Progress>,
    /// What is done after it.
    step: Option<Step>,
    /// How to go on with it.
    goes_on: String,
}

impl Console {
    /// Shows progress so, and tells so much.
    pub fn new(show: Show, detail: Detail) -> Console {
        Console { show, detail, ..Console::default() }
    }
}

impl Observer for Console {
    fn event(&mut self, shard: u32, event: &Event) {
        if let Some(progress) = &mut self.progress {
            progress.event(shard, event);
        }
    }

    fn notice(&mut self, shard: u32, notice: &Notice) {
        if let Some(progress) = &mut self.progress {
            progress.notice(shard, notice);
        }
    }

    fn stopping(&mut self, stop: Stop) {
        if let (Some(progress), Stop::Drain(_)) = (&mut self.progress, stop) {
            progress.say(&format!(
                "stopping: what is in flight is finished, and kept; another signal stops at once\nhint: {}",
                self.goes_on
            ));
        }
    }
}

impl Watcher for Console {
    fn reached(&mut self, milestone: Milestone<'_>) {
        match milestone {
            Milestone::FetchingBegun { run, .. } => {
                self.goes_on = summary::goes_on(run);
                self.progress = Some(Progress::new(self.show, self.detail));
            }
            Milestone::FetchingEnded => {
                if let Some(mut progress) = self.progress.take() {
                    progress.finish();
                }
            }
            Milestone::Proving => self.step = Some(Step::begin(self.show, || PROVING.to_owned())),
            Milestone::Loading { records, sent } => {
                // The one before is over first.
                self.step = None;
                self.step =
                    Some(Step::begin(self.show, move || loading(records, sent.load(Ordering::Relaxed))));
            }
            Milestone::PublishingEnded => self.step = None,
            Milestone::Waiting { run, unfinished } => {
                summary::unfinished(run, unfinished);
                tell!("{}: waiting for it", run.plan.job);
            }
            Milestone::PauseUnpublished { run, unfinished } => summary::unfinished(run, unfinished),
            Milestone::FoundWarnings { job, warnings } => summary::warnings(job, warnings),
            line if self.detail == Detail::Little && !wants_attention(&line) => {}
            line => in_words(&line).into_iter().for_each(tell),
        }
    }

    fn pulse(&mut self, pulse: &Pulse) {
        if self.show == Show::Json && self.progress.is_none() {
            progress::json(pulse);
        }
        if let Some(progress) = &mut self.progress {
            progress.pulse(pulse);
            if asked_to_tell() {
                progress.tell_once();
            }
        }
    }
}

/// What is loaded, and how far that is, where it is known.
fn loading(records: u64, sent: u64) -> String {
    match sent {
        0 => format!("{LOADING} of {}", counted(records, "record")),
        sent => format!("{LOADING} of {}: {} sent", counted(records, "record"), counted(sent, "row")),
    }
}

/// Whether it is told even where little is.
fn wants_attention(milestone: &Milestone<'_>) -> bool {
    matches!(
        milestone,
        Milestone::NoRun { .. }
            | Milestone::RunStays { .. }
            | Milestone::ProxyUnused(_)
            | Milestone::LeftBehind { .. }
            | Milestone::FoundPublished { .. }
            | Milestone::PublicationUnknown { .. }
            | Milestone::StatementsLeftOut(_)
    )
}

/// A milestone in a line, and a hint in another; `None` where it is more than that.
fn in_words(milestone: &Milestone<'_>) -> Option<String> {
    Some(match milestone {
        Milestone::NoRun { folder } => format!(
            "windrow: {} is no run, and nothing in it says that windrow made it: it stays (an earlier version that was \
             killed may have left it)",
            shown_path(folder)
        ),
        Milestone::RunStays { folder, why } => format!("windrow: run {} stays: {why}", shown_path(folder)),
        Milestone::ProxyUnused(text) => format!("windrow: {text}"),
        Milestone::Resumed(run) => format!("{}: continuing run {}", run.plan.job, run.plan.run),
        Milestone::TakenUp { run, changes } => {
            format!(
                "{}: run {} goes on with the job as it is now: {}",
                run.plan.job,
                run.plan.run,
                changes.join(", ")
            )
        }
        Milestone::LeftBehind { run, why } => {
            format!("{}: run {} stays unfinished: {why}; starting a new run", run.plan.job, run.plan.run)
        }
        Milestone::NewColumns { job, columns } => {
            format!("{}: table {}", job.name, filled_table(job, columns))
        }
        Milestone::Planned { run, job, shards, price } => planned(run, job, *shards, price),
        Milestone::Extracting { run, then } => format!(
            "{}: {}, the answers of run {}, no request, run {}",
            run.plan.job,
            counted(run.plan.records, "record"),
            then.run,
            shown_path(run.store.folder()),
        ),
        Milestone::RoundBegun { job, round, again } => {
            let pairs: u64 = round.shards.iter().map(|shard| shard.pairs).sum();
            if *again == Again::Kept {
                let records = counted(round.shards.iter().map(Shard::records).sum(), "record");
                let what = format!("the columns of {records} anew from kept answers, no request");
                return Some(format!("{job}: round {}: making {what}", round.number));
            }
            let more = if *again == Again::Waiting { "" } else { " again" };
            format!("{job}: round {}: asking {}{more}", round.number, counted(pairs, requests(*again)))
        }
        Milestone::RoundResumed { job, number } => {
            format!("{job}: continuing round {number}, as it was chosen")
        }
        Milestone::FoundPublished { plan, published, age: ago } => format!(
            "{}: run {} published {} {} ago, but its command ended before it could say so",
            plan.job,
            plan.run,
            counted(published.rows, "row"),
            age(*ago),
        ),
        Milestone::StandsForThis(job) => format!(
            "{}: nothing is fetched now\nhint: `windrow run {} --new` starts a new run",
            job.name,
            shown_path(&job.path)
        ),
        Milestone::PublicationUnknown { job, folder, error } => {
            format!("{job}: it is not known whether run {} is published: {error}", shown_path(folder))
        }
        Milestone::StatementsLeftOut(job) => format!(
            "{}: [[publish.before]] and [[publish.after]] are for another kind of destination, and left out",
            job.name
        ),
        Milestone::Opened(_)
        | Milestone::WorkedBy(_)
        | Milestone::Proving
        | Milestone::Loading { .. }
        | Milestone::PublishingEnded
        | Milestone::FetchingBegun { .. }
        | Milestone::FetchingEnded
        | Milestone::Waiting { .. }
        | Milestone::PauseUnpublished { .. }
        | Milestone::FoundWarnings { .. } => return None,
    })
}

/// What was planned, and what it will cost.
fn planned(run: &LiveRun, job: &Job, shards: u64, price: &Price) -> String {
    let left_out = match run.plan.left_out {
        0 => String::new(),
        left_out => format!(" ({} left out)", counted(left_out, "repeated id")),
    };
    format!(
        "{}: {}{left_out}, {}, {}, {}run {}",
        run.plan.job,
        counted(run.plan.records, "record"),
        counted(price.requests, "request"),
        counted(shards, "shard"),
        price::in_short(job, price),
        shown_path(run.store.folder()),
    )
}

/// The noun for requests that are asked again.
pub(super) fn requests(again: Again) -> &'static str {
    match again {
        Again::Waiting => "waiting request",
        Again::Failed => "failed request",
        Again::Chosen | Again::Kept => "request",
    }
}
