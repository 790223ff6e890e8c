//! Where in answers the rows are, or the one object that columns are taken from.
//!
//! Promise: a list is taken for rows only where all that is beside it is about the list. What one object has beside a list
//! of its own is never lost.

use std::collections::HashMap;

use super::Proposed;
use super::answer::Answer;
use super::json::{Json, Kind};
use super::spelling::jq_path;
use super::words;

/// Most levels that are gone down.
const DEEPEST: usize = 4;

/// Most rows that are looked at, of all answers together.
const MOST_ROWS: usize = 10_000;

/// Where columns are taken from.
pub(super) struct Shape<'a> {
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
    /// How many rows there are.
    pub(super) count: usize,
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
    /// What was left beside the way here.
    beside: Option<Beside<'a>>,
    /// With null where an answer has nothing there.
    values: Vec<Json<'a>>,
}

/// The shape of answers.
pub(super) fn of<'a>(answers: &[Answer<'a>], notes: &mut Vec<String>) -> Shape<'a> {
    let mut level =
        Level { keys: Vec::new(), beside: None, values: answers.iter().map(|answer| answer.json).collect() };
    for _ in 0..DEEPEST {
        if level.is_all(Kind::Array) {
            return level.list(notes);
        }
        if !level.is_all(Kind::Object) {
            break;
        }
        if let Some(shape) = keyed(&level, answers, notes).or_else(|| side_by_side(&level)) {
            return shape;
        }
        match level.inner() {
            Some(inner) => level = level.below(inner),
            None => break,
        }
    }
    let from = jq_path("", &level.keys);
    let from = if from == "." { String::new() } else { from };
    let count = level.values.len();
    Shape { rows: None, list: None, from, items: level.values, beside: None, side_by_side: None, count }
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
        let left =
            (!inner.beside.is_empty()).then(|| Beside { from, objects: self.values, keys: inner.beside });
        Level { keys: [self.keys, vec![inner.key]].concat(), values, beside: left.or(self.beside) }
    }

    /// jq to here, empty for the whole answer.
    fn path(&self) -> String {
        if self.keys.is_empty() { String::new() } else { jq_path("", &self.keys) }
    }

    /// What holds all that matters.
    fn inner(&self) -> Option<Inner> {
        let members = Member::all(&self.values);
        let alone = |key: &str| Inner { key: key.to_owned(), beside: Vec::new() };
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
        if let Some(shape) = facts_first(&self, &lists) {
            return shape;
        }
        let (items, count) = some_rows(lists.iter().flatten().copied(), notes);
        let empty = lists.iter().filter(|list| list.is_empty()).count();
        if empty > 0 {
            notes.push(format!("{empty} of {} answers had no rows", lists.len()));
        }
        let because = rows_in(count, lists.len());
        let rows = format!("{path}[]{}", if is_absent { "?" } else { "" });
        Shape {
            rows: Some(Proposed::new(rows, because)),
            list: Some(self.keys),
            from: String::new(),
            items,
            side_by_side: None,
            beside: self.beside,
            count,
        }
    }
}

/// The way further in.
struct Inner {
    key: String,
    /// Keys beside it that are no facts about the answer.
    beside: Vec<String>,
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
    let beside = others.iter().map(|other| other.key.clone()).collect();
    (is_little && (!names_something || has_pages)).then(|| Inner { key: list.key.clone(), beside })
}

/// Names of what an object is known by.
const NAMING: [&str; 6] = ["id", "uid", "uuid", "name", "title", "slug"];

/// Rows behind an object of facts: `[{"page": 1}, [{…}]]`.
fn facts_first<'a>(level: &Level<'a>, lists: &[Vec<Json<'a>>]) -> Option<Shape<'a>> {
    let is_such = |list: &Vec<Json<'_>>| matches!(&list[..], [facts, rows] if facts.kind() == Kind::Object && rows.kind() == Kind::Array);
    if lists.is_empty() || !lists.iter().all(is_such) {
        return None;
    }
    let items: Vec<Json<'a>> = lists.iter().flat_map(|list| list[1].elements()).collect();
    let path = jq_path("", &level.keys);
    let rows = if path == "." { ".[1][]".to_owned() } else { format!("{path}[1][]") };
    let count = items.len();
    let items = items.into_iter().take(MOST_ROWS).collect();
    let because = "a list behind what is said of it".to_owned();
    Some(Shape {
        rows: Some(Proposed::new(rows, because)),
        list: None,
        from: String::new(),
        items,
        beside: None,
        side_by_side: None,
        count,
    })
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

/// Objects that are keyed by the id: `{"tt01": {…}}`, perhaps beside a list of the keys.
fn keyed<'a>(level: &Level<'a>, answers: &[Answer<'a>], notes: &mut Vec<String>) -> Option<Shape<'a>> {
    let mut items = Vec::new();
    let mut lists: Vec<String> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for (answer, value) in answers.iter().zip(&level.values) {
        if value.is_null() {
            items.push(*value);
            continue;
        }
        let (objects, others): (Vec<_>, Vec<_>) =
            value.members().into_iter().partition(|(_, value)| value.kind() == Kind::Object);
        let [(key, object)] = &objects[..] else { return None };
        let is_list = |(name, list): &(String, Json<'_>)| {
            list.kind() == Kind::Array && list.elements().iter().any(|one| one.scalar().as_ref() == Some(key))
                || lists.contains(name)
        };
        if !others.iter().all(is_list) {
            return None;
        }
        lists.extend(
            others.into_iter().map(|(name, _)| name).filter(|name| !lists.contains(name)).collect::<Vec<_>>(),
        );
        keys.push(key.clone());
        let is_of_id = !answer.id.is_empty() && key.to_lowercase().contains(&answer.id.to_lowercase());
        if !is_of_id && !is_number(key) {
            return None;
        }
        items.push(*object);
    }
    let differ = keys.iter().any(|key| *key != keys[0]) || keys.len() == 1;
    if !differ {
        return None;
    }
    let above = jq_path("", &level.keys);
    let path = if lists.is_empty() {
        format!("{above}[]")
    } else {
        let names: Vec<String> = lists.iter().map(|name| super::spelling::jq_key(name)).collect();
        format!("({above} | del({}))[]", names.join(", "))
    };
    notes.push(format!(
        "answers are objects keyed by an id ({}): columns are taken from whatever key there is",
        keys[0]
    ));
    let count = items.len();
    Some(Shape { rows: None, list: None, from: path, items, beside: None, side_by_side: None, count })
}

fn is_number(key: &str) -> bool {
    key.parse::<i64>().is_ok()
}

/// Lists of one length that are the columns of a table: `{"time": […], "temperature": […]}`.
fn side_by_side<'a>(level: &Level<'a>) -> Option<Shape<'a>> {
    let members = Member::all(&level.values);
    if members.iter().all(|member| member.is_all(Kind::Array)) {
        return table(&level.keys, &members, &level.values);
    }
    // Below one key, beside scalars and objects of scalars.
    let mut tables = members.iter().filter(|member| member.is_all(Kind::Object)).filter_map(|member| {
        let keys = [&level.keys[..], &[member.key.clone()]].concat();
        let inner = Member::all(&member.values);
        let is_everywhere = member.values.len() == level.values.len();
        Some((&member.key, table(&keys, &inner, &member.values).filter(|_| is_everywhere)?))
    });
    let (key, found) = tables.next()?;
    let is_alone = tables.next().is_none() && members.iter().all(|member| !member.is_all(Kind::Array));
    let counts = |other: &&Member<'_>| other.key != *key && !words::is_fact(&other.key);
    let keys = members.iter().filter(counts).map(|other| other.key.clone()).collect();
    let beside = Beside { from: level.path(), objects: level.values.clone(), keys };
    is_alone.then_some(Shape { beside: Some(beside), ..found })
}

/// Lists of so many elements are not of one length by chance,
const LONG: usize = 10;

/// nor those beside one of such a name.
const AXES: [&str; 10] =
    ["time", "times", "date", "dates", "timestamp", "timestamps", "datetime", "index", "year", "years"];

/// The table that lists make, if they do.
fn table<'a>(keys: &[String], members: &[Member<'a>], objects: &[Json<'a>]) -> Option<Shape<'a>> {
    let lists: Vec<Vec<Vec<Json<'a>>>> =
        members.iter().map(|member| member.values.iter().map(|value| value.elements()).collect()).collect();
    let is_flat = |list: &Vec<Json<'_>>| list.len() > 1 && list.iter().all(|one| !one.is_container());
    let is_table = members.len() > 1
        && members.iter().all(|member| member.is_all(Kind::Array) && member.values.len() == objects.len())
        && lists.iter().all(|column| column.iter().all(is_flat))
        && lists.iter().all(|column| column.iter().map(Vec::len).eq(lists[0].iter().map(Vec::len)));
    let is_long = lists[..].first().is_some_and(|column| column.iter().all(|list| list.len() >= LONG));
    let has_axis = members.iter().any(|member| AXES.contains(&words::bare(&member.key).as_str()));
    if !is_table || !is_long && !has_axis {
        return None;
    }
    let paths: Vec<String> = members.iter().map(|member| super::spelling::jq_key(&member.key)).collect();
    let above = jq_path("", keys);
    let before = if above == "." { String::new() } else { format!("{above} | ") };
    let rows = format!("{before}[{}] | transpose[]", paths.join(", "));
    let columns: Vec<(String, Vec<Json<'a>>)> =
        members.iter().zip(lists).map(|(member, lists)| (member.key.clone(), lists.concat())).collect();
    let count = columns[0].1.len();
    let because = format!("lists side by side, {}", rows_in(count, objects.len()));
    Some(Shape {
        rows: Some(Proposed::new(rows, because)),
        list: None,
        from: String::new(),
        items: Vec::new(),
        beside: None,
        side_by_side: Some(columns),
        count,
    })
}
