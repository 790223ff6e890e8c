//! Asking: the client under the job's limits, or in its stead the answers that an earlier run kept; and what the answers say
//! of hosts and secrets.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::credentials::Credentials;
use super::hosts::Answering;
use super::pace::{Pace, waited};
use super::received::OfRecord;
use super::recipe::Recipe;
use super::replay::Replay;
use super::{OnAnswer, OnRequest, Sent, WorkerError};
use crate::budget::state_folder;
use crate::extract::{Extracted, Item};
use crate::fetch::{Asked, Client, ClientSettings, Origin, PartIs, Request, Tokens};
use crate::handoff::Plan;
use crate::handoff::accepted::SecretsAccepted;
use crate::job::Job;
use crate::record::{Failure, Ordinal};

/// Asks questions.
pub(super) struct Sender {
    recipe: Rc<Recipe>,
    client: Client,
    pub(super) pace: Pace,
    pub(super) answering: Answering,
    /// What came of a request last that was not answered.
    last_failure: RefCell<Option<Failure>>,
    pub(super) credentials: Credentials,
    on_request: Option<OnRequest>,
    on_answer: Option<OnAnswer>,
    /// Where answers come from that nobody is asked for.
    pub(super) replay: Option<Replay>,
    /// Ends waits before a retry, and the pacer's leave.
    stop: watch::Sender<bool>,
    /// The other end of `stop`.
    told_to_stop: watch::Receiver<bool>,
}

/// What came of asking.
pub(super) struct Told {
    pub(super) asked: Asked,
    /// What to tell people where the job's secrets are refused, by whom it asks or by whom gives tokens for them.
    pub(super) refused: Option<String>,
}

/// What of a shard's options is for the sender.
pub(super) struct SenderOptions {
    pub(super) round: u32,
    pub(super) in_flight: usize,
    pub(super) max_requests: Option<u64>,
    pub(super) secrets_accepted: Option<SecretsAccepted>,
    pub(super) tokens: Tokens,
    pub(super) on_request: Option<OnRequest>,
    pub(super) on_answer: Option<OnAnswer>,
    pub(super) replay: Option<Replay>,
}

impl Sender {
    pub(super) fn new(
        plan: &Plan,
        job: &Job,
        recipe: Rc<Recipe>,
        options: SenderOptions,
    ) -> Result<Sender, WorkerError> {
        let SenderOptions { round, in_flight, max_requests, .. } = options;
        let stop = watch::Sender::new(false);
        let pace = Pace::new(job, round, in_flight, max_requests, stop.subscribe(), &state_folder())?;
        Ok(Sender {
            client: Client::new(&ClientSettings { max_idle: in_flight }).with_tokens(options.tokens),
            pace,
            answering: Answering::default(),
            last_failure: RefCell::default(),
            credentials: Credentials::new(options.secrets_accepted, round, plan, &recipe),
            recipe,
            on_request: options.on_request,
            on_answer: options.on_answer,
            replay: options.replay,
            told_to_stop: stop.subscribe(),
            stop,
        })
    }

    /// Asks a question.
    pub(super) async fn ask(&self, ordinal: Ordinal, endpoint: usize, page: u32, request: &Request) -> Told {
        if let Some(on_request) = &self.on_request
            && on_request(Sent { ordinal, endpoint, request }).is_break()
        {
            self.stop();
        }
        let step = &self.recipe.steps[endpoint];
        let question = &step.question;
        if let Some(replay) = &self.replay {
            return Told { asked: replay.asked(ordinal, &step.name, page, question), refused: None };
        }
        let leave = self.pace.of_endpoint(endpoint);
        let (recipe, on_answer) = (&*self.recipe, self.on_answer.as_ref());
        let asker = OfRecord { recipe, on_answer, ordinal, endpoint, page };
        let asked = self.client.ask_for(&asker, question, request, &leave, &self.told_to_stop, draw).await;
        match &asked.answer {
            Ok(_) => self.answering.note(request.origin()),
            // Somebody is there who says what asking again would not better.
            Err(failure) if failure.status.is_some() && !failure.worth_repeating => {
                self.answering.note(request.origin());
            }
            Err(failure) if asked.attempts > 0 => drop(self.last_failure.replace(Some(failure.clone()))),
            Err(_) => {}
        }
        if let (Some(price), Ok(answer)) = (&step.price, &asked.answer)
            && let Ok(text) = question.text(answer)
            && let Some(cost) = price.read(&text, &self.recipe.work_on(ordinal, endpoint))
        {
            leave.settle(cost);
        }
        let refused = asked.secrets.and_then(|seen| self.credentials.note(seen, question, request));
        let refused = refused.or_else(|| asked.no_token.clone());
        Told { asked, refused }
    }

    /// Whether a question that was answered before is answered now, even if its host is known to be down.
    pub(super) async fn probe(&self, endpoint: usize, request: &Request) -> bool {
        let question = &self.recipe.steps[endpoint].question;
        if self.replay.is_some() || !question.is_idempotent() {
            return false;
        }
        let leave = self.pace.of_probe(endpoint);
        let asked = self.client.ask(question, request, &leave, &self.told_to_stop, draw).await;
        asked.answer.is_ok()
    }

    /// Whether a host accepts a connection.
    pub(super) async fn reaches(&self, host: &Origin, within: Duration) -> bool {
        let questions = self.recipe.steps.iter().map(|step| &step.question);
        self.client.reaches(questions, host, within).await
    }

    /// How the last request failed that was not answered.
    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.last_failure.borrow().clone()
    }

    /// The record whose line counted the request that an earlier run asked this one with; its own where it was alone.
    pub(super) fn shared_before(&self, ordinal: Ordinal, endpoint: usize) -> Option<Ordinal> {
        self.replay.as_ref()?.batch_of(ordinal, &self.recipe.steps[endpoint].name)
    }

    /// What a record comes to that an earlier run's answer, which stands for a request, has nothing for.
    pub(super) fn absent_before(
        &self,
        ordinal: Ordinal,
        endpoint: usize,
    ) -> Option<Result<Extracted, Failure>> {
        Some(self.replay.as_ref()?.absent(ordinal, &self.recipe.steps[endpoint].name))
    }

    /// Judges a part of a batch's answer by its own status, as an answer to `request` is judged.
    pub(super) fn judge_part(&self, endpoint: usize, request: &Request, item: &Item, status: u16) -> PartIs {
        let leave = self.pace.of_endpoint(endpoint);
        let question = &self.recipe.steps[endpoint].question;
        let failure = item.holds.as_ref().err().cloned();
        // What an earlier run was told to wait is over.
        let retry_after = item.retry_after.as_deref().filter(|_| self.replay.is_none());
        question.judge_part(request, status, retry_after, failure, &leave)
    }

    /// How long to wait before a part of a batch's answer is asked for again, or the failure that stays: nobody is asked
    /// where an earlier run's answers stand for requests.
    pub(super) fn pause_before_part(
        &self,
        endpoint: usize,
        (made, taken): (u32, Duration),
        failure: Failure,
        wait: Option<Duration>,
    ) -> Result<Duration, Failure> {
        match self.replay {
            Some(_) => Err(failure),
            None => {
                let question = &self.recipe.steps[endpoint].question;
                question.pause_before_part(made, taken, failure, wait, draw)
            }
        }
    }

    /// Waits so long, or until nothing more is asked.
    pub(super) async fn pause(&self, time: Duration) {
        waited(time, &self.told_to_stop).await;
    }

    /// Ends all waits: nothing more is asked.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// Between zero and the limit, at random.
fn draw(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}
