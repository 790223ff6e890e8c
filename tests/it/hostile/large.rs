//! Answers that are large and allowed to be: what they cost in memory and time, one at a time.

use super::codings::gzip;
use crate::servers::raw::{Raw, http};
use crate::support::Sandbox;
use crate::support::processes::wait_with_peak_memory;

const JOB: &str = r#"
[input]
ids = ["keys", "values", "deep", "numbers"]
[[endpoint]]
url = "{URL}/{id}"
max_answer = "192MiB"
max_depth = 512
columns = { v = ".v" }
[table]
to = "duckdb:large.duckdb"
mode = "append"
[publish]
min_success = 0.0
"#;

/// Of a body of 120 MB: as it came, and put together; besides what the program has anyhow.
const MOST_MEMORY_KIB: u64 = 500 << 10;

/// Ten million keys, elements, levels, digits.
fn body(path: &str) -> Vec<u8> {
    const NUMBER: usize = 10_000_000;
    match path.trim_start_matches('/') {
        "keys" => {
            let keys: String = (0..NUMBER).map(|at| format!("\"k{at:07}\":1,")).collect();
            format!("{{{keys}\"v\":\"yes\"}}").into_bytes()
        }
        "values" => format!("{{\"w\":[{}0],\"v\":\"yes\"}}", "[],".repeat(NUMBER)).into_bytes(),
        "deep" => [b"{\"v\":".to_vec(), vec![b'['; NUMBER]].concat(),
        "numbers" => format!("{{\"w\":{},\"v\":\"yes\"}}", "7".repeat(NUMBER)).into_bytes(),
        other => panic!("nobody asks for {other}"),
    }
}

#[test]
fn ten_million_keys_or_levels_cost_no_more_than_their_bytes() {
    let server = Raw::serve(|path| http("200 OK", "content-encoding: gzip\r\n", gzip(&body(path))));
    let sandbox = Sandbox::new();
    sandbox.write("large.toml", JOB.replace("{URL}", &server.url()));
    let (ended, most) = wait_with_peak_memory(sandbox.start(["run", "large.toml"]));
    ended.with_code(0);
    let ends = "SELECT id, requests.status, kind, v FROM requests JOIN input USING (ordinal)
                LEFT JOIN rows USING (id) ORDER BY id";
    let ends = sandbox.query("large", ends);
    assert_eq!(ends, ["deep,failed,too_deep,", "keys,ok,,yes", "numbers,ok,,yes", "values,ok,,yes"]);
    assert!((1..MOST_MEMORY_KIB).contains(&most), "{most} KiB");
}
