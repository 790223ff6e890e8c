//! Limits, costs, repeats, gates and settings that cannot be, and what is said about them.

use super::{around, limited, mistakes_of, said, small};

#[test]
fn settings_out_of_bounds() {
    let said = |keys: &str| {
        let found = mistakes_of(&around(keys, "", "mode = \"append\""));
        found.into_iter().map(|mistake| format!("{}\nhint: {}", mistake.message, mistake.hint)).collect()
    };
    let one = |keys: &str, says: &str| {
        let found: Vec<String> = said(keys);
        assert!(found.len() == 1 && found[0].contains(says), "{keys}: {found:?}");
    };
    one(", patience = \"8d\"", "8days is out of bounds\nhint: write it like");
    one(", patience = \"-1s\"", "not a duration");
    one(", keep_runs = \"14m\"", "14m is out of bounds");
    for mode in ["0640", "0788", "rwx", "1777", "7", ""] {
        one(
            &format!(", runs_permissions = \"{mode}\""),
            "are no permissions of a folder that its owner can use",
        );
    }
    one(", runs_permissions = 750", "expected permissions in quotes, found an integer");
    one(", keep_runs = 14", "expected a duration in quotes, found an integer");
    one(", keep_runs = \"99999999999999999999y\"", "not a duration");
    one(", on_change = \"refuse\"", "unknown word \"refuse\"\nhint: write \"new\" or \"stop\"");
}

#[test]
fn gates_that_cannot_be() {
    let one = |keys: &str, table: &str, says: &str| {
        let found = mistakes_of(&around("", keys, table));
        let said: Vec<String> =
            found.iter().map(|mistake| format!("{}\nhint: {}", mistake.message, mistake.hint)).collect();
        assert!(said.len() == 1 && said[0].contains(says), "{keys}: {said:?}");
        assert_eq!(found[0].line, 1, "{said:?}");
    };
    let append = "mode = \"append\"";
    for (mode, says) in
        [("replace", "that is replaced as a whole"), ("replace_ids", "whose ids are replaced")]
    {
        one("on_pause = \"publish\"", &format!("mode = \"{mode}\""), says);
    }
    one("on_pause = \"paused\"", append, "write \"wait\" or \"publish\"");
    one("max_duplicates = 0", append, "without an upsert\nhint: leave it out, or take mode = \"upsert\"");
    one("max_failed = -1", append, "-1 is out of bounds");
    one("max_failed = 0.1", append, "expected a whole number, found a number with a point");
    one("min_rows = 1_000_000_000_001", append, "out of bounds");
    one("max_change = -0.1", append, "-0.1 is out of bounds\nhint: write a number from 0 on");
    one("max_change = nan", append, "NaN is out of bounds");
    one("max_change = inf", append, "inf is out of bounds");
    one("max_change = \"10%\"", append, "expected a number, found text");
    one("min_success = 2", append, "2 is not a share");
}

#[test]
fn a_status_200_that_is_repeated_needs_ok() {
    let without = said("retry = { on = [200, 202, 302] }");
    assert!(without.contains("status 200 in `on` of retry, and no `ok`"), "{without}");
}

#[test]
fn repeats_that_cannot_be() {
    insta::assert_snapshot!(said("retry = { on = [100, 600, \"199\", \"\", \"6xx\", \"5XX\", \"timeouts\"], deadline = \"500ms\" }"), @r#"
    line 8: 100
    100 is no HTTP status of an answer
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: 600
    600 is no HTTP status of an answer
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: "199"
    199 is no HTTP status of an answer
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: ""
    unknown word ""
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: "6xx"
    unknown word "6xx"
    hint: did you mean `4xx`?

    line 8: "5XX"
    unknown word "5XX"
    hint: did you mean `5xx`?

    line 8: "timeouts"
    unknown word "timeouts"
    hint: did you mean `timeout`?

    line 8: "500ms"
    500ms is out of bounds
    hint: write it like "500ms", "10s" or "5m", from 1s to 7days
    "#);
    insta::assert_snapshot!(said("retry = { on = [\"not_json\", \"fine\", 4.5, [429], 99999999999999999999] }"), @r#"
    line 8: "not_json"
    a failure of kind "not_json" is the same a second time
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: "fine"
    unknown word "fine"
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: 4.5
    expected an HTTP status or a word in quotes, found a number with a point
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: [429]
    expected an HTTP status or a word in quotes, found a list
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"

    line 8: 99999999999999999999
    99999999999999999999 is no HTTP status of an answer
    hint: write statuses from 200 to 599, "4xx", "5xx", "dns", "connect", "tls", "timeout" or "reset"
    "#);
    insta::assert_snapshot!(said("retry = { on = 429, deadline = \"8d\" }"), @r#"
    line 8: 429
    expected a list, found an integer
    hint: write [408, 429, "5xx", "timeout"]; an empty list repeats nothing

    line 8: "8d"
    8days is out of bounds
    hint: write it like "500ms", "10s" or "5m", from 1s to 7days
    "#);
}

/// What is said about the limit of the small job's host with these keys.
fn refused(keys: &str) -> Vec<String> {
    let found = mistakes_of(&limited(&format!("[limit.\"example.org\"]\n{keys}"), ""));
    found.into_iter().map(|mistake| format!("{}\nhint: {}", mistake.message, mistake.hint)).collect()
}

#[track_caller]
fn one(keys: &str, says: &str) {
    let found = refused(keys);
    assert!(found.len() == 1 && found[0].contains(says), "{keys}: {says:?} expected, found {found:#?}");
}

#[test]
fn rates_that_cannot_be() {
    for (rate, says) in [
        ("0/s", "0 is out of bounds\nhint: write a number from 1 to 1000000000"),
        ("00/s", "00 is out of bounds"),
        ("1000000001/s", "out of bounds"),
        ("99999999999999999999999/s", "out of bounds"),
        ("-1/s", "\"-1\" is no whole number"),
        ("+1/s", "\"+1\" is no whole number"),
        ("1.5/s", "\"1.5\" is no whole number"),
        ("1e5/s", "\"1e5\" is no whole number"),
        ("1,000/s", "\"1,000\" is no whole number"),
        ("1__0/s", "is no whole number"),
        ("٣/s", "is no whole number"),
        ("/s", "\"\" is no whole number"),
        ("", "a rate without its time"),
        ("200", "a rate without its time\nhint: write it like \"200/s\""),
        ("200 per second", "a rate without its time"),
        ("1/0s", "0s is out of bounds\nhint: write from 1ms to 1d"),
        ("1/1us", "1us is out of bounds"),
        ("1/2d", "2d is out of bounds\nhint: write from 1ms to 1d; what is for a longer time is a `quota`"),
        ("1/99999999999999999999999y", "is no duration"),
        ("1/10", "is no duration"),
        ("1/10s/2", "is no duration"),
        ("5/fortnight", "unknown time \"fortnight\"\nhint: write \"s\", \"sec\", \"second\", \"min\""),
        ("5/secnd", "hint: did you mean `second`?"),
        ("5/week", "unknown time \"week\""),
        ("5/m", "unknown time \"m\""),
        ("5/", "unknown time \"\""),
        ("5/-1s", "unknown time \"-1s\""),
        ("1000000000/1ms", "is more than a billion a second"),
        ("5 api tokens/s", "is more than a number and a word"),
        ("tokens 5/s", "\"tokens\" is no whole number"),
        ("5 7/s", "\"7\" is no word for what is counted"),
        ("5 to\\u0000kens/s", "is no word for what is counted"),
    ] {
        one(&format!("rate = \"{rate}\""), says);
    }
    one(&format!("rate = \"5 {}/s\"", "x".repeat(33)), "one word of at most 32 letters");
    one("rate = 200", "expected a rate in quotes, found an integer");
    one("rate = \"200/s\"\nrates = 3", "unknown key `rates` in [limit.NAME]\nhint: did you mean `rate`?");
}

#[test]
fn quotas_that_cannot_be() {
    for (quota, says) in [
        ("0/day", "0 is out of bounds"),
        ("1000000000001/day", "from 1 to 1000000000000"),
        ("5/year", "unknown time \"year\""),
        ("5/fortnight", "unknown time \"fortnight\""),
        ("5/1500ms", "1500ms is out of bounds\nhint: write whole seconds, from 1s to 30d"),
        ("5/0s", "0s is out of bounds"),
        ("5/31d", "31d is out of bounds"),
        ("5/1month", "or hour, day, week or month"),
        ("5", "a quota without its time"),
    ] {
        one(&format!("quota = \"{quota}\""), says);
        one(&format!("quota = {{ amount = \"{quota}\" }}"), says);
    }
    one("quota = 5", "expected a quota in quotes, found an integer");
    one("quota = {}", "quota lacks `amount`\nhint: add amount = \"100000/day\"");
    for time in ["24:00", "12:60", "9", "", "-1:00", "09:00:61", "noon", "09:00:00.5", "09:00 "] {
        one(&format!("quota = {{ amount = \"5/day\", renews_at = \"{time}\" }}"), "is no time of day");
    }
    one("quota = { amount = \"5/day\", renews_at = 09:00:00 }", "expected a time of day in quotes");
    one("quota = { amount = \"5/day\", zone = \"America/NewYork\" }", "did you mean `America/New_York`?");
    one("quota = { amount = \"5/30s\", zone = \"UTC\" }", "`zone` of a quota that is for no calendar day");
    one("quota = { amount = \"5/hour\", renews_at = \"09:00\" }", "`renews_at` of a quota that is for no");
}

#[test]
fn limits_that_cannot_be() {
    one("", "a limit that says nothing\nhint: add rate = \"200/s\"");
    one("in_flight = 0", "from 1 to 65535");
    one("in_flight = 65536", "from 1 to 65535");
    one("burst = 0\nrate = \"1/s\"", "0 is out of bounds");
    one("burst = 5", "`burst` without `rate`\nhint: add rate");
    one(
        "burst = 8\nrate = \"7/d\"",
        "a burst of 8 is more than the rate gives in a day\nhint: write a number from 1 to 7",
    );
    one("burst = 15\nrate = \"7/12h\"", "from 1 to 14");
    one("rate = \"5/s\"\nquota = \"5 tokens/day\"", "the rate counts requests, the quota tokens");
    one("rate = \"5 requests/s\"\nquota = \"5 tokens/day\"", "the rate counts requests, the quota tokens");
    one("rate = \"5 token/s\"\nquota = \"5 tokens/day\"", "the rate counts token, the quota tokens");
    let of = |text: &str| {
        let found = mistakes_of(&format!("{text}\n{}", small("")));
        found
            .into_iter()
            .map(|mistake| format!("{}\nhint: {}", mistake.message, mistake.hint))
            .collect::<Vec<_>>()
    };
    insta::assert_snapshot!(of("limit = 3").join("\n"), @r#"
    expected a table, found an integer
    hint: write each under its name: [limit."www.example.com"]
    "#);
    insta::assert_snapshot!(of("limit = [{ rate = \"5/s\" }]").join("\n"), @r#"
    expected a table, found a list
    hint: write each under its name: [limit."www.example.com"]
    "#);
    insta::assert_snapshot!(of("limit.\"example.org\" = \"5/s\"").join("\n"), @r#"
    expected a table, found text
    hint: write it as a table: [limit.NAME]
    "#);
    insta::assert_snapshot!(of("limit.www.example.org = { rate = \"5/s\" }").join("\n"), @r#"
    unknown key `example` in [limit.NAME]
    hint: a host stands in quotes: [limit."www.example.com"]
    "#);
    insta::assert_snapshot!(of("limits.\"example.org\" = { rate = \"5/s\" }").join("\n"), @r#"
    unknown key `limits` in the job file
    hint: did you mean `limit`?
    "#);
}

#[test]
fn names_of_limits() {
    let of = |name: &str| {
        let name = serde_json::Value::from(name).to_string();
        let found = mistakes_of(&limited(&format!("[limit.{name}]\nin_flight = 1"), ""));
        found.into_iter().map(|mistake| mistake.message).collect::<Vec<_>>()
    };
    for name in [
        "",
        " ",
        ".",
        "a b",
        "https://example.org",
        "example.org/x",
        "*.example.org",
        "example.org:0",
        "example.org:65536",
        "example.org:99999999999999999999",
        "example.org:+80",
        ":80",
        "::1",
        "[::1",
        "a:b",
        "me@example.org",
        "exa mple.org",
        "example..org\u{0}",
        "xn--\u{fc}.example",
        "é\u{301}\u{202e}/x",
    ] {
        let found = of(name);
        assert!(found.len() == 1 && found[0].ends_with("is no name for a limit"), "{name:?}: {found:?}");
    }
    let long = "x".repeat(300);
    assert!(
        of(&long)[0].contains("nothing uses the limit") || of(&long)[0].contains("is no name"),
        "{:?}",
        of(&long)
    );
    let twice = |first: &str, second: &str| {
        let limits =
            format!("[limit]\n\"{first}\" = {{ in_flight = 1 }}\n\"{second}\" = {{ in_flight = 1 }}");
        let text = limited(&limits, "");
        let found = mistakes_of(&text);
        assert_eq!(found.len(), 1, "{first} {second} {found:?}");
        assert!(found[0].hint.starts_with(&format!("[limit] has `{first}` already")), "{found:?}");
        assert_eq!(found[0].line, text.lines().count(), "{found:?}");
        found[0].message.clone()
    };
    assert_eq!(twice("Example.com", "example.com"), "a second limit named `example.com`");
    assert_eq!(
        twice("bücher.example", "XN--BCHER-KVA.example"),
        "a second limit named `xn--bcher-kva.example`"
    );
    assert_eq!(twice("example.com:80", "example.com.:0080"), "a second limit named `example.com:80`");
    assert_eq!(twice("[::1]", "[0:0::1]"), "a second limit named `[::1]`");
    let many: String = (0..65).map(|number| format!("\"h{number}.org\" = {{ in_flight = 1 }}\n")).collect();
    let found = mistakes_of(&limited(&format!("[limit]\n{many}"), ""));
    assert_eq!((found.len(), found[0].message.as_str()), (1, "65 limits are too many"));
}

#[test]
fn names_that_lack_and_limits_that_nothing_uses() {
    let of = |limits: &str, keys: &str| {
        let text = limited(limits, keys);
        let found = mistakes_of(&text);
        let said = found.iter().map(|mistake| {
            let line = text.lines().nth(mistake.line - 1).unwrap_or_default();
            format!("{line}\n{}\nhint: {}\n", mistake.message, mistake.hint)
        });
        said.collect::<Vec<_>>().join("\n")
    };
    let reads = "[limit.reads]\nin_flight = 1";
    insta::assert_snapshot!(of(reads, ""), @r#"
    [limit.reads]
    nothing uses the limit `reads`
    hint: name it in an endpoint: limit = "reads"; that of a host needs none: [limit."example.org"]
    "#);
    insta::assert_snapshot!(of("[limit.\"exmaple-org\"]\nin_flight = 1", "url = \"http://example-org/\""), @r#"
    [limit."exmaple-org"]
    nothing uses the limit `exmaple-org`
    hint: did you mean `example-org`?
    "#);
    insta::assert_snapshot!(of(reads, "limit = \"raeds\""), @r#"
    limit = "raeds"
    there is no limit `raeds`
    hint: did you mean `reads`?
    "#);
    insta::assert_snapshot!(of(reads, "limit = [\"reads\", \"api.example.com\", \"a b\", \"\"]"), @r#"
    limit = ["reads", "api.example.com", "a b", ""]
    there is no limit `api.example.com`
    hint: add it: [limit."api.example.com"] with rate = "200/s"

    limit = ["reads", "api.example.com", "a b", ""]
    "a b" is no name for a limit
    hint: write a host such as "www.example.com" or "localhost:8080", without scheme or path, or a word that endpoints name with limit = "…"

    limit = ["reads", "api.example.com", "a b", ""]
    "" is no name for a limit
    hint: write a host such as "www.example.com" or "localhost:8080", without scheme or path, or a word that endpoints name with limit = "…"
    "#);
    insta::assert_snapshot!(of(reads, "limit = [\"reads\", 3]"), @r#"
    limit = ["reads", 3]
    expected text, found an integer
    hint: put it in quotes
    "#);
    insta::assert_snapshot!(of("[limit.\"example.org\"]\nrate = \"9 tokens/s\"", ""), @r#"
    [limit."example.org"]
    the limit `example.org` counts tokens, and no endpoint says what a request costs
    hint: add cost = ".usage.total_tokens" to an endpoint that uses it, or leave the word out to count requests
    "#);
    insta::assert_snapshot!(of("[limit.\"example.org\"]\nrate = \"9/s\"", "cost = 2"), @r#"
    cost = 2
    `cost` where no limit counts it
    hint: leave it out, or let its limit count units: rate = "90000 tokens/min"
    "#);
    insta::assert_snapshot!(of("[limit.\"example.org\"]\nquota = \"9 tokens/day\"", "cost = 10"), @r#"
    cost = 10
    a request costs 10 tokens, and the quota is 9
    hint: not one could be made: raise the quota of `example.org`
    "#);
    insta::assert_snapshot!(of("[limit.\"other.org\"]\nquota = \"9 tokens/day\"", "url = \"https://example.org/{id}\""), @r#"
    [limit."other.org"]
    the limit `other.org` counts tokens, and no endpoint says what a request costs
    hint: add cost = ".usage.total_tokens" to an endpoint that uses it, or leave the word out to count requests
    "#);
}

#[test]
fn costs_that_cannot_be() {
    let of = |keys: &str| {
        let found = mistakes_of(&limited("[limit.\"example.org\"]\nrate = \"9 tokens/s\"", keys));
        let said = found.iter().map(|mistake| format!("{}\nhint: {}\n", mistake.message, mistake.hint));
        said.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(of("cost = 0"), @r#"
    0 is out of bounds
    hint: write a whole number from 1 to 1000000000
    "#);
    insta::assert_snapshot!(of("cost = 1.5"), @r#"
    expected jq or a whole number, found a number with a point
    hint: write ".usage.total_tokens", jq on the answer, or a whole number from 1 on
    "#);
    insta::assert_snapshot!(of("cost = '.usage |'"), @r#"
    jq does not parse: expected term, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(of("cost = 'env.HOME'"), @r#"
    jq function `env` is not available
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(of("cost = '.x'\nformat = 'html'\ncolumns = { x = 'h1' }"), @r#"
    a cost that is taken from an answer that is no JSON
    hint: write a whole number; jq is for answers of JSON
    "#);
    insta::assert_snapshot!(of("min_success = 1.5\ncost = 1"), @r#"
    1.5 is not a share
    hint: write a number from 0 to 1: 0.98 for 98 %
    "#);
}
