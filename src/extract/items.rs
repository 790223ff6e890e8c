//! The items of an answer, as `rows` and `batch.split` name them.
//!
//! `.items[]`, `.[]` and their like ([`Walk`]) are the rule: their elements are found in the answer's own
//! text, and the interpreter takes no part. They mean what they mean in jq: an object gives its values, null
//! and scalars fail unless `?` follows, and the first failure ends the whole answer.

use crate::record::Failure;

use super::elements::{self, NotIterable};
use super::expression::{ParsedAnswer, Plain, failed};
use super::path::{self, Leg, Path, Walk};
use super::trie::Trie;
use super::{ExtractorError, jq};

/// A compiled `rows` or `batch.split`.
pub(super) struct Items {
    /// How a failure names it.
    at: &'static str,
    source: Source,
}

enum Source {
    Walk { first: Plain, legs: Vec<Below> },
    Program(jq::Program),
}

/// A [`Leg`], ready to be followed.
struct Below {
    optional: bool,
    /// None where the elements themselves are meant.
    path: Option<(Trie, Plain)>,
}

/// Called with each item; the first failure ends the answer.
pub(super) type Visit<'v> = &'v mut dyn FnMut(&ParsedAnswer<'_>) -> Result<(), Failure>;

impl Items {
    /// Compiles an expression; `at` is its key in the job.
    pub fn new(text: &str, at: &'static str) -> Result<Items, ExtractorError> {
        let mistake = |why| ExtractorError::Expression { at: at.to_owned(), why };
        let source = match path::parse(text).as_ref().and_then(path::walk) {
            Some(Walk { first, legs }) => {
                Source::Walk { first: Plain::new(first), legs: legs.into_iter().map(below).collect() }
            }
            None => Source::Program(jq::compile(text).map_err(mistake)?),
        };
        Ok(Items { at, source })
    }

    /// The path to the first `[]`, if no interpreter is needed; it belongs into the trie of the whole answer.
    pub fn plain(&mut self) -> Option<&mut Plain> {
        match &mut self.source {
            Source::Walk { first, .. } => Some(first),
            Source::Program(_) => None,
        }
    }

    /// Visits the items of an answer, each read by `trie`.
    pub fn each(&self, answer: &ParsedAnswer<'_>, trie: &Trie, visit: Visit<'_>) -> Result<(), Failure> {
        match &self.source {
            Source::Walk { first, legs } => match first.found(answer, self.at)? {
                Some(text) => self.walk(legs, text, &mut |item| visit(&ParsedAnswer::read(item, trie)?)),
                None => Ok(()),
            },
            Source::Program(program) => self.outputs(program, answer, trie, visit),
        }
    }

    fn walk<'a>(&self, legs: &[Below], text: &'a str, visit: elements::Visit<'_, 'a>) -> Result<(), Failure> {
        let Some((leg, further)) = legs.split_first() else { return visit(text) };
        let walked = elements::each(text, &mut |element| match leg.found(element, self.at)? {
            Some(found) => self.walk(further, found, visit),
            None => Ok(()),
        });
        match walked {
            Ok(walked) => walked,
            Err(NotIterable(_)) if leg.optional => Ok(()),
            Err(NotIterable(met)) => Err(failed(self.at, format!("cannot iterate over {met}"))),
        }
    }

    fn outputs(
        &self,
        program: &jq::Program,
        answer: &ParsedAnswer<'_>,
        trie: &Trie,
        visit: Visit<'_>,
    ) -> Result<(), Failure> {
        for output in program.outputs(answer.whole()?) {
            let value = output.map_err(|why| failed(self.at, why))?;
            let text = match trie.slots() {
                0 => String::new(),
                _ => jq::to_json(&value).map_err(|why| failed(self.at, why))?,
            };
            visit(&ParsedAnswer::made(&text, value, trie)?)?;
        }
        Ok(())
    }
}

fn below(leg: Leg) -> Below {
    let path = (!leg.below.steps.is_empty()).then(|| alone(leg.below));
    Below { optional: leg.optional, path }
}

/// A path in a trie of its own.
fn alone(path: Path) -> (Trie, Plain) {
    let trie = Trie::new([path.steps.as_slice()]);
    let mut plain = Plain::new(path);
    plain.place(&trie);
    (trie, plain)
}

impl Below {
    fn found<'a>(&self, element: &'a str, at: &str) -> Result<Option<&'a str>, Failure> {
        match &self.path {
            None => Ok(Some(element)),
            Some((trie, plain)) => plain.found(&ParsedAnswer::read(element, trie)?, at),
        }
    }
}
