//! Rows as records, a line for each column: for tables that are wider than the terminal.
//!
//! Promise: no line is wider than it is said, but for names of columns that leave no room. A text is broken between words;
//! a word that is wider than a line, such as a URL, behind one of its own marks where it has any.

use std::io::{self, Write};

use console::measure_text_width;

/// Marks behind which a word may be broken.
const MARKS: &[char] = &['/', '?', '&', '=', '-', '_', ',', ';', '.'];

/// Least width of a value, however wide the names are.
const LEAST: usize = 16;

/// Prints records of as many values as there are names.
pub(super) fn records(
    out: &mut dyn Write,
    names: &[String],
    rows: &[Vec<String>],
    width: usize,
    rule: char,
) -> io::Result<()> {
    let widest = names.iter().map(|name| measure_text_width(name)).max().unwrap_or(0);
    let room = width.saturating_sub(widest + 2).max(LEAST);
    for (number, row) in (1..).zip(rows) {
        let title = format!("{rule}{rule} {number} ");
        let line = rule.to_string().repeat(width.saturating_sub(measure_text_width(&title)));
        writeln!(out, "{title}{line}")?;
        for (name, value) in names.iter().zip(row) {
            let mut begin = padded(name, widest);
            for line in lines(value, room) {
                writeln!(out, "{}", format!("{begin}  {line}").trim_end())?;
                begin = " ".repeat(widest);
            }
        }
    }
    Ok(())
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// A text in lines of a width; at least one.
fn lines(text: &str, width: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| broken(line, width)).collect()
}

fn broken(line: &str, width: usize) -> Vec<String> {
    let (mut lines, mut last, mut used) = (Vec::new(), String::new(), 0);
    for word in line.split_inclusive(' ') {
        let mut rest = word;
        if used > 0 && fitting(rest.trim_end(), width.saturating_sub(used)).is_some() {
            (used, rest) = (0, word);
            lines.push(std::mem::take(&mut last));
        }
        while let Some(end) = fitting(rest.trim_end(), width) {
            let (begin, more) = rest.split_at(end);
            lines.push(begin.to_owned());
            rest = more;
        }
        used += cells(rest);
        last.push_str(rest);
    }
    lines.push(last);
    lines
}

/// How many bytes of a word fit into a line where not all do: up to behind the last mark, or else as many as there is
/// room for; never none. No more is looked at than a line: a word may be a file.
fn fitting(word: &str, width: usize) -> Option<usize> {
    let (mut used, mut fits, mut marked) = (0, 0, 0);
    for (at, letter) in word.char_indices() {
        used += cells(letter.encode_utf8(&mut [0; 4]));
        if used > width {
            fits = fits.max(letter.len_utf8());
            // Not for a few letters of a line.
            return Some(if marked * 2 > fits { marked } else { fits });
        }
        fits = at + letter.len_utf8();
        if MARKS.contains(&letter) {
            marked = fits;
        }
    }
    None
}

/// Cells of a terminal that a text takes, letter by letter: at most more than a terminal makes of it.
fn cells(text: &str) -> usize {
    text.chars().map(|letter| measure_text_width(letter.encode_utf8(&mut [0; 4]))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(names: &[&str], rows: &[&[&str]], width: usize) -> String {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| owned(row)).collect();
        let mut out = Vec::new();
        records(&mut out, &owned(names), &rows, width, '─').unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_a_line_for_each_column_broken_between_words() {
        let row: &[&str] =
            &["7", "a title that goes on and on", "https://example.com/posters/large/7.jpg?size=1"];
        insta::assert_snapshot!(shown(&["id", "title", "poster"], &[row, row], 30), @r#"
        ── 1 ─────────────────────────
        id      7
        title   a title that goes on
                and on
        poster  https://example.com/
                posters/large/7.jpg?
                size=1
        ── 2 ─────────────────────────
        id      7
        title   a title that goes on
                and on
        poster  https://example.com/
                posters/large/7.jpg?
                size=1
        "#);
    }

    #[test]
    fn a_file_in_a_cell_takes_no_longer_than_it_is_long() {
        let file = "x".repeat(4 << 20);
        let begun = std::time::Instant::now();
        assert_eq!(lines(&file, 64).concat().len(), file.len());
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn no_line_is_wider_whatever_is_in_it() {
        let row: &[&str] =
            &["電影".repeat(30).leak(), "x".repeat(99).leak(), "a\n\nb", "", "é e\u{301} 👩‍👩‍👧 z"];
        for width in [24, 30, 60, 80, 120] {
            let text = shown(&["名前", "b", "lines", "empty", "odd"], &[row], width);
            assert!(text.lines().all(|line| measure_text_width(line) <= width), "{width}\n{text}");
            let all: String = text.chars().filter(|letter| *letter == '電').collect();
            assert_eq!(all.chars().count(), 30, "nothing is left out");
        }
    }
}
