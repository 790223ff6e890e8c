//! Where in answers the rows are, or the one object that columns are taken from.
//!
//! Promise: a list is taken for rows only where all that is beside it is about the list. What one object has beside a list
//! of its own is never lost.

mod keyed;
mod table;

use std::collections::HashMap;

use super::Proposed;
use super::answer::Answer;
use super::json::{Json, Kind};
use super::spelling::{jq_key, jq_path};
use super::words;

/// Most levels that are gone down.
const DEEPEST: usize = 4;

/// Most rows that are looked at, of all answers together.
const MOST_ROWS: usize = 10_000;

/// Most facts that are named.
const NAMED_FACTS: usize = 6;

/// Where columns are taken from.
pub(super) struct Shape<'a> {
    /// jq that holds for answers in which the id is unknown, where the shape shows these.
    pub(super) missing: Option<Proposed<String>>,
    /// jq, where answers have rows.
    pub(super) rows: Option<Proposed<String>>,
    /// Keys from the top to the list, where that is reached by keys.
    pub(super) list: Option<Vec<String>>,
    /// jq from an answer, or from a row, to what has the columns.
    pub(super) from: String,
    /// What has the columns: one for each row that is looked at, or for each answer.
    pub(super) items: Vec<Json<'a>>,
    /// What is beside the rows, and the same for all rows of an answer.
    pub(super) beside: Option<Beside<'a>>,
    /// Lists of scalars side by side, each a column, instead of items.
    pub(super) side_by_side: Option<Vec<(String, Vec<Json<'a>>)>>,
}

/// Members beside rows.
pub(super) struct Beside<'a> {
    /// jq to the objects.
    pub(super) from: String,
    /// One for each answer.
    pub(super) objects: Vec<Json<'a>>,
    /// Those that count.
    pub(super) keys: Vec<String>,
}

/// What one level of all answers has.
struct Level<'a> {
    keys: Vec<String>,
    /// jq to what is said of the answer beside the way here.
    facts: Vec<String>,
    /// What was left beside the way here.
    beside: Option<Beside<'a>>,
    /// With null where an answer has nothing there.
    values: Vec<Json<'a>>,
}

/// The shape of answers.
pub(super) fn of<'a>(answers: &[Answer<'a>], notes: &mut Vec<String>) -> Shape<'a> {
    let mut level = Level {
        keys: Vec::new(),
        facts: Vec::new(),
        beside: None,
        values: answers.iter().map(|answer| answer.json).collect(),
    };
    for _ in 0..DEEPEST {
        if level.is_all(Kind::Array) {
            return level.list(notes);
        }
        if !level.is_all(Kind::Object) {
            break;
        }
        if let Some(shape) = keyed::keyed(&level, answers, notes).or_else(|| table::side_by_side(&level)) {
            return shape;
        }
        match level.inner() {
            Some(inner) => level = level.below(inner),
            None => break,
        }
    }
    let from = jq_path("", &level.keys);
    let from = if from == "." { String::new() } else { from };
    Shape::of_items(from, level.values)
}

impl<'a> Shape<'a> {
    /// One object in each answer.
    fn of_items(from: String, items: Vec<Json<'a>>) -> Shape<'a> {
        Shape { missing: None, rows: None, list: None, from, items, beside: None, side_by_side: None }
    }

    /// Rows, of which these are looked at.
    fn of_rows(rows: Proposed<String>, items: Vec<Json<'a>>) -> Shape<'a> {
        Shape { rows: Some(rows), ..Shape::of_items(String::new(), items) }
    }
}

impl<'a> Level<'a> {
    /// Whether all values that are not null are of that kind, and some are.
    fn is_all(&self, kind: Kind) -> bool {
        let mut kinds =
            self.values.iter().map(|value| value.kind()).filter(|kind| *kind != Kind::Null).peekable();
        kinds.peek().is_some() && kinds.all(|other| other == kind)
    }

    fn below(self, inner: Inner) -> Level<'a> {
        let values = self.values.iter().map(|value| value.member(&inner.key).unwrap_or(Json::NULL)).collect();
        let from = self.path();
        let facts = inner.facts.iter().map(|fact| format!("{from}{}", jq_key(fact)));
        let facts = self.facts.into_iter().chain(facts).collect();
        let left = Some(Beside { from, objects: self.values, keys: inner.beside });
        let left = left.filter(|beside| !beside.keys.is_empty());
        Level { keys: [self.keys, vec![inner.key]].concat(), facts, values, beside: left.or(self.beside) }
    }

    /// jq to here, empty for the whole answer.
    fn path(&self) -> String {
        if self.keys.is_empty() { String::new() } else { jq_path("", &self.keys) }
    }

    /// What holds all that matters.
    fn inner(&self) -> Option<Inner> {
        let members = Member::all(&self.values);
        let others = |key: &str| {
            members.iter().map(|member| member.key.clone()).filter(|other| other != key).collect()
        };
        let alone = |key: &str| Inner { key: key.to_owned(), facts: others(key), beside: Vec::new() };
        if let [only] = &members[..] {
            return only.holds().then(|| alone(&only.key));
        }
        let (facts, payload): (Vec<&Member<'_>>, Vec<&Member<'_>>) =
            members.iter().partition(|member| words::is_fact(&member.key));
        match &payload[..] {
            [] => {
                let holding = facts.iter().filter(|fact| words::is_container(&fact.key) && fact.holds());
                holding.max_by_key(|fact| fact.length()).map(|fact| alone(&fact.key))
            }
            [only] if only.has_rows() || words::is_container(&only.key) && only.holds() => {
                Some(alone(&only.key))
            }
            _ => list_among(&facts, &payload),
        }
    }

    /// The rows that a list of answers has.
    fn list(self, notes: &mut Vec<String>) -> Shape<'a> {
        let is_absent = self.values.iter().any(|value| value.is_null());
        let lists: Vec<Vec<Json<'a>>> = self.values.iter().map(|value| value.elements()).collect();
        let path = jq_path("", &self.keys);
        if let Some(shape) = facts_first(&self, &lists, notes) {
            return shape;
        }
        let (items, count) = some_rows(lists.iter().flatten().copied(), notes);
        let empty = lists.iter().filter(|list| list.is_empty()).count();
        if empty > 0 {
            notes.push(format!("{empty} of {} answers had no rows", lists.len()));
        }
        let because = rows_in(count, lists.len()) + &left_out(&self.facts);
        let rows = format!("{path}[]{}", if is_absent { "?" } else { "" });
        let shape = Shape::of_rows(Proposed::new(rows, because), items);
        Shape { list: Some(self.keys), beside: self.beside, ..shape }
    }
}

/// The way further in.
struct Inner {
    key: String,
    /// Keys beside it that are facts about the answer.
    facts: Vec<String>,
    /// Other keys beside it.
    beside: Vec<String>,
}

/// What is said of the answer, and no column.
fn left_out(facts: &[String]) -> String {
    let more = if facts.len() > NAMED_FACTS { ", …" } else { "" };
    let named: Vec<&str> = facts.iter().take(NAMED_FACTS).map(String::as_str).collect();
    if named.is_empty() { String::new() } else { format!("; left out: {}{more}", named.join(", ")) }
}

/// `3 rows in 1 answer`
fn rows_in(rows: usize, answers: usize) -> String {
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    format!("{rows} row{} in {answers} answer{}", plural(rows), plural(answers))
}

/// What objects have under one key.
struct Member<'a> {
    key: String,
    values: Vec<Json<'a>>,
}

impl<'a> Member<'a> {
    fn all(objects: &[Json<'a>]) -> Vec<Member<'a>> {
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (key, value) in objects.iter().flat_map(|object| object.members()) {
            let place = *places.entry(key.clone()).or_insert_with(|| {
                members.push(Member { key, values: Vec::new() });
                members.len() - 1
            });
            members[place].values.push(value);
        }
        members
    }

    fn length(&self) -> usize {
        self.values.iter().map(|value| value.text().len()).sum()
    }

    fn is_all(&self, kind: Kind) -> bool {
        let mut filled = self.values.iter().filter(|value| !value.is_null()).peekable();
        filled.peek().is_some() && filled.all(|value| value.kind() == kind)
    }

    fn holds(&self) -> bool {
        self.is_all(Kind::Array)
            || self.is_all(Kind::Object) && self.values.iter().any(|value| !value.is_empty())
    }

    /// Whether it is a list of objects.
    fn has_rows(&self) -> bool {
        let mut first = self.values.iter().flat_map(|value| value.elements().into_iter().take(1)).peekable();
        self.is_all(Kind::Array)
            && first.peek().is_some()
            && first.all(|element| element.kind() == Kind::Object)
    }
}

/// The one list of objects that is called as such lists are, where what is beside it is little and names nothing, or is
/// beside facts of pages.
fn list_among(facts: &[&Member<'_>], payload: &[&Member<'_>]) -> Option<Inner> {
    let (lists, others): (Vec<&Member<'_>>, Vec<&Member<'_>>) =
        payload.iter().partition(|member| words::is_container(&member.key) && member.has_rows());
    let [list] = lists[..] else { return None };
    let is_little = others.len() <= 3
        && others.iter().all(|other| other.values.iter().all(|value| !value.is_container()));
    let names_something = others.iter().any(|other| NAMING.contains(&words::bare(&other.key).as_str()));
    let has_pages = facts.iter().any(|fact| words::is_of_pages(&fact.key)) || list.key == "features";
    let keys = |members: &[&Member<'_>]| members.iter().map(|member| member.key.clone()).collect();
    let beside = keys(&others);
    (is_little && (!names_something || has_pages)).then(|| Inner {
        key: list.key.clone(),
        facts: keys(facts),
        beside,
    })
}

/// Names of what an object is known by.
const NAMING: [&str; 6] = ["id", "uid", "uuid", "name", "title", "slug"];

/// Rows behind an object of facts about pages: `[{"page": 1}, [{…}]]`.
fn facts_first<'a>(level: &Level<'a>, lists: &[Vec<Json<'a>>], notes: &mut Vec<String>) -> Option<Shape<'a>> {
    let is_of_pages = |facts: &Json<'_>| facts.members().iter().any(|(key, _)| words::is_of_pages(key));
    let is_such = |list: &Vec<Json<'_>>| {
        let [facts, rows] = &list[..] else { return false };
        is_of_pages(facts) && rows.kind() == Kind::Array
    };
    if lists.is_empty() || !lists.iter().all(is_such) {
        return None;
    }
    let rows: Vec<Json<'a>> = lists.iter().flat_map(|list| list[1].elements()).collect();
    let (items, count) = some_rows(rows.into_iter(), notes);
    let path = jq_path("", &level.keys);
    let because = format!("{}; left out: {path}[0]", rows_in(count, lists.len()));
    Some(Shape::of_rows(Proposed::new(format!("{path}[1][]"), because), items))
}

/// All rows, or as many as are looked at, from everywhere.
fn some_rows<'a>(
    rows: impl Iterator<Item = Json<'a>> + Clone,
    notes: &mut Vec<String>,
) -> (Vec<Json<'a>>, usize) {
    let count = rows.clone().count();
    if count <= MOST_ROWS {
        return (rows.collect(), count);
    }
    let step = count.div_ceil(MOST_ROWS);
    let some: Vec<Json<'a>> = rows.step_by(step).collect();
    notes.push(format!(
        "of {count} rows {} were looked at: others may have more columns, or values of other types",
        some.len()
    ));
    (some, count)
}
