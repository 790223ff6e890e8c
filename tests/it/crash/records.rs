//! Records that crash their process, or keep it busy for ever; a child that crashes at every start.

use std::path::PathBuf;

use crate::support::faults::{self, Fault, Strike};
use crate::support::{Origin, Sandbox, ended, film_ids, published_films, small_job};

/// The small job with another expression for the title.
fn job_with_title(sandbox: &Sandbox, origin: &Origin, films: usize, title: &str) -> PathBuf {
    let job = small_job(sandbox, origin, films, "", "");
    let text = std::fs::read_to_string(&job).unwrap();
    let (plain, expression) = (r#"title = ".Title""#, format!("title = '{title}'"));
    assert!(text.contains(plain));
    sandbox.write("small.toml", text.replace(plain, &expression))
}

/// Pairs that are neither ok nor missing.
const FAILED: &str = "SELECT ordinal, endpoint, status, kind, worth_repeating FROM requests \
                      WHERE status NOT IN ('ok', 'missing') ORDER BY ordinal";

#[test]
fn records_that_crash_their_process_are_found_and_named() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let ids = film_ids(200);
    // Two of one block and one of another; an endless list overflows the interpreter's stack.
    let bodies: Vec<String> = [70, 90, 150]
        .iter()
        .map(|&at: &usize| format!(r#""{}": "{{\"Title\": \"bomb\"}}""#, ids[at]))
        .collect();
    origin.knobs(&format!(r#"{{"body_ids": {{{}}}}}"#, bodies.join(",")));
    let bomb = r#"def f: [f]; if .Title == "bomb" then f else .Title end"#;
    let job = job_with_title(&sandbox, &origin, 200, bomb);
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    for ordinal in [70, 90, 150] {
        let named =
            format!("worked on endpoint omdb of record {ordinal}; that record is left out as crashed");
        assert!(ended.stderr.contains(&named), "{named}\n{}", ended.stderr);
    }
    let crashed = |ordinal| format!("{ordinal},omdb,failed,crashed,false");
    assert_eq!(sandbox.query("small", FAILED), [crashed(70), crashed(90), crashed(150)]);
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM requests"), ["400"]);
    let failures = sandbox.run(["failures", "small", "--list", "--format", "csv"]).with_code(0).stdout;
    let named: Vec<&str> = failures.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(named, [&ids[70], &ids[90], &ids[150]]);
    assert_eq!(published_films(&sandbox.path().join("small.duckdb")).len(), 197);
}

#[test]
fn a_record_that_keeps_its_process_busy_for_ever_is_found_and_named() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let ids = film_ids(20);
    origin.knobs(&format!(r#"{{"body_ids": {{"{}": "{{\"Title\": \"loop\"}}"}}}}"#, ids[7]));
    let endless = r#"def f: f; if .Title == "loop" then f else .Title end"#;
    let job = job_with_title(&sandbox, &origin, 20, endless);
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying("worked on endpoint omdb of record 7; that record is left out as crashed");
    assert_eq!(sandbox.query("small", FAILED), ["7,omdb,failed,crashed,false"]);
    let log = std::fs::read_to_string(sandbox.newest_run("small").join("00000/shard.log")).unwrap();
    assert_eq!(log.matches("record 7 has kept endpoint omdb busy for more than 30s").count(), 2, "{log}");
}

/// A `when` runs before anything is asked, a `cost` beside the columns. Each takes a minute of waiting: both at once.
#[test]
fn a_condition_or_a_cost_that_never_ends_is_found_and_named() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            never_ends("business", |sandbox, id| {
                let endless = "(reduce range(infinite) as $x (0; 1)) == 1";
                let when = format!(r#"when = 'if .imdb_id == "{id}" then {endless} else true end'"#);
                sandbox.edit("small.toml", "missing = [404]", &format!("missing = [404]\n{when}"));
            })
        });
        scope.spawn(|| {
            never_ends("omdb", |sandbox, _| {
                let limit = "[limit.units]\nrate = \"1000000 units/s\"\n\n[defaults]";
                sandbox.edit("small.toml", "[defaults]", limit);
                let cost =
                    "limit = \"units\"\ncost = 'def f: f; if .Title == \"loop\" then f else 1 end'\nnulls";
                sandbox.edit("small.toml", "nulls", cost);
            })
        });
    });
}

/// Runs a job that never ends for one film, which is called `loop`.
#[track_caller]
fn never_ends(endpoint: &str, change: impl Fn(&Sandbox, &str)) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let ids = film_ids(20);
    let job = small_job(&sandbox, &origin, 20, "", "");
    origin.knobs(&format!(r#"{{"body_ids": {{"{}": "{{\"Title\": \"loop\"}}"}}}}"#, ids[7]));
    change(&sandbox, &ids[7]);
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying(&format!("worked on endpoint {endpoint} of record 7; that record is left out as crashed"));
    assert_eq!(sandbox.query("small", FAILED), [format!("7,{endpoint},failed,crashed,false")]);
}

/// Nobody is there to start it again, and a signal would not be heard.
#[test]
fn a_command_without_children_says_which_record_does_not_end() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = job_with_title(&sandbox, &origin, 20, "def f: f; f");
    let ended = sandbox.run(["check", job.to_str().unwrap()]).with_code(2);
    ended
        .saying("has kept endpoint omdb busy for more than 30s")
        .saying("hint: an expression of the endpoint");
}

#[test]
fn a_child_that_crashes_at_every_start_is_given_up_while_the_others_go_on() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 256, "shard_size = 64", "");
    sandbox.run(["plan", "small.toml"]).with_code(0);
    let run = sandbox.newest_run("small");
    let mut command = sandbox.command(["run", job.to_str().unwrap()]);
    let strike = Strike { call: "rename", from: 1, to: usize::MAX, fault: Fault::Kill };
    faults::watch(&mut command, &run.join("00001"), &sandbox.path().join("calls"), &[strike]);
    let ended = ended(command).with_code(75);
    ended.saying("shard 1: its process was killed by SIGKILL, as the kernel does where memory runs out; started again").saying("nothing is published");
    let states = sandbox.query("small", "SELECT shard, count(*) FROM requests GROUP BY 1 ORDER BY 1");
    assert_eq!(states, ["0,128", "2,128", "3,128"], "the other shards are done");
    let ids = film_ids(256);
    assert_eq!((origin.count("omdb", &ids[0]), origin.count("omdb", &ids[64])), (1, 6), "started 6 times");
    // Without what kills it, the shard is all that is left to do.
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    assert_eq!((origin.count("omdb", &ids[0]), origin.count("omdb", &ids[64])), (1, 7));
    assert_eq!(published_films(&sandbox.path().join("small.duckdb")).len(), 256);
}
