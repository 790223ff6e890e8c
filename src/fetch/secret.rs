//! Secrets: `${NAME}` in a job file, a value from the environment here, `${NAME}` again in all that people read.
//!
//! A value is never printed: [`Secret`]'s `Debug` hides it, and a [`Mask`](super::Mask) finds it in what a server sends back.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::origin::Origin;
use crate::secrets::{Secrets, Unusable};

/// A secret with its value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret {
    shown: Arc<str>,
    value: Arc<str>,
}

impl Secret {
    /// The secret of that name.
    pub(super) fn of(secrets: &Secrets, name: &str) -> Result<Secret, Unusable> {
        let value = secrets.get(name)?;
        Ok(Secret { shown: format!("${{{name}}}").into(), value: value.into() })
    }

    /// One that is no variable's value.
    pub(super) fn named(shown: Arc<str>, value: &str) -> Secret {
        Secret { shown, value: value.into() }
    }

    /// `${NAME}`.
    pub(super) fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    /// The value, for the wire only.
    pub(super) fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

/// The secrets of a question, by name.
#[derive(Debug)]
pub(super) struct Credential {
    shown: String,
}

impl Credential {
    /// These secrets; or the token that they are exchanged for.
    pub(super) fn new(secrets: &[Secret], token: Option<String>) -> Credential {
        if let Some(shown) = token {
            return Credential { shown };
        }
        let mut names: Vec<&str> = secrets.iter().map(|secret| &**secret.shown()).collect();
        names.sort_unstable();
        names.dedup();
        Credential { shown: names.join(" and ") }
    }

    /// `${A} and ${B}`; empty where there are none.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The same in every process of this program.
    pub(super) fn key(&self, origin: &Origin) -> u64 {
        let mut hasher = DefaultHasher::new();
        (origin, &self.shown).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn secrets() -> Secrets {
        let file = [("KEY", "s3cr3t/+"), ("EMPTY", ""), ("BROKEN", "abc\n")];
        Secrets::default().with_file(file.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    #[test]
    fn a_secret_must_be_set_and_be_one_line() {
        assert_eq!(Secret::of(&secrets(), "KEY").unwrap().reveal(), "s3cr3t/+");
        assert_eq!(Secret::of(&secrets(), "EMPTY"), Err(Unusable::Missing));
        assert_eq!(Secret::of(&secrets(), "NONE"), Err(Unusable::Missing));
        assert_eq!(Secret::of(&secrets(), "BROKEN"), Err(Unusable::ControlCharacter));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = HashMap::from([("PATH".to_owned(), "of the file".to_owned())]);
        let secrets = Secrets::from_environment().with_file(file);
        assert_eq!(Secret::of(&secrets, "PATH").unwrap().reveal(), std::env::var("PATH").unwrap());
    }
}
