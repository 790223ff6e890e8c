//! Web pages and plain texts: monsters for the parser, charsets, and what is another thing.

use super::cases::{Case, End, closed, fails, http, is, null};
use super::codings::gzip;

/// All of them.
pub fn cases() -> Vec<Case> {
    [odd(), others(), charsets(), texts(), monsters()].into_iter().flatten().collect()
}

fn html(name: &str, page: impl AsRef<[u8]>, end: End) -> Case {
    let page = page.as_ref();
    if page.len() > 10_000 {
        let headers = "content-type: text/html\r\ncontent-encoding: gzip\r\n";
        return Case::body(format!("html.{name}"), "html", headers, gzip(page), end);
    }
    Case::body(format!("html.{name}"), "html", "content-type: text/html\r\n", page, end)
}

/// HTML is what browsers make of a text, so none is refused for being bad HTML.
fn odd() -> Vec<Case> {
    vec![
        html("good", "<!doctype html><h1>yes</h1>", is("yes")),
        html("without-it", "<p>no", null()),
        html("unclosed", "<h1>yes", is("yes")),
        html("tag-cut", "<h1>yes</h1><p class=\"", is("yes")),
        html("comment-cut", "<h1>yes</h1><!-- ", is("yes")),
        html("comment-swallows", "<!-- <h1>no</h1>", null()),
        html("script-swallows", "<script><h1>no</h1>", null()),
        html("title-swallows", "<title><h1>no</h1>", null()),
        html("template-shows", "<template><h1>no</h1></template>", is("no")),
        html("misnested", "<h1><b>y<i>e</b>s</i></h1>", is("yes")),
        html("nul", "<h1>y\0es\0</h1>", is("yes")),
        html("nul-in-tag", "<h\x001>no</h1>", null()),
        html(
            "references",
            "<h1>&#121;&#x65;&#115;&#0;&#xd800;&#1114112;</h1>",
            is("yes\u{fffd}\u{fffd}\u{fffd}"),
        ),
        html("reference-huge", format!("<h1>yes&#{};</h1>", "9".repeat(1000)), is("yes\u{fffd}")),
        html("frameset", "<frameset><frame src=x></frameset>", null()),
        html("empty", "", fails("extract")),
        html("blanks", " \r\n ", fails("extract")),
        html("two-of-it", "<h1>yes</h1><h1>no</h1>", is("yes")),
        html("bidi-mark", "<h1>a\u{202e}b</h1>", is("a\u{202e}b")),
        Case::bytes(
            "html.cut-and-nothing-says-so",
            "html",
            closed("content-type: text/html\r\n", b"<h1>hal"),
            is("hal"),
        ),
    ]
}

fn others() -> Vec<Case> {
    let typed = |name: &str, ty: &str, body: &[u8], kind| {
        let name = format!("html.other.{name}");
        Case::body(name, "html", &format!("content-type: {ty}\r\n"), body, fails(kind))
    };
    vec![
        typed("json", "application/json", b"{\"error\":\"busy\"}", "content_type"),
        typed("json-said-to-be-html", "text/html", b"{\"error\":\"busy\"}", "content_type"),
        typed("pdf-said-to-be-html", "text/html", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "content_type"),
        typed("png-said-to-be-html", "text/html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "content_type"),
        typed("gzip-said-to-be-html", "text/html", &gzip(b"<h1>no</h1>"), "content_type"),
        typed("feed", "application/rss+xml", b"<rss><h1>no</h1></rss>", "content_type"),
        typed("zip", "application/zip", b"PK\x03\x04\x14\0\x06\0\x08\0", "content_type"),
        typed("zeros", "text/html", &[0; 1000], "content_type"),
        typed("elf", "text/html", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0", "content_type"),
    ]
}

/// A page is read in the charset that it has, whoever lies about it; in none that cannot be read.
fn charsets() -> Vec<Case> {
    let said = |name: &str, charset: &str, page: &[u8], end| {
        let headers = format!("content-type: text/html; charset={charset}\r\n");
        Case::body(format!("html.charset.{name}"), "html", &headers, page, end)
    };
    let utf_16: Vec<u8> = "\u{feff}<h1>é</h1>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        said("latin1", "iso-8859-1", b"<h1>\xe9</h1>", is("é")),
        said("quoted", "\"windows-1252\"", b"<h1>\x80</h1>", is("€")),
        said("shift-jis", "shift_jis", b"<h1>\x93\xfa\x96\x7b</h1>", is("日本")),
        said("unknown", "klingon", b"<h1>x</h1>", is("x")),
        said("of-50-kb", &"x".repeat(50_000), b"<h1>x</h1>", is("x")),
        said("utf-16-marked", "utf-8", &utf_16, is("é")),
        said("hz", "hz-gb-2312", b"<h1>~{VP~}</h1>", fails("decode")),
        said("iso-2022-cn", "iso-2022-cn", b"<h1>x</h1>", is("x")),
        said("iso-2022-cn-shifted", "iso-2022-cn", b"<h1>\x1b$)A\x0eVP</h1>", fails("decode")),
        said("not-utf-8", "utf-8", b"<h1>a\xffb</h1>", is("a\u{fffd}b")),
        said("utf-7", "utf-7", b"<h1>+AOk-</h1>", fails("decode")),
        html("charset.meta-lies-utf-16", "<meta charset=utf-16><h1>é</h1>", is("é")),
        html("charset.metas-two", b"<meta charset=koi8-r><meta charset=utf-8><h1>\xf0</h1>", is("П")),
    ]
}

fn texts() -> Vec<Case> {
    let text = |name: &str, body: &[u8], end| {
        Case::body(format!("text.{name}"), "text", "content-type: text/plain\r\n", body, end)
    };
    vec![
        text("good", b"yes", is("yes")),
        text("nul", b"a\0b", is("a\0b")),
        text("byte-order-mark", b"\xef\xbb\xbfyes", is("yes")),
        text("escape", b"\x1b[31myes", is("\x1b[31myes")),
        text("nothing", b"", is("")),
        text("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", fails("content_type")),
        Case::bytes("text.cut-and-nothing-says-so", "text", closed("", b"hal"), is("hal")),
        Case::bytes("text.status-500", "text", http("500 No", "", "no"), fails("status")),
    ]
}

/// Attributes that no two are the same of.
fn attributes(number: usize) -> String {
    (0..number).map(|at| format!(" a{at}")).collect()
}

/// Elements that are closed in the wrong order, each of which makes copies of those inside it.
fn adopted(number: usize) -> String {
    let open = |tag: &str| (0..number).map(|at| format!("<{tag} {at}>")).collect::<String>();
    format!("{}{}{}", open("b"), open("i"), "x</b>".repeat(number))
}

/// What keeps a parser for minutes, or makes gigabytes of kilobytes.
fn monsters() -> Vec<Case> {
    let before = |name: &str, unit: &str, number: usize, end| {
        html(&format!("monster.{name}"), format!("<h1>yes</h1>{}", unit.repeat(number)), end)
    };
    let inside = |name: &str, first: &str, text: String, end| {
        html(&format!("monster.{name}"), format!("<h1>yes</h1>{first}{text}"), end)
    };
    let unclosed: String = (0..100).map(|at| format!("<b b{at}{}>", attributes(900))).collect();
    vec![
        before("b-100000-deep", "<b>", 100_000, fails("too_deep")),
        before("span-12000-deep", "<span>", 12_000, fails("too_deep")),
        before("svg-20000-deep", "<svg>", 20_000, fails("too_deep")),
        before("a-100000", "<a>", 100_000, is("yes")),
        before("li-100000", "<li>x", 100_000, is("yes")),
        before("brackets-500000", "<", 500_000, is("yes")),
        before("ends-100000", "</x>", 100_000, is("yes")),
        before("references-100000", "&amp;", 100_000, is("yes")),
        inside("attributes-1000", "<p", format!("{}>", attributes(1000)), is("yes")),
        inside("attributes-1001", "<p", format!("{}>", attributes(1001)), fails("too_large")),
        inside("attributes-100000", "<p", format!("{}>", attributes(100_000)), fails("too_large")),
        inside("attributes-100000-unclosed", "<p", attributes(100_000), fails("too_large")),
        inside("attributes-of-an-end", "</p", format!("{}>", attributes(100_000)), fails("too_large")),
        inside("attribute-100000-times", "<p", format!("{}>", " a".repeat(100_000)), fails("too_large")),
        inside("attribute-of-1-mb", "<p a='", format!("{}'>", "x ".repeat(500_000)), is("yes")),
        inside("tag-of-1-mb", "<", format!("{}>", "x".repeat(1 << 20)), is("yes")),
        inside("comment-of-1-mb", "<!--", format!("{}-->", "x ".repeat(500_000)), is("yes")),
        inside("bodies-2000", "", (0..2000).map(|at| format!("<body a{at}>")).collect(), fails("too_large")),
        inside(
            "value-copied",
            "<p>",
            format!("<a title='{}'>{}", "x".repeat(500_000), "<p>x".repeat(10_000)),
            is("yes"),
        ),
        inside("unclosed-in-unclosed", "", adopted(300), is("yes")),
        inside(
            "copies-of-attributes",
            "<p>",
            format!("{unclosed}{}", "<p>x".repeat(10_000)),
            fails("too_deep"),
        ),
    ]
}
