//! Records that were asked for a person to see: request, answer and row; or, of an earlier run, the answers that it kept, and
//! what the job as it is now makes of them. Then each column, over all of them.

mod answered;
mod columns;
mod facts;
mod layout;
mod page;
mod pretty;
mod request;
mod seen;
mod text;

use self::columns::ColumnFacts;
use self::facts::{Checked, Document};
use super::stdout::{self, Form};
use crate::chunk::KeptAnswer;
use crate::extract::Guarded;
use crate::fetch::Mask;
use crate::handoff::RunStore;
use crate::handoff::event::word_of_pair;
use crate::job::Job;
use crate::os::{Slot, tell};
use crate::runner::{LiveRun, RunnerError};
use crate::worker;

pub use self::seen::Seen;

/// What came of a check.
pub struct Outcome {
    /// Requests that failed.
    pub failed: usize,
    /// What is to be said of columns without a value in any row, a line each.
    pub null: Vec<String>,
}

/// How requests are shown to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// As they are sent.
    Sent,
    /// As lines for a shell, which ask the same with curl.
    Curl,
}

/// Shows what was sent and how it was answered, and nothing else.
pub fn show_requests(seen: &Seen, shown_as: As) -> Result<(), RunnerError> {
    Ok(layout::requests(seen, shown_as).print()?)
}

/// Shows every record: what was asked, answered and made of it; where nobody was asked, what `earlier` kept. Then what came of
/// each column.
pub async fn show(
    run: &LiveRun,
    job: &Job,
    seen: &Seen,
    earlier: Option<&RunStore>,
    mask: &Mask,
    (form, shown_as): (Form, As),
) -> Result<Outcome, RunnerError> {
    let checked = Checked::of(run, job, seen, earlier, mask).await?;
    let failed = checked.failed();
    match form {
        Form::Text => layout::page(job, seen, &checked, shown_as)?.print()?,
        Form::Json => stdout::write_json(&Document {
            version: 1,
            job: &job.name,
            offline: checked.earlier.is_some(),
            answers_of: checked.earlier.as_ref().map(|earlier| earlier.run.as_str()),
            records: &checked.records,
            columns: &checked.columns,
            failed,
        })?,
    }
    ask_about_parts(job, &checked.answers)?;
    let null = checked.columns.iter().filter(|column| column.is_null()).map(ColumnFacts::warning);
    Ok(Outcome { failed, null: null.collect() })
}

/// Asks about parts of a batch's answer that seem to be no success, where the job takes all for one.
fn ask_about_parts(job: &Job, answers: &[KeptAnswer]) -> Result<(), RunnerError> {
    let watchdog = worker::watch(Slot::own(), job)?;
    for (at, endpoint) in job.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.batch.is_some()) {
        let Ok(extractor) = Guarded::new(endpoint) else { continue };
        let mut own = answers.iter().filter(|body| body.endpoint == endpoint.name);
        let overlooked = |body: &KeptAnswer| {
            let working = watchdog.work_on(word_of_pair(body.ordinal, at));
            extractor.under(&working).overlooked(&body.body)
        };
        if let Some((why, key)) = own.find_map(overlooked) {
            tell!(
                "windrow: endpoint {}: {why}: is that a failure?\nhint: batch = {{ …, {key} }} judges each part by itself",
                endpoint.name
            );
        }
    }
    Ok(())
}
