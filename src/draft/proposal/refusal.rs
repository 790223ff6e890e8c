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
    let signs: Vec<Option<(bool, Vec<Condition>)>> = all.iter().map(|answer| signs(answer, &all)).collect();
    if signs.iter().all(Option::is_some) && !all.is_empty() {
        let first = &all[0];
        notes.push(format!(
            "{} seem to say that there is nothing: {}",
            some_of(all.len(), all.len()),
            said(first)
        ));
        return Sifted { answers: all, missing: None, ok: None };
    }
    let everything = all.clone();
    let (mut answers, mut unknown, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (answer, signs) in all.into_iter().zip(signs) {
        match signs {
            None => answers.push(answer),
            Some((is_unknown, signs)) => {
                let home = if is_unknown { &mut unknown } else { &mut failed };
                home.push(Refusal { answer, is_unknown, signs });
            }
        }
    }
    let untouched: Vec<&Answer<'_>> = answers.iter().collect();
    let apart: Vec<&Answer<'_>> =
        untouched.iter().copied().chain(failed.iter().map(|one| &one.answer)).collect();
    let missing = cover(&unknown, &apart);
    let ok = cover(&failed, &untouched);
    let total = everything.len();
    let proposed = |conditions: &Vec<Condition>, refusals: &[Refusal<'_>]| {
        let known: Vec<&Refusal<'_>> =
            refusals.iter().filter(|one| conditions.iter().any(|c| c.holds(&one.answer))).collect();
        let first = *known.first()?;
        let advice = if first.is_unknown { "" } else { ": if the id is unknown then, make it `missing`" };
        Some(format!("{} said {}{advice}", some_of(known.len(), total), said(&first.answer)))
    };
    let missing_why = proposed(&missing, &unknown);
    let ok_why = proposed(&ok, &failed);
    let left_over = |refusals: Vec<Refusal<'a>>, conditions: &[Condition]| -> Vec<Answer<'a>> {
        let is_left = |one: &Refusal<'_>| !conditions.iter().any(|condition| condition.holds(&one.answer));
        refusals.into_iter().filter(is_left).map(|one| one.answer).collect()
    };
    let left: Vec<Answer<'a>> =
        [left_over(unknown, &missing), left_over(failed, &[&missing[..], &ok[..]].concat())].concat();
    if let Some(first) = left.first() {
        let some = some_of(left.len(), total);
        notes.push(format!(
            "{some} may say that there is nothing, but no condition tells them apart: {}",
            said(first)
        ));
    }
    answers.extend(left);
    Sifted {
        answers,
        missing: missing_why.map(|why| Proposed::new(condition::any(&missing, &everything), why)),
        ok: ok_why.map(|why| Proposed::new(condition::none(&ok, &everything), why)),
    }
}

/// The fewest conditions found that hold for refusals and for none of the others.
fn cover(refusals: &[Refusal<'_>], others: &[&Answer<'_>]) -> Vec<Condition> {
    let mut left: Vec<&Refusal<'_>> = refusals.iter().collect();
    let mut chosen: Vec<Condition> = Vec::new();
    while chosen.len() < MOST {
        let held = |sign: &Condition, left: &[&Refusal<'_>]| {
            left.iter().filter(|one| sign.holds(&one.answer)).count()
        };
        let fit = left
            .iter()
            .flat_map(|one| &one.signs)
            .filter(|sign| !others.iter().any(|other| sign.holds(other)));
        // The first of those that hold for as many.
        let best = fit.fold(None, |best: Option<(&Condition, usize)>, sign| {
            let count = held(sign, &left);
            if best.is_none_or(|(_, most)| count > most) { Some((sign, count)) } else { best }
        });
        let Some(best) = best.map(|(sign, _)| sign.clone()) else { break };
        left.retain(|one| !best.holds(&one.answer));
        chosen.push(best);
    }
    chosen
}

/// Whether an answer seems to be none because the id is unknown, and by what that may be known; none if it is an answer.
fn signs(answer: &Answer<'_>, all: &[Answer<'_>]) -> Option<(bool, Vec<Condition>)> {
    let json = answer.json;
    if json.is_empty() || json.text() == "false" {
        let is_list_elsewhere = json.kind() == Kind::Array && has_longer(all.iter().map(|other| other.json));
        let whole = Condition::equal(&[], Some(json))?;
        return (!is_list_elsewhere).then(|| (true, vec![whole]));
    }
    if json.kind() != Kind::Object || has_payload(answer) {
        return None;
    }
    let told = told(answer);
    let hollow = hollow(answer, all);
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

/// Whether it holds something besides facts about itself.
fn has_payload(answer: &Answer<'_>) -> bool {
    let is_talk =
        |name: &str| is_one_of(&ERRORS, name) || is_one_of(&MESSAGES, name) || is_one_of(&FLAGS, name);
    let (mut scalars, mut containers) = (0, 0);
    for (name, value) in answer.members.iter().filter(|(name, value)| !is_talk(name) && !value.is_empty()) {
        if value.is_container() && (words::is_container(name) || !words::is_fact(name)) {
            containers += 1;
        } else if !words::is_fact(name) {
            scalars += 1;
        }
    }
    containers > 0 || scalars > 3
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

/// Where an answer has nothing, and others have something.
fn hollow(answer: &Answer<'_>, all: &[Answer<'_>]) -> Vec<Condition> {
    let filled = |key: &str| {
        all.iter()
            .filter_map(|other| other.member(key))
            .filter(|value| value.is_container() && !value.is_empty())
            .collect::<Vec<_>>()
    };
    let mut conditions = Vec::new();
    let keys = all.iter().flat_map(|other| &other.members).map(|(key, _)| key);
    let mut seen: Vec<&str> = Vec::new();
    for key in keys.filter(|key| words::is_container(key)) {
        if seen.contains(&key.as_str()) {
            continue;
        }
        seen.push(key);
        let value = answer.member(key);
        let elsewhere = filled(key);
        if value.is_none_or(Json::is_empty) && !elsewhere.is_empty() && !has_longer(elsewhere.into_iter()) {
            conditions.extend(Condition::equal(&[key], value));
        }
    }
    conditions
}

/// Whether its words say that the id is unknown.
fn is_unknown(answer: &Answer<'_>) -> bool {
    let words = answer.json.text().chars().take(1000).collect::<String>().to_lowercase();
    let has = |known: &[&str]| known.iter().any(|word| words.contains(word));
    if has(&UNKNOWN) {
        return true;
    }
    // A flag alone says only that there is nothing.
    let is_wordless = answer.members.iter().all(|(name, value)| {
        value.is_empty()
            || is_one_of(&FLAGS, name)
            || words::is_fact(name) && !is_one_of(&ERRORS, name) && !is_one_of(&MESSAGES, name)
    });
    is_wordless && !has(&FAILED)
}

/// What an answer says, cut.
fn said(answer: &Answer<'_>) -> String {
    let line: String = answer.json.text().split_whitespace().collect::<Vec<_>>().join(" ");
    crate::value::cut(&line, 120).into_owned()
}
