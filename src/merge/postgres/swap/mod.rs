//! `replace = "swap"`: a new table is filled, and takes the old one's name, in the same transaction.
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
use super::rights::to_make_a_table;
use super::rows::listed;
use super::target::{Target, qualified};
use super::transaction::Transaction;
use crate::database::DatabaseError;
use crate::database::postgres::Session;
use crate::merge::{MergeError, sql};

/// What cannot go along, in words; `$1` is the table.
const OBSTACLES: &str = "\
    SELECT 'the view ' || r.ev_class::regclass || ' reads it' FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 \
        AND r.ev_class <> $1 \
    UNION SELECT 'the rule ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = $1 \
    UNION SELECT 'the key ' || quote_ident(conname) || ' of ' || conrelid::regclass || ' refers to it' \
      FROM pg_constraint WHERE confrelid = $1 AND contype = 'f' \
    UNION SELECT 'the trigger ' || quote_ident(tgname) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal \
    UNION SELECT 'the policy ' || quote_ident(polname) FROM pg_policy WHERE polrelid = $1 \
    UNION SELECT 'it is published for replication' FROM pg_publication_rel WHERE prrelid = $1 \
    UNION SELECT 'it has partitions' FROM pg_class WHERE oid = $1 AND relkind = 'p' \
    UNION SELECT 'it is a partition' FROM pg_class WHERE oid = $1 AND relispartition \
    UNION SELECT 'it inherits, or is inherited from' FROM pg_inherits WHERE inhrelid = $1 OR inhparent = $1 \
    UNION SELECT 'it has row security' FROM pg_class WHERE oid = $1 AND relrowsecurity \
    UNION SELECT 'it is not logged' FROM pg_class WHERE oid = $1 AND relpersistence <> 'p' \
    UNION SELECT 'it has a tablespace of its own' FROM pg_class WHERE oid = $1 AND reltablespace <> 0 \
    UNION SELECT 'it has a replica identity of its own' FROM pg_class WHERE oid = $1 AND relreplident <> 'd' \
    UNION SELECT 'it is of a type' FROM pg_class WHERE oid = $1 AND reloftype <> 0 \
    UNION SELECT 'only its owner may do that: ' || pg_get_userbyid(relowner) FROM pg_class \
      WHERE oid = $1 AND NOT pg_has_role(relowner, 'USAGE') \
    ORDER BY 1";

/// What keeps a table from being swapped, in words; nothing where it is not there.
pub(super) async fn obstacles(session: &Session, target: &Target) -> Result<Vec<String>, DatabaseError> {
    let Some(oid) = target.oid() else { return Ok(Vec::new()) };
    let found = session.rows(&OBSTACLES.replace("$1", &oid.to_string())).await?;
    let mut obstacles: Vec<String> = found.iter().map(|row| row.text(0)).collect();
    let right = to_make_a_table(session, &target.schema).await?;
    obstacles.extend(right.map(|right| format!("this user may not make {right}")));
    let in_the_way = |obstacle| format!("replace = \"swap\" cannot take this along: {obstacle}");
    Ok(obstacles.into_iter().map(in_the_way).collect())
}

/// A new table on its way to the old one's name.
pub(super) struct Swap {
    /// The new table, quoted.
    table: String,
}

impl Swap {
    /// Makes the new table, without rows.
    pub async fn begin(session: &Session, target: &Target) -> Result<Swap, DatabaseError> {
        let name = format!("windrow_swap_{}", target.oid().unwrap_or_default());
        let table = qualified(&target.schema, &name);
        session.run(&format!("CREATE TABLE {table} (LIKE {} INCLUDING ALL)", target.qualified)).await?;
        exchange::take_along(session, target, &table).await?;
        Ok(Swap { table })
    }

    /// The new table, quoted.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Takes the rows that are to stay into the new table, whole; how many do not.
    pub async fn spare(
        &self,
        transaction: &Transaction<'_>,
        target: &Target,
        condition: Option<&str>,
    ) -> Result<u64, DatabaseError> {
        let standing = transaction.count(&format!("SELECT count(*) FROM {}", target.qualified)).await?;
        let Some(condition) = condition else { return Ok(standing) };
        let stored = target.columns().iter().filter(|column| !column.computed);
        let names = listed(stored.map(|column| sql::identifier(&column.name)));
        let insert = format!(
            "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {} AS old WHERE {condition} \
             ORDER BY old.ctid",
            self.table, target.qualified
        );
        Ok(standing.saturating_sub(transaction.execute(&insert).await?))
    }

    /// The new table takes the old one's place.
    pub async fn exchange(&self, session: &Session, target: &Target) -> Result<(), MergeError> {
        session.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", target.qualified)).await?;
        let problems = obstacles(session, target).await?;
        if !problems.is_empty() {
            return Err(MergeError::Table { table: target.name.clone(), problems });
        }
        Ok(exchange(session, target, &self.table).await?)
    }
}
