//! Several texts in one, as a line of CSV: `a,"b,c","say ""x"""`.
//!
//! A text that begins with a quote is quoted, and one that holds a comma must be; a quote further on is a letter like others.
//! Blanks are letters, too.

/// Why a line is none: a quote that nothing ends, or something behind the one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misquoted;

/// The texts of a line; one that is empty has one, which is empty.
///
/// # Errors
/// See [`Misquoted`].
pub(super) fn split(line: &str) -> Result<Vec<String>, Misquoted> {
    let mut texts = Vec::new();
    let mut rest = line;
    loop {
        let (text, behind) = match quoted_start(rest) {
            Some(quoted) => quoted?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        texts.push(text);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(texts),
            None => return Err(Misquoted),
        }
    }
}

/// The quoted text that a text begins with, and what stands behind it; `None` where it begins with none.
pub(super) fn quoted_start(text: &str) -> Option<Result<(String, &str), Misquoted>> {
    let mut rest = text.strip_prefix('"')?;
    let mut found = String::new();
    loop {
        let Some((before, after)) = rest.split_once('"') else { return Some(Err(Misquoted)) };
        found.push_str(before);
        match after.strip_prefix('"') {
            Some(further) => {
                found.push('"');
                rest = further;
            }
            None => return Some(Ok((found, after))),
        }
    }
}

/// A text in quotes; it is how SQL quotes a name, too.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Texts as a line, each in quotes where it needs them.
pub fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let word = |text: &str| match text.starts_with('"') || text.contains(',') {
        true => quoted(text),
        false => text.to_owned(),
    };
    texts.into_iter().map(word).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_commas_that_are_not_quoted() {
        for (line, texts) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("a,b", vec!["a", "b"]),
            (",", vec!["", ""]),
            (" a, b", vec![" a", " b"]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"say \"\"x\"\"\",\"\"", vec!["say \"x\"", ""]),
            ("5\" disk,3\"", vec!["5\" disk", "3\""]),
            ("\"a\nb\"", vec!["a\nb"]),
        ] {
            assert_eq!(split(line).unwrap(), texts, "{line}");
            assert_eq!(split(&joined(texts.iter().copied())).unwrap(), texts, "{line}");
        }
        for line in ["\"", "\"a", "a,\"b", "\"a\"b", "\"a\" ,b", "\"a\\\"b\""] {
            assert_eq!(split(line), Err(Misquoted), "{line}");
        }
    }
}
