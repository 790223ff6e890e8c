//! Runs worked in this process: which is continued, what a pause publishes, what a gate refuses, what stands for what. The
//! server is a socket of the test's own.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;

use super::outcome::{Ended, Part, RunEnd};
use super::trial::{Asking, ask_shard};
use super::*;
use crate::handoff::{Event, Exit};
use crate::job::Job;
use crate::merge::{ResolvedDestination, first_rows};
use crate::os::Stop;
use crate::secrets::Secrets;
use crate::supervisor::{Notice, Observer};
use crate::worker::{Received, Sent, ShardEnd};

/// Records of a run: a shard has 64 at most, so that these are two, of 64 and 36.
const RECORDS: usize = 100;

/// A server that answers each path with itself, and `/gone…` with a 404.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                    if head.ends_with(b"\r\n\r\n") {
                        let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap().to_owned();
                        let status = if path.starts_with("/gone") { "404 Not Found" } else { "200 OK" };
                        let body = format!("{{\"x\": \"{path}\"}}");
                        let length = body.len();
                        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
                        stream.write_all(answer.as_bytes()).unwrap();
                        head.clear();
                    }
                }
            });
        }
    });
    address
}

/// Ids of two shards, of which so many are not to be found.
fn ids(gone: usize) -> Vec<String> {
    (0..RECORDS).map(|id| if id < gone { format!("gone{id}") } else { id.to_string() }).collect()
}

/// A job of these ids, with more keys in some sections.
fn job(folder: &Path, origin: SocketAddr, ids: &[String], settings: &str, publish: &str) -> Job {
    let text = format!(
        "job = {{ name = \"small\", shard_size = 64, retry_rounds = 0{settings} }}\n\
         input = {{ ids = {ids:?}, id = \"id\" }}\n\
         table = {{ to = \"duckdb:small.duckdb\", name = \"small\", mode = \"append\" }}\n\
         publish = {{ {publish} }}\n\
         [[endpoint]]\nname = \"e\"\nurl = \"http://{origin}/{{id}}\"\ncolumns = {{ x = \".x\" }}\n"
    );
    let path = folder.join("small.toml");
    std::fs::write(&path, text).unwrap();
    Job::load(&path).unwrap()
}

/// What a run came to, in a word each.
#[derive(Default)]
struct Noted(Vec<&'static str>);

impl Observer for Noted {
    fn event(&mut self, _: u32, _: &Event) {}

    fn notice(&mut self, _: u32, _: &Notice) {}
}

impl Watcher for Noted {
    fn reached(&mut self, milestone: Milestone<'_>) {
        self.0.push(match milestone {
            Milestone::Planned { .. } => "planned",
            Milestone::Resumed(_) => "resumed",
            Milestone::LeftBehind { .. } => "left behind",
            Milestone::FoundPublished { .. } => "found published",
            Milestone::FoundWarnings { .. } => "found warnings",
            Milestone::StandsForThis(_) => "stands for this",
            Milestone::RoundBegun { .. } => "round begun",
            Milestone::FetchingBegun { .. } => "fetching begun",
            Milestone::Opened(_)
            | Milestone::WorkedBy(_)
            | Milestone::Proving
            | Milestone::PublishingEnded
            | Milestone::Loading { .. } => return,
            _ => "other",
        });
    }
}

/// A folder with a job, whose runs are planned and worked here.
struct Scene {
    folder: TempDir,
    job: Job,
    noted: Noted,
    stop: watch::Receiver<Stop>,
    on_answer: Rc<dyn Fn(&Received<'_>)>,
}

impl Scene {
    fn of(ids: &[String], settings: &str, publish: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), origin(), ids, settings, publish);
        let stop = watch::channel(Stop::default()).1;
        Scene { folder, job, noted: Noted::default(), stop, on_answer: Rc::new(|_| {}) }
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            root: self.folder.path().join("shards"),
            secrets: Secrets::from_environment(),
            is_new: false,
            waits: false,
            trial: Trial::default(),
            // No process is started: what is to be fetched is fetched here.
            fetch: FetchOptions { max_requests: Some(0), ..FetchOptions::default() },
        }
    }

    /// Plans a run, and works these of its shards.
    async fn begin(&mut self, shards: &[u32]) {
        let options = self.options();
        let planned =
            plan_new(&self.job, &options.root, &options.secrets, &options.trial, &mut self.noted).await;
        self.work(&planned.unwrap(), shards).await;
    }

    fn asking<'a>(&self, secrets: &'a Secrets) -> Asking<'a> {
        let (on_request, on_answer) =
            (Rc::new(|_: &Sent<'_>| ControlFlow::Continue(())), self.on_answer.clone());
        Asking { secrets, earlier: None, on_request, on_answer, emit: |_| {} }
    }

    async fn work(&self, run: &LiveRun, shards: &[u32]) {
        let secrets = Secrets::from_environment();
        let asking = self.asking(&secrets);
        let rounds = run.store.rounds().await.unwrap();
        assert_eq!(rounds[0].shards.len(), 2);
        for shard in rounds[0].shards.iter().filter(|shard| shards.contains(&shard.number)) {
            let end = ask_shard(run, &self.job, shard, &asking, &self.stop).await.unwrap();
            assert_eq!(end, ShardEnd::Committed);
        }
    }

    async fn run(&mut self) -> Ended {
        self.try_to_run().await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_to_run(&mut self) -> Result<Ended, RunnerError> {
        run(&self.job, &self.options(), &self.stop, &mut self.noted).await
    }

    async fn rows(&self) -> Vec<String> {
        let place = ResolvedDestination::of_job(&self.job, &Secrets::from_environment()).unwrap();
        let found = first_rows(&place, "small", 100).await.unwrap();
        let mut rows: Vec<String> = found.rows.into_iter().map(|row| row[1].clone().unwrap()).collect();
        rows.sort();
        rows
    }
}

fn published(ended: &Ended) -> u64 {
    match &ended.end {
        RunEnd::Published(published) => published.rows,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_that_was_fetched_is_continued_and_published_once() {
    let mut scene = Scene::of(&ids(0), "", "");
    scene.begin(&[0, 1]).await;
    let ended = scene.run().await;
    assert_eq!((published(&ended), ended.exit()), (100, Exit::Done));
    assert_eq!(scene.noted.0, ["resumed"]);
    assert_eq!(scene.rows().await.len(), 100);
    ended.told();
    drop(ended);
    // It is over: the next one begins anew, and has not fetched anything.
    let ended = scene.run().await;
    assert!(matches!(&ended.end, RunEnd::Unfinished(left) if left.fetched.exit == Exit::Paused));
    assert_eq!(scene.noted.0, ["resumed", "planned"]);
    assert_eq!(scene.rows().await.len(), 100);
}

#[tokio::test]
async fn a_publication_that_nobody_was_told_of_stands_for_the_next_run() {
    let mut scene = Scene::of(&ids(0), "", "");
    scene.begin(&[0, 1]).await;
    // Its process dies before it has told.
    drop(scene.run().await);
    let ended = scene.run().await;
    assert_eq!((published(&ended), ended.exit()), (100, Exit::Done));
    assert_eq!(scene.noted.0, ["resumed", "found published", "stands for this"]);
    assert_eq!(scene.rows().await.len(), 100);
    ended.told();
    drop(ended);
    assert!(matches!(scene.run().await.end, RunEnd::Unfinished(_)));
    assert_eq!(scene.noted.0.last(), Some(&"planned"));
}

#[tokio::test]
async fn who_looks_on_sees_how_each_answer_began() {
    let mut scene = Scene::of(&ids(2), "", "");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noted = seen.clone();
    scene.on_answer = Rc::new(move |received| {
        let Received { ordinal, endpoint, page, status, bytes, content_type, .. } = *received;
        let length = received
            .headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map(|(_, value)| value.clone());
        assert!(received.took > Duration::ZERO && content_type.is_none(), "{received:?}");
        assert_eq!(length, Some(bytes.to_string()));
        noted.borrow_mut().push((ordinal, endpoint, page, status));
    });
    scene.begin(&[0]).await;
    let mut seen = seen.take();
    seen.sort_unstable();
    let status = |ordinal| if ordinal < 2 { 404 } else { 200 };
    assert_eq!(seen, (0..64).map(|ordinal| (ordinal, 0, None, status(ordinal))).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_interrupted_run_keeps_what_it_fetched() {
    let mut scene = Scene::of(&ids(0), "", "");
    scene.begin(&[1]).await;
    for _ in 0..2 {
        let ended = scene.run().await;
        let RunEnd::Unfinished(left) = &ended.end else { panic!("{:?}", ended.end) };
        assert!(matches!((left.fetched.exit, &left.published), (Exit::Paused, Part::Nothing)), "{left:?}");
    }
    assert_eq!(scene.noted.0, ["resumed", "resumed"]);
    let options = scene.options();
    let Choice::Continue(run) =
        choose(&scene.job, &options.root, &options.secrets, Purpose::Work).await.unwrap()
    else {
        panic!("it is continued")
    };
    scene.work(&run, &[0]).await;
    drop(run);
    assert_eq!(published(&scene.run().await), 100);
}

#[tokio::test]
async fn a_pause_publishes_the_records_that_are_whole_where_the_job_says_so() {
    let mut scene = Scene::of(&ids(0), "", "on_pause = \"publish\"");
    scene.begin(&[1]).await;
    let ended = scene.run().await;
    let RunEnd::Unfinished(Unfinished { published: Part::SoFar(part), .. }) = &ended.end else {
        panic!("{:?}", ended.end)
    };
    assert_eq!((part.rows, part.so_far, ended.exit()), (36, 36, Exit::Paused));
    assert_eq!(scene.rows().await, (64..100).map(|id| format!("/{id}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_gate_that_is_shut_is_how_a_run_ends_and_overridden_by_merge_anyway() {
    let mut scene = Scene::of(&ids(30), "", "min_success = 0.9");
    scene.begin(&[0, 1]).await;
    let ended = scene.run().await;
    let RunEnd::Refused(why) = &ended.end else { panic!("{:?}", ended.end) };
    assert!(why.contains("70 %"), "{why}");
    assert_eq!(ended.exit(), Exit::Refused);
    let folder = ended.run.store.folder().to_owned();
    assert!(!scene.folder.path().join("small.duckdb").exists());
    drop(ended);
    let run = LiveRun::open(&folder, Purpose::Work).await.unwrap();
    let options = MergeOptions { to: None, anyway: true, secrets: Secrets::from_environment() };
    let ended = merge(run, &options, &scene.stop, &mut scene.noted).await.unwrap();
    assert_eq!(published(&ended), 70);
    assert_eq!(scene.rows().await.len(), 70);
}

#[tokio::test]
async fn a_run_of_another_list_is_left_as_it_is_or_stops_the_next() {
    let mut scene = Scene::of(&ids(0), "", "");
    scene.begin(&[0]).await;
    let (folder, origin) = (scene.folder.path().to_owned(), origin());
    scene.job = job(&folder, origin, &ids(1), ", on_change = \"stop\"", "");
    let error = scene.try_to_run().await.err().expect("it is stopped");
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.to_string().contains("has changed"), "{error}");
    scene.job = job(&folder, origin, &ids(1), ", on_change = \"new\"", "");
    scene.run().await;
    assert_eq!(scene.noted.0, ["left behind", "planned"]);
}

#[tokio::test]
async fn a_run_that_is_too_old_to_resume_is_left_as_it_is() {
    let mut scene = Scene::of(&ids(0), ", resume_within = \"0s\"", "");
    scene.begin(&[0]).await;
    scene.run().await;
    assert_eq!(scene.noted.0, ["left behind", "planned"]);
}

#[tokio::test]
async fn a_job_is_held_until_its_end_is_dropped() {
    let mut scene = Scene::of(&ids(0), "", "");
    scene.begin(&[0, 1]).await;
    let ended = scene.run().await;
    let error = scene.try_to_run().await.err().expect("it is held");
    assert_eq!(error.exit(), Exit::Locked);
    assert!(error.to_string().starts_with("job small is in use"), "{error}");
    drop(ended);
    assert_eq!(published(&scene.run().await), 100, "it stands");
}
