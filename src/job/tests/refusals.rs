//! Keys of later versions: each is refused by its name, wherever the design puts it.

use super::{films_with, mistakes_of};

#[test]
fn destinations_of_later_versions() {
    let scheme = "mysql";
    let text = films_with("duckdb:../films.duckdb", &format!("{scheme}://u:geheim@h/d"));
    let found = mistakes_of(&text);
    let [mistake] = found.as_slice() else { panic!("{scheme}: one mistake expected, found {found:#?}") };
    assert_eq!(mistake.message, format!("not yet supported: the destination {scheme}:"));
    assert!(mistake.hint.contains("postgres://"), "{}", mistake.hint);
}

#[track_caller]
fn refused(after: &str, line: &str, what: &str) {
    let text = films_with(after, &format!("{after}\n{line}"));
    let found = mistakes_of(&text);
    let [mistake] = found.as_slice() else { panic!("{line}: one mistake expected, found {found:#?}") };
    assert_eq!(mistake.message, format!("not yet supported: {what}"));
    assert!(!mistake.hint.contains("did you mean"), "{}", mistake.hint);
}

#[test]
fn keys_of_later_versions() {
    refused("name = \"business\"", "auth = \"x\"", "`auth`");
}
