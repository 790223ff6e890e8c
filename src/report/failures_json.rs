//! What `windrow failures` tells programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::advice::Advice;
use super::table::Objects;
use super::waiting::{self, HeldBy};
use crate::handoff::Plan;
use crate::merge::QueryResult;
use crate::record::Kind;

/// One document: the rows of the table that people are shown, and what stands below it.
#[derive(Debug, Serialize)]
pub struct Failures<'a> {
    version: u32,
    job: &'a str,
    run: &'a str,
    failures: Objects<'a>,
    what_to_do: Vec<WhatToDo<'a>>,
    /// Null where nothing waits.
    waiting: Option<Waiting>,
}

/// Advice for failures of one cause.
#[derive(Debug, Serialize)]
struct WhatToDo<'a> {
    about: &'a str,
    means: &'a str,
    todo: &'a str,
    /// The first command of it; null where there is none.
    command: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    requests: u64,
    by_kind: BTreeMap<&'static str, u64>,
    reason: String,
    todo: String,
}

impl<'a> Failures<'a> {
    /// Of what was found of a run.
    pub fn of(plan: &'a Plan, found: &'a QueryResult, advice: &'a [(String, Advice)]) -> Failures<'a> {
        let what_to_do = advice.iter().map(|(about, advice)| WhatToDo {
            about,
            means: advice.means,
            todo: &advice.todo,
            command: advice.command(),
        });
        Failures {
            version: 1,
            job: &plan.job,
            run: &plan.run,
            failures: Objects(found),
            what_to_do: what_to_do.collect(),
            waiting: None,
        }
    }

    /// The same with what waits, and what to do about that.
    pub fn with_waiting(
        mut self,
        waiting: &BTreeMap<Kind, u64>,
        held: Option<&HeldBy>,
        todo: String,
    ) -> Failures<'a> {
        self.waiting = (!waiting.is_empty()).then(|| Waiting {
            requests: waiting.values().sum(),
            by_kind: waiting.iter().map(|(kind, number)| (kind.word(), *number)).collect(),
            reason: waiting::reasons(waiting, held),
            todo,
        });
        self
    }
}
