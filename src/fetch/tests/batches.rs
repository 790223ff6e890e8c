//! Several records in one request.

use proptest::prelude::*;

use super::site::{Site, ok};
use super::*;
use crate::job::{Batch, JsonTemplate, OnAbsent, Payload};
use crate::record::Kind;
use crate::secrets::Secrets;

fn batch(url: &str, join: &str) -> Endpoint {
    let batch = Batch {
        size: 50,
        column: "id".to_owned(),
        join: join.to_owned(),
        split: ".[]".to_owned(),
        matches: ".id".to_owned(),
        on_absent: OnAbsent::Missing,
        status: None,
        retry_after: None,
        unprocessed: None,
    };
    Endpoint { batch: Some(batch), ..endpoint(url) }
}

fn rows(ids: &[&str]) -> Vec<Row> {
    ids.iter().map(|id| Row::id(id)).collect()
}

fn url_of(endpoint: &Endpoint, ids: &[&str]) -> Result<String, Failure> {
    question(endpoint).build_batch(&rows(ids)).map(|request| request.shown())
}

#[test]
fn values_are_joined_in_every_place() {
    let mut endpoint = batch("http://example.com/films/{id}?ids={id}&x=1", ",");
    endpoint.params = named(&[("all", "<{id}>")]);
    endpoint.headers = named(&[("x-ids", "ids {id}")]);
    let request = question(&endpoint).build_batch(&rows(&["a", "b/c", "d,e"])).unwrap();
    assert_eq!(request.target, "/films/a,b%2Fc,d%2Ce?ids=a,b%2Fc,d%2Ce&x=1&all=%3Ca,b%2Fc,d%2Ce%3E");
    assert_eq!(request.headers["x-ids"], "ids a,b/c,d,e");
    for (payload, expected) in [
        (Payload::Form(named(&[("ids", "{id}")])), "ids=a,b%2Fc,d%2Ce"),
        (Payload::Text(template("({id})")), "(a,b/c,d,e)"),
        (Payload::Json(JsonTemplate::Text(template("{id}"))), "[\"a\",\"b/c\",\"d,e\"]"),
        (Payload::Json(JsonTemplate::Text(template("all {id}"))), "\"all a,b/c,d,e\""),
    ] {
        let endpoint = Endpoint { payload: Some(payload), ..batch("http://example.com/", ",") };
        let request = question(&endpoint).build_batch(&rows(&["a", "b/c", "d,e"])).unwrap();
        assert_eq!(request.payload, expected);
    }
}

#[test]
fn what_joins_them_goes_over_the_wire_as_it_stands() {
    let repeated = batch("http://example.com/?id={id}", "&id=");
    assert_eq!(url_of(&repeated, &["a&b", "c"]).unwrap(), "http://example.com/?id=a%26b&id=c");
    let encoded = batch("http://example.com/?id={id}", "%7C");
    assert_eq!(url_of(&encoded, &["a", "b"]).unwrap(), "http://example.com/?id=a%7Cb");
    let impossible = batch("http://example.com/?id={id}", " #");
    assert_eq!(url_of(&impossible, &["a", "b"]).unwrap(), "http://example.com/?id=a%20%23b");
    let quote = Endpoint {
        payload: Some(Payload::Json(JsonTemplate::Text(template("x{id}")))),
        ..batch("http://example.com/", "\"")
    };
    let request = question(&quote).build_batch(&rows(&["a", "b"])).unwrap();
    assert_eq!(request.payload, r#""xa\"b""#);
    let form = Endpoint {
        payload: Some(Payload::Form(named(&[("id", "{id}")]))),
        ..batch("http://example.com/", "&id=")
    };
    assert_eq!(question(&form).build_batch(&rows(&["a b", "c"])).unwrap().payload, "id=a+b&id=c");
}

#[test]
fn one_record_alone_is_a_batch_of_one() {
    let endpoint = Endpoint {
        payload: Some(Payload::Json(JsonTemplate::Text(template("{id}")))),
        ..batch("http://example.com/{id}", ",")
    };
    let request = question(&endpoint).build(&Row::id("a")).unwrap();
    assert_eq!((request.target.as_str(), &*request.payload), ("/a", &b"[\"a\"]"[..]));
}

#[test]
fn a_value_that_does_not_fit_fails_the_batch_and_tells_itself_alone() {
    let endpoint = batch("http://example.com/{id}/x", "/");
    assert_eq!(url_of(&endpoint, &["a", "b"]).unwrap(), "http://example.com/a/b/x");
    for (value, why) in
        [("", "column id is empty"), ("..", "column id gives `.` or `..`"), ("a\nb", "line break")]
    {
        let failure = url_of(&endpoint, &["a", value, "c"]).unwrap_err();
        assert_eq!(failure.kind, Kind::Template);
        assert!(failure.detail.contains(why), "{}", failure.detail);
        assert!(question(&endpoint).build(&Row::id(value)).is_err());
    }
}

#[test]
fn null_has_no_place_among_the_values() {
    let payload = Some(Payload::Json(JsonTemplate::Text(template("{id}"))));
    let question = question(&Endpoint { payload, ..batch("http://example.com/", ",") });
    let failure = question.build_batch(&[Row::id("a"), Row(Value::Null)]).unwrap_err();
    assert_eq!((failure.kind, &*failure.detail), (Kind::Template, "column id is null"));
}

#[test]
fn a_batch_that_is_too_long_says_what_to_do() {
    let long = "x".repeat(6000);
    let failure = url_of(&batch("http://example.com/?id={id}", ","), &[&long, &long, &long]).unwrap_err();
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Template, false));
    assert!(failure.detail.ends_with("hint: a smaller batch.size"), "{}", failure.detail);
    let large = "x".repeat(9 << 20);
    let body =
        Endpoint { payload: Some(Payload::Text(template("{id}"))), ..batch("http://example.com/", ",") };
    let failure = question(&body).build_batch(&rows(&[&large, &large])).unwrap_err();
    assert!(failure.detail.ends_with("hint: a smaller batch.size"), "{}", failure.detail);
}

#[test]
fn batches_are_for_questions_that_have_one() {
    let none: [Row; 0] = [];
    assert_eq!(
        question(&batch("http://example.com/{id}", ",")).build_batch(&none).unwrap_err().kind,
        Kind::Template
    );
    let single = question(&endpoint("http://example.com/{id}"));
    assert_eq!(single.build_batch(&rows(&["a", "b"])).unwrap_err().kind, Kind::Template);
    assert_eq!(single.build_batch(&rows(&["a"])).unwrap().target, "/a");
}

#[test]
fn other_columns_have_no_place_in_a_batch() {
    let columns = ["id", "country"].map(|name| Field { name: name.to_owned(), ty: Type::Text });
    let mut endpoint = batch("http://example.com/{id}", ",");
    endpoint.headers = named(&[("x-country", "{country}")]);
    let error = Question::compile_all(&[endpoint], &columns, &Secrets::default()).unwrap_err().to_string();
    assert!(error.contains("a batch of {id}"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_batch_reads_back_as_its_records(ids in prop::collection::vec("\\PC{1,8}", 1..20)) {
        let mut endpoint = batch("http://example.com/?id={id}", "&id=");
        endpoint.payload = Some(Payload::Json(JsonTemplate::Text(template("{id}"))));
        let rows: Vec<Row> = ids.iter().map(|id| Row::id(id)).collect();
        let request = question(&endpoint).build_batch(&rows).unwrap();
        let read: Vec<String> = serde_json::from_slice(&request.payload).unwrap();
        prop_assert_eq!(&read, &ids);
        let url = url::Url::parse(&request.shown()).unwrap();
        let pairs: Vec<String> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
        prop_assert_eq!(pairs, ids);
    }
}

#[tokio::test]
async fn a_batch_is_asked_like_one_record() {
    let site = Site::plain(|target| ok(target.to_owned()));
    let question = question(&batch(&site.url("/?ids={id}"), ","));
    let request = question.build_batch(&rows(&["a", "b", "c"])).unwrap();
    let (_running, stop) = watch::channel(false);
    let asked = client().ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
    assert_eq!((asked.requests, body(asked).as_str()), (1, "/?ids=a,b,c"));
}
