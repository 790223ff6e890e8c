//! The items of a page, read off `rows`: what a page holds before `rows` filters it.
//!
//! Promises: pages are counted by what the API counts, never by what the job selects. `.items[] | select(.active)` walks
//! the array `.items`, whatever it selects. Where `rows` may make several rows of an item (`.groups[].items[]`), or does
//! not begin with a plain path to an array, nothing is guessed: the job has to name the items.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part};

use super::jq::{LONGEST_JQ, on_enough_stack};
use super::when::literal;

/// Functions that give at most one output for each input, whatever their arguments give.
const SINGLE: [(&str, usize); 40] = [
    ("add", 0),
    ("all", 0),
    ("all", 1),
    ("all", 2),
    ("any", 0),
    ("any", 1),
    ("any", 2),
    ("arrays", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("booleans", 0),
    ("empty", 0),
    ("false", 0),
    ("first", 0),
    ("first", 1),
    ("floor", 0),
    ("from_entries", 0),
    ("fromjson", 0),
    ("keys", 0),
    ("last", 0),
    ("length", 0),
    ("map", 1),
    ("max", 0),
    ("min", 0),
    ("not", 0),
    ("null", 0),
    ("nulls", 0),
    ("numbers", 0),
    ("objects", 0),
    ("reverse", 0),
    ("scalars", 0),
    ("sort", 0),
    ("strings", 0),
    ("to_entries", 0),
    ("tojson", 0),
    ("tonumber", 0),
    ("tostring", 0),
    ("true", 0),
    ("type", 0),
    ("values", 0),
];

/// Functions that give at most one output for each output of their arguments.
const SINGLE_OF_SINGLE: [(&str, usize); 10] = [
    ("contains", 1),
    ("endswith", 1),
    ("has", 1),
    ("inside", 1),
    ("join", 1),
    ("ltrimstr", 1),
    ("rtrimstr", 1),
    ("select", 1),
    ("startswith", 1),
    ("test", 1),
];

/// What `rows` makes its rows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Items {
    /// At most one row of each element of the array, or value of the object, that this plain path leads to.
    Of(String),
    /// One row of each answer.
    Answer,
    /// It cannot be told.
    Unclear,
}

/// Reads it off an expression; none where that is no jq, which compiling it tells.
pub(super) fn of_rows(rows: &str) -> Option<Items> {
    if rows.len() > LONGEST_JQ {
        return None;
    }
    let read = || {
        let term = jaq_core::load::parse(rows, |parser| parser.term())?;
        Some(TermInput::Path(String::new()).through(&term).into_items())
    };
    on_enough_stack(rows, read).ok()?
}

/// What a term's input is.
#[derive(Clone)]
enum TermInput {
    /// What a plain path leads to, from the answer on.
    Path(String),
    /// At most one thing for each item that this path leads to.
    Each(String),
    Unclear,
}

impl TermInput {
    fn through(self, term: &Term<&str>) -> TermInput {
        match (self, term) {
            (TermInput::Each(path), term) if is_single(term) => TermInput::Each(path),
            (TermInput::Path(path), Term::Id) => TermInput::Path(path),
            (seen, Term::BinOp(left, BinaryOp::Pipe(None), right)) => seen.through(left).through(right),
            (seen @ TermInput::Path(_), Term::Path(above, parts)) => {
                parts.0.iter().fold(seen.through(above), |seen, (part, opt)| seen.step(part, opt))
            }
            _ => TermInput::Unclear,
        }
    }

    fn step(self, part: &Part<Term<&str>>, opt: &Opt) -> TermInput {
        match (self, part) {
            (TermInput::Path(path), Part::Range(None, None)) => TermInput::Each(path),
            (TermInput::Path(path), Part::Index(index)) => match key(index) {
                Some(key) => TermInput::Path(format!("{path}[{key}]{}", mark(opt))),
                None => TermInput::Unclear,
            },
            (TermInput::Each(path), part) if is_single_step(part) => TermInput::Each(path),
            _ => TermInput::Unclear,
        }
    }

    fn into_items(self) -> Items {
        match self {
            TermInput::Path(_) => Items::Answer,
            TermInput::Each(path) => Items::Of(format!(".{path}")),
            TermInput::Unclear => Items::Unclear,
        }
    }
}

fn mark(opt: &Opt) -> &'static str {
    if matches!(opt, Opt::Optional) { "?" } else { "" }
}

/// A key or place as it is written in brackets.
fn key(index: &Term<&str>) -> Option<String> {
    match index {
        Term::Num(digits) => Some((*digits).to_owned()),
        Term::Neg(inner) => match **inner {
            Term::Num(digits) => Some(format!("-{digits}")),
            _ => None,
        },
        _ => Some(serde_json::Value::String(literal(index)?).to_string()),
    }
}

/// Whether a term gives at most one output for its input.
fn is_single(term: &Term<&str>) -> bool {
    let all = |terms: &[Term<&str>]| terms.iter().all(is_single);
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(is_single_part),
        Term::Obj(entries) => {
            entries.iter().all(|(key, value)| is_single(key) && value.as_ref().is_none_or(is_single))
        }
        Term::Neg(inner) => is_single(inner),
        Term::BinOp(left, operator, right) => {
            is_single_operator(operator) && is_single(left) && is_single(right)
        }
        Term::TryCatch(tried, caught) => is_single(tried) && caught.as_deref().is_none_or(is_single),
        Term::IfThenElse(branches, otherwise) => {
            branches.iter().all(|(test, then)| is_single(test) && is_single(then))
                && otherwise.as_deref().is_none_or(is_single)
        }
        Term::Call(name, arguments) => {
            let call = (*name, arguments.len());
            SINGLE.contains(&call) || SINGLE_OF_SINGLE.contains(&call) && all(arguments)
        }
        Term::Path(above, parts) => is_single(above) && parts.0.iter().all(|(part, _)| is_single_step(part)),
        _ => false,
    }
}

fn is_single_part(part: &StrPart<&str, Term<&str>>) -> bool {
    match part {
        StrPart::Str(_) | StrPart::Char(_) => true,
        StrPart::Term(term) => is_single(term),
    }
}

fn is_single_operator(operator: &BinaryOp<&str>) -> bool {
    matches!(
        operator,
        BinaryOp::Pipe(_)
            | BinaryOp::Alt
            | BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_)
    )
}

fn is_single_step(part: &Part<Term<&str>>) -> bool {
    match part {
        Part::Index(index) => is_single(index),
        Part::Range(None, None) => false,
        Part::Range(from, until) => [from, until].into_iter().flatten().all(is_single),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_that_is_walked_is_found_whatever_is_selected() {
        for (rows, items) in [
            (".[]", "."),
            (".items[]", r#".["items"]"#),
            (".items[]?", r#".["items"]"#),
            (".items?[]", r#".["items"]?"#),
            (".data.edges[].node", r#".["data"]["edges"]"#),
            (".[0].items[]", r#".[0]["items"]"#),
            (".[-1][]", ".[-1]"),
            (r#"."a \"b\""[]"#, r#".["a \"b\""]"#),
            (".items[] | select(.active)", r#".["items"]"#),
            (".items | .[] | select(.a and (.b | not)) | .c", r#".["items"]"#),
            (r#".items[] | select(.tags | any(. == "x"))"#, r#".["items"]"#),
            (".items[] | select(any(.tags[]; . == 1) | not)", r#".["items"]"#),
            (".items[] | {id, tags: [.tags[]], n: (.n // 0)}", r#".["items"]"#),
            (".items[] | if .a then .b else empty end", r#".["items"]"#),
            (".items[] | . as $x | $x.a", r#".["items"]"#),
            (r#".items[] | "\(.a)-\(.b)""#, r#".["items"]"#),
            (".items[].parts[0:2]", r#".["items"]"#),
            (".", "answer"),
            (".item", "answer"),
        ] {
            let expected = match items {
                "answer" => Items::Answer,
                items => Items::Of(items.to_owned()),
            };
            assert_eq!(of_rows(rows), Some(expected), "{rows}");
        }
    }

    #[test]
    fn what_may_make_several_rows_of_an_item_is_unclear() {
        for rows in [
            ".groups[].items[]",
            ".items[] | .parts[]",
            ".items[] | {id, part: .parts[]}",
            ".items[] | select(.tags[] == \"x\")",
            ".items[] | (.a, .b)",
            ".items[] | range(.n)",
            ".items[] | ..",
            ".items[] | \"\\(.a[])\"",
            ".items[] | .[.keys[]]",
            ".a[], .b[]",
            "(.items // [])[]",
            ".items | to_entries[]",
            ".items | map(select(.active)) | .[]",
            "first(.items[])",
            "limit(3; .items[])",
            ".items[1:][]",
            "def f: .[]; .items | f",
            "(.items[])?",
            ".[.key][]",
        ] {
            assert_eq!(of_rows(rows), Some(Items::Unclear), "{rows}");
        }
    }

    #[test]
    fn what_is_no_jq_is_left_to_the_compiler() {
        assert_eq!(of_rows(".items["), None);
        assert_eq!(of_rows(&" ".repeat(LONGEST_JQ + 1)), None);
    }

    #[test]
    fn the_deepest_expression_does_not_overflow_the_stack() {
        of_rows(&format!(".[]{}", "|.".repeat(LONGEST_JQ / 2 - 2)));
        of_rows(&format!(".[]|{}1", "-".repeat(LONGEST_JQ - 5)));
    }
}
