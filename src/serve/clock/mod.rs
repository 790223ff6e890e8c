//! When a job is run, and its process.
//!
//! Promises:
//!
//! - No state of its own lies anywhere: when a job is due follows from its runs' files ([`due`]), so that a daemon that was
//!   down makes up for what was missed, once, and several do not get into each other's way: one that another process is at is
//!   skipped, and that is said.
//! - A start is never closer than a second to the one before, whatever fails; and never later than an interval, whatever is
//!   done to the clock ([`alarm`]). Waits are by the wall clock, which is looked at every few seconds.
//! - One run of a job at a time: it is a child, which does not outlive this process ([`child`]).
//! - A job without a schedule is looked at, and never started.

mod alarm;
mod child;
mod due;
mod last_run;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use self::alarm::Alarm;
use self::child::{RunCommand, RunEnded};
use self::due::{Due, Known, Newest, Tried, Why};
use self::last_run::{LastRuns, RunReader};
use super::standing::JobStanding;
use crate::handoff::{Exit, StateOfRun};
use crate::job::{Job, Schedule};
use crate::os::{Stop, monotonic_nanos, tell};
use crate::report::counted;

/// How often it is looked at least: at the clock, and for runs of others.
const LOOK: Duration = Duration::from_secs(10);

/// The clock of one job.
#[derive(Debug)]
pub struct Clock {
    schedule: Option<Schedule>,
    command: RunCommand,
    reader: RunReader,
    alarm: Alarm,
    tried: Option<Tried>,
    /// The newest run as it was seen last.
    newest: Option<Newest>,
    shown: watch::Sender<JobStanding>,
}

impl Clock {
    /// The clock of a job whose runs lie under `root`, run by `program`, which is windrow itself; and how the job stands, as it
    /// changes, without its tables.
    pub fn new(
        job: &Job,
        root: PathBuf,
        env_file: Option<PathBuf>,
        program: PathBuf,
    ) -> (Clock, watch::Receiver<JobStanding>) {
        let schedule = job.settings.schedule.clone();
        let standing = JobStanding {
            name: job.name.clone(),
            schedule: schedule.as_ref().map(Schedule::to_string),
            next: None,
            running_since: None,
            last: None,
            trouble: None,
            tables: Vec::new(),
        };
        let (shown, standing) = watch::channel(standing);
        let reader = RunReader::new(root.clone(), &job.name);
        let command = RunCommand { program, name: job.name.clone(), job: job.path.clone(), root, env_file };
        let clock =
            Clock { schedule, command, reader, alarm: Alarm::default(), tried: None, newest: None, shown };
        (clock, standing)
    }

    /// Runs the job whenever it is due, until this process is asked to end, and its run has. On the thread that lasts as long as
    /// the process: a run dies with the one that started it.
    pub async fn run(mut self, stop: watch::Receiver<Stop>) {
        while !stop.borrow().is_set() {
            let wait = self.turn(&stop).await;
            let mut asked = stop.clone();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = asked.wait_for(|stop| stop.is_set()) => {}
            }
        }
    }

    /// Looks at the runs, and runs the job if it is due; how long may be waited until the next look.
    async fn turn(&mut self, stop: &watch::Receiver<Stop>) -> Duration {
        let now = Timestamp::now();
        let runs = self.reader.look(now).await;
        self.newest = newest(&runs);
        let due = self.due(now);
        self.shown.send_modify(|standing| {
            standing.running_since = runs.running_since;
            standing.last = runs.last.as_ref().map(|last| last.standing.clone());
            standing.next = due.map(|due| due.at);
        });
        match due {
            Some(due) if due.at <= now && runs.running_since.is_some() => self.skip(now),
            Some(due) if due.at <= now => self.start(due, stop).await,
            Some(due) => return until(due.at, now),
            None => return LOOK,
        }
        Duration::ZERO
    }

    fn due(&mut self, now: Timestamp) -> Option<Due> {
        let known = Known { newest: self.newest.clone(), tried: self.tried.clone() };
        let steady = Duration::from_nanos(monotonic_nanos());
        self.schedule.as_ref().map(|schedule| self.alarm.look(schedule, &known, now, steady))
    }

    /// Somebody else is at the job.
    fn skip(&mut self, now: Timestamp) {
        self.tried = Some(Tried { began: now, ended: now, exit: Some(Exit::Locked), failures: 0 });
        let next = self.due(now).map_or(String::new(), |due| format!("; next at {}", shown(due.at)));
        tell!("{}: not started, since another process is at its run{next}", self.command.name);
    }

    async fn start(&mut self, due: Due, stop: &watch::Receiver<Stop>) {
        let began = Timestamp::now();
        tell!("{}: run started{}", self.command.name, because(due.why));
        self.shown.send_modify(|standing| {
            standing.running_since = Some(began);
            standing.next = None;
        });
        let ended = self.command.run(stop).await;
        let failures = match Tried::is_worth_another(ended.exit) {
            true => self.tried.as_ref().map_or(0, |tried| tried.failures).saturating_add(1),
            false => 0,
        };
        self.tried = Some(Tried { began, ended: Timestamp::now(), exit: ended.exit, failures });
        self.reader.forget();
        let runs = self.reader.look(Timestamp::now()).await;
        self.newest = newest(&runs);
        self.say(&ended, &runs, stop.borrow().is_set());
    }

    /// Says how a run ended, and when the next one is.
    fn say(&mut self, ended: &RunEnded, runs: &LastRuns, is_stopped: bool) {
        let next = self.due(Timestamp::now()).map(|due| due.at);
        let name = self.command.name.clone();
        let trouble = trouble(ended);
        match &trouble {
            None => tell!("{name}: {}", published(runs)),
            Some(why) if is_stopped => tell!("{name}: {why}"),
            Some(why) => {
                let again = next.map_or(String::new(), |at| format!("; again at {}", shown(at)));
                tell!("{name}: {why}{again}");
            }
        }
        self.shown.send_modify(|standing| {
            standing.running_since = runs.running_since;
            standing.last = runs.last.as_ref().map(|last| last.standing.clone());
            standing.next = next;
            standing.trouble = trouble;
        });
    }
}

/// What counts of the runs for the next start: of one that somebody is at, that it has begun.
fn newest(runs: &LastRuns) -> Option<Newest> {
    if let Some(started_at) = runs.running_since {
        return Some(Newest { started_at, state: StateOfRun::Running, settled_at: None, renews_at: None });
    }
    runs.last.as_ref().map(|last| Newest {
        started_at: last.standing.started_at,
        state: last.standing.state,
        settled_at: last.settled_at,
        renews_at: last.renews_at,
    })
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LOOK)
}

fn because(why: Why) -> &'static str {
    match why {
        Why::Regular | Why::First => "",
        Why::Missed => ", late",
        Why::Unfinished => ": it goes on with the last one",
        Why::Renewed => ": its quota has renewed",
        Why::Again => " again",
    }
}

/// `published 3 rows in 2 s`.
fn published(runs: &LastRuns) -> String {
    let Some(run) = runs.last.as_ref().map(|last| &last.standing) else { return "run ended".to_owned() };
    let took = run.took.map_or(String::new(), |took| {
        format!(" in {}", humantime::format_duration(Duration::from_secs(took.as_secs())))
    });
    match run.rows {
        Some(rows) => format!("published {}{took}", counted(rows, "row")),
        None => "run ended".to_owned(),
    }
}

/// Why a run did not end well, in a line.
fn trouble(ended: &RunEnded) -> Option<String> {
    let said = ended.said.as_ref().map_or(String::new(), |said| format!(": {said}"));
    match ended.exit {
        Some(Exit::Done) => None,
        Some(Exit::Interrupted(_)) => Some(format!("run interrupted{said}")),
        Some(exit) => Some(format!("run failed (exit {}){said}", exit.code())),
        None => Some(format!("run failed{said}")),
    }
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
