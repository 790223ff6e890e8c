//! A run's files as views: `rows`, `requests`, `all_requests`, `input`, `rejected`, and one per endpoint.
//!
//! | view | holds |
//! |---|---|
//! | `input` | the frozen lines: `ordinal` and the input's columns |
//! | an endpoint's name | its answers: `ordinal`, the id, its columns; a row for every record that is ok or missing there, or that its `when` left out. Of one that explodes all its rows, with their `part` after the ordinal |
//! | `rows` | the table as this run would make it: the endpoints joined on the ordinal, one row for each part. Of an unfinished run as if nothing more came: the records of committed blocks, what failed or waits as `on_failure` has it. (A pause publishes fewer: those that have succeeded everywhere; and of a table that may refuse some, those of `rejected` are here as well.) |
//! | `requests` | the ledger, each pair's latest line, with its `round` and `shard`: records × endpoints lines |
//! | `all_requests` | the ledger of all rounds |
//! | `rejected` | the records that the table refused and the job let it (`max_rejected`), of the last publication: `ordinal`, `id`, `value`, `why` |
//! | `windrow_rows`, `windrow_failures`, `windrow_input` | what the job's own statements see ([`statements`](super::statements)), so that they can be tried offline |
//! | `answers` | the answers that were kept: `ordinal`, `endpoint`, `page`, `http_status`, `body` as text in UTF-8 where it is text, `bytes` as they came, `content_type` |
//!
//! Where an endpoint is named like another view, that one has a `_` at its end; so has a column of windrow's own where a
//! column of the list or of an answer has its name, and of columns that differ in capitals only the later.

use duckdb::{Connection, Result};

use super::columns::Output;
use super::files::{BlockFiles, RunFiles};
use super::policy::Policy;
use super::select::Selection;
use super::slice::{self, Slice};
use super::sql;
use super::statements::place;
use crate::handoff::input::{ORDINAL, PART};
use crate::handoff::names::{Shown, distinct};
use crate::handoff::{PlannedEndpoint, RefusedRow};
use crate::value::{Field, Type};

/// Creates the views; the names of those that are for people.
pub(super) fn create(
    connection: &Connection,
    files: &RunFiles,
    columns: &[Output],
    policy: &Policy,
    refused: &[RefusedRow],
) -> Result<Vec<String>> {
    let slice = slice::whole(files);
    let own = [
        ("rows", rows(&slice, columns, policy)),
        ("requests", requests(files)),
        ("all_requests", all_requests(files)),
        ("input", input(&slice)),
        ("rejected", rejected(refused)),
        ("answers", kept_answers(files)),
    ];
    let of_endpoint =
        |(at, endpoint): (usize, &PlannedEndpoint)| (endpoint.name.clone(), answers(&slice, at));
    let own = own.map(|(name, select)| (files.plan.view(name), select)).into_iter();
    let views: Vec<_> = own.chain(files.plan.endpoints.iter().enumerate().map(of_endpoint)).collect();
    let of_statements =
        of_statements(files).into_iter().chain([("windrow_rows", placed_rows(&slice, columns, policy))]);
    let of_statements = of_statements.map(|(name, select)| (files.plan.view(name), select));
    for (name, select) in of_statements.chain(views.iter().cloned()) {
        connection.execute_batch(&format!("CREATE VIEW {} AS {select}", sql::identifier(&name)))?;
    }
    Ok(views.into_iter().map(|(name, _)| name).collect())
}

/// The records that the table refused, and the job let it.
fn rejected(refused: &[RefusedRow]) -> String {
    let row = |row: &RefusedRow| {
        let [id, value, why] = [&row.id, &row.shown_values(), &row.why].map(|text| sql::text(text));
        format!("({}::BIGINT, {id}, {value}, {why})", row.record)
    };
    let rows: Vec<String> = refused.iter().map(row).collect();
    let (rows, which) = match rows.is_empty() {
        true => ("(NULL::BIGINT, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR)".to_owned(), " WHERE false"),
        false => (rows.join(", "), ""),
    };
    format!("SELECT * FROM (VALUES {rows}) rejected({ORDINAL}, id, value, why){which}")
}

fn rows(slice: &Slice<'_>, columns: &[Output], policy: &Policy) -> String {
    let selection = Selection { columns, policy, standing: None };
    format!("SELECT {} {}", values(&selection, slice).join(", "), selection.from(slice))
}

/// The rows as the job's statements see them before they are written.
fn placed_rows(slice: &Slice<'_>, columns: &[Output], policy: &Policy) -> String {
    let selection = Selection { columns, policy, standing: None };
    let [ordinal, part] = place(columns);
    let parts = selection.part().unwrap_or_else(|| "0::INTEGER".to_owned());
    let mut all = vec![format!("{} AS {ordinal}", selection.ordinal()), format!("{parts} AS {part}")];
    all.extend(values(&selection, slice));
    format!("SELECT {} {}", all.join(", "), selection.from(slice))
}

/// The columns of the table, each under its name.
fn values(selection: &Selection<'_>, slice: &Slice<'_>) -> Vec<String> {
    let value = |(output, name): (&Output, String)| {
        let value = selection.expression(slice, output);
        let typed = output.ty.map_or_else(|| value.clone(), |ty| sql::read_as(&value, ty));
        format!("{typed} AS {}", sql::identifier(&name))
    };
    let names = distinct([], selection.columns.iter().map(|column| column.name.as_str()));
    selection.columns.iter().zip(names).map(value).collect()
}

fn input(slice: &Slice<'_>) -> String {
    let plan = &slice.files.plan;
    let columns = listed(&[ORDINAL], &plan.columns, &plan.input_names(), &plan.shown_input());
    format!("SELECT {columns} FROM {}", slice.input())
}

fn answers(slice: &Slice<'_>, endpoint: usize) -> String {
    let plan = &slice.files.plan;
    let (fields, names) = (plan.answer_columns(endpoint), plan.answer_names(endpoint));
    let columns = listed(&[ORDINAL, PART], fields, &names, &plan.shown_answers(endpoint));
    format!("SELECT {columns} FROM {}", slice.answers(endpoint))
}

/// Columns of a file, `own` and those of others that are called `names` there, as they are shown.
fn listed<'a>(
    own: &[&str],
    fields: impl IntoIterator<Item = &'a Field>,
    names: &[String],
    shown: &Shown,
) -> String {
    let own = own.iter().zip(&shown.own).map(|(name, shown)| format!("{name} AS {shown}"));
    let column = |((field, name), shown): ((&Field, &String), &String)| {
        format!("{} AS {}", sql::read_as(&sql::identifier(name), field.ty), sql::identifier(shown))
    };
    let others = fields.into_iter().zip(names).zip(&shown.others).map(column);
    own.chain(others).collect::<Vec<_>>().join(", ")
}

/// The views that the job's own statements name, over the run's files: name and SELECT. `windrow_rows` is left to whoever
/// writes them.
pub(super) fn of_statements(files: &RunFiles) -> [(&'static str, String); 2] {
    [("windrow_input", input(&slice::whole(files))), ("windrow_failures", failures(files).1)]
}

/// The latest line of every pair without success: columns, and the SELECT.
pub(super) fn failures(files: &RunFiles) -> (Vec<Field>, String) {
    let field = |name: &str, ty| Field { name: name.to_owned(), ty };
    let ids: Vec<Field> = files.plan.columns.iter().take(files.plan.id_columns).cloned().collect();
    let own: Vec<&str> = [ORDINAL].into_iter().chain(FAILURE.iter().map(|(name, _)| *name)).collect();
    let shown = Shown::of(&own, &ids);
    let own = own.iter().zip(&shown.own).map(|(name, shown)| format!("failure.{name} AS {shown}"));
    let id = |(name, shown): (&String, &String)| {
        format!("record.{} AS {}", sql::identifier(name), sql::identifier(shown))
    };
    let mut names: Vec<String> = own.collect();
    names.splice(1..1, files.plan.input_names().iter().zip(&shown.others).map(id));
    let mut own = shown.own.iter();
    let mut fields: Vec<Field> = own.next().map(|name| field(name, Type::Bigint)).into_iter().collect();
    fields.extend(ids);
    fields.extend(own.zip(FAILURE).map(|(name, (_, ty))| field(name, ty)));
    let select = format!(
        "SELECT {} FROM ({}) failure JOIN {} record USING ({ORDINAL}) WHERE failure.kind IS NOT NULL",
        names.join(", "),
        requests(files),
        slice::whole(files).input(),
    );
    (fields, select)
}

/// Columns of the failures, after ordinal and id.
const FAILURE: [(&str, Type); 7] = [
    ("endpoint", Type::Text),
    ("status", Type::Text),
    ("kind", Type::Text),
    ("http_status", Type::Integer),
    ("detail", Type::Text),
    ("attempts", Type::Integer),
    ("finished_at", Type::Timestamp),
];

/// A branch for every shard, which the files themselves do not name.
fn all_requests(files: &RunFiles) -> String {
    let shard_of = |block: &BlockFiles| (block.round, block.shard);
    let shards = files.blocks.chunk_by(|one, next| shard_of(one) == shard_of(next));
    let branch = |blocks: &[BlockFiles]| {
        let (round, shard) = shard_of(&blocks[0]);
        let lines = slice::ledger_of(blocks.iter());
        format!("SELECT {round}::INTEGER AS round, {shard}::INTEGER AS shard, * FROM {lines}")
    };
    let branches: Vec<String> = shards.map(branch).collect();
    if branches.is_empty() {
        format!(
            "SELECT 0::INTEGER AS round, 0::INTEGER AS shard, * FROM {}",
            slice::ledger_of(std::iter::empty())
        )
    } else {
        branches.join(" UNION ALL ")
    }
}

/// The answers that were kept, in all rounds. Older files have no `text` and `content_type`.
fn kept_answers(files: &RunFiles) -> String {
    let paths: Vec<String> = files
        .blocks
        .iter()
        .filter_map(|block| block.answers.as_ref())
        .map(|path| sql::text(&path.to_string_lossy()))
        .collect();
    if paths.is_empty() {
        return format!(
            "SELECT NULL::BIGINT AS {ORDINAL}, NULL::VARCHAR AS endpoint, NULL::INTEGER AS page, \
             NULL::INTEGER AS http_status, NULL::VARCHAR AS body, NULL::BLOB AS bytes, \
             NULL::VARCHAR AS content_type WHERE false"
        );
    }
    format!(
        "SELECT {ORDINAL}, endpoint, page, http_status, coalesce(text, TRY(decode(body))) AS body, body AS bytes, \
         content_type \
         FROM (SELECT NULL::VARCHAR AS text, NULL::VARCHAR AS content_type WHERE false UNION ALL BY NAME \
         FROM read_parquet([{}], hive_partitioning = false, union_by_name = true))",
        paths.join(",")
    )
}

/// Each pair's latest line.
fn requests(files: &RunFiles) -> String {
    let all = all_requests(files);
    match files.rounds {
        0 | 1 => all,
        _ => format!(
            "FROM ({all}) QUALIFY row_number() OVER (PARTITION BY {ORDINAL}, endpoint ORDER BY round DESC) = 1"
        ),
    }
}
