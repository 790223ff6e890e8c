//! `windrow query RUN SQL`: offline analysis.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::rows::{MaxRowsArg, RowsArgs};
use super::{RunsArgs, find, output};
use crate::handoff::Exit;
use crate::merge::{QueryResult, RunQuery};
use crate::report::{Shape, stdout};
use crate::runner::{RunnerError, planned_job};

#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// DuckDB SQL; `-` reads it from standard input
    #[arg(default_value = "FROM rows")]
    sql: String,
    /// How rows are written: table, csv, json, markdown or parquet [default: as the ending of --output says, else table]
    #[arg(long, short)]
    format: Option<Format>,
    #[command(flatten)]
    limit: MaxRowsArg,
    /// Write the rows into this file instead of to standard output, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the rows are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text(Shape),
    Parquet,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Format, String> {
        if word == "parquet" {
            return Ok(Format::Parquet);
        }
        word.parse().map(Format::Text).map_err(|_| "choose table, csv, json, markdown or parquet".to_owned())
    }
}

impl Format {
    /// What the ending of a file's name says.
    fn of_file(file: &Path) -> Result<Format, RunnerError> {
        let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
        match ending.as_str() {
            "parquet" | "pq" => Ok(Format::Parquet),
            "csv" => Ok(Format::Text(Shape::Csv)),
            "json" => Ok(Format::Text(Shape::Json)),
            "md" => Ok(Format::Text(Shape::Markdown)),
            _ => Err(RunnerError::Usage(format!(
                "the ending of {} does not say how rows are written\nhint: add --format csv, json, markdown or parquet",
                file.display()
            ))),
        }
    }
}

impl QueryArgs {
    /// How, and where to where that is a file.
    fn target(&self) -> Result<(Format, Option<&Path>), RunnerError> {
        match (self.format, self.output.as_deref()) {
            (Some(Format::Parquet), None) => Err(RunnerError::Usage(
                "Parquet is no text for a terminal or a pipe\nhint: add --output FILE.parquet".to_owned(),
            )),
            (Some(Format::Text(Shape::Table)), Some(_)) => Err(RunnerError::Usage(
                "a table is cut to fit a terminal, and no file\nhint: add --format csv, json, markdown or parquet"
                    .to_owned(),
            )),
            (Some(format), file) => Ok((format, file)),
            (None, Some(file)) => Ok((Format::of_file(file)?, Some(file))),
            (None, None) => Ok((Format::Text(Shape::Table), None)),
        }
    }

    /// The statement, read from standard input where that is asked for.
    fn statement(&self) -> Result<String, RunnerError> {
        if self.sql != "-" {
            return Ok(self.sql.clone());
        }
        let mut sql = String::new();
        std::io::stdin().read_to_string(&mut sql)?;
        Ok(sql)
    }
}

pub(super) async fn run(args: QueryArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let (format, file) = args.target()?;
    let run = find::open_run(&args.run, runs).await?;
    run.refuse_endless()?;
    let sql = args.statement()?;
    let plan = run.plan().await?;
    let job = planned_job(&run, &plan).await?;
    let query = RunQuery::open(&run, Some(&job)).await?;
    let most = args.limit.max_rows.map(|most| most as usize);
    match (format, file) {
        (Format::Parquet, file) => {
            let file = file.unwrap_or(Path::new("/dev/stdout"));
            output::write_file(file, |aside| Ok(query.write_parquet(&sql, most, aside)?))?;
        }
        (Format::Text(shape), Some(file)) => {
            let found = query.ask(&sql, most)?;
            output::write_file(file, |aside| write_text(&found, shape, aside))?;
        }
        (Format::Text(shape), None) => print(&query, &sql, &RowsArgs { format: shape, limit: args.limit })?,
    }
    Ok(Exit::Done)
}

/// As on standard output.
fn write_text(found: &QueryResult, shape: Shape, aside: &Path) -> Result<(), RunnerError> {
    let failed =
        |error: std::io::Error| RunnerError::Disk(format!("cannot write {}: {error}", aside.display()));
    let mut out = BufWriter::new(File::create(aside).map_err(failed)?);
    stdout::write_rows_to(&mut out, found, shape).and_then(|()| out.flush()).map_err(failed)
}

fn print(query: &RunQuery, sql: &str, rows: &RowsArgs) -> Result<(), RunnerError> {
    let found = rows.ask(query, sql)?;
    stdout::write_rows(&found, rows.format)?;
    rows.say_what_is_left(query, sql, &found);
    Ok(())
}
