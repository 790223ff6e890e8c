//! jq conditions: `missing.when`, `ok`, `when` and `more`.
//!
//! As in jq, everything but `null` and `false` counts as true; an expression that gives nothing does not hold.
//! A plain path compared with a literal (`.Response == "False"`, also `!=`, either way round) needs no
//! interpreter, nor does a plain path by itself.

use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_json::Val;

use crate::record::Failure;

use super::expression::{Expression, INTERPRETER_DIGITS, ParsedAnswer, Plain};
use super::path;
use super::{ExtractorError, jq, text};

/// A compiled condition.
pub(super) struct Condition {
    /// How a failure names it.
    at: &'static str,
    subject: Expression,
    test: Test,
}

/// What is asked of the subject's value.
enum Test {
    /// Neither `null` nor `false`.
    True,
    Equal(Literal),
    Unequal(Literal),
}

/// What a plain path is compared with.
enum Literal {
    Text(String),
    /// A number, `true`, `false` or `null`; jaq decides whether numbers are equal.
    Scalar(Val),
}

impl Condition {
    /// Compiles a condition; `at` is its key in the job.
    pub fn new(text: &str, at: &'static str) -> Result<Condition, ExtractorError> {
        let (subject, test) = match path::parse(text).as_ref().and_then(comparison) {
            Some(comparison) => comparison,
            None => (Expression::named(text, at)?, Test::True),
        };
        Ok(Condition { at, subject, test })
    }

    /// The path that it looks at, if that is plain.
    pub fn plain(&mut self) -> Option<&mut Plain> {
        self.subject.plain()
    }

    /// Whether the condition holds for this answer.
    pub fn holds(&self, answer: &ParsedAnswer<'_>) -> Result<bool, Failure> {
        let Some(json) = self.subject.value(answer, self.at)? else { return Ok(false) };
        Ok(match &self.test {
            Test::True => json != "null" && json != "false",
            Test::Equal(literal) => literal.equals(&json),
            Test::Unequal(literal) => !literal.equals(&json),
        })
    }
}

fn comparison(term: &Term<&str>) -> Option<(Expression, Test)> {
    let Term::BinOp(left, BinaryOp::Cmp(comparison), right) = term else { return None };
    let test = match comparison {
        Cmp::Eq => Test::Equal,
        Cmp::Ne => Test::Unequal,
        _ => return None,
    };
    let sides = |subject, other| Some((Expression::of_path(subject)?, literal(other)?));
    let (subject, literal) = sides(left, right).or_else(|| sides(right, left))?;
    Some((subject, test(literal)))
}

fn literal(term: &Term<&str>) -> Option<Literal> {
    match term {
        Term::Str(None, parts) => path::literal(parts).map(Literal::Text),
        Term::Num(digits) => scalar(digits),
        Term::Neg(inner) => match **inner {
            Term::Num(digits) => scalar(&format!("-{digits}")),
            _ => None,
        },
        Term::Call(word @ ("true" | "false" | "null"), arguments) if arguments.is_empty() => scalar(word),
        _ => None,
    }
}

fn scalar(json: &str) -> Option<Literal> {
    jq::parse(json).ok().map(Literal::Scalar)
}

impl Literal {
    fn equals(&self, json: &str) -> bool {
        let is_text = json.starts_with('"');
        match self {
            Literal::Text(literal) => is_text && text::unescaped(json).is_ok_and(|own| own == *literal),
            Literal::Scalar(_) if is_text || json.starts_with(['{', '[']) => false,
            Literal::Scalar(_) if json.len() > INTERPRETER_DIGITS => false,
            Literal::Scalar(literal) => jq::parse(json).is_ok_and(|own| own == *literal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::expression::planted;

    fn holds(condition: &str, text: &str) -> Result<bool, Failure> {
        let mut condition = Condition::new(condition, "missing.when").unwrap();
        let trie = planted(condition.plain());
        condition.holds(&ParsedAnswer::read(text, &trie)?)
    }

    fn is_plain(condition: &str) -> bool {
        Condition::new(condition, "missing.when").unwrap().plain().is_some()
    }

    #[test]
    fn comparisons_of_a_path_with_a_literal_are_plain() {
        for condition in [
            r#".Response == "False""#,
            r#""False" == .Response"#,
            ".a.b != null",
            ".a == -1.5",
            ".a",
            ".a[0] == true",
        ] {
            assert!(is_plain(condition), "{condition}");
        }
        for condition in [".a == .b", ".a < 1", ".a == [1]", "1 == 1", r#".a == "\(.b)""#, "-.a == 1"] {
            assert!(!is_plain(condition), "{condition}");
        }
    }

    const ANSWERS: [&str; 19] = [
        r#"{"a":"False"}"#,
        r#"{"a":"F\u0061lse"}"#,
        r#"{"a":false}"#,
        r#"{"a":null}"#,
        "{}",
        r#"{"a":1}"#,
        r#"{"a":1.0}"#,
        r#"{"a":10e-1}"#,
        r#"{"a":-0}"#,
        r#"{"a":0.0}"#,
        r#"{"a":[1]}"#,
        r#"{"a":{}}"#,
        r#"{"a":"1"}"#,
        r#"{"a":9007199254740993}"#,
        r#"{"a":9007199254740992.0}"#,
        "null",
        "[]",
        "5",
        r#"{"a":"1\"2"}"#,
    ];

    const TESTS: [&str; 14] = [
        "",
        r#"== "False""#,
        "== 1",
        "== 1.0",
        "!= 1",
        "== null",
        "!= null",
        "== false",
        "== true",
        "== -0",
        "== 0",
        "== 9007199254740993",
        r#"== "1\"2""#,
        r#"!= """#,
    ];

    #[test]
    fn plain_conditions_mean_what_the_interpreter_means() {
        for (text, test) in ANSWERS.iter().flat_map(|text| TESTS.map(|test| (text, test))) {
            for path in [".a", ".a?"] {
                let plain = holds(&format!("{path} {test}"), text);
                let interpreted = holds(&format!("first({path}) {test}"), text);
                assert!(is_plain(&format!("{path} {test}")));
                let kind = |failure: Failure| failure.kind;
                assert_eq!(plain.map_err(kind), interpreted.map_err(kind), "{path} {test} of {text}");
            }
        }
    }

    #[test]
    fn a_condition_may_fail() {
        let failure = holds(r#".a == "x""#, "[1]").unwrap_err();
        assert_eq!(failure.detail, r#"missing.when: cannot index an array with "a""#);
        assert!(holds(".a, .b", "{}").is_err());
    }

    #[test]
    fn a_condition_that_gives_nothing_does_not_hold() {
        assert!(!holds(r#".a? == "x""#, "[1]").unwrap());
        assert!(!holds(r#".a? != "x""#, "[1]").unwrap());
        assert!(!holds("empty", "{}").unwrap());
    }

    #[test]
    fn half_a_surrogate_pair_equals_no_text() {
        assert!(!holds(r#".a == "x""#, r#"{"a":"\ud800"}"#).unwrap());
    }
}
