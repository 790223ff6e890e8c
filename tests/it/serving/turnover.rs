//! Is every body of one publication, whatever happens to the file and to the run?

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::stage::{Answer, SOON, Serving, Stage, ask};
use crate::support::processes::{kill_9, until};
use crate::support::{Disk, at_most, is_soak, seeded};

/// Publications that readers read through.
fn publications() -> usize {
    if is_soak() { 50 } else { 8 }
}

/// The runs whose rows a body has.
fn runs_in(answer: &Answer) -> BTreeSet<String> {
    let rows = answer.json();
    let rows = rows.as_array().expect("rows");
    rows.iter().map(|row| row["run"].as_str().expect("a run").to_owned()).collect()
}

/// A list of ids, so that a table takes a while to be made, read and written.
fn wide(stage: &Stage) {
    let ids: Vec<String> = (0..2_000).map(|number| format!("\"id{number}\"")).collect();
    stage.change("\"a\", \"b\", \"c\"", &ids.join(", "));
}

/// Reads until told to stop; how many bodies it had, each of which was whole, of one run, and of its tag.
fn read_on(
    serving: &Serving,
    is_over: &AtomicBool,
    bodies: &AtomicUsize,
    seen: &mut BTreeSet<(String, String)>,
) {
    while !is_over.load(Ordering::Relaxed) {
        let answer = ask(serving.address, "GET", "/prices.json", &[]).expect("an answer, whole");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let runs = runs_in(&answer);
        assert_eq!((runs.len(), answer.json().as_array().unwrap().len()), (1, 2_000), "{runs:?}");
        seen.insert((answer.header("etag").to_owned(), runs.into_iter().next().unwrap()));
        let page = ask(serving.address, "GET", "/prices.json?limit=50&order=-id", &[]).expect("a page");
        assert_eq!((page.status, runs_in(&page).len()), (200, 1));
        bodies.fetch_add(2, Ordering::Relaxed);
    }
}

#[test]
fn every_body_is_of_one_publication_while_the_table_is_published_again_and_again() {
    let stage = Stage::new();
    wide(&stage);
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.json");
    let (is_over, bodies) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Vec<BTreeSet<(String, String)>> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = BTreeSet::new();
                    read_on(&serving, &is_over, &bodies, &mut seen);
                    seen
                })
            })
            .collect();
        for _ in 0..publications() {
            stage.run().with_code(0);
            let run = newest(&stage);
            until(SOON, "it is served", || {
                runs_in(&serving.get("/prices.json?limit=1")) == BTreeSet::from([run.clone()])
            });
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().expect("each body was right")).collect()
    });
    let tags: BTreeSet<&(String, String)> = seen.iter().flatten().collect();
    let runs: BTreeSet<&String> = tags.iter().map(|(_, run)| run).collect();
    assert_eq!(tags.len(), runs.len(), "a tag is one run's, and a run has one tag");
    assert!(
        runs.len() > 2 && bodies.load(Ordering::Relaxed) > 20,
        "{} bodies",
        bodies.load(Ordering::Relaxed)
    );
    serving.end();
}

fn newest(stage: &Stage) -> String {
    stage.sandbox.newest_run("prices").file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn whoever_is_killed_while_it_publishes_the_last_good_table_is_served() {
    let stage = Stage::new();
    wide(&stage);
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.json");
    let mut random = seeded();
    // How long a run takes here, so that the blows fall all over it, the merge not left out.
    let began = std::time::Instant::now();
    stage.sandbox.run(["run", "prices.toml", "--new"]).with_code(0);
    let whole = began.elapsed();
    for _ in 0..if is_soak() { 40 } else { 8 } {
        let mut run = stage.sandbox.start(["run", "prices.toml"]);
        std::thread::sleep(whole.mul_f64(0.3 + 0.8 * random.f64()));
        kill_9(run.id().cast_signed());
        run.wait().unwrap();
        let answer = serving.get("/prices.json").with_status(200);
        assert_eq!((runs_in(&answer).len(), answer.json().as_array().unwrap().len()), (1, 2_000));
    }
    stage.run().with_code(0);
    let run = newest(&stage);
    until(SOON, "the last one is served", || {
        runs_in(&serving.get("/prices.json")) == BTreeSet::from([run.clone()])
    });
    serving.end();
}

#[test]
fn what_cannot_be_read_is_told_and_the_last_good_table_is_served() {
    let stage = Stage::new();
    stage.change("[table]", "[serve]\nstale_after = \"2s\"\n\n[table]");
    stage.run().with_code(0);
    let serving = stage.serve_only();
    let good = serving.wait_for("/prices.json");
    let file = stage.sandbox.path().join("prices.parquet");
    // Written over by somebody, cut short, gone.
    let published = std::fs::read(&file).unwrap();
    for damage in [&b"no Parquet at all"[..], &published[..published.len() / 2], b""] {
        let told = serving.told().len();
        std::fs::write(&file, damage).unwrap();
        until(SOON, "it is told", || serving.told()[told..].contains("prices"));
        assert_eq!(serving.get("/prices.json").body, good.body);
        assert!(serving.get("/").text().contains("prices.parquet"), "the page says so");
    }
    std::fs::remove_file(&file).unwrap();
    until(SOON, "it is told", || serving.get("/").text().contains("gone"));
    assert_eq!(serving.get("/prices.json").body, good.body);
    until(at_most(SOON), "it is too old", || serving.get("/readyz").status == 503);
    assert_eq!(serving.get("/healthz").status, 200, "it answers");
    stage.run().with_code(0);
    until(SOON, "a new one is served", || serving.get("/prices.json").body != good.body);
    assert_eq!(serving.get("/readyz").status, 200);
    serving.end();
}

/// Whoever began to read a generation reads it to its end, though another took its place.
#[test]
fn a_reader_finishes_what_it_began() {
    use std::io::{Read as _, Write as _};
    let stage = Stage::new();
    wide(&stage);
    stage.run().with_code(0);
    let serving = stage.serve_only();
    let whole = serving.wait_for("/prices.json");
    let mut slow = std::net::TcpStream::connect(serving.address).unwrap();
    write!(slow, "GET /prices.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut first = [0; 100];
    slow.read_exact(&mut first).unwrap();
    stage.run().with_code(0);
    until(SOON, "the new one is served", || {
        serving.get("/prices.json").header("etag") != whole.header("etag")
    });
    std::thread::sleep(Duration::from_millis(200));
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&whole.body[whole.body.len() - 1000..]), "of the old one");
    serving.end();
}

/// The copy of a new file does not fit on the disk: the one before goes on being served, and the new one is when there is room.
#[test]
fn a_full_disk_keeps_the_last_good_table_until_there_is_room() {
    let stage = Stage::new();
    stage.run().with_code(0);
    let disk = Disk::mount(stage.sandbox.path().join("small"), "size=512k");
    let serving = Serving::start(&stage.sandbox, &["prices.toml", "--no-runs", "--runs", "small"]);
    let good = serving.wait_for("/prices.json");
    disk.fill();
    // Its own runs lie elsewhere.
    stage.run().with_code(0);
    until(SOON, "it is told", || serving.told().contains("No space left on device"));
    assert_eq!(serving.get("/prices.json").with_status(200).body, good.body);
    disk.free();
    until(Duration::from_secs(30), "the new one is served", || serving.get("/prices.json").body != good.body);
    serving.end();
}

/// A table that is larger than its memory is read from its copy, and answers the same.
#[test]
fn a_table_beyond_its_memory_answers_the_same() {
    let stage = Stage::new();
    wide(&stage);
    stage.run().with_code(0);
    let serving = stage.serve_only();
    let (whole, found) = (serving.wait_for("/prices.json"), serving.get("/prices/id77"));
    serving.end();
    stage.change("[table]", "[serve]\nmax_memory = \"1MB\"\n\n[table]");
    let serving = stage.serve_only();
    assert_eq!(serving.wait_for("/prices.json").body, whole.body);
    assert_eq!(serving.get("/prices/id77").with_status(200).body, found.body);
    serving.signal(Signal::SIGTERM);
}
