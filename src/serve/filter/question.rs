//! What is asked of a table.

use super::bad::{BadQuestion, shown};
use super::comparable::Comparable;
use super::form::encoded;
use super::operator::Operator;
use super::parameter::parameter_name;
use super::words::joined;
use crate::serve::column::Column;
use crate::value::Wrong;

/// Digits of a generation's digest by which a next page knows it again.
const GENERATION: usize = 12;
/// No table has that many rows: an offset beyond is none.
const MOST_ROWS: u64 = 1 << 50;
/// Values that a column can be one of.
pub(super) const MOST_VALUES: usize = 1_000;

/// The table that questions are about.
#[derive(Debug, Clone, Copy)]
pub struct TableShape<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// What distinguishes its content from that of every other publication: hexadecimal digits.
    pub digest: &'a str,
    /// The most rows of an answer.
    pub max_rows: u32,
}

/// Which way rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// One column compared with values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column's place.
    pub(super) place: usize,
    pub(super) operator: Operator,
    /// The parameter that says it.
    pub(super) parameter: String,
    /// The column's name and type.
    pub(super) column: Column,
    /// As DuckDB reads them: those that mean the same are the same. Several only where it is one of several.
    pub(super) values: Vec<String>,
}

impl Condition {
    /// A column compared with what a parameter says.
    ///
    /// # Errors
    /// These are no values of the column, or it cannot be compared so.
    pub(super) fn new(
        columns: &[Column],
        place: usize,
        operator: Operator,
        texts: &[String],
    ) -> Result<Condition, BadQuestion> {
        let column = columns[place].clone();
        let parameter = parameter_name(columns, place, operator);
        let comparable = Comparable::of(&column.ty);
        if !operator.fits(comparable) {
            let ty = column.ty.to_lowercase();
            let message = format!("{}: a {} cannot be compared so", shown(&parameter), shown(&ty));
            let is_null = parameter_name(columns, place, Operator::Null);
            return Err(BadQuestion::new(message).hint(format!(
                "it can be asked whether there is a value: {}=true or false",
                shown(&is_null)
            )));
        }
        let read = if operator == Operator::Null { Comparable::Boolean } else { comparable };
        let value = |text: &String| {
            read.read(text).map_err(|wrong| no_value(&parameter, text, wrong, read, &column.ty))
        };
        let mut values: Vec<String> = texts.iter().map(value).collect::<Result<_, _>>()?;
        values.sort_unstable();
        values.dedup();
        Ok(Condition { place, operator, parameter, column, values })
    }
}

fn no_value(parameter: &str, text: &str, wrong: Wrong, comparable: Comparable, ty: &str) -> BadQuestion {
    let ty = if comparable == Comparable::Boolean { "boolean".to_owned() } else { ty.to_lowercase() };
    let (parameter, text) = (shown(parameter), shown(text));
    let message = match (wrong, comparable) {
        (Wrong::Form, _) => format!("{parameter}: {text} is no {ty}"),
        (Wrong::Range, _) => format!("{parameter}: {text} is beyond the range of {ty}"),
        (Wrong::Fraction, Comparable::Integer(..)) => {
            format!("{parameter}: {text} is no {ty}: it has a fraction")
        }
        (Wrong::Fraction, _) => format!("{parameter}: {text} has more digits after the point than {ty}"),
    };
    let example = comparable.example();
    let plus = "a `+` is written %2B in a URL";
    let hint = match (wrong, comparable) {
        (Wrong::Form, Comparable::Timestamp { .. }) => {
            format!("such as {example}, or {}; {plus}", Comparable::Date.example())
        }
        (Wrong::Form, _) => format!("such as {example}"),
        (Wrong::Range | Wrong::Fraction, _) => return BadQuestion::new(message),
    };
    BadQuestion::new(message).hint(hint)
}

/// What is asked of a table: which columns, which rows, in which order, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Places of the columns, in the order of the answer.
    pub(super) selected: Vec<usize>,
    /// Their names, where they are not simply all.
    pub(super) chosen: Option<Vec<String>>,
    /// All hold; sorted by column and comparison.
    pub(super) conditions: Vec<Condition>,
    /// Names of columns, the first that parts two rows decides.
    pub(super) order: Vec<(String, Direction)>,
    pub(super) limit: Option<u32>,
    /// Rows before the first.
    pub(super) offset: u64,
    /// The most rows of an answer.
    pub(super) max_rows: u32,
}

impl Question {
    /// The whole table.
    pub(super) fn whole(table: &TableShape<'_>) -> Question {
        Question {
            selected: (0..table.columns.len()).collect(),
            chosen: None,
            conditions: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
            max_rows: table.max_rows,
        }
    }

    /// The rows of one key: what stands behind a table's name in a path, decoded. A key of several columns is parted by `/`.
    ///
    /// # Errors
    /// These are no values of the key's columns, or not as many.
    pub fn of_key(path: &str, key: &[usize], table: &TableShape<'_>) -> Result<Question, BadQuestion> {
        let parts: Vec<&str> = if key.len() == 1 { vec![path] } else { path.split('/').collect() };
        Question::of_key_parts(&parts, key, table)
    }

    /// The same, of parts that were told apart before they were decoded, so that they may have a `/` in them.
    ///
    /// # Errors
    /// See [`of_key`](Self::of_key).
    pub fn of_key_parts(
        parts: &[&str],
        key: &[usize],
        table: &TableShape<'_>,
    ) -> Result<Question, BadQuestion> {
        if parts.len() != key.len() {
            let names: Vec<String> = key.iter().map(|place| shown(&table.columns[*place].name)).collect();
            let message = format!("the key has {} parts, and here are {}", key.len(), parts.len());
            let hint = format!(
                "a row is asked for by {}; where one has a `/` in it, as a filter",
                names.join(" / ")
            );
            return Err(BadQuestion::new(message).hint(hint));
        }
        let mut conditions = Vec::new();
        for (place, part) in key.iter().zip(parts) {
            conditions.push(Condition::new(table.columns, *place, Operator::Eq, &[(*part).to_owned()])?);
        }
        conditions.sort_by_key(|condition| condition.place);
        Ok(Question { conditions, ..Question::whole(table) })
    }

    /// Whether nothing was asked but the table: all columns, all rows, as they are.
    pub fn is_whole(&self) -> bool {
        let asks_nothing = self.conditions.is_empty() && self.order.is_empty();
        asks_nothing && self.chosen.is_none() && self.limit.is_none() && self.offset == 0
    }

    /// Places of the columns of the answer, in its order.
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }

    /// Rows of a page, where pages are asked for.
    pub fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// A text that is the same for questions that ask the same, and for no others.
    pub fn canonical(&self) -> String {
        let offset = (self.offset > 0).then(|| self.offset.to_string());
        self.written(offset)
    }

    /// The query of the page behind this one, in that generation of the table.
    pub fn next(&self, digest: &str) -> String {
        let offset = self.offset + u64::from(self.limit.unwrap_or(self.max_rows));
        self.written(Some(format!("{}.{offset}", generation(digest))))
    }

    fn written(&self, after: Option<String>) -> String {
        let directed = |(name, direction): &(String, Direction)| match direction {
            Direction::Ascending => name.clone(),
            Direction::Descending => format!("-{name}"),
        };
        let order: Vec<String> = self.order.iter().map(directed).collect();
        let line = |names: &[String]| joined(names.iter().map(String::as_str));
        let condition = |condition: &Condition| {
            let value = match condition.operator {
                Operator::In => line(&condition.values),
                _ => condition.values.concat(),
            };
            (condition.parameter.clone(), value)
        };
        let mut parameters: Vec<(String, String)> = self.conditions.iter().map(condition).collect();
        parameters.extend(self.chosen.as_ref().map(|names| ("select".to_owned(), line(names))));
        parameters.extend((!order.is_empty()).then(|| ("order".to_owned(), line(&order))));
        parameters.extend(self.limit.map(|limit| ("limit".to_owned(), limit.to_string())));
        parameters.extend(after.map(|after| ("after".to_owned(), after)));
        let written = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        written.collect::<Vec<_>>().join("&")
    }
}

fn generation(digest: &str) -> &str {
    digest.get(..GENERATION).unwrap_or(digest)
}

/// Rows before those that `after` asks for.
///
/// # Errors
/// It is none, or of another generation: rows would be lost, or come twice.
pub(super) fn offset(after: &str, digest: &str) -> Result<u64, BadQuestion> {
    let parts = after.split_once('.').filter(|(named, offset)| {
        let is_hexadecimal = !named.is_empty() && named.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hexadecimal && !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit())
    });
    let none = || {
        let bad = BadQuestion::new(format!("`after`: {} is no place to go on from", shown(after)));
        bad.hint("it is part of the URL of the next page, which a page says in `Link: <…>; rel=\"next\"`")
    };
    let (named, offset) = parts.ok_or_else(none)?;
    if named != generation(digest) {
        let bad = BadQuestion::gone("`after`: the table has been published anew since that page");
        return Err(
            bad.hint("begin again without `after`: of two publications rows would be missing, or come twice")
        );
    }
    offset.parse().ok().filter(|offset| *offset < MOST_ROWS).ok_or_else(none)
}
