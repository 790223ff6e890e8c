//! `swap = true`: a new table is filled, and takes the old one's name, in the same transaction.
//!
//! Neither readers nor writers of the old table wait while the new one is filled; only at the end, under ACCESS
//! EXCLUSIVE, they wait for COMMIT. What others write into the old table meanwhile goes with it, as what they wrote
//! before. (Where rows of the run keep values or rows of the old table, writers wait from the beginning.)
//!
//! The price, which is why it is only on request: the new table is another one for PostgreSQL. A reader with an older
//! snapshot (REPEATABLE READ) that has not read the old table yet finds the name's new table empty after COMMIT, or an
//! error; a COMMIT waits for every reader that has.
//!
//! | goes along | stands in the way |
//! |---|---|
//! | columns, defaults, checks, indexes, statistics, comments (LIKE … INCLUDING ALL), storage parameters | views on it |
//! | owner, rights, of columns too | keys of other tables that refer to it |
//! | keys that refer to other tables | triggers, rules, row security |
//! | sequences of serial and identity columns, which count on | partitions, inheritance, publications, a tablespace of its own |

mod exchange;

use self::exchange::exchange;
use super::ask::{complaints, missing_right};
use super::rows::listed;
use super::target::{OutsideTarget, qualified};
use super::transaction::Transaction;
use crate::database::{DatabaseError, Session};
use crate::merge::MergeError;
use crate::merge::dialect::{self, Swap};
use crate::merge::error::NEVER_ALTERS;

/// What keeps a table from being swapped, in words; nothing where it is not there.
pub(super) async fn obstacles(
    session: &Session,
    target: &OutsideTarget,
) -> Result<Vec<String>, DatabaseError> {
    let Some(id) = target.id() else { return Ok(Vec::new()) };
    let dialect = dialect::of(session);
    let Some(swap) = dialect.swap() else {
        return Ok(vec!["swap = true: its database makes no table within a transaction".to_owned()]);
    };
    let mut obstacles = complaints(session, &swap.obstacles.replace("$1", id)).await?;
    obstacles.extend(missing_right(session, &dialect.may_not_make_table(&target.schema)).await?);
    let in_the_way = |obstacle| format!("swap = true cannot take this along: {obstacle}");
    Ok(obstacles.into_iter().map(in_the_way).collect())
}

/// A new table on its way to the old one's name.
pub(super) struct Swapping {
    swap: &'static Swap,
    /// The new table, quoted.
    table: String,
}

impl Swapping {
    /// Makes the new table, without rows; `None` where the database cannot.
    pub async fn begin(session: &Session, target: &OutsideTarget) -> Result<Option<Swapping>, DatabaseError> {
        let Some(swap) = dialect::of(session).swap() else { return Ok(None) };
        let name = format!("windrow_swap_{}", target.id().unwrap_or_default());
        let table = qualified(dialect::of(session), &target.schema, &name);
        session.run(&swap.make.replace("{old}", &target.qualified).replace("{new}", &table)).await?;
        exchange::take_along(session, swap, target, &table).await?;
        Ok(Some(Swapping { swap, table }))
    }

    /// The new table, quoted.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Takes the rows that are to stay into the new table, whole; how many do not.
    pub async fn spare(
        &self,
        transaction: &Transaction<'_>,
        target: &OutsideTarget,
        condition: Option<&str>,
    ) -> Result<u64, DatabaseError> {
        let standing = transaction.count(&format!("SELECT count(*) FROM {}", target.qualified)).await?;
        let Some(condition) = condition else { return Ok(standing) };
        let stored = target.columns().iter().filter(|column| !column.computed);
        let names = listed(stored.map(|column| transaction.dialect.identifier(&column.name)));
        let insert = format!(
            "INSERT INTO {} ({names}) {} SELECT {names} FROM {} AS old WHERE {condition} ORDER BY {}",
            self.table,
            self.swap.with_numbers,
            target.qualified,
            target.place("old")
        );
        Ok(standing.saturating_sub(transaction.execute(&insert).await?))
    }

    /// The new table takes the old one's place.
    pub async fn exchange(&self, session: &Session, target: &OutsideTarget) -> Result<(), MergeError> {
        session.run(&self.swap.lock.replace("{old}", &target.qualified)).await?;
        let problems = obstacles(session, target).await?;
        if !problems.is_empty() {
            return Err(MergeError::Table { table: target.name.clone(), problems, hint: NEVER_ALTERS });
        }
        Ok(exchange(session, self.swap, target, &self.table).await?)
    }
}
