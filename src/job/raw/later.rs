//! What is said about a key that is not one: that a later version brings it, that it belongs elsewhere, or
//! which one was meant.

use super::fields::{Section, keys_of};

/// Keys of later versions, and what serves until then.
const LATER: [(&str, &str); 1] = [("auth", "send the secret in `headers` or `query` as ${NAME}")];

/// [limits.www.example.com] is a table `example` in the limit `www`.
const UNQUOTED: &str = "a host stands in quotes: [limits.\"www.example.com\"]";

/// Message and hint for a key that its section does not have.
#[derive(Debug)]
pub(super) struct Refusal {
    pub message: String,
    pub hint: String,
}

/// Why `key` is refused in the section `title`, whose keys are `known`.
pub(super) fn refusal(key: &str, title: &str, known: &[&str]) -> Refusal {
    if let Some((_, instead)) = LATER.iter().find(|(later, _)| *later == key) {
        let hint = format!("leave it out; {instead}");
        return Refusal { message: format!("not yet supported: `{key}`"), hint };
    }
    let hint = in_other_number(key, known)
        .or_else(|| elsewhere(key))
        .or_else(|| did_you_mean(key, known))
        .or_else(|| (title == super::Limit::TITLE).then(|| UNQUOTED.to_owned()))
        .unwrap_or_else(|| format!("the keys here are {}", listed(known)));
    Refusal { message: format!("unknown key `{key}` in {title}"), hint }
}

/// "did you mean `limits`?" of `limit`: where that is a key of another section, it is still the nearer one.
fn in_other_number(key: &str, known: &[&str]) -> Option<String> {
    let is_other = |one: &str, other: &str| one.strip_suffix('s') == Some(other);
    let found = known.iter().find(|known| is_other(known, key) || is_other(key, known))?;
    Some(format!("did you mean `{found}`?"))
}

/// "it belongs in [[endpoint]] or [publish]", the sections that have the key.
fn elsewhere(key: &str) -> Option<String> {
    let sections = [
        (super::JobFile::TITLE, keys_of::<super::JobFile>()),
        (super::Job::TITLE, keys_of::<super::Job>()),
        (super::Input::TITLE, keys_of::<super::Input>()),
        (super::Endpoint::TITLE, keys_of::<super::Endpoint>()),
        (super::Table::TITLE, keys_of::<super::Table>()),
        (super::Publish::TITLE, keys_of::<super::Publish>()),
        (super::Before::TITLE, keys_of::<super::Before>()),
        (super::After::TITLE, keys_of::<super::After>()),
        ("`retry` of [[endpoint]]", keys_of::<super::Retry>()),
        ("a column of [[endpoint]]", keys_of::<super::Column>()),
        (super::Limit::TITLE, keys_of::<super::Limit>()),
        ("`quota` of [limits.NAME]", keys_of::<super::Quota>()),
        ("`batch` of [[endpoint]]", keys_of::<super::Batch>()),
        ("`pages` of [[endpoint]]", keys_of::<super::Pages>()),
    ];
    let titles: Vec<&str> =
        sections.into_iter().filter(|(_, keys)| keys.contains(&key)).map(|(title, _)| title).collect();
    joined(titles.into_iter().map(str::to_owned).collect()).map(|titles| format!("it belongs in {titles}"))
}

/// "did you mean `query`?", where one of `known` is close to `word`.
pub(in crate::job) fn did_you_mean<S: AsRef<str>>(word: &str, known: &[S]) -> Option<String> {
    let lower = word.to_lowercase();
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let nearest = known.iter().map(S::as_ref).min_by_key(distance)?;
    // A third of the letters may be wrong, and of a short word one of several.
    let most = (word.chars().count().max(nearest.chars().count()) / 3).max(1);
    let is_near = distance(&nearest) <= most && distance(&nearest) < word.chars().count();
    is_near.then(|| format!("did you mean `{nearest}`?"))
}

/// `a`, `b`, `c`.
fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// `a`, `b` or `c`, of which one is meant.
pub(super) fn one_of(words: &[&str]) -> String {
    joined(words.iter().map(|word| format!("`{word}`")).collect()).unwrap_or_default()
}

/// "a", "b" or "c".
pub(in crate::job) fn quoted(words: &[&str]) -> String {
    joined(words.iter().map(|word| format!("\"{word}\"")).collect()).unwrap_or_default()
}

/// a, b or c; nothing of none.
fn joined(words: Vec<String>) -> Option<String> {
    match words.split_last()? {
        (last, []) => Some(last.clone()),
        (last, others) => Some(format!("{} or {last}", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised_and_a_strange_one_is_not() {
        let known = ["name", "url", "query", "headers"];
        assert_eq!(did_you_mean("qurey", &known).as_deref(), Some("did you mean `query`?"));
        assert_eq!(did_you_mean("URL", &known).as_deref(), Some("did you mean `url`?"));
        assert_eq!(did_you_mean("zzz", &known), None);
        assert_eq!(did_you_mean("a", &["b"]), None);
        assert_eq!(refusal("mode", "[job]", &known).hint, "it belongs in [table]");
        assert_eq!(refusal("min_success", "[job]", &known).hint, "it belongs in [[endpoint]] or [publish]");
        assert_eq!(refusal("query", "[table]", &["to"]).hint, "it belongs in [input] or [[endpoint]]");
        assert_eq!(refusal("file", "[[before]]", &["sql"]).hint, "it belongs in [input] or [[after]]");
        assert_eq!(refusal("auth", "[[endpoint]]", &known).message, "not yet supported: `auth`");
        assert!(refusal("zzz", "[job]", &known).hint.contains("`headers`"));
    }

    #[test]
    fn no_key_of_today_is_called_a_later_one() {
        let later: Vec<&str> = LATER.iter().map(|(key, _)| *key).collect();
        for keys in [
            keys_of::<super::super::JobFile>(),
            keys_of::<super::super::Job>(),
            keys_of::<super::super::Input>(),
            keys_of::<super::super::Endpoint>(),
            keys_of::<super::super::Column>(),
            keys_of::<super::super::Batch>(),
            keys_of::<super::super::Pages>(),
            keys_of::<super::super::Table>(),
            keys_of::<super::super::Publish>(),
            keys_of::<super::super::Before>(),
            keys_of::<super::super::After>(),
            keys_of::<super::super::Retry>(),
            keys_of::<super::super::Limit>(),
            keys_of::<super::super::Quota>(),
        ] {
            assert!(keys.iter().all(|key| !later.contains(key)), "{keys:?}");
        }
    }
}
