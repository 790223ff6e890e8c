//! What is looked over before the first request.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::sandbox::Sandbox;
use super::run_of;
use crate::job::{Destination, Mode, OnUnlisted, ServerUrl, Stamp};
use crate::mariadb_server;
use crate::merge::{MergeError, check_destination};

async fn checked(sandbox: &Sandbox) -> String {
    match check_destination(&sandbox.job, &sandbox.place()).await {
        Ok(_) => "fits".to_owned(),
        Err(error) => {
            assert!(matches!(error, MergeError::Table { .. } | MergeError::Server(_)), "{error:?}");
            error.to_string()
        }
    }
}

async fn sandbox(mode: Mode) -> Sandbox {
    Sandbox::new(1).await.mode(mode).on_mariadb()
}

const COLUMNS: &str = "id varchar(20), title text, votes bigint, budget int, facts json";

#[tokio::test]
async fn all_that_is_wrong_with_a_table_is_told_at_once() {
    let mut sandbox = sandbox(Mode::Append).await;
    sandbox.job.table.stamp = vec![("day".into(), Stamp::RunDay), ("at".into(), Stamp::FetchedAt)];
    assert_eq!(checked(&sandbox).await, "fits");
    assert!(sandbox.rows("SHOW TABLES").is_empty(), "nothing is made");
    sandbox.execute(
        "CREATE TABLE films (id varchar(20) CHARACTER SET utf8mb3, votes int, budget int AS (1) STORED,
             facts varchar(9) CHARACTER SET latin1, at datetime, day text, needed text NOT NULL,
             fine int NOT NULL DEFAULT 1, numbered bigint AUTO_INCREMENT PRIMARY KEY);
         CREATE TABLE windrow_runs (mine text)",
    );
    let said = checked(&sandbox).await;
    for problem in [
        "it has no column \"title\"",
        "column \"id\" is varchar(20) CHARACTER SET utf8mb3 there, text in the job",
        "column \"votes\" is int(11) there, bigint in the job",
        "column \"budget\" is generated and cannot be filled",
        "column \"facts\" is varchar(9) CHARACTER SET latin1 there, json in the job",
        "column \"at\" is datetime there, timestamp in the job",
        "column \"day\" is text there, date in the job",
        "column \"needed\" is NOT NULL without a default, and the job does not fill it",
        "windrow_runs, which is to note the runs: it lacks run_id, rounds,",
    ] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    assert_eq!(said.matches("\n  ").count(), 9, "{said}");
}

#[tokio::test]
async fn engines_that_cannot_undo_views_and_a_missing_key_are_told() {
    let sandbox = sandbox(Mode::Upsert).await;
    sandbox.execute(&format!("CREATE TABLE films ({COLUMNS}) ENGINE=MyISAM CHARACTER SET utf8mb4"));
    assert!(checked(&sandbox).await.contains("it is no InnoDB table"));
    sandbox.execute("ALTER TABLE films ENGINE=InnoDB");
    let said = checked(&sandbox).await;
    assert!(said.contains("an upsert needs a unique index on its key: CREATE UNIQUE INDEX"), "{said}");
    sandbox.execute("CREATE UNIQUE INDEX by_beginning ON films (id(3))");
    assert!(checked(&sandbox).await.contains("upsert needs a unique index"), "of beginnings");
    sandbox.execute("CREATE UNIQUE INDEX by_id ON films (id)");
    assert_eq!(checked(&sandbox).await, "fits");
    sandbox.execute("RENAME TABLE films TO others; CREATE VIEW films AS SELECT * FROM others");
    assert!(checked(&sandbox).await.contains("it is a view"));
}

/// A user of this test's own, who the job then publishes as.
fn as_user(sandbox: &mut Sandbox) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let user = format!("user_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    sandbox.execute(&format!("CREATE USER {user}@'127.0.0.1'; GRANT SELECT ON *.* TO {user}@'127.0.0.1'"));
    let url = sandbox.server.as_ref().unwrap().url().replace("root@", &format!("{user}@"));
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
    format!("{user}@'127.0.0.1'")
}

#[tokio::test]
async fn rights_that_are_missing_are_named_and_those_that_are_told_suffice() {
    for (mode, gone, rights) in [
        (Mode::Append, OnUnlisted::Keep, "INSERT"),
        (Mode::Upsert, OnUnlisted::Keep, "INSERT, UPDATE"),
        (Mode::Replace, OnUnlisted::Keep, "INSERT, DELETE"),
        (Mode::ReplaceIds, OnUnlisted::Delete, "INSERT, DELETE"),
    ] {
        let mut sandbox = run_of(2, mode).await;
        sandbox.job.table.on_unlisted = gone;
        sandbox.execute(&format!("CREATE TABLE films ({COLUMNS}, UNIQUE KEY (id)) CHARACTER SET utf8mb4"));
        let user = as_user(&mut sandbox);
        let said = checked(&sandbox).await;
        for right in rights.split(", ") {
            assert!(said.contains(&format!("{right} command denied to user")), "{right}: {said}");
        }
        assert!(said.contains("Access denied for user"), "temporary tables: {said}");
        assert!(said.contains("windrow_runs, which is to note the runs: CREATE command denied"), "{said}");
        sandbox.execute(&format!(
            "GRANT {rights} ON films TO {user}; GRANT CREATE, CREATE TEMPORARY TABLES ON * TO {user}"
        ));
        let said = checked(&sandbox).await;
        assert_eq!(said, "fits", "{mode:?}");
        // The table of runs is filled, too.
        sandbox.execute(&format!("GRANT INSERT, UPDATE ON * TO {user}"));
        assert_eq!(sandbox.publish().await.unwrap().rows, 2, "{mode:?}");
    }
}

#[tokio::test]
async fn a_right_by_a_role_counts() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let user = as_user(&mut sandbox);
    let role = format!("role_{}", user.split('@').next().unwrap());
    sandbox.execute(&format!(
        "CREATE ROLE {role}; GRANT INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES ON * TO {role};
         GRANT {role} TO {user}; SET DEFAULT ROLE {role} FOR {user}"
    ));
    assert_eq!(checked(&sandbox).await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
}

#[tokio::test]
async fn tables_that_are_made_take_every_letter_and_tell_keys_apart() {
    let mut sandbox = Sandbox::new(5).await.mode(Mode::Upsert);
    sandbox.ids = ["a", "A", "ä", "a ", "😀"].map(str::to_owned).to_vec();
    sandbox.add_round(1, &super::super::sandbox::all_ok).await;
    let sandbox = sandbox.on_mariadb();
    assert_eq!(sandbox.publish().await.unwrap().rows, 5);
    assert_eq!(sandbox.rows("SELECT count(DISTINCT hex(id)) FROM films"), ["5"]);
    let made = crate::merge::ddl(&sandbox.job, &sandbox.plan).unwrap();
    assert!(made.contains("`id` varchar(768)") && made.contains("PRIMARY KEY (`id`)"), "{made}");
    assert!(made.contains("utf8mb4_nopad_bin"), "{made}");
}

#[tokio::test]
async fn a_server_that_is_read_only_is_told() {
    let server = mariadb_server::MariaDbServer::start(&["--read-only"]);
    let name = server.database().name;
    let mut sandbox = Sandbox::new(1).await.mode(Mode::Append);
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&server.url(&name)).unwrap());
    assert!(checked(&sandbox).await.contains("its server takes no writes (read_only)"));
}
