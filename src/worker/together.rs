//! A batch: several records in one request, the answer given back to each.
//!
//! Promises: every record of a batch gets a ledger line of its own, whatever the answer holds; the request is counted
//! once, on the line of the batch's first record. A record whose value cannot be sent fails alone; a batch that is too
//! long for a request is halved. A record that the server refuses, and the others with it, is told apart by asking each
//! alone, where the job says `absent = "single"`.

use std::rc::Rc;

use super::answering::{Cost, Told, settled};
use super::pair::{Pair, Settled, Spent, Together};
use super::work::Work;
use crate::extract::Extracted;
use crate::fetch::{Answer, Request};
use crate::handoff::event;
use crate::job::Absent;
use crate::record::{Failure, Kind, Ordinal};

/// Asks a batch and settles its pairs.
pub(super) async fn answer_together(work: &Rc<Work>, together: Together) {
    let members: Vec<(Pair, Ordinal)> =
        together.pairs.iter().filter_map(|pair| Some((*pair, work.ordinal(*pair)?))).collect();
    let Some(&(first, first_ordinal)) = members.first() else { return };
    let batch = Batch { work, members, first, first_ordinal };
    let request = match work.batch_request(&together.pairs) {
        Ok(request) => request,
        Err(_) if batch.members.len() > 1 => return batch.part(together.spent),
        Err(failure) => return batch.all(&Err(failure), Cost::default(), together.spent),
    };
    batch.answer(request, together.spent).await;
}

struct Batch<'a> {
    work: &'a Rc<Work>,
    members: Vec<(Pair, Ordinal)>,
    first: Pair,
    first_ordinal: Ordinal,
}

impl Batch<'_> {
    async fn answer(self, request: Request, before: Spent) {
        let asked = self.work.ask(self.first_ordinal, self.first.endpoint, 0, &request).await;
        let mut cost = Cost::default();
        cost.add(&asked);
        match asked.answer {
            Ok(answer) if answer.missing => self.all(&Ok(Extracted::Missing), cost, before),
            Ok(answer) => self.split(&answer, cost, before),
            Err(failure) if self.may_part(&failure) => self.ask_alone(cost),
            Err(failure) => self.all(&Err(failure), cost, before),
        }
    }

    /// The request cannot be built: settles whoever cannot be asked even alone, and asks the others in smaller batches.
    fn part(&self, spent: Spent) {
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
            self.work.again(others, spent);
        }
    }

    /// Whether a failure may be the fault of one record, and the job says to find out.
    fn may_part(&self, failure: &Failure) -> bool {
        let is_deferred = matches!(failure.kind, Kind::Interrupted | Kind::MaxRequests);
        self.parts() && !failure.worth_repeating && !is_deferred
    }

    /// Whether records are asked alone where their batch does not answer them.
    fn parts(&self) -> bool {
        self.members.len() > 1 && self.work.recipe.steps[self.first.endpoint].absent == Absent::Single
    }

    /// Gives every record its part of the answer.
    fn split(&self, answer: &Answer, mut cost: Cost, before: Spent) {
        let step = &self.work.recipe.steps[self.first.endpoint];
        self.work.slot.begin(event::word_of_pair(self.first_ordinal, self.first.endpoint));
        let split = step.extractor.split(&answer.body);
        self.work.slot.end();
        let split = match split {
            Ok(split) => split,
            Err(_) if self.parts() => return self.ask_alone(cost),
            Err(failure) => {
                let failure = step.question.once_answered(failure);
                return self.all_of(answer, &Err(failure), cost, before);
            }
        };
        cost.pages = 1;
        let mut is_kept = false;
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let key = self.work.batch_key(pair);
            let part = key.and_then(|key| split.get(&key).cloned().transpose());
            let part = match part {
                Ok(Some(extracted)) => Ok(extracted),
                Ok(None) if self.parts() => {
                    let spent = if at == 0 { cost.spent } else { Spent::default() };
                    self.work.again(vec![pair], spent);
                    continue;
                }
                Ok(None) => Ok(Extracted::Missing),
                Err(failure) => Err(step.question.once_answered(failure)),
            };
            let failed = part.is_err();
            let mut own = self.settled(at, ordinal, part, &cost, before);
            if !is_kept {
                let kept = self.work.keep.answer(&step.question, 0, answer, failed);
                is_kept = kept.is_some();
                own.kept.extend(kept);
            }
            self.work.settle(pair, own);
        }
    }

    /// The same for all of them.
    fn all(&self, extracted: &Result<Extracted, Failure>, cost: Cost, before: Spent) {
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let own = self.settled(at, ordinal, extracted.clone(), &cost, before);
            self.work.settle(pair, own);
        }
    }

    /// The same, the answer kept where it is to be.
    fn all_of(&self, answer: &Answer, extracted: &Result<Extracted, Failure>, cost: Cost, before: Spent) {
        let step = &self.work.recipe.steps[self.first.endpoint];
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let mut own = self.settled(at, ordinal, extracted.clone(), &cost, before);
            if at == 0 {
                own.kept.extend(self.work.keep.answer(&step.question, 0, answer, true));
            }
            self.work.settle(pair, own);
        }
    }

    /// Asks each by itself; what was spent so far counts on the first.
    fn ask_alone(&self, cost: Cost) {
        for (at, &(pair, _)) in self.members.iter().enumerate() {
            self.work.again(vec![pair], if at == 0 { cost.spent } else { Spent::default() });
        }
    }

    fn settled(
        &self,
        at: usize,
        ordinal: Ordinal,
        extracted: Result<Extracted, Failure>,
        cost: &Cost,
        before: Spent,
    ) -> Settled {
        let endpoint = self.first.endpoint;
        let mut own = cost.shared();
        if at == 0 {
            own.spent = cost.spent;
            own.add_spent(before);
        }
        let told = Told { extracted, cost: own, kept: Vec::new() };
        let mut settled = settled(&self.work.recipe.steps[endpoint], endpoint, ordinal, told);
        settled.line.batch = (self.members.len() > 1).then_some(self.first_ordinal);
        settled
    }
}
