use super::sandbox::{Sandbox, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure};
use crate::merge::{End, MergeError};

/// Record 2 fails at `money`, record 1 is missing there, record 3 is not asked there.
fn mixed(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(match (ordinal, endpoint) {
        (1, 1) => End::Missing,
        (2, 1) => End::Failed,
        (3, 1) => End::Exempt,
        _ => End::Ok,
    })
}

fn again(ordinal: u64, endpoint: usize) -> Option<End> {
    ((ordinal, endpoint) == (2, 1)).then_some(End::Ok)
}

/// The conditions that refuse; nothing is published, and `merged.json` says why.
async fn refused(sandbox: &Sandbox) -> Vec<String> {
    let before = sandbox.database().exists().then(|| database(sandbox));
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    let MergeError::Refused { conditions, .. } = error else { panic!("{error}") };
    let outcome = sandbox.run.outcome().await.unwrap().unwrap();
    assert_eq!((outcome.published, outcome.refused), (false, Some(conditions.join("\n"))));
    match before {
        Some(before) => assert_eq!(database(sandbox), before),
        None => assert!(!sandbox.database().exists() || database(sandbox).is_empty()),
    }
    conditions
}

/// All tables with all rows.
fn database(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    for table in sandbox.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1") {
        found.extend(sandbox.rows(&format!("FROM {table} ORDER BY ALL")));
        found.push(table);
    }
    found
}

/// Rows that stand before.
fn stand(sandbox: &Sandbox, rows: u32) {
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films SELECT 'tt' || lpad(i::TEXT, 4, '0'), 'old', -1, -1, NULL FROM range({rows}) r(i)"
    ));
}

#[tokio::test]
async fn too_small_a_share_of_the_records_is_refused() {
    let mut sandbox = Sandbox::of_one_round(50, &mixed).await;
    sandbox.job.publish.min_success = Some(0.981);
    let told =
        "98 % of the records succeeded (49 of 50), the job asks for 98.1 % (min_success under [publish])";
    assert_eq!(refused(&sandbox).await, [told]);
    let text = sandbox.publish().await.unwrap_err().to_string();
    assert_eq!(text.lines().next().unwrap(), format!("not published: {told}"));
    assert!(!sandbox.database().exists(), "what the proof refuses makes no database");

    sandbox.job.publish.min_success = Some(0.98);
    assert_eq!(sandbox.publish().await.unwrap().rows, 49);
    // What stands is not taken back by a gate that came later.
    sandbox.job.publish.min_success = Some(1.0);
    assert!(sandbox.publish().await.unwrap().already);
    assert!(sandbox.run.outcome().await.unwrap().unwrap().published);
}

#[tokio::test]
async fn an_endpoint_has_a_share_of_its_own() {
    let mut sandbox = Sandbox::of_one_round(4, &mixed).await;
    sandbox.job.endpoints[0].min_success = 1.0;
    sandbox.job.endpoints[1].min_success = 0.8;
    let told = "75 % of the records succeeded at money (3 of 4), the job asks for 80 % (min_success of the endpoint)";
    assert_eq!(refused(&sandbox).await, [told]);
    // A pair counts as its last round left it.
    sandbox.add_round(1, &again).await;
    sandbox.job.endpoints[1].min_success = 1.0;
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

#[tokio::test]
async fn too_many_failures_are_refused() {
    let mut sandbox =
        Sandbox::of_one_round(9, &|o, e| if o > 4 { Some(End::NotAsked) } else { mixed(o, e) }).await;
    sandbox.job.publish.max_failed = Some(4);
    let told = "5 records had no success at some endpoint, the job allows 4 (max_failed under [publish])";
    assert_eq!(refused(&sandbox).await, [told]);
    sandbox.job.publish.max_failed = Some(5);
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

#[tokio::test]
async fn too_few_rows_are_refused_however_they_are_written() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = Sandbox::of_one_round(6, &mixed).await.mode(mode);
        stand(&sandbox, 3);
        sandbox.job.publish.min_rows = Some(6);
        let told = "the run brings 5 rows, the job asks for at least 6 (min_rows under [publish])";
        assert_eq!(refused(&sandbox).await, [told], "{mode:?}");
        sandbox.job.publish.min_rows = Some(5);
        assert_eq!(sandbox.publish().await.unwrap().rows, 5);
        // After a retry the rows of before count, though they are not written again.
        sandbox.add_round(1, &again).await;
        sandbox.job.publish.min_rows = Some(7);
        assert_eq!(refused(&sandbox).await.len(), 1);
        sandbox.job.publish.min_rows = Some(6);
        let written = if mode == Mode::Replace { 6 } else { 1 };
        assert_eq!(sandbox.publish().await.unwrap().rows, written, "{mode:?}");
    }
}

#[tokio::test]
async fn rows_of_one_key_are_told_and_bounded() {
    for is_server in [false, true] {
        let mut sandbox = Sandbox::new(9).await.mode(Mode::Upsert);
        for at in [5, 7, 8] {
            sandbox.ids[at] = "tt0002".into();
        }
        sandbox.add_round(2, &all_ok).await;
        let mut sandbox = if is_server { sandbox.on_postgres() } else { sandbox };
        sandbox.job.publish.max_duplicates = Some(2);
        let error = sandbox.publish().await.unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        let told = "3 rows left out: a later row has the same key (\"tt0002\": records 2 and 8), the job allows 2 \
                    (max_duplicates under [publish])";
        assert!(error.to_string().starts_with(&format!("not published: {told}\n")), "{error}");
        sandbox.job.publish.max_duplicates = Some(3);
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.duplicates.rows), (6, 3));
        assert_eq!(published.duplicates.first.as_deref(), Some("\"tt0002\": records 2 and 8"));
    }
}

#[tokio::test]
async fn a_row_that_a_later_one_replaces_is_no_row_of_the_run() {
    let mut sandbox = Sandbox::new(6).await.mode(Mode::Upsert);
    sandbox.ids[4] = "tt0001".into();
    sandbox.add_round(2, &all_ok).await;
    sandbox.job.publish.min_rows = Some(6);
    assert!(refused(&sandbox).await[0].contains("brings 5 rows"));
}

#[tokio::test]
async fn rows_are_counted_not_records() {
    let parts = |_, ordinal| if ordinal == 0 { 0 } else { 2 };
    let mut sandbox = Sandbox::new(3).await.exploding(1, parts).await;
    sandbox.add_round(1, &all_ok).await;
    sandbox.job.publish.min_rows = Some(5);
    assert!(refused(&sandbox).await[0].contains("brings 4 rows"));
    sandbox.job.publish.min_rows = Some(4);
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

#[tokio::test]
async fn a_trial_need_not_bring_the_rows_of_the_whole() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await;
    sandbox.plan.trial = true;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    sandbox.job.publish.min_rows = Some(1000);
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
}

#[tokio::test]
async fn a_table_that_would_change_too_much_is_refused() {
    // The mode, and the rows after 10 of before: records 0 to 11, of which record 2 is left out.
    for (mode, told) in [
        (Mode::Append, "grow by 110 %, from 10 rows to 21"),
        (Mode::Upsert, "grow by 20 %, from 10 rows to 12"),
        (Mode::Replace, "grow by 10 %, from 10 rows to 11"),
        (Mode::ReplaceIds, "grow by 20 %, from 10 rows to 12"),
    ] {
        let mut sandbox = Sandbox::of_one_round(12, &mixed).await.mode(mode);
        stand(&sandbox, 10);
        sandbox.job.publish.max_change = Some(0.099);
        let told = format!("the table would {told}, the job allows 9.9 % (max_change under [publish])");
        assert_eq!(refused(&sandbox).await, [told], "{mode:?}");
    }
    let mut sandbox = Sandbox::of_one_round(7, &all_ok).await.mode(Mode::Replace);
    stand(&sandbox, 100);
    sandbox.job.publish.max_change = Some(0.92);
    assert!(refused(&sandbox).await[0].contains("shrink by 93 %, from 100 rows to 7"));
    // Exactly the limit is within it.
    sandbox.job.publish.max_change = Some(0.93);
    assert_eq!(sandbox.publish().await.unwrap().total.unwrap(), 7);
}

#[tokio::test]
async fn what_is_deleted_since_the_list_lost_it_is_a_change() {
    let mut sandbox = Sandbox::of_one_round(10, &all_ok).await.mode(Mode::Upsert);
    stand(&sandbox, 20);
    sandbox.job.table.on_unlisted = crate::job::OnUnlisted::Delete;
    sandbox.job.publish.max_change = Some(0.4);
    assert!(refused(&sandbox).await[0].contains("shrink by 50 %, from 20 rows to 10"));
}

#[tokio::test]
async fn a_table_that_is_absent_or_empty_may_change_to_anything() {
    for make in [false, true] {
        let mut sandbox = Sandbox::of_one_round(5, &all_ok).await;
        if make {
            stand(&sandbox, 0);
        }
        sandbox.job.publish.max_change = Some(0.0);
        assert_eq!(sandbox.publish().await.unwrap().total.unwrap(), 5);
        // Published it is, and stays.
        assert!(sandbox.publish().await.unwrap().already);
    }
}

#[tokio::test]
async fn all_that_refuses_is_told_at_once_with_what_to_do() {
    let mut sandbox = Sandbox::of_one_round(4, &mixed).await;
    stand(&sandbox, 2);
    sandbox.job.publish.min_success = Some(0.9);
    sandbox.job.endpoints[1].min_success = 0.8;
    sandbox.job.publish.max_failed = Some(0);
    sandbox.job.publish.min_rows = Some(10);
    sandbox.job.publish.max_change = Some(0.5);
    let text = sandbox.publish().await.unwrap_err().to_string();
    let (run, expected) = (
        &sandbox.plan.run,
        [
            "not published:",
            "  75 % of the records succeeded (3 of 4), the job asks for 90 % (min_success under [publish])",
            "  75 % of the records succeeded at money (3 of 4), the job asks for 80 % (min_success of the endpoint)",
            "  1 record had no success at some endpoint, the job allows 0 (max_failed under [publish])",
            "  the run brings 3 rows, the job asks for at least 10 (min_rows under [publish])",
            "  the table would grow by 150 %, from 2 rows to 5, the job allows 50 % (max_change under [publish])",
        ],
    );
    let (conditions, hint) = text.split_once("\nhint: ").unwrap();
    assert_eq!(conditions.lines().collect::<Vec<_>>(), expected);
    for words in ["windrow failures", "windrow retry", "windrow merge"] {
        assert!(hint.contains(&format!("`{words} {run}")), "{hint}");
    }
    assert!(hint.contains(&format!("`windrow merge {run} --anyway`")), "{hint}");
    assert_eq!(refused(&sandbox).await.len(), 5);
}

#[tokio::test]
async fn anyway_publishes_like_any_other_and_says_what_it_overrode() {
    let mut sandbox = Sandbox::of_one_round(4, &mixed).await;
    stand(&sandbox, 2);
    sandbox.job.publish.min_success = Some(0.9);
    sandbox.job.publish.max_failed = Some(1);
    sandbox.job.publish.max_change = Some(0.5);
    let conditions = refused(&sandbox).await;
    let published = sandbox.publish_anyway().await.unwrap();
    assert_eq!((published.rows, published.total.unwrap(), published.already), (3, 5, false));
    assert_eq!(published.overridden, conditions);
    let outcome = sandbox.run.outcome().await.unwrap().unwrap();
    assert_eq!((outcome.published, &outcome.refused, outcome.rows), (true, &None, 3));
    assert_eq!(outcome, published.outcome);
    for again in [sandbox.publish().await.unwrap(), sandbox.publish_anyway().await.unwrap()] {
        assert!(again.already && again.overridden.is_empty());
    }
    assert_eq!(sandbox.rows("SELECT rounds, \"rows\" FROM windrow_runs"), ["1|3"]);
    // What is new after a retry is published as always, through the gate.
    sandbox.add_round(1, &again).await;
    sandbox.job.publish.min_success = Some(1.0);
    assert_eq!(sandbox.publish().await.unwrap().rows, 1);
}

#[tokio::test]
async fn anyway_overrides_nothing_where_all_is_met() {
    let mut sandbox = Sandbox::of_one_round(4, &mixed).await;
    sandbox.job.publish.min_success = Some(0.75);
    assert!(sandbox.publish_anyway().await.unwrap().overridden.is_empty());
}

#[tokio::test]
async fn anyway_does_not_override_the_proof() {
    let sandbox = Sandbox::of_one_round(4, &all_ok).await;
    std::fs::write(sandbox.run.local_path(0, "000000000.a1.film.parquet"), "x").unwrap();
    assert_eq!(sandbox.prove().await.map(|proof| proof.digest).unwrap_err().exit(), Exit::Integrity);
}

#[tokio::test]
async fn the_gate_looks_at_success_whatever_a_failure_does_to_the_row() {
    let mut sandbox = Sandbox::of_one_round(4, &mixed).await;
    sandbox.on_failure([OnFailure::Skip, OnFailure::Null]);
    sandbox.job.publish.min_rows = Some(4);
    sandbox.job.publish.min_success = Some(1.0);
    assert!(refused(&sandbox).await[0].starts_with("75 % of the records"));
    sandbox.job.publish.min_success = Some(0.75);
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}
