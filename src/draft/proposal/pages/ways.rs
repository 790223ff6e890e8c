//! The ways from one page to the next, each by the names that APIs give to it.

use super::{Fact, Json, Kind, Known, LAST_PAGES, Proposed, TOTALS, Way, words};
use crate::job::toml_text;

/// Names of the next page's URL.
const NEXT: [&str; 12] = [
    "next",
    "nextlink",
    "nexturl",
    "nextpage",
    "nextpageurl",
    "nextpagelink",
    "nexthref",
    "nextpageuri",
    "nexturi",
    "odatanextlink",
    "nextrecordsurl",
    "nextresults",
];

/// Names of the text that stands for the next page, with the parameter that takes it, where all call it so.
const CURSORS: [(&str, &str); 12] = [
    ("nextpagetoken", "pageToken"),
    ("nexttoken", "nextToken"),
    ("nextcursor", ""),
    ("cursor", ""),
    ("nextcursormark", "cursorMark"),
    ("continuationtoken", ""),
    ("continuation", ""),
    ("nextpage", ""),
    ("next", ""),
    ("after", "after"),
    ("offset", "offset"),
    ("nextpageid", ""),
];

/// Parameters that take such a text.
const CURSOR_PARAMS: [&str; 9] = [
    "cursor",
    "pagetoken",
    "nexttoken",
    "cursormark",
    "after",
    "continuation",
    "continuationtoken",
    "startcursor",
    "pageid",
];

/// Parameters that are the number of a page.
const PAGE_PARAMS: [&str; 7] = ["page", "p", "pagenumber", "pageno", "pageindex", "pagenum", "currentpage"];

/// Parameters that are a number of rows to leave out.
const OFFSET_PARAMS: [&str; 7] = ["offset", "start", "skip", "startat", "startindex", "from", "retstart"];

/// Names of the page at hand.
const THIS_PAGES: [&str; 5] = ["page", "currentpage", "pagenumber", "current", "pageno"];

pub(super) fn next_url(known: &Known<'_>, notes: &mut Vec<String>) -> Option<Way> {
    let is_next = |fact: &&Fact<'_>| {
        let (name, above) = (fact.name(), fact.keys.iter().rev().nth(1).map(|key| words::bare(key)));
        let is_inside = ["href", "url", "link"].contains(&name.as_str()) && above.as_deref() == Some("next");
        NEXT.contains(&name.as_str()) || is_inside
    };
    let is_url = |value: Json<'_>| {
        let text = value.scalar().unwrap_or_default();
        value.kind() == Kind::Text
            && ["http://", "https://", "/", "?"].iter().any(|start| text.starts_with(start))
    };
    if let Some(fact) = known.facts.iter().filter(is_next).find(|fact| fact.has(is_url)) {
        let path = fact.path();
        let because = format!("`{path}` is the next page's URL");
        return Some(Way {
            pages: Proposed::new(format!("{{ next = {} }}", toml_text(&path)), because),
            param: None,
        });
    }
    let is_silent = |fact: &&Fact<'_>| fact.values.iter().all(|(_, value)| value.is_null());
    if let Some(fact) = known.facts.iter().filter(is_next).find(is_silent) {
        let path = fact.path();
        notes.push(format!(
            "`{path}` is null in all answers: if it is a URL elsewhere, add pages = {{ next = {} }}",
            toml_text(&path)
        ));
    }
    None
}

/// The id of the last row, as Stripe has it.
pub(super) fn stripe(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let list = known.list.as_ref()?;
    let more = known.fact(&["hasmore"], |fact| fact.has(|value| value.kind() == Kind::Boolean))?;
    known.fact(&["object"], |fact| fact.has(|value| value.text() == "\"list\""))?;
    known.fact(&["url"], |_| true)?;
    let jq = format!("if {} then {list}[-1].id else null end", more.path());
    let pages = format!("{{ cursor = {}, cursor_param = \"starting_after\" }}", toml_text(&jq));
    Some(Way { pages: Proposed::new(pages, "`has_more`, as Stripe pages its lists"), param: None })
}

pub(super) fn cursor(known: &Known<'_>, notes: &mut Vec<String>) -> Option<Way> {
    if let Some(fact) = known.facts.iter().find(|fact| is_continuation(fact)) {
        let param = fact.keys.last()?;
        return Some(cursor_way(&fact.path(), param));
    }
    let is_cursor = |value: Json<'_>| value.kind() == Kind::Text && !value.is_empty();
    let known_as =
        |fact: &Fact<'_>| CURSORS.iter().find(|(name, _)| fact.name() == *name).map(|(_, param)| *param);
    let fact = known.facts.iter().find(|fact| known_as(fact).is_some() && fact.has(is_cursor))?;
    let path = fact.path();
    if let Some((param, _)) = known.param(&CURSOR_PARAMS) {
        return Some(cursor_way(&path, param));
    }
    let param = match (known_as(fact)?, fact.keys.last()?.as_str(), fact.keys.first()?.as_str()) {
        (_, "next_page_token", _) => "page_token",
        (_, "next_token", _) => "next_token",
        (_, _, "response_metadata") => "cursor",
        (param, _, _) => param,
    };
    if param.is_empty() {
        notes.push(format!(
            "`{path}` leads to the next page: name the parameter that takes it, pages = {{ cursor = {}, cursor_param = \"…\" }}, \
             or rows are lost",
            toml_text(&path)
        ));
        return None;
    }
    Some(cursor_way(&path, param))
}

/// A member of MediaWiki's `continue`, which has the names of parameters.
fn is_continuation(fact: &Fact<'_>) -> bool {
    matches!(&fact.keys[..], [of, name] if of == "continue" && name != "continue")
        && fact.has(|value| !value.is_empty())
}

fn cursor_way(path: &str, param: &str) -> Way {
    let pages = format!("{{ cursor = {}, cursor_param = {} }}", toml_text(path), toml_text(param));
    Way { pages: Proposed::new(pages, format!("`{path}` stands for the next page")), param: None }
}

pub(super) fn page_number(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let (param, first) = known.param(&PAGE_PARAMS)?;
    known.list.as_ref()?;
    let this = known.fact(&THIS_PAGES, |fact| fact.is_number());
    let last = known.fact(&LAST_PAGES, |fact| fact.is_number());
    let more = match (this, last) {
        (Some(this), Some(last)) => {
            format!(", more = {}", toml_text(&format!("{} < {}", this.path(), last.path())))
        }
        _ => String::new(),
    };
    Some(counted("page_param", param, first, "1", &more))
}

pub(super) fn offset(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let (param, first) = known.param(&OFFSET_PARAMS)?;
    let list = known.list.as_ref()?;
    let this = known.fact(&OFFSET_PARAMS, |fact| fact.is_number());
    let total = known.fact(&TOTALS, |fact| fact.is_number());
    let more = match (this, total) {
        (Some(this), Some(total)) => {
            let jq = format!("{} + ({list} | length) < {}", this.path(), total.path());
            format!(", more = {}", toml_text(&jq))
        }
        _ => String::new(),
    };
    Some(counted("offset_param", param, first, "0", &more))
}

fn counted(key: &str, param: &str, first: &str, usual: &str, more: &str) -> Way {
    let first = match first.parse::<u64>() {
        Ok(number) if first != usual => format!(", first = {number}"),
        _ => String::new(),
    };
    let pages = format!("{{ {key} = {}{first}{more} }}", toml_text(param));
    let because = format!("the URL has `{param}`, and the answers have rows; leave it out there");
    Way { pages: Proposed::new(pages, because), param: Some(param.to_owned()) }
}
