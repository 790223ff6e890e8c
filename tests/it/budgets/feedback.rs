//! What answers tell besides their content: how long they took, what is left of a limit, what they cost.

use super::{Films, all_answered};
use crate::support::{Alone, Arrivals, Origin, Sandbox, alone, is_soak};

/// A run of a job to its end; the origin after it.
struct Told {
    origin: Origin,
    sandbox: Sandbox,
    _alone: Alone,
}

impl Told {
    /// Runs the job against an origin that notes arrivals; everything is answered in the end.
    #[track_caller]
    fn by(arguments: &[&str], job: &Films<'_>) -> Told {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--arrivals"]).collect();
        let (alone, origin, sandbox) = (alone(), Origin::start(&arguments), Sandbox::new());
        job.write(&sandbox, &origin);
        sandbox.run(["run", "films.toml", "--processes", "2"]).with_code(0);
        all_answered(&sandbox, job.count);
        Told { origin, sandbox, _alone: alone }
    }

    /// The second half of the run, by time.
    fn last_half(&self) -> Arrivals {
        let all = self.origin.arrivals();
        self.origin.arrivals_within(all.first_us.unwrap().midpoint(all.last_us.unwrap()), u64::MAX)
    }

    fn count(&self, what: &str, status: &str) -> u64 {
        self.origin.counts()[what][status].as_u64().unwrap_or(0)
    }
}

/// Works on 8 at a time, 50 ms each: 160 answers a second, whatever the number in flight.
const SMALL_SERVER: [&str; 4] = ["--capacity", "8", "--latency-ms", "50"];
/// At 160 a second 8 s.
const SOME: Films<'_> =
    Films { first: 0, count: 1280, settings: "in_flight = 128", limit: "", endpoint: "", more: "" };

/// Eight times what it can work on is more than enough to keep it busy; on a busy machine nobody knows what it can.
#[track_caller]
fn is_kept_busy_and_no_more(told: &Told) {
    if !is_soak() {
        return;
    }
    let all = told.origin.arrivals();
    assert!(all.mean_rate >= 0.7 * 160.0, "{} a second: {:?}", all.mean_rate, all.per_100ms);
    let last_half = told.last_half();
    assert!(last_half.max_in_flight <= 64, "{} in flight: {last_half:?}", last_half.max_in_flight);
}

#[test]
fn without_a_declared_limit_a_server_gets_what_it_can_work_on() {
    is_kept_busy_and_no_more(&Told::by(&SMALL_SERVER, &SOME));
}

#[test]
fn a_server_that_refuses_what_it_cannot_queue_gets_less_until_it_refuses_no_more() {
    let arguments = [&SMALL_SERVER[..], &["--overload-503", "24"]].concat();
    let told = Told::by(&arguments, &SOME);
    is_kept_busy_and_no_more(&told);
    let [asked, refused] = [told.origin.arrivals().count, told.count("refusals", "503")];
    let least = if is_soak() { 5 } else { 2 };
    assert!(refused * least <= asked, "{refused} of {asked} requests were refused");
}

/// Headers of each style, no declared limit: 8 windows of 100.
#[track_caller]
fn headers_are_heeded(style: &str) {
    let job = Films { count: 800, ..Films::default() };
    let told = Told::by(&["--limit", "100/1s", "--limit-headers", style, "--latency-ms", "5"], &job);
    let all = told.origin.arrivals();
    let refused = told.count("refusals", "429");
    let least = if is_soak() { 20 } else { 4 };
    assert!(
        refused * least <= all.count,
        "{refused} of {} requests were refused: {:?}",
        all.count,
        all.per_100ms
    );
    assert!(!is_soak() || all.mean_rate >= 60.0, "{} a second: {:?}", all.mean_rate, all.per_100ms);
}

#[test]
fn rate_limit_headers_of_three_fields_are_heeded() {
    headers_are_heeded("draft7");
}

#[test]
fn x_rate_limit_headers_are_heeded() {
    headers_are_heeded("x");
}

#[test]
fn structured_rate_limit_headers_are_heeded() {
    headers_are_heeded("structured");
}

/// 500 films of some 100 tokens each, 5,000 tokens a second: 10 s. What an answer cost is known when it is there.
#[test]
fn a_limit_may_count_what_answers_cost() {
    let job = Films {
        count: 500,
        limit: r#"rate = "5000 tokens/s""#,
        endpoint: "cost = \".usage.total_tokens\"",
        ..Films::default()
    };
    let told = Told::by(&["--tokens", "--latency-ms", "5"], &job);
    let all = told.origin.arrivals();
    let tokens = told.origin.counts()["tokens"].as_f64().unwrap();
    let seconds = (all.last_us.unwrap() - all.first_us.unwrap()) as f64 / 1e6;
    let rate = tokens / seconds;
    assert!(rate <= 1.05 * 5000.0, "{rate} tokens a second: {:?}", all.per_100ms);
    assert!(!is_soak() || rate >= 0.90 * 5000.0, "{rate} tokens a second: {:?}", all.per_100ms);
    assert_eq!(told.sandbox.query("films", "SELECT sum(requests) FROM requests"), ["500"]);
}
