//! What answers that are JSON suggest.

use std::borrow::Cow;

use super::answer::Answer;
use super::json::Json;
use super::name::Names;
use super::{Proposal, Sample, columns, pages, refusal, shape};

/// Deepest nesting that a job allows unless it says otherwise, and the deepest that it may allow.
const USUAL_DEPTH: usize = 128;

/// Proposes by texts that are JSON, each with its sample.
pub(super) fn json(texts: &[(&Sample, Cow<'_, str>)], names: Names, proposal: &mut Proposal) {
    let answers: Vec<Answer<'_>> = texts
        .iter()
        .filter_map(|(sample, text)| Some(Answer::new(&sample.id, Json::parse(text).ok()?)))
        .collect();
    let deepest = texts.iter().map(|(_, text)| depth(text)).max().unwrap_or_default();
    if deepest > USUAL_DEPTH {
        proposal
            .notes
            .push(format!("answers nest {deepest} deep, and more than {USUAL_DEPTH} fail: see `max_depth`"));
    }
    tell_of_one_answer(&answers, &mut proposal.notes);
    let sifted = refusal::sifted(answers, &mut proposal.notes);
    (proposal.missing, proposal.ok) = (sifted.missing, sifted.ok);
    let mut shape = shape::of(&sifted.answers, &mut proposal.notes);
    match (&proposal.missing, shape.missing.take()) {
        (None, told) => proposal.missing = told,
        (Some(_), Some(told)) => {
            proposal.notes.push(format!("an id may be unknown where {}: {}", told.value, told.because));
        }
        (Some(_), None) => {}
    }
    proposal.rows = shape.rows.clone();
    if shape.rows.is_some() {
        let samples: Vec<&Sample> = texts.iter().map(|(sample, _)| *sample).collect();
        let way = pages::way(&samples, &sifted.answers, shape.list.as_deref(), &mut proposal.notes);
        (proposal.pages, proposal.pages_param) = way.map_or((None, None), |way| (Some(way.pages), way.param));
    }
    columns::propose(shape, names, proposal);
}

/// Tells where all ids have one answer.
fn tell_of_one_answer(answers: &[Answer<'_>], notes: &mut Vec<String>) {
    let Some(first) = answers.first().filter(|_| answers.len() > 1) else { return };
    let is_same = |other: &Answer<'_>| other.id != first.id && other.json == first.json;
    if answers[1..].iter().all(is_same) {
        notes.push(format!("all {} answers are the same: does the request name the id?", answers.len()));
    }
}

/// How deeply arrays and objects nest.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
