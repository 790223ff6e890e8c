//! `windrow_runs` where there is no table: as JSON in a file's metadata, or in a folder of files.

use std::{fs, io};

use duckdb::{Connection, OptionalExt, params};
use serde::{Deserialize, Serialize};

use super::{FilePlace, marker};
use crate::merge::runs::{self, TABLE};
use crate::merge::{MergeError, database, sql};

/// The key of a Parquet file's metadata that it stands under.
pub(super) const KEY: &str = "windrow";

/// Version of this format.
const VERSION: u32 = 1;

/// Publications that a file remembers at most: the latest.
const REMEMBERED: usize = 1000;

/// What was published into a file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    version: u32,
    /// The latest first.
    runs: Vec<Remembered>,
}

/// A row of `windrow_runs`.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    run_id: String,
    rounds: i64,
    job: String,
    table_name: String,
    digest: String,
    rows: u64,
    /// Microseconds since 1970, UTC.
    published_at: i64,
    on_failure: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocks: Option<String>,
}

impl Memory {
    /// What a Parquet file remembers; nothing where windrow did not make it.
    pub fn of_parquet(file: &FilePlace, connection: &Connection) -> Result<Memory, MergeError> {
        let sql = format!(
            "SELECT decode(value) FROM parquet_kv_metadata([{}]) WHERE decode(key) = '{KEY}'",
            sql::text(&file.path.to_string_lossy())
        );
        let text = connection.query_row(&sql, [], |row| row.get::<_, String>(0)).optional();
        match text.map_err(|error| database::unreadable(&file.path, &error))? {
            Some(text) => Memory::parse(file, &text),
            None => Ok(Memory::default()),
        }
    }

    /// What a folder of files remembers.
    pub fn of_folder(file: &FilePlace) -> Result<Memory, MergeError> {
        match fs::read_to_string(marker(&file.path)) {
            Ok(text) => Memory::parse(file, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Memory::default()),
            Err(error) => Err(MergeError::on_disk(&file.path, &error)),
        }
    }

    fn parse(file: &FilePlace, text: &str) -> Result<Memory, MergeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let broken = |error: serde_json::Error| {
            file.misfit(vec![format!("what windrow noted in it cannot be read: {error}")])
        };
        let Versioned { version } = serde_json::from_str(text).map_err(broken)?;
        if version > VERSION {
            return Err(file.misfit(vec![format!(
                "a newer windrow wrote it (format version {version}, this one knows {VERSION})"
            )]));
        }
        serde_json::from_str(text).map_err(broken)
    }

    /// What `windrow_runs` has now.
    pub fn of(connection: &Connection) -> duckdb::Result<Memory> {
        let sql = format!(
            "SELECT run_id, rounds, job, table_name, digest, \"rows\", epoch_us(published_at), on_failure, blocks \
             FROM main.{TABLE} ORDER BY published_at DESC, run_id, rounds LIMIT {REMEMBERED}"
        );
        let mut statement = connection.prepare(&sql)?;
        let remembered = |row: &duckdb::Row<'_>| {
            Ok(Remembered {
                run_id: row.get(0)?,
                rounds: row.get(1)?,
                job: row.get(2)?,
                table_name: row.get(3)?,
                digest: row.get(4)?,
                rows: row.get(5)?,
                published_at: row.get(6)?,
                on_failure: row.get(7)?,
                blocks: row.get(8)?,
            })
        };
        let runs = statement.query_map([], remembered)?.collect::<duckdb::Result<_>>()?;
        Ok(Memory { version: VERSION, runs })
    }

    /// Enters it all in `windrow_runs`.
    pub fn enter(&self, connection: &Connection) -> duckdb::Result<()> {
        runs::duckdb::make(connection)?;
        let sql = format!(
            "INSERT INTO main.{TABLE} (run_id, rounds, job, table_name, digest, \"rows\", published_at, on_failure, \
             blocks) VALUES (?, ?, ?, ?, ?, ?, make_timestamp(?::BIGINT), ?, ?)"
        );
        let mut statement = connection.prepare(&sql)?;
        for run in &self.runs {
            let Remembered { run_id, rounds, job, table_name, digest, rows, .. } = run;
            let Remembered { published_at, on_failure, blocks, .. } = run;
            statement.execute(params![
                run_id,
                rounds,
                job,
                table_name,
                digest,
                rows,
                published_at,
                on_failure,
                blocks
            ])?;
        }
        Ok(())
    }

    /// As it is written.
    pub fn text(&self) -> io::Result<String> {
        serde_json::to_string(self).map_err(io::Error::other)
    }
}
