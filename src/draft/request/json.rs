//! JSON that is sent, its texts and numbers as pieces.

use serde_json::Value;

use super::piece::{Piece, Place};
use crate::job::{Part, toml_text};

/// A JSON value, and its texts and numbers in the order in which they stand there.
#[derive(Debug, Clone)]
pub(super) struct Json {
    value: Value,
    pub pieces: Vec<Piece>,
    /// Which of the pieces are numbers.
    are_numbers: Vec<bool>,
}

impl Json {
    /// `None` where a job cannot say it: TOML knows no null, and no integer beyond 64 bits.
    pub fn of(value: Value) -> Option<Json> {
        let (mut pieces, mut are_numbers) = (Vec::new(), Vec::new());
        gather(&value, "", &mut |piece, is_number| {
            pieces.push(piece);
            are_numbers.push(is_number);
        })
        .then_some(Json { value, pieces, are_numbers })
    }

    /// The columns that stand where a number stood.
    pub fn number_columns(&self) -> Vec<String> {
        let numbers = self.pieces.iter().zip(&self.are_numbers).filter(|(_, is_number)| **is_number);
        let columns = numbers.filter_map(|(piece, _)| match piece.template.parts.as_slice() {
            [Part::Input(column)] => Some(column.clone()),
            _ => None,
        });
        columns.collect()
    }

    /// As TOML.
    pub fn written(&self) -> String {
        let mut pieces = self.pieces.iter();
        written(&self.value, &mut pieces)
    }
}

/// False where there is something that TOML does not know.
fn gather(value: &Value, path: &str, take: &mut impl FnMut(Piece, bool)) -> bool {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => false,
        Value::Bool(_) => true,
        Value::Number(number) => {
            take(Piece::plain(Place::Payload, path, &number.to_string()), true);
            number.as_i64().is_some() || number.is_f64()
        }
        Value::String(text) => {
            take(Piece::plain(Place::Payload, path, text), false);
            true
        }
        Value::Array(items) => items.iter().all(|item| gather(item, path, take)),
        Value::Object(members) => members.iter().all(|(name, value)| gather(value, &below(name), take)),
    }
}

fn written<'a>(value: &Value, pieces: &mut impl Iterator<Item = &'a Piece>) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Number(_) | Value::String(_) => match pieces.next() {
            Some(piece) if value.is_number() && piece.is_literal() => value.to_string(),
            Some(piece) => toml_text(&piece.template.to_string()),
            None => String::new(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| written(item, pieces)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), written(value, pieces)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// A key as TOML has it: bare where it can be.
pub fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { toml_text(name) }
}
