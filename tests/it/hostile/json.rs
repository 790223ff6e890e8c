//! What stands in a body that should be JSON: read by a plain path, and once more by the interpreter, which must agree.

use super::cases::{Case, End, GOOD, fails, is, null};
use super::codings::gzip;

/// All of them.
pub fn cases() -> Vec<Case> {
    let plain: Vec<(&str, Vec<u8>, End)> =
        [texts(), not_json(), documents(), shapes(), encodings(), monsters()].into_iter().flatten().collect();
    let mut cases = Vec::new();
    for (name, body, end) in plain {
        let again = match &end {
            // The interpreter holds all of an answer, and half a pair it cannot.
            _ if name.starts_with("surrogate-") && name != "surrogate-pair" => fails("not_json"),
            End::Value(value) => End::Value(value.clone()),
            End::Fails(kind) => fails(kind),
        };
        // Monsters are mostly blanks and brackets.
        let (headers, body) =
            if body.len() > 10_000 { ("content-encoding: gzip\r\n", gzip(&body)) } else { ("", body) };
        cases.push(Case::body(format!("json.{name}"), "json", headers, &body, end));
        cases.push(Case::body(format!("jq.{name}"), "jq", headers, &body, again));
    }
    cases.into_iter().chain(numbers()).chain(lines()).collect()
}

type Text = (&'static str, Vec<u8>, End);

fn of(texts: impl IntoIterator<Item = (&'static str, &'static str, End)>) -> Vec<Text> {
    texts.into_iter().map(|(name, text, end)| (name, text.as_bytes().to_vec(), end)).collect()
}

/// Strings and keys.
fn texts() -> Vec<Text> {
    of([
        ("escapes", r#"{"v":"\u0041\/\"\\\b\f"}"#, is("A/\"\\\u{8}\u{c}")),
        ("surrogate-pair", r#"{"v":"\ud83d\ude00"}"#, is("😀")),
        // Half a pair is no text, and which other should it be? PostgreSQL and DuckDB could not hold it.
        ("surrogate-high", r#"{"v":"\ud800"}"#, fails("convert")),
        ("surrogate-low", r#"{"v":"\udc00"}"#, fails("convert")),
        ("surrogate-turned", r#"{"v":"\ude00\ud83d"}"#, fails("convert")),
        ("surrogate-elsewhere", r#"{"w":"\ud800","v":"yes"}"#, is("yes")),
        ("surrogate-in-key", r#"{"\ud800":1,"v":"yes"}"#, fails("not_json")),
        ("nul-escaped", r#"{"v":"a\u0000b"}"#, is("a\0b")),
        ("nul-raw", "{\"v\":\"a\0b\"}", fails("not_json")),
        ("tab-raw", "{\"v\":\"a\tb\"}", fails("not_json")),
        ("line-feed-raw", "{\"v\":\"a\nb\"}", fails("not_json")),
        ("delete-raw", "{\"v\":\"a\u{7f}b\"}", is("a\u{7f}b")),
        ("line-separator-raw", "{\"v\":\"a\u{2028}b\"}", is("a\u{2028}b")),
        ("noncharacter", "{\"v\":\"\u{ffff}\"}", is("\u{ffff}")),
        ("bidi-mark", "{\"v\":\"a\u{202e}b\"}", is("a\u{202e}b")),
        ("escape-x", r#"{"v":"\x41"}"#, fails("not_json")),
        ("escape-quote", r#"{"v":"\'"}"#, fails("not_json")),
        ("escape-short", r#"{"v":"\u12"}"#, fails("not_json")),
        ("escape-cut", "{\"v\":\"\\", fails("not_json")),
        ("empty-text", r#"{"v":""}"#, is("")),
        ("empty-key", r#"{"":1,"v":"yes"}"#, is("yes")),
        ("key-twice", r#"{"v":"no","v":"yes"}"#, is("yes")),
        ("key-twice-escaped", r#"{"v":"no","\u0076":"yes"}"#, is("yes")),
        ("key-twice-then-null", r#"{"v":"no","v":null}"#, null()),
        ("key-in-upper-case", r#"{"V":"no"}"#, null()),
        ("key-proto", r#"{"__proto__":{"v":"no"}}"#, null()),
        ("key-with-nul", r#"{"v\u0000":"no"}"#, null()),
        ("key-of-fullwidth", r#"{"ｖ":"no"}"#, null()),
    ])
}

/// What others write or read as JSON, and is none.
fn not_json() -> Vec<Text> {
    let not = [
        ("nan", r#"{"v":NaN}"#),
        ("infinity", r#"{"v":Infinity}"#),
        ("minus-infinity", r#"{"v":-Infinity}"#),
        ("nan-lower-case", r#"{"v":nan}"#),
        ("undefined", r#"{"v":undefined}"#),
        ("true-of-python", r#"{"v":True}"#),
        ("none-of-python", r#"{"v":None}"#),
        ("nil", r#"{"v":nil}"#),
        ("hexadecimal", r#"{"v":0x10}"#),
        ("octal", r#"{"v":010}"#),
        ("minus-zeros", r#"{"v":-01}"#),
        ("plus", r#"{"v":+1}"#),
        ("point-first", r#"{"v":.5}"#),
        ("point-last", r#"{"v":5.}"#),
        ("exponent-without", r#"{"v":1e}"#),
        ("underscores", r#"{"v":1_000}"#),
        ("minus-alone", r#"{"v":-}"#),
        ("big-suffix", r#"{"v":1n}"#),
        ("comma-last", r#"{"v":"yes",}"#),
        ("comma-last-of-array", r#"{"v":"yes","a":[1,]}"#),
        ("comma-first", r#"{,"v":"yes"}"#),
        ("commas-two", r#"{"v":"yes",,"w":1}"#),
        ("comma-missing", r#"{"v":"yes" "w":1}"#),
        ("colon-missing", r#"{"v" "yes"}"#),
        ("colons-two", r#"{"v"::"yes"}"#),
        ("value-missing", r#"{"v":}"#),
        ("comment-line", "{\"v\":\"yes\"} // so"),
        ("comment-block", r#"{/* so */"v":"yes"}"#),
        ("comment-hash", "# so\n{\"v\":\"yes\"}"),
        ("single-quotes", "{'v':'yes'}"),
        ("key-without-quotes", r#"{v:"yes"}"#),
        ("key-number", r#"{1:2,"v":"yes"}"#),
        ("brackets-crossed", r#"{"v":["yes"}]"#),
        ("bracket-too-many", r#"{"v":"yes"}}"#),
        ("bracket-missing", r#"{"v":"yes""#),
        ("quote-missing", r#"{"v":"yes}"#),
        ("yaml", "v: yes"),
        ("xml", "<?xml version=\"1.0\"?><v>yes</v>"),
        ("html", "<!doctype html><title>Just a moment…</title>"),
        ("php-notice-before", "<br />\n<b>Notice</b>: x\n{\"v\":\"yes\"}"),
        ("guard-before", ")]}',\n{\"v\":\"yes\"}"),
        ("guard-of-loop", "for(;;);{\"v\":\"yes\"}"),
        ("call", "f({\"v\":\"yes\"})"),
        ("form", "v=yes"),
        ("csv", "v\nyes\n"),
        ("empty", ""),
        ("blanks", " \r\n\t "),
        ("blank-of-another-kind", "\u{a0}{\"v\":\"yes\"}"),
        ("vertical-tab", "\x0b{\"v\":\"yes\"}"),
        ("nul", "\0"),
    ];
    of(not.map(|(name, text)| (name, text, fails("not_json"))))
}

/// One document, and more than one.
fn documents() -> Vec<Text> {
    of([
        ("good", GOOD, is("yes")),
        ("blanks-around", " \r\n\t{\"v\":\"yes\"}\r\n\r\n", is("yes")),
        ("twice", r#"{"v":"yes"}{"v":"no"}"#, fails("not_json")),
        ("twice-with-line", "{\"v\":\"yes\"}\n{\"v\":\"no\"}\n", fails("not_json")),
        ("twice-with-comma", r#"{"v":"yes"},{"v":"no"}"#, fails("not_json")),
        ("twice-with-nul", "{\"v\":\"yes\"}\0{\"v\":\"no\"}", fails("not_json")),
        ("record-separators", "\x1e{\"v\":\"yes\"}\n\x1e{\"v\":\"no\"}\n", fails("not_json")),
        ("letter-behind", r#"{"v":"yes"}x"#, fails("not_json")),
        ("nul-behind", "{\"v\":\"yes\"}\0", fails("not_json")),
        ("end-of-file-mark-behind", "{\"v\":\"yes\"}\x1a", fails("not_json")),
        ("html-behind", "{\"v\":\"yes\"}<script src=x></script>", fails("not_json")),
        ("error-behind", "{\"v\":\"yes\"}Internal Server Error", fails("not_json")),
        ("event-stream", "data: {\"v\":\"yes\"}\n\n", fails("not_json")),
    ])
}

/// JSON of another shape than the column's path has.
fn shapes() -> Vec<Text> {
    of([
        ("null", "null", null()),
        ("empty-object", "{}", null()),
        ("null-value", r#"{"v":null}"#, null()),
        ("array", r#"[{"v":"no"}]"#, fails("extract")),
        ("empty-array", "[]", fails("extract")),
        ("text", r#""v""#, fails("extract")),
        ("number", "7", fails("extract")),
        ("true", "true", fails("extract")),
        ("value-is-true", r#"{"v":true}"#, is("true")),
        ("value-is-object", r#"{"v":{"a":1}}"#, is(r#"{"a":1}"#)),
        ("value-is-array", r#"{"v":[1, 2]}"#, is("[1,2]")),
    ])
}

/// Bytes of other charsets, and what are none.
fn encodings() -> Vec<Text> {
    let utf_16 =
        |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let marked = format!("\u{feff}{GOOD}");
    let utf_32: Vec<u8> = marked.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    let in_text = |bytes: &[u8]| [b"{\"v\":\"", bytes, b"\"}"].concat();
    vec![
        ("byte-order-mark", marked.clone().into_bytes(), is("yes")),
        ("byte-order-mark-twice", format!("\u{feff}{marked}").into_bytes(), is("yes")),
        ("byte-order-mark-behind", format!("{GOOD}\u{feff}").into_bytes(), fails("not_json")),
        ("byte-order-mark-alone", "\u{feff}".into(), fails("not_json")),
        ("utf-16-le", utf_16(GOOD, u16::to_le_bytes), is("yes")),
        ("utf-16-be", utf_16(GOOD, u16::to_be_bytes), is("yes")),
        ("utf-16-le-marked", utf_16(&marked, u16::to_le_bytes), is("yes")),
        ("utf-16-be-marked", utf_16(&marked, u16::to_be_bytes), is("yes")),
        ("utf-16-odd", [utf_16(&marked, u16::to_le_bytes), vec![b'x']].concat(), fails("decode")),
        ("utf-32-marked", utf_32, fails("decode")),
        ("latin1", in_text(b"\xe9"), fails("not_json")),
        ("overlong", in_text(b"\xc0\x80"), fails("not_json")),
        ("overlong-slash", in_text(b"\xe0\x80\xaf"), fails("not_json")),
        ("surrogate-in-utf-8", in_text(b"\xed\xa0\x80"), fails("not_json")),
        ("pair-in-cesu-8", in_text(b"\xed\xa0\xbd\xed\xb8\x80"), fails("not_json")),
        ("beyond-unicode", in_text(b"\xf4\x90\x80\x80"), fails("not_json")),
        ("cut-letter", in_text(b"\xf0\x9f\x98"), fails("not_json")),
        ("ff", in_text(b"\xff"), fails("not_json")),
        ("binary", (0..=255).collect(), fails("not_json")),
        ("ebcdic", b"\xc0\x7f\xa5\x7f\x7a\x7f\xa8\x85\xa2\x7f\xd0".to_vec(), fails("not_json")),
    ]
}

fn monsters() -> Vec<Text> {
    let deep = |open: &str, close: &str, number: usize| {
        format!("{{\"v\":\"yes\",\"d\":{}1{}}}", open.repeat(number), close.repeat(number)).into_bytes()
    };
    let keys: String = (0..100_000).map(|at| format!("\"k{at}\":{at},")).collect();
    let many = |unit: &str, number: usize| {
        format!("{{\"d\":[{}0],\"v\":\"yes\"}}", unit.repeat(number)).into_bytes()
    };
    vec![
        ("arrays-127-deep", deep("[", "]", 127), is("yes")),
        ("arrays-128-deep", deep("[", "]", 128), fails("too_deep")),
        ("arrays-600000-deep", deep("[", "]", 600_000), fails("too_deep")),
        ("objects-150000-deep", deep("{\"a\":", "}", 150_000), fails("too_deep")),
        ("arrays-without-end", b"[".repeat(1_000_000), fails("too_deep")),
        ("objects-without-end", b"{\"a\":".repeat(200_000), fails("too_deep")),
        (
            "brackets-in-a-text",
            format!("{{\"d\":\"{}\",\"v\":\"yes\"}}", "[".repeat(1_000_000)).into_bytes(),
            is("yes"),
        ),
        ("keys-100000", format!("{{{keys}\"v\":\"yes\"}}").into_bytes(), is("yes")),
        (
            "key-100000-times",
            format!("{{{}\"v\":\"yes\"}}", "\"v\":\"no\",".repeat(100_000)).into_bytes(),
            is("yes"),
        ),
        ("key-of-1-mb", format!("{{\"{}\":1,\"v\":\"yes\"}}", "k".repeat(1 << 20)).into_bytes(), is("yes")),
        ("elements-500000", many("0,", 500_000), is("yes")),
        ("empty-arrays-300000", many("[],", 300_000), is("yes")),
        ("blanks-1-mb", format!("{}{GOOD}", " ".repeat(1 << 20)).into_bytes(), is("yes")),
        (
            "escapes-1-mb",
            format!("{{\"d\":\"{}\",\"v\":\"yes\"}}", "\\u0041".repeat(170_000)).into_bytes(),
            is("yes"),
        ),
        ("more-than-max-answer", format!("{}{GOOD}", " ".repeat(2 << 20)).into_bytes(), fails("too_large")),
    ]
}

/// Numbers, in columns of each type. As text they are what the server wrote.
fn numbers() -> Vec<Case> {
    let ok = |text: &str| is(text);
    let no = || fails("convert");
    let case = |name: &str, text: &str, ends: [End; 4]| {
        let body = format!("{{\"v\":{text}}}");
        let readers = ["json", "bigint", "double", "decimal"].into_iter().zip(ends);
        readers
            .map(|(reader, end)| Case::body(format!("number.{name}.{reader}"), reader, "", &body, end))
            .collect::<Vec<_>>()
    };
    let digits = "7".repeat(100);
    let fraction = format!("0.{}", "3".repeat(100));
    [
        case("minus-zero", "-0", [ok("-0"), ok("0"), ok("-0.0"), ok("0.0000")]),
        case("1e3", "1e3", [ok("1e3"), ok("1000"), ok("1000.0"), ok("1000.0000")]),
        case("one-point-zero", "1.0", [ok("1.0"), ok("1"), ok("1.0"), ok("1.0000")]),
        case("half", "0.5", [ok("0.5"), no(), ok("0.5"), ok("0.5000")]),
        case("1e999", "1e999", [ok("1e999"), no(), no(), no()]),
        case("minus-1e999", "-1e999", [ok("-1e999"), no(), no(), no()]),
        case("1e-999", "1e-999", [ok("1e-999"), no(), ok("0.0"), no()]),
        case("1e400000000000", "1e400000000000", [ok("1e400000000000"), no(), no(), no()]),
        case("0e999999999999", "0e999999999999", [ok("0e999999999999"), ok("0"), ok("0.0"), ok("0.0000")]),
        case(
            "2-to-the-53-and-1",
            "9007199254740993",
            [
                ok("9007199254740993"),
                ok("9007199254740993"),
                ok("9007199254740992.0"),
                ok("9007199254740993.0000"),
            ],
        ),
        case(
            "2-to-the-63-less-1",
            "9223372036854775807",
            [ok("9223372036854775807"), ok("9223372036854775807"), ok("9.223372036854776e+18"), no()],
        ),
        case(
            "2-to-the-63",
            "9223372036854775808",
            [ok("9223372036854775808"), no(), ok("9.223372036854776e+18"), no()],
        ),
        case(
            "minus-2-to-the-63",
            "-9223372036854775808",
            [ok("-9223372036854775808"), ok("-9223372036854775808"), ok("-9.223372036854776e+18"), no()],
        ),
        case(
            "2-to-the-64",
            "18446744073709551616",
            [ok("18446744073709551616"), no(), ok("1.8446744073709552e+19"), no()],
        ),
        case("100-digits", &digits, [ok(&digits), no(), ok("7.777777777777778e+99"), no()]),
        case("fraction-of-100-digits", &fraction, [ok(&fraction), no(), ok("0.3333333333333333"), no()]),
        case("point-one", "0.1", [ok("0.1"), no(), ok("0.1"), ok("0.1000")]),
        case("five-places", "0.00001", [ok("0.00001"), no(), ok("1e-05"), no()]),
        case("in-text", "\"12\"", [ok("12"), ok("12"), ok("12.0"), ok("12.0000")]),
        case("nan-in-text", "\"NaN\"", [ok("NaN"), no(), no(), no()]),
        case("infinity-in-text", "\"Infinity\"", [ok("Infinity"), no(), no(), no()]),
        case("thousands-in-text", "\"1,000\"", [ok("1,000"), no(), no(), no()]),
        case("hexadecimal-in-text", "\"0x10\"", [ok("0x10"), no(), no(), no()]),
        case("other-digits-in-text", "\"\u{661}\u{662}\"", [ok("\u{661}\u{662}"), no(), no(), no()]),
        case("blanks-in-text", "\" 12 \"", [ok(" 12 "), ok("12"), ok("12.0"), ok("12.0000")]),
        case("nothing-in-text", "\"\"", [ok(""), no(), no(), no()]),
        case("true", "true", [ok("true"), no(), no(), no()]),
        case("array", "[1]", [ok("[1]"), no(), no(), no()]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// JSON lines.
fn lines() -> Vec<Case> {
    let line = |name: &str, text: &str, end| Case::body(format!("lines.{name}"), "lines", "", text, end);
    vec![
        line("three", "{\"v\":1}\n{\"v\":2}\n{\"v\":3}\n", is("[1,2,3]")),
        line("no-last-line-end", "{\"v\":1}\n{\"v\":2}", is("[1,2]")),
        line("carriage-returns", "{\"v\":1}\r\n\r\n{\"v\":2}\r\n", is("[1,2]")),
        line("carriage-returns-only", "{\"v\":1}\r{\"v\":2}\r", fails("not_json")),
        line("byte-order-mark", "\u{feff}{\"v\":1}\n", is("[1]")),
        line("byte-order-mark-within", "{\"v\":1}\n\u{feff}{\"v\":2}\n", fails("not_json")),
        line("one-broken", "{\"v\":1}\n{\"v\":\n{\"v\":3}\n", fails("not_json")),
        line("last-cut", "{\"v\":1}\n{\"v\":2}\n{\"v\"", fails("not_json")),
        line("two-on-one", "{\"v\":1}{\"v\":2}\n", fails("not_json")),
        line("one-on-two", "{\"v\":\n1}\n", fails("not_json")),
        line("error-at-the-end", "{\"v\":1}\nInternal Server Error\n", fails("not_json")),
        line("array", "[{\"v\":1},{\"v\":2}]", fails("extract")),
        line("array-over-lines", "[{\"v\":1},\n{\"v\":2}]", fails("not_json")),
        line("record-separators", "\x1e{\"v\":1}\n", fails("not_json")),
        line("nothing", "", is("[]")),
        line("blank-lines", "\n\n\n", is("[]")),
        line("html", "<html>\n</html>\n", fails("not_json")),
        line("lines-100000", &"{\"v\":1}\n".repeat(100_000), is(&format!("[{}1]", "1,".repeat(99_999)))),
    ]
}
