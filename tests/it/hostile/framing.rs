//! Where a body ends: lengths, chunks, connections that close, bodies that never end.

use std::time::Duration;

use super::cases::{Case, End, GOOD, Wire, closed, cut, fails, http, is};

/// All of them.
pub fn cases() -> Vec<Case> {
    [lengths(), transfers(), chunks(), cuts(), endless()].into_iter().flatten().collect()
}

fn with_head(name: &str, head: &str, body: &str, end: End) -> Case {
    let bytes = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n{body}");
    Case::bytes(name, "json", bytes, end)
}

fn lengths() -> Vec<Case> {
    let length = |name: &str, text: &str, end| {
        with_head(&format!("length.{name}"), &format!("content-length: {text}\r\n"), GOOD, end)
    };
    let two = |name: &str, one: &str, other: &str, end| {
        let head = format!("content-length: {one}\r\ncontent-length: {other}\r\n");
        with_head(&format!("length.{name}"), &head, GOOD, end)
    };
    vec![
        length("right", "11", is("yes")),
        length("blanks-around", "  11  ", is("yes")),
        length("leading-zeros", "00011", is("yes")),
        length("too-short", "5", fails("not_json")),
        length("too-long", "12", fails("reset")),
        length("zero", "0", fails("not_json")),
        length("huge", "99999999999", fails("too_large")),
        length("2-to-the-63", "9223372036854775808", fails("too_large")),
        length("2-to-the-64", "18446744073709551616", fails("protocol")),
        length("2-to-the-64-and-11", "18446744073709551627", fails("protocol")),
        length("30-digits", "100000000000000000000000000011", fails("protocol")),
        length("plus", "+11", fails("protocol")),
        length("minus", "-11", fails("protocol")),
        length("hexadecimal", "0xb", fails("protocol")),
        length("exponent", "1.1e1", fails("protocol")),
        length("point", "11.0", fails("protocol")),
        length("empty", "", fails("protocol")),
        length("letters", "eleven", fails("protocol")),
        length("two-in-one-alike", "11, 11", is("yes")),
        length("two-in-one-different", "11, 5", fails("protocol")),
        length("two-words", "11 11", fails("protocol")),
        length("other-digits", "\u{661}\u{661}", fails("protocol")),
        two("twice-alike", "11", "11", is("yes")),
        two("twice-different", "11", "5", fails("protocol")),
        two("twice-different-other-order", "5", "11", fails("protocol")),
        with_head("length.none", "", GOOD, is("yes")),
        with_head("length.none-and-nothing", "", "", fails("not_json")),
        with_head(
            "length.more-comes",
            "content-length: 11\r\n",
            &format!("{GOOD}HTTP/1.1 500 No\r\n\r\n"),
            is("yes"),
        ),
    ]
}

fn transfers() -> Vec<Case> {
    let one_chunk = "b\r\n{\"v\":\"yes\"}\r\n0\r\n\r\n";
    let coded = |name: &str, head: &str, end| with_head(&format!("transfer.{name}"), head, one_chunk, end);
    let te = |name: &str, word: &str, end| coded(name, &format!("transfer-encoding: {word}\r\n"), end);
    vec![
        te("chunked", "chunked", is("yes")),
        te("upper-case", "CHUNKED", is("yes")),
        te("blanks-around", " chunked ", is("yes")),
        te("empty", "", fails("protocol")),
        te("identity", "identity", fails("protocol")),
        te("unknown", "cow", fails("protocol")),
        te("quoted", "\"chunked\"", fails("protocol")),
        te("chunked-identity", "chunked, identity", fails("protocol")),
        te("chunked-twice", "chunked, chunked", fails("protocol")),
        te("vertical-tab", "\x0bchunked", fails("protocol")),
        te("parameter", "chunked;x=y", fails("protocol")),
        coded("and-a-length", "content-length: 5\r\ntransfer-encoding: chunked\r\n", is("yes")),
        coded("and-a-length-other-order", "transfer-encoding: chunked\r\ncontent-length: 5\r\n", is("yes")),
        coded("two-lines", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", fails("protocol")),
        Case::bytes(
            "transfer.chunked-by-http-1.0",
            "json",
            format!("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{one_chunk}"),
            fails("protocol"),
        ),
    ]
}

fn chunks() -> Vec<Case> {
    let raw = |name: &str, body: &str, end| {
        with_head(&format!("chunk.{name}"), "transfer-encoding: chunked\r\n", body, end)
    };
    let size = |name: &str, size: &str, end| raw(name, &format!("{size}\r\n{GOOD}\r\n0\r\n\r\n"), end);
    let ending = |name: &str, last: &str, end| raw(name, &format!("b\r\n{GOOD}\r\n{last}"), end);
    let letters: String = GOOD.chars().map(|letter| format!("1\r\n{letter}\r\n")).collect();
    vec![
        size("upper-case", "B", is("yes")),
        size("leading-zeros", &format!("{}b", "0".repeat(10)), is("yes")),
        size("extension", "b;a=b;c=\"d e\"", is("yes")),
        size("extension-of-1-mb", &format!("b;{}", "x".repeat(1 << 20)), fails("protocol")),
        size("prefix", "0xb", fails("protocol")),
        size("plus", "+b", fails("protocol")),
        size("minus", "-b", fails("protocol")),
        size("letters", "z", fails("protocol")),
        size("empty", "", fails("protocol")),
        size("too-short", "a", fails("protocol")),
        size("too-long", "c", fails("protocol")),
        size("huge", "fffffffffffffff", fails("reset")),
        size("2-to-the-64-and-11", "1000000000000000b", fails("protocol")),
        size("nul", "b\0", fails("protocol")),
        raw("a-byte-each", &format!("{letters}0\r\n\r\n"), is("yes")),
        raw("line-feeds-only", &format!("b\n{GOOD}\n0\n\n"), fails("protocol")),
        raw("no-line-end-behind", &format!("b\r\n{GOOD}0\r\n\r\n"), fails("protocol")),
        raw("none", "0\r\n\r\n", fails("not_json")),
        ending("trailer", "0\r\nx: y\r\n\r\n", is("yes")),
        ending("trailer-with-length", "0\r\ncontent-length: 5\r\n\r\n", is("yes")),
        ending("trailer-with-coding", "0\r\ncontent-encoding: gzip\r\n\r\n", is("yes")),
        ending("trailers-many", &format!("0\r\n{}\r\n", "x: y\r\n".repeat(100_000)), fails("protocol")),
        ending("trailer-garbage", "0\r\n\0\0\0\r\n\r\n", fails("protocol")),
        ending("last-with-zeros", "000\r\n\r\n", is("yes")),
        ending("more-comes", "0\r\n\r\n5\r\nextra\r\n0\r\n\r\n", is("yes")),
        ending("no-last", "", fails("reset")),
    ]
}

/// A body that is cut off at every byte, by what says where it ends. Where nothing does, half an answer is seen by its
/// text alone.
fn cuts() -> Vec<Case> {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n";
    let whole = http("200 OK", "", GOOD);
    let body = whole.len() - GOOD.len();
    let in_chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"v\":\r\n6\r\n\"yes\"}\r\n0\r\n\r\n";
    let first = in_chunks.find("5\r").unwrap();
    let lines = "{\"v\":1}\n{\"v\":2}\n";
    let of_lines = |at: usize| match at {
        0 => is("[]"),
        7 | 8 => is("[1]"),
        15 => is("[1,2]"),
        _ => fails("not_json"),
    };
    [
        cut("head", "json", 0..head.len(), |at| head.as_bytes()[..at].to_vec(), |_| fails("reset")),
        cut("length", "json", 0..GOOD.len(), |at| whole[..body + at].to_vec(), |_| fails("reset")),
        cut(
            "chunks",
            "json",
            first..in_chunks.len(),
            |at| in_chunks.as_bytes()[..at].to_vec(),
            |_| fails("reset"),
        ),
        cut("closed", "json", 0..GOOD.len(), |at| closed("", &GOOD.as_bytes()[..at]), |_| fails("not_json")),
        cut("closed-lines", "lines", 0..lines.len(), |at| closed("", &lines.as_bytes()[..at]), of_lines),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn endless() -> Vec<Case> {
    let case = |name: &str, head: &str, again: &[u8], pause: u64, kind| Case {
        name: format!("endless.{name}"),
        // One byte before each idle timeout: the time for the whole ends it.
        reader: if pause == 0 && kind != "timeout" { "json" } else { "drip" },
        wire: Wire::Endless(head.as_bytes().to_vec(), again.to_vec(), Duration::from_millis(pause)),
        end: fails(kind),
    };
    let ok = "HTTP/1.1 200 OK\r\n";
    let blanks = [b' '; 64 << 10];
    vec![
        case("body", &format!("{ok}\r\n"), &blanks, 0, "too_large"),
        case(
            "chunks",
            &format!("{ok}transfer-encoding: chunked\r\n\r\n"),
            &b"20\r\n                                \r\n".repeat(1000),
            0,
            "too_large",
        ),
        case("error-page", "HTTP/1.1 500 No\r\n\r\n", &blanks, 0, "status"),
        case("head", ok, b"x: y\r\n", 0, "too_large"),
        case("header", &format!("{ok}x: "), &blanks, 0, "too_large"),
        case("interim", "", b"HTTP/1.1 100 Continue\r\n\r\n", 0, "timeout"),
        case("blank-lines", "", b"\r\n", 0, "too_large"),
        case("extension", &format!("{ok}transfer-encoding: chunked\r\n\r\n1;"), &blanks, 0, "protocol"),
        case("trailers", &format!("{ok}transfer-encoding: chunked\r\n\r\n0\r\n"), b"x: y\r\n", 0, "protocol"),
        case("dripping-body", &format!("{ok}content-length: 1000000\r\n\r\n"), b" ", 100, "timeout"),
        case(
            "dripping-chunks",
            &format!("{ok}transfer-encoding: chunked\r\n\r\n"),
            b"1\r\n \r\n",
            100,
            "timeout",
        ),
        case("dripping-head", &format!("{ok}x: "), b"y", 100, "timeout"),
        case("dripping-interim", "", b"HTTP/1.1 102 Processing\r\n\r\n", 100, "timeout"),
        case("dripping-error-page", "HTTP/1.1 500 No\r\n\r\n", b" ", 100, "status"),
        case("silence", "", b"", 100, "timeout"),
    ]
}
