//! What is said about a key that is not one: what it is called here, where it belongs, or which one was meant.

use super::{others, title_of_limits, titles_of_sections_with};
use crate::job::suggest::{did_you_mean, joined};

/// [limit.www.example.com] is a table `example` in the limit `www`.
const UNQUOTED: &str = "a host stands in quotes: [limit.\"www.example.com\"]";

/// Message and hint for a key that its section does not have.
#[derive(Debug)]
pub(super) struct Refusal {
    pub message: String,
    pub hint: String,
}

/// Why `key` is refused in the section `title`, whose keys are `known`.
pub(super) fn refusal(key: &str, title: &str, known: &[&str]) -> Refusal {
    let hint = in_other_number(key, known)
        .or_else(|| others::instead_of(key, title).map(str::to_owned))
        .or_else(|| elsewhere(key))
        .or_else(|| others::anywhere(key).map(str::to_owned))
        .or_else(|| did_you_mean(key, known))
        .or_else(|| (title == title_of_limits()).then(|| UNQUOTED.to_owned()))
        .unwrap_or_else(|| format!("the keys here are {}", listed(known)));
    Refusal { message: format!("unknown key `{key}` in {title}"), hint }
}

/// "did you mean `limit`?" of `limits`: where that is a key of another section, it is still the nearer one.
fn in_other_number(key: &str, known: &[&str]) -> Option<String> {
    let is_other = |one: &str, other: &str| one.strip_suffix('s') == Some(other);
    let found = known.iter().find(|known| is_other(known, key) || is_other(key, known))?;
    Some(format!("did you mean `{found}`?"))
}

/// `it belongs in [[endpoint]] or [publish]`, the sections that have the key.
fn elsewhere(key: &str) -> Option<String> {
    let titles = titles_of_sections_with(key).into_iter().map(str::to_owned).collect();
    joined(titles).map(|titles| format!("it belongs in {titles}"))
}

/// `a`, `b`, `c`.
fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised_and_a_strange_one_is_not() {
        let known = ["name", "url", "params", "headers"];
        assert_eq!(refusal("mode", "[job]", &known).hint, "it belongs in [table]");
        assert_eq!(refusal("min_success", "[job]", &known).hint, "it belongs in [[endpoint]] or [publish]");
        assert_eq!(
            refusal("nulls", "[table]", &["to"]).hint,
            "it belongs in [[endpoint]] or a column of [[endpoint]]"
        );
        assert_eq!(
            refusal("file", "[[publish.before]]", &["sql"]).hint,
            "it belongs in [input] or [[publish.after]]"
        );
        assert!(refusal("zzz", "[job]", &known).hint.contains("`headers`"));
    }
}
