//! Keys of an endpoint below `[endpoint.columns]`.

use super::{mistakes_of, parse, small};

fn job(line: &str) -> String {
    let keys = format!("[endpoint.columns]\nx = '.x'\n{line}");
    small("columns = HERE").replace("columns = HERE", &keys)
}

#[test]
fn a_key_of_the_endpoint_among_its_columns_is_refused_with_the_way_out() {
    for line in [
        "on_failure = \"null\"",
        "ok = '.error == null'",
        "ok = '.ok'",
        "when = '.country == \"US\"'",
        "rows = '.items[]'",
        "rows = 'table.odds tr'",
        "missing = [404]",
        "missing = '.Response == \"False\"'",
        "cost = '.usage.total_tokens'",
        "cost = 2",
        "timeout = \"30s\"",
        "max_answer = \"1MiB\"",
        "format = \"html\"",
        "redirects = \"browser\"",
        "method = \"POST\"",
        "body = 'id={id}'",
        "url = \"https://example.org/{id}\"",
        "idempotent = true",
        "nulls = [\"N/A\"]",
        "hosts = [\"example.org\"]",
        "pipe = [\"cat\"]",
        "min_success = 0.5",
        "max_depth = 10",
        "retry = { attempts = 3 }",
        "params = { page = \"1\" }",
        "headers = { accept = \"text/html\" }",
        "json = { id = \"{id}\" }",
        "batch = { size = 50, split = '.[]', match = '.id' }",
        "pages = { link = true }",
    ] {
        let found = mistakes_of(&job(line));
        let key = line.split(' ').next().unwrap();
        let misplaced = format!("`{key}` is a key of [[endpoint]], and stands among its columns");
        assert!(found.len() == 1 && found[0].message == misplaced, "{line}: {found:?}");
        let hint = format!(
            "move it above [endpoint.columns]; a column of that name is written as a table: {key} = {{ jq = \".{key}\" }}"
        );
        assert_eq!(found[0].hint, hint);
    }
}

#[test]
fn a_key_below_another_table_of_names_is_refused_where_no_name_is_likely_to_be_so() {
    let below = |table: &str, line: &str| small(&format!("[endpoint.{table}]\nq = 'x'\n{line}"));
    for table in ["params", "headers", "form"] {
        for line in [
            "on_failure = \"null\"",
            "ok = '.error == null'",
            "rows = '.items[]'",
            "max_answer = \"1MiB\"",
            "min_success = 1",
        ] {
            let found = mistakes_of(&below(table, line));
            let key = line.split(' ').next().unwrap();
            let misplaced = format!("`{key}` is a key of [[endpoint]], and stands among its {table}");
            assert!(found.len() == 1 && found[0].message == misplaced, "{table} {line}: {found:?}");
        }
        for line in
            ["format = \"json\"", "limit = \"100\"", "timeout = \"30s\"", "ok = \"yes\"", "name = \"x\""]
        {
            parse(&below(table, line)).unwrap_or_else(|error| panic!("{table} {line}: {error}"));
        }
        parse(&small(&format!("{table} = {{ on_failure = \"null\" }}"))).unwrap();
    }
    let moved = format!("{}{}", small(""), "[defaults.headers]\nx = 'x'\non_failure = 'null'\n");
    let found = mistakes_of(&moved);
    assert!(found.len() == 1 && found[0].hint.starts_with("move it above [defaults.headers]"), "{found:?}");
}

#[test]
fn a_column_may_have_the_name_of_any_key() {
    let lines: Vec<String> =
        ["name", "url", "pages", "format", "body", "limit", "method", "timeout", "json", "hosts"]
            .iter()
            .map(|key| format!("{key} = '.{key}'"))
            .chain(
                ["ok", "when", "rows", "cost", "missing", "on_failure", "retry", "columns"]
                    .iter()
                    .map(|key| format!("{key} = {{ jq = '.{key}', type = 'bigint' }}")),
            )
            .collect();
    let text = job(&lines.join("\n"));
    let job = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(job.endpoints[0].columns.len(), lines.len() + 1);
}
