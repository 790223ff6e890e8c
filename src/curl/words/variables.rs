//! Variables of a shell.
//!
//! Promises: one that is not set is an error that names it, never an empty text.

use super::CurlError;

/// The value of a variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Variables: those of the environment, those that the text itself sets, and which of them were used.
pub struct Variables<'a> {
    environment: Environment<'a>,
    assigned: Vec<(String, String)>,
    used: Vec<(String, String)>,
}

impl<'a> Variables<'a> {
    pub fn new(environment: Environment<'a>) -> Variables<'a> {
        Variables { environment, assigned: Vec::new(), used: Vec::new() }
    }

    /// What the text sets.
    pub fn assign(&mut self, name: &str, value: &str) {
        self.assigned.insert(0, (name.to_owned(), value.to_owned()));
    }

    /// The value of a variable that may not be set.
    pub fn find(&mut self, name: &str) -> Option<String> {
        let assigned = self.assigned.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let value = assigned.or_else(|| (self.environment)(name))?;
        if !self.used.iter().any(|(known, _)| known == name) {
            self.used.push((name.to_owned(), value.clone()));
        }
        Some(value)
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// It is not set.
    pub fn value(&mut self, name: &str, written: &str) -> Result<String, CurlError> {
        self.find(name).ok_or_else(|| {
            let hint =
                format!("set it as {name}=…, or put its value there; where $ is text, single quotes keep it");
            CurlError::new(format!("the variable {name} is not set"), written, hint)
        })
    }

    /// Those that were used, in order.
    pub fn used(self) -> Vec<(String, String)> {
        self.used
    }
}

/// The name that a text begins with, and its length; empty where it begins with none.
pub fn name(text: &str) -> &str {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())]
}
