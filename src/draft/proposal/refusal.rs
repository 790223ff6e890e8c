//! Answers with a status of success that say that they are none: the id is unknown, or something failed.
//!
//! Promise: an answer is taken for one only if a condition tells it apart from all that are left; if all answers look like
//! refusals, none is taken for one. Words decide whether an id is unknown. Where they do not, it is a failure, which somebody
//! sees, rather than an id without values, which nobody does.

use super::answer::Answer;
use super::condition::{self, Condition};
use super::json::{Json, Kind};
use super::statuses::some_of;
use super::{Proposed, words};

/// Most conditions that are joined.
const MOST: usize = 4;

/// Most facts beside an error: what has more is something.
const MOST_SCALARS: usize = 3;

/// Names under which an answer says whether it is a success.
const FLAGS: [&str; 12] = [
    "success",
    "ok",
    "found",
    "response",
    "status",
    "stat",
    "result",
    "state",
    "cod",
    "code",
    "statuscode",
    "exists",
];

/// What stands there if it is none.
const BAD: [&str; 12] = [
    "false",
    "error",
    "fail",
    "failed",
    "failure",
    "nok",
    "ko",
    "notfound",
    "not_found",
    "not found",
    "err",
    "0",
];

/// Names of what went wrong.
const ERRORS: [&str; 10] = [
    "error",
    "errors",
    "errormessage",
    "errormsg",
    "errorcode",
    "fault",
    "exception",
    "errcode",
    "errmsg",
    "problem",
];

/// Names of words to people.
const MESSAGES: [&str; 7] = ["message", "msg", "detail", "details", "description", "reason", "info"];

/// What is said where the id is unknown.
const UNKNOWN: [&str; 18] = [
    "not found",
    "notfound",
    "not_found",
    "unknown",
    "not exist",
    "n't exist",
    "no such",
    "incorrect",
    "invalid id",
    "no data",
    "no result",
    "no record",
    "no match",
    "no item",
    "cannot find",
    "could not find",
    "couldn't find",
    "nothing found",
];

/// What is said where something else is the matter.
const FAILED: [&str; 20] = [
    "limit",
    "quota",
    "too many",
    "throttl",
    "api key",
    "apikey",
    "api_key",
    "token",
    "unauthor",
    "forbidden",
    "permission",
    "denied",
    "credential",
    "maintenance",
    "unavailable",
    "internal",
    "timeout",
    "timed out",
    "try again",
    "expired",
];

/// What was found out.
pub(super) struct Sifted<'a> {
    /// Answers that are some.
    pub(super) answers: Vec<Answer<'a>>,
    /// jq.
    pub(super) missing: Option<Proposed<String>>,
    /// jq.
    pub(super) ok: Option<Proposed<String>>,
}

/// An answer that seems to be none.
struct Refusal<'a> {
    answer: Answer<'a>,
    is_unknown: bool,
    /// By which it may be known, the best first.
    signs: Vec<Condition>,
}

/// Parts answers from those that say that they are none.
pub(super) fn sifted<'a>(all: Vec<Answer<'a>>, notes: &mut Vec<String>) -> Sifted<'a> {
    let refusals: Vec<Option<Refusal<'a>>> = all.iter().map(|answer| Refusal::of(answer, &all)).collect();
    if refusals.iter().all(Option::is_some) {
        if let Some(first) = all.first() {
            let some = some_of(all.len(), all.len());
            notes.push(format!("{some} seem to say that there is nothing: {}", said(first)));
        }
        return Sifted { answers: all, missing: None, ok: None };
    }
    let plain: Vec<&Answer<'a>> =
        all.iter().zip(&refusals).filter(|(_, one)| one.is_none()).map(|(one, _)| one).collect();
    let (unknown, failed): (Vec<&Refusal<'a>>, Vec<&Refusal<'a>>) =
        refusals.iter().flatten().partition(|refusal| refusal.is_unknown);
    let apart: Vec<&Answer<'a>> = plain.iter().copied().chain(failed.iter().map(|one| &one.answer)).collect();
    let (missing, ok) = (cover(&unknown, &apart), cover(&failed, &plain));
    let why = |conditions: &[Condition], refusals: &[&Refusal<'a>]| {
        let known: Vec<&&Refusal<'a>> = refusals.iter().filter(|one| one.is_told_by(conditions)).collect();
        let first = known.first()?;
        let advice = if first.is_unknown { "" } else { ": if the id is unknown then, make it `missing`" };
        Some(format!("{} said {}{advice}", some_of(known.len(), all.len()), said(&first.answer)))
    };
    let sifted = |answers| Sifted {
        answers,
        missing: why(&missing, &unknown).map(|why| Proposed::new(condition::any(&missing, &all), why)),
        ok: why(&ok, &failed).map(|why| Proposed::new(condition::none(&ok, &all), why)),
    };
    let told = [&missing[..], &ok[..]].concat();
    let left: Vec<&Answer<'a>> =
        refusals.iter().flatten().filter(|one| !one.is_told_by(&told)).map(|one| &one.answer).collect();
    tell_of_those_left(&left, all.len(), notes);
    sifted(plain.into_iter().chain(left).cloned().collect())
}

fn tell_of_those_left(left: &[&Answer<'_>], all: usize, notes: &mut Vec<String>) {
    if let Some(first) = left.first() {
        let some = some_of(left.len(), all);
        notes.push(format!(
            "{some} may say that there is nothing, and no condition tells them apart: {}",
            said(first)
        ));
    }
}

/// Conditions that hold for refusals and for none of the others, those that say most clearly what they are about first.
fn cover(refusals: &[&Refusal<'_>], others: &[&Answer<'_>]) -> Vec<Condition> {
    let mut left: Vec<&Refusal<'_>> = refusals.to_vec();
    let mut chosen: Vec<Condition> = Vec::new();
    while chosen.len() < MOST {
        let fits = |sign: &Condition| !others.iter().any(|other| sign.holds(other));
        let held = |sign: &Condition| left.iter().filter(|one| sign.holds(&one.answer)).count();
        let ranked = left.iter().flat_map(|one| one.signs.iter().enumerate()).filter(|(_, sign)| fits(sign));
        // The first of those that are as clear, and hold for as many.
        let best = ranked.min_by_key(|(rank, sign)| (*rank, usize::MAX - held(sign)));
        let Some(best) = best.map(|(_, sign)| sign.clone()) else { break };
        left.retain(|one| !best.holds(&one.answer));
        chosen.push(best);
    }
    chosen
}

impl<'a> Refusal<'a> {
    /// An answer as a refusal, if it looks like one.
    fn of(answer: &Answer<'a>, all: &[Answer<'a>]) -> Option<Refusal<'a>> {
        let (is_unknown, signs) = signs(answer, all)?;
        Some(Refusal { answer: answer.clone(), is_unknown, signs })
    }

    fn is_told_by(&self, conditions: &[Condition]) -> bool {
        conditions.iter().any(|condition| condition.holds(&self.answer))
    }
}

/// Whether an answer seems to be none because the id is unknown, and by what that may be known; none if it is an answer.
fn signs(answer: &Answer<'_>, all: &[Answer<'_>]) -> Option<(bool, Vec<Condition>)> {
    let json = answer.json;
    if json.is_empty() || json.text() == "false" {
        let is_list_elsewhere = json.kind() == Kind::Array && has_longer(all.iter().map(|other| other.json));
        let whole = Condition::equal(&[], Some(json))?;
        return (!is_list_elsewhere).then(|| (true, vec![whole]));
    }
    if json.kind() != Kind::Object {
        return None;
    }
    let scalars = scalars_beside(answer)?;
    let told = told(answer);
    let hollow = if scalars == 0 { hollow(answer, all) } else { Vec::new() };
    if told.is_empty() && hollow.is_empty() {
        return None;
    }
    let is_unknown = if told.is_empty() { true } else { is_unknown(answer) };
    let members = answer.members.iter().filter(|(_, value)| !value.is_container() && !value.is_null());
    let others = members.filter_map(|(key, value)| Condition::equal(&[key], Some(*value)));
    Some((is_unknown, told.into_iter().chain(hollow).chain(others).collect()))
}

/// Whether a list somewhere has several elements: an empty one then only has none.
fn has_longer<'a>(mut lists: impl Iterator<Item = Json<'a>>) -> bool {
    lists.any(|list| list.elements().len() > 1)
}

/// How many scalars an answer holds besides what it says of itself; none where that is too much for a refusal.
fn scalars_beside(answer: &Answer<'_>) -> Option<usize> {
    let is_talk = |name: &str| [&ERRORS[..], &MESSAGES, &FLAGS].iter().any(|names| is_one_of(names, name));
    let is_echo = |value: Json<'_>| value.scalar().as_deref() == Some(answer.id);
    let mut scalars = 0;
    for (name, value) in answer.members.iter().filter(|(_, value)| !value.is_empty()) {
        if is_talk(name) {
            continue;
        }
        if value.is_container() && (words::is_container(name) || !words::is_fact(name)) {
            return None;
        }
        if !words::is_fact(name) && !is_echo(*value) {
            scalars += 1;
        }
        // Not all of ten thousand keys need be looked at.
        if scalars > MOST_SCALARS {
            return None;
        }
    }
    Some(scalars)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.contains(&words::bare(name).as_str())
}

/// What an answer says of errors, as conditions.
fn told(answer: &Answer<'_>) -> Vec<Condition> {
    let mut flags = Vec::new();
    let mut errors = Vec::new();
    let mut messages = Vec::new();
    for (name, value) in &answer.members {
        let is_told = !value.is_empty() && !is_good(*value);
        if is_one_of(&FLAGS, name) && is_bad(*value) {
            flags.extend(Condition::equal(&[name], Some(*value)));
        } else if is_one_of(&ERRORS, name) && is_told {
            errors.push(Condition::present(&[name]));
            errors.extend(Condition::equal(&[name], Some(*value)));
            let inner = value.members().into_iter().filter(|(_, inner)| !inner.is_container());
            errors.extend(inner.filter_map(|(below, inner)| Condition::equal(&[name, &below], Some(inner))));
        } else if is_one_of(&MESSAGES, name) && value.kind() == Kind::Text && is_told {
            messages.push(Condition::present(&[name]));
        }
    }
    [flags, errors, messages].concat()
}

/// What stands for no error.
fn is_good(value: Json<'_>) -> bool {
    let text = value.scalar().unwrap_or_default().to_ascii_lowercase();
    ["false", "0", "ok", "none", "success", "no error"].contains(&text.as_str())
}

fn is_bad(value: Json<'_>) -> bool {
    let text = value.scalar().unwrap_or_default().to_ascii_lowercase();
    let is_status = text.parse::<u16>().is_ok_and(|number| (400..600).contains(&number));
    is_status || BAD.contains(&text.as_str()) && !(text == "0" && value.kind() == Kind::Text)
}

/// Where an answer has nothing, and others have something, but no lists of several.
fn hollow(answer: &Answer<'_>, all: &[Answer<'_>]) -> Vec<Condition> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in all.iter().flat_map(|other| &other.members) {
        if words::is_container(key)
            && !keys.contains(&key.as_str())
            && answer.member(key).is_none_or(Json::is_empty)
        {
            keys.push(key);
        }
    }
    let is_hollow = |key: &&str| {
        let elsewhere = all.iter().filter_map(|other| other.member(key));
        let mut filled = elsewhere.filter(|value| value.is_container() && !value.is_empty()).peekable();
        filled.peek().is_some() && !has_longer(filled)
    };
    keys.into_iter()
        .filter(is_hollow)
        .filter_map(|key| Condition::equal(&[key], answer.member(key)))
        .collect()
}

/// Whether its words say that the id is unknown.
fn is_unknown(answer: &Answer<'_>) -> bool {
    let words = answer.json.text().chars().take(1000).collect::<String>().to_lowercase();
    let has = |known: &[&str]| known.iter().any(|word| words.contains(word));
    if has(&UNKNOWN) {
        return true;
    }
    // A flag alone says only that there is nothing.
    let is_talk = |name: &str| is_one_of(&ERRORS, name) || is_one_of(&MESSAGES, name);
    let is_wordless = answer.members.iter().all(|(name, value)| value.is_empty() || !is_talk(name));
    is_wordless && !has(&FAILED)
}

/// What an answer says, cut.
fn said(answer: &Answer<'_>) -> String {
    let line: String = answer.json.text().split_whitespace().collect::<Vec<_>>().join(" ");
    crate::value::cut(&line, 120).into_owned()
}
