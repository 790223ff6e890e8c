//! What is removed, when, and what never is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use windrow::handoff::{Outcome, Plan, RunStore};

use crate::support::faults::{self, Call, Fault, Strike};
use crate::support::{Ended, Origin, Sandbox, ended, small_job};

const DAY: i64 = 86_400_000_000;

/// A job over ten films, run so often; its folder of runs in the order of the runs.
fn site(times: usize) -> (Sandbox, Origin, Vec<PathBuf>) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 10, "", "");
    let runs = (0..times).map(|_| run(&sandbox)).collect();
    (sandbox, origin, runs)
}

fn run(sandbox: &Sandbox) -> PathBuf {
    sandbox.run(["run", "small.toml", "--new"]).with_code(0);
    sandbox.newest_run("small")
}

/// A trial's folder.
fn trial(sandbox: &Sandbox) -> PathBuf {
    let before = left(sandbox);
    sandbox.run(["run", "small.toml", "--sample", "2"]).with_code(0);
    left(sandbox).into_iter().find(|run| !before.contains(run)).unwrap()
}

/// Makes a run so many days older than it is.
fn age(run: &Path, days: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let run = RunStore::open(run).await.unwrap();
        let plan = run.plan().await.unwrap();
        run.put_plan(&Plan { created_at: plan.created_at - days * DAY, ..plan }).await.unwrap();
        if let Some(outcome) = run.outcome().await.unwrap() {
            run.put_outcome(&Outcome { at: outcome.at - days * DAY, ..outcome }).await.unwrap();
        }
    });
}

/// The folders of the job's runs, in order; what is no run is not among them.
fn left(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut left = folders(sandbox);
    left.retain(|folder| folder.join("plan.json").is_file());
    left
}

fn folders(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(sandbox.path().join("shards/small")) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

/// The cells of the table that was printed, without its header.
fn table(ended: &Ended) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    ended.stdout.lines().skip(1).map(cells).collect()
}

fn id(run: &Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

#[test]
fn runs_that_are_old_go_with_age_and_size_and_the_sum() {
    let (sandbox, _origin, runs) = site(4);
    for (run, days) in runs.iter().zip([30, 14, 13, 40]) {
        age(run, days);
    }
    let prune = ["prune", "small", "--older-than", "14d"];
    let told = sandbox.run([&prune[..], &["--dry-run"]].concat()).with_code(0);
    assert_eq!(left(&sandbox).len(), 4, "nothing is touched");
    let cells = table(&told);
    let shown: Vec<&str> = cells.iter().flat_map(|line| line[..4].iter().map(String::as_str)).collect();
    let [second, first] = [&runs[1], &runs[0]].map(|run| id(run));
    assert_eq!(
        shown,
        ["small", second, "published", "14 days", "small", first, "published", "30 days"],
        "{}",
        told.stdout
    );
    assert!(cells.iter().all(|line| line[4].ends_with(" kB")), "{}", told.stdout);
    assert!(
        told.stderr.starts_with("2 runs, ") && told.stderr.contains(" kB would be removed"),
        "{}",
        told.stderr
    );

    let ended = sandbox.run(prune).with_code(0);
    assert_eq!(ended.stdout, told.stdout, "as it was told");
    ended.saying("removed 2 runs, ");
    assert_eq!(left(&sandbox), runs[2..], "the newest stays, old as it is");
    assert_eq!(folders(&sandbox), runs[2..]);
    sandbox.run(prune).with_code(0).saying("nothing to remove");
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM rows"), ["10"]);
}

#[test]
fn the_newest_few_stay_and_trials_are_not_counted() {
    let (sandbox, _origin, runs) = site(2);
    let old = trial(&sandbox);
    let newer = run(&sandbox);
    let new = trial(&sandbox);
    sandbox.run(["prune", "small.toml", "--keep", "2"]).with_code(0).saying("removed 1 run, ");
    assert_eq!(left(&sandbox), [runs[1].clone(), old.clone(), newer.clone(), new.clone()]);
    let ended = sandbox.run(["prune", "small.toml", "--older-than", "0s", "--keep", "1"]).with_code(0);
    assert!(table(&ended)[0].contains(&"trial".to_owned()), "{}", ended.stdout);
    assert_eq!(left(&sandbox), [newer.clone(), new]);
    sandbox.run(["prune", "small.toml", "--older-than", "0s"]).with_code(0).saying("removed 1 run, ");
    assert_eq!(left(&sandbox), [newer]);
}

#[test]
fn nothing_is_removed_unless_somebody_says_what() {
    let (sandbox, _origin, runs) = site(2);
    for word in ["small", "small.toml"] {
        let ended = sandbox.run(["prune", word]).with_code(2);
        ended.saying("nothing says which runs of job small are to go").saying("hint: say --older-than 14d");
    }
    sandbox.run(["prune", "--all"]).with_code(0).saying("so they stay").saying("nothing to remove");
    sandbox.run(["prune"]).with_code(2);
    sandbox.run(["prune", "small", "--all"]).with_code(2);
    sandbox.run(["prune", "other", "--keep", "1"]).with_code(2).saying("no run of job \"other\"");
    sandbox.run(["prune", "small", "--older-than", "soon"]).with_code(2);
    assert_eq!(left(&sandbox), runs);
}

#[test]
fn all_jobs_are_looked_through_and_one_that_cannot_be_read_hides_none() {
    let (sandbox, origin, runs) = site(2);
    small_job(&sandbox, &origin, 5, "", "");
    let other = std::fs::read_to_string(sandbox.path().join("small.toml")).unwrap();
    sandbox.write("other.toml", other.replace("name = \"small\"", "name = \"other\""));
    sandbox.run(["run", "other.toml"]).with_code(0);
    sandbox.run(["run", "other.toml"]).with_code(0);
    std::fs::write(sandbox.newest_run("other").join("plan.json"), "{").unwrap();
    let ended = sandbox.run(["prune", "--all", "--older-than", "0s"]).with_code(0);
    assert_eq!(left(&sandbox), runs[1..]);
    ended.saying("plan.json is damaged").saying("removed 1 run, ");
    sandbox.run(["prune", "--all", "--keep", "1"]).with_code(0);
}

#[test]
fn unfinished_runs_and_runs_in_use_stay() {
    let (sandbox, _origin, runs) = site(1);
    sandbox.run(["run", "small.toml", "--new", "--max-requests", "3"]).with_code(7);
    let unfinished = sandbox.newest_run("small");
    let newest = run(&sandbox);
    let lock = File::open(runs[0].join("run.lock")).unwrap();
    lock.lock().unwrap();
    let prune = ["prune", "small", "--older-than", "0s"];
    sandbox.run(prune).with_code(0).saying("nothing to remove");
    assert_eq!(left(&sandbox).len(), 3);
    drop(lock);
    // Nor does somebody who is at work on the job keep the others from going.
    let job = File::open(sandbox.path().join("shards/small/job.lock")).unwrap();
    job.lock().unwrap();
    sandbox.run(prune).with_code(0).saying("removed 1 run, ");
    assert_eq!(left(&sandbox), [unfinished, newest.clone()]);
    let ended = sandbox.run([&prune[..], &["--unfinished"]].concat()).with_code(0);
    assert_eq!(table(&ended)[0][2], "unfinished");
    assert_eq!(left(&sandbox), [newest]);
    drop(job);
    // The newest stays, unfinished too.
    sandbox.run(["plan", "small.toml"]).with_code(0);
    let planned = sandbox.newest_run("small");
    sandbox.run([&prune[..], &["--unfinished"]].concat()).with_code(0);
    assert_eq!(left(&sandbox), [planned]);
}

#[test]
fn answers_that_an_unfinished_extraction_reads_stay() {
    let (sandbox, _origin, _) = site(0);
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nkeep_answers = \"all\"");
    let earlier = run(&sandbox);
    sandbox.run(["extract", "small"]).with_code(0);
    let extraction = sandbox.newest_run("small");
    let prune = ["prune", "small", "--older-than", "0s"];
    sandbox.run(prune).with_code(0).saying("nothing to remove");
    let newest = run(&sandbox);
    sandbox.run(prune).with_code(0).saying("nothing to remove");
    sandbox.run(["merge", extraction.to_str().unwrap()]).with_code(0);
    assert_eq!(left(&sandbox), [earlier, extraction, newest.clone()]);
    sandbox.run(prune).with_code(0).saying("removed 2 runs, ");
    assert_eq!(left(&sandbox), [newest]);
}

/// Prunes while strace strikes a call, such as `unlinkat:error=EIO:when=2`.
fn struck(sandbox: &Sandbox, inject: &str) -> Ended {
    let mut command = Command::new("strace");
    let calls = inject.split(':').next().unwrap();
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e"]);
    command.arg(format!("inject={inject}")).arg(env!("CARGO_BIN_EXE_windrow"));
    command.args(["prune", "small", "--older-than", "0s"]).current_dir(sandbox.path());
    ended(command)
}

#[test]
fn a_run_that_was_not_removed_whole_is_no_run() {
    let (mut killed, mut cut_short) = (0, 0);
    for step in [1, 2, 3, 4, 5] {
        let (sandbox, _origin, runs) = site(2);
        let before = std::fs::read_dir(runs[0].join("00000")).unwrap().count();
        let ended = struck(&sandbox, &format!("unlink,unlinkat,rmdir:signal=KILL:when={step}"));
        assert_eq!(ended.code, None, "step {step}: {}", ended.stderr);
        killed += 1;
        let status = sandbox.run(["status"]).with_code(0);
        if runs[0].join("plan.json").is_file() {
            let files = std::fs::read_dir(runs[0].join("00000")).unwrap().count();
            assert_eq!(files, before, "step {step}: what is still a run is whole");
            sandbox.run(["merge", runs[0].to_str().unwrap()]).with_code(0);
        } else {
            cut_short += 1;
            assert!(!status.stdout.contains(id(&runs[0])), "step {step}: {}", status.stdout);
            // Whoever plans next sweeps what is left, and so does the next prune.
            match step % 2 {
                0 => sandbox.run(["plan", "small.toml"]).with_code(0),
                _ => sandbox.run(["prune", "small", "--older-than", "0s"]).with_code(0),
            };
            assert!(!runs[0].exists(), "step {step}");
        }
    }
    assert!(killed == 5 && cut_short >= 4, "{killed} times killed, {cut_short} times cut short");
}

#[test]
fn a_run_that_cannot_be_removed_is_told_and_the_others_go() {
    let (sandbox, _origin, runs) = site(3);
    // One whose lock cannot be had, since it is no file: permissions mean nothing to root.
    let odd = run(&sandbox);
    let runs = [runs, vec![run(&sandbox)]].concat();
    std::fs::remove_file(odd.join("run.lock")).unwrap();
    std::fs::create_dir(odd.join("run.lock")).unwrap();
    sandbox.run(["prune", "small", "--older-than", "0s", "--keep", "1", "--dry-run"]).with_code(0);
    // The first that goes is the newer one of the two; its first folder stays.
    let ended = struck(&sandbox, "unlinkat:error=EIO:when=1").with_code(4);
    ended.saying("cannot lock ").saying("cannot remove ").saying("removed 2 runs, ");
    assert_eq!(left(&sandbox), [odd, runs[3].clone()]);
}

#[test]
fn a_job_that_says_how_long_prunes_at_the_end_of_its_run() {
    let (sandbox, _origin, runs) = site(2);
    age(&runs[0], 15);
    age(&runs[1], 13);
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nkeep_runs = \"14d\"");
    let ended = sandbox.run(["run", "small.toml"]).with_code(0);
    ended.saying("small: removed 1 run older than 14days, ").saying("published 10 rows");
    assert_eq!(left(&sandbox)[..1], runs[1..]);
    let ended = sandbox.run(["run", "small.toml"]).with_code(0);
    assert!(!ended.stderr.contains("removed"), "nothing to say: {}", ended.stderr);
    // A trial prunes nothing, and `prune` takes the job's word.
    age(&runs[1], 1);
    sandbox.run(["run", "small.toml", "--sample", "1"]).with_code(0);
    assert!(runs[1].exists());
    sandbox.run(["prune", "small"]).with_code(0).saying("removed 1 run, ");
    assert!(!runs[1].exists());
}

#[test]
fn what_prune_cannot_remove_is_not_the_runs_affair() {
    let (sandbox, _origin, runs) = site(1);
    age(&runs[0], 15);
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nkeep_runs = \"14d\"");
    let mut command = Command::new("strace");
    // Every unlink of the plan: chunks and temporary files go by unlinkat, or have other names.
    let plan = runs[0].join("plan.json");
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=unlink",
        "-e",
        "inject=unlink:error=EIO",
        "-P",
    ]);
    command.arg(&plan).arg(env!("CARGO_BIN_EXE_windrow")).args(["run", "small.toml"]);
    command.current_dir(sandbox.path());
    let ended = ended(command).with_code(0);
    ended.saying("small: an old run is still there: cannot remove ").saying("published 10 rows");
    assert!(plan.is_file());
}

/// A folder of somebody's, with work in it.
fn theirs(job: &Path, name: &str) -> PathBuf {
    std::fs::create_dir_all(job.join(name).join("objects")).unwrap();
    std::fs::write(job.join(name).join("objects/work"), "years").unwrap();
    job.join(name)
}

/// Everything below a folder, with the contents of files.
fn below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            found.extend(below(&path));
            found.push((path, Vec::new()));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap_or_default()))
        }
    }
    found.sort();
    found
}

#[test]
fn what_windrow_did_not_make_stays_whatever_its_name() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 10, "", "");
    let home = sandbox.path().join("home");
    let job = home.join("small");
    let names = [".git", "notes", "20261123T071500-4f2a9c81d3f60.bak", "20261123T071500-4f2a9c81d3f60"];
    let mut theirs: Vec<PathBuf> = names.iter().map(|name| theirs(&job, name)).collect();
    std::fs::create_dir(job.join("empty")).unwrap();
    std::fs::write(job.join("20261123T071500-000000000000f"), "a file").unwrap();
    // Others have plans, too.
    std::fs::write(job.join("notes/plan.json"), "{}").unwrap();
    std::os::unix::fs::symlink(&theirs[0], job.join("20261123T071500-000000000000a")).unwrap();
    theirs.extend(
        ["empty", "20261123T071500-000000000000f", "20261123T071500-000000000000a"]
            .map(|name| job.join(name)),
    );
    let before: Vec<_> = below(&home);
    let runs = ["--runs", "home"];
    let told = sandbox.run([&runs[..], &["plan", "small.toml"]].concat()).with_code(0);
    let line = "home/small/20261123T071500-4f2a9c81d3f60 is no run, and nothing in it says that windrow made it: it stays";
    assert!(told.stderr.contains(line), "{}", told.stderr);
    assert_eq!(told.stderr.matches("it stays").count(), 1, "{}", told.stderr);
    sandbox.run([&runs[..], &["run", "small.toml", "--new"]].concat()).with_code(0);
    sandbox.run([&runs[..], &["run", "small.toml", "--sample", "2"]].concat()).with_code(0);
    sandbox.run([&runs[..], &["prune", "small", "--older-than", "0s", "--unfinished"]].concat()).with_code(0);
    sandbox.run([&runs[..], &["prune", "--all", "--older-than", "0s", "--unfinished"]].concat()).with_code(0);
    let after = below(&home);
    assert!(before.iter().all(|there| after.contains(there)), "{after:?}");
    for theirs in theirs.iter().filter(|path| path.is_dir()) {
        assert!(!theirs.join("run.lock").exists(), "nor is anything put into {}", theirs.display());
    }
}

/// Plans while the program's calls within the job's folder are watched, and one of them struck.
fn planned_under(sandbox: &Sandbox, strikes: &[Strike]) -> (Ended, Vec<Call>) {
    let folder = sandbox.path().join("shards/small");
    std::fs::create_dir_all(&folder).unwrap();
    let log = sandbox.path().join("calls");
    let mut command = Command::new(env!("CARGO_BIN_EXE_windrow"));
    command.args(["plan", "small.toml"]).current_dir(sandbox.path());
    faults::watch(&mut command, &folder, &log, strikes);
    let ended = ended(command);
    (ended, faults::calls(&log))
}

#[test]
fn a_run_that_died_while_it_was_planned_is_swept_from_its_first_moment_on() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 10, "", "");
    let (undisturbed, calls) = planned_under(&sandbox, &[]);
    undisturbed.with_code(0);
    let (mut empty, mut half) = (0, 0);
    for call in ["open", "write", "fsync", "rename", "linkat"] {
        for at in 1..=calls.iter().filter(|made| made.call == call).count() {
            let sandbox = Sandbox::new();
            small_job(&sandbox, &origin, 10, "", "");
            let (killed, _) =
                planned_under(&sandbox, &[Strike { call, from: at, to: at, fault: Fault::Kill }]);
            assert_eq!(killed.code, None, "{call} {at}: {}", killed.stderr);
            let left_behind: Vec<PathBuf> =
                folders(&sandbox).into_iter().filter(|folder| !folder.join("plan.json").is_file()).collect();
            for folder in &left_behind {
                let nothing = std::fs::read_dir(folder).unwrap().next().is_none();
                empty += usize::from(nothing);
                half += usize::from(!nothing);
            }
            let next = sandbox.run(["plan", "small.toml"]).with_code(0);
            assert!(!next.stderr.contains("it stays"), "{call} {at}: {}", next.stderr);
            assert!(left_behind.iter().all(|folder| !folder.exists()), "{call} {at}");
        }
    }
    assert!(empty >= 1 && half >= 10, "{empty} empty, {half} with the mark");
}

#[test]
fn runs_of_an_earlier_version_go_by_their_plan_and_links_to_runs_stay() {
    let (sandbox, _origin, runs) = site(4);
    let mark = ".made-by-windrow";
    assert!(runs.iter().all(|run| run.join(mark).is_file()));
    // As an earlier version left it.
    std::fs::remove_file(runs[0].join(mark)).unwrap();
    // A run that was moved to another disk, and a copy that somebody keeps.
    let moved = sandbox.path().join("elsewhere");
    std::fs::rename(&runs[1], &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &runs[1]).unwrap();
    let copy = runs[2].with_file_name("before-the-migration");
    std::fs::rename(&runs[2], &copy).unwrap();
    let ended = sandbox.run(["prune", "small", "--older-than", "0s"]).with_code(0);
    ended.saying("removed 1 run, ").saying("stays: it is a link");
    assert!(!runs[0].exists() && moved.join("plan.json").is_file() && runs[1].is_symlink());
    assert!(
        copy.join("plan.json").is_file() && runs[3].is_dir(),
        "it is not the newest run, whatever its name"
    );
    assert_eq!(sandbox.query(copy.to_str().unwrap(), "SELECT count(*) FROM rows"), ["10"]);
    assert_eq!(sandbox.query(runs[1].to_str().unwrap(), "SELECT count(*) FROM rows"), ["10"]);
}

#[test]
fn a_folder_of_runs_that_another_job_shares_by_a_link_loses_none_of_its_runs() {
    let (sandbox, _origin, runs) = site(2);
    let other = std::fs::read_to_string(sandbox.path().join("small.toml")).unwrap();
    sandbox.write("other.toml", other.replace("name = \"small\"", "name = \"other\"\nkeep_runs = \"1h\""));
    std::os::unix::fs::symlink("small", sandbox.path().join("shards/other")).unwrap();
    runs.iter().for_each(|run| age(run, 2));
    let ended = sandbox.run(["run", "other.toml", "--new"]).with_code(0);
    ended.saying("stays: it is one of job small");
    age(&sandbox.newest_run("other"), 1);
    assert!(runs.iter().all(|run| run.join("plan.json").is_file()));
    sandbox.run(["run", "other.toml", "--new"]).with_code(0).saying("removed 1 run");
    assert_eq!(left(&sandbox).len(), 3);
}
