//! The request that curl itself sends, beside the one that the drafted job sends.

use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::support::{Origin, Sandbox};

/// Commands, HOST standing for the origin's address; each asks about `tt0111161`. The origin answers with the request.
const COMMANDS: &[&str] = &[
    "curl http://HOST/echo/tt0111161",
    "curl -s 'http://HOST/echo/films/tt0111161?plot=full&r=json' | jq .",
    "curl 'http://HOST/echo/x?q=a+b&i=tt0111161&q=c%20d'",
    "curl -G http://HOST/echo/search -d i=tt0111161 --data-urlencode 'q=a b&c'",
    "curl http://HOST/echo/a%2Fb/tt0111161.json",
    "curl 'http://HOST/echo/tt0111161' -H 'Accept: application/vnd.x+json; version=2' -H 'X-Trace: {a}'",
    "curl http://HOST/echo/tt0111161 -H 'Authorization: Bearer abc.def-ghi'",
    "curl http://HOST/echo/tt0111161 -H 'Authorization: Token token=\"x y\"'",
    "curl -u 'me:pass:word' http://HOST/echo/tt0111161",
    "curl -u sk_live_0123456789abcdef: http://HOST/echo/tt0111161",
    "curl http://me:secret@HOST/echo/tt0111161",
    "curl -b 'session=0123456789; theme=dark' http://HOST/echo/tt0111161",
    "curl -A 'probe/1.0' -e http://example.com/ http://HOST/echo/tt0111161",
    "curl -X POST http://HOST/echo/q --json '{\"film\": {\"id\": \"tt0111161\", \"n\": 7}, \"on\": true, \"tags\": [\"a\", 1.5]}'",
    "curl http://HOST/echo/q -H 'content-type: application/json' -d '{\"query\":\"query { film(id: \\\"tt0111161\\\") { title } }\"}'",
    "curl http://HOST/echo/q -H 'content-type: application/json' --data-raw '{\"id\":\"tt0111161\",\"none\":null}'",
    "curl http://HOST/echo/q -d id=tt0111161 -d 'note=a b' --data-urlencode 'x=a&b'",
    "curl http://HOST/echo/q -d 'id=tt0111161&tag=a&tag=b'",
    "curl -X PUT http://HOST/echo/q -H 'Content-Type: text/plain' --data-binary $'id: tt0111161\\nline \\'two\\''",
    "curl -X DELETE 'http://HOST/echo/films/tt0111161'",
    "curl 'http://HOST/echo/tt0111161?api_key=0123456789abcdef&empty=&flag'",
    "curl \"http://HOST/echo/tt0111161?x=%7Bid%7D&y={z}\" -g",
    "curl http://HOST/echo/tt0111161 -H 'X-Api-Key: 0123456789' --compressed -L -k -m 20 --connect-timeout 5 --retry 3",
    "curl 'http://HOST/echo/tt0111161?q=J%C3%B6rg&r=a:b,c;d'",
];

/// What came, without what is a client's own.
fn comparable(echo: &Value) -> (Value, Value, Vec<(String, String)>, String) {
    let own = ["host", "user-agent", "accept", "accept-encoding", "content-length", "connection"];
    let headers = echo["headers"].as_object().unwrap().iter();
    let headers = headers.filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let text = echo["body"].as_str().unwrap_or_default().to_owned();
    // The order of members and blanks between them are no part of what JSON says.
    let text = serde_json::from_str::<Value>(&text).map_or(text, |value| value.to_string());
    // Braces may stand in no URL (RFC 3986): curl sends them, where it is told to.
    let target = echo["target"].as_str().unwrap().replace('{', "%7B").replace('}', "%7D");
    (echo["method"].clone(), target.into(), headers, text)
}

/// What a person is shown, with the secrets in it that are not shown.
fn unmasked(sandbox: &Sandbox, shown: Value) -> Value {
    let secrets = std::fs::read_to_string(sandbox.path().join("all.env")).unwrap_or_default();
    let with_secrets = |text: String| {
        secrets.lines().fold(text, |text, line| {
            let (name, value) = line.split_once('=').unwrap();
            text.replace(&format!("${{{name}}}"), value.trim_matches('\''))
        })
    };
    match shown {
        Value::String(text) => with_secrets(text).into(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, unmasked(sandbox, value))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| unmasked(sandbox, item)).collect(),
        other => other,
    }
}

/// Of basic authentication the password alone is shown, in the place of all: where that is what was sent, all of it.
fn with_user(mut ours: Value, theirs: &Value) -> Value {
    let basic =
        |echo: &Value| echo["headers"]["authorization"].as_str()?.strip_prefix("Basic ").map(str::to_owned);
    if let (Some(password), Some(sent)) = (basic(&ours), basic(theirs)) {
        let sent = String::from_utf8(BASE64_STANDARD.decode(sent).unwrap()).unwrap();
        let is_whole = sent.trim_end_matches(':').ends_with(&password);
        assert!(is_whole, "{password} is not the end of {sent}");
        ours["headers"]["authorization"] = theirs["headers"]["authorization"].clone();
    }
    ours
}

#[test]
fn the_job_asks_what_curl_asks() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write("ids.csv", "imdb_id\ntt0000001\ntt0111161\n");
    let host = origin.url().trim_start_matches("http://").to_owned();
    for (number, command) in COMMANDS.iter().enumerate() {
        let command = command.replace("HOST", &host);
        let shell = Command::new("bash").args(["-c", &format!("{command} -s")]).output().unwrap();
        let shell = if command.contains("| jq") {
            Command::new("bash").args(["-c", command.split('|').next().unwrap()]).output().unwrap()
        } else {
            shell
        };
        let theirs: Value =
            serde_json::from_slice(&shell.stdout).unwrap_or_else(|_| panic!("{command}: {shell:?}"));
        let name = format!("job{number}");
        let words = [
            "init",
            &name,
            "--from-curl",
            &command,
            "--ids",
            "ids.csv",
            "--sample",
            "0",
            "--env-file",
            "all.env",
        ];
        let init = sandbox.run(words).with_code(0);
        assert!(!init.stderr.contains("not understood"), "{command}: {}", init.stderr);
        let file = format!("{name}.toml");
        let check = ["check", &file, "--ids", "tt0111161", "--format", "json", "--env-file", "all.env"];
        let check = if sandbox.path().join("all.env").exists() { &check[..] } else { &check[..6] };
        let told: Value = serde_json::from_str(&sandbox.run(check).with_code(0).stdout).unwrap();
        let ours = unmasked(&sandbox, told["records"][0]["endpoints"][0]["rows_made"][0]["answer"].clone());
        let ours = with_user(ours, &theirs);
        let job = std::fs::read_to_string(sandbox.path().join(&file)).unwrap();
        assert_eq!(comparable(&ours), comparable(&theirs), "{command}\n{job}");
    }
    let _ = std::fs::remove_file(sandbox.path().join("all.env"));
}
