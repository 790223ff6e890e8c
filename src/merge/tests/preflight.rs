//! What is looked over before the first request.

use super::engines::{Engine, on_each};
use super::sandbox::Sandbox;
use crate::job::{Mode, OnUnlisted, Stamp};

on_each! {
    [postgres, mariadb, sqlite]
    all_that_is_wrong_with_a_table_is_told_at_once;
    [postgres, mariadb]
    rights_that_are_missing_are_named_and_those_that_are_told_suffice;
}

/// A table that does not fit, and what is told of it.
fn unfit(on: Engine) -> (&'static str, &'static [&'static str]) {
    match on {
        Engine::Postgres => (
            "CREATE TABLE films (id integer, votes integer, budget integer GENERATED ALWAYS AS (1) STORED,
                 facts text, n bigint GENERATED ALWAYS AS IDENTITY, day text, at date, needed text NOT NULL,
                 fine text NOT NULL DEFAULT '', numbered bigint GENERATED ALWAYS AS IDENTITY)",
            &[
                "column \"id\" is integer there, text in the job",
                "column \"votes\" is integer there, bigint in the job",
                "column \"budget\" is generated and cannot be filled",
                "column \"n\" is generated and cannot be filled",
                "column \"day\" is text there, date in the job",
                "column \"at\" is date there, timestamp in the job",
            ],
        ),
        Engine::MariaDb => (
            "CREATE TABLE films (id varchar(20) CHARACTER SET utf8mb3, votes int, budget int AS (1) STORED,
                 facts varchar(9) CHARACTER SET latin1, n bigint, at datetime, day text, needed text NOT NULL,
                 fine int NOT NULL DEFAULT 1, numbered bigint AUTO_INCREMENT PRIMARY KEY)",
            &[
                "column \"id\" is varchar(20) CHARACTER SET utf8mb3 there, text in the job",
                "column \"votes\" is int(11) there, bigint in the job",
                "column \"budget\" is generated and cannot be filled",
                "column \"facts\" is varchar(9) CHARACTER SET latin1 there, json in the job",
                "column \"at\" is datetime there, timestamp in the job",
                "column \"day\" is text there, date in the job",
            ],
        ),
        _ => (
            "CREATE TABLE films (id INTEGER, votes TEXT, budget INT AS (1), facts TEXT, n INT, at, day TEXT, needed TEXT NOT NULL,
                 fine TEXT NOT NULL DEFAULT '', loud AS (upper(votes)), numbered INTEGER PRIMARY KEY)",
            &[
                "column \"id\" is INTEGER there, text in the job",
                "column \"votes\" is TEXT there, bigint in the job",
                "column \"budget\" is generated and cannot be filled",
            ],
        ),
    }
}

async fn all_that_is_wrong_with_a_table_is_told_at_once(on: Engine) {
    let mut sandbox = Sandbox::new(1).await.mode(Mode::Append).on(on);
    let stamps = [("n", Stamp::Ordinal), ("day", Stamp::RunDay), ("at", Stamp::FetchedAt)];
    sandbox.job.table.stamp = stamps.map(|(name, stamp)| (name.into(), stamp)).to_vec();
    assert_eq!(sandbox.checked().await, "fits", "{on:?}");
    assert!(!sandbox.has_table(), "nothing is made");
    let (table, own) = unfit(on);
    sandbox.execute(table);
    sandbox.execute("CREATE TABLE windrow_runs (mine text)");
    let said = sandbox.checked().await;
    let common = [
        "it has no column \"title\"",
        "column \"needed\" is NOT NULL without a default, and the job does not fill it",
        "windrow_runs, which is to note the runs: it lacks run_id, rounds,",
    ];
    for problem in own.iter().chain(&common) {
        assert!(said.contains(problem), "{on:?}: {problem}: {said}");
    }
    assert_eq!(said.matches("\n  ").count(), own.len() + common.len(), "{on:?}: {said}");
}

async fn rights_that_are_missing_are_named_and_those_that_are_told_suffice(on: Engine) {
    let [upsert, deletes] = on.own([
        ["SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, DELETE"],
        ["INSERT, UPDATE", "INSERT, DELETE"],
        [""; 2],
    ]);
    for (mode, gone, rights) in [
        (Mode::Append, OnUnlisted::Keep, on.own(["SELECT, INSERT", "INSERT", ""])),
        (Mode::Upsert, OnUnlisted::Keep, upsert),
        (Mode::Replace, OnUnlisted::Keep, deletes),
        (Mode::ReplaceIds, OnUnlisted::Delete, deletes),
    ] {
        let (serial, key) = on.own([("number serial,", ""), ("", ", UNIQUE KEY (id)"), ("", "")]);
        let table = format!(
            "CREATE TABLE films ({serial} id varchar(20), title text, votes bigint, budget integer, facts json{key})"
        );
        let mut sandbox = on.run_into(&table, 2, mode).await;
        sandbox.job.table.on_unlisted = gone;
        let user = sandbox.as_new_user();
        let said = sandbox.checked().await;
        for right in rights.split(", ") {
            let told = match on {
                Engine::Postgres => format!("may not {right} there (GRANT {right} ON public.films)"),
                _ => format!("{right} command denied to user"),
            };
            assert!(said.contains(&told), "{on:?}: {told}: {said}");
        }
        let (further, more) = match on {
            Engine::Postgres => (
                [
                    "GRANT USAGE ON SEQUENCE films_number_seq",
                    "windrow_runs, which is to note the runs: this user may not make",
                ],
                format!(
                    "GRANT USAGE ON SEQUENCE films_number_seq TO {user}; GRANT CREATE ON SCHEMA public TO {user}"
                ),
            ),
            _ => (
                ["Access denied for user", "windrow_runs, which is to note the runs: CREATE command denied"],
                format!("GRANT CREATE, CREATE TEMPORARY TABLES ON * TO {user}"),
            ),
        };
        for told in further {
            assert!(said.contains(told), "{on:?}: {told}: {said}");
        }
        sandbox.execute(&format!("GRANT {rights} ON films TO {user}; {more}"));
        assert_eq!(sandbox.checked().await, "fits", "{on:?} {mode:?}");
        if on == Engine::MariaDb {
            // The table of runs is filled, too.
            sandbox.execute(&format!("GRANT INSERT, UPDATE ON * TO {user}"));
        }
        assert_eq!(sandbox.publish().await.unwrap().rows, 2, "{on:?} {mode:?}");
    }
}
