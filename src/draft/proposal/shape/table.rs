//! Lists side by side that are the columns of a table.

use super::{Beside, Json, Kind, Level, Member, Shape, jq_path, rows_in};
use crate::draft::proposal::spelling::jq_key;
use crate::draft::proposal::{Proposed, words};

/// Lists of one length that are the columns of a table: `{"time": […], "temperature": […]}`.
pub(super) fn side_by_side<'a>(level: &Level<'a>) -> Option<Shape<'a>> {
    let members = Member::all(&level.values);
    if members.iter().all(|member| member.is_all(Kind::Array)) {
        return table(&level.keys, &members, &level.values);
    }
    // Below one key, beside scalars and objects of scalars.
    let mut tables = members.iter().filter(|member| member.is_all(Kind::Object)).filter_map(|member| {
        let keys = [&level.keys[..], std::slice::from_ref(&member.key)].concat();
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
    let paths: Vec<String> = members.iter().map(|member| jq_key(&member.key)).collect();
    let above = jq_path("", keys);
    let before = if above == "." { String::new() } else { format!("{above} | ") };
    let rows = format!("{before}[{}] | transpose[]", paths.join(", "));
    let columns: Vec<(String, Vec<Json<'a>>)> =
        members.iter().zip(lists).map(|(member, lists)| (member.key.clone(), lists.concat())).collect();
    let count = columns[0].1.len();
    let because = format!("lists side by side, {}", rows_in(count, objects.len()));
    let shape = Shape::of_rows(Proposed::new(rows, because), Vec::new());
    Some(Shape { side_by_side: Some(columns), ..shape })
}
