//! What a dollar sign and a backquote begin (bash(1), EXPANSION).
//!
//! Promises: a variable's value is put in as it is, without splitting it into words; what no text says is an error.

use super::{Bash, Growing, NO_PROGRAM};
use crate::curl::CurlError;
use crate::curl::words::{ansi, variables};

impl Bash<'_, '_> {
    /// What a dollar sign begins, which has been passed.
    pub(super) fn dollar(&mut self, word: &mut Growing, is_quoted: bool) -> Result<(), CurlError> {
        let start = self.cursor.at();
        match self.cursor.peek() {
            Some('\'') if !is_quoted => {
                self.cursor.next();
                return ansi::read(&mut self.cursor, word.start, &mut word.bytes);
            }
            // The quotes behind `$"` are read as any others.
            Some('"') if !is_quoted => return Ok(()),
            Some('(') => return Err(self.substitution(word)),
            Some('{') => return self.parameter(word),
            Some(c) if c.is_ascii_digit() || "@*#?!$-".contains(c) => {
                self.cursor.next();
                let hint = "put its value into the command, or the word into single quotes";
                return Err(CurlError::new(
                    format!("${c} is known to a script alone"),
                    self.cursor.since(word.start),
                    hint,
                ));
            }
            _ => {}
        }
        let name = variables::name(self.cursor.rest());
        self.cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() {
            word.bytes.push(b'$');
            return Ok(());
        }
        let value = self.variables.value(name, &format!("${}", self.cursor.since(start)))?;
        word.bytes.extend(value.bytes());
        Ok(())
    }

    /// `${NAME}` or `${NAME:-default}`.
    fn parameter(&mut self, word: &mut Growing) -> Result<(), CurlError> {
        self.cursor.next();
        let Some(inside) = self.cursor.take_until("}") else { return Err(self.unclosed(word, "${")) };
        let name = variables::name(inside);
        let written = format!("${{{inside}}}");
        let value = match &inside[name.len()..] {
            _ if name.is_empty() => None,
            "" => Some(self.variables.value(name, &written)?),
            behind => behind.strip_prefix(":-").or(behind.strip_prefix('-')).map(|default| {
                let value = self.variables.find(name);
                value
                    .filter(|value| !value.is_empty() || behind.starts_with('-'))
                    .unwrap_or_else(|| default.to_owned())
            }),
        };
        let hint = "put its value into the command; where it is text, put the word into single quotes";
        let value =
            value.ok_or_else(|| CurlError::new("an expansion that is not known here", &written, hint))?;
        word.bytes.extend(value.bytes());
        Ok(())
    }

    pub(super) fn substitution(&mut self, word: &Growing) -> CurlError {
        self.cursor.take_while(|c| c != '\n');
        CurlError::new("the output of another program", self.cursor.since(word.start), NO_PROGRAM)
    }
}
