//! Plain paths, conditions and walks mean what they mean to the interpreter.

use proptest::prelude::*;

use super::*;
use crate::extract::expression::{Expression, ParsedAnswer, planted};
use crate::extract::items::Items;
use crate::extract::jq;
use crate::record::Kind;

/// JSON text with odd spacing, escapes, numbers and keys that come twice.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1",
            "-7",
            "1.50",
            "1e3",
            "1E-2",
            "1e999",
            "9007199254740993",
            "123456789012345678901234567890",
            r#""""#,
            r#""a""#,
            r#""\u00e9\n\"\\""#,
            r#""\ud83d\ude00""#,
            r#""N/A""#,
        ])
        .prop_map(str::to_owned),
        "[a-z é]{0,5}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        let space = prop::sample::select(vec!["", " ", "\n\t"]);
        let key =
            prop::sample::select(vec![r#""a""#, r#""b""#, r#""\u0061""#, r#""é""#, r#""""#, r#""c d""#]);
        let elements = prop::collection::vec(inner.clone(), 0..5);
        let entries = prop::collection::vec((key, inner), 0..5);
        prop_oneof![
            (elements, space.clone()).prop_map(|(elements, space)| {
                format!("[{space}{}{space}]", elements.join(&format!("{space},")))
            }),
            (entries, space).prop_map(|(entries, space)| {
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{space}{key}{space}:{value}")).collect();
                format!("{{{}{space}}}", entries.join(","))
            }),
        ]
    })
}

fn plain_path() -> impl Strategy<Value = String> {
    let step = prop::sample::select(vec![
        ".a",
        ".a",
        ".b",
        r#"."é""#,
        r#".[""]"#,
        r#"["c d"]"#,
        "[0]",
        "[1]",
        "[-1]",
        "[-2]",
    ]);
    let step = (step, prop::bool::weighted(0.2)).prop_map(|(step, optional)| {
        let dot = if step.starts_with('[') { " | ." } else { " | " };
        format!("{dot}{step}{}", if optional { "?" } else { "" })
    });
    prop::collection::vec(step, 0..5).prop_map(|steps| format!(".{}", steps.concat()))
}

/// What an expression gives, in the interpreter's spelling.
fn outcome(expression: &Expression, answer: &ParsedAnswer<'_>) -> Result<Option<String>, Kind> {
    let json = expression.value(answer, "x").map_err(|failure| failure.kind)?;
    Ok(json.map(|json| jq::to_json(&jq::parse(&json).unwrap()).unwrap()))
}

fn check(text: &str, paths: &[String]) -> Result<(), TestCaseError> {
    let mut plain: Vec<_> = paths.iter().map(|path| Expression::new(path).unwrap()).collect();
    let trie = planted(plain.iter_mut().map(|plain| plain.plain().expect("a plain path")));
    let answer = ParsedAnswer::read(text, &trie).unwrap();
    for (path, plain) in paths.iter().zip(&plain) {
        let mut interpreted = Expression::new(&format!("({path}), empty")).unwrap();
        assert!(interpreted.plain().is_none());
        prop_assert_eq!(outcome(plain, &answer), outcome(&interpreted, &answer), "{} of {}", path, text);
    }
    Ok(())
}

/// What `rows` gives, in the interpreter's spelling.
fn outcomes(rows: &str, text: &str, is_plain: bool) -> Result<Vec<String>, Kind> {
    let mut items = Items::new(rows, "rows").unwrap();
    assert_eq!(items.plain().is_some(), is_plain, "{rows}");
    let mut itself = Expression::new(".").unwrap();
    let item = planted(itself.plain());
    let whole = planted(items.plain());
    let mut all = Vec::new();
    let visited = items.each(&ParsedAnswer::read(text, &whole).unwrap(), &item, &mut |item| {
        all.extend(outcome(&itself, item).unwrap());
        Ok(())
    });
    visited.map(|()| all).map_err(|failure| failure.kind)
}

/// Paths with up to two `[]` in them.
fn walk() -> impl Strategy<Value = String> {
    let leg = (prop::bool::weighted(0.4), plain_path())
        .prop_map(|(optional, path)| format!("[]{} | {path}", if optional { "?" } else { "" }));
    (plain_path(), prop::collection::vec(leg, 0..3))
        .prop_map(|(first, legs)| std::iter::once(first).chain(legs).collect::<Vec<_>>().join(" | ."))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn walks_mean_what_the_interpreter_means(text in document(), rows in walk()) {
        let interpreted = outcomes(&format!("({rows}), empty"), &text, false);
        prop_assert_eq!(outcomes(&rows, &text, true), interpreted, "{} of {}", rows, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn plain_paths_mean_what_the_interpreter_means(
        text in document(),
        paths in prop::collection::vec(plain_path(), 1..7),
    ) {
        check(&text, &paths)?;
    }
}

fn all_types() -> Vec<job::Column> {
    let decimal = Type::Decimal { precision: 12, scale: 3 };
    let types = [
        Type::Text,
        Type::Boolean,
        Type::Integer,
        Type::Bigint,
        Type::Double,
        decimal,
        Type::Date,
        Type::Timestamp,
        Type::Json,
    ];
    let lenient =
        |(at, ty)| job::Column { on_error: OnError::Null, ..column(&format!("c{at}"), "(.a?)", ty) };
    types.into_iter().enumerate().map(lenient).collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = extract(all_types(), bytes);
    }

    #[test]
    fn broken_json_is_refused(text in document(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = format!("{{\"a\":{text},\"a\":{text}}}").into_bytes();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok();
        let refused = extract(all_types(), &bytes).is_err_and(|failure| failure.kind == Kind::NotJson);
        prop_assert_eq!(refused, !is_json, "{}", String::from_utf8_lossy(&bytes));
    }
}
