//! Jobs that fail: for a while, for good, by the table's own rules; their neighbours are done.

use std::time::Duration;

use super::on_both;
use super::stage::{Server, Stage, end, failing, runs};
use crate::support::processes::until;

on_both!(
    a_job_that_fails_twice_rests_and_is_done,
    a_job_that_fails_for_good_is_dead_at_once,
    a_job_that_goes_on_failing_is_dead_after_its_attempts,
    a_result_that_the_table_refuses_kills_its_job_alone,
    a_batch_in_which_every_job_fails_is_settled,
    a_job_without_what_its_request_needs_is_dead,
    a_row_that_is_no_record_is_dead_and_its_neighbours_are_done,
    what_rests_holds_up_nobody,
    dead_jobs_are_left_alone_until_they_are_brought_back,
    an_answer_that_is_missing_is_a_job_that_is_done,
    what_depends_on_an_answer_without_a_value_is_missing,
    what_depends_on_a_failure_fails_as_that_does,
    a_row_without_its_key_harms_its_job_alone,
);

fn a_job_that_fails_twice_rests_and_is_done(on: Server) {
    let stage = Stage::new(on);
    stage.change("backoff = \"100ms\"", "backoff = \"1500ms\"");
    stage.origin.knobs(&failing([5], 500, Some(2)));
    stage.insert(1..=9);
    let worker = stage.start();
    stage.wait_for("done", 8);
    let rests = format!("SELECT run, attempts, kind FROM windrow_claims WHERE {} = '5'", stage.key());
    until(Duration::from_secs(20), "it rests, and has no run", || stage.sql(&rests) == ["|1|status"]);
    assert_eq!(stage.sql("SELECT state FROM jobs WHERE id = 5"), ["new"]);
    until(Duration::from_secs(20), "it rests again", || stage.sql(&rests) == ["|2|status"]);
    stage.wait_for("done", 9);
    end(worker);
    stage.is_settled_after_failures(9);
    assert_eq!(stage.origin.count("echo", "t5"), 3);
    assert_eq!(runs(stage.sandbox.path()).len(), 2, "what failed can be looked at");
    assert_eq!(stage.asked(), 11, "the others are asked once");
}

fn a_job_that_fails_for_good_is_dead_at_once(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(&failing([3], 404, None));
    stage.insert(1..=6);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (5, 1, 0));
    assert_eq!(stage.dead(), ["3|1|status"]);
    assert_eq!(stage.origin.count("echo", "t3"), 1);
    stage.has_one_result_each(5);
    let detail = stage.sql("SELECT detail FROM windrow_dead");
    assert!(detail[0].contains("404"), "{detail:?}");
}

fn a_job_that_goes_on_failing_is_dead_after_its_attempts(on: Server) {
    let stage = Stage::new(on);
    stage.change("backoff = \"100ms\"", "backoff = \"50ms\"\nattempts = 3");
    stage.origin.knobs(&failing([2, 4], 500, None));
    stage.insert(1..=6);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (4, 2, 0));
    assert_eq!(stage.dead(), ["2|3|status", "4|3|status"]);
    assert_eq!([2, 4].map(|id| stage.origin.count("echo", &format!("t{id}"))), [3, 3]);
    stage.has_one_result_each(4);
}

fn a_result_that_the_table_refuses_kills_its_job_alone(on: Server) {
    let stage = Stage::new(on);
    stage.sql("ALTER TABLE results ADD CONSTRAINT short CHECK (target <> '/echo/t7')");
    stage.insert(1..=20);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (19, 1, 0));
    stage.has_one_result_each(19);
    let dead = stage.dead();
    assert!(dead.len() == 1 && dead[0].starts_with("7|"), "{dead:?}");
    assert_eq!(stage.asked(), 20, "asking again would not mend it");
}

fn a_batch_in_which_every_job_fails_is_settled(on: Server) {
    let stage = Stage::new(on);
    stage.change("backoff = \"100ms\"", "backoff = \"50ms\"\nattempts = 2\nclaim = 4");
    stage.origin.knobs(&failing(1..=4, 404, None));
    stage.insert(1..=8);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (4, 4, 0));
    stage.has_one_result_each(4);
    // And one in which none can ever be asked.
    stage.origin.knobs(&failing(9..=12, 404, None));
    stage.insert(9..=12);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.dead().len()), (4, 8, 8));
    assert_eq!(stage.results(), 4);
}

fn a_job_without_what_its_request_needs_is_dead(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=3);
    stage.sql("UPDATE jobs SET target = NULL WHERE id = 2");
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (2, 1, 0));
    assert_eq!(stage.dead().len(), 1);
    stage.has_one_result_each(2);
}

/// An empty id is none, here as in every list.
fn a_row_that_is_no_record_is_dead_and_its_neighbours_are_done(on: Server) {
    let stage = Stage::new(on);
    let id = on.own(["id text PRIMARY KEY", "id varchar(40) PRIMARY KEY"]);
    stage.make_tables(id, id);
    stage.sql("INSERT INTO jobs (id, target) VALUES ('a', 't1'), ('', 't2'), ('b', 't3')");
    let ended = stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (2, 1, 0), "{}", ended.stderr);
    assert_eq!((stage.dead().len(), stage.asked()), (1, 2), "{:?}", stage.dead());
    stage.has_one_result_each(2);
}

/// Those that rest are at the head of the queue, more than a batch of them.
fn what_rests_holds_up_nobody(on: Server) {
    let stage = Stage::new(on);
    stage.change("backoff = \"100ms\"", "backoff = \"1h\"\nclaim = 5\nparallel = 1");
    stage.origin.knobs(&failing(1..=12, 500, None));
    stage.insert(1..=40);
    let worker = stage.start();
    stage.wait_for("done", 28);
    end(worker);
    assert_eq!((stage.count("new"), stage.claims(), stage.dead().len()), (12, 12, 0));
    assert_eq!(stage.asked(), 40, "none of them is asked again within the hour");
    stage.has_one_result_each(28);
}

fn dead_jobs_are_left_alone_until_they_are_brought_back(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(&failing([1, 2], 404, None));
    stage.insert(1..=4);
    stage.work().with_code(0);
    assert_eq!(stage.count("failed"), 2);
    stage.work().with_code(0);
    assert_eq!(stage.asked(), 4, "nothing waits");
    stage.origin.knobs(r#"{"fail_ids": {}}"#);
    stage.sandbox.run(["requeue", "jobs.toml"]).with_code(0);
    assert_eq!((stage.count("new"), stage.dead().len()), (2, 0));
    stage.work().with_code(0);
    stage.is_settled_after_failures(4);
}

/// What the job's own words say is no failure.
fn an_answer_that_is_missing_is_a_job_that_is_done(on: Server) {
    let stage = Stage::new(on);
    stage.change("columns = {", "missing = [404]\ncolumns = {");
    stage.origin.knobs(&failing([2], 404, None));
    stage.insert(1..=3);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.claims(), stage.dead().len()), (3, 0, 0));
    assert_eq!(stage.sql("SELECT id, target FROM results ORDER BY 1"), ["1|/echo/t1", "2|~", "3|/echo/t3"]);
}

/// A second endpoint, which needs a value of the first.
fn depending(stage: &Stage, on_failure: &str, column: &str) {
    stage.change(
        "columns = { target = \".target\" }",
        &format!(
            "on_failure = \"{on_failure}\"\ncolumns = {{ target = \".target\", hint = \"{column}\" }}\n\n\
             [[endpoint]]\nname = \"next\"\nurl = \"{}/echo/{{echo.hint}}\"\ncolumns = {{ more = \".target\" }}",
            stage.origin.url()
        ),
    );
    stage.change("mode = \"append\"", "mode = \"append\"\non_new_column = \"add\"");
}

fn what_depends_on_an_answer_without_a_value_is_missing(on: Server) {
    let stage = Stage::new(on);
    depending(&stage, "skip", ".nothing");
    stage.insert(1..=3);
    stage.work().with_code(0);
    assert_eq!((stage.asked(), stage.count("done"), stage.results()), (3, 3, 3));
}

/// Its own endpoint may fail as it likes, but what depends on it has no other reason. It was asked for ever, and without a
/// pause.
fn what_depends_on_a_failure_fails_as_that_does(on: Server) {
    let stage = Stage::new(on);
    depending(&stage, "null", ".target[6:]");
    stage.origin.knobs(&failing([2], 404, None));
    stage.insert(1..=2);
    let worker = stage.start();
    stage.wait_for("failed", 1);
    stage.wait_for("done", 1);
    end(worker);
    assert_eq!(stage.asked(), 3, "the one that is done twice, the other once");
    assert!(stage.dead()[0].contains("status"), "{:?}", stage.dead());
}

fn a_row_without_its_key_harms_its_job_alone(on: Server) {
    let stage = Stage::new(on);
    stage.make_tables("id bigint PRIMARY KEY", "id bigint");
    stage.change("mode = \"append\"", "mode = \"upsert\"\nkey = \"target\"");
    stage.change(
        "target = \".target\"",
        r#"target = 'if .target | endswith("t3") then null else .target end'"#,
    );
    let unique = on.own([
        "CREATE UNIQUE INDEX ON results (target)",
        "ALTER TABLE results MODIFY target varchar(99), ADD UNIQUE (target)",
    ]);
    stage.sql(unique);
    stage.insert(1..=5);
    stage.work().with_code(0).saying("no value in the key column");
    assert_eq!((stage.count("done"), stage.count("failed"), stage.results()), (4, 1, 4));
}
