//! Texts as TOML has them on one line, for what writes job files and what says what to write into one.

/// A basic string: `"a \"b\""`.
pub fn toml_basic_string(text: &str) -> String {
    let mut spelled = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => spelled.extend(['\\', letter]),
            '\n' => spelled.push_str("\\n"),
            '\t' => spelled.push_str("\\t"),
            _ if letter.is_control() => spelled.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => spelled.push(letter),
        }
    }
    spelled + "\""
}

/// A text as one reads it best: in single quotes, a literal string, where it has backslashes or double quotes and needs no
/// escape.
pub fn toml_text(text: &str) -> String {
    let needs_escapes = text.contains('\'') || text.chars().any(char::is_control);
    if !needs_escapes && text.contains(['"', '\\']) {
        return format!("'{text}'");
    }
    toml_basic_string(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_is_read_again() {
        for text in
            ["", "a", "it's", "\"q\"", "a\\b", "'\"'", "line\nend\t\r\u{0}\u{7f}\u{85}", "é\u{2028}😀", "'''"]
        {
            for spelled in [toml_basic_string(text), toml_text(text)] {
                let read: toml::Table = format!("x = {spelled}").parse().expect("TOML");
                assert_eq!(read["x"].as_str(), Some(text), "{spelled}");
            }
        }
    }
}
