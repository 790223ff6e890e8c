//! `windrow failures RUN`: what failed, by kind, with an example each.

use clap::Args;

use super::{CliError, Place, find};
use crate::handoff::Exit;
use crate::merge;
use crate::report::{Shape, print_rows};

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// The run: its folder, or a job's name for its newest run
    run: String,
    /// List every failed request with its id instead
    #[arg(long)]
    ids: bool,
    /// How rows are printed: table, csv, json or markdown
    #[arg(long, short, default_value = "table")]
    format: Shape,
}

pub(super) async fn run(args: FailuresArgs, place: &Place) -> Result<Exit, CliError> {
    let run = find::open_run(&args.run, place).await?;
    let plan = run.plan().await?;
    let job = find::planned_job(&run, &plan).await?;
    let sql = if args.ids { every_one(&id_columns(&plan)) } else { by_kind(&id_columns(&plan)) };
    let result = merge::query(&run, Some(&job), &sql, None).await?;
    if result.rows.is_empty() {
        eprintln!("{}: nothing failed", plan.job);
        return Ok(Exit::Done);
    }
    super::summary::to_stdout(|out| print_rows(out, &result, args.format))?;
    let word = find::word_for(&run, &plan);
    eprintln!("hint: `windrow retry {word}` asks them again; --ids lists them all");
    Ok(Exit::Done)
}

/// The id columns as SQL names.
pub(super) fn id_columns(plan: &crate::handoff::Plan) -> Vec<String> {
    plan.columns[..plan.id_columns]
        .iter()
        .map(|field| format!("\"{}\"", field.name.replace('"', "\"\"")))
        .collect()
}

/// Failures by endpoint and kind, the most frequent first, with an example each.
pub(super) fn by_kind(id: &[String]) -> String {
    let id = id.iter().map(|column| format!("{column}::VARCHAR")).collect::<Vec<_>>().join(" || ' ' || ");
    format!(
        "SELECT endpoint, status, kind, http_status AS http, count(*) AS pairs,
                arg_min({id}, ordinal) AS example_id, arg_min(detail, ordinal) AS example
         FROM requests JOIN input USING (ordinal)
         WHERE kind IS NOT NULL
         GROUP BY ALL ORDER BY pairs DESC, endpoint, kind, http"
    )
}

fn every_one(id: &[String]) -> String {
    let id = id.join(", ");
    format!(
        "SELECT {id}, endpoint, status, kind, http_status AS http, attempts, detail
         FROM requests JOIN input USING (ordinal)
         WHERE kind IS NOT NULL
         ORDER BY ordinal, endpoint"
    )
}
