//! Words for hints: which one was meant, and which there are.

/// "did you mean `params`?", where one of `known` is close to `word`.
pub(super) fn did_you_mean<S: AsRef<str>>(word: &str, known: &[S]) -> Option<String> {
    nearest_word(word, known).map(|nearest| format!("did you mean `{nearest}`?"))
}

/// The one of `known` that is close to `word`, if any is.
pub fn nearest_word<'a, S: AsRef<str>>(word: &str, known: &'a [S]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let nearest = known.iter().map(S::as_ref).min_by_key(distance)?;
    // A third of the letters may be wrong, and of a short word one of several.
    let most = (word.chars().count().max(nearest.chars().count()) / 3).max(1);
    let is_near = distance(&nearest) <= most && distance(&nearest) < word.chars().count();
    is_near.then_some(nearest)
}

/// `a`, `b` or `c`, of which one is meant.
pub(super) fn one_of(words: &[&str]) -> String {
    joined(words.iter().map(|word| format!("`{word}`")).collect()).unwrap_or_default()
}

/// `a`, `b` and `c`; nothing of none.
pub(super) fn all_of(words: &[&str]) -> Option<String> {
    let (last, others) = words.split_last()?;
    let others: Vec<String> = others.iter().map(|word| format!("`{word}`")).collect();
    Some(if others.is_empty() { format!("`{last}`") } else { format!("{} and `{last}`", others.join(", ")) })
}

/// "a", "b" or "c".
pub(super) fn quoted(words: &[&str]) -> String {
    joined(words.iter().map(|word| format!("\"{word}\"")).collect()).unwrap_or_default()
}

/// a, b or c; nothing of none.
pub(super) fn joined(words: Vec<String>) -> Option<String> {
    match words.split_last()? {
        (last, []) => Some(last.clone()),
        (last, others) => Some(format!("{} or {last}", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_recognised_and_a_strange_one_is_not() {
        let known = ["name", "url", "params", "headers"];
        assert_eq!(did_you_mean("parms", &known).as_deref(), Some("did you mean `params`?"));
        assert_eq!(did_you_mean("URL", &known).as_deref(), Some("did you mean `url`?"));
        assert_eq!(did_you_mean("zzz", &known), None);
        assert_eq!(did_you_mean("a", &["b"]), None);
    }
}
