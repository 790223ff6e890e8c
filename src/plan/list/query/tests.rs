//! Lists that a real PostgreSQL, a real DuckDB and SQLite answer with.

use std::io::empty;
use std::path::Path;

use polars::prelude::*;

use crate::handoff::Exit;
use crate::job::{Database, Job, OnDuplicate, ServerUrl, Source};
use crate::plan::list::{List, Request, Sizes};
use crate::plan::sandbox::{Sandbox, TINY, job_of, numbers, options, texts, wait};
use crate::plan::{PlanError, PlanOptions, frames, source_sha256};
use crate::postgres_server::{self, TestDatabase};
use crate::secrets::Secrets;
use crate::value::{self, Type};

mod duckdb;
mod mysql;
mod postgres;
mod sqlite;

/// A job whose list is the answer to a query.
fn job(database: Database, query: &str) -> Job {
    job_of(Source::Query { database, sql: query.to_owned() })
}

fn server(database: &TestDatabase<'_>, query: &str) -> Job {
    job(Database::Server(ServerUrl::parse(&database.url()).unwrap()), query)
}

fn read_with(job: &Job, options: &PlanOptions, sizes: Sizes) -> Result<List, PlanError> {
    let (sandbox, secrets) = (Sandbox::new(), Secrets::default());
    let request = Request { job, options, secrets: &secrets, scratch: sandbox.path(), sizes };
    wait(request.read(Box::new(empty())))
}

fn read(job: &Job) -> Result<List, PlanError> {
    read_with(job, &options(), TINY)
}

/// Why there is no list.
#[track_caller]
fn refused(job: &Job) -> PlanError {
    match read(job) {
        Ok(list) => panic!("{} records", list.records()),
        Err(error) => error,
    }
}

/// A refusal's words, which must be those of a mistake in the job.
#[track_caller]
fn mistake(job: &Job) -> String {
    let error = refused(job);
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    error.to_string()
}

fn frame(list: &List) -> DataFrame {
    let batches = (0..list.spool.batches()).map(|index| list.spool.read(index).unwrap());
    batches.reduce(|all, next| all.vstack(&next).unwrap()).unwrap()
}

fn ids(list: &List) -> Vec<String> {
    texts(&frame(list), "id").into_iter().flatten().collect()
}

fn type_of(list: &List, name: &str) -> Type {
    list.columns.fields.iter().find(|field| field.name == name).unwrap().ty
}

/// The first row's value, spelled.
fn value(list: &List, name: &str) -> String {
    let frame = frame(list);
    let value = value::from_any(&frame.column(name).unwrap().get(0).unwrap()).unwrap();
    value::spelled(&value, type_of(list, name))
}

fn digest_now(job: &Job) -> String {
    wait(source_sha256(job, &Secrets::default())).unwrap().unwrap()
}

fn rows_to_measure() -> u64 {
    std::env::var("WINDROW_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(2_000_000)
}

/// Reads the list as a real run does, and says what it took.
fn measured(job: &Job) {
    let started = std::time::Instant::now();
    let list = read_with(job, &options(), Sizes::default()).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    println!("{} rows in {:.1?}: {peak}", list.records(), started.elapsed());
    assert_eq!(list.records(), rows_to_measure());
}
