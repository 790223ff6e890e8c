//! What to do where an HTTP status was no success.

use super::command::Commands;
use super::subject::Subject;
use crate::job::{Auth, Endpoint, Template};

/// What a status means, in one line.
pub(super) fn means(status: Option<u16>) -> &'static str {
    match status {
        Some(401) => "the server does not know who asks (HTTP 401)",
        Some(403) => "the server refuses who asks, or what is asked (HTTP 403)",
        Some(404 | 410) => "there is nothing at that URL (HTTP 404, 410)",
        Some(405) => "the server does not take that `method` there (HTTP 405)",
        Some(408 | 425 | 429) => "the server was asked too much at a time (HTTP 429)",
        Some(202) => "the server has no answer yet (HTTP 202)",
        Some(206) => "only a part of the answer came (HTTP 206)",
        Some(500..) => "the server failed (HTTP 5xx)",
        Some(400..) => "the server refuses the request as it is built (HTTP 4xx)",
        Some(_) | None => "the server's answer is no success",
    }
}

/// What to do about it.
pub(super) fn todo(subject: &Subject<'_>, commands: &Commands) -> String {
    let status = subject.status.unwrap_or_default();
    let id = subject.id;
    let retry = commands.retry(&format!("--status {status}"), id);
    match status {
        401 | 403 => who_asks(subject, commands, status, &retry),
        404 | 410 => not_there(subject, commands, status),
        408 | 425 | 429 => {
            let host = subject.endpoint.and_then(Endpoint::literal_host).unwrap_or("HOST");
            format!(
                "{retry} once the server takes more; or keep below what it allows, with `rate = \"5/s\"` under \
                 [limit.\"{host}\"]"
            )
        }
        202 => format!("{retry} once the server has it"),
        300..400 => {
            format!("put the address that it is at into {}, then {}", subject.address(), commands.anew(id))
        }
        206 | 400..500 => format!(
            "{} shows what the server says of it: mend the request in the job, then {}",
            commands.answers(),
            commands.anew(id)
        ),
        _ => format!("{retry} once the server is well"),
    }
}

fn who_asks(subject: &Subject<'_>, commands: &Commands, status: u16, retry: &str) -> String {
    let secrets = subject.endpoint.map(secrets).unwrap_or_default();
    let exists_not = missing(subject, commands, status);
    match secrets.as_slice() {
        // Others were let in.
        [] if !subject.is_all => format!("{exists_not}; or {retry} once the server lets it in"),
        [] => format!(
            "say who asks, as by `auth = {{ bearer = \"${{TOKEN}}\" }}` in the endpoint, then {}; or {exists_not}",
            commands.anew(subject.id)
        ),
        some => {
            let them = if some.len() == 1 { "it" } else { "them" };
            format!("asked with {}: set {them} right, then {retry}; or {exists_not}", some.join(" and "))
        }
    }
}

fn not_there(subject: &Subject<'_>, commands: &Commands, status: u16) -> String {
    let exists_not = missing(subject, commands, status);
    if subject.is_all {
        let (url, anew) = (subject.address(), commands.anew(subject.id));
        format!("all are: mend {url} where it is wrong, then {anew}; or {exists_not}")
    } else {
        exists_not
    }
}

/// That the status says of an id that it does not exist there: `missing` with one status more.
fn missing(subject: &Subject<'_>, commands: &Commands, status: u16) -> String {
    let known = subject.endpoint.map(|endpoint| endpoint.missing.clone()).unwrap_or_default();
    let statuses = known.statuses.iter().copied().filter(|known| *known != status).chain([status]);
    let mut all: Vec<String> = statuses.map(|status| status.to_string()).collect();
    all.extend(known.when.map(|when| format!("'{when}'")));
    format!(
        "`missing = [{}]` in the endpoint if that says that the id does not exist there, then {}",
        all.join(", "),
        commands.extract(subject.id)
    )
}

/// The names of what says who asks.
fn secrets(endpoint: &Endpoint) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Some(Auth::Token(source)) = &endpoint.auth {
        names.push(format!("[auth.{}]", source.name));
    }
    for name in endpoint.templates().flat_map(Template::secrets) {
        let name = format!("${{{name}}}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
