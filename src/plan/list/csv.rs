//! Comma- or tab-separated values with a header line, read strictly: RFC 4180, with LF, CRLF or CR.
//!
//! The csv crate forgives by design: it reads `"a"b` as `ab`, a quote within a field as text, and lets `"Heroes` swallow
//! all lines up to the next quote. Here each of these is an error with its line, so that no line is lost and no value is
//! altered in silence. Promises: whatever the bytes, the records are those that the csv crate reads, or the list is
//! refused (a test holds the two against each other).
//!
//! | written | read |
//! |---|---|
//! | an empty field, or `""` | null |
//! | `"a, ""b"""` | `a, "b"`; the quoted field may go over lines |
//! | a quote within an unquoted field, or text behind a closing quote | refused |
//! | a quoted field that never ends | refused |
//! | a quoted field over lines that all read as records of their own | refused, unless the job says `quote` |
//! | more or fewer fields than the header | refused |
//! | an empty line | passed over |
//! | `sep=;` as the first line, as Excel writes it | the delimiter, unless the job says one |
//!
//! The last but three is why an unclosed quote is found even where a later one happens to close it. If the two are plain
//! text, each line from the one to the other is a whole record: the first has as many fields as the header, so have those
//! between, and the second quote ends a field of the same column, since the record would be too long or too short
//! otherwise. A text that really goes over lines meets all three by chance only, in tables of few columns; `quote = '"'`
//! accepts it.
//!
//! Only the needed columns have to be UTF-8. A line without a quote is split at its delimiters and nothing else, so that
//! being strict costs one search for a quote in each line.

use std::borrow::Cow;
use std::ops::Range;

use super::text::Lines;
use super::{Cell, Intake, ListError, PlanError, Reader};
use crate::job::{Dialect, Quote};

/// What a stray quote in a list most often means.
const HINT: &str = "where quotes are text like any other, say quote = \"none\" under [input]; otherwise enclose the whole \
                    field in quotes, and double each one within it";

/// What a record of another length most often means.
const SEPARATOR: &str = "put quotes around a field that holds the separator";

/// A table's text, record by record.
struct Table<'a> {
    lines: Lines<'a>,
    reader: &'a Reader<'a>,
    delimiter: u8,
    quote: Option<u8>,
    /// Whether a quoted field may swallow what reads as records.
    swallows: bool,
    /// Line of the record's beginning.
    number: u64,
    fields: Vec<Field>,
    /// Where in the text each further line of the record begins.
    further: Vec<usize>,
    /// Columns of the header; 0 before it.
    width: usize,
    /// Where each needed column is.
    positions: Vec<usize>,
}

/// A field of the record at hand.
struct Field {
    /// In the text, without the quotes that enclose it.
    range: Range<usize>,
    /// Whether quotes are doubled in it.
    is_escaped: bool,
    /// The lines that it goes on over, in [`Table::further`].
    further: Range<usize>,
}

impl Field {
    fn plain(range: Range<usize>) -> Field {
        Field { range, is_escaped: false, further: 0..0 }
    }
}

/// Reads the list and returns the digest of its bytes.
pub(super) fn read(
    lines: Lines<'_>,
    separator: u8,
    dialect: &Dialect,
    reader: &Reader<'_>,
    intake: &mut Intake,
) -> Result<String, PlanError> {
    let quote = match dialect.quote {
        None => Some(b'"'),
        Some(Quote::Character(quote)) => Some(quote),
        Some(Quote::None) => None,
    };
    let mut table = Table {
        lines,
        reader,
        delimiter: dialect.delimiter.unwrap_or(separator),
        quote,
        swallows: dialect.quote.is_some(),
        number: 0,
        fields: Vec::new(),
        further: Vec::new(),
        width: 0,
        positions: Vec::new(),
    };
    table.read_header(dialect.delimiter.is_none())?;
    while table.read_record()? {
        intake.push(table.number, table.cells()?)?;
    }
    Ok(table.lines.sha256())
}

impl Table<'_> {
    fn read_header(&mut self, takes_separator: bool) -> Result<(), ListError> {
        let mut is_there = self.next_line()?;
        if let [b's', b'e', b'p', b'=', separator] | [b'"', b's', b'e', b'p', b'=', separator, b'"'] =
            *self.lines.text()
        {
            self.delimiter = if takes_separator { separator } else { self.delimiter };
            is_there = self.next_line()?;
        }
        if !is_there {
            return Err(ListError::Empty(self.reader.list.to_owned()));
        }
        self.split()?;
        self.width = self.fields.len();
        self.refuse_swallowed()?;
        let name = |field: &Field| Ok(self.text_of(field)?.into_owned());
        let names: Vec<String> = self.fields.iter().map(name).collect::<Result<_, ListError>>()?;
        let find = |wanted: &String| self.reader.column(wanted, &names);
        self.positions = self.reader.wanted.names.iter().map(find).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Splits the next record; false at the end.
    fn read_record(&mut self) -> Result<bool, ListError> {
        if !self.next_line()? {
            return Ok(false);
        }
        self.split()?;
        if self.fields.len() != self.width {
            return Err(ListError::Fields {
                place: self.place(),
                fields: self.fields.len() as u64,
                header: self.width as u64,
                hint: if self.further.is_empty() { SEPARATOR } else { HINT },
            });
        }
        self.refuse_swallowed()?;
        Ok(true)
    }

    /// Goes to the next line that is not empty; false at the end.
    fn next_line(&mut self) -> Result<bool, ListError> {
        while let Some(number) = self.lines.advance(self.reader)? {
            if !self.lines.text().is_empty() {
                self.number = number;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Splits the line, and those that a quoted field goes over, into fields.
    fn split(&mut self) -> Result<(), ListError> {
        self.fields.clear();
        self.further.clear();
        let text = self.lines.text();
        if self.quote.is_none_or(|quote| memchr::memchr(quote, text).is_none()) {
            let mut start = 0;
            for end in memchr::memchr_iter(self.delimiter, text) {
                self.fields.push(Field::plain(start..end));
                start = end + 1;
            }
            self.fields.push(Field::plain(start..text.len()));
            return Ok(());
        }
        let mut at = 0;
        while let Some(next) = self.field(at)? {
            at = next;
        }
        Ok(())
    }

    /// Takes the field that begins at `at`; where the next one begins, or `None` at the record's end.
    fn field(&mut self, at: usize) -> Result<Option<usize>, ListError> {
        let text = self.lines.text();
        if text.get(at).copied() == self.quote {
            return self.quoted(at);
        }
        let end = memchr::memchr(self.delimiter, &text[at..]).map_or(text.len(), |length| at + length);
        if self.quote.is_some_and(|quote| text[at..end].contains(&quote)) {
            return Err(self.stray("a quote within a field that does not begin with one"));
        }
        self.fields.push(Field::plain(at..end));
        Ok((end < text.len()).then_some(end + 1))
    }

    /// Takes the field whose opening quote is at `at`.
    fn quoted(&mut self, at: usize) -> Result<Option<usize>, ListError> {
        let (begins, further) = (self.lines.number(), self.further.len());
        let (mut from, mut is_escaped) = (at + 1, false);
        loop {
            let text = self.lines.text();
            let found = self.quote.and_then(|quote| memchr::memchr(quote, &text[from..]));
            let Some(end) = found.map(|length| from + length) else {
                from = self.go_on(begins)?;
                continue;
            };
            match text.get(end + 1).copied() {
                next if next == self.quote => (from, is_escaped) = (end + 2, true),
                next if next.is_none_or(|next| next == self.delimiter) => {
                    let further = further..self.further.len();
                    self.fields.push(Field { range: at + 1..end, is_escaped, further });
                    return Ok(next.map(|_| end + 2));
                }
                _ => return Err(self.stray("text behind a closing quote")),
            }
        }
    }

    /// Appends the next line to a quoted field that began in line `begins`; where its text begins.
    fn go_on(&mut self, begins: u64) -> Result<usize, ListError> {
        let open = || ListError::OpenQuote(self.reader.place(begins), HINT);
        match self.lines.append(self.reader) {
            Ok(true) => {}
            Ok(false) | Err(ListError::TooLong { .. }) => return Err(open()),
            Err(error) => return Err(error),
        }
        let start = self.lines.start();
        self.further.push(start);
        Ok(start)
    }

    /// Refuses a record of which a field swallows whole records, as the quotes would have it that are plain text.
    fn refuse_swallowed(&self) -> Result<(), ListError> {
        let fields = self.fields.iter().enumerate().filter(|(_, field)| !field.further.is_empty());
        if !self.swallows && fields.into_iter().any(|(index, field)| self.has_swallowed(index, field)) {
            Err(ListError::Swallowed { place: self.place(), last: self.lines.number() })
        } else {
            Ok(())
        }
    }

    /// Whether the line in which a field opens, each that it goes on over, and the one in which it closes read as whole
    /// records, were its two quotes plain text: then the first is of full width, and so are those between; and the field
    /// that ends with the second stands in the same column.
    fn has_swallowed(&self, index: usize, field: &Field) -> bool {
        let (text, further) = (self.lines.text(), &self.further[field.further.clone()]);
        let delimiters = |range: Range<usize>| memchr::memchr_iter(self.delimiter, &text[range]).count();
        let is_blank = |line: &[u8]| line.iter().all(|byte| b"\r\n".contains(byte));
        let (Some(second), Some(last)) = (further.first(), further.last()) else { return false };
        index + delimiters(field.range.start..*second) + 1 == self.width
            && delimiters(*last..field.range.end) == index
            && further
                .windows(2)
                .map(|ends| ends[0]..ends[1])
                .all(|line| is_blank(&text[line.clone()]) || delimiters(line) + 1 == self.width)
    }

    fn stray(&self, what: &'static str) -> ListError {
        let begins = self.place();
        let place = self.reader.place(self.lines.number());
        let from = if begins == place {
            String::new()
        } else {
            format!(" (its record begins in line {})", begins.number)
        };
        ListError::StrayQuote { place, what: format!("{what}{from}"), hint: HINT }
    }

    fn place(&self) -> super::Position {
        self.reader.place(self.number)
    }

    fn cells(&self) -> Result<Vec<Cell<'_>>, ListError> {
        let cell = |position: &usize| match &self.fields[*position] {
            field if field.range.is_empty() => Ok(Cell::Null),
            field => self.text_of(field).map(Cell::Text),
        };
        self.positions.iter().map(cell).collect()
    }

    fn text_of(&self, field: &Field) -> Result<Cow<'_, str>, ListError> {
        let text = self.reader.utf8(self.number, &self.lines.text()[field.range.clone()])?;
        match self.quote.filter(|_| field.is_escaped).map(char::from) {
            None => Ok(Cow::Borrowed(text)),
            Some(quote) => Ok(text.replace(&String::from_iter([quote, quote]), &String::from(quote)).into()),
        }
    }
}

#[cfg(test)]
mod tests;
