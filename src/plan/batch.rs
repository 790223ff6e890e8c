//! Records on their way into the spool: typed cells, gathered until there are enough of them.

use std::borrow::Cow;
use std::sync::Arc;

use polars::prelude::*;

use super::spool::LINE;
use crate::value::{self, Field, Misfit, Type, Value};

/// One value of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// No value.
    Null,
    /// Text: as the list has it, and a value of a text or JSON column.
    Text(Cow<'a, str>),
    /// A value of any other type.
    Typed(Value),
}

impl<'a> Cell<'a> {
    /// Borrowed text.
    pub fn text(text: &'a str) -> Cell<'a> {
        Cell::Text(Cow::Borrowed(text))
    }

    /// The same value, of this type.
    pub fn into_type(self, ty: Type) -> Result<Cell<'a>, Misfit> {
        match (self, ty) {
            (Cell::Text(text), Type::Text) => Ok(Cell::Text(text)),
            (Cell::Text(text), Type::Json) => value::parse(&text, ty).map(|_| Cell::Text(text)),
            (Cell::Text(text), _) => value::parse(&text, ty).map(Cell::Typed),
            (other, _) => Ok(other),
        }
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        match self {
            Cell::Text(text) => text.len(),
            Cell::Null => size_of::<Value>(),
            Cell::Typed(value) => size_of::<Value>() + value.text_bytes(),
        }
    }

    /// Appends what tells this value from every other of its type: length first, so that no two lists of values
    /// give the same bytes.
    pub fn identify(&self, key: &mut Vec<u8>) {
        let mut put = |bytes: &[u8]| {
            key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        match self {
            Cell::Null | Cell::Typed(Value::Null) => put(&[]),
            Cell::Text(text) => put(text.as_bytes()),
            Cell::Typed(Value::Text(text) | Value::Json(text)) => put(text.as_bytes()),
            Cell::Typed(Value::Blob(bytes)) => put(bytes),
            Cell::Typed(Value::Boolean(value)) => put(&[u8::from(*value)]),
            Cell::Typed(Value::Integer(value) | Value::Date(value)) => put(&value.to_le_bytes()),
            Cell::Typed(Value::Bigint(value) | Value::Timestamp(value)) => put(&value.to_le_bytes()),
            Cell::Typed(Value::Double(value)) => put(&value.to_bits().to_le_bytes()),
            Cell::Typed(Value::Decimal(value)) => put(&value.to_le_bytes()),
        }
    }
}

/// Columns that grow record by record.
pub(super) struct BatchBuilder {
    fields: Arc<[Field]>,
    columns: Vec<Growing>,
    /// Number in the list (line, row or entry) minus position in the batch: constant, as a rule, and stored small.
    lines: Vec<i64>,
    bytes: usize,
}

enum Growing {
    Text(StringChunkedBuilder),
    Typed(Vec<Value>),
}

impl BatchBuilder {
    pub fn new(fields: Arc<[Field]>) -> BatchBuilder {
        let columns = fields.iter().map(growing).collect();
        BatchBuilder { fields, columns, lines: Vec::new(), bytes: 0 }
    }

    /// Adds a record whose cells have their columns' types.
    pub fn push(&mut self, number: u64, cells: Vec<Cell<'_>>) {
        self.lines.push(number as i64 - self.lines.len() as i64);
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += cell.size();
            match (column, cell) {
                (Growing::Text(texts), Cell::Text(text)) => texts.append_value(&text),
                (Growing::Text(texts), _) => texts.append_null(),
                (Growing::Typed(values), Cell::Typed(value)) => values.push(value),
                (Growing::Typed(values), _) => values.push(Value::Null),
            }
        }
    }

    /// Records held.
    pub fn records(&self) -> usize {
        self.lines.len()
    }

    /// Bytes of the values held, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The columns, then [`LINE`]; the batch is empty again.
    pub fn take(&mut self) -> PolarsResult<DataFrame> {
        let full = std::mem::replace(self, BatchBuilder::new(Arc::clone(&self.fields)));
        let finished = full.columns.into_iter().zip(full.fields.iter()).map(|(column, field)| match column {
            Growing::Text(texts) => Ok(texts.finish().into_column()),
            Growing::Typed(values) => value::column(&field.name, field.ty, values.iter()),
        });
        let mut columns: Vec<Column> = finished.collect::<PolarsResult<_>>()?;
        columns.push(Int64Chunked::from_vec(LINE.into(), full.lines).into_column());
        DataFrame::new_infer_height(columns)
    }
}

fn growing(field: &Field) -> Growing {
    match field.ty {
        Type::Text | Type::Json => Growing::Text(StringChunkedBuilder::new(field.name.as_str().into(), 0)),
        _ => Growing::Typed(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cells: &[&str]) -> Vec<u8> {
        let mut key = Vec::new();
        cells.iter().for_each(|cell| Cell::text(cell).identify(&mut key));
        key
    }

    #[test]
    fn compound_ids_that_look_alike_differ() {
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["", "a"]), key(&["a", ""]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }

    #[test]
    fn a_typed_id_is_its_value_not_its_spelling() {
        let identity = |text: &str| {
            let mut key = Vec::new();
            Cell::text(text).into_type(Type::Bigint).unwrap().identify(&mut key);
            key
        };
        assert_eq!(identity("007"), identity("7"));
        assert_ne!(identity("7"), identity("8"));
    }
}
