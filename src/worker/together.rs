//! A batch: several records in one request, the answer given back to each.
//!
//! Promises:
//!
//! - Every record of a batch gets a ledger line of its own, whatever the answer holds; the request is counted once, on the
//!   line of the first record that it answered.
//! - A record gets the part that names it, or none. Without a part it is asked alone (`on_absent = "alone"`), and is
//!   missing only where that answer is about nobody; with `"missing"` it is missing, unless a part looks like its own, or
//!   nobody who was asked about has one.
//! - A part that says of itself that it is no success is a failure of its record alone: asked again with the others of
//!   its kind after the longest pause that they name, missing, or failed, as an answer of its own would be.
//! - A record whose value cannot be sent fails alone; a batch that is too long for a request is halved. A record that the
//!   server refuses, and the others with it, is told apart by asking each alone, where the job says `on_absent = "alone"`.
//!
//! | a record's part | `alone`, asked with others | `alone`, asked alone | `missing` |
//! |---|---|---|---|
//! | is there, by its own status a success | its row | its row | its row |
//! | is there, and no success, or unprocessed | asked again, missing or failed | the same | the same |
//! | is not there | asked alone | missing | missing |
//! | is not there, others are that nobody asked for | asked alone | failed | failed if one looks like it, or all are such |

use std::rc::Rc;
use std::time::Duration;

use super::answering::{Cost, Told, settled};
use super::pair::{Pair, Settled, Spent, Together};
use super::work::Work;
use crate::extract::{Extracted, Item, Split};
use crate::fetch::{Answer, PartIs, Request};
use crate::job::OnAbsent;
use crate::record::{Failure, Kind, Ordinal};

/// Asks a batch and settles its pairs.
pub(super) async fn answer_together(work: &Rc<Work>, together: Together) {
    let members: Vec<(Pair, Ordinal)> =
        together.pairs.iter().filter_map(|pair| Some((*pair, work.ordinal(*pair)?))).collect();
    let mut next = Some(Again { members, spent: together.spent, pause: Duration::ZERO });
    let mut taken = Duration::ZERO;
    while let Some(again) = next {
        let Some(&(first, first_ordinal)) = again.members.first() else { return };
        if !again.pause.is_zero() {
            work.sender.pause(again.pause).await;
            taken += again.pause;
        }
        let batch =
            BatchRequest { work, members: again.members, first, first_ordinal, before: again.spent, taken };
        next = batch.answer().await;
    }
}

/// Records to be asked again after a pause.
struct Again {
    members: Vec<(Pair, Ordinal)>,
    /// What was spent on them: on whichever line that stands, their attempts are all theirs.
    spent: Spent,
    pause: Duration,
}

struct BatchRequest<'a> {
    work: &'a Rc<Work>,
    members: Vec<(Pair, Ordinal)>,
    first: Pair,
    first_ordinal: Ordinal,
    /// What was spent before.
    before: Spent,
    /// Pauses before it.
    taken: Duration,
}

impl BatchRequest<'_> {
    /// Asks it once. What is to be asked again is returned.
    async fn answer(self) -> Option<Again> {
        let pairs: Vec<Pair> = self.members.iter().map(|(pair, _)| *pair).collect();
        let mut cost = Cost::default();
        let request = match self.work.batch_request(&pairs) {
            Ok(request) => request,
            Err(_) if self.members.len() > 1 => return self.halve(),
            Err(failure) => return self.all(&Err(failure), cost),
        };
        let asked = self.work.ask(self.first_ordinal, self.first.endpoint, 0, &request).await;
        cost.add(&request, &asked);
        match asked.answer {
            Ok(answer) if answer.missing && self.asks_alone() => self.ask_alone(cost),
            Ok(answer) if answer.missing => self.all(&Ok(Extracted::Missing), cost),
            Ok(answer) => self.split(&request, &answer, cost),
            Err(failure) if self.may_be_one_records(&failure) => self.ask_alone(cost),
            Err(failure) => self.all(&Err(failure), cost),
        }
    }

    /// The request cannot be built: settles whoever cannot be asked even alone, and asks the others in smaller batches.
    fn halve(&self) -> Option<Again> {
        let mut others = Vec::new();
        for &(pair, ordinal) in &self.members {
            match self.work.batch_request(&[pair]) {
                Ok(_) => others.push(pair),
                Err(failure) => {
                    let told = Told { extracted: Err(failure), cost: Cost::default(), kept: Vec::new() };
                    let step = &self.work.recipe.steps[pair.endpoint];
                    self.work.settle(pair, settled(step, pair.endpoint, ordinal, told));
                }
            }
        }
        if others.len() == self.members.len() {
            let rest = others.split_off(others.len() / 2);
            self.work.again(rest, Spent::default());
        }
        if !others.is_empty() {
            self.work.again(others, self.before);
        }
        None
    }

    /// Whether a failure may be the fault of one record, and the job says to find out. It is nobody's own fault that
    /// there is no connection, or that the credentials are wrong.
    fn may_be_one_records(&self, failure: &Failure) -> bool {
        let is_everybodys =
            matches!(failure.kind, Kind::Dns | Kind::Connect | Kind::Tls) || failure.status == Some(401);
        self.asks_alone() && !failure.worth_repeating && !failure.kind.waits() && !is_everybodys
    }

    /// Whether records are asked alone where their batch does not answer them.
    fn asks_alone(&self) -> bool {
        self.members.len() > 1 && self.on_absent() == OnAbsent::Alone
    }

    fn on_absent(&self) -> OnAbsent {
        self.work.recipe.steps[self.first.endpoint].on_absent
    }

    /// Gives every record its part of the answer.
    fn split(&self, request: &Request, answer: &Answer, mut cost: Cost) -> Option<Again> {
        let step = &self.work.recipe.steps[self.first.endpoint];
        let split = {
            let working = self.work.recipe.work_on(self.first_ordinal, self.first.endpoint);
            step.question.text(answer).and_then(|text| step.extractor.under(&working).split(&text))
        };
        let split = match split {
            Ok(split) => split,
            Err(_) if self.asks_alone() => return self.ask_alone(cost),
            Err(failure) => {
                let failure = step.question.once_answered(failure);
                return self.all_of(answer, &Err(failure), cost);
            }
        };
        cost.pages = 1;
        let keys: Vec<_> = self.members.iter().map(|&(pair, _)| self.work.batch_key(pair)).collect();
        let parts = Parts {
            request,
            is_theirs: keys.iter().flatten().any(|key| split.get(key).is_some()),
            split,
            made: self.before.attempts + cost.spent.attempts,
        };
        let outcomes = self.members.iter().zip(keys).map(|(&(_, ordinal), key)| match key {
            Ok(key) => self.outcome(&parts, &key, ordinal),
            Err(failure) => Outcome::of(Err(failure)),
        });
        let outcomes = outcomes.collect();
        self.hand_out(answer, outcomes, &cost)
    }

    /// Settles who is done with, and hands out the others once more. Where nobody is done with, the request counts on
    /// the first who is asked again.
    fn hand_out(&self, answer: &Answer, outcomes: Vec<Outcome>, cost: &Cost) -> Option<Again> {
        let step = &self.work.recipe.steps[self.first.endpoint];
        let leader = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Of { .. }));
        let mut uncounted = if leader.is_none() { self.spent(cost) } else { Spent::default() };
        let mut again = Again { members: Vec::new(), spent: Spent::default(), pause: Duration::ZERO };
        let mut alone = Vec::new();
        let mut is_kept = false;
        for ((at, &(pair, ordinal)), outcome) in self.members.iter().enumerate().zip(outcomes) {
            match outcome {
                Outcome::Alone => alone.push(pair),
                Outcome::Again(pause) => {
                    again.members.push((pair, ordinal));
                    again.pause = again.pause.max(pause);
                }
                Outcome::Of { extracted, status } => {
                    let failed = extracted.is_err();
                    let mut own = self.settled(leader, at, ordinal, extracted, cost);
                    own.line.http_status = status.or(own.line.http_status);
                    if !is_kept && self.keeps(&own) {
                        own.kept.extend(self.work.keep.answer(&step.question, 0, answer, failed));
                        is_kept = !own.kept.is_empty();
                    }
                    self.work.settle(pair, own);
                }
            }
        }
        if !again.members.is_empty() {
            again.spent = std::mem::take(&mut uncounted);
            again.spent.attempts = self.spent(cost).attempts;
        }
        alone.into_iter().for_each(|pair| self.work.again(vec![pair], std::mem::take(&mut uncounted)));
        (!again.members.is_empty()).then_some(again)
    }

    /// What becomes of one record.
    fn outcome(&self, parts: &Parts<'_>, key: &str, ordinal: Ordinal) -> Outcome {
        match parts.split.get(key) {
            Some(item) => self.judged(item, parts),
            None if self.asks_alone() => Outcome::Alone,
            None => match &parts.split.keyless_failure {
                // It may be this record's.
                Some(item) => self.judged(item, parts),
                None => Outcome::of(self.without_part(parts, key, ordinal)),
            },
        }
    }

    /// A record's part, by its own status where it has one.
    fn judged(&self, item: &Item, parts: &Parts<'_>) -> Outcome {
        let (endpoint, status) = (self.first.endpoint, item.status);
        let of = |extracted| Outcome::Of { extracted, status };
        let (failure, wait) = match (status, &item.holds) {
            (Some(own), holds) => match self.work.sender.judge_part(endpoint, parts.request, item, own) {
                PartIs::Good => return of(self.once_answered(holds)),
                PartIs::Missing => return of(Ok(Extracted::Missing)),
                PartIs::Failed { failure, wait } => (failure, wait),
            },
            // The server says itself that it has not worked on it.
            (None, Err(failure)) if failure.worth_repeating => (failure.clone(), None),
            (None, holds) => return of(self.once_answered(holds)),
        };
        match self.work.sender.pause_before_part(endpoint, (parts.made, self.taken), failure, wait) {
            Ok(pause) => Outcome::Again(pause),
            Err(failure) => of(Err(failure)),
        }
    }

    fn once_answered(&self, holds: &Result<Extracted, Failure>) -> Result<Extracted, Failure> {
        let question = &self.work.recipe.steps[self.first.endpoint].question;
        holds.clone().map_err(|failure| question.once_answered(failure))
    }

    /// A record that the answer has no part for: it does not exist there, unless what is there may be its own.
    fn without_part(&self, parts: &Parts<'_>, key: &str, ordinal: Ordinal) -> Result<Extracted, Failure> {
        if let Some(before) = self.work.sender.absent_before(ordinal, self.first.endpoint) {
            return before;
        }
        let split = &parts.split;
        let strange = || split.keys().min().filter(|_| !parts.is_theirs);
        let other = match split.like(key).or_else(strange) {
            Some(other) => Some(format!("{other:?}")),
            None if self.on_absent() == OnAbsent::Missing || split.is_empty() => None,
            None => Some("nobody (batch.key is null)".to_owned()),
        };
        let Some(other) = other else { return Ok(Extracted::Missing) };
        let why = format!(
            "the answer has no part for {key:?}, and one for {other}: let batch.key say {key:?} if that is the same; \
             on_absent = \"missing\" takes the others for missing"
        );
        Err(Failure::lasting(Kind::Extract, why))
    }

    /// Whether the answer may be kept with this record: not where an earlier run's stands for a request, and another
    /// record keeps it.
    fn keeps(&self, own: &Settled) -> bool {
        self.members.len() > 1 || own.line.batch.is_none_or(|leader| leader == own.line.ordinal)
    }

    /// The same for all of them.
    fn all(&self, extracted: &Result<Extracted, Failure>, cost: Cost) -> Option<Again> {
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let own = self.settled(Some(0), at, ordinal, extracted.clone(), &cost);
            self.work.settle(pair, own);
        }
        None
    }

    /// The same, the answer kept where it is to be.
    fn all_of(&self, answer: &Answer, extracted: &Result<Extracted, Failure>, cost: Cost) -> Option<Again> {
        let step = &self.work.recipe.steps[self.first.endpoint];
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let mut own = self.settled(Some(0), at, ordinal, extracted.clone(), &cost);
            if at == 0 {
                own.kept.extend(self.work.keep.answer(&step.question, 0, answer, true));
            }
            self.work.settle(pair, own);
        }
        None
    }

    /// Asks each by itself; what was spent so far counts on the first.
    fn ask_alone(&self, cost: Cost) -> Option<Again> {
        let mut spent = self.spent(&cost);
        self.members.iter().for_each(|&(pair, _)| self.work.again(vec![pair], std::mem::take(&mut spent)));
        None
    }

    /// What was spent with this request and before.
    fn spent(&self, cost: &Cost) -> Spent {
        let mut all = cost.shared();
        all.spent = cost.spent;
        all.add_spent(self.before);
        all.spent
    }

    /// The line and rows of a record; what the request cost counts on the leader's.
    fn settled(
        &self,
        leader: Option<usize>,
        at: usize,
        ordinal: Ordinal,
        extracted: Result<Extracted, Failure>,
        cost: &Cost,
    ) -> Settled {
        let endpoint = self.first.endpoint;
        let mut own = cost.shared();
        if leader == Some(at) {
            own.spent = self.spent(cost)
        } else {
            own.spent.attempts += self.before.attempts
        }
        let told = Told { extracted, cost: own, kept: Vec::new() };
        let mut settled = settled(&self.work.recipe.steps[endpoint], endpoint, ordinal, told);
        settled.line.batch = match self.members.len() {
            1 => self.work.sender.shared_before(ordinal, endpoint),
            _ => leader.and_then(|leader| self.members.get(leader)).map(|(_, ordinal)| *ordinal),
        };
        settled
    }
}

/// An answer taken apart.
struct Parts<'a> {
    request: &'a Request,
    split: Split,
    /// Whether it has a part for anybody who was asked about.
    is_theirs: bool,
    /// Attempts so far.
    made: u32,
}

/// What becomes of one record of a batch.
enum Outcome {
    /// It is settled.
    Of {
        extracted: Result<Extracted, Failure>,
        /// By its own status, where its part has one.
        status: Option<u16>,
    },
    /// It is asked by itself.
    Alone,
    /// It is asked again after this pause.
    Again(Duration),
}

impl Outcome {
    /// Settled, without a status of its own.
    fn of(extracted: Result<Extracted, Failure>) -> Outcome {
        Outcome::Of { extracted, status: None }
    }
}
