//! Which run is gone on with, and who waits for whom.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::processes::until;
use crate::support::{Origin, Sandbox, film_ids, small_job, wait};

/// A job over fifty films that was planned, and nothing more.
fn planned(settings: &str) -> (Sandbox, Origin, String) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 50, settings, "").to_str().unwrap().to_owned();
    sandbox.run(["plan", &job]).with_code(0);
    (sandbox, origin, job)
}

fn runs(sandbox: &Sandbox) -> usize {
    let entries = std::fs::read_dir(sandbox.path().join("shards/small")).unwrap().flatten();
    entries.filter(|entry| entry.path().join("plan.json").is_file()).count()
}

#[test]
fn what_has_changed_is_named_before_a_run_starts_anew() {
    let list = |text: &str| text.replacen(&film_ids(1)[0], "tt0000099", 1);
    let same = |text: &str| text.to_owned();
    let keep = "[input]\non_duplicate = \"keep\"";
    for (old, new, change_list, said) in [
        (
            "title = \".Title\"",
            "title = \".Title\", rated = \".Rated\"",
            false,
            "endpoint omdb has changed (columns.rated)",
        ),
        ("/business/{imdb_id}\"", "/business/{imdb_id}?x=1\"", false, "endpoint business has changed (url)"),
        (
            "name = \"business\"",
            "name = \"money\"",
            false,
            "endpoint money is new, endpoint business is gone",
        ),
        ("[input]", keep, false, "the input section has changed (on_duplicate)"),
        ("[input]", keep, true, "ids.txt) has changed, the input section has changed (on_duplicate)"),
    ] {
        let (sandbox, _origin, job) = planned("");
        sandbox.edit("small.toml", old, new);
        let text = std::fs::read_to_string(sandbox.path().join("ids.txt")).unwrap();
        sandbox.write("ids.txt", if change_list { list(&text) } else { same(&text) });
        let ended = sandbox.run(["run", &job]).with_code(0);
        ended.saying(&format!("{said}; starting a new run"));
        assert_eq!(runs(&sandbox), 2, "the old one stays");
    }
}

#[test]
fn a_job_that_says_stop_stops_and_asks_nobody() {
    let (sandbox, origin, job) = planned("on_change = \"stop\"");
    sandbox.edit("small.toml", ".Title", ".Plot");
    for _ in 0..2 {
        let ended = sandbox.run(["run", &job]).with_code(2);
        ended
            .saying("is unfinished, and endpoint omdb has changed (columns.title) (on_change = \"stop\")")
            .saying("hint: `windrow run ")
            .saying("--new` starts anew; to go on, restore what it was planned from: ")
            .saying("job.toml");
    }
    assert_eq!((origin.counts()["total"].as_u64(), runs(&sandbox)), (Some(0), 1));
    // As the hint says, either way.
    let frozen = sandbox.newest_run("small").join("job.toml");
    let changed = std::fs::read_to_string(sandbox.path().join("small.toml")).unwrap();
    std::fs::copy(frozen, sandbox.path().join("small.toml")).unwrap();
    sandbox.run(["run", &job]).with_code(0).saying("continuing run");
    sandbox.run(["plan", &job]).with_code(0);
    sandbox.write("small.toml", changed);
    sandbox.run(["run", &job]).with_code(2);
    sandbox.run(["run", &job, "--new"]).with_code(0).saying("published 50 rows");
}

#[test]
fn a_run_that_is_only_too_old_is_no_change() {
    let (sandbox, _origin, job) = planned("on_change = \"stop\"");
    sandbox.edit("small.toml", "on_change", "resume_within = \"1ms\"\non_change");
    sandbox
        .run(["run", &job])
        .with_code(0)
        .saying("it is older than 1ms (resume_within); starting a new run")
        .saying("published 50 rows");
}

#[test]
fn a_run_that_is_finished_is_never_gone_on_with() {
    let (sandbox, origin, job) = planned("");
    sandbox.run(["run", &job]).with_code(0);
    // Published.
    let ended = sandbox.run(["run", &job]).with_code(0);
    assert!(
        !ended.stderr.contains("continuing") && !ended.stderr.contains("starting a new run"),
        "{}",
        ended.stderr
    );
    assert_eq!(runs(&sandbox), 2);
    // Refused.
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 1.0\n\n[table]");
    origin.knobs(&format!(r#"{{"fail_ids": {{"{}": {{"status": 403}}}}}}"#, film_ids(1)[0]));
    sandbox.run(["run", &job, "--new"]).with_code(1);
    origin.knobs(r#"{"fail_ids": {}}"#);
    let ended = sandbox.run(["run", &job]).with_code(0);
    assert!(
        !ended.stderr.contains("continuing") && !ended.stderr.contains("starting a new run"),
        "{}",
        ended.stderr
    );
    assert_eq!(runs(&sandbox), 4);
}

/// A run that plans for as long as the test holds its standard input.
fn planning(sandbox: &Sandbox, words: &[&str]) -> Child {
    let mut command = sandbox.command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let lock = sandbox.path().join("shards/small/job.lock");
    let signed = format!("{} ", child.id());
    until(Duration::from_secs(20), "the run holds its job", || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.starts_with(&signed))
    });
    child
}

fn feed(mut child: Child, list: &str) -> Child {
    use std::io::Write;
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    child
}

/// A job that reads its list from standard input.
fn from_stdin() -> (Sandbox, Origin) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 50, "", "");
    sandbox.edit("small.toml", "file = \"ids.txt\"", "file = \"-\"");
    (sandbox, origin)
}

#[test]
fn of_two_runs_of_a_job_the_second_is_told_who_is_first() {
    let (sandbox, origin) = from_stdin();
    let first = planning(&sandbox, &["run", "small.toml", "--new"]);
    let told = format!("job small is in use by another windrow process (PID {}, since 20", first.id());
    for words in [&["run", "small.toml", "--new"][..], &["run", "small.toml"]] {
        let ended = sandbox.run(words).with_code(3).saying(&told).saying(" UTC)\nhint: wait for it to end");
        assert!(ended.stderr.lines().count() == 2, "{}", ended.stderr);
    }
    // Another root is another job's affair, and so are those who only look, or try.
    sandbox.run(["status"]).with_code(0);
    let mut trial = sandbox.command(["run", "small.toml", "--sample", "2"]);
    trial.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    wait(feed(trial.spawn().unwrap(), &film_ids(5).join("\n"))).with_code(0).saying("published 2 rows");
    wait(feed(first, &film_ids(50).join("\n"))).with_code(0).saying("published 50 rows");
    assert_eq!(origin.count("omdb", &film_ids(50)[49]), 1, "nobody asked anything twice");
}

#[test]
fn a_retry_and_an_extraction_wait_for_nobody_either() {
    let (sandbox, _origin, job) = planned("keep_answers = \"all\"");
    sandbox.run(["run", &job]).with_code(0);
    let held = File::open(sandbox.path().join("shards/small/job.lock")).unwrap();
    held.lock().unwrap();
    for words in [&["run", &job][..], &["retry", "small"], &["extract", "small"]] {
        sandbox.run(words).with_code(3).saying("job small is in use by another windrow process\nhint: ");
    }
    for words in
        [&["status"][..], &["failures", "small"], &["query", "small", "FROM rows"], &["merge", "small"]]
    {
        sandbox.run(words).with_code(0);
    }
    sandbox.run(["check", &job]).with_code(0);
    sandbox.run(["run", &job, "--sample", "2"]).with_code(0);
    sandbox.run(["plan", &job]).with_code(0);
    drop(held);
    sandbox.run(["extract", "small"]).with_code(75).saying("is not finished");
    sandbox.run(["run", &job]).with_code(0).saying("continuing run");
    sandbox.run(["extract", "small"]).with_code(0);
}

#[test]
fn a_lock_dies_with_its_holder_whatever_is_written_there() {
    let (sandbox, _origin) = from_stdin();
    let mut killed = planning(&sandbox, &["run", "small.toml"]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let lock = sandbox.path().join("shards/small/job.lock");
    assert!(
        std::fs::read_to_string(&lock).unwrap().starts_with(&killed.id().to_string()),
        "it stays written"
    );
    let next = planning(&sandbox, &["run", "small.toml"]);
    wait(feed(next, &film_ids(50).join("\n"))).with_code(0).saying("published 50 rows");
    // Not even the number of a process that lives makes a lock.
    std::fs::write(&lock, format!("{} 2026-11-25T10:00:00Z\n", std::process::id())).unwrap();
    let next = planning(&sandbox, &["run", "small.toml"]);
    wait(feed(next, &film_ids(50).join("\n"))).with_code(0).saying("published 50 rows");
}

#[test]
fn a_folder_that_cannot_be_written_is_the_disks_fault() {
    let (sandbox, _origin, job) = planned("");
    // A file where the folder should be: permissions mean nothing to root.
    sandbox.write("blocked", "");
    let ended = sandbox.run(["run", &job, "--runs", "blocked"]).with_code(4);
    ended.saying("cannot make blocked/small").saying("hint: choose another folder with --runs");
    let lock = sandbox.path().join("shards/small/job.lock");
    assert!(!Path::new(&lock).exists(), "a plan takes no lock that outlives it");
    std::fs::create_dir(&lock).unwrap();
    let ended = sandbox.run(["run", &job]).with_code(4);
    ended.saying("cannot lock ").saying("job.lock").saying("hint: ");
}

/// What was lost of a run or changed in it is told with its path, as the run's and not as the user's own mistake.
#[test]
fn a_run_that_was_damaged_is_named_and_another_one_can_be_started() {
    let edit = |path: &Path, from: &str, to: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    type Damage<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));
    let damages: [Damage<'_>; 6] = [
        ("plan.json", "is damaged: it is not what its sha256 was made of", &|path| {
            edit(path, "\"id_columns\": 1", "\"id_columns\": 9");
        }),
        ("plan.json", "is damaged: it lacks its sha256", &|path| edit(path, "\"sha256\"", "\"sha\"")),
        ("round-000.json", "is damaged: ", &|path| edit(path, "\"line\": 0", "\"line\": 7")),
        ("job.toml", "is damaged: it is not what was planned", &|path| edit(path, "[input]", "[inputs]")),
        ("job.toml", "is gone", &|path| std::fs::remove_file(path).unwrap()),
        ("00000/input.parquet", "is gone", &|path| std::fs::remove_dir_all(path.parent().unwrap()).unwrap()),
    ];
    for (name, says, damage) in damages {
        let (sandbox, _origin, job) = planned("");
        let file = sandbox.newest_run("small").join(name);
        damage(&file);
        let refused = sandbox.run(["run", &job]).with_code(6);
        refused.saying(&format!("{} {says}", file.display())).saying("windrow run small.toml --new");
        sandbox.run(["run", &job, "--new"]).with_code(0).saying("published 50 rows");
    }
}
