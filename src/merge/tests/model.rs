//! Random runs, policies and retries: the table must be what a few lines of Rust say.

use proptest::prelude::*;

use super::sandbox::{Sandbox, film_values};
use crate::job::{Mode, OnFailure};
use crate::record::{Status, Value};

#[derive(Debug, Clone)]
struct Case {
    /// How each pair ends, by round, ordinal, endpoint; used only where the round plans the pair.
    ends: Vec<Vec<[Status; 2]>>,
    /// Whether a merge follows the round.
    merges: Vec<bool>,
    policy: [OnFailure; 2],
    mode: Mode,
    shards: usize,
    csv: bool,
    /// Rows that stand before, by number of the id.
    standing: Vec<bool>,
    /// In an upsert: records whose id is that of the record before.
    twins: Vec<bool>,
}

const RECORDS: usize = 11;

fn case() -> impl Strategy<Value = Case> {
    use Status::{Deferred, Failed, Missing, Ok, Skipped};
    let status = || prop::sample::select(vec![Ok, Ok, Missing, Failed, Failed, Skipped, Deferred]);
    let policy = || prop::sample::select(vec![OnFailure::Drop, OnFailure::Null, OnFailure::Keep]);
    let mode = prop::sample::select(vec![Mode::Append, Mode::Upsert, Mode::Replace]);
    let round = prop::collection::vec([status(), status()], RECORDS);
    let flags = |share| prop::collection::vec(prop::bool::weighted(share), RECORDS);
    (
        prop::collection::vec(round, 1..4),
        prop::collection::vec(any::<bool>(), 3),
        [policy(), policy()],
        mode,
        1..4usize,
        any::<bool>(),
        flags(0.5),
        flags(0.2),
    )
        .prop_map(|(ends, merges, policy, mode, shards, csv, standing, twins)| Case {
            ends,
            merges,
            policy,
            mode,
            shards,
            csv,
            standing,
            twins,
        })
}

fn succeeded(status: Status) -> bool {
    matches!(status, Status::Ok | Status::Missing)
}

impl Case {
    /// How the pair ends in the round, if the round plans it.
    fn end(&self, round: usize, ordinal: usize, endpoint: usize) -> Option<Status> {
        let before = (0..round).all(|earlier| !succeeded(self.ends[earlier][ordinal][endpoint]));
        before.then(|| self.ends[round][ordinal][endpoint])
    }

    /// The round before `rounds` in which the pair succeeded.
    fn success(&self, rounds: usize, ordinal: usize, endpoint: usize) -> Option<usize> {
        (0..rounds).find(|round| self.end(*round, ordinal, endpoint).is_some_and(succeeded))
    }

    fn id(&self, ordinal: usize) -> String {
        let twin = self.mode == Mode::Upsert && ordinal > 0 && self.twins[ordinal];
        format!("tt{:04}", if twin { ordinal - 1 } else { ordinal })
    }

    fn has_row(&self, rounds: usize, ordinal: usize) -> bool {
        (0..2).all(|e| self.policy[e] != OnFailure::Drop || self.success(rounds, ordinal, e).is_some())
    }
}

/// A row: id, title, votes, budget.
type Line = [String; 4];

/// The table as it should be.
struct Model<'a> {
    case: &'a Case,
    table: Vec<Line>,
    /// Rounds of the last merge.
    merged: Option<usize>,
}

impl Model<'_> {
    fn merge(&mut self, rounds: usize) -> u64 {
        let chosen: Vec<usize> = (0..RECORDS).filter(|ordinal| self.is_written(rounds, *ordinal)).collect();
        let new: Vec<Line> = chosen.iter().map(|ordinal| self.line(rounds, *ordinal)).collect();
        match self.case.mode {
            Mode::Append => {}
            Mode::Replace => self.table.clear(),
            Mode::Upsert | Mode::ReplaceIds => {
                self.table.retain(|old| new.iter().all(|new| new[0] != old[0]))
            }
        }
        self.table.extend(new);
        self.merged = Some(rounds);
        chosen.len() as u64
    }

    fn is_written(&self, rounds: usize, ordinal: usize) -> bool {
        let case = self.case;
        if !case.has_row(rounds, ordinal) || self.loses(rounds, ordinal) {
            return false;
        }
        let Some(merged) = self.merged else { return true };
        let is_new = !case.has_row(merged, ordinal);
        let answered = (0..2).any(|e| case.success(rounds, ordinal, e).is_some_and(|round| round >= merged));
        match case.mode {
            Mode::Append => is_new,
            Mode::Upsert | Mode::ReplaceIds => is_new || answered,
            Mode::Replace => true,
        }
    }

    fn loses(&self, rounds: usize, ordinal: usize) -> bool {
        let case = self.case;
        let later = ordinal + 1..RECORDS;
        case.mode == Mode::Upsert
            && later.into_iter().any(|o| case.has_row(rounds, o) && case.id(o) == case.id(ordinal))
    }

    fn line(&self, rounds: usize, ordinal: usize) -> Line {
        let id = self.case.id(ordinal);
        let old = self.table.iter().rev().find(|line| line[0] == id);
        let mut line = [id.clone(), "~".into(), "~".into(), "~".into()];
        for endpoint in 0..2 {
            let columns: &[usize] = if endpoint == 0 { &[1, 2] } else { &[3] };
            let success = self.case.success(rounds, ordinal, endpoint);
            for (at, column) in columns.iter().enumerate() {
                line[*column] = match (success, self.case.policy[endpoint], old) {
                    (Some(round), _, _) => self.value(round, ordinal, endpoint, at),
                    (None, OnFailure::Keep, Some(old)) => old[*column].clone(),
                    _ => "~".into(),
                };
            }
        }
        line
    }

    fn value(&self, round: usize, ordinal: usize, endpoint: usize, column: usize) -> String {
        if self.case.end(round, ordinal, endpoint) == Some(Status::Missing) {
            return "~".into();
        }
        match &film_values(round as u32, ordinal as u64, endpoint)[column] {
            Value::Text(text) => text.clone(),
            Value::Bigint(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.table.iter().map(|line| line.join("|")).collect();
        lines.sort();
        lines
    }
}

async fn check(case: &Case) {
    let mut sandbox = Sandbox::new(RECORDS as u64).await.mode(case.mode);
    if case.csv {
        sandbox = sandbox.csv().await;
    }
    sandbox.ids = (0..RECORDS).map(|ordinal| case.id(ordinal)).collect();
    sandbox.on_failure(case.policy);
    sandbox.block = 4;
    let mut model = Model { case, table: Vec::new(), merged: None };
    sandbox.execute("CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON)");
    for number in (0..RECORDS).filter(|number| case.standing[*number]) {
        let line = [format!("tt{number:04}"), "old".into(), "-1".into(), "-2".into()];
        sandbox.execute(&format!("INSERT INTO films VALUES ('{}', 'old', -1, -2, NULL)", line[0]));
        model.table.push(line);
    }
    for round in 0..case.ends.len() {
        let ends = |ordinal: u64, endpoint: usize| case.end(round, ordinal as usize, endpoint);
        sandbox.add_round(case.shards, &ends).await;
        if case.merges[round] || round + 1 == case.ends.len() {
            let rows = model.merge(round + 1);
            let published = sandbox.publish().await.unwrap();
            let mut table = sandbox.table();
            table.sort();
            assert_eq!(table, model.lines(), "after round {round}");
            assert_eq!((published.rows, published.already), (rows, false));
            let has_row = (0..RECORDS).filter(|ordinal| case.has_row(round + 1, *ordinal)).count();
            assert_eq!(published.left_out, (RECORDS - has_row) as u64);
            assert_eq!(published.total, table.len() as u64);
            assert!(sandbox.publish().await.unwrap().already);
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
