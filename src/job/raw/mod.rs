//! The job file as written: what may stand in it, key by key.
//!
//! The structs are the one list of keys. [`json_schema`](super::schema::json_schema) is made from them, and
//! their `read` takes the keys from the file's tables; a test holds the two together. Values are checked as
//! far as one value alone can be wrong; what takes more than one key is checked by `validate`.

mod amount;
mod at;
mod auth;
mod column;
mod endpoint;
mod fields;
mod forms;
mod input;
mod json;
mod leaf;
mod limit;
mod misplaced;
mod notify;
mod others;
mod queue;
mod refusal;
mod repeat;
mod request;
mod section;
mod serve;
mod statement;
mod table;
mod word;

use std::borrow::Cow;

use schemars::JsonSchema;
use toml::de::DeTable;

pub(super) use at::At;
pub(super) use auth::{AnyAuth, Auth, GrantType, Token};
pub(super) use column::{AnyColumn, Column};
pub(super) use endpoint::{Common, Endpoint, Retry};
use fields::{Section, keys_of};
pub(super) use forms::{CostRule, Names};
pub(super) use input::Input;
pub(super) use json::Json;
pub(super) use limit::{AnyQuota, Limit, Quota};
pub(super) use notify::Notify;
pub(super) use queue::Queue;
pub(super) use request::{Batch, Pages};
pub(super) use serve::Serve;
pub(super) use statement::{After, Before};
pub(super) use table::{Publish, Table};
pub(super) use word::{Choice, Word};

use super::answer::KeepAnswers;
use super::mistake::{Mistakes, Span};
use super::settings::{ChunkFormat, OnChange};
use auth::Tokens;
use fields::{Fields, Present};
use leaf::{Address, Count, Permissions, Time};
use limit::Limits;
use misplaced::Misplaced;
use section::section;

/// As messages name [limit.NAME].
fn title_of_limits() -> &'static str {
    Limit::TITLE
}

/// A section: its name in the schema, how messages name it where a key belongs there, and its keys.
pub(super) struct SectionKeys {
    /// Empty for the file itself.
    pub schema: Cow<'static, str>,
    /// As its own mistakes are told: [`Section::TITLE`].
    #[cfg(test)]
    pub read_as: &'static str,
    pub title: &'static str,
    pub keys: Vec<&'static str>,
}

/// All sections.
pub(super) fn sections() -> Vec<SectionKeys> {
    fn known<S: Section + JsonSchema>(title: &'static str) -> SectionKeys {
        SectionKeys {
            schema: if title == JobFile::TITLE { Cow::Borrowed("") } else { S::schema_name() },
            #[cfg(test)]
            read_as: S::TITLE,
            title,
            keys: keys_of::<S>(),
        }
    }
    vec![
        known::<JobFile>(JobFile::TITLE),
        known::<Job>(Job::TITLE),
        known::<Input>(Input::TITLE),
        known::<Queue>("`queue` of [input]"),
        known::<Limit>(Limit::TITLE),
        known::<Quota>("`quota` of [limit.NAME]"),
        known::<Token>(Token::TITLE),
        known::<Auth>("`auth` of [[endpoint]]"),
        known::<Common>(Common::TITLE),
        known::<Endpoint>(Endpoint::TITLE),
        known::<Column>("a column of [[endpoint]]"),
        known::<Batch>("`batch` of [[endpoint]]"),
        known::<Pages>("`pages` of [[endpoint]]"),
        known::<Retry>("`retry` of [[endpoint]]"),
        known::<Table>(Table::TITLE),
        known::<Publish>(Publish::TITLE),
        known::<Before>(Before::TITLE),
        known::<After>(After::TITLE),
        known::<Serve>(Serve::TITLE),
        known::<Notify>(Notify::TITLE),
    ]
}

/// A section as the reference shows it.
pub(super) struct Group {
    /// See [`SectionKeys`].
    pub schema: Cow<'static, str>,
    pub title: &'static str,
    pub keys: Vec<&'static str>,
    /// What else is to be said of it.
    pub more: Option<&'static str>,
}

/// The sections, the keys of an endpoint that the defaults have, too, only there.
pub(super) fn groups() -> Vec<Group> {
    let common = keys_of::<Common>();
    let group = |section: SectionKeys| {
        let is_endpoint = section.title == Endpoint::TITLE;
        let keys = section.keys.into_iter().filter(|key| !is_endpoint || !common.contains(key)).collect();
        let more = match section.title {
            Endpoint::TITLE => Some("And every key of `[defaults]`."),
            Common::TITLE => {
                Some("Each may stand in an `[[endpoint]]` instead, and is that endpoint's own there.")
            }
            _ => None,
        };
        Group { schema: section.schema, title: section.title, keys, more }
    };
    sections().into_iter().map(group).collect()
}

/// The sections that have a key, as messages name them. What an endpoint may say need not stand in [defaults].
fn titles_of_sections_with(key: &str) -> Vec<&'static str> {
    let having = sections().into_iter().filter(|section| section.keys.contains(&key));
    having.map(|section| section.title).filter(|title| *title != Common::TITLE).collect()
}

/// A windrow job: a list of ids, the HTTP requests made for each of them, and the table that the answers become.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields, title = "windrow job")]
#[schemars(extend("required" = ["input", "endpoint", "table"]))]
pub(super) struct JobFile {
    /// The job itself: its name, and how runs are cut and paced.
    pub job: Option<At<Job>>,
    /// The list: where it comes from and which of its columns count.
    pub input: Option<At<Input>>,
    /// Budgets, each under a host (`www.example.com`, `localhost:8080`) whose requests are taken from it, or under a word
    /// that endpoints name in `limit`.
    pub limit: Option<At<Limits>>,
    /// Where access tokens come from, each under the name that endpoints say in `auth`.
    pub auth: Option<At<Tokens>>,
    /// Keys that hold for every endpoint that does not say otherwise.
    pub defaults: Option<At<Common>>,
    /// The requests made for every record, each written as `[[endpoint]]`; 1 to 64.
    #[schemars(length(min = 1, max = 64))]
    pub endpoint: Option<At<Vec<At<Endpoint>>>>,
    /// The table that the rows go into.
    pub table: Option<At<Table>>,
    /// Conditions without which nothing is published.
    pub publish: Option<At<Publish>>,
    /// How `windrow serve` shows what the job has gathered.
    pub serve: Option<At<Serve>>,
    /// Who is told how `run`, `retry`, `extract` or `merge` ended.
    pub notify: Option<At<Notify>>,
    /// Whether all sections that name columns were read without mistake: a name that is not there is then missing.
    #[schemars(skip)]
    pub names_are_known: bool,
    /// The tables that are there, right or wrong.
    #[schemars(skip)]
    pub present: Present,
    /// Where the file ends.
    #[schemars(skip)]
    pub end: Span,
}

impl JobFile {
    /// Reads the tables of a file whose last byte is at `end`, and notes everything that is wrong on the way.
    pub(super) fn read(tables: &DeTable<'_>, end: Span, mistakes: &mut Mistakes) -> JobFile {
        let mut fields = Fields::of(JobFile::TITLE, tables, end, mistakes);
        let mut file = <JobFile as Section>::read(&mut fields);
        fields.refuse_others();
        misplaced::misplaced(tables).iter().for_each(|key| file.refuse_misplaced(key, mistakes));
        file
    }

    /// The endpoints that could be read, in the order of the file.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoint.iter().flat_map(|list| &list.value).map(|endpoint| &endpoint.value)
    }

    /// Notes a key of an endpoint among its columns, in place of what is wrong with it as a column.
    fn refuse_misplaced(&mut self, misplaced: &Misplaced, mistakes: &mut Mistakes) {
        let Misplaced { key, below: (section, table), name, value } = misplaced;
        mistakes.forget(value);
        let otherwise = match *table {
            "columns" => {
                format!("a column of that name is written as a table: {key} = {{ jq = \".{key}\" }}")
            }
            table => format!("what has that name there is written in braces: {table} = {{ {key} = … }}"),
        };
        let message = format!("`{key}` is a key of [[endpoint]], and stands among its {table}");
        let hint = format!("move it above [{section}.{table}]; {otherwise}");
        mistakes.add(name, message, hint);
        let endpoints = self.endpoint.iter_mut().flat_map(|list| &mut list.value);
        let columns = endpoints.filter_map(|endpoint| endpoint.value.columns.as_mut());
        for entry in columns.flat_map(|columns| &mut columns.value.0) {
            if entry.name.span == *name {
                entry.value = None;
            }
        }
    }

    fn inherit_defaults(&mut self) {
        let Some(defaults) = &self.defaults else { return };
        for endpoint in self.endpoint.iter_mut().flat_map(|list| &mut list.value) {
            endpoint.value.common.inherit_defaults(&defaults.value);
        }
    }

    /// The statements before the rows are written.
    pub(super) fn before(&self) -> impl Iterator<Item = &Before> {
        let publish = self.publish.iter().filter_map(|publish| publish.value.before.as_ref());
        publish.flat_map(|list| &list.value).map(|before| &before.value)
    }

    /// Those after.
    pub(super) fn after(&self) -> impl Iterator<Item = &After> {
        let publish = self.publish.iter().filter_map(|publish| publish.value.after.as_ref());
        publish.flat_map(|list| &list.value).map(|after| &after.value)
    }

    /// Every template: each endpoint's URL, params, payload and headers, those of the defaults among them.
    pub(super) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        self.endpoints().flat_map(Endpoint::templates)
    }
}

impl Section for JobFile {
    const TITLE: &'static str = "the job file";

    fn read(fields: &mut Fields<'_>) -> JobFile {
        let before = fields.noted();
        let input = fields.required("input", "add [input] with a file, or ids");
        let limit = fields.optional("limit");
        let auth = fields.optional("auth");
        let defaults = fields.optional("defaults");
        let endpoint = fields.required("endpoint", "add an [[endpoint]] with url and columns");
        let names_are_known = fields.noted() == before;
        let mut file = JobFile {
            job: fields.optional("job"),
            input,
            limit,
            auth,
            defaults,
            endpoint,
            names_are_known,
            present: fields.present(),
            end: fields.span(),
            table: fields.required("table", "add [table] with to = \"duckdb:….duckdb\" or \"postgres://…\""),
            publish: fields.optional("publish"),
            serve: fields.optional("serve"),
            notify: fields.optional("notify"),
        };
        file.inherit_defaults();
        file
    }

    fn inherit(&mut self, _: &JobFile) {}
}

section! {
    /// `[job]`
    "[job]", check_schedule;
    Job {
        /// Names the job and the folder of its runs: letters, digits, `_` and `-`, at most 64.
        /// Default the file's name, without `.toml`.
        #[schemars(regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"))]
        name: String,
        /// Format of the files that a run's rows are kept in: `parquet` (default) or `csv`.
        chunks: Word<ChunkFormat>,
        /// Most records of one shard, which a process of its own works on. Default 250000.
        shard_size: Count<64, 1_000_000_000>,
        /// Requests in flight at once, over all shards. Default 128.
        in_flight: Count<1, 65_535>,
        /// Further rounds that `run` makes by itself over what failed and is worth repeating. Default 1.
        retry_rounds: Count<0, 10>,
        /// Age up to which an unfinished run is resumed. Default `7d`.
        resume_within: Time<0, { 3650 * DAY }>,
        /// Answers kept beside the rows: those of requests that `failed` (default), `all` of them, or `none`. `windrow extract`
        /// makes columns anew without a request: of what failed where changes of the job bear on nothing else, or of all.
        keep_answers: Word<KeepAnswers>,
        /// What `windrow run` does where the list or the endpoints have changed since the unfinished run began: `new` says
        /// what differs and starts a new run (default), `stop` says it and stops.
        on_change: Word<OnChange>,
        /// Age from which finished runs are removed, such as `14d`. Without it they stay.
        keep_runs: Time<{ DAY / 24 }, { 3650 * DAY }>,
        /// Who may look into the folders of runs and their files, as for `chmod`: `0750` lets the group, whatever the umask is.
        /// Default `0700`, the user alone: answers may hold what is nobody else's.
        runs_permissions: Permissions,
        /// How long a host that does not answer is waited for, before its part of the list is left to a later round.
        /// Default `5m`.
        patience: Time<0, { 7 * DAY }>,
        /// Where `windrow work` answers /healthz and /metrics (Prometheus) over HTTP: `127.0.0.1:9464`. Without it nowhere.
        listen: Address,
        /// How long after its last run began `windrow serve` runs the job again: `5m`.
        every: Time<1_000, { 366 * DAY }>,
        /// When `windrow serve` runs the job, instead of `every`: the five fields of a crontab's line, `15 3 * * *`, or a word such
        /// as `@daily`. `*/45` are the minutes 0 and 45 of each hour, as in any crontab: every three quarters of an hour is
        /// `every = "45m"`.
        #[schemars(length(min = 1))]
        cron: String,
        /// The IANA time zone of `cron`, such as `Europe/Berlin`. Default UTC.
        zone: String,
        ..
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

fn check_schedule(fields: &mut Fields<'_>) {
    if fields.has("every") && fields.has("cron") {
        fields.exactly_one(&["every", "cron"], "");
    }
    fields.needs("zone", "cron", "leave it out, or write cron = \"15 3 * * *\" instead of every");
}

/// Milliseconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

impl Choice for ChunkFormat {
    const WORDS: &'static [(&'static str, ChunkFormat)] =
        &[("parquet", ChunkFormat::Parquet), ("csv", ChunkFormat::Csv)];
}

impl Choice for KeepAnswers {
    const WORDS: &'static [(&'static str, KeepAnswers)] =
        &[("failed", KeepAnswers::Failed), ("all", KeepAnswers::All), ("none", KeepAnswers::None)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["true", "yes", "always"], "write \"all\""),
        (&["errors", "failures", "failed_only", "error"], "write \"failed\""),
        (&["false", "no", "never", "off"], "write \"none\""),
    ];
}

impl Choice for OnChange {
    const WORDS: &'static [(&'static str, OnChange)] = &[("new", OnChange::New), ("stop", OnChange::Stop)];
}
