//! How a column is compared with what a parameter says, and the words for it.

use super::comparable::Comparable;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// The value.
    Eq,
    /// Any other, or none.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// One of several.
    In,
    /// Whether there is none.
    Null,
    /// A text that has this one in it.
    Contains,
    /// A text that begins with this one.
    StartsWith,
}

impl Operator {
    /// All of them, as they are told to people.
    pub const ALL: [Operator; 10] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Gt,
        Operator::Ge,
        Operator::Lt,
        Operator::Le,
        Operator::In,
        Operator::Null,
        Operator::Contains,
        Operator::StartsWith,
    ];

    /// As it stands behind a column's name.
    pub fn word(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::Gt => "gt",
            Operator::Ge => "ge",
            Operator::Lt => "lt",
            Operator::Le => "le",
            Operator::In => "in",
            Operator::Null => "null",
            Operator::Contains => "contains",
            Operator::StartsWith => "startswith",
        }
    }

    /// The comparison of that word.
    pub(super) fn of(word: &str) -> Option<Operator> {
        Operator::ALL.into_iter().find(|operator| operator.word() == word)
    }

    /// What other tools call it (PostgREST, Datasette, Django, OData, json-server).
    pub(super) fn of_others(word: &str) -> Option<Operator> {
        let operator = match word.to_lowercase().as_str() {
            "=" | "==" | "exact" | "is" | "equals" => Operator::Eq,
            "!" | "!=" | "<>" | "neq" | "not" | "nin" | "not.eq" | "isnot" | "exclude" => Operator::Ne,
            "after" | "above" | "greater" => Operator::Gt,
            ">" | ">=" | "gte" | "min" | "from" | "since" => Operator::Ge,
            "before" | "below" | "less" => Operator::Lt,
            "<" | "<=" | "lte" | "max" | "to" | "until" => Operator::Le,
            "any" | "oneof" | "one_of" | "values" => Operator::In,
            "isnull" | "is_null" | "isblank" | "notnull" | "not_null" | "exists" => Operator::Null,
            "like" | "ilike" | "icontains" | "match" | "search" | "cs" | "q" => Operator::Contains,
            "starts_with" | "istartswith" | "startwith" | "prefix" | "sw" => Operator::StartsWith,
            _ => return None,
        };
        Some(operator)
    }

    /// Whether values of that kind can be compared so.
    pub fn fits(self, values: Comparable) -> bool {
        match self {
            Operator::Null => true,
            Operator::Contains | Operator::StartsWith => values == Comparable::Text,
            Operator::Eq
            | Operator::Ne
            | Operator::Gt
            | Operator::Ge
            | Operator::Lt
            | Operator::Le
            | Operator::In => values != Comparable::Nothing,
        }
    }

    /// SQL's comparison of a column with a value.
    pub(super) fn sql(self, column: &str, value: &str) -> String {
        match self {
            Operator::Eq => format!("{column} = {value}"),
            Operator::Ne => format!("{column} IS DISTINCT FROM {value}"),
            Operator::Gt => format!("{column} > {value}"),
            Operator::Ge => format!("{column} >= {value}"),
            Operator::Lt => format!("{column} < {value}"),
            Operator::Le => format!("{column} <= {value}"),
            Operator::In => format!("{column} IN ({value})"),
            Operator::Null => format!("{column} IS {value}"),
            Operator::Contains => format!("contains({column}, {value})"),
            Operator::StartsWith => format!("starts_with({column}, {value})"),
        }
    }
}
