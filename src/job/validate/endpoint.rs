//! `[[endpoint]]`: when and what it asks, how it reads the answers, within which bounds, and what is repeated.

use super::auth::TokenSources;
use super::names::{Condition, GivenNames};
use super::{answer, auth, column, cycle, request, template, uses};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Bounds, Endpoint, OnFailure, Redirects, Retry, When, jq};

/// Most endpoints: each has its bit in the `ask` of a record.
const MOST_ENDPOINTS: usize = 64;

/// All endpoints, their dependencies computed; none where one is wrong.
pub(super) fn all(
    file: &raw::JobFile,
    tokens: &TokenSources<'_>,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Endpoint>> {
    let list = file.endpoint.as_ref()?;
    if list.value.is_empty() {
        mistakes.add(&list.span, "no endpoint", "add an [[endpoint]] with name, url and columns");
    }
    if let Some(first_too_many) = list.value.get(MOST_ENDPOINTS) {
        let message = format!("{} endpoints are too many", list.value.len());
        mistakes.add(&first_too_many.span, message, format!("a job has at most {MOST_ENDPOINTS}"));
    }
    check_exploding(file, mistakes);
    let with_conditions = || file.endpoints().zip(&known.conditions);
    let needs: Vec<Vec<usize>> = with_conditions()
        .map(|(endpoint, condition)| request::needs(endpoint, condition.as_ref(), known))
        .collect();
    cycle::check(&needs, known, mistakes);
    let validated: Vec<Option<Endpoint>> = with_conditions()
        .zip(needs)
        .map(|((endpoint, condition), needs)| {
            let when = condition.as_ref().map(|condition| when(condition, known, mistakes));
            let auth = auth::of_endpoint(endpoint, tokens, known, mistakes);
            let endpoint = validated(endpoint, file, known, mistakes);
            let when = when.map_or(Some(None), |when| when.map(Some));
            let (endpoint, (when, auth)) = endpoint.zip(when.zip(auth))?;
            Some(Endpoint { when, auth, after: needs, ..endpoint })
        })
        .collect();
    validated.into_iter().collect()
}

/// One endpoint makes the rows of a job.
fn check_exploding(file: &raw::JobFile, mistakes: &mut Mistakes) {
    let all: Vec<&At<String>> = file.endpoints().filter_map(|endpoint| endpoint.rows.as_ref()).collect();
    for rows in all.iter().skip(1) {
        let hint = "one endpoint makes the rows of a job: leave one out, or make two jobs";
        mistakes.add(&rows.span, "a second endpoint with `rows`", hint);
    }
}

/// An endpoint, but for what comes before it, and its credentials.
fn validated(
    endpoint: &raw::Endpoint,
    file: &raw::JobFile,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Endpoint> {
    check_backoff(&endpoint.common, mistakes);
    check_repeated_success(endpoint, mistakes);
    let asked = request::validated(endpoint, known, mistakes);
    let read = answer::validated(endpoint, mistakes);
    let columns = column::all(endpoint, file, mistakes);
    let (asked, read) = asked.zip(read)?;
    Some(Endpoint {
        name: endpoint.name.as_ref()?.value.clone(),
        method: asked.method,
        url: asked.url,
        hosts: asked.hosts,
        redirects: endpoint.common.redirects.as_ref().map_or(Redirects::default(), |word| word.value.0),
        params: asked.params,
        headers: asked.headers,
        payload: asked.payload,
        auth: None,
        idempotent: asked.idempotent,
        when: None,
        batch: asked.batch,
        format: read.format,
        pipe: read.pipe,
        ok: read.ok,
        missing: read.missing,
        rows: read.rows,
        pages: read.pages,
        columns: columns?,
        on_failure: endpoint.common.on_failure.as_ref().map_or(OnFailure::Skip, |word| word.value.0),
        after: Vec::new(),
        bounds: bounds(&endpoint.common),
        retry: retry(&endpoint.common),
        limits: Vec::new(),
        cost: uses::cost(endpoint, mistakes),
        min_success: endpoint.common.min_success.as_ref().map_or(0.0, |share| share.value.0),
    })
}

/// The condition: it compiles, and names columns that there are.
fn when(condition: &Condition<'_>, known: &GivenNames<'_>, mistakes: &mut Mistakes) -> Option<When> {
    let code = condition.code;
    if let Err(mistake) = jq::compile(code.text()) {
        let hint = "jq is described at https://jqlang.org/manual; `.country` is a column of the list, \
                    `.omdb.type` one of an endpoint";
        mistakes.add(&code.part(mistake.range), &mistake.message, hint);
        return None;
    }
    for mistake in condition.uses.as_ref().err().into_iter().flatten() {
        mistakes.add(&code.part(mistake.range.clone()), &mistake.message, &mistake.hint);
    }
    let uses = condition.uses.as_ref().ok()?;
    for ((endpoint, _), range) in &uses.answers {
        template::check_single(*endpoint, &code.part(range.clone()), known, mistakes);
    }
    Some(uses.clone().into_when(code.value.clone()))
}

fn bounds(written: &raw::Common) -> Bounds {
    let usual = Bounds::default();
    Bounds {
        connect_timeout: written.connect_timeout.as_ref().map_or(usual.connect_timeout, |time| time.value.0),
        idle_timeout: written.idle_timeout.as_ref().map_or(usual.idle_timeout, |time| time.value.0),
        timeout: written.timeout.as_ref().map_or(usual.timeout, |time| time.value.0),
        max_answer: written.max_answer.as_ref().map_or(usual.max_answer, |size| size.value.0),
        max_depth: written.max_depth.as_ref().map_or(usual.max_depth, |count| count.value.0 as u32),
        max_redirects: written
            .max_redirects
            .as_ref()
            .map_or(usual.max_redirects, |count| count.value.0 as u32),
    }
}

fn retry(written: &raw::Common) -> Retry {
    let usual = Retry::default();
    let Some(retry) = written.retry.as_ref().map(|retry| &retry.value) else { return usual };
    Retry {
        attempts: retry.attempts.as_ref().map_or(usual.attempts, |count| count.value.0 as u32),
        backoff: retry.backoff.as_ref().map_or(usual.backoff, |time| time.value.0),
        max_backoff: retry.max_backoff.as_ref().map_or(usual.max_backoff, |time| time.value.0),
        max_retry_after: retry.max_retry_after.as_ref().map_or(usual.max_retry_after, |time| time.value.0),
        deadline: retry.deadline.as_ref().map_or(usual.deadline, |time| time.value.0),
        on: retry.on.as_ref().map_or(usual.on, |on| on.value.0.clone()),
    }
}

/// Notes that every answer is asked again: with status 200 listed, only `ok` tells which is one.
fn check_repeated_success(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) {
    let Some(on) = endpoint.common.retry.as_ref().and_then(|retry| retry.value.on.as_ref()) else { return };
    let has_success = on.value.0.statuses.iter().any(|range| range.contains(&200));
    if has_success && !endpoint.common.present.has("ok") {
        let hint = "add ok = '.state == \"done\"', which holds for an answer that is one";
        mistakes.add(&on.span, "status 200 in `on` of retry, and no `ok`", hint);
    }
}

/// Notes a first pause that is longer than the longest.
fn check_backoff(common: &raw::Common, mistakes: &mut Mistakes) {
    let Some(retry) = common.retry.as_ref().map(|retry| &retry.value) else { return };
    let Some(first) = &retry.backoff else { return };
    let longest = retry.max_backoff.as_ref().map_or(Retry::default().max_backoff, |time| time.value.0);
    if first.value.0 > longest {
        let longest = humantime::format_duration(longest);
        mistakes.add(
            &first.span,
            format!("`backoff` is longer than `max_backoff`, {longest}"),
            "raise `max_backoff`",
        );
    }
}
