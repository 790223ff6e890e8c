//! Whether what was printed is what a page says: times, rates, sizes, dates, the ids of runs and processes, the number of shards,
//! what held a run back, and the width of columns may differ; `…` stands for anything within its line, a line that is nothing else for any lines.

use std::sync::LazyLock;

use regex::Regex;

/// What may differ, and what is compared in its place.
const RULES: [(&str, &str); 11] = [
    // A run's id.
    (r"\d{8}T\d{6}-[0-9a-f]{13}", "RUN"),
    // A moment.
    (r"\d{4}-\d\d-\d\d(T| | at )\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC)?", "MOMENT"),
    // A time.
    (r"\b\d+(\.\d+)? (ms|s|min|h|days?)\b( \d+ (s|min|h)\b)*", "TIME"),
    // A rate.
    (r"[\d,]+(\.\d+)?/s\b", "RATE"),
    // A size.
    (r"\b\d+(\.\d+)? (bytes|B|[kMG]i?B)\b", "SIZE"),
    // The attempt in a file's name.
    (r"\.[0-9a-f]{8}\.", ".ATTEMPT."),
    // How many shards there are goes by the cores.
    (r"\b\d+ shards?\b", "SHARDS"),
    (r"^shards +\d+ \(.*\)$", "SHARDS"),
    // A process.
    (r"\bPID \d+", "PID"),
    // A rule below a table's head.
    (r"[─-]{2,}", "--"),
    // What fills a column.
    (r" {2,}", " "),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| RULES.iter().map(|(rule, word)| (Regex::new(rule).unwrap(), *word)).collect());

/// Whether `printed` is what `page` says.
pub fn alike(page: &str, printed: &str) -> bool {
    let (page, printed) = (normal(page), normal(printed));
    lines_alike(&page, &printed)
}

fn normal(text: &str) -> Vec<String> {
    let line = |line: &str| {
        COMPILED.iter().fold(line.trim_end().to_owned(), |line, (rule, word)| {
            rule.replace_all(&line, *word).into_owned()
        })
    };
    // What held a run back, if anything did for long enough to be told, goes by the machine.
    text.trim_end().lines().filter(|line| !line.starts_with("held ")).map(line).collect()
}

fn lines_alike(page: &[String], printed: &[String]) -> bool {
    match page.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any.trim() == "…" => {
            (0..=printed.len()).any(|from| lines_alike(rest, &printed[from..]))
        }
        Some((line, rest)) => {
            printed.first().is_some_and(|first| line_alike(line, first)) && lines_alike(rest, &printed[1..])
        }
    }
}

fn line_alike(page: &str, printed: &str) -> bool {
    let mut parts = page.split('…');
    let Some(mut left) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return left.is_empty() };
    for part in between {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[test]
fn only_what_may_differ_does() {
    for (page, printed) in [
        ("published 3 rows, in 0.2 s", "published 3 rows, in 1 min 3 s"),
        ("run  shards/a/20261123T071500-4f2a9c81d3f60", "run  shards/a/20270101T000000-0000000000000"),
        ("a    b\n───  ──\n1    2", "a      b\n─────  ────\n1      2"),
        ("one\n…\nfour", "one\ntwo\nthree\nfour"),
        ("96/s, 29.0 MB, 2026-11-30 00:00 UTC", "1,200/s, 3 bytes, 2027-01-01 01:02:03 UTC"),
        ("in … parts", "in 8 parts"),
    ] {
        assert!(alike(page, printed), "{page}\n{printed}");
    }
    for (page, printed) in [
        ("published 3 rows", "published 4 rows"),
        ("one\n…\nfour", "one\ntwo"),
        ("one", "one\ntwo"),
        ("", "one"),
        ("in … parts", "in 8 part"),
        ("a … b … c", "a c b"),
    ] {
        assert!(!alike(page, printed), "{page}\n{printed}");
    }
}
