//! A place in a text.
//!
//! Promises: it never leaves the text, and stands between characters.

/// A place in a text.
#[derive(Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// Bytes before it.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is behind it.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// What lies between an earlier place and this one.
    pub fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character behind the next one.
    pub fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    /// Passes the next character.
    pub fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Passes a text, if it is next.
    pub fn eat(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    /// Passes and gives the characters that are of a kind.
    pub fn take_while(&mut self, is_of_kind: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !is_of_kind(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Passes and gives the text before another one, passing that, too; `None` where it does not come.
    pub fn take_until(&mut self, end: &str) -> Option<&'a str> {
        let (taken, _) = self.rest().split_once(end)?;
        self.at += taken.len() + end.len();
        Some(taken)
    }
}
