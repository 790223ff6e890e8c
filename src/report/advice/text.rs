//! The words of it, kind by kind.

use std::time::Duration;

use super::command::{Commands, Stage};
use super::subject::Subject;
use super::{conversion, status};
use crate::job::{Bounds, Endpoint, Pages};
use crate::record::Kind;

/// What a failure means, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// In one line.
    pub means: &'static str,
    /// Keys to change and commands to type, in backquotes.
    pub todo: String,
}

impl Advice {
    /// What there is to say of failures of one kind.
    pub fn of(subject: &Subject<'_>, commands: &Commands) -> Advice {
        let means = match subject.kind {
            Kind::Status => status::means(subject.status),
            kind => means(kind),
        };
        let sent_once = subject.detail().starts_with("not sent again (idempotent");
        let todo = if sent_once { once(subject, commands) } else { todo(subject, commands) };
        Advice { means, todo }
    }

    /// What there is to say of rows that the table refused.
    pub fn for_rejected(commands: &Commands) -> Advice {
        Advice {
            means: "the table refuses the row, which is not asked again",
            todo: format!("mend the table, or what the job writes into it, then {}", commands.merge()),
        }
    }

    /// The first command that it names, without its backquotes.
    pub fn command(&self) -> Option<&str> {
        self.todo.split('`').skip(1).step_by(2).find(|word| word.starts_with("windrow "))
    }
}

/// What a kind means, in one line.
fn means(kind: Kind) -> &'static str {
    match kind {
        Kind::Dns => "the host's name was not found",
        Kind::Connect => "no connection could be made: nothing listens there, or a firewall or proxy refuses",
        Kind::Tls => "the TLS handshake failed, or the server's certificate does not hold",
        Kind::Timeout => "a time limit ran out before the answer was whole",
        Kind::Reset => "the connection broke before the answer was whole",
        Kind::Protocol => "what came is no HTTP",
        Kind::Status => status::means(None),
        Kind::Redirect => "the server leads elsewhere, and there it was not followed",
        Kind::TooLarge => "the answer is larger than it may be",
        Kind::Decode => "the answer's compression or charset cannot be undone",
        Kind::ContentType => "the answer is another thing than the endpoint reads",
        Kind::NotJson => "the answer is not JSON: often a login or maintenance page",
        Kind::TooDeep => "the answer nests deeper than it may",
        Kind::Extract => "an expression of the job fails on the answer",
        Kind::Convert => "a value does not fit its column's type",
        Kind::Null => "a column that is `not_null` came out null",
        Kind::NotOk => "the job's `ok` does not hold for the answer",
        Kind::Pages => "the answer's pages come twice, break off, or are more than they may be",
        Kind::Pipe => "the job's own program failed on the answer",
        Kind::Template => "no request can be built of the record's values",
        Kind::Dependency => "what it is asked with was not had",
        Kind::Interrupted => "the run was stopped before it was asked",
        Kind::MaxRequests => "the requests of `--max-requests` were used up before it was asked",
        Kind::Quota => "a quota is used up, or the server asks for a longer pause than the job waits",
        Kind::Token => "no access token could be had",
        Kind::HostDown => "its host answered nobody",
        Kind::Crashed => "working on it ended the process more than once",
    }
}

/// What to do about it; see the promise above.
fn todo(subject: &Subject<'_>, commands: &Commands) -> String {
    let retry = || commands.retry(&subject.filter(), subject.id);
    let anew = || commands.anew(subject.id);
    match subject.kind {
        Kind::Status => status::todo(subject, commands),
        Kind::Dns => format!(
            "{} once the name is found again; or mend {} where it is wrong, then {}",
            retry(),
            subject.address(),
            anew()
        ),
        Kind::Connect | Kind::HostDown => format!("{} once the server is back", retry()),
        Kind::Tls => format!(
            "{} once the certificate is in order; or `ca_file = \"ca.pem\"` in the endpoint, where its authority is your \
             own, then {}",
            retry(),
            retry()
        ),
        Kind::Timeout => timeout(subject, &retry()),
        Kind::Reset => format!("{} once the server is well", retry()),
        Kind::Protocol | Kind::Decode => format!("{} once the server is mended", retry()),
        Kind::Redirect => redirect(subject, commands),
        Kind::TooLarge | Kind::TooDeep => bound(subject, &retry()),
        Kind::ContentType => format!(
            "{} shows what came: mend `format` or the URL, then {}; or {} once the server is mended",
            commands.answers(),
            anew(),
            retry()
        ),
        Kind::NotJson => {
            format!("{} once the server answers JSON again; or mend `format`, then {}", retry(), anew())
        }
        Kind::NotOk => {
            format!("{} once the server answers as it should; or mend `ok`, then {}", retry(), anew())
        }
        Kind::Pages => pages(subject, &retry(), &anew()),
        Kind::Extract | Kind::Convert | Kind::Null => values(subject, commands),
        Kind::Pipe => format!("mend the program, then {}", retry()),
        Kind::Template => format!("mend the list (or the endpoint's templates), then {}", anew()),
        Kind::Dependency => "see to what it depends on: it is asked again together with that".to_owned(),
        Kind::Interrupted | Kind::MaxRequests | Kind::Quota | Kind::Token => waiting(subject, commands),
        Kind::Crashed => format!(
            "mend the expression that does not end for it, then {}; or {} where the process was killed from outside",
            anew(),
            retry()
        ),
    }
}

/// Of a request that is not sent twice unless somebody says so.
fn once(subject: &Subject<'_>, commands: &Commands) -> String {
    let filter = match subject.status {
        Some(status) if subject.kind == Kind::Status => format!("--status {status}"),
        _ => subject.filter(),
    };
    format!(
        "{} sends it again, once you know that the server has not acted on it; or `idempotent = true` in the endpoint \
         where twice does no harm",
        commands.retry(&filter, subject.id)
    )
}

fn waiting(subject: &Subject<'_>, commands: &Commands) -> String {
    let go_on = match commands.stage() {
        Stage::Trial | Stage::Check => commands.anew(subject.id),
        Stage::Whole => commands.retry(&subject.filter(), subject.id),
        Stage::Unfinished => commands.go_on(),
    };
    match subject.kind {
        Kind::Quota => format!("{go_on} goes on when there is a new quota; `windrow limits` shows when"),
        Kind::Token => format!("{go_on} goes on once the token's server gives one"),
        _ => format!("{go_on} goes on"),
    }
}

/// The limit that ran out, twice as long.
fn timeout(subject: &Subject<'_>, retry: &str) -> String {
    let bounds = subject.endpoint.map_or_else(Bounds::default, |endpoint| endpoint.bounds.clone());
    let (key, time) = if subject.detail().starts_with("no connection") {
        ("connect_timeout", bounds.connect_timeout)
    } else if subject.detail().starts_with("nothing came") {
        ("idle_timeout", bounds.idle_timeout)
    } else {
        ("timeout", bounds.timeout)
    };
    let longer = humantime::format_duration((2 * time).min(Duration::from_secs(24 * 60 * 60)));
    format!("`{key} = \"{longer}\"` in the endpoint, then {retry}; or {retry} once the server is faster")
}

fn redirect(subject: &Subject<'_>, commands: &Commands) -> String {
    let retry = commands.retry(&subject.filter(), subject.id);
    let most = subject.endpoint.map_or(5, |endpoint| endpoint.bounds.max_redirects);
    let elsewhere = format!(
        "put the address that it leads to into {}, then {}",
        subject.address(),
        commands.anew(subject.id)
    );
    if subject.detail().starts_with("more than") {
        return format!(
            "`max_redirects = {}` in the endpoint, then {retry}; or {elsewhere}",
            (2 * most).clamp(10, 50)
        );
    }
    if subject.detail().contains("would become a GET") {
        return format!(
            "`redirects = \"browser\"` in the endpoint, if the answer is what that GET gives, then {retry}; or {elsewhere}"
        );
    }
    elsewhere
}

/// A size or a depth, with more of it where the job can say so.
fn bound(subject: &Subject<'_>, retry: &str) -> String {
    let bounds = subject.endpoint.map_or_else(Bounds::default, |endpoint| endpoint.bounds.clone());
    let by_default = subject.detail().is_empty();
    let key = match subject.kind {
        Kind::TooDeep if by_default || subject.detail().starts_with("the JSON nests") => {
            format!("max_depth = {}", (4 * bounds.max_depth).min(512))
        }
        Kind::TooLarge if by_default || subject.detail().contains("max_answer") => {
            format!("max_answer = \"{}\"", size(4 * bounds.max_answer))
        }
        _ => return format!("{retry} once the server answers less"),
    };
    format!("`{key}` in the endpoint, then {retry}")
}

/// As a job file writes it; at most what it may say.
fn size(bytes: u64) -> String {
    let bytes = bytes.min(1 << 30);
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

fn pages(subject: &Subject<'_>, retry: &str, anew: &str) -> String {
    let most = |endpoint: &Endpoint| endpoint.pages.as_ref().map(|pages: &Pages| pages.max);
    if subject.detail().contains("`max` allows") {
        let most = subject.endpoint.and_then(most).unwrap_or(1000);
        return format!("`max = {}` in `pages`, then {retry}", most.saturating_mul(4));
    }
    format!("mend `pages`, then {anew}; or {retry} once the server is mended")
}

/// What an expression or a column says.
fn values(subject: &Subject<'_>, commands: &Commands) -> String {
    let (remake, extract) = (commands.remake(subject.id), commands.extract(subject.id));
    match subject.kind {
        Kind::Extract => {
            format!("{} shows what came: mend the expression, then {remake}", commands.answers())
        }
        Kind::Null => format!("leave out `not_null` where there may be no value, then {extract}"),
        _ => convert(subject, &remake, &extract),
    }
}

fn convert(subject: &Subject<'_>, remake: &str, extract: &str) -> String {
    let Some(mending) = conversion::mending(subject.details, subject.endpoint) else {
        return format!(
            "`on_error = \"null\"` in the column, then {extract}; or mend the column, then {remake}"
        );
    };
    let command = if mending.only_adds { extract } else { remake };
    let column = &mending.column;
    if mending.keys.is_empty() {
        return format!(
            "`on_error = \"null\"` in column {column}, then {extract}; or mend the column, then {remake}"
        );
    }
    let mut keys = mending.keys;
    if !mending.is_enough {
        keys.push("on_error = \"null\"".to_owned());
    }
    let instead: String = mending.instead.iter().map(|key| format!("; or `{key}`")).collect();
    let or_null = if mending.is_enough {
        "; or `on_error = \"null\"`, which makes null of what does not fit"
    } else {
        ""
    };
    format!("`{}` in column {column}, then {command}{instead}{or_null}", keys.join("` and `"))
}
