//! What keeps a run from being published, grouped by what it means for the caller. What goes wrong after COMMIT is none of
//! these: it is told in [`Published::warnings`](super::Published::warnings).

use std::io;
use std::path::Path;

use super::refused::lines;
use crate::database::{DatabaseError, Trouble};
use crate::handoff::lock::LockError;
use crate::handoff::{Exit, HandoffError, RefusedRow};
use crate::record::Ordinal;

/// What to do about a disk that is full.
pub(super) const FULL: &str =
    "free some space, then repeat `windrow merge`: nothing was published, the run is kept";

/// What to do where it is forbidden to write.
pub(super) const WRITABLE: &str = "windrow needs to write there";

/// That a table is filled as it is, where nothing else can be done about it.
pub(super) const NEVER_ALTERS: &str = "; windrow never alters a table";

/// The same where columns are added.
pub(super) const ONLY_ADDS: &str = "; windrow adds columns to it, and changes none that is there";

/// What lets a table or a file be given the columns that it lacks.
pub(super) const MAY_ADD: &str =
    "; on_new_column = \"add\" in [table] lets windrow add the columns that it lacks";

/// Shards that a message names before it says "and 3 more shards".
const SHARDS_NAMED: usize = 8;

/// A shard with blocks that are not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// The shard.
    pub shard: u32,
    /// Its blocks without a commit.
    pub missing: usize,
    /// All its blocks.
    pub blocks: usize,
}

/// What somebody else has done to a job while it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Its row is gone.
    Gone,
    /// It does not wait any more.
    NotWaiting,
    /// What the run reads of it is another thing now: it is asked again.
    Changed,
}

impl Moved {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Moved::Gone => "its row was deleted while it was asked: its result is not written",
            Moved::NotWaiting => {
                "somebody else changed its state while it was asked: it stays so, its result is not written"
            }
            Moved::Changed => "its row was changed while it was asked: it is asked again",
        }
    }
}

/// Why a run is not published, or not read.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The files of the run.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// The destination's server. Nothing was published.
    #[error(transparent)]
    Server(#[from] DatabaseError),
    /// Blocks are not committed yet: fetching goes on where it stopped.
    #[error("run {run} is not finished: {}\nhint: {}", named(shards), how_to_finish(run, shards))]
    NotFinished {
        /// The run's id.
        run: String,
        /// The shards that lack blocks; never empty.
        shards: Vec<Unfinished>,
    },
    /// A file of the run is not what the plan or its commit says.
    #[error("{file}: {why}\nhint: {hint}")]
    Integrity {
        /// The file, within the run's folder.
        file: String,
        /// What does not match: the ordinal and endpoint where there are any.
        why: String,
        /// What to do.
        hint: String,
    },
    /// The publish gate; `merged.json` says so too.
    #[error("not published:{}\nhint: {hint}", told(conditions))]
    Refused {
        /// The conditions that are not met, with their figures; never empty.
        conditions: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// The job's columns and the table's do not go together.
    #[error(
        "table {table} does not fit the job:\n  {}\nhint: change the job or the table{hint}",
        problems.join("\n  ")
    )]
    Table {
        /// The table.
        table: String,
        /// All that is wrong; never empty.
        problems: Vec<String>,
        /// What else there is to do, or not.
        hint: &'static str,
    },
    /// Another merge was faster at the server. It is looked at again, several times, before this is told.
    #[error(
        "another merge into that table was faster: {}\nhint: repeat this one when that has ended",
        .0.message()
    )]
    Rival(DatabaseError),
    /// Somebody else has taken over jobs of the batch, whose lease was over. Nothing was published.
    #[error("{} of the {taken} jobs of run {run} are another worker's by now; it is not published", taken - left)]
    Fenced {
        /// The run.
        run: String,
        /// Jobs that it had claimed.
        taken: usize,
        /// Those that it still has.
        left: usize,
    },
    /// Rows of the queue were changed while their jobs were asked; the load is begun anew without them.
    #[error("{} jobs were changed while they were asked", .0.len())]
    Moved(Vec<(Ordinal, Moved)>),
    /// A statement of the job's own.
    #[error("{name}: {message}\nhint: {hint}")]
    Statement {
        /// The section of the job file, and which of several.
        name: String,
        /// The database's words.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// Rows that a rule of the table refuses: a type, a condition, a key, a trigger.
    #[error(
        "{place}: table {table} refuses {} of the run{}; nothing was published{}\nhint: {}",
        if *.most == 0 { "rows" } else { "records" },
        too_many(*.most),
        lines(.rows, *.all),
        "mend them or leave them out with [[publish.before]] (UPDATE or DELETE … windrow_rows), change the table (a wider type, \
         another condition), let mode = \"upsert\" replace rows of the same key, or let max_rejected under [publish] leave a \
         few out; then repeat `windrow merge`: nothing is asked again"
    )]
    Rows {
        /// The database.
        place: String,
        /// The table.
        table: String,
        /// The first of them, in the order of the list; never empty.
        rows: Vec<RefusedRow>,
        /// How many there are; `None` where that is not known.
        all: Option<u64>,
        /// How many the job lets it refuse.
        most: u64,
    },
    /// A value that the database cannot hold.
    #[error(
        "column {column:?} of id {id:?} has {why}; nothing was published\nhint: {}",
        "a column with on_bad_character = \"replace\" has U+FFFD there; `windrow extract` makes the columns anew where the answers are kept"
    )]
    Value {
        /// The column.
        column: String,
        /// The record's id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// The job and the file, or the folder of files, do not go together.
    #[error(
        "{path} does not fit the job:\n  {}\nhint: change the job, or move what stands there away: it is made anew then{hint}",
        problems.join("\n  ")
    )]
    File {
        /// The file or folder.
        path: String,
        /// All that is wrong; never empty.
        problems: Vec<String>,
        /// What else there is to do, if anything.
        hint: &'static str,
    },
    /// The folder in which the destination is written anew is not windrow's.
    #[error(
        "{path} is in the way: windrow needs that name for what it writes anew, and did not make the folder that has it\nhint: move it away, or remove it if it is what an earlier version left when it was killed"
    )]
    InTheWay {
        /// The folder.
        path: String,
    },
    /// Rows are to be added to a file.
    #[error(
        "{place}: a file is always written anew as a whole, mode = \"append\" cannot add to it\nhint: publish with mode = \"upsert\" and a key, \"replace_ids\" or \"replace\", or append to a database"
    )]
    Append {
        /// The destination.
        place: String,
    },
    /// Another windrow publishes into the same file.
    #[error(transparent)]
    Locked(LockError),
    /// Rows that cannot be matched by key.
    #[error(
        "{rows} rows have no value in the key column {column:?}; the first is record {ordinal} of the list\nhint: choose a key that every answer gives, or mark the column not_null so that such answers count as failed"
    )]
    NullKey {
        /// The column.
        column: String,
        /// Rows without a value there.
        rows: u64,
        /// The first such record.
        ordinal: u64,
    },
    /// Another process has the database open, and did not close it for as long as it was waited for.
    #[error(
        "{path} is in use: {message}\nhint: DuckDB lets one process write at a time, and windrow has waited; close the other one, then repeat the command"
    )]
    InUse {
        /// The database.
        path: String,
        /// DuckDB's words, with the process id.
        message: String,
    },
    /// The file is of a DuckDB that is newer than this one, or damaged, or no DuckDB database at all.
    #[error("cannot open {path}: {message}\nhint: {hint}")]
    NotReadable {
        /// The database.
        path: String,
        /// DuckDB's words.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// The database's folder, or the disk below it.
    #[error("{path}: {message}\nhint: {hint}")]
    Disk {
        /// The database.
        path: String,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// A key or condition of the table itself does not hold with the new rows.
    #[error("{path}: {message}\nhint: nothing was published; {hint}")]
    Constraint {
        /// The database.
        path: String,
        /// DuckDB's words, with the key.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// Whatever else DuckDB refuses. Nothing was published.
    #[error(
        "{path}: {message}\nhint: nothing was published; what is fetched is kept, `windrow merge` tries again"
    )]
    Database {
        /// The database.
        path: String,
        /// DuckDB's words.
        message: String,
    },
    /// Given up because the caller said so. Nothing was published.
    #[error("interrupted; nothing is published")]
    Interrupted,
    /// A query's own mistake.
    #[error("{message}\nhint: the views of this run are {}", views.join(", "))]
    Sql {
        /// DuckDB's words.
        message: String,
        /// What can be asked.
        views: Vec<String>,
    },
}

impl MergeError {
    /// What an error of the operating system means for the destination at `path`.
    pub(super) fn on_disk(path: &Path, error: &io::Error) -> MergeError {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FULL,
            io::ErrorKind::NotFound => "there must be a folder to write into",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => WRITABLE,
            _ => "nothing was published: look at the disk, then repeat `windrow merge`",
        };
        MergeError::Disk { path: path.display().to_string(), message: error.to_string(), hint }
    }

    /// The same error of a load that is tried in another way then: see [`DatabaseError::misread`].
    pub(super) fn misread(self) -> MergeError {
        match self {
            MergeError::Server(error) => error.misread().into(),
            other => other,
        }
    }

    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            MergeError::Handoff(error) => error.exit(),
            MergeError::NotFinished { .. }
            | MergeError::Interrupted
            | MergeError::Fenced { .. }
            | MergeError::Moved(_) => Exit::TryAgain,
            MergeError::Integrity { .. } => Exit::Integrity,
            MergeError::Refused { .. } => Exit::Refused,
            MergeError::Table { .. }
            | MergeError::File { .. }
            | MergeError::InTheWay { .. }
            | MergeError::Append { .. }
            | MergeError::NullKey { .. }
            | MergeError::Value { .. }
            | MergeError::Statement { .. }
            | MergeError::Sql { .. } => Exit::Usage,
            MergeError::Locked(_) => Exit::Locked,
            MergeError::InUse { .. }
            | MergeError::NotReadable { .. }
            | MergeError::Constraint { .. }
            | MergeError::Rows { .. }
            | MergeError::Database { .. } => Exit::Database,
            MergeError::Disk { .. } => Exit::Disk,
            MergeError::Server(error) | MergeError::Rival(error) => exit_of_server(error),
        }
    }
}

fn exit_of_server(error: &DatabaseError) -> Exit {
    match error {
        DatabaseError::Address { .. }
        | DatabaseError::Refused { trouble: Trouble::Statement | Trouble::Exists, .. } => Exit::Usage,
        DatabaseError::Refused { trouble: Trouble::Disk, .. }
        | DatabaseError::File { trouble: Trouble::Disk, .. } => Exit::Disk,
        _ => Exit::Database,
    }
}

/// One beside the word, several below it.
fn told(conditions: &[String]) -> String {
    match conditions {
        [one] => format!(" {one}"),
        several => several.iter().map(|condition| format!("\n  {condition}")).collect(),
    }
}

/// What the job says of refused records.
fn too_many(most: u64) -> String {
    if most == 0 { String::new() } else { format!(", more than the job allows (max_rejected = {most})") }
}

fn named(shards: &[Unfinished]) -> String {
    let line = |s: &Unfinished| format!("shard {} lacks {} of {} blocks", s.shard, s.missing, s.blocks);
    let mut lines: Vec<String> = shards.iter().take(SHARDS_NAMED).map(line).collect();
    if shards.len() > SHARDS_NAMED {
        lines.push(format!("and {} more shards", shards.len() - SHARDS_NAMED));
    }
    lines.join(", ")
}

fn how_to_finish(run: &str, shards: &[Unfinished]) -> String {
    let first = shards.first().map_or(0, |unfinished| unfinished.shard);
    format!("`windrow run JOB` goes on with all of them, `windrow shard {run} {first}` with one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_run_names_its_shards() {
        let shards = (0..10).map(|shard| Unfinished { shard, missing: 1, blocks: 4 }).collect();
        let error = MergeError::NotFinished { run: "r".into(), shards };
        let text = error.to_string();
        assert!(text.contains("shard 0 lacks 1 of 4 blocks, shard 1"), "{text}");
        assert!(text.contains("and 2 more shards\nhint: `windrow run JOB`"), "{text}");
        assert_eq!(error.exit(), Exit::TryAgain);
    }
}
