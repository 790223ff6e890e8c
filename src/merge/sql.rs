//! Names, texts, types and file lists as DuckDB writes them.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::job::ChunkFormat;
use crate::value::{Field, Type};

/// `"name"`: any name at all, case kept.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `'text'`.
pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The type of a table's column.
pub(super) fn column_type(ty: Type) -> String {
    match ty {
        Type::Json => "JSON".into(),
        other => stored_type(other),
    }
}

/// The type of a chunk's column: JSON is text there.
fn stored_type(ty: Type) -> String {
    match ty {
        Type::Text | Type::Json => "VARCHAR".into(),
        Type::Boolean => "BOOLEAN".into(),
        Type::Integer => "INTEGER".into(),
        Type::Bigint => "BIGINT".into(),
        Type::Double => "DOUBLE".into(),
        Type::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        Type::Date => "DATE".into(),
        Type::Timestamp => "TIMESTAMP".into(),
        Type::Blob => "BLOB".into(),
    }
}

/// Bytes as text: two hexadecimal digits for each.
pub(super) fn as_hex(bytes: &str) -> String {
    format!("lower(hex({bytes}))")
}

/// A value of that type of DuckDB's as text: in its own spelling, nested values as JSON, bytes as hexadecimal digits.
pub fn value_as_text(value: &str, ty: &str) -> String {
    match ty {
        "BLOB" => as_hex(value),
        nested if is_nested(nested) => format!("to_json({value})::VARCHAR"),
        _ => format!("{value}::VARCHAR"),
    }
}

/// Whether values of that type of DuckDB's hold others: these are spelled as JSON.
pub fn is_nested(ty: &str) -> bool {
    ty.ends_with(']') || ["STRUCT(", "MAP(", "UNION("].iter().any(|start| ty.starts_with(start))
}

/// A column of a chunk, of the type that a table's column has.
pub(super) fn read_as(column: &str, ty: Type) -> String {
    match ty {
        Type::Json => format!("CAST({column} AS JSON)"),
        _ => column.to_owned(),
    }
}

/// What DuckDB, like Hive, encodes in the names of folders: all but the unreserved characters of URLs (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'~').remove(b'.');

/// A column's name as it begins the names of folders.
pub(super) fn division(name: &str) -> String {
    utf8_percent_encode(name, RESERVED).to_string()
}

/// Parquet files as a table expression. They are divided by these columns, which stand in their paths; by none, where
/// folders such as `k=1` mean nothing.
pub(super) fn parquet<'a>(paths: impl Iterator<Item = &'a Path>, by: &[(&str, Type)]) -> String {
    let ty = |(name, ty): &(&str, Type)| format!("{}: {}", text(&division(name)), stored_type(*ty));
    match by {
        [] => format!("read_parquet([{}], hive_partitioning = false)", texts(paths)),
        by => {
            let types: Vec<String> = by.iter().map(ty).collect();
            let types = format!(", hive_types = {{{}}}", types.join(", "));
            in_folders(paths, &types, by.iter().map(|(name, _)| *name))
        }
    }
}

/// Parquet files of which some lack columns that others have, as a table expression: null there.
pub(super) fn parquet_by_name<'a>(paths: impl Iterator<Item = &'a Path>) -> String {
    format!("read_parquet([{}], hive_partitioning = false, union_by_name = true)", texts(paths))
}

/// Parquet files in folders such as `k=1`, as a table expression; the columns' types are guessed.
pub(super) fn divided<'a>(paths: impl Iterator<Item = &'a Path>, by: &[String]) -> String {
    in_folders(paths, "", by.iter().map(String::as_str))
}

/// DuckDB decodes the values in the names of folders, and not the names of the columns.
fn in_folders<'a, 'n>(
    paths: impl Iterator<Item = &'a Path>,
    types: &str,
    by: impl Iterator<Item = &'n str>,
) -> String {
    let files = format!("read_parquet([{}], hive_partitioning = true{types})", texts(paths));
    let decoded = by.filter(|name| division(name) != *name);
    let decoded = decoded.map(|name| format!("{} AS {}", identifier(&division(name)), identifier(name)));
    match decoded.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => files,
        renamed => format!("(SELECT * RENAME ({renamed}) FROM {files})"),
    }
}

/// Paths as DuckDB has them in a list.
fn texts<'a>(paths: impl Iterator<Item = &'a Path>) -> String {
    paths.map(|path| text(&path.to_string_lossy())).collect::<Vec<_>>().join(",")
}

/// Files of one format and shape.
pub(super) struct FileList<'a> {
    pub paths: Vec<&'a Path>,
    pub format: ChunkFormat,
    /// Size of the largest: bounds the lines of a CSV file.
    pub largest: u64,
    /// All their columns, in order.
    pub fields: Vec<Field>,
}

/// What DuckDB's CSV reader takes for a line at most unless told otherwise, in bytes.
const CSV_LINE: u64 = 2_000_000;

impl FileList<'_> {
    /// The files as a table expression: something to write after FROM.
    ///
    /// An existing path is never taken for a pattern, and folders such as `k=1` add no column.
    pub fn relation(&self) -> String {
        if self.paths.is_empty() {
            return self.nothing();
        }
        let paths = self.paths.iter().copied();
        match self.format {
            ChunkFormat::Parquet => parquet(paths, &[]),
            ChunkFormat::Csv => {
                self.with_bytes(format!("read_csv([{}], {})", texts(paths), self.csv_options()))
            }
        }
    }

    /// The same with the bytes that CSV has as hexadecimal digits.
    fn with_bytes(&self, relation: String) -> String {
        let blobs = self.fields.iter().filter(|field| field.ty == Type::Blob);
        let bytes = blobs.map(|field| format!("unhex({0}) AS {0}", identifier(&field.name)));
        match bytes.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => relation,
            bytes => format!("(SELECT * REPLACE ({bytes}) FROM {relation})"),
        }
    }

    /// No rows, with these columns.
    fn nothing(&self) -> String {
        let null =
            |field: &Field| format!("CAST(NULL AS {}) AS {}", stored_type(field.ty), identifier(&field.name));
        let columns: Vec<String> = self.fields.iter().map(null).collect();
        format!("(SELECT {} WHERE false)", columns.join(", "))
    }

    /// RFC 4180 with a header, nothing guessed; null is an empty field without quotes.
    fn csv_options(&self) -> String {
        let ty = |ty| if ty == Type::Blob { stored_type(Type::Text) } else { stored_type(ty) };
        let column = |field: &Field| format!("{}: '{}'", text(&field.name), ty(field.ty));
        let columns: Vec<String> = self.fields.iter().map(column).collect();
        format!(
            "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', \
             allow_quoted_nulls = false, hive_partitioning = false, max_line_size = {}, columns = {{{}}}",
            self.largest.max(CSV_LINE),
            columns.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_break_out() {
        assert_eq!(identifier("a\"b c"), "\"a\"\"b c\"");
        assert_eq!(text("o'clock"), "'o''clock'");
    }

    #[test]
    fn no_files_are_an_empty_relation() {
        let fields = vec![Field { name: "n".into(), ty: Type::Bigint }];
        let list = FileList { paths: vec![], format: ChunkFormat::Csv, largest: 0, fields };
        assert_eq!(list.relation(), "(SELECT CAST(NULL AS BIGINT) AS \"n\" WHERE false)");
    }
}
