//! The next page: how answers with rows lead to it.
//!
//! Promises: a way is proposed only where an answer shows it. Where answers show that there is more, and no way is found, it
//! is told, since a run would lose those rows without a word.

use url::form_urlencoded;

use super::answer::Answer;
use super::json::{Json, Kind};
use super::spelling::{jq_path, toml_text};
use super::{Proposed, Sample, words};

/// Most levels at which facts about pages are looked for.
const DEEPEST: usize = 5;

/// Names of the next page's URL.
const NEXT: [&str; 12] = [
    "next",
    "nextlink",
    "nexturl",
    "nextpage",
    "nextpageurl",
    "nextpagelink",
    "nexthref",
    "nextpageuri",
    "nexturi",
    "odatanextlink",
    "nextrecordsurl",
    "nextresults",
];

/// Names of the text that stands for the next page, with the parameter that takes it, where all call it so.
const CURSORS: [(&str, &str); 12] = [
    ("nextpagetoken", "pageToken"),
    ("nexttoken", "nextToken"),
    ("nextcursor", ""),
    ("cursor", ""),
    ("nextcursormark", "cursorMark"),
    ("continuationtoken", ""),
    ("continuation", ""),
    ("nextpage", ""),
    ("next", ""),
    ("after", "after"),
    ("offset", "offset"),
    ("nextpageid", ""),
];

/// Parameters that take such a text.
const CURSOR_PARAMS: [&str; 9] = [
    "cursor",
    "pagetoken",
    "nexttoken",
    "cursormark",
    "after",
    "continuation",
    "continuationtoken",
    "startcursor",
    "pageid",
];

/// Parameters that are the number of a page.
const PAGE_PARAMS: [&str; 7] = ["page", "p", "pagenumber", "pageno", "pageindex", "pagenum", "currentpage"];

/// Parameters that are a number of rows to leave out.
const OFFSET_PARAMS: [&str; 7] = ["offset", "start", "skip", "startat", "startindex", "from", "retstart"];

/// Names of the number of all rows, and of all pages, and of the page at hand.
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
const THIS_PAGES: [&str; 5] = ["page", "currentpage", "pagenumber", "current", "pageno"];

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
    let known = Known::new(samples, answers, list);
    let before = notes.len();
    let found = [next_url, stripe, cursor, page_number, offset].iter().find_map(|way| way(&known, notes));
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
        let lost = "no way to the next page was found: see `pages`, or rows are lost";
        let is = |fact: &Fact<'_>, word: &str| fact.has(|value| value.text() == word);
        let says_more = |fact: &&Fact<'_>| {
            fact.is_one_of(&["hasmore", "hasnext", "hasnextpage", "more"]) && is(fact, "true")
                || fact.is_one_of(&["done", "last", "islast", "islastpage"]) && is(fact, "false")
                || fact.is_one_of(&LAST_PAGES)
                    && fact.has(|value| value.count().is_some_and(|pages| pages > 1))
        };
        if let Some(fact) = self.facts.iter().find(says_more) {
            notes.push(format!("`{}` says that there are more rows, and {lost}", fact.path()));
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
                        "an answer has {rows} of the {total} rows that `{}` counts, and {lost}",
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

fn next_url(known: &Known<'_>, notes: &mut Vec<String>) -> Option<Way> {
    let is_next = |fact: &&Fact<'_>| {
        let (name, above) = (fact.name(), fact.keys.iter().rev().nth(1).map(|key| words::bare(key)));
        let is_inside = ["href", "url", "link"].contains(&name.as_str()) && above.as_deref() == Some("next");
        NEXT.contains(&name.as_str()) || is_inside
    };
    let is_url = |value: Json<'_>| {
        let text = value.scalar().unwrap_or_default();
        value.kind() == Kind::Text
            && ["http://", "https://", "/", "?"].iter().any(|start| text.starts_with(start))
    };
    if let Some(fact) = known.facts.iter().filter(is_next).find(|fact| fact.has(is_url)) {
        let path = fact.path();
        let because = format!("`{path}` is the next page's URL");
        return Some(Way {
            pages: Proposed::new(format!("{{ next = {} }}", toml_text(&path)), because),
            param: None,
        });
    }
    let is_silent = |fact: &&Fact<'_>| fact.values.iter().all(|(_, value)| value.is_null());
    if let Some(fact) = known.facts.iter().filter(is_next).find(is_silent) {
        let path = fact.path();
        notes.push(format!(
            "`{path}` is null in all answers: if it is a URL elsewhere, add pages = {{ next = {} }}",
            toml_text(&path)
        ));
    }
    None
}

/// The id of the last row, as Stripe has it.
fn stripe(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let list = known.list.as_ref()?;
    let more = known.fact(&["hasmore"], |fact| fact.has(|value| value.kind() == Kind::Boolean))?;
    known.fact(&["object"], |fact| fact.has(|value| value.text() == "\"list\""))?;
    known.fact(&["url"], |_| true)?;
    let jq = format!("if {} then {list}[-1].id else null end", more.path());
    let pages = format!("{{ cursor = {}, cursor_param = \"starting_after\" }}", toml_text(&jq));
    Some(Way { pages: Proposed::new(pages, "`has_more`, as Stripe pages its lists"), param: None })
}

fn cursor(known: &Known<'_>, notes: &mut Vec<String>) -> Option<Way> {
    if let Some(fact) = known.facts.iter().find(|fact| is_continuation(fact)) {
        let param = fact.keys.last()?;
        return Some(cursor_way(&fact.path(), param));
    }
    let is_cursor = |value: Json<'_>| value.kind() == Kind::Text && !value.is_empty();
    let known_as =
        |fact: &Fact<'_>| CURSORS.iter().find(|(name, _)| fact.name() == *name).map(|(_, param)| *param);
    let fact = known.facts.iter().find(|fact| known_as(fact).is_some() && fact.has(is_cursor))?;
    let path = fact.path();
    if let Some((param, _)) = known.param(&CURSOR_PARAMS) {
        return Some(cursor_way(&path, param));
    }
    let param = match (known_as(fact)?, fact.keys.last()?.as_str(), fact.keys.first()?.as_str()) {
        (_, "next_page_token", _) => "page_token",
        (_, "next_token", _) => "next_token",
        (_, _, "response_metadata") => "cursor",
        (param, _, _) => param,
    };
    if param.is_empty() {
        notes.push(format!(
            "`{path}` leads to the next page: name the parameter that takes it, pages = {{ cursor = {}, cursor_param = \"…\" }}, \
             or rows are lost",
            toml_text(&path)
        ));
        return None;
    }
    Some(cursor_way(&path, param))
}

/// A member of MediaWiki's `continue`, which has the names of parameters.
fn is_continuation(fact: &Fact<'_>) -> bool {
    matches!(&fact.keys[..], [of, name] if of == "continue" && name != "continue")
        && fact.has(|value| !value.is_empty())
}

fn cursor_way(path: &str, param: &str) -> Way {
    let pages = format!("{{ cursor = {}, cursor_param = {} }}", toml_text(path), toml_text(param));
    Way { pages: Proposed::new(pages, format!("`{path}` stands for the next page")), param: None }
}

fn page_number(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let (param, first) = known.param(&PAGE_PARAMS)?;
    known.list.as_ref()?;
    let this = known.fact(&THIS_PAGES, |fact| fact.is_number());
    let last = known.fact(&LAST_PAGES, |fact| fact.is_number());
    let more = match (this, last) {
        (Some(this), Some(last)) => {
            format!(", more = {}", toml_text(&format!("{} < {}", this.path(), last.path())))
        }
        _ => String::new(),
    };
    Some(counted("page_param", param, first, "1", &more))
}

fn offset(known: &Known<'_>, _: &mut Vec<String>) -> Option<Way> {
    let (param, first) = known.param(&OFFSET_PARAMS)?;
    let list = known.list.as_ref()?;
    let this = known.fact(&OFFSET_PARAMS, |fact| fact.is_number());
    let total = known.fact(&TOTALS, |fact| fact.is_number());
    let more = match (this, total) {
        (Some(this), Some(total)) => {
            let jq = format!("{} + ({list} | length) < {}", this.path(), total.path());
            format!(", more = {}", toml_text(&jq))
        }
        _ => String::new(),
    };
    Some(counted("offset_param", param, first, "0", &more))
}

fn counted(key: &str, param: &str, first: &str, usual: &str, more: &str) -> Way {
    let first = match first.parse::<u64>() {
        Ok(number) if first != usual => format!(", first = {number}"),
        _ => String::new(),
    };
    let pages = format!("{{ {key} = {}{first}{more} }}", toml_text(param));
    let because = format!("the URL has `{param}`, and the answers have rows; leave it out there");
    Way { pages: Proposed::new(pages, because), param: Some(param.to_owned()) }
}
