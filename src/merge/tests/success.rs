//! What a run needs whose job writes no `min_success`. Three rows stand in the table before.

use super::kinds::{FILES, Kind};
use super::sandbox::{Ends, Sandbox};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, OnUnlisted, Statement};
use crate::merge::{End, MergeError};

const MODES: [Mode; 4] = [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds];

/// The modes that take rows away, and whether by `on_unlisted`.
const TAKING: [(Mode, bool); 4] =
    [(Mode::Replace, false), (Mode::ReplaceIds, false), (Mode::ReplaceIds, true), (Mode::Upsert, true)];

/// A run whose job writes no `min_success`.
async fn run_of(records: u64, mode: Mode, ends: Ends<'_>) -> Sandbox {
    let mut sandbox = Sandbox::of_one_round(records, ends).await.mode(mode);
    sandbox.job.publish.min_success = None;
    sandbox
}

async fn taking(records: u64, (mode, gone): (Mode, bool), ends: Ends<'_>) -> Sandbox {
    let mut sandbox = run_of(records, mode, ends).await;
    sandbox.job.table.on_unlisted = if gone { OnUnlisted::Delete } else { OnUnlisted::Keep };
    sandbox
}

/// Three rows stand before.
fn stand(sandbox: &Sandbox) {
    let rows = (0..3).map(|at| format!("('tt000{at}', 'old', -1, -1, NULL)"));
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    ));
}

/// The one condition that refuses; the table stays as it was, and the run notes why.
async fn refused(sandbox: &Sandbox) -> String {
    let before = sandbox.table();
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    let MergeError::Refused { conditions, .. } = error else { panic!("{error}") };
    assert_eq!(sandbox.table(), before);
    let outcome = sandbox.run.outcome().await.unwrap().unwrap();
    assert_eq!((outcome.published, outcome.refused), (false, Some(conditions.join("\n"))));
    assert_eq!(conditions.len(), 1, "{conditions:?}");
    conditions.into_iter().next().unwrap()
}

fn all(end: End) -> impl Fn(u64, usize) -> Option<End> {
    move |_, _| Some(end)
}

/// Both endpoints fail for the first records.
fn failing(records: u64) -> impl Fn(u64, usize) -> Option<End> {
    move |ordinal, _| Some(if ordinal < records { End::Failed } else { End::Ok })
}

#[tokio::test]
async fn a_run_without_a_success_is_published_in_no_mode() {
    for mode in MODES {
        for policy in [OnFailure::Skip, OnFailure::Null, OnFailure::Keep] {
            for end in [End::Failed, End::Waiting] {
                let mut sandbox = run_of(4, mode, &all(end)).await;
                sandbox.job.table.key = vec!["id".into()];
                sandbox.on_failure([policy, policy]);
                stand(&sandbox);
                let told = refused(&sandbox).await;
                assert!(
                    told.starts_with("0 % of the records succeeded (0 of 4); "),
                    "{mode:?} {policy:?}: {told}"
                );
                assert!(told.contains("without min_success under [publish]"), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_without_a_success_is_published_nowhere() {
    for kind in FILES {
        let sandbox = run_of(4, Mode::Replace, &all(End::Failed)).await.into_kind(kind);
        stand(&sandbox);
        assert!(refused(&sandbox).await.contains("mode = \"replace\""), "{kind:?}");
        assert_eq!(sandbox.table().len(), 3);
    }
    for mode in MODES {
        let sandbox = run_of(4, mode, &all(End::Failed)).await.on_postgres();
        stand(&sandbox);
        refused(&sandbox).await;
    }
}

#[tokio::test]
async fn a_written_one_keeps_its_meaning_and_zero_publishes_a_total_failure() {
    for mode in MODES {
        let mut sandbox = run_of(4, mode, &all(End::Failed)).await;
        stand(&sandbox);
        sandbox.job.publish.min_success = Some(0.01);
        assert!(refused(&sandbox).await.ends_with("the job asks for 1 % (min_success under [publish])"));
        sandbox.job.publish.min_success = Some(0.0);
        let published = sandbox.publish().await.unwrap();
        let left = if mode == Mode::Replace { 0 } else { 3 };
        assert_eq!((published.rows, published.total.unwrap()), (0, left), "{mode:?}");
    }
}

#[tokio::test]
async fn nine_of_ten_are_needed_where_something_is_taken_away() {
    let words = [
        "mode = \"replace\"",
        "mode = \"replace_ids\"",
        "on_unlisted = \"delete\"",
        "on_unlisted = \"delete\"",
    ];
    for (how, word) in TAKING.into_iter().zip(words) {
        let sandbox = taking(20, how, &failing(3)).await;
        stand(&sandbox);
        let told = format!(
            "85 % of the records succeeded (17 of 20); without min_success under [publish] 90 % are needed, since {word} \
             takes away what the table has"
        );
        assert_eq!(refused(&sandbox).await, told);
        let sandbox = taking(20, how, &failing(2)).await;
        assert_eq!(sandbox.publish().await.unwrap().rows, 18, "{how:?}");
    }
    let mut sandbox = run_of(20, Mode::Upsert, &failing(3)).await;
    sandbox.on_failure([OnFailure::Null, OnFailure::Skip]);
    stand(&sandbox);
    assert!(refused(&sandbox).await.contains("on_failure = \"null\" with mode = \"upsert\" takes away"));
    // What only adds needs one success.
    for mode in [Mode::Append, Mode::Upsert] {
        let sandbox = run_of(20, mode, &failing(19)).await;
        assert_eq!(sandbox.publish().await.unwrap().rows, 1);
    }
}

#[tokio::test]
async fn one_dead_endpoint_that_the_job_makes_do_without_is_no_failure() {
    let dead = |_: u64, endpoint: usize| Some(if endpoint == 0 { End::Failed } else { End::Ok });
    for mode in [Mode::Replace, Mode::ReplaceIds, Mode::Upsert] {
        let mut sandbox = run_of(4, mode, &dead).await;
        sandbox.on_failure([OnFailure::Null, OnFailure::Skip]);
        assert_eq!(sandbox.publish().await.unwrap().rows, 4, "{mode:?}");
        // Where its failure drops the record it is one.
        let mut sandbox = run_of(4, mode, &dead).await;
        sandbox.on_failure([OnFailure::Skip, OnFailure::Null]);
        assert!(sandbox.publish().await.unwrap_err().to_string().contains("0 % of the records succeeded"));
    }
}

#[tokio::test]
async fn answers_that_bring_no_row_take_none_away() {
    for how in TAKING {
        let sandbox = taking(4, how, &all(End::Missing)).await;
        stand(&sandbox);
        assert!(refused(&sandbox).await.starts_with("every record is missing (4 of 4); "), "{how:?}");
        // An empty list in every answer, or a page in which `rows` finds nothing.
        for missing in [0, 2] {
            let ends = |ordinal, endpoint| {
                Some(if ordinal < missing && endpoint == 0 { End::Missing } else { End::Ok })
            };
            let mut sandbox = Sandbox::new(4).await.mode(how.0).exploding(0, |_, _| 0).await;
            sandbox.job.table.on_unlisted = if how.1 { OnUnlisted::Delete } else { OnUnlisted::Keep };
            sandbox.job.publish.min_success = None;
            sandbox.add_round(1, &ends).await;
            stand(&sandbox);
            assert!(refused(&sandbox).await.starts_with("no answer brings a row (4 records); "), "{how:?}");
            sandbox.job.publish.min_success = Some(1.0);
            assert_eq!(sandbox.publish().await.unwrap().rows, 0);
        }
        // One row is enough.
        let sandbox = taking(4, how, &|o, _| Some(if o == 3 { End::Ok } else { End::Missing })).await;
        assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    }
    for mode in [Mode::Append, Mode::Upsert] {
        let sandbox = run_of(4, mode, &all(End::Missing)).await;
        assert_eq!(sandbox.publish().await.unwrap().rows, 4, "{mode:?}");
    }
}

#[tokio::test]
async fn an_empty_list_takes_nothing_away_unless_the_job_says_so() {
    for how in TAKING {
        let mut sandbox = taking(0, how, &all(End::Ok)).await;
        stand(&sandbox);
        sandbox.job.input.allow_empty = false;
        assert!(refused(&sandbox).await.starts_with("the list is empty; "));
        sandbox.job.input.allow_empty = true;
        assert_eq!(sandbox.publish().await.unwrap().rows, 0, "{how:?}");
    }
    for mode in [Mode::Append, Mode::Upsert] {
        let mut sandbox = run_of(0, mode, &all(End::Ok)).await;
        sandbox.job.input.allow_empty = false;
        assert_eq!(sandbox.publish().await.unwrap().rows, 0);
    }
}

#[tokio::test]
async fn what_was_not_asked_is_neither_a_success_nor_a_failure() {
    let ends = |asked: u64, failed: u64| {
        move |ordinal: u64, _: usize| {
            Some(match ordinal {
                ordinal if ordinal < failed => End::Failed,
                ordinal if ordinal < asked => End::Ok,
                _ => End::Exempt,
            })
        }
    };
    let sandbox = run_of(40, Mode::Replace, &ends(10, 2)).await;
    let told = sandbox.publish().await.unwrap_err().to_string();
    assert!(told.contains("80 % of the records that were asked succeeded (8 of 10)"), "{told}");
    assert_eq!(run_of(40, Mode::Replace, &ends(10, 1)).await.publish().await.unwrap().rows, 39);
    let told = run_of(40, Mode::Append, &ends(2, 2)).await.publish().await.unwrap_err().to_string();
    assert!(told.contains("0 % of the records that were asked succeeded (0 of 2)"), "{told}");
    // Nobody was to be asked: nothing failed, but nothing came either.
    for mode in MODES {
        let sandbox = run_of(4, mode, &all(End::Exempt)).await;
        stand(&sandbox);
        match mode {
            Mode::Append | Mode::Upsert => assert_eq!(sandbox.publish().await.unwrap().rows, 4),
            _ => assert!(refused(&sandbox).await.starts_with("no record was asked (0 of 4); "), "{mode:?}"),
        }
    }
}

#[tokio::test]
async fn statements_of_the_job_that_leave_no_row_take_none_away() {
    for how in TAKING {
        for server in [false, true] {
            let sandbox = taking(4, how, &all(End::Ok)).await;
            let mut sandbox = if server { sandbox.on_postgres() } else { sandbox };
            stand(&sandbox);
            let sql = "DELETE FROM windrow_rows".to_owned();
            sandbox.job.before = vec![Statement { sql, file: None, key: Vec::new() }];
            assert!(refused(&sandbox).await.starts_with("the run brings no row; "), "{how:?}");
            sandbox.job.publish.min_success = Some(0.5);
            assert_eq!(sandbox.publish().await.unwrap().withheld, 4);
        }
    }
}

#[tokio::test]
async fn a_trial_needs_only_what_is_written() {
    for end in [End::Failed, End::Missing] {
        let mut sandbox = run_of(4, Mode::Replace, &all(end)).await;
        sandbox.plan.trial = true;
        sandbox.run.put_plan(&sandbox.plan).await.unwrap();
        sandbox.publish().await.unwrap();
        sandbox.job.publish.min_success = Some(1.0);
        sandbox.add_round(1, &|_, _| Some(End::Failed).filter(|_| end == End::Failed)).await;
        assert_eq!(sandbox.publish().await.is_err(), end == End::Failed);
    }
}

#[tokio::test]
async fn anyway_publishes_what_the_defaults_refuse_and_a_retry_mends_it() {
    let sandbox = run_of(4, Mode::Replace, &all(End::Failed)).await;
    stand(&sandbox);
    let told = refused(&sandbox).await;
    let published = sandbox.publish_anyway().await.unwrap();
    assert_eq!((published.overridden, published.total), (vec![told], Some(0)));
    let mut sandbox = run_of(4, Mode::Replace, &all(End::Failed)).await;
    refused_without_a_table(&sandbox).await;
    sandbox.add_round(1, &all(End::Ok)).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    // What was published stays so, whatever the job says later.
    sandbox.job.publish.min_success = Some(1.0);
    assert!(sandbox.publish().await.unwrap().already);
}

async fn refused_without_a_table(sandbox: &Sandbox) {
    assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Refused);
    assert!(!sandbox.file().exists(), "what the proof refuses makes no database");
}

#[tokio::test]
async fn another_destination_is_filled_on_the_same_condition() {
    let sandbox = run_of(4, Mode::Replace, &all(End::Failed)).await;
    refused_without_a_table(&sandbox).await;
    for kind in [Kind::Csv, Kind::Parquet] {
        let elsewhere = run_of(4, Mode::Replace, &all(End::Failed)).await.into_kind(kind);
        refused_without_a_table(&elsewhere).await;
    }
}

#[tokio::test]
async fn a_pause_takes_no_row_away_either() {
    let mut sandbox = taking(6, (Mode::Upsert, true), &all(End::Missing)).await;
    stand(&sandbox);
    let before = sandbox.table();
    let told = sandbox.publish_partial().await.unwrap_err();
    assert_eq!(told.exit(), Exit::Refused);
    assert!(told.to_string().contains("every record is missing (6 of 6); without"), "{told}");
    assert_eq!((sandbox.table(), sandbox.run.outcome().await.unwrap()), (before, None));
    sandbox.job.publish.max_change = Some(9.0);
    assert_eq!(sandbox.publish_partial().await.unwrap_err().exit(), Exit::Refused);
    sandbox.job.publish.min_success = Some(0.0);
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 6);
    // What only adds may be in part whatever failed.
    let sandbox = run_of(6, Mode::Upsert, &failing(5)).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 1);
    let sandbox = run_of(6, Mode::Append, &failing(6)).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 0);
}
