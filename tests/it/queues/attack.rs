//! Eight workers on two machines, a producer, and everything that can happen to them: in the end each job has one result.
//!
//! A machine is a folder of runs and one of states of its own. What comes is drawn from the seed; when, lies in the hands of the
//! machine that tests run on.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::on_both;
use super::stage::{Server, Stage, runs, send};
use crate::support::processes::{children_of, kill_9, naming};
use crate::support::{Cut, Sandbox, is_soak, seeded};

on_both!(
    two_workers_share_the_jobs,
    each_job_has_one_result_by_its_key,
    each_job_has_one_result_without_a_key,
);

/// How long a claim is a worker's.
const LEASE: Duration = Duration::from_secs(5);
const MACHINES: usize = 2;
const WORKERS: usize = 4;
/// Jobs that the producer is ahead at most, and inserts at once.
const AHEAD: u64 = 1_000;
const BITE: u64 = 100;
/// Blows at least.
const FEWEST_BLOWS: u64 = 20;
/// Longest attack before something must hang.
const PATIENCE: Duration = Duration::from_secs(240);
const PATIENCE_OF_SOAK: Duration = Duration::from_secs(4 * 3600);

/// Jobs, and the pause between two blows. Of a soak as many jobs as `WINDROW_QUEUE_JOBS` says.
fn terms() -> (u64, Duration) {
    if !is_soak() {
        return (3_000, Duration::from_millis(300));
    }
    let jobs = std::env::var("WINDROW_QUEUE_JOBS").ok().and_then(|jobs| jobs.parse().ok());
    (jobs.unwrap_or(10_000), Duration::from_secs(2))
}

/// What happens to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Blow {
    KillParent,
    KillChild,
    /// The whole worker stands still for longer than its lease, and then goes on: a zombie.
    Stop,
    /// Its parent alone: the child goes on asking.
    StopParent,
    /// One of the server's connections, or all of them.
    EndConnections,
    CutBeforeCommit,
    CutBeforeAnswer,
    /// In order: the first signal. It drains.
    Terminate,
}

const BLOWS: [Blow; 12] = [
    Blow::KillParent,
    Blow::KillParent,
    Blow::KillChild,
    Blow::KillChild,
    Blow::Stop,
    Blow::StopParent,
    Blow::EndConnections,
    Blow::CutBeforeCommit,
    Blow::CutBeforeAnswer,
    Blow::CutBeforeCommit,
    Blow::CutBeforeAnswer,
    Blow::Terminate,
];

/// One process of `windrow work`, started again whenever it has ended.
struct Worker {
    machine: usize,
    child: Child,
    /// Stopped processes, and when they go on.
    asleep: Option<(Instant, Vec<i32>)>,
}

struct Attack {
    stage: Stage,
    machines: Vec<Sandbox>,
    workers: Vec<Worker>,
    random: Rng,
    blows: BTreeMap<Blow, u64>,
    ends: BTreeMap<String, usize>,
}

impl Attack {
    fn new(on: Server, key: &str) -> Attack {
        let stage = Stage::apart(on);
        stage.make_tables("id bigint PRIMARY KEY", &format!("id bigint {key}"));
        stage.origin.knobs(r#"{"latency_ms": 20, "jitter_ms": 150}"#);
        let machines: Vec<Sandbox> = (0..MACHINES).map(|_| Sandbox::new()).collect();
        for machine in &machines {
            // A worker that is killed is no job's fault.
            let more = "poll = \"50ms\"\nclaim = 25\nparallel = 2\nattempts = 1000";
            stage.job(machine, &[("poll = \"50ms\"", more)]);
        }
        let mut attack = Attack {
            stage,
            machines,
            workers: Vec::new(),
            random: seeded(),
            blows: BTreeMap::new(),
            ends: BTreeMap::new(),
        };
        for number in 0..MACHINES * WORKERS {
            let (machine, child) = (number % MACHINES, attack.start(number % MACHINES));
            attack.workers.push(Worker { machine, child, asleep: None });
        }
        attack
    }

    fn start(&self, machine: usize) -> Child {
        let sandbox = &self.machines[machine];
        let log = File::options().create(true).append(true).open(sandbox.path().join("stderr")).unwrap();
        let mut command = sandbox.command(["work", "jobs.toml"]);
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Starts those anew that have ended, and wakes those whose time has come.
    fn look_after_workers(&mut self) {
        for number in 0..self.workers.len() {
            let worker = &mut self.workers[number];
            if let Some((until, _)) = &worker.asleep
                && *until <= Instant::now()
            {
                wake(worker.asleep.take());
            }
            if let Some(status) = worker.child.try_wait().unwrap() {
                wake(worker.asleep.take());
                let machine = worker.machine;
                *self.ends.entry(status.to_string()).or_default() += 1;
                self.workers[number].child = self.start(machine);
            }
        }
    }

    fn strike(&mut self) {
        let blow = BLOWS[self.random.usize(..BLOWS.len())];
        let struck = self.random.usize(..self.workers.len());
        let worker = &mut self.workers[struck];
        let parent = worker.child.id();
        match blow {
            Blow::KillParent => kill_9(parent.cast_signed()),
            Blow::KillChild => match children_of(parent).first() {
                Some(&child) => kill_9(child),
                None => return,
            },
            Blow::Stop | Blow::StopParent if worker.asleep.is_some() => return,
            Blow::Stop | Blow::StopParent => {
                let mut stopped = vec![parent.cast_signed()];
                if blow == Blow::Stop {
                    stopped.extend(children_of(parent));
                }
                stopped.iter().for_each(|&pid| signal(pid, Signal::SIGSTOP));
                let time = LEASE + Duration::from_millis(self.random.u64(500..3000));
                worker.asleep = Some((Instant::now() + time, stopped));
            }
            Blow::EndConnections => self.stage.end_connections(),
            Blow::CutBeforeCommit => self.stage.cut_next(Cut::BeforeCommit),
            Blow::CutBeforeAnswer => self.stage.cut_next(Cut::BeforeAnswer),
            Blow::Terminate => send(&worker.child, Signal::SIGTERM),
        }
        *self.blows.entry(blow).or_default() += 1;
    }

    /// Until so many jobs, which are inserted meanwhile, are done, with a restart of the server at a third and at two thirds.
    fn rage(&mut self, jobs: u64, pause: Duration) {
        let (began, mut last, mut inserted, mut restarts) = (Instant::now(), Instant::now(), 0, 0);
        let patience = if is_soak() { PATIENCE_OF_SOAK } else { PATIENCE };
        loop {
            let done = self.stage.count("done");
            if done == jobs {
                return;
            }
            assert!(began.elapsed() < patience, "{done} of {jobs} are done\n{}", self.told());
            // However fast the workers are: the last jobs come when there have been blows enough.
            let comes = (self.struck() + 1) * jobs / FEWEST_BLOWS;
            if inserted < jobs.min(comes) && inserted - done < AHEAD {
                let next = (inserted + BITE).min(jobs);
                self.stage.insert(inserted + 1..=next);
                inserted = next;
            }
            self.look_after_workers();
            if last.elapsed() >= pause {
                last = Instant::now();
                self.strike();
            }
            if done > jobs * (restarts + 1) / 3 && restarts < 2 {
                self.stage.restart(restarts == 0);
                restarts += 1;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn struck(&self) -> u64 {
        self.blows.values().sum()
    }

    /// Ends all workers in order.
    fn end(&mut self) {
        self.stage.cut_next(Cut::Never);
        for worker in &mut self.workers {
            wake(worker.asleep.take());
            signal(worker.child.id().cast_signed(), Signal::SIGTERM);
        }
        for worker in &mut self.workers {
            let began = Instant::now();
            while worker.child.try_wait().unwrap().is_none() {
                assert!(began.elapsed() < Duration::from_secs(60), "a worker does not end");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// What is left of killed workers is cleared by one that is left alone; then it is as if nothing had happened.
    fn is_settled(&self, jobs: u64) {
        for machine in &self.machines {
            let ended = machine.run(["work", "jobs.toml", "--until-empty"]).with_code(0);
            let left = runs(machine.path());
            assert!(left.is_empty(), "runs are left: {left:?}\n{}", ended.stderr);
            assert!(naming(machine.path()).is_empty(), "a process is left");
        }
        self.stage.is_settled(jobs);
    }

    /// What was done to them, how they ended, and what they said of it.
    fn told(&self) -> String {
        let mut lines = BTreeMap::new();
        for machine in &self.machines {
            let log = std::fs::read_to_string(machine.path().join("stderr")).unwrap_or_default();
            for line in log.lines() {
                // Numbers aside, what is said again and again is one line.
                let line: String = line.chars().filter(|letter| !letter.is_ascii_digit()).collect();
                *lines.entry(line).or_insert(0) += 1;
            }
        }
        let all: Vec<String> = lines.iter().map(|(line, count)| format!("{count:>6} {line}")).collect();
        format!("{:#?}\n{:#?}\n{}", self.blows, self.ends, all.join("\n"))
    }

    fn nobody_panicked(&self) {
        for machine in &self.machines {
            let log = std::fs::read_to_string(machine.path().join("stderr")).unwrap_or_default();
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            wake(worker.asleep.take());
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

fn wake(asleep: Option<(Instant, Vec<i32>)>) {
    asleep.into_iter().flat_map(|(_, stopped)| stopped).for_each(|pid| signal(pid, Signal::SIGCONT));
}

/// To a process that may be gone.
fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

fn each_job_has_one_result(on: Server, key: &str) {
    let (jobs, pause) = terms();
    let mut attack = Attack::new(on, key);
    attack.rage(jobs, pause);
    attack.end();
    println!("{}", attack.told());
    attack.nobody_panicked();
    attack.is_settled(jobs);
    assert!(attack.struck() + 1 >= FEWEST_BLOWS, "{:?}", attack.blows);
}

/// The table itself would refuse a second result.
fn each_job_has_one_result_by_its_key(on: Server) {
    each_job_has_one_result(on, "PRIMARY KEY");
}

/// Nothing but the claims keeps a second result out.
fn each_job_has_one_result_without_a_key(on: Server) {
    each_job_has_one_result(on, "");
}

/// Nobody is struck: no job is asked twice, and both have worked.
fn two_workers_share_the_jobs(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 20\nparallel = 2");
    stage.make_tables("id bigint PRIMARY KEY", "id bigint");
    stage.origin.knobs(r#"{"latency_ms": 100}"#);
    let (machine, beside) = (Sandbox::new(), stage.sandbox.beside());
    let job = std::fs::read_to_string(stage.sandbox.path().join("jobs.toml")).unwrap();
    for other in [&machine, &beside] {
        other.write("jobs.toml", &job);
    }
    let workers = [&stage.sandbox, &machine, &beside].map(|sandbox| stage.start_in(sandbox));
    (0..20).for_each(|part| stage.insert(part * 50 + 1..=part * 50 + 50));
    stage.wait_for("done", 1000);
    let told = workers.map(super::stage::end);
    stage.is_settled(1000);
    assert_eq!(stage.asked(), 1000, "none is asked twice: {}", told[0].stderr);
}
