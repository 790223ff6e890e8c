//! From a query to a question.

use std::collections::BTreeMap;

use super::bad::{BadQuestion, shown};
use super::comparable::Comparable;
use super::form;
use super::operator::Operator;
use super::parameter::{self, Meaning};
use super::question::{Condition, Direction, MOST_VALUES, Question, TableShape, offset};
use super::words;

/// What was read of a query so far.
#[derive(Default)]
struct Reading {
    select: Option<String>,
    order: Option<String>,
    limit: Option<String>,
    after: Option<String>,
    /// By column and comparison.
    conditions: BTreeMap<(usize, Operator), Vec<String>>,
}

impl Question {
    /// What a URL's query asks of a table; without one, all of it.
    ///
    /// # Errors
    /// It asks for what is not there, or in words that have no meaning: nothing is passed over.
    pub fn parse(query: Option<&str>, table: &TableShape<'_>) -> Result<Question, BadQuestion> {
        let mut reading = Reading::default();
        for (name, value) in form::parameters(query.unwrap_or_default())? {
            let meaning = parameter::meaning(&name, table.columns)?;
            reading.add(&name, meaning, value)?;
        }
        reading.finish(table)
    }
}

impl Reading {
    fn add(&mut self, name: &str, meaning: Meaning, value: String) -> Result<(), BadQuestion> {
        let earlier = match meaning {
            Meaning::Select => self.select.replace(value),
            Meaning::Order => self.order.replace(value),
            Meaning::Limit => self.limit.replace(value),
            Meaning::After => self.after.replace(value),
            Meaning::Condition(place, Operator::In) => {
                let values = self.conditions.entry((place, Operator::In)).or_default();
                values.extend(list(name, &value)?);
                None
            }
            Meaning::Condition(place, operator) => {
                self.conditions.insert((place, operator), vec![value]).map(|values| values.concat())
            }
        };
        match earlier {
            None => Ok(()),
            Some(_) => Err(BadQuestion::new(format!("{} is there twice", shown(name)))
                .hint("all parameters hold at once; for one of several values there is COLUMN.in=a,b")),
        }
    }

    fn finish(self, table: &TableShape<'_>) -> Result<Question, BadQuestion> {
        let mut question = Question::whole(table);
        for ((place, operator), texts) in self.conditions {
            if texts.len() > MOST_VALUES {
                let name = parameter::parameter_name(table.columns, place, operator);
                let message = format!("{}: {} values, more than {MOST_VALUES}", shown(&name), texts.len());
                return Err(BadQuestion::new(message).hint("ask in several questions"));
            }
            question.conditions.push(Condition::new(table.columns, place, operator, &texts)?);
        }
        self.select.iter().try_for_each(|text| select(text, table, &mut question))?;
        self.order.iter().try_for_each(|text| order(text, table, &mut question))?;
        question.limit = self.limit.map(|text| limit(&text, table.max_rows)).transpose()?;
        question.offset = self.after.map_or(Ok(0), |text| offset(&text, table.digest))?;
        if question.offset > 0 && question.limit.is_none() {
            return Err(BadQuestion::new("`after` is there without `limit`")
                .hint("take the whole URL that a page gives in `Link: <…>; rel=\"next\"`"));
        }
        Ok(question)
    }
}

fn list(name: &str, text: &str) -> Result<Vec<String>, BadQuestion> {
    words::split(text).map_err(|words::Misquoted| {
        BadQuestion::new(format!(
            "{}: in {} a quote does not end, or not before a comma",
            shown(name),
            shown(text)
        ))
        .hint("a text with a comma in it is written \"a,b\", a quote within such a one twice")
    })
}

fn select(text: &str, table: &TableShape<'_>, question: &mut Question) -> Result<(), BadQuestion> {
    let names = list("select", text)?;
    let mut selected = Vec::new();
    for name in &names {
        let place = parameter::place(name, table.columns);
        let place = place.ok_or_else(|| parameter::no_column("`select`", name, table.columns))?;
        if selected.contains(&place) {
            return Err(BadQuestion::new(format!("`select`: {} is there twice", shown(name))));
        }
        selected.push(place);
    }
    // All of them in their order are what is answered without it.
    let is_all = selected == question.selected;
    question.chosen = (!is_all).then_some(names);
    question.selected = selected;
    Ok(())
}

fn order(text: &str, table: &TableShape<'_>, question: &mut Question) -> Result<(), BadQuestion> {
    for word in list("order", text)? {
        let (name, direction) = ordered(&word, table)?;
        let place = parameter::place(&name, table.columns);
        let column = place.map(|place| &table.columns[place]);
        let column = column.ok_or_else(|| no_order(&name, table))?;
        if Comparable::of(&column.ty) == Comparable::Nothing {
            let ty = column.ty.to_lowercase();
            return Err(BadQuestion::new(format!(
                "`order`: {} is a {}, which has no order",
                shown(&name),
                shown(&ty)
            )));
        }
        if question.order.iter().any(|(earlier, _)| *earlier == name) {
            return Err(BadQuestion::new(format!("`order`: {} is there twice", shown(&name))));
        }
        question.order.push((name, direction));
    }
    Ok(())
}

/// A column that is not there: `price.desc`, as others write it, is `-price`.
fn no_order(name: &str, table: &TableShape<'_>) -> BadQuestion {
    let bad = parameter::no_column("`order`", name, table.columns);
    let directed = name
        .rsplit_once(['.', ' ', ':', '_'])
        .filter(|(column, _)| parameter::place(column, table.columns).is_some());
    match directed.map(|(column, direction)| (column, direction.to_lowercase())) {
        Some((column, direction)) if direction == "desc" => {
            bad.hint(format!("write {}", shown(&format!("-{column}"))))
        }
        Some((column, direction)) if direction == "asc" => bad.hint(format!("write {}", shown(column))),
        _ => bad,
    }
}

/// A column and a direction: of a column whose name begins with `-`, and another that has the rest of it as its name, nobody
/// knows which is meant.
fn ordered(word: &str, table: &TableShape<'_>) -> Result<(String, Direction), BadQuestion> {
    let is_there = |name: &str| parameter::place(name, table.columns).is_some();
    match word.strip_prefix('-') {
        Some(name) if is_there(name) && is_there(word) => {
            let message = format!(
                "`order`: {} may mean the column {}, or {} downwards",
                shown(word),
                shown(word),
                shown(name)
            );
            Err(BadQuestion::new(message))
        }
        Some(name) if !is_there(word) => Ok((name.to_owned(), Direction::Descending)),
        _ => Ok((word.to_owned(), Direction::Ascending)),
    }
}

fn limit(text: &str, max_rows: u32) -> Result<u32, BadQuestion> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| is_number && (1..=max_rows).contains(limit));
    limit.ok_or_else(|| {
        BadQuestion::new(format!("`limit`: {} is no number from 1 to {max_rows}", shown(text))).hint(
            "further rows are on further pages: each says in `Link: <…>; rel=\"next\"` where the next one is",
        )
    })
}
