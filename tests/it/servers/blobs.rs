//! Bytes in answers: read as their column says, shown as hexadecimal digits, refused where they are no such text.

use std::sync::atomic::{AtomicBool, Ordering};

use super::raw::{Raw, http};
use crate::support::{Sandbox, published};

/// Whether the bytes of `page` have been asked about: the first time the server fails.
static ASKED: AtomicBool = AtomicBool::new(false);

/// What is answered to each id, and to the second question, in whose path the bytes of the first stand.
fn answer(path: &str) -> Vec<u8> {
    let json = |body: &str| http("200 OK", "content-type: application/json\r\n", body);
    match path.trim_start_matches('/') {
        "lines" => json(r#"{"picture": "iVBO\r\nRw0K\n", "digest": "0xDEadBEef"}"#),
        "url" => json(r#"{"picture": "_-8", "digest": "\\xdeadbeef"}"#),
        "page" => json(r#"{"picture": "data:image/png;base64,iVBORw0K", "digest": "00"}"#),
        "none" => json(r#"{"picture": null, "digest": ""}"#),
        "blank" => json(r#"{"picture": "iVBO Rw0K", "digest": "00"}"#),
        "number" => json(r#"{"picture": "", "digest": 1234}"#),
        "odd" => json(r#"{"picture": "", "digest": "abc"}"#),
        "large" => json(&format!(r#"{{"picture": "{}", "digest": "01"}}"#, "AAAA".repeat(20_000))),
        "sums/00" if !ASKED.swap(true, Ordering::Relaxed) => http("500 Internal Server Error", "", ""),
        "sums/deadbeef" | "sums/00" | "sums/01" => json(r#"{"sum": 7}"#),
        other => panic!("nobody asks for {other}"),
    }
}

fn job(sandbox: &Sandbox, server: &Raw) {
    sandbox.write(
        "blobs.toml",
        format!(
            r#"
[job]
retry_rounds = 1

[defaults]
retry = {{ attempts = 1 }}

[input]
ids = ["lines", "url", "page", "none", "blank", "number", "odd", "large"]
id = "id"

[[endpoint]]
name = "file"
url = "{0}/{{id}}"
[endpoint.columns]
picture = {{ jq = ".picture", type = "blob", format = "base64", regex = '^(?:data:[^,]*,)?([\s\S]*)$' }}
digest = {{ jq = ".digest", type = "blob", format = "hex" }}
seen = {{ jq = ".picture", type = "blob", format = "base64", on_error = "null" }}

[[endpoint]]
name = "sum"
url = "{0}/sums/{{file.digest}}"
when = '.file.digest != ""'
columns = {{ sum = {{ jq = ".sum", type = "integer" }} }}

[table]
to = "duckdb:blobs.duckdb"
"#,
            server.url()
        ),
    );
}

#[test]
fn bytes_are_read_as_their_column_says_and_shown_as_hexadecimal_digits() {
    let (sandbox, server) = (Sandbox::new(), Raw::serve(answer));
    job(&sandbox, &server);
    sandbox.run(["run", "blobs.toml"]).with_code(0);
    let select = "SELECT concat_ws(',', id, left(hex(picture), 12), hex(digest), coalesce(left(hex(seen), 12), '~'), sum) \
                  FROM blobs ORDER BY id";
    let rows = [
        "large,000000000000,01,000000000000,7",
        "lines,89504E470D0A,DEADBEEF,89504E470D0A,7",
        "none,,~",
        "page,89504E470D0A,00,~,7",
        "url,FFEF,DEADBEEF,FFEF,7",
    ];
    assert_eq!(published(&sandbox.path().join("blobs.duckdb"), select), rows);
    let failures = sandbox.query("blobs", "SELECT id, detail FROM windrow_failures ORDER BY ALL");
    assert_eq!(
        failures,
        [
            r#"blank,"column picture: ""iVBO Rw0K"" is not base64: ' ' at character 5 does not belong there""#,
            r#"blank,file did not succeed"#,
            r#"number,"column digest: ""1234"" is not a blob: bytes are written as a text""#,
            r#"number,file did not succeed"#,
            r#"odd,"column digest: ""abc"" is not hex: it has 3 digits, an odd number""#,
            r#"odd,file did not succeed"#,
        ]
    );
    assert_eq!(
        sandbox.query("blobs", "SELECT id, digest FROM rows WHERE id IN ('lines', 'none') ORDER BY 1"),
        ["lines,deadbeef", "none,\"\""]
    );
    let question = ["query", "blobs", "SELECT digest FROM rows WHERE id = 'url'", "--format", "json"];
    let json = sandbox.run(question).with_code(0).stdout;
    assert!(json.contains("\"digest\": \"deadbeef\""), "{json}");
}

#[test]
fn a_large_value_is_cut_where_a_person_looks_at_it() {
    let (sandbox, server) = (Sandbox::new(), Raw::serve(answer));
    job(&sandbox, &server);
    let shown = sandbox.run(["check", "blobs.toml", "--ids", "large"]).with_code(0).stdout;
    let line = shown.lines().find(|line| line.trim_start().starts_with("picture")).unwrap();
    assert!(line.ends_with("000…") && line.chars().count() < 500, "{line}");
}
