//! A rate that all processes keep together: over every second, on average, fairly, and while they are killed.

use std::process::Child;
use std::time::Duration;

use fastrand::Rng;

use super::{Films, all_answered};
use crate::support::processes::{children_of, kill_9};
use crate::support::{Alone, Arrivals, Origin, Sandbox, alone, film_ids, is_soak, seeded, wait};

/// Requests a second.
const RATE: f64 = 500.0;
/// Most in any second. The origin sees a request some time after it was sent, so that one or two may move into a second
/// from its neighbours; on a busy machine a fifth of them may.
pub fn most_in_1s() -> u64 {
    if is_soak() { 502 } else { 600 }
}

/// Most a second over all seconds; the first request may have been late.
const MOST_ON_AVERAGE: f64 = 1.05 * RATE;
/// Of all jobs together: some 8 seconds.
const FILMS: usize = 4000;
/// Enough for half a dozen seconds, and for what is asked again after kills.
const FILMS_UNDER_FIRE: usize = 2800;
/// Between two kills.
const PAUSE: Duration = Duration::from_millis(500);

/// Jobs at once that share a limit.
struct Crews {
    origin: Origin,
    sandboxes: Vec<Sandbox>,
    films: usize,
    children: usize,
    _alone: Alone,
}

impl Crews {
    /// So many jobs with so many children at a time each.
    fn new(jobs: usize, children: usize, films: usize) -> Crews {
        let (alone, origin, first) = (alone(), Origin::start(&["--arrivals"]), Sandbox::new());
        let mut sandboxes: Vec<Sandbox> = (1..jobs).map(|_| first.beside()).collect();
        sandboxes.push(first);
        let films = films / jobs;
        for (number, sandbox) in sandboxes.iter().enumerate() {
            let job =
                Films { first: number * films, count: films, limit: r#"rate = "500/s""#, ..Films::default() };
            job.write(sandbox, &origin);
        }
        Crews { origin, sandboxes, films, children, _alone: alone }
    }

    fn start(&self) -> Vec<Child> {
        let children = self.children.to_string();
        let arguments = ["run", "films.toml", "--processes", &children];
        self.sandboxes.iter().map(|sandbox| sandbox.start(arguments)).collect()
    }

    /// Waits for all to be published.
    #[track_caller]
    fn end(&self, runs: Vec<Child>) -> Arrivals {
        for (run, sandbox) in runs.into_iter().zip(&self.sandboxes) {
            wait(run).with_code(0);
            all_answered(sandbox, self.films);
        }
        self.origin.arrivals()
    }
}

#[track_caller]
fn kept(arrivals: &Arrivals, least_share: f64) {
    let Arrivals { most_in_1s: most, mean_rate, per_100ms, .. } = arrivals;
    assert!(*most <= most_in_1s(), "{most} within a second: {per_100ms:?}");
    assert!(*mean_rate <= MOST_ON_AVERAGE, "{mean_rate} a second: {per_100ms:?}");
    let least = if is_soak() { least_share } else { 0.5 };
    assert!(*mean_rate >= least * RATE, "{mean_rate} a second: {per_100ms:?}");
}

/// Undisturbed, each film is asked for once, and the rate is used up.
#[track_caller]
fn is_kept(jobs: usize, children: usize) {
    let crews = Crews::new(jobs, children, FILMS);
    let arrivals = crews.end(crews.start());
    assert_eq!(arrivals.count, FILMS as u64);
    kept(&arrivals, 0.98);
}

#[test]
fn two_children_keep_a_rate_and_use_it() {
    is_kept(1, 2);
}

#[test]
fn four_children_keep_a_rate_and_use_it() {
    is_kept(1, 4);
}

#[test]
fn two_jobs_at_once_keep_a_rate_and_use_it() {
    is_kept(2, 2);
}

/// Kills a random child of the runs again and again, until they end; how many.
fn fire(runs: &mut [Child], random: &mut Rng) -> usize {
    let mut kills = 0;
    while runs.iter_mut().any(|run| run.try_wait().unwrap().is_none()) {
        std::thread::sleep(PAUSE);
        let children: Vec<i32> = runs.iter().flat_map(|run| children_of(run.id())).collect();
        if let Some(&child) = random.choice(&children) {
            kill_9(child);
            kills += 1;
        }
    }
    kills
}

/// Killed processes leave no permits behind and take none with them.
#[track_caller]
fn is_kept_under_fire(jobs: usize, children: usize) {
    let crews = Crews::new(jobs, children, FILMS_UNDER_FIRE);
    let mut runs = crews.start();
    let kills = fire(&mut runs, &mut seeded());
    assert!(kills >= 8, "{kills} kills");
    kept(&crews.end(runs), 0.90);
}

#[test]
fn two_children_keep_a_rate_while_they_are_killed() {
    is_kept_under_fire(1, 2);
}

#[test]
fn four_children_keep_a_rate_while_they_are_killed() {
    is_kept_under_fire(1, 4);
}

#[test]
fn two_jobs_at_once_keep_a_rate_while_their_children_are_killed() {
    is_kept_under_fire(2, 2);
}

/// Requests of the first films, and of the others.
fn requests(origin: &Origin, first: &[String]) -> [u64; 2] {
    let counts = origin.counts();
    let omdb = &counts["by_endpoint"]["omdb"];
    let of_first = first.iter().filter_map(|id| omdb["counts"][id].as_u64()).sum();
    [of_first, omdb["total"].as_u64().unwrap() - of_first]
}

/// One process asks one thing at a time, the other two hundred. At 1 ms an answer the first can use its half.
#[test]
fn a_process_with_one_request_in_flight_gets_its_share() {
    let (_alone, origin, sandbox) =
        (alone(), Origin::start(&["--arrivals", "--latency-ms", "1"]), Sandbox::new());
    // On one core there are four shards: enough in each of two for as long as it is looked at.
    let job = Films { count: 16_000, limit: r#"rate = "500/s""#, ..Films::default() };
    job.write(&sandbox, &origin);
    sandbox.plan_on_one_core("films.toml");
    let shard = |number, in_flight| sandbox.start(["shard", "films", number, "--in-flight", in_flight]);
    let mut shards = [shard("0", "1"), shard("1", "200")];
    let first = film_ids(first_shard(&sandbox));
    super::wait_for_arrivals(&origin, 500);
    let before = requests(&origin, &first);
    std::thread::sleep(Duration::from_secs(5));
    let after = requests(&origin, &first);
    assert!(shards.iter_mut().all(|shard| shard.try_wait().unwrap().is_none()), "both are still at it");
    for mut shard in shards {
        shard.kill().unwrap();
        shard.wait().unwrap();
    }
    let [few, many] = [after[0] - before[0], after[1] - before[1]];
    let share = few as f64 / (few + many) as f64;
    // On a busy machine an answer takes longer than the first can wait, if it is to use its half.
    let shares = if is_soak() { 0.40..=0.60 } else { 0.05..=0.60 };
    assert!(shares.contains(&share), "{few} and {many} requests");
    assert!(!is_soak() || (few + many) as f64 >= 0.9 * 5.0 * RATE, "{few} and {many} requests");
    assert!(origin.arrivals().most_in_1s <= most_in_1s());
}

/// Records of the first shard: as many as pairs, since the job has one endpoint.
fn first_shard(sandbox: &Sandbox) -> usize {
    let round = std::fs::read(sandbox.newest_run("films").join("round-000.json")).unwrap();
    let round: serde_json::Value = serde_json::from_slice(&round).unwrap();
    round["shards"][0]["pairs"].as_u64().unwrap() as usize
}

/// The lower rate holds for both as long as both run, and each says so.
#[test]
fn two_jobs_that_name_different_rates_keep_the_lower_one_and_say_so() {
    let (_alone, origin, first) = (alone(), Origin::start(&["--arrivals"]), Sandbox::new());
    let second = first.beside();
    for (number, (sandbox, limit)) in
        [(&first, r#"rate = "200/s""#), (&second, r#"rate = "500/s""#)].into_iter().enumerate()
    {
        Films { first: number * 700, count: 700, limit, ..Films::default() }.write(sandbox, &origin);
    }
    let lower = first.start(["run", "films.toml"]);
    super::wait_for_arrivals(&origin, 1);
    let higher = second.start(["run", "films.toml"]);
    let [lower, higher] = [lower, higher].map(|run| wait(run).with_code(0));
    lower.saying("to 500/s, this one to 200/s, which holds for both");
    higher.saying("to 200/s, this one to 500/s: the lower limit holds for both");
    // Neither ends within the first three seconds.
    let arrivals = origin.arrivals().per_100ms;
    let seconds = arrivals[..30].windows(10).map(|second| second.iter().sum::<u64>());
    let most = if is_soak() { 205 } else { 300 };
    assert!(seconds.max() <= Some(most), "{arrivals:?}");
    assert!(arrivals[..30].iter().sum::<u64>() <= 660, "{arrivals:?}");
}

/// Of four processes of two jobs.
#[test]
fn requests_in_flight_are_counted_together() {
    let (_alone, first) = (alone(), Sandbox::new());
    let origin = Origin::start(&["--arrivals", "--latency-ms", "30"]);
    let second = first.beside();
    for (number, sandbox) in [&first, &second].into_iter().enumerate() {
        let job = Films { first: number * 600, count: 600, limit: "in_flight = 10", ..Films::default() };
        job.write(sandbox, &origin);
    }
    let runs = [&first, &second].map(|sandbox| sandbox.start(["run", "films.toml", "--processes", "2"]));
    for run in runs {
        wait(run).with_code(0);
    }
    let counts = origin.counts();
    assert_eq!((counts["total"].as_u64(), counts["max_in_flight"].as_u64()), (Some(1200), Some(10)));
    let mean_rate = origin.arrivals().mean_rate;
    assert!(!is_soak() || mean_rate >= 0.75 * 10.0 / 0.031, "{mean_rate} a second");
}
