//! Each format, each way to be wrong, and ids of any content.

use polars::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::handoff::Exit;
use crate::job::{OnDuplicate, Quote, Source};
use crate::plan::frames;
use crate::plan::sandbox::{Sandbox, at_once, job_of, numbers, options, texts};
use crate::value::Type;

/// All records of a list, spooled batches put together.
fn frame(list: &List) -> DataFrame {
    let batches = (0..list.spool.batches()).map(|index| list.spool.read(index).unwrap());
    batches.reduce(|all, next| all.vstack(&next).unwrap()).unwrap()
}

fn ids(list: &List) -> Vec<String> {
    texts(&frame(list), "id").into_iter().map(Option::unwrap).collect()
}

/// The ids that a list gives.
fn read_ids(format: Format, content: &[u8]) -> Vec<String> {
    let sandbox = Sandbox::new();
    ids(&sandbox.read(&sandbox.job(format, content), &options()).unwrap())
}

/// The message that a list is refused with; the exit code is that of a usage mistake.
fn refusal(format: Format, content: &[u8]) -> String {
    let sandbox = Sandbox::new();
    refused(&sandbox, &sandbox.job(format, content))
}

fn refused(sandbox: &Sandbox, job: &Job) -> String {
    let Err(error) = sandbox.read(job, &options()) else { panic!("the list is accepted") };
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    error.to_string().replace(&format!("{}/", sandbox.path().display()), "")
}

mod dialects;

const TEXTUAL: [Format; 4] = [Format::Csv, Format::Tsv, Format::Jsonl, Format::Lines];

#[test]
fn csv_is_read_with_quotes_crlf_and_a_byte_order_mark() {
    let content =
        b"\xef\xbb\xbfname,id\r\n\"Smith, \"\"J\"\"\",007\r\n\r\n,\"a\nb\"\r\nx,12345678901234567890\r\n";
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, content);
    job.input.columns = vec!["name".into()];
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!(list.records(), 3);
    assert_eq!(ids(&list), ["007", "a\nb", "12345678901234567890"]);
    let names = texts(&frame(&list), "name");
    assert_eq!(names, [Some("Smith, \"J\"".to_owned()), None, Some("x".to_owned())]);
    assert_eq!(list.sha256, digest::sha256(content));
    assert_eq!(list.sha256, at_once(source_sha256(&job, &Secrets::default())).unwrap().unwrap());
}

#[test]
fn tsv_is_split_at_tabs() {
    assert_eq!(read_ids(Format::Tsv, b"id\tname\na,b\tx\nc\ty"), ["a,b", "c"]);
}

#[test]
fn lines_are_ids_as_they_stand() {
    let content = b"\xef\xbb\xbfa b\r\n\n  c \n\"q\"\n1,2\rold mac\r\rlast";
    assert_eq!(read_ids(Format::Lines, content), ["a b", "  c ", "\"q\"", "1,2", "old mac", "last"]);
    assert!(refusal(Format::Lines, b"a\r\nb\rc\xff").starts_with("list, line 3: not valid UTF-8"));
}

#[test]
fn jsonl_values_are_text_exactly_as_written() {
    let content = br#"{"id": "007", "n": 12345678901234567890123, "x": {"a": [1, null]}}

{"n": 1.50, "id": 7, "other": [[[]]], "x": "q"}
{"id": "\u00e9\n\"", "n": null}"#;
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Jsonl, content);
    job.input.columns = vec!["n".into(), "x".into()];
    job.input.types = vec![("x".into(), Type::Json)];
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!(ids(&list), ["007", "7", "é\n\""]);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(texts(&frame(&list), "n"), [some("12345678901234567890123"), some("1.50"), None]);
    assert_eq!(texts(&frame(&list), "x"), [some("{\"a\": [1, null]}"), some("\"q\""), None]);
}

#[test]
fn ids_in_the_job_file_are_records_in_order() {
    let sandbox = Sandbox::new();
    let job = job_of(Source::Ids(vec!["b".into(), "a".into()]));
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!((list.source.as_str(), ids(&list)), ("ids", vec!["b".to_owned(), "a".to_owned()]));
    assert_eq!(list.sha256, digest::sha256(br#"["b","a"]"#));
}

#[test]
fn standard_input_is_read_in_every_format() {
    let sandbox = Sandbox::new();
    let parquet = frames::to_parquet(df!("id" => ["a", "b"]).unwrap()).unwrap();
    let contents: [(Format, &[u8]); 5] = [
        (Format::Lines, b"a\nb"),
        (Format::Csv, b"id\na\nb"),
        (Format::Tsv, b"id\na\nb"),
        (Format::Jsonl, b"{\"id\":\"a\"}\n{\"id\":\"b\"}"),
        (Format::Parquet, &parquet),
    ];
    for (format, content) in contents {
        let job = job_of(Source::Stdin { format });
        let list = sandbox.read_from(&job, &options(), content).unwrap();
        assert_eq!(
            (list.source.as_str(), ids(&list)),
            ("stdin", vec!["a".to_owned(), "b".to_owned()]),
            "{format:?}"
        );
        assert_eq!(list.sha256, digest::sha256(content));
    }
}

#[test]
fn parquet_keeps_its_types() {
    let sandbox = Sandbox::new();
    let moment = Int64Chunked::from_vec("moment".into(), vec![1_000, -1]);
    let money = Int128Chunked::from_iter_options("money".into(), [Some(1250), None].into_iter());
    let table = DataFrame::new_infer_height(vec![
        Column::new("unused".into(), ["x", "y"]),
        Column::new("id".into(), [7i64, i64::MAX]),
        Column::new("small".into(), [Some(1i32), None]),
        Column::new("flag".into(), [true, false]),
        moment.into_datetime(TimeUnit::Milliseconds, None).into_column(),
        money.into_decimal_unchecked(9, 2).into_column(),
        Column::new("word".into(), ["1", "2"]),
    ]);
    let mut job = sandbox.job(Format::Parquet, &frames::to_parquet(table.unwrap()).unwrap());
    job.input.columns = ["word", "small", "flag", "moment", "money"].map(str::to_owned).to_vec();
    job.input.types = vec![("word".into(), Type::Integer), ("flag".into(), Type::Text)];
    let list = sandbox.read(&job, &options()).unwrap();
    let types: Vec<String> =
        list.columns.fields.iter().map(|field| format!("{} {}", field.name, field.ty)).collect();
    let expected =
        ["id bigint", "word integer", "small integer", "flag text", "moment timestamp", "money decimal(9,2)"];
    assert_eq!(types, expected);
    let read = frame(&list);
    assert_eq!(numbers(&read, "id"), [7, i64::MAX]);
    assert_eq!(read.column("word").unwrap().i32().unwrap().get(1), Some(2));
    assert_eq!(read.column("small").unwrap().i32().unwrap().get(1), None);
    assert_eq!(texts(&read, "flag"), [Some("true".to_owned()), Some("false".to_owned())]);
    let moments: Vec<_> = read.column("moment").unwrap().datetime().unwrap().physical().iter().collect();
    assert_eq!(moments, [Some(1_000_000), Some(-1000)]);
    let money: Vec<_> = read.column("money").unwrap().decimal().unwrap().physical().iter().collect();
    assert_eq!(money, [Some(1250), None]);
}

#[test]
fn a_parquet_file_is_read_over_many_slices_and_row_groups() {
    let sandbox = Sandbox::new();
    let mut bytes = Vec::new();
    let mut groups = frames::Groups::to(&mut bytes);
    let sizes = [1, 70_000, 3, 66_000];
    let mut next = 0;
    for size in sizes {
        let numbers: Vec<i64> = (next..next + size).collect();
        next += size;
        groups.add(df!("id" => numbers).unwrap()).unwrap();
    }
    groups.finish().unwrap();
    let list = sandbox.read_large(&sandbox.job(Format::Parquet, &bytes)).unwrap();
    assert_eq!(numbers(&frame(&list), "id"), (0..next).collect::<Vec<i64>>());
}

#[test]
fn parquet_values_that_cannot_be_carried_are_refused() {
    let sandbox = Sandbox::new();
    let moments = Int64Chunked::from_vec("moment".into(), vec![1_000, 1_001]);
    let table = DataFrame::new_infer_height(vec![
        Column::new("id".into(), ["a", "b"]),
        Column::new("bytes".into(), [&b"\xc3\xa9"[..], b"\xff"]),
        moments.into_datetime(TimeUnit::Nanoseconds, None).into_column(),
    ]);
    let mut job = sandbox.job(Format::Parquet, &frames::to_parquet(table.unwrap()).unwrap());
    assert_eq!(sandbox.read(&job, &options()).unwrap().records(), 2, "what is not needed is not looked at");
    job.input.columns = vec!["moment".into()];
    let list = sandbox.read(&job, &options()).unwrap();
    let moments = frame(&list).column("moment").unwrap().datetime().unwrap().physical().to_vec();
    assert_eq!(moments, [Some(1), Some(1)], "what is finer than a microsecond is cut off");
    job.input.columns = vec!["bytes".into()];
    let message = refused(&sandbox, &job);
    assert!(message.contains("not valid UTF8") && message.contains("hint: "), "{message}");
    assert!(!message.contains("/dev/fd"), "{message}");
}

#[test]
fn what_is_no_parquet_is_refused() {
    let whole = frames::to_parquet(df!("id" => ["a", "b"]).unwrap()).unwrap();
    assert!(refusal(Format::Parquet, b"").contains("too short"));
    assert!(refusal(Format::Parquet, b"id\na\nb\nc\nd\n").contains("not a Parquet file"));
    assert!(refusal(Format::Parquet, &whole[..whole.len() - 1]).contains("cut off"));
    assert!(refusal(Format::Csv, &whole).contains("format = \"parquet\""));
}

#[test]
fn a_damaged_parquet_file_is_refused() {
    let ids: Vec<String> = (0..50).map(|id| format!("id-{id}")).collect();
    let whole = frames::to_parquet(df!("id" => &ids).unwrap()).unwrap();
    let footer = whole.len() - 100;
    for damaged in [4..40, footer..footer + 20, footer..footer + 90] {
        let mut bytes = whole.clone();
        bytes[damaged.clone()].fill(0xff);
        let sandbox = Sandbox::new();
        match sandbox.read(&sandbox.job(Format::Parquet, &bytes), &options()) {
            Err(error) => {
                assert!(error.to_string().contains("cannot be read as Parquet: "), "{damaged:?}: {error}")
            }
            // Its end tells who wrote it, which nobody needs.
            Ok(list) => assert_eq!((damaged.start, self::ids(&list)), (footer, ids.clone()), "{damaged:?}"),
        }
    }
}

#[test]
fn a_missing_file_a_folder_and_a_pipe_are_told_apart() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut job = sandbox.job(Format::Csv, b"id\n");
    for format in [Format::Csv, Format::Parquet] {
        job.input.source = Source::File { path: sandbox.path().join("gone"), format };
        assert!(refused(&sandbox, &job).starts_with("no list at gone\nhint:"));
        job.input.source = Source::File { path: sandbox.path().to_owned(), format };
        assert!(refused(&sandbox, &job).contains("is a folder"));
        job.input.source = Source::File { path: pipe.clone(), format };
        assert!(refused(&sandbox, &job).starts_with("pipe is a pipe or a device"));
    }
}

#[test]
fn an_empty_list_is_an_error_unless_the_job_allows_it() {
    let empty: [(Format, &[u8]); 6] = [
        (Format::Csv, b""),
        (Format::Csv, b"id,name\n"),
        (Format::Tsv, b"\n\n"),
        (Format::Jsonl, b"\n \n"),
        (Format::Lines, b"\xef\xbb\xbf\r\n\n"),
        (Format::Lines, b""),
    ];
    for (format, content) in empty {
        let message = refusal(format, content);
        assert!(message.starts_with("list holds no records\nhint:"), "{format:?}: {message}");
    }
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id\n");
    job.input.allow_empty = true;
    assert_eq!(sandbox.read(&job, &options()).unwrap().records(), 0);
    job.input.source = Source::Ids(vec![]);
    assert_eq!(sandbox.read(&job, &options()).unwrap().records(), 0);
}

#[test]
fn a_list_without_the_id_column_says_what_it_has() {
    let expected = "list has no column \"id\"; it has \"name\", \"ID \"\nhint: did you mean \"ID\"?";
    assert_eq!(refusal(Format::Csv, b"name,ID \nx,1\n"), expected);
    let message = refusal(Format::Csv, b"id;name\na;x\n");
    assert!(message.ends_with("hint: say delimiter = \";\" under [input]"), "{message}");
    assert!(refusal(Format::Csv, b"id\tname\na\tx\n").ends_with("hint: say format = \"tsv\""));
    let message = refusal(Format::Csv, b"alpha,beta\nx,1\n");
    assert!(message.contains("\"alpha\", \"beta\"\nhint: name one of these"), "{message}");
    let message = refusal(Format::Jsonl, b"{\"id\":1}\n\n{\"Id\":2}\n");
    assert!(message.starts_with("list, line 3 has no column \"id\"; it has \"Id\""), "{message}");
    let table = frames::to_parquet(df!("idd" => ["a"]).unwrap()).unwrap();
    assert!(refusal(Format::Parquet, &table).contains("did you mean \"idd\"?"));
}

#[test]
fn a_column_that_no_line_has_is_missed_at_the_end() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Jsonl, b"{\"id\":1,\"country\":\"no\"}\n{\"id\":2}\n");
    job.input.columns = vec!["country".into()];
    assert_eq!(sandbox.read(&job, &options()).unwrap().records(), 2);
    job.input.columns = vec!["counrty".into()];
    assert!(refused(&sandbox, &job).contains("did you mean \"country\"?"));
}

#[test]
fn lines_have_no_column_but_the_id() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Lines, b"a\n");
    job.input.columns = vec!["country".into()];
    assert!(refused(&sandbox, &job).contains("a list of lines has no column \"country\""));
    job.input.source = Source::Ids(vec!["a".into()]);
    assert!(refused(&sandbox, &job).contains("ids = [...] has no column \"country\""));
}

#[test]
fn fields_that_do_not_match_the_header_are_found_by_line() {
    let too_many = refusal(Format::Csv, b"id,name\na,b\n\"c\n,,\nd\",e\nf,g,h\n");
    assert!(too_many.starts_with("list, line 6: 3 fields, but the header has 2\nhint:"), "{too_many}");
    let too_few = refusal(Format::Csv, b"id,name\na\n");
    assert!(too_few.starts_with("list, line 2: 1 fields"), "{too_few}");
}

#[test]
fn a_quote_that_never_closes_is_found() {
    let message = refusal(Format::Csv, b"id\na\n\"b\nc\nd\n");
    assert!(message.starts_with("list, line 3: a quoted field that begins here never ends"), "{message}");
}

#[test]
fn a_needed_column_must_be_there_once() {
    assert!(refusal(Format::Csv, b"id,x,id\na,b,c\n").contains("more than one column \"id\""));
    assert_eq!(read_ids(Format::Csv, b"id,,\na,b,c\n"), ["a"]);
    let message = refusal(Format::Jsonl, b"{\"id\":1,\"id\":2}\n");
    assert!(message.starts_with("list, line 1: \"id\" comes twice"), "{message}");
}

#[test]
fn every_record_needs_its_id() {
    let without: [(Format, &[u8]); 4] = [
        (Format::Csv, b"name,id\nx,a\nx,\n"),
        (Format::Csv, b"name,id\nx,a\nx,\"\"\n"),
        (Format::Jsonl, b"{\"id\":1}\n{\"id\":null}\n"),
        (Format::Jsonl, b"{\"id\":1}\n{\"id\":\"\"}\n"),
    ];
    for (format, content) in without {
        let message = refusal(format, content);
        assert!(message.contains("no \"id\", but every record needs its id"), "{message}");
    }
    let table = frames::to_parquet(df!("id" => [Some("a"), None]).unwrap()).unwrap();
    assert!(refusal(Format::Parquet, &table).starts_with("list, row 2: no \"id\""));
}

#[test]
fn every_column_of_a_compound_id_is_needed() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id,season\na,1\na,2\nb,\n");
    job.input.id.push("season".into());
    assert!(refused(&sandbox, &job).starts_with("list, line 4: no \"season\""));
}

#[test]
fn what_is_no_text_is_recognised() {
    let foreign: [(&[u8], &str); 7] = [
        (b"\xfd7zXZ\0\0", "list is compressed with xz\nhint: decompress it first"),
        (b"\x89PNG\r\n\x1a\n\0\0", "list is a PNG image\nhint: name the list"),
        (b"PK\x03\x04xl/workbook", "list is a ZIP archive or a spreadsheet\nhint:"),
        (
            b"i\0d\0\n\x007\0",
            "list is UTF-16 text without a byte order mark, as it seems\nhint: say encoding = \"utf-16le\"",
        ),
        (b"\xff\xfe\0\0i\0\0\0", "list is UTF-32 text\nhint: convert it"),
        (b"SQLite format 3\0", "list is an SQLite database\nhint:"),
        (b"%PDF-1.7\n", "list is a PDF\nhint:"),
    ];
    for (content, expected) in foreign {
        for format in TEXTUAL {
            let message = refusal(format, content);
            assert!(message.starts_with(expected), "{format:?}: {message}");
        }
    }
    assert!(refusal(Format::Csv, b"id\0,\0\x01\n\0\0").contains("a binary file"));
}

#[test]
fn invalid_utf8_is_found_by_line() {
    let invalid: [(Format, &[u8], u64); 5] = [
        (Format::Csv, b"id,name\na,x\nb\xe9,x\n", 3),
        (Format::Csv, b"id,nam\xe9\na,x\n", 1),
        (Format::Tsv, b"id\n\xff\n", 2),
        (Format::Jsonl, b"{\"id\":1}\n{\"id\":\"\xe9\"}\n", 2),
        (Format::Lines, b"a\n\nb\xc3\n", 3),
    ];
    for (format, content, line) in invalid {
        let message = refusal(format, content);
        assert!(message.starts_with(&format!("list, line {line}: not valid UTF-8\nhint:")), "{message}");
    }
}

#[test]
fn a_line_that_is_no_json_object_is_found() {
    for (line, what) in [
        (&b"[1]"[..], "invalid type: sequence, expected a JSON object"),
        (b"{\"id\":1", "EOF while parsing an object"),
        (b"{\"id\":1} x", "trailing characters"),
        (b"{\"id\":01}", "invalid number"),
        (b"{\"id\":\"\\ud800\"}", "unexpected end of hex escape"),
        (b"id", "expected value"),
    ] {
        let message = refusal(Format::Jsonl, &[b"{\"id\":0}\n", line].concat());
        assert!(message.starts_with(&format!("list, line 2: {what}")), "{message}");
        assert!(message.contains("hint: jsonl holds one JSON object a line"), "{message}");
    }
}

#[test]
fn deeply_nested_json_is_passed_over_without_recursion() {
    let deep =
        [b"{\"id\":1,\"x\":".as_slice(), &b"[".repeat(1_000_000), &b"]".repeat(1_000_000), b"}"].concat();
    assert_eq!(read_ids(Format::Jsonl, &deep), ["1"]);
    assert!(refusal(Format::Jsonl, &b"[".repeat(1_000_000)).starts_with("list, line 1: "));
}

#[test]
fn values_that_do_not_fit_their_type_are_named() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id,year\na,1999\nb,\nc,MM\n");
    job.input.columns = vec!["year".into()];
    job.input.types = vec![("year".into(), Type::Integer)];
    assert_eq!(
        refused(&sandbox, &job),
        "list, line 4, column \"year\": \"MM\" is not an integer\nhint: correct it, or the column's type in the job file"
    );
    let mut job = sandbox.job(Format::Csv, b"id,sum\na,00FF\nb,\nc,0\n");
    job.input.columns = vec!["sum".into()];
    job.input.types = vec![("sum".into(), Type::Blob)];
    let said = refused(&sandbox, &job);
    let says =
        "list, line 4, column \"sum\": \"0\" is not a blob, two hexadecimal digits for each byte\nhint: ";
    assert!(said.starts_with(says), "{said}");
}

#[test]
fn what_is_too_long_is_refused_without_being_held() {
    let long = "x".repeat((1 << 20) + 1);
    for (format, content) in [
        (Format::Csv, format!("id\n{long}\n")),
        (Format::Jsonl, format!("{{\"id\":\"{long}\"}}\n")),
        (Format::Lines, format!("{long}\n")),
    ] {
        let message = refusal(format, content.as_bytes());
        assert!(message.contains("column \"id\" is longer than 1 MiB"), "{message}");
    }
    let longer = "x".repeat((8 << 20) + (1 << 17));
    for (format, content) in [
        (Format::Csv, format!("id\na\n\"{longer}")),
        (Format::Csv, format!("id,{longer}\n")),
        (Format::Jsonl, format!("{{\"id\":1}}\n{{\"id\":1,\"x\":\"{longer}\"}}")),
        (Format::Lines, format!("a\n{longer}")),
    ] {
        let message = refusal(format, content.as_bytes());
        assert!(message.contains("the line is longer than 8 MiB"), "{message}");
    }
    assert_eq!(read_ids(Format::Csv, format!("id\n{}\n", &long[1..]).as_bytes()), [&long[1..]]);
}

#[test]
fn ids_of_any_content_are_records() {
    let ids = ["/", "?", "#", "%2f", "..", "a@b", "a\rb", "a\nb", "a\0b", "é\u{202e}", &"x".repeat(65_536)];
    let jsonl: Vec<String> = ids.iter().map(|id| serde_json::json!({ "id": id }).to_string()).collect();
    assert_eq!(read_ids(Format::Jsonl, jsonl.join("\n").as_bytes()), ids);
    let quoted: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, format!("id\n{}", quoted.join("\n")).as_bytes());
    job.input.dialect.quote = Some(Quote::Character(b'"'));
    assert_eq!(self::ids(&sandbox.read(&job, &options()).unwrap()), ids);
    let table = frames::to_parquet(df!("id" => ids).unwrap()).unwrap();
    assert_eq!(read_ids(Format::Parquet, &table), ids);
    let one_line: Vec<&str> = ids.into_iter().filter(|id| !id.contains(['\n', '\r'])).collect();
    assert_eq!(read_ids(Format::Lines, one_line.join("\n").as_bytes()), one_line);
}

#[test]
fn duplicates_are_refused_with_both_lines() {
    let content = b"id,n\na,1\nb,2\n\"c\nc\nc\",3\nb,4\na,5\nb,6\n";
    let expected = "list: id \"b\" comes twice, in line 3 and line 7, and 2 more\nhint: on_duplicate = \"first\" keeps \
                    the first of each, \"keep\" keeps all";
    assert_eq!(refusal(Format::Csv, content), expected);
}

#[test]
fn duplicates_are_kept_or_the_first_of_them() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Lines, b"a\nb\na\nc\nb\na");
    job.input.on_duplicate = OnDuplicate::Keep;
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!((list.records(), list.left_out()), (6, 0));
    job.input.on_duplicate = OnDuplicate::First;
    let list = sandbox.read(&job, &options()).unwrap();
    assert_eq!((list.records(), list.left_out()), (3, 3));
    let left_out: Vec<u64> = (0..6).filter(|position| list.left_out.contains(*position)).collect();
    assert_eq!(left_out, [2, 4, 5]);
}

#[test]
fn duplicates_far_apart_are_found_through_temporary_files() {
    let mut lines: Vec<String> = (0..500).map(|number| format!("id-{number}")).collect();
    lines[499] = "id-3".into();
    lines[250] = "id-7".into();
    let message = refusal(Format::Lines, lines.join("\n").as_bytes());
    assert!(message.contains("id \"id-7\" comes twice, in line 8 and line 251, and 1 more"), "{message}");
}

#[test]
fn compound_ids_are_compared_as_a_whole() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id,season\na,1\na,2\nab,\"\"\n");
    job.input.source = Source::File { path: sandbox.path().join("list"), format: Format::Csv };
    std::fs::write(sandbox.path().join("list"), b"id,season\na,11\na1,1\na,1\na,11\n").unwrap();
    job.input.id.push("season".into());
    let message = refused(&sandbox, &job);
    assert!(message.contains("id \"a, 11\" comes twice, in line 2 and line 5\n"), "{message}");
}

#[test]
fn picked_ids_are_found_in_the_list() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id,n\na,1\nb,2\nc,3\n");
    let pick = |ids: &[&str]| PlanOptions {
        ids: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        ..options()
    };
    assert_eq!(ids(&sandbox.read(&job, &pick(&["c", "a", "c"])).unwrap()), ["a", "c"]);
    let picked = pick(&["c", "z", "a", "c", " b", "B"]);
    for _ in 0..2 {
        let Err(error) = sandbox.read(&job, &picked) else { panic!("the list has no z") };
        assert!(error.to_string().contains("list has no record \"z\", \" b\", \"B\"\nhint:"), "{error}");
        assert_eq!(error.exit(), Exit::Usage);
        job.input.columns = vec!["n".into()];
    }
    let many: Vec<String> = (0..1000).map(|number| format!("id-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let Err(error) = sandbox.read(&job, &pick(&many)) else { panic!("the list has none of them") };
    assert!(error.to_string().contains("\"id-11\" and 988 more"), "{error}");
    job.input.id.push("n".into());
    let Err(error) = sandbox.read(&job, &picked) else { panic!("an id has two columns") };
    assert!(error.to_string().contains("hint: use --sample"), "{error}");
}

#[test]
fn a_sample_counts_only_itself() {
    let sandbox = Sandbox::new();
    let job = sandbox.job(Format::Lines, b"a\nb\nc\nd\ne");
    let sample = |records| PlanOptions { sample: Some(records), ..options() };
    assert_eq!(sandbox.read(&job, &sample(2)).unwrap().records(), 2);
    assert_eq!(sandbox.read(&job, &sample(9)).unwrap().records(), 5);
}

#[test]
fn a_full_or_missing_scratch_folder_is_a_disk_error() {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let job = sandbox.job(Format::Lines, lines.join("\n").as_bytes());
    let gone = sandbox.path().join("gone");
    let options = options();
    let (secrets, sizes) = (Secrets::default(), crate::plan::sandbox::TINY);
    let request = Request { job: &job, options: &options, secrets: &secrets, scratch: &gone, sizes };
    let Err(error) = at_once(request.read(Box::new(std::io::empty()))) else {
        panic!("there is no such folder")
    };
    assert_eq!(error.exit(), Exit::Disk, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes, the answer is a list or a message: never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let sandbox = Sandbox::new();
        for format in TEXTUAL.into_iter().chain([Format::Parquet]) {
            let _ = sandbox.read(&sandbox.job(format, &content), &options());
            let _ = sandbox.read(&sandbox.job(format, &[b"id\n", content.as_slice()].concat()), &options());
        }
    }
}
