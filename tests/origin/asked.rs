//! What a request asks for.

use std::borrow::Cow;

use hyper::Uri;

use crate::endpoint::Endpoint;
use crate::identity;
use crate::ids;
use crate::items;
use crate::lists;
use crate::query::{Query, decoded};
use crate::social::{graph, plus_ones};
use crate::subscriptions;

/// One document that somebody wants, or one request for several.
#[derive(Debug, PartialEq)]
pub struct Asked<'a> {
    pub endpoint: Endpoint,
    /// The id, decoded; of `/echo/` what follows in the path, as received. Of a list the list and the page,
    /// `25/3`; of a batch its ids, separated by blanks. Empty where none was given.
    pub id: Cow<'a, str>,
    /// The ids of a batch, each of which is counted; empty where one document is asked for.
    pub batch: Vec<String>,
    /// The id's place in the endless list, for films.
    pub index: Option<u32>,
    /// Whether a redirect of ours led here.
    pub redirected: bool,
}

/// The parameter that marks a redirect of ours.
pub const REDIRECTED: &str = "_redirected=1";

impl<'a> Asked<'a> {
    /// Reads a request's target; `None` where nothing is served.
    pub fn of(uri: &'a Uri) -> Option<Asked<'a>> {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let (endpoint, id) = match path {
            "/" => (Endpoint::Omdb, Query(query).get("i").unwrap_or_default()),
            _ => of_path(path, Query(query))?,
        };
        let index = if endpoint.is_of_films() { ids::index(&id) } else { None };
        let redirected = query.ends_with(REDIRECTED);
        let asked = Asked { endpoint, id, batch: Vec::new(), index, redirected };
        Some(match endpoint {
            Endpoint::Graph => asked.for_all(graph::ids(Query(query))),
            Endpoint::Items => asked.for_all(items::ids_of_query(Query(query))),
            _ => asked,
        })
    }

    /// The same with what the request's body says, for those whose ids stand there.
    pub fn with_body(self, body: &[u8]) -> Asked<'a> {
        match self.endpoint {
            Endpoint::PlusOnes => self.for_all(plus_ones::ids(body)),
            Endpoint::Tokens => Asked { id: Cow::Owned(identity::grant(body)), ..self },
            Endpoint::Items if !body.is_empty() => self.for_all(items::ids_of_body(body)),
            _ => self,
        }
    }

    fn for_all(self, ids: Vec<String>) -> Asked<'a> {
        Asked { id: Cow::Owned(ids.join(" ")), batch: ids, ..self }
    }

    /// The id, or the ids of a batch.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let alone = self.batch.is_empty().then_some(self.id.as_ref());
        self.batch.iter().map(String::as_str).chain(alone)
    }
}

fn of_path<'a>(path: &'a str, query: Query<'a>) -> Option<(Endpoint, Cow<'a, str>)> {
    let (folder, rest) = path.strip_prefix('/')?.split_once('/').unwrap_or((&path[1..], ""));
    match folder {
        "business" => Some((Endpoint::Business, decoded(rest))),
        "numbers" => Some((Endpoint::Numbers, decoded(rest))),
        "echo" => Some((Endpoint::Echo, Cow::Borrowed(rest))),
        "matches" => Some((Endpoint::Matches, decoded(rest))),
        "pages" => Some((Endpoint::Pages, decoded(rest))),
        "lists" => Some((Endpoint::Lists, Cow::Owned(lists::name_of_page(&decoded(rest), query)))),
        "jsonl" => Some((Endpoint::JsonLines, decoded(rest))),
        "texts" => Some((Endpoint::Texts, decoded(rest))),
        "states" => Some((Endpoint::States, decoded(rest))),
        "ohlc" => Some((Endpoint::Ohlc, decoded(rest))),
        "prices" => Some((Endpoint::Prices, decoded(rest))),
        "public" => Some((Endpoint::Public, Cow::Owned(format!("{rest}?{}", query.0)))),
        "androidpublisher" => {
            Some((Endpoint::Subscriptions, Cow::Owned(subscriptions::id_of_path(&decoded(rest))?)))
        }
        "redirects" => Some((Endpoint::Redirects, decoded(rest))),
        _ => fixed(path).map(|endpoint| (endpoint, query.get("url").unwrap_or_default())),
    }
}

/// Paths that say nothing of the id.
fn fixed(path: &str) -> Option<Endpoint> {
    match path {
        "/v1/urls/count.json" => Some(Endpoint::Pins),
        "/graph" | "/graph/" => Some(Endpoint::Graph),
        "/countserv/count/share" => Some(Endpoint::Shares),
        "/rpc" => Some(Endpoint::PlusOnes),
        "/items" => Some(Endpoint::Items),
        "/oauth/token" => Some(Endpoint::Tokens),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_asked(target: &str, check: impl FnOnce(Option<Asked<'_>>)) {
        check(Asked::of(&target.parse().expect("a target")));
    }

    #[test]
    fn film_ids_are_found() {
        for target in
            ["/?i=tt0000001", "/?apikey=x&i=tt0000001&plot=full", "/business/tt0000001", "/?i=%74t0000001"]
        {
            with_asked(target, |asked| assert_eq!(asked.expect(target).index, Some(0), "{target}"));
        }
    }

    #[test]
    fn odd_ids_are_decoded_and_unlisted() {
        for (target, id) in [
            ("/", ""),
            ("/?i", ""),
            ("/?i=a+b%2B", "a b+"),
            ("/?i=%00%ff%zz", "\0\u{fffd}%zz"),
            ("/business/", ""),
            ("/business", ""),
            ("/business/a%2Fb/c", "a/b/c"),
            ("/numbers/tt0000001", "tt0000001"),
        ] {
            with_asked(target, |asked| {
                let asked = asked.expect(target);
                assert_eq!((asked.id.as_ref(), asked.index), (id, None), "{target}");
            });
        }
    }

    #[test]
    fn other_paths_are_nothing() {
        for target in ["/x", "/businesses/tt0000001", "//", "*", "/v1/urls", "/rpc/x", "/items/1"] {
            with_asked(target, |asked| assert_eq!(asked, None, "{target}"));
        }
    }

    #[test]
    fn echo_keeps_the_path_as_received() {
        with_asked("/echo/a%20b/%2e?x=1", |asked| assert_eq!(asked.expect("echo").id, "a%20b/%2e"));
    }

    #[test]
    fn urls_are_ids_too() {
        let target = "/v1/urls/count.json?callback=f&url=http%3A%2F%2Fexample.com%2F%3Fa%3D1%26b";
        with_asked(target, |asked| assert_eq!(asked.expect(target).id, "http://example.com/?a=1&b"));
    }

    #[test]
    fn a_batch_is_its_ids() {
        with_asked("/graph/?ids=http%3A%2F%2Fa%2Fx%2Cy,b", |asked| {
            let asked = asked.expect("graph");
            assert_eq!(asked.names().collect::<Vec<_>>(), ["http://a/x,y", "b"]);
            assert_eq!(asked.id, "http://a/x,y b");
        });
        with_asked("/items", |asked| {
            let asked = asked.expect("items").with_body(br#"{"ids": [7, "x"]}"#);
            assert_eq!(asked.names().collect::<Vec<_>>(), ["7", "x"]);
        });
        with_asked("/?i=tt0000001", |asked| {
            assert_eq!(asked.expect("a film").names().collect::<Vec<_>>(), ["tt0000001"]);
        });
    }
}
