//! Whole answers through the [`Extractor`], and the agreement of the trie with the interpreter.

mod agreement;
mod batches;
mod formats;
mod html;
mod items;
mod pages;

use super::*;
use crate::job::{self, OnBadCharacter, OnError, Template};
use crate::value::{Type, Value};

/// A column as a bare string in a job makes it, but for its type.
fn column(name: &str, jq: &str, ty: Type) -> job::Column {
    job::Column::plain(name, job::Expression::Jq(jq.to_owned()), ty)
}

fn endpoint(columns: Vec<job::Column>, when: Option<&str>) -> Endpoint {
    let mut endpoint = Endpoint::get("films", Template { parts: Vec::new() }, columns);
    endpoint.missing.when = when.map(str::to_owned);
    endpoint
}

fn extract(columns: Vec<job::Column>, body: impl AsRef<[u8]>) -> Result<Vec<Value>, Failure> {
    match Extractor::compile(&endpoint(columns, None)).unwrap().extract(body.as_ref())? {
        Extracted::Rows(rows) => Ok(rows.values),
        Extracted::Missing => panic!("missing without a condition"),
    }
}

/// The value of one column, whose expression is `.v`, from `{"v": json}`.
fn value(column: job::Column, json: &str) -> Result<Value, Failure> {
    extract(vec![column], format!(r#"{{"v": {json} }}"#)).map(|mut values| values.remove(0))
}

fn typed(ty: Type, json: &str) -> Result<Value, Failure> {
    value(column("votes", ".v", ty), json)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

mod rows {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_the_columns() {
        let columns = vec![
            column("b", ".b.c[1]", Type::Bigint),
            column("sum", ".b.c | add", Type::Integer),
            column("a", ".a", Type::Text),
            column("all", ".b", Type::Json),
            column("absent", ".x.y.z", Type::Date),
        ];
        let values = extract(columns, r#"{"a": "é", "b": {"c": [1, 9007199254740993]}}"#).unwrap_err();
        assert_eq!(values.detail, r#"column sum: "9007199254740994" is beyond the range of integer"#);
        let columns = vec![
            column("b", ".b.c[1]", Type::Bigint),
            column("sum", ".b.c | add", Type::Bigint),
            column("a", ".a", Type::Text),
            column("all", ".b", Type::Json),
            column("absent", ".x.y.z", Type::Date),
        ];
        let values = extract(columns, r#"{"a": "é", "b": {"c": [1, 9007199254740993]}}"#).unwrap();
        assert_eq!(
            values,
            [
                Value::Bigint(9_007_199_254_740_993),
                Value::Bigint(9_007_199_254_740_994),
                text("é"),
                Value::Json(r#"{"c": [1, 9007199254740993]}"#.to_owned()),
                Value::Null
            ]
        );
    }

    #[test]
    fn a_condition_says_that_the_id_is_missing() {
        let columns = vec![column("title", ".Title", Type::Text), column("n", ".n | length", Type::Bigint)];
        let extractor = Extractor::compile(&endpoint(columns, Some(r#".Response == "False""#))).unwrap();
        assert_eq!(extractor.extract(br#"{"Response":"False","n":true}"#).unwrap(), Extracted::Missing);
        let row = extractor.extract(br#"{"Response":"True","Title":"Ran","n":[1]}"#).unwrap();
        assert_eq!(row, Extracted::Rows(Rows::one(vec![text("Ran"), Value::Bigint(1)])));
    }

    #[test]
    fn an_endpoint_without_columns_still_wants_json() {
        assert_eq!(extract(vec![], "[1]").unwrap(), []);
        assert_eq!(extract(vec![], "[1").unwrap_err().kind, Kind::NotJson);
    }

    #[test]
    fn mistakes_name_their_column() {
        let refused = |column| Extractor::compile(&endpoint(vec![column], None)).err().unwrap().to_string();
        let plain = column("votes", ".v", Type::Timestamp);
        assert!(
            refused(column("votes", ".a |", Type::Text)).starts_with("column votes: not a jq expression: ")
        );
        assert!(
            refused(job::Column { regex: Some("(".to_owned()), ..plain.clone() })
                .starts_with("column votes: ")
        );
        assert!(refused(job::Column { zone: Some("Mars/Base".to_owned()), ..plain }).contains("\nhint: "));
        let condition = Extractor::compile(&endpoint(vec![], Some("nosuch"))).err().unwrap().to_string();
        assert!(condition.starts_with("missing.when: "), "{condition}");
    }
}

mod bodies {
    use super::*;

    fn failure(body: impl AsRef<[u8]>) -> Failure {
        let plain = extract(vec![column("a", ".a", Type::Text)], body.as_ref()).unwrap_err();
        let interpreted = extract(vec![column("a", "first(.a)", Type::Text)], body.as_ref()).unwrap_err();
        assert_eq!(plain, interpreted);
        assert!(!plain.worth_repeating);
        plain
    }

    #[test]
    fn what_is_not_json_says_what_it_is() {
        let bodies = [
            "",
            "\r\n",
            "<!DOCTYPE html><p>",
            "{\"a\":1",
            "{\"a\":1}}",
            "NaN",
            "{\"a\":tru",
            "# x",
            "+1",
            "[1,]",
        ];
        for body in bodies {
            assert_eq!(failure(body).kind, Kind::NotJson, "{body}");
        }
        assert_eq!(failure("").detail, "the answer is empty");
        assert_eq!(
            failure("<!DOCTYPE html><p>").detail,
            r#"expected value at line 1 column 1, the answer starts with "<!DOCTYPE html><p>""#
        );
        assert_eq!(failure(b"\xFF\xFE{\0}\0").kind, Kind::NotJson);
    }

    #[test]
    fn jq_reads_only_what_is_json() {
        for body in
            ["{1: 2}", "[NaN]", "{\"a\": 1} # end", "{\"a\": b\"x\"}", "[+1]", "{\"a\": Infinity}", "[01]"]
        {
            assert_eq!(failure(body).kind, Kind::NotJson, "{body}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_obstacle() {
        for jq in [".a", "first(.a)"] {
            assert_eq!(
                extract(vec![column("a", jq, Type::Text)], "\u{FEFF}{\"a\":\"x\"}").unwrap(),
                [text("x")]
            );
        }
    }

    #[test]
    fn a_million_levels_are_too_deep() {
        for unit in ["[", "{\"a\":", "[[],", " [ "] {
            let failure = failure(unit.repeat(1_000_000));
            assert_eq!(failure.kind, Kind::TooDeep);
            assert_eq!(failure.detail, "the JSON nests deeper than 128");
        }
    }

    #[test]
    fn the_interpreter_gets_nothing_that_its_stack_cannot_hold() {
        let at_depth = |jq, depth| {
            let mut deep = endpoint(vec![column("a", jq, Type::Json)], None);
            deep.bounds.max_depth = 1_000_000;
            let body = format!("{}7{}", "[".repeat(depth), "]".repeat(depth));
            Extractor::compile(&deep).unwrap().extract(body.as_bytes())
        };
        for jq in ["first(.)", "[..]", "walk(.)", ". == [[[[[[]]]]]]", "tojson | fromjson", "sort_by(.)"] {
            assert!(at_depth(jq, 1000).is_ok(), "{jq}");
            assert_eq!(at_depth(jq, 1001).unwrap_err().kind, Kind::TooDeep, "{jq}");
        }
        for jq in ["first(.a)", "error(.)", ". - 1"] {
            assert_eq!(at_depth(jq, 1000).unwrap_err().kind, Kind::Extract, "{jq}");
        }
        assert!(at_depth(".", 100_000).is_ok());
        assert!(at_depth(".[0][0]", 100_000).is_ok());
    }

    #[test]
    fn the_interpreter_gets_no_number_that_would_keep_it_for_minutes() {
        let body = |digits: usize| format!(r#"{{"a": {}, "b": 1}}"#, "7".repeat(digits));
        let one =
            |jq, body| extract(vec![column("b", jq, Type::Bigint)], body).map(|mut values| values.remove(0));
        assert_eq!(one("first(.b)", body(1000)).unwrap(), Value::Bigint(1));
        assert_eq!(one("first(.b)", body(5_000_000)).unwrap_err().kind, Kind::Extract);
        assert_eq!(one(".b", body(5_000_000)).unwrap(), Value::Bigint(1));
        assert_eq!(one(".a", body(5_000_000)).unwrap_err().kind, Kind::Convert);
        let extractor = Extractor::compile(&endpoint(vec![], Some(".a == 7"))).unwrap();
        assert_eq!(
            extractor.extract(body(5_000_000).as_bytes()).unwrap(),
            Extracted::Rows(Rows::one(vec![]))
        );
    }

    #[test]
    fn the_allowed_depth_is_allowed() {
        let body = format!("{}7{}", "[".repeat(128), "]".repeat(128));
        for jq in [".", "first(.)"] {
            assert_eq!(
                extract(vec![column("a", jq, Type::Json)], &body).unwrap(),
                [Value::Json(body.clone())]
            );
        }
        let path = format!(".{}", "[0]".repeat(128));
        assert_eq!(extract(vec![column("a", &path, Type::Integer)], &body).unwrap(), [Value::Integer(7)]);
        let path = format!(".{}", "[0]".repeat(60));
        let values =
            extract(vec![column("a", &path, Type::Text), column("b", ".", Type::Json)], &body).unwrap();
        assert_eq!(values[0], text(&format!("{}7{}", "[".repeat(68), "]".repeat(68))));
    }
}

mod expressions {
    use super::*;

    #[test]
    fn nothing_is_null_and_several_values_fail() {
        let body = r#"{"a": [1, 2], "s": "x"}"#;
        let one = |jq| extract(vec![column("n", jq, Type::Bigint)], body).map(|mut values| values.remove(0));
        assert_eq!(one(".a[] | select(. == 3)").unwrap(), Value::Null);
        assert_eq!(one("empty").unwrap(), Value::Null);
        assert_eq!(one(".a[] | select(. > 1)").unwrap(), Value::Bigint(2));
        assert_eq!(one(".s.x?").unwrap(), Value::Null);
        let several = one(".a[]").unwrap_err();
        assert_eq!(several.kind, Kind::Extract);
        assert!(several.detail.starts_with("column n: more than one value"), "{several:?}");
        assert_eq!(one(".a[], error").unwrap_err().kind, Kind::Extract);
        assert_eq!(one("1, error(\"later\")").unwrap_err().detail, "column n: \"later\"");
        assert_eq!(one("nan").unwrap_err().kind, Kind::Extract);
    }

    #[test]
    fn a_step_that_does_not_fit_fails_plain_or_not() {
        for (jq, step) in [(".s.x", r#""x""#), (".a.x", r#""x""#), (".s[0]", "0")] {
            let failure = extract(vec![column("n", jq, Type::Text)], r#"{"a":[],"s":"x"}"#).unwrap_err();
            assert_eq!(failure.kind, Kind::Extract);
            assert!(failure.detail.starts_with("column n: cannot index "), "{failure:?}");
            assert!(failure.detail.ends_with(&format!("with {step}")), "{failure:?}");
            let interpreted = format!("first({jq})");
            let same =
                extract(vec![column("n", &interpreted, Type::Text)], r#"{"a":[],"s":"x"}"#).unwrap_err();
            assert_eq!(same.kind, Kind::Extract);
        }
    }

    #[test]
    fn failing_expressions_are_not_what_on_error_is_about() {
        let lenient = job::Column { on_error: OnError::Null, ..column("n", ".v.x", Type::Text) };
        assert_eq!(value(lenient, "5").unwrap_err().kind, Kind::Extract);
    }
}

mod conversions {
    use super::*;

    #[test]
    fn text_keeps_the_exact_string() {
        for (json, expected) in [
            (r#"" a\u0000\tb ""#, " a\0\tb "),
            ("1.50", "1.50"),
            ("-0", "-0"),
            ("1E400", "1E400"),
            ("true", "true"),
            (r#"{ "a": [ 1.0, "x y" ] }"#, r#"{"a":[1.0,"x y"]}"#),
            (r#""""#, ""),
        ] {
            assert_eq!(typed(Type::Text, json).unwrap(), text(expected), "{json}");
        }
        assert_eq!(typed(Type::Text, "null").unwrap(), Value::Null);
    }

    #[test]
    fn half_a_surrogate_pair_does_not_fit() {
        for ty in [Type::Text, Type::Json, Type::Bigint] {
            let failure = typed(ty, r#""a\ud800""#).unwrap_err();
            assert_eq!(failure.kind, Kind::Convert);
            assert!(failure.detail.contains("half a surrogate pair"), "{failure:?}");
            assert_eq!(failure.detail.contains("on_bad_character = "), ty != Type::Bigint, "{failure:?}");
        }
        assert!(typed(Type::Text, r#"["\ud800"]"#).is_ok(), "compact JSON keeps the escape");
        assert!(typed(Type::Json, r#"["\ud800"]"#).is_err());
    }

    #[test]
    fn numbers_come_from_numbers_and_texts() {
        assert_eq!(typed(Type::Bigint, "9007199254740993").unwrap(), Value::Bigint(9_007_199_254_740_993));
        assert_eq!(typed(Type::Bigint, r#"" 12 ""#).unwrap(), Value::Bigint(12));
        assert_eq!(typed(Type::Integer, "1e3").unwrap(), Value::Integer(1000));
        assert_eq!(typed(Type::Double, r#""7.9""#).unwrap(), Value::Double(7.9));
        let money = Type::Decimal { precision: 9, scale: 2 };
        assert_eq!(typed(money, "12.5").unwrap(), Value::Decimal(1250));
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let money = Type::Decimal { precision: 5, scale: 2 };
        for (ty, json, detail) in [
            (Type::Bigint, r#""12abc""#, r#""12abc" is not a bigint"#),
            (Type::Bigint, r#""1,234""#, r#""1,234" is not a bigint"#),
            (Type::Bigint, r#""""#, r#""" is not a bigint"#),
            (Type::Bigint, "true", r#""true" is not a bigint"#),
            (Type::Integer, "2147483648", r#""2147483648" is beyond the range of integer"#),
            (Type::Integer, "1.5", r#""1.5" is not an integer: it has a fraction"#),
            (Type::Double, "1e999", r#""1e999" is beyond the range of double"#),
            (money, "1.005", r#""1.005" has more than 2 digits after the point"#),
            (money, "1000", r#""1000" is beyond the range of decimal(5,2)"#),
            (Type::Boolean, r#""yes""#, r#""yes" is not a boolean"#),
            (Type::Boolean, "2", r#""2" is not a boolean"#),
            (Type::Bigint, "{}", "an object is not a bigint"),
            (Type::Date, "[1]", "an array is not a date"),
            // A boolean looks like base64, and a number like digits of bytes.
            (Type::Blob, "true", r#""true" is not a blob: bytes are written as a text"#),
            (Type::Blob, "1234", r#""1234" is not a blob: bytes are written as a text"#),
            (Type::Blob, "[\"00\"]", r#""[\"00\"]" is not a blob: bytes are written as a text"#),
            (Type::Blob, r#""0g""#, r#""0g" is not hex: 'g' at character 2 does not belong there"#),
            (
                Type::Date,
                r#""2001-01-01T00:00:00Z""#,
                r#""2001-01-01T00:00:00Z" is not a date (YYYY-MM-DD, or as the column's format says)"#,
            ),
            (
                Type::Timestamp,
                "1718000000",
                r#""1718000000" is not a timestamp (for seconds since 1970 set format = "%s")"#,
            ),
            (
                Type::Timestamp,
                r#""noon""#,
                r#""noon" is not a timestamp (RFC 3339, or as the column's format says)"#,
            ),
        ] {
            let failure = typed(ty, json).unwrap_err();
            assert_eq!(failure, Failure::lasting(Kind::Convert, format!("column votes: {detail}")));
        }
        let formatted = job::Column { format: Some("%d %b %Y".to_owned()), ..column("d", ".v", Type::Date) };
        assert_eq!(
            value(formatted, r#""N/A""#).unwrap_err().detail,
            r#"column d: "N/A" is not a date in the format "%d %b %Y""#
        );
        let long = typed(Type::Bigint, &format!("\"{}\"", "x".repeat(500))).unwrap_err();
        assert!(long.detail.ends_with("…\" is not a bigint"), "{long:?}");
    }

    #[test]
    fn booleans_are_true_and_false() {
        for (json, expected) in
            [("true", true), ("false", false), (r#""True""#, true), (r#"" FALSE ""#, false)]
        {
            assert_eq!(typed(Type::Boolean, json).unwrap(), Value::Boolean(expected), "{json}");
        }
    }

    #[test]
    fn json_is_kept_as_it_is() {
        for json in [r#"{ "a" : 1.50 }"#, "[ ]", r#""x\u0041""#, "1e999", "true"] {
            assert_eq!(typed(Type::Json, json).unwrap(), Value::Json(json.to_owned()));
        }
        assert_eq!(typed(Type::Json, "null").unwrap(), Value::Null);
    }

    #[test]
    fn json_inside_text_must_be_json() {
        let inner = job::Column { regex: Some(r"^cb\((.*)\)$".to_owned()), ..column("j", ".v", Type::Json) };
        assert_eq!(
            value(inner.clone(), r#""cb( {\"a\": 1} )""#).unwrap(),
            Value::Json(r#"{"a": 1}"#.to_owned())
        );
        assert_eq!(value(inner, r#""cb({)""#).unwrap_err().kind, Kind::Convert);
    }

    #[test]
    fn the_steps_come_in_order() {
        let votes = job::Column {
            regex: Some(r"\$([\d,]+|N/A)".to_owned()),
            nulls: vec!["N/A".to_owned(), "1,0".to_owned()],
            remove: Some(",".to_owned()),
            ..column("votes", ".v", Type::Bigint)
        };
        let of = |json: &str| value(votes.clone(), json);
        assert_eq!(of(r#""$25,000,000 (estimated)""#).unwrap(), Value::Bigint(25_000_000));
        assert_eq!(of(r#""€25""#).unwrap(), Value::Null, "no match");
        assert_eq!(of(r#""$N/A""#).unwrap(), Value::Null, "null after the regex");
        assert_eq!(of(r#""$1,0""#).unwrap(), Value::Null, "null before `remove`");
        assert_eq!(of(r#""$10""#).unwrap(), Value::Bigint(10));
        assert_eq!(of(r#""$,""#).unwrap_err().detail, r#"column votes: "" is not a bigint"#);
    }

    #[test]
    fn a_regex_picks_its_first_group_or_the_whole_match() {
        let picked = |regex: &str| {
            value(job::Column { regex: Some(regex.to_owned()), ..column("t", ".v", Type::Text) }, r#""ab12""#)
                .unwrap()
        };
        assert_eq!(picked(r"\d+"), text("12"));
        assert_eq!(picked(r"([a-z])([a-z])"), text("a"));
        assert_eq!(picked(r"(x)?\d"), Value::Null);
        assert_eq!(picked(r"(?:ab)"), text("ab"));
        assert_eq!(picked("x"), Value::Null);
    }

    #[test]
    fn strip_removes_each_of_its_characters() {
        let stripped = |ty| job::Column { remove: Some("€. ".to_owned()), ..column("n", ".v", ty) };
        assert_eq!(value(stripped(Type::Bigint), r#""€ 1.234""#).unwrap(), Value::Bigint(1234));
        assert_eq!(value(stripped(Type::Text), r#""€ 1.234\t""#).unwrap(), text("1234\t"));
        assert_eq!(value(stripped(Type::Bigint), "12.5").unwrap(), Value::Bigint(125));
    }

    #[test]
    fn nulls_are_compared_with_any_value_as_text() {
        let nulls = ["N/A", "", "-1", "[]"].map(str::to_owned).to_vec();
        for ty in [Type::Text, Type::Json, Type::Bigint] {
            let lenient = job::Column { nulls: nulls.clone(), ..column("n", ".v", ty) };
            for json in [r#""N/A""#, r#""""#, "-1", r#""\u004e/A""#] {
                assert_eq!(value(lenient.clone(), json).unwrap(), Value::Null, "{ty} {json}");
            }
        }
        let lenient = job::Column { nulls, ..column("n", ".v", Type::Text) };
        assert_eq!(value(lenient.clone(), "[ ]").unwrap(), Value::Null);
        assert_eq!(value(lenient, r#"" N/A""#).unwrap(), text(" N/A"));
    }

    #[test]
    fn what_does_not_fit_may_be_null() {
        let lenient = job::Column { on_error: OnError::Null, ..column("n", ".v", Type::Integer) };
        for json in [r#""x""#, "{}", "1e99", "1.5", r#""\ud800""#] {
            assert_eq!(value(lenient.clone(), json).unwrap(), Value::Null, "{json}");
        }
        assert_eq!(value(lenient, "5").unwrap(), Value::Integer(5));
    }

    #[test]
    fn a_column_may_refuse_null() {
        let strict = job::Column { not_null: true, ..column("n", ".v", Type::Integer) };
        for json in ["null", r#""N/A""#] {
            let nulls = vec!["N/A".to_owned()];
            let failure = value(job::Column { nulls, ..strict.clone() }, json).unwrap_err();
            assert_eq!(failure, Failure::lasting(Kind::Null, "column n is null, which it must not be"));
        }
        let lenient = job::Column { on_error: OnError::Null, ..strict };
        assert_eq!(value(lenient, r#""x""#).unwrap_err().kind, Kind::Null);
    }

    #[test]
    fn the_character_that_postgresql_cannot_hold_is_kept_refused_or_replaced() {
        let of = |on_bad_character, ty, json: &str| {
            value(job::Column { on_bad_character, ..column("n", ".v", ty) }, json)
        };
        let (in_text, in_json) = (r#""a\u0000b""#, r#"["a\u0000b", "\\u0000"]"#);
        assert_eq!(of(OnBadCharacter::Keep, Type::Text, in_text).unwrap(), text("a\0b"));
        assert_eq!(of(OnBadCharacter::Replace, Type::Text, in_text).unwrap(), text("a\u{fffd}b"));
        assert_eq!(of(OnBadCharacter::Keep, Type::Json, in_json).unwrap(), Value::Json(in_json.to_owned()));
        let clean = r#"["a\ufffdb", "\\u0000"]"#.to_owned();
        assert_eq!(of(OnBadCharacter::Replace, Type::Json, in_json).unwrap(), Value::Json(clean));
        for (ty, json, shown) in
            [(Type::Text, in_text, r#""a\0b""#), (Type::Json, in_text, r#""\"a\\u0000b\"""#)]
        {
            let failure = of(OnBadCharacter::Fail, ty, json).unwrap_err();
            let hint = "on_bad_character = \"replace\" in the column puts U+FFFD in its place";
            let detail = format!("column n: {shown} has the character U+0000 ({hint})");
            assert_eq!(failure, Failure::lasting(Kind::Convert, detail));
        }
        assert_eq!(
            of(OnBadCharacter::Fail, Type::Json, r#""\\u0000""#).unwrap(),
            Value::Json(r#""\\u0000""#.to_owned())
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_or_fails() {
        let of = |on_bad_character, ty| {
            value(job::Column { on_bad_character, ..column("n", ".v", ty) }, r#""a\ud800\u0000b""#)
        };
        for then in [OnBadCharacter::Keep, OnBadCharacter::Fail] {
            for ty in [Type::Text, Type::Json] {
                assert_eq!(of(then, ty).unwrap_err().kind, Kind::Convert, "{then:?} {ty}");
            }
        }
        assert_eq!(of(OnBadCharacter::Replace, Type::Text).unwrap(), text("a\u{fffd}\u{fffd}b"));
        let json = Value::Json(r#""a\ufffd\ufffdb""#.to_owned());
        assert_eq!(of(OnBadCharacter::Replace, Type::Json).unwrap(), json);
    }

    #[test]
    fn what_becomes_of_nul_comes_last() {
        let strict = job::Column { on_bad_character: OnBadCharacter::Fail, ..column("n", ".v", Type::Text) };
        let json = r#""a\u0000b""#;
        let lenient = job::Column { on_error: OnError::Null, ..strict.clone() };
        assert_eq!(value(lenient, json).unwrap(), Value::Null);
        let stripped = job::Column { remove: Some("\0".to_owned()), ..strict.clone() };
        assert_eq!(value(stripped, json).unwrap(), text("ab"));
        let picked = job::Column { regex: Some("^.".to_owned()), ..strict.clone() };
        assert_eq!(value(picked, json).unwrap(), text("a"));
        let null = job::Column { nulls: vec!["a\0b".to_owned()], ..strict };
        assert_eq!(value(null, json).unwrap(), Value::Null);
        let inner = job::Column { regex: Some(".*".to_owned()), ..column("n", ".v", Type::Json) };
        let inner = job::Column { on_bad_character: OnBadCharacter::Replace, ..inner };
        assert_eq!(value(inner, r#""[\"\\u0000\"]""#).unwrap(), Value::Json(r#"["\ufffd"]"#.to_owned()));
    }

    #[test]
    fn bytes_are_read_as_their_format_says() {
        let of = |format: &str| job::Column {
            format: Some(format.to_owned()),
            nulls: vec!["-".to_owned(), "0".to_owned()],
            ..column("at", ".v", Type::Blob)
        };
        for (format, json, bytes) in [
            ("base64", r#""00ff""#, Value::Blob(vec![0xd3, 0x47, 0xdf])),
            ("hex", r#"" 00ff\n""#, Value::Blob(vec![0, 255])),
            ("base64", r#""YQ\u003d\u003d""#, Value::Blob(b"a".to_vec())),
            ("hex", r#""""#, Value::Blob(vec![])),
            ("hex", r#""-""#, Value::Null),
            ("hex", "0", Value::Null),
            ("base64", "null", Value::Null),
        ] {
            assert_eq!(value(of(format), json).unwrap(), bytes, "{json} as {format}");
        }
        let lenient = job::Column { on_error: OnError::Null, ..of("hex") };
        assert_eq!(value(lenient, "[]").unwrap(), Value::Null);
    }

    #[test]
    fn zones_and_formats_reach_the_clock() {
        let local = job::Column {
            format: Some("%d.%m.%Y %H:%M".to_owned()),
            zone: Some("Asia/Tokyo".to_owned()),
            ..column("at", ".v", Type::Timestamp)
        };
        assert_eq!(value(local, r#"" 01.01.1970 09:01 ""#).unwrap(), Value::Timestamp(60_000_000));
    }
}
