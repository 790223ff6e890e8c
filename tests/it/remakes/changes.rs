//! What may change, what is refused, and what the other commands say meanwhile.

use super::Site;

/// An endpoint with one column, `n`, of whatever the id is.
fn column(keys: &str) -> String {
    format!(
        "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{{id}}\"\ncolumns = {{ n = {{ jq = \".n\", {keys} }} }}\n"
    )
}

#[test]
fn what_failed_is_made_anew_and_what_succeeded_stays() {
    let site = Site::run(&["7", "N/A", "1,071", "9", "x"], "", &column("type = \"bigint\""));
    assert_eq!(site.rows("id, n"), ["7 7", "9 9"]);
    site.edit("type = \"bigint\"", "type = \"bigint\", nulls = [\"N/A\"], remove = \",\"");
    for command in ["retry", "merge"] {
        let said = site.windrow(&[command, "small"]).with_code(2);
        said.saying("endpoint one has changed (columns.n)")
            .saying("makes what failed anew")
            .saying("windrow extract");
    }
    site.extract()
        .saying("goes on with the job as it is now: endpoint one has changed (columns.n)")
        .saying("round 1: 2 ok, 0 missing, 1 failed");
    assert_eq!(site.rows("id, coalesce(n, 0)"), ["1,071 1071", "7 7", "9 9", "N/A 0"]);
    assert_eq!(
        site.ledger("id, status, attempts, kind"),
        ["7 ok 1", "N/A ok 1", "1,071 ok 1", "9 ok 1", "x failed 1 convert"]
    );
    let sent = site.sandbox.query("small", "SELECT sum(requests), count(*) FROM all_requests");
    assert_eq!(sent, ["5,8"], "requests are counted once");
    // Nothing is different from any other run by now, and it can be mended again.
    site.windrow(&["retry", "small"]).with_code(0).saying("nothing left to ask");
    site.edit("remove = \",\"", "remove = \",\", on_error = \"null\"");
    site.extract().saying("round 2: 1 ok, 0 missing, 0 failed");
    assert_eq!(site.rows("id, coalesce(n, 0)"), ["1,071 1071", "7 7", "9 9", "N/A 0", "x 0"]);
    site.windrow(&["extract", "small"]).with_code(0).saying("nothing to make anew");
    let summary = std::fs::read_to_string(site.sandbox.newest_run("small").join("summary.json")).unwrap();
    assert!(
        summary.contains("\"extract\"")
            && summary.contains(&site.sandbox.newest_run("small").file_name().unwrap().display().to_string()),
        "{summary}"
    );
    assert_eq!(site.runs(), 1);
}

#[test]
fn a_change_that_may_make_other_values_is_refused_and_leaves_the_run_as_it_is() {
    for (then, now, said) in [
        (
            "type = \"text\"",
            "type = \"text\", nulls = [\"7\"]",
            "column n: nulls: records that succeeded have \"7\" there",
        ),
        (
            "type = \"bigint\"",
            "type = \"bigint\", nulls = [\"7\"]",
            "column n: nulls: records that succeeded have \"7\" there",
        ),
        ("type = \"bigint\"", "type = \"bigint\", remove = \"x7\"", "column n: remove: records"),
        ("type = \"bigint\"", "type = \"bigint\", regex = '\\d'", "column n: regex: records"),
        ("type = \"bigint\"", "type = \"integer\"", "endpoint one has changed (columns.n)"),
        (
            "type = \"bigint\"",
            "type = \"bigint\", not_null = true",
            "column n: not_null: what became null fails now",
        ),
        (
            "type = \"bigint\", on_error = \"null\"",
            "type = \"bigint\", on_error = \"null\", remove = \"x\"",
            "column n: remove: on_error",
        ),
        (
            "type = \"bigint\", on_error = \"null\"",
            "type = \"bigint\"",
            "column n: on_error: what did not fit became null",
        ),
        ("type = \"bigint\", nulls = [\"7\"]", "type = \"bigint\"", "column n: nulls: \"7\" was null"),
        (
            "jq = \".n\", type = \"bigint\"",
            "jq = \".m\", type = \"bigint\"",
            "endpoint one has changed (columns.n)",
        ),
    ] {
        let site = Site::run(&["7", "x"], "", &column(then.trim_start_matches("jq = \".n\", ")));
        let before = site.rows("id, n");
        site.edit(then, now);
        site.windrow(&["extract", "small"])
            .with_code(2)
            .saying(said)
            .saying("--new")
            .saying("keep_answers = \"all\"");
        site.edit(now, then);
        site.windrow(&["merge", "small"]).with_code(0).saying("already published");
        assert_eq!((site.rows("id, n"), site.runs()), (before, 1), "{now}");
        assert!(!site.sandbox.newest_run("small").join("job-001.json").exists());
    }
}

#[test]
fn where_no_record_has_a_value_any_text_may_be_read_otherwise() {
    let date = column("type = \"date\", nulls = [\"-\"]");
    for (ids, is_possible) in [(["24 Mar 1972", "-"], true), (["24 Mar 1972", "1972-03-24"], false)] {
        let site = Site::run(&ids, "chunks = \"csv\"", &date);
        site.edit("type = \"date\"", "type = \"date\", format = \"%d %b %Y\"");
        if is_possible {
            site.extract();
            assert_eq!(site.rows("id, n"), ["-", "24 Mar 1972 1972-03-24"]);
        } else {
            site.windrow(&["extract", "small"])
                .with_code(2)
                .saying("column n: format: records that succeeded");
        }
    }
    let site = Site::run(&["142 min", "90 min"], "", &column("type = \"integer\""));
    site.edit("type = \"integer\"", "type = \"integer\", regex = '^(\\d+) min$'");
    site.extract();
    assert_eq!(site.rows("n"), ["142", "90"]);
}

#[test]
fn a_status_is_missing_by_now_whether_anything_came_with_it_or_not() {
    for path in ["gone", "void"] {
        let endpoint = format!(
            "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/{path}/{{id}}\"\ncolumns = {{ n = \".n\" }}\n"
        );
        let site = Site::run(&["7", "none"], "", &endpoint);
        assert_eq!(site.ledger("id, status, kind, http_status"), ["7 ok 200", "none failed status 404"]);
        site.edit("columns =", "missing = [404]\ncolumns =");
        site.extract().saying("round 1: 0 ok, 1 missing, 0 failed");
        assert_eq!(site.rows("id, n"), ["7 7", "none"]);
        assert_eq!(site.ledger("id, status, kind, http_status"), ["7 ok 200", "none missing 404"]);
        site.edit("missing = [404]", "missing = [404, '.n == \"7\"']");
        site.windrow(&["extract", "small"]).with_code(2).saying("endpoint one has changed (missing)");
    }
}

/// A word that no record has is null from now on, also in a column of texts.
#[test]
fn a_word_that_no_record_has_may_be_null_in_all_columns() {
    for chunks in ["parquet", "csv"] {
        let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\n\
                        columns = { n = { jq = \".n\", type = \"double\" }, t = \".n\" }\n";
        let site = Site::run(&["7", "1.50", "N/A"], &format!("chunks = \"{chunks}\""), endpoint);
        site.edit("[defaults]\n", "[defaults]\nnulls = [\"1.50\", \"N/A\"]\n");
        let refused = site.windrow(&["extract", "small"]).with_code(2);
        refused
            .saying("column n: nulls: records that succeeded have \"1.5\" there")
            .saying("column t: nulls: records that succeeded have \"1.50\" there");
        site.edit("[\"1.50\", \"N/A\"]", "[\"0\", \"N/A\"]");
        site.extract();
        assert_eq!(site.rows("id, n, t"), ["1.50 1.5 1.50", "7 7.0 7", "N/A"]);
    }
}

/// What failed before it was answered is none of its business.
#[test]
fn what_was_not_answered_stays_failed() {
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/gone/{id}\"\ncolumns = { n = { jq = \".n\", type = \"bigint\" } }\n";
    let site = Site::run(&["7", "none", "x"], "", endpoint);
    site.edit("type = \"bigint\"", "type = \"bigint\", on_error = \"null\"");
    site.extract().saying("making the columns of 1 record anew");
    assert_eq!(site.ledger("id, status, kind"), ["7 ok", "none failed status", "x ok"]);
}

#[test]
fn without_kept_answers_they_are_asked_again_by_the_job_as_it_is_now() {
    let site = Site::run(&["7", "1,071"], "keep_answers = \"none\"", &column("type = \"bigint\""));
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.windrow(&["extract", "small"])
        .with_code(0)
        .saying("1 waiting")
        .saying("`windrow retry small` asks what waits");
    assert_eq!(site.ledger("id, status, kind"), ["7 ok", "1,071 waiting interrupted"]);
    site.windrow(&["retry", "small"]).with_code(0);
    site.windrow(&["merge", "small"]).with_code(0);
    assert_eq!(site.rows("id, n"), ["1,071 1071", "7 7"]);
    assert_eq!(site.server.asked(), 3);
}

/// Some is asked, the mistake is seen, the job is changed, and `run` repeated.
#[test]
fn an_unfinished_run_goes_on_with_a_job_that_mends_it() {
    for on_change in ["new", "stop"] {
        let site = Site { sandbox: crate::support::Sandbox::new(), server: super::Raw::serve(super::answer) };
        let ids: Vec<String> =
            (0..200).map(|n| if n % 10 == 0 { format!("{n},000") } else { n.to_string() }).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let settings = format!("on_change = \"{on_change}\"");
        site.write_job(&ids, &settings, &column("type = \"bigint\""));
        site.windrow(&["run", "job.toml", "--max-requests", "80"]).with_code(7);
        site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
        site.windrow(&["run", "job.toml"])
            .with_code(0)
            .saying("goes on with the job as it is now")
            .saying("no request");
        let rows = "count(*) || ' ' || sum(n) FILTER (WHERE id LIKE '%,%') || ' ' || count(n)";
        assert_eq!(site.rows(rows), ["200 1900000 200"], "{on_change}");
        assert_eq!((site.server.asked(), site.runs()), (200, 1), "each was asked once");
    }
}

#[test]
fn an_unfinished_run_is_left_where_values_might_be_others() {
    let site = Site { sandbox: crate::support::Sandbox::new(), server: super::Raw::serve(super::answer) };
    let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    site.write_job(&ids, "", &column("type = \"bigint\""));
    site.windrow(&["run", "job.toml", "--max-requests", "40"]).with_code(7);
    site.edit("type = \"bigint\"", "type = \"bigint\", nulls = [\"7\"]");
    site.windrow(&["run", "job.toml"])
        .with_code(0)
        .saying("stays unfinished: endpoint one has changed (columns.n)");
    assert_eq!(site.runs(), 2);
    site.windrow(&["extract", &site.sandbox.newest_run("small").display().to_string()]).with_code(0);
}

#[test]
fn a_run_that_is_not_finished_is_not_made_anew() {
    let site = Site { sandbox: crate::support::Sandbox::new(), server: super::Raw::serve(super::answer) };
    site.write_job(&["7", "8", "9", "x"], "", &column("type = \"bigint\""));
    site.windrow(&["plan", "job.toml"]).with_code(0);
    site.windrow(&["extract", "small"])
        .with_code(75)
        .saying("is not finished")
        .saying("`windrow run job.toml` goes on with it");
}
