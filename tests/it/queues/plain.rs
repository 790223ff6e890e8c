//! Jobs that are there, and jobs that come, are done, and each has its result.

use super::on_both;
use super::stage::{SOON, Server, Stage, end, runs};
use crate::support::processes::until;
use crate::support::wait;

on_both!(
    jobs_that_are_there_are_done_and_the_work_ends,
    jobs_that_come_while_it_works_are_done,
    an_empty_queue_ends_at_once_and_makes_no_run,
    each_job_is_committed_alone_where_one_is_claimed,
    several_batches_are_under_way_at_once,
    the_order_is_that_of_the_job_file,
    a_time_that_has_not_come_is_waited_for,
    ids_of_several_columns,
    large_and_negative_ids,
    ids_that_differ_in_case_and_blanks_only,
    ids_of_quotes_backslashes_and_other_letters,
    ids_of_other_types,
    ids_that_no_key_can_hold_are_told,
    results_of_upsert_and_replace_ids,
    a_summary_of_an_answer_of_many_rows,
    results_may_fill_the_jobs_own_rows,
);

fn jobs_that_are_there_are_done_and_the_work_ends(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=450);
    stage.work().with_code(0);
    stage.is_settled(450);
    assert_eq!(stage.asked(), 450, "each is asked once");
    // Rows of jobs that are done stay as they are.
    stage.work().with_code(0);
    assert_eq!(stage.asked(), 450);
    stage.is_settled(450);
}

fn jobs_that_come_while_it_works_are_done(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=10);
    let worker = stage.start();
    stage.wait_for("done", 10);
    for first in (11..300).step_by(30) {
        stage.insert(first..first + 30);
        std::thread::sleep(std::time::Duration::from_millis(40));
    }
    stage.wait_for("done", 310);
    end(worker);
    stage.is_settled(310);
    assert_eq!(stage.asked(), 310);
}

fn an_empty_queue_ends_at_once_and_makes_no_run(on: Server) {
    let stage = Stage::new(on);
    stage.work().with_code(0);
    assert!(runs(stage.sandbox.path()).is_empty());
    assert_eq!(stage.asked(), 0);
    // Jobs of another state are none of it.
    stage.sql("INSERT INTO jobs (id, target, state) VALUES (1, 't1', 'done'), (2, 't2', 'paused')");
    stage.work().with_code(0);
    assert_eq!((stage.asked(), stage.count("paused"), stage.claims()), (0, 1, 0));
}

/// Each transaction leaves its run in `windrow_runs`.
fn each_job_is_committed_alone_where_one_is_claimed(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 1");
    stage.insert(1..=12);
    stage.work().with_code(0);
    stage.is_settled(12);
    assert_eq!(stage.number("SELECT count(*) FROM windrow_runs"), 12);
}

fn several_batches_are_under_way_at_once(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 2\nparallel = 4");
    stage.origin.knobs(r#"{"latency_ms": 1500}"#);
    stage.insert(1..=8);
    stage.work().with_code(0);
    stage.is_settled(8);
    let together = stage.origin.counts()["max_in_flight"].as_u64().unwrap();
    assert!((5..=8).contains(&together), "{together} requests at once, of 4 batches of 2");
}

fn the_order_is_that_of_the_job_file(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 5\nparallel = 1\norder = \"id DESC\"");
    stage.change("mode = \"append\"", "mode = \"append\"\nstamp = { asked_at = \"record.fetched_at\" }");
    stage.insert(1..=20);
    stage.work().with_code(0);
    stage.is_settled(20);
    let older = "SELECT count(*) FROM results a JOIN results b ON a.id <= 15 AND b.id > 15 WHERE a.asked_at < b.asked_at";
    assert_eq!(stage.number(older), 0, "the last five are asked first");
}

fn a_time_that_has_not_come_is_waited_for(on: Server) {
    let stage = Stage::new(on);
    let now = on.own(["clock_timestamp()", "sysdate(6)"]);
    stage.change("state = 'new'\"", &format!("state = 'new' AND (done_at IS NULL OR done_at <= {now})\""));
    stage.insert(1..=4);
    stage.sql(&format!(
        "UPDATE jobs SET done_at = {now} + INTERVAL {} WHERE id = 3",
        on.own(["'2 s'", "2 SECOND"])
    ));
    let worker = stage.start();
    stage.wait_for("done", 3);
    assert_eq!(stage.sql("SELECT state FROM jobs WHERE id = 3"), ["new"]);
    stage.wait_for("done", 4);
    end(worker);
    stage.is_settled(4);
}

/// Jobs with these ids, in SQL and as they are asked for, are done one by one and in batches.
fn with_ids(stage: &Stage, ids: &[&str]) {
    for claim in [1, 3, 200] {
        stage.sql("DELETE FROM results");
        stage.sql("DELETE FROM jobs");
        stage.job(&stage.sandbox, &[("poll = \"50ms\"", &format!("poll = \"50ms\"\nclaim = {claim}"))]);
        for (number, id) in ids.iter().enumerate() {
            stage.sql(&format!("INSERT INTO jobs (id, target) VALUES ({id}, 't{number}')"));
        }
        stage.work().with_code(0);
        stage.is_settled(ids.len() as u64);
    }
}

fn ids_of_several_columns(on: Server) {
    let stage = Stage::new(on);
    let of = |text: &str| format!("shop {text}, id int, day date, PRIMARY KEY (shop, id, day)");
    let columns = of(on.own(["text", "varchar(40) COLLATE utf8mb4_bin"]));
    stage.make_tables(&columns, &columns);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 7\nparallel = 2");
    stage.change("id = \"id\"", "id = [\"shop\", \"id\", \"day\"]");
    let shops = ["a", "A", "a\"b", "a,b", "[\"a\"]", "ä", "null", " "];
    for (number, shop) in shops.iter().enumerate() {
        stage.sql(&format!(
            "INSERT INTO jobs (shop, id, day, target) VALUES ('{shop}', 1, '2026-01-01', 't{number}'), \
             ('{shop}', 11, '2026-01-01', 'u{number}'), ('{shop}', 1, '2026-01-11', 'v{number}')"
        ));
    }
    stage.work().with_code(0);
    assert_eq!(stage.count("done"), 24);
    let right = "SELECT count(*), count(DISTINCT results.target) FROM results JOIN jobs USING (shop, id, day) \
         WHERE results.target = concat('/echo/', jobs.target)";
    assert_eq!(stage.sql(right), ["24|24"]);
    assert_eq!((stage.results(), stage.claims()), (24, 0));
}

fn large_and_negative_ids(on: Server) {
    let stage = Stage::new(on);
    // The first two are one as floating-point numbers.
    let ids = [
        "9007199254740993",
        "9007199254740992",
        "9223372036854775807",
        "-9223372036854775808",
        "0",
        "-1",
        "7",
    ];
    with_ids(&stage, &ids);
    stage.make_tables("id numeric(38) PRIMARY KEY", "id numeric(38) PRIMARY KEY");
    with_ids(
        &stage,
        &["99999999999999999999999999999999999998", "99999999999999999999999999999999999999", "1"],
    );
    if on == Server::MariaDb {
        stage.make_tables("id bigint unsigned PRIMARY KEY", "id bigint unsigned PRIMARY KEY");
        with_ids(&stage, &["18446744073709551615", "18446744073709551614", "0"]);
    }
}

fn ids_that_differ_in_case_and_blanks_only(on: Server) {
    let stage = Stage::new(on);
    let id = on.own(["id text PRIMARY KEY", "id varchar(40) COLLATE utf8mb4_nopad_bin PRIMARY KEY"]);
    stage.make_tables(id, id);
    with_ids(&stage, &["'a'", "'A'", "'a '", "'a  '", "' a'", "'ä'", "'a\u{301}'", "'á'"]);
    if on == Server::MariaDb {
        // One that takes them for the same has only one of them.
        let id = "id varchar(40) COLLATE utf8mb4_general_ci PRIMARY KEY";
        stage.make_tables(id, id);
        with_ids(&stage, &["'a '", "'B'", "'ß'", "'Ä2'"]);
    } else {
        stage.make_tables("id char(8) PRIMARY KEY", "id char(8) PRIMARY KEY");
        with_ids(&stage, &["'a'", "'A'", "'a b'"]);
    }
}

fn ids_of_quotes_backslashes_and_other_letters(on: Server) {
    let stage = Stage::new(on);
    let id = on.own(["id text PRIMARY KEY", "id varchar(200) COLLATE utf8mb4_nopad_bin PRIMARY KEY"]);
    stage.make_tables(id, id);
    let backslash = on.own([r"'\'", r"'\\'"]);
    let both = on.own([r"'\''--'", r"'\\''--'"]);
    let long = format!("'{}'", "x".repeat(180));
    let ids =
        ["''''", "'\"'", "'`'", backslash, both, "'%_'", "'a;b'", "'{id}'", "'$1'", "'?'", "'雪'", "'🎬'"];
    with_ids(&stage, &[&ids[..], &["'a\nb'", "'a\tb'", "'NULL'", "'~'", &long]].concat());
}

fn ids_of_other_types(on: Server) {
    let stage = Stage::new(on);
    let uuids = ["'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"];
    let result = on.own(["id uuid PRIMARY KEY", "id varchar(40) PRIMARY KEY"]);
    stage.make_tables("id uuid PRIMARY KEY", result);
    with_ids(&stage, &uuids);
    stage.make_tables("id date PRIMARY KEY", "id date PRIMARY KEY");
    with_ids(&stage, &["'2026-01-01'", "'2024-02-29'", "'1970-01-01'"]);
    let moment = on.own(["id timestamptz PRIMARY KEY", "id datetime(6) PRIMARY KEY"]);
    stage.make_tables(moment, moment);
    let moments = ["'2026-01-01 00:00:00'", "'2026-01-01 00:00:00.000001'", "'2026-10-25 02:30:00'"];
    with_ids(&stage, &moments);
    stage.make_tables("id smallint PRIMARY KEY", "id int PRIMARY KEY");
    with_ids(&stage, &["-32768", "0", "32767"]);
}

/// Bytes that are no text, and texts longer than a key: either they are worked, or it is said that they cannot be; no two of
/// them are taken for one.
fn ids_that_no_key_can_hold_are_told(on: Server) {
    let long = |end: &str| format!("'{}{end}'", "x".repeat(600));
    let bytes = on.own([
        [r"'\xff00'", r"'\xfe00'"],
        ["x'ff000000000000000000000000000000'", "x'fe000000000000000000000000000000'"],
    ]);
    let (binary, text) = on.own([("bytea", "text"), ("binary(16)", "varchar(700)")]);
    for (id, ids) in [(binary, bytes.map(str::to_owned)), (text, ["a", "b"].map(long))] {
        let stage = Stage::new(on);
        let result = if id == "bytea" { "text" } else { id };
        stage.make_tables(&format!("id {id} PRIMARY KEY"), &format!("id {result} PRIMARY KEY"));
        stage.change("{target}", "{target}?id={id}");
        for (number, id) in ids.iter().enumerate() {
            stage.sql(&format!("INSERT INTO jobs (id, target) VALUES ({id}, 't{number}')"));
        }
        let ended = stage.work();
        match ended.code {
            Some(0) if stage.count("done") == 2 => {
                let right = "SELECT count(*), count(DISTINCT results.target), count(DISTINCT results.id) FROM results";
                assert_eq!(stage.sql(right), ["2|2|2"], "{id}");
            }
            Some(0) => {
                assert_eq!((stage.count("failed"), stage.dead().len()), (2, 2), "{id}: {}", ended.stderr)
            }
            Some(2 | 5) => {
                assert!(ended.stderr.contains("hint: "), "{id}: {}", ended.stderr);
                assert_eq!(stage.asked(), 0, "{id}: {}", ended.stderr);
            }
            code => panic!("{id}: {code:?}\n{}", ended.stderr),
        }
        assert_eq!(stage.claims(), 0, "{id}");
    }
}

fn results_of_upsert_and_replace_ids(on: Server) {
    for (mode, key) in
        [("mode = \"upsert\"\nkey = \"id\"", "upsert"), ("mode = \"replace_ids\"", "replace_ids")]
    {
        let stage = Stage::new(on);
        stage.change("mode = \"append\"", mode);
        stage.sql("INSERT INTO results (id, target) VALUES (1, 'old'), (99, 'old')");
        stage.insert(1..=3);
        stage.work().with_code(0);
        assert_eq!(stage.count("done"), 3, "{key}");
        let rows = stage.sql("SELECT id, target FROM results ORDER BY id");
        assert_eq!(rows, ["1|/echo/t1", "2|/echo/t2", "3|/echo/t3", "99|old"], "{key}");
        // A job that is asked for again.
        stage.sql("UPDATE jobs SET state = 'new', target = 'again' WHERE id = 2");
        stage.work().with_code(0);
        assert_eq!(stage.sql("SELECT target FROM results WHERE id = 2"), ["/echo/again"], "{key}");
        assert_eq!((stage.count("done"), stage.claims()), (3, 0), "{key}");
    }
}

/// A job may have many rows, and none: it is done all the same.
fn a_summary_of_an_answer_of_many_rows(on: Server) {
    let stage = Stage::new(on);
    stage.make_tables("id bigint PRIMARY KEY", "id bigint");
    stage.change("columns = { target = \".target\" }", "rows = \".rows[]\"\ncolumns = { target = \".\" }");
    stage.origin.knobs(
        r#"{"body_ids": {"t1": "{\"rows\": [1, 2, 3]}", "t2": "{\"rows\": []}", "t3": "{\"rows\": [\"x\"]}"}}"#,
    );
    stage.insert(1..=3);
    let worker = stage.start();
    until(SOON, "all are done", || stage.count("done") == 3);
    crate::queues::stage::send(&worker, nix::sys::signal::Signal::SIGTERM);
    wait(worker).with_code(143);
    assert_eq!(stage.sql("SELECT id, target FROM results ORDER BY 1, 2"), ["1|1", "1|2", "1|3", "3|x"]);
    assert_eq!(stage.claims(), 0);
}

/// The rows that are there keep what the job has no word for, and none is added.
fn results_may_fill_the_jobs_own_rows(on: Server) {
    let stage = Stage::new(on);
    stage.sql("ALTER TABLE jobs ADD COLUMN answer varchar(200)");
    stage.sql("ALTER TABLE jobs ADD COLUMN note varchar(200) NOT NULL DEFAULT 'none'");
    stage.change("name = \"results\"\nmode = \"append\"", "name = \"jobs\"");
    stage.change("columns = { target = \".target\" }", "columns = { answer = \".target\" }");
    stage.origin.knobs(&super::stage::failing([2], 404, None));
    stage.insert(1..=4);
    stage.sql("UPDATE jobs SET note = concat('of ', id)");
    stage.work().with_code(0);
    assert_eq!(
        stage.sql("SELECT id, state, answer, note FROM jobs ORDER BY id"),
        ["1|done|/echo/t1|of 1", "2|failed|~|of 2", "3|done|/echo/t3|of 3", "4|done|/echo/t4|of 4"]
    );
    assert_eq!((stage.claims(), stage.dead().len()), (0, 1));
}
