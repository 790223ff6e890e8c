//! Templates where they stand: parsed, and without what may not stand there.

use super::names::GivenNames;
use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::At;
use crate::job::template::spelled;
use crate::job::{Part, Template};

/// A template that makes a part of a request.
pub(super) fn validated(
    written: &At<String>,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    let template = of_a_url(written, known, mistakes)?;
    for part in &template.parts {
        if let Part::Url(name) = part {
            let message =
                format!("`{{{}:url}}` is a whole URL, which stands alone in `url` only", spelled(name));
            let hint = "leave out `:url`: the value is then encoded for its place";
            mistakes.add(&slot(written, part, known), message, hint);
        }
    }
    Some(template)
}

/// A template of which nothing is known but what it says itself.
pub(super) fn without_answers(written: &At<String>, mistakes: &mut Mistakes) -> Option<Template> {
    let parsed = Template::parse(written.text(), &[]);
    for mistake in parsed.as_ref().err().into_iter().flatten() {
        mistakes.add(&written.part(mistake.range.clone()), &mistake.message, &mistake.hint);
    }
    parsed.ok()
}

/// A template that makes the URL: it may be a whole one from the list.
pub(super) fn of_a_url(
    written: &At<String>,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    let parsed = Template::parse(written.text(), &known.answers);
    for mistake in parsed.as_ref().err().into_iter().flatten() {
        mistakes.add(&written.part(mistake.range.clone()), &mistake.message, &mistake.hint);
    }
    let template = parsed.ok()?;
    for part in &template.parts {
        if let Part::Answer { endpoint, .. } = part {
            check_single(*endpoint, &slot(written, part, known), known, mistakes);
        }
    }
    Some(template)
}

/// Notes the use, at `place`, of a column of which a record has as many values as rows.
pub(super) fn check_single(endpoint: usize, place: &Span, known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    if known.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.explodes) {
        let name = &known.answers[endpoint].endpoint;
        let message = format!("endpoint `{name}` has `rows`: its columns have no single value to use");
        mistakes.add(place, message, "use columns of the list or of endpoints without `rows`");
    }
}

/// Where a part that is no literal text stands first.
pub(super) fn slot(written: &At<String>, part: &Part, known: &GivenNames<'_>) -> Span {
    match Template::place_of(written.text(), part, &known.answers) {
        Some(place) => written.part(place),
        None => written.span.clone(),
    }
}
