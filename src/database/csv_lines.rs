//! Answers as CSV, where the database does not write it: null and an empty text differ, as in PostgreSQL's, which a CSV library
//! cannot say.

/// Values of an answer as CSV: null is nothing, an empty text is in quotes.
#[derive(Debug, Default)]
pub(super) struct CsvLines(pub Vec<u8>);

impl CsvLines {
    /// Appends a line.
    pub fn line<T: AsRef<str>>(&mut self, cells: impl Iterator<Item = Option<T>>) {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            let Some(cell) = cell else { continue };
            let cell = cell.as_ref();
            let is_plain = !cell.is_empty() && !cell.contains([',', '"', '\n', '\r']);
            if is_plain {
                self.0.extend_from_slice(cell.as_bytes());
            } else {
                self.0.extend_from_slice(format!("\"{}\"", cell.replace('"', "\"\"")).as_bytes());
            }
        }
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_nothing_and_an_empty_text_is_in_quotes() {
        let mut lines = CsvLines::default();
        lines.line([Some(""), None, Some("a\"b,\n"), Some("plain")].into_iter());
        assert_eq!(String::from_utf8(lines.0).unwrap(), "\"\",,\"a\"\"b,\n\",plain\n");
    }
}
