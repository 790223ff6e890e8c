//! How many rows a table shows.

use clap::Args;

use crate::merge::{QueryResult, RunQuery};
use crate::os::tell;
use crate::report::{Shape, counted, stdout};
use crate::runner::RunnerError;

/// Rows that a terminal shows unless more are asked for.
const ON_A_TERMINAL: usize = 40;

/// How rows are printed, and how many.
#[derive(Debug, Args)]
pub(super) struct RowsArgs {
    /// How rows are printed: table, csv, json or markdown
    #[arg(long, short, default_value = "table")]
    pub(super) format: Shape,
    #[command(flatten)]
    pub(super) limit: MaxRowsArg,
}

/// How many rows are printed.
#[derive(Debug, Args)]
pub(super) struct MaxRowsArg {
    /// Most rows that are printed [default: 40 of a table on a terminal, otherwise all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_rows: Option<u32>,
}

impl RowsArgs {
    /// Most rows to print; `None`: all.
    fn most(&self) -> Option<usize> {
        let on_a_terminal = self.format == Shape::Table && stdout::width().is_some();
        self.limit.max_rows.map(|most| most as usize).or(on_a_terminal.then_some(ON_A_TERMINAL))
    }

    /// Leaves the rows that are to be printed, and says how many there are besides.
    pub(super) fn cut(&self, found: &mut QueryResult) -> u64 {
        let all = found.rows.len();
        found.rows.truncate(self.most().unwrap_or(all));
        found.truncated = found.rows.len() < all;
        (all - found.rows.len()) as u64
    }

    /// The rows that are to be printed.
    pub(super) fn ask(&self, query: &RunQuery, sql: &str) -> Result<QueryResult, RunnerError> {
        Ok(query.ask(sql, self.most())?)
    }

    /// Says how many rows there are besides those that were printed.
    pub(super) fn say_what_is_left(&self, query: &RunQuery, sql: &str, found: &QueryResult) {
        if !found.truncated {
            return;
        }
        let sql = sql.trim().trim_end_matches(';');
        let counted_rows = query.ask(&format!("SELECT count(*) FROM ({sql}\n)"), None).ok();
        // Not every statement can stand within another.
        let all = counted_rows.and_then(|rows| rows.rows.first()?.first()?.as_ref()?.parse::<u64>().ok());
        let shown = found.rows.len() as u64;
        match all {
            Some(all) => tell!(
                "… and {}; `--max-rows {all}` shows them all, and so does a file or a pipe",
                counted(all.saturating_sub(shown), "more row")
            ),
            None => tell!("… and more; `--max-rows` says how many are shown, a file or a pipe takes all"),
        }
    }
}
