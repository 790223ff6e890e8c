//! Whose a run is, who may look into it, and what in it leads elsewhere. Folders are given away here, which takes root.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Origin, Sandbox, ended, film_ids, small_job};

const FILMS: usize = 40;

/// Somebody without a name.
const ANOTHER: u32 = 4711;

/// A run of which everything is fetched and nothing published.
fn fetched() -> (Sandbox, Origin, PathBuf) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, FILMS, "keep_answers = \"all\"", "");
    sandbox.plan_on_one_core("small.toml");
    let run = sandbox.newest_run("small");
    sandbox.run(["shard", run.to_str().unwrap(), "0"]).with_code(0);
    (sandbox, origin, run)
}

/// All below a folder, itself included, links not followed.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    if fs::symlink_metadata(folder).unwrap().is_dir() {
        fs::read_dir(folder).unwrap().for_each(|entry| all.extend(all_below(&entry.unwrap().path())));
    }
    all.sort();
    all
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// What is in a folder: each file's content, and who owns it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let read =
        |path: PathBuf| (fs::symlink_metadata(&path).unwrap().uid(), fs::read(&path).unwrap_or_default());
    all_below(folder).into_iter().map(|path| (path.clone(), read(path))).collect()
}

/// Runs the program under a umask.
#[track_caller]
fn with_umask(sandbox: &Sandbox, umask: &str, arguments: &str) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" {arguments}"), env!("CARGO_BIN_EXE_windrow")]);
    sandbox.confine(&mut command);
    ended(command)
}

#[test]
fn what_is_in_a_run_is_as_open_as_its_folder_whatever_the_umask() {
    for (umask, settings, folders) in
        [("000", "", 0o700), ("022", "", 0o700), ("077", "runs_permissions = \"0750\"", 0o750)]
    {
        // One fails, so that there are further rounds.
        let failing = format!(r#"{{"{}":{{"status":500}}}}"#, film_ids(1)[0]);
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&["--fail-ids", &failing]));
        small_job(&sandbox, &origin, 2 * FILMS, &format!("{settings}\nkeep_answers = \"all\""), "");
        for command in
            ["run small.toml --sample 3", "run small.toml", "retry small", "merge small", "extract small"]
        {
            with_umask(&sandbox, umask, command);
        }
        let runs = fs::read_dir(sandbox.path().join("shards/small")).unwrap().map(|run| run.unwrap().path());
        let runs: Vec<PathBuf> = runs.filter(|run| run.is_dir()).collect();
        assert!(runs.len() >= 3, "{runs:?}");
        for path in runs.iter().flat_map(|run| all_below(run)) {
            let wanted = if path.is_dir() { folders } else { folders & 0o666 };
            let is_own = path.ends_with(".made-by-windrow") || path.ends_with("secrets.accepted");
            let wanted = if is_own { 0o600 } else { wanted };
            assert_eq!(mode(&path), wanted, "umask {umask}: {} is {:o}", path.display(), mode(&path));
        }
        let mut state = all_below(sandbox.state());
        assert!(state.len() > 1, "{state:?}");
        // This test's own.
        state.retain(|path| path != sandbox.state());
        assert!(state.iter().all(|path| mode(path) & 0o077 == 0), "{state:?}");
        // What is published is as every other file of this user.
        let umask = u32::from_str_radix(umask, 8).unwrap();
        assert_eq!(mode(&sandbox.path().join("small.duckdb")), 0o666 & !umask);
    }
}

#[test]
fn a_run_of_another_user_is_read_and_not_written_to() {
    let (sandbox, origin, run) = fetched();
    fs::remove_file(run.join("run.lock")).unwrap();
    for path in all_below(&run) {
        chown(&path, Some(ANOTHER), Some(ANOTHER)).expect("this test gives a run away: run it as root");
    }
    let before = contents(&run);
    let word = run.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["shard", word, "0"],
        &["merge", word],
        &["retry", word],
        &["run", "small.toml"],
        &["merge", "small"],
    ];
    for command in commands {
        let ended = sandbox.run(command).with_code(2);
        ended.saying("belongs to another user (4711)\nhint: run windrow as 4711");
    }
    for command in
        [&["status", "small"][..], &["failures", word], &["query", word, "SELECT count(*) FROM requests"]]
    {
        sandbox.run(command).with_code(0);
    }
    let asked = origin.counts()["by_endpoint"]["omdb"]["total"].as_u64().unwrap();
    sandbox.run(["extract", word]).with_code(0);
    assert_eq!(origin.counts()["by_endpoint"]["omdb"]["total"].as_u64().unwrap(), asked);
    // It is in nobody's way, and is not removed; nor is what another user has not planned to its end.
    let begun = run.with_file_name("20200101T000000-0000000000000");
    fs::create_dir(&begun).unwrap();
    fs::write(begun.join(".made-by-windrow"), "").unwrap();
    chown(&begun, Some(ANOTHER), None).unwrap();
    sandbox.run(["run", "small.toml", "--new"]).with_code(0);
    // The first removes the one that was extracted from it, and until then needed it.
    sandbox.run(["prune", "small", "--older-than", "0s", "--unfinished"]);
    let ended = sandbox.run(["prune", "small", "--older-than", "0s", "--unfinished"]);
    ended.saying("it belongs to another user");
    assert!(begun.is_dir());
    assert!(contents(&run) == before, "somebody else's run was written to");
    // Nor is one that has ended, to who starts the next.
    let run = sandbox.newest_run("small");
    chown(&run, Some(ANOTHER), None).unwrap();
    sandbox.run(["run", "small.toml"]).with_code(0).saying("published");
    assert_ne!(sandbox.newest_run("small"), run);
    // Only the shard's folder is another's: somebody put it there.
    let run = sandbox.newest_run("small");
    fs::remove_file(run.join("merged.json")).unwrap();
    chown(run.join("00000"), Some(ANOTHER), None).unwrap();
    sandbox.run(["merge", run.to_str().unwrap()]).with_code(2).saying("00000 belongs to another user");
}

/// Moves a path out of the run, and puts a link to it in its place.
fn lead_out(outside: &Path, path: &Path) -> PathBuf {
    let to = outside.join(path.file_name().unwrap());
    if path.exists() {
        fs::rename(path, &to).unwrap();
    }
    symlink(&to, path).unwrap();
    to
}

#[test]
fn what_leads_elsewhere_in_a_run_is_refused_and_nothing_is_written_there() {
    let (sandbox, _origin, run) = fetched();
    let chunk = all_below(&run.join("00000"))
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(".requests.parquet"))
        .unwrap();
    let places =
        ["plan.json", "run.lock", "round-000.json", "00000", "00000/shard.lock", "00000/000000000.json"];
    let places = places.iter().map(|name| run.join(name)).chain([
        chunk,
        run.join("merged.json"),
        run.join("publishing.json"),
    ]);
    for place in places {
        let outside = tempfile::tempdir().unwrap();
        let moved = lead_out(outside.path(), &place);
        let before = contents(outside.path());
        for command in [&["merge", "small"][..], &["run", "small.toml"], &["shard", "small", "0"]] {
            let ended = sandbox.run(command);
            let is_told = ended.code == Some(2) && ended.stderr.contains(" is a link\nhint: ");
            let in_shard = place.starts_with(run.join("00000")) && place != run.join("00000");
            let in_run = place.parent() == Some(&run);
            assert!(is_told && (in_shard || in_run), "{}: {ended:?}", place.display());
        }
        assert!(contents(outside.path()) == before, "{}: written to", place.display());
        fs::remove_file(&place).unwrap();
        if moved.exists() {
            fs::rename(&moved, &place).unwrap();
        }
    }
    sandbox.run(["merge", "small"]).with_code(0);
}

#[test]
fn a_run_is_worked_on_where_it_lies_not_through_a_link() {
    let (sandbox, _origin, run) = fetched();
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    fs::rename(&run, &moved).unwrap();
    symlink(&moved, &run).unwrap();
    let before = contents(&moved);
    for command in
        [&["merge", "small"][..], &["run", "small.toml"], &["merge", &format!("{}/", run.display())]]
    {
        sandbox.run(command).with_code(2).saying("name the folder that it leads to");
    }
    sandbox.run(["status", "small"]).with_code(0);
    assert!(contents(&moved) == before);
    sandbox.run(["merge", moved.to_str().unwrap()]).with_code(0);
    // A folder above it may be one: that is how people move all their runs to another disk.
    let shards = elsewhere.path().join("shards");
    fs::remove_file(&run).unwrap();
    fs::rename(sandbox.path().join("shards"), &shards).unwrap();
    symlink(&shards, sandbox.path().join("shards")).unwrap();
    sandbox.run(["run", "small.toml"]).with_code(0);
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let (sandbox, _origin, run) = fetched();
    let commit = run.join("00000/000000000.json");
    let kept = fs::read(&commit).unwrap();
    for place in [commit.clone(), run.join("merged.json"), run.join("round-000.json"), run.join("run.lock")] {
        let before = fs::read(&place).ok();
        let _ = fs::remove_file(&place);
        assert!(Command::new("mkfifo").arg(&place).status().unwrap().success());
        for command in [
            &["status", "small"][..],
            &["failures", "small"],
            &["query", "small", "SELECT 1"],
            &["merge", "small"],
            &["shard", "small", "0"],
        ] {
            let ended = sandbox.run(command);
            // To who lists commits it is none, and no lock to who looks whether it is held.
            let is_seen = command[0] != "status" || place != commit && !place.ends_with("run.lock");
            assert!(
                !is_seen || matches!(ended.code, Some(2 | 6)) && ended.stderr.contains("is no file"),
                "{ended:?}"
            );
        }
        fs::remove_file(&place).unwrap();
        before.iter().for_each(|bytes| fs::write(&place, bytes).unwrap());
    }
    assert_eq!(fs::read(&commit).unwrap(), kept);
    sandbox.run(["merge", "small"]).with_code(0);
}

#[test]
fn a_name_in_a_commit_leads_nowhere() {
    let (sandbox, _origin, run) = fetched();
    let commit = run.join("00000/000000000.json");
    let text = fs::read_to_string(&commit).unwrap();
    let begin = text.find("\"name\": \"").unwrap() + 9;
    let name = &text[begin..begin + text[begin..].find('"').unwrap()];
    let secret = sandbox.write("secret.parquet", fs::read(run.join("00000").join(name)).unwrap());
    for path in
        [format!("../../../../{}", "secret.parquet"), secret.to_str().unwrap().to_owned(), "..".to_owned()]
    {
        fs::write(&commit, text.replace(name, &path)).unwrap();
        for command in [
            &["query", "small", "SELECT 1"][..],
            &["status", "small"],
            &["merge", "small"],
            &["failures", "small"],
        ] {
            let ended = sandbox.run(command).with_code(6);
            ended.saying("which is no file's name");
        }
    }
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    assert!(secret.is_file());
}
