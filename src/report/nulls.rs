//! Columns that have a value in no row of a run: most often an expression that looks for something the answers do not have.
//!
//! Promise: what is said to be meant is in an answer that was kept.

use serde_json::Value;

use crate::fetch::Mask;
use crate::handoff::Plan;
use crate::handoff::summary::NullColumn;
use crate::job::{Column, Endpoint, Expression, Job, TakenFrom, nearest_word};
use crate::merge::{MergeError, RunQuery};

/// Rows that are looked at first: most columns have a value in one of them.
const FIRST: usize = 1_000;

/// Answers that are looked into for what was meant.
const ANSWERS: usize = 3;

/// Items of an answer that are looked into.
const ITEMS: usize = 3;

/// Those of the endpoints at these places, which were answered, of a run whose values are not so long that looking at them
/// would take a lot of memory. What the answers have instead is known where answers of records that are well were kept.
pub(super) fn null_columns(
    query: &RunQuery,
    plan: &Plan,
    job: &Job,
    answered: &[usize],
    mask: &Mask,
) -> Result<Vec<NullColumn>, MergeError> {
    let mut found = Vec::new();
    if query.is_wide() {
        return Ok(found);
    }
    for &at in answered {
        let endpoint = &plan.endpoints[at].name;
        let names = plan.shown_answers(at).others.into_iter().skip(plan.id_columns).map(quoted);
        let view = quoted(endpoint.clone());
        let all: Vec<String> = names.collect();
        let first = without_values(query, &all, &format!("(FROM {view} LIMIT {FIRST})"))?;
        let null = without_values(query, &first, &view)?;
        let columns = plan.endpoints[at].columns.iter().zip(&all).filter(|(_, name)| null.contains(name));
        found.extend(columns.map(|(field, _)| null_column(&field.name, endpoint, job)));
    }
    for null in &mut found {
        null.did_you_mean = meant(query, plan, job, null).map(|meant| mask.apply(&meant));
    }
    Ok(found)
}

fn null_column(name: &str, endpoint: &str, job: &Job) -> NullColumn {
    let columns = job.endpoint(endpoint).map(|(_, endpoint)| &endpoint.columns);
    let column = columns.and_then(|columns| columns.iter().find(|column| column.name == name));
    NullColumn {
        column: name.to_owned(),
        endpoint: endpoint.to_owned(),
        looks_for: column.map(looks_for),
        did_you_mean: None,
    }
}

pub(super) fn quoted(name: String) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Those of some columns, as SQL names, that are null in every row of a relation; none where it has no row.
fn without_values(query: &RunQuery, columns: &[String], of: &str) -> Result<Vec<String>, MergeError> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<String> = columns.iter().map(|column| format!("count({column})")).collect();
    let found = query.ask(&format!("SELECT count(*), {} FROM {of}", counts.join(", ")), None)?;
    let Some((rows, counts)) = found.rows.first().and_then(|row| row.split_first()) else {
        return Ok(Vec::new());
    };
    let is_zero = |count: &Option<String>| count.as_deref() == Some("0");
    if is_zero(rows) {
        return Ok(Vec::new());
    }
    let null = columns.iter().zip(counts).filter(|(_, count)| is_zero(count));
    Ok(null.map(|(column, _)| column.clone()).collect())
}

/// The column's expression, as the job has it.
pub(super) fn looks_for(column: &Column) -> String {
    match &column.expression {
        Expression::Jq(jq) => jq.clone(),
        Expression::Css(css) => css.selector.clone(),
        Expression::Text => column.regex.clone().unwrap_or_default(),
    }
}

/// What the answers have that is spelled almost as what is looked for, as far as a few that were kept tell.
fn meant(query: &RunQuery, plan: &Plan, job: &Job, null: &NullColumn) -> Option<String> {
    let (_, endpoint) = job.endpoint(&null.endpoint)?;
    let column = endpoint.columns.iter().find(|column| column.name == null.column)?;
    let path = null.looks_for.as_deref().and_then(plain_path)?;
    let is_within = column.from == TakenFrom::Row;
    let within = items_path(endpoint).filter(|_| is_within);
    let sql = format!(
        "SELECT body FROM {} WHERE endpoint = '{}' AND http_status BETWEEN 200 AND 299 AND body IS NOT NULL LIMIT {ANSWERS}",
        plan.view("answers"),
        null.endpoint.replace('\'', "''"),
    );
    // Where they cannot be read there is no guess.
    let answers = query.ask(&sql, None).ok()?.rows;
    answers.iter().flatten().flatten().find_map(|body| {
        let answer: Value = serde_json::from_str(body).ok()?;
        let mut items = items(&answer, within)?.into_iter();
        items.find_map(|item| spelled_otherwise(item, &path))
    })
}

/// Where the items stand that columns are taken from, where they are not the answer itself.
fn items_path(endpoint: &Endpoint) -> Option<&str> {
    endpoint.batch.as_ref().map(|batch| batch.split.as_str()).or(endpoint.rows.as_deref())
}

/// A few of an answer's items: what `.a.b[]` leads to, or `.a.b`; the answer itself where there is no such path. Nothing of any
/// other jq.
fn items<'a>(answer: &'a Value, path: Option<&str>) -> Option<Vec<&'a Value>> {
    let Some(path) = path else { return Some(vec![answer]) };
    let (path, is_each) = match path.trim().strip_suffix("[]") {
        Some(list) => (list, true),
        None => (path.trim(), false),
    };
    let names = if matches!(path, "" | ".") { Vec::new() } else { plain_path(path)? };
    let at = names.iter().try_fold(answer, |at, name| at.get(name))?;
    match at {
        Value::Array(items) if is_each => Some(items.iter().take(ITEMS).collect()),
        Value::Object(members) if is_each => Some(members.values().take(ITEMS).collect()),
        _ => Some(vec![at]),
    }
}

/// The names of `.a.b`; nothing of any other jq.
fn plain_path(jq: &str) -> Option<Vec<&str>> {
    let path: Vec<&str> = jq.trim().strip_prefix('.')?.split('.').collect();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    path.iter().all(is_name).then_some(path)
}

/// The path with the first name that is not there put right; nothing where there is no such name nearby.
fn spelled_otherwise(answer: &Value, path: &[&str]) -> Option<String> {
    let (mut at, mut so_far) = (answer, String::new());
    for (place, name) in path.iter().enumerate() {
        match at.get(name) {
            Some(inner) => at = inner,
            None => {
                let names: Vec<&str> = at.as_object()?.keys().map(String::as_str).collect();
                let rest = path[place + 1..].iter().map(|name| format!(".{name}")).collect::<String>();
                return Some(format!("{so_far}.{}{rest}", nearest_word(name, &names)?));
            }
        }
        so_far += &format!(".{name}");
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_of_lists_are_looked_into() {
        let answer = json!({ "data": { "films": [{ "Year": 1 }, { "Year": 2 }], "n": 2 } });
        let found = |path| items(&answer, path).map(|items| items.len());
        assert_eq!(found(Some(".data.films[]")), Some(2));
        assert_eq!(found(Some(".data[]")), Some(2));
        assert_eq!((found(Some(".data")), found(None), found(Some("."))), (Some(1), Some(1), Some(1)));
        for none in [".none[]", ".data | .films[]", "to_entries[]"] {
            assert_eq!(found(Some(none)), None, "{none}");
        }
        assert_eq!(items(&json!([{ "a": 1 }]), Some(".[]")), Some(vec![&json!({ "a": 1 })]));
        let film = items(&answer, Some(".data.films[]")).unwrap()[0];
        assert_eq!(spelled_otherwise(film, &["Yaer"]).as_deref(), Some(".Year"));
    }

    #[test]
    fn a_name_that_is_nearby_is_put_in_its_place() {
        let answer = json!({ "Title": "x", "Year": null, "ratings": { "imdb_votes": 7 } });
        let meant = |jq: &str| spelled_otherwise(&answer, &plain_path(jq)?);
        assert_eq!(meant(".Yaer").as_deref(), Some(".Year"));
        assert_eq!(meant(".title").as_deref(), Some(".Title"));
        assert_eq!(meant(".rating.imdb_votes").as_deref(), Some(".ratings.imdb_votes"));
        assert_eq!(meant(".ratings.imdbVotes").as_deref(), Some(".ratings.imdb_votes"));
        for none in [".Year", ".director", ".Title.x", ".[0]", ".a | .b", "length", "."] {
            assert_eq!(meant(none), None, "{none}");
        }
    }
}
