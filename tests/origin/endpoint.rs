//! The kinds of documents, each of which is counted by itself.

use hyper::Method;

use crate::answer::{HTML, JAVASCRIPT, JSON, LINES, TEXT};

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
    /// `/v1/urls/count.json?url={id}`
    Pins,
    /// `/graph/?ids={id},{id}`
    Graph,
    /// `/countserv/count/share?url={id}`
    Shares,
    /// `POST /rpc`
    PlusOnes,
    /// `/items?ids={id},{id}`, and other ways to ask for several
    Items,
    /// `/matches/{id}`
    Matches,
    /// `/pages/{id}`
    Pages,
    /// `/lists/{id}`
    Lists,
    /// `/jsonl/{id}`
    JsonLines,
    /// `/texts/{id}`
    Texts,
    /// `/states/{id}`
    States,
    /// `/redirects/{id}?to={url}`
    Redirects,
    /// `/ohlc/{symbol}`
    Ohlc,
    /// `/androidpublisher/…/subscriptions/{product}/tokens/{token}`
    Subscriptions,
    /// `/oauth/token`
    Tokens,
    /// `/prices/{place}`
    Prices,
    /// `/public/{api}/…`
    Public,
}

impl Endpoint {
    /// In the order of their numbers.
    pub const ALL: [Endpoint; 21] = [
        Endpoint::Omdb,
        Endpoint::Business,
        Endpoint::Numbers,
        Endpoint::Echo,
        Endpoint::Pins,
        Endpoint::Graph,
        Endpoint::Shares,
        Endpoint::PlusOnes,
        Endpoint::Items,
        Endpoint::Matches,
        Endpoint::Pages,
        Endpoint::Lists,
        Endpoint::JsonLines,
        Endpoint::Texts,
        Endpoint::States,
        Endpoint::Redirects,
        Endpoint::Ohlc,
        Endpoint::Subscriptions,
        Endpoint::Tokens,
        Endpoint::Prices,
        Endpoint::Public,
    ];

    /// The name in counts.
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Omdb => "omdb",
            Endpoint::Business => "business",
            Endpoint::Numbers => "numbers",
            Endpoint::Echo => "echo",
            Endpoint::Pins => "pins",
            Endpoint::Graph => "graph",
            Endpoint::Shares => "shares",
            Endpoint::PlusOnes => "plus_ones",
            Endpoint::Items => "items",
            Endpoint::Matches => "matches",
            Endpoint::Pages => "pages",
            Endpoint::Lists => "lists",
            Endpoint::JsonLines => "jsonl",
            Endpoint::Texts => "texts",
            Endpoint::States => "states",
            Endpoint::Redirects => "redirects",
            Endpoint::Ohlc => "ohlc",
            Endpoint::Subscriptions => "subscriptions",
            Endpoint::Tokens => "tokens",
            Endpoint::Prices => "prices",
            Endpoint::Public => "public",
        }
    }

    /// Whether its ids are the films' and may be counted by their place in the list.
    pub fn is_of_films(self) -> bool {
        matches!(self, Endpoint::Omdb | Endpoint::Business)
    }

    /// The methods that it answers, as `Allow` names them; `*` for any.
    pub fn methods(self) -> &'static str {
        match self {
            Endpoint::Echo | Endpoint::Redirects => "*",
            Endpoint::PlusOnes | Endpoint::Tokens => "POST",
            Endpoint::Items => "GET, HEAD, POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether it answers a method.
    pub fn allows(self, method: &Method) -> bool {
        let methods = self.methods();
        methods == "*" || methods.split(", ").any(|name| name == method.as_str())
    }

    /// The content type of its documents.
    pub fn content_type(self) -> &'static str {
        match self {
            Endpoint::Pins => JAVASCRIPT,
            Endpoint::Matches | Endpoint::Pages => HTML,
            Endpoint::JsonLines => LINES,
            Endpoint::Texts => TEXT,
            _ => JSON,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_at_its_number() {
        for (number, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(endpoint as usize, number);
        }
    }

    #[test]
    fn methods_are_matched_whole() {
        assert!(Endpoint::Omdb.allows(&Method::HEAD) && !Endpoint::Omdb.allows(&Method::POST));
        assert!(Endpoint::PlusOnes.allows(&Method::POST) && !Endpoint::PlusOnes.allows(&Method::GET));
        assert!(Endpoint::Echo.allows(&Method::PATCH));
    }
}
