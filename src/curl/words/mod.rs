//! The words of a pasted command line, as the shell that it was written for reads them.
//!
//! Promises: what is read is what that shell would hand to curl, or, where the way through a web page or a word processor has
//! changed quotes, dashes and blanks, what was meant. Whatever it cannot know (a command's output, a variable that is not
//! set) is an error that names the place.
//!
//! Crates were weighed: shlex and shell-words read POSIX words alone, without `$'…'`, variables or operators, and say
//! nothing of where they failed; brush-parser reads all of bash into a tree, three quarters of which would have to be
//! refused here. None reads cmd or PowerShell.

mod ansi;
mod bash;
mod cmd;
mod cursor;
mod marks;
mod powershell;
mod shell;
mod start;
mod variables;

pub(super) use marks::{is_dash, without_invisible};
pub(super) use variables::Environment;

use super::CurlError;
use shell::Dialect;

/// A word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What curl gets.
    pub text: String,
    /// How it is written.
    pub written: String,
}

/// What is read from standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A here-document, or a here-string.
    Text(String),
    /// `< FILE`.
    File(String),
}

/// A command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The command and its arguments.
    pub words: Vec<Word>,
    /// Its standard input, where the line says it.
    pub input: Option<Input>,
    /// Where its output goes, and what comes behind it: each as written.
    pub follows: Vec<String>,
    /// Variables that were expanded, with their values.
    pub variables: Vec<(String, String)>,
}

/// Reads the first command of a text, with variables from the environment.
///
/// # Errors
/// A quote that is never closed, a variable that is not set, a substitution, and what else no shell would pass on as it is
/// written.
pub fn read(text: &str, environment: Environment<'_>) -> Result<Line, CurlError> {
    let text = text.replace("\r\n", "\n");
    let text = start::command(&text);
    match shell::written_for(text) {
        Dialect::Bash => bash::read(text, environment),
        Dialect::Cmd => cmd::read(text, environment),
        Dialect::PowerShell => powershell::read(text, environment),
    }
}
