//! What single terms of jq's syntax tree say.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::Term;
use jaq_core::path::Part;

/// The text of a string without interpolation and format.
pub(in crate::job) fn literal(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    let piece = |part: &StrPart<&str, Term<&str>>| match part {
        StrPart::Str(piece) => Some((*piece).to_owned()),
        StrPart::Char(one) => Some(one.to_string()),
        StrPart::Term(_) => None,
    };
    parts.iter().map(piece).collect()
}

/// A piece of the expression to point at.
pub(super) fn place_of<'a>(term: &Term<&'a str>) -> Option<&'a str> {
    match term {
        Term::Num(text) | Term::Call(text, _) | Term::Var(text) | Term::Break(text) => Some(text),
        Term::Str(_, parts) => match parts.as_slice() {
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        Term::Path(above, steps) => {
            let first = steps.0.first().and_then(|(step, _)| match step {
                Part::Index(key) => place_of(key),
                Part::Range(..) => None,
            });
            first.or_else(|| place_of(above))
        }
        _ => None,
    }
}
