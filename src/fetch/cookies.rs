//! Cookies that servers set while a request is redirected: each is kept for its origin, path and time, sent back on the way,
//! and forgotten when the request is over. So a site that sets one and redirects to itself answers, and no two records
//! share a session.

use cookie_store::CookieStore;
use hyper::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use super::origin::Origin;
use super::request::Request;

/// Cookies that are kept of a request's answers; browsers keep 50 of a site at the least (RFC 6265, section 6.1).
const MOST: usize = 50;

/// Longest `Cookie` header; servers take 8 KiB of a line.
const LONGEST: usize = 8 * 1024;

/// What the answers to a request have set so far.
#[derive(Default)]
pub(super) struct Jar {
    /// No cookie goes to another scheme, host or port than those that set it.
    by_origin: Vec<(Origin, CookieStore)>,
    /// In the order in which they were first set.
    names: Vec<String>,
}

impl Jar {
    /// Keeps what an answer sets.
    pub(super) fn keep(&mut self, request: &Request, headers: &HeaderMap) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let Some(url) = url_of(request) else { return };
        for text in headers.get_all(SET_COOKIE) {
            let Ok(text) = std::str::from_utf8(text.as_bytes()) else { continue };
            let name = text.split(['=', ';']).next().unwrap_or_default().trim();
            if self.names.iter().all(|known| known != name) {
                if self.names.len() == MOST {
                    continue;
                }
                self.names.push(name.to_owned());
            }
            // One that it may not set, or that is over, is not kept.
            let _ = self.of_origin(&request.origin).parse(text, &url);
        }
    }

    fn of_origin(&mut self, origin: &Origin) -> &mut CookieStore {
        let known = self.by_origin.iter().position(|(other, _)| other == origin);
        let at = known.unwrap_or_else(|| {
            self.by_origin.push((origin.clone(), CookieStore::default()));
            self.by_origin.len() - 1
        });
        &mut self.by_origin[at].1
    }

    /// The request with the cookies that are for it, besides those that the job sends; `None` where there are none.
    pub(super) fn added_to(&self, request: &Request) -> Option<Request> {
        let (_, store) = self.by_origin.iter().find(|(origin, _)| *origin == request.origin)?;
        let url = url_of(request)?;
        let mut found = store.matches(&url);
        // The longer path before the shorter (RFC 6265, section 5.4), for one name may stand twice.
        found.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.name().to_owned()));
        let set: Vec<(&str, &str)> = found.iter().map(|cookie| cookie.name_value()).collect();
        if set.is_empty() {
            return None;
        }
        let own = request.headers.get(COOKIE);
        let is_sensitive = own.is_some_and(HeaderValue::is_sensitive);
        let own = own.and_then(|own| own.to_str().ok()).unwrap_or_default();
        let mut value = HeaderValue::from_bytes(joined(own, &set).as_bytes()).ok()?;
        value.set_sensitive(is_sensitive);
        let mut request = request.clone();
        request.headers.insert(COOKIE, value);
        Some(request)
    }

    /// Which were set, for people; empty where none was.
    pub(super) fn shown(&self) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let cut = |name: &String| name.chars().take(40).collect::<String>();
        let mut names: Vec<String> = self.names.iter().take(5).map(cut).collect();
        if self.names.len() > names.len() {
            names.push("…".to_owned());
        }
        let what = if self.names.len() == 1 { "a cookie was" } else { "cookies were" };
        format!("; on the way {what} set ({}), and sent back where they had been set", names.join(", "))
    }
}

/// A `Cookie` header of the job's own and of those that were set, which stand in the place of its own of that name; as many
/// as there is room for.
fn joined(own: &str, set: &[(&str, &str)]) -> String {
    let is_set = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        set.iter().any(|(other, _)| *other == name)
    };
    let own = own.split(';').map(str::trim).filter(|pair| !pair.is_empty() && !is_set(pair));
    let mut pairs: Vec<String> = own.map(str::to_owned).collect();
    let mut length = pairs.iter().map(|pair| pair.len() + 2).sum::<usize>();
    for (name, value) in set {
        let pair = format!("{name}={value}");
        length += pair.len() + 2;
        if length <= LONGEST {
            pairs.push(pair);
        }
    }
    pairs.join("; ")
}

fn url_of(request: &Request) -> Option<Url> {
    Url::parse(&format!("{}{}", request.origin, request.target)).ok()
}
