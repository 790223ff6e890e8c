//! Methods and payloads.

use hyper::Method;
use proptest::prelude::*;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::site::{Raw, Site, ok};
use super::*;
use crate::job::{Column, Expression, JsonTemplate, Payload};
use crate::record::Kind;
use crate::secrets::Secrets;

fn posting(url: &str, payload: Payload) -> Endpoint {
    Endpoint { method: "POST".to_owned(), payload: Some(payload), ..endpoint(url) }
}

fn text(written: &str) -> JsonTemplate {
    JsonTemplate::Text(template(written))
}

fn object(members: Vec<(&str, JsonTemplate)>) -> JsonTemplate {
    JsonTemplate::Object(members.into_iter().map(|(name, member)| (name.to_owned(), member)).collect())
}

/// The payload of a question whose input column `id` is of that type.
fn payload_of(payload: Payload, ty: &str, value: Value) -> Result<String, Failure> {
    let columns = [Field { name: "id".to_owned(), ty: ty.parse().unwrap() }];
    let endpoint = posting("http://example.com/", payload);
    let questions = Question::compile_all(&[endpoint], &columns, &secrets(&[("KEY", SECRET)])).unwrap();
    questions[0].build(&Row(value)).map(|request| String::from_utf8(request.payload.to_vec()).unwrap())
}

fn json_of(ty: &str, value: Value) -> Result<String, Failure> {
    payload_of(Payload::Json(object(vec![("v", text("{id}"))])), ty, value)
}

/// Text of all sorts, what JSON and forms escape more often than chance would have it.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\"",
            "\\",
            "\n",
            "\r\n",
            "\0",
            "\u{1f}",
            "\u{7f}",
            "\u{2028}",
            "&",
            "=",
            "+",
            "%",
            "%41",
            ";",
            " ",
            "\\u0041",
            "{",
            "}",
            "[",
            "]",
            ",",
            "é",
            "日",
            "\u{10ffff}",
            "</script>",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z0-9]{1,8}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A value of some type, and the JSON that it must read back as.
fn typed() -> impl Strategy<Value = (String, Value, serde_json::Value)> {
    prop_oneof![
        odd_text().prop_map(|text| ("text".to_owned(), Value::Text(text.clone()), text.into())),
        any::<bool>().prop_map(|yes| ("boolean".to_owned(), Value::Boolean(yes), yes.into())),
        any::<i32>().prop_map(|number| ("integer".to_owned(), Value::Integer(number), number.into())),
        any::<i64>().prop_map(|number| ("bigint".to_owned(), Value::Bigint(number), number.into())),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| (
            "double".to_owned(),
            Value::Double(number),
            number.into()
        )),
        Just(("text".to_owned(), Value::Null, serde_json::Value::Null)),
        odd_text().prop_map(|text| {
            let json = serde_json::json!({ &text: [text, null, 1.5] });
            ("json".to_owned(), Value::Json(json.to_string()), json)
        }),
    ]
}

/// Whether a value read back is the one that went in. A double is compared by its digits: serde_json's own reading of
/// them is quick, not exact.
fn is_same(read: &RawValue, expected: &serde_json::Value) -> bool {
    match expected.as_f64() {
        Some(number) if expected.is_f64() => read.get().parse() == Ok(number),
        _ => serde_json::from_str::<serde_json::Value>(read.get()).unwrap() == *expected,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn json_reads_back_as_it_went_in((ty, value, expected) in typed(), around in odd_text()) {
        let json = object(vec![
            ("alone", text("{id}")),
            (&around, JsonTemplate::List(vec![JsonTemplate::Fixed(7.into()), text("{id}"), text("${KEY}")])),
        ]);
        let payload = payload_of(Payload::Json(json), &ty, value).unwrap();
        let read: HashMap<String, &RawValue> = serde_json::from_str(&payload).unwrap();
        if around != "alone" {
            prop_assert!(is_same(read["alone"], &expected), "{payload}");
        }
        let list: Vec<&RawValue> = serde_json::from_str(read[&around].get()).unwrap();
        prop_assert!(is_same(list[0], &7.into()) && is_same(list[2], &SECRET.into()), "{payload}");
        prop_assert!(is_same(list[1], &expected), "{payload}");
    }

    #[test]
    fn text_inside_json_text_reads_back_as_it_went_in(value in odd_text(), around in odd_text()) {
        prop_assume!(!around.contains(['{', '}', '$']));
        let json = object(vec![("q", text(&format!("{around}{{id}}{around}")))]);
        let payload = payload_of(Payload::Json(json), "text", Value::Text(value.clone())).unwrap();
        let read: serde_json::Value = serde_json::from_str(&payload).unwrap();
        prop_assert_eq!(read, serde_json::json!({ "q": format!("{around}{value}{around}") }));
    }

    #[test]
    fn a_form_reads_back_as_it_went_in(value in odd_text(), name in odd_text()) {
        let form = vec![
            (name.clone(), template("{id}")),
            ("x".to_owned(), template("a&{id}=b")),
            ("key".to_owned(), template("${KEY}")),
        ];
        let payload = payload_of(Payload::Form(form), "text", Value::Text(value.clone())).unwrap();
        let read: Vec<(String, String)> = form_urlencoded::parse(payload.as_bytes()).into_owned().collect();
        let expected = [(name, value.clone()), ("x".to_owned(), format!("a&{value}=b")), ("key".to_owned(), SECRET.to_owned())];
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_text_payload_is_the_template_filled_and_nothing_else(value in odd_text()) {
        let payload = payload_of(Payload::Text(template("<q>{id}</q>")), "text", Value::Text(value.clone()));
        prop_assert_eq!(payload.unwrap(), format!("<q>{value}</q>"));
    }
}

#[test]
fn a_slot_alone_keeps_its_type() {
    for (ty, value, expected) in [
        ("bigint", Value::Bigint(i64::MAX), "9223372036854775807"),
        ("decimal(9,2)", Value::Decimal(-5), "-0.05"),
        ("double", Value::Double(1e21), "1000000000000000000000"),
        ("boolean", Value::Boolean(false), "false"),
        ("date", Value::Date(0), "\"1970-01-01\""),
        ("timestamp", Value::Timestamp(0), "\"1970-01-01T00:00:00Z\""),
        ("text", Value::Text("007".to_owned()), "\"007\""),
        ("json", Value::Json(" {\"a\": [1.50, \"\\u00e9\"]} ".to_owned()), "{\"a\": [1.50, \"\\u00e9\"]}"),
        ("text", Value::Null, "null"),
    ] {
        assert_eq!(json_of(ty, value).unwrap(), format!("{{\"v\":{expected}}}"));
    }
    let inside = Payload::Json(text("no. {id}"));
    assert_eq!(payload_of(inside, "bigint", Value::Bigint(7)).unwrap(), "\"no. 7\"");
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    let refusal = |result: Result<String, Failure>| {
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Template, false));
        failure.detail
    };
    assert_eq!(refusal(json_of("double", Value::Double(f64::NAN))), "column id is not a finite number");
    for broken in ["{\"a\":", "1 2", "", "nul", "{\"a\":1},\"b\":{}"] {
        let detail = refusal(json_of("json", Value::Json(broken.to_owned())));
        assert!(detail.starts_with("column id is not JSON: "), "{detail}");
    }
    let inside = || Payload::Json(text("x{id}"));
    assert_eq!(refusal(payload_of(inside(), "text", Value::Null)), "column id is null");
    let long = Value::Text("x".repeat((16 << 20) + 1));
    assert!(refusal(payload_of(inside(), "text", long)).contains("16777217 bytes"));
    let long = Value::Text("x".repeat(9 << 20));
    let twice = Payload::Text(template("{id}{id}"));
    assert_eq!(refusal(payload_of(twice, "text", long)), "the payload would be longer than 16777216 bytes");
}

#[test]
fn another_endpoints_null_is_null_in_json_and_nowhere_else() {
    struct WithAnswer(Option<Value>);
    impl Values for WithAnswer {
        fn input(&self, _: usize) -> &Value {
            &Value::Null
        }
        fn answer(&self, _: usize, _: usize) -> Option<&Value> {
            self.0.as_ref()
        }
    }
    let mut first = endpoint("http://example.com/");
    first.columns = vec![Column::plain("votes", Expression::Jq(".".to_owned()), Type::Bigint)];
    let slot = || Template { parts: vec![Part::Answer { endpoint: 0, column: 0, name: String::new() }] };
    let alone = posting("http://example.com/", Payload::Json(JsonTemplate::Text(slot())));
    let form = posting("http://example.com/", Payload::Form(vec![("v".to_owned(), slot())]));
    let questions = Question::compile_all(&[first, alone, form], &[], &Secrets::default()).unwrap();
    let build = |number: usize, value| {
        let built = questions[number].build(&WithAnswer(value));
        built.map(|request| request.shown_body()).map_err(|failure| failure.kind)
    };
    assert_eq!(build(1, Some(Value::Bigint(7))).unwrap().as_deref(), Some("7"));
    assert_eq!(build(1, Some(Value::Null)).unwrap().as_deref(), Some("null"));
    assert_eq!(build(1, None), Err(Kind::Dependency));
    assert_eq!(build(2, Some(Value::Null)), Err(Kind::Dependency));
}

#[test]
fn secrets_in_payloads_are_sent_and_never_shown() {
    for (payload, sent, shown) in [
        (
            Payload::Json(object(vec![("k", text("a ${KEY}")), ("id", text("{id}"))])),
            r#"{"k":"a s3cr3t/+ key","id":"tt1"}"#,
            r#"{"k":"a ${KEY}","id":"tt1"}"#,
        ),
        (
            Payload::Form(named(&[("k", "${KEY}"), ("id", "{id}")])),
            "k=s3cr3t%2F%2B+key&id=tt1",
            "k=${KEY}&id=tt1",
        ),
        (Payload::Text(template("{id}:${KEY}:${KEY}")), "tt1:s3cr3t/+ key:s3cr3t/+ key", "tt1:${KEY}:${KEY}"),
    ] {
        let question = question(&posting("http://example.com/", payload));
        let request = question.build(&Row::id("tt1")).unwrap();
        assert_eq!(request.payload, sent);
        assert_eq!(request.shown_body().as_deref(), Some(shown));
        assert_eq!(request.method(), "POST");
        let debugged = format!("{request:?} {question:?}");
        assert!(debugged.contains("${KEY}") && !debugged.contains("s3cr3t"), "{debugged}");
    }
    let get = question(&endpoint("http://example.com/")).build(&Row::id("tt1")).unwrap();
    assert_eq!((get.method(), get.shown_body()), ("GET", None));
}

#[tokio::test]
async fn a_payload_goes_over_the_wire_with_its_type_and_length() {
    let site = Site::plain(|_| ok("there"));
    let mut endpoints = vec![
        posting(&site.url("/"), Payload::Json(object(vec![("id", text("{id}"))]))),
        posting(&site.url("/"), Payload::Form(named(&[("id", "{id}")]))),
        posting(&site.url("/"), Payload::Text(template("{id}"))),
        posting(&site.url("/"), Payload::Text(template("{id}"))),
        Endpoint { method: "PROPFIND".to_owned(), ..endpoint(&site.url("/")) },
        Endpoint { method: "POST".to_owned(), ..endpoint(&site.url("/")) },
        endpoint(&site.url("/")),
    ];
    endpoints[3].headers = named(&[("content-type", "application/sparql-query")]);
    endpoints[3].method = "PUT".to_owned();
    let client = client();
    for endpoint in &endpoints {
        assert_eq!(body(ask_with(&client, endpoint, &&Gate::open()).await), "there");
    }
    let seen: Vec<_> = site
        .seen()
        .into_iter()
        .map(|seen| {
            let header = |name| seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let body = String::from_utf8(seen.body.to_vec()).unwrap();
            (seen.method, header("content-type"), header("content-length"), body)
        })
        .collect();
    let expected = [
        (Method::POST, Some("application/json"), Some("12"), "{\"id\":\"tt1\"}"),
        (Method::POST, Some("application/x-www-form-urlencoded"), Some("6"), "id=tt1"),
        (Method::POST, Some("text/plain; charset=utf-8"), Some("3"), "tt1"),
        (Method::PUT, Some("application/sparql-query"), Some("3"), "tt1"),
        (Method::from_bytes(b"PROPFIND").unwrap(), None, None, ""),
        (Method::POST, None, Some("0"), ""),
        (Method::GET, None, None, ""),
    ];
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let expected =
        expected.map(|(method, ty, length, body)| (method, owned(ty), owned(length), body.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn a_large_payload_arrives_whole() {
    let site = Site::plain(|_| ok("there"));
    let large: String = (0..200_000).map(|number| format!("{number},")).collect();
    let endpoint = posting(&site.url("/"), Payload::Text(template("{id}")));
    let question = question(&endpoint);
    let request = question.build(&Row::id(&large)).unwrap();
    let (_running, stop) = watch::channel(false);
    let asked = client().ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
    assert_eq!(body(asked), "there");
    assert_eq!(site.seen()[0].body, large);
}

#[tokio::test]
async fn a_head_request_has_an_answer_without_a_body() {
    let raw = Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n");
    let asked = ask(&Endpoint { method: "HEAD".to_owned(), ..endpoint(&raw.url("/")) }).await;
    assert_eq!(body(asked), "");
    assert!(raw.heads()[0].starts_with("HEAD / HTTP/1.1\r\n"));
}

#[test]
fn methods_that_make_no_request_do_not_compile() {
    for method in ["CONNECT", "", "GET /", "GÉT"] {
        let endpoint = Endpoint { method: method.to_owned(), ..endpoint("http://example.com/") };
        assert!(Question::compile_all(&[endpoint], &[], &Secrets::default()).is_err(), "{method}");
    }
}
