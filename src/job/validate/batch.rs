//! `batch`: a request for several records can name one column of the list only, and its answer is JSON that is taken
//! apart into one item for each.

use super::language::{self, Language};
use super::names::GivenNames;
use super::template::slot;
use super::url::is_url_character;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::template::spelled;
use crate::job::{Batch, OnAbsent, Part, Template};

/// The batch, if there is one; `templates` are all that make the endpoint's requests.
pub(super) fn validated(
    endpoint: &raw::Endpoint,
    templates: &[&At<String>],
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Option<Batch>> {
    let Some(written) = &endpoint.batch else { return Some(None) };
    check_beside(endpoint, mistakes);
    let batch = &written.value;
    let codes = [&batch.split, &batch.matches, &batch.status, &batch.retry_after, &batch.unprocessed];
    for code in codes.into_iter().flatten() {
        language::check_jq(code, mistakes);
    }
    if let (Some(wait), None) = (&batch.retry_after, &batch.status) {
        let hint = "add status = \".status\": a part is asked again because of its status";
        mistakes.add(&wait.span, "`retry_after` in a batch without `status`", hint);
    }
    let text = |code: &Option<At<String>>| code.as_ref().map(|code| code.value.clone());
    let column = column(written, templates, known, mistakes);
    let join = join(endpoint, batch, known, mistakes);
    Some(Some(Batch {
        size: batch.size.as_ref()?.value.0 as u32,
        column: column?,
        join,
        split: batch.split.as_ref()?.value.clone(),
        matches: batch.matches.as_ref()?.value.clone(),
        on_absent: batch.on_absent.as_ref().map_or(OnAbsent::Alone, |word| word.value.0),
        status: text(&batch.status),
        retry_after: text(&batch.retry_after),
        unprocessed: text(&batch.unprocessed),
    }))
}

/// Notes what a batch has no use for.
fn check_beside(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) {
    let hint = "leave one of them out: a batch gives each record one row, taken from its part of the answer";
    let rows = endpoint.rows.as_ref().map(|rows| ("rows", &rows.span));
    let pages = endpoint.pages.as_ref().map(|pages| ("pages", &pages.span));
    let pipe = endpoint.common.pipe.as_ref().map(|pipe| ("pipe", &pipe.span));
    for (key, place) in rows.into_iter().chain(pages).chain(pipe) {
        mistakes.add(place, format!("`{key}` in an endpoint with `batch`"), hint);
    }
    if let Some(answer) = &endpoint.common.format
        && matches!(language::language(endpoint), Some(Language::Css | Language::Text))
    {
        let hint = "leave one of them out: only JSON is taken apart into the answers of a batch";
        mistakes.add(&answer.span, "an answer that is no JSON in an endpoint with `batch`", hint);
    }
}

/// The one column that the requests use: the one that is named, or else the first.
fn column(
    written: &At<raw::Batch>,
    templates: &[&At<String>],
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let parsed: Vec<(&At<String>, Template)> = templates
        .iter()
        .filter_map(|text| Some((*text, Template::parse(text.text(), &known.answers).ok()?)))
        .collect();
    let used = || parsed.iter().flat_map(|(_, template)| template.input_columns());
    let named = written.value.column.as_ref();
    if named.is_none() && written.value.present.has("column") {
        return None;
    }
    let Some(column) = named.map(At::text).or_else(|| used().next()) else {
        // Where a template is wrong, it may be the one that names the column.
        if parsed.len() == templates.len() {
            let hint = "put the column into `params` or a payload: params = { ids = \"{id}\" }";
            mistakes.add(&written.span, "a batch whose requests name no column of the list", hint);
        }
        return None;
    };
    if let Some(named) =
        named.filter(|_| parsed.len() == templates.len() && used().all(|name| name != column))
    {
        let hint = format!(
            "put `{{{}}}` into `params` or a payload, or name the column that is there",
            spelled(column)
        );
        mistakes.add(&named.span, format!("no template uses the batch's column `{column}`"), hint);
    }
    for (text, template) in &parsed {
        for part in &template.parts {
            refuse_other(text, part, column, known, mistakes);
        }
    }
    Some(column.to_owned())
}

/// Notes a slot that has another value for each record of a batch.
fn refuse_other(
    text: &At<String>,
    part: &Part,
    column: &str,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) {
    match part {
        Part::Literal(_) | Part::Secret(_) => return,
        Part::Input(name) if name == column => return,
        Part::Input(_) | Part::Answer { .. } | Part::Url(_) => {}
    }
    let message =
        format!("a request for several values of `{{{}}}` can use nothing else of a record", spelled(column));
    mistakes.add(&slot(text, part, known), message, "leave it out, or leave `batch` out");
}

fn join(
    endpoint: &raw::Endpoint,
    batch: &raw::Batch,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> String {
    let Some(join) = &batch.join else { return ",".to_owned() };
    if join.value.is_empty() {
        mistakes.add(&join.span, "`join` without characters", "values need something between them: \",\"");
    }
    let params =
        endpoint.common.params.iter().flat_map(|params| params.value.entries()).map(|(_, value)| value);
    let has_values = |written: &At<String>| {
        let template = Template::parse(written.text(), &known.answers);
        template.is_ok_and(|template| template.input_columns().next().is_some())
    };
    let is_in_url = endpoint.url.iter().chain(params).any(has_values);
    let fits = |one: char| is_url_character(one) && !"/?".contains(one);
    if let Some(odd) = join.value.chars().find(|&one| is_in_url && !fits(one)) {
        let hint = "it goes over the wire as it is: encode it, as in %20 for a space";
        mistakes.add(&join.span, format!("`{odd}` cannot stand between values in a URL"), hint);
    }
    join.value.clone()
}
