//! Quotas: used up, a run pauses and says until when; the next goes on there. A shortened day lasts 5 seconds. The
//! origin enforces the same quota, so that one request too many is a refusal.

use std::time::{Duration, Instant, SystemTime};

use super::{Films, all_answered, rows};
use crate::support::{Alone, Ended, Origin, Sandbox, alone, at_most, ended};

const FILMS: usize = 2500;
/// The shortened day: windows follow one another since 1970.
const DAY: Duration = Duration::from_secs(5);
const QUOTA: &str = r#"quota = "1000/5s""#;
/// Long enough for a run of 1,000 requests.
const MORNING: Duration = Duration::from_secs(3);

/// A job of two and a half days.
struct Days {
    origin: Origin,
    sandbox: Sandbox,
    _alone: Alone,
}

impl Days {
    fn new(more: &str) -> Days {
        let (alone, origin, sandbox) = (alone(), Origin::start(&["--limit", "1000/5s"]), Sandbox::new());
        let job = Films { count: FILMS, limit: QUOTA, more, ..Films::default() };
        job.write(&sandbox, &origin);
        Days { origin, sandbox, _alone: alone }
    }

    /// Runs the job on a day that is not the last run's, and is not about to end.
    #[track_caller]
    fn run(&self) -> Ended {
        wait_for_a_morning();
        self.sandbox.run(["run", "films.toml"])
    }

    /// Waits for the present day's end, then as `run`.
    #[track_caller]
    fn run_tomorrow(&self) -> Ended {
        std::thread::sleep(left_of_the_day());
        self.run()
    }

    #[track_caller]
    fn asked(&self, requests: usize) {
        let counts = self.origin.counts();
        assert_eq!(counts["total"], requests, "requests");
        assert_eq!(counts["by_endpoint"]["omdb"]["repeated"], serde_json::json!({}), "none is asked twice");
        assert_eq!(counts["refusals"], serde_json::json!({}), "none is beyond the quota");
    }
}

fn left_of_the_day() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Duration::from_nanos((DAY.as_nanos() - now.as_nanos() % DAY.as_nanos()) as u64)
}

fn wait_for_a_morning() {
    let left = left_of_the_day();
    if left < MORNING {
        std::thread::sleep(left);
    }
}

/// It pauses, and says so with a time.
#[track_caller]
fn paused(ended: Ended) -> Ended {
    let ended = ended.with_code(7).saying("quota").saying("hint: ");
    let is_time =
        |word: &[u8]| matches!(word, [a, b, b':', c, d] if [a, b, c, d].iter().all(|d| d.is_ascii_digit()));
    assert!(ended.stderr.as_bytes().windows(5).any(is_time), "no time is told: {}", ended.stderr);
    ended
}

#[test]
fn a_quota_of_three_days_is_three_runs() {
    let days = Days::new("");
    paused(days.run());
    days.asked(1000);
    assert!(!days.sandbox.path().join("films.duckdb").exists(), "nothing is published before the end");
    paused(days.run_tomorrow()).saying("continuing run");
    days.asked(2000);
    days.run_tomorrow().with_code(0).saying("continuing run");
    days.asked(FILMS);
    all_answered(&days.sandbox, FILMS);
}

#[test]
fn a_run_on_the_same_day_asks_nothing() {
    let days = Days::new("");
    paused(days.run());
    // The day may have ended meanwhile on a slow machine; then this shows nothing, and is not wrong.
    let again = days.sandbox.run(["run", "films.toml"]);
    paused(again);
    let asked = days.origin.counts()["total"].as_u64().unwrap();
    assert_eq!(asked % 1000, 0, "{asked}");
    assert_eq!(days.origin.counts()["refusals"], serde_json::json!({}));
}

#[test]
fn what_there_is_at_each_pause_is_published_if_the_job_says_so() {
    let days = Days::new("[publish]\non_pause = \"publish\"");
    paused(days.run());
    assert_eq!(rows(&days.sandbox), 1000);
    paused(days.run_tomorrow());
    assert_eq!(rows(&days.sandbox), 2000);
    days.run_tomorrow().with_code(0);
    days.asked(FILMS);
    all_answered(&days.sandbox, FILMS);
}

#[test]
fn a_run_that_waits_does_all_of_it() {
    let days = Days::new("");
    wait_for_a_morning();
    let started = Instant::now();
    days.sandbox.run(["run", "films.toml", "--wait"]).with_code(0);
    assert!((DAY..at_most(3 * DAY)).contains(&started.elapsed()), "{:?}", started.elapsed());
    days.asked(FILMS);
    all_answered(&days.sandbox, FILMS);
}

#[test]
fn a_day_may_begin_when_and_where_the_job_says() {
    let (origin, sandbox) = (Origin::start(&[]), Sandbox::new());
    let limit = r#"quota = { amount = "100/day", renews_at = "09:00", zone = "Europe/Berlin" }"#;
    Films { count: 150, limit, ..Films::default() }.write(&sandbox, &origin);
    let mut run = sandbox.command(["run", "films.toml"]);
    run.env("TZ", "Europe/Berlin");
    paused(ended(run)).saying("at 09:00:00 CE");
    assert_eq!(origin.counts()["total"], 100);
}
