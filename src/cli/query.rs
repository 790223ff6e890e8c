//! `windrow query RUN SQL`: offline analysis.

use std::io::Read;

use clap::Args;

use super::rows::RowsArgs;
use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::merge::RunQuery;
use crate::report::stdout;
use crate::runner::{RunnerError, planned_job};

#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// DuckDB SQL; `-` reads it from standard input
    #[arg(default_value = "FROM rows")]
    sql: String,
    #[command(flatten)]
    rows: RowsArgs,
}

pub(super) async fn run(args: QueryArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let run = find::open_run(&args.run, runs).await?;
    run.refuse_endless()?;
    let sql = match args.sql.as_str() {
        "-" => {
            let mut sql = String::new();
            std::io::stdin().read_to_string(&mut sql)?;
            sql
        }
        _ => args.sql,
    };
    let plan = run.plan().await?;
    let job = planned_job(&run, &plan).await?;
    let query = RunQuery::open(&run, Some(&job)).await?;
    let found = args.rows.ask(&query, &sql)?;
    stdout::write_rows(&found, args.rows.format)?;
    args.rows.say_what_is_left(&query, &sql, &found);
    Ok(Exit::Done)
}
