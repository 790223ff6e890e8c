//! Words as the command prompt of Windows and the programs it starts read them, one command of them.
//!
//! Two readers see such a line one after the other. The prompt takes `^` off outside of its quotes, and puts in variables;
//! the program's start then splits what is left into words, in which `\"` and `""` are a quote.
//!
//! Promises: that is done as they do it, but where browsers were mistaken about it when they wrote a command, it means what
//! they meant: `"^{^\^"a^\^"^}"`, a quote in which each character that has a meaning was given a `^` (Chrome, until 2024), and
//! `"^` with a line break and `"`, a line break.

use super::cursor::Cursor;
use super::marks::{goes_on, is_blank, is_invisible};
use super::shell::doubles_quotes;
use super::variables::{self, Environment, Variables};
use super::{CurlError, Line, Word};

/// Characters of ASCII that browsers write a `^` before.
const ESCAPED: &str = "{}[]%^<>|!@#$\"\\";

/// What the prompt passes on: a character, whether it can end a command, and where it stands.
struct Passed {
    c: char,
    is_plain: bool,
    /// Whether a `^` stood before it.
    is_escaped: bool,
    at: usize,
}

impl Passed {
    fn literal(c: char, at: usize) -> Passed {
        Passed { c, is_plain: false, is_escaped: false, at }
    }
}

/// Reads the first command of a text.
pub fn read(text: &str, environment: Environment<'_>) -> Result<Line, CurlError> {
    let mut variables = Variables::new(environment);
    let passed = passed(text, &mut variables)?;
    let mut line = split(text, &passed)?;
    line.variables = variables.used();
    Ok(line)
}

/// How the prompt reads on.
#[derive(Clone, Copy, PartialEq)]
enum Quoting {
    Outside,
    Inside,
    /// In a quote in which `^` was written before what has a meaning.
    Escaped,
}

/// The text as the prompt passes it on.
fn passed(text: &str, variables: &mut Variables<'_>) -> Result<Vec<Passed>, CurlError> {
    let mut cursor = Cursor::new(text);
    let mut passed = Vec::new();
    let mut quoting = Quoting::Outside;
    loop {
        let at = cursor.at();
        if quoting == Quoting::Inside && (cursor.eat("\"^\n\n\"") || cursor.eat("\"^\n\"")) {
            passed.push(Passed::literal('\n', at));
            continue;
        }
        let Some(c) = cursor.next() else { return Ok(passed) };
        match c {
            '^' if quoting != Quoting::Inside => caret(&mut cursor, at, &mut passed),
            '%' => percent(&mut cursor, at, variables, &mut passed)?,
            _ => {
                let is_plain = quoting == Quoting::Outside;
                if c == '"' {
                    quoting = toggled(quoting, cursor.rest());
                }
                passed.push(Passed { is_plain, ..Passed::literal(c, at) });
            }
        }
    }
}

fn toggled(quoting: Quoting, behind: &str) -> Quoting {
    match quoting {
        Quoting::Outside if is_escaped(behind) => Quoting::Escaped,
        Quoting::Outside => Quoting::Inside,
        Quoting::Inside | Quoting::Escaped => Quoting::Outside,
    }
}

/// Whether each character that has a meaning, up to the quote's end, has a `^` before it, and one has.
fn is_escaped(behind: &str) -> bool {
    let mut characters = behind.chars();
    let mut seen = false;
    while let Some(c) = characters.next() {
        match c {
            '"' => return seen,
            '^' => {
                let escaped = characters.next();
                seen |= escaped.is_some_and(|c| is_meaningful(c) || c == '&');
            }
            _ if is_meaningful(c) => return false,
            _ => {}
        }
    }
    false
}

/// Whether browsers write a `^` before a character, whatever their version.
fn is_meaningful(c: char) -> bool {
    ESCAPED.contains(c) || !c.is_ascii()
}

/// What a `^` leaves of the character behind it.
fn caret(cursor: &mut Cursor<'_>, at: usize, passed: &mut Vec<Passed>) {
    let behind = cursor.rest().trim_start_matches(is_blank);
    if behind.starts_with('\n') || behind.is_empty() {
        cursor.take_while(is_blank);
        cursor.next();
        if cursor.peek() == Some('\n') {
            cursor.next();
            passed.push(Passed::literal('\n', at));
        } else {
            passed.push(Passed { c: ' ', is_plain: true, is_escaped: false, at });
        }
    } else if let Some(c) = cursor.next() {
        passed.push(Passed { is_escaped: true, ..Passed::literal(c, at) });
    }
}

/// `%NAME%` is a variable, unless it reads as bytes of a URL.
fn percent(
    cursor: &mut Cursor<'_>,
    at: usize,
    variables: &mut Variables<'_>,
    passed: &mut Vec<Passed>,
) -> Result<(), CurlError> {
    let name = variables::name(cursor.rest());
    let behind = cursor.rest()[name.len()..].strip_prefix('%');
    let is_byte = |text: &str| text.len() >= 2 && text.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    match behind {
        Some(behind) if !(name.is_empty() || is_byte(name) && is_byte(behind)) => {
            let value = variables.value(name, &format!("%{name}%"))?;
            cursor.take_until("%");
            passed.extend(value.chars().map(|c| Passed::literal(c, at)));
        }
        _ => passed.push(Passed::literal('%', at)),
    }
    Ok(())
}

/// The words of what the prompt passes on, as a program of Windows splits its command line.
fn split(text: &str, passed: &[Passed]) -> Result<Line, CurlError> {
    let mut line = Line::default();
    let is_doubling = doubles_quotes(text);
    let mut at = 0;
    while let Some(next) = passed.get(at) {
        let ends = next.is_plain && matches!(next.c, '|' | '&' | '<' | '>');
        if ends || next.is_plain && next.c == '\n' && !line.words.is_empty() && !goes_on(&text[next.at..]) {
            let follows = text[next.at..].trim();
            line.follows.extend((!follows.is_empty()).then(|| follows.to_owned()));
            break;
        }
        if is_blank(next.c) || next.c == '\n' || is_invisible(next.c) {
            at += 1;
            continue;
        }
        let word = word(text, passed, is_doubling, &mut at)?;
        line.words.push(word);
    }
    Ok(line)
}

fn word(text: &str, passed: &[Passed], is_doubling: bool, at: &mut usize) -> Result<Word, CurlError> {
    let start = passed[*at].at;
    let mut word = String::new();
    let mut is_quoted = false;
    while let Some(next) = passed.get(*at) {
        let is_end =
            is_blank(next.c) || next.c == '\n' || next.is_plain && matches!(next.c, '|' | '&' | '<' | '>');
        if !is_quoted && is_end {
            break;
        }
        let slashes = passed[*at..].iter().take_while(|passed| passed.c == '\\').count();
        let is_quote = |offset: usize| passed.get(*at + offset).is_some_and(|passed| passed.c == '"');
        if slashes > 0 && is_quote(slashes) {
            word.extend(std::iter::repeat_n('\\', slashes / 2));
            word.extend((slashes % 2 == 1).then_some('"'));
            *at += slashes + slashes % 2;
        } else if slashes > 0 {
            // Browsers double every backslash, also those that no quote follows; people do not.
            let is_browser = next.is_escaped || is_doubling;
            let is_doubled = is_quoted && is_browser && slashes.is_multiple_of(2);
            word.extend(std::iter::repeat_n('\\', if is_doubled { slashes / 2 } else { slashes }));
            *at += slashes;
        } else if is_quote(0) && is_quoted && is_quote(1) {
            word.push('"');
            *at += 2;
        } else if is_quote(0) {
            is_quoted = !is_quoted;
            *at += 1;
        } else {
            word.push(next.c);
            *at += 1;
        }
    }
    let written = &text[start..passed.get(*at).map_or(text.len(), |passed| passed.at)];
    if is_quoted {
        let hint = "copy the whole command, to its last line; inside of quotes a quote is written \\\"";
        return Err(CurlError::new("the quote \" is never closed", written, hint));
    }
    Ok(Word { text: word, written: written.trim_end().to_owned() })
}
