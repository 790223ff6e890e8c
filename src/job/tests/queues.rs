//! `queue` of `[input]`: what it means, what is inferred, what it refuses beside it, and what its pieces of SQL may be.

use std::time::Duration;

use super::super::*;
use super::{mistakes_of, parse, said_of};

const QUEUE: &str =
    r#"table = "jobs", where = "state = 'new'", done = "state = 'done'", failed = "state = 'failed'""#;

/// A job with this queue, and these further lines before its endpoint.
fn with(queue: &str, more: &str) -> String {
    format!(
        r#"input.queue = {{ {queue} }}
table.to = "postgres://shop@db.example/shop"
{more}
[[endpoint]]
url = "https://example.org/{{id}}"
columns = {{ title = ".title" }}
"#
    )
}

/// The queue above with one text in place of another.
fn but(old: &str, new: &str) -> String {
    assert_eq!(QUEUE.matches(old).count(), 1, "{old}");
    QUEUE.replace(old, new)
}

fn in_mysql(text: &str) -> String {
    text.replace("postgres://", "mysql://")
}

fn job(text: &str) -> Job {
    parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn queue(text: &str) -> Queue {
    match job(text).input.source {
        Source::Queue(queue) => *queue,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue_has_what_it_says_and_the_usual_for_the_rest() {
    let usual = Queue {
        database: ServerUrl::parse("postgres://shop@db.example/shop").unwrap(),
        table: "jobs".into(),
        condition: "state = 'new'".into(),
        order: None,
        done: "state = 'done'".into(),
        failed: "state = 'failed'".into(),
        created: None,
        requeue: Some("state = 'new'".into()),
        claim: 200,
        parallel: 4,
        lease: Duration::from_secs(60),
        attempts: 5,
        backoff: Duration::from_secs(30),
        poll: Duration::from_millis(250),
    };
    assert_eq!(queue(&with(QUEUE, "")), usual);
    let said = r#", order = "priority DESC, id", requeue = "state = 'new', tries = 0", claim = 1, parallel = 64, lease = "5s",
        attempts = 1, backoff = "0s", poll = "10ms""#
        .replace('\n', "");
    let expected = Queue {
        order: Some("priority DESC, id".into()),
        requeue: Some("state = 'new', tries = 0".into()),
        claim: 1,
        parallel: 64,
        lease: Duration::from_secs(5),
        attempts: 1,
        backoff: Duration::ZERO,
        poll: Duration::from_millis(10),
        ..usual
    };
    assert_eq!(queue(&with(&format!("{QUEUE}{said}"), "")), expected);
    let section = with("", "").replace("input.queue = {  }", "[input]\nid = \"id\"\n[input.queue]\ntable = \"jobs\"\nwhere = \"state = 'new'\"\ndone = \"state = 'done'\"\nfailed = \"state = 'failed'\"\n[table]").replace("table.to", "to");
    assert_eq!(queue(&section).table, "jobs");
}

#[test]
fn its_jobs_are_told_apart_by_their_id_and_no_round_follows() {
    let job = job(&with(QUEUE, "job.listen = \"127.0.0.1:9464\""));
    assert_eq!((job.input.on_duplicate, job.input.allow_empty), (OnDuplicate::Keep, true));
    assert_eq!((job.settings.retry_rounds, job.settings.listen), (0, "127.0.0.1:9464".parse().ok()));
    assert_eq!(
        (job.table.mode, job.table.key, job.input.id),
        (Mode::Upsert, vec!["id".into()], vec!["id".into()])
    );
    assert_eq!(
        job.inferred,
        [
            "[job] name = \"films\"",
            "[[endpoint]] name = \"films\"",
            "[input] id = \"id\"",
            "[table] name = \"films\"",
            "[table] mode = \"upsert\"",
            "[table] key = \"id\"",
            "[input] queue.requeue = \"state = 'new'\"",
        ]
    );
}

/// How a queue is worked makes no other question, and that there is one does.
#[test]
fn the_questions_are_those_of_a_queue() {
    let questions = |text: &str| job(text).questions();
    let usual = questions(&with(QUEUE, ""));
    assert_eq!(questions(&with(&format!("{QUEUE}, claim = 7"), "")), usual);
    let list = with("", "").replace(
        "input.queue = {  }",
        "input = { file = \"ids.csv\", on_duplicate = \"keep\" }\ntable.mode = \"append\"",
    );
    assert_ne!(questions(&list), usual);
    insta::assert_snapshot!(usual["input"], @r#"{"id":["id"],"on_duplicate":"keep","skip_lines":0}"#);
}

#[test]
fn requeue_is_inferred_from_one_comparison_alone() {
    let requeue = |condition: &str| queue(&with(&but("state = 'new'", condition), "")).requeue;
    assert_eq!(requeue("done_at IS NULL").as_deref(), Some("done_at = NULL"));
    assert_eq!(requeue("state = 0").as_deref(), Some("state = 0"));
    assert_eq!(requeue("state IN ('new', 'again')"), None);
    assert_eq!(requeue("state = 'new' AND due <= now()"), None);
    assert_eq!(
        queue(&in_mysql(&with(&but("state = 'new'", "`state` = 1"), ""))).requeue.as_deref(),
        Some("`state` = 1")
    );
}

#[test]
fn what_lacks_is_told_together() {
    insta::assert_snapshot!(said_of(&with("table = \"jobs\"", "")), @r#"
    line 1: { table = "jobs" }
    queue lacks `where`, `done` and `failed`
    hint: write queue = { table = "jobs", where = "state = 'new'", done = "state = 'done'", failed = "state = 'failed'" }
    "#);
    insta::assert_snapshot!(said_of(&with("", "")), @r#"
    line 1: {  }
    queue lacks `table`, `where`, `done` and `failed`
    hint: write queue = { table = "jobs", where = "state = 'new'", done = "state = 'done'", failed = "state = 'failed'" }
    "#);
    let without = with(QUEUE, "").replace("input.queue", "input.quue");
    insta::assert_snapshot!(said_of(&without), @r#"
    line 1: input
    [input] lacks `file`, `ids`, `database` or `queue`
    hint: add file = "….csv", ids = ["…", "…"], database = "postgres://…" with sql = "SELECT …", or queue = { … }

    line 1: quue
    unknown key `quue` in [input]
    hint: did you mean `queue`?
    "#);
    insta::assert_snapshot!(said_of(&with(QUEUE, "input.file = \"ids.csv\"")), @r#"
    line 1: queue
    both `file` and `queue` in [input]
    hint: leave one of them out
    "#);
}

#[test]
fn bounds_are_kept() {
    for (key, says) in [
        ("claim = 0", "0 is out of bounds\nhint: write a whole number from 1 to 10000"),
        ("claim = 10001", "from 1 to 10000"),
        ("parallel = 65", "from 1 to 64"),
        ("attempts = 1001", "from 1 to 1000"),
        (
            "lease = '4s'",
            "4s is out of bounds\nhint: write it like \"500ms\", \"10s\" or \"5m\", from 5s to 1day",
        ),
        ("backoff = '25h'", "from 0s to 1day"),
        ("poll = '5ms'", "from 10ms to 1h"),
        ("poll = 250", "expected a duration in quotes, found an integer"),
        ("order = ''", "`order` is empty"),
        ("created = ' '", "`created` is empty"),
        ("requeue = 3", "expected text, found an integer"),
    ] {
        let found = mistakes_of(&with(&format!("{QUEUE}, {key}"), ""));
        let [mistake] = found.as_slice() else { panic!("{key}: {found:#?}") };
        let said = format!("{}\nhint: {}", mistake.message, mistake.hint);
        assert!(said.contains(says), "{key}: {said}");
        assert_eq!(mistake.line, 1, "{key}");
    }
    for (address, is_right) in [
        ("[::1]:9464", true),
        ("0.0.0.0:0", true),
        (":9464", false),
        ("localhost:9464", false),
        ("127.0.0.1", false),
    ] {
        let found = mistakes_of(&with(QUEUE, &format!("job.listen = \"{address}\"")));
        assert_eq!(found.is_empty(), is_right, "{address}: {found:?}");
        assert!(is_right || found[0].hint.contains("write \"127.0.0.1:9464\""), "{found:?}");
    }
}

#[test]
fn what_a_batch_cannot_have_is_refused_where_it_stands() {
    let more = r#"
job = { retry_rounds = 1, resume_within = "1d", on_change = "stop", shard_size = 100 }
input = { on_duplicate = "keep", allow_empty = true, format = "csv", delimiter = ";", queue = { QUEUE } }
publish = { min_success = 0.9, max_failed = 1, max_duplicates = 1, max_rejected = 1, min_rows = 1, max_change = 0.5, on_pause = "wait", after = [{ sql = "SELECT 1", file = "x.csv" }] }
table = { to = "postgres://h/d", mode = "replace", on_unlisted = "delete", runs_table = "windrow_claims" }
[[endpoint]]
url = "https://example.org/{id}"
min_success = 0.5
columns = { title = ".title" }
"#
    .replace("QUEUE", QUEUE);
    insta::assert_snapshot!(said_of(&more), @r#"
    line 2: 1
    `retry_rounds` beside a queue
    hint: leave it out: a job that failed is asked again by `attempts` and `backoff` of the queue

    line 2: "1d"
    `resume_within` beside a queue
    hint: leave it out: `windrow work` goes on with its own batches while it has their jobs

    line 2: "stop"
    `on_change` beside a queue
    hint: leave it out: `windrow work` goes on with its own batches while it has their jobs

    line 2: 100
    `shard_size` beside a queue
    hint: leave it out: a batch is one shard, of as many jobs as `claim` says

    line 3: "keep"
    `on_duplicate` beside a queue
    hint: leave it out: a unique index tells jobs apart

    line 3: true
    `allow_empty` beside a queue
    hint: leave it out: where no job waits, the next one is waited for

    line 3: "csv"
    `format` without a file
    hint: leave it out: a queue gives rows, and their types with them

    line 3: ";"
    `delimiter` has no effect on this list
    hint: leave it out: it is for files of the formats csv and tsv

    line 4: 0.9
    `min_success` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead

    line 4: 1
    `max_failed` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead

    line 4: 1
    `max_duplicates` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead

    line 4: 1
    max_duplicates without an upsert
    hint: leave it out, or take mode = "upsert" and a key: the other modes write every row

    line 4: 1
    `max_rejected` beside a queue
    hint: leave it out: a job whose row the table refuses has failed, the others are settled

    line 4: 1
    `min_rows` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead

    line 4: 0.5
    `max_change` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead

    line 4: "wait"
    `on_pause` beside a queue
    hint: leave it out: jobs that a quota lets wait are freed until it renews

    line 4: "x.csv"
    `file` beside a queue
    hint: leave it out: a report of every batch would overwrite the one before

    line 5: "replace"
    mode = "replace" beside a queue
    hint: each batch would take away the rows of the one before: take mode = "append", "upsert" or "replace_ids"

    line 5: "delete"
    on_unlisted = "delete" beside a queue
    hint: leave it out: each batch would take away the rows of all other jobs

    line 5: "delete"
    on_unlisted = "delete" in a table that is replaced as a whole
    hint: leave it out: no row stays that this run did not make

    line 5: "windrow_claims"
    "windrow_claims" is a table of windrow's own
    hint: take another name for `runs_table`

    line 8: 0.5
    `min_success` beside a queue
    hint: leave it out: every batch is settled, and a job that failed is asked again, or is dead
    "#);
}

#[test]
fn queue_and_results_are_on_one_server() {
    let into = |to: &str| said_of(&with(QUEUE, "").replace("postgres://shop@db.example/shop", to));
    insta::assert_snapshot!(into("duckdb:shop.duckdb"), @r#"
    line 2: "duckdb:shop.duckdb"
    a queue, and a destination that is no server
    hint: write to = "postgres://…" or "mysql://…": queue and results are in one database, because they are in one transaction
    "#);
    for to in ["sqlite:shop.sqlite", "parquet:shop.parquet", "csv:shop.csv"] {
        assert!(into(to).contains("a queue, and a destination that is no server"), "{to}");
    }
    let password = into("postgres://u:geheim@h/d");
    assert!(
        password.contains("a password in plain text") && password.matches("hint:").count() == 1,
        "{password}"
    );
    assert!(into("postgre://h/d").contains("did you mean `postgres`?"));
    for (text, table) in
        [("", "small"), ("Windrow_Dead", "small"), ("windrow_runs", "small"), ("jobs", "windrow_dead")]
    {
        let said =
            said_of(&with(&but("\"jobs\"", &format!("\"{text}\"")), &format!("table.name = \"{table}\"")));
        assert_eq!(said.matches("hint:").count(), 1, "{text} {table}: {said}");
    }
    let listening = with("", "job.listen = \"127.0.0.1:1\"").replace("queue = {  }", "file = \"ids.csv\"");
    insta::assert_snapshot!(said_of(&listening), @r#"
    line 3: "127.0.0.1:1"
    `listen` of a job without a queue
    hint: leave it out: `windrow work` listens, which works the queue of [input]
    "#);
}

/// A batch that adds rows to the table of jobs would make jobs.
#[test]
fn results_may_fill_the_jobs_own_rows_and_add_none() {
    let table = |keys: &str| {
        said_of(&with(QUEUE, &format!("table = {{ to = \"postgres://h/d\", {keys} }}")).replacen(
            "table.to = \"postgres://shop@db.example/shop\"\n",
            "",
            1,
        ))
    };
    assert_eq!(table("name = \"jobs\""), "");
    assert_eq!(table("name = \"public.jobs\", mode = \"upsert\", key = \"id\""), "");
    insta::assert_snapshot!(table("name = \"Jobs\", mode = \"append\""), @r#"
    line 2: "Jobs"
    the table of the jobs, into which rows are added
    hint: take another table, or mode = "upsert" with the id as its key, which fills columns of the job's own row
    "#);
    for keys in
        ["name = \"jobs\", mode = \"replace_ids\"", "name = \"jobs\", mode = \"upsert\", key = \"title\""]
    {
        assert!(table(keys).contains("the table of the jobs, into which rows are added"), "{keys}");
    }
}

/// Each would end the statement that it is put into, or mean something else there.
#[test]
fn a_piece_of_sql_stays_one() {
    for (condition, says) in [
        ("1=1) OR (1=1", "a parenthesis that nothing has opened"),
        ("(state = 'new'", "a parenthesis that is not closed"),
        ("state = 'new", "a quote that is not closed"),
        ("state = 'new' -- only those", "a comment"),
        ("state = 'new' /* only those", "a comment"),
        ("state = 'new'; DROP TABLE jobs", "a `;`"),
        ("state = 'new';", "a `;`"),
        ("state = '\\\\' OR n = ')'", "a backslash before a quote"),
        ("WHERE state = 'new'", "`WHERE` in `where`"),
        ("state = 'new' ORDER BY id", "`ORDER` in `where`"),
        ("state = 'new' limit 10", "`LIMIT` in `where`"),
        ("state = 'new' FOR UPDATE", "`FOR` in `where`"),
        (" ", "`where` is empty"),
        ("\\u0000", "the character U+0000"),
    ] {
        let text = with(&but("state = 'new'", condition), "");
        for text in [text.clone(), in_mysql(&text)] {
            let found = mistakes_of(&text);
            let [mistake] = found.as_slice() else { panic!("{condition}: {found:#?}") };
            assert!(mistake.message.contains(says), "{condition}: {mistake:?}");
        }
    }
    let postgres = |condition: &str| mistakes_of(&with(&but("state = 'new'", condition), ""));
    let mysql = |condition: &str| mistakes_of(&in_mysql(&with(&but("state = 'new'", condition), "")));
    for condition in ["state = $1", "state = $$new", "state = $a$new$b$", "state = E'\\\\'"] {
        assert_eq!(postgres(condition).len(), 1, "{condition}");
    }
    for condition in
        ["state = ?", "state = 'new' # new", "state = \\\"a\\\\\\\"", "`state = 1", "state = 'new' --"]
    {
        assert_eq!(mysql(condition).len(), 1, "{condition}");
    }
    for condition in [
        "state = $$it's ; (new$$ AND n = 1",
        "state = $a$new$$;$a$",
        "state = E'it\\\\'s ;('",
        "\\\"state;--\\\" = 1",
        "data #>> '{a,b}' = 'x' AND data ? 'a'",
        "jobs.order = 1",
        "state IN (SELECT state FROM states WHERE open ORDER BY 1 LIMIT 1)",
        "cost$1 = 1",
        "path = 'C:\\\\\\\\dir'",
    ] {
        assert!(postgres(condition).is_empty(), "{condition}: {:?}", postgres(condition));
    }
    for condition in [
        "`state;--` = 1 AND JSON_EXTRACT(data, '$.a') = 1",
        "state = 'it''s; -- (new' AND t = \\\"(;\\\"",
        "state = 'a\\\\\\\\' AND n = 1",
        "`a``b` = _utf8mb4'ü'",
    ] {
        assert!(mysql(condition).is_empty(), "{condition}: {:?}", mysql(condition));
    }
}

#[test]
fn what_becomes_of_a_job_is_an_assignment_after_which_it_waits_no_more() {
    let said = |old: &str, new: &str| said_of(&with(&but(old, new), ""));
    insta::assert_snapshot!(said("state = 'done'", "done"), @r#"
    line 1: "done"
    `done` sets no column
    hint: write what stands behind SET: "state = 'done', done_at = now()"
    "#);
    insta::assert_snapshot!(said("state = 'done'", "SET state = 'done'"), @r#"
    line 1: SET
    `SET` in `done`
    hint: leave it out: write what stands behind SET: "state = 'done', done_at = now()"
    "#);
    insta::assert_snapshot!(said("state = 'done'", "state = 'done' WHERE id = 1"), @r#"
    line 1: WHERE
    `WHERE` in `done`
    hint: leave it out: write what stands behind SET: "state = 'done', done_at = now()"
    "#);
    insta::assert_snapshot!(said("state = 'done'", "done_at = now(), State = 'new'"), @r#"
    line 1: "done_at = now(), State = 'new'"
    `done` leaves the job as `where` takes it
    hint: set another value: a job that still meets `where` would be taken again
    "#);
    for done in [
        "state = 'done', done_at = now()",
        "(state, done_at) = ('done', now())",
        "\\\"order\\\" = NULL, state = CASE WHEN tries > 3 THEN 'x' ELSE 'y' END",
        "done_at = coalesce(done_at, now())",
        "first = done IS DISTINCT FROM true",
    ] {
        assert_eq!(said("state = 'done'", done), "", "{done}");
    }
    assert!(
        said("state = 'failed'", "state = 'new'").contains("`failed` leaves the job as `where` takes it")
    );
    let open = with(&but("state = 'new'", "done_at is null").replace("state = 'done'", "done_at = NULL"), "");
    assert!(said_of(&open).contains("`done` leaves the job as `where` takes it"), "{}", said_of(&open));
}
