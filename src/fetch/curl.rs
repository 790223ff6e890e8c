//! A request as a line for a shell, which asks the same with curl.
//!
//! Promises:
//!
//! - No secret is in it: `"$NAME"` stands there, where it is encoded a call of jq with it, and it is checked that the outcome
//!   is what is sent. Where that is not certain there is no line, but why.
//! - It is one line of bash (or zsh), whatever is in the request; curl takes nothing in it for a file, a pattern or an option.
//! - It asks once, without following redirects: curl would take headers with secrets along.

use hyper::Method;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue,
};
use memchr::memmem;

use super::encode;
use super::headers::OUR_ACCEPT_ENCODING;
use super::marked::Mark;
use super::request::Request;
use super::shell_line::Word;
use crate::job::{Auth, Endpoint, Part, Proxy, Template};
use crate::secrets::Secrets;

/// Longest payload of a line.
const PAYLOAD: usize = 1 << 20;

/// Longest argument that Linux lets a command have, with some room (`MAX_ARG_STRLEN`).
const ARGUMENT: usize = 100_000;

/// From this length on curl waits for a leave to send a payload.
const WAITS: usize = 1024;

/// What names a proxy to curl.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// What jq encodes in some of its versions only.
const LEFT_BY_JQ: [char; 5] = ['!', '*', '\'', '(', ')'];

/// Percent-encoding in any version of jq; no `!`, behind which an interactive bash looks for its history.
const STRICTLY: &str =
    r#"@uri|gsub("\u0021";"%21")|gsub("[*]";"%2A")|gsub("\u0027";"%27")|gsub("[(]";"%28")|gsub("[)]";"%29")"#;

/// A form's.
const FORM: &str = r#"@uri|gsub("\u0021";"%21")|gsub("%2A";"*")|gsub("\u0027";"%27")|gsub("[(]";"%28")|gsub("[)]";"%29")|gsub("%20";"+")|gsub("~";"%7E")"#;

/// Shorter values are found everywhere.
const SHORTEST: usize = 4;

/// The line for a request of an endpoint; or why there is none.
///
/// # Errors
/// What it would take is not sure to be the same, or would show a secret.
pub fn curl(request: &Request, endpoint: &Endpoint, secrets: &Secrets) -> Result<String, String> {
    let line = Line { request, endpoint, secrets };
    let text = line.text()?;
    match endpoint.secrets().find(|name| line.shows(&text, name)) {
        Some(name) => Err(format!("it would show ${{{name}}}")),
        None => Ok(text),
    }
}

struct Line<'a> {
    request: &'a Request,
    endpoint: &'a Endpoint,
    secrets: &'a Secrets,
}

impl Line<'_> {
    fn text(&self) -> Result<String, String> {
        let (payload, before) = self.payload()?;
        let mut words: Vec<String> = vec!["curl".to_owned()];
        words.extend(self.method(payload.is_some()).into_iter().flatten());
        words.extend(self.url()?);
        words.extend(self.way()?);
        for (name, value) in &self.request.headers {
            words.extend(self.header(name, value)?.into_iter().flatten());
        }
        if payload.is_none() && self.request.headers.contains_key(CONTENT_LENGTH) {
            // An empty one is sent, and curl would say that it is a form.
            let own_type = self.request.headers.contains_key(CONTENT_TYPE);
            words.extend(["--data-raw".to_owned(), "''".to_owned()]);
            words.extend(
                (!own_type)
                    .then(|| vec!["-H".to_owned(), "'content-type:'".to_owned()])
                    .into_iter()
                    .flatten(),
            );
        }
        if self.request.payload.len() >= WAITS {
            words.extend(["-H".to_owned(), format!("'{EXPECT}:'")]);
        }
        words.extend(payload.into_iter().flatten());
        Ok(before + &words.join(" "))
    }

    /// The method, where curl would take another.
    fn method(&self, has_payload: bool) -> Option<Vec<String>> {
        let method = &self.request.method;
        let sends = has_payload || self.request.headers.contains_key(CONTENT_LENGTH);
        let usual = if sends { Method::POST } else { Method::GET };
        match method {
            _ if *method == usual => None,
            &Method::HEAD if !sends => Some(vec!["--head".to_owned()]),
            _ if method.as_str().bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Some(vec!["-X".to_owned(), method.to_string()])
            }
            _ => Some(vec!["-X".to_owned(), Word::of(method.as_str()).ok()?]),
        }
    }

    fn url(&self) -> Result<Vec<String>, String> {
        let target = self.request.target.as_str();
        let mut word = Word::default();
        word.text(&self.request.origin.to_string())?;
        self.with_secrets(&mut word, target, &self.request.marks)?;
        let mut words = vec![word.quoted()];
        words.extend(target.contains(['[', ']', '{', '}']).then(|| "--globoff".to_owned()));
        words.extend(target.contains("/.").then(|| "--path-as-is".to_owned()));
        Ok(words)
    }

    /// Proxy and certificates.
    fn way(&self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        match &self.endpoint.network.proxy {
            Proxy::Url(url) => {
                words.extend(["--proxy".to_owned(), self.template(url.template(), encode::component)?]);
            }
            Proxy::None | Proxy::Unsaid if PROXIES.iter().any(|name| self.secrets.find(name).is_some()) => {
                words.extend(["--noproxy".to_owned(), "'*'".to_owned()]);
            }
            Proxy::None | Proxy::Unsaid | Proxy::Environment => {}
        }
        let network = &self.endpoint.network;
        let client = network.client_certificate.as_ref();
        let files = [
            ("--cacert", network.ca_file.as_ref()),
            ("--cert", client.map(|client| &client.certificate)),
            ("--key", client.map(|client| &client.key)),
        ];
        for (option, file) in files {
            if let Some(file) = file {
                let path = file.to_str().ok_or("the name of a certificate's file is no UTF-8")?;
                words.extend([option.to_owned(), Word::of(path)?]);
            }
        }
        Ok(words)
    }

    /// A header, unless curl sends it itself.
    fn header(&self, name: &HeaderName, value: &HeaderValue) -> Result<Option<Vec<String>>, String> {
        if [HOST, CONTENT_LENGTH].contains(name) {
            return Ok(None);
        }
        if *name == ACCEPT_ENCODING && *value == OUR_ACCEPT_ENCODING {
            return Ok(Some(vec!["--compressed".to_owned()]));
        }
        if let (&AUTHORIZATION, Some(Auth::Basic(user))) = (name, &self.endpoint.auth) {
            return Ok(Some(vec!["-u".to_owned(), self.template(user, str::to_owned)?]));
        }
        let mut word = Word::default();
        if value.is_empty() {
            word.text(&format!("{name};"))?;
        } else {
            word.text(&format!("{name}: "))?;
            self.header_value(&mut word, name, value)?;
        }
        Ok(Some(vec!["-H".to_owned(), word.quoted()]))
    }

    fn header_value(&self, word: &mut Word, name: &HeaderName, value: &HeaderValue) -> Result<(), String> {
        let text = value.to_str().map_err(|_| format!("header {name} is no text"))?;
        if !value.is_sensitive() {
            return word.text(text);
        }
        if let (&AUTHORIZATION, Some(Auth::Token(source))) = (name, &self.endpoint.auth) {
            word.text("Bearer ")?;
            word.variable(&token_variable(&source.name));
            return Ok(());
        }
        let own = self.endpoint.headers.iter().find(|(own, _)| own == name.as_str());
        let template = match (own, &self.endpoint.auth) {
            (Some((_, template)), _) => template.clone(),
            (None, Some(Auth::Bearer(token))) if *name == AUTHORIZATION => {
                let begin = Part::Literal("Bearer ".to_owned());
                Template { parts: std::iter::once(begin).chain(token.parts.iter().cloned()).collect() }
            }
            _ => return Err(format!("header {name} holds a secret")),
        };
        self.filled(word, &template.parts, text).map_err(|why| format!("header {name}: {why}"))
    }

    /// What a template came to, with its secrets by name: a column's value ends where the next part begins.
    fn filled(&self, word: &mut Word, parts: &[Part], mut text: &str) -> Result<(), String> {
        const OTHERWISE: &str = "it is not what the job says";
        for (at, part) in parts.iter().enumerate() {
            let length = match part {
                Part::Literal(literal) => literal.len(),
                Part::Secret(name) => self.value(name)?.len(),
                Part::Input(_) | Part::Url(_) | Part::Answer { .. } => match parts.get(at + 1) {
                    Some(Part::Literal(next)) => text.find(next.as_str()).ok_or(OTHERWISE)?,
                    Some(Part::Secret(next)) => text.find(&self.value(next)?).ok_or(OTHERWISE)?,
                    Some(_) => 0,
                    None => text.len(),
                },
            };
            let (own, rest) = text.split_at_checked(length).ok_or(OTHERWISE)?;
            match part {
                Part::Secret(name) if own == self.value(name)? => word.variable(name),
                Part::Secret(_) => return Err(OTHERWISE.to_owned()),
                _ => word.text(own)?,
            }
            text = rest;
        }
        if text.is_empty() { Ok(()) } else { Err(OTHERWISE.to_owned()) }
    }

    /// A template without columns, as a word.
    fn template(&self, template: &Template, encoded: impl Fn(&str) -> String) -> Result<String, String> {
        let mut word = Word::default();
        let is_whole = template.parts.len() == 1;
        for part in &template.parts {
            match part {
                Part::Literal(text) => word.text(text)?,
                Part::Secret(name) => {
                    let value = self.value(name)?;
                    let spelled = if is_whole { value.clone() } else { encoded(&value) };
                    self.secret(&mut word, name, &spelled)?;
                }
                Part::Input(_) | Part::Url(_) | Part::Answer { .. } => {
                    return Err("a column stands where there is none".to_owned());
                }
            }
        }
        Ok(word.quoted())
    }

    /// The payload's words, and what stands before the command.
    fn payload(&self) -> Result<(Option<Vec<String>>, String), String> {
        let payload = &self.request.payload;
        if payload.is_empty() {
            return Ok((None, String::new()));
        }
        if payload.len() > PAYLOAD {
            return Err(format!("its body of {} bytes is too long for a line", payload.len()));
        }
        let text = std::str::from_utf8(payload).map_err(|_| "its body is no text")?;
        let mut word = Word::default();
        self.with_secrets(&mut word, text, &self.request.payload_marks)?;
        let word = word.quoted();
        if word.len() > ARGUMENT {
            let from_input = vec!["--data-binary".to_owned(), "@-".to_owned()];
            return Ok((Some(from_input), format!("printf %s {word} | ")));
        }
        Ok((Some(vec!["--data-raw".to_owned(), word]), String::new()))
    }

    /// A text with its secrets by name.
    fn with_secrets(&self, word: &mut Word, text: &str, marks: &[Mark]) -> Result<(), String> {
        let mut from = 0;
        for mark in marks {
            word.text(&text[from..mark.at.start])?;
            let name = mark.shown.strip_prefix("${").and_then(|shown| shown.strip_suffix('}'));
            let name = name.ok_or("it holds a secret in a spelling of its own")?;
            self.secret(word, name, &text[mark.at.clone()])?;
            from = mark.at.end;
        }
        word.text(&text[from..])
    }

    /// A secret that is spelled so.
    fn secret(&self, word: &mut Word, name: &str, spelled: &str) -> Result<(), String> {
        let value = self.value(name)?;
        if spelled == value {
            word.variable(name);
        } else if spelled == encode::component(&value) {
            word.encoded(name, if value.contains(LEFT_BY_JQ) { STRICTLY } else { "@uri" });
        } else if spelled == encode::form(&value) {
            word.encoded(name, FORM);
        } else if spelled == encode::json(&value) {
            word.encoded(name, "tojson[1:-1]");
        } else {
            return Err(format!("${{{name}}} is in it in a spelling of its own"));
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Result<String, String> {
        self.secrets.find(name).ok_or_else(|| format!("${{{name}}} is not set"))
    }

    /// Whether a line holds a secret's value, plainly or encoded.
    fn shows(&self, line: &str, name: &str) -> bool {
        let Some(value) = self.secrets.find(name).filter(|value| value.len() >= SHORTEST) else {
            return false;
        };
        let spelled = [encode::component(&value), encode::form(&value), encode::json(&value), value];
        spelled.iter().any(|spelled| memmem::find(line.as_bytes(), spelled.as_bytes()).is_some())
    }
}

/// The variable that stands for an access token, which windrow asks for itself.
fn token_variable(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    format!("{}_TOKEN", name.chars().map(letter).collect::<String>())
}
