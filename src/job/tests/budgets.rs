//! Budgets and patience: limits and what endpoints take from them, repeats, and when a run is published.

use std::time::Duration;

use super::super::*;
use super::{around, endpoint, limited, parse, small};
use crate::record::Kind;

#[test]
fn runs_wait_and_go_as_the_job_says() {
    let settings = |keys: &str| {
        let text = around(keys, "", "mode = \"append\"");
        parse(&text).unwrap_or_else(|error| panic!("{keys}: {error}")).settings
    };
    let job = settings(", on_change = \"stop\", keep_runs = \"14d\", patience = \"90s\"");
    assert_eq!(job.on_change, OnChange::Stop);
    assert_eq!(job.keep_runs, Some(Duration::from_secs(14 * 86_400)));
    assert_eq!(job.patience, Duration::from_secs(90));
    assert_eq!(settings(", on_change = \"new\", patience = \"0s\"").patience, Duration::ZERO);
    assert_eq!(settings(", patience = \"7d\", keep_runs = \"1h\"").on_change, OnChange::New);
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("").runs_permissions, 0o700);
    assert_eq!(settings(", runs_permissions = \"0750\"").runs_permissions, 0o750);
    assert_eq!(settings(", runs_permissions = \"755\"").runs_permissions, 0o755);
}

#[test]
fn the_gate_has_its_conditions() {
    let publish = |keys: &str, table: &str| {
        parse(&around("", keys, table)).unwrap_or_else(|error| panic!("{keys}: {error}")).publish
    };
    let gate = publish(
        "on_pause = \"publish\", min_success = 0.5, max_failed = 0, max_rejected = 7, min_rows = 1000, max_change = 1.5",
        "mode = \"append\"",
    );
    let expected = Publish {
        on_pause: OnPause::Publish,
        min_success: Some(0.5),
        max_failed: Some(0),
        max_duplicates: None,
        max_rejected: 7,
        min_rows: Some(1000),
        max_change: Some(1.5),
    };
    assert_eq!(gate, expected);
    let upsert = "mode = \"upsert\", key = \"id\"";
    assert_eq!(publish("on_pause = \"publish\"", upsert).on_pause, OnPause::Publish);
    assert_eq!(publish("on_pause = \"wait\"", "mode = \"replace\"").on_pause, OnPause::Wait);
    assert_eq!(publish("max_duplicates = 0", upsert).max_duplicates, Some(0));
    assert_eq!(publish("max_change = 0", upsert).max_change, Some(0.0));
    assert_eq!(publish("", upsert), Publish::default());
}

#[test]
fn failures_are_repeated_as_the_job_says() {
    let retry = |keys: &str| endpoint(&format!("retry = {{ {keys} }}")).retry;
    let own = retry("on = [408, \"429\", \"5xx\", \"timeout\", \"connect\", 429], deadline = \"90s\"");
    assert_eq!(own.on.statuses, [408..=408, 429..=429, 500..=599]);
    assert_eq!(own.on.kinds, [Kind::Timeout, Kind::Connect]);
    assert_eq!(own.deadline, Duration::from_secs(90));
    let all = retry("on = [\"4xx\", \"dns\", \"tls\", \"reset\"], deadline = \"7d\"").on;
    assert_eq!((all.statuses, all.kinds), (vec![400..=499], vec![Kind::Dns, Kind::Tls, Kind::Reset]));
    let never = retry("on = [], deadline = \"1s\"").on;
    assert_eq!((never.statuses.len(), never.kinds.len()), (0, 0));
    assert_eq!(retry("attempts = 5"), Retry::default());
}

/// Key by key, as the other keys of `retry`.
#[test]
fn repeats_of_the_defaults_hold_where_an_endpoint_says_nothing() {
    let with = |own: &str| {
        let defaults = "defaults.retry = { on = [503], deadline = \"1m\" }\n";
        parse(&(defaults.to_owned() + &small(own))).expect("valid").endpoints.remove(0).retry
    };
    let general = with("");
    assert_eq!((general.on.statuses, general.deadline), (vec![503..=503], Duration::from_secs(60)));
    let own = with("retry = { on = [] }");
    assert_eq!((own.on.statuses, own.on.kinds, own.deadline), (vec![], vec![], Duration::from_secs(60)));
}

fn job(limits: &str, keys: &str) -> Job {
    parse(&limited(limits, keys)).unwrap_or_else(|error| panic!("{limits}\n{keys}\n{error}"))
}

/// The limit of the small job's host with these keys; its endpoint costs something.
fn limit(keys: &str) -> Limit {
    let cost = if keys.contains("tokens") { "cost = 1" } else { "" };
    job(&format!("[limit.\"example.org\"]\n{keys}"), cost).limits.remove(0)
}

#[test]
fn rates_are_written_in_many_ways() {
    for (rate, amount, millis) in [
        ("200/s", 200, 1000),
        ("200/sec", 200, 1000),
        ("1/second", 1, 1000),
        ("100/min", 100, 60_000),
        ("100/minute", 100, 60_000),
        ("5000/h", 5000, 3_600_000),
        ("5000/hour", 5000, 3_600_000),
        ("7/d", 7, 86_400_000),
        ("7/day", 7, 86_400_000),
        ("20/10s", 20, 10_000),
        ("3/500ms", 3, 500),
        ("1/1m 30s", 1, 90_000),
        ("1000000000/s", 1_000_000_000, 1000),
        ("1_000/s", 1000, 1000),
        (" 90000  requests / min ", 90_000, 60_000),
        ("1 request/s", 1, 1000),
    ] {
        let limit = limit(&format!("rate = \"{rate}\""));
        let expected = Rate { amount, per: Duration::from_millis(millis) };
        assert_eq!((limit.rate, limit.counts), (Some(expected), Counts::Requests), "{rate}");
    }
}

#[test]
fn quotas_are_of_calendars_or_of_seconds() {
    let span = |seconds| Period::Span(Duration::from_secs(seconds));
    for (quota, amount, per) in [
        ("100000/day", 100_000, Period::Day),
        ("100000/d", 100_000, Period::Day),
        ("7/week", 7, Period::Week),
        ("1_000_000_000_000/month", 1_000_000_000_000, Period::Month),
        ("60/hour", 60, span(3600)),
        ("60/min", 60, span(60)),
        ("1000/30s", 1000, span(30)),
        ("1000/1d", 1000, span(86_400)),
        ("1/30d", 1, span(30 * 86_400)),
    ] {
        let expected = Quota { amount, per, renews_at: Duration::ZERO, zone: "UTC".into() };
        assert_eq!(limit(&format!("quota = \"{quota}\"")).quota, Some(expected), "{quota}");
    }
}

#[test]
fn a_quota_may_renew_at_a_time_of_a_zone() {
    let quota = |keys: &str| limit(&format!("quota = {{ {keys} }}")).quota.expect("a quota");
    let new_york = quota("amount = \"100000/day\", renews_at = \"09:00\", zone = \"America/New_York\"");
    let renews_at = Duration::from_secs(9 * 3600);
    let zone = "America/New_York".to_owned();
    assert_eq!(new_york, Quota { amount: 100_000, per: Period::Day, renews_at, zone });
    let late = quota("amount = \"1/month\", renews_at = \"23:59:59\"");
    assert_eq!((late.renews_at, late.zone.as_str()), (Duration::from_secs(86_399), "UTC"));
    assert_eq!(quota("amount = \"1/week\", zone = \"Asia/Tokyo\"").renews_at, Duration::ZERO);
    assert_eq!(quota("amount = \"1/30s\"").per, Period::Span(Duration::from_secs(30)));
}

#[test]
fn all_keys_of_a_limit_and_what_it_has_without_them() {
    let all = limit("rate = \"90000 tokens/min\"\nburst = 20\nin_flight = 256\nquota = \"2 tokens/day\"");
    assert_eq!((all.name.as_str(), all.burst, all.in_flight), ("example.org", 20, Some(256)));
    assert_eq!(all.counts, Counts::Cost("tokens".into()));
    let usual = limit("in_flight = 1");
    let expected = Limit {
        name: "example.org".into(),
        rate: None,
        burst: 1,
        in_flight: Some(1),
        quota: None,
        counts: Counts::Requests,
    };
    assert_eq!(usual, expected);
    assert_eq!(limit("quota = \"5 Requests/day\"").counts, Counts::Requests);
    assert_eq!(job("", "").limits, []);
}

/// The second counts from what a rest of a day earns.
#[test]
fn bursts_of_up_to_a_day() {
    assert_eq!(limit("rate = \"20/s\"\nburst = 100").burst, 100);
    assert_eq!(limit("rate = \"7/d\"\nburst = 7").burst, 7);
    assert_eq!(limit("rate = \"7/12h\"\nburst = 14").burst, 14);
    assert_eq!(limit("rate = \"1000000000/s\"\nburst = 1_000_000_000").burst, 1_000_000_000);
}

/// The indices of the limits of the small job's endpoint.
fn uses(limits: &str, keys: &str) -> Vec<usize> {
    job(limits, keys).endpoints.remove(0).limits
}

#[test]
fn an_endpoint_takes_from_the_limits_of_its_host_and_from_those_it_names() {
    let limits = "[limit.reads]\nin_flight = 1\n[limit.\"example.org:443\"]\nin_flight = 2\n\
                  [limit.\"EXAMPLE.org.\"]\nin_flight = 3\n[limit.Writes]\nin_flight = 4\n\
                  [limit.\"example.org:80\"]\nin_flight = 5\n[limit.\"www.example.org\"]\nin_flight = 6";
    let names: Vec<String> =
        job(limits, "limit = [\"writes\", \"reads\"]").limits.into_iter().map(|limit| limit.name).collect();
    let expected = ["reads", "example.org:443", "example.org", "writes", "example.org:80", "www.example.org"];
    assert_eq!(names, expected);
    let both = "limit = [\"writes\", \"reads\", \"WRITES\", \"example.org\"]";
    assert_eq!(uses(limits, both), [0, 1, 2, 3]);
    let plain = "limit = [\"writes\", \"reads\"]\nurl = \"http://Example.ORG/{id}\"";
    assert_eq!(uses(limits, plain), [0, 2, 3, 4], "the port of the scheme");
    let port = "limit = [\"writes\", \"reads\"]\nurl = \"https://example.org:8080/{id}\"";
    assert_eq!(uses(limits, port), [0, 2, 3], "a host's limit holds for all its ports");
    let other = "limit = [\"writes\", \"reads\", \"example.org:80\"]\nurl = \"https://other.org/{id}\"";
    assert_eq!(uses(limits, other), [0, 3, 4]);
    assert_eq!(uses("", ""), [0; 0]);
}

#[test]
fn hosts_of_every_kind() {
    let of = |name: &str, url: &str| {
        let limits = format!("[limit.\"{name}\"]\nin_flight = 1");
        let job = job(&limits, &format!("url = \"{url}\""));
        (job.limits[0].name.clone(), job.endpoints[0].limits.len())
    };
    let one = |name: &str| (name.to_owned(), 1);
    assert_eq!(of("Bücher.example", "https://bücher.example/{id}"), one("xn--bcher-kva.example"));
    assert_eq!(of("xn--bcher-kva.example", "https://BÜCHER.example"), one("xn--bcher-kva.example"));
    assert_eq!(of("[::0:1]", "http://[::1]:8080/{id}"), one("[::1]"));
    assert_eq!(of("[::1]:8080", "http://[::1]:8080/{id}"), one("[::1]:8080"));
    assert_eq!(of("127.1:8080", "http://127.0.0.1:8080/{id}"), one("127.0.0.1:8080"));
    assert_eq!(of("localhost", "http://localhost:8080/{id}"), one("localhost"));
    assert_eq!(of("Localhost:08080", "http://localhost:8080/{id}"), one("localhost:8080"));
    assert_eq!(of("Intranet", "http://intranet/{id}"), one("intranet"));
    assert_eq!(of("localhost", "https://example.org/{id}"), ("localhost".to_owned(), 0));
    assert_eq!(of("other.org", "https://example.org/{id}"), ("other.org".to_owned(), 0));
}

#[test]
fn the_defaults_name_a_limit_for_endpoints_that_name_none() {
    let limits = "[limit]\nreads = { in_flight = 1 }\nwrites = { in_flight = 1 }\n";
    let with = |keys: &str, other: &str| {
        let two = format!(
            "[[endpoint]]\nname = \"two\"\nurl = \"https://x.org/\"\ncolumns = {{ z = '.' }}\n{other}"
        );
        let text = format!("defaults.limit = \"reads\"\n{}{two}\n{limits}", small(keys));
        let job = parse(&text).unwrap_or_else(|error| panic!("{error}"));
        job.endpoints.into_iter().map(|endpoint| endpoint.limits).collect::<Vec<_>>()
    };
    assert_eq!(with("", "limit = \"writes\""), [[0], [1]]);
    assert_eq!(with("limit = []", "limit = [\"writes\", \"reads\"]"), [vec![], vec![0, 1]]);
}

#[test]
fn limits_of_a_host_that_is_known_when_it_is_asked() {
    let limits = "[limit]\n\"a.example\" = { in_flight = 1 }\n\"a.example:8443\" = { in_flight = 1 }\n\
                  \"a.example.org\" = { in_flight = 1 }\n\"[::1]\" = { in_flight = 1 }\n\
                  \"[::1]:80\" = { in_flight = 1 }\nreads = { in_flight = 1 }\n";
    let job = job(limits, "url = \"{page:url}\"\nlimit = \"reads\"");
    let of = |host: &str, port| job.limits_of_host(host, port).collect::<Vec<_>>();
    assert_eq!(job.endpoints[0].limits, [5]);
    assert_eq!(of("a.example", 443), [0]);
    assert_eq!(of("a.example.", 8443), [0, 1]);
    assert_eq!(of("a.example.org", 8443), [2]);
    assert_eq!((of("example", 443), of("b.a.example", 443), of("", 80)), (vec![], vec![], vec![]));
    assert_eq!((of("[::1]", 443), of("[::1]", 80)), (vec![3], vec![3, 4]));
}

#[test]
fn a_request_costs_a_number_or_what_its_answer_says() {
    let cost = |cost: &str| {
        let limits = "[limit.\"example.org\"]\nrate = \"90000 tokens/min\"";
        job(limits, cost).endpoints.remove(0).cost
    };
    assert_eq!(cost("cost = 3"), Some(Cost::Constant(3)));
    let usage = Cost::Answer(".usage.total_tokens".into());
    assert_eq!(cost("cost = \".usage.total_tokens\""), Some(usage.clone()));
    assert_eq!(cost("cost = \".usage.total_tokens\"\npipe = [\"x\"]"), Some(usage));
    assert_eq!(cost("cost = 2\nformat = \"html\"\ncolumns = { x = 'h1' }"), Some(Cost::Constant(2)));
    assert_eq!(endpoint("").cost, None);
    assert_eq!((endpoint("").min_success, endpoint("min_success = 0.95").min_success), (0.0, 0.95));
    let any = job("[limit.\"a.org\"]\nrate = \"9 units/s\"", "url = \"{page:url}\"\ncost = 2");
    assert_eq!(any.endpoints[0].limits, [0; 0], "the list may name the host");
}
