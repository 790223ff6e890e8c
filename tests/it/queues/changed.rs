//! A job that somebody deletes, cancels or changes while it is being asked: that is told, what was asked before is not
//! written, and one that waits as it now is, is asked as it now is.

use super::on_both;
use super::stage::{Server, Stage};
use crate::support::{Ended, wait};

on_both!(
    one_that_is_deleted_has_no_result,
    one_that_is_cancelled_stays_so,
    one_that_is_changed_is_asked_again,
    a_job_that_comes_again_after_it_was_done_is_another,
    a_change_that_is_not_of_its_request_is_kept,
);

/// Works some jobs that are changed by a statement once all of them have been asked, before the first answer.
fn changed_meanwhile(stage: &Stage, statement: &str) -> Ended {
    stage.insert(1..=5);
    stage.origin.knobs(r#"{"latency_ms": 1500}"#);
    let worker = stage.sandbox.start(["work", "jobs.toml", "--until-empty"]);
    stage.wait_until_asked(5);
    stage.sql(statement);
    let ended = wait(worker).with_code(0);
    assert_eq!((stage.claims(), stage.dead().len()), (0, 0), "{}", ended.stderr);
    ended
}

fn one_that_is_deleted_has_no_result(on: Server) {
    let stage = Stage::new(on);
    let ended = changed_meanwhile(&stage, "DELETE FROM jobs WHERE id = 2");
    assert!(ended.stderr.contains("1 job"), "it is told: {}", ended.stderr);
    assert_eq!((stage.count("done"), stage.asked()), (4, 5));
    stage.has_one_result_each(4);
}

fn one_that_is_cancelled_stays_so(on: Server) {
    let stage = Stage::new(on);
    let ended = changed_meanwhile(&stage, "UPDATE jobs SET state = 'cancelled' WHERE id IN (2, 3)");
    assert!(ended.stderr.contains("2 jobs"), "it is told: {}", ended.stderr);
    assert_eq!((stage.count("done"), stage.count("cancelled"), stage.asked()), (3, 2, 5));
    stage.has_one_result_each(3);
}

fn one_that_is_changed_is_asked_again(on: Server) {
    let stage = Stage::new(on);
    let ended = changed_meanwhile(&stage, "UPDATE jobs SET target = 'other' WHERE id = 4");
    assert!(ended.stderr.contains("1 job"), "it is told: {}", ended.stderr);
    assert_eq!(stage.asked(), 6);
    stage.is_settled(5);
    assert_eq!(stage.sql("SELECT target FROM results WHERE id = 4"), ["/echo/other"]);
}

/// It is deleted and inserted with the same id, for something else.
fn a_job_that_comes_again_after_it_was_done_is_another(on: Server) {
    let stage = Stage::new(on);
    stage.change("mode = \"append\"", "mode = \"upsert\"\nkey = \"id\"");
    changed_meanwhile(
        &stage,
        "DELETE FROM jobs WHERE id = 1; INSERT INTO jobs (id, target) VALUES (1, 'second')",
    );
    stage.is_settled(5);
    assert_eq!(stage.sql("SELECT target FROM results WHERE id = 1"), ["/echo/second"]);
}

/// A column that no request needs: its new value stays.
fn a_change_that_is_not_of_its_request_is_kept(on: Server) {
    let stage = Stage::new(on);
    stage.sql("ALTER TABLE jobs ADD COLUMN note varchar(20)");
    changed_meanwhile(&stage, "UPDATE jobs SET note = 'mine' WHERE id <= 3");
    stage.is_settled(5);
    assert_eq!(stage.sql("SELECT count(*) FROM jobs WHERE note = 'mine'"), ["3"]);
}
