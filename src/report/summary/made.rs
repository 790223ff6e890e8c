//! The summary of a command, from what was seen of it, how it ended, and the files of its run.
//!
//! | it ended | exit | state |
//! |---|---|---|
//! | published | 0 | published |
//! | a round of `retry` or `extract` is whole | 0 | fetched |
//! | `retry` found nothing to ask | 0 | as the run stands |
//! | the gate refused | 1 | refused |
//! | a quota or `--max-requests` is used up | 7 | paused |
//! | a signal | 129, 130, 143 | interrupted |
//! | not every shard is complete | 75 | unfinished |
//! | anything else | 2, 3, 4, 5, 6, 75 | failed |

use jiff::Timestamp;

use super::figures::{Figures, rounded};
use super::witness::Witness;
use crate::fetch::Mask;
use crate::handoff::summary::{
    DestinationOfSummary, HeldFor, LatencyOfSummary, PathsOfSummary, Phases, RequestsOfSummary, RowsOfSummary,
};
use crate::handoff::{Exit, Held, Hold, StateOfRun, Summary};
use crate::job::{Job, Mode};
use crate::merge::{Published, PublishedPart, ResolvedDestination};
use crate::os::tell;
use crate::report::{holds, paused};
use crate::runner::{
    AskedAgain, Ended, Fetched, LiveRun, Part, RunEnd, RunnerError, Totals, Unfinished, mask,
};
use crate::secrets::Secrets;

/// Characters of a reason.
const LONGEST_REASON: usize = 2_000;

/// How a command ended.
#[derive(Clone, Copy)]
pub enum EndOfCommand<'a> {
    /// A run, or a merge.
    Ended(&'a Ended),
    /// A round that a person chose.
    AskedAgain(&'a AskedAgain),
    /// Before its time.
    Failed(&'a RunnerError),
}

impl EndOfCommand<'_> {
    /// The exit code.
    pub fn exit(self) -> Exit {
        match self {
            EndOfCommand::Ended(ended) => ended.exit(),
            EndOfCommand::AskedAgain(asked) => asked.fetched.exit,
            EndOfCommand::Failed(error) => error.exit(),
        }
    }

    /// The job, where it knows it.
    pub fn job(&self) -> Option<&Job> {
        match self {
            EndOfCommand::Ended(ended) => Some(&ended.job),
            EndOfCommand::AskedAgain(_) | EndOfCommand::Failed(_) => None,
        }
    }

    /// The run that it holds.
    fn run(self) -> Option<LiveRun> {
        match self {
            EndOfCommand::Ended(ended) => Some(ended.run.clone()),
            EndOfCommand::AskedAgain(asked) => Some(asked.run.clone()),
            EndOfCommand::Failed(_) => None,
        }
    }
}

/// The summary of a command that has ended, noted in the run that it holds.
pub async fn noted_summary(witness: &Witness, end: EndOfCommand<'_>, secrets: &Secrets) -> Summary {
    let run = end.run().or_else(|| witness.run.clone());
    let summary = summary_of(witness, end, run.as_ref(), secrets).await;
    if let Some(run) = run.filter(LiveRun::is_held)
        && let Err(error) = run.store.put_summary(&summary).await
    {
        tell!("{}: the run's summary.json cannot be written: {error}", run.plan.job);
    }
    summary
}

async fn summary_of(
    witness: &Witness,
    end: EndOfCommand<'_>,
    run: Option<&LiveRun>,
    secrets: &Secrets,
) -> Summary {
    let job = end.job().or(witness.job());
    let mask = job.map(|job| mask(job, secrets)).unwrap_or_default();
    let mut summary = Summary::of_command(witness.command, state(end, run).await, end.exit().code());
    note_time(&mut summary, witness);
    summary.trial = witness.is_trial || run.is_some_and(|run| run.plan.trial);
    (summary.reason, summary.hint) = why(end, summary.state == StateOfRun::Published, &mask);
    summary.waits_until = fetched(end).and_then(|fetched| fetched.renews_at).and_then(second_in_words);
    summary.job = run.map(|run| run.plan.job.clone()).or_else(|| job.map(|job| job.name.clone()));
    summary.destination = destination(end, run, job, secrets);
    summary.rows = rows(end);
    summary.warnings = warnings(end, &mask);
    summary.holds = held(witness.totals());
    let job_path = run.map(|run| &run.plan.job_path).or_else(|| job.map(|job| &job.path));
    let run_path = run.map(|run| run.store.folder().display().to_string());
    summary.paths = PathsOfSummary { run: run_path, job: job_path.map(|path| path.display().to_string()) };
    if let Some(run) = run {
        note_run(&mut summary, run, job, &mask, witness.totals()).await;
    }
    summary
}

fn note_time(summary: &mut Summary, witness: &Witness) {
    let Phases { planning, fetching, proving, loading } = witness.phases().clone();
    summary.started_at = format!("{:.3}", witness.began_at());
    summary.ended_at = format!("{:.3}", Timestamp::now());
    summary.seconds = rounded(witness.took().as_secs_f64());
    let [planning, fetching, proving, loading] =
        [planning, fetching, proving, loading].map(|time| time.map(rounded));
    summary.phases = Phases { planning, fetching, proving, loading };
}

/// What the run's files say; where they cannot be read, why.
async fn note_run(summary: &mut Summary, run: &LiveRun, job: Option<&Job>, mask: &Mask, totals: &Totals) {
    summary.run = Some(run.plan.run.clone());
    summary.records = Some(run.plan.records);
    let is_whole = matches!(summary.state, StateOfRun::Published | StateOfRun::Refused | StateOfRun::Fetched);
    match Figures::read(run, job, is_whole, mask).await {
        Ok(figures) => {
            summary.endpoints = Some(figures.endpoints);
            summary.failures = Some(figures.failures);
            summary.null_columns = figures.null_columns;
            summary.requests = Some(with_totals(figures.requests, totals));
        }
        Err(error) => {
            let why = in_a_line(&error.to_string(), mask).0;
            summary.warnings.push(format!("the run's figures cannot be read: {why}"));
        }
    }
}

/// What the command itself saw of its requests.
fn with_totals(requests: RequestsOfSummary, totals: &Totals) -> RequestsOfSummary {
    let within = |part| totals.latencies.within(part).map(rounded);
    let seen = within(0.5).zip(within(0.95)).map(|(p50, p95)| LatencyOfSummary { p50, p95 });
    let per_second =
        (totals.sent > 0 && totals.seconds > 0.0).then(|| rounded(totals.sent as f64 / totals.seconds));
    RequestsOfSummary { per_second, latency: seen.or(requests.latency), ..requests }
}

/// What kept it from asking faster, the longest first.
fn held(totals: &Totals) -> Vec<HeldFor> {
    let held = |held: &Held| HeldFor {
        by: match held.hold {
            Hold::Down { .. } => "down",
            Hold::Pause { .. } => "pause",
            Hold::Quota { .. } => "quota",
            Hold::Token { .. } => "token",
            Hold::Limit { .. } => "limit",
            Hold::BackOff { .. } => "back_off",
            Hold::Cpu => "cpu",
            Hold::Server { .. } => "server",
            Hold::InFlight { .. } => "in_flight",
        }
        .to_owned(),
        text: holds::past(held),
        times: held.times,
        seconds: rounded(held.seconds),
    };
    let mut all: Vec<HeldFor> = totals.holds.iter().map(held).collect();
    all.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    all
}

async fn state(end: EndOfCommand<'_>, run: Option<&LiveRun>) -> StateOfRun {
    match end {
        EndOfCommand::Ended(Ended { end: RunEnd::Published(_), .. }) => StateOfRun::Published,
        EndOfCommand::Ended(Ended { end: RunEnd::Refused(_), .. }) => StateOfRun::Refused,
        EndOfCommand::AskedAgain(AskedAgain { round: None, .. }) => as_it_stands(run).await,
        EndOfCommand::AskedAgain(AskedAgain { fetched: Fetched { exit: Exit::Done, .. }, .. }) => {
            StateOfRun::Fetched
        }
        EndOfCommand::Failed(error) => match error.exit() {
            Exit::Refused => StateOfRun::Refused,
            Exit::Interrupted(_) => StateOfRun::Interrupted,
            _ => StateOfRun::Failed,
        },
        unfinished => match unfinished.exit() {
            Exit::Paused => StateOfRun::Paused,
            Exit::Interrupted(_) => StateOfRun::Interrupted,
            Exit::TryAgain => StateOfRun::Unfinished,
            _ => StateOfRun::Failed,
        },
    }
}

/// How a run stands of which nothing was left to ask.
async fn as_it_stands(run: Option<&LiveRun>) -> StateOfRun {
    let Some(run) = run else { return StateOfRun::Fetched };
    match run.store.outcome().await {
        Ok(Some(outcome)) if outcome.published => StateOfRun::Published,
        Ok(Some(_)) => StateOfRun::Refused,
        Ok(None) | Err(_) => StateOfRun::Fetched,
    }
}

/// How fetching ended, where it did not come to its end.
fn fetched(end: EndOfCommand<'_>) -> Option<&Fetched> {
    match end {
        EndOfCommand::Ended(Ended { end: RunEnd::Unfinished(unfinished), .. }) => Some(&unfinished.fetched),
        EndOfCommand::AskedAgain(asked) => Some(&asked.fetched),
        _ => None,
    }
}

/// Why, and what to do about it.
fn why(end: EndOfCommand<'_>, is_published: bool, mask: &Mask) -> (Option<String>, Option<String>) {
    let (why, hint) = match end {
        EndOfCommand::Failed(RunnerError::Job(error)) => in_a_line(&error.to_string(), mask),
        EndOfCommand::Failed(error) => in_a_line(&error.to_string(), mask),
        EndOfCommand::Ended(Ended { end: RunEnd::Refused(why), .. }) => in_a_line(why, mask),
        EndOfCommand::Ended(Ended { end: RunEnd::Published(_), .. }) => return (None, None),
        EndOfCommand::AskedAgain(AskedAgain { round: None, .. }) if is_published => return (None, None),
        EndOfCommand::AskedAgain(AskedAgain { round: None, .. }) => {
            return (Some("nothing was left to ask".to_owned()), None);
        }
        _ => (fetched(end).and_then(left_over).unwrap_or_default(), None),
    };
    (Some(why).filter(|why| !why.is_empty()), hint)
}

/// Why fetching did not come to its end.
fn left_over(fetched: &Fetched) -> Option<String> {
    Some(match (&fetched.refused, fetched.exit) {
        (Some(refused), _) => refused.clone(),
        (None, Exit::Done) => "all is fetched, and not yet published".to_owned(),
        (None, Exit::Interrupted(_)) => "interrupted by a signal".to_owned(),
        (None, Exit::Paused) => paused(fetched.renews_at),
        (None, _) => "not every shard is complete".to_owned(),
    })
}

/// A message in one line, and its hints in another.
fn in_a_line(message: &str, mask: &Mask) -> (String, Option<String>) {
    let (mut why, mut hints) = (String::new(), Vec::new());
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(hint) = line.strip_prefix("hint: ") {
            hints.push(hint);
            continue;
        }
        let between = match why.chars().next_back() {
            None => "",
            Some(':' | ',' | ';') => " ",
            Some(_) => "; ",
        };
        why.push_str(between);
        why.push_str(line);
    }
    if let Some((end, _)) = why.char_indices().nth(LONGEST_REASON) {
        why.truncate(end);
        why.push('…');
    }
    (mask.apply(&why), Some(mask.apply(&hints.join("; "))).filter(|hint| !hint.is_empty()))
}

/// A moment, in seconds since 1970.
fn second_in_words(second: u64) -> Option<String> {
    Some(Timestamp::from_second(i64::try_from(second).ok()?).ok()?.to_string())
}

fn destination(
    end: EndOfCommand<'_>,
    run: Option<&LiveRun>,
    job: Option<&Job>,
    secrets: &Secrets,
) -> Option<DestinationOfSummary> {
    let job = job?;
    let to = match (end, run) {
        (EndOfCommand::Ended(ended), _) => Some(ended.to.clone()),
        (_, Some(run)) => ResolvedDestination::of(&run.store, &run.plan, job, secrets).ok(),
        (_, None) => ResolvedDestination::of_job(job, secrets).ok(),
    };
    Some(DestinationOfSummary { to: to?.to_string(), table: job.table.name.clone() })
}

fn rows(end: EndOfCommand<'_>) -> Option<RowsOfSummary> {
    let EndOfCommand::Ended(Ended { job, end, .. }) = end else { return None };
    match end {
        RunEnd::Published(published) => Some(rows_of(published, job.table.mode)),
        RunEnd::Unfinished(Unfinished { published: Part::SoFar(part), .. }) => {
            Some(rows_of_part(part, job.table.mode))
        }
        RunEnd::Refused(_) | RunEnd::Unfinished(_) => None,
    }
}

/// Rows that were not there before, where the mode tells.
fn added(mode: Mode, rows: u64, replaced: u64) -> Option<u64> {
    match mode {
        Mode::Append => Some(rows),
        Mode::Upsert => rows.checked_sub(replaced),
        Mode::Replace | Mode::ReplaceIds => None,
    }
}

fn rows_of(published: &Published, mode: Mode) -> RowsOfSummary {
    RowsOfSummary {
        published: published.rows,
        added: added(mode, published.rows, published.replaced).filter(|_| !published.already),
        replaced: published.replaced,
        skipped: published.left_out,
        rejected: published.outcome.rejected.len() as u64,
        duplicates: published.duplicates.rows,
        withheld: published.withheld,
        kept_out: published.kept_out,
        late: published.late,
        deleted: published.gone,
        at_pauses: published.at_pauses,
        table: published.total,
        already: published.already,
    }
}

fn rows_of_part(part: &PublishedPart, mode: Mode) -> RowsOfSummary {
    RowsOfSummary {
        published: part.rows,
        added: added(mode, part.rows, part.replaced),
        replaced: part.replaced,
        at_pauses: part.so_far.saturating_sub(part.rows),
        table: part.total,
        ..RowsOfSummary::default()
    }
}

/// What went wrong beside how it ended.
fn warnings(end: EndOfCommand<'_>, mask: &Mask) -> Vec<String> {
    let EndOfCommand::Ended(Ended { end, .. }) = end else { return Vec::new() };
    let line = |text: &String| in_a_line(text, mask).0;
    match end {
        RunEnd::Published(published) => {
            let overridden = published.overridden.iter().map(|why| format!("although {why}"));
            overridden.map(|text| line(&text)).chain(published.warnings.iter().map(line)).collect()
        }
        RunEnd::Unfinished(Unfinished { published: Part::SoFar(part), .. }) => {
            part.warnings.iter().map(line).collect()
        }
        RunEnd::Unfinished(Unfinished { published: Part::Refused(why), .. }) => vec![line(why)],
        RunEnd::Refused(_) | RunEnd::Unfinished(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_many_lines_is_one_and_its_hints_stand_apart() {
        let mask = Mask::default();
        let told = "not published:\n  0 of 3 succeeded\n  too few rows\nhint: do\nhint: this\n";
        let hint = Some("do; this".to_owned());
        assert_eq!(
            in_a_line(told, &mask),
            ("not published: 0 of 3 succeeded; too few rows".to_owned(), hint)
        );
        assert_eq!(in_a_line("gone", &mask), ("gone".to_owned(), None));
        let long = in_a_line(&"ä".repeat(LONGEST_REASON + 1), &mask).0;
        assert_eq!(long.chars().count(), LONGEST_REASON + 1);
    }

    #[test]
    fn what_is_added_is_told_where_the_mode_tells() {
        assert_eq!(added(Mode::Append, 3, 0), Some(3));
        assert_eq!(added(Mode::Upsert, 3, 1), Some(2));
        assert_eq!(added(Mode::Upsert, 3, 4), None, "the key is none of the table's");
        assert_eq!(added(Mode::Replace, 3, 9), None);
    }
}
