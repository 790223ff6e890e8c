//! `pages`: one way from an answer to the next, which its rows, its format and its query allow. What a page holds, by
//! which pages are counted, is read off `rows` or demanded, never guessed.

use super::language::{self, Language};
use crate::job::items::{self, Items};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{NextPage, Pages};

/// The keys of which one says how pages are found.
const WAYS: [&str; 5] = ["link", "next", "cursor", "offset_param", "page_param"];

/// Most pages where the job does not say.
const USUAL_MAX: u32 = 1000;

/// The pages, if there are any.
pub(super) fn validated(
    endpoint: &raw::Endpoint,
    language: Option<Language>,
    mistakes: &mut Mistakes,
) -> Option<Option<Pages>> {
    let Some(written) = &endpoint.pages else { return Some(None) };
    if !endpoint.common.present.has("rows") && !endpoint.common.present.has("batch") {
        let hint = "add rows = \".items[]\", which makes rows of each page";
        mistakes.add(&written.span, "`pages` without `rows`", hint);
    }
    check_ways(written, mistakes)?;
    let pages = &written.value;
    check_companions(pages, mistakes);
    check_expressions(pages, language, mistakes);
    check_parameter(endpoint, pages, mistakes);
    let max = pages.max.as_ref().map_or(USUAL_MAX, |max| max.value.0 as u32);
    let items = items(endpoint, pages, language, mistakes);
    Some(Some(Pages { next: next(pages)?, max, items }))
}

/// What a page holds; a mistake where pages are counted by it and nobody says.
fn items(
    endpoint: &raw::Endpoint,
    pages: &raw::Pages,
    language: Option<Language>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let rows = endpoint.rows.as_ref().filter(|_| language == Some(Language::Jq))?;
    if let Some(written) = &pages.items {
        return Some(written.value.clone());
    }
    let is_piped = endpoint.common.present.has("pipe");
    let read = if is_piped { Items::Unclear } else { items::of_rows(rows.text())? };
    let needed = match (&pages.offset_param, &pages.page_param) {
        (Some(offset), _) => Some(offset).filter(|_| !matches!(read, Items::Of(_))),
        (_, Some(number)) => Some(number).filter(|_| read == Items::Unclear && pages.more.is_none()),
        _ => None,
    };
    if let Some(place) = needed.filter(|_| !pages.present.has("items")) {
        let message = if is_piped {
            "what a page holds cannot be told from what a `pipe` makes of it"
        } else {
            "what a page holds cannot be told from `rows`"
        };
        let hint = "add items = \".items\", the array that the API counts, before any of it is left out";
        mistakes.add(&place.span, message, hint);
    }
    match read {
        Items::Of(path) => Some(path),
        Items::Answer | Items::Unclear => None,
    }
}

/// Exactly one way leads on.
fn check_ways(written: &At<raw::Pages>, mistakes: &mut Mistakes) -> Option<()> {
    let there: Vec<&str> = WAYS.into_iter().filter(|way| written.value.present.has(way)).collect();
    match there.as_slice() {
        [_] => return Some(()),
        [] => {
            let hint = "write { link = true }, { next = \".next\" }, { cursor = \".cursor\", cursor_param = \"cursor\" }, \
                        { offset_param = \"start\" } or { page_param = \"page\" }";
            mistakes.add(&written.span, "`pages` does not say what leads to the next page", hint);
        }
        [first, second, ..] => {
            let message = format!("both `{first}` and `{second}` in pages");
            mistakes.add(&written.span, message, "leave one of them out: one way leads to the next page");
        }
    }
    None
}

/// Notes keys that belong to another way, and the one that a cursor lacks.
fn check_companions(pages: &raw::Pages, mistakes: &mut Mistakes) {
    let counts = pages.present.has("offset_param") || pages.present.has("page_param");
    let parameter = pages.cursor_param.as_ref().map(|value| ("cursor_param", &value.span, "cursor"));
    let first = pages.first.as_ref().map(|value| ("first", &value.span, "offset_param` or `page_param"));
    let more = pages.more.as_ref().map(|value| ("more", &value.span, "offset_param` or `page_param"));
    let items = pages.items.as_ref().map(|value| ("items", &value.span, "offset_param` or `page_param"));
    let stray = |(key, ..): &(&str, _, _)| {
        if *key == "cursor_param" { !pages.present.has("cursor") } else { !counts }
    };
    for (key, place, owner) in parameter.into_iter().chain(first).chain(more).chain(items).filter(stray) {
        let message = format!("`{key}` in pages without `{owner}`");
        mistakes.add(place, message, "leave it out: it has no effect here");
    }
    if let Some(cursor) = &pages.cursor
        && !pages.present.has("cursor_param")
    {
        let hint = "add cursor_param = \"cursor\", the query parameter that it goes into";
        mistakes.add(&cursor.span, "a cursor without its `cursor_param`", hint);
    }
    if let Some(link) = pages.link.as_ref().filter(|link| !link.value) {
        mistakes.add(&link.span, "`link = false` leads nowhere", "leave `pages` out, or write link = true");
    }
    for name in [&pages.cursor_param, &pages.offset_param, &pages.page_param].into_iter().flatten() {
        if name.value.is_empty() {
            mistakes.add(&name.span, "a query parameter without a name", "write its name, such as \"page\"");
        }
    }
}

fn check_expressions(pages: &raw::Pages, language: Option<Language>, mistakes: &mut Mistakes) {
    match language {
        Some(Language::Jq) => {
            for code in [&pages.next, &pages.cursor, &pages.more, &pages.items].into_iter().flatten() {
                language::check_jq(code, mistakes);
            }
        }
        Some(Language::Css) => {
            if let Some(next) = &pages.next {
                language::check_css(next, mistakes);
            }
            let cursor = pages.cursor.as_ref().map(|cursor| ("cursor", &cursor.span));
            let more = pages.more.as_ref().map(|more| ("more", &more.span));
            let offset = pages.offset_param.as_ref().map(|offset| ("offset_param", &offset.span));
            let number = pages.page_param.as_ref().map(|number| ("page_param", &number.span));
            let items = pages.items.as_ref().map(|items| ("items", &items.span));
            for (key, place) in [cursor, more, offset, number, items].into_iter().flatten() {
                let hint = "write { link = true }, or { next = \"a.next\" }, the element whose href it is";
                mistakes.add(place, format!("`{key}` for pages of HTML"), hint);
            }
        }
        // Text has no rows, which is a mistake of its own.
        Some(Language::Text) | None => {}
    }
}

/// A parameter that pages count in stands nowhere else.
fn check_parameter(endpoint: &raw::Endpoint, pages: &raw::Pages, mistakes: &mut Mistakes) {
    let Some(parameter) = pages.offset_param.as_ref().or(pages.page_param.as_ref()) else { return };
    let in_params = endpoint.common.params.iter().flat_map(|params| params.value.names());
    let in_url =
        endpoint.url.as_ref().and_then(|url| url.value.split_once('?')).map_or("", |(_, query)| query);
    let is_in_url =
        ::url::form_urlencoded::parse(in_url.as_bytes()).any(|(name, _)| name == parameter.text());
    if is_in_url || in_params.into_iter().any(|name| name.value == parameter.value) {
        let message = format!("the parameter `{}` of pages stands in the request already", parameter.value);
        mistakes.add(&parameter.span, message, "leave it out there: `first` is its value on the first page");
    }
}

fn next(pages: &raw::Pages) -> Option<NextPage> {
    let first = |usual| pages.first.as_ref().map_or(usual, |first| first.value.0);
    let more = || pages.more.as_ref().map(|code| code.value.clone());
    if pages.link.is_some() {
        return Some(NextPage::Link);
    }
    if let Some(next) = &pages.next {
        return Some(NextPage::Url(next.value.clone()));
    }
    if let Some(cursor) = &pages.cursor {
        let parameter = pages.cursor_param.as_ref()?.value.clone();
        return Some(NextPage::Cursor { value: cursor.value.clone(), parameter });
    }
    if let Some(offset) = &pages.offset_param {
        return Some(NextPage::Offset { parameter: offset.value.clone(), first: first(0), more: more() });
    }
    let parameter = pages.page_param.as_ref()?.value.clone();
    Some(NextPage::Number { parameter, first: first(1), more: more() })
}
