//! Who is refused, who is left, and what do hostile questions reach?

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::stage::{SOON, Serving, Stage, ask, served};
use crate::support::processes::until;
use crate::support::{at_most, free_port, is_soak};

/// DNS rebinding: a page of another origin whose name leads here.
#[test]
fn only_names_of_this_machine_are_answered_where_it_serves_itself_alone() {
    let (_stage, serving) = served();
    for host in ["evil.example", "evil.example:8480", "169.254.1.1"] {
        let refused = serving.ask("/prices.json", &[("Host", host)]).with_status(421);
        assert!(!refused.text().contains("echo"), "no row");
    }
    for host in ["127.0.0.1", "localhost:1", "[::1]"] {
        serving.ask("/prices.json", &[("Host", host)]).with_status(200);
    }
    // And where one was let in all the same, its page may not read: no origin is allowed.
    let answer = serving.ask("/prices.json", &[("Origin", "https://evil.example")]);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    serving.end();
}

#[test]
fn at_another_address_a_token_is_wanted_before_it_listens_and_from_each() {
    let (stage, serving) = served();
    serving.end();
    let told = stage.sandbox.run(["serve", "prices.toml", "--listen", "0.0.0.0:0"]).with_code(2);
    told.saying("--token-file");
    stage.sandbox.write("short", "secret\n");
    stage.sandbox.run(["serve", "prices.toml", "--token-file", "short"]).with_code(2).saying("16 characters");
    stage.sandbox.write("token", "0123456789abcdef\n");
    let address = format!("0.0.0.0:{}", free_port());
    let arguments = ["serve", "prices.toml", "--no-runs", "--token-file", "token", "--listen", &address];
    let serving =
        Serving::of(&stage.sandbox, &arguments, address.replace("0.0.0.0", "127.0.0.1").parse().unwrap());
    let token = ("Authorization", "Bearer 0123456789abcdef");
    until(SOON, "it is served", || serving.ask("/prices.json", &[token]).status == 200);
    let refused = serving.get("/prices.json").with_status(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    for path in ["/", "/metrics", "/readyz", "/openapi.json", "/prices/a"] {
        serving.ask(path, &[("Authorization", "Bearer 0123456789abcdeF")]).with_status(401);
        serving.ask(path, &[token, ("Host", "any.example")]);
    }
    let answer = serving.ask("/prices.json", &[token]);
    assert!(answer.header("cache-control").starts_with("private"), "{}", answer.header("cache-control"));
    assert!(!serving.told().contains("0123456789abcdef"));
    serving.end();
}

#[test]
fn pages_of_the_origins_that_the_job_names_may_read() {
    let stage = Stage::new();
    stage.change("[table]", "[serve]\ncors = [\"https://app.example.com\"]\n\n[table]");
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.json");
    let of = |origin| {
        serving.ask("/prices.json", &[("Origin", origin)]).header("access-control-allow-origin").to_owned()
    };
    assert_eq!(of("https://app.example.com"), "https://app.example.com");
    for other in
        ["https://app.example.com.evil.example", "http://app.example.com", "null", "https://APP.example.com"]
    {
        assert_eq!(of(other), "", "{other}");
    }
    let preflight = ask(
        serving.address,
        "OPTIONS",
        "/prices.json",
        &[("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "GET")],
    );
    let preflight = preflight.unwrap().with_status(204);
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD");
    serving.end();
    // A browser asks without the token whether it may send it.
    stage.sandbox.write("token", "0123456789abcdef\n");
    let serving = Serving::start(&stage.sandbox, &["prices.toml", "--no-runs", "--token-file", "token"]);
    let headers =
        [("Origin", "https://app.example.com"), ("Access-Control-Request-Headers", "authorization")];
    let allowed = ask(serving.address, "OPTIONS", "/prices/a", &headers).unwrap().with_status(204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example.com");
    assert!(allowed.header("access-control-allow-headers").contains("authorization"));
    let other = ask(serving.address, "OPTIONS", "/other.json", &headers).unwrap().with_status(204);
    assert_eq!(other.header("access-control-allow-origin"), "", "nothing is told of what is not there");
    serving.end();
}

/// A thousand who ask for a table and do not read it, and a thousand who never finish to ask.
#[test]
fn whoever_is_slow_takes_nothing_from_the_others() {
    let (_stage, serving) = served();
    let many = if is_soak() { 1_000 } else { 300 };
    let mut slow = Vec::new();
    for number in 0..many {
        let mut stream = TcpStream::connect(serving.address).unwrap();
        let question: &[u8] = if number % 2 == 0 {
            b"GET /prices.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        } else {
            b"GET /pri"
        };
        stream.write_all(question).unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    for _ in 0..20 {
        serving.get("/prices/a").with_status(200);
    }
    let took = began.elapsed();
    assert!(took < at_most(Duration::from_secs(2)), "{took:?} for 20 rows");
    // Who does not finish a question is left within its time.
    let left = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        matches!(stream.read(&mut [0; 1000]), Ok(0) | Err(_))
            && stream.read(&mut [0; 1]).is_ok_and(|bytes| bytes == 0)
    };
    until(Duration::from_secs(30), "who does not ask is left", || left(&mut slow[1]));
    serving.end();
}

/// What is asked reaches the table and nothing else.
#[test]
fn hostile_questions_are_refused_and_change_nothing() {
    let (stage, serving) = served();
    let secret = stage.sandbox.write("secret.csv", "a\nvery secret\n");
    let before = serving.get("/prices.json").body;
    let secret = secret.display().to_string();
    let attempts = [
        "id='; DROP TABLE served; --".to_owned(),
        "id=a' OR '1'='1".to_owned(),
        "\"id\" = 'a' OR 1=1 --=x".to_owned(),
        format!("select=(SELECT content FROM read_text('{secret}'))"),
        format!("order=read_csv('{secret}')"),
        format!("id.in=z,(FROM '{secret}')"),
        "order=id;ATTACH 'x.db'".to_owned(),
        "limit=1; COPY served TO 'out.csv'".to_owned(),
        "limit=-1".to_owned(),
        "limit=99999999999999999999".to_owned(),
        "after=0.0".to_owned(),
        "after=aaaaaaaaaaaa.1 UNION SELECT 1".to_owned(),
        "windrow_row=0".to_owned(),
        "rowid=0".to_owned(),
        "id.like=%".to_owned(),
        format!("id={}", "x".repeat(9_000)),
    ];
    for attempt in attempts {
        let query: String = attempt
            .bytes()
            .map(|byte| match byte {
                b'=' | b'.' => (byte as char).to_string(),
                byte if byte.is_ascii_alphanumeric() => (byte as char).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        let answer = serving.get(&format!("/prices.json?{query}"));
        let is_nothing = answer.status == 200 && answer.json() == serde_json::json!([]);
        assert!(
            [400, 410, 414, 431].contains(&answer.status) || is_nothing,
            "{attempt}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(!answer.text().contains("very secret"), "{attempt}");
    }
    for path in [
        "/..%2f..%2fetc%2fpasswd",
        "/prices/..%2fa",
        "/prices/%00",
        "/%FF.json",
        "/prices/a/b",
        "//",
        "/prices//a",
    ] {
        let status = serving.get(path).status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(serving.get("/prices.json").body, before);
    assert!(!stage.sandbox.path().join("out.csv").exists() && !stage.sandbox.path().join("x.db").exists());
    serving.end();
}
