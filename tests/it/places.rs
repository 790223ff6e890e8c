//! Disks that are full or read-only, runs and databases that somebody else is using, jobs and files that changed.
//!
//! Small disks are memory file systems, which takes the right to mount them (as root has it).

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Disk, Origin, Sandbox, ended, published, small_job, wait};

fn table(sandbox: &Sandbox, name: &str) -> Vec<String> {
    published(&sandbox.path().join(name), "SELECT count(*) || ' ' || count(DISTINCT imdb_id) FROM films")
}

/// What processes share of their limits lies on a disk, too. A limit that the job names is not broken for want of it;
/// hosts of which nothing is said are asked all the same.
#[test]
fn a_full_disk_under_the_state_keeps_limits_or_says_that_nothing_is_shared() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 100, "", "");
    let disk = Disk::mount(sandbox.path().join("disk"), "size=64k");
    disk.fill();
    let run = |expected| {
        let mut command = sandbox.command(["run", job.to_str().unwrap(), "--new"]);
        command.env("WINDROW_STATE", disk.path());
        ended(command).with_code(expected)
    };
    run(0).saying("asked without regard to others").saying("hint: set WINDROW_STATE");
    let asked = origin.counts()["total"].clone();
    let limit = format!("[limit.\"127.0.0.1:{}\"]\nrate = \"1000/s\"\n\n[table]", origin.port);
    sandbox.edit("small.toml", "[table]", &limit);
    run(4).saying("cannot share limits in ").saying("hint: set WINDROW_STATE");
    assert_eq!(origin.counts()["total"], asked);
    disk.free();
    run(0);
}

#[test]
fn a_full_disk_under_the_runs_costs_nothing_but_time() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 500, "", "");
    let disk = Disk::mount(sandbox.path().join("disk"), "size=2m");
    let run = ["run", job.to_str().unwrap(), "--runs", disk.path()];

    // Full before there is a run.
    disk.fill();
    sandbox.run(run).with_code(4).saying("hint: free some space");
    assert_eq!(origin.counts()["total"], 0);
    disk.free();

    // Full while it is fetched.
    sandbox.run(["plan", job.to_str().unwrap(), "--runs", disk.path()]).with_code(0);
    disk.fill();
    let ended = sandbox.run(run).with_code(4).saying("no space left on the disk that holds ");
    ended.saying("hint: free some space, then repeat the command").saying("nothing is published");
    assert!(!sandbox.path().join("small.duckdb").exists());
    sandbox.run(["status", "--runs", disk.path()]).with_code(0);
    disk.free();

    // Some room, not enough for all: what fits is kept.
    disk.fill();
    OpenOptions::new().write(true).open(disk.filler()).unwrap().set_len((2 << 20) - 200_000).unwrap();
    let before = sandbox.run(run);
    if before.code != Some(0) {
        before.with_code(4).saying("no space left");
    }
    disk.free();
    let ended = sandbox.run(run).with_code(0);
    ended.saying("the table has 500");
    assert_eq!(table(&sandbox, "small.duckdb"), ["500 500"]);
}

#[test]
fn a_full_disk_under_the_database_publishes_nothing_until_there_is_room() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 300, "", "");
    let disk = Disk::mount(sandbox.path().join("disk"), "size=2m");
    sandbox.edit("small.toml", "duckdb:small.duckdb", "duckdb:disk/small.duckdb");
    sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    let shards = std::fs::read_dir(sandbox.newest_run("small")).unwrap().flatten();
    let shards = shards.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    shards.for_each(|shard| drop(sandbox.run(["shard", "small", &shard.to_string()]).with_code(0)));
    let asked = origin.counts()["total"].clone();
    disk.fill();
    for _ in 0..2 {
        sandbox
            .run(["merge", "small"])
            .with_code(4)
            .saying("hint: free some space")
            .saying("nothing was published");
    }
    // Before the first request, and not after the last.
    sandbox.run(["run", job.to_str().unwrap()]).with_code(4).saying("hint: ");
    assert_eq!(origin.counts()["total"], asked);
    disk.free();
    sandbox.run(["merge", "small"]).with_code(0).saying("published 300 rows");
    assert_eq!(table(&sandbox, "disk/small.duckdb"), ["300 300"]);
}

/// Whatever room there is for the log, the rows or their COMMIT.
#[test]
fn a_full_disk_under_an_sqlite_file_publishes_nothing_until_there_is_room() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 300, "", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let disk = Disk::mount(sandbox.path().join("disk"), "size=2m");
    let count = |what: &str| {
        let script =
            "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
        let mut python = Command::new("python3");
        python.args(["-c", script, "disk/small.sqlite", what]).current_dir(sandbox.path());
        let output = python.output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let mut refused = 0;
    for room in [0, 8_000, 40_000, 60_000, 100_000, 140_000] {
        disk.fill();
        let filler = OpenOptions::new().write(true).open(disk.filler()).unwrap();
        filler.set_len(filler.metadata().unwrap().len() - room).unwrap();
        let ended = sandbox.run(["merge", "small", "--to", "sqlite:disk/small.sqlite"]);
        let is_full = ended.code != Some(0);
        if is_full {
            refused += 1;
            ended.with_code(4).saying("nothing was published");
        }
        disk.free();
        if is_full && disk.folder().join("small.sqlite").exists() {
            assert_eq!(count("SELECT count(*) FROM sqlite_schema"), "0", "with room for {room} bytes");
        }
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(disk.folder().join(format!("small.sqlite{ending}")));
        }
    }
    assert!(refused > 2, "{refused}");
    sandbox
        .run(["merge", "small", "--to", "sqlite:disk/small.sqlite"])
        .with_code(0)
        .saying("published 300 rows");
    assert_eq!(count("SELECT count(*) FROM films"), "300");
}

#[test]
fn a_full_disk_under_a_file_leaves_the_old_one_and_nothing_beside_it() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 300, "", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let disk = Disk::mount(sandbox.path().join("disk"), "size=4m");
    for kind in ["csv", "parquet"] {
        let (to, path) = (format!("{kind}:disk/small.{kind}"), disk.folder().join(format!("small.{kind}")));
        let merge = ["merge", "small", "--to", &to];
        let listed = || {
            let entries = std::fs::read_dir(disk.folder()).unwrap().map(|entry| entry.unwrap().file_name());
            entries.filter(|name| name != "filler").collect::<Vec<_>>()
        };
        sandbox.run(merge).with_code(0).saying("the file has 300");
        for room in [0, 60_000, 400_000] {
            // Another's rows, so that there is something to do.
            let stands = published_in_file(&path, kind);
            disk.fill();
            let filler = OpenOptions::new().write(true).open(disk.filler()).unwrap();
            let size = filler.metadata().unwrap().len();
            filler.set_len(size - room).unwrap();
            let ended = sandbox.run(merge);
            if ended.code != Some(0) {
                ended.with_code(4).saying("hint: free some space").saying("nothing was published");
                assert_eq!(std::fs::read(&path).unwrap(), stands);
            }
            assert_eq!(listed(), [path.file_name().unwrap()], "with room for {room} bytes");
            disk.free();
        }
        sandbox.run(merge).with_code(0).saying("the file has 301");
        std::fs::remove_file(&path).unwrap();
    }
}

/// Puts other rows in the place of those that are in a file; its bytes.
fn published_in_file(path: &Path, kind: &str) -> Vec<u8> {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let (shown, options) =
        (path.display(), if kind == "csv" { "format csv, header" } else { "format parquet" });
    connection
        .execute_batch(&format!(
            "CREATE TABLE films AS FROM '{shown}' WHERE false; INSERT INTO films (imdb_id) VALUES ('mine'); \
             COPY films TO '{shown}' ({options})"
        ))
        .unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_read_only_disk_is_told_before_the_first_request() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 10, "", "");
    let job = job.to_str().unwrap();
    let disk = Disk::mount(sandbox.path().join("disk"), "ro");
    let ended = sandbox.run(["run", job, "--runs", disk.path()]).with_code(4);
    ended.saying("Read-only file system").saying("hint: choose another folder with --runs");
    sandbox.edit("small.toml", "duckdb:small.duckdb", "duckdb:disk/small.duckdb");
    sandbox
        .run(["run", job])
        .with_code(4)
        .saying("Read-only file system")
        .saying("hint: windrow makes the database there");
    sandbox.edit("small.toml", "duckdb:disk/small.duckdb", "sqlite:disk/small.sqlite");
    sandbox
        .run(["run", job])
        .with_code(4)
        .saying("Read-only file system")
        .saying("hint: windrow writes there");
    sandbox.edit("small.toml", "sqlite:disk/small.sqlite", "duckdb:nowhere/small.duckdb");
    sandbox.run(["run", job]).with_code(4).saying("there is no folder").saying("hint: make it");
    assert_eq!(origin.counts()["total"], 0);
}

/// A database with a write-ahead log needs one to be read, and none can be made there.
#[test]
fn an_sqlite_list_on_a_read_only_disk_is_read() {
    let sandbox = Sandbox::new();
    let disk = Disk::mount(sandbox.path().join("disk"), "size=2m");
    let script = "import sqlite3; connection = sqlite3.connect('disk/ids.sqlite'); \
                  connection.execute('PRAGMA journal_mode = WAL'); connection.execute('CREATE TABLE t (id)'); \
                  connection.execute('INSERT INTO t VALUES (1), (2)'); connection.commit()";
    let mut python = Command::new("python3");
    assert!(python.args(["-c", script]).current_dir(sandbox.path()).status().unwrap().success());
    assert_eq!(std::fs::read_dir(disk.folder()).unwrap().count(), 1);
    let mut remount = Command::new("mount");
    assert!(remount.args(["-o", "remount,ro", disk.path()]).status().unwrap().success());
    let job = "[input]\ndatabase = \"sqlite:disk/ids.sqlite\"\nsql = \"SELECT id FROM t\"\nid = \"id\"\n\
               [[endpoint]]\nname = \"one\"\nurl = \"http://127.0.0.1:1/{id}\"\ncolumns = { n = \".n\" }\n\
               [table]\nto = \"duckdb:ids.duckdb\"\n";
    sandbox.write("ids.toml", job);
    let plan = sandbox.run(["plan", "ids.toml"]).with_code(0);
    assert!((plan.stdout + &plan.stderr).contains("2 records"));
}

#[test]
fn a_run_on_a_disk_that_became_read_only_can_still_be_read() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 10, "", "");
    let disk = Disk::mount(sandbox.path().join("disk"), "size=2m");
    sandbox.run(["run", job.to_str().unwrap(), "--runs", disk.path()]).with_code(0);
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.folder()).status().unwrap();
    assert!(remounted.success());
    let counted = sandbox.run([
        "query",
        "small",
        "SELECT count(*) AS n FROM rows",
        "--format",
        "csv",
        "--runs",
        disk.path(),
    ]);
    assert_eq!(counted.with_code(0).stdout, "n\n10\n");
    assert!(sandbox.run(["status", "--runs", disk.path()]).with_code(0).stdout.contains("published"));
    for command in ["merge", "retry"] {
        sandbox.run([command, "small", "--runs", disk.path()]).with_code(4).saying("Read-only file system");
    }
}

#[test]
fn a_run_that_somebody_works_on_is_left_alone() {
    let sandbox = Sandbox::new();
    // Ten seconds of work: the rivals below, one of which waits 2 s for the lock, all come while it lasts.
    let origin = Origin::start(&["--latency-ms", "100"]);
    let job = small_job(&sandbox, &origin, 400, "in_flight = 8", "");
    let job = job.to_str().unwrap();
    let mut first = sandbox.command(["run", job]);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while origin.counts()["total"].as_u64() == Some(0) {
        assert!(std::time::Instant::now() < deadline, "nothing is asked");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    for words in [&["run", job][..], &["merge", "small"], &["retry", "small"], &["shard", "small", "0"]] {
        let ended = sandbox.run(words).with_code(3);
        ended.saying("is in use by another windrow process").saying("hint: wait for it to end");
    }
    assert!(sandbox.run(["status"]).with_code(0).stdout.contains("running"));
    wait(first).with_code(0).saying("published 400 rows");
    assert_eq!(origin.counts()["total"], 800, "nobody asked anything twice");

    // A lock alone says it, whoever holds it.
    let lock = File::open(sandbox.newest_run("small").join("run.lock")).unwrap();
    lock.lock().unwrap();
    sandbox.run(["merge", "small"]).with_code(3);
    drop(lock);
    sandbox.run(["merge", "small"]).with_code(0).saying("already published");
}

#[test]
fn a_database_that_somebody_has_open_is_told_before_the_first_request() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 10, "", "");
    let job = job.to_str().unwrap();
    let database = sandbox.path().join("small.duckdb");
    let held = duckdb::Connection::open(&database).unwrap();
    held.execute_batch("CREATE TABLE mine AS SELECT 1 AS one").unwrap();
    let ended = sandbox.run(["run", job]).with_code(5).saying("small.duckdb is in use: ");
    ended
        .saying(&format!("(PID {})", std::process::id()))
        .saying("hint: DuckDB lets one process write at a time");
    assert_eq!(origin.counts()["total"], 0);
    sandbox.run(["status"]).saying("no runs");
    drop(held);
    sandbox.run(["run", job]).with_code(0).saying("published 10 rows");

    // Opened meanwhile: what was fetched waits.
    sandbox.run(["plan", job]).with_code(0);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    let held = duckdb::Connection::open(&database).unwrap();
    let merge = sandbox.start(["merge", "small"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    drop(held);
    wait(merge).with_code(0).saying("is in use, waiting up to 60 s").saying("published 10 rows");
    assert_eq!(published(&database, "SELECT one FROM mine"), ["1"], "what else is there stays");
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 10, "", "");
    let text = "these are notes, and no database\n".repeat(1000);
    sandbox.write("small.duckdb", &text);
    sandbox.run(["run", job.to_str().unwrap()]).with_code(5).saying("small.duckdb").saying("hint: ");
    assert_eq!(std::fs::read_to_string(sandbox.path().join("small.duckdb")).unwrap(), text);
    assert_eq!(origin.counts()["total"], 0);
}

/// A planned run of which nothing is fetched, and its job.
fn planned(sandbox: &Sandbox, origin: &Origin) -> String {
    let job = small_job(sandbox, origin, 50, "", "");
    sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    job.to_str().unwrap().to_owned()
}

#[test]
fn a_job_that_asks_something_else_now_starts_anew() {
    let questions = ("title = \".Title\"", "title = \".Title\", rated = \".Rated\"");
    for (file, old, new, why) in [
        ("small.toml", questions.0, questions.1, "endpoint omdb has changed (columns.rated)"),
        ("ids.txt", "tt0000001", "tt0000099", " has changed; starting a new run"),
        (
            "small.toml",
            "retry_rounds = 3",
            "retry_rounds = 3\nresume_within = \"1ms\"",
            "it is older than 1ms (resume_within)",
        ),
    ] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        let job = small_job(&sandbox, &origin, 50, "retry_rounds = 3", "");
        sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
        let before = sandbox.newest_run("small");
        sandbox.edit(file, old, new);
        let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        ended
            .saying("stays unfinished: ")
            .saying(why)
            .saying("starting a new run")
            .saying("published 50 rows");
        assert_ne!(sandbox.newest_run("small"), before);
        assert!(before.join("plan.json").is_file(), "the old run is kept");
    }
}

#[test]
fn merge_and_retry_refuse_a_job_that_asks_something_else_now() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = planned(&sandbox, &origin);
    sandbox.run(["run", &job]).with_code(0).saying("continuing run");
    sandbox.edit("small.toml", "{ title = \".Title\"", "{ title = \".Title\", rated = \".Rated\"");
    for command in ["merge", "retry"] {
        let ended = sandbox.run([command, "small"]).with_code(2).saying("small.toml has changed since run ");
        ended.saying("hint: `windrow run ").saying("restore the file as it stands in ");
    }
    // As the hint says.
    std::fs::copy(sandbox.newest_run("small").join("job.toml"), sandbox.path().join("small.toml")).unwrap();
    sandbox.run(["merge", "small"]).with_code(0).saying("already published");
    // A job file that is gone is no obstacle: the run has its own.
    std::fs::remove_file(sandbox.path().join("small.toml")).unwrap();
    sandbox.run(["merge", "small"]).with_code(0).saying("already published");
}

#[test]
fn table_and_gate_are_read_anew() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = planned(&sandbox, &origin);
    sandbox.edit("small.toml", "name = \"films\"", "name = \"movies\"");
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 1.0\n\n[table]");
    origin.knobs(r#"{"fail_ids": {"tt0000001": {"status": 404}}}"#);
    sandbox
        .run(["run", &job])
        .with_code(1)
        .saying("continuing run")
        .saying("the job asks for 100 % (min_success");
    sandbox.edit("small.toml", "min_success = 1.0", "min_success = 0.9");
    sandbox
        .run(["merge", "small"])
        .with_code(0)
        .saying("published 49 rows")
        .saying("table  movies in small.duckdb");
}

/// The only file of the run's first shard with this ending.
fn chunk(run: &Path, ending: &str) -> PathBuf {
    let files = std::fs::read_dir(run.join("00000")).unwrap().map(|file| file.unwrap().path());
    files.into_iter().find(|file| file.to_string_lossy().ends_with(ending)).expect("a file of that ending")
}

#[test]
fn a_run_whose_files_were_touched_is_not_published_and_the_file_is_named() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    planned(&sandbox, &origin);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    let run = sandbox.newest_run("small");
    for ending in [".omdb.parquet", ".requests.parquet", "input.parquet", "000000000.json"] {
        let file = chunk(&run, ending);
        let name = file.file_name().unwrap().to_str().unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let mut damages = vec![&whole[..whole.len() / 2], b""];
        // A flipped bit may leave a commit readable: then the file that it no longer fits is named.
        let is_commit = ending == "000000000.json";
        damages.extend((!is_commit).then_some(&flipped[..]));
        for damage in damages {
            std::fs::write(&file, damage).unwrap();
            sandbox.run(["merge", "small"]).with_code(6).saying(name).saying("hint: ");
        }
        if !is_commit {
            std::fs::remove_file(&file).unwrap();
            sandbox.run(["merge", "small"]).with_code(6).saying(name).saying("hint: ");
        }
        if ending == ".omdb.parquet" {
            let asked = sandbox.run(["query", "small", "SELECT count(*) FROM omdb"]);
            asked.with_code(6).saying(name).saying("hint: ");
        }
        std::fs::write(&file, &whole).unwrap();
    }
    let round = run.join("round-000.json");
    let whole = std::fs::read(&round).unwrap();
    std::fs::remove_file(&round).unwrap();
    for words in [&["merge", "small"][..], &["query", "small", "SELECT 1"], &["status", "small"]] {
        sandbox.run(words).with_code(6).saying("round-000.json").saying("hint: ");
    }
    std::fs::write(&round, whole).unwrap();
    assert!(!sandbox.path().join("small.duckdb").exists());

    // The way out that the hint names: without its commit the block is fetched again.
    std::fs::write(chunk(&run, ".omdb.parquet"), b"touched").unwrap();
    let said = sandbox.run(["merge", "small"]).with_code(6).stderr;
    let id = run.file_name().unwrap().to_str().unwrap();
    assert!(
        said.contains(&format!(
            "remove 00000/000000000.json and fetch the block again with `windrow shard {id} 0`"
        )),
        "{said}"
    );
    std::fs::remove_file(run.join("00000/000000000.json")).unwrap();
    sandbox.run(["merge", "small"]).with_code(75).saying("shard 0 lacks 1 of 1 blocks");
    sandbox.run(["shard", id, "0"]).with_code(0);
    sandbox.run(["merge", "small"]).with_code(0).saying("published 50 rows");
}

#[test]
fn a_run_of_a_newer_windrow_is_named_and_does_not_hide_the_others() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = planned(&sandbox, &origin);
    sandbox.run(["run", &job]).with_code(0);
    sandbox.run(["plan", &job]).with_code(0);
    let newer = sandbox.newest_run("small");
    std::fs::write(newer.join("plan.json"), r#"{"version": 1000}"#).unwrap();
    let ended = sandbox.run(["status"]).with_code(0);
    assert!(ended.stdout.contains("published"), "{}", ended.stdout);
    let ended = ended.saying(newer.file_name().unwrap().to_str().unwrap());
    ended.saying("plan.json has format version 1000").saying("hint: use the windrow that made the run");
    sandbox.run(["run", &job]).with_code(2).saying("has format version 1000");
}

/// Connections are files, too: fewer are opened, and a run that would fail for ever is published.
#[test]
fn few_open_files_mean_fewer_requests_at_a_time() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "20"]);
    small_job(&sandbox, &origin, 600, "in_flight = 2000", "");
    let mut shell = Command::new("sh");
    sandbox.confine(&mut shell);
    shell.args(["-c", "ulimit -n 256 && exec \"$0\" run small.toml", env!("CARGO_BIN_EXE_windrow")]);
    let ended = ended(shell).with_code(0).saying("published 600 rows");
    ended.saying("64 requests at a time instead of ").saying("no more than 256 files open (`ulimit -n`)");
}
