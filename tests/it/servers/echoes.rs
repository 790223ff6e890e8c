//! Servers that repeat the secrets they are asked with, in every way and in every place: what becomes of a run, and that nothing
//! of it shows one. The [sandbox](crate::support::canaries) looks for them: in each stream, and in each file that is left.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::raw::{Raw, http};
use crate::postgres_server;
use crate::support::processes::{children_of, kill_9, until};
use crate::support::{Sandbox, canaries, published, wait};

/// What every place is given. It is another text in each spelling.
const CANARY: &str = "Kn4ry/s3+cr=et&7x";

/// What the server gives for it, where it gives tokens.
const ACCESS: &str = "Acc3ss/t0k+en=of-1";
const ROTATED: &str = "Rotat3d/t0k+en=of-2";

type Place = (&'static str, &'static str, &'static str);

/// Where a secret may stand in a job: the name, what stands before the endpoints, and what in one. `URL` is the server's.
const PLACES: [Place; 12] = [
    ("header", "", "headers = { x-key = \"Key ${CANARY}\" }"),
    ("cookie", "", "headers = { cookie = \"session=${CANARY}\" }"),
    ("query", "", "params = { key = \"${CANARY}\" }"),
    ("json", "", "json = { id = \"{id}\", key = \"${CANARY}\" }\nidempotent = true"),
    ("form", "", "form = { id = \"{id}\", key = \"${CANARY}\" }\nidempotent = true"),
    ("body", "", "method = \"POST\"\nbody = \"<{id}> ${CANARY}\"\nidempotent = true"),
    ("bearer", "", "auth = { bearer = \"${CANARY}\" }"),
    ("basic", "", "auth = { basic = \"me:${CANARY}\" }"),
    ("proxy", "", "proxy = \"http://me:${CANARY}@PROXY\""),
    (
        "refresh token",
        "[auth.store]\ngrant_type = \"refresh_token\"\ntoken_url = \"URL/token\"\nclient_id = \"me\"\n\
         refresh_token = \"${CANARY}\"",
        "auth = \"store\"",
    ),
    (
        "client secret",
        "[auth.store]\ngrant_type = \"client_credentials\"\ntoken_url = \"URL/token\"\nclient_id = \"me\"\n\
         client_secret = \"${CANARY}\"",
        "auth = \"store\"",
    ),
    (
        "client secret in a header",
        "[auth.store]\ngrant_type = \"client_credentials\"\ntoken_url = \"URL/token\"\nclient_id = \"me\"\n\
         client_secret = \"${CANARY}\"\ntoken_endpoint_auth_method = \"client_secret_basic\"",
        "auth = \"store\"",
    ),
];

/// What the server does with a request; each repeats the secret.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    /// Answers.
    Answer,
    /// Answers with something else than a number.
    AnswerBadly,
    /// Says 422.
    Fail,
    /// Says 503 first.
    FailAtFirst,
    /// Leads to another origin.
    Lead,
    /// Says 401.
    Refuse,
    /// Answers some, then says nothing.
    Hang,
    /// Gives no token.
    GiveNone,
}

/// The secrets of a job in every spelling.
fn spellings((_, before, _): Place) -> Vec<String> {
    let secrets = if before.is_empty() { vec![CANARY] } else { vec![CANARY, ACCESS, ROTATED] };
    let all = secrets.into_iter().flat_map(canaries::spellings).map(|(form, _)| form);
    let also = |user: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{CANARY}"))
    };
    all.chain([also("me"), also("you")]).collect()
}

/// A server that does so.
fn serve(does: Does, place: Place) -> Raw {
    let (spellings, asked) = (spellings(place), Arc::new(Mutex::new(BTreeSet::new())));
    Raw::serve_heads(move |head| {
        let target = head.split(' ').nth(1).unwrap_or_default();
        if target.contains("/token") {
            return token(does, &spellings);
        }
        let id =
            target.split(['/', '?']).rfind(|part| part.parse::<usize>().is_ok()).unwrap_or("0").to_owned();
        let told = &spellings[id.parse::<usize>().unwrap() % spellings.len()];
        let headers =
            format!("x-echo: {told}\r\nset-cookie: {told}=1\r\nlink: <http://h/{told}>; rel=\"next\"\r\n");
        let is_new = asked.lock().unwrap().insert(id.clone());
        let page = format!("{{\"error\": \"unknown key {told}\"}}");
        match does {
            Does::Answer | Does::GiveNone => {
                http("200 OK", &headers, format!("{{\"v\": 1, \"echo\": \"{told}\"}}"))
            }
            Does::AnswerBadly => http("200 OK", &headers, format!("{{\"v\": \"no {told}\"}}")),
            Does::Fail => http(&format!("422 {told}"), &headers, page),
            Does::FailAtFirst if is_new => http("503 Busy", &headers, page),
            Does::FailAtFirst => http("200 OK", "", "{\"v\": 1}"),
            Does::Lead => {
                http("302 Found", &format!("{headers}location: http://localhost:1/?back={told}\r\n"), page)
            }
            Does::Refuse => {
                http("401 No", &format!("{headers}www-authenticate: Key realm=\"{told}\"\r\n"), page)
            }
            Does::Hang if asked.lock().unwrap().len() > 20 => {
                std::thread::sleep(Duration::from_secs(60));
                Vec::new()
            }
            Does::Hang => http("200 OK", &headers, "{\"v\": 1}"),
        }
    })
}

/// What a token server says.
fn token(does: Does, spellings: &[String]) -> Vec<u8> {
    if does == Does::GiveNone {
        let told = spellings[..5].join(" ");
        let body = serde_json::json!({"error": "invalid_grant", "error_description": told});
        return http("400 Bad Request", "", body.to_string());
    }
    let given = serde_json::json!({"access_token": ACCESS, "refresh_token": ROTATED, "expires_in": 3600});
    http("200 OK", "", given.to_string())
}

/// A job that has the secret in one place and asks for each spelling; twenty at the least, so that a refusal stops it.
fn stage(server: &Raw, place: Place) -> Sandbox {
    let sandbox = Sandbox::new();
    let count = spellings(place).len().max(40);
    sandbox.write("ids.txt", (0..count).map(|id| format!("{id}\n")).collect::<String>());
    sandbox.write("my.env", format!("CANARY='{CANARY}'\n"));
    let (_, before, inside) = place;
    let inside = inside.replace("PROXY", &format!("127.0.0.1:{}", server.port));
    let text = format!(
        "[job]\nname = \"echoes\"\nkeep_answers = \"all\"\nretry_rounds = 0\nin_flight = 4\n\
         [input]\nfile = \"ids.txt\"\nid = \"id\"\n{before}\n\
         [[endpoint]]\nname = \"one\"\nurl = \"URL/one/{{id}}\"\n{inside}\nretry = {{ backoff = \"1ms\" }}\n\
         columns = {{ v = {{ jq = \".v\", type = \"bigint\" }} }}\n\
         [table]\nto = \"duckdb:echoes.duckdb\"\n"
    );
    sandbox.write("echoes.toml", text.replace("URL", &server.url()));
    canaries::add(sandbox.path(), [CANARY.to_owned()]);
    if !before.is_empty() {
        canaries::add(sandbox.path(), [ACCESS, ROTATED].map(str::to_owned));
    }
    sandbox
}

/// What a person looks at a run with: of the first place of each kind everything.
fn look_at(sandbox: &Sandbox, (name, ..): Place) {
    if ["header", "basic", "refresh token"].contains(&name) {
        return look(sandbox);
    }
    sandbox.run(["check", "echoes.toml", "--env-file", "my.env"]);
    sandbox.run(["failures", "echoes", "--answers"]);
}

/// Everything that a person may look at a run with.
fn look(sandbox: &Sandbox) {
    let with_secrets = ["--env-file", "my.env"];
    for words in [
        &["check", "echoes.toml"][..],
        &["check", "echoes.toml", "--offline"],
        &["plan", "echoes.toml"],
        &["merge", "echoes"],
        &["retry", "echoes"],
    ] {
        sandbox.run(words.iter().chain(&with_secrets));
    }
    for words in [
        &["status"][..],
        &["status", "echoes"],
        &["failures", "echoes"],
        &["failures", "echoes", "--list"],
        &["failures", "echoes", "--answers"],
        &["failures", "echoes", "--list", "--format", "json"],
        &["extract", "echoes"],
        &["limits"],
    ] {
        sandbox.run(words);
    }
    // These are no values that the job asked for: they are searched here.
    for view in ["requests", "all_requests", "answers", "rows"] {
        let found = sandbox.run(["query", "echoes", &format!("FROM {view}"), "--format", "json"]);
        canaries::search_streams(sandbox.path(), &[&found.stdout, &found.stderr]);
    }
}

fn run(sandbox: &Sandbox) -> crate::support::Ended {
    sandbox.run(["run", "echoes.toml", "--env-file", "my.env"])
}

/// All places with one thing that a server does.
fn try_all(does: Does, code: i32) {
    for place in PLACES {
        // A host that is sent no secret refuses none.
        let code = if does == Does::Refuse && place.0 == "proxy" { 1 } else { code };
        let server = serve(does, place);
        let sandbox = stage(&server, place);
        let ended = run(&sandbox);
        assert_eq!(ended.code, Some(code), "{} {does:?}:\n{}", place.0, ended.stderr);
        look_at(&sandbox, place);
    }
}

#[test]
fn a_server_that_answers() {
    try_all(Does::Answer, 0);
}

#[test]
fn a_server_that_answers_with_what_does_not_fit() {
    try_all(Does::AnswerBadly, 1);
}

#[test]
fn a_server_that_fails() {
    try_all(Does::Fail, 1);
}

#[test]
fn a_server_that_fails_at_first() {
    try_all(Does::FailAtFirst, 0);
}

#[test]
fn a_server_that_leads_elsewhere() {
    try_all(Does::Lead, 1);
}

#[test]
fn a_server_that_refuses() {
    try_all(Does::Refuse, 2);
}

#[test]
fn a_token_server_that_gives_none() {
    for place in PLACES.iter().filter(|(_, before, _)| !before.is_empty()) {
        let server = serve(Does::GiveNone, *place);
        let sandbox = stage(&server, *place);
        run(&sandbox).with_code(2).saying("invalid_grant");
        look(&sandbox);
    }
}

/// The value is the job's, as it came, and in the table; what is printed of it is for people.
#[test]
fn a_credential_that_is_asked_for_as_a_value() {
    for place in PLACES.iter().filter(|(name, ..)| ["basic", "bearer", "refresh token"].contains(name)) {
        let server = Raw::serve_heads(|head| {
            let lower = head.to_ascii_lowercase();
            match lower.find("authorization: ") {
                _ if head.contains("/token") => token(Does::Answer, &[]),
                Some(at) => {
                    let sent = head[at + "authorization: ".len()..].lines().next().unwrap();
                    http("200 OK", "", serde_json::json!({ "v": format!("sent {sent}") }).to_string())
                }
                None => http("400 Bad Request", "", ""),
            }
        });
        let sandbox = stage(&server, *place);
        sandbox.asks_for_secrets();
        sandbox.edit("echoes.toml", ", type = \"bigint\"", "");
        let shown = run(&sandbox).with_code(0).stdout;
        assert!(
            shown.contains("sent B") && (shown.contains("${CANARY}") || shown.contains("(a token)")),
            "{shown}"
        );
        let checked = sandbox.run(["check", "echoes.toml", "--env-file", "my.env"]).with_code(0).stdout;
        assert!(checked.contains("v   sent B"), "{checked}");
        let published =
            published(&sandbox.path().join("echoes.duckdb"), "SELECT DISTINCT v FROM echoes").concat();
        assert!(published.starts_with("sent B") && !published.contains('('), "{published}");
    }
}

/// The command line of a process shows nothing, either.
#[test]
fn a_run_that_is_killed() {
    for place in PLACES {
        let server = serve(Does::Hang, place);
        let sandbox = stage(&server, place);
        let child = sandbox.start(["run", "echoes.toml", "--env-file", "my.env"]);
        let pid = child.id();
        until(Duration::from_secs(60), "some are asked", || server.asked() > 20);
        let children = children_of(pid);
        assert!(!children.is_empty());
        for pid in children.iter().copied().chain([pid.cast_signed()]) {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            canaries::search_streams(sandbox.path(), &[&String::from_utf8_lossy(&line)]);
        }
        children.into_iter().chain([pid.cast_signed()]).for_each(kill_9);
        wait(child);
        for words in [&["status"][..], &["status", "echoes"], &["failures", "echoes"]] {
            sandbox.run(words);
        }
    }
}

/// The key of a service account, and the files of a proxy's and a client's own, are read and never repeated.
#[test]
fn a_key_file_that_is_wrong() {
    let server = serve(Does::Answer, PLACES[0]);
    let auth =
        "[auth.store]\ngrant_type = \"service_account\"\nkey_file = \"key.json\"\ntoken_url = \"URL/token\"";
    for content in [
        format!("{{\"private_key\": \"{CANARY}\", \"client_email\": \"me\"}}"),
        format!("{{\"private_key\": [\"{CANARY}\"]}}"),
        format!("\"{CANARY}\""),
        CANARY.to_owned(),
    ] {
        let sandbox = stage(&server, ("key", auth, "auth = \"store\""));
        sandbox.write("key.json", content);
        run(&sandbox).with_code(2).saying("key.json");
    }
    for content in
        [CANARY.to_owned(), format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n")]
    {
        let inside = "client_certificate_file = \"client.pem\"\nclient_key_file = \"client.key\"";
        let sandbox = stage(&server, ("client key", "", inside));
        sandbox.edit("echoes.toml", "url = \"http://127.0.0.1", "url = \"https://127.0.0.1");
        sandbox.write("client.pem", &content);
        sandbox.write("client.key", content);
        run(&sandbox).with_code(2).saying("client.");
    }
}

#[test]
fn an_env_file_that_is_wrong() {
    let server = serve(Does::Answer, PLACES[0]);
    for line in [
        "CANARY=a VALUE",
        "CANARY='VALUE",
        "CANARY=\"VALUE",
        "VALUE",
        "=VALUE",
        "CANARY VALUE",
        "CANARY=\"a\" VALUE",
    ] {
        let sandbox = stage(&server, PLACES[0]);
        sandbox.write("my.env", line.replace("VALUE", CANARY));
        assert_ne!(run(&sandbox).code, Some(0), "{line}");
    }
}

/// The password of a server's list and of a table's, which are given by the environment, by a file, or by variables of others.
#[test]
fn a_database_with_a_password() {
    let (server, database) = (serve(Does::Answer, PLACES[0]), postgres_server::database());
    database.execute("CREATE TABLE list AS SELECT i::text AS id FROM generate_series(0, 5) i");
    let url = database.url().replace("postgres@", "postgres:${CANARY}@");
    let wrong = |part: &str, other: &str| url.replace(part, other);
    let closed = url.replace(&format!(":{}/", database.server.port), ":1/");
    for (url, table, code) in [
        (url.clone(), "echoes", 0),
        (closed, "echoes", 2),
        (wrong("/test", "/none_of_it"), "echoes", 2),
        (wrong("postgres:$", "nobody:$"), "echoes", 2),
        (format!("{url}?sslmode=${{CANARY}}"), "echoes", 2),
        (format!("{url}?options=${{CANARY}}"), "echoes", 2),
    ] {
        let sandbox = stage(&server, PLACES[0]);
        let list = format!("database = \"{url}\"\nsql = \"SELECT id FROM list\"");
        sandbox.edit("echoes.toml", "file = \"ids.txt\"", &list);
        sandbox.edit("echoes.toml", "duckdb:echoes.duckdb", &url);
        sandbox.edit("echoes.toml", "to = ", &format!("name = \"{table}\"\nto = "));
        let ended = run(&sandbox);
        assert_eq!(ended.code == Some(0), code == 0, "{url}:\n{}", ended.stderr);
        look(&sandbox);
    }
}
