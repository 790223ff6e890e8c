//! Content codings: cut off, damaged, one in another, under a wrong name, and bombs.

use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::cases::{Case, End, GOOD, chunked, closed, cut, fails, http, is};

/// All of them.
pub fn cases() -> Vec<Case> {
    [cuts(), names(), gzip_cases(), others(), bombs()].into_iter().flatten().collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// One uncompressed block of at most 64 KiB (RFC 7932, section 9.2), and the end.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 1).unwrap();
    // Window bits 16 ("0"), not the last ("0"), four nibbles ("00"), 16 bits of length less one, uncompressed ("1").
    let head = length << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

type Encoder = fn(&[u8]) -> Vec<u8>;

/// Name, coding, and what packs in it.
const ENCODERS: [(&str, &str, Encoder); 5] = [
    ("gzip", "gzip", gzip),
    ("zlib", "deflate", zlib),
    ("deflate", "deflate", deflate),
    ("br", "br", brotli),
    ("zstd", "zstd", zstd),
];

fn coded(name: &str, coding: &str, body: impl AsRef<[u8]>, end: End) -> Case {
    Case::body(format!("coding.{name}"), "json", &format!("content-encoding: {coding}\r\n"), body, end)
}

/// Each coding cut off at every byte: by a server that gives the cut length, as one does whose own source broke off, and,
/// in gzip, where the end of the connection is all that tells the end.
fn cuts() -> Vec<Case> {
    // Of nothing there is nothing to undo: an empty answer.
    let end = |kind| move |at| if at == 0 { fails("not_json") } else { fails(kind) };
    let of_one = |(name, coding, encode): (&str, &str, Encoder)| {
        let (whole, header) = (encode(GOOD.as_bytes()), format!("content-encoding: {coding}\r\n"));
        cut(name, "json", 0..whole.len(), |at| http("200 OK", &header, &whole[..at]), end("decode"))
    };
    let whole = gzip(GOOD.as_bytes());
    let open = |at: usize| closed("content-encoding: gzip\r\n", &whole[..at]);
    let opened = cut("closed-gzip", "json", 0..whole.len(), open, end("reset"));
    ENCODERS.into_iter().flat_map(of_one).chain(opened).collect()
}

/// What servers call codings.
fn names() -> Vec<Case> {
    let plain = |word: &str, end| {
        coded(&format!("plain-as-{}", word.replace([' ', ',', ';', '='], "-")), word, GOOD, end)
    };
    let packed = |word: &str, end| {
        let name = format!("gzip-as-{}", word.replace([' ', ',', ';', '='], "-"));
        coded(&name, word, gzip(GOOD.as_bytes()), end)
    };
    vec![
        plain("", is("yes")),
        plain("identity", is("yes")),
        plain("none", is("yes")),
        plain("utf-8", is("yes")),
        plain("binary", is("yes")),
        plain("gzip", fails("decode")),
        plain("deflate", fails("decode")),
        plain("br", fails("decode")),
        plain("zstd", fails("decode")),
        plain("compress", fails("decode")),
        plain("dcb", fails("decode")),
        packed("gzip", is("yes")),
        packed("GZip", is("yes")),
        packed("x-gzip", is("yes")),
        packed("gzip;q=1", is("yes")),
        packed("gzip, identity", is("yes")),
        packed("identity, gzip", is("yes")),
        packed(", gzip,", is("yes")),
        packed("gzip, gzip", fails("decode")),
        packed("deflate", fails("decode")),
        packed("br", fails("decode")),
        packed("zstd", fails("decode")),
        // It is not said that it is packed: what comes is no JSON.
        packed("identity", fails("not_json")),
        packed("utf-8", fails("not_json")),
        packed("unheard-of", fails("not_json")),
        coded("two-lines", "gzip\r\ncontent-encoding: gzip", gzip(&gzip(GOOD.as_bytes())), is("yes")),
        Case::body("coding.gzip-not-said", "json", "", gzip(GOOD.as_bytes()), fails("not_json")),
    ]
}

fn gzip_cases() -> Vec<Case> {
    let whole = gzip(GOOD.as_bytes());
    let end = whole.len();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let with_name = |name: &[u8]| [&whole[..3], &[8], &whole[4..10], name, &whole[10..]].concat();
    let gz = |name: &str, body: Vec<u8>, end| coded(&format!("gzip.{name}"), "gzip", body, end);
    vec![
        gz("two-members", [gzip(b"{\"v\":"), gzip(b"\"yes\"}")].concat(), is("yes")),
        gz("a-member-a-byte", GOOD.bytes().flat_map(|byte| gzip(&[byte])).collect(), is("yes")),
        gz("empty-members-1000", [gzip(b"").repeat(1000), whole.clone()].concat(), is("yes")),
        gz("two-whole-answers", [whole.clone(), whole.clone()].concat(), fails("not_json")),
        gz("second-member-cut", [whole.clone(), whole[..end - 1].to_vec()].concat(), fails("decode")),
        gz("zeros-behind", [whole.clone(), vec![0; 1000]].concat(), is("yes")),
        gz("garbage-behind", [whole.clone(), b"and more".to_vec()].concat(), fails("decode")),
        gz("html-behind", [whole.clone(), b"<html>".to_vec()].concat(), fails("decode")),
        gz("byte-before", [vec![b' '], whole.clone()].concat(), fails("decode")),
        gz("empty", gzip(b""), fails("not_json")),
        gz("wrong-checksum", flipped(end - 8), fails("decode")),
        gz("wrong-length", flipped(end - 4), fails("decode")),
        gz("wrong-method", flipped(2), fails("decode")),
        gz("wrong-bits", flipped(12), fails("decode")),
        gz("file-name", with_name(b"x.json\0"), is("yes")),
        gz("file-name-without-end", with_name(&[b'x'; 100_000]), fails("decode")),
        coded(
            "gzip.four-in-one-another",
            "gzip, gzip, gzip, gzip",
            (0..4).fold(GOOD.as_bytes().to_vec(), |inner, _| gzip(&inner)),
            fails("decode"),
        ),
        // A length of what was packed, and not of what comes: curl fails, too, browsers do not.
        Case::bytes("coding.gzip.length-of-the-unpacked", "json", unpacked_length(), fails("reset")),
        Case::bytes("coding.gzip.chunked", "json", chunked("content-encoding: gzip\r\n", &whole), is("yes")),
    ]
}

fn unpacked_length() -> Vec<u8> {
    let long = format!("{{\"v\":\"yes\",\"w\":\"{}\"}}", "x".repeat(10_000));
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", long.len());
    [head.into_bytes(), gzip(long.as_bytes())].concat()
}

fn others() -> Vec<Case> {
    let good = GOOD.as_bytes();
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], &zstd(good)[..]].concat();
    let mut wide = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(24).unwrap();
    wide.write_all(good).unwrap();
    let mut wrong_zlib = zlib(good);
    *wrong_zlib.last_mut().unwrap() ^= 1;
    vec![
        coded("zstd.skipped-frame", "zstd", skipped, is("yes")),
        coded("zstd.two-frames", "zstd", [zstd(b"{\"v\":"), zstd(b"\"yes\"}")].concat(), is("yes")),
        coded("zstd.wide-window", "zstd", wide.finish().unwrap(), fails("decode")),
        coded("zstd.garbage-behind", "zstd", [zstd(good), b"more".to_vec()].concat(), fails("decode")),
        coded("zstd.zeros-behind", "zstd", [zstd(good), vec![0; 9]].concat(), fails("decode")),
        coded("br.wide-window", "br", [0x11, 0x1e, 0, 0, 0, 0, 0], fails("decode")),
        coded("br.garbage-behind", "br", [brotli(good), b"more".to_vec()].concat(), fails("decode")),
        coded("zlib.wrong-checksum", "deflate", wrong_zlib, fails("decode")),
        coded("zlib.garbage-behind", "deflate", [zlib(good), b"more".to_vec()].concat(), fails("decode")),
        coded("deflate.zeros-behind", "deflate", [deflate(good), vec![0; 9]].concat(), is("yes")),
        coded("nested", "deflate, gzip", gzip(&zlib(good)), is("yes")),
        coded("nested-other-order", "gzip, deflate", gzip(&zlib(good)), fails("decode")),
    ]
}

/// A bomb's filling.
static BLANKS: LazyLock<Vec<u8>> = LazyLock::new(|| vec![b' '; 64 << 20]);

fn bombs() -> Vec<Case> {
    let bomb = |name: &str, coding: &str, body: Vec<u8>| {
        coded(&format!("bomb.{name}"), coding, body, fails("too_large"))
    };
    let packed = gzip(&BLANKS);
    let again = gzip(&packed);
    vec![
        bomb("gzip", "gzip", packed),
        bomb("gzip-twice", "gzip, gzip", again.clone()),
        bomb("gzip-thrice", "gzip, gzip, gzip", gzip(&again)),
        bomb("zlib", "deflate", zlib(&BLANKS)),
        bomb("deflate", "deflate", deflate(&BLANKS)),
        bomb("zstd", "zstd", zstd(&BLANKS)),
        // 16 MiB of blanks, as `brotli -q 11` packs them.
        bomb("br", "br", b"\x9b\xff\xff/\0$@\xe2\xb1@r\xef_\0".to_vec()),
        bomb("zstd-in-gzip", "zstd, gzip", gzip(&zstd(&BLANKS))),
        Case::bytes(
            "coding.bomb.error-page",
            "json",
            http("500 No", "content-encoding: gzip\r\n", &again),
            fails("status"),
        ),
    ]
}
