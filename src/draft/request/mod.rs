//! The request of a curl command, as an endpoint of a job sends it for every record of a list.
//!
//! Promises: what the job sends for the record whose id the command names is what curl would send, but for headers that are
//! curl's own and what is said to be left out. A value that looks like a secret stands in no line that is written; it is
//! known by the name that the job has for it.

mod cut;
mod find;
mod json;
mod piece;
mod secret;
#[cfg(test)]
mod tests;
mod written;

use std::ops::Range;

pub use self::find::Candidate;
pub(super) use self::json::key;
pub use self::piece::{Piece, Place};
pub(super) use self::written::Line;

use self::cut::{CutRequest, Payload};
use crate::curl::CurlCommand;
use crate::job::{Part, Template};
use crate::plan::{PeekedList, PlanError};

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The URL is none.
    #[error("{0:?} is no URL: {1}\nhint: it begins with https:// or http://")]
    Url(String, String),
    /// It is of something else than HTTP.
    #[error("{0:?} is no URL of HTTP\nhint: it begins with https:// or http://")]
    Scheme(String),
    /// The text that stands for the id is not in the request.
    #[error("{0:?} stands nowhere in the request\nhint: --example takes the id as it stands there")]
    NoExample(String),
    /// The list.
    #[error(transparent)]
    List(#[from] PlanError),
}

/// A secret that the request holds.
#[derive(Clone, PartialEq, Eq)]
pub struct DraftSecret {
    /// What the job calls it.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Where it stood: `authorization`.
    pub of: String,
}

/// Where the id was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundId {
    /// The column.
    pub column: String,
    /// The id that the command names.
    pub value: String,
    /// Further columns whose values stand in the request.
    pub others: Vec<String>,
}

/// A request that becomes an endpoint.
#[derive(Clone)]
pub struct RequestDraft {
    cut: CutRequest,
    /// The column that holds the whole URL.
    whole_url: Option<String>,
    /// As the command was read.
    command: CurlCommand,
    found: Option<FoundId>,
    /// Columns of the list that are sent as JSON numbers.
    numbers: Vec<String>,
    secrets: Vec<DraftSecret>,
    /// The secret that is the password of [`CurlCommand::user`], or the user.
    basic: Option<String>,
    /// The proxy, as the job names it.
    proxy: Option<String>,
    is_plain_text: bool,
}

impl RequestDraft {
    /// Of a command.
    ///
    /// # Errors
    /// A URL that is none of HTTP.
    pub fn of(command: CurlCommand) -> Result<RequestDraft, DraftError> {
        Ok(RequestDraft {
            cut: CutRequest::of(&command)?,
            whole_url: None,
            command,
            found: None,
            numbers: Vec::new(),
            secrets: Vec::new(),
            basic: None,
            proxy: None,
            is_plain_text: false,
        })
    }

    /// The pieces in which an id may stand.
    pub fn pieces(&self) -> Vec<&Piece> {
        self.cut.pieces().into_iter().filter(|piece| !piece.text.is_empty()).collect()
    }

    /// Headers that are left out, since they belong to a single request.
    pub fn left_out(&self) -> &[String] {
        &self.cut.left_out
    }

    /// Where the id was found, once it was.
    pub fn found(&self) -> Option<&FoundId> {
        self.found.as_ref()
    }

    /// The secrets, once they are hidden.
    pub fn secrets(&self) -> &[DraftSecret] {
        &self.secrets
    }

    /// Columns of the list that are sent as numbers.
    pub fn numbers(&self) -> &[String] {
        &self.numbers
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.cut.origin
    }

    /// Puts the columns of the list where the request names them itself, as `{column}`. Whether it names any.
    pub fn take_named(&mut self, columns: &[String]) -> bool {
        let mut named = Vec::new();
        for piece in self.cut.pieces_mut() {
            let found = columns.iter().find_map(|column| {
                let spelled = format!("{{{column}}}");
                piece.text.find(&spelled).map(|at| (column.clone(), at..at + spelled.len()))
            });
            if let Some((column, range)) = found {
                piece.replace(range, Part::Input(column.clone()));
                named.push(column);
            }
        }
        named.dedup();
        if !named.is_empty() {
            let column = named.remove(0);
            self.found = Some(FoundId { value: format!("{{{column}}}"), column, others: named });
        }
        self.found.is_some()
    }

    /// The columns whose values stand in the request, the most telling first.
    ///
    /// # Errors
    /// Where the list cannot be read any more.
    pub fn candidates(&self, list: &PeekedList) -> Result<Vec<Candidate>, DraftError> {
        Ok(find::candidates(list, &self.command.url, &self.cut.pieces())?)
    }

    /// A column and the text in the request that stands for its value.
    ///
    /// # Errors
    /// Where it does not stand there.
    pub fn example(&self, column: usize, text: &str) -> Result<Candidate, DraftError> {
        let pieces = self.cut.pieces();
        let whole = pieces.iter().enumerate().filter(|(_, piece)| piece.text == text);
        let mut places: Vec<(usize, Range<usize>)> = whole.map(|(at, _)| (at, 0..text.len())).collect();
        if places.is_empty() {
            let within = pieces.iter().enumerate();
            places = within.filter_map(|(at, piece)| Some((at, find::inside(&piece.text, text)?))).collect();
        }
        if places.is_empty() || text.is_empty() {
            return Err(DraftError::NoExample(text.to_owned()));
        }
        Ok(Candidate { column, record: None, value: text.to_owned(), places, is_whole_url: false })
    }

    /// Asks about the list's values where the command has the candidate's, and about others of its record where it has them.
    ///
    /// # Errors
    /// Where the list cannot be read any more.
    pub fn ask_about(&mut self, list: &PeekedList, chosen: &Candidate) -> Result<(), DraftError> {
        let column = list.columns[chosen.column].clone();
        let others = match chosen.is_whole_url {
            true => Vec::new(),
            false => find::others(list, &self.cut.pieces(), chosen)?,
        };
        if chosen.is_whole_url {
            self.whole_url = Some(column.clone());
        }
        let mut pieces = self.cut.pieces_mut();
        for (at, range) in &chosen.places {
            pieces[*at].replace(range.clone(), Part::Input(column.clone()));
        }
        for (at, other) in &others {
            let range = 0..pieces[*at].text.len();
            pieces[*at].replace(range, Part::Input(list.columns[*other].clone()));
        }
        self.numbers = self.cut.number_columns();
        let mut others: Vec<String> = others.iter().map(|(_, other)| list.columns[*other].clone()).collect();
        others.dedup();
        self.found = Some(FoundId { column, value: chosen.value.clone(), others });
        Ok(())
    }

    /// Without a parameter, which the pages set.
    pub fn without_param(&self, name: &str) -> RequestDraft {
        let mut without = self.clone();
        without.cut.params.retain(|param| param.value.name != name);
        without
    }

    /// Gives each secret a name, by which alone it is known from here on.
    pub fn hide_secrets(&mut self, job: &str) {
        let variables = self.command.variables.clone();
        let mut secrets = Vec::new();
        for piece in self.cut.pieces_mut() {
            let of_variable = variables.iter().find_map(|(name, value)| {
                let at =
                    piece.text.find(value.as_str()).filter(|_| value.chars().count() >= TELLING_VARIABLE)?;
                Some((at..at + value.len(), name.clone()))
            });
            let found = of_variable.map(|(range, name)| (range, Some(name)));
            let found = found.or_else(|| secret::secret_in(piece).map(|range| (range, None)));
            let Some((range, name)) = found.filter(|_| piece.is_literal()) else { continue };
            let value = piece.text[range.clone()].to_owned();
            let name = name.unwrap_or_else(|| secret::name_of(job, piece));
            let name = named(&mut secrets, name, value, &piece.name);
            piece.replace(range, Part::Secret(name));
        }
        self.hide_in_text(job, &mut secrets);
        self.hide_user(job, &mut secrets);
        self.hide_proxy(job, &mut secrets);
        self.secrets = secrets;
    }

    /// The secrets in a text that is sent as it is, where its values have names. Of any other text a person has to see it.
    fn hide_in_text(&mut self, job: &str, secrets: &mut Vec<DraftSecret>) {
        let Payload::Text(text) = &mut self.cut.payload else { return };
        let values = cut::named_values(&text.text);
        self.is_plain_text = values.is_empty();
        for (name, written) in values {
            let value = Piece::plain(Place::Payload, &name, &written);
            if let Some(range) = secret::secret_in(&value) {
                let hidden = written[range].to_owned();
                let name = named(secrets, secret::name_of(job, &value), hidden.clone(), &name);
                text.replace_text(&hidden, Part::Secret(name));
            }
        }
    }

    /// Whether a text is sent of which nothing is known: what is secret in it stands in the job.
    pub fn is_plain_text(&self) -> bool {
        self.is_plain_text
    }

    /// The password; where there is none the user, which then is the secret.
    fn hide_user(&mut self, job: &str, secrets: &mut Vec<DraftSecret>) {
        let Some((user, password)) = &self.command.user else { return };
        let (word, value) = if password.is_empty() { ("token", user) } else { ("password", password) };
        let variable = self.command.variables.iter().find(|(_, other)| other == value);
        let name = variable.map_or_else(|| secret::prefixed(job, word), |(name, _)| name.clone());
        self.basic = Some(named(secrets, name, value.clone(), "basic authentication"));
    }

    /// The password that the proxy is told.
    fn hide_proxy(&mut self, job: &str, secrets: &mut Vec<DraftSecret>) {
        let Some(proxy) = &self.command.proxy else { return };
        let literal = Template { parts: vec![Part::Literal(proxy.clone())] }.to_string();
        let user = proxy.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
        let password = user.and_then(|(scheme, (user, host))| Some((scheme, user.split_once(':')?, host)));
        self.proxy = Some(match password {
            Some((scheme, (user, password), host)) if !password.is_empty() => {
                let value = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
                let name = named(secrets, secret::prefixed(job, "proxy_password"), value, "the proxy");
                format!("{scheme}://{user}:${{{name}}}@{host}")
            }
            _ => literal,
        });
    }
}

/// Whether a piece holds a secret.
pub fn is_secret(piece: &Piece) -> bool {
    secret::secret_in(piece).is_some()
}

/// Shortest value of a variable that is looked for within the request.
const TELLING_VARIABLE: usize = 4;

/// Notes a secret; what it is called: another value of the same name gets a number.
fn named(secrets: &mut Vec<DraftSecret>, name: String, value: String, of: &str) -> String {
    let is_same = |secret: &&DraftSecret| secret.value == value;
    if let Some(same) = secrets.iter().find(is_same) {
        return same.name.clone();
    }
    let taken = |name: &str| secrets.iter().any(|secret| secret.name == name);
    let mut unique = name.clone();
    for number in 2.. {
        if !taken(&unique) {
            break;
        }
        unique = format!("{name}_{number}");
    }
    secrets.push(DraftSecret { name: unique.clone(), value, of: of.to_owned() });
    unique
}
