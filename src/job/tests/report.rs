//! What people read when a job file is wrong.

use std::error::Error;
use std::path::Path;

use super::super::Job;
use super::{line_of, mistakes_of, parse};

/// Ten mistakes of ten kinds.
const TEN: &str = r#"[job]
name = "films of 2024"
in_flight = 0

[input]
file = "films.xlsx"
id = "imdb_id"

[[endpoint]]
name = "omdb"
url = "https://{host}/x"
parms = { i = "{imdb_id}" }
timeout = "60"

[endpoint.columns]
title = ".Title |"
year = { jq = ".Year", type = "int" }

[limit."www.omdbapi.com"]
rate = "200/fortnight"

[table]
to = "duckdb:films.duckdb"
name = "films"
mode = "upserd"
"#;

#[test]
fn ten_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let found: Vec<(usize, String)> =
        mistakes_of(TEN).into_iter().map(|one| (one.line, one.message)).collect();
    let expected = [
        ("films of 2024", "\"films of 2024\" is no name for a job"),
        ("in_flight", "0 is out of bounds"),
        ("films.xlsx", "the file's ending does not tell its format"),
        ("{host}", "the host is not literal"),
        ("parms", "unknown key `parms` in [[endpoint]]"),
        ("\"60\"", "not a duration: time unit needed, for example 60sec or 60ms"),
        (".Title |", "jq does not parse: expected term, found the end"),
        ("\"int\"", "unknown type \"int\""),
        ("200/fortnight", "unknown time \"fortnight\""),
        ("upserd", "unknown word \"upserd\""),
    ];
    let expected: Vec<(usize, String)> =
        expected.into_iter().map(|(part, message)| (line_of(TEN, part), message.to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_report_quotes_the_lines() {
    let text =
        "[job]\nname = \"films\"\nin_flihgt = 3\n".to_owned() + &TEN[TEN.find("[input]").expect("there")..];
    let text = text.replace("films.xlsx", "films.csv").replace("{host}", "host").replace("parms", "params");
    let text =
        text.replace("\"60\"", "\"60s\"").replace(".Title |", ".Title").replace("\"int\"", "\"integer\"");
    let text = text
        .replace("[limit.\"www.omdbapi.com\"]\nrate = \"200/fortnight\"\n", "")
        .replace("upsert", "appendd");
    let error = parse(&text).expect_err("two mistakes");
    insta::assert_snapshot!(error.render(false), @r#"
    2 mistakes in job file /nowhere/schemas/films.toml

      × unknown key `in_flihgt` in [job]
       ╭─[/nowhere/schemas/films.toml:3:1]
     2 │ name = "films"
     3 │ in_flihgt = 3
       · ─────────
     4 │ [input]
       ╰────
      hint: did you mean `in_flight`?

      × unknown word "upserd"
        ╭─[/nowhere/schemas/films.toml:22:8]
     21 │ name = "films"
     22 │ mode = "upserd"
        ·        ────────
        ╰────
      hint: did you mean `upsert`?
    "#);
    insta::assert_snapshot!(error.to_string(), @r#"
    2 mistakes in job file /nowhere/schemas/films.toml
    line 3, column 1: unknown key `in_flihgt` in [job]
    hint: did you mean `in_flight`?
    line 22, column 8: unknown word "upserd"
    hint: did you mean `upsert`?
    "#);
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
    assert!(error.source().is_none());
}

#[test]
fn every_section_that_lacks_is_named() {
    for text in ["", "\n\n", "# nothing\n", "\u{feff}"] {
        let found: Vec<String> = mistakes_of(text).into_iter().map(|one| one.message).collect();
        let expected = ["endpoint", "input", "table"].map(|name| format!("the job file lacks `{name}`"));
        assert_eq!(found, expected, "{text:?}");
        let report = parse(text).expect_err("empty").render(false);
        assert!(report.contains("lacks `table`") && !report.contains("Failed to read"), "{report}");
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().expect("a directory");
    let refused = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).expect("written");
        }
        let error = Job::load(&path).expect_err(name);
        let report = error.render(false);
        assert!(error.mistakes().is_empty() && report.contains("\nhint: "), "{report}");
        error.to_string().replace(&folder.path().display().to_string(), "")
    };
    let missing = refused("none.toml", None);
    assert!(missing.starts_with("job file /none.toml: cannot be read: No such file"), "{missing}");
    assert!(missing.contains("\nhint: check the path"), "{missing}");
    assert!(refused(".", None).contains("is a directory"));
    assert!(refused("latin1.toml", Some(b"[job]\nname = \"f\xe9lms\"")).contains("is not UTF-8 in line 2"));
    assert!(refused("huge.toml", Some(&vec![b'#'; (16 << 20) + 1])).contains("is larger than 16 MiB"));
}

#[test]
fn load_takes_relative_paths_and_makes_them_absolute() {
    let error = Job::load(Path::new("no-such-job.toml")).expect_err("not there");
    assert!(error.to_string().starts_with("job file /"));
    let folder = tempfile::tempdir().expect("a directory");
    std::fs::write(folder.path().join("films.toml"), super::FILMS).expect("written");
    let job = Job::load(&folder.path().join("films.toml")).expect("valid");
    assert_eq!((job.name.as_str(), job.folder.as_path()), ("films", folder.path()));
}

#[test]
fn very_many_mistakes_and_very_long_lines_stay_readable() {
    let many: String = (0..3000).map(|number| format!("nonsense_{number} = 1\n")).collect();
    let error = parse(&many).expect_err("nonsense");
    assert_eq!(error.mistakes().len(), 3003);
    assert!(error.render(false).contains("3003 mistakes") && error.render(false).len() < 100_000);
    let long = "x".repeat(1 << 20);
    for text in [
        format!("nonsense = \"{long}\""),
        format!("{long} = 1"),
        format!("input = {{ file = \"{long}\", id = 3 }}"),
    ] {
        let report = parse(&text).expect_err("nonsense").render(false);
        assert!(report.len() < 10_000 && report.contains("(line 1, column "), "{} bytes", report.len());
    }
}
