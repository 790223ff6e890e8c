//! Plain paths: the jq expressions that need no interpreter.
//!
//! `.a.b[0]`, `.["key with space"]`, `.a[-1]?`, `.` and their like name one place in a document. jaq's own
//! parser reads the expression, so that spelling, escapes and comments mean what they mean to the interpreter;
//! here its syntax tree is recognised or left to [`jq`](super::jq). A [`Walk`] is the same with `[]` in it:
//! `.items[]`, `.data.edges[].node`.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part};

/// The longest path that is followed without the interpreter.
const MAX_STEPS: usize = u64::BITS as usize;

/// The most `[]` that are followed without the interpreter.
const MAX_LEGS: usize = 8;

/// One step down into a document. The order is the one that [`Trie`](super::trie::Trie) is built in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// `.key`
    Key(Box<str>),
    /// `[2]`, or `[-1]` from the end.
    Place(isize),
}

/// A plain path, from the whole document (no steps) down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path {
    /// At most [`MAX_STEPS`].
    pub steps: Vec<Step>,
    /// A bit for each step: set if `?` follows it.
    optional: u64,
}

impl Path {
    /// Whether the step at `depth` ends without a value, instead of failing, where it does not fit the document.
    pub fn is_optional(&self, depth: usize) -> bool {
        self.optional >> depth & 1 == 1
    }

    fn push(&mut self, step: Step, optional: bool) -> Option<()> {
        if self.steps.len() == MAX_STEPS {
            return None;
        }
        self.optional |= u64::from(optional) << self.steps.len();
        self.steps.push(step);
        Some(())
    }

    fn join(mut self, below: Path) -> Option<Path> {
        for (depth, step) in below.steps.iter().enumerate() {
            self.push(step.clone(), below.is_optional(depth))?;
        }
        Some(self)
    }

    fn all_optional(mut self) -> Path {
        self.optional = (1_u64.checked_shl(self.steps.len() as u32).unwrap_or(0)).wrapping_sub(1);
        self
    }
}

/// A plain path that goes on from each element of what it leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// From the whole document down to the first `[]`.
    pub first: Path,
    /// One for each `[]`, at most [`MAX_LEGS`].
    pub legs: Vec<Leg>,
}

/// `[]` and the plain path after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leg {
    /// Whether `?` follows the `[]`: what has no elements then gives none, instead of failing.
    pub optional: bool,
    /// From each element down.
    pub below: Path,
}

impl Walk {
    fn end(&mut self) -> &mut Path {
        match self.legs.last_mut() {
            Some(leg) => &mut leg.below,
            None => &mut self.first,
        }
    }

    fn part(&mut self, part: &Part<Term<&str>>, optional: bool) -> Option<()> {
        match part {
            Part::Range(None, None) if self.legs.len() < MAX_LEGS => {
                self.legs.push(Leg { optional, below: Path::default() });
                Some(())
            }
            _ => self.end().push(step(part)?, optional),
        }
    }

    fn join(mut self, below: Walk) -> Option<Walk> {
        let end = std::mem::take(self.end());
        *self.end() = end.join(below.first)?;
        self.legs.extend(below.legs);
        (self.legs.len() <= MAX_LEGS).then_some(self)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Key(key) => write!(out, "{key:?}"),
            Step::Place(place) => write!(out, "{place}"),
        }
    }
}

/// The syntax tree of an expression, if it has one.
pub(super) fn parse(expression: &str) -> Option<Term<&str>> {
    jaq_core::load::parse(expression, |parser| parser.term())
}

/// The plain path that `term` is, if it is one.
pub(super) fn plain(term: &Term<&str>) -> Option<Path> {
    match term {
        Term::Id => Some(Path::default()),
        Term::Path(above, parts) => {
            let mut path = plain(above)?;
            for (part, opt) in &parts.0 {
                path.push(step(part)?, matches!(opt, Opt::Optional))?;
            }
            Some(path)
        }
        Term::BinOp(above, BinaryOp::Pipe(None), below) => plain(above)?.join(plain(below)?),
        Term::TryCatch(tried, None) => plain(tried).map(Path::all_optional),
        _ => None,
    }
}

/// The walk that `term` is, if it is one; a plain path is one without legs.
pub(super) fn walk(term: &Term<&str>) -> Option<Walk> {
    match term {
        Term::Path(above, parts) => {
            let mut walk = walk(above)?;
            for (part, opt) in &parts.0 {
                walk.part(part, matches!(opt, Opt::Optional))?;
            }
            Some(walk)
        }
        Term::BinOp(above, BinaryOp::Pipe(None), below) => walk(above)?.join(walk(below)?),
        _ => plain(term).map(|first| Walk { first, legs: Vec::new() }),
    }
}

fn step(part: &Part<Term<&str>>) -> Option<Step> {
    let Part::Index(index) = part else { return None };
    match index {
        Term::Str(None, parts) => literal(parts).map(|key| Step::Key(key.into())),
        Term::Num(digits) => digits.parse().ok().map(Step::Place),
        Term::Neg(inner) => match **inner {
            Term::Num(digits) => digits.parse().ok().map(|place: isize| Step::Place(-place)),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a string without interpolation.
pub(super) fn literal(parts: &[StrPart<&str, Term<&str>>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(piece) => text.push_str(piece),
            StrPart::Char(character) => text.push(*character),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expression: &str) -> Option<Path> {
        plain(&parse(expression)?)
    }

    fn key(key: &str) -> Step {
        Step::Key(key.into())
    }

    #[test]
    fn plain_paths_are_recognised() {
        for (expression, steps) in [
            (".", vec![]),
            (".a", vec![key("a")]),
            (" .a .b [0] # the first", vec![key("a"), key("b"), Step::Place(0)]),
            (r#"."a b""#, vec![key("a b")]),
            (r#".["key with space"].x"#, vec![key("key with space"), key("x")]),
            (r#".["\u00e9\n"]"#, vec![key("é\n")]),
            (r#".[""]"#, vec![key("")]),
            (".[-1]", vec![Step::Place(-1)]),
            (".a | .b", vec![key("a"), key("b")]),
            ("(.a).b", vec![key("a"), key("b")]),
        ] {
            assert_eq!(of(expression), Some(Path { steps, optional: 0 }), "{expression}");
        }
    }

    #[test]
    fn a_question_mark_belongs_to_its_step() {
        assert_eq!(of(".a?.b").unwrap().optional, 0b01);
        assert_eq!(of(".a.b?").unwrap().optional, 0b10);
        assert_eq!(of(".a | .b[-1]?").unwrap().optional, 0b100);
        assert!(of("(.a.b)?").unwrap().is_optional(0));
        assert!(!of("(.a.b)? | .c").unwrap().is_optional(2));
    }

    #[test]
    fn everything_else_is_left_to_the_interpreter() {
        for expression in [
            ".a[]",
            ".a[1:]",
            ".a // 1",
            ".a, .b",
            "..",
            "first(.a)",
            r#".["\(.b)"]"#,
            ".[.a]",
            ".[1.0]",
            ".[1e2]",
            ".a + 1",
            "$x",
            ".a as $x | .b",
            "try .a catch .b",
            ". as",
            "",
            ".a |= 1",
            r#".[@text "a"]"#,
        ] {
            assert_eq!(of(expression), None, "{expression}");
        }
    }

    fn walk_of(expression: &str) -> Option<(usize, Vec<(bool, usize)>)> {
        let walk = walk(&parse(expression)?)?;
        let legs = walk.legs.iter().map(|leg| (leg.optional, leg.below.steps.len()));
        Some((walk.first.steps.len(), legs.collect()))
    }

    #[test]
    fn walks_are_recognised() {
        assert_eq!(walk_of(".[]"), Some((0, vec![(false, 0)])));
        assert_eq!(walk_of(".a.b[]?"), Some((2, vec![(true, 0)])));
        assert_eq!(walk_of(".a[].b[0].c"), Some((1, vec![(false, 3)])));
        assert_eq!(walk_of(".a | .[] | .b | .[]? | .c"), Some((1, vec![(false, 1), (true, 1)])));
        assert_eq!(walk_of(".a[][]"), Some((1, vec![(false, 0), (false, 0)])));
        assert_eq!(walk_of("(.a.b)?[]"), Some((2, vec![(false, 0)])));
        assert_eq!(walk_of(".a"), Some((1, vec![])));
        for expression in ["(.[])?", ".[1:]", ".[] | select(.a)", ".[], .a", "[.[]]", ".a[.b]"] {
            assert_eq!(walk_of(expression), None, "{expression}");
        }
        let mut walk = walk(&parse("(.a.b)?[].c?").unwrap()).unwrap();
        assert_eq!((walk.first.optional, walk.end().optional), (0b11, 0b1));
    }

    #[test]
    fn a_walk_of_too_many_legs_is_left_to_the_interpreter() {
        assert_eq!(walk_of(&format!(".{}", "[]".repeat(8))).unwrap().1.len(), 8);
        assert_eq!(walk_of(&format!(".{}", "[]".repeat(9))), None);
        assert_eq!(walk_of(&format!(".{} | .[]", "[]".repeat(8))), None);
    }

    #[test]
    fn a_path_of_too_many_steps_is_left_to_the_interpreter() {
        assert_eq!(of(&".a".repeat(64)).unwrap().steps.len(), 64);
        assert_eq!(of(&".a".repeat(65)), None);
        assert_eq!(of(&format!("{} | .b", ".a".repeat(64))), None);
    }
}
