//! `windrow check`: a job looked at before it runs, with three records asked; nothing is written.

use super::example;
use crate::support::{Origin, Sandbox, small_job};

#[test]
fn request_answer_and_row_are_shown_and_nothing_is_written() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 50, "", "");
    let checked = sandbox.run(["check", job.to_str().unwrap()]).with_code(0);
    checked.saying("the job is valid, and every answer fits it; nothing was written");
    let shown = sandbox.run(["check", job.to_str().unwrap(), "--ids", "tt0000001"]).with_code(0).stdout;
    for expected in [
        "imdb_id = tt0000001",
        "> GET http://127.0.0.1:",
        "/?i=tt0000001",
        "200, ",
        ", application/json, ",
        "< {\n",
        "title",
        "budget",
    ] {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
    assert_eq!(origin.counts()["total"], 8, "three records and one, two requests each");
    let left: Vec<String> = std::fs::read_dir(sandbox.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn every_feature_is_shown() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let social = example(&sandbox, &origin, "social_stats", "social_urls.csv");
    let shown = sandbox.run(["check", social.to_str().unwrap()]).with_code(0).stdout;
    for expected in [
        "asked with record",
        "> POST http://",
        "\"pos.plusones.get\"",
        "content-type: application/json",
        "receiveCount(",
    ] {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
    let odds = example(&sandbox, &origin, "odds", "odds_matches.csv");
    let shown = sandbox.run(["check", odds.to_str().unwrap(), "--sample", "20"]).with_code(0).stdout;
    assert!(shown.contains("bookmaker") && shown.contains(" rows"), "{shown}");
}

#[test]
fn what_does_not_fit_is_seen_before_the_run() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 50, "", "");
    sandbox.edit("small.toml", "jq = \".Year\"", "jq = \".Title\"");
    let checked = sandbox.run(["check", job.to_str().unwrap()]).with_code(1);
    assert!(checked.stdout.contains("failed (convert): column year"), "{}", checked.stdout);
    sandbox.edit("small.toml", &origin.url(), "http://127.0.0.1:9");
    sandbox.run(["check", job.to_str().unwrap()]).with_code(75).saying("nothing succeeds (connect: ");
    assert!(!sandbox.path().join("shards").exists());
}

/// Records have other places among those that are tried than in the list.
#[test]
fn each_record_is_tried_on_its_own_answer() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint = "url = \"ORIGIN/echo/{id}\"\ncolumns = { n = { jq = \".target\", type = \"bigint\", regex = '(\\d+|bad.*)$' } }";
    let ids = ["1", "2", "bad3", "4", "bad5", "6"];
    super::job(&sandbox, &origin, &ids, "retry_rounds = 0", endpoint, "");
    super::run(&sandbox);
    sandbox.edit("job.toml", "bigint", "text");
    sandbox.edit("job.toml", "name = \"found\"", "name = \"other\"");
    let shown = sandbox.run(["check", "job.toml", "--offline"]).with_code(0).stdout;
    let values: Vec<&str> =
        shown.lines().filter_map(|line| line.strip_prefix("    n ")).map(str::trim).collect();
    assert_eq!(values, ["bad3", "bad5"], "{shown}");
    assert!(!shown.contains("> GET"), "nobody is asked: {shown}");
}

#[test]
fn columns_are_tried_on_answers_that_a_run_kept() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 50, "", "");
    sandbox.edit("small.toml", "jq = \".Year\"", "jq = \".Title\"");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let before = origin.counts()["total"].clone();
    sandbox.run(["check", job.to_str().unwrap(), "--offline"]).with_code(1);
    sandbox.edit("small.toml", "jq = \".Title\"", "jq = \".Year\"");
    let tried = sandbox.run(["check", job.to_str().unwrap(), "--offline"]);
    assert!(tried.stdout.contains("year "), "{}\n{}", tried.stdout, tried.stderr);
    assert_eq!(origin.counts()["total"], before, "nobody was asked");
}
