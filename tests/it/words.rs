//! What people read has words that they know: those that the code has for itself are in none of its texts.

use std::path::Path;

/// Words of the code's own, and what a person reads instead.
const OURS: [(&str, &str); 8] = [
    ("pair", "request"),
    ("pairs", "requests"),
    ("deferred", "waiting"),
    ("parked", "waiting"),
    ("made way", "replaced"),
    ("without success", "failed"),
    ("is left as it is", "stays"),
    ("worth repeating", "temporary"),
];

/// Texts in which such a word means something else.
const OTHERS: [&str; 1] = ["half a surrogate pair"];

/// The string literals of a source file, and where its commands are described the comments that are their help.
fn texts(code: &str, with_help: bool) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'', '/', 'r']) {
        let (before, here) = rest.split_at(at);
        let is_in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let hashes = here[1..].chars().take_while(|c| *c == '#').count();
        let end = if here.starts_with("//") {
            let line = here.lines().next().unwrap_or_default();
            if with_help && line.starts_with("///") {
                texts.push(line.to_owned());
            }
            line.len()
        } else if here.starts_with('r') && !is_in_word && here[1 + hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = hashes + 2;
            let length = here[from..].find(&close).unwrap_or(here.len() - from);
            texts.push(here[from..from + length].to_owned());
            from + length + close.len()
        } else if let Some(text) = here.strip_prefix('"') {
            let mut escaped = false;
            let is_end = |c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            };
            let length = text.find(is_end).unwrap_or(text.len());
            texts.push(text[..length].to_owned());
            length + 2
        } else if here.starts_with("'\"'") {
            3
        } else if let Some(character) = here.strip_prefix("'\\") {
            2 + character.find('\'').unwrap_or(0).max(1)
        } else {
            1
        };
        rest = &here[end.min(here.len())..];
    }
    texts
}

/// A text without the names of what is put into it, as in `{pairs}`.
fn without_names(text: &str) -> String {
    let mut pieces = text.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('}').map_or("", |(_, after)| after))
}

fn has(text: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + word.len()..].starts_with(is_letter))
}

/// What is wrong with the texts of a folder's sources, their tests aside.
fn wrong(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            wrong(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let code = std::fs::read_to_string(&path).unwrap();
            let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let with_help = path.components().any(|part| part.as_os_str() == "cli");
            let texts = texts(code, with_help).into_iter().map(|text| without_names(&text));
            let texts = texts.filter(|text| !OTHERS.contains(&text.as_str()));
            for text in texts {
                let ours = OURS.iter().filter(|(word, _)| has(&text, word));
                found.extend(
                    ours.map(|(word, instead)| {
                        format!("{}: {word:?}, say {instead:?}: {text}", path.display())
                    }),
                );
            }
        }
    }
}

#[test]
fn what_people_read_has_no_words_of_the_codes_own() {
    let mut found = Vec::new();
    wrong(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn texts_are_told_from_code_and_comments() {
    let code = r##"let a = "one \"two\""; // "no"
        let b = '"'; let c = r#"raw "pair" text"#; /// "help"
        let d = '\''; f("{}", x)"##;
    assert_eq!(texts(code, false), ["one \\\"two\\\"", "raw \"pair\" text", "{}"]);
    assert!(texts(code, true).contains(&"/// \"help\"".to_owned()));
    assert!(has("14 pairs of", "pairs") && !has("repairs", "pairs") && !has("pairs_of", "pairs"));
}
