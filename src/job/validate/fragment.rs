//! A piece of SQL that is put into a statement of windrow's: a condition, an order, assignments.
//!
//! Promise: what [`tokens`] takes stays the piece that it is. Its quotes and parentheses are closed, it ends no statement,
//! comments nothing out behind it and takes no parameter, however the server reads backslashes. Whether it means anything is
//! left to the server.

use std::ops::Range;

use crate::job::ServerKind;

/// What a piece consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word of SQL, or a name without quotes.
    Word,
    /// A name in quotes.
    Name,
    /// A text in quotes.
    Text,
    /// What begins with a digit.
    Number,
    /// Any other character.
    Sign(char),
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub token: Token,
    /// Bytes of the piece.
    pub range: Range<usize>,
    /// How many parentheses are open around it.
    pub depth: usize,
}

/// Why a piece cannot be put into a statement, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub range: Range<usize>,
    pub message: &'static str,
    pub hint: &'static str,
}

/// The tokens of a piece.
pub(super) fn tokens(text: &str, server: ServerKind) -> Result<Vec<Placed>, Misfit> {
    let mut reader = Reader { text, at: 0, server, open: Vec::new(), found: Vec::new() };
    while let Some(next) = reader.rest().chars().next() {
        reader.take(next)?;
    }
    match reader.open.first() {
        Some(at) => Err(misfit(*at..at + 1, "a parenthesis that is not closed", "add the `)`")),
        None => Ok(reader.found),
    }
}

fn misfit(range: Range<usize>, message: &'static str, hint: &'static str) -> Misfit {
    Misfit { range, message, hint }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    server: ServerKind,
    /// Where each parenthesis that is open stands.
    open: Vec<usize>,
    found: Vec<Placed>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Takes what begins with the character.
    fn take(&mut self, first: char) -> Result<(), Misfit> {
        self.refuse_what_ends()?;
        match (first, self.server) {
            _ if first.is_whitespace() => self.at += first.len_utf8(),
            ('\'', _) | ('"', ServerKind::MySql) => self.quoted(first, self.at, false)?,
            ('"', ServerKind::Postgres) | ('`', ServerKind::MySql) => self.name(first)?,
            ('$', ServerKind::Postgres) => self.dollar()?,
            ('(', _) => {
                self.add(Token::Sign(first), 1);
                self.open.push(self.at - 1);
            }
            (')', _) if self.open.pop().is_none() => {
                let hint = "leave it out, or add the `(`";
                return Err(misfit(self.at..self.at + 1, "a parenthesis that nothing has opened", hint));
            }
            _ if is_word(first) && !first.is_ascii_digit() => self.word()?,
            _ if first.is_ascii_digit() => self.add(Token::Number, self.word_length()),
            _ => self.add(Token::Sign(first), first.len_utf8()),
        }
        Ok(())
    }

    /// What would end the statement, or hide what is behind it.
    fn refuse_what_ends(&self) -> Result<(), Misfit> {
        let is_mysql = self.server == ServerKind::MySql;
        let begins = |with: &str| self.rest().starts_with(with);
        let (message, hint) = if begins("--") || begins("/*") || is_mysql && begins("#") {
            ("a comment", "leave it out: TOML has `#` for comments, outside of quotes")
        } else if begins(";") {
            ("a `;`", "leave it out: this is a piece of one statement")
        } else if begins("\0") {
            ("the character U+0000 in SQL", "no database reads it: leave it out")
        } else if is_mysql && begins("?") {
            ("a parameter", "write the value itself: nothing is put in here")
        } else {
            return Ok(());
        };
        let length = if begins("--") || begins("/*") { 2 } else { 1 };
        Err(misfit(self.at..self.at + length, message, hint))
    }

    fn add(&mut self, token: Token, length: usize) {
        let range = self.at..self.at + length;
        self.found.push(Placed { token, range, depth: self.open.len() });
        self.at += length;
    }

    fn word_length(&self) -> usize {
        self.rest().find(|one| !is_word(one)).unwrap_or(self.rest().len())
    }

    /// A word; one that begins a text of PostgreSQL with escapes is part of that.
    fn word(&mut self) -> Result<(), Misfit> {
        let length = self.word_length();
        let is_escaping = self.server == ServerKind::Postgres
            && self.rest()[..length].eq_ignore_ascii_case("e")
            && self.rest()[length..].starts_with('\'');
        if is_escaping {
            let start = self.at;
            self.at += length;
            return self.quoted('\'', start, true);
        }
        self.add(Token::Word, length);
        Ok(())
    }

    /// A text that began at `start`. Whether a backslash takes the quote behind it is up to the server's settings, unless
    /// the text says so itself (`escapes`): where that would make a difference, it is refused.
    fn quoted(&mut self, quote: char, start: usize, escapes: bool) -> Result<(), Misfit> {
        let mut letters =
            self.text[self.at + 1..].char_indices().map(|(at, letter)| (self.at + 1 + at, letter)).peekable();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map(|(_, next)| *next);
            match letter {
                '\\' if next == Some(quote) && !escapes => {
                    let hint = "double the backslash, and a quote that is part of the text; for PostgreSQL write E'…' then";
                    return Err(misfit(
                        at..at + 2,
                        "a backslash before a quote, which servers read in two ways",
                        hint,
                    ));
                }
                // Of two backslashes neither takes the quote.
                '\\' if escapes || next == Some('\\') => drop(letters.next()),
                _ if letter == quote && next == Some(quote) => drop(letters.next()),
                _ if letter == quote => {
                    self.at = start;
                    self.add(Token::Text, at + 1 - start);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(not_closed(start))
    }

    fn name(&mut self, quote: char) -> Result<(), Misfit> {
        let mut end = self.at + 1;
        loop {
            end += self.text[end..].find(quote).ok_or(not_closed(self.at))? + 1;
            if !self.text[end..].starts_with(quote) {
                break;
            }
            end += 1;
        }
        self.add(Token::Name, end - self.at);
        Ok(())
    }

    /// `$$…$$`, `$tag$…$tag$`, or a parameter.
    fn dollar(&mut self) -> Result<(), Misfit> {
        let tag = self.rest()[1..].find('$').map(|end| &self.rest()[..end + 2]);
        let is_tag = |tag: &&str| {
            let name = &tag[1..tag.len() - 1];
            name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit())
        };
        let Some(tag) = tag.filter(is_tag) else {
            let hint = "write the value itself: nothing is put in here";
            return Err(misfit(self.at..self.at + 1, "a parameter", hint));
        };
        let end = self.rest()[tag.len()..].find(tag).ok_or(not_closed(self.at))?;
        self.add(Token::Text, end + 2 * tag.len());
        Ok(())
    }
}

fn not_closed(at: usize) -> Misfit {
    misfit(at..at + 1, "a quote that is not closed", "close it; one that is part of the text is doubled")
}

/// Whether a character may be part of a name without quotes.
fn is_word(one: char) -> bool {
    one.is_ascii_alphanumeric() || matches!(one, '_' | '$') || !one.is_ascii() && !one.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mariadb_server;
    use crate::postgres_server;

    /// All texts of up to five such letters between these quotes that are taken, each as one.
    fn taken(before: &str, letters: &[char], after: char, server: ServerKind) -> Vec<String> {
        let mut inner = vec![String::new()];
        let mut at = 0;
        while inner[at].chars().count() < 5 {
            let longer: Vec<String> = letters.iter().map(|letter| format!("{}{letter}", inner[at])).collect();
            inner.extend(longer);
            at += 1;
        }
        let all = inner.iter().map(|inner| format!("{before}{inner}{after}"));
        let is_one_text = |text: &String| {
            tokens(text, server)
                .is_ok_and(|tokens| tokens.len() == 1 && matches!(tokens[0].token, Token::Text | Token::Name))
        };
        all.filter(is_one_text).collect()
    }

    fn counted(texts: &[String]) -> String {
        let rows: Vec<String> = texts.iter().map(|text| format!("({text})")).collect();
        format!("SELECT count(*) FROM (VALUES {}) AS all_of_them", rows.join(", "))
    }

    /// Whatever the server's settings are: one text that ended elsewhere would be an error, or another number of rows.
    #[test]
    fn a_text_ends_where_postgresql_ends_it() {
        let plain = taken("'", &['\'', '\\', 'x', '('], '\'', ServerKind::Postgres);
        let escaping = taken("E'", &['\'', '\\', 'x', '('], '\'', ServerKind::Postgres);
        let dollars = taken("$x$", &['$', 'x', '\'', '\\'], '$', ServerKind::Postgres);
        let texts = [plain, escaping, dollars].concat();
        assert!(texts.len() > 700, "{}", texts.len());
        for setting in ["on", "off"] {
            let database = postgres_server::shared().database();
            let set = format!("ALTER DATABASE {} SET standard_conforming_strings = {setting}", database.name);
            database.execute(&set);
            assert_eq!(database.rows(&counted(&texts)), [texts.len().to_string()], "{setting}");
        }
    }

    #[test]
    fn a_text_ends_where_mariadb_ends_it() {
        let single = taken("'", &['\'', '\\', 'x', '('], '\'', ServerKind::MySql);
        let double = taken("\"", &['"', '\\', '\'', '('], '"', ServerKind::MySql);
        let texts = [single, double].concat();
        assert!(texts.len() > 400, "{}", texts.len());
        let database = mariadb_server::shared().database();
        for mode in ["", "NO_BACKSLASH_ESCAPES"] {
            let select = format!("SET sql_mode = '{mode}'; {}", counted(&texts));
            assert_eq!(database.rows(&select), [texts.len().to_string()], "{mode}");
        }
    }

    proptest::proptest! {
        /// What stands around a piece stays around it.
        #[test]
        fn a_piece_that_is_taken_ends_nothing(text in "[()'\"`\\\\$;#? aE=,.?/*\\-\n0é]{0,24}") {
            for server in [ServerKind::Postgres, ServerKind::MySql] {
                let Ok(inside) = tokens(&text, server) else { continue };
                let around = format!("a = ({text}) AND b");
                let tokens = tokens(&around, server).expect("what is around it is well");
                let expected = inside.len() + 6;
                proptest::prop_assert_eq!(tokens.len(), expected, "{}", around);
                let last = &tokens[tokens.len() - 1];
                proptest::prop_assert_eq!((&around[last.range.clone()], last.depth), ("b", 0));
            }
        }
    }
}
