//! Words as bash reads them (bash(1): QUOTING, EXPANSION, REDIRECTION), one command of them.
//!
//! Promises: single quotes, double quotes, `$'…'`, backslashes, comments, variables and here-documents mean what they do
//! there. A blank behind a backslash at the end of a line, and quotation marks of print around a word, are read as what was
//! meant. Words are not split after a variable, as if it stood in quotes.

mod expansion;
mod redirection;

use super::cursor::Cursor;
use super::marks::{goes_on, is_blank, is_double_mark, is_invisible, is_single_mark};
use super::variables::{self, Environment, Variables};
use super::{CurlError, Line, Word};

const QUOTED: &str = "put the word into single quotes";
const CLOSED: &str =
    "copy the whole command, to its last line; inside of single quotes an apostrophe is written '\\''";
const NO_PROGRAM: &str = "run it yourself and put what it prints into the command, or into a variable";

/// Reads the first command of a text.
pub fn read(text: &str, environment: Environment<'_>) -> Result<Line, CurlError> {
    let mut bash = Bash::new(text, Variables::new(environment));
    bash.line()?;
    bash.line.variables = bash.variables.used();
    Ok(bash.line)
}

struct Bash<'t, 'e> {
    cursor: Cursor<'t>,
    variables: Variables<'e>,
    line: Line,
    /// The delimiter of a here-document that begins on the next line, whether it is literal, whether tabs are taken off.
    document: Option<(String, bool, bool)>,
}

/// A word as it grows.
#[derive(Default)]
struct Growing {
    start: usize,
    bytes: Vec<u8>,
    /// What of bash's braces has been seen outside of quotes: `{`, then a comma or two dots.
    braces: (usize, bool),
}

impl<'t, 'e> Bash<'t, 'e> {
    fn new(text: &'t str, variables: Variables<'e>) -> Bash<'t, 'e> {
        Bash { cursor: Cursor::new(text), variables, line: Line::default(), document: None }
    }

    fn line(&mut self) -> Result<(), CurlError> {
        loop {
            self.pass_blanks();
            match self.cursor.peek() {
                None => break,
                Some('#') => drop(self.cursor.take_while(|c| c != '\n')),
                Some('\n' | ';' | '|' | '&') if self.ends()? => break,
                Some('\n' | ';' | '|' | '&') => {}
                Some('<' | '>') => self.redirection("")?,
                _ => self.argument()?,
            }
        }
        match &self.document {
            Some((delimiter, ..)) => Err(redirection::unended(delimiter)),
            None => Ok(()),
        }
    }

    /// Passes blanks, and line breaks that a backslash takes away, with the prompt of the line below.
    fn pass_blanks(&mut self) {
        loop {
            self.cursor.take_while(|c| is_blank(c) || is_invisible(c));
            let behind = self.cursor.rest().strip_prefix('\\').unwrap_or("");
            let is_line_end = behind.trim_start_matches(is_blank).starts_with('\n');
            let is_last = !behind.is_empty() && behind.trim().is_empty() || self.cursor.rest() == "\\";
            if !is_line_end && !is_last {
                return;
            }
            self.cursor.next();
            self.cursor.take_while(is_blank);
            self.cursor.next();
            self.pass_prompt();
        }
    }

    /// `> ` at the beginning of a line is a prompt where an argument comes behind it.
    fn pass_prompt(&mut self) {
        let behind = self.cursor.rest().strip_prefix('>').filter(|behind| goes_on(behind));
        if behind.is_some() {
            self.cursor.next();
        }
    }

    /// Whether the command ends here: what follows is kept, as written. Commands that only set variables are passed.
    fn ends(&mut self) -> Result<bool, CurlError> {
        let rest = self.cursor.rest();
        if self.document.is_some() {
            let behind = self.cursor.take_while(|c| c != '\n').trim();
            self.line.follows.extend((!behind.is_empty()).then(|| behind.to_owned()));
            self.cursor.next();
            self.here_document()?;
        } else if let Some(below) = rest.strip_prefix('\n') {
            self.cursor.next();
            if self.line.words.is_empty() || goes_on(below) {
                return Ok(false);
            }
        } else if self.line.words.is_empty() && !rest.starts_with('|') {
            self.cursor.next();
            return Ok(false);
        }
        let follows = self.cursor.rest().trim();
        self.line.follows.extend((!follows.is_empty()).then(|| follows.to_owned()));
        Ok(true)
    }

    fn argument(&mut self) -> Result<(), CurlError> {
        let word = self.word()?;
        if word.text.bytes().all(|byte| byte.is_ascii_digit())
            && self.cursor.rest().starts_with(['<', '>'])
            && word.text == word.written
        {
            return self.redirection(&word.text);
        }
        let name = variables::name(&word.written);
        if self.line.words.is_empty() && word.written == "export" {
            return Ok(());
        }
        match word.text[..].strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            Some(value) if !name.is_empty() && self.line.words.is_empty() => {
                self.variables.assign(name, value)
            }
            _ => self.line.words.push(word),
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, CurlError> {
        let mut word = Growing { start: self.cursor.at(), ..Growing::default() };
        while let Some(c) = self.cursor.peek() {
            match c {
                '|' | '<' | '>' | '\n' => break,
                '&' | ';' => {
                    self.refuse_torn(&word, c)?;
                    break;
                }
                '(' | ')' => return Err(self.unquoted(&word, c)),
                '\\' if self.cursor.eat("\\\n") => self.pass_prompt(),
                '\\' if self.cursor.rest()[1..].trim_start_matches(is_blank).starts_with('\n') => break,
                _ if is_blank(c) => break,
                _ => self.piece(&mut word, c)?,
            }
        }
        let written = self.cursor.since(word.start).to_owned();
        Ok(Word { text: utf_8(word.bytes, &written)?, written })
    }

    /// `&` and `;` end a command, also in the middle of a URL: that is seldom what was meant.
    fn refuse_torn(&mut self, word: &Growing, c: char) -> Result<(), CurlError> {
        let behind = self.cursor.second();
        if word.start == self.cursor.at()
            || behind.is_none_or(|next| next.is_whitespace() || next == c || next == '>')
        {
            return Ok(());
        }
        Err(self.unquoted(word, c))
    }

    fn unquoted(&mut self, word: &Growing, c: char) -> CurlError {
        self.cursor.next();
        self.cursor.take_while(|c| !c.is_whitespace());
        CurlError::new(
            format!("`{c}` outside of quotes ends the command in a shell"),
            self.cursor.since(word.start),
            QUOTED,
        )
    }

    /// The next character of a word, or what stands between quotes.
    fn piece(&mut self, word: &mut Growing, c: char) -> Result<(), CurlError> {
        let at = self.cursor.at();
        self.cursor.next();
        match c {
            '\'' => match self.cursor.take_until("'") {
                Some(text) => word.bytes.extend(text.bytes()),
                None => return Err(self.unclosed(word, "'")),
            },
            '"' => self.quoted(word, |cursor| cursor.eat("\""))?,
            '\\' => word.bytes.extend(self.cursor.next().unwrap_or('\\').to_string().bytes()),
            '$' => self.dollar(word, false)?,
            '`' => return Err(self.substitution(word)),
            '~' if at == word.start && is_home(self.cursor.rest()) => {
                word.bytes.extend(self.variables.value("HOME", "~")?.bytes());
            }
            '{' | '}' | ',' | '.' => self.brace(word, c)?,
            _ if is_double_mark(c) => {
                self.quoted(word, |cursor| ends_with_mark(cursor, is_double_mark, '"'))?
            }
            _ if is_single_mark(c) => self.printed(word)?,
            _ if is_invisible(c) => {}
            _ => word.bytes.extend(self.cursor.since(at).bytes()),
        }
        Ok(())
    }

    /// What stands between single quotation marks of print.
    fn printed(&mut self, word: &mut Growing) -> Result<(), CurlError> {
        loop {
            if ends_with_mark(&mut self.cursor, is_single_mark, '\'') {
                return Ok(());
            }
            match self.cursor.next() {
                Some(c) => word.bytes.extend(c.to_string().bytes()),
                None => return Err(self.unclosed(word, "‘")),
            }
        }
    }

    fn quoted(
        &mut self,
        word: &mut Growing,
        ends: impl Fn(&mut Cursor<'_>) -> bool,
    ) -> Result<(), CurlError> {
        if self.double_quoted(word, ends)? { Ok(()) } else { Err(self.unclosed(word, "\"")) }
    }

    /// Text as between double quotes, up to its end or that of all; whether it came to its own.
    fn double_quoted(
        &mut self,
        word: &mut Growing,
        ends: impl Fn(&mut Cursor<'_>) -> bool,
    ) -> Result<bool, CurlError> {
        while !ends(&mut self.cursor) {
            let Some(c) = self.cursor.next() else { return Ok(false) };
            match (c, self.cursor.peek()) {
                ('\\', Some('\n')) => drop(self.cursor.next()),
                ('\\', Some(escaped @ ('$' | '`' | '"' | '\\'))) => {
                    word.bytes.push(escaped as u8);
                    self.cursor.next();
                }
                ('$', _) => self.dollar(word, true)?,
                ('`', _) => return Err(self.substitution(word)),
                _ => word.bytes.extend(c.to_string().bytes()),
            }
        }
        Ok(true)
    }

    /// Bash makes several words of `{a,b}` and `{1..9}` outside of quotes.
    fn brace(&mut self, word: &mut Growing, c: char) -> Result<(), CurlError> {
        let (open, is_list) = &mut word.braces;
        match c {
            '{' => *open += 1,
            '}' if *open > 0 && *is_list => {
                let written = self.cursor.since(word.start);
                return Err(CurlError::new(
                    "braces outside of quotes are several words in a shell",
                    written,
                    QUOTED,
                ));
            }
            '}' => *open = open.saturating_sub(1),
            ',' => *is_list |= *open > 0,
            _ => *is_list |= *open > 0 && self.cursor.peek() == Some('.'),
        }
        word.bytes.push(c as u8);
        Ok(())
    }

    fn unclosed(&self, word: &Growing, quote: &str) -> CurlError {
        let written = self.cursor.since(word.start);
        let written = if written.is_empty() { self.cursor.rest() } else { written };
        let is_printed = written.contains(|c| is_double_mark(c) || is_single_mark(c));
        let hint =
            if is_printed { "“ ” ‘ ’ are no quotes of a shell: write \" or '" } else { CLOSED };
        let whole = format!("{written}{}", self.cursor.rest());
        CurlError::new(format!("the quote {quote} is never closed"), &whole, hint)
    }
}

/// Whether a tilde before it is a word of its own, or the folder before a slash.
fn is_home(behind: &str) -> bool {
    behind.chars().next().is_none_or(|c| c.is_whitespace() || "/|&;<>".contains(c))
}

/// Passes a quotation mark that ends a word, or the plain quote.
fn ends_with_mark(cursor: &mut Cursor<'_>, is_mark: fn(char) -> bool, plain: char) -> bool {
    let behind = cursor.second();
    let is_end = behind.is_none_or(|c| c.is_whitespace() || matches!(c, '\\' | '|' | ';' | ')'));
    let ends = cursor.peek().is_some_and(|c| c == plain || is_mark(c) && is_end);
    if ends {
        cursor.next();
    }
    ends
}

fn utf_8(bytes: Vec<u8>, written: &str) -> Result<String, CurlError> {
    let hint = "only text can be sent: write the characters themselves, or a JSON escape such as \\u00e9";
    String::from_utf8(bytes).map_err(|_| CurlError::new("bytes that are not UTF-8", written, hint))
}
