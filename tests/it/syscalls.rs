//! Faults in system calls themselves, injected by strace: also in those that libraries make by themselves, DuckDB's
//! among them. (`support/faults` strikes calls on single files, this one all calls of a thread, one after the other.)

use std::process::Command;

use crate::support::{Ended, Origin, Sandbox, ended, published, published_films, small_job};

const FILMS: usize = 40;

/// A planned run of one shard and one block.
fn site() -> (Sandbox, Origin, String) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, FILMS, "", "");
    sandbox.run(["plan", "small.toml"]).with_code(0);
    let run = sandbox.newest_run("small").to_str().unwrap().to_owned();
    (sandbox, origin, run)
}

/// Runs the program while strace injects a fault, such as `fsync:error=EIO:when=2`.
#[track_caller]
fn injected(sandbox: &Sandbox, inject: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new("strace");
    let call = inject.split(':').next().unwrap();
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"]);
    command.arg(format!("inject={inject}")).arg(env!("CARGO_BIN_EXE_windrow")).args(arguments);
    sandbox.confine(&mut command);
    let ended = ended(command);
    assert!(!ended.stderr.contains("panicked"), "{inject}:\n{}", ended.stderr);
    ended
}

/// The run goes on without faults and publishes everything, once.
#[track_caller]
fn recovers(sandbox: &Sandbox, run: &str) {
    sandbox.run(["shard", run, "0"]).with_code(0);
    sandbox.run(["merge", run]).with_code(0);
    let database = sandbox.path().join("small.duckdb");
    assert_eq!(published_films(&database).len(), FILMS);
    assert_eq!(published(&database, "SELECT count(*) || ' ' || max(\"rows\") FROM windrow_runs"), ["1 40"]);
    let ledger = sandbox.query("small", "SELECT count(*), count(DISTINCT (ordinal, endpoint)) FROM requests");
    assert_eq!(ledger, ["80,80"]);
}

#[test]
fn a_disk_that_cannot_sync_commits_nothing() {
    let (sandbox, _origin, run) = site();
    let ended = injected(&sandbox, "fsync:error=EIO", &["shard", &run, "0"]);
    ended.with_code(4).saying("Input/output error");
    let committed = sandbox.newest_run("small").join("00000/000000000.json");
    assert!(!committed.exists(), "a commit whose chunks are not on the disk");
    recovers(&sandbox, &run);
}

#[test]
fn a_shard_whose_calls_fail_loses_nothing() {
    for inject in
        ["fsync:error=EIO:when=3", "rename:error=ENOSPC", "linkat:error=EIO", "openat:error=EMFILE:when=60+"]
    {
        let (sandbox, _origin, run) = site();
        let code = injected(&sandbox, inject, &["shard", &run, "0"]).code;
        assert!(code.is_some(), "{inject}: a signal");
        recovers(&sandbox, &run);
    }
}

/// Each call in turn: whatever fails, the merge publishes all or nothing and says which, and the next one finds out.
#[test]
fn a_merge_whose_calls_fail_one_by_one_publishes_all_or_nothing() {
    for call in ["fsync:error=EIO", "pwrite64:error=ENOSPC", "linkat:error=EIO", "unlink:error=EACCES"] {
        let (sandbox, _origin, run) = site();
        sandbox.run(["shard", &run, "0"]).with_code(0);
        let database = sandbox.path().join("small.duckdb");
        for nth in 1..=8 {
            let inject = format!("{call}:when={nth}");
            let ended = injected(&sandbox, &inject, &["merge", &run]);
            match ended.code {
                Some(0) => assert_eq!(published_films(&database).len(), FILMS, "{inject}"),
                Some(4 | 5) => {
                    assert!(ended.stderr.contains("hint: "), "{inject}:\n{}", ended.stderr);
                    let there = "SELECT table_name FROM duckdb_tables() WHERE table_name = 'films'";
                    let tables = if database.exists() { published(&database, there).len() } else { 0 };
                    assert_eq!(tables, 0, "{inject}: published, and yet no success");
                }
                code => panic!("{inject}: {code:?}\n{}", ended.stderr),
            }
            recovers(&sandbox, &run);
            for file in ["small.duckdb", "small.duckdb.wal"] {
                let _ = std::fs::remove_file(sandbox.path().join(file));
            }
        }
    }
}
