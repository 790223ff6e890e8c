//! `windrow plan` of a job whose run is unfinished: it describes what the next `run` would do, and throws nothing away.

use std::path::Path;
use std::time::Duration;

use crate::support::processes::until;
use crate::support::{Ended, Origin, Sandbox, film_ids, small_job, wait};

/// The line of a plan with this label, without it.
fn line<'a>(ended: &'a Ended, label: &str) -> &'a str {
    let line = ended.stdout.lines().find(|line| line.starts_with(label));
    line.map_or("", |line| line.trim_start_matches(label).trim_start())
}

fn runs(sandbox: &Sandbox) -> usize {
    let entries = std::fs::read_dir(sandbox.path().join("shards/small")).unwrap().flatten();
    entries.filter(|entry| entry.path().join("plan.json").is_file()).count()
}

/// Records that were not answered by both endpoints.
fn records_left(sandbox: &Sandbox) -> usize {
    let answered = "count(*) FILTER (WHERE status IN ('ok', 'missing'))";
    let done = format!("SELECT ordinal FROM requests GROUP BY ordinal HAVING {answered} = 2");
    300 - sandbox.query("small", &format!("SELECT count(*) FROM ({done})"))[0].parse::<usize>().unwrap()
}

fn small(count: usize, settings: &str) -> (Sandbox, Origin) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, count, settings, "");
    (sandbox, origin)
}

#[test]
fn a_second_plan_describes_the_first() {
    let (sandbox, origin) = small(300, "");
    let first = sandbox.run(["plan", "small.toml"]).with_code(0);
    let second =
        sandbox.run(["plan", "small.toml"]).with_code(0).saying("is unfinished; `--new` plans another");
    assert_eq!((&first.stdout, runs(&sandbox)), (&second.stdout, 1));
    sandbox.run(["plan", "small.toml", "--new"]).with_code(0);
    assert_eq!((runs(&sandbox), origin.counts()["total"].as_u64()), (2, Some(0)));
}

#[test]
fn what_is_done_and_left_of_a_paused_run_is_told_and_the_run_goes_on() {
    let (sandbox, origin) = small(300, "");
    sandbox.run(["run", "small.toml", "--max-requests", "300"]).with_code(7);
    let before = origin.counts()["total"].as_u64().unwrap();
    for _ in 0..2 {
        let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
        assert_eq!(line(&plan, "requests"), "300 at least", "{}", plan.stdout);
        let left = records_left(&sandbox);
        assert_eq!(line(&plan, "records"), format!("300: {} done, {left} left", 300 - left));
        assert!(line(&plan, "disk").contains(" more in the run's folder"), "{}", plan.stdout);
        assert_eq!((runs(&sandbox), origin.counts()["total"].as_u64()), (1, Some(before)));
    }
    sandbox.run(["run", "small.toml"]).with_code(0).saying("continuing run").saying("published 300 rows");
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_quota_that_is_used_up_is_in_the_plan_of_what_is_left() {
    let (sandbox, origin) = small(300, "");
    let host = format!("\n[limit.\"127.0.0.1:{}\"]\nquota = \"100/day\"\nrate = \"1000/s\"\n", origin.port);
    sandbox.edit("small.toml", "[table]", &format!("{host}\n[table]"));
    sandbox.run(["run", "small.toml"]).with_code(7);
    let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
    assert!(line(&plan, "quota").contains("a day at 127.0.0.1:"), "{}", plan.stdout);
    // Each of two processes may have given one back for each endpoint, that it had taken and could not use any more.
    let is_left = |left: &u64| line(&plan, "quota").contains(&format!("of which {left} are left"));
    assert!((0..=4).any(|left| is_left(&left)), "{}", plan.stdout);
    let answered = sandbox.query("small", "SELECT count(*) FROM requests WHERE status IN ('ok', 'missing')");
    let answered: u64 = answered[0].parse().unwrap();
    assert_eq!(line(&plan, "requests"), format!("{} at least", 600 - answered), "{}", plan.stdout);
    let left = records_left(&sandbox);
    assert_eq!(line(&plan, "records"), format!("300: {} done, {left} left", 300 - left));
    assert!(line(&plan, "time").contains(" at least"), "{}", plan.stdout);
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn what_run_would_not_go_on_with_is_planned_anew_and_said() {
    let title = |sandbox: &Sandbox| sandbox.edit("small.toml", ".Title", ".Plot");
    let list = |sandbox: &Sandbox| drop(sandbox.write("ids.txt", film_ids(30).join("\n")));
    let age = |sandbox: &Sandbox| {
        sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nresume_within = \"1ms\"")
    };
    let changes: [(&dyn Fn(&Sandbox), &str); 3] = [
        (&title, "stays unfinished: endpoint omdb has changed (columns.title); planning a new run"),
        (&list, "ids.txt) has changed; planning a new run"),
        (&age, "stays unfinished: it is older than 1ms (resume_within); planning a new run"),
    ];
    for (change, said) in changes {
        let (sandbox, _origin) = small(50, "");
        sandbox.run(["plan", "small.toml"]).with_code(0);
        change(&sandbox);
        sandbox.run(["plan", "small.toml"]).with_code(0).saying(said);
        assert_eq!(runs(&sandbox), 2);
    }
}

#[test]
fn a_job_that_stops_over_a_change_is_not_planned_either() {
    let (sandbox, _origin) = small(50, "on_change = \"stop\"");
    sandbox.run(["plan", "small.toml"]).with_code(0);
    sandbox.edit("small.toml", ".Title", ".Plot");
    let ended = sandbox.run(["plan", "small.toml"]).with_code(2);
    ended.saying("is unfinished, and endpoint omdb has changed (columns.title) (on_change = \"stop\")");
    assert_eq!(runs(&sandbox), 1);
    sandbox.run(["plan", "small.toml", "--new"]).with_code(0);
    assert_eq!(runs(&sandbox), 2);
}

/// What bears no question may change, and the list may be written again: nothing starts anew.
#[test]
fn what_is_no_question_may_change_and_the_run_goes_on() {
    let (sandbox, origin) = small(300, "");
    sandbox.run(["run", "small.toml", "--max-requests", "300"]).with_code(7);
    let list = std::fs::read_to_string(sandbox.path().join("ids.txt")).unwrap();
    sandbox.write("ids.txt", list);
    let host = format!(
        "\n[publish]\nmin_success = 0.5\n\n[limit.\"127.0.0.1:{}\"]\nrate = \"10000/s\"\n",
        origin.port
    );
    sandbox.edit("small.toml", "[table]", &format!("{host}\n[table]"));
    sandbox.edit("small.toml", "attempts = 3", "attempts = 2");
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nkeep_runs = \"30d\"\nin_flight = 8");
    let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
    assert!(line(&plan, "records").ends_with(" left"), "{}", plan.stdout);
    sandbox.run(["run", "small.toml"]).with_code(0).saying("continuing run");
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_run_in_use_is_looked_at_and_not_touched() {
    let (sandbox, origin) = small(300, "in_flight = 4");
    origin.knobs(r#"{"latency_ms": 50}"#);
    let run = sandbox.start(["run", "small.toml"]);
    until(Duration::from_secs(20), "it asks", || origin.counts()["total"].as_u64() >= Some(20));
    let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
    assert_eq!(line(&plan, "state"), "in use by another windrow process", "{}", plan.stdout);
    wait(run).with_code(0).saying("published 300 rows");
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn what_is_fetched_and_not_published_is_not_planned_again() {
    let (sandbox, origin) = small(200, "");
    let bad =
        film_ids(5).iter().map(|id| format!("\"{id}\": {{\"status\": 500}}")).collect::<Vec<_>>().join(", ");
    origin.knobs(&format!("{{\"fail_ids\": {{{bad}}}}}"));
    sandbox.run(["plan", "small.toml"]).with_code(0);
    for shard in 0..shards(&sandbox.newest_run("small")) {
        sandbox.run(["shard", "small", &shard.to_string()]).with_code(0);
    }
    let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
    assert_eq!(
        line(&plan, "left"),
        "10 failed requests at the most, to be asked again; then it is published"
    );
    // A round that was begun: a request of a process whose limit is one.
    sandbox.run(["run", "small.toml", "--max-requests", "1"]).with_code(7);
    let plan = sandbox.run(["plan", "small.toml"]).with_code(0);
    assert_eq!(line(&plan, "records"), "200: all were asked; round 1 asks 5 again: 0 done, 5 left");
    assert_eq!(line(&plan, "requests"), "10 at least");
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nretry_rounds = 0");
    sandbox.run(["run", "small.toml"]).with_code(0).saying("published 195 rows");
    assert_eq!(runs(&sandbox), 1);
}

fn shards(run: &Path) -> usize {
    let folders = std::fs::read_dir(run).unwrap().flatten().filter(|entry| entry.path().is_dir());
    folders.count()
}

#[test]
fn the_folder_of_a_run_is_the_users_alone_unless_the_job_lets_others_look() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.write("ids.csv", "id\n1\n");
    let job = "[job]\nname = \"mine\"\n[input]\nfile = \"ids.csv\"\n[[endpoint]]\nurl = \"http://localhost:9/{id}\"\n\
               columns = { x = \".x\" }\n[table]\nto = \"duckdb:mine.duckdb\"\n";
    for (keys, expected) in [("", 0o700), ("runs_permissions = \"0750\"\n", 0o750)] {
        sandbox.write("mine.toml", job.replace("[input]", &format!("{keys}[input]")));
        sandbox.run(["plan", "mine.toml", "--new"]).with_code(0);
        let mode = std::fs::metadata(sandbox.newest_run("mine")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, expected);
    }
}
