//! Conditions on answers: what they hold for, and how jq has them.
//!
//! Promise: a condition holds in jq for the answers that it holds for here, and fails for none of those that were seen.

use super::answer::{Answer, Found};
use super::json::{Json, Kind};
use super::spelling::{jq_key, jq_text};

/// The longest text that an answer is known by.
const LONGEST: usize = 100;

/// A place in answers, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// None for the whole answer.
    pub(super) keys: Vec<String>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// There is something.
    Present,
    /// It is this, as jq has it.
    Equal(String),
}

impl Condition {
    /// There is something at that place.
    pub(super) fn present(keys: &[&str]) -> Condition {
        Condition { keys: keys.iter().map(|key| (*key).to_owned()).collect(), test: Test::Present }
    }

    /// That value stands there; none where it is too long, or not plain.
    pub(super) fn equal(keys: &[&str], value: Option<Json<'_>>) -> Option<Condition> {
        let literal = value.map_or_else(|| Some("null".to_owned()), literal)?;
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        (literal.len() <= LONGEST).then_some(Condition { keys, test: Test::Equal(literal) })
    }

    /// Whether it holds for an answer.
    pub(super) fn holds(&self, answer: &Answer<'_>) -> bool {
        match (answer.at(&self.keys), &self.test) {
            (Found::Blocked, _) => false,
            (Found::Nothing, Test::Present) => false,
            (Found::Value(value), Test::Present) => !value.is_null(),
            (Found::Nothing, Test::Equal(wanted)) => wanted == "null",
            (Found::Value(value), Test::Equal(wanted)) => is_same(value, wanted),
        }
    }

    /// As jq has it; `optional` where the path is blocked in some answers.
    fn jq(&self, optional: bool, negated: bool) -> String {
        let mark = if optional { "?" } else { "" };
        let path: String = self.keys.iter().map(|key| jq_key(key) + mark).collect();
        let path = if path.is_empty() { ".".to_owned() } else { path };
        let is_equal = matches!(self.test, Test::Equal(_)) != negated;
        let wanted = if let Test::Equal(wanted) = &self.test { wanted } else { "null" };
        format!("{path} {} {wanted}", if is_equal { "==" } else { "!=" })
    }
}

/// A value that jq can be asked for; of containers only the empty ones.
fn literal(value: Json<'_>) -> Option<String> {
    match value.kind() {
        Kind::Array if value.is_empty() => Some("[]".to_owned()),
        Kind::Object if value.is_empty() => Some("{}".to_owned()),
        Kind::Array | Kind::Object => None,
        Kind::Text => value.scalar().map(|text| jq_text(&text)),
        Kind::Null | Kind::Boolean | Kind::Number => Some(value.text().to_owned()),
    }
}

/// Whether jq may take them for equal, to which 1.0 is 1.
fn is_same(value: Json<'_>, wanted: &str) -> bool {
    match (value.kind(), value.text().parse::<f64>(), wanted.parse::<f64>()) {
        (Kind::Number, Ok(value), Ok(wanted)) => value == wanted,
        _ => literal(value).is_some_and(|literal| literal == wanted),
    }
}

/// jq that holds where one of the conditions does.
pub(super) fn any(conditions: &[Condition], answers: &[Answer<'_>]) -> String {
    let is_optional =
        |condition: &Condition| answers.iter().any(|answer| answer.at(&condition.keys) == Found::Blocked);
    let spelled: Vec<String> =
        conditions.iter().map(|condition| condition.jq(is_optional(condition), false)).collect();
    // What gives nothing makes nothing of all that `or` joins.
    if spelled.len() > 1 && conditions.iter().any(is_optional) {
        return format!("any({}; .)", spelled.join(", "));
    }
    spelled.join(" or ")
}

/// jq that holds where none of the conditions does.
pub(super) fn none(conditions: &[Condition], answers: &[Answer<'_>]) -> String {
    let is_optional =
        |condition: &Condition| answers.iter().any(|answer| answer.at(&condition.keys) == Found::Blocked);
    match conditions {
        [condition] if !is_optional(condition) => condition.jq(false, true),
        _ => {
            let spelled: Vec<String> =
                conditions.iter().map(|condition| condition.jq(is_optional(condition), false)).collect();
            format!("any({}; .) | not", spelled.join(", "))
        }
    }
}
