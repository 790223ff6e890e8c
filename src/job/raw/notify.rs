//! `[notify]` as written.

use super::at::At;
use super::fields::Fields;
use super::section::section;
use super::word::{Choice, Word};
use crate::job::notify::StateOfRun;

section! {
    /// `[notify]`
    "[notify]", url_or_command;
    Notify {
        /// The address that the summary of a command is posted to when it has ended, as JSON: a URL in which `{exit}` and
        /// `{state}` stand for the exit code and the state, or `${NAME}` alone, a secret that is the whole URL. The proxy and
        /// the certificates are those of `[defaults]`.
        #[schemars(regex(pattern = "^(https?://|\\$\\{[A-Za-z_][A-Za-z0-9_]*\\})"))]
        url: String,
        /// A program and its arguments, started in this file's folder, which is given the summary on its standard input.
        #[schemars(length(min = 1))]
        command: Vec<At<String>>,
        /// The states of a run at its end that are told. Default all but `interrupted` and `fetched`, as these follow what a
        /// person did.
        #[schemars(length(min = 1))]
        on: Vec<At<Word<StateOfRun>>>,
    }
}

fn url_or_command(fields: &mut Fields<'_>) {
    fields.exactly_one(&["url", "command"], "write url = \"${PING_URL}\", or command = [\"./tell.sh\"]");
}

impl Choice for StateOfRun {
    const WORDS: &'static [(&'static str, StateOfRun)] = &[
        ("published", StateOfRun::Published),
        ("refused", StateOfRun::Refused),
        ("paused", StateOfRun::Paused),
        ("interrupted", StateOfRun::Interrupted),
        ("unfinished", StateOfRun::Unfinished),
        ("fetched", StateOfRun::Fetched),
        ("failed", StateOfRun::Failed),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["success", "ok", "succeeded", "done", "complete", "completed", "finished"], "write \"published\""),
        (
            &["failure", "error", "errors", "fail", "failures", "fatal"],
            "write \"failed\"; a run is also \"refused\", \"paused\" or \"unfinished\"",
        ),
        (&["gate", "rejected"], "write \"refused\""),
        (&["quota", "waiting"], "write \"paused\""),
        (&["always", "all", "any", "*"], "leave `on` out: all is told but what a person did"),
        (&["start", "started", "running", "begin"], "only the end of a command is told"),
    ];
}
