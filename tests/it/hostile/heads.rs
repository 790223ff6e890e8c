//! Status lines, statuses and headers.

use super::cases::{Case, GOOD, fails, http, is};

/// All of them.
pub fn cases() -> Vec<Case> {
    [status_lines(), statuses(), headers(), beginnings()].into_iter().flatten().collect()
}

/// The answer behind a status line or whatever is in its place.
fn after(first: &str) -> Vec<u8> {
    format!("{first}\r\nconnection: close\r\ncontent-length: 11\r\n\r\n{GOOD}").into_bytes()
}

fn status_lines() -> Vec<Case> {
    let lines: [(&str, &str, bool); 23] = [
        ("without-reason", "HTTP/1.1 200", true),
        ("blank-reason", "HTTP/1.1 200 ", true),
        ("long-reason", &format!("HTTP/1.1 200 {}", "x".repeat(60_000)), true),
        ("utf-8-reason", "HTTP/1.1 200 für dich", true),
        ("nul-in-reason", "HTTP/1.1 200 O\0K", false),
        ("cr-in-reason", "HTTP/1.1 200 O\rK", false),
        ("http-1.0", "HTTP/1.0 200 OK", true),
        ("http-1.2", "HTTP/1.2 200 OK", false),
        ("http-2", "HTTP/2 200 OK", false),
        ("http-0.9", "HTTP/0.9 200 OK", false),
        ("lower-case", "http/1.1 200 OK", false),
        ("icy", "ICY 200 OK", false),
        ("two-blanks", "HTTP/1.1  200 OK", false),
        ("tab", "HTTP/1.1\t200 OK", false),
        ("two-digits", "HTTP/1.1 20 OK", false),
        ("four-digits", "HTTP/1.1 2000 OK", false),
        ("negative", "HTTP/1.1 -20 OK", false),
        ("zero", "HTTP/1.1 000 OK", false),
        ("099", "HTTP/1.1 099 OK", false),
        ("letters", "HTTP/1.1 2OO OK", false),
        ("hexadecimal", "HTTP/1.1 0xC OK", false),
        ("blank-lines-before", "\r\n\r\nHTTP/1.1 200 OK", true),
        ("byte-order-mark-before", "\u{feff}HTTP/1.1 200 OK", false),
    ];
    let case = |(name, line, is_good): (&str, &str, bool)| {
        let end = if is_good { is("yes") } else { fails("protocol") };
        Case::bytes(format!("status-line.{name}"), "json", after(line), end)
    };
    lines.into_iter().map(case).collect()
}

fn statuses() -> Vec<Case> {
    // A success is one whatever its number says besides; 404 is what the job calls missing.
    let good = [200, 201, 203, 205, 207, 208, 226, 250, 299];
    let failing = [
        206, 300, 304, 305, 306, 310, 400, 401, 402, 403, 405, 407, 408, 410, 413, 418, 421, 425, 431, 451,
        499, 500, 501, 502, 504, 505, 511, 520, 530, 598, 600, 700, 999,
    ];
    let body = |status: u16| http(&format!("{status} So"), "", GOOD);
    let mut cases: Vec<Case> =
        good.map(|status| Case::bytes(format!("status.{status}"), "json", body(status), is("yes"))).into();
    cases.extend(
        failing.map(|status| Case::bytes(format!("status.{status}"), "json", body(status), fails("status"))),
    );
    for status in [301, 302, 303, 307, 308] {
        let name = format!("status.{status}-to-nowhere");
        cases.push(Case::bytes(name, "json", body(status), fails("redirect")));
    }
    cases.push(Case::bytes("status.404", "json", body(404), super::cases::null()));
    // It has no body: what follows is no part of the answer.
    cases.push(Case::bytes("status.204", "json", body(204), fails("not_json")));
    cases.push(Case::bytes("status.202-and-nothing", "json", http("202 Later", "", ""), fails("status")));
    cases.push(Case::bytes("status.202-and-an-answer", "json", http("202 Later", "", GOOD), is("yes")));
    cases.extend(interim());
    cases
}

/// 1xx before an answer, and instead of one.
fn interim() -> Vec<Case> {
    let before = |name: &str, interim: &str, end| {
        let bytes = [interim.as_bytes(), &http("200 OK", "", GOOD)].concat();
        Case::bytes(format!("interim.{name}"), "json", bytes, end)
    };
    vec![
        before("100", "HTTP/1.1 100 Continue\r\n\r\n", is("yes")),
        before("102", "HTTP/1.1 102 Processing\r\n\r\n", is("yes")),
        before("103-with-links", "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=next\r\n\r\n", is("yes")),
        before("199", "HTTP/1.1 199 So\r\n\r\n", is("yes")),
        before("100-a-thousand-times", &"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000), is("yes")),
        before("101-unasked", "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n", fails("status")),
        Case::bytes("interim.100-and-no-more", "json", "HTTP/1.1 100 Continue\r\n\r\n", fails("reset")),
    ]
}

/// A header in front of the good answer.
fn with(name: &str, lines: &str, end: super::cases::End) -> Case {
    Case::bytes(format!("header.{name}"), "json", http("200 OK", lines, GOOD), end)
}

fn headers() -> Vec<Case> {
    let many = |number: usize| (0..number).map(|at| format!("x-{at}: y\r\n")).collect::<String>();
    let long = |length: usize| format!("x: {}\r\n", "y".repeat(length));
    vec![
        with("folded", "x: a\r\n b\r\n", fails("protocol")),
        with("folded-at-the-beginning", " x: a\r\n", fails("protocol")),
        with("without-colon", "x\r\n", fails("protocol")),
        with("without-name", ": x\r\n", fails("protocol")),
        with("blank-before-colon", "x : y\r\n", fails("protocol")),
        with("blank-in-name", "x y: z\r\n", fails("protocol")),
        with("nul-in-name", "x\0: y\r\n", fails("protocol")),
        with("nul-in-value", "x: y\0z\r\n", fails("protocol")),
        with("cr-in-value", "x: y\rz\r\n", fails("protocol")),
        with("escape-in-value", "x: \x1b[31m\r\n", fails("protocol")),
        with("utf-8-in-name", "für: x\r\n", fails("protocol")),
        with("utf-8-in-value", "x: für\r\n", is("yes")),
        with("tab-in-value", "x: y\tz\r\n", is("yes")),
        with("line-feeds-only", "x: y\n", is("yes")),
        with("without-value", "x:\r\n", is("yes")),
        with("of-100-kb", &long(100_000), is("yes")),
        with("of-1-mb", &long(1 << 20), fails("too_large")),
        with("name-of-100-kb", &format!("{}: y\r\n", "x".repeat(100_000)), fails("too_large")),
        with("1000-of-them", &many(1000), is("yes")),
        with("1100-of-them", &many(1100), fails("too_large")),
        with("100000-of-them", &many(100_000), fails("too_large")),
        with("cookies-1000-of-them", &"set-cookie: a=b\r\n".repeat(1000), is("yes")),
        with("cookie-without-name", "set-cookie: =; ;;=\r\n", is("yes")),
        with("absurd-date", "date: Fri, 31 Dec 9999 23:59:60 GMT\r\n", is("yes")),
        with("connection-upgrade", "connection: upgrade\r\nupgrade: websocket\r\n", is("yes")),
        with("location-on-200", "location: /elsewhere\r\n", is("yes")),
        with("refresh-on-200", "refresh: 0; url=/elsewhere\r\n", is("yes")),
        with("retry-after-on-200", "retry-after: 1000000000000000000\r\n", is("yes")),
        with("content-range-on-200", "content-range: bytes 0-10/9999\r\n", is("yes")),
        with("content-type-garbage", "content-type: ;;;=\"\r\n", is("yes")),
        with("content-type-50-kb", &format!("content-type: text/{}\r\n", "x".repeat(50_000)), is("yes")),
        with("content-type-latin1", "content-type: application/json; charset=\u{fc}\r\n", is("yes")),
        with("link-garbage", "link: <<<>>>;;rel=\"next\r\n", is("yes")),
    ]
}

/// What is no HTTP at all, or only begins so.
fn beginnings() -> Vec<Case> {
    let raw =
        |name: &str, bytes: &[u8], kind| Case::bytes(format!("no-http.{name}"), "json", bytes, fails(kind));
    vec![
        raw("nothing", b"", "reset"),
        raw("blank-lines", b"\r\n\r\n\r\n\r\n", "reset"),
        raw("json", GOOD.as_bytes(), "protocol"),
        raw("html", b"<!doctype html><h1>busy</h1>\r\n\r\n", "protocol"),
        raw("tls-alert", b"\x15\x03\x01\0\x02\x02\x28", "protocol"),
        raw(
            "http-2-settings",
            b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff",
            "protocol",
        ),
        raw("ssh", b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
        raw("smtp", b"220 mail.example.com ESMTP\r\n", "protocol"),
        raw("redis", b"-ERR unknown command 'GET'\r\n", "protocol"),
        raw("mysql", b"J\0\0\0\x0a8.0.36\0", "protocol"),
        raw("a-request", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", "protocol"),
        raw("zeros", &[0; 100_000], "protocol"),
        raw("line-feeds", &[b'\n'; 100_000], "too_large"),
        raw("letters-1-mb", &[b'H'; 1 << 20], "protocol"),
    ]
}
