//! Where the values of `${NAME}` in a job file come from: the environment, and a file of `NAME=value` lines.
//!
//! A value is never printed: `Debug` shows the names only.

use std::collections::HashMap;
use std::fmt;

/// Where the values of secrets come from.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    environment: bool,
    file: HashMap<String, String>,
}

impl Secrets {
    /// The process's environment.
    pub fn from_environment() -> Secrets {
        Secrets { environment: true, file: HashMap::new() }
    }

    /// These variables, and the environment for all others.
    pub fn of_variables(variables: HashMap<String, String>) -> Secrets {
        Secrets::from_environment().with_file(variables)
    }

    /// Adds the variables of an env-file; the environment's own values win over them.
    pub fn with_file(mut self, variables: HashMap<String, String>) -> Secrets {
        self.file = variables;
        self
    }

    /// The value of `name`, or why there is none that can be used.
    ///
    /// # Errors
    /// Where it is not set or empty, no UTF-8, or has a control character.
    pub fn get(&self, name: &str) -> Result<String, Unusable> {
        match self.look_up(name)? {
            value if value.is_empty() => Err(Unusable::Missing),
            value if value.chars().any(char::is_control) => Err(Unusable::ControlCharacter),
            value => Ok(value),
        }
    }

    /// The value of a variable that need not be there, as it stands.
    pub fn find(&self, name: &str) -> Option<String> {
        self.look_up(name).ok().filter(|value| !value.is_empty())
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
pub enum Unusable {
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
