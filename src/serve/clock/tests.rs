//! A clock with a script in the place of windrow, and with runs that are there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;
use crate::handoff::lock::lock_run;
use crate::handoff::{Plan, RunStore, layout, runs};
use crate::report::Console;
use crate::runner::{self, FetchOptions, RunOptions, Trial};
use crate::secrets::Secrets;

/// A job without records, which is published without asking anybody, and a script that is run for it.
struct Scene {
    folder: TempDir,
    job: Job,
}

impl Scene {
    fn new(settings: &str, script: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "job = {{ name = \"prices\"{settings} }}\ninput = {{ ids = [], id = \"id\", allow_empty = true }}\n\
             table = {{ to = \"csv:prices.csv\", mode = \"replace\" }}\n\
             [[endpoint]]\nname = \"e\"\nurl = \"http://127.0.0.1:1/{{id}}\"\ncolumns = {{ x = \".x\" }}\n"
        );
        let path = folder.path().join("prices.toml");
        std::fs::write(&path, text).unwrap();
        let program = folder.path().join("windrow");
        let script = format!("#!/bin/sh\ncd {}\necho . >> starts\n{script}\n", folder.path().display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Scene { job: Job::load(&path).unwrap(), folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("shards")
    }

    fn clock(&self) -> (Clock, watch::Receiver<JobStanding>) {
        Clock::new(&self.job, self.root(), None, self.folder.path().join("windrow"))
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("starts")).map_or(0, |text| text.lines().count())
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            root: self.root(),
            secrets: Secrets::from_environment(),
            is_new: false,
            waits: false,
            trial: Trial::default(),
            fetch: FetchOptions::default(),
        }
    }

    /// A run by hand, in this process.
    async fn run_by_hand(&self) {
        let stop = watch::channel(Stop::No).1;
        runner::run(&self.job, &self.options(), &stop, &mut Console::default()).await.unwrap();
    }

    async fn plan_by_hand(&self) {
        let RunOptions { root, secrets, trial, .. } = self.options();
        runner::plan_new(&self.job, &root, &secrets, &trial, &mut Console::default()).await.unwrap();
    }

    fn newest(&self) -> PathBuf {
        runs::runs_of(&self.root(), "prices").remove(0)
    }

    async fn look(&self) -> LastRuns {
        RunReader::new(self.root(), "prices").look(Timestamp::now()).await
    }
}

async fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(100), "it did not come to it: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_job_is_run_at_its_interval_until_this_process_ends() {
    let scene = Scene::new(", every = \"1s\"", "exit 1");
    let (clock, standing) = scene.clock();
    assert_eq!(standing.borrow().schedule.as_deref(), Some("every 1s"));
    let (sender, stop) = watch::channel(Stop::No);
    let begun = Instant::now();
    let running = tokio::spawn(clock.run(stop));
    until("four starts", || scene.starts() >= 4).await;
    assert!(begun.elapsed() >= Duration::from_secs(3), "a second lies between two");
    until("its end", || standing.borrow().running_since.is_none() && standing.borrow().trouble.is_some())
        .await;
    assert_eq!(standing.borrow().trouble.as_deref(), Some("run failed (exit 1)"));
    sender.send(Stop::Drain(15)).unwrap();
    tokio::time::timeout(Duration::from_secs(60), running).await.expect("an end").unwrap();
}

#[tokio::test]
async fn what_failed_is_tried_again_later_than_its_interval() {
    let scene = Scene::new(", every = \"1s\"", "echo 'the disk is full' >&2; exit 4");
    let (clock, standing) = scene.clock();
    let (_sender, stop) = watch::channel(Stop::No);
    let running = tokio::spawn(clock.run(stop));
    until("its end", || standing.borrow().trouble.is_some()).await;
    let JobStanding { next, trouble, running_since, .. } = standing.borrow().clone();
    assert_eq!(trouble.as_deref(), Some("run failed (exit 4): the disk is full"));
    let wait = next.unwrap().duration_since(Timestamp::now());
    assert!(wait > SignedDuration::from_secs(20) && wait <= SignedDuration::from_secs(30), "{wait:?}");
    assert_eq!((running_since, scene.starts()), (None, 1));
    running.abort();
}

#[tokio::test]
async fn a_stop_is_passed_on_and_waited_for() {
    let scene = Scene::new(
        ", every = \"1h\"",
        "trap 'sleep 0.3; echo > asked; exit 143' TERM; echo > ready; while :; do sleep 0.05; done",
    );
    let (clock, standing) = scene.clock();
    let (sender, stop) = watch::channel(Stop::No);
    let running = tokio::spawn(clock.run(stop));
    let ready = scene.folder.path().join("ready");
    until("its start", || ready.is_file()).await;
    assert!(standing.borrow().running_since.is_some());
    sender.send(Stop::Drain(15)).unwrap();
    tokio::time::timeout(Duration::from_secs(60), running).await.expect("an end").unwrap();
    assert!(scene.folder.path().join("asked").is_file());
    assert_eq!(standing.borrow().trouble.as_deref(), Some("run interrupted"));
}

#[tokio::test]
async fn a_job_without_a_schedule_is_looked_at_and_not_run() {
    let scene = Scene::new("", "");
    scene.run_by_hand().await;
    let (mut clock, standing) = scene.clock();
    let stop = watch::channel(Stop::No).1;
    assert_eq!(clock.turn(&stop).await, LOOK);
    let JobStanding { schedule, next, last, .. } = standing.borrow().clone();
    assert_eq!((schedule, next), (None, None));
    assert_eq!(last.unwrap().state, StateOfRun::Published);
    assert_eq!(scene.starts(), 0);
}

/// No state of its own: a run by hand is the newest, and the next start counts from it.
#[tokio::test]
async fn a_run_by_hand_counts_and_one_that_somebody_is_at_is_skipped() {
    let scene = Scene::new(", every = \"3s\"", "");
    scene.run_by_hand().await;
    let started = scene.look().await.last.unwrap().standing.started_at;
    let (mut clock, standing) = scene.clock();
    let stop = watch::channel(Stop::No).1;
    clock.turn(&stop).await;
    let next = standing.borrow().next.unwrap();
    assert!(
        next == started.checked_add(SignedDuration::from_secs(3)).unwrap()
            || next > started && scene.starts() == 1
    );
    let starts = scene.starts();
    let lock = lock_run(&scene.newest()).unwrap();
    clock.tried = None;
    let begun = Instant::now();
    while clock.tried.is_none() {
        tokio::time::sleep(clock.turn(&stop).await).await;
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    assert_eq!(clock.tried.as_ref().unwrap().exit, Some(Exit::Locked));
    assert!(standing.borrow().running_since.is_some());
    assert_eq!(scene.starts(), starts, "nothing is started");
    drop(lock);
}

#[tokio::test]
async fn the_newest_run_is_found_among_what_is_none() {
    let scene = Scene::new("", "");
    let none = scene.look().await;
    assert!(none.last.is_none() && none.running_since.is_none());
    scene.plan_by_hand().await;
    assert!(scene.look().await.last.is_none(), "a plan alone is no run");
    scene.run_by_hand().await;
    let published = scene.look().await.last.unwrap();
    assert_eq!((published.standing.state, published.standing.rows), (StateOfRun::Published, Some(0)));
    assert!(published.settled_at.is_some() && published.standing.failures.is_empty());
    // One of a time when the clock was wrong.
    let id = "20990101T000000-0000000000000";
    copy_as(&scene.newest(), id, 4_070_908_800_000_000).await;
    let then = Timestamp::from_second(4_070_908_801).unwrap();
    let seen_then = RunReader::new(scene.root(), "prices").look(then).await.last.unwrap();
    assert_eq!(seen_then.standing.id, id, "it is a run like any other");
    assert_eq!(scene.look().await.last.unwrap().standing.id, published.standing.id);
    // One that somebody is at.
    let (mut reader, now) = (RunReader::new(scene.root(), "prices"), Timestamp::now());
    assert!(reader.look(now).await.running_since.is_none());
    let mine = scene.root().join("prices").join(&published.standing.id);
    let lock = lock_run(&mine).unwrap();
    let running = reader.look(now).await;
    assert_eq!((running.running_since, running.last.is_none()), (Some(published.standing.started_at), true));
    drop(lock);
    assert!(reader.look(now).await.running_since.is_none());
}

/// A copy of a run under another id, planned at another time.
async fn copy_as(run: &Path, id: &str, created_at: i64) {
    let to = run.with_file_name(id);
    std::fs::create_dir(&to).unwrap();
    for file in
        std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    let run = RunStore::open(&to).await.unwrap();
    let plan = run.plan().await.unwrap();
    std::fs::remove_file(to.join(layout::PLAN)).unwrap();
    run.put_plan(&Plan { run: id.to_owned(), created_at, ..plan }).await.unwrap();
}
