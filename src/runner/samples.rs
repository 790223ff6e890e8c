//! A few answers to a question of which nothing is known yet.
//!
//! Promises: records are asked one at a time, each once, spread over the list; after the first answer that says "too many
//! requests" nobody is asked any more. Nothing is left behind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::choose::Trial;
use super::trial::{Asking, ask, id_columns, kept_answers};
use super::{LiveRun, RunnerError, Watcher, plan_new};
use crate::chunk::KeptAnswer;
use crate::draft::Sample;
use crate::handoff::Event;
use crate::job::{Job, KeepAnswers};
use crate::merge::RunQuery;
use crate::os::Stop;
use crate::record::Ordinal;
use crate::secrets::Secrets;
use crate::worker::{Received, Sent, ShardEnd};

/// HTTP 429.
const TOO_MANY: u16 = 429;

/// What a few records were answered.
#[derive(Default)]
pub struct SampledAnswers {
    /// The answers, in the order of the list.
    pub samples: Vec<Sample>,
    /// What was not answered: ids, and why.
    pub unanswered: Vec<(String, String)>,
    /// How long each answer took.
    pub took: Vec<Duration>,
    /// Whether it ended since the server said "too many requests".
    pub was_too_many: bool,
    /// How it ended otherwise than with all answers, for a person.
    pub ended: Option<ShardEnd>,
}

/// What was seen of each record while it was asked.
#[derive(Default)]
struct Seen {
    urls: BTreeMap<Ordinal, String>,
    heads: BTreeMap<Ordinal, Head>,
}

/// The beginning of an answer.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    took: Duration,
}

impl Head {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks so many records of a job with one endpoint; `folder` is for what is needed meanwhile.
///
/// # Errors
/// A list that cannot be read, or a secret that is not set.
pub async fn sample_answers(
    job: &Job,
    secrets: &Secrets,
    records: u64,
    folder: &Path,
    stop: &watch::Receiver<Stop>,
    (watcher, emit): (&mut dyn Watcher, fn(Event)),
) -> Result<SampledAnswers, RunnerError> {
    let job = one_at_a_time(job);
    let trial = Trial { sample: Some(records), ids: None };
    let run = plan_new(&job, folder, secrets, &trial, watcher).await?;
    let seen = Rc::new(RefCell::new(Seen::default()));
    let asking = Asking {
        secrets,
        earlier: None,
        on_request: note_request(&seen),
        on_answer: note_answer(&seen),
        emit,
    };
    let end = ask(&run, &job, asking, stop).await?;
    let seen = seen.take();
    let was_too_many = seen.is_too_many();
    let mut sampled = gathered(&run, seen).await?;
    sampled.was_too_many = was_too_many;
    sampled.ended = (end != ShardEnd::Committed && !was_too_many).then_some(end);
    Ok(sampled)
}

/// The job as it asks here.
fn one_at_a_time(job: &Job) -> Job {
    let mut job = job.clone();
    job.settings.in_flight = 1;
    job.settings.keep_answers = KeepAnswers::All;
    job.settings.patience = Duration::from_secs(1);
    for endpoint in &mut job.endpoints {
        endpoint.retry.attempts = 1;
    }
    job
}

fn note_request(seen: &Rc<RefCell<Seen>>) -> Rc<dyn Fn(&Sent<'_>) -> ControlFlow<()>> {
    let seen = seen.clone();
    Rc::new(move |sent| {
        let mut seen = seen.borrow_mut();
        if seen.is_too_many() {
            return ControlFlow::Break(());
        }
        seen.urls.insert(sent.ordinal, sent.request.shown().to_string());
        ControlFlow::Continue(())
    })
}

fn note_answer(seen: &Rc<RefCell<Seen>>) -> Rc<dyn Fn(&Received<'_>)> {
    let seen = seen.clone();
    Rc::new(move |received| {
        let head = Head { status: received.status, headers: received.headers.to_vec(), took: received.took };
        seen.borrow_mut().heads.insert(received.ordinal, head);
    })
}

impl Seen {
    fn is_too_many(&self) -> bool {
        self.heads.values().any(|head| head.status == TOO_MANY)
    }
}

/// What came of the run.
async fn gathered(run: &LiveRun, mut seen: Seen) -> Result<SampledAnswers, RunnerError> {
    let mut sampled = SampledAnswers::default();
    let ids = ids(run).await?;
    let answers: BTreeMap<Ordinal, KeptAnswer> =
        kept_answers(&run.store).await?.into_iter().map(|answer| (answer.ordinal, answer)).collect();
    for (ordinal, id, why) in ids {
        let (head, url) = (seen.heads.remove(&ordinal), seen.urls.remove(&ordinal));
        let is_whole = |head: &Head| why.is_none() && answers.contains_key(&ordinal) || !head.is_success();
        match (head, url) {
            // What broke off, or is another thing than it says, tells nothing.
            (Some(head), Some(_)) if !is_whole(&head) => {
                sampled.unanswered.push((id, why.unwrap_or_default()))
            }
            (Some(head), Some(url)) => {
                sampled.took.push(head.took);
                sampled.samples.push(sample(id, url, head, answers.get(&ordinal)));
            }
            (None, Some(_)) => sampled.unanswered.push((id, why.unwrap_or_default())),
            _ => {}
        }
    }
    Ok(sampled)
}

fn sample(id: String, url: String, head: Head, answer: Option<&KeptAnswer>) -> Sample {
    let header =
        |wanted: &str| head.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    Sample {
        id,
        url,
        status: head.status,
        content_type: header("content-type"),
        body: answer.map(|answer| String::from_utf8_lossy(answer.shown()).into_owned()).unwrap_or_default(),
        headers: head.headers,
    }
}

/// Each record's ordinal and id, and how it failed.
async fn ids(run: &LiveRun) -> Result<Vec<(Ordinal, String, Option<String>)>, RunnerError> {
    let (plan, query) = (&run.plan, RunQuery::open(&run.store, None).await?);
    let (input, requests) = (plan.view("input"), plan.view("requests"));
    let ordinal = &plan.shown_input().own[0];
    let id = id_columns(plan).join(", ");
    let sql = format!(
        "SELECT i.{ordinal}, i.{id}, r.detail FROM {input} i LEFT JOIN {requests} r ON r.ordinal = i.{ordinal} \
         ORDER BY 1"
    );
    let rows = query.ask(&sql, None)?.rows.into_iter();
    let read = |row: Vec<Option<String>>| {
        let mut row = row.into_iter();
        let ordinal = row.next()??.parse().ok()?;
        Some((ordinal, row.next()?.unwrap_or_default(), row.next()?))
    };
    Ok(rows.filter_map(read).collect())
}
