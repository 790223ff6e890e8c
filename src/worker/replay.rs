//! Answers that an earlier run kept, in place of requests: `windrow extract` works a shard as ever, but nobody is asked.
//!
//! Promises:
//!
//! - No request is sent. A pair's line tells what the earlier run's told of attempts, bytes and times.
//! - An answer that was kept is read as if it had just come; a pair without one ends as it ended then. One that several
//!   shared is found by each of them, whatever round and batch it came with.
//! - Bounded: only what belongs to open blocks is held.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use super::WorkerError;
use super::pair::RecordState;
use crate::chunk::{self, KeptAnswer};
use crate::extract::Extracted;
use crate::fetch::{Answer, Asked, ContentType, Question, Redacted};
use crate::handoff::ledger::Line;
use crate::handoff::{Commit, Content, Plan, RunStore};
use crate::record::{Failure, Kind, Ordinal, Status};

/// The earlier run.
pub struct Replay {
    run: RunStore,
    plan: Plan,
    /// Its committed blocks, later rounds last.
    blocks: Vec<Done>,
    held: RefCell<HashMap<(Ordinal, usize), Past>>,
}

/// A committed block of the earlier run.
struct Done {
    round: u32,
    shard: u32,
    commit: Commit,
    /// The first record of the next block of its round.
    until: Ordinal,
}

/// What became of a pair then.
#[derive(Debug, Clone)]
struct Past {
    line: Line,
    /// By page.
    answers: Vec<KeptAnswer>,
}

impl Past {
    /// Whether that page was no answer then, for all that its status is a success: a part, or nothing yet.
    fn refused(&self, page: u32) -> bool {
        let by_status = self.line.failure.as_ref().is_some_and(|failure| failure.kind == Kind::Status);
        by_status && page == self.line.pages
    }
}

impl Replay {
    /// Opens the earlier run.
    pub async fn open(run: RunStore) -> Result<Replay, WorkerError> {
        let plan = run.plan().await?;
        let mut blocks = Vec::new();
        for round in run.rounds().await? {
            let from = blocks.len();
            for shard in &round.shards {
                let commits = run.commits(shard.number).await?;
                let done =
                    |commit| Done { round: round.number, shard: shard.number, commit, until: Ordinal::MAX };
                blocks.extend(commits.into_values().map(done));
            }
            let firsts: Vec<Ordinal> = blocks[from..].iter().skip(1).map(|done| done.commit.first).collect();
            blocks[from..].iter_mut().zip(firsts).for_each(|(done, next)| done.until = next);
        }
        Ok(Replay { run, plan, blocks, held: RefCell::default() })
    }

    /// Reads what there is of some records.
    pub(super) async fn load(&self, records: Range<Ordinal>) -> Result<(), WorkerError> {
        let names: Vec<String> = self.plan.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let mut past: HashMap<(Ordinal, usize), (u32, Past)> = HashMap::new();
        // By round: a record that shared its answer may have been asked again without the others.
        let mut answers: HashMap<(u32, Ordinal, usize), Vec<KeptAnswer>> = HashMap::new();
        let overlaps = |done: &&Done| done.commit.first < records.end && records.start < done.until;
        for done in self.blocks.iter().filter(overlaps) {
            for line in self.ledger(done, &names).await? {
                let pair = (line.ordinal, line.endpoint);
                past.insert(pair, (done.round, Past { line, answers: Vec::new() }));
            }
            for body in self.answers(done).await? {
                if let Some(endpoint) = names.iter().position(|name| *name == body.endpoint) {
                    answers.entry((done.round, body.ordinal, endpoint)).or_default().push(body);
                }
            }
        }
        let mut held = self.held.borrow_mut();
        for (pair, (round, mut past)) in past {
            let (ordinal, endpoint) = pair;
            let of = |ordinal| answers.get(&(round, ordinal, endpoint));
            past.answers = past.line.batch.and_then(of).or_else(|| of(ordinal)).cloned().unwrap_or_default();
            if records.contains(&pair.0) {
                held.insert(pair, past);
            }
        }
        Ok(())
    }

    /// Forgets a block's records.
    pub(super) fn forget(&self, records: &[RecordState]) {
        let mut held = self.held.borrow_mut();
        for record in records {
            (0..self.plan.endpoints.len()).for_each(|at| drop(held.remove(&(record.input.ordinal, at))));
        }
    }

    /// The batch that a pair was asked with then.
    pub(super) fn batch_of(&self, ordinal: Ordinal, endpoint: &str) -> Option<Ordinal> {
        let at = self.plan.endpoints.iter().position(|planned| planned.name == endpoint)?;
        self.held.borrow().get(&(ordinal, at))?.line.batch
    }

    /// What a pair comes to for which its batch's answer, as it was kept, has nothing: missing where it was that then.
    /// It may have been looked for under another key, or the answer may have held parts that belong to nobody.
    pub(super) fn absent(&self, ordinal: Ordinal, endpoint: &str) -> Result<Extracted, Failure> {
        let at = self.plan.endpoints.iter().position(|planned| planned.name == endpoint);
        let held = self.held.borrow();
        let line = at.and_then(|at| held.get(&(ordinal, at))).map(|past| &past.line);
        match line {
            Some(line) if line.status == Status::Missing => Ok(Extracted::Missing),
            Some(Line { failure: Some(failure), .. }) => Err(failure.clone()),
            _ => Err(Failure::lasting(Kind::Extract, "the answer that was kept has no part for it")),
        }
    }

    /// What asking for a page of a pair comes to.
    pub(super) fn asked(&self, ordinal: Ordinal, endpoint: &str, page: u32, question: &Question) -> Asked {
        let at = self.plan.endpoints.iter().position(|planned| planned.name == endpoint);
        let held = self.held.borrow();
        let Some(past) = at.and_then(|at| held.get(&(ordinal, at))) else {
            return Asked { answer: Err(not_kept()), ..nothing() };
        };
        let body = past.answers.iter().find(|body| body.page == page);
        let answer = match body {
            Some(body)
                if body.http_status.is_some_and(|status| question.reads(status)) && !past.refused(page) =>
            {
                Ok(answer(body, question))
            }
            _ => Err(past.line.failure.clone().unwrap_or_else(not_kept)),
        };
        let error_page = body.filter(|_| answer.is_err()).map(|body| Redacted {
            body: body.body.clone(),
            content_type: body.content_type.clone(),
            text: body.text.clone(),
        });
        let line = &past.line;
        if page > 0 {
            let http_status = body.and_then(|body| body.http_status);
            return Asked {
                answer,
                http_status,
                page: error_page,
                finished_at: line.finished_at,
                ..nothing()
            };
        }
        Asked {
            answer,
            attempts: line.attempts,
            requests: line.requests,
            bytes: line.bytes,
            http_status: body.and_then(|body| body.http_status).or(line.http_status),
            started_at: line.started_at,
            finished_at: line.finished_at,
            page: error_page,
            secrets: None,
            no_token: None,
        }
    }

    async fn ledger(&self, done: &Done, names: &[String]) -> Result<Vec<Line>, WorkerError> {
        let Some(bytes) = self.file(done, &Content::Requests).await? else { return Ok(Vec::new()) };
        chunk::read_ledger(bytes, names).map_err(|source| WorkerError::Chunk { shard: done.shard, source })
    }

    async fn answers(&self, done: &Done) -> Result<Vec<KeptAnswer>, WorkerError> {
        let Some(bytes) = self.file(done, &Content::Answers).await? else { return Ok(Vec::new()) };
        chunk::read_answers(bytes).map_err(|source| WorkerError::Chunk { shard: done.shard, source })
    }

    async fn file(&self, done: &Done, content: &Content) -> Result<Option<bytes::Bytes>, WorkerError> {
        let Some(file) = done.commit.files.iter().find(|file| &file.content == content) else {
            return Ok(None);
        };
        Ok(Some(self.run.read_shard_file(done.shard, &file.name).await?))
    }
}

fn answer(body: &KeptAnswer, question: &Question) -> Answer {
    let status = body.http_status.unwrap_or_default();
    let missing = question.means_missing(status);
    let content_type = body.content_type.as_deref().and_then(ContentType::from_text);
    Answer { body: body.body.clone(), content_type, status, missing, next_link: body.next_link.clone() }
}

fn not_kept() -> Failure {
    Failure::lasting(Kind::Extract, "its answer was not kept")
}

/// A question that cost nothing.
fn nothing() -> Asked {
    Asked {
        answer: Err(not_kept()),
        attempts: 0,
        requests: 0,
        bytes: 0,
        http_status: None,
        started_at: None,
        finished_at: None,
        page: None,
        secrets: None,
        no_token: None,
    }
}
