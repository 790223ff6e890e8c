//! A page of a list as it is sent, and the way to the next one.

use hyper::header::{HOST, LINK};
use hyper::http::request::Parts;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::Item;
use super::place::{Place, Way};
use crate::answer::{Answer, HTML};
use crate::html::escaped;
use crate::query::Query;

/// The way to the next page, in all the forms that a page shows it.
pub struct Next {
    /// A whole URL, or path and query; `None` on the last page.
    url: Option<String>,
    cursor: Option<String>,
    /// The header `Link`.
    link: String,
}

impl Next {
    /// The way from a page of a list of `total` items that ends before item `end`, from 0.
    pub fn of(list: &str, place: &Place, end: u64, total: u64, parts: &Parts, scheme: &str) -> Next {
        let query = Query(parts.uri.query().unwrap_or_default());
        let follows = if end < total { Some(end) } else { query.says("loop").then_some(0) };
        let target = |offset| {
            let (name, value) = place.parameter(list, offset);
            target(parts, name, &value)
        };
        let origin = format!("{scheme}://{}", query.get("host").unwrap_or_else(|| host(parts).into()));
        let is_whole = query.says("absolute") || query.raw("host").is_some();
        let next = follows.map(target);
        let mut link = format!("<{origin}{}>; rel=\"first\"", target(0));
        if let Some(next) = &next {
            link += &format!(", <{origin}{next}>; rel=\"next\"");
        }
        let cursor =
            follows.filter(|_| place.way == Way::Cursor).map(|offset| place.parameter(list, offset).1);
        Next { url: next.map(|next| if is_whole { origin + &next } else { next }), cursor, link }
    }
}

/// The host that the request was sent to, with its port.
fn host(parts: &Parts) -> &str {
    let header = || parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    parts.uri.authority().map(|authority| authority.as_str()).or_else(header).unwrap_or("127.0.0.1")
}

/// Path and query of the same request with another place.
fn target(parts: &Parts, name: &str, value: &str) -> String {
    let mut target = format!("{}?", parts.uri.path());
    let places = ["page", "offset", "cursor", "_redirected"];
    for pair in parts.uri.query().unwrap_or_default().split('&') {
        let is_place = places.contains(&pair.split('=').next().unwrap_or_default());
        if !pair.is_empty() && !is_place {
            target.extend([pair, "&"]);
        }
    }
    target + &format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

/// The page as JSON.
pub fn json(list: &str, total: u64, items: &[Item], next: &Next) -> Answer {
    let page = json!({
        "list": list,
        "total": total,
        "items": items,
        "next": next.url,
        "cursor": next.cursor,
        "has_more": next.url.is_some(),
    });
    Answer::value(&page).with(LINK, &next.link)
}

/// The page as HTML: a table of items, and a link to the next one.
pub fn page(list: &str, total: u64, items: &[Item], next: &Next) -> Answer {
    let rows = items.iter().map(|item| {
        format!(
            "<tr class=\"item\"><td class=\"number\">{}</td><td class=\"id\">{}</td><td class=\"value\">{}</td></tr>\n",
            item.number,
            escaped(&item.id),
            item.value,
        )
    });
    let rows: String = rows.collect();
    let link = next.url.as_ref().map(|url| format!("<a class=\"next\" href=\"{}\">More</a>\n", escaped(url)));
    let (list, link) = (escaped(list), link.unwrap_or_default());
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{list}: {total} items</title></head>\n\
         <body>\n<table class=\"items\">\n{rows}</table>\n{link}</body></html>\n"
    );
    Answer::of(HTML, page).with(LINK, &next.link)
}
