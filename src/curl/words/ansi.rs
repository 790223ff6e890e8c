//! The inside of bash's `$'…'`.
//!
//! Promises: bytes as bash would make them (bash(1), QUOTING), but for halves of a surrogate pair, which browsers write one
//! after the other for a character beyond U+FFFF: they are that character.

use super::CurlError;
use super::cursor::Cursor;

const CUT: &str = "copy the whole command; inside of $'…' an apostrophe is written \\'";
const NO_CHARACTER: &str = "write the character itself";

/// Reads on behind `$'`, up to the quote that ends it, which is passed.
pub fn read(cursor: &mut Cursor<'_>, word: usize, bytes: &mut Vec<u8>) -> Result<(), CurlError> {
    loop {
        match cursor.next() {
            Some('\'') => return Ok(()),
            Some('\\') => escape(cursor, word, bytes)?,
            Some(c) => push(bytes, c),
            None => return Err(CurlError::new("the quote $' is never closed", cursor.since(word), CUT)),
        }
    }
}

/// What a backslash before it means.
fn escape(cursor: &mut Cursor<'_>, word: usize, bytes: &mut Vec<u8>) -> Result<(), CurlError> {
    let Some(c) = cursor.next() else { return Ok(()) };
    let byte = match c {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'a' => 7,
        'b' => 8,
        'e' | 'E' => 27,
        'f' => 12,
        'v' => 11,
        '\\' | '\'' | '"' | '?' => c as u8,
        'c' => cursor.next().map_or(b'c', |letter| (letter.to_ascii_uppercase() as u32 & 0x1F) as u8),
        'u' => return character(cursor, word, 4, bytes),
        'U' => return character(cursor, word, 8, bytes),
        'x' if cursor.peek().is_some_and(|c| c.is_ascii_hexdigit()) => digits(cursor, 16, 2) as u8,
        '0'..='7' => {
            let first = c as u32 - '0' as u32;
            let before = cursor.at();
            let others = digits(cursor, 8, 2);
            ((first << (3 * (cursor.at() - before))) | others) as u8
        }
        _ => {
            bytes.push(b'\\');
            push(bytes, c);
            return Ok(());
        }
    };
    if byte == 0 {
        return Err(CurlError::new("a NUL, which no argument can hold", cursor.since(word), "leave it out"));
    }
    bytes.push(byte);
    Ok(())
}

/// The character of `\u` or `\U`.
fn character(
    cursor: &mut Cursor<'_>,
    word: usize,
    most: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), CurlError> {
    if !cursor.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
        bytes.extend(if most == 4 { b"\\u" } else { b"\\U" });
        return Ok(());
    }
    let mut code = digits(cursor, 16, most);
    if (0xD800..0xDC00).contains(&code) && cursor.eat("\\u") {
        let low = digits(cursor, 16, 4);
        if (0xDC00..0xE000).contains(&low) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    let c = char::from_u32(code).filter(|&c| c != '\0');
    let c = c.ok_or_else(|| {
        CurlError::new(format!("U+{code:04X} is no character"), cursor.since(word), NO_CHARACTER)
    })?;
    push(bytes, c);
    Ok(())
}

/// The number that the next digits are, so many at the most.
fn digits(cursor: &mut Cursor<'_>, radix: u32, most: usize) -> u32 {
    let mut number = 0_u32;
    for _ in 0..most {
        let Some(digit) = cursor.peek().and_then(|c| c.to_digit(radix)) else { break };
        number = number.wrapping_mul(radix) | digit;
        cursor.next();
    }
    number
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
}
