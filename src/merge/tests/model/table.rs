//! The table as it should be.

use std::collections::BTreeSet;

use super::super::kinds::Kind;
use super::super::sandbox::film_values;
use super::case::{Case, RECORDS, Seen};
use crate::job::{Mode, OnFailure, OnUnlisted};
use crate::merge::{End, Published};
use crate::value::Value;

/// A row: id, title, votes, budget.
pub type Line = [String; 4];

/// A row of the table, and the merge that wrote it: only the order of merges is known.
#[derive(Clone)]
pub struct Stood {
    pub line: Line,
    pub merge: usize,
}

/// The table as it should be.
#[derive(Clone)]
pub struct Model<'a> {
    pub case: &'a Case,
    pub table: Vec<Stood>,
    /// What the merges before have seen.
    pub merged: Vec<Seen>,
    /// How many there were.
    pub merges: usize,
    /// Rows that pauses have written.
    pub at_pauses: usize,
    /// Whether a value was kept of rows that nothing puts into an order: then anything may be right.
    pub is_open: bool,
}

/// What a merge should say.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    pub rows: usize,
    pub replaced: usize,
    left_out: usize,
    rejected: usize,
    duplicates: usize,
    late: usize,
    gone: usize,
    at_pauses: usize,
    pub total: usize,
}

impl Said {
    pub fn of(published: &Published) -> Said {
        let Published { rows, replaced, left_out, late, gone, at_pauses, total, .. } = *published;
        let duplicates = published.duplicates.rows;
        let [rows, replaced, left_out, duplicates, late, gone, at_pauses] =
            [rows, replaced, left_out, duplicates, late, gone, at_pauses].map(|number| number as usize);
        let (total, rejected) = (total.unwrap() as usize, published.outcome.rejected.len());
        Said { rows, replaced, left_out, rejected, duplicates, late, gone, at_pauses, total }
    }
}

impl Model<'_> {
    pub fn merge(&mut self, mut seen: Seen) -> Said {
        if !self.case.remembers() {
            (self.merged, self.at_pauses) = (Vec::new(), 0);
        }
        self.reject(&mut seen);
        let seen = &seen;
        let answered = (0..RECORDS).filter(|o| self.case.is_answered(seen, *o)).count();
        let rejected = seen.rejected.len();
        let left_out = RECORDS - answered - rejected;
        let mut said = Said { left_out, rejected, at_pauses: self.at_pauses, ..Said::default() };
        let before = self.table.len();
        let lines = self.make_room(seen, &mut said);
        said.replaced = before - self.table.len();
        said.rows = lines.len();
        self.merges += 1;
        let merge = self.merges;
        self.table.extend(lines.into_iter().map(|(_, line)| Stood { line, merge }));
        if self.case.on_unlisted == OnUnlisted::Delete && !seen.is_part {
            let (listed, before) = (self.ids(&|_| true), self.table.len());
            self.table.retain(|row| listed.contains(&row.line[0]));
            said.gone = before - self.table.len();
        }
        said.total = self.table.len();
        self.merged.push(seen.clone());
        self.at_pauses += if seen.is_part { said.rows } else { 0 };
        said
    }

    /// Finds the records of which the table refuses a row; without them others may be written, which it refuses as well.
    fn reject(&self, seen: &mut Seen) {
        loop {
            let lines = self.clone().make_room(seen, &mut Said::default());
            let refused = lines.into_iter().filter(|(_, line)| self.case.refuses(&line[2]));
            let found: BTreeSet<usize> = refused.map(|(ordinal, _)| ordinal).collect();
            if found.is_empty() {
                return;
            }
            seen.rejected.extend(found);
        }
    }

    /// Takes away what makes way; the rows that are written.
    fn make_room(&mut self, seen: &Seen, said: &mut Said) -> Vec<(usize, Line)> {
        let lines = self.written(seen);
        match self.case.mode {
            Mode::Append => {
                said.late = (0..RECORDS).filter(|o| self.is_late(seen, *o)).count();
                lines.into_iter().filter(|(ordinal, _)| self.is_new(seen, *ordinal)).collect()
            }
            Mode::Upsert => {
                let winners = self.winners(&lines);
                said.duplicates = lines.len() - winners.len();
                self.upsert(seen, winners)
            }
            Mode::Replace => self.replace(seen, lines),
            Mode::ReplaceIds => self.replace_ids(seen, lines),
        }
    }

    /// The rows of all answered records, by record and part.
    fn written(&mut self, seen: &Seen) -> Vec<(usize, Line)> {
        let mut lines = Vec::new();
        for ordinal in (0..RECORDS).filter(|o| self.case.is_answered(seen, *o)) {
            for part in 0..self.case.parts(seen, ordinal) {
                lines.push((ordinal, self.line(seen, ordinal, part)));
            }
        }
        lines
    }

    /// The ids of some records.
    fn ids(&self, chosen: &dyn Fn(usize) -> bool) -> BTreeSet<String> {
        (0..RECORDS).filter(|o| chosen(*o)).map(|o| self.case.id(o)).collect()
    }

    fn upsert(&mut self, seen: &Seen, winners: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let new = |(ordinal, _): &(usize, Line)| self.is_new(seen, *ordinal);
        let lines: Vec<(usize, Line)> = winners.into_iter().filter(new).collect();
        let keys: Vec<Vec<String>> = lines.iter().map(|(_, line)| self.key(line)).collect();
        let stood = std::mem::take(&mut self.table);
        self.table = stood.into_iter().filter(|old| !keys.contains(&self.key(&old.line))).collect();
        lines
    }

    fn replace(&mut self, seen: &Seen, lines: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let spared = self.ids(&|o| self.case.is_spared(seen, o));
        let answered = self.ids(&|o| self.case.is_answered(seen, o));
        self.table.retain(|old| spared.contains(&old.line[0]) && !answered.contains(&old.line[0]));
        lines
    }

    fn replace_ids(&mut self, seen: &Seen, mut lines: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let chosen = self.ids(&|o| self.case.is_answered(seen, o) && self.is_new(seen, o));
        self.table.retain(|old| !chosen.contains(&old.line[0]));
        lines.retain(|(_, line)| chosen.contains(&line[0]));
        lines
    }

    /// Whether the record was appended before it got all its answers.
    fn is_late(&self, seen: &Seen, ordinal: usize) -> bool {
        !self.merged.is_empty() && self.answered_since(seen, ordinal) && !self.is_new(seen, ordinal)
    }

    /// Whether the record has anything to write that the merges before did not.
    fn is_new(&self, seen: &Seen, ordinal: usize) -> bool {
        let is_new = !self.merged.iter().any(|merged| self.case.is_answered(merged, ordinal));
        match self.case.mode {
            Mode::Append => is_new,
            Mode::Upsert | Mode::ReplaceIds => is_new || self.answered_since(seen, ordinal),
            Mode::Replace => true,
        }
    }

    fn answered_since(&self, seen: &Seen, ordinal: usize) -> bool {
        let is_unseen =
            |round| !self.merged.iter().any(|merged| merged.committed.contains(&(round, ordinal)));
        (0..2).any(|e| self.case.success(seen, ordinal, e).is_some_and(is_unseen))
    }

    /// The key of a row: what an upsert finds it by, and `keep` in all modes.
    fn key(&self, line: &Line) -> Vec<String> {
        match self.case.exploding.filter(|_| self.case.key_of_parts) {
            None => vec![line[0].clone()],
            Some(exploding) => vec![line[0].clone(), line[2 + exploding].clone()],
        }
    }

    fn winners(&self, lines: &[(usize, Line)]) -> Vec<(usize, Line)> {
        let last =
            |at: usize| lines[at + 1..].iter().all(|(_, later)| self.key(later) != self.key(&lines[at].1));
        (0..lines.len()).filter(|at| last(*at)).map(|at| lines[at].clone()).collect()
    }

    fn line(&mut self, seen: &Seen, ordinal: usize, part: u32) -> Line {
        let case = self.case;
        let mut line = [case.id(ordinal), "~".into(), "~".into(), "~".into()];
        for (column, (endpoint, at)) in [(0, 0), (0, 1), (1, 0)].into_iter().enumerate() {
            if let Some(round) = case.success(seen, ordinal, endpoint) {
                line[column + 1] = self.value(round, ordinal, endpoint, part, at);
            }
        }
        for (column, endpoint) in [(1, 0), (2, 0), (3, 1)] {
            let keeps = case.policy[endpoint] == OnFailure::Keep && case.exploding != Some(endpoint);
            if keeps && case.success(seen, ordinal, endpoint).is_none() {
                line[column] = self.kept(&line, column);
            }
        }
        line
    }

    /// The value that stands: of the last row of the key, or, where ids are replaced, of the first of the id.
    fn kept(&mut self, line: &Line, column: usize) -> String {
        let key = self.key(line);
        let standing: Vec<&Stood> = self.table.iter().filter(|old| self.key(&old.line) == key).collect();
        let chosen = match self.case.mode {
            Mode::ReplaceIds => standing.first(),
            _ => standing.last(),
        };
        let Some(chosen) = chosen else { return "~".into() };
        let beside = standing.iter().filter(|row| row.merge == chosen.merge);
        let value = chosen.line[column].clone();
        let mut beside = beside.map(|row| &row.line[column]);
        let is_open = chosen.merge > 0 && beside.any(|other| *other != value);
        // Files side by side have no order among them.
        let mut standing = standing.iter().map(|row| &row.line[column]);
        let is_divided = self.case.kind == Kind::Folder && standing.any(|other| *other != value);
        self.is_open |= is_open || is_divided;
        value
    }

    fn value(&self, round: usize, ordinal: usize, endpoint: usize, part: u32, column: usize) -> String {
        if self.case.end(round, ordinal, endpoint) != Some(End::Ok) {
            return "~".into();
        }
        let part = if self.case.exploding == Some(endpoint) { part } else { 0 };
        match &film_values(round as u32, ordinal as u64, endpoint, part)[column] {
            Value::Text(text) => text.clone(),
            Value::Bigint(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.table.iter().map(|row| row.line.join("|")).collect();
        lines.sort();
        lines
    }
}
