//! What looks at a queue and mends it: `status`, `failures`, `requeue`, `check`; and what is refused of one.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::on_both;
use super::stage::{Server, Stage, failing, send};
use crate::support::processes::until;
use crate::support::{Ended, wait};

on_both!(
    a_queue_that_nobody_has_worked_is_looked_at,
    each_job_is_counted_once_and_where_it_is,
    what_a_queue_is_ordered_by_is_what_the_next_job_is_told_with,
    jobs_of_another_job_file_on_the_same_table_are_not_counted,
    the_oldest_job_is_one_that_waits,
    failures_name_jobs_by_kind_and_one_by_one,
    requeued_jobs_wait_as_if_they_were_new,
    a_job_whose_row_is_gone_or_would_not_wait_is_told,
    an_id_of_several_columns_is_requeued,
    what_is_under_way_is_not_taken_from_its_worker,
    a_queue_is_no_list_and_its_batches_are_no_runs_to_mend,
    a_trial_claims_nothing,
    check_tells_what_keeps_a_queue_from_being_worked,
    a_queue_is_watched_until_a_signal,
);

#[track_caller]
fn json_of(told: &Ended) -> Value {
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {}", told.stdout))
}

#[track_caller]
fn prints(told: &Ended, text: &str) {
    assert!(told.code == Some(0) && told.stdout.contains(text), "{text:?}: {}\n{}", told.stdout, told.stderr);
}

impl Stage {
    #[track_caller]
    fn run(&self, words: &str) -> Ended {
        self.sandbox.run(words.split(' '))
    }

    /// What `status` tells programs of the queue.
    #[track_caller]
    fn standing(&self) -> Value {
        let document = json_of(&self.run("status jobs.toml -f json"));
        assert_eq!((&document["version"], &document["job"]), (&json!(1), &json!("jobs")));
        document["queue"].clone()
    }

    /// Waiting, claimed, runs that claim, resting, dead.
    #[track_caller]
    fn figures(&self) -> [u64; 5] {
        let standing = self.standing();
        ["waiting", "claimed", "claimed_by_runs", "resting", "dead"]
            .map(|key| standing[key].as_u64().unwrap_or_else(|| panic!("{key}: {standing}")))
    }

    /// Three jobs done, two dead, three at rest for an hour; four more wait, and another worker has two of them.
    fn all_states(&self) {
        self.change("backoff = \"100ms\"", "backoff = \"1h\"");
        let down: String = (6..=8).map(|id| format!(", \"t{id}\": {{\"status\": 500}}")).collect();
        self.origin.knobs(&failing([4, 5], 404, None).replace("}}}", &format!("}}{down}}}}}")));
        self.insert(1..=8);
        let worker = self.start();
        self.wait_for("done", 3);
        until(Duration::from_secs(20), "three rest", || self.claims() == 3 && self.dead().len() == 2);
        super::stage::end(worker);
        self.insert(11..=14);
        self.claim_elsewhere(&[12, 13]);
    }

    /// Claims of a living worker elsewhere.
    fn claim_elsewhere(&self, ids: &[u64]) {
        let soon = self.on.own(["now() + INTERVAL '1 h'", "utc_timestamp(6) + INTERVAL 1 HOUR"]);
        for id in ids {
            self.sql(&format!(
                "INSERT INTO windrow_claims (queue, {}, run, until, attempts) VALUES ('{}', '{id}', 'elsewhere', {soon}, 0)",
                self.key(),
                self.queue(),
            ));
        }
    }

    /// What the tables of claims know the queue by.
    fn queue(&self) -> String {
        self.sql(self.on.own(["SELECT 'public.jobs'", "SELECT concat(database(), '.jobs')"])).concat()
    }
}

fn a_queue_that_nobody_has_worked_is_looked_at(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=3);
    assert_eq!(stage.figures(), [3, 0, 0, 0, 0]);
    assert_eq!(stage.standing()["next"], json!({ "id": "1", "ordered_by": null, "value": null }));
    stage.run("failures jobs.toml").with_code(0).saying("jobs: no job has failed");
    stage.run("requeue jobs.toml").with_code(0).saying("no job was requeued");
    assert!(!stage.has_table("windrow_claims") && !stage.has_table("windrow_dead"), "looking makes nothing");
}

fn each_job_is_counted_once_and_where_it_is(on: Server) {
    let stage = Stage::new(on);
    stage.all_states();
    assert_eq!(stage.figures(), [2, 2, 1, 3, 2]);
    let standing = stage.standing();
    assert_eq!(standing["next"]["id"], json!("11"), "neither one that is claimed nor one that rests");
    assert_eq!(standing["done_last_minute"], json!(3));
    let ends = standing["first_rest_ends_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let left = ends.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3000..=3600).contains(&left), "{left} s");
    let text = stage.run("status jobs.toml").with_code(0);
    let lines: Vec<&str> = text.stdout.lines().map(str::trim_end).collect();
    assert_eq!(lines[1..3], ["waiting  2  11 is next", "claimed  2  by 1 run"]);
    assert!(lines[3].starts_with("resting  3  the first for 5"), "{}", text.stdout);
    assert_eq!(lines[4], "done     3  within the last minute");
    assert!(
        lines[5]
            .starts_with("dead     2  `windrow failures jobs.toml` says why, `windrow requeue jobs.toml`")
    );
    // A lease that is over, and a rest, are no claims any more.
    stage.sql(stage.on.own([
        "UPDATE windrow_claims SET until = now() - INTERVAL '1 s'",
        "UPDATE windrow_claims SET until = utc_timestamp(6) - INTERVAL 1 SECOND",
    ]));
    assert_eq!(stage.figures(), [7, 0, 0, 0, 2]);
}

/// A text of the column must not be what jobs are ordered by: 10 would stand before 9.
fn what_a_queue_is_ordered_by_is_what_the_next_job_is_told_with(on: Server) {
    let stage = Stage::new(on);
    stage.sql("ALTER TABLE jobs ADD COLUMN priority integer");
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\norder = \"priority, id\"");
    stage.insert(9..=12);
    stage.sql("UPDATE jobs SET priority = CASE id WHEN 9 THEN 100 WHEN 12 THEN 20 ELSE 9 END");
    let next = |id: &str, value: &str| json!({ "id": id, "ordered_by": "priority", "value": value });
    assert_eq!(stage.standing()["next"], next("10", "9"));
    stage.work().with_code(0);
    stage.insert(1..=2);
    stage.sql("UPDATE jobs SET priority = 30 - id WHERE id < 3");
    assert_eq!(stage.standing()["next"], next("2", "28"));
    prints(&stage.run("status jobs.toml"), "2 is next (priority 28)");
    stage.is_settled_but_for(2);
}

impl Stage {
    fn is_settled_but_for(&self, waiting: u64) {
        assert_eq!((self.count("new"), self.count("done")), (waiting, 4));
        self.has_one_result_each(4);
    }
}

fn jobs_of_another_job_file_on_the_same_table_are_not_counted(on: Server) {
    let stage = Stage::new(on);
    stage.all_states();
    stage.change(
        "where = \"state = 'new'\"",
        "where = \"state = 'new' AND id IN (6, 12, 14)\"\nrequeue = \"state = 'new'\"",
    );
    assert_eq!(stage.figures(), [1, 1, 1, 1, 2]);
    assert_eq!(stage.standing()["next"]["id"], json!("14"));
}

/// zoolutions/pgbus#389, Betterment/delayed#114: one job that rests, or is worked, made a queue look late.
fn the_oldest_job_is_one_that_waits(on: Server) {
    let stage = Stage::new(on);
    // Wherever the server is, a moment without a zone is of UTC.
    let (add, old) = stage.on.own([
        (
            "ALTER TABLE jobs ADD COLUMN added timestamp",
            "now() AT TIME ZONE 'UTC' - INTERVAL '1 day' * (20 - id)",
        ),
        ("ALTER TABLE jobs ADD COLUMN added datetime", "utc_timestamp() - INTERVAL 20 - id DAY"),
    ]);
    stage.sql(add);
    if on == Server::Postgres {
        let zone = "EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Tokyo')";
        stage.sql(&format!("DO $$ BEGIN {zone}; END $$"));
    }
    stage.insert(15..=15);
    assert_eq!(stage.standing()["oldest_waiting_seconds"], Value::Null);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\ncreated = \"added\"");
    stage.sql(&format!("UPDATE jobs SET added = {old}"));
    let days = || stage.standing()["oldest_waiting_seconds"].as_f64().map(|seconds| seconds / 86_400.0);
    let is_about = |days: Option<f64>, expected: f64| days.is_some_and(|days| (days - expected).abs() < 0.1);
    assert!(is_about(days(), 5.0), "before anybody works: {:?}", days());
    stage.sql("DELETE FROM jobs");
    stage.all_states();
    stage.sql(&format!("UPDATE jobs SET added = {old}"));
    assert!(is_about(days(), 9.0), "job 11, and none of those that rest: {:?}", days());
    prints(&stage.run("status jobs.toml"), "waiting  2  the oldest for 216 h 0 min, 11 is next");
    stage.change("created = \"added\"", "created = \"target\"");
    stage.run("status jobs.toml").with_code(2).saying("no moment that `created` could be");
}

fn failures_name_jobs_by_kind_and_one_by_one(on: Server) {
    let stage = Stage::new(on);
    stage.all_states();
    let document = json_of(&stage.run("failures jobs.toml -f json"));
    assert_eq!([&document["dead"], &document["resting"]], [&json!(2), &json!(3)]);
    let [dead, resting] = document["failures"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!([&dead["state"], &dead["kind"], &dead["jobs"]], [&json!("dead"), &json!("status"), &json!(2)]);
    assert_eq!([&resting["state"], &resting["jobs"]], [&json!("resting"), &json!(3)]);
    let ids = |of: &Value| {
        let mut ids: Vec<String> =
            of["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(
        (ids(dead), ids(resting)),
        (vec!["4".into(), "5".into()], vec!["6".into(), "7".into(), "8".into()])
    );
    assert!(
        dead["example"].as_str().unwrap().contains("404")
            && resting["example"].as_str().unwrap().contains("500")
    );
    let list = stage.run("failures jobs.toml --list -f csv").with_code(0);
    assert_eq!(list.stdout.lines().next(), Some("id,state,kind,attempts,at,run,detail"));
    assert_eq!(list.stdout.lines().count(), 6, "{}", list.stdout);
    let of_4 = list.stdout.lines().find(|line| line.starts_with("4,dead,status,1,")).expect("job 4");
    let run = of_4.split(',').nth(5).unwrap();
    // The run is kept, and says more.
    prints(&stage.run(&format!("failures {run} --list")), "404");
    let short = stage.run("failures jobs.toml --list --max-rows 2").with_code(0);
    assert_eq!(short.stdout.lines().count(), 3, "{}", short.stdout);
    assert!(short.stderr.contains("… and 3 more rows; `--max-rows 5`"), "{}", short.stderr);
    assert!(
        short.stderr.contains("hint: `windrow requeue jobs.toml` lets the dead wait again"),
        "{}",
        short.stderr
    );
    stage
        .run("failures jobs.toml --answers")
        .with_code(2)
        .saying("answers are kept with the runs of a queue");
}

/// Sidekiq #3101, stackkit/laravel-google-cloud-tasks-queue#192, garrytan/gbrain#2783: what was brought back was dead again after
/// one attempt, since its attempts were used up.
fn requeued_jobs_wait_as_if_they_were_new(on: Server) {
    let stage = Stage::new(on);
    stage.change("backoff = \"100ms\"", "backoff = \"10ms\"\nattempts = 2");
    stage.origin.knobs(&failing([2, 3], 500, None));
    stage.insert(1..=4);
    stage.work().with_code(0);
    assert_eq!(stage.dead(), ["2|2|status", "3|2|status"]);
    stage.run("requeue jobs.toml --kind convert").with_code(0).saying("no job was requeued");
    stage.run("requeue jobs.toml --kind statsu").with_code(2).saying("did you mean status?");
    let some = stage.run("requeue jobs.toml --ids 3,99").with_code(1);
    assert!(some.stderr.contains("jobs: 1 job requeued"), "{}", some.stderr);
    assert!(some.stderr.contains("1 job not among those that have failed for good: 99"), "{}", some.stderr);
    assert_eq!(stage.dead(), ["2|2|status"]);
    stage.work().with_code(0);
    assert_eq!(stage.dead(), ["2|2|status", "3|2|status"], "it was asked as often as a new one");
    assert_eq!(stage.origin.count("echo", "t3"), 4);
    stage.origin.knobs(r#"{"fail_ids": {}}"#);
    stage.run("requeue jobs.toml --kind status").with_code(0).saying("jobs: 2 jobs requeued");
    assert_eq!(stage.figures(), [2, 0, 0, 0, 0]);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.dead().len()), (4, 0));
    stage.has_one_result_each(4);
}

fn a_job_whose_row_is_gone_or_would_not_wait_is_told(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(&failing([1, 2, 3], 404, None));
    stage.insert(1..=3);
    stage.work().with_code(0);
    stage.sql("DELETE FROM jobs WHERE id = 1");
    // Of job 3 `requeue` is not enough.
    stage.change(
        "where = \"state = 'new'\"",
        "where = \"state = 'new' AND id < 3\"\nrequeue = \"state = 'new'\"",
    );
    let told = stage.run("requeue jobs.toml").with_code(1);
    for says in [
        "jobs: 1 job requeued",
        "jobs: 1 job forgotten, since their rows are gone: 1",
        "jobs: 1 job left as they are, since they do not meet `where` after `requeue`: 3",
    ] {
        assert!(told.stderr.contains(says), "{says}: {}", told.stderr);
    }
    assert_eq!(stage.sql("SELECT id, state FROM jobs ORDER BY id"), ["2|new", "3|failed"]);
    assert_eq!(stage.dead(), ["3|1|status"]);
    stage.change("requeue = \"state = 'new'\"\n", "");
    stage.run("requeue jobs.toml").with_code(2).saying("add requeue = \"state = 'new'\" to the queue");
}

fn an_id_of_several_columns_is_requeued(on: Server) {
    let stage = Stage::new(on);
    stage.make_tables("id varchar(20), part integer, PRIMARY KEY (id, part)", "id varchar(20), part integer");
    stage.change("id = \"id\"", "id = [\"id\", \"part\"]");
    stage.origin.knobs(&failing([1, 2], 404, None));
    stage.sql(
        "INSERT INTO jobs (id, part, target) VALUES ('a, \"b', 7, 't1'), ('a, \"b', 8, 't2'), ('c', 7, 't3')",
    );
    stage.work().with_code(0);
    let dead = json_of(&stage.run("failures jobs.toml -f json"));
    let ids = dead["failures"][0]["ids"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 2, "{dead}");
    let first = ids.iter().map(|id| id.as_str().unwrap()).find(|id| id.contains('7')).unwrap();
    stage.sandbox.run(["requeue", "jobs.toml", "--ids", first]).with_code(0).saying("jobs: 1 job requeued");
    assert_eq!(stage.sql("SELECT id, part FROM jobs WHERE state = 'new'"), ["a, \"b|7"]);
    stage.run("requeue jobs.toml").with_code(0).saying("jobs: 1 job requeued");
    assert_eq!(stage.count("new"), 2);
}

/// Somebody has set a dead job back by hand, and a worker has it: to drop its claim would fence the worker's whole batch.
fn what_is_under_way_is_not_taken_from_its_worker(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(&failing([1], 404, None));
    stage.insert(1..=1);
    stage.work().with_code(0);
    stage.sql("UPDATE jobs SET state = 'new'");
    stage.claim_elsewhere(&[1]);
    stage.run("requeue jobs.toml").with_code(0).saying("jobs: 1 job requeued");
    assert_eq!((stage.claims(), stage.dead().len()), (1, 0));
}

fn a_queue_is_no_list_and_its_batches_are_no_runs_to_mend(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(&failing([1], 404, None));
    stage.insert(1..=2);
    for command in ["run jobs.toml", "run jobs.toml --new", "plan jobs.toml"] {
        stage.run(command).with_code(2).saying("`windrow work jobs.toml` works a queue");
    }
    assert_eq!((stage.asked(), stage.count("new")), (0, 2));
    stage.work().with_code(0);
    for command in ["retry jobs", "merge jobs", "merge jobs --to csv:out.csv", "extract jobs"] {
        stage.run(command).with_code(2).saying("is a batch of a queue");
    }
    assert_eq!((stage.asked(), stage.results()), (2, 1));
    // It may be looked at.
    stage.sandbox.run(["query", "jobs", "SELECT count(*) AS n FROM requests"]).with_code(0);
    stage.sandbox.write("list.toml", "input.ids = ['1']\ntable.to = 'duckdb:x.duckdb'\n[[endpoint]]\nurl = 'http://h/{id}'\ncolumns = { a = '.a' }\n");
    stage.run("requeue list.toml").with_code(2).saying("job list has no queue");
}

fn a_trial_claims_nothing(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=9);
    stage.run("run jobs.toml --sample 2").with_code(0);
    stage.run("run jobs.toml --ids 7").with_code(0);
    stage
        .run("check jobs.toml --ids 3")
        .with_code(0)
        .saying("windrow_claims and windrow_dead are not there yet");
    assert_eq!((stage.count("new"), stage.results(), stage.asked()), (9, 0, 4));
    assert!(!stage.has_table("windrow_claims"), "a trial makes nothing");
}

fn check_tells_what_keeps_a_queue_from_being_worked(on: Server) {
    let stage = Stage::new(on);
    let none = stage.run("check jobs.toml").with_code(0);
    assert!(none.stderr.contains("the job is valid, but no job waits: nobody was asked"), "{}", none.stderr);
    // A clause that reads of a table which `work` makes.
    let (failed, reading) = (
        "failed = \"state = 'failed'\"",
        "failed = \"state = coalesce((SELECT 'failed' FROM windrow_dead WHERE 1 = 0), 'failed')\"",
    );
    stage.change(failed, reading);
    stage.run("check jobs.toml").with_code(0);
    stage.change(reading, failed);
    stage.insert(1..=1);
    stage.sql(stage.on.own(["DROP INDEX waiting", "DROP INDEX waiting ON jobs"]));
    let slow = stage.run("check jobs.toml").with_code(0);
    assert_eq!(slow.stderr.contains("CREATE INDEX"), on == Server::MariaDb, "{}", slow.stderr);
    for (right, wrong, says) in [
        ("done = \"state = 'done'\"", "done = \"status = 'done'\"", "`done` of the queue"),
        ("where = \"state = 'new'\"", "where = \"stat = 'new'\"", "`where` of the queue"),
        ("table = \"jobs\"", "table = \"jobz\"", "it is not there"),
    ] {
        stage.change(right, wrong);
        let told = stage.run("check jobs.toml");
        assert!(
            told.code != Some(0) && told.stderr.contains(says),
            "{wrong}: {:?} {}",
            told.code,
            told.stderr
        );
        assert_eq!(told.stderr.matches("windrow: ").count(), 1, "{}", told.stderr);
        stage.change(wrong, right);
    }
    stage.make_tables("id bigint", "id bigint PRIMARY KEY");
    stage.run("check jobs.toml").with_code(2).saying("nothing says that its id is unique");
    assert_eq!(stage.asked(), 1);
}

fn a_queue_is_watched_until_a_signal(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=3);
    let watching = stage.sandbox.start(["status", "jobs.toml", "--watch"]);
    let began = std::time::Instant::now();
    std::thread::sleep(Duration::from_millis(2500));
    send(&watching, Signal::SIGINT);
    let told = wait(watching).with_code(130);
    assert!(began.elapsed() < Duration::from_secs(20));
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(!lines.is_empty(), "{}", told.stderr);
    for line in lines {
        let told = "jobs: 3 waiting, 0 claimed by 0 runs, 0 resting, 0 done within a minute, 0 dead";
        assert!(line.ends_with(told), "{line}");
    }
}
