//! Values on their way into a table, in pieces of whole rows, and values as texts.
//!
//! A row of a piece is the number of its cells, then each of them: a byte that says what it is, and what it holds.
//!
//! | byte | cell | bytes behind it, the lowest first |
//! |---|---|---|
//! | 0 | null | |
//! | 1 | an integer | 8 |
//! | 2 | a number with a fraction | 8 |
//! | 3 | a text | 4 for its length, and its UTF-8 |
//! | 4 | a BLOB | 4 for its length, and its bytes |

use bytes::{BufMut as _, BytesMut};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, Result, ToSql};

use crate::database::LoadInto;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// Rows that are being encoded.
pub struct Piece<'b>(pub &'b mut BytesMut);

impl Piece<'_> {
    /// Begins a row of so many cells.
    pub fn row(&mut self, cells: u16) {
        self.0.put_u16_le(cells);
    }

    /// Appends null.
    pub fn null(&mut self) {
        self.0.put_u8(NULL);
    }

    /// Appends an integer.
    pub fn integer(&mut self, value: i64) {
        self.0.put_u8(INTEGER);
        self.0.put_i64_le(value);
    }

    /// Appends a number.
    pub fn real(&mut self, value: f64) {
        self.0.put_u8(REAL);
        self.0.put_f64_le(value);
    }

    /// Appends a text; false where it is too long.
    pub fn text(&mut self, text: &str) -> bool {
        self.sized(TEXT, text.as_bytes())
    }

    /// Appends bytes; false where they are too many.
    pub fn blob(&mut self, bytes: &[u8]) -> bool {
        self.sized(BLOB, bytes)
    }

    fn sized(&mut self, what: u8, bytes: &[u8]) -> bool {
        let Ok(length) = i32::try_from(bytes.len()) else { return false };
        self.0.put_u8(what);
        self.0.put_i32_le(length);
        self.0.put_slice(bytes);
        true
    }
}

/// The statement that inserts a row of so many cells.
pub(super) fn insertion(into: &LoadInto<'_>, cells: u16) -> String {
    let places = vec!["?"; cells.into()].join(", ");
    let (values, over) = (into.values.unwrap_or(&places), into.over.unwrap_or_default());
    format!("INSERT INTO {into} VALUES ({values}) {over}")
}

/// The cells of a row of a piece; nothing where it has no rows.
pub(super) fn width(piece: &[u8]) -> Option<u16> {
    piece.first_chunk().map(|cells| u16::from_le_bytes(*cells))
}

/// Inserts the rows of a piece; those that were written.
pub(super) fn insert(connection: &Connection, insertion: &str, mut piece: &[u8]) -> Result<u64> {
    let mut statement = connection.prepare(insertion)?;
    let mut written = 0;
    while !piece.is_empty() {
        written += insert_row(&mut statement, &mut piece)?;
    }
    Ok(written)
}

fn insert_row(statement: &mut rusqlite::Statement<'_>, piece: &mut &[u8]) -> Result<u64> {
    let cells = u16::from_le_bytes(chunk(piece)?);
    for at in 1..=cells {
        statement.raw_bind_parameter(usize::from(at), Cell(cell(piece)?))?;
    }
    Ok(statement.raw_execute()? as u64)
}

/// A value that stays where it is.
struct Cell<'a>(ValueRef<'a>);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

fn cell<'a>(piece: &mut &'a [u8]) -> Result<ValueRef<'a>> {
    let [what] = chunk(piece)?;
    Ok(match what {
        NULL => ValueRef::Null,
        INTEGER => ValueRef::Integer(i64::from_le_bytes(chunk(piece)?)),
        REAL => ValueRef::Real(f64::from_le_bytes(chunk(piece)?)),
        _ => {
            let length = u32::from_le_bytes(chunk(piece)?) as usize;
            let (bytes, rest) = piece.split_at_checked(length).ok_or(Error::InvalidQuery)?;
            *piece = rest;
            if what == BLOB { ValueRef::Blob(bytes) } else { ValueRef::Text(bytes) }
        }
    })
}

/// The next bytes. All pieces are our own: one that ends within a row is a mistake of ours.
fn chunk<const N: usize>(piece: &mut &[u8]) -> Result<[u8; N]> {
    let (chunk, rest) = piece.split_first_chunk().ok_or(Error::InvalidQuery)?;
    *piece = rest;
    Ok(*chunk)
}

/// A value as text, numbers so that they are read back as the same: `7`, `7.0`. What is no UTF-8 is shown as it can be.
pub fn spelled(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(format!("{value:?}")),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => {
            Some(bytes.iter().fold("x".to_owned(), |shown, byte| shown + &format!("{byte:02x}")))
        }
    }
}
