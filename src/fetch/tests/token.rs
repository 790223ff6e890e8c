//! Access tokens: one for all, renewed in time and on a 401, never sent elsewhere, never shown.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::site::{Seen, Site, ok, reply};
use super::*;
use crate::job::{Auth, ClientAuth, Grant, TokenSource};
use crate::record::Kind;

/// A source of tokens at that address, by a refresh token.
pub(super) fn source(url: &str) -> TokenSource {
    TokenSource {
        name: "play".into(),
        grant: Grant::RefreshToken(template("${REFRESH}")),
        token_url: Some(url.into()),
        client_id: Some(template("me & you")),
        client_secret: Some(template("${KEY}")),
        client_auth: ClientAuth::ClientSecretPost,
        scope: Some("read all".into()),
        audience: None,
        params: Vec::new(),
        hosts: Vec::new(),
    }
}

fn asking(url: &str, source: TokenSource) -> Endpoint {
    Endpoint { auth: Some(Auth::Token(Box::new(source))), ..endpoint(url) }
}

/// What a process has: its question, and a client that asks for tokens.
struct Process {
    client: Client,
    question: Question,
}

impl Process {
    fn of(endpoint: &Endpoint, folder: &Path, patience: Duration) -> Process {
        let secrets = secrets(&[("KEY", SECRET), ("REFRESH", "first refresh")]);
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        let endpoints = std::slice::from_ref(endpoint);
        let questions = Question::compile_all(endpoints, &columns, &secrets).unwrap();
        let settings = TokenSettings { folder: folder.to_owned(), patience };
        let tokens = Tokens::compile(endpoints, &questions, &secrets, settings).unwrap();
        Process { client: client().with_tokens(tokens), question: questions.into_iter().next().unwrap() }
    }

    async fn ask(&self, id: &str) -> Asked {
        let request = self.question.build(&Row::id(id)).unwrap();
        let (_running, stop) = watch::channel(false);
        self.client.ask(&self.question, &request, &&Gate::open(), &stop, |most| most).await
    }

    async fn ask_many(&self, number: usize) -> Vec<Asked> {
        let ids: Vec<String> = (0..number).map(|id| id.to_string()).collect();
        stream::iter(&ids).map(|id| self.ask(id)).buffer_unordered(number).collect().await
    }
}

/// Gives `t1`, `t2`, … for so many seconds.
fn provider(seconds: &'static str) -> Site {
    let given = AtomicUsize::new(0);
    Site::plain(move |_| {
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        ok(format!(
            r#"{{"access_token": "token-{number}", "expires_in": {seconds}, "token_type": "bearer"}}"#
        ))
    })
}

fn authorization(seen: &Seen) -> String {
    seen.headers.get("authorization").map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// An API that takes one token at a time.
fn api(good: &Arc<Mutex<String>>) -> Site {
    let good = good.clone();
    Site::minding(move |seen| match authorization(seen) == format!("Bearer {}", good.lock().unwrap()) {
        true => ok("{}"),
        false => reply(401, ("www-authenticate", "Bearer"), "who are you?"),
    })
}

fn good(token: &str) -> Arc<Mutex<String>> {
    Arc::new(Mutex::new(token.to_owned()))
}

#[tokio::test]
async fn processes_ask_once_for_all_their_requests() {
    let (provider, api) = (provider("3600"), api(&good("token-1")));
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    let processes = [0, 1].map(|_| Process::of(&endpoint, &folder.path().join("tokens"), Duration::ZERO));
    let (one, other) = tokio::join!(processes[0].ask_many(64), processes[1].ask_many(64));
    assert!(one.iter().chain(&other).all(|asked| asked.answer.is_ok() && asked.requests == 1));
    let seen = provider.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].body,
        "grant_type=refresh_token&refresh_token=first+refresh&scope=read+all&client_id=me+%26+you&client_secret=s3cr3t%2F%2B+key"
    );
    assert_eq!((api.seen().len(), seen[0].method.as_str()), (128, "POST"));
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_and_the_request_is_sent_again() {
    let (provider, good) = (provider("3600"), good("token-1"));
    let api = api(&good);
    let folder = tempfile::tempdir().unwrap();
    let posted = crate::job::Payload::Text(template("{id}"));
    let endpoint = Endpoint {
        method: "POST".into(),
        payload: Some(posted),
        idempotent: false,
        ..asking(&api.url("/"), source(&provider.url("/token")))
    };
    let processes = [0, 1].map(|_| Process::of(&endpoint, folder.path(), Duration::ZERO));
    processes[0].ask("first").await.answer.unwrap();
    *good.lock().unwrap() = "token-2".into();
    let (one, other) = tokio::join!(processes[0].ask_many(64), processes[1].ask_many(64));
    for asked in one.iter().chain(&other) {
        assert!(asked.answer.is_ok(), "{:?}", asked.answer);
        assert_eq!(asked.attempts, 1);
    }
    assert_eq!(provider.seen().len(), 2, "one more for all 128");
    assert!(api.seen().iter().all(|seen| !seen.body.is_empty()));
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let provider = provider("2");
    let api = Site::plain(|_| ok("{}"));
    let folder = tempfile::tempdir().unwrap();
    let process =
        Process::of(&asking(&api.url("/{id}"), source(&provider.url("/"))), folder.path(), Duration::ZERO);
    for _ in 0..2 {
        process.ask("a").await.answer.unwrap();
        process.ask("b").await.answer.unwrap();
        // A tenth of its time is left.
        tokio::time::sleep(Duration::from_millis(1_850)).await;
    }
    assert_eq!(provider.seen().len(), 2);
    let sent: Vec<String> = api.seen().iter().map(authorization).collect();
    assert_eq!(sent, ["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-2"]);
}

#[tokio::test]
async fn what_a_new_token_does_not_mend_is_the_records_own() {
    let provider = provider("3600");
    let api = Site::plain(|target| match target {
        "/good" => ok("{}"),
        _ => reply(401, ("x-any", ""), "not yours"),
    });
    let folder = tempfile::tempdir().unwrap();
    let process =
        Process::of(&asking(&api.url("/{id}"), source(&provider.url("/"))), folder.path(), Duration::ZERO);
    for id in ["bad", "good", "bad", "worse", "good"] {
        let asked = process.ask(id).await;
        assert_eq!(asked.answer.is_ok(), id == "good");
        if let Err(failure) = asked.answer {
            assert_eq!((failure.kind, failure.status), (Kind::Status, Some(401)));
            assert!(failure.detail.contains("asked with the token of [auth.play]"), "{}", failure.detail);
        }
    }
    assert_eq!(provider.seen().len(), 2, "not for each record");
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_on_the_disk_before_anything_is_asked() {
    let given = AtomicUsize::new(0);
    let provider = Site::minding(move |seen| {
        let number = given.fetch_add(1, Ordering::SeqCst);
        let body = std::str::from_utf8(&seen.body).unwrap();
        let expected =
            ["refresh_token=first+refresh&", "refresh_token=second&", "refresh_token=third&"][number];
        assert!(body.contains(expected), "{body}");
        let next = ["second", "third", "fourth"][number];
        ok(format!(r#"{{"access_token": "token-{number}", "refresh_token": "{next}", "expires_in": "0"}}"#))
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let api = Site::minding(move |seen| {
        let token = authorization(seen).strip_prefix("Bearer ").unwrap().to_owned();
        let files = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let stored = files.filter(|file| file.extension().is_some_and(|ending| ending == "json"));
        assert!(stored.map(|file| std::fs::read_to_string(file).unwrap()).any(|text| text.contains(&token)));
        ok("{}")
    });
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    for _ in 0..3 {
        // Each time another process, after the token's end.
        let process = Process::of(&endpoint, folder.path(), Duration::ZERO);
        process.ask("a").await.answer.unwrap();
        tokio::time::sleep(Duration::from_millis(950)).await;
    }
    assert_eq!((provider.seen().len(), api.seen().len()), (3, 3));
}

#[tokio::test]
async fn a_refresh_token_that_was_given_is_kept_until_another_is() {
    let given = AtomicUsize::new(0);
    let provider = Site::plain(move |_| match given.fetch_add(1, Ordering::SeqCst) {
        0 => ok(r#"{"access_token": "a", "refresh_token": "second", "expires_in": 1}"#),
        _ => ok(r#"{"access_token": "b", "expires_in": 1}"#),
    });
    let api = Site::plain(|_| ok("{}"));
    let folder = tempfile::tempdir().unwrap();
    let process =
        Process::of(&asking(&api.url("/{id}"), source(&provider.url("/"))), folder.path(), Duration::ZERO);
    for _ in 0..3 {
        process.ask("a").await.answer.unwrap();
        tokio::time::sleep(Duration::from_millis(950)).await;
    }
    let sent: Vec<String> =
        provider.seen().iter().map(|seen| String::from_utf8(seen.body.to_vec()).unwrap()).collect();
    let with = ["first+refresh", "second", "second"].map(|token| format!("refresh_token={token}&"));
    assert!(sent.len() == 3 && sent.iter().zip(&with).all(|(body, with)| body.contains(with)), "{sent:?}");
}

#[tokio::test]
async fn where_the_refresh_token_that_was_given_is_refused_the_jobs_own_is_tried() {
    let provider = Site::minding(|seen| match std::str::from_utf8(&seen.body).unwrap() {
        body if body.contains("refresh_token=given") => {
            reply(400, ("x-any", ""), r#"{"error": "invalid_grant"}"#)
        }
        _ => ok(r#"{"access_token": "token", "refresh_token": "given", "expires_in": 1}"#),
    });
    let api = Site::plain(|_| ok("{}"));
    let folder = tempfile::tempdir().unwrap();
    let process =
        Process::of(&asking(&api.url("/{id}"), source(&provider.url("/"))), folder.path(), Duration::ZERO);
    process.ask("a").await.answer.unwrap();
    tokio::time::sleep(Duration::from_millis(950)).await;
    process.ask("b").await.answer.unwrap();
    assert_eq!(provider.seen().len(), 3);
}

/// What became of a question, where the token server answers so.
async fn answered(status: u16, body: &'static str) -> (Asked, usize) {
    let provider = Site::plain(move |_| reply(status, ("content-type", "application/json"), body));
    let api = Site::plain(|_| ok("{}"));
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    let process = Process::of(&endpoint, folder.path(), Duration::ZERO);
    let asked = process.ask("a").await;
    if asked.answer.is_err() {
        assert_eq!((asked.attempts, api.seen().len()), (0, 0), "{body}");
        let again = process.ask("b").await;
        assert!(again.answer.is_err());
    }
    (asked, provider.seen().len())
}

#[tokio::test]
async fn a_server_that_gives_none_now_lets_records_wait_and_one_that_never_will_says_why() {
    for (status, body, never, said) in [
        (
            400,
            r#"{"error": "invalid_grant", "error_description": "it was revoked"}"#,
            true,
            "invalid_grant: it was revoked",
        ),
        (401, r#"{"error": "invalid_client"}"#, true, "answered 401: invalid_client"),
        (200, r#"{"error": "bad_verification_code"}"#, true, "bad_verification_code"),
        (400, r#"{"error": {"code": 190}}"#, true, "{\"code\":190}"),
        (403, "<html>no</html>", true, "answered 403 without JSON"),
        (404, "{}", true, "answered 404"),
        (
            400,
            r#"{"error": "invalid_request", "error_description": "client_secret s3cr3t/+ key is old"}"#,
            true,
            "client_secret ${KEY} is old",
        ),
        (200, r#"{"access_token": "a", "token_type": "mac"}"#, true, "of type \"mac\""),
        (400, r#"{"error": "temporarily_unavailable"}"#, false, "temporarily_unavailable"),
        (200, "<html>welcome</html>", false, "answered 200 without JSON"),
        (200, r#"{"access_token": ""}"#, false, "answered 200 without an access_token"),
        (200, r#"{"token": "a"}"#, false, "answered 200 without an access_token"),
        (200, "", false, "answered 200 without JSON"),
        (500, r#"{"error": "invalid_grant"}"#, false, "500"),
        (429, "", false, "429"),
        (302, "", false, "redirect"),
    ] {
        let (asked, requests) = answered(status, body).await;
        let failure = asked.answer.unwrap_err();
        assert!(
            failure.detail.contains(said) && failure.detail.contains("[auth.play]"),
            "{}",
            failure.detail
        );
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Token, true), "{body}");
        assert_eq!(asked.no_token.is_some(), never, "{status} {body}");
        assert_eq!(requests, 1, "{status} {body}: nobody asks again");
    }
}

#[tokio::test]
async fn how_long_a_token_lasts_is_read_as_it_may_be_meant() {
    for lasts in ["0", "-5", "1000000000000000000", "1e300", "\"3600\"", "3599.5", "null", "\"soon\"", "{}"] {
        let body = format!(r#"{{"access_token": "a", "expires_in": {lasts}}}"#);
        let (asked, requests) = answered(200, body.leak()).await;
        assert!(asked.answer.is_ok(), "{lasts}: {:?}", asked.answer);
        assert_eq!(requests, 1, "{lasts}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_again_as_long_as_the_job_has_patience() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let provider = Site::plain(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => reply(503, ("x-any", ""), ""),
        _ => ok(r#"{"access_token": "a"}"#),
    });
    let api = Site::plain(|_| ok("{}"));
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    let process = Process::of(&endpoint, folder.path(), Duration::from_secs(30));
    let asked = process.ask_many(8).await;
    assert!(asked.iter().all(|asked| asked.answer.is_ok()));
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn who_waits_for_a_token_ends_when_the_run_is_interrupted() {
    let provider = Site::plain(|_| reply(503, ("x-any", ""), ""));
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking("http://localhost:9/{id}", source(&provider.url("/token")));
    let process = Process::of(&endpoint, folder.path(), Duration::from_secs(3600));
    let request = process.question.build(&Row::id("a")).unwrap();
    let (running, stop) = watch::channel(false);
    let gate = Gate::open();
    let pacer = &gate;
    let asking = process.client.ask(&process.question, &request, &pacer, &stop, |most| most);
    let interrupting = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.send_replace(true);
    };
    let (asked, ()) = tokio::join!(asking, interrupting);
    assert_eq!(asked.answer.unwrap_err().kind, Kind::Interrupted);
    assert_eq!(gate.held.get(), 0);
}

#[tokio::test]
async fn a_token_goes_to_the_endpoints_origin_and_to_named_hosts_only() {
    let provider = provider("3600");
    let other = Site::plain(|_| ok("{}"));
    let location = other.url("/taken");
    let api = Site::plain(move |target| match target {
        "/away" => reply(302, ("location", &location), ""),
        "/here" => reply(302, ("location", "/there"), ""),
        _ => ok("{}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    let process = Process::of(&endpoint, folder.path(), Duration::ZERO);
    process.ask("away").await.answer.unwrap();
    assert_eq!(authorization(&other.seen()[0]), "");
    process.ask("here").await.answer.unwrap();
    assert!(api.seen().iter().all(|seen| authorization(seen) == "Bearer token-1"));
    let named = TokenSource { hosts: vec!["localhost".into()], ..source(&provider.url("/token")) };
    let process = Process::of(&asking(&api.url("/{id}"), named), folder.path(), Duration::ZERO);
    process.ask("away").await.answer.unwrap();
    assert_eq!(authorization(&other.seen()[1]), "Bearer token-1");
}

#[tokio::test]
async fn a_token_is_never_shown() {
    let provider =
        Site::plain(|_| ok(r#"{"access_token": "secret/token+1", "refresh_token": "another one"}"#));
    let api = Site::minding(|seen| {
        let echo = format!("{{\"bad\": \"{}, or another one\"}}", authorization(seen));
        hyper::Response::builder().status(400).body(http_body_util::Full::new(echo.into())).unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    let asked = Process::of(&endpoint, folder.path(), Duration::ZERO).ask("a").await;
    let shown = format!("{asked:?}");
    assert!(!shown.contains("secret/token") && !shown.contains("another one"), "{shown}");
    assert!(shown.contains("Bearer (the token of [auth.play])"), "{shown}");
}

#[tokio::test]
async fn the_file_is_for_this_user_alone_and_one_that_is_damaged_counts_as_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let (provider, api) = (provider("3600"), Site::plain(|_| ok("{}")));
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("state/tokens");
    let endpoint = asking(&api.url("/{id}"), source(&provider.url("/token")));
    for damage in
        ["", "{", "{\"version\": 2, \"access_token\": \"x\", \"renew_at\": null, \"refresh_token\": null}"]
    {
        Process::of(&endpoint, &tokens, Duration::ZERO).ask("a").await.answer.unwrap();
        let files = || std::fs::read_dir(&tokens).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(files().count(), 2, "a token and its lock");
        for path in files().chain([tokens.clone()]) {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
            if path.extension().is_some_and(|ending| ending == "json") {
                std::fs::write(path, damage).unwrap();
            }
        }
    }
    assert_eq!(provider.seen().len(), 3);
}

#[tokio::test]
async fn another_secret_is_another_token() {
    let (provider, api) = (provider("3600"), Site::plain(|_| ok("{}")));
    let folder = tempfile::tempdir().unwrap();
    let sources = [
        source(&provider.url("/token")),
        TokenSource { scope: None, ..source(&provider.url("/token")) },
        TokenSource { client_id: Some(template("other")), ..source(&provider.url("/token")) },
        TokenSource { grant: Grant::RefreshToken(template("${KEY}")), ..source(&provider.url("/token")) },
        source(&provider.url("/another")),
    ];
    for source in sources.into_iter().flat_map(|source| [source.clone(), source]) {
        let process = Process::of(&asking(&api.url("/{id}"), source), folder.path(), Duration::ZERO);
        process.ask("a").await.answer.unwrap();
    }
    assert_eq!(provider.seen().len(), 5);
}

#[tokio::test]
async fn a_client_may_prove_itself_by_a_header() {
    let (provider, api) = (provider("3600"), Site::plain(|_| ok("{}")));
    let folder = tempfile::tempdir().unwrap();
    let source = TokenSource {
        grant: Grant::ClientCredentials,
        client_auth: ClientAuth::ClientSecretBasic,
        client_id: Some(template("me")),
        audience: Some("https://api".into()),
        params: named(&[("resource", "r&s")]),
        ..source(&provider.url("/token"))
    };
    let process = Process::of(&asking(&api.url("/{id}"), source), folder.path(), Duration::ZERO);
    process.ask("a").await.answer.unwrap();
    let seen = &provider.seen()[0];
    // me:s3cr3t%2F%2B+key
    assert_eq!(authorization(seen), "Basic bWU6czNjcjN0JTJGJTJCK2tleQ==");
    assert_eq!(
        seen.body,
        "grant_type=client_credentials&scope=read+all&audience=https%3A%2F%2Fapi&resource=r%26s"
    );
}

/// The parts of a JSON Web Token, decoded, and what is signed.
fn parts(token: &str) -> (serde_json::Value, serde_json::Value, Vec<u8>, String) {
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let json = |text| serde_json::from_slice(&decoded(text)).unwrap();
    (json(head), json(claims), decoded(signature), format!("{head}.{claims}"))
}

#[tokio::test]
async fn a_service_account_signs_for_itself() {
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };
    let (provider, api) = (provider("3600"), Site::plain(|_| ok("{}")));
    let folder = tempfile::tempdir().unwrap();
    let rsa = include_str!("service_account.pem").to_owned();
    let p256 = rcgen::KeyPair::generate().unwrap();
    let rsa_pair = {
        use rustls::pki_types::pem::PemObject as _;
        let der = rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(rsa.as_bytes()).unwrap();
        ring::signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
    };
    for (number, pem) in [rsa, p256.serialize_pem()].into_iter().enumerate() {
        let file = folder.path().join(format!("key{number}.json"));
        let key = serde_json::json!({
            "type": "service_account", "client_email": "me@example.iam", "private_key": pem, "private_key_id": "k1",
            "token_uri": provider.url("/token"),
        });
        std::fs::write(&file, key.to_string()).unwrap();
        let source = TokenSource {
            grant: Grant::ServiceAccount(file),
            token_url: None,
            client_id: None,
            client_secret: None,
            ..source("")
        };
        let tokens = folder.path().join(format!("tokens{number}"));
        Process::of(&asking(&api.url("/{id}"), source), &tokens, Duration::ZERO)
            .ask("a")
            .await
            .answer
            .unwrap();
        let body = provider.seen()[number].body.clone();
        let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!(form.len(), 2);
        let (head, claims, signature, signed) = parts(&form["assertion"]);
        assert_eq!((&head["kid"], &head["alg"]), (&"k1".into(), &["RS256", "ES256"][number].into()));
        assert_eq!((&claims["iss"], &claims["scope"]), (&"me@example.iam".into(), &"read all".into()));
        assert_eq!(claims["aud"], provider.url("/token"));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
        let verified = match number {
            0 => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa_pair.public_key().as_ref())
                .verify(signed.as_bytes(), &signature),
            _ => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, p256.public_key_raw())
                .verify(signed.as_bytes(), &signature),
        };
        verified.unwrap();
    }
}

#[test]
fn a_key_file_that_is_none_is_told_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let said = || {
        let source =
            TokenSource { grant: Grant::ServiceAccount(file.clone()), token_url: None, ..source("") };
        let endpoint = asking("http://localhost/{id}", source);
        let secrets = secrets(&[("KEY", SECRET)]);
        let endpoints = [endpoint];
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        let questions = Question::compile_all(&endpoints, &columns, &secrets).unwrap();
        let settings = TokenSettings { folder: folder.path().to_owned(), patience: Duration::ZERO };
        Tokens::compile(&endpoints, &questions, &secrets, settings).err().unwrap().to_string()
    };
    assert!(said().contains("key.json: No such file"), "{}", said());
    for (content, expected) in [
        ("-----BEGIN", "it is not JSON with client_email and private_key"),
        (r#"{"private_key": "x"}"#, "it has no client_email"),
        (r#"{"client_email": "a", "private_key": "canary"}"#, "its private_key is no key of RSA"),
    ] {
        std::fs::write(&file, content).unwrap();
        assert!(said().contains(expected) && !said().contains("canary"), "{}", said());
    }
    let key = serde_json::json!({"client_email": "a", "private_key": include_str!("service_account.pem")});
    std::fs::write(&file, key.to_string()).unwrap();
    assert!(said().contains("there is no token_url"), "{}", said());
}
