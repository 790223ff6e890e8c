//! `[[endpoint]]`: its templates, its columns, and the bounds and retries that it has of its own or by default.

use std::time::Duration;

use super::names::Known;
use super::{column, cycle, request};
use crate::job::jq;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Bounds, Endpoint, Missing, OnFailure, Retry};

/// Most endpoints: each has its bit in the `ask` of a record.
const MOST_ENDPOINTS: usize = 64;

/// All endpoints, their dependencies computed; none where one is wrong.
pub(super) fn all(file: &raw::JobFile, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<Vec<Endpoint>> {
    let list = file.endpoint.as_ref()?;
    if list.value.is_empty() {
        mistakes.add(&list.span, "no endpoint", "add an [[endpoint]] with name, url and columns");
    }
    if let Some(first_too_many) = list.value.get(MOST_ENDPOINTS) {
        let message = format!("{} endpoints are too many", list.value.len());
        mistakes.add(&first_too_many.span, message, format!("a job has at most {MOST_ENDPOINTS}"));
    }
    check_backoff(file.common(), mistakes);
    let needs: Vec<Vec<usize>> =
        file.endpoints().map(|endpoint| request::needs(endpoint, file.common(), known)).collect();
    cycle::check(&needs, known, mistakes);
    let with_needs = file.endpoints().zip(needs);
    let validated: Vec<Option<Endpoint>> = with_needs
        .map(|(endpoint, needs)| validated(endpoint, needs, file.common(), known, mistakes))
        .collect();
    validated.into_iter().collect()
}

fn validated(
    endpoint: &raw::Endpoint,
    needs: Vec<usize>,
    defaults: Option<&raw::Common>,
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Option<Endpoint> {
    check_backoff(Some(&endpoint.common), mistakes);
    let url = endpoint.url.as_ref().and_then(|url| request::url(url, known, mistakes));
    let query = request::query(endpoint, known, mistakes);
    let headers = request::headers(endpoint, defaults, known, mistakes);
    let missing = missing(endpoint, mistakes);
    let columns = column::all(endpoint, defaults, mistakes);
    let plain = Endpoint::get(&endpoint.name.as_ref()?.value, url?, columns?);
    Some(Endpoint {
        query: query?,
        headers: headers?,
        missing: missing?,
        on_failure: endpoint.on_failure.as_ref().map_or(OnFailure::Drop, |word| word.value.0),
        after: needs,
        bounds: bounds(&endpoint.common, defaults),
        retry: retry(&endpoint.common, defaults),
        ..plain
    })
}

fn missing(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> Option<Missing> {
    let Some(rule) = endpoint.missing.as_ref().map(|missing| &missing.value) else {
        return Some(Missing::default());
    };
    if let Some(code) = &rule.when {
        check_jq(code, mistakes)?;
    }
    Some(Missing {
        statuses: rule.statuses.iter().map(|status| status.value).collect(),
        when: rule.when.as_ref().map(|code| code.value.clone()),
    })
}

/// Notes jq that does not compile.
pub(super) fn check_jq(code: &At<String>, mistakes: &mut Mistakes) -> Option<()> {
    let mistake = jq::compile(code.text()).err();
    if let Some(mistake) = &mistake {
        let hint =
            "jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer";
        mistakes.add(&code.part(mistake.range.clone()), &mistake.message, hint);
    }
    mistake.is_none().then_some(())
}

/// The endpoint's own value, or else that of the defaults.
fn own_or_default<T: Copy>(
    own: &raw::Common,
    defaults: Option<&raw::Common>,
    key: fn(&raw::Common) -> &Option<At<T>>,
) -> Option<T> {
    let written = key(own).as_ref().or_else(|| defaults.and_then(|defaults| key(defaults).as_ref()));
    written.map(|written| written.value)
}

fn bounds(own: &raw::Common, defaults: Option<&raw::Common>) -> Bounds {
    let usual = Bounds::default();
    Bounds {
        connect_timeout: own_or_default(own, defaults, |common| &common.connect_timeout)
            .map_or(usual.connect_timeout, |time| time.0),
        idle_timeout: own_or_default(own, defaults, |common| &common.idle_timeout)
            .map_or(usual.idle_timeout, |time| time.0),
        timeout: own_or_default(own, defaults, |common| &common.timeout).map_or(usual.timeout, |time| time.0),
        max_body: own_or_default(own, defaults, |common| &common.max_body)
            .map_or(usual.max_body, |size| size.0),
        max_depth: own_or_default(own, defaults, |common| &common.max_depth)
            .map_or(usual.max_depth, |count| count.0 as u32),
        max_redirects: own_or_default(own, defaults, |common| &common.max_redirects)
            .map_or(usual.max_redirects, |count| count.0 as u32),
    }
}

fn retry(own: &raw::Common, defaults: Option<&raw::Common>) -> Retry {
    let usual = Retry::default();
    let own = own.retry.as_ref().map(|retry| &retry.value);
    let defaults = defaults.and_then(|defaults| defaults.retry.as_ref()).map(|retry| &retry.value);
    let written = [own, defaults];
    let of = |key: fn(&raw::Retry) -> Option<Duration>| written.into_iter().flatten().find_map(key);
    let attempts = written.into_iter().flatten().find_map(|retry| retry.attempts.as_ref());
    Retry {
        attempts: attempts.map_or(usual.attempts, |count| count.value.0 as u32),
        backoff: of(|retry| Some(retry.backoff.as_ref()?.value.0)).unwrap_or(usual.backoff),
        max_backoff: of(|retry| Some(retry.max_backoff.as_ref()?.value.0)).unwrap_or(usual.max_backoff),
        max_retry_after: of(|retry| Some(retry.max_retry_after.as_ref()?.value.0))
            .unwrap_or(usual.max_retry_after),
    }
}

/// Notes a first pause that is longer than the longest.
fn check_backoff(common: Option<&raw::Common>, mistakes: &mut Mistakes) {
    let Some(retry) = common.and_then(|common| common.retry.as_ref()).map(|retry| &retry.value) else {
        return;
    };
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
