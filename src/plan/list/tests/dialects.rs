//! Encodings, compression, delimiters, and lines that are passed over.

use std::io::Write as _;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::*;
use crate::job::{Dialect, Job};

const LIST: &str = "id,n\ncafé,1\n\"€ 5\",2\n";

fn job_with(sandbox: &Sandbox, format: Format, content: &[u8], dialect: Dialect) -> Job {
    let mut job = sandbox.job(format, content);
    job.input.dialect = dialect;
    job
}

fn said(encoding: &'static Encoding) -> Dialect {
    Dialect { encoding: Some(encoding), ..Dialect::default() }
}

fn utf16(text: &str, in_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(in_bytes).collect()
}

#[test]
fn a_list_is_read_in_its_encoding() {
    let sandbox = Sandbox::new();
    let marked = format!("\u{feff}{LIST}");
    let cases: [(Vec<u8>, Option<&'static Encoding>); 7] = [
        (utf16(&marked, u16::to_le_bytes), None),
        (utf16(&marked, u16::to_be_bytes), None),
        (utf16(LIST, u16::to_le_bytes), Some(UTF_16LE)),
        (utf16(LIST, u16::to_be_bytes), Some(UTF_16BE)),
        // The mark is believed before the job.
        (utf16(&marked, u16::to_be_bytes), Some(UTF_16LE)),
        (marked.clone().into(), Some(WINDOWS_1252)),
        (
            LIST.replace('é', "\u{1}")
                .replace('€', "\u{2}")
                .bytes()
                .map(|byte| [byte, 0xe9, 0x80][usize::from(if byte < 3 { byte } else { 0 })])
                .collect(),
            Some(WINDOWS_1252),
        ),
    ];
    for (content, encoding) in cases {
        let dialect = Dialect { encoding, ..Dialect::default() };
        let list = sandbox.read(&job_with(&sandbox, Format::Csv, &content, dialect), &options()).unwrap();
        assert_eq!(ids(&list), ["café", "€ 5"], "{encoding:?}");
        assert_eq!(list.sha256, digest::sha256(&content), "of the bytes as they lie there");
    }
}

/// Longer than all buffers, so that characters lie across their ends.
#[test]
fn a_long_list_in_another_encoding_loses_nothing() {
    let expected: Vec<String> = (0..60_000).map(|number| format!("ö{number}🎬")).collect();
    let content = utf16(&expected.join("\r\n"), u16::to_le_bytes);
    let sandbox = Sandbox::new();
    let job = job_with(&sandbox, Format::Lines, &content, said(UTF_16LE));
    assert_eq!(ids(&sandbox.read_large(&job).unwrap()), expected);
}

#[test]
fn bytes_that_are_no_text_of_the_encoding_are_found_by_line() {
    let sandbox = Sandbox::new();
    for (format, content, encoding) in [
        (Format::Lines, utf16("a\nb\nc", u16::to_le_bytes)[..9].to_vec(), UTF_16LE),
        (Format::Csv, [utf16("id\na\n", u16::to_le_bytes), vec![0, 0xd8, b'x', 0]].concat(), UTF_16LE),
        (Format::Lines, b"a\nb\n\x81".to_vec(), encoding_rs::SHIFT_JIS),
    ] {
        let message = refused(&sandbox, &job_with(&sandbox, format, &content, said(encoding)));
        let expected = format!("list, line 3: not valid {}\nhint: say the encoding", encoding.name());
        assert!(message.starts_with(&expected), "{message}");
    }
    let message = refusal(Format::Lines, b"a\n\xef\xbb\xbfb\n");
    assert!(message.starts_with("list, line 2: begins with a byte order mark\nhint:"), "{message}");
}

#[test]
fn delimiter_and_lines_that_are_passed_over_are_the_jobs_to_say() {
    let sandbox = Sandbox::new();
    let content = b"Report of today\n\n# made by hand\nid;n\n1;\"a;b\"\n#2;x\n3;\"y\n#z,;\n\"\n";
    let comment = Some("#".to_owned());
    let dialect = Dialect { delimiter: Some(b';'), comment, skip_lines: 2, ..Dialect::default() };
    let mut job = job_with(&sandbox, Format::Csv, content, dialect);
    job.input.columns = vec!["n".into()];
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!(ids(&list), ["1", "3"]);
    assert_eq!(texts(&frame(&list), "n"), [Some("a;b".to_owned()), Some("y\n#z,;\n".to_owned())]);
    for format in [Format::Lines, Format::Jsonl] {
        let dialect = Dialect { comment: Some("//".into()), skip_lines: 1, ..Dialect::default() };
        let content = b"{\"id\":0}\n//\n{\"id\":1}\n//{\n{\"id\":1}\n";
        let message = refused(&sandbox, &job_with(&sandbox, format, content, dialect));
        assert!(message.contains("comes twice, in line 3 and line 5\n"), "{message}");
    }
    let dialect = Dialect { skip_lines: 9, ..Dialect::default() };
    assert!(
        refused(&sandbox, &job_with(&sandbox, Format::Lines, b"a\nb\n", dialect))
            .contains("holds no records")
    );
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // As the zstd program does.
    packed.include_checksum(true).unwrap();
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// Ids that do not fit into one buffer, compressed or not.
fn many() -> Vec<String> {
    let mut number = 1u64;
    let mut next = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{number:x}")
    };
    (0..20_000).map(|_| next()).collect()
}

#[test]
fn compressed_lists_are_read_whole() {
    let sandbox = Sandbox::new();
    let expected = many();
    let text = expected.join("\n");
    let (one, other) = text.as_bytes().split_at(100_001);
    let parquet = frames::to_parquet(df!("id" => &expected).unwrap()).unwrap();
    for (format, packed) in [
        (Format::Lines, gzip(text.as_bytes())),
        (Format::Lines, [gzip(one), gzip(b""), gzip(other)].concat()),
        (Format::Lines, [gzip(text.as_bytes()), vec![0; 100_000]].concat()),
        (Format::Lines, zstd(text.as_bytes())),
        (Format::Lines, [zstd(one), zstd(other)].concat()),
        (Format::Parquet, gzip(&parquet)),
        (Format::Parquet, zstd(&parquet)),
    ] {
        let list = sandbox.read_large(&sandbox.job(format, &packed)).unwrap();
        assert_eq!(ids(&list), expected);
        assert_eq!(list.sha256, digest::sha256(&packed), "of the bytes as they lie there");
        let from_stdin = sandbox.read_from(&job_of(Source::Stdin { format }), &options(), &packed).unwrap();
        assert_eq!(from_stdin.records(), 20_000);
    }
}

#[test]
fn a_compressed_list_that_is_cut_or_damaged_is_never_a_shorter_one() {
    let sandbox = Sandbox::new();
    let text = many().join("\n");
    for (name, packed) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd(text.as_bytes()))] {
        let cuts = [4, 11, packed.len() / 2, packed.len() - 9, packed.len() - 1];
        let mut bad: Vec<Vec<u8>> = cuts.iter().map(|cut| packed[..*cut].to_vec()).collect();
        bad.push([&packed[..], &packed[..20]].concat());
        bad.push([&packed[..], b"more"].concat());
        bad.push([&packed[..], b"\0\0more"].concat());
        let mut flipped = packed.clone();
        flipped[packed.len() / 2] ^= 1;
        bad.push(flipped);
        for content in bad {
            let job = sandbox.job(Format::Lines, &content);
            assert!(sandbox.read(&job, &options()).is_err(), "{name}: {} of {}", content.len(), packed.len());
            let message = refused(&sandbox, &job);
            let expected = format!("list cannot be decompressed to its end ({name}): ");
            assert!(
                message.starts_with(&expected) && message.contains("\nhint: "),
                "{}: {message}",
                content.len()
            );
        }
    }
    assert!(refusal(Format::Lines, &gzip(&gzip(b"a"))).contains("compressed with gzip twice"));
}

#[test]
fn an_ending_says_what_an_empty_file_should_have_been() {
    let sandbox = Sandbox::new();
    for ending in ["gz", "zst"] {
        let path = sandbox.path().join(format!("ids.csv.{ending}"));
        std::fs::write(&path, b"").unwrap();
        let mut job = job_of(Source::File { path: path.clone(), format: Format::Csv });
        job.input.allow_empty = true;
        assert!(refused(&sandbox, &job).contains("it ends too early"), "{ending}");
        std::fs::write(&path, b"id\nnot compressed after all\n").unwrap();
        assert_eq!(ids(&sandbox.read(&job, &options()).unwrap()), ["not compressed after all"]);
    }
}

/// A writer that goes on until a reading was refused: on a busy machine it may not get to write during the first ones.
#[test]
fn a_list_that_changes_while_it_is_read_is_refused() {
    let sandbox = Sandbox::new();
    let job = sandbox.job(Format::Lines, many().join("\n").as_bytes());
    let Source::File { path, .. } = &job.input.source else { panic!("it is a file") };
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    let refusal = std::thread::scope(|threads| {
        threads.spawn(|| {
            for line in (0..).take_while(|_| !is_over.load(order)) {
                writeln!(file, "\nmore {line}").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let refusal = (0..1_000).find_map(|_| sandbox.read_large(&job).err());
        is_over.store(true, order);
        refusal
    });
    let error = refusal.unwrap().to_string();
    assert!(error.contains("list changed while it was read\nhint: "), "{error}");
    assert!(sandbox.read_large(&job).is_ok());
}
