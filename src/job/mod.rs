//! The job file: what the user declares, read as written (`raw`), then validated as a whole (`validate`).
//!
//! [`Job::load`] reports every mistake of a file at once, each with its line and a hint; only the validated
//! [`Job`] leaves this module. Secrets (`${NAME}`) stay names here: their values are looked up when a request is built.
//!
//! A new key starts in `raw` (its name, its shape, its line in the schema), is checked in `validate` and ends as
//! a field of [`Input`], [`Limit`], [`Endpoint`], [`Column`], [`Table`], [`Publish`], [`Statement`], [`Serve`] or [`Settings`]; what
//! decides what is asked or how columns are made also belongs into [`Job::questions`].

use std::path::PathBuf;

mod amended;
mod answer;
mod auth;
mod by_name;
mod changes;
mod crontab;
mod endpoint;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod init;
mod input;
mod items;
mod jq;
mod limit;
mod load;
mod mistake;
mod network;
mod notify;
mod questions;
mod queue;
mod raw;
mod reference;
mod request;
mod schedule;
mod schema;
mod serve;
mod server;
mod settings;
mod success;
mod suggest;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod toml_text;
mod validate;
mod when;

pub use answer::{AnswerFormat, Css, Expression, KeepAnswers, TakenFrom};
pub use auth::{Auth, ClientAuth, Grant, TokenSource};
pub use endpoint::{
    Bounds, Column, Endpoint, Missing, OnBadCharacter, OnError, OnFailure, Redirects, Retry, RetryOn,
};
pub use init::starter;
pub use input::{Database, Dialect, Format, Input, OnDuplicate, Quote, Source};
pub use jq::{Jq, JqData, LONGEST_JQ, compile_jq};
pub use limit::{Cost, Counts, Limit, Period, Quota, Rate};
pub use mistake::JobError;
pub use network::{ClientCertificate, Network, Proxy, ProxyUrl, proxy_url};
pub use notify::{Notify, NotifyTo, StateOfRun};
pub use queue::Queue;
pub use reference::reference;
pub use request::{Batch, JsonTemplate, NextPage, OnAbsent, Pages, Payload, is_idempotent};
pub use schedule::Schedule;
pub use schema::json_schema;
pub use serve::Serve;
pub use server::{ServerKind, ServerUrl};
pub use settings::{ChunkFormat, OnChange, Settings};
pub use success::{Loss, Success, USUAL_MIN_SUCCESS};
pub use suggest::nearest_word;
pub use table::{
    Destination, Mode, OnNewColumn, OnPause, OnReferencing, OnUnlisted, Publish, Stamp, Statement, Table,
    TableName,
};
pub use template::{Part, Template};
pub use toml_text::{toml_basic_string, toml_text};
pub use when::When;

/// A validated job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Letters, digits, `_` and `-`; names the folder of its runs.
    pub name: String,
    /// Where the list comes from.
    pub input: Input,
    /// The budgets, in the order of the file.
    pub limits: Vec<Limit>,
    /// In the order of the file; at least one, at most 64.
    pub endpoints: Vec<Endpoint>,
    /// Where the rows go.
    pub table: Table,
    /// The publish gate.
    pub publish: Publish,
    /// The job's own statements before the rows are written, in the same transaction.
    pub before: Vec<Statement>,
    /// The same after it.
    pub after: Vec<Statement>,
    /// Who is told how a command ended.
    pub notify: Option<Notify>,
    /// How what was gathered is served.
    pub serve: Serve,
    /// How runs are cut, paced and resumed.
    pub settings: Settings,
    /// What the file does not say, and was inferred from the rest of it, as it could have been written:
    /// `[input] id = "imdb_id"`.
    pub inferred: Vec<String>,
    /// The file as written (it holds `${NAME}`, never a secret's value).
    pub text: String,
    /// The file's absolute path.
    pub path: PathBuf,
    /// The file's folder: relative paths in the job are relative to it.
    pub folder: PathBuf,
}

impl Job {
    /// The endpoint of that name.
    pub fn endpoint(&self, name: &str) -> Option<(usize, &Endpoint)> {
        self.endpoints.iter().enumerate().find(|(_, endpoint)| endpoint.name == name)
    }

    /// The input columns that endpoints use, in templates or in a `when`; each once, in the order of their first use.
    pub fn used_columns(&self) -> Vec<String> {
        each_once(self.endpoints.iter().flat_map(Endpoint::inputs))
    }

    /// The input columns that the job needs, each once: the id, what it keeps, then what endpoints use.
    pub fn input_columns(&self) -> Vec<String> {
        let used = self.used_columns();
        let named = self.input.id.iter().chain(&self.input.columns).chain(&used);
        each_once(named.map(String::as_str))
    }

    /// Whether endpoints ask different hosts, or the list says which are asked.
    pub fn asks_several_hosts(&self) -> bool {
        let origin = |endpoint: &Endpoint| match endpoint.url.parts.first() {
            Some(Part::Literal(text)) => text.splitn(4, '/').take(3).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let origins: Vec<Vec<String>> = self.endpoints.iter().map(origin).collect();
        origins.iter().any(|origin| origin.is_empty() || *origin != origins[0])
    }

    /// The environment variables that the job names, each once: those of templates in the order of their first use, then
    /// those of the servers that the list comes from and the rows go to.
    pub fn secrets(&self) -> Vec<String> {
        let templates = self.endpoints.iter().flat_map(Endpoint::secrets);
        let asked = match &self.input.source {
            Source::Query { database: Database::Server(url), .. } => Some(url),
            _ => None,
        };
        let filled = match &self.table.to {
            Destination::Server(url) => Some(url),
            _ => None,
        };
        each_once(templates.chain(asked.into_iter().chain(filled).flat_map(ServerUrl::secrets)))
    }
}

fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.iter().any(|known| known == name) {
            once.push(name.to_owned());
        }
    }
    once
}
