//! Answers that are not plain JSON: lines, calls, text.

use proptest::prelude::*;

use super::*;
use crate::job::{AnswerFormat, Expression};
use crate::record::Kind;

fn of_format(format: AnswerFormat, rows: Option<&str>, columns: Vec<job::Column>) -> Extractor {
    let rows = rows.map(str::to_owned);
    Extractor::compile(&Endpoint { format, rows, ..endpoint(columns, None) }).unwrap()
}

fn values(extractor: &Extractor, body: impl AsRef<[u8]>) -> Result<Vec<Value>, Failure> {
    match extractor.extract(body.as_ref())? {
        Extracted::Rows(rows) => Ok(rows.values),
        Extracted::Missing => panic!("missing without a condition"),
    }
}

#[test]
fn lines_are_one_array() {
    let id = || vec![column("id", ".id", Type::Integer)];
    let each = of_format(AnswerFormat::JsonLines, Some(".[]"), id());
    let body = "\u{FEFF}{\"id\":1}\r\n\n{\"id\":2}";
    assert_eq!(values(&each, body).unwrap(), [Value::Integer(1), Value::Integer(2)]);
    assert_eq!(values(&each, "\n").unwrap(), []);
    let last = vec![column("id", ".[-1].id", Type::Integer), column("n", "length", Type::Integer)];
    let last = of_format(AnswerFormat::JsonLines, None, last);
    assert_eq!(values(&last, body).unwrap(), [Value::Integer(2), Value::Integer(2)]);
    let failure = values(&each, "{\"id\":1}\n{\"id\":2").unwrap_err();
    assert!(failure.detail.starts_with("line 2: EOF while parsing"), "{failure:?}");
    assert_eq!(failure.kind, Kind::NotJson);
}

#[test]
fn the_depth_of_a_line_is_its_own() {
    let each = of_format(AnswerFormat::JsonLines, Some(".[]"), vec![column("a", ".", Type::Json)]);
    let nested = |depth: usize| format!("1\n{}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(values(&each, nested(128)).is_ok());
    assert_eq!(values(&each, nested(129)).unwrap_err().kind, Kind::TooDeep);
    assert_eq!(values(&each, nested(1_000_000)).unwrap_err().kind, Kind::TooDeep);
    assert_eq!(values(&each, "[".repeat(1_000_000)).unwrap_err().kind, Kind::NotJson);
}

#[test]
fn a_call_is_its_argument() {
    let count = of_format(AnswerFormat::Jsonp, None, vec![column("n", ".count", Type::Bigint)]);
    assert_eq!(values(&count, r#"receiveCount({"url":"x","count":8});"#).unwrap(), [Value::Bigint(8)]);
    for (body, kind) in [
        (r#"{"count":8}"#.to_owned(), Kind::NotJson),
        ("cb({\"count\":8}, 1)".to_owned(), Kind::NotJson),
        ("cb()".to_owned(), Kind::NotJson),
        (format!("cb({}", "[".repeat(1000)), Kind::NotJson),
        (format!("cb({}{})", "[".repeat(129), "]".repeat(129)), Kind::TooDeep),
    ] {
        assert_eq!(values(&count, body).unwrap_err().kind, kind);
    }
    assert_eq!(values(&count, b"cb(\"\xFF\")").unwrap_err().kind, Kind::NotJson);
}

#[test]
fn text_is_taken_whole_or_by_regex() {
    let text_column = |name: &str, regex: Option<&str>, ty| job::Column {
        regex: regex.map(str::to_owned),
        ..job::Column::plain(name, Expression::Text, ty)
    };
    let columns = vec![
        text_column("all", None, Type::Text),
        text_column("temperature", Some(r"temp=(-?[\d.]+)"), Type::Double),
        text_column("wind", Some(r"wind=(\d+)"), Type::Integer),
        text_column("json", Some(r"\{.*\}"), Type::Json),
    ];
    let extractor = of_format(AnswerFormat::Text, None, columns);
    let body = "\u{FEFF}temp=-3.5 \"\\u0041\" {\"a\": 1}\n";
    assert_eq!(
        values(&extractor, body).unwrap(),
        [text(&body[3..]), Value::Double(-3.5), Value::Null, Value::Json("{\"a\": 1}".to_owned())]
    );
    assert_eq!(values(&extractor, "").unwrap(), [text(""), Value::Null, Value::Null, Value::Null]);
    let failure = values(&extractor, b"temp=\xFF").unwrap_err();
    assert_eq!(failure.kind, Kind::Decode);
    assert_eq!(failure.detail, "not UTF-8 at byte 5, the answer starts with \"temp=\u{FFFD}\"");
    assert_eq!(values(&extractor, "temp=.").unwrap_err().kind, Kind::Convert);
    assert_eq!(extractor.split(b"x").unwrap_err().kind, Kind::Extract);
}

#[test]
fn a_pipe_makes_json_of_any_answer() {
    for answer in [AnswerFormat::Json, AnswerFormat::Html, AnswerFormat::Text, AnswerFormat::Jsonp] {
        let endpoint = Endpoint {
            format: answer,
            pipe: Some(vec!["cat".to_owned()]),
            ..endpoint(vec![column("id", ".id", Type::Integer)], None)
        };
        assert_eq!(
            values(&Extractor::compile(&endpoint).unwrap(), r#"{"id":7}"#).unwrap(),
            [Value::Integer(7)]
        );
    }
}

#[test]
fn expressions_that_do_not_fit_the_format_are_refused() {
    let jq = || vec![column("a", ".a", Type::Text)];
    let whole = || vec![job::Column::plain("a", Expression::Text, Type::Text)];
    for (answer, columns) in
        [(AnswerFormat::Html, jq()), (AnswerFormat::Text, jq()), (AnswerFormat::Json, whole())]
    {
        let refused = Extractor::compile(&Endpoint { format: answer, ..endpoint(columns, None) })
            .err()
            .unwrap()
            .to_string();
        assert!(refused.starts_with("column a does not fit the answers: "), "{refused}");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    scalar.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn lines_round_trip(documents in prop::collection::vec(json(), 0..10), blank in "[ \t\r\n]{0,3}") {
        let each = of_format(AnswerFormat::JsonLines, Some(".[]"), vec![column("v", "[.]", Type::Json)]);
        let body: String = documents.iter().map(|document| format!("{document}{blank}\n")).collect();
        let expected: Vec<_> = documents.iter().map(|document| serde_json::json!([document])).collect();
        let got: Vec<serde_json::Value> = values(&each, body).unwrap().iter().map(|value| match value {
            Value::Json(json) => serde_json::from_str(json).unwrap(),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn calls_round_trip(
        document in json(),
        name in "[a-zA-Z_$][a-zA-Z0-9_$]{0,8}(\\.[a-z]{1,3}|\\[[0-9]\\]){0,2}",
        blank in "[ \t\r\n]{0,2}",
        end in ";?",
    ) {
        let call = of_format(AnswerFormat::Jsonp, None, vec![column("v", ".", Type::Json)]);
        let body = format!("{blank}/**/{blank}{name}{blank}({blank}{document}{blank}){blank}{end}{blank}");
        let expected = if document.is_null() { Value::Null } else { Value::Json(document.to_string()) };
        prop_assert_eq!(values(&call, body).unwrap(), [expected]);
    }

    #[test]
    fn any_bytes_are_read_or_refused_in_any_format(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for answer in [AnswerFormat::JsonLines, AnswerFormat::Jsonp] {
            let _ = values(&of_format(answer, Some(".[]?"), vec![column("v", ".", Type::Json)]), &bytes);
        }
    }
}
