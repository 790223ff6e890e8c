//! The names of a job: which there are, that each is fit for files, views and tables, and that no two collide.

use super::scheme::{Kind, NameRules};
use crate::job::TableName;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::template::{AnswerNames, Part, Template};
use crate::job::when::{self, Uses, WhenMistake};

/// Most bytes of an endpoint's name.
pub(super) const LONGEST_ENDPOINT: usize = 48;

/// The names that a file gives to things, whether or not the things are right.
pub(super) struct GivenNames<'a> {
    pub id: &'a [At<String>],
    pub listed: &'a [At<String>],
    pub stamps: Vec<&'a At<String>>,
    pub endpoints: Vec<KnownEndpoint<'a>>,
    /// The endpoints as templates may name them, in the order of the file.
    pub answers: Vec<AnswerNames>,
    /// The conditions of the endpoints, in the order of the file.
    pub conditions: Vec<Option<Condition<'a>>>,
    /// Columns of the list that endpoints use, each once, where it is used first.
    pub used: Vec<At<String>>,
}

/// The name of an endpoint, if it has one, and those of its columns.
pub(super) struct KnownEndpoint<'a> {
    pub name: Option<&'a At<String>>,
    pub columns: Vec<&'a At<String>>,
    /// Whether it has `rows`.
    pub explodes: bool,
}

/// A `when`, and what it names.
pub(super) struct Condition<'a> {
    pub code: &'a At<String>,
    pub uses: Result<Uses, Vec<WhenMistake>>,
}

impl<'a> GivenNames<'a> {
    pub(super) fn of(file: &'a raw::JobFile) -> GivenNames<'a> {
        let input = file.input.as_ref().map(|input| &input.value);
        let table = file.table.as_ref().map(|table| &table.value);
        let endpoints: Vec<KnownEndpoint<'a>> = file.endpoints().map(KnownEndpoint::of).collect();
        let answers: Vec<AnswerNames> = endpoints.iter().map(KnownEndpoint::answer_names).collect();
        let mut known = GivenNames {
            id: input.and_then(|input| input.id.as_ref()).map_or(&[], |id| &id.value.0),
            listed: input.and_then(|input| input.columns.as_ref()).map_or(&[], |keep| &keep.value),
            stamps: table
                .and_then(|table| table.stamp.as_ref())
                .map_or_else(Vec::new, |stamp| stamp.value.names()),
            conditions: Vec::new(),
            used: Vec::new(),
            answers,
            endpoints,
        };
        known.use_templates(file);
        known.use_conditions(file);
        known
    }

    /// The columns of the list that the job needs: the id, what it keeps, what endpoints use.
    pub(super) fn of_the_list(&self) -> impl Iterator<Item = &At<String>> {
        self.id.iter().chain(self.listed).chain(&self.used)
    }

    fn use_templates(&mut self, file: &raw::JobFile) {
        for written in file.templates() {
            let Ok(template) = Template::parse(written.text(), &self.answers) else { continue };
            for part in &template.parts {
                let (Part::Input(name) | Part::Url(name)) = part else { continue };
                let place = Template::place_of(written.text(), part, &self.answers).unwrap_or_default();
                self.use_column(At { value: name.clone(), span: written.part(place) });
            }
        }
    }

    fn use_conditions(&mut self, file: &'a raw::JobFile) {
        let types = file.input.as_ref().and_then(|input| input.value.types.as_ref());
        let typed = types.map_or_else(Vec::new, |types| types.value.names());
        let listed: Vec<&str> = self.of_the_list().chain(typed).map(At::text).collect();
        let names = when::Names { answers: &self.answers, listed: &listed };
        let condition = |code: &'a At<String>| Condition { code, uses: Uses::of(code.text(), names) };
        self.conditions = file.endpoints().map(|endpoint| endpoint.when.as_ref().map(condition)).collect();
        let named: Vec<At<String>> = self
            .conditions
            .iter()
            .flatten()
            .filter_map(|condition| Some((condition.code, condition.uses.as_ref().ok()?)))
            .flat_map(|(code, uses)| uses.inputs.iter().map(move |named| (code, named)))
            .map(|(code, (name, range))| At { value: name.clone(), span: code.part(range.clone()) })
            .collect();
        named.into_iter().for_each(|name| self.use_column(name));
    }

    fn use_column(&mut self, name: At<String>) {
        if self.used.iter().all(|other| other.value != name.value) {
            self.used.push(name);
        }
    }
}

impl<'a> KnownEndpoint<'a> {
    fn of(endpoint: &'a raw::Endpoint) -> KnownEndpoint<'a> {
        let columns = endpoint.columns.as_ref().map_or_else(Vec::new, |columns| columns.value.names());
        KnownEndpoint { name: endpoint.name.as_ref(), columns, explodes: endpoint.rows.is_some() }
    }

    fn answer_names(&self) -> AnswerNames {
        AnswerNames {
            endpoint: self.name.map_or_else(String::new, |name| name.value.clone()),
            columns: self.columns.iter().map(|column| column.value.clone()).collect(),
        }
    }
}

/// Notes every name that the destination cannot have, and those that collide.
pub(super) fn check(file: &raw::JobFile, known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    check_endpoints(known, mistakes);
    let kind = Kind::of(file);
    let made = known.endpoints.iter().flat_map(|endpoint| &endpoint.columns).chain(&known.stamps).copied();
    let shown = known.used.iter().filter(|_| kind.names().is_some() && shows_input(file));
    for name in known.id.iter().chain(known.listed).chain(made).chain(shown) {
        if let Some((message, hint)) = misfit(name.text(), kind) {
            mistakes.add(&name.span, message, hint);
        }
    }
    check_collisions(known, kind, mistakes);
}

/// Whether a statement of the job's own may look at all columns of the list that are used.
fn shows_input(file: &raw::JobFile) -> bool {
    let before = file.before().filter_map(|one| one.sql.as_ref());
    let after = file.after().filter_map(|one| one.sql.as_ref());
    before.chain(after).any(|sql| sql.value.to_lowercase().contains("windrow_input"))
}

/// Why the destination can have no column of that name, and what to do.
fn misfit(name: &str, kind: Kind) -> Option<(String, String)> {
    let rules = kind.names();
    let (why, hint) = match name {
        "" => (" is no name for a column".to_owned(), "it takes one character at least"),
        _ if name.contains('\0') => {
            (" is no name for a column".to_owned(), "no database can have the character U+0000 in a name")
        }
        _ => match rules {
            Some(NameRules { database, longest, of_longer, .. }) if name.len() > *longest => {
                let why = format!(" is {} bytes long, and no name for a column in {database}", name.len());
                (why, *of_longer)
            }
            Some(NameRules { database, system_columns, .. }) if system_columns.contains(&name) => {
                let why = format!(" is no name for a column in {database}");
                (why, "each of its tables has a system column of that name: take another one")
            }
            _ => return None,
        },
    };
    Some((format!("\"{name}\"{why}"), hint.to_owned()))
}

fn check_endpoints(known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    let mut before: Vec<&At<String>> = Vec::new();
    for name in known.endpoints.iter().filter_map(|endpoint| endpoint.name) {
        let text = name.text();
        if !is_word(text) || text.len() > LONGEST_ENDPOINT {
            let hint =
                "up to 48 letters (A to Z), digits and `_`, the first no digit: it names files and a view";
            mistakes.add(&name.span, format!("\"{}\" is no name for an endpoint", text), hint);
        }
        if before.iter().any(|other| other.value.eq_ignore_ascii_case(text)) {
            let hint = "each endpoint needs a name of its own; capitals make no difference";
            mistakes.add(&name.span, format!("a second endpoint named \"{text}\""), hint);
        }
        before.push(name);
    }
}

/// Notes columns of the table that have one name for the destination. DuckDB makes no difference between capitals (of
/// ASCII) and small letters, and it writes the files, too.
fn check_collisions(known: &GivenNames<'_>, kind: Kind, mistakes: &mut Mistakes) {
    let carried = known
        .id
        .iter()
        .map(|name| (name, "the id"))
        .chain(known.listed.iter().map(|name| (name, "`columns` of [input]")));
    let answered = known
        .endpoints
        .iter()
        .flat_map(|endpoint| endpoint.columns.iter().map(|name| (*name, "an endpoint")));
    let stamped = known.stamps.iter().map(|name| (*name, "`stamp`"));
    let mut all: Vec<(&At<String>, &str)> = carried.chain(answered).chain(stamped).collect();
    let name_there =
        |name: &str| if kind.knows_capitals() { name.to_owned() } else { name.to_ascii_lowercase() };
    all.sort_by_key(|(name, _)| (name_there(&name.value), name.span.start));
    for pair in all.windows(2) {
        let ((first, whose), (second, _)) = (pair[0], pair[1]);
        if name_there(&first.value) == name_there(&second.value) {
            let hint = if first.value == second.value {
                format!("{whose} has `{}` already: rename one", first.value)
            } else {
                format!(
                    "{whose} has `{}` already, and capitals make no difference there: \
                     rename one",
                    first.value
                )
            };
            mistakes.add(&second.span, format!("a second column named `{}`", second.value), hint);
        }
    }
}

/// Whether a job may be named so: it names a folder, too.
pub(super) fn is_job_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-')
}

/// Letters, digits and `_`, the first no digit.
fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    text.bytes().all(fits) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// A table's name, if the destination can have it; otherwise why not, and what to do.
pub(super) fn table_name(text: &str, kind: Kind) -> Result<TableName, (String, &'static str)> {
    let Some(name) = TableName::parse(text) else {
        let hint =
            "name or schema.name; what holds a point or a quote stands in quotes, as in SQL: '\"my.table\"'";
        return Err((format!("\"{text}\" is no name for a table"), hint));
    };
    if let Some(NameRules { database, longest, of_longer, .. }) = kind.names()
        && let Some(long) = name.parts().find(|part| part.len() > *longest)
    {
        let message =
            format!("\"{long}\" is {} bytes long, and no name for a table in {database}", long.len());
        return Err((message, *of_longer));
    }
    if let Some(NameRules { database, reserved: Some(reserved), .. }) = kind.names()
        && name.table.to_ascii_lowercase().starts_with(reserved)
    {
        let message = format!("\"{}\" is no name for a table in {database}", name.table);
        return Err((message, "it keeps names that begin so for itself: take another one"));
    }
    Ok(name)
}

/// Whether two names may be one table's: one without a schema is in whichever the server says.
pub(super) fn is_same_table(one: &str, other: &str) -> bool {
    let parsed = |name: &str| TableName::parse(&name.to_ascii_lowercase());
    let (Some(one), Some(other)) = (parsed(one), parsed(other)) else { return false };
    one.table == other.table && (one.schema.is_none() || other.schema.is_none() || one.schema == other.schema)
}
