//! Follows the record through a condition's syntax tree, to the columns that the condition takes from it.
//!
//! Each term is looked at with what its input is. As long as that is the record, or the columns of one endpoint, only
//! a step by a literal name leads on; behind a column anything may follow. What would take the record or an endpoint
//! as a whole is a mistake.

use std::ops::Range;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

use super::term::{literal, place_of};
use super::{Names, Uses, WhenMistake};
use crate::job::jq::range_of;
use crate::job::suggest::did_you_mean;
use crate::job::template::AnswerNames;

/// Functions without arguments that do not look at their input.
const CONSTANTS: [&str; 7] = ["true", "false", "null", "empty", "now", "nan", "infinite"];

/// Functions that give their input to their arguments, of which the outputs are single values, and do not look at it.
const PASSING_VALUES: [(&str, usize); 5] =
    [("isempty", 1), ("error", 1), ("range", 1), ("range", 2), ("range", 3)];

const NAME_THEM: &str = "name each column that decides: .country of the list, .omdb.type of an endpoint";

/// What a term gives, as far as the record is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TermValue {
    /// The record.
    Record,
    /// The columns of an endpoint.
    Endpoint(usize),
    /// An input column, by its place in [`Uses::inputs`].
    Input(usize),
    /// Anything else.
    Value,
}

/// What an expression names.
pub(super) fn uses(code: &str, names: Names<'_>) -> Result<Uses, Vec<WhenMistake>> {
    let Some(term) = jaq_core::load::parse(code, |parser| parser.term()) else { return Ok(Uses::default()) };
    let mut follow = Follow { code, names, uses: Uses::default(), variables: vec![], mistakes: vec![] };
    follow.value(&term, TermValue::Record);
    if follow.mistakes.is_empty() {
        return Ok(follow.uses);
    }
    follow.mistakes.sort_by_key(|mistake| mistake.range.start);
    Err(follow.mistakes)
}

struct Follow<'a> {
    code: &'a str,
    names: Names<'a>,
    uses: Uses,
    /// The variables that are bound here, the innermost last.
    variables: Vec<(&'a str, TermValue)>,
    mistakes: Vec<WhenMistake>,
}

impl<'a> Follow<'a> {
    /// What a term gives for this input.
    fn term(&mut self, term: &Term<&'a str>, dot: TermValue) -> TermValue {
        match term {
            Term::Id => dot,
            Term::Recurse => self.single(dot, "..".into(), term),
            Term::Num(_) | Term::Break(_) | Term::Arr(None) => TermValue::Value,
            Term::Str(_, parts) => self.text(parts, dot),
            Term::Arr(Some(inner)) | Term::Neg(inner) => {
                self.value(inner, dot);
                TermValue::Value
            }
            Term::Obj(entries) => self.object(entries, dot),
            Term::BinOp(left, operator, right) => self.operation(left, operator, right, dot),
            Term::Label(_, inner) => self.term(inner, dot),
            Term::Fold(_, values, pattern, steps) => self.fold(values, pattern, steps, dot),
            Term::TryCatch(tried, caught) => {
                let tried = self.term(tried, dot);
                let caught = caught.as_ref().map(|caught| self.term(caught, TermValue::Value));
                caught.map_or(tried, |caught| self.either(tried, caught, term))
            }
            Term::IfThenElse(branches, otherwise) => self.branches(branches, otherwise.as_deref(), dot, term),
            Term::Def(..) => {
                let message = "a condition that defines functions";
                self.mistake(0..self.code.len(), message, "write it without `def`");
                TermValue::Value
            }
            Term::Call(name, arguments) => self.call(name, arguments, dot, term),
            Term::Var(name) => {
                let bound = self.variables.iter().rev().find(|(variable, _)| variable == name);
                bound.map_or(TermValue::Value, |(_, seen)| *seen)
            }
            Term::Path(above, steps) => {
                let mut at = self.term(above, dot);
                for (step, _) in &steps.0 {
                    at = self.step(step, at, dot, term);
                }
                at
            }
        }
    }

    /// Follows a term of which a single value is taken.
    fn value(&mut self, term: &Term<&'a str>, dot: TermValue) -> TermValue {
        let seen = self.term(term, dot);
        self.single(seen, String::new(), term)
    }

    /// Follows terms of which single values are taken.
    fn values<'t>(&mut self, terms: impl IntoIterator<Item = &'t Term<&'a str>>, dot: TermValue)
    where
        'a: 't,
    {
        for term in terms {
            self.value(term, dot);
        }
    }

    /// A value as such; the record or an endpoint as a whole is a mistake, made by `what` if that is not empty.
    fn single(&mut self, seen: TermValue, what: String, term: &Term<&'a str>) -> TermValue {
        let whole = match seen {
            TermValue::Record => "the record".to_owned(),
            TermValue::Endpoint(index) => format!("all of `.{}`", self.names.answers[index].endpoint),
            TermValue::Input(_) | TermValue::Value => return seen,
        };
        let range = place_of(term).map_or(0..self.code.len(), |part| range_of(self.code, part));
        let message = match what.as_str() {
            "" => format!("a condition on {whole} as a whole"),
            what => format!("`{what}` looks at {whole} as a whole"),
        };
        self.mistake(range, message, NAME_THEM);
        TermValue::Value
    }

    /// What one of two terms gives.
    fn either(&mut self, one: TermValue, other: TermValue, term: &Term<&'a str>) -> TermValue {
        if one == other {
            return one;
        }
        self.single(one, String::new(), term);
        self.single(other, String::new(), term);
        TermValue::Value
    }

    fn text(&mut self, parts: &[StrPart<&'a str, Term<&'a str>>], dot: TermValue) -> TermValue {
        for part in parts {
            if let StrPart::Term(inner) = part {
                self.value(inner, dot);
            }
        }
        TermValue::Value
    }

    /// `{a: .x, b}`, where `b` is short for `b: .b`.
    fn object(&mut self, entries: &[(Term<&'a str>, Option<Term<&'a str>>)], dot: TermValue) -> TermValue {
        for (key, value) in entries {
            match (key, value) {
                (key, Some(value)) => {
                    self.value(key, dot);
                    self.value(value, dot);
                }
                (Term::Var(_), None) => {
                    self.value(key, dot);
                }
                (key, None) => {
                    let member = self.member(key, dot, dot, key);
                    self.single(member, String::new(), key);
                }
            }
        }
        TermValue::Value
    }

    fn operation(
        &mut self,
        left: &Term<&'a str>,
        operator: &BinaryOp<&'a str>,
        right: &Term<&'a str>,
        dot: TermValue,
    ) -> TermValue {
        match operator {
            BinaryOp::Pipe(None) => {
                let between = self.term(left, dot);
                self.term(right, between)
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let bound = self.term(left, dot);
                let outer = self.variables.len();
                self.bind(pattern, bound, dot, left);
                let seen = self.term(right, dot);
                self.variables.truncate(outer);
                seen
            }
            BinaryOp::Comma | BinaryOp::Alt => {
                let (one, other) = (self.term(left, dot), self.term(right, dot));
                self.either(one, other, left)
            }
            BinaryOp::Or | BinaryOp::And | BinaryOp::Math(_) | BinaryOp::Cmp(_) => {
                self.value(left, dot);
                self.value(right, dot);
                TermValue::Value
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                self.single(dot, "=".into(), left);
                self.value(left, TermValue::Value);
                self.value(right, TermValue::Value);
                TermValue::Value
            }
        }
    }

    /// Binds the variables of a pattern to what they take from `bound`.
    fn bind(&mut self, pattern: &Pattern<&'a str>, bound: TermValue, dot: TermValue, term: &Term<&'a str>) {
        match pattern {
            Pattern::Var(name) => self.variables.push((name, bound)),
            Pattern::Arr(items) => {
                self.single(bound, String::new(), term);
                items.iter().for_each(|item| self.bind(item, TermValue::Value, dot, term));
            }
            Pattern::Obj(entries) => {
                for (key, item) in entries {
                    let member = self.member(key, bound, dot, term);
                    self.bind(item, member, dot, term);
                }
            }
        }
    }

    fn fold(
        &mut self,
        values: &Term<&'a str>,
        pattern: &Pattern<&'a str>,
        steps: &[Term<&'a str>],
        dot: TermValue,
    ) -> TermValue {
        let outer = self.variables.len();
        let bound = self.value(values, dot);
        self.bind(pattern, bound, dot, values);
        for (position, step) in steps.iter().enumerate() {
            self.value(step, if position == 0 { dot } else { TermValue::Value });
        }
        self.variables.truncate(outer);
        TermValue::Value
    }

    fn branches(
        &mut self,
        branches: &[(Term<&'a str>, Term<&'a str>)],
        otherwise: Option<&Term<&'a str>>,
        dot: TermValue,
        term: &Term<&'a str>,
    ) -> TermValue {
        let mut all = otherwise.map_or(dot, |otherwise| self.term(otherwise, dot));
        for (condition, then) in branches {
            self.value(condition, dot);
            let then = self.term(then, dot);
            all = self.either(all, then, term);
        }
        all
    }

    fn call(
        &mut self,
        name: &'a str,
        arguments: &[Term<&'a str>],
        dot: TermValue,
        term: &Term<&'a str>,
    ) -> TermValue {
        match (name, arguments) {
            (name, []) if CONSTANTS.contains(&name) => TermValue::Value,
            ("select", [condition]) => {
                self.value(condition, dot);
                dot
            }
            ("first" | "last", [values]) => self.term(values, dot),
            ("limit" | "skip" | "nth", [number, values]) => {
                self.value(number, dot);
                self.term(values, dot)
            }
            ("any" | "all", [values, condition]) => {
                let values = self.term(values, dot);
                self.value(condition, values);
                TermValue::Value
            }
            (name, arguments) if PASSING_VALUES.contains(&(name, arguments.len())) => {
                self.values(arguments, dot);
                TermValue::Value
            }
            (name, arguments) => {
                self.single(dot, name.to_owned(), term);
                self.values(arguments, TermValue::Value);
                TermValue::Value
            }
        }
    }

    fn step(
        &mut self,
        step: &Part<Term<&'a str>>,
        at: TermValue,
        dot: TermValue,
        term: &Term<&'a str>,
    ) -> TermValue {
        match step {
            Part::Index(key) => self.member(key, at, dot, term),
            Part::Range(from, to) => {
                self.values(from.iter().chain(to), dot);
                self.single(at, "[]".into(), term);
                TermValue::Value
            }
        }
    }

    /// The member of `at` whose name is the outcome of `key`.
    fn member(
        &mut self,
        key: &Term<&'a str>,
        at: TermValue,
        dot: TermValue,
        term: &Term<&'a str>,
    ) -> TermValue {
        let range =
            place_of(key).or(place_of(term)).map_or(0..self.code.len(), |part| range_of(self.code, part));
        match (literal(key), at) {
            (Some(name), TermValue::Record) => self.of_the_record(name, range),
            (Some(name), TermValue::Endpoint(index)) => self.of_an_endpoint(index, &name, range),
            (Some(_), TermValue::Input(index)) => self.of_an_input(index),
            (_, TermValue::Value) | (None, TermValue::Input(_)) => {
                self.value(key, dot);
                TermValue::Value
            }
            (None, TermValue::Record | TermValue::Endpoint(_)) => {
                self.mistake(range, "a name that the condition computes", NAME_THEM);
                TermValue::Value
            }
        }
    }

    fn of_the_record(&mut self, name: String, range: Range<usize>) -> TermValue {
        let is_listed = self.names.listed.contains(&name.as_str());
        if let Some(index) = self.names.answers.iter().position(|answer| answer.endpoint == name) {
            if is_listed {
                let message = format!("`.{name}` is both an endpoint and a column of the list");
                self.mistake(range, message, "rename the endpoint, or the column in the list");
            }
            return TermValue::Endpoint(index);
        }
        let known = self.uses.inputs.iter().position(|(input, _)| *input == name);
        TermValue::Input(known.unwrap_or_else(|| {
            self.uses.inputs.push((name, range));
            self.uses.inputs.len() - 1
        }))
    }

    fn of_an_endpoint(&mut self, index: usize, name: &str, range: Range<usize>) -> TermValue {
        let AnswerNames { endpoint, columns } = &self.names.answers[index];
        let Some(column) = columns.iter().position(|column| column == name) else {
            let hint = did_you_mean(name, columns).unwrap_or_else(|| match columns.as_slice() {
                [] => format!("give `{endpoint}` columns in [endpoint.columns]"),
                columns => format!("the columns of `{endpoint}` are {}", columns.join(", ")),
            });
            self.mistake(range, format!("endpoint `{endpoint}` has no column `{name}`"), hint);
            return TermValue::Value;
        };
        if self.uses.answers.iter().all(|(answer, _)| *answer != (index, column)) {
            self.uses.answers.push(((index, column), range));
        }
        TermValue::Value
    }

    /// A member of an input column: of one that holds JSON. Where nobody knows such a column, an endpoint is meant.
    fn of_an_input(&mut self, index: usize) -> TermValue {
        let (name, range) = self.uses.inputs[index].clone();
        if !self.names.listed.contains(&name.as_str()) {
            let endpoints: Vec<&str> =
                self.names.answers.iter().map(|answer| answer.endpoint.as_str()).collect();
            let hint = did_you_mean(&name, &endpoints).unwrap_or_else(|| {
                format!("name an endpoint; if it is a column of JSON, add types = {{ {name} = \"json\" }}")
            });
            self.mistake(range, format!("unknown endpoint `{name}` in the condition"), hint);
        }
        TermValue::Value
    }

    fn mistake(&mut self, range: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let mistake = WhenMistake { range, message: message.into(), hint: hint.into() };
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }
}
