//! Answers that are another thing than the job reads, and answers in other charsets: what becomes of them, and how they
//! are kept.

use super::raw::{Raw, http};
use crate::support::{Sandbox, published};

/// One id a line of the tables below, named after what the server answers it.
fn answer(path: &str) -> Vec<u8> {
    let html = |body: &[u8]| http("200 OK", "content-type: text/html; charset=ISO-8859-1\r\n", body);
    match path.trim_start_matches('/') {
        "latin1" => html(b"<h1>caf\xe9</h1><p>12 Main St<br>Springfield<script>track()</script></p>"),
        "meta" => http("200 OK", "content-type: text/html\r\n", b"<meta charset=windows-1251><h1>\xcf</h1>"),
        "two_types" => http(
            "200 OK",
            "content-type: text/html\r\ncontent-type: text/html; charset=koi8-r\r\n",
            b"<h1>\xf0",
        ),
        "utf_8" => http("200 OK", "", "<h1>日本</h1>"),
        "xhtml" => http(
            "200 OK",
            "content-type: application/xhtml+xml\r\n",
            "<?xml version='1.0'?><html><h1>x</h1></html>",
        ),
        "pdf" => http("200 OK", "content-type: application/pdf\r\n", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        "picture" => html(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        "archive" => http("200 OK", "", b"PK\x03\x04\x14\0\x06\0\x08\0"),
        "feed" => http("200 OK", "content-type: application/rss+xml\r\n", "<rss><h1>x</h1></rss>"),
        "json" => http("200 OK", "content-type: application/json\r\n", "{\"error\":\"busy\"}"),
        "unreadable" => http("200 OK", "content-type: text/html; charset=hz-gb-2312\r\n", "<h1>~{VP~}</h1>"),
        "refused" => http("403 Forbidden", "content-type: text/plain; charset=latin1\r\n", b"d\xe9sol\xe9"),
        other => panic!("nobody asks for {other}"),
    }
}

/// Id, status, kind, detail.
const ENDS: [&str; 12] = [
    "latin1,ok,,",
    "meta,ok,,",
    "two_types,ok,,",
    "utf_8,ok,,",
    "xhtml,ok,,",
    "pdf,failed,content_type,\"the answer is application/pdf by its first bytes, not HTML\"",
    "picture,failed,content_type,\"the answer is image/png by its first bytes, not HTML\"",
    "archive,failed,content_type,\"the answer is application/zip by its first bytes, not HTML\"",
    "feed,failed,content_type,\"the answer is XML (its root is <rss>), not HTML\"",
    "json,failed,content_type,\"the answer is JSON, not HTML\"",
    "unreadable,failed,decode,the charset hz-gb-2312 cannot be read",
    "refused,failed,status,403 Forbidden: désolé",
];

const TITLES: [&str; 5] = ["latin1,café", "meta,П", "two_types,П", "utf_8,日本", "xhtml,x"];

fn job(sandbox: &Sandbox, server: &Raw, bodies: &str) {
    let ids: Vec<String> = ENDS.iter().map(|end| format!("{:?}", end.split(',').next().unwrap())).collect();
    let (ids, url) = (ids.join(", "), server.url());
    sandbox.write(
        "kinds.toml",
        format!(
            r#"
[job]
name = "kinds"
retry_rounds = 0
keep_answers = "{bodies}"

[input]
ids = [{ids}]
id = "id"

[[endpoint]]
name = "one"
url = "{url}/{{id}}"
format = "html"
retry = {{ attempts = 1 }}
columns = {{ title = "h1", address = "p" }}

[table]
to = "duckdb:kinds.duckdb"
name = "kinds"
mode = "append"
"#
        ),
    );
}

fn ends(sandbox: &Sandbox) -> Vec<String> {
    let all = "SELECT id, status, kind, detail FROM requests JOIN input USING (ordinal) ORDER BY ordinal";
    sandbox.query("kinds", all)
}

#[test]
fn what_is_no_page_is_a_failure_that_says_what_came() {
    let (sandbox, server) = (Sandbox::new(), Raw::serve(answer));
    job(&sandbox, &server, "failed");
    sandbox.run(["run", "kinds.toml"]).with_code(0).saying("published 5 rows");
    assert_eq!(ends(&sandbox), ENDS);
    let rows = sandbox.query("kinds", "SELECT id, title FROM rows ORDER BY id");
    assert_eq!(rows, TITLES);
    let address = sandbox.query("kinds", "SELECT address FROM rows WHERE id = 'latin1'");
    assert_eq!(address, ["12 Main St Springfield"]);
    // What failed is kept as it came.
    let kept = sandbox.query(
        "kinds",
        "SELECT id, content_type, body, hex(bytes[1:4]) FROM answers JOIN input USING (ordinal) ORDER BY ordinal",
    );
    assert_eq!(kept.len(), 7, "{kept:?}");
    assert_eq!(kept[0], "pdf,application/pdf,,25504446");
    assert_eq!(kept[1], "picture,text/html; charset=ISO-8859-1,,89504E47");
    assert_eq!(kept[6], "refused,text/plain; charset=latin1,désolé,64E9736F");
    let shown = sandbox.run(["failures", "kinds", "--answers"]).with_code(0).stdout;
    assert!(shown.contains("désolé") && shown.contains("<rss><h1>x</h1></rss>"), "{shown}");
}

#[test]
fn kept_answers_are_the_bytes_that_came_and_are_read_as_they_were() {
    let (sandbox, server) = (Sandbox::new(), Raw::serve(answer));
    job(&sandbox, &server, "all");
    sandbox.run(["run", "kinds.toml"]).with_code(0);
    let kept = "SELECT id, body, hex(bytes[5:8]) FROM answers JOIN input USING (ordinal)
                WHERE id IN ('latin1', 'utf_8', 'two_types') ORDER BY id";
    let as_they_came = [
        "latin1,<h1>café</h1><p>12 Main St<br>Springfield<script>track()</script></p>,636166E9",
        "two_types,<h1>П,F0",
        "utf_8,<h1>日本</h1>,E697A5E6",
    ];
    assert_eq!(sandbox.query("kinds", kept), as_they_came);
    let shown = sandbox.run(["check", "kinds.toml", "--offline", "--sample", "100"]).with_code(1).stdout;
    assert!(shown.contains("< <h1>café</h1>") && shown.contains("title    П"), "{shown}");
    let (asked, before) = (server.asked(), ends(&sandbox));
    sandbox.run(["extract", "kinds"]).with_code(0);
    assert_eq!(server.asked(), asked, "nobody is asked");
    assert_eq!(
        (ends(&sandbox), sandbox.query("kinds", kept)),
        (before, as_they_came.map(str::to_owned).to_vec())
    );
    assert_eq!(sandbox.query("kinds", "SELECT id, title FROM rows ORDER BY id"), TITLES);
    sandbox.run(["merge", "kinds"]).with_code(0);
    let titles = "SELECT concat(id, ',', title) FROM kinds ORDER BY ALL";
    assert_eq!(published(&sandbox.path().join("kinds.duckdb"), titles)[0], "latin1,café");
}
