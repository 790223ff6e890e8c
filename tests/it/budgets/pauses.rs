//! One 429 that names a time silences every process until it is over.

use super::{Films, all_answered, pairs, wait_for_arrivals};
use crate::support::{Origin, Sandbox, alone, is_soak, wait};

/// What the origin asks for.
const REFUSAL: &str = r#"{"refuse_next": 1, "retry_after": 2}"#;
/// The pause, in microseconds.
const PAUSE: u64 = 2_000_000;
/// Until every process knows, in microseconds, and until they go on.
fn notice() -> [u64; 2] {
    if is_soak() { [50_000, 500_000] } else { [1_000_000, 20_000_000] }
}

/// Two children, one of which is refused in the midst of the run.
#[track_caller]
fn one_429_pauses_all(job: &Films<'_>) {
    let (_alone, origin, sandbox) =
        (alone(), Origin::start(&["--arrivals", "--latency-ms", "20"]), Sandbox::new());
    job.write(&sandbox, &origin);
    let run = sandbox.start(["run", "films.toml", "--processes", "2"]);
    wait_for_arrivals(&origin, 1000);
    origin.knobs(REFUSAL);
    wait(run).with_code(0);
    let all = origin.arrivals();
    let [mark] = &all.marks[..] else { panic!("one refusal: {all:?}") };
    assert_eq!(mark.status, 429);
    let refused = mark.written_us.expect("the refusal was written");
    let [known, back] = notice();
    let within = origin.arrivals_within(refused + known, refused + PAUSE);
    assert_eq!(within.count, 0, "{} us after the refusal: {all:?}", within.first_us.unwrap() - refused);
    let after = origin.arrivals_within(refused + PAUSE, u64::MAX);
    assert!(after.count >= 500, "the refusal came in the midst: {} after it", after.count);
    let late = after.first_us.unwrap() - refused - PAUSE;
    assert!(late <= back, "and then they go on: {late} us late");
    all_answered(&sandbox, job.count);
    assert_eq!(pairs(&sandbox, "requests = 2"), 1, "what was refused is asked again, and nothing else");
    if !job.limit.is_empty() {
        let most = super::rates::most_in_1s();
        assert!(all.most_in_1s <= most, "what was missed is not made up for: {all:?}");
    }
}

#[test]
fn one_429_pauses_all_processes_under_a_declared_rate() {
    let limit = r#"rate = "500/s""#;
    one_429_pauses_all(&Films { count: 2500, limit, settings: "in_flight = 64", ..Films::default() });
}

#[test]
fn one_429_pauses_all_processes_where_nothing_is_declared() {
    one_429_pauses_all(&Films { count: 6000, settings: "in_flight = 32", ..Films::default() });
}
