//! One expression of the job on one answer: by the trie where it is plain, by the interpreter otherwise.

use std::borrow::Cow;
use std::cell::OnceCell;

use jaq_core::load::parse::Term;
use jaq_json::Val;

use crate::record::{Failure, Kind};

use super::fill::{Slot, fill};
use super::path::{self, Path};
use super::trie::Trie;
use super::{ExtractorError, body, jq, scan};

/// How deeply an answer may nest that the interpreter, which recurses, is given: with a stack of 2 MiB it
/// overflows between 1,000 and 3,000. Plain paths have no limit but the endpoint's.
const INTERPRETER_DEPTH: u32 = 1000;

/// Digits of a number that the interpreter is given: it reads integers exactly, in quadratic time, which took
/// 26 s for 3,000,000 digits.
pub(super) const INTERPRETER_DIGITS: usize = 1000;

/// An answer, as far as it has been read.
pub(super) struct ParsedAnswer<'a> {
    text: &'a str,
    slots: Vec<Slot<'a>>,
    /// The whole answer for the interpreter, made when the first expression needs it.
    whole: OnceCell<Val>,
}

impl<'a> ParsedAnswer<'a> {
    /// Reads what `trie` wants of the JSON `text`.
    pub fn read(text: &'a str, trie: &Trie) -> Result<ParsedAnswer<'a>, Failure> {
        let slots = fill(trie, text).map_err(|error| body::not_json(text, error))?;
        Ok(ParsedAnswer { text, slots, whole: OnceCell::new() })
    }

    /// One that the interpreter has made: `value`, whose JSON is `text`. Without paths in `trie` that is not
    /// looked at.
    pub fn made(text: &'a str, value: Val, trie: &Trie) -> Result<ParsedAnswer<'a>, Failure> {
        let slots = match trie.slots() {
            0 => Vec::new(),
            _ => fill(trie, text).map_err(|error| body::not_json(text, error))?,
        };
        Ok(ParsedAnswer { text, slots, whole: OnceCell::from(value) })
    }

    /// Its text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it is null, and nothing else.
    pub fn is_null(&self) -> bool {
        match self.whole.get() {
            Some(whole) => *whole == Val::Null,
            None => self.text.trim() == "null",
        }
    }

    /// All of it as the interpreter's value.
    pub fn whole(&self) -> Result<Val, Failure> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole.clone());
        }
        self.suits_the_interpreter()?;
        let whole = jq::parse(self.text).map_err(|why| body::not_json(self.text, why))?;
        Ok(self.whole.get_or_init(|| whole).clone())
    }

    fn suits_the_interpreter(&self) -> Result<(), Failure> {
        let body = self.text.as_bytes();
        if !scan::is_within(body, INTERPRETER_DEPTH) {
            let detail =
                format!("the JSON nests deeper than {INTERPRETER_DEPTH}, too deep for the jq interpreter");
            return Err(Failure::lasting(Kind::TooDeep, detail));
        }
        if scan::has_longer_number(body, INTERPRETER_DIGITS) {
            let detail =
                format!("a number of more than {INTERPRETER_DIGITS} digits, too long for the jq interpreter");
            return Err(Failure::lasting(Kind::Extract, detail));
        }
        Ok(())
    }
}

/// A compiled expression.
pub(super) enum Expression {
    /// Found by the trie.
    Plain(Plain),
    /// Run by the interpreter.
    Program(jq::Program),
}

/// A plain path and its slot.
pub(super) struct Plain {
    path: Path,
    /// Known once all paths of the trie are.
    slot: usize,
}

impl Plain {
    /// A path that has no place yet.
    pub fn new(path: Path) -> Plain {
        Plain { path, slot: 0 }
    }

    /// Looks up its slot in the trie of all paths.
    pub fn place(&mut self, trie: &Trie) {
        self.slot = trie.slot(&self.path.steps).unwrap_or_default();
    }

    /// The JSON text of what it leads to, none where a step with `?` does not fit.
    #[inline]
    pub fn found<'a>(&self, answer: &ParsedAnswer<'a>, at: &str) -> Result<Option<&'a str>, Failure> {
        match answer.slots[self.slot] {
            Slot::Found(text) => Ok(Some(text)),
            Slot::Absent => Ok(Some("null")),
            Slot::Blocked { depth, .. } if self.path.is_optional(depth.into()) => Ok(None),
            Slot::Blocked { depth, met } => {
                let step = &self.path.steps[usize::from(depth)];
                Err(failed(at, format!("cannot index {met} with {step}")))
            }
        }
    }
}

impl Expression {
    /// Compiles an expression; the error says what is wrong with it.
    pub fn new(text: &str) -> Result<Expression, String> {
        match path::parse(text).as_ref().and_then(Expression::of_path) {
            Some(plain) => Ok(plain),
            None => jq::compile(text).map(Expression::Program),
        }
    }

    /// The same, for an expression of the endpoint that `at` names.
    pub fn named(text: &str, at: &str) -> Result<Expression, ExtractorError> {
        Expression::new(text).map_err(|why| ExtractorError::Expression { at: at.to_owned(), why })
    }

    /// The expression that `term` is, if it is a plain path.
    pub fn of_path(term: &Term<&str>) -> Option<Expression> {
        path::plain(term).map(|path| Expression::Plain(Plain::new(path)))
    }

    /// Itself, if it is plain: it then belongs into a trie.
    pub fn plain(&mut self) -> Option<&mut Plain> {
        match self {
            Expression::Plain(plain) => Some(plain),
            Expression::Program(_) => None,
        }
    }

    /// The JSON text of what it gives, none if it gives nothing. `at` names the expression in a failure.
    pub fn value<'a>(&self, answer: &ParsedAnswer<'a>, at: &str) -> Result<Option<Cow<'a, str>>, Failure> {
        match self {
            Expression::Plain(plain) => Ok(plain.found(answer, at)?.map(Cow::Borrowed)),
            Expression::Program(program) => interpreted(program, answer.whole()?, at),
        }
    }
}

/// The trie of all plain paths that are looked for in the same text; each is told its slot.
pub(super) fn planted<'p>(paths: impl IntoIterator<Item = &'p mut Plain>) -> Trie {
    let mut paths: Vec<_> = paths.into_iter().collect();
    let trie = Trie::new(paths.iter().map(|plain| plain.path.steps.as_slice()));
    for plain in &mut paths {
        plain.place(&trie);
    }
    trie
}

fn interpreted(program: &jq::Program, whole: Val, at: &str) -> Result<Option<Cow<'static, str>>, Failure> {
    match program.run(whole) {
        jq::Outcome::Nothing => Ok(None),
        jq::Outcome::One(value) => {
            let text = jq::to_json(&value).map_err(|why| failed(at, why))?;
            Ok(Some(Cow::Owned(text)))
        }
        jq::Outcome::Several => {
            Err(failed(at, "more than one value (first(…) takes one, […] makes an array)"))
        }
        jq::Outcome::Error(why) => Err(failed(at, why)),
    }
}

/// The failure of the expression that `at` names.
pub(super) fn failed(at: &str, why: impl std::fmt::Display) -> Failure {
    Failure::lasting(Kind::Extract, format!("{at}: {why}"))
}
