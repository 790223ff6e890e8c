//! Characters that a web page or a word processor puts in place of what was typed.

/// A blank between words: also the non-breaking ones of web pages.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// A character that has no width, and that nobody types.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}')
}

/// The text without what cannot be seen.
pub fn without_invisible(text: &str) -> String {
    text.chars().filter(|&c| !is_invisible(c)).collect()
}

/// A dash that stands where a hyphen was typed, or two.
pub fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A double quotation mark of print.
pub fn is_double_mark(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '″')
}

/// A single quotation mark of print.
pub fn is_single_mark(c: char) -> bool {
    matches!(c, '‘' | '’' | '‚' | '‛' | '′')
}

/// Whether what follows an unquoted line break goes on with the command: no command begins so.
pub fn goes_on(below: &str) -> bool {
    let below = below.trim_start();
    let unquoted = below.trim_start_matches(['\'', '"', '^', '“', '‘']);
    below.starts_with(|c: char| c == '-' || is_dash(c))
        || unquoted.starts_with("http://")
        || unquoted.starts_with("https://")
}
