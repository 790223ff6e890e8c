//! What an endpoint asks: method, payload, whole URLs and batches.

use serde_json::json;

use super::super::*;
use super::{endpoint, said};

fn literal(text: &str) -> Part {
    Part::Literal(text.into())
}

fn input(name: &str) -> Part {
    Part::Input(name.into())
}

fn template(parts: Vec<Part>) -> Template {
    Template { parts }
}

#[test]
fn the_method_follows_the_payload() {
    let asked = |keys: &str| {
        let endpoint = endpoint(keys);
        (endpoint.method, endpoint.idempotent, endpoint.payload.is_some())
    };
    assert_eq!(asked(""), ("GET".into(), true, false));
    assert_eq!(asked("json = {}"), ("POST".into(), false, true));
    assert_eq!(asked("form = { a = \"{id}\" }"), ("POST".into(), false, true));
    assert_eq!(asked("body = \"\""), ("POST".into(), false, true));
    assert_eq!(asked("method = \"PUT\"\nbody = \"\""), ("PUT".into(), true, true));
    assert_eq!(asked("method = \"POST\"\nidempotent = true"), ("POST".into(), true, false));
    assert_eq!(asked("idempotent = false"), ("GET".into(), false, false));
    assert_eq!(asked("method = \"M-SEARCH\""), ("M-SEARCH".into(), false, false));
}

#[test]
fn payloads_are_templates() {
    let payload = |keys: &str| endpoint(keys).payload.expect("a payload");
    let json = r#"json = { z = "{id}", a = [1, 2.5, true, "{{x}} {kept}"], "{id}" = {}, n = 0xff, u = 18446744073709551615 }"#;
    let fixed = |value: serde_json::Value| JsonTemplate::Fixed(value);
    let text = |parts| JsonTemplate::Text(template(parts));
    let list =
        [fixed(json!(1)), fixed(json!(2.5)), fixed(json!(true)), text(vec![literal("{x} "), input("kept")])];
    let expected = JsonTemplate::Object(vec![
        ("z".into(), text(vec![input("id")])),
        ("a".into(), JsonTemplate::List(list.into())),
        ("{id}".into(), JsonTemplate::Object(vec![])),
        ("n".into(), fixed(json!(255))),
        ("u".into(), fixed(json!(u64::MAX))),
    ]);
    assert_eq!(payload(json), Payload::Json(expected));
    assert_eq!(payload("json = \"{id}\""), Payload::Json(text(vec![input("id")])));
    let fields = vec![("b".into(), template(vec![input("id")])), ("a".into(), template(vec![literal("x")]))];
    assert_eq!(payload("form = { b = \"{id}\", a = \"x\" }"), Payload::Form(fields));
    let body = Payload::Text(template(vec![literal("é\n"), input("id")]));
    assert_eq!(payload("body = \"\"\"é\n{id}\"\"\""), body);
}

#[test]
fn the_columns_of_a_payload_are_read_from_the_list() {
    let text = super::small("json = { a = [\"{deep}\"], key = \"${KEY}\" }\nwhen = '.year > 2000'");
    let job = super::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(job.input_columns(), ["id", "kept", "tags", "deep", "year"]);
    assert_eq!(job.used_columns(), ["id", "deep", "year"]);
    assert_eq!(job.secrets(), ["KEY"]);
}

#[test]
fn the_way_to_a_host_is_the_endpoints_or_the_defaults() {
    let job = |defaults: &str, keys: &str| {
        let text = format!("defaults = {{ {defaults} }}\n{}", super::small(keys));
        super::parse(&text).unwrap_or_else(|error| panic!("{error}")).endpoints.remove(0).network
    };
    assert_eq!(job("", ""), Network::default());
    let url = |text: &str| Proxy::Url(ProxyUrl::parse(text).unwrap());
    let proxy = "proxy = \"http://me:${PW}@proxy:3128\"";
    assert_eq!(job(proxy, "").proxy, url("http://me:${PW}@proxy:3128"));
    assert_eq!(job(proxy, "proxy = \"none\"").proxy, Proxy::None);
    assert_eq!(job(proxy, "proxy = \"environment\"").proxy, Proxy::Environment);
    let text = format!("defaults = {{ {proxy} }}\n{}", super::small(""));
    assert_eq!(super::parse(&text).unwrap().secrets(), ["PW"]);
    let certificates =
        job("ca_file = 'ca.pem', client_key_file = 'a.key', client_certificate_file = 'a.pem'", "");
    assert!(certificates.ca_file.unwrap().ends_with("ca.pem"));
    let files = |network: Network| {
        let files = network.client_certificate.unwrap();
        [files.certificate, files.key].map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
    };
    let general = "client_key_file = 'a.key', client_certificate_file = 'a.pem'";
    assert_eq!(files(job(general, "")), ["a.pem", "a.key"]);
    let own = "client_certificate_file = 'b.pem'";
    assert_eq!(files(job(general, own)), ["b.pem", "b.pem"], "a key belongs to its certificate");
}

#[test]
fn a_way_that_cannot_be_gone() {
    for (keys, message) in [
        ("proxy = \"http://me:geheim@proxy:3128\"", "a password in plain text"),
        ("proxy = \"socks5://proxy:1080\"", "not supported: a SOCKS proxy"),
        ("proxy = \"env\"", "\"env\" is no proxy"),
        ("proxy = \"http://{id}:3128\"", "a column of the list in the URL of a proxy"),
        ("ca_file = \"~/ca.pem\"", "`~` is not expanded in paths"),
        ("client_key_file = \"a.key\"", "`client_key_file` without `client_certificate_file`"),
        (
            "headers = { Proxy-Authorization = \"x\" }",
            "the header `Proxy-Authorization` is windrow's own to send",
        ),
    ] {
        let mistakes = super::mistakes_of(&super::small(keys));
        assert_eq!(mistakes.len(), 1, "{keys}");
        assert_eq!(mistakes[0].message, message, "{keys}");
    }
    let given = super::small("client_certificate_file = \"a.pem\"\nurl = \"{id:url}\"");
    assert!(
        super::mistakes_of(&given).iter().any(|one| one.message.starts_with("a client certificate where"))
    );
}

#[test]
fn methods_and_payloads_that_do_not_go_together() {
    insta::assert_snapshot!(said("method = \"POST OFFICE\""), @r#"
    line 8: "POST OFFICE"
    "POST OFFICE" is no method
    hint: write "GET", "POST", "PUT" or its like
    "#);
    insta::assert_snapshot!(said("method = \"\""), @r#"
    line 8: ""
    "" is no method
    hint: write "GET", "POST", "PUT" or its like
    "#);
    insta::assert_snapshot!(said("method = \"post\""), @r#"
    line 8: "post"
    the method "post" is not in capitals
    hint: write "POST"
    "#);
    insta::assert_snapshot!(said("method = \"TRACE\""), @r#"
    line 8: "TRACE"
    the method TRACE is not for requests of a job
    hint: it asks for nothing: write "GET", "POST", "PUT" or its like
    "#);
    insta::assert_snapshot!(said("method = \"CONNECT\""), @r#"
    line 8: "CONNECT"
    the method CONNECT is not for requests of a job
    hint: it asks for nothing: write "GET", "POST", "PUT" or its like
    "#);
    insta::assert_snapshot!(said("form = {}\njson = {}\nbody = \"\""), @r#"
    line 9: {}
    both `form` and `json` in [[endpoint]]
    hint: leave one of them out: a request has one body

    line 10: ""
    both `json` and `body` in [[endpoint]]
    hint: leave one of them out: a request has one body
    "#);
    insta::assert_snapshot!(said("method = \"GET\"\njson = {}"), @r#"
    line 9: {}
    `json` with method GET
    hint: write method = "POST", or leave the method out: POST is what a payload goes with
    "#);
    insta::assert_snapshot!(said("method = \"HEAD\"\nbody = \"{id\""), @r#"
    line 9: "{id"
    `body` with method HEAD
    hint: write method = "POST", or leave the method out: POST is what a payload goes with

    line 9: {id
    a `{` without its `}`
    hint: close it with `}`, or write {{ for a brace that is meant literally
    "#);
    insta::assert_snapshot!(said("json = { at = 1979-05-27, no = nan, large = 18446744073709551616 }"), @r#"
    line 8: 1979-05-27
    JSON has no dates
    hint: put it in quotes

    line 8: nan
    nan is no number of JSON
    hint: put it in quotes

    line 8: 18446744073709551616
    18446744073709551616 is too large for JSON
    hint: put it in quotes
    "#);
    insta::assert_snapshot!(said("json = [\"{page:url}\", { a = \"{two.x}\" }]"), @r#"
    line 8: {page:url}
    `{page:url}` is a whole URL, which stands alone in `url` only
    hint: leave out `:url`: the value is then encoded for its place

    line 8: two.x
    unknown endpoint `two` in `{two.x}`
    hint: before the point stands an endpoint of this job; a column of the list with a point in its name stands in quotes: {"two.x"}
    "#);
    insta::assert_snapshot!(said("form = { a = 1 }\nidempotent = \"yes\""), @r#"
    line 8: 1
    expected text, found an integer
    hint: put it in quotes

    line 9: "yes"
    expected true or false, found text
    hint: write it without quotes
    "#);
}

#[test]
fn json_may_be_as_deep_as_anyone_needs() {
    let nested = |levels: usize| format!("json = {}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(said(&nested(64)), "");
    assert!(said(&nested(65)).contains("JSON of more than 64 levels"), "{}", said(&nested(65)));
    assert!(!said(&format!("json.{}a = 1", "a.".repeat(50_000))).is_empty());
}

#[test]
fn a_whole_url_comes_from_the_list() {
    let page = endpoint(
        "url = \"{page:url}\"\nhosts = [\"Example.com\", \"*.bücher.example\", \"127.0.0.1\", \"[::1]\"]",
    );
    assert!(page.url.is_whole_url());
    assert_eq!(page.hosts, ["example.com", "*.xn--bcher-kva.example", "127.0.0.1", "[::1]"]);
    assert_eq!(page.inputs().collect::<Vec<_>>(), ["page"]);
    assert!(endpoint("url = \"{page:url}\"").hosts.is_empty());
}

#[test]
fn a_url_of_ones_own_may_lead_to_hosts_that_are_named() {
    assert_eq!(endpoint("hosts = [\"10.0.0.7\"]").hosts, ["10.0.0.7"]);
    assert_eq!(endpoint("").redirects, Redirects::Same);
    assert_eq!(endpoint("redirects = \"browser\"").redirects, Redirects::Browser);
    assert!(
        said("redirects = \"browse\"").contains("did you mean `browser`?"),
        "{}",
        said("redirects = \"browse\"")
    );
    assert!(said("redirects = true").contains("write \"browser\""), "{}", said("redirects = true"));
}

#[test]
fn whole_urls_bring_no_secrets_and_hosts_are_hosts() {
    insta::assert_snapshot!(said("url = \"{page:url}\"\nhosts = []"), @r#"
    line 8: []
    an empty list of hosts
    hint: name at least one, or leave it out: any host with a public address may then be asked
    "#);
    let wrong =
        ["https://example.com", "example.com:80", "*", "a.*.b", "*.127.0.0.1", "a b", "", "::1", "{host}"];
    for host in wrong {
        let said = said(&format!("url = \"{{page:url}}\"\nhosts = [\"{host}\"]"));
        assert!(said.contains(&format!("\"{host}\" is no host\nhint: write a host such as")), "{said}");
    }
    let secrets =
        "url = \"{page:url}\"\nparams = { k = \"${KEY}\" }\nheaders = { a = \"${KEY}\" }\nbody = \"${KEY}\"";
    insta::assert_snapshot!(said(secrets), @r#"
    line 8: ${KEY}
    a secret in a request whose URL comes from the list
    hint: whoever the list names would get it: leave it out, or write the host into `url`

    line 9: ${KEY}
    a secret in a request whose URL comes from the list
    hint: whoever the list names would get it: leave it out, or write the host into `url`

    line 10: ${KEY}
    a secret in a request whose URL comes from the list
    hint: whoever the list names would get it: leave it out, or write the host into `url`
    "#);
    insta::assert_snapshot!(said("url = \"{page:url}/x\"\nheaders = { x = \"{page:url}\" }"), @r#"
    line 7: "{page:url}/x"
    a whole URL from the list beside other text
    hint: write url = "{column:url}" alone, or leave out `:url`

    line 8: {page:url}
    `{page:url}` is a whole URL, which stands alone in `url` only
    hint: leave out `:url`: the value is then encoded for its place
    "#);
    insta::assert_snapshot!(said("url = \"{page.x:url}\""), @r#"
    line 7: page.x:url
    `{page.x:url}` is no column of the list
    hint: write {column:url}, a column of the list that holds whole URLs; a column of the list with a point in its name stands in quotes: {"page.x"}
    "#);
}

/// Headers of the defaults go to every endpoint that has no own.
#[test]
fn secrets_of_the_defaults_count() {
    let text = |own: &str| {
        super::small(&format!("url = \"{{page:url}}\"\nheaders = {{ {own} }}"))
            + "[defaults]\nheaders = { X-Key = \"${KEY}\" }\n"
    };
    assert_eq!(super::mistakes_of(&text("x-key = \"none\"")), []);
    let found = super::mistakes_of(&text(""));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "a secret in a request whose URL comes from the list");
    assert_eq!(found[0].line, super::line_of(&text(""), "X-Key"));
}

const BATCH: &str = "url = \"https://example.org/\"\nparams = { ids = \"{id}\" }\n";

#[test]
fn a_batch_names_its_column_or_has_only_one() {
    let batch = |keys: &str| endpoint(&format!("{BATCH}batch = {{ {keys} }}")).batch.expect("a batch");
    let expected = Batch {
        size: 50,
        column: "id".into(),
        join: ",".into(),
        split: ".data[]".into(),
        matches: ".id".into(),
        on_absent: OnAbsent::Alone,
        status: None,
        retry_after: None,
        unprocessed: None,
    };
    assert_eq!(
        batch("size = 50, split = '.data[]', match = '.id'"),
        expected,
        "what is not there is asked alone"
    );
    assert_eq!(
        batch("size = 50, split = '.data[]', match = '.id', column = 'id', on_absent = 'alone'"),
        expected
    );
    let other = Batch { join: "&ids=".into(), on_absent: OnAbsent::Missing, ..expected.clone() };
    assert_eq!(
        batch("size = 50, split = '.data[]', match = '.id', join = '&ids=', on_absent = 'missing'"),
        other
    );
    let parts = "size = 50, split = '.data[]', match = '.id', status = '.status', retry_after = '.wait', unprocessed = '.left[]'";
    let own = Batch {
        status: Some(".status".into()),
        retry_after: Some(".wait".into()),
        unprocessed: Some(".left[]".into()),
        ..expected
    };
    assert_eq!(batch(parts), own);
    let posted = "url = \"https://example.org/?k=${KEY}\"\njson = { ids = \"{kept}\" }\nheaders = { k = \"${KEY}\" }\n";
    let posted =
        endpoint(&format!("{posted}batch = {{ size = 2, split = '.[]', match = '.k', join = ' ' }}"));
    assert_eq!(posted.batch.map(|batch| batch.column), Some("kept".into()));
}

#[test]
fn a_batch_uses_one_column_and_json() {
    let batch = |keys: &str| {
        said(&format!("{BATCH}batch = {{ size = 50, split = '.data[]', match = '.id' }}\n{keys}"))
    };
    insta::assert_snapshot!(batch("headers = { a = \"{kept}\", b = \"{id}\" }"), @r#"
    line 10: {kept}
    a request for several values of `{id}` can use nothing else of a record
    hint: leave it out, or leave `batch` out
    "#);
    insta::assert_snapshot!(batch("rows = '.[]'\npages = { link = true }"), @r#"
    line 10: '.[]'
    `rows` in an endpoint with `batch`
    hint: leave one of them out: a batch gives each record one row, taken from its part of the answer

    line 11: { link = true }
    `pages` in an endpoint with `batch`
    hint: leave one of them out: a batch gives each record one row, taken from its part of the answer
    "#);
    insta::assert_snapshot!(batch("format = \"html\"\ncolumns = { x = \"b\" }"), @r#"
    line 9: "html"
    an answer that is no JSON in an endpoint with `batch`
    hint: leave one of them out: only JSON is taken apart into the answers of a batch
    "#);
    insta::assert_snapshot!(batch("pipe = [\"x\"]"), @r#"
    line 10: ["x"]
    `pipe` in an endpoint with `batch`
    hint: leave one of them out: a batch gives each record one row, taken from its part of the answer
    "#);
    insta::assert_snapshot!(batch("columns = { x = { jq = \".\", from = \"answer\" } }"), @r#"
    line 9: "answer"
    `from` in an endpoint without `rows`
    hint: leave it out: it is for endpoints with `rows`, where it says "row" or "answer"
    "#);
    let batch = |keys: &str| said(&format!("{BATCH}batch = {{ {keys} }}"));
    insta::assert_snapshot!(batch(""), @r#"
    line 9: {  }
    batch lacks `match`
    hint: add match = ".id", the value that a part of the answer belongs to

    line 9: {  }
    batch lacks `size`
    hint: add size = 50, the most lines of one request

    line 9: {  }
    batch lacks `split`
    hint: add split = ".data[]", which takes the answer apart
    "#);
    insta::assert_snapshot!(batch("size = 1, split = '.[', match = 'nosuch'"), @r#"
    line 9: 1
    1 is out of bounds
    hint: write a whole number from 2 to 1000

    line 9: '
    jq does not parse: expected closing bracket, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer

    line 9: nosuch
    no jq function `nosuch` of 0 arguments
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(batch("size = 2, split = '.', match = '.', retry_after = '.w', unprocessed = '.['"), @r#"
    line 9: '.w'
    `retry_after` in a batch without `status`
    hint: add status = ".status": a part is asked again because of its status

    line 9: '
    jq does not parse: expected closing bracket, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(batch("size = 2, split = '.', match = '.', column = 'kept'"), @r#"
    line 8: {id}
    a request for several values of `{kept}` can use nothing else of a record
    hint: leave it out, or leave `batch` out

    line 9: 'kept'
    no template uses the batch's column `kept`
    hint: put `{kept}` into `params` or a payload, or name the column that is there
    "#);
    insta::assert_snapshot!(batch("size = 2, split = '.', match = '.', join = ''"), @r#"
    line 9: ''
    `join` without characters
    hint: values need something between them: ","
    "#);
    insta::assert_snapshot!(batch("size = 2, split = '.', match = '.', join = ' '"), @r#"
    line 9: ' '
    ` ` cannot stand between values in a URL
    hint: it goes over the wire as it is: encode it, as in %20 for a space
    "#);
    insta::assert_snapshot!(batch("size = 2, split = '.', match = '.', on_absent = 'skip', sizes = 3"), @r#"
    line 9: 'skip'
    unknown word "skip"
    hint: write "missing"

    line 9: sizes
    unknown key `sizes` in batch
    hint: did you mean `size`?
    "#);
    let batch = "batch = { size = 2, split = '.', match = '.' }";
    insta::assert_snapshot!(said(&format!("url = \"https://example.org/\"\n{batch}")), @r#"
    line 8: { size = 2, split = '.', match = '.' }
    a batch whose requests name no column of the list
    hint: put the column into `params` or a payload: params = { ids = "{id}" }
    "#);
    insta::assert_snapshot!(said(&format!("url = \"{{page:url}}\"\n{batch}")), @r#"
    line 7: {page:url}
    a request for several values of `{page}` can use nothing else of a record
    hint: leave it out, or leave `batch` out
    "#);
}

#[test]
fn a_batch_uses_no_other_answer() {
    let text = super::small(&format!("{BATCH}batch = {{ size = 2, split = '.', match = '.' }}"))
        .replace("ids = \"{id}\"", "ids = \"{id}\", t = \"{two.y}\"")
        + "[[endpoint]]\nname = \"two\"\nurl = \"https://example.org/{id}\"\ncolumns = { y = \".y\" }\n";
    let found = super::mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "a request for several values of `{id}` can use nothing else of a record");
}

/// What a batch answered may be used like any other answer.
#[test]
fn columns_of_a_batch_are_used_by_others() {
    let text = super::small(&format!("{BATCH}batch = {{ size = 2, split = '.[]', match = '.id' }}"))
        + "[[endpoint]]\nname = \"two\"\nurl = \"https://example.org/{one.x}/{id}\"\ncolumns = { y = \".y\" }\n";
    let job = super::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(job.endpoints[1].after, [0]);
}
