//! `summary.json`: how the last command on a run ended, for programs.
//!
//! Promises: it is written at the end of `run`, `retry`, `extract` and `merge`, whatever the exit code, by the process that
//! holds the run, aside and renamed. windrow never reads it: what a run comes to is in its other files. No secret stands in it.
//! Within version 1 keys are added, and none is taken away or changes its meaning; a figure that is not known is null.

use object_store::path::Path;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use super::error::HandoffError;
use super::layout;
use super::store::RunStore;
use crate::job::StateOfRun;
use crate::os::printable_json;

/// The version of [`Summary`].
const SUMMARY_VERSION: u32 = 1;

/// How a command ended, and what is known of its run by then.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "windrow's summary of a run")]
pub struct Summary {
    /// Version of this format.
    pub version: u32,
    /// The windrow that wrote it.
    pub windrow: String,
    /// What was done: `run`, `retry`, `extract` or `merge`.
    pub command: String,
    /// The job's name; null where the job could not be read.
    pub job: Option<String>,
    /// The run's id; null where there was none yet.
    pub run: Option<String>,
    /// Whether it was a trial of a few records (`--sample`, `--ids`), published into a database of its own.
    pub trial: bool,
    /// How the run stands at the end.
    pub state: StateOfRun,
    /// Why, in a line; null where it is published.
    pub reason: Option<String>,
    /// What to do about it; null where nothing is to be done.
    pub hint: Option<String>,
    /// Where it is paused by a quota: when there is a new one.
    #[schemars(extend("format" = "date-time"))]
    pub waits_until: Option<String>,
    /// The exit code of the command.
    pub exit: u8,
    /// When the command began.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// When it ended.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: String,
    /// Seconds between both.
    pub seconds: f64,
    /// Seconds of its parts; what it did not come to is null.
    pub phases: Phases,
    /// Records of the run.
    pub records: Option<u64>,
    /// What became of the rows; null where this command published nothing.
    pub rows: Option<RowsOfSummary>,
    /// Where the rows go; null where the job could not be read.
    pub destination: Option<DestinationOfSummary>,
    /// The endpoints, in the order of the job; null where the run's files cannot be read.
    pub endpoints: Option<Vec<EndpointOfSummary>>,
    /// Requests that failed, wait or were not asked since another failed, by kind, and rows that the table rejected; the
    /// most frequent first. Null where the run's files cannot be read.
    pub failures: Option<Vec<FailuresOfKind>>,
    /// Requests of the run, all rounds together; null where its files cannot be read.
    pub requests: Option<RequestsOfSummary>,
    /// What kept this command from asking faster, the longest first.
    pub holds: Vec<HeldFor>,
    /// Columns of the table without a value in any row of the run.
    pub null_columns: Vec<NullColumn>,
    /// What went wrong beside that, a line each.
    pub warnings: Vec<String>,
    /// Where its files lie.
    pub paths: PathsOfSummary,
}

/// Seconds of a command's parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Phases {
    /// Reading the job, looking for what there is, planning.
    pub planning: Option<f64>,
    /// Asking, all rounds and what was waited for between them.
    pub fetching: Option<f64>,
    /// Checking that nothing is missing.
    pub proving: Option<f64>,
    /// From opening the database to COMMIT.
    pub loading: Option<f64>,
}

/// What became of the rows, where something was published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RowsOfSummary {
    /// Rows that this command wrote; where `already` is true, an earlier one.
    pub published: u64,
    /// Rows of those that were not there before; null where they cannot be told.
    pub added: Option<u64>,
    /// Rows that were there and were replaced, or removed for the new ones.
    pub replaced: u64,
    /// Records that are not in it, because a request failed.
    pub skipped: u64,
    /// Records that the table refused and the job let it.
    pub rejected: u64,
    /// Rows that a later one with the same key left out.
    pub duplicates: u64,
    /// Rows that the job's own statements took out.
    pub withheld: u64,
    /// Rows that a trigger or a rule of the table kept out.
    pub kept_out: u64,
    /// Records that were answered after they had been appended: their rows stay as they are.
    pub late: u64,
    /// Rows that were deleted, since the list no longer has their ids.
    pub deleted: u64,
    /// Rows of the run that were published before, when it paused.
    pub at_pauses: u64,
    /// Rows of the table now; null where they were not counted.
    pub table: Option<u64>,
    /// Whether the run was published before, and nothing was done.
    pub already: bool,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DestinationOfSummary {
    /// As the job names it, relative paths made absolute, a secret by its name: `duckdb:/data/films.duckdb`.
    pub to: String,
    /// The table.
    pub table: String,
}

/// What became of the requests to one endpoint, a record's as its last round left it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct EndpointOfSummary {
    /// Its name.
    pub endpoint: String,
    /// Records that were answered.
    pub ok: u64,
    /// Records whose id does not exist there.
    pub missing: u64,
    /// Records whose request failed.
    pub failed: u64,
    /// Records that wait to be asked, or asked again.
    pub waiting: u64,
    /// Records that were not asked: their `when` said so, or what is asked before failed.
    pub not_asked: u64,
    /// Requests sent, in all rounds.
    pub requests: u64,
}

/// What happened alike.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FailuresOfKind {
    /// `failed`, `waiting`, `not_asked` or `rejected`.
    pub status: String,
    /// The kind, as `windrow failures` has it: `timeout`, `not_json`, `rejected`.
    pub kind: String,
    /// The endpoint; null for what the table rejected.
    pub endpoint: Option<String>,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: ExampleOfFailure,
    /// What to do about this kind.
    pub advice: Option<Advice>,
}

/// One request that failed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExampleOfFailure {
    /// The record's id; of several columns with a space between.
    pub id: Option<String>,
    /// One line on what happened.
    pub detail: Option<String>,
}

/// What to do about a kind of failure.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Advice {
    /// In a line.
    pub text: String,
    /// A command that does it.
    pub command: Option<String>,
}

/// The requests of a run, in all rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RequestsOfSummary {
    /// HTTP requests sent, redirects, pages and repeats among them.
    pub sent: u64,
    /// Tries after the first, of requests that were repeated.
    pub repeats: u64,
    /// Bytes of the answers' bodies, as they came over the wire.
    pub bytes: u64,
    /// Requests that this command sent in a second while it fetched; null where it sent none.
    pub per_second: Option<f64>,
    /// How long the answers took that this command waited for; where it asked nothing, those of the run that came at the
    /// first try.
    pub latency: Option<LatencyOfSummary>,
}

/// How long answers took, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LatencyOfSummary {
    /// Half of them took no longer.
    pub p50: f64,
    /// 95 of 100 took no longer.
    pub p95: f64,
}

/// What kept requests from being sent faster.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HeldFor {
    /// What it is: `down`, `pause`, `token`, `limit`, `back_off`, `cpu`, `server` or `in_flight`; later others, too.
    pub by: String,
    /// The same for a person: `2 pauses that api.example.com:443 asked for`.
    pub text: String,
    /// How often.
    pub times: u32,
    /// How long, in all.
    pub seconds: f64,
}

/// A column without a value in any row of the run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NullColumn {
    /// Its name.
    pub column: String,
    /// The endpoint that it comes from.
    pub endpoint: String,
    /// What the job looks for, such as `.Yaer`.
    pub looks_for: Option<String>,
    /// What the answers have that is called alike, such as `.Year`.
    pub did_you_mean: Option<String>,
}

/// Where the files of a run lie, absolute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct PathsOfSummary {
    /// The run's folder; null where there was none yet.
    pub run: Option<String>,
    /// The job file; null where it was not found.
    pub job: Option<String>,
}

impl RunStore {
    /// Writes how the command that holds the run ends, for programs: aside, then renamed.
    pub async fn put_summary(&self, summary: &Summary) -> Result<(), HandoffError> {
        self.put(&Path::from(layout::SUMMARY), summary.to_json().into()).await
    }

    /// Removes the summary of an earlier command: one that is killed leaves none, rather than that of another.
    pub fn remove_summary(&self) {
        // Where it stays it is replaced at the end.
        let _ = std::fs::remove_file(self.folder().join(layout::SUMMARY));
    }
}

impl Summary {
    /// Of a command that has come to nothing yet.
    pub fn of_command(command: &str, state: StateOfRun, exit: u8) -> Summary {
        Summary {
            version: SUMMARY_VERSION,
            windrow: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
            job: None,
            run: None,
            trial: false,
            state,
            reason: None,
            hint: None,
            waits_until: None,
            exit,
            started_at: String::new(),
            ended_at: String::new(),
            seconds: 0.0,
            phases: Phases::default(),
            records: None,
            rows: None,
            destination: None,
            endpoints: None,
            failures: None,
            requests: None,
            holds: Vec::new(),
            null_columns: Vec::new(),
            warnings: Vec::new(),
            paths: PathsOfSummary::default(),
        }
    }

    /// As JSON, indented, with a newline at its end; what would steer a terminal is spelled out.
    pub fn to_json(&self) -> String {
        // Strings, numbers, lists and structs only: this cannot fail.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        printable_json(&text).into_owned() + "\n"
    }
}

/// The JSON Schema of summaries (draft 2020-12), indented, with a newline at its end.
pub fn summary_schema() -> String {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.transforms.push(Box::new(RecursiveTransform(in_one_line)));
    let mut schema = settings.into_generator().into_root_schema_for::<Summary>();
    schema.insert("properties".to_owned(), with_version(schema.get("properties").cloned()));
    format!("{:#}\n", schema.as_value())
}

/// Descriptions are one line.
fn in_one_line(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

/// The same with the one version that this schema is of.
fn with_version(properties: Option<Value>) -> Value {
    let mut properties = properties.unwrap_or_default();
    properties["version"]["const"] = SUMMARY_VERSION.into();
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_file_is_up_to_date_and_every_key_is_described_and_there() {
        let file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/summary.schema.json"));
        let command = "cargo run --release -- schema --summary > schemas/summary.schema.json";
        assert!(file == summary_schema(), "schemas/summary.schema.json is out of date: `{command}`");
        let schema: Value = serde_json::from_str(file).unwrap();
        let structs = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for properties in structs.filter(|one| one["properties"].is_object()) {
            let named = properties["properties"].as_object().unwrap();
            assert!(named.values().all(|key| key["description"].is_string()), "{named:?}");
            assert_eq!(
                properties["required"].as_array().unwrap().len(),
                named.len(),
                "null, and never absent"
            );
        }
    }

    #[test]
    fn a_summary_of_nothing_says_so() {
        let summary = Summary::of_command("run", StateOfRun::Failed, 2);
        let json: Value = serde_json::from_str(&summary.to_json()).unwrap();
        assert_eq!(
            (&json["version"], &json["state"], &json["exit"]),
            (&1.into(), &"failed".into(), &2.into())
        );
        assert!(json["run"].is_null() && json["endpoints"].is_null());
    }
}
