//! Columns of the list whose names no other syntax bears: in every place of a request where a template may stand, and
//! on their way through a run.

use crate::support::{Origin, Sandbox};

const NAMES: [&str; 4] = ["Artikel-Nr.", "a}b{c", "5\" pipe's", "Größe: m²"];

/// A name as a template has it, within a literal string of TOML.
fn slot(name: &str) -> String {
    format!("{{\"{}\"}}", name.replace('"', "\"\""))
}

#[test]
fn any_header_stands_in_every_place_of_a_request() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let header: Vec<String> = NAMES.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    sandbox.write("list.csv", format!("id,{}\nx,1/2,\"b b\",c&c,é\n", header.join(",")));
    let [number, braces, quotes, sign] = NAMES.map(slot);
    let url = origin.url();
    let target = "columns = { NAME = '[.target, .headers.\"x-a\", .json, .form, .body]' }";
    let endpoint = |name: &str, rest: &str| {
        format!("[[endpoint]]\nname = \"{name}\"\n{rest}\n{}\n", target.replace("NAME", name))
    };
    let job = [
        "[job]\nname = \"names\"\n[input]\nfile = \"list.csv\"\nid = \"Artikel-Nr.\"\ntypes = { 'a}b{c' = \"text\" }\ncolumns = ['5\" pipe''s']\n"
            .replace("''", "'").replace("['5\" pipe's']", "[\"5\\\" pipe's\"]"),
        endpoint("one", &format!("url = '''{url}/echo/{number}/{braces}'''\nparams = {{ q = '''{quotes}{{{{''' }}\nheaders = {{ x-a = '''<{number}>''' }}")),
        endpoint("two", &format!("url = \"{url}/echo/x\"\njson = {{ a = '''{braces}''', b = ['''{sign}!'''] }}")),
        endpoint("three", &format!("url = \"{url}/echo/x\"\nform = {{ a = '''{quotes}''' }}")),
        endpoint("four", &format!("url = \"{url}/echo/x\"\nbody = \"{{'Artikel-Nr.'}}-{{one.one}}\"")),
        "[table]\nto = \"duckdb:t.duckdb\"\nname = \"t\"\nmode = \"append\"\n".to_owned(),
    ];
    sandbox.write("names.toml", job.concat());
    sandbox.run(["run", "names.toml"]).with_code(0).saying("published 1 row");
    let rows = sandbox.query("names", "SELECT \"Artikel-Nr.\", \"5\"\" pipe's\" FROM rows");
    assert_eq!(rows, ["1/2,c&c"]);
    let said = |endpoint: &str| {
        let sql = format!("SELECT {endpoint} AS v FROM {endpoint}");
        let ended = sandbox.run(["query", "names", &sql, "--format", "json"]).with_code(0);
        let rows: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        serde_json::from_str::<serde_json::Value>(rows[0]["v"].as_str().unwrap()).unwrap()
    };
    let one = said("one");
    assert_eq!((&one[0], &one[1]), (&"/echo/1%2F2/b%20b?q=c%26c%7B".into(), &"<1/2>".into()));
    assert_eq!(said("two")[2], serde_json::json!({ "a": "b b", "b": ["é!"] }));
    assert_eq!(said("three")[3], serde_json::json!([["a", "c&c"]]));
    assert!(said("four")[4].as_str().unwrap().starts_with("1/2-["));
    let check = sandbox.run(["check", "names.toml", "--ids", "1/2"]).with_code(0);
    assert!(check.stdout.contains("\nArtikel-Nr. = 1/2\n"), "{}", check.stdout);
}

#[test]
fn a_whole_url_may_come_from_a_column_of_any_name() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    sandbox.write("list.jsonl", format!("{{\"id\": 1, \"Web: page\": \"{}/echo/here\"}}\n", origin.url()));
    let job = "[job]\nname = \"pages\"\n[input]\nfile = \"list.jsonl\"\nid = \"id\"\n[[endpoint]]\nname = \"page\"\n\
               url = \"{'Web: page':url}\"\nhosts = [\"127.0.0.1\"]\ncolumns = { t = \".target\" }\n[table]\n\
               to = \"duckdb:t.duckdb\"\nname = \"t\"\nmode = \"append\"\n";
    sandbox.write("pages.toml", job);
    sandbox.run(["run", "pages.toml"]).with_code(0).saying("published 1 row");
    assert_eq!(sandbox.query("pages", "SELECT t FROM rows"), ["/echo/here"]);
}

#[test]
fn a_column_that_is_not_there_is_named_as_it_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("list.csv", "id,Artikel-Nr\n1,2\n");
    let job = "[job]\nname = \"pages\"\n[input]\nfile = \"list.csv\"\nid = \"id\"\n[[endpoint]]\nname = \"page\"\n\
               url = 'http://127.0.0.1:9/{\"Artikel-Nr.\"}'\ncolumns = { t = \".target\" }\n[table]\n\
               to = \"duckdb:t.duckdb\"\nname = \"t\"\nmode = \"append\"\n";
    sandbox.write("pages.toml", job);
    let ended = sandbox.run(["run", "pages.toml"]).with_code(2);
    ended.saying("has no column \"Artikel-Nr.\"").saying("did you mean \"Artikel-Nr\"?");
}
