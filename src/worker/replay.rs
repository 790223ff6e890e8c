//! Answers that were kept, in place of requests: `windrow extract` works a shard as ever, but nobody is asked. They are those
//! of an earlier run, or of the rounds before of the run itself.
//!
//! Promises:
//!
//! - No request is sent. A pair's line tells what it told then of times; in a run of its own also of attempts and bytes,
//!   which in a further round are counted already.
//! - An answer that was kept is read as if it had just come. One that several shared is found by each of them, whatever round
//!   and batch it came with, and whichever of them it was kept for.
//! - A pair whose answer was not kept waits for a round that asks; in a run of its own, one that failed has failed. In a further
//!   round what was kept without a secret that it repeated is not the server's answer, and waits, too.
//! - Bounded: only what belongs to open blocks is held. A file that is not what was committed is an error.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::WorkerError;
use super::pair::RecordState;
use crate::chunk::{self, InputRecord, KeptAnswer};
use crate::extract::Extracted;
use crate::fetch::{Answer, Asked, ContentType, Question, Redacted};
use crate::handoff::ledger::Line;
use crate::handoff::{Commit, Content, HandoffError, Plan, RunStore, digest, layout};
use crate::record::{Failure, Kind, Ordinal, Status};

/// What was kept, and where.
pub struct Replay {
    run: RunStore,
    plan: Plan,
    of: Of,
    /// Its committed blocks, later rounds last.
    blocks: Vec<Done>,
    held: RefCell<HashMap<(Ordinal, usize), Past>>,
}

/// Whose answers they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// All that an earlier run kept.
    EarlierRun,
    /// What rounds of this run kept before this one.
    RoundsBefore(u32),
}

/// A committed block in which somebody was asked.
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
    /// Whether that page was no answer then by its status, even where that is a success: a part, or nothing yet.
    fn failed_by_status(&self, page: u32) -> bool {
        let by_status = self.line.failure.as_ref().is_some_and(|failure| failure.kind == Kind::Status);
        by_status && page == self.line.pages
    }
}

/// Answers by the round that they came with, the record that stands for all that shared them, and the endpoint.
type Answers = HashMap<(u32, Ordinal, usize), Vec<KeptAnswer>>;

impl Replay {
    /// What an earlier run kept.
    pub async fn of_run(run: RunStore) -> Result<Replay, WorkerError> {
        Replay::open(run, Of::EarlierRun).await
    }

    /// What the rounds of a run before this one kept.
    pub async fn of_rounds_before(run: RunStore, round: u32) -> Result<Replay, WorkerError> {
        Replay::open(run, Of::RoundsBefore(round)).await
    }

    /// Whether the run reads what it kept itself.
    pub(super) fn is_of_this_run(&self) -> bool {
        self.of != Of::EarlierRun
    }

    async fn open(run: RunStore, of: Of) -> Result<Replay, WorkerError> {
        let plan = run.plan().await?;
        let mut blocks = Vec::new();
        for round in run.rounds().await? {
            // One in which nobody was asked says nothing that those before do not.
            if round.from_kept || matches!(of, Of::RoundsBefore(number) if round.number >= number) {
                continue;
            }
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
        Ok(Replay { run, plan, of, blocks, held: RefCell::default() })
    }

    /// Reads what there is of some records.
    pub(super) async fn load(&self, records: &[InputRecord]) -> Result<(), WorkerError> {
        let wanted: BTreeSet<Ordinal> = records.iter().map(|record| record.ordinal).collect();
        let (Some(&first), Some(&last)) = (wanted.first(), wanted.last()) else { return Ok(()) };
        let mut past: HashMap<(Ordinal, usize), (u32, Line)> = HashMap::new();
        // By round: a record that shared its answer may have been asked again without the others.
        let mut answers = Answers::new();
        let overlaps = |done: &&Done| done.commit.first <= last && first < done.until;
        for done in self.blocks.iter().filter(overlaps) {
            let lines = self.ledger(done).await?;
            self.add_answers(done, &lines, &mut answers).await?;
            for line in lines.into_iter().filter(|line| wanted.contains(&line.ordinal)) {
                past.insert((line.ordinal, line.endpoint), (done.round, line));
            }
        }
        let mut held = self.held.borrow_mut();
        for ((ordinal, endpoint), (round, line)) in past {
            let key = (round, line.batch.unwrap_or(ordinal), endpoint);
            let answers = answers.get(&key).cloned().unwrap_or_default();
            held.insert((ordinal, endpoint), Past { line, answers });
        }
        Ok(())
    }

    /// Adds the answers of a block, each for the record that stands for all that shared it.
    async fn add_answers(&self, done: &Done, lines: &[Line], all: &mut Answers) -> Result<(), WorkerError> {
        let kept = self.answers(done).await?;
        if kept.is_empty() {
            return Ok(());
        }
        let shared: HashMap<(Ordinal, usize), Ordinal> =
            lines.iter().filter_map(|line| Some(((line.ordinal, line.endpoint), line.batch?))).collect();
        for answer in kept {
            let Some(endpoint) = self.endpoint(&answer.endpoint) else { continue };
            let leader = *shared.get(&(answer.ordinal, endpoint)).unwrap_or(&answer.ordinal);
            all.entry((done.round, leader, endpoint)).or_default().push(answer);
        }
        Ok(())
    }

    fn endpoint(&self, name: &str) -> Option<usize> {
        self.plan.endpoints.iter().position(|planned| planned.name == name)
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
        let at = self.endpoint(endpoint)?;
        self.held.borrow().get(&(ordinal, at))?.line.batch
    }

    /// What a pair comes to for which its batch's answer, as it was kept, has nothing: missing where it was that then.
    /// It may have been looked for under another key, or the answer may have held parts that belong to nobody.
    pub(super) fn absent(&self, ordinal: Ordinal, endpoint: &str) -> Result<Extracted, Failure> {
        let at = self.endpoint(endpoint);
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
        let held = self.held.borrow();
        let Some(past) = self.endpoint(endpoint).and_then(|at| held.get(&(ordinal, at))) else {
            return Asked { answer: Err(not_kept()), ..nothing() };
        };
        let body = past.answers.iter().find(|body| body.page == page);
        let answer = self.answer(past, page, body, question);
        let error_page = body.filter(|_| answer.is_err()).map(|body| Redacted {
            body: body.body.clone(),
            content_type: body.content_type.clone(),
            text: body.text.clone(),
            is_masked: body.is_masked,
        });
        let line = &past.line;
        let http_status = body.and_then(|body| body.http_status);
        let asked = Asked { answer, page: error_page, finished_at: line.finished_at, ..nothing() };
        if page > 0 {
            return Asked { http_status, ..asked };
        }
        let asked = Asked {
            attempts: line.attempts,
            http_status: http_status.or(line.http_status),
            started_at: line.started_at,
            ..asked
        };
        match self.of {
            Of::EarlierRun => Asked { requests: line.requests, bytes: line.bytes, ..asked },
            // They stand in the line of the round that sent them.
            Of::RoundsBefore(_) => asked,
        }
    }

    /// A page of a pair as the server answered it then, or what keeps it from being that.
    fn answer(
        &self,
        past: &Past,
        page: u32,
        body: Option<&KeptAnswer>,
        question: &Question,
    ) -> Result<Answer, Failure> {
        let status = body.and_then(|body| body.http_status);
        let status = status.or(past.line.http_status.filter(|_| past.failed_by_status(page)));
        // Whatever came with it, if anything did: that it is missing, the status says.
        if let Some(status) = status.filter(|status| question.means_missing(*status)) {
            return Ok(body.map_or_else(|| missing(status), |body| answer(body, question)));
        }
        let failure = || past.line.failure.clone().unwrap_or_else(not_kept);
        match body {
            Some(body) if body.is_masked && self.is_of_this_run() => Err(left_to_be_asked(MASKED)),
            Some(body)
                if status.is_some_and(|status| question.reads(status)) && !past.failed_by_status(page) =>
            {
                Ok(answer(body, question))
            }
            None if self.is_of_this_run() => Err(left_to_be_asked(NOT_KEPT)),
            _ => Err(failure()),
        }
    }

    async fn ledger(&self, done: &Done) -> Result<Vec<Line>, WorkerError> {
        let names: Vec<String> = self.plan.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let Some(bytes) = self.file(done, &Content::Requests).await? else { return Ok(Vec::new()) };
        chunk::read_ledger(bytes, &names).map_err(|source| WorkerError::Chunk { shard: done.shard, source })
    }

    async fn answers(&self, done: &Done) -> Result<Vec<KeptAnswer>, WorkerError> {
        let Some(bytes) = self.file(done, &Content::Answers).await? else { return Ok(Vec::new()) };
        chunk::read_answers(bytes).map_err(|source| WorkerError::Chunk { shard: done.shard, source })
    }

    async fn file(&self, done: &Done, content: &Content) -> Result<Option<bytes::Bytes>, WorkerError> {
        let Some(file) = done.commit.files.iter().find(|file| &file.content == content) else {
            return Ok(None);
        };
        let bytes = self.run.read_shard_file(done.shard, &file.name).await?;
        if digest::sha256(&bytes) == file.sha256 {
            return Ok(Some(bytes));
        }
        let path = layout::in_shard(done.shard, &file.name).to_string();
        Err(HandoffError::Damaged { path, why: "its digest does not match".to_owned() }.into())
    }
}

/// Why a later round is to ask.
const NOT_KEPT: &str = "its answer, or a page of it, was not kept";
const MASKED: &str = "its answer repeated a secret, which is not kept";

/// What waits for a round that asks.
fn left_to_be_asked(why: &str) -> Failure {
    Failure::passing(Kind::Interrupted, why)
}

fn missing(status: u16) -> Answer {
    Answer { body: bytes::Bytes::new(), content_type: None, status, missing: true, next_link: None }
}

fn answer(body: &KeptAnswer, question: &Question) -> Answer {
    let status = body.http_status.unwrap_or_default();
    let missing = question.means_missing(status);
    let content_type = body.content_type.as_deref().and_then(ContentType::from_text);
    Answer { body: body.body.clone(), content_type, status, missing, next_link: body.next_link.clone() }
}

fn not_kept() -> Failure {
    left_to_be_asked(NOT_KEPT)
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
