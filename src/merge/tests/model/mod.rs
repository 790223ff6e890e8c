//! Random runs, policies, pauses and retries: the table must be what a few lines of Rust say.

mod case;
mod table;

use proptest::prelude::*;

use self::case::{Case, RECORDS, Seen, case};
use self::table::{Model, Said, Stood};
use super::engines::Engine;
use super::kinds::Kind;
use super::sandbox::Sandbox;
use crate::handoff::{Block, Shard};
use crate::job::{Mode, OnFailure};

async fn sandbox(case: &Case) -> Sandbox {
    let mut sandbox = Sandbox::new(RECORDS as u64).await.mode(case.mode).into_kind(case.kind);
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
    sandbox.job.table.on_unlisted = case.on_unlisted;
    sandbox.job.publish.max_rejected = RECORDS as u64;
    sandbox.block = case.block;
    sandbox
}

/// What makes the table that stands. In MariaDB rows have no order but that of a key, and an upsert needs one of its own.
fn table(case: &Case, on: Engine) -> String {
    match on {
        Engine::DuckDb | Engine::Postgres | Engine::Sqlite => {
            format!(
                "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT{}, budget INTEGER, facts JSON)",
                case.condition()
            )
        }
        Engine::MariaDb => {
            let key = if case.mode == Mode::Upsert {
                let part = case.exploding.filter(|_| case.key_of_parts);
                let part = part.map_or("", |at| [", votes", ", budget"][at]);
                format!(", UNIQUE KEY (id{part})")
            } else {
                ", KEY (id)".to_owned()
            };
            format!(
                "CREATE TABLE films (number BIGINT AUTO_INCREMENT PRIMARY KEY, id VARCHAR(60), title TEXT, votes BIGINT{}, \
                 budget INTEGER, facts JSON{key}) CHARACTER SET utf8mb4",
                case.condition()
            )
        }
    }
}

fn names(on: Engine) -> &'static str {
    match on {
        Engine::DuckDb | Engine::Postgres | Engine::Sqlite => "films VALUES",
        Engine::MariaDb => "films (id, title, votes, budget, facts) VALUES",
    }
}

/// The rows that stand before: some of ids of the list, one of another, and one without an id.
fn stand(sandbox: &Sandbox, case: &Case, on: Engine, standing: &[u32]) -> Vec<Stood> {
    let numbers = (0..RECORDS).flat_map(|at| (0..standing[at]).map(move |row| (format!("tt{at:04}"), row)));
    let others = [("zz".to_owned(), 0), ("~".to_owned(), 0)];
    let mut sql = String::new();
    let line = |(id, row): (String, u32)| {
        let value = if id == "~" { "NULL".into() } else { format!("'{id}'") };
        sql += &format!("INSERT INTO films VALUES ({value}, 'old {row}', -{row}, -2, NULL);");
        let votes = if row == 0 { "0".into() } else { format!("-{row}") };
        Stood { line: [id, format!("old {row}"), votes, "-2".into()], merge: 0 }
    };
    let stood = numbers.chain(others).map(line).collect();
    sandbox.execute(&format!("{};{}", table(case, on), sql.replace("films VALUES", names(on))));
    stood
}

async fn check(case: Case, on: Engine) {
    let case = &case.without_conditions(on);
    let mut sandbox = sandbox(case).await;
    sandbox = sandbox.on(on);
    let stood = |standing: &Vec<u32>| stand(&sandbox, case, on, standing);
    let table = case.standing.as_ref().map(stood).unwrap_or_default();
    let mut model = Model { case, table, merged: Vec::new(), merges: 0, at_pauses: 0, is_open: false };
    let mut seen = Seen::default();
    for round in 0..case.ends.len() {
        let blocks = plan(case, &mut sandbox, round).await;
        for (at, (shard, block)) in blocks.into_iter().enumerate() {
            let ends = |ordinal: u64, endpoint: usize| case.end(round, ordinal as usize, endpoint);
            sandbox.commit_block(round as u32, shard, &block, &ends).await;
            let lines = (block.first as usize..RECORDS)
                .filter(|o| ends(*o as u64, 0).or(ends(*o as u64, 1)).is_some());
            seen.committed.extend(lines.take(block.records as usize).map(|ordinal| (round, ordinal)));
            let pauses = matches!(case.mode, Mode::Append | Mode::Upsert) && case.commits[round][at].1;
            if pauses && !pause(&sandbox, &mut model, &seen).await {
                return;
            }
        }
        let merges = case.merges[round] || round + 1 == case.ends.len();
        if merges && !merge(&sandbox, &mut model, &seen).await {
            return;
        }
    }
}

/// Plans a round; its blocks in the order in which they are committed.
async fn plan(case: &Case, sandbox: &mut Sandbox, round: usize) -> Vec<(u32, Block)> {
    let ends = |ordinal: u64, endpoint: usize| case.end(round, ordinal as usize, endpoint);
    let planned = sandbox.plan_round(case.shards, &ends).await;
    let blocks = |shard: &Shard| shard.blocks.iter().map(|block| (shard.number, *block)).collect::<Vec<_>>();
    let blocks: Vec<(u32, Block)> = planned.shards.iter().flat_map(blocks).collect();
    let mut places: Vec<usize> = (0..blocks.len()).collect();
    places.sort_by_key(|at| case.commits[round][*at].0);
    places.into_iter().map(|at| blocks[at]).collect()
}

/// Publishes what there is; false where the model does not know what is right.
async fn pause(sandbox: &Sandbox, model: &mut Model<'_>, seen: &Seen) -> bool {
    let said = model.merge(Seen { is_part: true, ..seen.clone() });
    let part = sandbox.publish_partial().await.unwrap();
    if model.is_open {
        return false;
    }
    compare(sandbox, model, seen);
    assert!(
        sandbox
            .run
            .outcome()
            .await
            .unwrap()
            .is_none_or(|outcome| outcome.rounds < sandbox.rounds.len() as u32)
    );
    let numbers = |numbers: [u64; 3]| numbers.map(|number| number as usize);
    let (rows, all) = (numbers([part.rows, part.replaced, part.so_far]), model.at_pauses);
    assert_eq!(rows, [said.rows, said.replaced, all], "at a pause, of {seen:?}");
    let again = sandbox.publish_partial().await.unwrap();
    // A file that cannot remember is written once more.
    let rows = if model.case.remembers() { 0 } else { part.rows };
    assert_eq!((again.rows, again.so_far, again.total), (rows, part.so_far, part.total));
    compare(sandbox, model, seen);
    true
}

/// Publishes the whole; false where the model does not know what is right.
async fn merge(sandbox: &Sandbox, model: &mut Model<'_>, seen: &Seen) -> bool {
    let said = model.merge(seen.clone());
    let published = sandbox.publish().await.unwrap();
    if model.is_open {
        return false;
    }
    compare(sandbox, model, seen);
    assert_eq!(Said::of(&published), said, "of {seen:?}");
    assert!(!published.already && sandbox.publish().await.unwrap().already);
    compare(sandbox, model, seen);
    true
}

/// The table is the model's; where nothing was ever to be published, there may be none.
fn compare(sandbox: &Sandbox, model: &Model<'_>, seen: &Seen) {
    let mut table = if sandbox.has_table() { sandbox.table() } else { Vec::new() };
    table.sort();
    assert_eq!(table, model.lines(), "of {seen:?}");
}

fn block_on(checked: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(checked);
}

impl Case {
    /// The same at a destination that takes every row: a file, or a table that is made for it.
    fn without_conditions(self, on: Engine) -> Case {
        let has_some = (on != Engine::DuckDb || self.kind == Kind::Database) && self.standing.is_some();
        if has_some { self } else { Case { refused: Default::default(), ..self } }
    }

    /// The same with what MariaDB asks for: a key of its own for an upsert, so that no two rows which stand have one, and for
    /// `keep` one that gives rows an order, which a table does not have that windrow makes.
    fn with_a_key_in_mariadb(self) -> Case {
        let once = |rows: Vec<u32>| rows.into_iter().map(|rows| rows.min(1)).collect();
        let standing = match self.standing {
            Some(rows) if self.mode == Mode::Upsert => Some(once(rows)),
            None if self.policy.contains(&OnFailure::Keep) => Some(vec![0; RECORDS]),
            standing => standing,
        };
        Case { standing, ..self }
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
        block_on(check(case, Engine::DuckDb));
    }

    #[test]
    fn so_it_is_in_postgresql(case in case()) {
        block_on(check(Case { kind: Kind::Database, ..case }, Engine::Postgres));
    }

    #[test]
    fn so_it_is_in_mariadb(case in case()) {
        let case = Case { kind: Kind::Database, ..case }.with_a_key_in_mariadb();
        block_on(check(case, Engine::MariaDb));
    }

    #[test]
    fn so_it_is_in_sqlite(case in case()) {
        block_on(check(Case { kind: Kind::Database, ..case }, Engine::Sqlite));
    }
}
