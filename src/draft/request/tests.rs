//! Requests as endpoints, from commands that are given as they were read.

use std::path::Path;

use super::*;
use crate::job::{Job, toml_text};
use crate::plan::{PeekedList, peek_list};

/// A list, looked into.
fn list(csv: &str) -> PeekedList {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ids.csv"), csv).unwrap();
    let text = "input.file = \"ids.csv\"\ninput.id = \"x\"\n[[endpoint]]\nurl = \"http://h/{x}\"\ncolumns = { a = \".\" }\n\
                [table]\nto = \"duckdb:x\"\n[job]\nname = \"x\"";
    let job = Job::parse(text.to_owned(), &folder.path().join("x.toml")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(peek_list(&job, folder.path())).unwrap()
}

fn get(url: &str) -> CurlCommand {
    CurlCommand { method: "GET".to_owned(), url: url.to_owned(), ..CurlCommand::default() }
}

fn with_headers(command: CurlCommand, headers: &[(&str, &str)]) -> CurlCommand {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    CurlCommand { headers, ..command }
}

fn post(url: &str, content_type: &str, body: &str) -> CurlCommand {
    let command = CurlCommand { method: "POST".to_owned(), body: Some(body.to_owned()), ..get(url) };
    with_headers(command, &[("Content-Type", content_type)])
}

/// The lines of the endpoint, and the id's column.
fn drafted(command: CurlCommand, csv: &str) -> (Vec<String>, String) {
    let list = list(csv);
    let mut request = RequestDraft::of(command).unwrap();
    if !request.take_named(&list.columns) {
        let candidates = request.candidates(&list).unwrap();
        request.ask_about(&list, candidates.first().expect("a candidate")).unwrap();
    }
    request.hide_secrets("films");
    let lines: Vec<String> = request.lines().into_iter().map(|line| line.text).collect();
    let id = request.found().unwrap().column.clone();
    is_valid(&lines, &id);
    (lines, id)
}

/// The lines make an endpoint.
fn is_valid(lines: &[String], id: &str) {
    let text = format!(
        "[input]\nfile = \"ids.csv\"\nid = {}\n[[endpoint]]\n{}\ncolumns = {{ a = \".\" }}\n[table]\nto = \"duckdb:x\"\n",
        toml_text(id),
        lines.join("\n")
    );
    if let Err(error) = Job::parse(text.clone(), Path::new("/films.toml")) {
        panic!("{}\n{text}", error.render(false));
    }
}

const FILMS: &str = "imdb_id,country\ntt0000001,US\ntt0111161,DE\n7,FR\n";

#[test]
fn the_id_is_found_wherever_it_stands() {
    let (lines, id) = drafted(get("https://api.example.com/t/tt0111161"), FILMS);
    assert_eq!(
        (lines, id.as_str()),
        (vec!["url = \"https://api.example.com/t/{imdb_id}\"".to_owned()], "imdb_id")
    );
    let (lines, _) = drafted(get("https://api.example.com/?i=tt0111161&plot=full&country=DE"), FILMS);
    assert_eq!(
        lines,
        [
            "url = \"https://api.example.com/\"",
            "params = { i = \"{imdb_id}\", plot = \"full\", country = \"{country}\" }"
        ]
    );
    let (lines, _) = drafted(get("https://api.example.com/t/tt0111161.json?a=1&a=2"), FILMS);
    assert_eq!(lines, ["url = \"https://api.example.com/t/{imdb_id}.json?a=1&a=2\""]);
    let (lines, _) =
        drafted(with_headers(get("https://api.example.com/t"), &[("X-Film", "tt0111161")]), FILMS);
    assert_eq!(lines, ["url = \"https://api.example.com/t\"", "headers = { x-film = \"{imdb_id}\" }"]);
    let (lines, _) = drafted(get("https://api.example.com/v7/7/credits?page=7"), FILMS);
    assert_eq!(
        lines,
        ["url = \"https://api.example.com/v7/{imdb_id}/credits\"", "params = { page = \"7\" }"]
    );
    let (lines, id) = drafted(get("https://api.example.com/{imdb_id}/x?c={country}"), FILMS);
    assert_eq!(lines, ["url = \"https://api.example.com/{imdb_id}/x\"", "params = { c = \"{country}\" }"]);
    assert_eq!(id, "imdb_id");
}

#[test]
fn a_column_of_whole_urls_is_asked_as_it_stands() {
    let csv = "n,page\n1,https://a.example/x?y=1\n2,https://b.example/\n";
    let (lines, id) = drafted(get("https://b.example/"), csv);
    assert_eq!((lines, id.as_str()), (vec!["url = \"{page:url}\"".to_owned()], "page"));
}

#[test]
fn what_is_encoded_stays_so_or_is_encoded_again() {
    let csv = "name,n\nBjörk Gu,1\na/b,2\n";
    let (lines, _) = drafted(get("https://api.example.com/artists/Bj%C3%B6rk%20Gu?fmt=json"), csv);
    assert_eq!(lines, ["url = \"https://api.example.com/artists/{name}\"", "params = { fmt = \"json\" }"]);
    let (lines, _) = drafted(get("https://api.example.com/x,y/a%2Fb?q=a+b,c&{z}"), csv);
    assert_eq!(lines, ["url = \"https://api.example.com/x,y/{name}?q=a+b,c&{{z}}\""]);
}

#[test]
fn what_is_sent_is_json_a_form_or_a_text() {
    let body = r#"{"film":{"id":"tt0111161","n":7,"on":true},"tags":["a{b}",1.5]}"#;
    let (lines, _) = drafted(post("https://h/q", "application/json; charset=utf-8", body), FILMS);
    assert_eq!(
        lines,
        [
            "url = \"https://h/q\"",
            "json = { film = { id = \"{imdb_id}\", n = 7, on = true }, tags = [\"a{{b}}\", 1.5] }"
        ]
    );
    let (lines, _) =
        drafted(post("https://h/q", "application/x-www-form-urlencoded", "id=tt0111161&x=a+b"), FILMS);
    assert_eq!(lines, ["url = \"https://h/q\"", "form = { id = \"{imdb_id}\", x = \"a b\" }"]);
    // TOML knows no null.
    let (lines, _) =
        drafted(post("https://h/q", "application/json", r#"{"id":"tt0111161","x":null}"#), FILMS);
    assert_eq!(
        lines,
        [
            "url = \"https://h/q\"",
            "headers = { content-type = \"application/json\" }",
            r#"body = '{{"id":"{imdb_id}","x":null}}'"#
        ]
    );
}

#[test]
fn an_id_that_is_sent_as_a_number_stays_one() {
    let list = list("n\n4711\n");
    let mut request = RequestDraft::of(post("https://h/q", "application/json", r#"{"id":4711}"#)).unwrap();
    let candidate = request.candidates(&list).unwrap().remove(0);
    request.ask_about(&list, &candidate).unwrap();
    assert_eq!(request.numbers(), ["n"]);
}

#[test]
fn no_line_has_a_secret() {
    let mut command = with_headers(
        get("https://h/t/tt0111161?apikey=geheim123&plot=full"),
        &[
            ("Authorization", "Bearer geheim456"),
            ("X-Api-Key", "geheim789"),
            ("Cookie", "session=geheim000"),
            ("Accept", "application/json"),
        ],
    );
    command.variables = vec![("OMDB".to_owned(), "geheim123".to_owned())];
    let (lines, _) = drafted(command, FILMS);
    assert_eq!(
        lines,
        [
            "url = \"https://h/t/{imdb_id}\"",
            "params = { apikey = \"${OMDB}\", plot = \"full\" }",
            "auth = { bearer = \"${FILMS_TOKEN}\" }",
            "headers = { x-api-key = \"${FILMS_API_KEY}\", cookie = \"${FILMS_COOKIE}\", accept = \"application/json\" }",
        ]
    );
    let user = |user: &str, password: &str| CurlCommand {
        user: Some((user.to_owned(), password.to_owned())),
        ..get("https://h/t/tt0111161")
    };
    let (lines, _) = drafted(user("me", "geheim"), FILMS);
    assert_eq!(lines[1], "auth = { basic = \"me:${FILMS_PASSWORD}\" }");
    let (lines, _) = drafted(user("sk_live_geheim", ""), FILMS);
    assert_eq!(lines[1], "auth = { basic = \"${FILMS_TOKEN}:\" }");
    let proxied = CurlCommand {
        proxy: Some("http://me:gehe%40im@proxy:3128".to_owned()),
        ..get("https://h/t/tt0111161")
    };
    let (lines, _) = drafted(proxied, FILMS);
    assert_eq!(lines[1], "proxy = \"http://me:${FILMS_PROXY_PASSWORD}@proxy:3128\"");
    let (lines, _) =
        drafted(with_headers(get("https://h/t/tt0111161"), &[("Authorization", "Token geheim")]), FILMS);
    assert_eq!(lines[1], "headers = { authorization = \"Token ${FILMS_TOKEN}\" }");
}

/// What TOML or a form of a job cannot say is sent as a text; the secrets in it have names all the same.
#[test]
fn no_text_that_is_sent_has_a_secret() {
    let body = r#"{"id":"tt0111161","none":null,"login":{"password":"ge\"heim","user":"me"}}"#;
    let (lines, _) = drafted(post("https://h/q", "application/json", body), FILMS);
    assert_eq!(
        lines[2],
        r#"body = '{{"id":"{imdb_id}","none":null,"login":{{"password":"${FILMS_PASSWORD}","user":"me"}}}}'"#
    );
    let form = "id=tt0111161&tag=a&tag=b&api_key=0123456789";
    let (lines, _) = drafted(post("https://h/q", "application/x-www-form-urlencoded", form), FILMS);
    assert_eq!(lines[2], "body = \"id={imdb_id}&tag=a&tag=b&api_key=${FILMS_API_KEY}\"");
    let mut request = RequestDraft::of(post("https://h/q", "text/xml", "<password>x</password>")).unwrap();
    request.hide_secrets("films");
    assert!(request.is_plain_text());
}

#[test]
fn headers_of_one_name_are_one() {
    let headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1"), ("Cookie", "b=2")];
    let (lines, _) = drafted(with_headers(get("https://h/t/tt0111161"), &headers), FILMS);
    assert_eq!(lines[1], "headers = { x-a = \"1, 2\", cookie = \"${FILMS_COOKIE}\" }");
}

#[test]
fn headers_of_one_request_alone_are_left_out() {
    let command = with_headers(
        get("https://h/t/tt0111161"),
        &[("If-None-Match", "\"x\""), ("Idempotency-Key", "1"), ("X", "y")],
    );
    let request = RequestDraft::of(command).unwrap();
    assert_eq!(request.left_out(), ["If-None-Match", "Idempotency-Key"]);
}

#[test]
fn what_is_no_url_of_http_is_told() {
    for url in ["ftp://h/x", "https://", "x y", "file:///etc/passwd"] {
        assert!(RequestDraft::of(get(url)).is_err(), "{url}");
    }
}
