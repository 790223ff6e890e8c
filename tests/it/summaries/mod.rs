//! What a program is told of how a command ended: `--summary`, `summary.json`, both by their schema whatever the exit code.

mod exits;
mod figures;
mod notify;
mod places;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, Sandbox};

/// Reads the summaries that stand on standard input, a line each, and says what is wrong with them.
const VALIDATE: &str = "
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
checker = jsonschema.validators.validator_for(schema)
checker.check_schema(schema)
for line in sys.stdin:
    summary = json.loads(line)
    for error in checker(schema).iter_errors(summary):
        print(summary['exit'], error.json_path, error.message)
";

/// Fails the test where a summary is not what the schema says, as another's validator reads it.
#[track_caller]
fn are_valid(summaries: &[Value]) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/summary.schema.json");
    let mut python = Command::new("python3");
    python.args(["-c", VALIDATE]).arg(schema).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut lines = child.stdin.take().unwrap();
    for summary in summaries {
        writeln!(lines, "{summary}").unwrap();
        for moment in ["started_at", "ended_at", "waits_until"] {
            let moment = summary[moment].as_str().map(str::parse::<jiff::Timestamp>);
            assert!(moment.is_none_or(|moment| moment.is_ok()), "{summary}");
        }
        assert!(summary["ended_at"].as_str() >= summary["started_at"].as_str(), "{summary}");
    }
    drop(lines);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.is_empty(), "{told}");
}

/// What a command printed: one summary, and nothing else.
#[track_caller]
fn printed(ended: &Ended) -> Value {
    let summary: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {:?}\n{}", ended.stdout, ended.stderr));
    assert_eq!(summary["exit"].as_i64(), ended.code.map(i64::from), "{summary}\n{}", ended.stderr);
    summary
}

/// The summary in a run's folder.
fn kept(run: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(run.join("summary.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Runs a command that prints its summary.
#[track_caller]
fn summary(sandbox: &Sandbox, words: &[&str], code: i32) -> Value {
    let words = [words, &["--summary", "json"]].concat();
    printed(&sandbox.run(words).with_code(code))
}
