//! Files of `NAME=value` lines, from which secrets are read.
//!
//! Promises: a value is what stands there, or an error says in which line it is not; no message repeats a line. What is
//! added is read again as it was given, and a file that is made is its user's alone; no value that stands there is changed.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::RunnerError;

const QUOTES: &str = "hint: a value with blanks, `#`, `$`, `\\` or quotes stands in single quotes";

/// The variables of an env-file.
pub(super) fn variables(path: &Path) -> Result<HashMap<String, String>, RunnerError> {
    let unreadable = |why: String| RunnerError::Usage(format!("cannot read {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let mut variables = HashMap::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = variable.map_err(|error| unreadable(told(&error, &text)))?;
        variables.insert(name, value);
    }
    match lost_dollar(&text, &variables) {
        Some(line) => {
            Err(unreadable(format!("the `$` in line {line} names no variable that is set\n{QUOTES}")))
        }
        None => Ok(variables),
    }
}

/// Adds variables to an env-file, which is made where it is not there. Those that stand there with the same value are left
/// alone.
///
/// # Errors
/// One that stands there with another value, or whose value no line can hold; a file that others may read, or that cannot be
/// written.
pub fn add_variables(path: &Path, added: &[(&str, &str)]) -> Result<(), RunnerError> {
    let told = |why: String| RunnerError::Usage(format!("cannot write {}: {why}", path.display()));
    let there = if path.exists() { variables(path)? } else { HashMap::new() };
    if path.metadata().is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        return Err(told(format!("others may read it\nhint: chmod 600 {}", path.display())));
    }
    let mut lines = String::new();
    for (name, value) in added {
        match there.get(*name) {
            Some(stands) if stands == value => {}
            Some(_) => {
                let hint = "remove that line, or choose another file";
                return Err(told(format!("it has another value for {name}\nhint: {hint}")));
            }
            None => {
                let line = line_of(name, value);
                lines += &line.ok_or_else(|| told(format!("no line can hold the value of {name}")))?;
            }
        }
    }
    let mut write = || {
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        if !lines.is_empty() && !ends_with_line(path)? {
            lines.insert(0, '\n');
        }
        file.write_all(lines.as_bytes())
    };
    write().map_err(|error: std::io::Error| told(error.to_string()))
}

/// Whether a file is empty or its last line ended.
fn ends_with_line(path: &Path) -> std::io::Result<bool> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.last().is_none_or(|last| *last == b'\n')),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The line that is read as that variable.
fn line_of(name: &str, value: &str) -> Option<String> {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    let lines =
        [format!("{name}={value}\n"), format!("{name}='{value}'\n"), format!("{name}=\"{escaped}\"\n")];
    lines.into_iter().find(|line| {
        let read: Result<Vec<_>, _> = dotenvy::from_read_iter(line.as_bytes()).collect();
        let is_same = |read: Vec<(String, String)>| matches!(&read[..], [(read, same)] if read == name && same == value);
        read.is_ok_and(is_same) && lost_dollar(line, &HashMap::new()).is_none()
    })
}

/// What is wrong; the library's own words would repeat the line, and with it a secret.
fn told(error: &dotenvy::Error, text: &str) -> String {
    match error {
        dotenvy::Error::LineParse(line, _) => {
            let number = text.find(line.as_str()).map(|at| text[..at].lines().count().max(1));
            let place = number.map_or_else(|| "a line".to_owned(), |number| format!("line {number}"));
            format!("{place} is not NAME=value\n{QUOTES}")
        }
        other => other.to_string(),
    }
}

/// The line of the first `$` that stands for nothing: the library takes it for a variable's, as shells do, and leaves it out,
/// with what follows it, where there is no such variable.
fn lost_dollar(text: &str, variables: &HashMap<String, String>) -> Option<usize> {
    let is_set = |name: &str| variables.contains_key(name) || std::env::var_os(name).is_some();
    let mut quote = None;
    for (number, line) in text.lines().enumerate() {
        if quote.is_none() && line.trim_start().starts_with('#') {
            continue;
        }
        let mut letters = line.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match (letter, quote) {
                ('\\', None | Some('"')) => drop(letters.next()),
                ('#', None) if line[..at].ends_with(char::is_whitespace) => break,
                ('\'' | '"', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open => quote = None,
                ('$', None | Some('"')) if !is_set(name_behind(&line[at + 1..])) => return Some(number + 1),
                _ => {}
            }
        }
    }
    None
}

/// The name in `NAME` and `{NAME}`, whatever follows.
fn name_behind(text: &str) -> &str {
    if let Some((name, _)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return name;
    }
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HashMap<String, String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        variables(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_is_what_stands_there() {
        for (line, value) in [
            ("A=plain", "plain"),
            ("A=a#b", "a#b"),
            ("export A=plain # said", "plain"),
            ("A='pa$$w0rd $x # \\ \"'", "pa$$w0rd $x # \\ \""),
            ("A=\"pa\\$\\$word\"", "pa$$word"),
            ("A=pa\\$word", "pa$word"),
            ("B=of\nA=${B}-$B", "of-of"),
            ("# $NOBODY\nA=a # $NOBODY", "a"),
            ("A=\"it's\"", "it's"),
        ] {
            assert_eq!(read(line).unwrap()["A"], value, "{line}");
        }
    }

    #[test]
    fn what_is_added_is_read_again_as_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("films.env");
        let values = ["plain", "a b", "it's", "pa$$w\\ord", "\"q\" 'x' $Y #", "a=b&c==", "ü", "#x", " edge "];
        for (number, value) in values.iter().enumerate() {
            add_variables(&path, &[(&format!("V{number}"), value)]).unwrap();
        }
        let read = variables(&path).unwrap();
        for (number, value) in values.iter().enumerate() {
            assert_eq!(read[&format!("V{number}")], *value);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read(&path).unwrap();
        add_variables(&path, &[("V0", "plain")]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let why = add_variables(&path, &[("V0", "geheim")]).unwrap_err().to_string();
        assert!(why.contains("another value for V0") && !why.contains("geheim"), "{why}");
        std::fs::write(&path, "A=1").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let why = add_variables(&path, &[("B", "2")]).unwrap_err().to_string();
        assert!(why.contains("others may read it") && why.contains("hint: chmod 600"), "{why}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        add_variables(&path, &[("B", "2")]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=1\nB=2\n");
    }

    #[test]
    fn a_dollar_that_would_be_lost_is_told_and_no_line_is_repeated() {
        for line in ["A=pa$$geheim", "A=pa$geheim", "A=\"pa${geheim}\"", "A=geheim$", "A=$%geheim"] {
            let why = read(&format!("B=b\n{line}\n")).unwrap_err();
            assert!(
                why.contains("the `$` in line 2 names no variable") && why.contains("single quotes"),
                "{why}"
            );
            assert!(!why.contains("geheim"), "{why}");
        }
        for line in ["A=a geheim", "A='geheim", "geheim", "=geheim"] {
            let why = read(&format!("B=b\n\n{line}\n")).unwrap_err();
            assert!(why.contains("is not NAME=value") && !why.contains("geheim"), "{why}");
        }
    }
}
