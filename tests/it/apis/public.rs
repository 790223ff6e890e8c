//! The jobs of `schemas/public`: each asks the origin in place of the API's host, is turned away at times, and publishes what there is.

use serde_json::{Map, Value};

use super::example;
use crate::support::{Origin, Sandbox, ended};

/// Bytes that a path cannot have as they are.
fn encoded(id: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    id.bytes().map(byte).collect()
}

/// Runs a job with its host mapped to the origin, and gives its rows.
fn rows(sandbox: &Sandbox, origin: &Origin, name: &str, host: &str) -> Vec<Map<String, Value>> {
    example(sandbox, origin, &format!("public/{name}"), &format!("public/{name}.csv"));
    let file = format!("schemas/public/{name}.toml");
    sandbox.edit(&file, &format!("https://{host}/"), &format!("{}/public/{name}/", origin.url()));
    sandbox.edit(&file, &format!("[limit.\"{host}\"]"), &format!("[limit.\"127.0.0.1:{}\"]", origin.port));
    let mut run = sandbox.command(["run", &file]);
    run.env("GITHUB_TOKEN", "made-up-for-this-test").env("OMDB_API_KEY", "made-up-for-that-test");
    ended(run).with_code(0);
    let told = sandbox.run(["query", &file, "FROM rows", "--format", "json"]).with_code(0).stdout;
    serde_json::from_str(&told).unwrap()
}

/// As texts, so that a decimal and the number that it is are one.
fn plain(row: &Map<String, Value>, without: &[&str]) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.trim_end_matches('Z').replace('T', " "),
        Value::Array(_) => value.to_string(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    };
    let number = |text: String| text.parse::<f64>().map_or(text, |number| number.to_string());
    let mut fields: Vec<String> = row
        .iter()
        .filter(|(name, _)| !without.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", number(text(value))))
        .collect();
    fields.sort();
    fields.join(" ")
}

/// Compares the rows of each id with what the origin tells of it; the id is the list's first column.
#[track_caller]
fn holds(name: &str, host: &str, of_list: &[&str], known_as: impl Fn(&Map<String, Value>) -> String) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let found = rows(&sandbox, &origin, name, host);
    let mut found: Vec<(String, String)> =
        found.iter().map(|row| (known_as(row), plain(row, of_list))).collect();
    let list = std::fs::read_to_string(sandbox.path().join(format!("schemas/public/{name}.csv"))).unwrap();
    let header: Vec<&str> = list.lines().next().unwrap().split(',').collect();
    let mut told = Vec::new();
    for line in list.lines().skip(1) {
        let fields = header.iter().map(|name| (*name).to_owned()).zip(line.split(',').map(Value::from));
        let id = known_as(&fields.collect());
        let truth = origin.truth(&format!("public/{name}/{}", encoded(&id)));
        let rows = truth.as_array().unwrap_or_else(|| panic!("{name} {id}: {truth}"));
        told.extend(rows.iter().map(|row| (id.clone(), plain(row.as_object().unwrap(), &[]))));
    }
    found.sort();
    told.sort();
    assert_eq!(found, told);
    assert!(!told.is_empty());
    // The origin turns each away at first but OMDb, which has a quota only: a job gets through all the same.
    let again = sandbox
        .query(&format!("schemas/public/{name}.toml"), "SELECT sum(attempts) > count(*) FROM requests");
    assert_eq!(again, [(name != "omdb").to_string()], "{name} was turned away");
}

/// The id's value in a row.
fn field(name: &'static str) -> impl Fn(&Map<String, Value>) -> String {
    move |row| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned)
}

#[test]
fn crossref() {
    holds("crossref", "api.crossref.org", &["doi"], field("doi"));
}

#[test]
fn github() {
    holds("github", "api.github.com", &["login"], field("login"));
}

#[test]
fn ncbi() {
    holds("ncbi", "eutils.ncbi.nlm.nih.gov", &["pmid"], field("pmid"));
}

#[test]
fn omdb() {
    holds("omdb", "www.omdbapi.com", &["imdb_id"], field("imdb_id"));
}

#[test]
fn open_library() {
    holds("open_library", "openlibrary.org", &["key"], field("key"));
}

#[test]
fn open_meteo() {
    let place = |row: &Map<String, Value>| {
        let degrees = ["latitude", "longitude"].map(|name| match &row[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        degrees.join(" ")
    };
    holds("open_meteo", "api.open-meteo.com", &["place", "latitude", "longitude"], place);
}

#[test]
fn pokeapi() {
    holds("pokeapi", "pokeapi.co", &["name"], field("name"));
}

#[test]
fn pubchem() {
    holds("pubchem", "pubchem.ncbi.nlm.nih.gov", &["name"], field("name"));
}

#[test]
fn each_names_the_page_of_its_limits_and_the_schema() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/public");
    let mut jobs = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&entry).unwrap();
            assert!(text.starts_with("#:schema ../job.schema.json\n\n"), "{}", entry.display());
            assert!(text.contains("Its page \"") && text.contains("\n[limit."), "{}", entry.display());
            assert!(entry.with_extension("csv").is_file(), "{}", entry.display());
            jobs += 1;
        }
    }
    assert_eq!(jobs, 8);
}
