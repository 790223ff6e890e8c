//! The columns of an endpoint: an expression in the language of its answers, and conversions that their type knows.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::language::{self, Language};
use super::scheme::Kind;
use super::zone;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, AnyColumn, At};
use crate::job::{Column, Css, Expression, OnBadCharacter, OnError, TakenFrom};
use crate::value::{Encoding, Type};

/// All columns of an endpoint, in the order of the file; none where one is wrong.
pub(super) fn all(
    endpoint: &raw::Endpoint,
    file: &raw::JobFile,
    mistakes: &mut Mistakes,
) -> Option<Vec<Column>> {
    let columns = endpoint.columns.as_ref()?;
    if columns.value.0.is_empty() {
        let hint = "add lines such as title = \".Title\" to [endpoint.columns]";
        mistakes.add(&columns.span, "an endpoint without columns", hint);
        return None;
    }
    let nulls = endpoint.common.nulls.as_ref();
    let usual = if Kind::of(file).takes_nul() { OnBadCharacter::Keep } else { OnBadCharacter::Fail };
    let language = language::language(endpoint);
    let mut all = Some(Vec::with_capacity(columns.value.0.len()));
    for entry in &columns.value.0 {
        let column = entry.value.as_ref().and_then(|written| {
            let column = match &written.value {
                AnyColumn::Bare(code) => bare(&entry.name, code, language, nulls, mistakes),
                AnyColumn::Table(table) => {
                    check_from(endpoint, table, mistakes);
                    let expression = expression(written, table, language, mistakes);
                    validated(&entry.name, table, expression, nulls, mistakes)
                }
            };
            column.map(|column| with_bad_character(column, &written.value, usual))
        });
        all = all.zip(column).map(|(mut all, column)| {
            all.push(column);
            all
        });
    }
    all
}

/// The column with what becomes of U+0000 there, `usual` where it does not say; other types cannot hold it.
fn with_bad_character(column: Column, written: &AnyColumn, usual: OnBadCharacter) -> Column {
    let said = written.table().and_then(|table| table.on_bad_character.as_ref()).map(|word| word.value.0);
    match column.ty {
        Type::Text | Type::Json => Column { on_bad_character: said.unwrap_or(usual), ..column },
        _ => column,
    }
}

/// A column that is its expression alone.
fn bare(
    name: &At<String>,
    code: &At<String>,
    language: Option<Language>,
    nulls: Option<&At<Vec<At<String>>>>,
    mistakes: &mut Mistakes,
) -> Option<Column> {
    let mut column = match language? {
        Language::Jq => {
            language::check_jq(code, mistakes);
            Column::plain(&name.value, Expression::Jq(code.value.clone()), Type::Text)
        }
        Language::Css => {
            language::check_css(code, mistakes);
            let css = Css { selector: code.value.clone(), attribute: None, all: false };
            Column::plain(&name.value, Expression::Css(css), Type::Text)
        }
        Language::Text => {
            let regex = Some(check_regex(code, mistakes));
            Column { regex, ..Column::plain(&name.value, Expression::Text, Type::Text) }
        }
    };
    column.nulls = texts(nulls);
    Some(column)
}

/// The whole answer is something else than a row only where there are rows.
fn check_from(endpoint: &raw::Endpoint, column: &raw::Column, mistakes: &mut Mistakes) {
    if let Some(from) = column.from.as_ref().filter(|_| !endpoint.common.present.has("rows")) {
        let hint = "leave it out: it is for endpoints with `rows`, where it says \"row\" or \"answer\"";
        mistakes.add(&from.span, "`from` in an endpoint without `rows`", hint);
    }
}

/// The expression of a column that is a table, in the language of the endpoint's answers.
fn expression(
    written: &At<AnyColumn>,
    column: &raw::Column,
    language: Option<Language>,
    mistakes: &mut Mistakes,
) -> Option<Expression> {
    let language = language?;
    refuse_strange(column, language, mistakes);
    let (key, code, hint) = match language {
        Language::Jq => ("jq", &column.jq, "add jq = \"…\", the expression that finds the value"),
        Language::Css => ("css", &column.css, "add css = \"…\", the selector that finds the value"),
        Language::Text => return Some(Expression::Text),
    };
    let is_strange = column.present.has("jq") || column.present.has("css");
    if !column.present.has(key) && !is_strange {
        mistakes.add(&written.span, format!("the column lacks `{key}`"), hint);
    }
    let code = code.as_ref()?;
    if language == Language::Jq {
        language::check_jq(code, mistakes);
        return Some(Expression::Jq(code.value.clone()));
    }
    language::check_css(code, mistakes);
    let attribute = column.attr.as_ref().map(|attribute| check_attribute(attribute, mistakes));
    let all = column.all.as_ref().is_some_and(|all| all.value);
    Some(Expression::Css(Css { selector: code.value.clone(), attribute, all }))
}

/// Notes the keys of another language.
fn refuse_strange(column: &raw::Column, language: Language, mistakes: &mut Mistakes) {
    let jq = column.jq.as_ref().map(|value| ("jq", &value.span, Language::Jq));
    let css = column.css.as_ref().map(|value| ("css", &value.span, Language::Css));
    let attr = column.attr.as_ref().map(|value| ("attr", &value.span, Language::Css));
    let all = column.all.as_ref().map(|value| ("all", &value.span, Language::Css));
    let (answers, hint) = match language {
        Language::Jq => ("JSON", "write jq = \"…\", or add format = \"html\" to the endpoint"),
        Language::Css => ("HTML", "write css = \"…\", or leave format = \"html\" out"),
        Language::Text => ("text", "write regex = \"…\", or leave format = \"text\" out"),
    };
    let strange = jq.into_iter().chain(css).chain(attr).chain(all).filter(|(_, _, of)| *of != language);
    for (key, place, _) in strange {
        mistakes.add(place, format!("`{key}` in a column of an endpoint whose answers are {answers}"), hint);
    }
}

fn check_attribute(attribute: &At<String>, mistakes: &mut Mistakes) -> String {
    let odd = |one: char| one.is_whitespace() || one.is_control() || "\"'>/=[]".contains(one);
    if attribute.value.is_empty() || attribute.value.contains(odd) {
        let hint = "write its name alone, as in attr = \"href\"";
        mistakes.add(&attribute.span, format!("\"{}\" is no name for an attribute", attribute.value), hint);
    }
    attribute.value.clone()
}

/// The type: text, or for a list of elements JSON, which may be kept as text.
fn column_type(column: &raw::Column, mistakes: &mut Mistakes) -> Type {
    let is_list = column.all.as_ref().is_some_and(|all| all.value);
    let usual = if is_list { Type::Json } else { Type::Text };
    let Some(written) = &column.ty else { return usual };
    let ty = written.value.0;
    if is_list && !matches!(ty, Type::Json | Type::Text) {
        let hint = "`all` makes a list: write type = \"json\" or \"text\", or leave `all` out";
        mistakes.add(&written.span, format!("a list of elements as {ty}"), hint);
    }
    ty
}

fn texts(nulls: Option<&At<Vec<At<String>>>>) -> Vec<String> {
    nulls.map_or_else(Vec::new, |nulls| nulls.value.iter().map(|null| null.value.clone()).collect())
}

fn validated(
    name: &At<String>,
    column: &raw::Column,
    expression: Option<Expression>,
    nulls: Option<&At<Vec<At<String>>>>,
    mistakes: &mut Mistakes,
) -> Option<Column> {
    let ty = column_type(column, mistakes);
    check_fit(column, ty, mistakes);
    let remove = column.remove.as_ref().map(|remove| check_remove(remove, mistakes));
    let regex = column.regex.as_ref().map(|regex| check_regex(regex, mistakes));
    let format = column.format.as_ref().map(|format| check_format(format, ty, mistakes));
    let zone = column.zone.as_ref().map(|zone| zone::checked(zone, mistakes));
    Some(Column {
        name: name.value.clone(),
        expression: expression?,
        from: column.from.as_ref().map_or(TakenFrom::Row, |word| word.value.0),
        ty,
        nulls: texts(column.nulls.as_ref().or(nulls)),
        remove,
        regex,
        format,
        zone,
        on_error: column.on_error.as_ref().map_or(OnError::Fail, |word| word.value.0),
        not_null: column.not_null.as_ref().is_some_and(|truth| truth.value),
        on_bad_character: OnBadCharacter::Keep,
    })
}

/// Notes conversions that a column's type does not have.
fn check_fit(column: &raw::Column, ty: Type, mistakes: &mut Mistakes) {
    let has_format = matches!(ty, Type::Date | Type::Timestamp | Type::Blob);
    let unfit = [
        (&column.remove, "remove", ty == Type::Json, "`remove` is for text and numbers"),
        (&column.regex, "regex", ty == Type::Json, "`regex` is for text and what is made of it"),
        (&column.format, "format", !has_format, "`format` is for type = \"date\", \"timestamp\" or \"blob\""),
        (&column.zone, "zone", ty != Type::Timestamp, "`zone` is for type = \"timestamp\""),
    ];
    for (value, key, is_unfit, hint) in unfit {
        if let Some(value) = value.as_ref().filter(|_| is_unfit) {
            mistakes.add(
                &value.span,
                format!("`{key}` on a column of type {ty}"),
                format!("{hint}: change the type, or leave it out"),
            );
        }
    }
    if let Some(written) = column.ty.as_ref().filter(|_| ty == Type::Blob && !column.present.has("format")) {
        let hint = format!("add {WRITE_FORMAT}, as the answers write their bytes");
        mistakes.add(&written.span, "a column of bytes without `format`", hint);
    }
    if let Some(word) = column.on_bad_character.as_ref().filter(|_| !matches!(ty, Type::Text | Type::Json)) {
        let hint = "it is for text and json: values of other types have no such characters, so leave it out";
        mistakes.add(&word.span, format!("`on_bad_character` on a column of type {ty}"), hint);
    }
}

fn check_remove(remove: &At<String>, mistakes: &mut Mistakes) -> String {
    if remove.value.is_empty() {
        mistakes.add(&remove.span, "`remove` without characters", "write those to remove: \",\" for 1,234");
    }
    remove.value.clone()
}

fn check_regex(regex: &At<String>, mistakes: &mut Mistakes) -> String {
    match Regex::new(regex.text()) {
        Ok(compiled) if compiled.captures_len() > 2 => {
            let hint = "the group is the value: write (?:…) for groups that only hold together";
            mistakes.add(&regex.span, "a regular expression with more than one capture group", hint);
        }
        Ok(_) => {}
        Err(error) => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let hint = "the syntax is that of https://docs.rs/regex: no look-around, no back-references";
            mistakes.add(&regex.span, format!("the regular expression does not compile: {reason}"), hint);
        }
    }
    regex.value.clone()
}

/// How bytes may be written.
const WRITE_FORMAT: &str = "format = \"base64\" or format = \"hex\"";

fn check_format(format: &At<String>, ty: Type, mistakes: &mut Mistakes) -> String {
    if ty == Type::Blob {
        if Encoding::named(format.text()).is_none() {
            let hint = format!("write {WRITE_FORMAT}; base64 has both alphabets, with padding or without");
            mistakes.add(&format.span, format!("no bytes are written as \"{}\"", format.value), hint);
        }
        return format.value.clone();
    }
    if let Err(reason) = try_format(format.text(), ty) {
        let hint =
            "as strptime has it: %d %b %Y for 12 Jun 1998, %Y-%m-%dT%H:%M:%S%z for a timestamp with offset";
        mistakes.add(&format.span, format!("the format cannot be read back: {reason}"), hint);
    }
    format.value.clone()
}

/// Writes a moment in the format and reads it back as a value of the type.
fn try_format(format: &str, ty: Type) -> Result<(), jiff::Error> {
    let moment = jiff::civil::date(1998, 6, 12).at(21, 4, 5, 0).to_zoned(TimeZone::UTC)?;
    let written = BrokenDownTime::from(&moment).to_string(format)?;
    let read = BrokenDownTime::parse(format, &written)?;
    match ty {
        // Epoch seconds.
        _ if read.timestamp().is_some() => Ok(()),
        Type::Date => read.to_date().map(drop),
        Type::Timestamp => read.to_timestamp().map(drop).or_else(|_| read.to_datetime().map(drop)),
        // Other types have no format, which is a mistake of its own.
        _ => Ok(()),
    }
}
