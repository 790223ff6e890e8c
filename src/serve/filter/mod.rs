//! From a URL's query to SQL.
//!
//! Promises:
//!
//! - Nothing is passed over: what has no meaning is an error that says what is meant instead, so that nobody gets more rows, or
//!   fewer, than were asked for.
//! - Nothing of a query becomes SQL: columns and types are those of the table, values are bound, and numbers are numbers.
//! - A value is read as the column's type before it is handed on: what passes here raises no conversion error in DuckDB.
//! - Questions that ask the same are the same ([`Question::canonical`]), and the next page is the same question further on
//!   ([`Question::next`]).
//!
//! # The parameters
//!
//! | parameter | rows |
//! |---|---|
//! | `price=9.5`, `price.eq=9.5` | whose value it is |
//! | `price.ne=9.5` | all others, those without a value, too: together with the ones above they are the table |
//! | `price.gt=9`, `.ge`, `.lt`, `.le` | greater, greater or equal, less, less or equal |
//! | `symbol.in=A,B` | one of several; as in CSV, `"a,b"` is one text, and `""` in it a quote. Said twice, either |
//! | `price.null=true`, `false` | without a value, with one |
//! | `name.contains=abc`, `name.startswith=abc` | texts with this in them, or at their beginning; letter by letter, no letter stands for others |
//!
//! All hold at once. `select=a,b` names the columns of the answer in their order, `order=-price,symbol` sorts (`-`: downwards; rows
//! without a value come last), rows that are equal by that, or all without it, in the order of the published file. `limit=100` is a
//! page of at most so many rows; `after` is where the one before ended, which only a page says (`Link`). A page of a generation
//! that is not served any more is an error (410): of two generations rows would be missing, or come twice.
//!
//! A parameter is there once (but `.in`). A column whose whole name it is wins (`a.gt` over `a`); a column that is named like a word
//! here is asked by `limit.eq=…`; any can be written in quotes, `"a".gt=…`, and one that begins with a quote must be.
//!
//! # Values
//!
//! A text means what it means in a list or an answer ([`crate::value`]): `007`, `7.0` and `7` are the same integer, `t` and `1` are
//! true, a moment without an offset is in UTC, a date alone is its first moment. It is compared as the column's type: `0.1` is the
//! `float` that is nearest to it. What the type cannot have (a fraction of an integer, more digits than a decimal or a moment has,
//! what is beyond its range, `nan`, `inf`) is an error. Not a number is greater than all numbers, as DuckDB sorts it. Text is
//! compared byte by byte. Bytes, JSON, intervals and what holds other values can be selected, and asked only whether they are null.
//!
//! A query is a form's: `+` and `%20` are blanks. Broken encodings, what is not UTF-8, and U+0000 are errors; so are more than 100
//! parameters, 8 KiB, 1,000 values of `.in`.
//!
//! | file | what is there |
//! |---|---|
//! | `read.rs` | from a query to a question |
//! | `question.rs` | what is asked, and how it is written |
//! | `sql.rs` | from a question to SQL |
//! | `parameter.rs`, `operator.rs` | names of parameters and comparisons |
//! | `comparable.rs` | values of each type |
//! | `form.rs`, `words.rs` | forms, and lists in a value |
//! | `bad.rs` | why there is no answer |

mod bad;
mod comparable;
mod form;
mod operator;
mod parameter;
mod question;
mod read;
mod sql;
#[cfg(test)]
mod tests;
mod words;

pub use self::bad::BadQuestion;
pub use self::comparable::Comparable;
pub use self::operator::Operator;
pub use self::parameter::parameter_name;
pub use self::question::{Question, TableShape};
pub use self::words::joined as in_words;
