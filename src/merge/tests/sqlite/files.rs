use std::path::Path;

use super::*;
use crate::database::sqlite::by_hand;
use crate::job::Destination;

async fn told_of(path: &Path) -> String {
    let mut sandbox = run_of(1, Mode::Append).await;
    sandbox.job.table.to = Destination::Sqlite(path.to_owned());
    let told = told(&sandbox).await;
    assert_eq!(sandbox.publish().await.unwrap_err().to_string(), told);
    told.replace(&path.parent().unwrap().display().to_string(), "…")
}

#[tokio::test]
async fn what_is_no_database_is_told_before_the_first_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text.sqlite"), "id,title\n1,One\n".repeat(500)).unwrap();
    std::fs::create_dir(path("folder.sqlite")).unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("link.sqlite")).unwrap();
    insta::assert_snapshot!(told_of(&path("text.sqlite")).await, @r"
    sqlite:…/text.sqlite: file is not a database
    hint: is it an SQLite database? One that is encrypted can only be read by the program that encrypts it
    ");
    insta::assert_snapshot!(told_of(&path("folder.sqlite")).await, @r#"
    sqlite:…/folder.sqlite: a folder
    hint: name a file in it, as in "sqlite:films.sqlite"
    "#);
    insta::assert_snapshot!(told_of(&path("link.sqlite")).await, @r"
    sqlite:…/link.sqlite: a link to a file that is not there
    hint: remove the link, or make the file
    ");
    insta::assert_snapshot!(told_of(&path("no/films.sqlite")).await, @r"
    sqlite:…/films.sqlite: there is no folder …
    hint: make it, or change the job's [table] to
    ");
}

#[tokio::test]
async fn a_damaged_file_is_told() {
    let mut sandbox = run_of(300, Mode::Append).await;
    let path = sandbox.sqlite().unwrap().to_owned();
    sandbox
        .execute("CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes INT, budget INT, facts TEXT)");
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 1);
    bytes[4096..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    sandbox.job.table.name = "films".into();
    let told = sandbox.publish().await.unwrap_err().to_string();
    assert!(told.contains("malformed") && told.contains("bring it back from a copy"), "{told}");
}

/// A writer that stays is waited for, and then named.
#[tokio::test]
async fn another_writer_is_waited_for_and_named() {
    let sandbox = run_of(3, Mode::Append).await;
    let path = sandbox.sqlite().unwrap();
    by_hand::execute(path, "PRAGMA journal_mode = WAL; CREATE TABLE other (n)");
    let hold = |seconds: &str| {
        let script = format!(
            "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); \
             c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep({seconds}); c.execute('COMMIT')"
        );
        let mut child = std::process::Command::new("python3")
            .args(["-c", &script])
            .arg(path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        child
    };
    let mut child = hold("60");
    let told = sandbox.publish().await.unwrap_err().to_string();
    let who = format!("locked by python3 ({})", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("the database is in use") && told.contains(&who), "{told}");
    let mut child = hold("1");
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
    child.wait().unwrap();
}

/// A load that is given up stops waiting for the file, and leaves nothing that waits.
#[test]
fn a_load_that_waits_can_be_given_up() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = runtime.block_on(run_of(3, Mode::Append));
    let path = sandbox.sqlite().unwrap();
    by_hand::execute(path, "CREATE TABLE other (n)");
    let holder = by_hand::hold(path);
    let since = std::time::Instant::now();
    runtime.block_on(async {
        let proof = sandbox.prove().await.unwrap();
        let stop = tokio::time::sleep(std::time::Duration::from_millis(300));
        let ended =
            crate::merge::publish(&sandbox.run, &sandbox.job, &sandbox.place(), &proof, &TERMS, stop).await;
        assert!(matches!(ended, Err(MergeError::Interrupted)), "{ended:?}");
    });
    // Waits for the threads that are at work.
    drop(runtime);
    assert!(since.elapsed() < std::time::Duration::from_secs(2), "{:?}", since.elapsed());
    drop(holder);
}
