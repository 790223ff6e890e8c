//! After COMMIT the outcome is settled: whoever repeats a command until it ends with 0 gets each row once, and the reports.
//!
//! | file | asks |
//! |---|---|
//! | `stage` | (a fetched run of an append job with a report, which is published again and again) |
//! | `steps` | killed before each call on a file from the first step of publishing to the prompt; and each call failing |
//! | `streams` | nobody reads what the command says; signals; a server that restarts |
//! | `locks` | several jobs into one DuckDB file |
//! | `commands` | what `merge`, `retry`, `extract`, `--new`, trials and pauses make of a run that nobody was told of |

mod commands;
mod locks;
mod stage;
mod steps;
mod streams;
