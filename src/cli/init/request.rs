//! The request that a job is drafted from, as the person gives it, and the secrets in it.

use std::collections::HashMap;
use std::path::PathBuf;

use super::InitArgs;
use crate::curl::CurlCommand;
use crate::draft::RequestDraft;
use crate::os::{ask_for_line, can_ask, read_paste, tell};
use crate::runner::{RunnerError, add_variables};
use crate::secrets::Secrets;

/// The command: a URL, the words of `--from-curl`, or what comes from standard input.
pub(super) fn command(args: &InitArgs) -> Result<CurlCommand, RunnerError> {
    if let Some(url) = &args.url {
        return Ok(of_url(url));
    }
    let text = match args.from_curl.as_deref() {
        Some("-") | None => pasted()?,
        Some(text) => text.to_owned(),
    };
    let from_environment = |name: &str| std::env::var(name).ok();
    CurlCommand::parse(&text, from_environment).map_err(|error| RunnerError::Usage(error.to_string()))
}

/// A URL alone, in which `{column}` may stand: without its fragment, which nobody sends, and its user.
fn of_url(url: &str) -> CurlCommand {
    let url = url.split('#').next().unwrap_or(url);
    let mut command = CurlCommand { method: "GET".to_owned(), url: url.to_owned(), ..CurlCommand::default() };
    let Some((scheme, rest)) = url.split_once("://") else { return command };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if let Some((user, host)) = authority.rsplit_once('@') {
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        command.user = Some((plain(user), plain(password)));
        command.url = format!("{scheme}://{host}{path}");
    }
    command
}

fn pasted() -> Result<String, RunnerError> {
    if can_ask() {
        tell!("paste a curl command that asks about one id, then press Ctrl-D:");
    }
    let text = read_paste().map_err(|error| {
        RunnerError::Usage(format!("cannot read the curl command from standard input: {error}"))
    })?;
    match text.trim().is_empty() {
        true => Err(RunnerError::Usage(
            "there is no curl command on standard input\nhint: --from-curl 'curl https://…', or a URL behind the job's name"
                .to_owned(),
        )),
        false => Ok(text),
    }
}

/// Where the secrets of a request are from here on: in the environment of this process, and perhaps in a file.
pub(super) struct KeptSecrets {
    /// For this process.
    pub secrets: Secrets,
    /// The file that they were written to.
    pub file: Option<PathBuf>,
}

/// Writes the secrets to a file, where the person wants it; on a terminal one is asked.
pub(super) fn keep(args: &InitArgs, name: &str, request: &RequestDraft) -> Result<KeptSecrets, RunnerError> {
    // What the command took from the environment stands there, and in no file.
    let is_set = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set == value);
    let own: Vec<(&str, &str)> = request
        .secrets()
        .iter()
        .map(|secret| (secret.name.as_str(), secret.value.as_str()))
        .filter(|(name, value)| !is_set(name, value))
        .collect();
    let file = if own.is_empty() { None } else { args.env_file.clone().or_else(|| proposed_file(name)) };
    if let Some(file) = &file {
        add_variables(file, &own)?;
    }
    let variables: HashMap<String, String> =
        own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(KeptSecrets {
        secrets: Secrets::of_variables(variables),
        file: file.or_else(|| args.env_file.clone()),
    })
}

/// The file that the person at the terminal agrees to.
fn proposed_file(name: &str) -> Option<PathBuf> {
    let file = format!("{name}.env");
    let question = format!(
        "the request holds secrets: write them to {file}, for you alone to read? [y/N, or another file]"
    );
    let answer = ask_for_line(&question)?;
    match answer.to_lowercase().as_str() {
        "y" | "yes" => Some(file.into()),
        "n" | "no" => None,
        _ => Some(answer.into()),
    }
}
