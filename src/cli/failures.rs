//! `windrow failures RUN`: what failed, by kind, with an example each.

use clap::Args;

use super::{CliError, Place, find, stdout};
use crate::handoff::{Exit, Plan};
use crate::merge;
use crate::report::Shape;

/// Characters of an answer that a table shows.
const BEGINNING: usize = 200;

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// The run: its folder, or a job's name for its newest run
    run: String,
    /// List every failed request with its id instead
    #[arg(long)]
    ids: bool,
    /// The same, with the answers that were kept: their beginning in a table, the whole in other formats
    #[arg(long)]
    answers: bool,
    /// How rows are printed: table, csv, json or markdown
    #[arg(long, short, default_value = "table")]
    format: Shape,
}

pub(super) async fn run(args: FailuresArgs, place: &Place) -> Result<Exit, CliError> {
    let run = find::open_run(&args.run, place).await?;
    let plan = run.plan().await?;
    let job = find::planned_job(&run, &plan).await?;
    let sql = match (args.ids, args.answers) {
        (_, true) => every_answer(&plan),
        (true, false) => every_one(&plan, ""),
        (false, false) => by_kind(&plan),
    };
    let mut result = merge::query(&run, Some(&job), &sql, None).await?;
    if result.rows.is_empty() {
        tell!("{}: nothing failed", plan.job);
        return Ok(Exit::Done);
    }
    if args.answers && args.format == Shape::Table {
        result
            .rows
            .iter_mut()
            .flat_map(|row| row.last_mut())
            .flatten()
            .for_each(|answer| stdout::shorten(answer, BEGINNING));
    }
    stdout::write_rows(&result, args.format)?;
    let word = find::word_for(&run, &plan);
    tell!(
        "hint: `windrow retry {word}` asks them again; --ids lists them all, --answers with what was answered"
    );
    Ok(Exit::Done)
}

/// The id columns in the view of the list, as SQL names.
pub(super) fn id_columns(plan: &Plan) -> Vec<String> {
    let shown = plan.shown_input().others;
    shown.iter().take(plan.id_columns).map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect()
}

/// The ledger and the records that it is of: `r` and `input`.
fn requests_of_records(plan: &Plan) -> String {
    let (requests, input) = (plan.view("requests"), plan.view("input"));
    format!("{requests} r JOIN {input} input ON input.{} = r.ordinal", plan.shown_input().own[0])
}

/// Failures by endpoint and kind, the most frequent first, with an example each. A list may have columns that are named
/// like those of the requests.
pub(super) fn by_kind(plan: &Plan) -> String {
    let id = id_columns(plan).iter().map(|column| format!("input.{column}::VARCHAR")).collect::<Vec<_>>();
    let (id, from) = (id.join(" || ' ' || "), requests_of_records(plan));
    format!(
        "SELECT r.endpoint, r.status, r.kind, r.http_status AS http, count(*) AS pairs,
                arg_min({id}, r.ordinal) AS example_id, arg_min(r.detail, r.ordinal) AS example
         FROM {from}
         WHERE r.kind IS NOT NULL
         GROUP BY ALL ORDER BY pairs DESC, r.endpoint, r.kind, http"
    )
}

fn every_one(plan: &Plan, more: &str) -> String {
    let from = requests_of_records(plan);
    let id = id_columns(plan).iter().map(|column| format!("input.{column}")).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT {id}, r.endpoint, r.status, r.kind, r.http_status AS http, r.attempts, r.detail{more}
         FROM {from}
         WHERE r.kind IS NOT NULL
         ORDER BY r.ordinal, r.endpoint"
    )
}

/// The same with what was answered; of several pages the last.
fn every_answer(plan: &Plan) -> String {
    let answer = format!(
        ", (SELECT arg_max(body, page) FROM {} AS kept
            WHERE kept.ordinal = r.ordinal AND kept.endpoint = r.endpoint) AS answer",
        plan.view("bodies")
    );
    every_one(plan, &answer)
}
