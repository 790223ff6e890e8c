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
mod statement;
mod table;
mod word;

use schemars::JsonSchema;
use toml::de::DeTable;

pub(super) use at::At;
pub(super) use column::{AnyColumn, Column};
pub(super) use endpoint::{Common, Endpoint, Retry};
pub(super) use fields::{Section, keys_of};
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

/// As messages name [limits.NAME].
fn title_of_limits() -> &'static str {
    Limit::TITLE
}

/// The sections that have a key, as messages name them.
fn titles_of_sections_with(key: &str) -> Vec<&'static str> {
    let sections = [
        (JobFile::TITLE, keys_of::<JobFile>()),
        (Job::TITLE, keys_of::<Job>()),
        (Input::TITLE, keys_of::<Input>()),
        (Endpoint::TITLE, keys_of::<Endpoint>()),
        (Table::TITLE, keys_of::<Table>()),
        (Publish::TITLE, keys_of::<Publish>()),
        (Before::TITLE, keys_of::<Before>()),
        (After::TITLE, keys_of::<After>()),
        ("`retry` of [[endpoint]]", keys_of::<Retry>()),
        ("a column of [[endpoint]]", keys_of::<Column>()),
        (Limit::TITLE, keys_of::<Limit>()),
        ("`quota` of [limits.NAME]", keys_of::<Quota>()),
        ("`batch` of [[endpoint]]", keys_of::<Batch>()),
        ("`pages` of [[endpoint]]", keys_of::<Pages>()),
    ];
    sections.into_iter().filter(|(_, keys)| keys.contains(&key)).map(|(title, _)| title).collect()
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
    pub defaults: Option<At<Defaults>>,
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
        self.defaults.as_ref().map(|defaults| &defaults.value.common)
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

/// `[job]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Job {
    /// Names the job and the folder of its runs: letters, digits, `_` and `-`, at most 64.
    #[schemars(required, regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"))]
    pub name: Option<At<String>>,
    /// Format of the files that a run's rows are kept in: `parquet` (default) or `csv`.
    pub chunks: Option<At<Word<ChunkFormat>>>,
    /// Most lines of the list that one shard (one child process) works on. Default 250000.
    pub shard_size: Option<At<Count<64, 1_000_000_000>>>,
    /// Requests in flight at once, over all shards. Default 128.
    pub in_flight: Option<At<Count<1, 65_535>>>,
    /// Further rounds that `run` makes by itself over what failed and is worth repeating. Default 1.
    pub rounds: Option<At<Count<0, 10>>>,
    /// Age up to which an unfinished run is resumed. Default `7d`.
    pub resume_within: Option<At<Time<0, { 3650 * DAY }>>>,
    /// Answers kept beside the rows: those of requests that `failed` (default), `all` of them (then `windrow extract`
    /// makes columns anew without a request), or `none`.
    pub bodies: Option<At<Word<Bodies>>>,
    /// What `windrow run` does where the list or the endpoints have changed since the unfinished run began: `new` says
    /// what differs and starts a new run (default), `stop` says it and stops.
    pub on_change: Option<At<Word<OnChange>>>,
    /// Age from which finished runs are removed, such as `14d`. Without it they stay.
    pub keep_runs: Option<At<Time<{ DAY / 24 }, { 3650 * DAY }>>>,
    /// How long a host that does not answer is waited for, before its part of the list is left to a later round.
    /// Default `5m`.
    pub patience: Option<At<Time<0, { 7 * DAY }>>>,
}

/// Milliseconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

impl Section for Job {
    const TITLE: &'static str = "[job]";

    fn read(fields: &mut Fields<'_>) -> Job {
        Job {
            name: fields.required("name", "add name = \"…\": letters, digits, `_` and `-`"),
            chunks: fields.optional("chunks"),
            shard_size: fields.optional("shard_size"),
            in_flight: fields.optional("in_flight"),
            rounds: fields.optional("rounds"),
            resume_within: fields.optional("resume_within"),
            bodies: fields.optional("bodies"),
            on_change: fields.optional("on_change"),
            keep_runs: fields.optional("keep_runs"),
            patience: fields.optional("patience"),
        }
    }
}

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

/// `[defaults]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Defaults {
    #[schemars(flatten)]
    pub common: Common,
}

impl Section for Defaults {
    const TITLE: &'static str = "[defaults]";

    fn read(fields: &mut Fields<'_>) -> Defaults {
        Defaults { common: Common::read(fields) }
    }
}
