//! Which type values get.

use super::*;

/// The keys that a column of that name and these JSON values gets, and why.
fn told(name: &str, values: &[&str]) -> String {
    let json: Vec<Json<'_>> = values.iter().map(|text| Json::parse(text).unwrap()).collect();
    let seen: Vec<Json<'_>> = json.iter().copied().filter(|value| !value.is_null()).collect();
    let guess = guess(&Seen { words: name.split('_').collect(), values: &seen, of: json.len() });
    let mut keys = guess.reading.keys();
    if !guess.nulls.is_empty() {
        keys.push(format!("nulls = {:?}", guess.nulls));
    }
    let why = guess.reading.because.map(|why| format!(" # {why}"));
    keys.join(", ") + &why.unwrap_or_default()
}

fn texts(name: &str, values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|text| format!("{text:?}")).collect();
    told(name, &quoted.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn json_values() {
    for (values, keys) in [
        (&["1", "2", "null"][..], r#"type = "bigint""#),
        (&["1", "2.5"], r#"type = "double""#),
        (&["1.0", "2.0"], r#"type = "double""#),
        (&["1e3"], r#"type = "double""#),
        (&["true", "null"], r#"type = "boolean""#),
        (&["18446744073709551615"], " # numbers with more digits than `bigint` and `double` keep"),
        (&["9007199254740993", "0.5"], " # numbers with more digits than `bigint` and `double` keep"),
        (&["1e999"], " # numbers with more digits than `bigint` and `double` keep"),
        (&["1700000000"], r#"type = "bigint""#),
        (&["null", "null"], " # null in all 2"),
        (&["[1]", "[]"], r#"type = "json" # a list"#),
        (&[r#"{"a":1}"#, "null"], r#"type = "json""#),
        (&[r#"{"a":1}"#, "5"], r#"type = "json" # values of several kinds"#),
        (&["true", "5"], ""),
        (&["5", "\"6\"", "\"N/A\""], r#"nulls = ["N/A"]"#),
        (&[r#""\ud800""#], r#"on_bad_character = "replace" # a character that no text can hold"#),
    ] {
        let told = told("x", values);
        let expected =
            if keys.starts_with("nulls") { format!("type = \"bigint\", {keys}") } else { keys.to_owned() };
        // Two values among three are too few to be sure of.
        let expected = if values.contains(&"\"6\"") { String::new() } else { expected };
        assert_eq!(told, expected, "{values:?}");
    }
}

#[test]
fn numbers_in_texts() {
    for (values, keys) in [
        (&["8.1", "9", "7.25"][..], r#"type = "double""#),
        (&["1,071", "12", "N/A", "2,000,000"], r#"remove = ",", type = "bigint", nulls = ["N/A"]"#),
        (&["$1,234.50", "$20"], r#"remove = "$,", type = "double" # all in $"#),
        (&["12 €", "1 200 €"], "remove = \"€ \", type = \"double\" # all in €"),
        (&["12%", "3.5%"], r#"remove = "%", type = "double" # all in %"#),
        (
            &["142 min", "90 min", "N/A", "7 min"],
            r#"regex = "^(.+?)(?: min)?$", type = "bigint", nulls = ["N/A"]"#,
        ),
        (&["1,071 km²", "5 km²"], r#"regex = "^(.+?)(?: km²)?$", remove = ",", type = "bigint""#),
        (&["10kg", "2.5kg"], r#"regex = "^(.+?)(?:kg)?$", type = "double""#),
        (&["-5", "0", "12"], r#"type = "bigint""#),
        (&["1972", "1999", "2020"], r#"type = "bigint""#),
        (&["true", "False"], r#"type = "boolean""#),
        (&["1.5e-07", "2.0e-05"], ""),
        (&["$5", "€5"], ""),
        (&["142 min", "2 h"], ""),
        (&["2 Seasons", "1 Season"], ""),
        (&["12A", "14A"], ""),
        (&["5M", "3M"], ""),
        (&["1,5", "2,25"], ""),
        (&["0,123", "1,500"], ""),
        (&["1.071,50"], ""),
        (&["1e5", "2e7"], ""),
        (&["0x1f", "ff"], ""),
        (&["007", "8"], ""),
        (&["+49 30 123", "+49 40 456"], ""),
        (&["1.2.3", "1.2"], ""),
        (&["1.10", "1.2", "1.9"], " # 1.10 is not 1.1 in a version"),
        (&["10115", "20095", "80331", "50667"], " # all have 5 digits: a code?"),
        (&["123456789012", "7"], " # so many digits that they rather name something"),
        (&["N/A", "-"], r#" # only "-", "N/A""#),
        (&["NaN", "Infinity", "1"], ""),
        (&["", "5", "7", "9"], r#"type = "bigint", nulls = [""]"#),
        (&["yes", "no"], ""),
        (&["a@b.c", "d@e.f"], ""),
    ] {
        assert_eq!(texts("x", values), keys, "{values:?}");
    }
    assert_eq!(texts("zip_code", &["1", "20", "300"]), " # digits that by `zip` name something");
    assert_eq!(texts("phone", &["123 456", "7"]), " # digits that by `phone` name something");
    assert_eq!(told("x", &["null", "null", "\"5\""]), "", "one value among three is no kind");
    assert_eq!(told("x", &["\"5\""]), r#"type = "bigint""#);
}

#[test]
fn dates_in_texts() {
    let zoneless = "# without a time zone, so read as UTC: if it is another, add `zone`";
    for (values, keys) in [
        (&["2024-05-31", "1999-01-01"][..], r#"type = "date""#.to_owned()),
        (&["2024-05-31", "0000-00-00"], r#"type = "date", nulls = ["0000-00-00"]"#.to_owned()),
        (&["2024-05-31T10:00:00Z", "2024-05-31T10:00:00.123+02:00"], r#"type = "timestamp""#.to_owned()),
        (&["2024-05-31 10:00:00"], format!(r#"type = "timestamp" {zoneless}"#)),
        (
            &["24 Mar 1972", "1 Jan 2001", "N/A", "4 May 2020"],
            r#"format = "%d %b %Y", type = "date", nulls = ["N/A"]"#.to_owned(),
        ),
        (&["March 24, 1972"], r#"format = "%B %d, %Y", type = "date""#.to_owned()),
        (&["03/04/2021", "13/04/2021"], r#"format = "%d/%m/%Y", type = "date""#.to_owned()),
        (&["03/04/2021", "04/13/2021"], r#"format = "%m/%d/%Y", type = "date""#.to_owned()),
        (&["03.04.2021"], r#"format = "%d.%m.%Y", type = "date""#.to_owned()),
        (
            &["Tue, 16 Jan 2024 15:56:00 GMT"],
            r#"format = "%a, %d %b %Y %H:%M:%S GMT", type = "timestamp""#.to_owned(),
        ),
        (
            &["Tue, 16 Jan 2024 15:56:00 +0100"],
            r#"format = "%a, %d %b %Y %H:%M:%S %z", type = "timestamp""#.to_owned(),
        ),
        (
            &["Wed Oct 10 20:19:24 +0000 2018"],
            r#"format = "%a %b %d %H:%M:%S %z %Y", type = "timestamp""#.to_owned(),
        ),
        (&["03/04/21"], String::new()),
        (&["2024-05"], String::new()),
        (&["10:30"], String::new()),
        (&["PT1H30M"], String::new()),
        (&["13/04/2021", "04/13/2021"], String::new()),
        (&["2024-02-30"], String::new()),
    ] {
        assert_eq!(texts("x", values), keys, "{values:?}");
    }
    let undecided =
        r#" # day or month first? add type = "date" and format = "%d/%m/%Y" or format = "%m/%d/%Y""#;
    assert_eq!(texts("x", &["03/04/2021", "05/06/2021"]), undecided);
    assert_eq!(texts("release_date", &["20240105", "19991231"]), r#"format = "%Y%m%d", type = "date""#);
    assert_eq!(texts("x", &["20240105", "19991231"]), r#"type = "bigint""#);
}

#[test]
fn what_looks_otherwise_is_refused_and_does_not_become_null() {
    let reading = Reading { unit: Some(" min".to_owned()), ..Reading::plain(Type::Bigint) };
    for text in ["1 h 30 min", "12 nmi", "min", "12 sec"] {
        assert!(reading.value(text).is_err(), "{text}");
    }
}
