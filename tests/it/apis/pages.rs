//! Lists in pages: every way from one to the next, and everything that can go wrong between them.

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox, seeded};

const COLUMNS: &str = "columns = { item = \".id\", value = { jq = \".value\", type = \"bigint\" } }";

/// The ways from page to page: the query that chooses one, and the job's words for it.
const WAYS: [(&str, &str); 7] = [
    ("page=1", "pages = { next = \".next\" }"),
    ("page=1&absolute=1", "pages = { next = \".next\" }"),
    ("page=1", "pages = { link = true }"),
    ("", "pages = { cursor = \".cursor\", cursor_param = \"cursor\" }"),
    ("", "pages = { offset_param = \"offset\" }"),
    ("", "pages = { page_param = \"page\" }"),
    ("base=0", "pages = { page_param = \"page\", first = 0, more = \".has_more\" }"),
];

fn endpoint(query: &str, pages: &str) -> String {
    format!(
        "url = \"ORIGIN/lists/{{id}}?limit=7&{query}\"\nrows = \".items[]\"\nmissing = [404]\n{pages}\n{COLUMNS}"
    )
}

/// Every item that the origin says the list has, once.
fn items(origin: &Origin, list: &str) -> Vec<String> {
    let total = origin.truth(&format!("lists/{list}")).as_u64().unwrap_or(0);
    (1..=total).map(|number| format!("{list}-{number}")).collect()
}

#[test]
fn every_item_of_every_page_arrives_once_whichever_way_leads_on() {
    let mut rng = seeded();
    let mut lists: Vec<String> =
        [0, 1, 6, 7, 8, 14, 60].iter().map(|total| format!("l{}-{total}", rng.u32(..1000))).collect();
    lists.extend((0..8).map(|_| format!("list{}x", rng.u32(..100_000))));
    lists.push("unknown".to_owned());
    let names: Vec<&str> = lists.iter().map(String::as_str).collect();
    let origin = Origin::start(&[]);
    for (query, pages) in WAYS {
        let sandbox = Sandbox::new();
        job(&sandbox, &origin, &names, "", &endpoint(query, pages), "");
        run(&sandbox);
        let mut expected: Vec<String> = lists.iter().flat_map(|list| items(&origin, list)).collect();
        expected.sort();
        assert_eq!(found(&sandbox, "item"), expected, "{query} {pages}");
        let rows: u64 = ledger(&sandbox, "rows").iter().map(|rows| rows.parse::<u64>().unwrap()).sum();
        assert_eq!(rows, expected.len() as u64, "the ledger counts the rows: {pages}");
        assert!(ledger(&sandbox, "id, status").contains(&"unknown,missing".to_owned()));
    }
}

#[test]
fn an_html_list_leads_on_by_a_selector() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint = "url = \"ORIGIN/lists/{id}?as=html&limit=7&page=1\"\nformat = \"html\"\nrows = \"tr.item\"\n\
                    pages = { next = \"a.next\" }\ncolumns = { item = \":scope > td.id\" }";
    job(&sandbox, &origin, &["h-30", "h-7"], "", endpoint, "");
    run(&sandbox);
    let mut expected = [items(&origin, "h-30"), items(&origin, "h-7")].concat();
    expected.sort();
    assert_eq!(found(&sandbox, "item"), expected);
}

#[test]
fn a_page_that_fails_fails_the_list_and_a_retry_asks_all_of_it() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    job(&sandbox, &origin, &["a-30", "b-30"], "retry_rounds = 0", &endpoint("page=1", WAYS[0].1), "");
    origin.knobs(r#"{"fail_ids": {"a-30/3": {"status": 500, "times": 3}}}"#);
    run(&sandbox);
    assert_eq!(found(&sandbox, "item").len(), 30, "nothing of a list that is cut short");
    assert_eq!(
        ledger(&sandbox, "id, status, kind, http_status, rows"),
        ["a-30,failed,status,500,0", "b-30,ok,,200,30"]
    );
    sandbox.run(["retry", "apis"]).with_code(0);
    sandbox.run(["merge", "apis"]).with_code(0);
    assert_eq!(found(&sandbox, "item").len(), 60);
}

#[test]
fn pages_without_end_and_in_a_circle_are_failures() {
    for (query, pages, why) in [
        ("page=1&endless=1", "pages = { next = \".next\", max = 20 }", "more than the 20 pages"),
        ("page=1&loop=1", "pages = { next = \".next\" }", "the items of an earlier page come again"),
        ("endless=1", "pages = { page_param = \"page\", max = 5 }", "more than the 5 pages"),
    ] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        job(&sandbox, &origin, &["a-30"], "retry_rounds = 0", &endpoint(query, pages), "");
        sandbox.run(["run", "job.toml"]).with_code(1).saying("0 % of the records succeeded (0 of 1)");
        let said = ledger(&sandbox, "status, kind, detail");
        assert!(said[0].starts_with("failed,pages,") && said[0].contains(why), "{said:?}");
        assert!(origin.counts()["total"].as_u64().unwrap() <= 21);
    }
}

#[test]
fn a_page_without_rows_ends_counted_pages_and_no_others() {
    let gap = |pages: &str| {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        job(&sandbox, &origin, &["a-30"], "", &endpoint("gap=2&page=1", pages), "");
        run(&sandbox);
        found(&sandbox, "item").len()
    };
    assert_eq!(gap("pages = { next = \".next\" }"), 23, "a link leads on past a page without rows");
    assert_eq!(gap("pages = { link = true }"), 23);
}

#[test]
fn json_lines_are_rows() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint = format!(
        "url = \"ORIGIN/jsonl/{{id}}\"\nformat = \"jsonl\"\nrows = \".[]\"\nmissing = [404]\n{COLUMNS}"
    );
    job(&sandbox, &origin, &["j-25", "j-0", "j-1"], "", &endpoint, "");
    run(&sandbox);
    let mut expected = [items(&origin, "j-25"), items(&origin, "j-1")].concat();
    expected.sort();
    assert_eq!(found(&sandbox, "item"), expected);
    sandbox.edit("job.toml", "/jsonl/{id}", "/jsonl/{id}?broken=20");
    sandbox.run(["run", "job.toml", "--new"]).with_code(0);
    let said = ledger(&sandbox, "id, status, kind, detail");
    assert!(said[0].starts_with("j-25,failed,not_json,") && said[0].contains("20"), "{said:?}");
}
