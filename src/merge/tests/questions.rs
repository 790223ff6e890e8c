use std::ops::ControlFlow;

use super::sandbox::{Sandbox, all_ok};
use crate::handoff::{Exit, layout};
use crate::job::{OnFailure, Stamp};
use crate::merge::{End, RunQuery, query};
use crate::value::{Field, Type, Value};

fn mixed(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(match (ordinal, endpoint) {
        (1, _) => End::Missing,
        (2, 1) => End::Failed,
        _ => End::Ok,
    })
}

/// All rows, columns joined by `|`, null as `~`.
async fn ask(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let result = query(&sandbox.run, Some(&sandbox.job), sql, None).await.unwrap();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "~".into());
    result.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

#[tokio::test]
async fn views_count_what_the_run_has() {
    for csv in [false, true] {
        let mut sandbox = Sandbox::new(7).await;
        if csv {
            sandbox = sandbox.csv().await;
        }
        sandbox.add_round(2, &mixed).await;
        sandbox.add_round(1, &|o, e| ((o, e) == (2, 1)).then_some(End::Ok)).await;
        assert_eq!(ask(&sandbox, "SELECT count(*) FROM input").await, ["7"]);
        assert_eq!(ask(&sandbox, "SELECT count(*) FROM film").await, ["7"]);
        assert_eq!(ask(&sandbox, "SELECT count(*) FROM requests").await, ["14"]);
        assert_eq!(ask(&sandbox, "SELECT count(*) FROM all_requests").await, ["15"]);
        assert_eq!(ask(&sandbox, "SELECT count(*), count(budget) FROM rows").await, ["7|6"]);
        let retried = "SELECT round, shard, status FROM requests WHERE ordinal = 2 AND endpoint = 'money'";
        assert_eq!(ask(&sandbox, retried).await, ["1|2|ok"]);
        assert_eq!(ask(&sandbox, "FROM money WHERE ordinal = 2").await, ["2|tt0002|21|{\"n\":2}"]);
    }
}

#[tokio::test]
async fn the_jobs_own_statements_can_be_tried_offline() {
    let sandbox = Sandbox::of_one_round(7, &mixed).await;
    let failed =
        "SELECT f.id, i.country, f.endpoint FROM windrow_failures f JOIN windrow_input i USING (ordinal)";
    assert_eq!(ask(&sandbox, failed).await, ["tt0002|~|money"]);
    let rows = "SELECT count(*), count(DISTINCT windrow_ordinal), max(windrow_part) FROM windrow_rows WHERE id <> 'tt0001'";
    let all = ask(&sandbox, "SELECT count(*), count(DISTINCT id), 0 FROM rows WHERE id <> 'tt0001'").await;
    assert_eq!(ask(&sandbox, rows).await, all);
}

#[tokio::test]
async fn rows_are_the_published_rows() {
    let mut sandbox = Sandbox::of_one_round(7, &mixed).await;
    sandbox.job.input.columns = vec!["country".into()];
    sandbox.job.table.stamp = vec![("fetched_at".into(), Stamp::FetchedAt)];
    for policy in [OnFailure::Skip, OnFailure::Null] {
        sandbox.on_failure([OnFailure::Null, policy]);
        sandbox.publish().await.unwrap();
        let all = "FROM films ORDER BY id";
        let asked = ask(&sandbox, "FROM rows ORDER BY id").await;
        assert_eq!(asked, sandbox.rows(all));
        sandbox.execute("DROP TABLE films; DROP TABLE windrow_runs");
    }
    let columns = query(&sandbox.run, None, "FROM rows LIMIT 0", None).await.unwrap().columns;
    let columns: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.ty)).collect();
    assert_eq!(
        columns,
        ["id VARCHAR", "country VARCHAR", "title VARCHAR", "votes BIGINT", "budget INTEGER", "facts JSON"]
    );
}

#[tokio::test]
async fn an_unfinished_run_shows_what_is_committed() {
    let mut sandbox = Sandbox::new(7).await;
    sandbox.on_failure([OnFailure::Null, OnFailure::Null]);
    let round = sandbox.plan_round(2, &all_ok).await;
    for view in ["rows", "requests", "all_requests", "film", "money"] {
        assert_eq!(ask(&sandbox, &format!("SELECT count(*) FROM {view}")).await, ["0"], "{view}");
    }
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM input").await, ["7"]);
    sandbox.commit_block(0, 1, &round.shards[1].blocks[0], &all_ok).await;
    for view in ["rows", "film", "money"] {
        assert_eq!(ask(&sandbox, &format!("SELECT count(*) FROM {view}")).await, ["3"], "{view}");
    }
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM requests").await, ["6"]);
}

#[tokio::test]
async fn chunks_that_no_commit_names_are_not_read() {
    let sandbox = Sandbox::of_one_round(7, &all_ok).await;
    let chunk = sandbox.run.local_path(0, "000000000.a1.film.parquet");
    std::fs::copy(chunk, sandbox.run.local_path(0, "000000000.b2.film.parquet")).unwrap();
    std::fs::remove_file(sandbox.run.local_path(1, &layout::commit(4))).unwrap();
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM film").await, ["4"]);
}

#[tokio::test]
async fn null_is_not_empty_and_types_are_told() {
    let sandbox = Sandbox::of_one_round(1, &all_ok).await;
    let sql = "SELECT NULL AS a, '' AS b, 12.50::DECIMAL(9,2) AS c, TRUE AS d, [1, 2] AS e, \
               TIMESTAMP '2024-02-29 23:59:59.5' AS f, 'x' AS a;";
    let result = query(&sandbox.run, None, sql, None).await.unwrap();
    let expected = [
        None,
        Some(""),
        Some("12.50"),
        Some("true"),
        Some("[1,2]"),
        Some("2024-02-29 23:59:59.5"),
        Some("x"),
    ];
    assert_eq!(result.rows[0], expected.map(|value| value.map(str::to_owned)));
    let types: Vec<&str> = result.columns.iter().map(|column| column.ty.as_str()).collect();
    assert_eq!(types, ["INTEGER", "VARCHAR", "DECIMAL(9,2)", "BOOLEAN", "INTEGER[]", "TIMESTAMP", "VARCHAR"]);
    assert_eq!(result.columns[6].name, "a_1");
}

#[tokio::test]
async fn order_and_limit_hold_over_pages() {
    let sandbox = Sandbox::of_one_round(1, &all_ok).await;
    let session = RunQuery::open(&sandbox.run, None).await.unwrap();
    let sql = "SELECT i FROM range(25000) r(i) ORDER BY i DESC";
    let mut next = 25_000;
    let columns = session.each(sql, |row| {
        next -= 1;
        assert_eq!(row[0].as_deref(), Some(next.to_string().as_str()));
        ControlFlow::Continue(())
    });
    assert_eq!((next, columns.unwrap().len()), (0, 1));
    let few = session.ask(sql, Some(10_001)).unwrap();
    assert_eq!((few.rows.len(), few.truncated), (10_001, true));
    assert!(!session.ask("SELECT 1", Some(1)).unwrap().truncated);
    assert_eq!(session.ask("SELECT 1 WHERE false", None).unwrap().rows.len(), 0);
}

#[tokio::test]
async fn commands_work_too() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await;
    let out = sandbox.database().with_file_name("out.csv");
    let copy = format!("COPY (SELECT id FROM rows ORDER BY 1) TO '{}';", out.display());
    assert_eq!(ask(&sandbox, &copy).await, ["3"]);
    assert_eq!(std::fs::read_to_string(out).unwrap(), "id\ntt0000\ntt0001\ntt0002\n");
    assert!(ask(&sandbox, "EXPLAIN SELECT * FROM rows").await[0].contains("physical_plan"));
    assert!(ask(&sandbox, "DESCRIBE rows").await[0].starts_with("id|VARCHAR"));
    assert_eq!(ask(&sandbox, "SHOW TABLES").await.len(), 11);
    assert_eq!(ask(&sandbox, "SELECT 1 -- a remark").await, ["1"]);
    assert_eq!(ask(&sandbox, "CREATE TABLE t AS SELECT 5 AS a; SELECT a FROM t").await, ["5"]);
}

#[tokio::test]
async fn a_wrong_question_shows_where_and_what_can_be_asked() {
    let sandbox = Sandbox::of_one_round(1, &all_ok).await;
    for (sql, words) in [
        ("SELECT tilte FROM film", "LINE 1: SELECT tilte"),
        ("SELEC 1", "LINE 1: SELEC"),
        ("SELECT title::INTEGER FROM film", "film 0 of round 0"),
        ("FROM 'https://example.org/x.parquet'", "httpfs"),
        ("", "hint: the views"),
    ] {
        let error = query(&sandbox.run, None, sql, None).await.map(|result| result.rows).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(text.ends_with(
            "hint: the views of this run are rows, requests, all_requests, input, rejected, answers, film, money"
        ));
    }
}

#[tokio::test]
async fn odd_names_can_be_asked_for() {
    let odd = vec![Field { name: "a \"b\"".into(), ty: Type::Text }];
    let mut sandbox = Sandbox::with(2, vec![("all_requests", odd)], |_, _, _, _| vec![Value::Null]).await;
    sandbox.add_round(1, &all_ok).await;
    assert_eq!(ask(&sandbox, "SELECT ordinal, \"a \"\"b\"\"\" FROM all_requests").await, ["0|~", "1|~"]);
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM requests").await, ["2"]);
}
