//! A curl command, as people paste it, and what it would ask.
//!
//! Promises: a command that is read asks what curl would ask, the same method, URL, headers and body; a test compares them
//! with what curl sends. What is left out of it is named: what browsers add to every request, options that change nothing,
//! and options that change something which cannot be done here. Whatever the text is, nothing panics.
//!
//! The text becomes words (`words`), these become options and URLs (`arguments`, by the table of `options`), these a
//! request (`request`, with `address`, `headers` and `data`), of which `noise` is taken out.

mod address;
mod arguments;
mod data;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod headers;
mod noise;
mod options;
mod request;
#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;
use std::time::Duration;

pub use error::CurlError;

/// A curl command, read: what curl would send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CurlCommand {
    /// The method, as curl would send it.
    pub method: String,
    /// The URL: absolute, with what `-G` and `--url-query` add, without user and fragment. Characters beyond ASCII are
    /// encoded, others are as written.
    pub url: String,
    /// Headers that options give, in curl's order; not those that curl adds by itself.
    pub headers: Vec<(String, String)>,
    /// User and password of `-u` or of the URL, for basic authentication.
    pub user: Option<(String, String)>,
    /// What is sent; empty text is a body, too.
    pub body: Option<String>,
    /// `-L`.
    pub follows_redirects: bool,
    /// `--max-redirs`; `None` where it is not given, or unlimited.
    pub max_redirects: Option<u32>,
    /// `-k`.
    pub insecure: bool,
    /// `--compressed`.
    pub compressed: bool,
    /// `-x` and `-U`: the URL of a proxy that speaks HTTP, with its port.
    pub proxy: Option<String>,
    /// `--cacert`.
    pub ca_file: Option<PathBuf>,
    /// `-E`.
    pub client_certificate_file: Option<PathBuf>,
    /// `--key`.
    pub client_key_file: Option<PathBuf>,
    /// `-m`.
    pub timeout: Option<Duration>,
    /// `--connect-timeout`.
    pub connect_timeout: Option<Duration>,
    /// `--retry`: repetitions after the first attempt.
    pub retries: Option<u32>,
    /// `--max-filesize`: most bytes of an answer.
    pub max_answer: Option<u64>,
    /// Variables of the shell that were expanded, with their values.
    pub variables: Vec<(String, String)>,
    /// Headers and cookies left out as browsers' noise, by name.
    pub left_out: Vec<String>,
    /// Options that change nothing about what is asked, and what comes behind the command, as written.
    pub passed_over: Vec<String>,
    /// Options that may change what is asked and that windrow has no key for, further URLs and commands, as written.
    pub not_understood: Vec<String>,
}

impl CurlCommand {
    /// Reads a command; variables that it names are looked up in the environment.
    ///
    /// # Errors
    /// It is no curl command, or says something that cannot be known from the text: the error names the place and says what
    /// to do.
    pub fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<CurlCommand, CurlError> {
        let mut command = CurlCommand::with_noise(text, &environment)?;
        noise::remove(&mut command);
        Ok(command)
    }

    /// All that curl would send.
    fn with_noise(text: &str, environment: words::Environment<'_>) -> Result<CurlCommand, CurlError> {
        if !text.to_ascii_lowercase().contains("curl") {
            return Err(no_curl(text.split_whitespace().next().unwrap_or("")));
        }
        let words::Line { words, input, follows, variables } = words::read(text, environment)?;
        let (first, rest) = words.split_first().ok_or_else(|| no_curl(""))?;
        if !is_curl(&first.text) {
            return Err(no_curl(&first.written));
        }
        let mut command = request::read(arguments::read(rest)?, input.as_ref())?;
        command.variables = variables;
        for written in follows {
            let is_asked = written.split_whitespace().any(is_curl);
            if is_asked { &mut command.not_understood } else { &mut command.passed_over }.push(written);
        }
        Ok(command)
    }
}

/// Whether a word is the name of the program, or a path of it.
fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    ["curl", "curl.exe"].contains(&name.as_str())
}

fn no_curl(first: &str) -> CurlError {
    let hint =
        "paste a whole command, from the word curl on; a browser's network panel has it as \"Copy as cURL\"";
    let message =
        if first.is_empty() { "there is no command" } else { "a command that does not begin with curl" };
    CurlError::new(message, first, hint)
}
