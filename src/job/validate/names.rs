//! The names of a job: which there are, that each is fit for files, views and tables, and that no two collide.

use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::template::{AnswerNames, Part, Template};
use crate::job::when::{self, Uses, WhenMistake};

/// Names that the views and files of a run have already.
const TAKEN_ENDPOINTS: [&str; 5] = ["requests", "rows", "input", "bodies", "ordinal"];

/// Columns that a run's files have already, whatever the capitals.
pub(super) const TAKEN_COLUMNS: [&str; 3] = ["ordinal", "part", "ask"];

/// Most bytes of a column's or table's name, as PostgreSQL has it (NAMEDATALEN - 1).
const LONGEST_NAME: usize = 63;

/// Most bytes of an endpoint's name.
const LONGEST_ENDPOINT: usize = 48;

/// The names that a file gives to things, whether or not the things are right.
pub(super) struct Known<'a> {
    pub id: &'a [At<String>],
    pub keep: &'a [At<String>],
    pub stamps: Vec<&'a At<String>>,
    pub endpoints: Vec<KnownEndpoint<'a>>,
    /// The endpoints as templates may name them, in the order of the file.
    pub answers: Vec<AnswerNames>,
    /// The conditions of the endpoints, in the order of the file.
    pub conditions: Vec<Option<Condition<'a>>>,
    /// Columns of the list that endpoints use, each once, where it is used first.
    pub used: Vec<Used>,
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

/// A column of the list that an endpoint uses.
pub(super) struct Used {
    /// Where it stands.
    pub name: At<String>,
    /// As it stands there: `{year}`, or `.year` in a condition.
    pub written: String,
}

impl<'a> Known<'a> {
    pub(super) fn of(file: &'a raw::JobFile) -> Known<'a> {
        let input = file.input.as_ref().map(|input| &input.value);
        let table = file.table.as_ref().map(|table| &table.value);
        let endpoints: Vec<KnownEndpoint<'a>> = file.endpoints().map(KnownEndpoint::of).collect();
        let answers: Vec<AnswerNames> = endpoints.iter().map(KnownEndpoint::answer_names).collect();
        let mut known = Known {
            id: input.and_then(|input| input.id.as_ref()).map_or(&[], |id| &id.value.0),
            keep: input.and_then(|input| input.keep.as_ref()).map_or(&[], |keep| &keep.value),
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
        self.id.iter().chain(self.keep).chain(self.used.iter().map(|used| &used.name))
    }

    fn use_templates(&mut self, file: &raw::JobFile) {
        for written in file.templates() {
            let Ok(template) = Template::parse(written.text(), &self.answers) else { continue };
            for part in &template.parts {
                let (Part::Input(name) | Part::Url(name)) = part else { continue };
                let place = Template::place_of(written.text(), part, &self.answers).unwrap_or_default();
                let slot = written.text()[place.clone()].to_owned();
                self.use_column(At { value: name.clone(), span: written.part(place) }, slot);
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
        for name in named {
            let written = format!(".{}", name.value);
            self.use_column(name, written);
        }
    }

    fn use_column(&mut self, name: At<String>, written: String) {
        if self.used.iter().all(|other| other.name.value != name.value) {
            self.used.push(Used { name, written });
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

/// Notes every name that is unfit or taken.
pub(super) fn check(known: &Known<'_>, mistakes: &mut Mistakes) {
    check_endpoints(known, mistakes);
    for name in known.id.iter().chain(known.keep) {
        check_input_column(name, known, mistakes);
    }
    let made = known.endpoints.iter().flat_map(|endpoint| &endpoint.columns).chain(&known.stamps);
    for name in made {
        check_made_column(name, mistakes);
    }
    check_collisions(known, mistakes);
}

fn check_endpoints(known: &Known<'_>, mistakes: &mut Mistakes) {
    let mut before: Vec<&At<String>> = Vec::new();
    for name in known.endpoints.iter().filter_map(|endpoint| endpoint.name) {
        let text = name.text();
        if !is_word(text) || text.len() > LONGEST_ENDPOINT {
            let hint =
                "up to 48 letters (A to Z), digits and `_`, the first no digit: it names files and a view";
            mistakes.add(&name.span, format!("\"{}\" is no name for an endpoint", text), hint);
        } else if is_one_of(text, &TAKEN_ENDPOINTS) {
            let hint = format!(
                "every run has a view of that name: take another one than {}",
                raw::quoted(&TAKEN_ENDPOINTS)
            );
            mistakes.add(&name.span, format!("an endpoint cannot be named \"{text}\""), hint);
        }
        if before.iter().any(|other| other.value.eq_ignore_ascii_case(text)) {
            let hint = "each endpoint needs a name of its own; capitals make no difference";
            mistakes.add(&name.span, format!("a second endpoint named \"{text}\""), hint);
        }
        before.push(name);
    }
}

fn check_input_column(name: &At<String>, known: &Known<'_>, mistakes: &mut Mistakes) {
    let text = name.text();
    if text.is_empty() || text.len() > LONGEST_NAME || text.contains(char::is_control) || text.trim() != text
    {
        let hint = "1 to 63 bytes without control characters, and no space at either end";
        mistakes.add(&name.span, format!("\"{}\" is no name for a column", text), hint);
    }
    let before_point = text.split_once('.').map(|(before, _)| before);
    if known.answers.iter().any(|answer| Some(answer.endpoint.as_str()) == before_point) {
        let hint = "rename the endpoint or the column of the list";
        mistakes.add(&name.span, format!("`{text}` reads like a column of an endpoint"), hint);
    }
    check_taken(name, mistakes);
}

fn check_made_column(name: &At<String>, mistakes: &mut Mistakes) {
    let text = name.text();
    if !is_word(&text.replace(' ', "_")) || text.len() > LONGEST_NAME || text.ends_with(' ') {
        let hint = "1 to 63 letters (A to Z), digits, `_` and spaces, the first a letter or `_`";
        mistakes.add(&name.span, format!("\"{}\" is no name for a column", text), hint);
    }
    check_taken(name, mistakes);
}

fn check_taken(name: &At<String>, mistakes: &mut Mistakes) {
    if is_one_of(name.text(), &TAKEN_COLUMNS) {
        let hint = format!("a run's files have columns {} already", raw::quoted(&TAKEN_COLUMNS));
        mistakes.add(&name.span, format!("a column cannot be named \"{}\"", name.value), hint);
    }
}

/// Notes columns of the table whose names differ at most in capitals.
fn check_collisions(known: &Known<'_>, mistakes: &mut Mistakes) {
    let carried =
        known.id.iter().map(|name| (name, "the id")).chain(known.keep.iter().map(|name| (name, "`keep`")));
    let answered = known
        .endpoints
        .iter()
        .flat_map(|endpoint| endpoint.columns.iter().map(|name| (*name, "an endpoint")));
    let stamped = known.stamps.iter().map(|name| (*name, "`stamp`"));
    let mut all: Vec<(&At<String>, &str)> = carried.chain(answered).chain(stamped).collect();
    all.sort_by_key(|(name, _)| (name.value.to_lowercase(), name.span.start));
    for pair in all.windows(2) {
        let ((first, whose), (second, _)) = (pair[0], pair[1]);
        if first.value.to_lowercase() == second.value.to_lowercase() {
            let hint =
                format!("{whose} has `{}` already, and capitals make no difference: rename one", first.value);
            mistakes.add(&second.span, format!("a second column named `{}`", second.value), hint);
        }
    }
}

/// Letters, digits and `_`, the first no digit.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    text.bytes().all(fits) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Whether a text is `name` or `schema.name`, each fit for a database.
pub(super) fn is_table_name(text: &str) -> bool {
    let fits = |word: &str| is_word(word) && word.len() <= LONGEST_NAME;
    match text.split_once('.') {
        Some((schema, table)) => fits(schema) && fits(table),
        None => fits(text),
    }
}

/// Whether `text` is one of the words, whatever the capitals.
pub(super) fn is_one_of(text: &str, taken: &[&str]) -> bool {
    taken.iter().any(|word| word.eq_ignore_ascii_case(text))
}
