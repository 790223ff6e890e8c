//! The lists job: pages, a condition, a program of its own, kept answers; run from somewhere else, as cron does.

use super::example;
use crate::support::{Origin, Sandbox, ended, published};

/// The lists that the job reads, with their kind.
fn lists(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(sandbox.path().join("schemas/lists.csv")).unwrap();
    let pair = |line: &str| line.split_once(',').map(|(id, kind)| (id.to_owned(), kind.to_owned()));
    text.lines().skip(1).filter_map(pair).collect()
}

#[test]
fn lists_are_read_to_their_end_and_long_ones_have_notes() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "lists", "lists.csv");
    sandbox.write("schemas/words.py", include_str!("../../../schemas/words.py"));
    let from_elsewhere = |arguments: [&str; 2]| {
        let mut command = sandbox.command(arguments);
        command.current_dir("/").arg("--runs").arg(sandbox.path().join("shards"));
        ended(command).with_code(0)
    };
    from_elsewhere(["run", job.to_str().unwrap()]);
    let database = sandbox.path().join("lists.duckdb");
    let rows =
        || published(&database, "SELECT concat_ws('|', item, total, words, often) FROM lists ORDER BY item");
    let first = rows();
    let mut items: Vec<String> = Vec::new();
    for (list, _) in lists(&sandbox) {
        let total = origin.truth(&format!("lists/{list}")).as_u64().unwrap_or(0);
        items.extend((1..=total).map(|number| format!("{list}-{number}|{total}")));
    }
    items.sort();
    let mut found: Vec<String> =
        first.iter().map(|row| row.splitn(3, '|').take(2).collect::<Vec<_>>().join("|")).collect();
    found.sort();
    assert_eq!(found, items);
    let wrong = "SELECT count(*) FROM lists WHERE (kind = 'long') <> (words IS NOT NULL)";
    assert_eq!(published(&database, wrong), ["0"]);
    let longs = lists(&sandbox).iter().filter(|(_, kind)| kind == "long").count() as u64;
    let asked = origin.counts();
    assert_eq!(asked["by_endpoint"]["texts"]["total"].as_u64(), Some(longs), "only of the long ones");

    // Another question to the same answers.
    sandbox.edit("schemas/lists.toml", "jq = \".words\"", "jq = \".words * 2\"");
    from_elsewhere(["extract", "lists"]).saying("no request");
    from_elsewhere(["merge", "lists"]);
    assert_eq!(origin.counts()["total"], asked["total"], "nobody was asked");
    assert_eq!(rows().len(), first.len());
    assert_ne!(rows(), first);
}
