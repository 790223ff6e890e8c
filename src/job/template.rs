//! Templates of URLs, queries, headers and payloads: `{column}`, `{endpoint.column}` and `${SECRET}` between literal
//! text, or `{column:url}` alone.
//!
//! `{{` and `}}` are literal braces; a `$` that no `{` follows is itself. A column of the list whose name has a point, a
//! colon, a brace or the like stands in quotes, single or double: `{"Artikel-Nr."}`, `{'Artikel-Nr.'}`, `{"Web: page":url}`.
//! Between them a name is itself; only the enclosing quote is doubled, as in SQL. What stands in quotes is never
//! `{endpoint.column}`.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::suggest::did_you_mean;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// In order; adjacent literals are one.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// `{name}`: a column of the input.
    Input(String),
    /// `{endpoint.column}`: a column that another endpoint's answer gave.
    Answer {
        /// Index of the endpoint in the job.
        endpoint: usize,
        /// Index of the column in that endpoint.
        column: usize,
        /// As the template names it: `omdb.title`.
        name: String,
    },
    /// `{name:url}`: a whole URL from a column of the input.
    Url(String),
    /// `${NAME}`: a secret from the environment, shown as `${NAME}` everywhere.
    Secret(String),
}

/// What `{endpoint.column}` may name: an endpoint and its columns, both in the order of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerNames {
    /// The endpoint's name.
    pub endpoint: String,
    /// Its columns' names.
    pub columns: Vec<String>,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct TemplateMistake {
    /// The bytes of the template that it is about.
    pub range: Range<usize>,
    /// One lowercase line.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Template {
    /// Reads a template as a job file has it; `answers` are the job's endpoints.
    ///
    /// # Errors
    /// All its mistakes, in order.
    pub fn parse(text: &str, answers: &[AnswerNames]) -> Result<Template, Vec<TemplateMistake>> {
        let reader = Reader::read(text, answers);
        if reader.mistakes.is_empty() { Ok(Template { parts: reader.parts }) } else { Err(reader.mistakes) }
    }

    /// The bytes of a template's text where a part that is no literal text stands first, its braces included.
    pub fn place_of(text: &str, part: &Part, answers: &[AnswerNames]) -> Option<Range<usize>> {
        let reader = Reader::read(text, answers);
        let at = reader.parts.iter().position(|other| other == part)?;
        reader.places.get(at).cloned()
    }

    /// The input columns that it uses, in order.
    pub fn input_columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Input(name) | Part::Url(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it is a whole URL from the list, `{column:url}`.
    pub fn is_whole_url(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Url(_)])
    }

    /// The secrets that it uses, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// The template as it is written.
impl fmt::Display for Template {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(literal) => text.write_str(&literal.replace('{', "{{").replace('}', "}}")),
            Part::Input(name) => write!(text, "{{{}}}", spelled(name)),
            Part::Url(name) => write!(text, "{{{}:url}}", spelled(name)),
            Part::Secret(name) => write!(text, "${{{name}}}"),
            Part::Answer { name, .. } => write!(text, "{{{name}}}"),
        })
    }
}

/// A template is compared and kept as it is written.
impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A column's name as a template has it between braces: in quotes where it needs them.
pub(in crate::job) fn spelled(name: &str) -> String {
    let is_plain = is_plain(name) && !name.contains(['.', '{', '}']);
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether a name, quotes apart, can stand between braces as it is.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.trim() == name
        && !name.starts_with(['"', '\''])
        && !name.contains(':')
        && !name.contains(char::is_control)
}

/// Reads a template piece by piece.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    answers: &'a [AnswerNames],
    parts: Vec<Part>,
    /// Where each of the parts stands.
    places: Vec<Range<usize>>,
    mistakes: Vec<TemplateMistake>,
}

impl<'a> Reader<'a> {
    fn read(text: &'a str, answers: &'a [AnswerNames]) -> Reader<'a> {
        let (parts, places, mistakes) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = Reader { text, at: 0, answers, parts, places, mistakes };
        while reader.at < text.len() {
            reader.read_piece();
        }
        reader
    }

    fn read_piece(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            self.literal(1);
            self.at += 1;
        } else if rest.starts_with("${") && !rest.starts_with("${{") {
            self.named(2, Reader::secret);
        } else if rest.starts_with('{') {
            self.named(1, Reader::value);
        } else if rest.starts_with('}') {
            self.mistake(
                self.at..self.at + 1,
                "a `}` without its `{`",
                "write }} for a brace that is meant literally",
            );
            self.at += 1;
        } else {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let next = rest[first..].find(['{', '}', '$']).map_or(rest.len(), |found| first + found);
            self.literal(next);
        }
    }

    /// Takes the next `length` bytes as they stand.
    fn literal(&mut self, length: usize) {
        let text = &self.text[self.at..self.at + length];
        match self.parts.last_mut() {
            Some(Part::Literal(before)) => before.push_str(text),
            _ => {
                self.parts.push(Part::Literal(text.to_owned()));
                self.places.push(self.at..self.at + length);
            }
        }
        self.at += length;
    }

    /// Takes a name in braces, whose opening is `opening` bytes long.
    fn named(&mut self, opening: usize, read: fn(&mut Self, &str, Range<usize>) -> Option<Part>) {
        let (begins, start) = (self.at, self.at + opening);
        let inside = &self.text[start..];
        let quoted = in_its_quotes(inside).map_or(0, |(name, _, length)| name.len() + length);
        let end = inside[quoted..].find(['{', '}']).map_or(inside.len(), |end| quoted + end);
        if !inside[end..].starts_with('}') {
            let hint = "close it with `}`, or write {{ for a brace that is meant literally";
            self.mistake(self.at..start + end, "a `{` without its `}`", hint);
            self.at = start + end;
            return;
        }
        self.at = start + end + 1;
        if let Some(part) = read(self, &inside[..end], start..start + end) {
            self.parts.push(part);
            self.places.push(begins..self.at);
        }
    }

    fn secret(&mut self, name: &str, range: Range<usize>) -> Option<Part> {
        let fits = |(at, byte): (usize, u8)| {
            byte == b'_' || byte.is_ascii_alphabetic() || at > 0 && byte.is_ascii_digit()
        };
        if !name.is_empty() && name.bytes().enumerate().all(fits) {
            return Some(Part::Secret(name.to_owned()));
        }
        let hint = "name an environment variable: letters, digits and `_`, as in ${API_KEY}";
        self.mistake(range, format!("`{name}` is no name of a secret"), hint);
        None
    }

    fn value(&mut self, name: &str, range: Range<usize>) -> Option<Part> {
        if name.starts_with(['"', '\'']) {
            return self.quoted_value(name, range);
        }
        if let Some((endpoint, column, length)) = in_its_quotes(name)
            && endpoint.len() + length == name.len()
        {
            return self.answer(endpoint.trim_end_matches('.'), &column, range);
        }
        let (column, is_url) = match name.strip_suffix(":url") {
            Some(column) => (column, true),
            None => (name, false),
        };
        if !is_plain(column) {
            let hint = "write {column} or {endpoint.column}, without spaces around the name; a name with other characters \
                        stands in quotes: {\"Web: page\"}";
            self.mistake(range, format!("`{{{name}}}` names no column"), hint);
            return None;
        }
        match column.split_once('.') {
            Some(_) if is_url => {
                let hint = format!(
                    "write {{column:url}}, a column of the list that holds whole URLs; {}",
                    in_quotes(column)
                );
                self.mistake(range, format!("`{{{name}}}` is no column of the list"), hint);
                None
            }
            Some((endpoint, column)) => self.answer(endpoint, column, range),
            None if is_url => Some(Part::Url(column.to_owned())),
            None => Some(Part::Input(column.to_owned())),
        }
    }

    /// A column of the list whose name stands in quotes, `:url` behind it or nothing.
    fn quoted_value(&mut self, name: &str, range: Range<usize>) -> Option<Part> {
        let found = quoted(name).filter(|(column, _)| !column.is_empty() && !column.contains('\0'));
        match found.map(|(column, length)| (column, &name[length..])) {
            Some((column, "")) => Some(Part::Input(column)),
            Some((column, ":url")) => Some(Part::Url(column)),
            _ => {
                let hint = "close the quote, double one that is part of the name, and write nothing but :url behind it";
                self.mistake(range, format!("`{{{name}}}` names no column"), hint);
                None
            }
        }
    }

    fn answer(&mut self, endpoint: &str, column: &str, range: Range<usize>) -> Option<Part> {
        let Some((index, names)) =
            self.answers.iter().enumerate().find(|(_, names)| names.endpoint == endpoint)
        else {
            let known: Vec<&str> = self.answers.iter().map(|names| names.endpoint.as_str()).collect();
            let hint = did_you_mean(endpoint, &known).unwrap_or_else(|| {
                format!(
                    "before the point stands an endpoint of this job; {}",
                    in_quotes(&format!("{endpoint}.{column}"))
                )
            });
            self.mistake(range, format!("unknown endpoint `{endpoint}` in `{{{endpoint}.{column}}}`"), hint);
            return None;
        };
        if let Some(position) = names.columns.iter().position(|name| name == column) {
            let name = format!("{endpoint}.{}", spelled(column));
            return Some(Part::Answer { endpoint: index, column: position, name });
        }
        let hint = did_you_mean(column, &names.columns).unwrap_or_else(|| match names.columns.as_slice() {
            [] => format!("give `{endpoint}` columns in [endpoint.columns]"),
            columns => format!("the columns of `{endpoint}` are {}", columns.join(", ")),
        });
        self.mistake(range, format!("endpoint `{endpoint}` has no column `{column}`"), hint);
        None
    }

    fn mistake(&mut self, range: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(TemplateMistake { range, message: message.into(), hint: hint.into() });
    }
}

/// How to name a column of the list that has a point in its name.
fn in_quotes(column: &str) -> String {
    format!("a column of the list with a point in its name stands in quotes: {{{}}}", spelled(column))
}

/// A name in quotes, behind nothing or behind an endpoint's name and a point: what is before it, the name, and the bytes
/// that it takes.
fn in_its_quotes(text: &str) -> Option<(&str, String, usize)> {
    let is_word = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let word = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
    let before = if text[word..].starts_with('.') { word + 1 } else { 0 };
    let (name, length) = quoted(&text[before..])?;
    Some((&text[..before], name, length))
}

/// The name in the quotes that `text` begins with, and the bytes it takes, quotes included.
pub(in crate::job) fn quoted(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut end = 1;
    loop {
        end += text[end..].find(quote)? + 1;
        if !text[end..].starts_with(quote) {
            break;
        }
        end += 1;
    }
    let doubled = String::from_iter([quote, quote]);
    Some((text[1..end - 1].replace(&doubled, &quote.to_string()), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Part>, Vec<(Range<usize>, String)>> {
        let answers =
            [AnswerNames { endpoint: "omdb".into(), columns: vec!["title".into(), "votes".into()] }];
        let template = Template::parse(text, &answers).map(|template| template.parts);
        template.map_err(|mistakes| mistakes.into_iter().map(|one| (one.range, one.message)).collect())
    }

    fn literal(text: &str) -> Part {
        Part::Literal(text.into())
    }

    #[test]
    fn values_secrets_and_text_are_told_apart() {
        let parts = parse("https://x/{id}/{omdb.votes}?k=${KEY_1}&é=$5").unwrap();
        let expected = [
            literal("https://x/"),
            Part::Input("id".into()),
            literal("/"),
            Part::Answer { endpoint: 0, column: 1, name: "omdb.votes".into() },
            literal("?k="),
            Part::Secret("KEY_1".into()),
            literal("&é=$5"),
        ];
        assert_eq!(parts, expected);
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("{Film Title}"), Ok(vec![Part::Input("Film Title".into())]));
        assert_eq!(parse("{page:url}"), Ok(vec![Part::Url("page".into())]));
    }

    #[test]
    fn doubled_braces_are_literal() {
        assert_eq!(parse("{{a}}"), Ok(vec![literal("{a}")]));
        assert_eq!(parse("{{{id}}}"), Ok(vec![literal("{"), Part::Input("id".into()), literal("}")]));
        assert_eq!(parse("${{NAME}}"), Ok(vec![literal("${NAME}")]));
        assert_eq!(parse("$"), Ok(vec![literal("$")]));
    }

    #[test]
    fn every_mistake_is_found_with_its_place() {
        let ranges = |text| parse(text).unwrap_err().into_iter().map(|(range, _)| range).collect::<Vec<_>>();
        assert_eq!(ranges("a}b{"), [1..2, 3..4]);
        assert_eq!(ranges("{}{ a}{a:b}{omdb.titel}{imdb.title}"), [1..1, 3..5, 7..10, 12..22, 24..34]);
        assert_eq!(ranges("${}${1A}${A-B}"), [2..2, 5..7, 10..13]);
        assert_eq!(ranges("{a{b}").first(), Some(&(0..2)));
        assert_eq!(ranges("{:url}{a b :url}{omdb.title:url}"), [1..5, 7..15, 17..31]);
    }

    #[test]
    fn any_header_stands_in_quotes() {
        let names = [
            ("Artikel-Nr.", r#"{"Artikel-Nr."}"#),
            ("Artikel-Nr.", "{'Artikel-Nr.'}"),
            ("a}b{c", r#"{"a}b{c"}"#),
            ("5\" pipe's", r#"{"5"" pipe's"}"#),
            ("5\" pipe's", r#"{'5" pipe''s'}"#),
            ("omdb.title", r#"{"omdb.title"}"#),
            (" Größe: m² ", r#"{" Größe: m² "}"#),
            ("Price\n(EUR)", "{\"Price\n(EUR)\"}"),
            ("id", r#"{"id"}"#),
            ("Artikel-Nr", "{Artikel-Nr}"),
        ];
        for (name, written) in names {
            let around = format!("{{{{{written}/x");
            let expected = vec![literal("{"), Part::Input(name.into()), literal("/x")];
            assert_eq!(parse(&around), Ok(expected), "{written}");
            let url = format!("{}:url}}", &written[..written.len() - 1]);
            assert_eq!(parse(&url), Ok(vec![Part::Url(name.into())]), "{url}");
            assert_eq!(
                Template::place_of(&around, &Part::Input(name.into()), &[]),
                Some(2..2 + written.len())
            );
        }
        for wrong in [r#"{"}"#, r#"{"a}"#, r#"{""}"#, r#"{"a"b}"#, r#"{"a":uri}"#, "{'a\0'}", r#"{"a" }"#] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let hint = Template::parse("{Artikel-Nr.}", &[]).unwrap_err().remove(0).hint;
        assert!(hint.ends_with(r#"stands in quotes: {"Artikel-Nr."}"#), "{hint}");
    }

    #[test]
    fn a_near_name_is_offered() {
        let answers = [AnswerNames { endpoint: "omdb".into(), columns: vec!["title".into()] }];
        let hint = |text| Template::parse(text, &answers).unwrap_err().remove(0).hint;
        assert_eq!(hint("{omdb.titel}"), "did you mean `title`?");
        assert_eq!(hint("{imdb.title}"), "did you mean `omdb`?");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_the_same(text in "([a-z{}$.:é\"' ]|\\{[a-z]{1,3}\\}|\\{\"[a-z.:{}' ]{1,4}\"\\}|\\{'[a-z.\"]{1,3}':url\\}|\\$\\{[A-Z]{1,3}\\}){0,12}") {
            if let Ok(template) = Template::parse(&text, &[]) {
                let written = template.to_string();
                proptest::prop_assert_eq!(Template::parse(&written, &[]), Ok(template), "{}", written);
            }
        }
    }
}
