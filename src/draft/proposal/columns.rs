//! From objects to columns: keys one level deep, what is deeper as json; names, types, words for null.
//!
//! Promise: of as many columns as there may be, the first 200 are proposed and the others named.

use std::collections::HashMap;

use super::json::{Json, Kind};
use super::name::Names;
use super::shape::{Beside, Shape};
use super::spelling::{jq_key, toml_texts};
use super::types::{self, Guess, Seen, nulls};
use super::words;
use super::{Proposal, Proposed, ProposedColumn};
use crate::job::LONGEST_JQ;
use crate::job::toml_text;
use crate::value::{self, Type};

/// Most columns that are proposed.
const MOST: usize = 200;

/// Columns beyond those that are named.
const NAMED: usize = 20;

/// Most keys of an object within that become columns of their own.
const WIDEST: usize = 40;

/// Names of columns that, as a bare text, could be meant as keys of the endpoint.
const KEYS: [&str; 10] = ["ok", "missing", "rows", "when", "cost", "body", "limit", "method", "auth", "pipe"];

/// What may become a column.
struct Candidate<'a> {
    /// Keys that lead to it from a row, or an answer.
    keys: Vec<String>,
    /// How many of them, from the last on, its name is made of.
    alone: usize,
    jq: String,
    /// Of how many there are.
    of: usize,
    /// Whether it is one of the whole answer, beside rows.
    is_beside: bool,
    /// Those that are not null.
    values: Vec<Json<'a>>,
}

/// Proposes columns for all that answers have.
pub(super) fn propose(shape: Shape<'_>, mut names: Names, proposal: &mut Proposal) {
    let beside = shape.beside.as_ref().map_or_else(Vec::new, beside);
    let mut candidates = match shape.side_by_side {
        Some(columns) => columns.into_iter().enumerate().map(by_place).collect(),
        None => of_items(&shape.items, &shape.from),
    };
    candidates.extend(beside);
    leave_out(&mut candidates, &mut proposal.notes);
    let named: Vec<(String, Candidate<'_>)> = candidates
        .into_iter()
        .map(|candidate| {
            let keys: Vec<&str> = candidate.keys.iter().map(String::as_str).collect();
            (names.give(&keys, candidate.alone), candidate)
        })
        .collect();
    let guessed: Vec<Guess> = named.iter().map(|(name, candidate)| guess(name, candidate)).collect();
    let common = common_nulls(&named, &guessed);
    proposal.columns = named
        .into_iter()
        .zip(guessed)
        .map(|((name, candidate), guess)| column(name, &candidate, &guess, &common))
        .collect();
    let count = common.len();
    if count > 0 {
        proposal.nulls = Some(Proposed::new(common, "in several columns"));
    }
}

fn guess(name: &str, candidate: &Candidate<'_>) -> Guess {
    types::guess(&Seen { words: name.split('_').collect(), values: &candidate.values, of: candidate.of })
}

/// What is beside rows, in the same order.
fn beside<'a>(beside: &Beside<'a>) -> Vec<Candidate<'a>> {
    let mut all = members(&beside.objects, &beside.from);
    all.retain(|candidate| beside.keys.contains(&candidate.keys[0]));
    all.into_iter().map(|candidate| Candidate { is_beside: true, ..candidate }).collect()
}

fn by_place<'a>((place, (key, values)): (usize, (String, Vec<Json<'a>>))) -> Candidate<'a> {
    let of = values.len();
    let values = values.into_iter().filter(|value| !value.is_null()).collect();
    Candidate { keys: vec![key], alone: 1, jq: format!(".[{place}]"), of, is_beside: false, values }
}

/// What stands in items: members of objects, places of lists, or the items themselves.
fn of_items<'a>(items: &[Json<'a>], from: &str) -> Vec<Candidate<'a>> {
    let of = items.len();
    let filled: Vec<Json<'a>> = items.iter().copied().filter(|item| !item.is_null()).collect();
    let is_all = |kind| filled.iter().all(|item| item.kind() == kind);
    if filled.is_empty() {
        return Vec::new();
    }
    if is_all(Kind::Object) && filled.iter().any(|item| !item.is_empty()) {
        return members(items, from);
    }
    if is_all(Kind::Array) && !from.is_empty() || !is_all(Kind::Array) {
        let jq = if from.is_empty() { ".".to_owned() } else { from.to_owned() };
        return vec![Candidate {
            keys: vec!["value".to_owned()],
            alone: 1,
            jq,
            of,
            is_beside: false,
            values: filled,
        }];
    }
    places(&filled, of)
}

/// Lists that are rows: each of their places is a column.
fn places<'a>(lists: &[Json<'a>], of: usize) -> Vec<Candidate<'a>> {
    let lists: Vec<Vec<Json<'a>>> = lists.iter().map(|list| list.elements()).collect();
    let widest = lists.iter().map(Vec::len).max().unwrap_or_default();
    let at = |place: usize| lists.iter().filter_map(move |list| list.get(place).copied());
    (0..widest)
        .map(|place| Candidate {
            keys: vec![format!("column_{}", place + 1)],
            alone: 1,
            jq: format!(".[{place}]"),
            of,
            is_beside: false,
            values: at(place).filter(|value| !value.is_null()).collect(),
        })
        .collect()
}

/// What objects have under one key.
struct Slot<'a> {
    key: String,
    values: Vec<Json<'a>>,
}

fn slots<'a>(objects: &[Json<'a>]) -> Vec<Slot<'a>> {
    let mut slots: Vec<Slot<'a>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, value) in objects.iter().flat_map(|object| object.members()) {
        let place = *places.entry(key.clone()).or_insert_with(|| {
            slots.push(Slot { key, values: Vec::new() });
            slots.len() - 1
        });
        if !value.is_null() {
            slots[place].values.push(value);
        }
    }
    slots
}

/// The members of objects; of a wrapper those of what it wraps, of objects within them their own.
fn members<'a>(objects: &[Json<'a>], from: &str) -> Vec<Candidate<'a>> {
    let top = slots(objects);
    let scalars = top.iter().filter(|slot| slot.values.iter().any(|value| !value.is_container())).count();
    let (of, is_beside) = (objects.len(), false);
    let mut candidates = Vec::new();
    for slot in top {
        let path = format!("{from}{}", jq_key(&slot.key));
        let keys = vec![slot.key.clone()];
        let Some(inner) = slot.inner() else {
            candidates.push(Candidate { keys, alone: 1, jq: path, of, is_beside, values: slot.values });
            continue;
        };
        let is_wrapper = words::is_wrapper(&slot.key) && inner.len() >= scalars;
        let optional = slot.optional();
        for below in inner {
            let path = format!("{path}{}{optional}", jq_key(&below.key));
            let keys = [&keys[..], std::slice::from_ref(&below.key)].concat();
            match below.inner().filter(|_| is_wrapper) {
                Some(deepest) => {
                    let optional = below.optional();
                    candidates.extend(deepest.into_iter().map(|slot| Candidate {
                        jq: format!("{path}{}{optional}", jq_key(&slot.key)),
                        keys: [&keys[..], &[slot.key]].concat(),
                        alone: 2,
                        of,
                        is_beside,
                        values: slot.values,
                    }));
                }
                None => {
                    let alone = if is_wrapper { 1 } else { 2 };
                    candidates.push(Candidate { keys, alone, jq: path, of, is_beside, values: below.values });
                }
            }
        }
    }
    candidates
}

impl<'a> Slot<'a> {
    /// What its objects have, where each key of those is worth a column: they are objects in all answers, and no dictionary.
    fn inner(&self) -> Option<Vec<Slot<'a>>> {
        let is_object = |value: &Json<'_>| {
            value.kind() == Kind::Object || value.kind() == Kind::Array && value.is_empty()
        };
        if !self.values.iter().all(is_object) || self.values.iter().all(|value| value.is_empty()) {
            return None;
        }
        let inner = slots(&self.values);
        let members: usize = self.values.iter().map(|value| value.members().len()).sum();
        let keys = || inner.iter().map(|slot| slot.key.as_str());
        // Keys that are ids or days, and values that all are objects, are those of a dictionary.
        let is_dictionary = inner.len() > 1 && keys().all(is_no_name)
            || inner.len() > 8
                && inner.iter().all(|slot| slot.values.iter().all(|value| value.is_container()));
        let is_thin = inner.len() > 8 && members * 3 < inner.len() * self.values.len();
        (inner.len() <= WIDEST && !is_thin && !is_dictionary).then_some(inner)
    }

    /// Where some write `[]` for an object without members, a step down may find an array.
    fn optional(&self) -> &'static str {
        if self.values.iter().any(|value| value.kind() == Kind::Array) { "?" } else { "" }
    }
}

/// Whether a key is a number or a day.
fn is_no_name(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Leaves out what are too many, and what no expression can reach.
fn leave_out(candidates: &mut Vec<Candidate<'_>>, notes: &mut Vec<String>) {
    let all = candidates.len();
    candidates.retain(|candidate| candidate.jq.len() <= LONGEST_JQ);
    if candidates.len() < all {
        notes.push(format!("{} keys are too long to be columns", all - candidates.len()));
    }
    if candidates.len() > MOST {
        let others = candidates.split_off(MOST);
        let names: Vec<String> =
            others.iter().take(NAMED).map(|other| value::cut(&other.jq, 60).into_owned()).collect();
        let more = if others.len() > NAMED { ", …" } else { "" };
        notes.push(format!("{} keys more are no columns: {}{more}", others.len(), names.join(", ")));
    }
}

/// Texts that mean null in several columns.
fn common_nulls(named: &[(String, Candidate<'_>)], guessed: &[Guess]) -> Vec<String> {
    let mut columns: Vec<(String, usize)> = Vec::new();
    for ((_, candidate), guess) in named.iter().zip(guessed) {
        let is_text = guess.reading.ty == Type::Text;
        let mut words: Vec<String> = guess.nulls.clone();
        if is_text {
            // An empty text may mean something where texts are expected.
            words = candidate
                .values
                .iter()
                .filter_map(|value| value.scalar())
                .filter(|text| !text.is_empty())
                .collect();
            words.sort_unstable();
            words.dedup();
        }
        for word in words.into_iter().filter(|word| nulls::is_in_any_text(word)) {
            match columns.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => columns.push((word, 1)),
            }
        }
    }
    columns.into_iter().filter(|(_, count)| *count > 1).map(|(word, _)| word).collect()
}

fn column(name: String, candidate: &Candidate<'_>, guess: &Guess, common: &[String]) -> ProposedColumn {
    let own: Vec<&String> = guess.nulls.iter().filter(|word| !common.contains(word)).collect();
    let nulls: Vec<&String> = common.iter().chain(own.iter().copied()).collect();
    let mut keys = guess.reading.keys();
    if candidate.is_beside {
        keys.insert(0, "from = \"answer\"".to_owned());
    }
    if !own.is_empty() {
        let at = keys.len().saturating_sub(1);
        keys.insert(at, format!("nulls = {}", toml_texts(&nulls)));
    }
    let is_null = |value: &Json<'_>| {
        value.kind() == Kind::Text && value.scalar().is_some_and(|text| nulls.contains(&&text))
    };
    let filled: Vec<&Json<'_>> = candidate.values.iter().filter(|value| !is_null(value)).collect();
    let bare = toml_text(&candidate.jq);
    let toml = if keys.is_empty() && !KEYS.contains(&name.as_str()) {
        bare
    } else {
        format!("{{ {} }}", [vec![format!("jq = {bare}")], keys].concat().join(", "))
    };
    ProposedColumn {
        name,
        toml,
        type_word: guess.reading.ty.to_string(),
        from: candidate.jq.clone(),
        example: filled.first().and_then(|value| example(**value, guess)),
        nulls: candidate.of - filled.len(),
        of: candidate.of,
        because: guess.reading.because.clone(),
    }
}

/// A value as it will be in the table.
fn example(json: Json<'_>, guess: &Guess) -> Option<String> {
    let reading = &guess.reading;
    match json.scalar() {
        Some(text) if reading.ty != Type::Json => {
            reading.value(&text).ok().map(|value| value::spelled(&value, reading.ty))
        }
        _ => Some(json.text().to_owned()),
    }
}
