//! Files as destinations: one Parquet or CSV file, or a folder of Parquet files divided by columns.
//!
//! The load is DuckDB's, with all its modes but append ([`load`](fn@load)): it runs in a database that nobody else
//! sees, in a folder beside the destination ([`aside`](super::aside)), on the same disk. The table is first filled
//! from the file that stands, and in the end written out as a whole, synced, and renamed over it; a folder of files
//! changes places with the one that stands. So a reader finds the old file or the new one, always whole.
//!
//! | step | file |
//! |---|---|
//! | what stands there, and whether it fits | `standing.rs`, `header.rs`, `folder.rs` |
//! | what was published into it before | `memory.rs` |
//! | written out | `write.rs` |
//! | looked over before the first request | `check.rs` |
//! | its first rows, for people | `preview.rs` |
//!
//! # What is in the file
//!
//! Columns in the order that the job declares: the id, what is kept of the list, the answers, the stamps. Rows in the
//! order of the list, an answer's rows in the order of the answer; under `upsert` and `replace_ids`, and where
//! `replace` leaves rows as they stand, those that stay come first, in their old order.
//!
//! **CSV** is RFC 4180 with a header, in UTF-8; as most programs write and all read it, lines end with `\n` alone. No
//! value is an empty field, an empty text `""`. Booleans are `true` and `false`, dates `2026-11-23`, timestamps
//! `2026-11-23 14:05:00.25Z` (UTC), doubles the shortest text that reads back as the same number, decimals exact, JSON
//! as text. What stands is read back with the declared types; its header must have the declared columns, in any order.
//!
//! **Parquet** is compressed with zstd, in row groups of 122,880 rows, or of 2,048 where values are large. What stands is filled as it is, as a table of
//! DuckDB's: with its types, and further columns that it has. Timestamps are marked as UTC, JSON is text.
//! With `partition_by` it is a folder as Hive has them, `country=us/data_0.parquet`, whose columns of that name are in
//! the paths only; rows have no order there, and a folder without rows holds one file without rows. (pandas cannot
//! read such a column where rows have no value in it.) A folder that windrow did not make is not touched.
//!
//! # What a file remembers
//!
//! A file has no `windrow_runs`. Parquet files carry its rows in their metadata (key `windrow`), folders in
//! `_windrow.json`: a run that is in there is not published again, and after a retry only what is new is, as into a
//! database. A CSV file has no place for that. There the run's `merged.json` says what file it left; where that is
//! unchanged since, by size and time, there is nothing to do. Otherwise the whole run is published once more, which
//! gives the very same file if the run was in it already: the rows of a run take the place of their own. Only if a
//! newer run has written the file meanwhile does it matter: **of CSV files, what is merged last stands.**
//!
//! # What a death leaves
//!
//! | killed | the file | beside it | the next merge |
//! |---|---|---|---|
//! | before the rename | as it was | a folder without a living holder | removes that, publishes |
//! | after it, before `merged.json` | published | the same; in it a folder of files that stood | Parquet: finds the run in the file, writes `merged.json`; CSV: publishes the same again |
//! | after `merged.json` | published | nothing | changes nothing |

mod check;
mod folder;
mod header;
mod memory;
mod preview;
mod standing;
mod write;

use std::path::{Path, PathBuf};
use std::time::Instant;

use duckdb::Connection;

pub(super) use self::check::check;
use self::memory::Memory;
pub(super) use self::preview::{first_rows_of_csv, first_rows_of_parquet};
pub(super) use self::standing::csv_relation;
use self::standing::{Standing, mark};
use super::aside::{Aside, through_links};
use super::columns::{self, Output};
use super::error::MAY_ADD;
use super::load::{self, Ground, Loaded, Order, Settled, Stop};
use super::resolved::ResolvedDestination;
use super::statements::{finish, keep};
use super::target::Target;
use super::{MergeError, database};
use crate::handoff::{FileMark, Outcome};
use crate::job::{Job, Mode};

/// A file, or a folder of files, to publish into.
#[derive(Debug, Clone)]
pub(super) struct FilePlace {
    /// As the job names it.
    shown: String,
    /// Links followed.
    path: PathBuf,
    format: Format,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
    /// Parquet files in folders, by the values of these columns.
    Folder(Vec<String>),
}

impl FilePlace {
    /// The place of that path.
    pub fn of(place: &ResolvedDestination, path: &Path, job: &Job) -> FilePlace {
        let format = match place {
            ResolvedDestination::Csv(_) => Format::Csv,
            _ if job.table.partition_by.is_empty() => Format::Parquet,
            _ => Format::Folder(job.table.partition_by.clone()),
        };
        // A link stays one: what it leads to is written anew, beside the old file.
        FilePlace { shown: place.to_string(), path: through_links(path), format }
    }

    fn misfit(&self, problems: Vec<String>) -> MergeError {
        MergeError::File { path: self.path.display().to_string(), problems, hint: "" }
    }

    /// What a table of DuckDB's would be told, told of the file.
    fn told(&self, error: MergeError) -> MergeError {
        match error {
            MergeError::Table { problems, hint, .. } => {
                let hint = if hint == MAY_ADD { hint } else { "" };
                MergeError::File { path: self.path.display().to_string(), problems, hint }
            }
            other => other,
        }
    }

    fn failed(&self, error: &duckdb::Error) -> MergeError {
        database::failed(&self.path, error)
    }
}

/// Whether the run stands in the file already; nothing is written to find out.
pub(super) fn is_published(order: &Order, file: &FilePlace) -> Result<bool, MergeError> {
    check::refuse(&order.job, file, &columns::of_run(order.plan(), Some(&order.job))?)?;
    let Some(standing) = Standing::find(file)? else { return Ok(false) };
    let scratch = database::new_in_memory().map_err(|error| file.failed(&error))?;
    Ok(settled(order, file, &standing, &scratch)?.is_some())
}

/// Publishes a proven run into the file, unless it is stopped before the rename.
pub(super) fn load(order: &Order, file: &FilePlace, stop: &Stop) -> Result<Loaded, MergeError> {
    let columns = columns::of_run(order.plan(), Some(&order.job))?;
    check::refuse(&order.job, file, &columns)?;
    let aside = Aside::claim(&file.path, &file.shown)?;
    let row_group = order.proof.files.row_group();
    let connection = database::open_scratch(&aside.join("scratch.duckdb"), row_group)
        .map_err(|error| file.failed(&error))?;
    if order.proof.files.are_wide() {
        // Each thread has vectors of 2,048 rows in memory.
        connection.execute_batch("SET threads = 1").map_err(|error| file.failed(&error))?;
    }
    let work = Work { order, file, columns, aside: &aside, connection: &connection };
    let loaded = stop.attend(&connection, || work.load(stop));
    loaded.map_err(|error| if stop.is_stopped() { MergeError::Interrupted } else { error })
}

/// What the run wrote, where the file has it already. What was published into the file is entered in the connection.
fn settled(
    order: &Order,
    file: &FilePlace,
    standing: &Standing<'_>,
    connection: &Connection,
) -> Result<Option<Settled>, MergeError> {
    if let Some(memory) = standing.memory(connection)? {
        memory.enter(connection).map_err(|error| file.failed(&error))?;
        return load::settled(connection, order, &file.path);
    }
    let is_it = |noted: &&Outcome| {
        noted.published
            && noted.digest == order.proof.digest
            && noted.rounds == order.proof.rounds
            && noted.to == file.shown
            && noted.file == Some(standing.mark)
    };
    Ok(order.noted.as_ref().filter(is_it).map(|noted| Settled {
        rows: noted.rows,
        rejected: Vec::new(),
        at_pauses: 0,
    }))
}

/// A publication under way.
struct Work<'a> {
    order: &'a Order,
    file: &'a FilePlace,
    columns: Vec<Output>,
    aside: &'a Aside,
    connection: &'a Connection,
}

impl Work<'_> {
    fn load(&self, stop: &Stop) -> Result<Loaded, MergeError> {
        let started = Instant::now();
        let before = mark(self.file).ok();
        let standing = Standing::find(self.file)?;
        if let Some(standing) = &standing
            && let Some(settled) = settled(self.order, self.file, standing, self.connection)?
        {
            return self.already(standing, settled, started);
        }
        let (unread, added) =
            standing.as_ref().map_or_else(|| Ok(Default::default()), |standing| self.fill(standing))?;
        let connection = self.connection;
        let ground = Ground { connection, path: &self.file.path, ordered: true, unread };
        let loaded = load::load_on(&ground, self.order, stop);
        let (loaded, mut reports) = loaded.map_err(|failed| self.file.told(failed.into_error()))?;
        let written = self.write(before, stop);
        keep(&mut reports, written.is_ok());
        let (file, mut warnings) = written?;
        warnings.extend(finish(reports));
        Ok(Loaded { file, warnings, added, took: started.elapsed(), ..loaded })
    }

    fn already(
        &self,
        standing: &Standing<'_>,
        settled: Settled,
        started: Instant,
    ) -> Result<Loaded, MergeError> {
        let total = standing.rows(self.connection, &self.columns)?;
        let file = self.known_by(standing.mark);
        Ok(Loaded { file, ..Loaded::before(self.order, settled, Some(total), started.elapsed()) })
    }

    /// What tells the file from others, where it cannot say itself what is in it.
    fn known_by(&self, mark: FileMark) -> Option<FileMark> {
        (self.file.format == Format::Csv).then_some(mark)
    }

    /// Makes the table, with the rows that stand; the number of those that were not read, since all make way, and the columns
    /// that they gain.
    fn fill(&self, standing: &Standing<'_>) -> Result<(u64, Vec<String>), MergeError> {
        standing.check(&self.order.job, &self.columns)?;
        let target = self.target()?;
        standing.make_table(self.connection, &target, &self.columns)?;
        let added = standing.new_columns(&self.order.job, &self.target()?, &self.columns);
        let policy = self.order.policy();
        let all_make_way = self.order.mode() == Mode::Replace
            && !self.order.must_keep(&policy)
            && !self.order.spares(&policy, false);
        let unread = if all_make_way {
            standing.rows(self.connection, &self.columns)?
        } else {
            standing.read_into(self.connection, &target, &self.columns).map(|()| 0)?
        };
        Ok((unread, added))
    }

    /// Rows of a row group of Parquet: its writer, and its readers, have one in memory.
    fn row_group(&self) -> u64 {
        if self.order.proof.files.are_wide() { 2048 } else { 122_880 }
    }

    fn target(&self) -> Result<Target, MergeError> {
        Target::find(self.connection, &self.order.job).map_err(|error| self.file.failed(&error))
    }

    /// Writes the table out and puts it in the file's place; what the file is known by, and what went wrong afterwards.
    fn write(
        &self,
        before: Option<FileMark>,
        stop: &Stop,
    ) -> Result<(Option<FileMark>, Vec<String>), MergeError> {
        let failed = |error| self.file.failed(&error);
        let memory = Memory::of(self.connection).map_err(failed)?;
        let new = self.aside.join("new");
        let table = self.target()?;
        write::write_out(self.connection, &table, &self.columns, self.file, &memory, self.row_group(), &new)?;
        // What cannot be undone comes last.
        if stop.is_stopped() {
            return Err(MergeError::Interrupted);
        }
        if mark(self.file).ok() != before {
            return Err(MergeError::Database {
                path: self.file.path.display().to_string(),
                message: "somebody else has written it meanwhile".into(),
            });
        }
        write::put_in_place(&new, &self.file.path)
            .map_err(|error| MergeError::on_disk(&self.file.path, &error))?;
        let warnings = write::sync_name(&self.file.path).into_iter().collect();
        Ok((mark(self.file).ok().and_then(|mark| self.known_by(mark)), warnings))
    }
}

/// The path within a folder of files that says what windrow published there.
fn marker(folder: &Path) -> PathBuf {
    folder.join("_windrow.json")
}
