//! Words as PowerShell reads them (about_Quoting_Rules, about_Special_Characters), one command of them.
//!
//! Promises: both kinds of quotes, the backquote and `$env:NAME` mean what they do there. A backslash before a double quote is
//! taken off: older versions need it where a quote is to reach the program, and newer ones pass it on.

use super::cursor::Cursor;
use super::marks::{goes_on, is_blank, is_double_mark, is_invisible, is_single_mark};
use super::variables::{self, Environment, Variables};
use super::{CurlError, Line, Word};

const CLOSED: &str = "copy the whole command, to its last line; inside of quotes a quote is written twice";

/// Reads the first command of a text.
pub fn read(text: &str, environment: Environment<'_>) -> Result<Line, CurlError> {
    let mut reader = Reader { cursor: Cursor::new(text), variables: Variables::new(environment) };
    let mut line = Line::default();
    loop {
        reader.pass_blanks();
        let rest = reader.cursor.rest();
        match reader.cursor.peek() {
            None => break,
            Some('\n') if goes_on(rest) => drop(reader.cursor.next()),
            Some('#') => drop(reader.cursor.take_while(|c| c != '\n')),
            Some('\n' | ';' | '|' | '&' | '>' | '<') => {
                line.follows.extend((!rest.trim().is_empty()).then(|| rest.trim().to_owned()));
                break;
            }
            _ => line.words.push(reader.word()?),
        }
    }
    line.variables = reader.variables.used();
    Ok(line)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    variables: Variables<'a>,
}

impl Reader<'_> {
    /// Passes blanks, and line breaks that a backquote takes away.
    fn pass_blanks(&mut self) {
        loop {
            self.cursor.take_while(|c| is_blank(c) || is_invisible(c));
            let Some(behind) = self.cursor.rest().strip_prefix('`') else { return };
            let behind = behind.trim_start_matches(is_blank);
            if !behind.starts_with('\n') && !behind.is_empty() {
                return;
            }
            self.cursor.next();
            self.cursor.take_while(is_blank);
            self.cursor.next();
        }
    }

    fn word(&mut self) -> Result<Word, CurlError> {
        let start = self.cursor.at();
        let mut text = String::new();
        while let Some(c) = self.cursor.peek() {
            let is_end = c.is_whitespace() || matches!(c, ';' | '|' | '&' | '>' | '<');
            if is_end || c == '`' && self.cursor.second() == Some('\n') {
                break;
            }
            self.cursor.next();
            match c {
                '"' => self.double(start, &mut text)?,
                '\'' => self.single(start, &mut text)?,
                '`' => text.extend(self.cursor.next().map(escaped)),
                '$' => self.dollar(start, &mut text)?,
                _ if is_double_mark(c) => self.double(start, &mut text)?,
                _ if is_single_mark(c) => self.single(start, &mut text)?,
                _ if is_invisible(c) => {}
                _ => text.push(c),
            }
        }
        Ok(Word { text: text.replace("\\\"", "\""), written: self.cursor.since(start).to_owned() })
    }

    /// Up to the quote's end; PowerShell itself takes quotation marks of print for quotes.
    fn single(&mut self, start: usize, text: &mut String) -> Result<(), CurlError> {
        let is_quote = |c: char| c == '\'' || is_single_mark(c);
        loop {
            match self.cursor.next() {
                None => {
                    return Err(CurlError::new(
                        "the quote ' is never closed",
                        self.cursor.since(start),
                        CLOSED,
                    ));
                }
                Some(c) if !is_quote(c) => text.push(c),
                Some(_) if !self.cursor.peek().is_some_and(is_quote) => return Ok(()),
                Some(c) => {
                    self.cursor.next();
                    text.push(c);
                }
            }
        }
    }

    fn double(&mut self, start: usize, text: &mut String) -> Result<(), CurlError> {
        let is_quote = |c: char| c == '"' || is_double_mark(c);
        loop {
            match self.cursor.next() {
                None => {
                    return Err(CurlError::new(
                        "the quote \" is never closed",
                        self.cursor.since(start),
                        CLOSED,
                    ));
                }
                Some('`') => text.extend(self.cursor.next().map(escaped)),
                Some('$') => self.dollar(start, text)?,
                Some(c) if !is_quote(c) => text.push(c),
                // A backslash keeps it from being the end where the text was written for bash or cmd.
                Some(c) if text.ends_with('\\') => text.push(c),
                Some(_) if !self.cursor.peek().is_some_and(is_quote) => return Ok(()),
                Some(c) => {
                    self.cursor.next();
                    text.push(c);
                }
            }
        }
    }

    /// What a dollar sign begins, which has been passed.
    fn dollar(&mut self, start: usize, text: &mut String) -> Result<(), CurlError> {
        if self.cursor.peek() == Some('(') {
            let hint = "run it yourself and put what it prints into the command, or into a variable";
            return Err(CurlError::new("the output of another program", self.cursor.since(start), hint));
        }
        let is_braced = self.cursor.eat("{");
        let is_of_environment = self.cursor.eat("env:");
        let name = variables::name(self.cursor.rest());
        if name.is_empty() {
            text.push_str(if is_braced { "${" } else { "$" });
            text.push_str(if is_of_environment { "env:" } else { "" });
            return Ok(());
        }
        self.cursor.eat(name);
        if is_braced {
            self.cursor.eat("}");
        }
        text.push_str(&self.variables.value(name, &format!("${name}"))?);
        Ok(())
    }
}

/// What a backquote makes of the character behind it.
fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        _ => c,
    }
}
