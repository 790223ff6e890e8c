//! What no value may change, over a million of them.

use fastrand::Rng;
use percent_encoding::percent_decode_str;
use url::Url;

use super::*;
use crate::record::Kind;
use crate::seed::seeded;

/// Ids that are tried.
const IDS: usize = 1_000_000;

/// Delimiters, dots and encodings, more often than chance would have them.
const PIECES: [&str; 26] = [
    "/", "?", "#", "%", "..", ".", "@", ":", "&", "=", "+", " ", "\\", "%2e", "%2F", ";", "\t", "{", "}",
    "[", "~", "\u{202e}", "é", "日", "\u{7f}", "\r\n",
];

fn id(rng: &mut Rng) -> String {
    let mut id = String::new();
    for _ in 0..rng.usize(0..10) {
        match rng.u8(0..4) {
            0 | 1 => id.push_str(PIECES[rng.usize(0..PIECES.len())]),
            2 => id.push(rng.char(..)),
            _ => id.extend(std::iter::repeat_with(|| rng.alphanumeric()).take(4)),
        }
    }
    id
}

/// Whether the path cannot carry it.
fn is_refused(id: &str) -> bool {
    let dots = id.replace("%2e", ".").replace("%2E", ".");
    id.is_empty() || id.contains(['\r', '\n', '\0']) || dots == "." || dots == ".."
}

#[test]
fn a_million_values_leave_scheme_host_port_and_path_as_the_template_has_them() {
    let mut rng = seeded();
    let question = question(&endpoint("https://api.example.com:8443/films/{id}/cast.json?a=1&b={id}"));
    for _ in 0..IDS {
        let id = id(&mut rng);
        let built = match question.build(&Row::id(&id)) {
            Ok(request) => format!("{}{}", request.origin, request.target),
            Err(failure) => {
                assert!(is_refused(&id) && failure.kind == Kind::Template, "{id:?}: {failure:?}");
                continue;
            }
        };
        assert!(!is_refused(&id), "{id:?} made {built}");
        let url = Url::parse(&built).unwrap();
        assert_eq!(
            (url.scheme(), url.host_str(), url.port()),
            ("https", Some("api.example.com"), Some(8443))
        );
        assert_eq!(url.fragment(), None, "{id:?}");
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        let [films, middle, cast] = segments[..] else { panic!("{id:?} made {built}") };
        assert_eq!((films, cast), ("films", "cast.json"));
        assert_eq!(percent_decode_str(middle).decode_utf8().unwrap(), id);
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(query, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), id)]);
    }
}
