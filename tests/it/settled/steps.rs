//! Every call on a file from the first step of publishing to the prompt: killed right before it, or failing.

use nix::errno::Errno;

use super::stage::{FILMS, Stage, To};
use crate::support::faults::{Call, Fault, Strike};

/// Calls that change something. What opens or closes a file leaves it as it is.
const CHANGING: [&str; 5] = ["fsync", "rename", "linkat", "unlink", "write"];

/// Each such call of an undisturbed `run` that only has to publish, from the note that it begins.
fn steps(stage: &Stage) -> Vec<(String, Strike)> {
    let (calm, calls) = stage.struck(&["run", "films.toml"], &[]);
    calm.with_code(0);
    stage.is_settled("undisturbed");
    let begun = calls.iter().position(|call| call.name.contains("publishing.json")).expect("it is noted");
    (begun..calls.len()).filter_map(|at| step(&calls, at)).collect()
}

fn step(calls: &[Call], at: usize) -> Option<(String, Strike)> {
    let call = CHANGING.into_iter().find(|call| *call == calls[at].call)?;
    let nth = calls[..=at].iter().filter(|made| made.call == call).count();
    let case = format!("{call} {nth}, {}", calls[at].name);
    Some((case, Strike { call, from: nth, to: nth, fault: Fault::Kill }))
}

/// Killed before each step; then the command is repeated, every second time after the list has changed.
#[track_caller]
fn survives_every_kill(to: To) {
    let stage = Stage::new(to, "");
    let steps = steps(&stage);
    let mut published = 0;
    for (at, (step, strike)) in steps.iter().enumerate() {
        stage.reset();
        let case = format!("{to:?}, killed before {step}");
        stage.struck(&["run", "films.toml"], std::slice::from_ref(strike));
        let is_published = stage.rows() == [FILMS, FILMS];
        assert!(is_published || stage.rows() == [0, 0], "{case}: {:?}", stage.rows());
        published += usize::from(is_published);
        // A CSV file does not tell which run it is of: there the run is published once more.
        if is_published && to != To::Csv && at % 2 == 0 {
            stage.change_list();
        }
        stage.repeat(&case);
        stage.is_settled(&case);
        assert_eq!(stage.runs(), 1, "{case}: no new run");
    }
    println!("{to:?}: {} steps, {published} of them after COMMIT", steps.len());
    assert!(published > 0, "{steps:?}");
}

#[test]
fn who_repeats_a_run_that_was_killed_at_any_step_has_each_row_once_in_duckdb() {
    survives_every_kill(To::DuckDb);
}

#[test]
fn who_repeats_a_run_that_was_killed_at_any_step_has_each_row_once_in_postgres() {
    survives_every_kill(To::Postgres);
}

#[test]
fn who_repeats_a_run_that_was_killed_at_any_step_has_each_row_once_in_files() {
    survives_every_kill(To::Parquet);
    survives_every_kill(To::Csv);
}

/// Each step fails in turn, every second time with all such calls after it: where the rows are there, it is a warning.
#[test]
fn whatever_fails_after_commit_is_a_warning() {
    for to in [To::DuckDb, To::Postgres, To::Parquet] {
        let stage = Stage::new(to, "");
        for (at, (step, strike)) in steps(&stage).into_iter().enumerate() {
            stage.reset();
            let case = format!("{to:?}, failing: {step}, {at}");
            let fault = Fault::Error(if strike.call == "fsync" { Errno::EIO } else { Errno::ENOSPC });
            let to = if at % 2 == 0 { strike.to } else { usize::MAX };
            let (ended, _) = stage.struck(&["run", "films.toml"], &[Strike { fault, to, ..strike }]);
            if stage.rows() == [FILMS, FILMS] {
                assert_eq!(ended.code, Some(0), "{case}: {}", ended.stderr);
            } else {
                assert_ne!(ended.code, Some(0), "{case}: {}", ended.stderr);
                stage.repeat(&case);
            }
            assert_eq!((stage.rows(), stage.runs()), ([FILMS, FILMS], 1), "{case}");
        }
    }
}
