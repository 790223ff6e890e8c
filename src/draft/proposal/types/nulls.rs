//! Words that stand where there is no value.

/// What programs and people write for it.
const WORDS: [&str; 26] = [
    "",
    "N/A",
    "n/a",
    "N/a",
    "NA",
    "#N/A",
    "-",
    "--",
    "—",
    "–",
    "?",
    "None",
    "none",
    "NULL",
    "null",
    "Null",
    "nil",
    "NaN",
    "nan",
    "unknown",
    "Unknown",
    "UNKNOWN",
    "undefined",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "0000-00-00T00:00:00Z",
];

/// Those that are no value of a text, either: an empty one says nothing, and nobody means anything else by `N/A`. (`NA` is
/// Namibia, `-` a sign, and `none` and `unknown` are answers.)
const IN_ANY_TEXT: [&str; 7] = ["", "N/A", "n/a", "N/a", "#N/A", "NULL", "null"];

/// Whether a text among numbers or dates is none of them, but the word that there is none.
pub(in crate::draft::proposal) fn is_word(text: &str) -> bool {
    text.trim().is_empty() || WORDS.contains(&text)
}

/// Whether it is that in any column.
pub(in crate::draft::proposal) fn is_in_any_text(text: &str) -> bool {
    IN_ANY_TEXT.contains(&text)
}
