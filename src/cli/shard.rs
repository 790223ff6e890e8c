//! `windrow shard RUN N`: the heart. The supervisor starts it, a person types it, a cluster calls it.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use clap::Args;

use super::{OutputArgs, RunsArgs, find};
use crate::handoff::accepted::SecretsAccepted;
use crate::handoff::{Event, Exit, Plan, Shard};
use crate::os::{Slot, Stop, die_with_parent, end, give_up_privileges, stop_on_signals, tell};
use crate::record::Ordinal;
use crate::report::{Progress, paused, word_for};
use crate::runner::{Course, PlannedShard, RunnerError, Subject, cores, secrets};
use crate::worker::{self, ShardEnd, ShardOptions};

#[derive(Debug, Args)]
pub(super) struct ShardArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// The shard's number
    shard: u32,
    /// Requests in flight at once [default: the job's in_flight divided by the cores]
    #[arg(long, value_name = "N")]
    in_flight: Option<usize>,
    /// Send at most this many requests, then pause
    #[arg(long, value_name = "N")]
    max_requests: Option<u64>,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    /// Leave out a record that ends its process, as ORDINAL:ENDPOINT
    #[arg(long, value_name = "ORDINAL:ENDPOINT")]
    crashed: Vec<CrashedPair>,
    /// What fails has failed, even where nobody is there to answer
    #[arg(long, hide = true)]
    settle: bool,
    /// Where the command's processes note whether the secrets are accepted
    #[arg(long, hide = true, value_name = "FILE")]
    secrets_accepted: Option<PathBuf>,
    /// Process id of the supervisor
    #[arg(long, hide = true)]
    supervised_by: Option<i32>,
}

/// A record and an endpoint that ended their process.
#[derive(Debug, Clone)]
struct CrashedPair(Ordinal, String);

impl FromStr for CrashedPair {
    type Err = String;

    fn from_str(word: &str) -> Result<CrashedPair, String> {
        let parts = word.split_once(':').and_then(|(ordinal, name)| Some((ordinal.parse().ok()?, name)));
        let (ordinal, name) = parts.ok_or("write it as ORDINAL:ENDPOINT, such as 12:omdb")?;
        Ok(CrashedPair(ordinal, name.to_owned()))
    }
}

pub(super) async fn run(args: ShardArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    // Here strangers' answers are read.
    give_up_privileges();
    let slot = match args.supervised_by {
        None => Slot::own(),
        Some(parent) => {
            die_with_parent(parent).map_err(|error| RunnerError::Usage(error.to_string()))?;
            Slot::inherited()?
        }
    };
    let supervised = args.supervised_by.is_some();
    let ended = fetch(args, runs, slot).await;
    if supervised {
        let text = match &ended {
            Ok((_, text)) => text.clone(),
            Err(error) => error.to_string(),
        };
        send(&Event::Ended { text });
        return Ok(ended.map_or_else(|error| error.exit(), |(exit, _)| exit));
    }
    let (exit, text) = ended?;
    if !text.is_empty() {
        tell!("{text}");
    }
    Ok(exit)
}

/// Fetches the shard; returns how it ended, in a code and in words.
async fn fetch(args: ShardArgs, runs: &RunsArgs, slot: Slot) -> Result<(Exit, String), RunnerError> {
    let run = find::open_run(&args.run, runs).await?;
    let plan = run.plan().await?;
    let run = run.as_planned(&plan);
    let PlannedShard { round, shard, job, replay } = PlannedShard::find(&run, &plan, args.shard).await?;
    let options = ShardOptions {
        round,
        settles: args.settle,
        in_flight: args.in_flight.unwrap_or_else(|| share_of(job.settings.in_flight)),
        max_requests: args.max_requests,
        crashed: args.crashed.into_iter().map(|CrashedPair(ordinal, name)| (ordinal, name)).collect(),
        slot,
        secrets: secrets(args.env_file.as_deref())?,
        secrets_accepted: secrets_accepted(
            args.secrets_accepted.as_deref(),
            args.supervised_by.is_none() && round == 0,
        ),
        on_request: None,
        on_answer: None,
        replay,
    };
    let stop = stop_on_signals()?;
    end_at_second_signal(stop.clone());
    let by_hand = args.supervised_by.is_none().then_some(&args.output);
    let emit = emitter(&plan, round, &shard, by_hand);
    let end = worker::fetch_shard(&run, &plan, &job, &shard, options, emit, stop.clone()).await?;
    let signal = stop.borrow().signal();
    Ok(said(&word_for(&run, &plan), &shard, end, signal))
}

/// What the processes that share the file know of the secrets; of a shard typed `by_hand` what this one does.
fn secrets_accepted(file: Option<&Path>, by_hand: bool) -> Option<SecretsAccepted> {
    match file {
        // Where it cannot be shared, what this process sees is better than nothing.
        Some(file) => Some(SecretsAccepted::open(file).unwrap_or_else(|_| SecretsAccepted::own())),
        None => by_hand.then(SecretsAccepted::own),
    }
}

/// One core's share of the requests in flight.
fn share_of(in_flight: u32) -> usize {
    (in_flight as usize / cores()).max(1)
}

/// Where progress goes: to the supervisor as JSON lines, or to the person who typed the command.
fn emitter(plan: &Plan, round: u32, shard: &Shard, by_hand: Option<&OutputArgs>) -> Box<dyn Fn(Event)> {
    let Some(output) = by_hand else { return Box::new(|event| send(&event)) };
    let number = shard.number;
    let (job, run) = (format!("{}   shard {number}", plan.job), plan.run.clone());
    let subject = Subject { job, run, round, shards: 1, pairs: shard.pairs, ..Subject::default() };
    let shown = (Course::begin(subject, None), Progress::new(output.show(), output.detail()));
    let shown = std::cell::RefCell::new(shown);
    Box::new(move |event| {
        let (course, progress) = &mut *shown.borrow_mut();
        progress.event(number, &event);
        if course.event(number, &event, Instant::now()) {
            progress.pulse(&course.pulse(Instant::now()));
        }
    })
}

/// Tells the supervisor. If it is gone, so is this process, at once.
fn send(event: &Event) {
    use std::io::Write;
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

/// Ends this process at the second signal.
fn end_at_second_signal(mut stop: tokio::sync::watch::Receiver<Stop>) {
    tokio::spawn(async move {
        if let Ok(stop) = stop.wait_for(|stop| stop.is_now()).await {
            let exit = Exit::Interrupted(stop.signal().unwrap_or_default());
            end(exit.code().into());
        }
    });
}

fn said(run: &str, shard: &Shard, end: ShardEnd, signal: Option<i32>) -> (Exit, String) {
    let number = shard.number;
    match end {
        ShardEnd::Committed => (Exit::Done, String::new()),
        ShardEnd::Interrupted => (Exit::Interrupted(signal.unwrap_or(2)), "interrupted".to_owned()),
        ShardEnd::Paused(renews_at) => (Exit::Paused, paused(renews_at)),
        ShardEnd::Refused(text) => (
            Exit::Usage,
            format!(
                "{text}; what was committed is kept\n\
                 hint: set the secret right, then run `windrow shard {run} {number}`, or the whole again",
            ),
        ),
        ShardEnd::GaveUp(example) => (
            Exit::TryAgain,
            format!(
                "nothing succeeds ({example}); what was committed is kept\n\
                 hint: when the server is back, run `windrow shard {run} {number}`, or the whole again",
            ),
        ),
    }
}
