//! Answers that several records share, that are one page of several, that others depend on, that a program reads.

use super::{Raw, Site, decoded, http};

/// `/items?ids=1,2`: an item for each id, its `n` the id; `/lists/ID/PAGE`: two pages of two items, the last of page PAGE
/// what ID says.
fn shapes(path: &str) -> Vec<u8> {
    if let Some(ids) = path.strip_prefix("/items?ids=") {
        let ids = decoded(ids);
        let items: Vec<_> = ids.split(';').map(|id| serde_json::json!({ "id": id, "n": id })).collect();
        return http("200 OK", "", serde_json::json!({ "data": items }).to_string());
    }
    let parts: Vec<String> = path.split('/').skip(2).map(decoded).collect();
    let [id, page] = [0, 1].map(|at| parts.get(at).cloned().unwrap_or_default());
    let (bad, value) = id.split_once(':').unwrap_or(("0", "1"));
    let last = if bad == page { value } else { "2" };
    let next = (page == "1").then(|| format!("/lists/{id}/2"));
    http(
        "200 OK",
        "",
        serde_json::json!({ "items": [{ "n": page }, { "n": last }], "next": next }).to_string(),
    )
}

#[test]
fn records_of_one_answer_are_each_made_anew_from_it() {
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/items\"\nparams = { ids = \"{id}\" }\n\
                    batch = { size = 5, split = \".data[]\", match = \".id\", join = \";\" }\n\
                    columns = { n = { jq = \".n\", type = \"bigint\" } }\n";
    // Of the first batch the first succeeds and three fail; of the second all succeed.
    let ids = ["1", "2,000", "3,000", "x", "5", "6", "7", "8", "9", "10"];
    let site = Site::run_with(Raw::serve(shapes), &ids, "shard_size = 100", endpoint);
    assert_eq!(site.rows("id, n").len(), 7);
    let asked = site.server.asked();
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.extract().saying("round 1: 2 ok, 0 missing, 1 failed");
    site.edit("remove = \",\"", "remove = \",\", nulls = [\"x\"]");
    site.extract().saying("round 2: 1 ok, 0 missing, 0 failed");
    assert_eq!((site.rows("id, n").len(), site.server.asked()), (10, asked));
    assert_eq!(site.rows("sum(n)"), ["5046"]);
}

#[test]
fn a_pair_of_several_pages_is_made_anew_or_left_to_be_asked_whole() {
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/lists/{id}/1\"\nrows = \".items[]\"\npages = { next = \".next\" }\n\
                    columns = { n = { jq = \".n\", type = \"bigint\" } }\n";
    // The first page fails, so that the next was never asked; or the second, so that the first was not kept.
    let site = Site::run_with(Raw::serve(shapes), &["0:0", "1:3,000", "2:4,000"], "", endpoint);
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.extract().saying("round 1: 0 ok, 0 missing, 2 waiting, 0 failed");
    assert_eq!(site.ledger("id, status, rows"), ["0:0 ok 4", "1:3,000 waiting 0", "2:4,000 waiting 0"]);
    site.windrow(&["retry", "small"]).with_code(0).saying("2 ok");
    assert_eq!(site.ledger("id, status, rows"), ["0:0 ok 4", "1:3,000 ok 4", "2:4,000 ok 4"]);
}

#[test]
fn an_answer_of_many_rows_is_made_anew_as_a_whole() {
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/lists/{id}/9\"\nrows = \".items[]\"\n\
                    columns = { n = { jq = \".n\", type = \"bigint\" } }\n";
    let site = Site::run_with(Raw::serve(shapes), &["9:5", "9:3,000"], "", endpoint);
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.windrow(&["extract", "small"]).with_code(0).saying("round 1: 1 ok");
    assert_eq!(
        site.sandbox.query("small", "SELECT id || ' ' || n FROM rows ORDER BY ALL"),
        ["\"9:3,000 3000\"", "\"9:3,000 9\"", "9:5 5", "9:5 9"]
    );
}

#[test]
fn what_depends_on_it_waits_and_is_asked_by_a_retry() {
    let endpoints = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\ncolumns = { n = { jq = \".n\", type = \"bigint\" } }\n\
                     [[endpoint]]\nname = \"two\"\nurl = \"SERVER/v/{one.n}\"\nwhen = '.one.n > 5'\ncolumns = { m = \".n\" }\n";
    let site = Site::run(&["7", "8,000", "0,003", "x"], "", endpoints);
    assert_eq!(
        site.ledger("endpoint, status, kind")[..4],
        ["one ok", "two ok", "one failed convert", "two not_asked dependency"]
    );
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.extract()
        .saying("2 ok, 0 missing, 1 not asked, 1 waiting, 2 failed")
        .saying("`windrow retry small` asks what waits");
    let asked = site.server.asked();
    assert_eq!(
        site.ledger("id, endpoint, status, kind"),
        [
            "7 one ok",
            "7 two ok",
            "8,000 one ok",
            "8,000 two waiting interrupted",
            "0,003 one ok",
            "0,003 two not_asked",
            "x one failed convert",
            "x two not_asked dependency"
        ]
    );
    assert_eq!(site.rows("id, n, m"), ["0,003 3", "7 7 7"], "nobody is in the table by half");
    let hint = "hint: `windrow retry small` asks it";
    site.windrow(&["failures", "small"]).with_code(0).saying("1 request waits").saying(hint);
    site.windrow(&["retry", "small"]).with_code(0).saying("1 ok");
    site.windrow(&["merge", "small"]).with_code(0);
    assert_eq!(site.rows("id, n, m"), ["0,003 3", "7 7 7", "8,000 8000 8000"]);
    assert_eq!(site.server.asked(), asked + 1, "only what depends on it");
}

/// The request is built as it was: of what another endpoint had answered before.
#[test]
fn what_used_an_earlier_answer_is_made_anew_alone() {
    let endpoints = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\ncolumns = { n = \".n\" }\n\
                     [[endpoint]]\nname = \"two\"\nurl = \"SERVER/v/{one.n}\"\nwhen = '.one.n != \"9\"'\n\
                     columns = { m = { jq = \".n\", type = \"bigint\" } }\n";
    let site = Site::run(&["7", "8,000", "9"], "", endpoints);
    site.edit("type = \"bigint\"", "type = \"bigint\", remove = \",\"");
    site.extract().saying("making the columns of 1 record anew").saying("1 ok, 0 missing, 0 failed");
    assert_eq!(site.rows("id, n, m"), ["7 7 7", "8,000 8,000 8000", "9 9"]);
    assert_eq!(site.sandbox.query("small", "SELECT count(*), sum(requests) FROM all_requests"), ["7,5"]);
}

#[test]
fn a_program_that_was_mended_reads_what_it_failed_on() {
    let parse = "import json, sys\nfor line in sys.stdin:\n    asked = json.loads(line)\n    \
                 n = json.loads(asked['body'])['n']\n    \
                 reply = {'error': 'odd'} if n == 'odd' else {'answer': {'n': n}}\n    \
                 print(json.dumps({'ordinal': asked['ordinal'], **reply}), flush=True)\n";
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\npipe = [\"python3\", \"parse.py\"]\ncolumns = { n = \".n\" }\n";
    let site = Site { sandbox: crate::support::Sandbox::new(), server: Raw::serve(super::answer) };
    site.sandbox.write("parse.py", parse);
    site.write_job(&["7", "odd"], "", endpoint);
    site.windrow(&["run", "job.toml"]).with_code(0);
    assert_eq!(site.ledger("id, status, kind"), ["7 ok", "odd failed pipe"]);
    site.sandbox.edit("parse.py", "n == 'odd'", "n == 'even'");
    site.extract();
    assert_eq!(site.rows("id, n"), ["7 7", "odd odd"]);
}

#[test]
fn an_answer_that_was_kept_without_a_secret_is_none_of_the_servers() {
    let endpoint = "[[endpoint]]\nname = \"one\"\nurl = \"SERVER/v/{id}\"\nheaders = { x = \"${KEY}\" }\n\
                    columns = { n = { jq = \".n\", type = \"bigint\" } }\n";
    let site = Site { sandbox: crate::support::Sandbox::new(), server: Raw::serve(super::answer) };
    site.sandbox.write("env", "KEY=hush-hush-99\n");
    site.sandbox.asks_for_secrets();
    site.write_job(&["7", "hush-hush-99", "x"], "", endpoint);
    site.windrow(&["run", "job.toml", "--env-file", "env"]).with_code(0);
    site.edit("type = \"bigint\"", "type = \"bigint\", on_error = \"null\"");
    let said = site.windrow(&["extract", "small", "--env-file", "env"]).with_code(0);
    said.saying("1 ok, 0 missing, 1 waiting, 0 failed");
    let details = site.ledger("status, detail");
    assert!(details[1].starts_with("waiting its answer repeated a secret, which is not kept"), "{details:?}");
    site.windrow(&["retry", "small", "--env-file", "env"]).with_code(0).saying("1 ok");
}
