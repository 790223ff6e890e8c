//! The runs and their shards, derived from files and locks.

use std::collections::BTreeMap;

use super::RunnerError;
use super::jobs::planned_job;
use crate::handoff::lock::run_is_locked;
use crate::handoff::{HandoffError, Outcome, Plan, Round, RunStore, Tally};
use crate::job::StateOfRun;
use crate::merge;
use crate::record::{Kind, Status};

/// How one run stands.
#[derive(Debug)]
pub struct RunState {
    /// Its plan.
    pub plan: Plan,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// Whether a living process works on it.
    pub is_locked: bool,
    /// Its shards, round by round.
    pub rounds: Vec<(Round, Vec<ShardState>)>,
}

/// How one shard stands.
#[derive(Debug)]
pub struct ShardState {
    /// Its number.
    pub number: u32,
    /// Its records.
    pub records: u64,
    /// Its blocks.
    pub blocks: usize,
    /// Committed ones of them.
    pub committed: usize,
    /// What became of the pairs of the committed blocks, all endpoints together.
    pub tally: Tally,
    /// When the first and the last of them were committed, in microseconds since 1970.
    pub committed_at: Option<(i64, i64)>,
}

impl ShardState {
    /// Whether every block is committed.
    pub fn is_committed(&self) -> bool {
        self.committed == self.blocks
    }
}

impl RunState {
    /// Reads a run.
    pub async fn read(run: &RunStore) -> Result<RunState, HandoffError> {
        let mut rounds = Vec::new();
        for round in run.rounds().await? {
            let shards = shard_states(run, &round).await?;
            rounds.push((round, shards));
        }
        Ok(RunState {
            plan: run.plan().await?,
            outcome: run.outcome().await?,
            is_locked: run_is_locked(run.folder()),
            rounds,
        })
    }

    /// How the run stands, with what became of its pairs.
    pub fn state(&self, standing: &Standing) -> StateOfRun {
        let waits = |kinds: &[Kind]| kinds.iter().any(|kind| standing.waiting.contains_key(kind));
        match &self.outcome {
            _ if self.is_locked => StateOfRun::Running,
            Some(outcome) if outcome.published => StateOfRun::Published,
            Some(_) => StateOfRun::Refused,
            None if waits(&[Kind::Quota, Kind::MaxRequests]) => StateOfRun::Paused,
            None if standing.is_interrupted => StateOfRun::Interrupted,
            None if self.is_whole() && standing.waiting.is_empty() => StateOfRun::Fetched,
            None => StateOfRun::Unfinished,
        }
    }

    /// When something was last heard of it, in microseconds since 1970: its end, or its last commit.
    pub fn last_at(&self) -> Option<i64> {
        let shards = self.rounds.iter().flat_map(|(_, shards)| shards);
        let committed = shards.filter_map(|shard| shard.committed_at).map(|(_, last)| last).max();
        self.outcome.as_ref().map(|outcome| outcome.at).or(committed)
    }

    /// What became of its pairs, each as its last round left it: from the commits, or from the requests themselves where
    /// only they tell.
    ///
    /// # Errors
    /// The run's files cannot be read.
    pub async fn standing(&self, run: &RunStore) -> Result<Standing, RunnerError> {
        let mut standing = match self.standing_by_commits() {
            Some(standing) => standing,
            None => self.standing_by_requests(run).await?,
        };
        if standing.waiting.contains_key(&Kind::Interrupted) && self.outcome.is_none() {
            standing.is_interrupted = self.was_interrupted(run).await?;
        }
        Ok(standing)
    }

    /// Whether what waits does so since somebody stopped the run, and not since a secret was refused, or nobody answered.
    async fn was_interrupted(&self, run: &RunStore) -> Result<bool, RunnerError> {
        let requests = self.plan.view("requests");
        let sql = format!(
            "SELECT bool_or(detail LIKE '%interrupted before%') FROM {requests} WHERE kind = 'interrupted'"
        );
        Ok(self.ask(run, &sql).await?.first().is_some_and(|row| row[0].as_deref() == Some("true")))
    }

    async fn standing_by_requests(&self, run: &RunStore) -> Result<Standing, RunnerError> {
        let requests = self.plan.view("requests");
        let sql = format!("SELECT status, coalesce(kind, ''), count(*) FROM {requests} GROUP BY ALL");
        let mut tally = Tally::default();
        for row in self.ask(run, &sql).await? {
            let text = |at: usize| row[at].as_deref().unwrap_or_default();
            let number: u64 = text(2).parse().unwrap_or_default();
            if let Some(status) = Status::from_word(text(0)) {
                *tally.statuses.entry(status).or_default() += number;
            }
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == text(1)) {
                *tally.kinds.entry(kind).or_default() += number;
            }
        }
        Ok(Standing::of(&tally))
    }

    async fn ask(&self, run: &RunStore, sql: &str) -> Result<Vec<Vec<Option<String>>>, RunnerError> {
        let job = planned_job(run, &self.plan).await?;
        Ok(merge::query(run, Some(&job), sql, None).await?.rows)
    }

    /// Whether every block of every shard is committed.
    pub fn is_whole(&self) -> bool {
        self.rounds.iter().flat_map(|(_, shards)| shards).all(ShardState::is_committed)
    }

    /// What became of the pairs as things stand, from the commits alone; `None` where a later round took up pairs of
    /// several kinds, which only the requests themselves tell apart.
    fn standing_by_commits(&self) -> Option<Standing> {
        let (last, earlier) = self.rounds.split_last()?;
        let of = |round: &(Round, Vec<ShardState>)| {
            let mut tally = Tally::default();
            round.1.iter().for_each(|shard| tally.add(&shard.tally));
            tally
        };
        let mut standing = Standing::of(&of(last));
        for (at, round) in earlier.iter().enumerate() {
            let tally = of(round);
            if tally.count(Status::Waiting) > 0 || tally.kinds.contains_key(&Kind::Dependency) {
                return None;
            }
            // What a later round asked had failed.
            let asked_again: u64 = of(&self.rounds[at + 1]).statuses.values().sum();
            standing.failed += tally.count(Status::Failed).saturating_sub(asked_again);
            standing.not_asked += tally.count(Status::NotAsked);
        }
        Some(standing)
    }
}

/// How many pairs stand without success, each as its last round left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Asked without success.
    pub failed: u64,
    /// Not asked, since what they depend on failed, or their `when` says no.
    pub not_asked: u64,
    /// Left to a later round, by kind.
    pub waiting: BTreeMap<Kind, u64>,
    /// Whether some wait since somebody stopped the run.
    pub is_interrupted: bool,
}

impl Standing {
    fn of(tally: &Tally) -> Standing {
        // No pair of such a kind has failed, but for those whose host was down to the end.
        let waits = |(kind, count): (&Kind, &u64)| (kind.waits() && *count > 0).then_some((*kind, *count));
        let mut waiting: BTreeMap<Kind, u64> = tally.kinds.iter().filter_map(waits).collect();
        let down = waiting.values().sum::<u64>().saturating_sub(tally.count(Status::Waiting));
        if let Some(of_host) = waiting.get_mut(&Kind::HostDown) {
            *of_host = of_host.saturating_sub(down);
        }
        waiting.retain(|_, count| *count > 0);
        Standing {
            failed: tally.count(Status::Failed),
            not_asked: tally.count(Status::NotAsked),
            waiting,
            is_interrupted: false,
        }
    }

    /// All that wait.
    pub fn all_waiting(&self) -> u64 {
        self.waiting.values().sum()
    }
}

/// How the shards of a round stand.
pub async fn shard_states(run: &RunStore, round: &Round) -> Result<Vec<ShardState>, HandoffError> {
    let mut states = Vec::new();
    for shard in &round.shards {
        let commits = run.commits(shard.number).await?;
        let mut tally = Tally::default();
        commits.values().flat_map(|commit| commit.tally.values()).for_each(|part| tally.add(part));
        let at = || commits.values().map(|commit| commit.at);
        states.push(ShardState {
            number: shard.number,
            records: shard.records(),
            blocks: shard.blocks.len(),
            committed: commits.len(),
            tally,
            committed_at: at().min().zip(at().max()),
        });
    }
    Ok(states)
}

/// What became of the pairs of a round by endpoint.
pub async fn tallies(run: &RunStore, round: &Round) -> Result<BTreeMap<String, Tally>, HandoffError> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for shard in &round.shards {
        for commit in run.commits(shard.number).await?.into_values() {
            for (endpoint, tally) in &commit.tally {
                tallies.entry(endpoint.clone()).or_default().add(tally);
            }
        }
    }
    Ok(tallies)
}
