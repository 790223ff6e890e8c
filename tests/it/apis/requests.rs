//! Methods and payloads: values escaped for where they stand, and what is not asked twice.

use serde_json::{Value, json};

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox};

const ODD: [&str; 5] = ["plain", "a&b=c d", "\"quoted\" \\ é", "{\"a\":1}", "100% +x"];

fn echoed(sandbox: &Sandbox) -> Vec<Value> {
    found(sandbox, "said").iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn values_read_back_as_they_were_whatever_they_hold() {
    for (payload, read) in [
        ("json = { id = \"{id}\", list = [\"x {id} y\", 5, true] }", "/json/id"),
        ("form = { id = \"{id}\", other = \"1\" }", "/form/0/1"),
        ("method = \"PUT\"\nbody = \"{id}\"", "/body"),
        ("method = \"DELETE\"\nparams = { id = \"{id}\" }", "/query/0/1"),
    ] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let endpoint = format!(
            "url = \"ORIGIN/echo/x\"\n{payload}\nidempotent = true\ncolumns = {{ said = {{ jq = \".\", type = \"json\" }} }}"
        );
        job(&sandbox, &origin, &ODD, "", &endpoint, "");
        run(&sandbox);
        let mut values: Vec<String> = echoed(&sandbox)
            .iter()
            .map(|said| match said.pointer(read).unwrap_or_else(|| panic!("{payload}: {said}")) {
                Value::String(text) => text.clone(),
                Value::Array(list) => list[0].as_str().unwrap().to_owned(),
                other => other.to_string(),
            })
            .collect();
        values.sort();
        let mut expected = ODD.map(str::to_owned);
        expected.sort();
        assert_eq!(values, expected, "{payload}");
    }
}

#[test]
fn a_lone_slot_in_json_keeps_its_type() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let url = origin.url();
    sandbox.write("list.csv", "id,n,d,b,t\nx,9007199254740993,1.50,true,007\n");
    sandbox.write(
        "job.toml",
        format!(
            r#"
job = {{ name = "apis" }}
input = {{ file = "list.csv", id = "id", types = {{ n = "bigint", d = "decimal(9,2)", b = "boolean" }} }}
table = {{ to = "duckdb:found.duckdb", name = "found", mode = "append" }}
[[endpoint]]
name = "one"
url = "{url}/echo/x"
idempotent = true
json = {{ n = "{{n}}", d = "{{d}}", b = "{{b}}", t = "{{t}}", in_text = "n is {{n}}" }}
columns = {{ said = ".body" }}
"#
        ),
    );
    run(&sandbox);
    let body = found(&sandbox, "said").remove(0);
    assert!(body.contains("9007199254740993") && body.contains("1.50"), "{body}");
    let said: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({"n": 9007199254740993_u64, "d": 1.5, "b": true, "t": "007", "in_text": "n is 9007199254740993"});
    assert_eq!(said, expected);
}

#[test]
fn a_post_is_not_repeated_unless_the_job_says_that_it_may_be() {
    for (idempotent, status, asked, worth) in [
        ("", 500, 1, "false"),
        ("idempotent = true", 500, 6, "true"),
        ("", 429, 6, "true"),
        ("method = \"PUT\"", 500, 6, "true"),
    ] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let endpoint = format!(
            "url = \"ORIGIN/echo/{{id}}\"\n{idempotent}\njson = {{ id = \"{{id}}\" }}\ncolumns = {{ said = \".\" }}"
        );
        job(&sandbox, &origin, &["good", "bad"], "", &endpoint, "");
        origin.knobs(&format!(r#"{{"fail_ids": {{"bad": {{"status": {status}}}}}}}"#));
        run(&sandbox);
        // Three attempts, and as many in the automatic second round.
        assert_eq!(origin.count("echo", "bad"), asked, "{idempotent} {status}");
        let line = ledger(&sandbox, "id, status, worth_repeating").pop().unwrap();
        assert_eq!(line, format!("bad,failed,{worth}"), "{idempotent} {status}");
    }
}
