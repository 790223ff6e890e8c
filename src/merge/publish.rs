//! The gate, the load, and the note in the run of how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::columns::Output;
use super::file::FilePlace;
use super::gate::{Duplicates, Gate};
use super::load::{self, Loaded, Order, Stop, StopWhenDropped};
use super::prove::Extent;
use super::refused::Rejected;
use super::resolved::ResolvedDestination;
use super::{MergeError, Proof, columns, database, dialect, file, outside, sql, statements};
use crate::handoff::VERSION;
use crate::handoff::{Outcome, Plan, RunStore};
use crate::job::{Destination, Job};
use crate::value::Type;

/// On what terms a run is published.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Microseconds since 1970, UTC.
    pub now_micros: i64,
    /// Publish whatever the gate says; it is told in [`Published::overridden`].
    pub anyway: bool,
    /// Try again what the table refused, where all of the run is published but that.
    pub again: bool,
    /// Where rows are counted as they are sent to a server.
    pub sent: Option<&'static AtomicU64>,
}

impl Published {
    /// What a run's folder says of a publication, without a look at the destination.
    pub fn noted(outcome: Outcome) -> Published {
        Published {
            already: true,
            rows: outcome.rows,
            replaced: 0,
            left_out: 0,
            duplicates: Duplicates::default(),
            withheld: 0,
            kept_out: 0,
            late: 0,
            gone: 0,
            added: Vec::new(),
            total: None,
            at_pauses: 0,
            overridden: Vec::new(),
            warnings: Vec::new(),
            took: Duration::ZERO,
            outcome,
        }
    }
}

/// How a run was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What `merged.json` says.
    pub outcome: Outcome,
    /// Whether the run was published before, by this very content: nothing was done.
    pub already: bool,
    /// Rows written.
    pub rows: u64,
    /// Rows of the table that were replaced or deleted for them.
    pub replaced: u64,
    /// Records of the run that are not in it, because an endpoint failed whose `on_failure` is `skip`, or `keep`
    /// where it explodes. An answer without rows leaves no record out.
    pub left_out: u64,
    /// Rows that are not in it because a later one has the same key.
    pub duplicates: Duplicates,
    /// Rows that are not in it because the job's own statements took them out.
    pub withheld: u64,
    /// Rows that are not in it because a trigger or a rule of the table kept them out, or put them elsewhere.
    pub kept_out: u64,
    /// Records that got answers after they had been appended: their rows stay as they are.
    pub late: u64,
    /// Rows that were deleted because the list no longer has their ids.
    pub gone: u64,
    /// Columns of the job that the table was given.
    pub added: Vec<String>,
    /// Rows of the table now; `None` where counting them would take long and nothing depends on it.
    pub total: Option<u64>,
    /// Rows of the run that were published before, when it paused.
    pub at_pauses: u64,
    /// Conditions of the gate that are not met, where it was published all the same.
    pub overridden: Vec<String>,
    /// What went wrong after COMMIT: the rows are published, whatever it is.
    pub warnings: Vec<String>,
    /// From opening the database to COMMIT.
    pub took: Duration,
}

/// The CREATE TABLE that publishing runs where there is no table; of a file the columns that it will have.
pub fn ddl(job: &Job, plan: &Plan) -> Result<String, MergeError> {
    let outputs = columns::of_run(plan, Some(job))?;
    if let Some(dialect) = dialect::of_destination(&job.table.to) {
        let name = columns::table_name(&job.table.name);
        let quoted: Vec<String> = name.parts().map(|part| dialect.identifier(part)).collect();
        return Ok(outside::create_table(dialect, &quoted.join("."), &outputs, job) + ";");
    }
    if let Destination::Parquet(_) | Destination::Csv(_) = job.table.to {
        return Ok(columns::list(&outputs));
    }
    let (schema, table) = columns::schema_and_table(&job.table.name);
    let mut name = sql::identifier(&table);
    if schema != "main" {
        name = format!("{}.{name}", sql::identifier(&schema));
    }
    Ok(columns::create_table(&name, &outputs) + ";")
}

/// The statements that publishing runs where a table that is there is to gain these columns; of a file the columns.
pub fn ddl_of_new_columns(job: &Job, plan: &Plan, new: &[String]) -> Result<String, MergeError> {
    let outputs = columns::of_run(plan, Some(job))?;
    let added: Vec<Output> = outputs.into_iter().filter(|output| new.contains(&output.name)).collect();
    if let Destination::Parquet(_) | Destination::Csv(_) = job.table.to {
        return Ok(columns::list(&added));
    }
    let dialect = dialect::of_destination(&job.table.to);
    let name = columns::table_name(&job.table.name);
    let quote =
        |name: &str| dialect.map_or_else(|| sql::identifier(name), |dialect| dialect.identifier(name));
    let table = name.parts().map(quote).collect::<Vec<_>>().join(".");
    let statement = |output: &Output| match dialect {
        Some(dialect) => {
            dialect.add_column(&table, &quote(&output.name), output.ty.unwrap_or(Type::Text)) + ";"
        }
        None => columns::add_column(&table, output) + ";",
    };
    Ok(added.iter().map(statement).collect::<Vec<_>>().join("\n"))
}

/// Publishes a proven run: gate, one transaction, `merged.json` last.
///
/// A run that stands in the database already is left alone; `merged.json` is written if it is not there, and reports
/// that a death has left without their names get them. After COMMIT nothing fails: what goes wrong then is in
/// [`Published::warnings`].
/// Fails with [`MergeError::Refused`] where the gate is shut; `merged.json` then says why. Must be called
/// within a tokio runtime; DuckDB works on a thread of its own meanwhile. When `stop` comes first, the
/// transaction is given up and it fails with [`MergeError::Interrupted`], unless COMMIT got through before.
/// Dropped before its end it is given up as well.
pub async fn publish(
    run: &RunStore,
    job: &Job,
    place: &ResolvedDestination,
    proof: &Proof,
    terms: &Terms,
    stop: impl Future<Output = ()>,
) -> Result<Published, MergeError> {
    run.sweep_all().await;
    let order = order_of(run, job, place, proof, terms).await?;
    let (mut outcome, noted) = (outcome(&order), order.noted.clone());
    let mut loaded = match load_if_open(order, stop).await {
        Err(MergeError::Refused { conditions, hint }) => {
            outcome.refused = Some(conditions.join("\n"));
            run.put_outcome(&outcome).await?;
            return Err(MergeError::Refused { conditions, hint });
        }
        loaded => loaded?,
    };
    outcome.published = true;
    outcome.rows = loaded.rows;
    outcome.rejected = std::mem::take(&mut loaded.rejected);
    outcome.file = loaded.file;
    let standing = noted.filter(|standing| loaded.already && same(standing, &outcome));
    if standing.is_none()
        && let Err(error) = run.put_outcome(&outcome).await
    {
        loaded.warnings.push(format!(
            "the run's folder could not take note of it: {error}\nhint: `windrow merge` notes it, and loads nothing twice"
        ));
    }
    Ok(published(standing.unwrap_or(outcome), loaded))
}

/// What became of a publication whose process died: where the destination has the run, what [`publish`] says of one that
/// is published already, with all that it makes good. `None` where it does not have it; nothing is loaded then.
pub async fn settle(
    run: &RunStore,
    job: &Job,
    place: &ResolvedDestination,
    proof: &Proof,
    terms: &Terms,
) -> Result<Option<Published>, MergeError> {
    if is_published(&order_of(run, job, place, proof, terms).await?).await? {
        publish(run, job, place, proof, terms, std::future::pending()).await.map(Some)
    } else {
        Ok(None)
    }
}

async fn order_of(
    run: &RunStore,
    job: &Job,
    place: &ResolvedDestination,
    proof: &Proof,
    terms: &Terms,
) -> Result<Order, MergeError> {
    Ok(Order {
        place: place.clone(),
        job: job.clone(),
        proof: proof.clone(),
        extent: Extent::Whole,
        gate: Gate::of_run(job, proof, terms.anyway),
        noted: run.outcome().await?,
        rejected: Rejected::new(),
        staged: false,
        batch: None,
        moved: BTreeMap::new(),
        again: terms.again,
        now_micros: terms.now_micros,
        sent: terms.sent,
    })
}

/// Loads, unless the gate is shut already; no database is made then.
async fn load_if_open(order: Order, stop: impl Future<Output = ()>) -> Result<Loaded, MergeError> {
    let mut stop = std::pin::pin!(stop);
    if let Some(refusal) = order.gate.refusal() {
        let is_published = tokio::select! {
            is_published = is_published(&order) => is_published?,
            () = stop.as_mut() => return Err(MergeError::Interrupted),
        };
        if !is_published {
            return Err(refusal);
        }
    }
    load_unless(order, stop).await
}

/// Whether the destination has the run already; nothing is made to find out.
async fn is_published(order: &Order) -> Result<bool, MergeError> {
    match &order.place {
        ResolvedDestination::DuckDb(path) if !path.exists() => Ok(false),
        ResolvedDestination::DuckDb(path) => {
            let connection = database::open_when_free(path).await?;
            Ok(load::settled(&connection, order, path)?.is_some())
        }
        ResolvedDestination::Server(server) => outside::is_published(order, server).await,
        ResolvedDestination::Parquet(path) | ResolvedDestination::Csv(path) => {
            file::is_published(order, &FilePlace::of(&order.place, path, &order.job))
        }
    }
}

/// Loads; gives up when `stop` comes, or when this is dropped. Where there is nothing to load, reports that a death has
/// left get their names.
pub(super) async fn load_unless(order: Order, stop: impl Future<Output = ()>) -> Result<Loaded, MergeError> {
    let (after, tag) = (order.job.after.clone(), order.tag());
    let mut loaded = load_or_find(order, stop).await?;
    if loaded.already {
        loaded.warnings.extend(statements::finish_left(&after, &tag));
    }
    Ok(loaded)
}

async fn load_or_find(order: Order, stop: impl Future<Output = ()>) -> Result<Loaded, MergeError> {
    match &order.place {
        ResolvedDestination::DuckDb(path) => {
            let path = path.clone();
            on_thread(stop, move |stop| load::load(order, &path, stop)).await
        }
        ResolvedDestination::Parquet(path) | ResolvedDestination::Csv(path) => {
            let file = FilePlace::of(&order.place, path, &order.job);
            on_thread(stop, move |stop| file::load(&order, &file, stop)).await
        }
        ResolvedDestination::Server(server) => {
            let server = server.clone();
            outside::load(order, &server, stop).await
        }
    }
}

/// Loads by DuckDB, on a thread of its own.
async fn on_thread(
    stop: impl Future<Output = ()>,
    load: impl FnOnce(&Stop) -> Result<Loaded, MergeError> + Send + 'static,
) -> Result<Loaded, MergeError> {
    let given_up = Arc::new(Stop::default());
    let _guard = StopWhenDropped(given_up.clone());
    let attended = given_up.clone();
    let mut loading = tokio::task::spawn_blocking(move || load(&attended));
    let loaded = tokio::select! {
        loaded = &mut loading => loaded,
        () = stop => {
            given_up.stop();
            loading.await
        }
    };
    loaded.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))
}

/// Whether two outcomes differ in their times only.
fn same(standing: &Outcome, outcome: &Outcome) -> bool {
    *standing == Outcome { at: standing.at, ..outcome.clone() }
}

fn outcome(order: &Order) -> Outcome {
    Outcome {
        version: VERSION,
        published: false,
        to: order.place.to_string(),
        table: order.job.table.name.clone(),
        rounds: order.proof.rounds,
        digest: order.proof.digest.clone(),
        rows: 0,
        rejected: Vec::new(),
        refused: None,
        file: None,
        at: order.now_micros,
    }
}

fn published(outcome: Outcome, loaded: Loaded) -> Published {
    Published {
        outcome,
        already: loaded.already,
        rows: loaded.rows,
        replaced: loaded.replaced,
        left_out: loaded.left_out,
        duplicates: loaded.duplicates,
        withheld: loaded.withheld,
        kept_out: loaded.kept_out,
        late: loaded.late,
        gone: loaded.gone,
        added: loaded.added,
        total: loaded.total,
        at_pauses: loaded.at_pauses,
        overridden: loaded.overridden,
        warnings: loaded.warnings,
        took: loaded.took,
    }
}
