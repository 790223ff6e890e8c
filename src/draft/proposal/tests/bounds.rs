//! Whatever answers are: a proposal is made in no time, and a run can use it.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::support::*;
use crate::draft::{Sample, propose};
use crate::extract::Extracted;
use crate::job::OnBadCharacter;
use crate::value::Value;

/// A proposal that is made quickly, though this code is not optimised here.
fn quick(samples: &[Sample]) -> crate::draft::Proposal {
    let start = Instant::now();
    let proposal = propose(samples, "id", &[]);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    proposal
}

#[test]
fn what_is_large_takes_no_seconds() {
    let keys: Vec<String> = (0..10_000).map(|key| format!("\"key {key}\":{key}")).collect();
    let wide = format!("{{{}}}", keys.join(","));
    let proposal = quick(&samples(&[wide.as_str(); 20]));
    assert_eq!(proposal.columns.len(), 200);
    assert!(proposal.notes[1].starts_with("9800 keys more are no columns: "), "{:?}", proposal.notes);
    let row = r#"{"title":"Ran","year":1985,"votes":"1,071"}"#;
    let long = format!("[{}]", vec![row; 100_000].join(","));
    let proposal = quick(&samples(&[long.as_str(), &long]));
    assert_eq!(proposal.columns.len(), 3);
    let text = format!("{{\"a\":\"{}\",\"b\":1}}", "x".repeat(16 << 20));
    assert_eq!(quick(&samples(&[text.as_str(), &text])).columns.len(), 2);
    let deep = format!("{{\"a\":{}1{},\"b\":2}}", "[".repeat(500), "]".repeat(500));
    let samples = samples(&[deep.as_str()]);
    let proposal = quick(&samples);
    check(&samples, &proposal);
    assert!(proposal.notes[0].starts_with("answers nest 501 deep"), "{:?}", proposal.notes);
    let objects = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    assert_eq!(quick(&[sample("1", 200, &objects)]).columns.len(), 1);
    let folded = format!("{{\"{}\":1}}", "k".repeat(5000));
    assert!(quick(&[sample("1", 200, &folded)]).columns.is_empty());
}

/// Keys as they come, and some that mean something.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "id",
            "data",
            "items",
            "results",
            "error",
            "status",
            "message",
            "next",
            "total",
            "page",
            "attributes",
            "properties",
            "rows",
            "when",
            "ok",
            "missing",
            "cost",
            "limit",
            "url",
            "name",
            "method",
            "body",
            "auth",
            "pages",
            "format",
            "json",
            "form",
            "headers",
            "params",
            "timeout",
            "retry",
            "columns",
            "batch",
            "nulls",
            "proxy",
            "hosts",
            "pipe",
            "cost",
            "on_failure",
            "redirects",
            "idempotent",
            "max_answer",
            "min_success",
            "order",
            "odd key",
            "",
            "24h",
            "and",
            "é",
            "q\"uote",
            "back\\slash",
            "\\(x)",
            "new\nline",
            "'",
            "a.b",
            "Title",
            "TITLE",
            "ti_tle",
        ])
        .prop_map(str::to_owned),
        "[a-c]{1,2}",
        "(?s).{0,6}",
    ]
}

/// JSON as text.
fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "N/A",
            "",
            "-",
            "1,071",
            "12",
            "3.5",
            "$5",
            "142 min",
            "2024-01-31",
            "24 Mar 1972",
            "true",
            "007",
            "1.10",
            "2024-01-31T10:00:00Z",
            "x",
            "unknown",
            "1.5e-07",
            "99999999999999999999",
            "é\u{0}",
            "03/04/2021",
            "5%",
            "1 234",
            "0000-00-00",
            " 7 ",
            "+5",
            "1e5",
            "-0",
            "12 h",
            "9223372036854775808",
        ])
        .prop_map(str::to_owned),
        "(?s).{0,8}",
    ];
    let scalar = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-1",
            "12",
            "1.5",
            "1e3",
            "9007199254740993",
            "18446744073709551615",
            "-0",
            "1e999",
            "0.1234567890123456789",
            r#""\ud800""#,
        ])
        .prop_map(str::to_owned),
        text.prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|all| format!("[{}]", all.join(", "))),
            prop::collection::vec((key(), inner), 0..6).prop_map(|all| object(&all)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let spelled: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{} : {value}", serde_json::to_string(key).unwrap()))
        .collect();
    format!("{{{}}}", spelled.join(","))
}

/// Objects that have much in common, as an API's answers do.
fn alike() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(key(), 1..6).prop_flat_map(|keys| {
        let members = keys.into_iter().map(|key| (Just(key), json())).collect::<Vec<_>>();
        prop::collection::vec(members, 1..8)
            .prop_map(|all| all.iter().map(|members| object(members)).collect())
    })
}

/// Rows of one shape, somewhere in answers.
fn rows() -> impl Strategy<Value = Vec<String>> {
    let around = prop::sample::select(vec![
        ("[", "]"),
        (r#"{"items":["#, "]}"),
        (r#"{"data":{"list":["#, r#"]},"status":"ok"}"#),
        (r#"{"id":7,"total":3,"results":["#, "]}"),
        (r#"{"odd key":["#, r#"],"next":null}"#),
    ]);
    (around, prop::collection::vec(alike(), 1..5)).prop_map(|((open, close), lists)| {
        lists.iter().map(|list| format!("{open}{}{close}", list.join(","))).collect()
    })
}

/// What a plain reading of JSON says of a path, as serde has it.
fn plainly<'j>(json: &'j serde_json::Value, path: &str) -> Option<&'j serde_json::Value> {
    let mut at = json;
    for key in keys_of(path)? {
        at = at.get(&key).unwrap_or(&serde_json::Value::Null);
    }
    Some(at)
}

/// The keys of a path that is nothing but keys.
fn keys_of(path: &str) -> Option<Vec<String>> {
    let mut rest = path;
    let mut keys = Vec::new();
    while let Some(below) = rest.strip_prefix('.').filter(|below| !below.is_empty()) {
        if below.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(below).into_iter::<String>();
            keys.push(stream.next()?.ok()?);
            rest = &below[stream.byte_offset()..];
        } else {
            let end = below.find(['.', '[', '?']).unwrap_or(below.len());
            keys.push(below[..end].to_owned());
            rest = &below[end..];
        }
        rest = rest.strip_prefix('?').unwrap_or(rest);
    }
    (rest.is_empty() || rest == ".").then_some(keys)
}

/// Whether a value of a run is what a plain reading says, where that can be said simply.
fn agrees(value: &Value, plain: &serde_json::Value, nulls: &[&str]) -> bool {
    let number = |text: &str| text.replace(['$', ',', '%', ' '], "").replace("min", "").parse::<f64>().ok();
    let text = match plain {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Null => plain.is_null() || plain.as_str().is_some_and(|text| nulls.contains(&text)),
        Value::Text(found) if plain.is_string() => *found == text,
        Value::Boolean(found) => text.eq_ignore_ascii_case(&found.to_string()),
        Value::Bigint(found) => number(&text) == Some(*found as f64),
        Value::Double(found) => number(&text) == Some(*found),
        Value::Json(found) => {
            serde_json::from_str::<serde_json::Value>(found).is_ok_and(|found| found == *plain)
        }
        // Texts of numbers keep their digits, which serde does not; dates have tests of their own.
        _ => !plain.is_null(),
    }
}

/// Holds a proposal for these answers to its promise.
fn holds(bodies: &[String]) -> Result<(), TestCaseError> {
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let samples = samples(&bodies);
    let proposal = propose(&samples, "id", &["Title".to_owned()]);
    let names: Vec<String> = proposal.columns.iter().map(|column| column.name.to_ascii_lowercase()).collect();
    prop_assert!(!names.iter().any(|name| name == "id" || name == "title"), "{:?}", names);
    check(&samples, &proposal);
    if proposal.rows.is_some() || proposal.columns.is_empty() {
        return Ok(());
    }
    let job = job(&proposal);
    for body in bodies {
        let (Ok(Extracted::Rows(rows)), Ok(plain)) = (extracted(&job, body), serde_json::from_str(body))
        else {
            continue;
        };
        for ((column, value), made) in
            proposal.columns.iter().zip(&rows.values).zip(&job.endpoints[0].columns)
        {
            if made.on_bad_character == OnBadCharacter::Replace {
                continue;
            }
            let Some(plain) = plainly(&plain, &column.from) else { continue };
            let nulls: Vec<&str> = made.nulls.iter().map(String::as_str).collect();
            prop_assert!(
                agrees(value, plain, &nulls),
                "{}: {:?} is not {}\n{}",
                column.name,
                value,
                plain,
                body
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_proposal_reads_the_answers_that_it_was_made_of(bodies in alike()) {
        holds(&bodies)?;
    }

    #[test]
    fn and_their_rows(bodies in rows()) {
        holds(&bodies)?;
    }

    #[test]
    fn and_answers_that_have_nothing_in_common(bodies in prop::collection::vec(json(), 0..5)) {
        holds(&bodies)?;
    }

    #[test]
    fn and_what_is_no_json(bodies in prop::collection::vec(prop_oneof!["(?s).{0,30}", "[ -~]{0,30}", "[<>a-z(){}\\[\\]\",:;\n]{0,20}"], 0..4)) {
        holds(&bodies)?;
    }
}
