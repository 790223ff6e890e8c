//! The job file as written: what may stand in it, key by key.
//!
//! The structs are the one list of keys. [`json_schema`](super::schema::json_schema) is made from them, and
//! their `read` takes the keys from the file's tables; a test holds the two together. Values are checked as
//! far as one value alone can be wrong; what takes more than one key is checked by `validate`.

mod amount;
mod at;
mod column;
mod endpoint;
mod fields;
mod forms;
mod input;
mod json;
mod later;
mod leaf;
mod limit;
mod repeat;
mod request;
mod section;
mod statement;
mod table;
mod word;

#[cfg(test)]
use std::borrow::Cow;

use schemars::JsonSchema;
use toml::de::DeTable;

pub(super) use at::At;
pub(super) use column::{AnyColumn, Column};
pub(super) use endpoint::{Common, Endpoint, Retry};
use fields::{Section, keys_of};
pub(super) use forms::CostRule;
pub(super) use input::Input;
pub(super) use json::Json;
pub(super) use limit::{AnyQuota, Limit, Quota};
pub(super) use request::{Batch, Pages};
pub(super) use statement::{After, Before};
pub(super) use table::{Publish, Table};
pub(super) use word::{Choice, Word};

use super::answer::Bodies;
use super::mistake::{Mistakes, Span};
use super::settings::{ChunkFormat, OnChange};
use fields::Fields;
use leaf::{Count, Time};
use limit::Limits;
use section::section;

/// As messages name [limits.NAME].
fn title_of_limits() -> &'static str {
    Limit::TITLE
}

/// A section: its name in the schema, how messages name it where a key belongs there, and its keys.
pub(super) struct SectionKeys {
    #[cfg(test)]
    pub schema: Cow<'static, str>,
    pub title: &'static str,
    pub keys: Vec<&'static str>,
}

/// All sections.
pub(super) fn sections() -> Vec<SectionKeys> {
    fn known<S: Section + JsonSchema>(title: &'static str) -> SectionKeys {
        SectionKeys {
            #[cfg(test)]
            schema: S::schema_name(),
            title,
            keys: keys_of::<S>(),
        }
    }
    vec![
        known::<JobFile>(JobFile::TITLE),
        known::<Job>(Job::TITLE),
        known::<Input>(Input::TITLE),
        known::<Endpoint>(Endpoint::TITLE),
        known::<Common>(Common::TITLE),
        known::<Table>(Table::TITLE),
        known::<Publish>(Publish::TITLE),
        known::<Before>(Before::TITLE),
        known::<After>(After::TITLE),
        known::<Retry>("`retry` of [[endpoint]]"),
        known::<Column>("a column of [[endpoint]]"),
        known::<Limit>(Limit::TITLE),
        known::<Quota>("`quota` of [limits.NAME]"),
        known::<Batch>("`batch` of [[endpoint]]"),
        known::<Pages>("`pages` of [[endpoint]]"),
    ]
}

/// The sections that have a key, as messages name them. What an endpoint may say need not stand in [defaults].
fn titles_of_sections_with(key: &str) -> Vec<&'static str> {
    let having = sections().into_iter().filter(|section| section.keys.contains(&key));
    having.map(|section| section.title).filter(|title| *title != Common::TITLE).collect()
}

/// A windrow job: a list of ids, the HTTP requests made for each of them, and the table that the answers become.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields, title = "windrow job")]
#[schemars(extend("required" = ["job", "input", "endpoint", "table"]))]
pub(super) struct JobFile {
    /// The job itself: its name, and how runs are cut and paced.
    pub job: Option<At<Job>>,
    /// The list: where it comes from and which of its columns count.
    pub input: Option<At<Input>>,
    /// Budgets, each under a host (`www.example.com`, `localhost:8080`) whose requests are taken from it, or under a word
    /// that endpoints name in `limit`.
    pub limits: Option<At<Limits>>,
    /// Keys that hold for every endpoint that does not say otherwise.
    pub defaults: Option<At<Common>>,
    /// The requests made for every line of the list, each written as `[[endpoint]]`; 1 to 64.
    #[schemars(length(min = 1, max = 64))]
    pub endpoint: Option<At<Vec<At<Endpoint>>>>,
    /// The table that the rows go into.
    pub table: Option<At<Table>>,
    /// Conditions without which nothing is published.
    pub publish: Option<At<Publish>>,
    /// Statements before the rows are written, in the same transaction, each written as `[[before]]`.
    pub before: Option<At<Vec<At<Before>>>>,
    /// Statements after the rows are written, in the same transaction, each written as `[[after]]`.
    pub after: Option<At<Vec<At<After>>>>,
    /// Whether all sections that name columns were read without mistake: a name that is not there is then missing.
    #[schemars(skip)]
    pub names_are_known: bool,
}

impl JobFile {
    /// Reads the tables of a file whose last byte is at `end`, and notes everything that is wrong on the way.
    pub(super) fn read(tables: &DeTable<'_>, end: Span, mistakes: &mut Mistakes) -> JobFile {
        let mut fields = Fields::of(JobFile::TITLE, tables, end, mistakes);
        let file = <JobFile as Section>::read(&mut fields);
        fields.refuse_others();
        file
    }

    /// The endpoints that could be read, in the order of the file.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoint.iter().flat_map(|list| &list.value).map(|endpoint| &endpoint.value)
    }

    /// What the defaults say.
    pub(super) fn common(&self) -> Option<&Common> {
        self.defaults.as_ref().map(|defaults| &defaults.value)
    }

    /// Every template: each endpoint's URL, query, payload and headers, then the headers of the defaults.
    pub(super) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        let defaults = self.common().into_iter().flat_map(Common::header_templates);
        self.endpoints().flat_map(Endpoint::templates).chain(defaults)
    }
}

impl Section for JobFile {
    const TITLE: &'static str = "the job file";

    fn read(fields: &mut Fields<'_>) -> JobFile {
        let before = fields.noted();
        let input = fields.required("input", "add [input] with a file and the name of its id column");
        let limits = fields.optional("limits");
        let defaults = fields.optional("defaults");
        let endpoint = fields.required("endpoint", "add an [[endpoint]] with name, url and columns");
        let names_are_known = fields.noted() == before;
        JobFile {
            job: fields.required("job", "add [job] with a name"),
            input,
            limits,
            defaults,
            endpoint,
            names_are_known,
            table: fields.required("table", "add [table] with to, name and mode"),
            publish: fields.optional("publish"),
            before: fields.optional("before"),
            after: fields.optional("after"),
        }
    }
}

section! {
    /// `[job]`
    "[job]";
    Job {
        /// Names the job and the folder of its runs: letters, digits, `_` and `-`, at most 64.
        #[schemars(required, regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"))]
        name: String = "add name = \"…\": letters, digits, `_` and `-`",
        /// Format of the files that a run's rows are kept in: `parquet` (default) or `csv`.
        chunks: Word<ChunkFormat>,
        /// Most lines of the list that one shard (one child process) works on. Default 250000.
        shard_size: Count<64, 1_000_000_000>,
        /// Requests in flight at once, over all shards. Default 128.
        in_flight: Count<1, 65_535>,
        /// Further rounds that `run` makes by itself over what failed and is worth repeating. Default 1.
        rounds: Count<0, 10>,
        /// Age up to which an unfinished run is resumed. Default `7d`.
        resume_within: Time<0, { 3650 * DAY }>,
        /// Answers kept beside the rows: those of requests that `failed` (default), `all` of them (then `windrow extract`
        /// makes columns anew without a request), or `none`.
        bodies: Word<Bodies>,
        /// What `windrow run` does where the list or the endpoints have changed since the unfinished run began: `new` says
        /// what differs and starts a new run (default), `stop` says it and stops.
        on_change: Word<OnChange>,
        /// Age from which finished runs are removed, such as `14d`. Without it they stay.
        keep_runs: Time<{ DAY / 24 }, { 3650 * DAY }>,
        /// How long a host that does not answer is waited for, before its part of the list is left to a later round.
        /// Default `5m`.
        patience: Time<0, { 7 * DAY }>,
    }
}

/// Milliseconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

impl Choice for ChunkFormat {
    const WORDS: &'static [(&'static str, ChunkFormat)] =
        &[("parquet", ChunkFormat::Parquet), ("csv", ChunkFormat::Csv)];
}

impl Choice for Bodies {
    const WORDS: &'static [(&'static str, Bodies)] =
        &[("failed", Bodies::Failed), ("all", Bodies::All), ("none", Bodies::None)];
}

impl Choice for OnChange {
    const WORDS: &'static [(&'static str, OnChange)] = &[("new", OnChange::New), ("stop", OnChange::Stop)];
}
