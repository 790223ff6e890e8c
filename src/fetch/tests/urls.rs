//! Values in templates.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::job::{Column, Expression};
use crate::record::Kind;
use crate::secrets::Secrets;

fn url_of(endpoint: &Endpoint, value: Value) -> Result<String, Failure> {
    question(endpoint).build(&Row(value)).map(|request| format!("{}{}", request.origin, request.target))
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Ids of all sorts, delimiters and dots more often than chance would have them.
fn ids() -> impl Strategy<Value = String> {
    let delimiter = prop::sample::select(vec![
        "/", "?", "#", "%", "..", ".", "@", ":", "&", "=", "+", " ", "\\", "%2e", "%2F", ";", "\t", "{", "}",
        "[", "~", "\u{202e}", "é", "日", "\u{7f}",
    ]);
    let piece =
        prop_oneof![delimiter.prop_map(str::to_owned), any::<char>().prop_map(String::from), "[a-z0-9]{1,8}"];
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn no_value_changes_the_shape_of_the_url(id in ids()) {
        let mut endpoint = endpoint("https://api.example.com:8443/films/{id}/cast-{id}.json?a=1&b={id}");
        endpoint.params = named(&[("c", "x{id}"), ("key", "${KEY}")]);
        let refused = id.contains(['\r', '\n', '\0']) || encode::is_dot_segment(&encode::component(&id));
        match url_of(&endpoint, text(&id)) {
            Err(failure) => prop_assert!(refused && failure.kind == Kind::Template, "{failure:?}"),
            Ok(built) => {
                prop_assert!(!refused);
                let url = Url::parse(&built).unwrap();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert_eq!((url.host_str(), url.port()), (Some("api.example.com"), Some(8443)));
                prop_assert_eq!(url.fragment(), None);
                let segments: Vec<&str> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 3);
                prop_assert_eq!(&percent_decode_str(segments[1]).decode_utf8().unwrap(), &id);
                prop_assert_eq!(percent_decode_str(segments[2]).decode_utf8().unwrap(), format!("cast-{id}.json"));
                let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                let expected = [("a", "1".to_owned()), ("b", id.clone()), ("c", format!("x{id}")), ("key", SECRET.to_owned())];
                prop_assert_eq!(query, expected.map(|(key, value)| (key.to_owned(), value)));
            }
        }
    }

    #[test]
    fn a_header_carries_visible_ascii_and_nothing_else(id in ids()) {
        let mut endpoint = endpoint("http://example.com/");
        endpoint.headers = named(&[("x-id", "a {id} z")]);
        let visible = id.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match question(&endpoint).build(&Row::id(&id)) {
            Ok(request) => {
                prop_assert!(visible);
                prop_assert_eq!(request.headers["x-id"].to_str().unwrap(), format!("a {id} z"));
            }
            Err(failure) => prop_assert!(!visible && failure.kind == Kind::Template, "{failure:?}"),
        }
    }
}

#[test]
fn values_that_would_change_the_path_are_refused_by_name() {
    let in_path = endpoint("http://example.com/films/{id}");
    for (value, why) in [
        (Value::Null, "column id is null"),
        (text(""), "column id is empty"),
        (text("."), "column id gives `.` or `..`"),
        (text(".."), "column id gives"),
        (text("%2e%2E"), "column id gives"),
        (text("a\r\nb"), "line break or NUL"),
        (text("a\0b"), "line break or NUL"),
        (text(&"x".repeat(8 * 1024 + 1)), "8193 bytes"),
        (Value::Double(f64::INFINITY), "finite"),
    ] {
        let failure = url_of(&in_path, value).unwrap_err();
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Template, false));
        assert!(failure.detail.contains(why), "{}", failure.detail);
    }
    // Dots that come together from the template and the value, or from two values.
    for url in ["http://example.com/.{id}/x", "http://example.com/{id}{id}", "http://example.com/%2e{id}?q=1"]
    {
        assert_eq!(url_of(&endpoint(url), text(".")).unwrap_err().kind, Kind::Template, "{url}");
    }
    assert_eq!(url_of(&endpoint("http://example.com/a{id}"), text("..")).unwrap(), "http://example.com/a..");
}

#[test]
fn a_query_takes_empty_values_and_dots() {
    let in_query = endpoint("http://example.com/?i={id}");
    assert_eq!(url_of(&in_query, text("")).unwrap(), "http://example.com/?i=");
    assert_eq!(url_of(&in_query, text("..")).unwrap(), "http://example.com/?i=..");
    assert_eq!(url_of(&in_query, Value::Null).unwrap_err().kind, Kind::Template);
}

#[test]
fn a_url_has_a_longest_length() {
    let endpoint = endpoint("http://example.com/{id}/{id}/{id}");
    let failure = url_of(&endpoint, text(&"x".repeat(6000))).unwrap_err();
    assert!(failure.detail.contains("longer than 16384 bytes"), "{}", failure.detail);
    assert!(url_of(&endpoint, text(&"x".repeat(5000))).is_ok());
}

#[test]
fn query_parameters_follow_those_of_the_url() {
    for (url, expected) in [
        ("http://example.com", "http://example.com/?q=a%26b%20{c}"),
        ("http://example.com/x", "http://example.com/x?q=a%26b%20{c}"),
        ("http://example.com/x?", "http://example.com/x?q=a%26b%20{c}"),
        ("http://example.com?y=1", "http://example.com/?y=1&q=a%26b%20{c}"),
        ("http://example.com/x?y=1&", "http://example.com/x?y=1&q=a%26b%20{c}"),
        ("http://EXAMPLE.com:80/x y?z=ü", "http://example.com/x%20y?z=%C3%BC&q=a%26b%20{c}"),
    ] {
        let mut endpoint = endpoint(url);
        endpoint.params = named(&[("q", "a&b {id}")]);
        let expected = expected.replace("{c}", "tt1");
        assert_eq!(url_of(&endpoint, text("tt1")).unwrap(), expected);
    }
}

#[test]
fn typed_values_are_written_canonically() {
    let columns = [Field { name: "id".to_owned(), ty: "decimal(9,2)".parse().unwrap() }];
    let endpoint = endpoint("http://example.com/{id}");
    let questions = Question::compile_all(&[endpoint], &columns, &Secrets::default()).unwrap();
    let request = questions[0].build(&Row(Value::Decimal(1250))).unwrap();
    assert_eq!(request.shown(), "http://example.com/12.50");
}

#[test]
fn columns_of_other_endpoints_fill_slots_with_their_type() {
    struct WithAnswer(Option<Value>);
    impl Values for WithAnswer {
        fn input(&self, _: usize) -> &Value {
            &Value::Null
        }
        fn answer(&self, endpoint: usize, column: usize) -> Option<&Value> {
            assert_eq!((endpoint, column), (0, 0));
            self.0.as_ref()
        }
    }
    let mut first = endpoint("http://example.com/");
    first.columns = vec![Column::plain("released", Expression::Jq(".".to_owned()), Type::Date)];
    let mut second = endpoint("http://example.com/");
    second.url.parts.push(Part::Answer { endpoint: 0, column: 0, name: String::new() });
    let questions = Question::compile_all(&[first, second], &[], &Secrets::default()).unwrap();
    let build = |value| questions[1].build(&WithAnswer(value)).map(|request| request.shown());
    assert_eq!(build(Some(Value::Date(0))).unwrap(), "http://example.com/1970-01-01");
    for nothing in [None, Some(Value::Null)] {
        let failure = build(nothing).unwrap_err();
        assert_eq!((failure.kind, &*failure.detail), (Kind::Dependency, "films.released gave no value"));
    }
}

#[test]
fn templates_that_leave_the_origin_open_do_not_compile() {
    for url in [
        "{id}",
        "http://{id}/",
        "http://example.com{id}",
        "http://example.com:{id}/",
        "http://${KEY}.example.com/",
        "ftp://example.com/{id}",
        "http:///{id}",
        "http://user:pw@example.com/{id}",
        "http://user@example.com/{id}",
        "/films/{id}",
        "http://example.com/#{id}",
        "http://example.com/x/../{id}",
        "http://example.com/%2e%2e/{id}",
        "http://exa mple.com/{id}",
    ] {
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        let result = Question::compile_all(&[endpoint(url)], &columns, &secrets(&[("KEY", "x")]));
        let error = result.expect_err(url).to_string();
        assert!(error.starts_with("endpoint films: ") && error.contains("hint: "), "{error}");
    }
}

#[test]
fn headers_that_steer_the_connection_are_refused() {
    for name in ["host", "content-length", "transfer-encoding", "connection", "not a name", ""] {
        let mut endpoint = endpoint("http://example.com/");
        endpoint.headers = named(&[(name, "x")]);
        assert!(Question::compile_all(&[endpoint], &[], &Secrets::default()).is_err(), "{name}");
    }
}

#[test]
fn a_jobs_headers_replace_ours() {
    let mut endpoint = endpoint("http://example.com/");
    endpoint.headers = named(&[("accept", "text/csv"), ("user-agent", "mine"), ("x-id", "{id}")]);
    let request = question(&endpoint).build(&Row::id("tt1")).unwrap();
    let shown: Vec<(&str, &str)> = request.shown_headers().collect();
    for expected in [
        ("host", "example.com"),
        ("accept", "text/csv"),
        ("accept-encoding", "gzip, br, zstd, deflate"),
        ("user-agent", "mine"),
        ("x-id", "tt1"),
    ] {
        assert!(shown.contains(&expected), "{expected:?} in {shown:?}");
    }
    assert_eq!(shown.len(), 5);
}

#[test]
fn secrets_are_sent_and_never_shown() {
    let mut endpoint = endpoint("http://example.com/${KEY}/{id}");
    endpoint.params = named(&[("apikey", "${KEY}"), ("i", "{id}")]);
    endpoint.headers = named(&[("authorization", "Bearer ${KEY}")]);
    let question = question(&endpoint);
    let request = question.build(&Row::id("tt1")).unwrap();
    assert_eq!(request.target, "/s3cr3t%2F%2B%20key/tt1?apikey=s3cr3t%2F%2B%20key&i=tt1");
    assert_eq!(request.headers["authorization"], "Bearer s3cr3t/+ key");
    assert_eq!(request.shown(), "http://example.com/${KEY}/tt1?apikey=${KEY}&i=tt1");
    assert!(request.shown_headers().any(|header| header == ("authorization", "(secret)")));
    let debugged = format!("{request:?} {question:?} {:?}", secrets(&[("KEY", SECRET)]));
    assert!(debugged.contains("${KEY}") && !debugged.contains("s3cr3t"), "{debugged}");
}

#[test]
fn all_missing_secrets_are_named_at_once() {
    let mut first = endpoint("http://example.com/${ONE}");
    first.headers = named(&[("x-key", "${TWO}")]);
    let mut second = endpoint("http://example.com/");
    second.params = named(&[("k", "${ONE}"), ("l", "${THREE}"), ("m", "${FOUR}")]);
    let secrets = secrets(&[("THREE", "there"), ("FOUR", "broken\n")]);
    let error = Question::compile_all(&[first, second], &[], &secrets).unwrap_err().to_string();
    assert_eq!(
        error,
        "secret ${FOUR} has a line break or another control character\nsecret ${ONE} is not set\nsecret ${TWO} is \
         not set\nhint: export them in the environment, or put them into a file for --env-file"
    );
}
