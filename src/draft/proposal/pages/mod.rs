//! The next page: how answers with rows lead to it.
//!
//! Promises: a way is proposed only where an answer shows it. Where answers show that there is more, and no way is found, it
//! is told, since a run would lose those rows without a word.

mod ways;

use url::form_urlencoded;

use super::answer::Answer;
use super::json::{Json, Kind};
use super::spelling::jq_path;
use super::{Proposed, Sample, words};

/// Most levels at which facts about pages are looked for.
const DEEPEST: usize = 5;

/// Names of the number of all rows, and of all pages.
const TOTALS: [&str; 13] = [
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalsize",
    "totalrecords",
    "totalhits",
    "totalelements",
    "numfound",
    "count",
    "resultcount",
    "totalrows",
    "hitcount",
];
const LAST_PAGES: [&str; 7] =
    ["totalpages", "pages", "pagecount", "lastpage", "numpages", "totalpage", "maxpage"];

/// What is to be told then.
const LOST: &str = "no way to the next page was found: see `pages`, or rows are lost";

/// What is proposed.
pub(super) struct Way {
    /// An inline table of TOML.
    pub(super) pages: Proposed<String>,
    /// The parameter of the URL that it sets, which must not stand in the request then.
    pub(super) param: Option<String>,
}

/// A place that is about pages, with what stands there.
struct Fact<'a> {
    keys: Vec<String>,
    /// With the number of the answer.
    values: Vec<(usize, Json<'a>)>,
}

impl Fact<'_> {
    fn path(&self) -> String {
        jq_path("", &self.keys)
    }

    fn name(&self) -> String {
        self.keys.last().map(|key| words::bare(key)).unwrap_or_default()
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name().as_str())
    }

    fn has(&self, fits: impl Fn(Json<'_>) -> bool) -> bool {
        self.values.iter().any(|(_, value)| fits(*value))
    }

    fn is_number(&self) -> bool {
        !self.values.is_empty() && self.values.iter().all(|(_, value)| value.kind() == Kind::Number)
    }
}

/// All that is known.
struct Known<'a> {
    facts: Vec<Fact<'a>>,
    /// jq of the list that rows are of, where that is one place.
    list: Option<String>,
    /// How many rows each answer has.
    counts: Vec<usize>,
    /// Of the URL as it was asked.
    params: Vec<(String, String)>,
    first_id: String,
}

/// The way to the next page of answers with rows.
pub(super) fn way(
    samples: &[&Sample],
    answers: &[Answer<'_>],
    list: Option<&[String]>,
    notes: &mut Vec<String>,
) -> Option<Way> {
    if samples.iter().any(|sample| has_next_link(sample)) {
        let because = "a `Link` header names the next page";
        return Some(Way { pages: Proposed::new("{ link = true }".to_owned(), because), param: None });
    }
    tell_of_facts_first(answers, list, notes);
    let known = Known::new(samples, answers, list);
    let before = notes.len();
    let found = [ways::next_url, ways::stripe, ways::cursor, ways::page_number, ways::offset]
        .iter()
        .find_map(|way| way(&known, notes));
    if found.is_none() && notes.len() == before {
        known.tell_of_more(notes);
    }
    found
}

fn has_next_link(sample: &Sample) -> bool {
    let links = sample.headers.iter().filter(|(name, _)| name == "link");
    let bare = |text: &str| text.to_ascii_lowercase().replace(['"', '\'', ' '], "");
    links.map(|(_, value)| bare(value)).any(|value| value.split([',', ';']).any(|part| part == "rel=next"))
}

/// Tells of more rows where the facts stand before them: `[{"pages": 2}, [{…}]]`.
fn tell_of_facts_first(answers: &[Answer<'_>], list: Option<&[String]>, notes: &mut Vec<String>) {
    for answer in answers.iter().filter(|_| list.is_none()) {
        let [facts, rows] = answer.json.elements()[..] else { continue };
        let (facts, rows) = (facts.members(), rows.elements().len() as u64);
        let says_more = |(name, value): &&(String, Json<'_>)| {
            let number = value.count().unwrap_or_default();
            let is = |names: &[&str]| names.contains(&words::bare(name).as_str());
            is(&LAST_PAGES) && number > 1 || is(&TOTALS) && number > rows
        };
        if let Some((name, _)) = facts.iter().find(says_more) {
            notes.push(format!("`.[0].{name}` says that there are more rows, and {LOST}"));
            return;
        }
    }
}

impl<'a> Known<'a> {
    fn new(samples: &[&Sample], answers: &[Answer<'a>], list: Option<&[String]>) -> Known<'a> {
        let mut facts: Vec<Fact<'a>> = Vec::new();
        for (number, answer) in answers.iter().enumerate() {
            gather(
                &answer.members,
                &mut Vec::new(),
                list.unwrap_or_default(),
                &mut |keys, value| match facts.iter_mut().find(|fact| fact.keys == keys) {
                    Some(fact) => fact.values.push((number, value)),
                    None => facts.push(Fact { keys: keys.to_vec(), values: vec![(number, value)] }),
                },
            );
        }
        let count = |answer: &Answer<'_>| {
            list.and_then(|keys| answer.json.at(keys)).map_or(0, |rows| rows.elements().len())
        };
        let first = samples.first();
        let query = first.and_then(|sample| sample.url.split_once('?')).map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        Known {
            facts,
            list: list.map(|keys| jq_path("", keys)),
            counts: answers.iter().map(count).collect(),
            params: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            first_id: first.map(|sample| sample.id.clone()).unwrap_or_default(),
        }
    }

    fn fact(&self, names: &[&str], fits: impl Fn(&Fact<'_>) -> bool) -> Option<&Fact<'a>> {
        self.facts.iter().find(|fact| fact.is_one_of(names) && fits(fact))
    }

    fn param(&self, names: &[&str]) -> Option<&(String, String)> {
        self.params.iter().find(|(name, _)| {
            names.contains(&words::bare(name).replace("number", "").as_str())
                || names.contains(&words::bare(name).as_str())
        })
    }

    /// Tells that there are more rows, where anything says so.
    fn tell_of_more(&self, notes: &mut Vec<String>) {
        let is = |fact: &Fact<'_>, word: &str| fact.has(|value| value.text() == word);
        let says_more = |fact: &&Fact<'_>| {
            fact.is_one_of(&["hasmore", "hasnext", "hasnextpage", "more"]) && is(fact, "true")
                || fact.is_one_of(&["done", "last", "islast", "islastpage"]) && is(fact, "false")
                || fact.is_one_of(&LAST_PAGES)
                    && fact.has(|value| value.count().is_some_and(|pages| pages > 1))
        };
        if let Some(fact) = self.facts.iter().find(says_more) {
            notes.push(format!("`{}` says that there are more rows, and {LOST}", fact.path()));
            return;
        }
        let is_of_shards = |fact: &Fact<'_>| fact.keys.iter().any(|key| words::bare(key) == "shards");
        let is_total = |fact: &&Fact<'_>| fact.is_one_of(&TOTALS) || fact.is_total_value();
        let totals = self.facts.iter().filter(is_total).filter(|fact| !is_of_shards(fact));
        for fact in totals {
            for (number, value) in &fact.values {
                let (rows, total) =
                    (self.counts[*number], value.scalar().and_then(|text| text.parse::<u64>().ok()));
                if let Some(total) = total.filter(|total| rows > 0 && *total > rows as u64) {
                    notes.push(format!(
                        "an answer has {rows} of the {total} rows that `{}` counts, and {LOST}",
                        fact.path()
                    ));
                    return;
                }
            }
        }
        let most = self.counts.iter().copied().max().unwrap_or_default();
        let as_many = self.counts.iter().filter(|count| **count == most).count();
        if most >= 10 && (as_many > 1 || [10, 20, 25, 30, 50, 100, 200, 250, 500, 1000].contains(&most)) {
            notes.push(format!("{as_many} answers have {most} rows, as for {}: if that is a page, see `pages`, or rows are lost", self.first_id));
        }
    }
}

impl Fact<'_> {
    /// `.hits.total.value`
    fn is_total_value(&self) -> bool {
        matches!(&self.keys[..], [.., total, value] if words::bare(total) == "total" && value == "value")
    }
}

/// Visits facts: scalars at the top, in objects of facts, and on the way to the list.
fn gather<'a>(
    members: &[(String, Json<'a>)],
    above: &mut Vec<String>,
    list: &[String],
    visit: &mut impl FnMut(&[String], Json<'a>),
) {
    for (name, value) in members {
        let is_on_the_way = list.get(above.len()) == Some(name) && list.starts_with(above);
        let is_fact = words::is_fact(name) || NESTING.contains(&words::bare(name).as_str());
        above.push(name.clone());
        if !value.is_container() && !value.is_null() {
            visit(above, *value);
        } else if value.kind() == Kind::Object && (is_on_the_way || is_fact) && above.len() < DEEPEST {
            gather(&value.members(), above, list, visit);
        } else if value.is_null() && is_fact {
            visit(above, *value);
        }
        above.pop();
    }
}

/// Names of objects that hold facts about pages, besides those of facts.
const NESTING: [&str; 2] = ["cursors", "responsemetadata"];
