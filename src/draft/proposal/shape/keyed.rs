//! Objects that are keyed by the id they are about.

use super::{Answer, Json, Kind, Level, Shape, jq_path};
use crate::draft::proposal::Proposed;
use crate::draft::proposal::spelling::jq_key;
use crate::draft::proposal::statuses::some_of;

/// Letters of an id that are not in a key by chance.
const LONG_ID: usize = 4;

/// Members by which an object says that the id is unknown.
const MARKS: [&str; 3] = ["missing", "invalid", "error"];

/// An object's one member, and the names of lists beside it.
struct Keyed<'a> {
    key: String,
    object: Json<'a>,
    lists: Vec<String>,
}

/// Objects that are keyed by the id: `{"tt01": {…}}`, perhaps beside a list of the keys.
pub(super) fn keyed<'a>(
    level: &Level<'a>,
    answers: &[Answer<'a>],
    notes: &mut Vec<String>,
) -> Option<Shape<'a>> {
    let filled = answers.iter().zip(&level.values).filter(|(_, value)| !value.is_null());
    let all: Vec<Keyed<'a>> =
        filled.map(|(answer, value)| one(answer.id, *value)).collect::<Option<Vec<_>>>()?;
    let first = all.first()?;
    if all.len() > 1 && all.iter().all(|one| one.key == first.key) {
        return None;
    }
    let above = jq_path("", &level.keys);
    // What is null has no members.
    let optional = if all.len() < level.values.len() { "?" } else { "" };
    let mut lists: Vec<&String> = all.iter().flat_map(|one| &one.lists).collect();
    lists.sort_unstable();
    lists.dedup();
    let names: Vec<String> = lists.into_iter().map(|name| jq_key(name)).collect();
    let above = if names.is_empty() { above } else { format!("({above} | del({}))", names.join(", ")) };
    let path = format!("{above}[]{optional}");
    notes.push(format!(
        "answers are objects keyed by an id ({}): columns are taken from whatever key there is",
        first.key
    ));
    let (missing, items) = without_marked(&path, &all);
    Some(Shape { missing, ..Shape::of_items(path, items) })
}

/// What is keyed by the id, or by a number; lists beside it name the key.
fn one<'a>(id: &str, value: Json<'a>) -> Option<Keyed<'a>> {
    let (mut objects, others): (Vec<_>, Vec<_>) =
        value.members().into_iter().partition(|(_, value)| value.kind() == Kind::Object);
    let (key, object) = objects.pop().filter(|_| objects.is_empty())?;
    let names_it = |list: &Json<'_>| {
        list.kind() == Kind::Array && list.elements().iter().any(|one| one.scalar().as_ref() == Some(&key))
    };
    let (lower, id) = (key.to_lowercase(), id.to_lowercase());
    let is_of_id = lower == id || id.len() >= LONG_ID && lower.contains(&id) || key.parse::<i64>().is_ok();
    let is_keyed = is_of_id && others.iter().all(|(_, value)| names_it(value));
    let lists = others.into_iter().map(|(name, _)| name).collect();
    is_keyed.then_some(Keyed { key, object, lists })
}

/// Objects without those that have a mark that others lack, and the condition that holds for these.
fn without_marked<'a>(path: &str, all: &[Keyed<'a>]) -> (Option<Proposed<String>>, Vec<Json<'a>>) {
    let has = |one: &Keyed<'a>, mark: &str| one.object.member(mark).is_some_and(|value| !value.is_null());
    let objects = |of: &mut dyn Iterator<Item = &Keyed<'a>>| of.map(|one| one.object).collect();
    let mark = MARKS.iter().find(|mark| {
        let marked = all.iter().filter(|one| has(one, mark)).count();
        marked > 0 && marked < all.len()
    });
    let Some(mark) = mark else { return (None, objects(&mut all.iter())) };
    let marked: Vec<&Keyed<'a>> = all.iter().filter(|one| has(one, mark)).collect();
    let because =
        format!("{} had `{mark}` in the object, as for {}", some_of(marked.len(), all.len()), marked[0].key);
    let condition = format!("{path}{} != null", jq_key(mark));
    (Some(Proposed::new(condition, because)), objects(&mut all.iter().filter(|one| !has(one, mark))))
}
