//! Random runs, policies and retries: the table must be what a few lines of Rust say.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::sandbox::{Sandbox, film_values};
use crate::job::{Gone, Mode, OnFailure};
use crate::merge::{End, Published};
use crate::record::Value;

#[derive(Debug, Clone)]
struct Case {
    /// How each pair ends, by round, ordinal, endpoint; used only where the round plans the pair.
    ends: Vec<Vec<[End; 2]>>,
    /// The rows of an answer of the endpoint that explodes, by round and ordinal.
    parts: Vec<Vec<u32>>,
    exploding: Option<usize>,
    /// Whether a merge follows the round.
    merges: Vec<bool>,
    policy: [OnFailure; 2],
    mode: Mode,
    /// In an upsert: whether a number that tells an answer's rows apart belongs to the key.
    key_of_parts: bool,
    gone: Gone,
    shards: usize,
    csv: bool,
    /// Rows that stand before, by number of the id; `None` where there is no table.
    standing: Option<Vec<u32>>,
    /// Records whose id is that of the record before.
    twins: Vec<bool>,
}

const RECORDS: usize = 11;

fn case() -> impl Strategy<Value = Case> {
    use End::{Deferred, Exempt, Failed, Missing, Ok, Skipped};
    let end = || prop::sample::select(vec![Ok, Ok, Missing, Exempt, Failed, Failed, Skipped, Deferred]);
    let policy = || prop::sample::select(vec![OnFailure::Drop, OnFailure::Null, OnFailure::Keep]);
    let mode = prop::sample::select(vec![Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds]);
    let round = prop::collection::vec([end(), end()], RECORDS);
    let parts = prop::collection::vec(prop::collection::vec(0..4u32, RECORDS), 3);
    let standing = prop::collection::vec(prop::sample::select(vec![0u32, 0, 1, 2]), RECORDS);
    (
        (prop::collection::vec(round, 1..4), prop::collection::vec(any::<bool>(), 3)),
        (parts, prop::sample::select(vec![None, Some(0), Some(1)])),
        ([policy(), policy()], mode, any::<bool>(), any::<bool>()),
        (1..4usize, any::<bool>()),
        (prop::option::weighted(0.9, standing), prop::collection::vec(prop::bool::weighted(0.2), RECORDS)),
    )
        .prop_map(|(run, rows, table, (shards, csv), (standing, twins))| {
            let ((ends, merges), (parts, exploding), (policy, mode, key_of_parts, gone)) = (run, rows, table);
            let gone = if gone && by_key_or_id(mode) { Gone::Delete } else { Gone::Keep };
            let case = Case {
                ends,
                parts,
                exploding,
                merges,
                policy,
                mode,
                key_of_parts,
                gone,
                shards,
                csv,
                standing,
                twins,
            };
            case.with_a_key()
        })
}

fn by_key_or_id(mode: Mode) -> bool {
    matches!(mode, Mode::Upsert | Mode::ReplaceIds)
}

impl Case {
    /// A key needs a value in every row.
    fn with_a_key(mut self) -> Case {
        let Some(exploding) = self.exploding.filter(|at| self.policy[*at] != OnFailure::Null) else {
            self.key_of_parts = false;
            return self;
        };
        self.key_of_parts &= self.mode == Mode::Upsert;
        if self.key_of_parts {
            for ends in self.ends.iter_mut().flatten().filter(|ends| ends[exploding] == End::Exempt) {
                ends[exploding] = End::Ok;
            }
        }
        self
    }

    /// How the pair ends in the round, if the round plans it.
    fn end(&self, round: usize, ordinal: usize, endpoint: usize) -> Option<End> {
        let before = (0..round).all(|earlier| !succeeded(self.ends[earlier][ordinal][endpoint]));
        before.then(|| self.ends[round][ordinal][endpoint])
    }

    /// The round before `rounds` in which the pair succeeded.
    fn success(&self, rounds: usize, ordinal: usize, endpoint: usize) -> Option<usize> {
        (0..rounds).find(|round| self.end(*round, ordinal, endpoint).is_some_and(succeeded))
    }

    fn id(&self, ordinal: usize) -> String {
        let twin = ordinal > 0 && self.twins[ordinal];
        format!("tt{:04}", if twin { ordinal - 1 } else { ordinal })
    }

    /// Whether the failure of an endpoint leaves the record out.
    fn is_needed(&self, endpoint: usize) -> bool {
        match self.policy[endpoint] {
            OnFailure::Drop => true,
            OnFailure::Null => false,
            OnFailure::Keep => self.exploding == Some(endpoint),
        }
    }

    fn is_answered(&self, rounds: usize, ordinal: usize) -> bool {
        (0..2).all(|e| !self.is_needed(e) || self.success(rounds, ordinal, e).is_some())
    }

    /// Whether only the endpoint that would have given its rows failed, and says that those that stand are kept.
    fn is_spared(&self, rounds: usize, ordinal: usize) -> bool {
        let fails = |e: usize| self.is_needed(e) && self.success(rounds, ordinal, e).is_none();
        let failing: Vec<usize> = (0..2).filter(|e| fails(*e)).collect();
        self.exploding.is_some_and(|e| failing == [e] && self.policy[e] == OnFailure::Keep)
    }

    /// The rows that the record has.
    fn parts(&self, rounds: usize, ordinal: usize) -> u32 {
        let Some(exploding) = self.exploding else { return 1 };
        match self.success(rounds, ordinal, exploding) {
            None => 1,
            Some(round) => match self.ends[round][ordinal][exploding] {
                End::Ok => self.parts[round][ordinal],
                End::Missing => 0,
                _ => 1,
            },
        }
    }
}

fn succeeded(end: End) -> bool {
    [End::Ok, End::Missing, End::Exempt].contains(&end)
}

/// A row: id, title, votes, budget.
type Line = [String; 4];

/// A row of the table, and the merge that wrote it: only the order of merges is known.
#[derive(Clone)]
struct Stood {
    line: Line,
    merge: usize,
}

/// The table as it should be.
struct Model<'a> {
    case: &'a Case,
    table: Vec<Stood>,
    /// Rounds of the last merge.
    merged: Option<usize>,
    /// Whether a value was kept of rows that nothing puts into an order: then anything may be right.
    is_open: bool,
}

/// What a merge should say.
#[derive(Debug, Default, PartialEq)]
struct Said {
    rows: usize,
    replaced: usize,
    left_out: usize,
    duplicates: usize,
    late: usize,
    gone: usize,
    total: usize,
}

impl Said {
    fn of(published: &Published) -> Said {
        let Published { rows, replaced, left_out, duplicates, late, gone, total, .. } = *published;
        let [rows, replaced, left_out, duplicates, late, gone, total] =
            [rows, replaced, left_out, duplicates, late, gone, total].map(|number| number as usize);
        Said { rows, replaced, left_out, duplicates, late, gone, total }
    }
}

impl Model<'_> {
    fn merge(&mut self, rounds: usize) -> Said {
        let answered = (0..RECORDS).filter(|o| self.case.is_answered(rounds, *o)).count();
        let mut said = Said { left_out: RECORDS - answered, ..Said::default() };
        let lines = self.written(rounds);
        let before = self.table.len();
        let lines = match self.case.mode {
            Mode::Append => {
                said.late = (0..RECORDS).filter(|o| self.is_late(rounds, *o)).count();
                lines.into_iter().filter(|(ordinal, _)| self.is_new(rounds, *ordinal)).collect()
            }
            Mode::Upsert => {
                let winners = self.winners(&lines);
                said.duplicates = lines.len() - winners.len();
                self.upsert(rounds, winners)
            }
            Mode::Replace => self.replace(rounds, lines),
            Mode::ReplaceIds => self.replace_ids(rounds, lines),
        };
        said.replaced = before - self.table.len();
        said.rows = lines.len();
        self.table.extend(lines.into_iter().map(|(_, line)| Stood { line, merge: rounds }));
        if self.case.gone == Gone::Delete {
            let (listed, before) = (self.ids(&|_| true), self.table.len());
            self.table.retain(|row| listed.contains(&row.line[0]));
            said.gone = before - self.table.len();
        }
        said.total = self.table.len();
        self.merged = Some(rounds);
        said
    }

    /// The rows of all answered records, by record and part.
    fn written(&mut self, rounds: usize) -> Vec<(usize, Line)> {
        let mut lines = Vec::new();
        for ordinal in (0..RECORDS).filter(|o| self.case.is_answered(rounds, *o)) {
            for part in 0..self.case.parts(rounds, ordinal) {
                lines.push((ordinal, self.line(rounds, ordinal, part)));
            }
        }
        lines
    }

    /// The ids of some records.
    fn ids(&self, chosen: &dyn Fn(usize) -> bool) -> BTreeSet<String> {
        (0..RECORDS).filter(|o| chosen(*o)).map(|o| self.case.id(o)).collect()
    }

    fn upsert(&mut self, rounds: usize, winners: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let new = |(ordinal, _): &(usize, Line)| self.is_new(rounds, *ordinal);
        let lines: Vec<(usize, Line)> = winners.into_iter().filter(new).collect();
        let keys: Vec<Vec<String>> = lines.iter().map(|(_, line)| self.key(line)).collect();
        let stood = std::mem::take(&mut self.table);
        self.table = stood.into_iter().filter(|old| !keys.contains(&self.key(&old.line))).collect();
        lines
    }

    fn replace(&mut self, rounds: usize, lines: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let spared = self.ids(&|o| self.case.is_spared(rounds, o));
        let answered = self.ids(&|o| self.case.is_answered(rounds, o));
        self.table.retain(|old| spared.contains(&old.line[0]) && !answered.contains(&old.line[0]));
        lines
    }

    fn replace_ids(&mut self, rounds: usize, mut lines: Vec<(usize, Line)>) -> Vec<(usize, Line)> {
        let chosen = self.ids(&|o| self.case.is_answered(rounds, o) && self.is_new(rounds, o));
        self.table.retain(|old| !chosen.contains(&old.line[0]));
        lines.retain(|(_, line)| chosen.contains(&line[0]));
        lines
    }

    /// Whether the record was appended before it got all its answers.
    fn is_late(&self, rounds: usize, ordinal: usize) -> bool {
        let since = |merged| self.answered_since(merged, rounds, ordinal);
        self.merged.is_some_and(since) && !self.is_new(rounds, ordinal)
    }

    /// Whether the record has anything to write that the merge before did not.
    fn is_new(&self, rounds: usize, ordinal: usize) -> bool {
        let Some(merged) = self.merged else { return true };
        let is_new = !self.case.is_answered(merged, ordinal);
        match self.case.mode {
            Mode::Append => is_new,
            Mode::Upsert | Mode::ReplaceIds => is_new || self.answered_since(merged, rounds, ordinal),
            Mode::Replace => true,
        }
    }

    fn answered_since(&self, merged: usize, rounds: usize, ordinal: usize) -> bool {
        (0..2).any(|e| self.case.success(rounds, ordinal, e).is_some_and(|round| round >= merged))
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

    fn line(&mut self, rounds: usize, ordinal: usize, part: u32) -> Line {
        let case = self.case;
        let mut line = [case.id(ordinal), "~".into(), "~".into(), "~".into()];
        for (column, (endpoint, at)) in [(0, 0), (0, 1), (1, 0)].into_iter().enumerate() {
            if let Some(round) = case.success(rounds, ordinal, endpoint) {
                line[column + 1] = self.value(round, ordinal, endpoint, part, at);
            }
        }
        for (column, endpoint) in [(1, 0), (2, 0), (3, 1)] {
            let keeps = case.policy[endpoint] == OnFailure::Keep && case.exploding != Some(endpoint);
            if keeps && case.success(rounds, ordinal, endpoint).is_none() {
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
        let is_open = chosen.merge > 0 && beside.map(|row| &row.line[column]).any(|other| *other != value);
        self.is_open |= is_open;
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

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.table.iter().map(|row| row.line.join("|")).collect();
        lines.sort();
        lines
    }
}

async fn sandbox(case: &Case) -> Sandbox {
    let mut sandbox = Sandbox::new(RECORDS as u64).await.mode(case.mode);
    if let Some(exploding) = case.exploding {
        let parts = case.parts.clone();
        sandbox = sandbox.exploding(exploding, move |round, o| parts[round as usize][o as usize]).await;
        if case.key_of_parts {
            sandbox.job.table.key.push(["votes", "budget"][exploding].into());
        }
    }
    if case.csv {
        sandbox = sandbox.csv().await;
    }
    sandbox.ids = (0..RECORDS).map(|ordinal| case.id(ordinal)).collect();
    sandbox.on_failure(case.policy);
    sandbox.job.table.gone = case.gone;
    sandbox.block = 4;
    sandbox
}

/// The rows that stand before: some of ids of the list, one of another, and one without an id.
fn stand(sandbox: &Sandbox, standing: &[u32]) -> Vec<Stood> {
    sandbox.execute("CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON)");
    let numbers = (0..RECORDS).flat_map(|at| (0..standing[at]).map(move |row| (format!("tt{at:04}"), row)));
    let others = [("zz".to_owned(), 0), ("~".to_owned(), 0)];
    let line = |(id, row): (String, u32)| {
        let value = if id == "~" { "NULL".into() } else { format!("'{id}'") };
        sandbox.execute(&format!("INSERT INTO films VALUES ({value}, 'old {row}', -{row}, -2, NULL)"));
        let votes = if row == 0 { "0".into() } else { format!("-{row}") };
        Stood { line: [id, format!("old {row}"), votes, "-2".into()], merge: 0 }
    };
    numbers.chain(others).map(line).collect()
}

async fn check(case: &Case) {
    let mut sandbox = sandbox(case).await;
    let table = case.standing.as_ref().map(|standing| stand(&sandbox, standing)).unwrap_or_default();
    let mut model = Model { case, table, merged: None, is_open: false };
    for round in 0..case.ends.len() {
        let ends = |ordinal: u64, endpoint: usize| case.end(round, ordinal as usize, endpoint);
        sandbox.add_round(case.shards, &ends).await;
        if case.merges[round] || round + 1 == case.ends.len() {
            let said = model.merge(round + 1);
            let published = sandbox.publish().await.unwrap();
            if model.is_open {
                return;
            }
            let mut table = sandbox.table();
            table.sort();
            assert_eq!(table, model.lines(), "after round {round}");
            assert_eq!(Said::of(&published), said, "after round {round}");
            assert!(!published.already && sandbox.publish().await.unwrap().already);
            assert_eq!(sandbox.table().len(), table.len());
        }
    }
}

/// 32 cases, or as many as PROPTEST_CASES says.
fn config() -> ProptestConfig {
    let own = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { own.cases } else { 32 };
    ProptestConfig { cases, ..own }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_table_is_what_the_model_says(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&case));
    }
}
