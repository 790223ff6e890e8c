//! Requests and lists of many kinds.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Origin, Sandbox, film_ids, published};

/// A list of films, and the origin that knows them.
fn films(count: usize) -> (Sandbox, Origin, Vec<String>) {
    let (sandbox, origin, ids) = (Sandbox::new(), Origin::start(&[]), film_ids(count));
    sandbox.write("ids.csv", format!("imdb_id\n{}\n", ids.join("\n")));
    (sandbox, origin, ids)
}

fn text(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.path().join(name)).unwrap()
}

#[test]
fn a_url_and_a_list_become_a_job_that_runs() {
    let (sandbox, origin, ids) = films(300);
    let url = format!("{}/?i={}", origin.url(), ids[40]);
    let init = sandbox.run(["init", "films", &url, "--ids", "ids.csv"]).with_code(0);
    init.saying(&format!("{} is column imdb_id of ids.csv", ids[40]))
        .saying("asking  20 of 300 ids")
        .saying("next: windrow check films.toml");
    assert_eq!(origin.counts()["total"], 20, "each was asked once");
    sandbox.run(["check", "films"]).with_code(0);
    // What twenty answers suggest fits all.
    sandbox.run(["run", "films"]).with_code(0).saying("published 300 rows");
    let table = published(
        &sandbox.path().join("films.duckdb"),
        "SELECT count(*), count(DISTINCT imdb_id), count(title), min(year) > 1900, max(imdb_votes) > 1000 FROM films",
    );
    assert_eq!(table.len(), 1);
    let unknown = ids
        .iter()
        .step_by(9)
        .map(|id| (id.clone(), r#"{"Response":"False","Error":"Incorrect IMDb ID."}"#.into()));
    let unknown: serde_json::Map<String, serde_json::Value> = unknown.collect();
    origin.knobs(&serde_json::json!({ "body_ids": unknown }).to_string());
    sandbox.run(["init", "known", &url, "--ids", "ids.csv", "--sample", "100"]).with_code(0);
    let job = text(&sandbox, "known.toml");
    assert!(job.contains("missing = '.Response == \"False\"'"), "{job}");
    sandbox.run(["run", "known"]).with_code(0).saying("known     265       35 ");
    assert!(sandbox.path().join("job.schema.json").is_file());
}

#[test]
fn a_job_in_schemas_finds_its_list_and_its_database() {
    let (sandbox, origin, ids) = films(5);
    std::fs::create_dir(sandbox.path().join("schemas")).unwrap();
    let url = format!("{}/?i={}", origin.url(), ids[0]);
    sandbox
        .run(["init", "films", &url, "--ids", "ids.csv"])
        .with_code(0)
        .saying("wrote   schemas/films.toml");
    let job = text(&sandbox, "schemas/films.toml");
    assert!(
        job.contains("file = \"../ids.csv\"") && job.contains("to = \"duckdb:../films.duckdb\""),
        "{job}"
    );
    sandbox.run(["run", "films"]).with_code(0);
    assert!(sandbox.path().join("films.duckdb").is_file());
}

#[test]
fn nobody_is_asked_after_the_first_429() {
    let (sandbox, origin, ids) = films(100);
    origin.knobs(r#"{"rate_429": 1.0}"#);
    let url = format!("{}/?i={}", origin.url(), ids[0]);
    let init = sandbox.run(["init", "films", &url, "--ids", "ids.csv"]).with_code(0);
    init.saying("too many requests");
    assert_eq!(origin.counts()["total"], 1);
    assert!(sandbox.path().join("films.toml").is_file());
}

#[test]
fn nothing_is_proposed_from_answers_that_break_off() {
    let (sandbox, origin, ids) = films(5);
    origin.knobs(r#"{"rate_truncate": 1.0}"#);
    let url = format!("{}/?i={}", origin.url(), ids[0]);
    let init = sandbox.run(["init", "films", &url, "--ids", "ids.csv"]).with_code(0);
    init.saying("no answer about").saying("no columns yet");
}

#[test]
fn what_may_change_something_asks_nobody_unless_told() {
    let (sandbox, origin, ids) = films(9);
    let curl = format!("curl -X POST '{}/echo/{}' --json '{{\"a\": 1}}'", origin.url(), ids[0]);
    let init = sandbox.run(["init", "films", "--from-curl", &curl, "--ids", "ids.csv"]).with_code(0);
    init.saying("nobody was asked: a POST may change something there").saying("--sample 20");
    assert_eq!(origin.counts()["total"], 0);
    let form = format!("curl {}/echo/{} -F a=b", origin.url(), ids[0]);
    let init = sandbox.run(["init", "form", "--from-curl", &form, "--ids", "ids.csv"]).with_code(0);
    init.saying("not understood, and left out: -F a=b").saying("the request may be another");
    assert_eq!(origin.counts()["total"], 0);
    let init = sandbox.run(["init", "again", "--from-curl", &curl, "--ids", "ids.csv", "--sample", "3"]);
    init.with_code(0).saying("asking  3 of 9 ids");
    assert_eq!(origin.counts()["total"], 3);
}

#[test]
fn secrets_go_to_a_file_of_ones_own_and_nowhere_else() {
    let (sandbox, origin, ids) = films(9);
    let url = format!("{}/?i={}&apikey=geheim-1234", origin.url(), ids[0]);
    let words = ["init", "films", &url, "--ids", "ids.csv", "--env-file", "films.env"];
    let init = sandbox.run(words).with_code(0);
    assert!(!init.stderr.contains("geheim"), "{}", init.stderr);
    let init = init.saying("apikey is ${FILMS_APIKEY}, in films.env");
    init.saying("next: windrow check films.toml --env-file films.env");
    assert!(!text(&sandbox, "films.toml").contains("geheim"));
    assert_eq!(text(&sandbox, "films.env"), "FILMS_APIKEY=geheim-1234\n");
    let mode = sandbox.path().join("films.env").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    sandbox.run(["run", "films", "--env-file", "films.env"]).with_code(0);
    assert_eq!(origin.counts()["total"], 18);
    std::fs::remove_file(sandbox.path().join("films.env")).unwrap();
    // Without a file they are told, and asked with all the same.
    let init = sandbox.run(["init", "other", &url, "--ids", "ids.csv"]).with_code(0);
    init.saying("apikey is ${OTHER_APIKEY}, not kept: set it by");
    sandbox.run(["run", "other"]).with_code(2).saying("OTHER_APIKEY");
}

#[test]
fn nothing_is_written_where_something_is_wrong() {
    let (sandbox, origin, ids) = films(9);
    let url = format!("{}/?i={}", origin.url(), ids[0]);
    let elsewhere = format!("{}/films/tt99", origin.url());
    let secret = format!("{elsewhere}?apikey=geheim-1");
    for (words, said) in [
        (&["init", "films", &url][..], "which ids?"),
        (&["init", "films", &url, "--ids", "none.csv"], "none.csv"),
        (&["init", "films", &elsewhere, "--ids", "ids.csv"], "--example tt99"),
        (&["init", "films", &secret, "--ids", "ids.csv"], "apikey         (secret)"),
        (
            &["init", "films", &elsewhere, "--ids", "ids.csv", "--example", "tt98"],
            "stands nowhere in the request",
        ),
        (&["init", "films", &url, "--ids", "ids.csv", "--id", "title"], "it has imdb_id"),
        (&["init", "films", "ftp://x/y", "--ids", "ids.csv"], "HTTP"),
        (&["init", "films", "--from-curl", "wget x", "--ids", "ids.csv"], "hint: "),
        (&["init", "films", "--from-curl", "", "--ids", "ids.csv"], "hint: "),
        (&["init", "films", "--ids", "ids.csv"], "no curl command on standard input"),
    ] {
        let ended = sandbox.run(words).with_code(2).saying(said);
        assert!(!sandbox.path().join("films.toml").exists(), "{words:?}: {}", ended.stderr);
    }
    assert_eq!(origin.counts()["total"], 0);
}

#[test]
fn the_user_in_a_url_asks_and_its_password_is_no_line_of_the_job() {
    let (sandbox, origin, ids) = films(3);
    let url = format!("{}/echo/{}#top", origin.url().replace("://", "://me:geheim%21@"), ids[0]);
    let words = ["init", "films", &url, "--ids", "ids.csv", "--env-file", "films.env"];
    sandbox.run(words).with_code(0).saying("3 × 200");
    let job = text(&sandbox, "films.toml");
    assert!(job.contains("auth = { basic = \"me:${FILMS_PASSWORD}\" }") && !job.contains('@'), "{job}");
    assert_eq!(text(&sandbox, "films.env"), "FILMS_PASSWORD=geheim!\n");
    std::fs::remove_file(sandbox.path().join("films.env")).unwrap();
}

#[test]
fn what_stands_for_the_id_can_be_said() {
    let (sandbox, origin, _) = films(9);
    let elsewhere = format!("{}/?i=tt99999", origin.url());
    let words = ["init", "films", &elsewhere, "--ids", "ids.csv", "--example", "tt99999"];
    sandbox.run(words).with_code(0).saying("9 × 200");
    let named = format!("{}/?i={{imdb_id}}", origin.url());
    sandbox.run(["init", "named", &named, "--ids", "ids.csv"]).with_code(0).saying("9 × 200");
    let job = |name: &str| text(&sandbox, name).split("\n[[endpoint]]").nth(1).unwrap().to_owned();
    assert_eq!(job("films.toml").replace("films.duckdb", ""), job("named.toml").replace("named.duckdb", ""));
}

#[test]
fn a_server_that_is_not_there_is_told_and_the_job_is_written() {
    let (sandbox, _, ids) = films(9);
    let url = format!("http://127.0.0.1:{}/?i={}", crate::support::free_port(), ids[0]);
    let init = sandbox.run(["init", "films", &url, "--ids", "ids.csv"]).with_code(0);
    init.saying("Connection refused").saying("no columns yet");
    sandbox.run(["plan", "films"]).with_code(0);
}

#[test]
fn a_list_with_ids_twice_without_a_header_or_of_whole_urls() {
    let (sandbox, origin, ids) = films(4);
    let url = format!("{}/?i={}", origin.url(), ids[0]);
    sandbox.write("twice.csv", format!("imdb_id\n{0}\n{1}\n{0}\n", ids[0], ids[1]));
    sandbox.run(["init", "twice", &url, "--ids", "twice.csv"]).with_code(0).saying("2 × 200");
    sandbox.run(["run", "twice"]).with_code(0).saying("published 2 rows");
    sandbox.write("lines", ids.join("\n"));
    sandbox.run(["init", "of_lines", &url, "--ids", "lines"]).with_code(0).saying("4 × 200");
    sandbox.run(["run", "of_lines"]).with_code(0).saying("published 4 rows");
    let urls: Vec<String> = ids.iter().map(|id| format!("{}/?i={id}", origin.url())).collect();
    sandbox.write("urls.csv", format!("n,page\n1,{}\n", urls.join("\n1,")));
    sandbox.run(["init", "urls", &urls[2], "--ids", "urls.csv"]).with_code(0).saying("4 × 200");
    assert!(text(&sandbox, "urls.toml").contains("url = \"{page:url}\""));
    sandbox.run(["run", "urls"]).with_code(0).saying("published 4 rows");
}
