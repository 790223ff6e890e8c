//! Which shell a command was written for.
//!
//! Promises: it is bash unless the text shows marks that bash would not leave in a command that works.
//!
//! | seen outside of single quotes | shell |
//! |---|---|
//! | `\` at the end of a line | bash |
//! | a backquote at the end of a line, `$env:`, or a line of prompt `PS …>` | PowerShell |
//! | `^` at the end of a line, a word that begins with `^"`, or `^%^`, `^\^`, `^&` | cmd |
//! | `curl.exe` with a single quote before an argument | PowerShell |
//! | `curl.exe` without, or `""` between other characters where no single quote begins a word | cmd |

use std::sync::LazyLock;

use regex::Regex;

/// A shell whose words can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Bash, and those that quote alike.
    Bash,
    /// The command prompt of Windows.
    Cmd,
    /// PowerShell.
    PowerShell,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are valid")
}

/// A single-quoted word of bash or PowerShell, with what is joined to it.
static SINGLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(^|[\s=]|\s-\w*)(?:\$'(?s:[^'\\]|\\.)*'|'[^']*'|\\')+"));
static BACKSLASH: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\s'\x22]\\[ \t]*\n"));
static POWERSHELL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s`[ \t]*(\n|$)|\$env:|\$\{env:"));
static CMD: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\^[ \t]*\n|[ \t]\^"|\^%\^|\^\\\^|\^&"#));
/// A quote that is doubled inside of a quoted word, as in `"{""a"":1}"`, or `"%"`, which keeps `%` from cmd.
static DOUBLED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"[^\s"\\]""[^\s"]|\{""[^\s"]|"%""#));

/// Whether quotes within quotes are written twice, as older browsers did for cmd.
pub fn doubles_quotes(text: &str) -> bool {
    DOUBLED.is_match(text)
}

/// The shell that a command was written for.
pub fn written_for(text: &str) -> Dialect {
    let has_single = SINGLE.is_match(text);
    let unquoted = SINGLE.replace_all(text, "$1 ");
    let is_exe = text.to_ascii_lowercase().starts_with("curl.exe");
    match () {
        () if BACKSLASH.is_match(&unquoted) => Dialect::Bash,
        () if POWERSHELL.is_match(&unquoted) => Dialect::PowerShell,
        () if CMD.is_match(&unquoted) => Dialect::Cmd,
        () if is_exe && has_single => Dialect::PowerShell,
        () if is_exe || (!has_single && doubles_quotes(text)) => Dialect::Cmd,
        () => Dialect::Bash,
    }
}
