//! Values as texts: what the server's own client prints, but nothing rounded (it shows a FLOAT with six digits).

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Row, Value};

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

/// Why a value has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// `0000-00-00`, or another date with a zero.
    ZeroDate,
    /// Bytes that are no UTF-8.
    NotUtf8,
}

/// The values of a row.
pub struct Texts<'r> {
    row: &'r Row,
}

impl<'r> Texts<'r> {
    pub(super) fn of(row: &'r Row) -> Texts<'r> {
        Texts { row }
    }

    /// A value; `None` where it is null.
    ///
    /// # Errors
    /// Where it has no text.
    pub fn get(&self, at: usize) -> Result<Option<String>, NoText> {
        match (self.row.as_ref(at), self.row.columns_ref().get(at)) {
            (Some(value), Some(column)) => text(value, column),
            _ => Ok(None),
        }
    }

    /// All values as the server's client shows them; the place of one that is bytes and no text.
    pub(super) fn printed(&self) -> impl Iterator<Item = Result<Option<String>, usize>> {
        (0..self.row.len()).map(|at| match self.get(at) {
            Ok(text) => Ok(text),
            Err(NoText::ZeroDate) => Ok(lossy(self.row, at)),
            Err(NoText::NotUtf8) => Err(at),
        })
    }

    /// The name of a column.
    pub(super) fn name(&self, at: usize) -> String {
        self.row.columns_ref().get(at).map_or_else(String::new, |column| column.name_str().into_owned())
    }
}

/// A value; one without a text as the server's client shows it.
pub(super) fn lossy(row: &Row, at: usize) -> Option<String> {
    let value = row.as_ref(at)?;
    match (text(value, row.columns_ref().get(at)?), value) {
        (Ok(text), _) => text,
        (Err(_), Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        (Err(_), Value::Date(year, month, day, ..)) => Some(format!("{year:04}-{month:02}-{day:02}")),
        (Err(_), _) => None,
    }
}

fn text(value: &Value, column: &Column) -> Result<Option<String>, NoText> {
    Ok(Some(match value {
        Value::NULL => return Ok(None),
        Value::Bytes(bytes) if column.column_type() == ColumnType::MYSQL_TYPE_BIT => {
            bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).to_string()
        }
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).map_err(|_| NoText::NotUtf8)?,
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Date(_, 0, ..) | Value::Date(_, _, 0, ..) => return Err(NoText::ZeroDate),
        Value::Date(year, month, day, ..) if is_date(column) => format!("{year:04}-{month:02}-{day:02}"),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let moment = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
            moment + &fraction(*micros, column)
        }
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let sign = if *is_negative { "-" } else { "" };
            let hours = days * 24 + u32::from(*hours);
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(*micros, column))
        }
    }))
}

fn is_date(column: &Column) -> bool {
    matches!(column.column_type(), ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE)
}

/// As many digits as the column has.
fn fraction(micros: u32, column: &Column) -> String {
    match usize::from(column.decimals()) {
        0 if micros == 0 => String::new(),
        digits @ 1..=6 => format!(".{}", &format!("{micros:06}")[..digits]),
        _ => format!(".{micros:06}"),
    }
}

/// Whether a column has bytes that are no text.
pub fn is_binary(column: &Column) -> bool {
    use ColumnType as Of;
    let may_be = matches!(
        column.column_type(),
        Of::MYSQL_TYPE_STRING
            | Of::MYSQL_TYPE_VAR_STRING
            | Of::MYSQL_TYPE_VARCHAR
            | Of::MYSQL_TYPE_BLOB
            | Of::MYSQL_TYPE_TINY_BLOB
            | Of::MYSQL_TYPE_MEDIUM_BLOB
            | Of::MYSQL_TYPE_LONG_BLOB
            | Of::MYSQL_TYPE_GEOMETRY
    );
    may_be && column.character_set() == BINARY
}

/// The name of a column's type, as SQL has it.
pub fn type_name(column: &Column) -> String {
    use ColumnType as Of;
    let flags = column.flags();
    let name = match column.column_type() {
        Of::MYSQL_TYPE_TINY => "tinyint",
        Of::MYSQL_TYPE_SHORT => "smallint",
        Of::MYSQL_TYPE_INT24 => "mediumint",
        Of::MYSQL_TYPE_LONG => "int",
        Of::MYSQL_TYPE_LONGLONG => "bigint",
        Of::MYSQL_TYPE_FLOAT => "float",
        Of::MYSQL_TYPE_DOUBLE => "double",
        Of::MYSQL_TYPE_DECIMAL | Of::MYSQL_TYPE_NEWDECIMAL => "decimal",
        Of::MYSQL_TYPE_DATE | Of::MYSQL_TYPE_NEWDATE => "date",
        Of::MYSQL_TYPE_DATETIME | Of::MYSQL_TYPE_DATETIME2 => "datetime",
        Of::MYSQL_TYPE_TIMESTAMP | Of::MYSQL_TYPE_TIMESTAMP2 => "timestamp",
        Of::MYSQL_TYPE_TIME | Of::MYSQL_TYPE_TIME2 => "time",
        Of::MYSQL_TYPE_YEAR => "year",
        Of::MYSQL_TYPE_BIT => "bit",
        Of::MYSQL_TYPE_JSON => "json",
        Of::MYSQL_TYPE_GEOMETRY => "geometry",
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum",
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set",
        Of::MYSQL_TYPE_STRING | Of::MYSQL_TYPE_VAR_STRING | Of::MYSQL_TYPE_VARCHAR if is_binary(column) => {
            "varbinary"
        }
        Of::MYSQL_TYPE_STRING => "char",
        Of::MYSQL_TYPE_VAR_STRING | Of::MYSQL_TYPE_VARCHAR => "varchar",
        _ if is_binary(column) => "blob",
        _ => "text",
    };
    let is_unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG) && name != "year" && name != "bit";
    if is_unsigned { format!("{name} unsigned") } else { name.to_owned() }
}
