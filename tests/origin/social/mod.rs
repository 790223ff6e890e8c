//! Counts of what people did with a URL, in the shape that four public APIs had. They follow from the URL alone.
//!
//! | module | path | after |
//! |---|---|---|
//! | `pins` | `GET /v1/urls/count.json` | Pinterest's widget API: JSONP |
//! | `graph` | `GET /graph/` | Facebook's Graph API: up to 50 URLs at once |
//! | `shares` | `GET /countserv/count/share` | LinkedIn's share count: JSON or JSONP |
//! | `plus_ones` | `POST /rpc` | Google's plus-one count: JSON-RPC |

pub mod graph;
pub mod pins;
pub mod plus_ones;
pub mod shares;
pub mod urls;

use serde_json::{Value, json};

use crate::draw::Draw;

/// Everything that is known of a URL, for tests that compare; `graph` is null where that API does not know it.
pub fn truth(url: &str) -> Value {
    json!({
        "url": url,
        "pins": pins::count(url),
        "graph": graph::object(url),
        "shares": shares::count(url),
        "plus_ones": plus_ones::count(url),
    })
}

/// How often something was done with a URL: often not at all, seldom ten thousands of times.
fn count(url: &str, deed: &str) -> u64 {
    let most = 10_u64.pow(Draw::about(0, &format!("most {deed} {url}")).between(0, 5) as u32) - 1;
    Draw::about(0, &format!("{deed} {url}")).between(0, most)
}

/// Whether a text names a function that JSONP may call: identifiers with points between them.
fn is_callback(name: &str) -> bool {
    let is_identifier = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '$')
            && part.chars().all(|one| one.is_ascii_alphanumeric() || one == '_' || one == '$')
    };
    name.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_spread_from_nothing_to_many() {
        let counts: Vec<u64> =
            (0..1_000).map(|n| count(&format!("http://example.com/{n}"), "pins")).collect();
        let none = counts.iter().filter(|&&count| count == 0).count();
        assert!((150..=260).contains(&none), "{none}");
        assert!(counts.iter().any(|&count| count > 20_000));
        assert_eq!(counts[7], count("http://example.com/7", "pins"));
        assert_ne!(
            counts,
            (0..1_000).map(|n| count(&format!("http://example.com/{n}"), "likes")).collect::<Vec<_>>()
        );
    }

    #[test]
    fn callbacks_are_names() {
        assert!(is_callback("receiveCount") && is_callback("IN.Tags.Share.handle_Count$1"));
        assert!(!is_callback("") && !is_callback("a.") && !is_callback("1a") && !is_callback("alert(1)"));
    }
}
