//! Where a command's input comes from, and where its output goes (bash(1), REDIRECTION).
//!
//! Promises: here-documents and here-strings are what bash makes of them; one that does not end is an error.

use super::{Bash, Growing, NO_PROGRAM, utf_8};
use crate::curl::CurlError;
use crate::curl::words::Input;
use crate::curl::words::variables::Variables;

impl Bash<'_, '_> {
    /// Reads where input comes from, or output goes to.
    pub(super) fn redirection(&mut self, number: &str) -> Result<(), CurlError> {
        let start = self.cursor.at();
        let operator = self.cursor.take_while(|c| matches!(c, '<' | '>' | '&' | '|' | '-'));
        if self.cursor.peek() == Some('(') {
            return Err(CurlError::new("the output of another program", self.cursor.rest(), NO_PROGRAM));
        }
        self.pass_blanks();
        let target = self.word()?;
        if target.written.is_empty() || operator == "<" && self.cursor.peek() == Some('>') {
            let hint = "put the value itself there; where the sign is text, put the word into single quotes";
            let written = format!("{}{}", self.cursor.since(start), self.cursor.peek().unwrap_or(' '));
            return Err(CurlError::new(format!("`{operator}` outside of quotes"), &written, hint));
        }
        match operator {
            "<<<" => self.line.input = Some(Input::Text(target.text + "\n")),
            "<<" | "<<-" => {
                let is_literal = target.written.contains(['\'', '"', '\\']);
                self.document = Some((target.text, is_literal, operator == "<<-"));
            }
            "<" => self.line.input = Some(Input::File(target.text)),
            _ => self.line.follows.push(format!("{number}{}", self.cursor.since(start))),
        }
        Ok(())
    }

    /// Reads the here-document that has been announced, if there is one.
    pub(super) fn here_document(&mut self) -> Result<(), CurlError> {
        let Some((delimiter, is_literal, has_tabs)) = self.document.take() else { return Ok(()) };
        let mut text = String::new();
        loop {
            if self.cursor.rest().is_empty() {
                return Err(unended(&delimiter));
            }
            let line = self.cursor.take_while(|c| c != '\n');
            self.cursor.next();
            let line = if has_tabs { line.trim_start_matches('\t') } else { line };
            if line == delimiter {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        let text = if is_literal { text } else { self.expanded(&text)? };
        self.line.input = Some(Input::Text(text));
        Ok(())
    }

    /// A here-document with its variables put in.
    fn expanded(&mut self, text: &str) -> Result<String, CurlError> {
        let outer = Variables::new(&|_| None);
        let mut inner = Bash::new(text, std::mem::replace(&mut self.variables, outer));
        let mut word = Growing::default();
        let read = inner.double_quoted(&mut word, |_| false);
        self.variables = inner.variables;
        read?;
        utf_8(word.bytes, text)
    }
}

pub(super) fn unended(delimiter: &str) -> CurlError {
    let hint = format!("copy the whole command, to the line {delimiter}");
    CurlError::new("a here-document that does not end", &format!("<<{delimiter}"), hint)
}
