//! How a text list is written: the keys of `[input]` that say it, each where it can have an effect.

use encoding_rs::Encoding;

use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::{self, At};
use crate::job::{Dialect, Format, Quote, Source};

/// The dialect; keys that could have no effect on such a source are mistakes.
pub(super) fn validated(input: &raw::Input, source: Option<&Source>, mistakes: &mut Mistakes) -> Dialect {
    if let Some(source) = source {
        refuse_without_effect(input, source, mistakes);
    }
    let delimiter = input.delimiter.as_ref().and_then(|written| delimiter(written, mistakes));
    let quote = input.quote.as_ref().and_then(|written| quote(written, mistakes));
    if let (Some(Quote::Character(quote)), Some(written)) = (quote, &input.delimiter)
        && delimiter == Some(quote)
    {
        mistakes.add(
            &written.span,
            "`delimiter` and `quote` are the same character",
            "they stand for different things",
        );
    }
    Dialect {
        delimiter,
        quote,
        encoding: input.encoding.as_ref().and_then(|written| encoding(written, mistakes)),
        comment: input.comment.as_ref().and_then(|written| comment(written, mistakes)),
        skip_lines: input.skip_lines.as_ref().map_or(0, |lines| lines.value.0),
    }
}

/// The keys that are there, by name.
fn written(input: &raw::Input) -> impl Iterator<Item = (&'static str, &Span)> {
    let keys = [
        ("delimiter", input.delimiter.as_ref().map(|at| &at.span)),
        ("quote", input.quote.as_ref().map(|at| &at.span)),
        ("encoding", input.encoding.as_ref().map(|at| &at.span)),
        ("comment", input.comment.as_ref().map(|at| &at.span)),
        ("skip_lines", input.skip_lines.as_ref().map(|at| &at.span)),
    ];
    keys.into_iter().filter_map(|(key, span)| Some((key, span?)))
}

fn refuse_without_effect(input: &raw::Input, source: &Source, mistakes: &mut Mistakes) {
    let format = match source {
        Source::File { format, .. } | Source::Stdin { format } => Some(*format),
        Source::Ids(_) | Source::Query { .. } | Source::Queue(_) => None,
    };
    for (key, span) in written(input) {
        let (is_fit, formats) = match key {
            "delimiter" | "quote" => (matches!(format, Some(Format::Csv | Format::Tsv)), "csv and tsv"),
            _ => (format.is_some_and(|format| format != Format::Parquet), "csv, tsv, jsonl and lines"),
        };
        if !is_fit {
            let message = format!("`{key}` has no effect on this list");
            mistakes.add(span, message, format!("leave it out: it is for files of the formats {formats}"));
        }
    }
}

fn delimiter(written: &At<String>, mistakes: &mut Mistakes) -> Option<u8> {
    let delimiter = character(written.text());
    if delimiter.is_none() {
        let hint = "write one ASCII character: \";\", \"|\", or \"\\t\" for a tab";
        mistakes.add(&written.span, format!("{:?} is no delimiter", written.value), hint);
    }
    delimiter
}

fn quote(written: &At<String>, mistakes: &mut Mistakes) -> Option<Quote> {
    let quote = match written.text() {
        "none" => Some(Quote::None),
        text => character(text).map(Quote::Character),
    };
    if quote.is_none() {
        let hint = "write \"none\" where quotes are text like any other, or one ASCII character: '\"'";
        mistakes.add(&written.span, format!("{:?} is no quote", written.value), hint);
    }
    quote
}

/// The one ASCII character that a text is, if a line can hold it.
fn character(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !b"\r\n\0".contains(byte) => Some(*byte),
        _ => None,
    }
}

fn comment(written: &At<String>, mistakes: &mut Mistakes) -> Option<String> {
    let text = written.text();
    if text.is_empty() || text.contains(['\r', '\n']) {
        let hint = "write what those lines begin with: \"#\"";
        mistakes.add(&written.span, "`comment` names no beginning of a line", hint);
        return None;
    }
    Some(text.to_owned())
}

fn encoding(written: &At<String>, mistakes: &mut Mistakes) -> Option<&'static Encoding> {
    let encoding = for_label(written.text());
    if encoding.is_none() {
        let hint = "write a label of the Encoding Standard, such as \"utf-8\", \"utf-16le\", \"cp1252\" or \"shift_jis\"";
        mistakes.add(&written.span, format!("unknown encoding {:?}", written.value), hint);
    }
    encoding
}

/// A label of the Encoding Standard, or what Python calls the same: `latin-1`, `utf_16_le`, `utf-8-sig`.
fn for_label(text: &str) -> Option<&'static Encoding> {
    let dashed = text.trim().to_ascii_lowercase().replace('_', "-");
    let known = |label: &str| Encoding::for_label_no_replacement(label.as_bytes());
    known(text)
        .or_else(|| known(&dashed))
        .or_else(|| known(&dashed.replace('-', "")))
        .or_else(|| known(&dashed.replacen("utf-16-", "utf-16", 1)))
        .or_else(|| known(&dashed.replacen("utf16", "utf-16", 1)))
        .or_else(|| known(dashed.strip_suffix("-sig")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_standard_and_of_python_are_known() {
        let name = |label| for_label(label).map(Encoding::name);
        for (label, expected) in [
            ("utf-8", "UTF-8"),
            ("UTF8", "UTF-8"),
            ("utf-8-sig", "UTF-8"),
            ("utf_16_le", "UTF-16LE"),
            ("utf-16-be", "UTF-16BE"),
            ("utf16", "UTF-16LE"),
            ("cp1252", "windows-1252"),
            ("latin-1", "windows-1252"),
            ("iso_8859_15", "ISO-8859-15"),
            ("shift_jis", "Shift_JIS"),
            ("gb18030", "gb18030"),
        ] {
            assert_eq!(name(label), Some(expected), "{label}");
        }
        for label in ["", "none", "cp437", "iso-2022-kr", "utf-32"] {
            assert_eq!(name(label), None, "{label}");
        }
    }
}
