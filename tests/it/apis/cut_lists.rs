//! Lists that could end too early, or go over the same page again: what a page holds leads on, not what the job selects
//! of it, and a page that an answer names is there. A list is whole, or it is a failure.

use super::{found, ledger};
use crate::servers::raw::{Raw, http};
use crate::support::Sandbox;

/// Ten items in pages of two; the second page has no active one.
const ITEMS: u32 = 10;

/// What follows the `?` of a request.
fn parameter(path: &str, name: &str) -> Option<u32> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn items(from: u32, until: u32) -> String {
    let item = |n: u32| {
        let active = n != 3 && n != 4;
        format!(r#"{{"id":{n},"active":{active},"parts":[{{"p":"{n}a"}},{{"p":"{n}b"}}]}}"#)
    };
    (from..until.min(ITEMS + 1)).map(item).collect::<Vec<_>>().join(",")
}

/// Page `page` of five; `beside` are members beside the items.
fn page(page: u32, beside: &str) -> Vec<u8> {
    http("200 OK", "", format!(r#"{{"items":[{}]{beside}}}"#, items(page * 2 - 1, page * 2 + 1)))
}

/// What the server answers to lists by their name.
fn answer(path: &str) -> Vec<u8> {
    let name = path[1..].split(['?', '/']).next().unwrap_or_default();
    let at = parameter(path, "page").unwrap_or(1);
    let more = if at < 5 {
        format!(r#","next":"?page={}","more":true"#, at + 1)
    } else {
        r#","more":false"#.to_owned()
    };
    let gone = http("404 Not Found", "", r#"{"error":"no such page"}"#);
    let link = |link: &[u8]| {
        let mut bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\nlink: ".to_vec();
        bytes.extend_from_slice(link);
        bytes.extend_from_slice(
            format!("\r\n\r\n{{\"items\":[{}]}}", items(at * 2 - 1, at * 2 + 1)).as_bytes(),
        );
        bytes
    };
    match name {
        "offset" => {
            let from = parameter(path, "start").unwrap_or(0);
            http("200 OK", "", format!(r#"{{"items":[{}]}}"#, items(from + 1, from + 3)))
        }
        "ranges" => {
            let from = parameter(path, "start").unwrap_or(0);
            let range = format!("content-range: {from}-{}/{ITEMS}\r\n", from + 1);
            http("206 Partial Content", &range, format!(r#"{{"items":[{}]}}"#, items(from + 1, from + 3)))
        }
        "ends_with_404" if at > 5 => gone,
        "clamps" => page(at.min(5), &format!(r#","asked":{at}"#)),
        "ignores" => page(1, &format!(r#","asked":{at}"#)),
        "has_one" => http("200 OK", "", r#"{"items":[{"id":1,"active":true}]}"#),
        "repeats_the_first" => page(if at == 3 { 1 } else { at }, &more),
        "zeros" => http("200 OK", "", ["[0,0]", "[0,0]", "[0]", "[]"][at as usize - 1]),
        "breaks_off" if at == 3 => gone,
        "says_so" if at == 3 => http("200 OK", "", r#"{"error":"gone"}"#),
        "breaks_off" | "says_so" => page(at, &more),
        "latin" if at < 5 => {
            link(format!("</latin?page={}>; title=\"caf\u{e9}\"; rel=\"next\"", at + 1).as_bytes())
        }
        "bytes" if at < 5 => {
            link(&[b"</bytes?page=", (at + 1).to_string().as_bytes(), b">; rel=next; title=\xe9"].concat())
        }
        "single_quotes" if at < 5 => link(format!("</single_quotes?page={}>; rel='next'", at + 1).as_bytes()),
        "no_brackets" if at < 5 => link(format!("/no_brackets?page={}; rel=\"next\"", at + 1).as_bytes()),
        "never_closed" if at < 5 => link(format!("</never_closed?page={}; rel=\"next\"", at + 1).as_bytes()),
        _ => page(at, &more),
    }
}

/// Asks for lists; the ids are their names. A list that is whole in any case goes along, so that the run is published.
fn ask(lists: &[&str], endpoint: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let server = Raw::serve(answer);
    let ids: Vec<String> = lists.iter().map(|list| format!("{list:?}")).collect();
    let (url, ids) = (server.url(), ids.join(", "));
    sandbox.write(
        "job.toml",
        format!(
            "[job]\nname = \"apis\"\nretry_rounds = 0\n\n[input]\nids = [{ids}]\nid = \"list\"\n\n\
             [[endpoint]]\nname = \"one\"\nurl = \"{url}/{{list}}\"\nmissing = [404, '.error? == \"gone\"']\n{endpoint}\n\n\
             [table]\nto = \"duckdb:found.duckdb\"\nname = \"found\"\nmode = \"append\"\n"
        ),
    );
    sandbox.run(["run", "job.toml"]).with_code(0);
    sandbox
}

const ACTIVE: &str =
    "rows = \".items[] | select(.active)\"\ncolumns = { item = { jq = \".id\", type = \"integer\" } }";

fn numbers(items: impl IntoIterator<Item = u32>) -> Vec<String> {
    items.into_iter().map(|number| number.to_string()).collect()
}

#[test]
fn a_page_that_filters_to_nothing_ends_no_counted_list() {
    let active: Vec<u32> = (1..=ITEMS).filter(|n| *n != 3 && *n != 4).collect();
    for (list, pages) in [
        ("number", "pages = { page_param = \"page\" }"),
        ("ends_with_404", "pages = { page_param = \"page\" }"),
        ("offset", "pages = { offset_param = \"start\" }"),
        ("offset", "pages = { offset_param = \"start\", items = \".items | length\" }"),
        ("ranges", "pages = { offset_param = \"start\" }"),
    ] {
        let sandbox = ask(&[list], &format!("{pages}\n{ACTIVE}"));
        assert_eq!(found(&sandbox, "item"), numbers(active.clone()), "{list} {pages}");
    }
}

#[test]
fn an_offset_counts_items_and_not_the_rows_that_are_made_of_them() {
    let pages = "pages = { offset_param = \"start\", items = \".items\" }\nrows = \".items[].parts[]\"\ncolumns = { p = \".p\" }";
    let sandbox = ask(&["offset"], pages);
    let mut expected: Vec<String> = (1..=ITEMS).flat_map(|n| [format!("{n}a"), format!("{n}b")]).collect();
    expected.sort();
    assert_eq!(found(&sandbox, "p"), expected);
}

#[test]
fn a_page_that_comes_again_is_a_failure() {
    let lists = ["clamps", "ignores", "has_one", "number"];
    let sandbox = ask(&lists, &format!("pages = {{ page_param = \"page\" }}\n{ACTIVE}"));
    let said = ledger(&sandbox, "list, status, kind, requests");
    assert_eq!(
        said,
        ["clamps,failed,pages,6", "ignores,failed,pages,2", "has_one,failed,pages,2", "number,ok,,6"]
    );
    let sandbox = ask(&["repeats_the_first", "number"], &format!("pages = {{ next = \".next\" }}\n{ACTIVE}"));
    let said = ledger(&sandbox, "list, status, detail");
    let why = "repeats_the_first,failed,the items of an earlier page come again at ";
    assert!(said[0].starts_with(why), "{said:?}");
}

#[test]
fn items_that_are_all_alike_are_no_page_that_comes_again() {
    let zeros = "pages = { page_param = \"page\" }\nrows = \".[]\"\ncolumns = { item = { jq = \".\", type = \"integer\" } }";
    assert_eq!(found(&ask(&["zeros"], zeros), "item"), numbers([0; 5]));
}

#[test]
fn a_page_that_an_answer_names_and_that_is_missing_is_a_failure() {
    for pages in [
        "pages = { next = \".next\" }",
        "pages = { cursor = \".next | select(. != null) | ltrimstr(\\\"?page=\\\")\", cursor_param = \"page\" }",
        "pages = { page_param = \"page\", more = \".more\" }",
    ] {
        let sandbox = ask(&["breaks_off", "says_so", "number"], &format!("{pages}\n{ACTIVE}"));
        let said = ledger(&sandbox, "list, status, kind");
        assert_eq!(said, ["breaks_off,failed,pages", "says_so,failed,pages", "number,ok,"], "{pages}");
        assert_eq!(found(&sandbox, "item").len(), 8, "nothing of a list in part");
    }
}

#[test]
fn a_link_header_is_read_whatever_its_bytes_or_is_a_failure() {
    let lists = ["latin", "bytes", "single_quotes", "no_brackets", "never_closed"];
    let sandbox = ask(&lists, &format!("pages = {{ link = true }}\n{ACTIVE}"));
    let said = ledger(&sandbox, "list, status, kind, pages");
    assert_eq!(
        said,
        [
            "latin,ok,,5",
            "bytes,ok,,5",
            "single_quotes,ok,,5",
            "no_brackets,ok,,5",
            "never_closed,failed,pages,0"
        ]
    );
}
