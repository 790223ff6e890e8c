//! Prose in lines: words are never broken, and what stands in backquotes stays in one line where it fits.

/// The widest line that pages of help have.
pub const WIDEST: usize = 100;

/// A text in lines of at most [`WIDEST`] characters, each behind the indent; the first behind `lead` instead, which is
/// padded to its width.
pub fn paragraph(lead: &str, indent: usize, text: &str) -> String {
    let mut lines = format!("{lead:<indent$}");
    let mut width = lines.chars().count();
    let mut is_first = true;
    for word in unbroken(text) {
        let length = word.chars().count();
        if !is_first && width + 1 + length > WIDEST {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            width = indent;
            is_first = true;
        }
        if !is_first {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(&word);
        width += length;
        is_first = false;
    }
    lines.push('\n');
    lines
}

/// The words of a text; a command in backquotes is one of them.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_quoted = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if is_quoted => *last += &format!(" {word}"),
            _ => words.push(word.to_owned()),
        }
        is_quoted ^= word.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_commands_stay_whole() {
        let text =
            "word ".repeat(18) + "and then `windrow retry films --kind timeout` once the server is faster";
        let lines = paragraph("timeout", 14, &text);
        assert!(lines.starts_with("timeout       word word"), "{lines}");
        assert!(lines.lines().all(|line| line.chars().count() <= WIDEST), "{lines}");
        assert!(lines.lines().skip(1).all(|line| line.starts_with(&" ".repeat(14))), "{lines}");
        assert!(lines.contains("`windrow retry films --kind timeout`"), "{lines}");
    }
}
