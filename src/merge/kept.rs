//! DuckDB in memory for a load into another database: opened for it, or, where a process makes one small load after the
//! other, [kept](keep_duckdb_open) between them. Opening it takes longer than what such a load does with it.
//!
//! What is kept is the instance; each load has a connection of its own to it. Loads make temporary tables alone, which go
//! with their connection, and a statement that fails takes the instance with it: nothing of one load is there for the next.

use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;
use tempfile::TempDir;

use super::{MergeError, database};

/// Loads after which an instance makes way for a new one, so that what it might gather over weeks has an end.
const LOADS: u32 = 500;

/// What is kept, and how many ask for it.
static KEPT: Mutex<Kept> = Mutex::new(Kept { askers: 0, instance: None });

struct Kept {
    askers: u32,
    instance: Option<Instance>,
}

/// An open DuckDB that no load works with itself.
struct Instance {
    connection: Connection,
    scratch: Arc<TempDir>,
    /// Loads that have begun with it.
    loads: u32,
}

/// Keeps DuckDB open between loads, until it is dropped.
#[must_use = "DuckDB is kept as long as this is"]
pub struct DuckDbKept(());

/// Keeps DuckDB open between this process's loads, as long as what is returned lives.
pub fn keep_duckdb_open() -> DuckDbKept {
    kept(|kept| kept.askers += 1);
    DuckDbKept(())
}

impl Drop for DuckDbKept {
    fn drop(&mut self) {
        let last = kept(|kept| {
            kept.askers -= 1;
            kept.instance.take_if(|_| kept.askers == 0)
        });
        drop(last);
    }
}

fn kept<T>(with: impl FnOnce(&mut Kept) -> T) -> T {
    with(&mut KEPT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A connection for one load.
pub(super) struct InMemory {
    // Closed before the folder goes that it spills into.
    connection: Connection,
    _scratch: Arc<TempDir>,
}

impl InMemory {
    /// Opens it; beside it lies another database, `windrow`, for answers.
    pub fn open() -> Result<InMemory, MergeError> {
        kept(|kept| {
            if kept.askers == 0 {
                return Instance::open().map(Instance::alone);
            }
            kept.instance.take_if(|instance| instance.loads == LOADS);
            let instance = match &mut kept.instance {
                Some(instance) => instance,
                none => none.insert(Instance::open()?),
            };
            instance.connect()
        })
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ends a load. After one that failed the instance is not kept: an error of DuckDB's own may have made it unfit.
    pub fn end<T, E>(self, done: Result<T, E>) -> Result<T, E> {
        if done.is_err() {
            let failed =
                kept(|kept| kept.instance.take_if(|kept| Arc::ptr_eq(&kept.scratch, &self._scratch)));
            drop(failed);
        }
        done
    }
}

impl Instance {
    fn open() -> Result<Instance, MergeError> {
        let scratch = database::scratch_folder()?;
        let opened = database::open_in_memory(scratch.path());
        let connection = opened.map_err(|error| database::failed(scratch.path(), &error))?;
        Ok(Instance { connection, scratch: Arc::new(scratch), loads: 0 })
    }

    fn alone(self) -> InMemory {
        InMemory { connection: self.connection, _scratch: self.scratch }
    }

    fn connect(&mut self) -> Result<InMemory, MergeError> {
        self.loads += 1;
        let connected = database::another_connection(&self.connection);
        let connection = connected.map_err(|error| database::failed(self.scratch.path(), &error))?;
        Ok(InMemory { connection, _scratch: Arc::clone(&self.scratch) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One at a time: what is kept is the process's.
    static ALONE: Mutex<()> = Mutex::new(());

    fn value(memory: &InMemory, sql: &str) -> String {
        memory.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn folder(memory: &InMemory) -> std::path::PathBuf {
        memory._scratch.path().to_owned()
    }

    const SETTINGS: &str = "SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('memory_limit'), \
                            current_setting('enable_external_file_cache'), current_setting('allow_community_extensions'))";

    #[test]
    fn loads_share_an_instance_and_nothing_that_one_of_them_made() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = InMemory::open().unwrap();
        let settings = value(&fresh, SETTINGS);
        assert!(settings.starts_with("UTC ") && settings.ends_with(" false false"), "{settings}");
        let open = keep_duckdb_open();
        let first = InMemory::open().unwrap();
        assert_ne!(folder(&first), folder(&fresh));
        first.connection().execute_batch("CREATE TEMP TABLE windrow_keys AS SELECT 1 AS a").unwrap();
        let second = InMemory::open().unwrap();
        assert_eq!(folder(&first), folder(&second));
        for memory in [&first, &second] {
            assert_eq!(value(memory, SETTINGS), settings);
        }
        let tables = "SELECT count(*)::VARCHAR FROM duckdb_tables()";
        assert_eq!([&first, &second].map(|memory| value(memory, tables)), ["1", "0"]);
        first.end(Ok::<(), ()>(())).unwrap();
        assert_eq!(value(&InMemory::open().unwrap(), tables), "0");
        let left = folder(&second);
        drop(open);
        assert!(left.exists(), "a load is under way that may spill into it");
        drop(second);
        assert!(!left.exists());
    }

    #[test]
    fn a_load_that_failed_takes_the_instance_with_it_and_no_other_load() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let _open = keep_duckdb_open();
        let [failing, other] = [(); 2].map(|()| InMemory::open().unwrap());
        let then = folder(&failing);
        failing.end(Err::<(), ()>(())).unwrap_err();
        let next = InMemory::open().unwrap();
        assert_ne!(folder(&next), then);
        assert_eq!(value(&other, "SELECT 'works'"), "works");
        // It fails later, and has nothing to do with the instance that is kept by now.
        other.end(Err::<(), ()>(())).unwrap_err();
        assert!(!then.exists());
        assert_eq!(folder(&InMemory::open().unwrap()), folder(&next));
    }

    #[test]
    fn an_instance_is_kept_for_so_many_loads_and_no_more() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let _open = keep_duckdb_open();
        let mut folders: Vec<_> = (0..LOADS + 1).map(|_| folder(&InMemory::open().unwrap())).collect();
        folders.dedup();
        assert_eq!(folders.len(), 2);
    }
}
