//! Secrets: `${NAME}` in a job file, a value from the environment here, `${NAME}` again in all that people read.
//!
//! A value is never printed: [`Secret`]'s `Debug` hides it, and [`Mask`] takes it out of whatever a server
//! sends back (an error page that repeats the key it was asked with) before that reaches a failure's detail.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::encode;

/// Where the values of secrets come from.
#[derive(Clone, Default)]
pub struct Secrets {
    environment: bool,
    file: HashMap<String, String>,
}

impl Secrets {
    /// The process's environment.
    pub fn from_environment() -> Secrets {
        Secrets { environment: true, file: HashMap::new() }
    }

    /// Adds the variables of an env-file; the environment's own values win over them.
    pub fn with_file(mut self, variables: HashMap<String, String>) -> Secrets {
        self.file = variables;
        self
    }

    /// The value of `name`, or why there is none.
    pub(super) fn get(&self, name: &str) -> Result<Secret, Unusable> {
        let value = self.look_up(name)?;
        match value {
            value if value.is_empty() => Err(Unusable::Missing),
            value if value.chars().any(char::is_control) => Err(Unusable::ControlCharacter),
            value => Ok(Secret { name: name.into(), value: value.into() }),
        }
    }

    fn look_up(&self, name: &str) -> Result<String, Unusable> {
        let file = || self.file.get(name).cloned().ok_or(Unusable::Missing);
        if !self.environment {
            return file();
        }
        match std::env::var(name) {
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => file(),
            Err(std::env::VarError::NotUnicode(_)) => Err(Unusable::NotUnicode),
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.file.keys().collect();
        out.debug_struct("Secrets").field("environment", &self.environment).field("file", &names).finish()
    }
}

/// Why a secret has no usable value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Not set, or empty.
    Missing,
    /// Not UTF-8.
    NotUnicode,
    /// A line break at its end, most often.
    ControlCharacter,
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Unusable::Missing => "is not set",
            Unusable::NotUnicode => "is not UTF-8",
            Unusable::ControlCharacter => "has a line break or another control character",
        })
    }
}

/// A secret with its value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret {
    name: Arc<str>,
    value: Arc<str>,
}

impl Secret {
    /// The variable's name.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The value, for the wire only.
    pub(super) fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "${{{}}}", self.name)
    }
}

/// Replaces the secrets of a question by their names in text that came from outside.
#[derive(Clone, Default)]
pub(super) struct Mask {
    /// What to look for, longest first, and what to put there.
    forms: Vec<(String, String)>,
}

impl Mask {
    /// For these secrets: as they are, percent-encoded, and as JSON writes them.
    pub(super) fn new(secrets: &[Secret]) -> Mask {
        let mut forms = Vec::new();
        for secret in secrets {
            let shown = format!("{secret:?}");
            forms.push((secret.reveal().to_owned(), shown.clone()));
            forms.push((encode::component(secret.reveal()), shown.clone()));
            forms.push((json_form(secret.reveal()), shown));
        }
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        forms.dedup();
        Mask { forms }
    }

    /// `text` without secrets. One that is spelled in some other way takes the whole text with it.
    pub(super) fn apply(&self, text: &str) -> String {
        let masked = self.forms.iter().fold(text.to_owned(), |text, (form, shown)| text.replace(form, shown));
        if self.finds_in(&masked) { "(withheld: it holds a secret)".to_owned() } else { masked }
    }

    /// Whether `text` holds one of the secrets, in any percent-encoding. Values of less than four characters
    /// do not count: they would be found everywhere.
    pub(super) fn finds_in(&self, text: &str) -> bool {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        let holds = |form: &String| form.len() >= 4 && (text.contains(form) || decoded.contains(form));
        self.forms.iter().any(|(form, _)| holds(form))
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.forms.iter().map(|(_, shown)| shown)).finish()
    }
}

/// As a JSON string holds it, without the quotes.
fn json_form(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let file = [("KEY", "s3cr3t/+"), ("EMPTY", ""), ("BROKEN", "abc\n")];
        Secrets::default().with_file(file.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    #[test]
    fn a_secret_must_be_set_and_be_one_line() {
        assert_eq!(secrets().get("KEY").unwrap().reveal(), "s3cr3t/+");
        assert_eq!(secrets().get("EMPTY"), Err(Unusable::Missing));
        assert_eq!(secrets().get("NONE"), Err(Unusable::Missing));
        assert_eq!(secrets().get("BROKEN"), Err(Unusable::ControlCharacter));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = HashMap::from([("PATH".to_owned(), "of the file".to_owned())]);
        let secrets = Secrets::from_environment().with_file(file);
        assert_eq!(secrets.get("PATH").unwrap().reveal(), std::env::var("PATH").unwrap());
    }

    #[test]
    fn debug_output_holds_no_value() {
        let secret = secrets().get("KEY").unwrap();
        let shown = format!("{:?} {secret:?} {:?}", secrets(), Mask::new(std::slice::from_ref(&secret)));
        assert!(shown.contains("${KEY}") && !shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn a_mask_finds_a_secret_in_its_usual_forms() {
        let mask = Mask::new(&[secrets().get("KEY").unwrap()]);
        assert_eq!(mask.apply("bad key s3cr3t/+ (s3cr3t%2F%2B)"), "bad key ${KEY} (${KEY})");
        assert!(mask.finds_in("?key=s3cr3t%2F%2B") && mask.finds_in("?key=%733cr3t%2f+"));
        assert!(!mask.apply("odd spelling %733cr3t%2f+").contains("3cr3t"));
        assert!(!mask.finds_in("?key=s3cr"));
    }
}
