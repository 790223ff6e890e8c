//! A question asked until it is answered, or until its attempts, the budget or the run end.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::Client;
use super::asked::{Answer, Asked, Tally};
use super::asker::{AnswerHead, Asker};
use super::exchange::{Broken, Reply};
use super::judge::Setback;
use super::pacer::{Aside, Ended, Pacer, Permit, Refused};
use super::progress::Progress;
use super::question::Question;
use super::request::Request;
use super::retry::Next;
use super::token::NoToken;
use crate::record::{Failure, Kind};

/// By whose leave it is asked, until when, and what counts.
struct Asking<'a, P, A> {
    pacer: &'a P,
    stop: &'a watch::Receiver<bool>,
    asker: &'a A,
}

/// What came of one request.
struct Exchanged {
    reply: Result<Reply, Broken>,
    /// Its time, the connection's included, without what was everybody's to wait.
    took: Duration,
    /// Its time since it was written.
    since_sent: Duration,
    /// Body bytes as they came over the wire.
    bytes: u64,
}

impl Client {
    /// Asks a question of one record, or of those of a batch.
    ///
    /// `stop` turns true when the run is interrupted: a request in flight is finished, no further attempt is
    /// made, and a pause ends at once; the pair then fails with kind `interrupted`. `draw` gives a duration
    /// between zero and its argument, at random.
    ///
    /// The future is `Send` if the pacer's is.
    pub async fn ask<P: Pacer>(
        &self,
        question: &Question,
        request: &Request,
        pacer: &P,
        stop: &watch::Receiver<bool>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Asked {
        self.ask_for(&(), question, request, pacer, stop, draw).await
    }

    /// The same, for somebody who has a say in it, or looks on.
    pub async fn ask_for<P: Pacer>(
        &self,
        asker: &impl Asker,
        question: &Question,
        request: &Request,
        pacer: &P,
        stop: &watch::Receiver<bool>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Asked {
        let mut tally = Tally::default();
        let mut earlier = None;
        let answer = loop {
            if *stop.borrow() {
                break Err(waiting(Refused::Interrupted, earlier));
            }
            let asking = Asking { pacer, stop, asker };
            let (failure, wait) = match self.attempt(question, request, &asking, &mut tally).await {
                Ok(answer) => break Ok(answer),
                Err(Setback::Refused(refused) | Setback::NoToken(NoToken::Refused(refused))) => {
                    break Err(waiting(refused, earlier));
                }
                Err(Setback::NoToken(NoToken::Later(why))) => break Err(tokenless(&why, earlier)),
                Err(Setback::NoToken(NoToken::Never(why))) => {
                    let failure = tokenless(&why, earlier);
                    tally.found_no_token(why);
                    break Err(failure);
                }
                Err(Setback::Failed { failure, wait }) => (failure, wait),
            };
            match question.policy.next(tally.attempts, tally.taken, failure.clone(), wait, &draw) {
                Next::GiveUp(failure) => break Err(failure),
                Next::Again(wait) => {
                    let _aside = pacer.aside(Aside::BackOff(failure.kind));
                    pause(wait, stop).await;
                    tally.taken += wait;
                }
            }
            earlier = Some(failure);
        };
        tally.close(answer)
    }

    /// One try, the redirects that it meets included.
    async fn attempt<P: Pacer, A: Asker>(
        &self,
        question: &Question,
        request: &Request,
        asking: &Asking<'_, P, A>,
        tally: &mut Tally,
    ) -> Result<Answer, Setback> {
        let left = question.bounds.timeout;
        let mut progress = Progress::new(left);
        let answer = self.try_once(question, request, asking, tally, &mut progress).await;
        match answer.map_err(|setback| setback.weighed(question)) {
            Err(setback) if progress.may_be_taken && !question.is_idempotent => Err(setback.for_good()),
            answer => answer,
        }
    }

    async fn try_once<P: Pacer, A: Asker>(
        &self,
        question: &Question,
        request: &Request,
        asking: &Asking<'_, P, A>,
        tally: &mut Tally,
        progress: &mut Progress,
    ) -> Result<Answer, Setback> {
        let Asking { pacer, asker, .. } = *asking;
        loop {
            let with_token = self.credentialed(question, request, asking, progress).await?;
            let current = with_token.as_ref().unwrap_or_else(|| progress.current(request));
            let permit = pacer.start(&current.origin).await.map_err(Setback::Refused)?;
            if progress.redirects == 0 && progress.refused.is_none() {
                tally.tried();
            }
            let exchanged = self.exchanged(question, current, permit, progress.left, tally).await?;
            let Exchanged { reply, took, since_sent, bytes } = exchanged;
            let show = |status, headers: &HeaderMap| {
                let mask = &question.mask;
                asker.received(&AnswerHead { status, headers, mask, took: since_sent, bytes });
            };
            let reply = reply.map_err(|broken| {
                broken.head.iter().for_each(|head| show(head.status, &head.headers));
                progress.may_be_taken |= broken.was_sent;
                broken.after(progress.redirects)
            })?;
            progress.left = progress.left.saturating_sub(took);
            if let Some(sent) = with_token.as_ref().filter(|_| reply.status == StatusCode::UNAUTHORIZED)
                && self.may_be_renewed(question, sent, progress).await
            {
                continue;
            }
            if !question.follows(reply.status) {
                progress.may_be_taken |= !reply.turns_away();
                let current = with_token.as_ref().unwrap_or_else(|| progress.current(request));
                show(reply.status, &reply.headers);
                return question.judge(current, reply, pacer, tally, asker);
            }
            progress.follow(question, request, &reply).inspect_err(|_| show(reply.status, &reply.headers))?;
        }
    }

    /// One request and its answer, within what is `left` of the attempt's time.
    async fn exchanged(
        &self,
        question: &Question,
        current: &Request,
        permit: impl Permit,
        left: Duration,
        tally: &mut Tally,
    ) -> Result<Exchanged, Setback> {
        let (begun, received_before) = (Instant::now(), tally.bytes);
        let (mut held_up, mut since_sent) = (Duration::ZERO, Duration::ZERO);
        let (doors, is_public_only) = self.way(question, current).await;
        let door = if is_public_only { &doors.public } else { &doors.open };
        let reply = match door.lease(question, current, left).await {
            Ok(lease) => {
                let connected = Instant::now();
                permit.ready().await.map_err(Setback::Refused)?;
                let sent = Instant::now();
                held_up = lease.waited + (sent - connected);
                let left = left.saturating_sub((connected - begun).saturating_sub(lease.waited));
                let reply = door.exchange(question, current, lease, left, tally).await;
                since_sent = sent.elapsed();
                permit.ended(Ended::of(&reply, since_sent));
                reply
            }
            Err(failure) => {
                permit.ended(Ended::without_connection(&failure));
                door.note_refusal(current, &failure, tally);
                Err(Broken::unsent(failure))
            }
        };
        drop(permit);
        // That everybody waits is no fault of this request.
        let took = begun.elapsed().saturating_sub(held_up);
        tally.taken += took;
        Ok(Exchanged { reply, took, since_sent, bytes: tally.bytes - received_before })
    }

    /// What is to be asked now, with an access token; nothing where it needs none.
    async fn credentialed<P: Pacer, A>(
        &self,
        question: &Question,
        request: &Request,
        asking: &Asking<'_, P, A>,
        progress: &Progress,
    ) -> Result<Option<Request>, Setback> {
        let current = progress.current(request);
        let Some(token) = question.token_for(current) else { return Ok(None) };
        let refused = progress.refused.as_deref();
        let given = self.with_token(token, current, refused, asking.pacer, asking.stop).await;
        given.map(Some).map_err(Setback::NoToken)
    }

    /// Whether a request that was refused (401) is sent again with a new token, once in an attempt. The refusal says that
    /// nothing was done, so that even what may not be sent twice is.
    async fn may_be_renewed(&self, question: &Question, sent: &Request, progress: &mut Progress) -> bool {
        let Some(token) = question.token_for(sent) else { return false };
        if progress.refused.is_some() {
            self.was_in_vain(token).await;
            return false;
        }
        let may_mend = self.may_mend(token).await;
        progress.refused = may_mend.then(|| Box::new(sent.clone()));
        may_mend
    }
}

impl Ended {
    /// Of a reply, or of none, after so long.
    fn of(reply: &Result<Reply, Broken>, took: Duration) -> Ended {
        match reply {
            Ok(reply) if reply.turns_away() && reply.retry_after().is_some() => Ended::Refused,
            Ok(reply) if reply.turns_away() || reply.status.is_server_error() => {
                Ended::Lost(took, Kind::Status)
            }
            Ok(_) => Ended::Answered(took),
            Err(Broken { failure, .. }) => Ended::of_failure(failure, took),
        }
    }

    fn without_connection(failure: &Failure) -> Ended {
        match Ended::of_failure(failure, Duration::ZERO) {
            Ended::Lost(_, kind) => Ended::Silent(kind),
            // A certificate that nobody vouches for: somebody is there.
            Ended::Silent(_) if !failure.worth_repeating => Ended::Refused,
            other => other,
        }
    }

    fn of_failure(failure: &Failure, took: Duration) -> Ended {
        match failure.kind {
            kind @ (Kind::Dns | Kind::Connect | Kind::Tls) => Ended::Silent(kind),
            kind @ (Kind::Timeout | Kind::Reset) => Ended::Lost(took, kind),
            // Bytes that are no HTTP, answers that are too large: somebody is there.
            _ => Ended::Refused,
        }
    }
}

impl Broken {
    /// The failure after too many redirects: an address that may not be asked is then the redirect's.
    fn after(self, redirects: u32) -> Failure {
        match self.failure.kind {
            Kind::Template if redirects > 0 => Failure { kind: Kind::Redirect, ..self.failure },
            _ => self.failure,
        }
    }
}

/// Waits, or until the run is interrupted.
async fn pause(wait: Duration, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    let interrupted = async {
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could interrupt.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = sleep(wait) => {}
    }
}

/// A pair that is left to a later round.
fn waiting(refused: Refused, earlier: Option<Failure>) -> Failure {
    let (kind, why) = match refused {
        Refused::Interrupted => (Kind::Interrupted, "the run was interrupted"),
        Refused::MaxRequests => (Kind::MaxRequests, "the limit on requests was used up"),
        Refused::Quota { .. } => (Kind::Quota, "the quota was used up"),
        Refused::HostDown => (Kind::HostDown, "its host did not answer anybody"),
    };
    left(kind, why, earlier)
}

/// The same, for want of a token.
fn tokenless(why: &str, earlier: Option<Failure>) -> Failure {
    left(Kind::Token, why, earlier)
}

fn left(kind: Kind, why: &str, earlier: Option<Failure>) -> Failure {
    match earlier {
        None if kind == Kind::Token => Failure::passing(kind, why),
        None => Failure::passing(kind, format!("{why} before this was asked")),
        Some(earlier) if matches!(kind, Kind::HostDown | Kind::Token) => {
            let detail = format!("{}: {}; {why} afterwards", earlier.kind, earlier.detail);
            Failure { status: earlier.status, ..Failure::passing(kind, detail) }
        }
        Some(earlier) => {
            let detail = format!("{why} before this was asked again after: {}", earlier.detail);
            Failure { status: earlier.status, ..Failure::passing(kind, detail) }
        }
    }
}
