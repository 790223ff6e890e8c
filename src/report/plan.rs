//! What a run will take, a line for each matter.

use std::io;

use serde::{Serialize, Serializer};

use super::numbers::{count, counted};
use super::stdout::{self, Form};
use super::{console, filled_table, price, word_for};
use crate::handoff::OPEN_BLOCKS;
use crate::handoff::lock::run_is_locked;
use crate::job::{Job, Source};
use crate::merge::{self, Found};
use crate::os::shown_path;
use crate::plan::price::{Budget, Price};
use crate::runner::{LiveRun, Rest, RunnerError, cores, price_of, worth_another_round};

/// What there is to say of a run before it goes on, for people and programs.
#[derive(Debug, Serialize)]
pub struct PlanFacts {
    version: u32,
    job: String,
    run: String,
    folder: String,
    /// Whether another process works on it.
    in_use: bool,
    records: u64,
    /// Records that are not asked yet, or wait.
    records_left: u64,
    round: u32,
    shards: u64,
    shards_complete: u64,
    /// What the job file does not say, and was inferred.
    inferred: Vec<String>,
    /// What it will cost; null where nothing is left to ask.
    price: Option<PriceFacts>,
    /// What becomes of the table; null where it is a file, or not there yet.
    table: Option<TableFacts>,
    /// Statements that make the table, or its new columns; null where none are needed.
    ddl: Option<String>,
    /// What people are told, by its label.
    #[serde(serialize_with = "labelled")]
    lines: Vec<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
struct PriceFacts {
    /// Requests that are sent in any case, but for failures, redirects and further pages.
    requests_at_least: u64,
    /// The same if every `when` holds.
    requests_if_every_when_holds: u64,
    /// What may come on top, for records that their batch does not answer.
    requests_alone: u64,
    /// Seconds that they take at the limits; null where no limit tells.
    seconds_at_least: Option<f64>,
    /// How often the quotas are used up.
    quotas: Vec<QuotaFacts>,
    /// Estimated size on disk, in bytes.
    disk_bytes: u64,
    /// Most records that would be asked again after a crash.
    records_at_risk: u64,
}

#[derive(Debug, Serialize)]
struct QuotaFacts {
    limit: String,
    load: u64,
    /// What is left of it now; null where that is not known.
    left: Option<u64>,
    periods: u64,
}

#[derive(Debug, Serialize)]
struct TableFacts {
    name: String,
    new_columns: Vec<String>,
}

fn labelled<S: Serializer>(lines: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        label: &'a str,
        text: &'a str,
    }
    serializer.collect_seq(lines.iter().map(|(label, text)| Line { label, text }))
}

impl PlanFacts {
    /// Of a run, and of the table that it is for.
    ///
    /// # Errors
    /// The run's files cannot be read.
    pub async fn of(
        run: &LiveRun,
        job: &Job,
        found: &Found,
        ddl: Option<String>,
    ) -> Result<PlanFacts, RunnerError> {
        let (plan, rest) = (&run.plan, Rest::of(run).await?);
        let mut facts = PlanFacts {
            version: 1,
            job: plan.job.clone(),
            run: plan.run.clone(),
            folder: run.store.folder().display().to_string(),
            in_use: run_is_locked(run.store.folder()) && !run.is_held(),
            records: plan.records,
            records_left: rest.records(),
            round: rest.round.number,
            shards: rest.round.shards.len() as u64,
            shards_complete: rest.states.iter().filter(|state| state.is_committed()).count() as u64,
            inferred: job.inferred.clone(),
            price: None,
            table: None,
            ddl,
            lines: vec![("run", shown_path(run.store.folder())), ("records", records(run, &rest))],
        };
        facts.add_lines(run, &rest, job).await?;
        if let Found::Table(new) = found {
            facts.lines.push(("table", filled_table(job, new)));
            facts.table = Some(TableFacts { name: job.table.name.clone(), new_columns: new.clone() });
        }
        Ok(facts)
    }

    async fn add_lines(&mut self, run: &LiveRun, rest: &Rest, job: &Job) -> Result<(), RunnerError> {
        if matches!(job.input.source, Source::Query { .. } | Source::Queue(_)) {
            self.lines.insert(1, ("list", run.plan.source_in_short()));
        }
        if !job.inferred.is_empty() {
            self.lines.push(("inferred", job.inferred.join(", ")));
        }
        if self.in_use {
            self.lines.insert(1, ("state", "in use by another windrow process".to_owned()));
        }
        if rest.is_nothing() && !rest.is_all() {
            self.lines.push(("left", what_follows(run, rest, job).await?));
            return Ok(());
        }
        let block = rest.largest_block();
        let at_risk = (block * OPEN_BLOCKS as u64 * cores() as u64).min(rest.records());
        let disk = if rest.is_all() { "in the run's folder" } else { "more in the run's folder" };
        let price = price_of(run, rest, job).await?;
        self.lines.extend(price::in_full(job, &price, disk));
        self.lines.extend([
            ("publish", merge::success_in_words(job)),
            ("shards", shards(rest, &word_for(&run.store, &run.plan))),
            (
                "at risk",
                format!("{} records would be asked again after a crash, at the most", count(at_risk)),
            ),
        ]);
        self.price = Some(PriceFacts::of(job, &price, at_risk));
        Ok(())
    }

    /// Shows them.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn show(&self, form: Form) -> io::Result<()> {
        if form == Form::Json {
            return stdout::write_json(self);
        }
        stdout::write(|out| {
            self.lines.iter().try_for_each(|(label, text)| writeln!(out, "{label:<8}  {text}"))?;
            self.ddl.iter().try_for_each(|ddl| writeln!(out, "\n{ddl}"))
        })
    }
}

impl PriceFacts {
    fn of(job: &Job, price: &Price, records_at_risk: u64) -> PriceFacts {
        let quota = |budget: &Budget| {
            let used = budget.quota?;
            let limit = job.limits[budget.limit].name.clone();
            Some(QuotaFacts { limit, load: budget.load, left: used.remaining, periods: used.periods })
        };
        PriceFacts {
            requests_at_least: price.requests - price.conditional,
            requests_if_every_when_holds: price.requests,
            requests_alone: price.alone,
            seconds_at_least: price.longest().map(|(_, time)| time.as_secs_f64()),
            quotas: price.budgets.iter().filter_map(quota).collect(),
            disk_bytes: price.disk,
            records_at_risk,
        }
    }
}

/// What `run` does with a run whose rounds are all done.
async fn what_follows(run: &LiveRun, rest: &Rest, job: &Job) -> Result<String, RunnerError> {
    Ok(match worth_another_round(run, job, &rest.round).await? {
        Some((most, again)) => {
            format!(
                "{} at the most, to be asked again; then it is published",
                counted(most, console::requests(again))
            )
        }
        None => "nothing to ask; it is to be published".to_owned(),
    })
}

/// `2,500`, or how many of them are done.
fn records(run: &LiveRun, rest: &Rest) -> String {
    let (all, left) = (count(run.plan.records), rest.records());
    match rest.round.number {
        0 if rest.is_all() => all,
        0 => {
            format!("{all}: {} done, {} left", count(run.plan.records.saturating_sub(left)), count(left))
        }
        number => {
            let again: u64 = rest.states.iter().map(|state| state.records).sum();
            format!(
                "{all}: all were asked; round {number} asks {} again: {} done, {} left",
                count(again),
                count(again.saturating_sub(left)),
                count(left)
            )
        }
    }
}

/// `2 (windrow shard prices 0 … 1)`, and how many of them are done.
fn shards(rest: &Rest, word: &str) -> String {
    let numbers = || rest.round.shards.iter().map(|shard| shard.number);
    let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let done = rest.states.iter().filter(|state| state.is_committed()).count() as u64;
    let done = if done == 0 { String::new() } else { format!(", {} of them complete", count(done)) };
    format!("{}{done} (windrow shard {word} {first} … {last})", rest.round.shards.len())
}
