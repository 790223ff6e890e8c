//! Where a server sends the client instead of answering.

use super::cases::{Case, End, GOOD, Wire, fails, http, is};

/// The path that answers well.
const WELL: &str = "redirect.well";

/// All of them; the server is at this port.
pub fn cases(port: u16) -> Vec<Case> {
    [circles(), references(port), addresses(port), refused()].into_iter().flatten().collect()
}

fn to(name: &str, location: &str, end: End) -> Case {
    let bytes = http("302 Found", &format!("location: {location}\r\n"), "");
    Case::bytes(format!("redirect.{name}"), "json", bytes, end)
}

/// A case whose answer goes by what was asked for behind its name.
fn asked(name: &str, answer: fn(&str) -> Vec<u8>, end: End) -> Case {
    let name = format!("redirect.{name}");
    let before = format!("/{name}");
    let wire = Wire::Path(Box::new(move |path| answer(path.strip_prefix(&before).unwrap_or_default())));
    Case { name, reader: "json", wire, end }
}

fn led(location: &str) -> Vec<u8> {
    http("302 Found", &format!("location: {location}\r\n"), "")
}

fn circles() -> Vec<Case> {
    vec![
        Case::body(WELL, "json", "", GOOD, is("yes")),
        asked("to-itself", |_| led("?"), fails("redirect")),
        asked("to-and-fro", |rest| led(if rest == "?a" { "?b" } else { "?a" }), fails("redirect")),
        asked(
            "longer-and-longer",
            |rest| led(&format!("?{}x", rest.trim_start_matches('?'))),
            fails("redirect"),
        ),
        asked(
            "five",
            |rest| {
                if rest == "?xxxxx" {
                    http("200 OK", "", GOOD)
                } else {
                    led(&format!("?{}x", rest.trim_start_matches('?')))
                }
            },
            is("yes"),
        ),
        asked(
            "six",
            |rest| {
                if rest == "?xxxxxx" {
                    http("200 OK", "", GOOD)
                } else {
                    led(&format!("?{}x", rest.trim_start_matches('?')))
                }
            },
            fails("redirect"),
        ),
        asked(
            "then-cut",
            |rest| {
                if rest.is_empty() {
                    led("?x")
                } else {
                    b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()
                }
            },
            fails("reset"),
        ),
        asked(
            "then-500",
            |rest| if rest.is_empty() { led("?x") } else { http("500 No", "", "") },
            fails("status"),
        ),
        asked(
            "then-404",
            |rest| if rest.is_empty() { led("?x") } else { http("404 No", "", "") },
            super::cases::null(),
        ),
        asked(
            "then-html",
            |rest| if rest.is_empty() { led("?x") } else { http("200 OK", "", "<title>Log in</title>") },
            fails("not_json"),
        ),
    ]
}

/// Spellings of a reference to what answers well.
fn references(port: u16) -> Vec<Case> {
    vec![
        to("path", &format!("/{WELL}"), is("yes")),
        to("relative", WELL, is("yes")),
        to("dots", &format!("../.././x/../{WELL}"), is("yes")),
        to("fragment", &format!("/{WELL}#frag"), is("yes")),
        to("query", &format!("/{WELL}?a=b&c"), is("yes")),
        to("without-scheme", &format!("//127.0.0.1:{port}/{WELL}"), is("yes")),
        to("whole", &format!("http://127.0.0.1:{port}/{WELL}"), is("yes")),
        to("upper-case", &format!("HTTP://LOCALHOST:{port}/{WELL}"), is("yes")),
        to("backslashes", &format!("\\\\127.0.0.1:{port}\\{WELL}"), is("yes")),
        to("one-slash-is-a-path", &format!("http:/127.0.0.1:{port}/{WELL}"), fails("status")),
        to("blanks-around", &format!("   /{WELL}  "), is("yes")),
        to("decimal-address", &format!("http://2130706433:{port}/{WELL}"), is("yes")),
        to("hexadecimal-address", &format!("http://0x7f.1:{port}/{WELL}"), is("yes")),
        to("percent-encoded", "/redirect%2Ewell", is("yes")),
        Case::bytes(
            "redirect.location-twice-alike",
            "json",
            http("302 Found", &format!("location: /{WELL}\r\nlocation: /{WELL}\r\n"), ""),
            is("yes"),
        ),
        Case::bytes(
            "redirect.location-twice-different",
            "json",
            http("302 Found", &format!("location: /{WELL}\r\nlocation: /elsewhere\r\n"), ""),
            fails("redirect"),
        ),
    ]
}

fn addresses(port: u16) -> Vec<Case> {
    vec![
        to("credentials", &format!("http://me:secret@127.0.0.1:{port}/{WELL}"), fails("redirect")),
        to("port-closed", "http://127.0.0.1:1/", fails("connect")),
        to("port-0", "http://127.0.0.1:0/", fails("connect")),
        to("port-65536", "http://127.0.0.1:65536/", fails("redirect")),
        to("port-letters", "http://127.0.0.1:http/", fails("redirect")),
        to("no-such-host", "http://no-such-host.invalid/", fails("dns")),
        to("host-of-300-letters", &format!("http://{}/", "x".repeat(300)), fails("dns")),
        to("host-empty", "http:///", fails("redirect")),
        to("host-with-blank", "http://a b/", fails("redirect")),
        to("host-with-nul", "http://a%00b/", fails("redirect")),
        to("address-of-five", "http://127.0.0.1.1/", fails("redirect")),
        to("address-6-broken", "http://[::1/", fails("redirect")),
    ]
}

fn refused() -> Vec<Case> {
    let schemes = [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:application/json,{}",
        "mailto:a@b.c",
        "about:blank",
        "gopher://127.0.0.1/x",
        "ws://127.0.0.1/x",
        "unix:/run/x",
        "jar:http://x!/y",
        "blob:x",
        "tel:1",
    ];
    let scheme = |reference: &&str| {
        let word = reference.split(':').next().unwrap();
        to(&format!("scheme-{word}"), reference, fails("redirect"))
    };
    let mut cases: Vec<Case> = schemes.iter().map(scheme).collect();
    cases.extend([
        to("empty", "", fails("redirect")),
        to("blanks", "   ", fails("redirect")),
        to("of-50-kb", &format!("/{}", "x".repeat(50_000)), fails("status")),
        to("of-90-kb", &format!("/?{}", "x".repeat(90_000)), fails("redirect")),
        to("utf-8", "/für", fails("status")),
    ]);
    cases
}
