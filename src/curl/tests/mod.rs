//! What a pasted command asks, seen beside what curl sends.

mod against_curl;
mod browsers;
mod errors;
mod noise;
mod options;
mod printed;
mod requests;

use super::{CurlCommand, CurlError};

/// The variables that are set.
const VARIABLES: [(&str, &str); 3] =
    [("FILM_ID", "tt0111161"), ("OPENAI_API_KEY", "sk-abc"), ("HOME", "/home/me")];

fn environment(name: &str) -> Option<String> {
    VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn parse(text: &str) -> Result<CurlCommand, CurlError> {
    CurlCommand::parse(text, environment)
}

fn parsed(text: &str) -> CurlCommand {
    parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}
