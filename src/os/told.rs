//! Lines for people, on standard error.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write as _;

/// Tells the person, [without steering the terminal](printable). Where nobody can read it any more (a closed pipe, a full
/// disk) the work goes on: no write to a terminal or log ends a run, or changes how it ends.
pub fn tell(line: impl Display) {
    tell_in_colors(printable(&line.to_string()));
}

/// The same of what is coloured, and written by windrow and the person alone.
pub fn tell_in_colors(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Text with every character spelled out that would steer a terminal or turn what is read around: a server may have
/// written it. Line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let spelled = |letter: char| match steers(letter) {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    Cow::Owned(text.chars().map(spelled).collect())
}

/// Control characters; marks that set the direction of writing (UAX #9), and separators of lines that are no `\n`.
fn steers(letter: char) -> bool {
    let is_mark = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_mark || letter.is_control() && !matches!(letter, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_spelled_out() {
        assert_eq!(printable("a\tb\nGröße 🎬"), "a\tb\nGröße 🎬");
        assert_eq!(printable("\u{1b}]0;x\u{7}\r\u{9b}2J"), r"\u{1b}]0;x\u{7}\r\u{9b}2J");
        assert_eq!(
            printable("a\u{202e}b\u{2028}c\u{2066}\u{200f}\u{7f}"),
            r"a\u{202e}b\u{2028}c\u{2066}\u{200f}\u{7f}"
        );
    }
}
