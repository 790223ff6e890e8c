//! What a request asks for.

use std::borrow::Cow;

use hyper::Uri;
use percent_encoding::percent_decode_str;

use crate::ids;

/// A document's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/?i={id}`
    Omdb,
    /// `/business/{id}`
    Business,
    /// `/numbers/{id}`
    Numbers,
    /// `/echo/…`
    Echo,
}

impl Endpoint {
    pub const ALL: [Endpoint; 4] = [Endpoint::Omdb, Endpoint::Business, Endpoint::Numbers, Endpoint::Echo];

    /// The name in counts.
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Omdb => "omdb",
            Endpoint::Business => "business",
            Endpoint::Numbers => "numbers",
            Endpoint::Echo => "echo",
        }
    }
}

/// One document that somebody wants.
#[derive(Debug, PartialEq)]
pub struct Asked<'a> {
    pub endpoint: Endpoint,
    /// The id, percent-decoded; of `/echo/` what follows in the path, as received. Empty where none was given.
    pub id: Cow<'a, str>,
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
            "/" => (Endpoint::Omdb, parameter(query, "i=")),
            _ => of_path(path)?,
        };
        let is_film = matches!(endpoint, Endpoint::Omdb | Endpoint::Business);
        let index = is_film.then(|| ids::index(&id)).flatten();
        let redirected = query.ends_with(REDIRECTED);
        Some(Asked { endpoint, id, index, redirected })
    }
}

fn of_path(path: &str) -> Option<(Endpoint, Cow<'_, str>)> {
    let (folder, rest) = path.strip_prefix('/')?.split_once('/').unwrap_or((&path[1..], ""));
    match folder {
        "business" => Some((Endpoint::Business, decoded(rest))),
        "numbers" => Some((Endpoint::Numbers, decoded(rest))),
        "echo" => Some((Endpoint::Echo, Cow::Borrowed(rest))),
        _ => None,
    }
}

/// The first value of a query parameter, in which `+` is a blank; empty where it is not given.
fn parameter<'a>(query: &'a str, name_and_equals: &str) -> Cow<'a, str> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name_and_equals)).unwrap_or_default();
    match value.contains('+') {
        true => Cow::Owned(decoded(&value.replace('+', " ")).into_owned()),
        false => decoded(value),
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
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
        ] {
            with_asked(target, |asked| {
                let asked = asked.expect(target);
                assert_eq!((asked.id.as_ref(), asked.index), (id, None), "{target}");
            });
        }
    }

    #[test]
    fn other_paths_are_nothing() {
        for target in ["/x", "/businesses/tt0000001", "//", "*"] {
            with_asked(target, |asked| assert_eq!(asked, None, "{target}"));
        }
    }

    #[test]
    fn echo_keeps_the_path_as_received() {
        with_asked("/echo/a%20b/%2e?x=1", |asked| assert_eq!(asked.expect("echo").id, "a%20b/%2e"));
    }
}
