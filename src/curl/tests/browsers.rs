//! What browsers write for a text, by the rules of each, is that text again.

use super::parsed;

/// Bodies that have broken other readers of such commands.
const BODIES: [&str; 22] = [
    "plain",
    "a=1&b=2",
    "{\"a\":\"b c\"}",
    "{\"a\":{\"b\":[1,2]},\"c\":null}",
    "100%",
    "%20%2F",
    "a%2Cb^c",
    "^",
    "a^b",
    "it's",
    "C:\\temp\\",
    "{\"path\":\"C:\\\\temp\"}",
    "\\\"",
    "line one\nline two",
    "{\n  \"a\": 1\n}",
    "a\n\nb",
    "<a b=\"c\">&amp;</a>",
    "a|b>c<d",
    "$HOME `x` $(y) ${z}",
    "ünï 中文",
    "!bang!",
    "\"quoted\"",
];

/// Single quotes, and `$'…'` where there is what these cannot hold (Chrome, Edge, Firefox, Safari).
fn bash(text: &str) -> String {
    if !text.contains(|c: char| c.is_control() || c == '!' || c == '\'') {
        return format!("'{text}'");
    }
    let escaped = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "\\'".to_owned(),
        '\n' => "\\n".to_owned(),
        '!' => "\\u0021".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    };
    format!("$'{}'", text.chars().map(escaped).collect::<String>())
}

/// `^` before what has a meaning, inside of the quote given (Chrome and Edge, since 2017; Firefox, since 2023).
fn with_carets(text: &str, quote: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut written = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_usual = c.is_ascii_alphanumeric() || c.is_whitespace() || "_-:=+~'/.,?;()*`".contains(c);
        match c {
            '\n' => written.push_str("^\n\n"),
            '%' if characters.peek().is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') => {
                written.push_str("^%^")
            }
            c if is_usual => written.push(c),
            c => written.extend(['^', c]),
        }
    }
    format!("{quote}{written}{quote}")
}

/// Quotes twice, `%` and line breaks outside of them (Chrome, until 2017; Firefox, until 2023).
fn doubled(text: &str) -> String {
    let text =
        text.replace('\\', "\\\\").replace('"', "\"\"").replace('%', "\"%\"").replace('\n', "\"^\n\n\"");
    format!("\"{text}\"")
}

#[test]
fn what_browsers_write_is_what_they_meant() {
    for body in BODIES {
        let url = "https://example.com/x?a=%5B1%5D&b=c";
        let written = [
            format!(
                "curl {} -X POST \\\n  -H {} \\\n  --data-raw {}",
                bash(url),
                bash("A: \"b\""),
                bash(body)
            ),
            format!(
                "curl {} ^\n  -H {} ^\n  --data-raw {}",
                with_carets(url, "^\""),
                with_carets("A: \"b\"", "^\""),
                with_carets(body, "^\"")
            ),
            // Until 2024 the quote had no `^` where the text has no line break.
            format!(
                "curl {} ^\n  -H {} ^\n  --data-raw {}",
                with_carets(url, "\""),
                with_carets("A: \"b\"", "\""),
                with_carets(body, if body.contains('\n') { "^\"" } else { "\"" })
            ),
            format!("curl {} -H {} --data-raw {}", doubled(url), doubled("A: \"b\""), doubled(body)),
        ];
        for text in written {
            let command = parsed(&text);
            assert_eq!(command.body.as_deref(), Some(body), "{text}");
            assert_eq!(command.url, url, "{text}");
            assert_eq!(command.headers[0], ("A".to_owned(), "\"b\"".to_owned()), "{text}");
            assert_eq!((command.passed_over.len(), command.not_understood.len()), (0, 0), "{text}");
        }
    }
}
