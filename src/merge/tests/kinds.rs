//! The films' table at destinations of every kind, made, read and changed by DuckDB alone.

use std::path::PathBuf;

use duckdb::Connection;

use super::sandbox::Sandbox;
use crate::job::Destination;
use crate::merge::database;

/// Where the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Database,
    Csv,
    Parquet,
    /// Parquet files in folders, by `votes`.
    Folder,
}

pub const FILES: [Kind; 3] = [Kind::Csv, Kind::Parquet, Kind::Folder];

const CSV: &str = "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', \
                   auto_detect = false, allow_quoted_nulls = false, \
                   columns = {id: 'TEXT', title: 'TEXT', votes: 'BIGINT', budget: 'INTEGER', facts: 'TEXT'}";

impl Sandbox {
    /// Publishes into another kind of destination.
    pub fn into_kind(mut self, kind: Kind) -> Sandbox {
        let folder = self.folder();
        std::fs::create_dir_all(folder.join("it's [here]")).unwrap();
        self.job.table.partition_by = if kind == Kind::Folder { vec!["votes".into()] } else { vec![] };
        self.job.table.to = match kind {
            Kind::Database => Destination::DuckDb(folder.join("films.duckdb")),
            Kind::Csv => Destination::Csv(folder.join("it's [here]/films.csv")),
            Kind::Parquet => Destination::Parquet(folder.join("it's [here]/films.parquet")),
            Kind::Folder => Destination::Parquet(folder.join("films by votes")),
        };
        self
    }

    pub fn kind(&self) -> Kind {
        match &self.job.table.to {
            Destination::Csv(_) => Kind::Csv,
            Destination::Parquet(_) if self.job.table.partition_by.is_empty() => Kind::Parquet,
            Destination::Parquet(_) => Kind::Folder,
            _ => Kind::Database,
        }
    }

    /// The destination's file or folder.
    pub fn file(&self) -> PathBuf {
        match &self.job.table.to {
            Destination::DuckDb(path)
            | Destination::Sqlite(path)
            | Destination::Parquet(path)
            | Destination::Csv(path) => path.clone(),
            Destination::Server(_) => panic!("a server has no file"),
        }
    }

    /// The destination opened; of a file a copy in memory, with its rows in their order.
    pub fn connection(&self) -> Connection {
        if self.kind() == Kind::Database {
            return database::open(&self.database()).unwrap();
        }
        let connection = Connection::open_in_memory().unwrap();
        let path = self.file().display().to_string().replace('\'', "''");
        let from = match self.kind() {
            _ if !self.file().exists() => return connection,
            Kind::Csv => format!("read_csv(['{path}'], {CSV})"),
            Kind::Folder => {
                let by_votes = self.job.table.partition_by == ["votes"];
                let types =
                    if by_votes { "hive_types = {votes: BIGINT}" } else { "hive_types_autocast = false" };
                format!("read_parquet('{path}/**/*.parquet', hive_partitioning = true, {types})")
            }
            _ => format!("read_parquet(['{path}'])"),
        };
        connection.execute_batch(&format!("CREATE TABLE films AS FROM {from}")).unwrap();
        connection
    }

    /// Writes a copy of the destination over it.
    pub fn put_back(&self, connection: &Connection) {
        let path = self.file();
        let text = path.display().to_string().replace('\'', "''");
        let options = match self.kind() {
            Kind::Database => return,
            Kind::Csv => "format csv, header, nullstr ''",
            Kind::Parquet => "format parquet",
            Kind::Folder => "format parquet, partition_by (votes)",
        };
        let _ = std::fs::remove_dir_all(&path);
        connection.execute_batch(&format!("COPY films TO '{text}' ({options})")).unwrap();
        if self.kind() == Kind::Folder {
            std::fs::write(path.join("_windrow.json"), r#"{"version": 1, "runs": []}"#).unwrap();
        }
    }

    /// What lies beside the destination.
    pub fn beside(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.file().parent().unwrap()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
