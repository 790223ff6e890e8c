//! Rows of other tables that refer to this one: what PostgreSQL does with them where rows here are deleted.
//!
//! `ON DELETE CASCADE` deletes them, and what refers to them in turn; `SET NULL` and `SET DEFAULT` take the reference
//! away. Neither says a word, nor asks for rights. So a load does that to no row outside its table, unless the job's
//! `on_referencing` says that it may:
//!
//! | | where it is certain that rows go as a whole | else |
//! |---|---|---|
//! | when | `replace` without a key, `replace_ids` with several rows to an id | `replace` with a key, `replace_ids`, `on_unlisted = "delete"`, rows that stand under one key twice |
//! | looked at | before the first request: the rows that refer are counted ([`problems`]) | in the transaction: what each of our statements did to other tables, by the server's own count ([`Watch`]) |
//!
//! In the transaction that count decides in every case, so that triggers which delete, references to partitions and to
//! children by inheritance, and cascades of cascades need no rule of their own. Rows that come again under their key are
//! [updated](super::in_place), which keeps what refers to them.

use std::collections::{BTreeMap, BTreeSet};

use super::target::OutsideTarget;
use crate::database::{DatabaseError, Row, Session};
use crate::job::{Job, Mode, OnReferencing, OnUnlisted};
use crate::merge::dialect::{self, Cause, Dialect};

/// Most foreign keys that are followed: a circle of them would have no end.
const MOST_KEYS: usize = 100;

/// A foreign key of another table.
struct Key {
    id: String,
    name: String,
    /// The table that has it.
    table_id: String,
    table: String,
    /// The table that it refers to.
    referenced: String,
    /// What happens ON DELETE.
    action: String,
    /// Its columns, and those that they refer to.
    columns: Vec<(String, String)>,
    may_be_counted: bool,
}

impl Key {
    fn of(row: &Row) -> Key {
        Key {
            id: row.text(0),
            name: row.text(1),
            table_id: row.text(2),
            table: row.text(3),
            referenced: row.text(4),
            action: row.text(5),
            columns: row.list(6).into_iter().zip(row.list(7)).collect(),
            may_be_counted: row.flag(8),
        }
    }

    fn cascades(&self) -> bool {
        self.action == "CASCADE"
    }

    /// Whether the job lets it happen.
    fn is_allowed(&self, job: &Job) -> bool {
        match job.table.on_referencing {
            OnReferencing::Fail => false,
            OnReferencing::Null => !self.cascades(),
            OnReferencing::Delete => true,
        }
    }

    /// A condition on `t<depth>`, a row of its table: it refers to a row that is deleted, as `above` says of the row
    /// referred to, `t<depth - 1>`.
    fn refers(&self, dialect: &dyn Dialect, depth: usize, above: Option<&str>) -> String {
        let column = |at: usize, name: &str| format!("t{at}.{}", dialect.identifier(name));
        let set = self.columns.iter().map(|(name, _)| format!("{} IS NOT NULL", column(depth, name)));
        let set = set.collect::<Vec<_>>().join(" AND ");
        let Some(above) = above else { return set };
        let same = self
            .columns
            .iter()
            .map(|(name, referenced)| format!("{} = {}", column(depth - 1, referenced), column(depth, name)));
        let same = same.collect::<Vec<_>>().join(" AND ");
        format!(
            "{set} AND EXISTS (SELECT 1 FROM {} t{} WHERE {same} AND {above})",
            self.referenced,
            depth - 1
        )
    }
}

/// What the job would do to rows of other tables for certain, and may not; before the first request.
pub(super) async fn problems(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
) -> Result<Vec<String>, DatabaseError> {
    if let Some(id) = target.id()
        && dialect::of(session).changes(id, Cause::Delete).is_none()
    {
        let mut problems = if may_delete(job) { uncounted(session, job, target).await? } else { Vec::new() };
        problems.extend(meddling_triggers(session, job, target).await?);
        return Ok(problems);
    }
    let Some(id) = target.id().filter(|_| all_make_way(job)) else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut followed = vec![(id.to_owned(), 1, None::<String>, true)];
    while let Some((id, depth, above, may_be_counted)) = followed.pop() {
        for key in keys(session, &id).await? {
            if !seen.insert(key.id.clone()) || seen.len() > MOST_KEYS {
                continue;
            }
            let refers = key.refers(dialect::of(session), depth, above.as_deref());
            let may_be_counted = may_be_counted && key.may_be_counted;
            let rows =
                if may_be_counted { Some(count(session, &key.table, depth, &refers).await?) } else { None };
            if rows == Some(0) {
                continue;
            }
            if !key.is_allowed(job) {
                problems.push(problem(&key, rows));
            }
            if key.cascades() {
                followed.push((key.table_id, depth + 1, Some(refers), may_be_counted));
            }
        }
    }
    if let Some(last) = problems.last_mut() {
        last.push_str(&format!("\n  {}", way_out(job)));
    }
    Ok(problems)
}

/// Triggers of the table that may change other rows, where nobody counts what they do.
async fn meddling_triggers(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
) -> Result<Vec<String>, DatabaseError> {
    let updates = job.table.mode == Mode::Upsert || target.is_replaced_in_place(&job.table);
    let causes = [(may_delete(job), Cause::Delete), (updates, Cause::Update)];
    let causes: Vec<Cause> = causes.into_iter().filter_map(|(may, cause)| may.then_some(cause)).collect();
    let Some(id) = target.id().filter(|_| job.table.on_referencing != OnReferencing::Delete) else {
        return Ok(Vec::new());
    };
    let Some(query) = dialect::of(session).triggers(id, &causes) else { return Ok(Vec::new()) };
    let told = |row: &Row| {
        format!(
            "its trigger {} changes rows where some of its own are replaced or deleted, and the server does not count them: let \
             it happen with on_referencing = \"delete\" under [table]",
            row.text(0)
        )
    };
    Ok(session.rows(&query).await?.iter().map(told).collect())
}

/// Whether rows of the table may be deleted.
fn may_delete(job: &Job) -> bool {
    match job.table.mode {
        Mode::Replace => !job.table.swap,
        Mode::ReplaceIds => true,
        Mode::Upsert => job.table.on_unlisted == OnUnlisted::Delete,
        Mode::Append => false,
    }
}

/// Whether rows go as a whole where new ones come, though some may come again.
fn all_make_way(job: &Job) -> bool {
    match job.table.mode {
        Mode::Replace => job.table.key.is_empty() && !job.table.swap,
        Mode::ReplaceIds => job.endpoints.iter().any(crate::job::Endpoint::explodes),
        Mode::Append | Mode::Upsert => false,
    }
}

async fn keys(session: &Session, id: &str) -> Result<Vec<Key>, DatabaseError> {
    let keys = session.rows(&dialect::of(session).referencing(id)).await?;
    Ok(keys.iter().map(Key::of).collect())
}

async fn count(session: &Session, table: &str, depth: usize, condition: &str) -> Result<i64, DatabaseError> {
    let count = format!("SELECT count(*) FROM {table} t{depth} WHERE {condition}");
    Ok(session.row(&count).await?.number(0).unwrap_or_default())
}

fn problem(key: &Key, rows: Option<i64>) -> String {
    let rows = rows.map_or_else(|| "rows that this user may not count".to_owned(), counted);
    let what = if key.cascades() { "delete" } else { "take the reference from" };
    format!(
        "replacing its rows would {what} {rows} of {} too (foreign key {}, ON DELETE {})",
        key.table, key.name, key.action
    )
}

fn counted(rows: i64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// What a person can say about it.
fn way_out(job: &Job) -> &'static str {
    match job.table.mode {
        Mode::Replace if job.table.key.is_empty() => {
            "name a key under [table]: rows that come again under it are updated, and what refers to them stays; or let it \
             happen with on_referencing = \"delete\" (\"null\" where only references are taken away)"
        }
        _ => {
            "take mode = \"upsert\" with a key, or let it happen with on_referencing = \"delete\" under [table] (\"null\" \
             where only references are taken away)"
        }
    }
}

/// Rows that this transaction has deleted and updated so far, by table.
#[derive(Debug, Default)]
pub(super) struct Watch {
    deleted: BTreeMap<String, i64>,
    /// Only in tables of which a foreign key takes references away.
    updated: BTreeMap<String, i64>,
    /// Rows of the table itself.
    own: i64,
}

impl Watch {
    /// Looks at the server's count.
    pub async fn look(
        session: &Session,
        target: &OutsideTarget,
        cause: Cause,
    ) -> Result<Watch, DatabaseError> {
        let mut watch = Watch::default();
        let changes = target.id().and_then(|id| dialect::of(session).changes(id, cause));
        let Some(changes) = changes else { return Ok(watch) };
        for row in &session.rows(&changes).await? {
            let (table, deleted) = (row.text(0), row.number(2).unwrap_or_default());
            let updated = row.number(3).unwrap_or_default();
            if row.flag(1) {
                watch.own += deleted;
            } else {
                watch.deleted.insert(table.clone(), deleted);
                watch.updated.insert(table, updated);
            }
        }
        Ok(watch)
    }

    /// What a statement did since, beyond the rows that it says it has changed, and the job does not allow.
    pub fn problems(&self, since: &Watch, cause: Cause, changed: u64, job: &Job) -> Vec<String> {
        let allows = job.table.on_referencing;
        let verb = match cause {
            Cause::Delete => "deleting",
            Cause::Update => "updating",
        };
        let mut problems = Vec::new();
        if allows != OnReferencing::Delete {
            let own = self.own - since.own - i64::try_from(changed).unwrap_or(i64::MAX);
            if matches!(cause, Cause::Delete) && own > 0 {
                problems.push(format!(
                    "deleting {changed} of its rows deletes {own} more of its own that are to stay"
                ));
            }
            let more = more(&self.deleted, &since.deleted);
            problems.extend(more.map(|(table, rows)| {
                format!("{verb} {changed} of its rows deletes {} of {table} too", counted(rows))
            }));
        }
        if allows == OnReferencing::Fail {
            let more = more(&self.updated, &since.updated);
            problems.extend(more.map(|(table, rows)| {
                format!("{verb} {changed} of its rows takes the reference from {} of {table}", counted(rows))
            }));
        }
        if let Some(last) = problems.last_mut() {
            last.push_str(
                "\n  let it happen with on_referencing = \"delete\" under [table] (\"null\" where only references are taken \
                 away), then repeat `windrow merge`",
            );
        }
        problems
    }

    /// Whether the server does not count: it was told not to (`track_counts`).
    pub fn is_blind(&self, since: &Watch, changed: u64) -> bool {
        self.own - since.own < i64::try_from(changed).unwrap_or(i64::MAX)
    }
}

/// What has grown, and by how much.
fn more<'a>(
    now: &'a BTreeMap<String, i64>,
    then: &'a BTreeMap<String, i64>,
) -> impl Iterator<Item = (&'a String, i64)> {
    let grown = |(table, rows): (&'a String, &i64)| (table, rows - then.get(table).unwrap_or(&0));
    now.iter().map(grown).filter(|(_, rows)| *rows > 0)
}

/// The foreign keys that would do what the job does not allow, where nobody counts.
pub(super) async fn uncounted(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
) -> Result<Vec<String>, DatabaseError> {
    let Some(id) = target.id() else { return Ok(Vec::new()) };
    let keys = keys(session, id).await?;
    let told = keys.iter().filter(|key| !key.is_allowed(job)).map(|key| {
        format!(
            "the server does not count what a statement does to other tables, so nobody knows what deleting its rows \
             does to {} (foreign key {}, ON DELETE {}): let it happen with on_referencing = \"delete\" under [table]",
            key.table, key.name, key.action
        )
    });
    Ok(told.collect())
}
