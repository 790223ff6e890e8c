//! A batch: several records in one request, the answer given back to each.
//!
//! Promises: every record of a batch gets a ledger line of its own, whatever the answer holds; the request is counted
//! once, on the line of the first record that it answered. A record whose value cannot be sent fails alone; a batch that is too
//! long for a request is halved. A record that the server refuses, and the others with it, is told apart by asking each
//! alone, where the job says `absent = "single"`.

use std::rc::Rc;

use super::answering::{Cost, Told, settled};
use super::pair::{Pair, Settled, Spent, Together};
use super::work::Work;
use crate::extract::{Extracted, Split};
use crate::fetch::{Answer, Request};
use crate::handoff::event;
use crate::job::Absent;
use crate::record::{Failure, Ordinal};

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
        self.parts() && !failure.worth_repeating && !failure.kind.defers()
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
        let parts: Vec<Part> = self.members.iter().map(|&(pair, _)| self.part_of(&split, pair)).collect();
        let leader = parts.iter().position(|part| !matches!(part, Part::Alone));
        if leader.is_none() {
            return self.ask_alone(cost);
        }
        let mut is_kept = false;
        for ((at, &(pair, ordinal)), part) in self.members.iter().enumerate().zip(parts) {
            let Part::Of(extracted) = part else {
                self.work.again(vec![pair], Spent::default());
                continue;
            };
            let failed = extracted.is_err();
            let mut own = self.settled(leader, at, ordinal, extracted, &cost, before);
            if !is_kept && self.keeps(&own) {
                own.kept.extend(self.work.keep.answer(&step.question, 0, answer, failed));
                is_kept = !own.kept.is_empty();
            }
            self.work.settle(pair, own);
        }
    }

    /// What an answer holds of one record.
    fn part_of(&self, split: &Split, pair: Pair) -> Part {
        let question = &self.work.recipe.steps[pair.endpoint].question;
        let part = self.work.batch_key(pair).and_then(|key| split.get(&key).cloned().transpose());
        match part {
            Ok(Some(extracted)) => Part::Of(Ok(extracted)),
            Ok(None) if self.parts() => Part::Alone,
            Ok(None) => Part::Of(Ok(Extracted::Missing)),
            Err(failure) => Part::Of(Err(question.once_answered(failure))),
        }
    }

    /// Whether the answer may be kept with this record: not where an earlier run's stands for a request, and another
    /// record keeps it.
    fn keeps(&self, own: &Settled) -> bool {
        self.members.len() > 1 || own.line.batch.is_none_or(|leader| leader == own.line.ordinal)
    }

    /// The same for all of them.
    fn all(&self, extracted: &Result<Extracted, Failure>, cost: Cost, before: Spent) {
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let own = self.settled(Some(0), at, ordinal, extracted.clone(), &cost, before);
            self.work.settle(pair, own);
        }
    }

    /// The same, the answer kept where it is to be.
    fn all_of(&self, answer: &Answer, extracted: &Result<Extracted, Failure>, cost: Cost, before: Spent) {
        let step = &self.work.recipe.steps[self.first.endpoint];
        for (at, &(pair, ordinal)) in self.members.iter().enumerate() {
            let mut own = self.settled(Some(0), at, ordinal, extracted.clone(), &cost, before);
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

    /// The line and rows of a record; what the request cost counts on the leader's.
    fn settled(
        &self,
        leader: Option<usize>,
        at: usize,
        ordinal: Ordinal,
        extracted: Result<Extracted, Failure>,
        cost: &Cost,
        before: Spent,
    ) -> Settled {
        let endpoint = self.first.endpoint;
        let mut own = cost.shared();
        if leader == Some(at) {
            own.spent = cost.spent;
            own.add_spent(before);
        }
        let told = Told { extracted, cost: own, kept: Vec::new() };
        let mut settled = settled(&self.work.recipe.steps[endpoint], endpoint, ordinal, told);
        settled.line.batch = match self.members.len() {
            1 => self.work.shared_before(ordinal, endpoint),
            _ => leader.and_then(|leader| self.members.get(leader)).map(|(_, ordinal)| *ordinal),
        };
        settled
    }
}

/// What becomes of one record of a batch.
enum Part {
    /// This.
    Of(Result<Extracted, Failure>),
    /// It is asked by itself.
    Alone,
}
