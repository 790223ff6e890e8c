//! Deaths at every step, signals, files that are damaged: whoever repeats the command gets every record made anew once.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Site;
use crate::support::faults::{self, Fault, Strike};
use crate::support::processes::until;
use crate::support::{ended, wait};

const ENDPOINT: &str = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\ncolumns = { n = { jq = \".n\", type = \"bigint\" } }\n";

/// Half of the records fail; the job is mended.
fn mended() -> Site {
    let ids: Vec<String> =
        (1..=40).map(|n| if n % 2 == 0 { format!("{n},000") } else { n.to_string() }).collect();
    let site = Site::run(&ids.iter().map(String::as_str).collect::<Vec<_>>(), "", ENDPOINT);
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site
}

/// Repeats the command until it is done, publishes, and looks.
#[track_caller]
fn is_whole(site: &Site, what: &str) {
    site.windrow(&["extract", "small"]).with_code(0);
    site.windrow(&["merge", "small"]).with_code(0);
    assert_eq!(site.rows("count(*), sum(n)"), ["40 420400"], "{what}");
    assert_eq!((site.server.asked(), site.runs()), (40, 1), "{what}");
}

#[test]
fn kill_9_at_any_step_loses_and_doubles_nothing() {
    let calls = {
        let site = mended();
        extract_struck(&site, &[]);
        faults::calls(&site.sandbox.path().join("calls"))
    };
    let mut killed = 0;
    for call in ["open", "write", "rename", "linkat", "fsync"] {
        let count = calls.iter().filter(|made| made.call == call).count();
        // Of many of a kind some, the first ones among them.
        for at in (1..=count).filter(|at| *at < 4 || at % 5 == 0) {
            let site = mended();
            extract_struck(&site, &[Strike { call, from: at, to: at, fault: Fault::Kill }]);
            killed += 1;
            is_whole(&site, &format!("{call} {at}"));
        }
    }
    assert!(killed > 10, "{killed} of {calls:?}");
}

/// Extracts, and strikes calls within the run's folder.
fn extract_struck(site: &Site, strikes: &[Strike]) {
    let mut command = site.sandbox.command(["extract", "small"]);
    let log = site.sandbox.path().join("calls");
    faults::watch(&mut command, &site.sandbox.newest_run("small"), &log, strikes);
    ended(command);
}

/// Between the round and the publication, and while that is made.
#[test]
fn a_round_that_nobody_published_is_published_by_who_comes_next() {
    let site = mended();
    site.windrow(&["extract", "small"]).with_code(0);
    // `run` begins a new run, since this one had ended; `merge` publishes the round.
    let again = site.windrow(&["extract", "small"]).with_code(0);
    again.saying("nothing to make anew");
    is_whole(&site, "twice");
}

/// What a signal leaves is made anew by the next, and not asked.
#[test]
fn a_signal_leaves_what_is_not_made_yet_to_the_next() {
    let slow = "import json, sys, time\nfor line in sys.stdin:\n    asked = json.loads(line)\n    time.sleep(0.2)\n    \
                n = json.loads(asked['body'])['n']\n    \
                print(json.dumps({'ordinal': asked['ordinal'], 'answer': {'n': n}}), flush=True)\n";
    let site = Site { sandbox: crate::support::Sandbox::new(), server: super::Raw::serve(super::answer) };
    site.sandbox.write("slow.py", slow.replace("time.sleep(0.2)", "pass"));
    let ids: Vec<String> =
        (1..=40).map(|n| if n % 2 == 0 { format!("{n},000") } else { n.to_string() }).collect();
    let endpoint = ENDPOINT.replace("columns", "pipe = [\"python3\", \"slow.py\"]\ncolumns");
    site.write_job(&ids.iter().map(String::as_str).collect::<Vec<_>>(), "in_flight = 2", &endpoint);
    site.windrow(&["run", "job.toml"]).with_code(0);
    site.sandbox.write("slow.py", slow);
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    let child = site.sandbox.start(["extract", "small"]);
    let round = site.sandbox.newest_run("small").join("round-001.json");
    until(Duration::from_secs(20), "the round", || round.exists());
    std::thread::sleep(Duration::from_millis(700));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    wait(child).with_code(130);
    site.sandbox.write("slow.py", slow.replace("time.sleep(0.2)", "pass"));
    is_whole(&site, "interrupted");
    assert_eq!(
        site.sandbox.query("small", "SELECT count(*) FROM all_requests WHERE status = 'waiting'"),
        ["0"]
    );
}

#[test]
fn a_kept_answer_that_was_changed_is_found() {
    let site = mended();
    let shards = walk(&site.sandbox.newest_run("small"));
    let kept = shards.iter().find(|path| path.to_string_lossy().contains(".answers.")).unwrap();
    let whole = std::fs::read(kept).unwrap();
    for (what, bytes) in [
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("changed", {
            let mut changed = whole.clone();
            changed[20] ^= 1;
            changed
        }),
    ] {
        std::fs::write(kept, bytes).unwrap();
        site.windrow(&["extract", "small"]).with_code(6).saying("digest");
        assert!(kept.exists(), "{what}");
    }
    std::fs::write(kept, whole).unwrap();
    is_whole(&site, "restored");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// A job file that was taken up is proven like a plan.
#[test]
fn a_job_file_that_was_taken_up_and_changed_is_found() {
    let site = mended();
    site.windrow(&["extract", "small"]).with_code(0);
    let taken_up = site.sandbox.newest_run("small").join("job-001.json");
    let text = std::fs::read_to_string(&taken_up).unwrap();
    std::fs::write(&taken_up, text.replace("remove", "nulls")).unwrap();
    site.windrow(&["merge", "small"]).with_code(6).saying("job-001.json");
    std::fs::write(&taken_up, text).unwrap();
    is_whole(&site, "restored");
}
