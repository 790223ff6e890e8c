//! Values and answers on one line.

/// Characters of an answer that are shown.
const SHOWN: usize = 400;

/// A value on one line; null is no text.
pub(super) fn shown_value(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) => beginning(text.as_bytes()),
    }
}

/// The first characters of an answer, control characters spelled out.
pub(super) fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(SHOWN).flat_map(visible).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(character: char) -> Vec<char> {
    match character {
        '\n' | '\t' => vec![' '],
        _ if character.is_control() => character.escape_default().collect(),
        _ => vec![character],
    }
}
