//! Strictly, and otherwise as the csv crate reads.

use proptest::prelude::*;

use crate::job::{Format, Job, Quote};
use crate::plan::PlanError;
use crate::plan::sandbox::{Sandbox, options};

/// The values of the columns `id` and `n`, null as the empty text, or why the list is refused.
fn read(job: &Job, sandbox: &Sandbox) -> Result<Vec<Vec<String>>, PlanError> {
    let list = sandbox.read(job, &options())?;
    let batches = (0..list.spool.batches()).map(|index| list.spool.read(index).unwrap());
    let mut rows = Vec::new();
    for batch in batches {
        let columns = &batch.columns()[..job.input_columns().len()];
        rows.extend((0..batch.height()).map(|row| {
            columns
                .iter()
                .map(|column| column.str().unwrap().get(row).unwrap_or_default().to_owned())
                .collect()
        }));
    }
    Ok(rows)
}

fn job(sandbox: &Sandbox, format: Format, content: &[u8], columns: &[&str]) -> Job {
    let mut job = sandbox.job(format, content);
    job.input.columns = columns.iter().map(|name| (*name).to_owned()).collect();
    job.input.on_duplicate = crate::job::OnDuplicate::Keep;
    job
}

#[track_caller]
fn reads(content: &str, columns: &[&str], expected: &[&[&str]]) {
    let sandbox = Sandbox::new();
    assert_eq!(
        read(&job(&sandbox, Format::Csv, content.as_bytes(), columns), &sandbox).unwrap(),
        expected,
        "{content:?}"
    );
}

#[track_caller]
fn refuses(format: Format, content: &str, says: &str) {
    let sandbox = Sandbox::new();
    let message = match read(&job(&sandbox, format, content.as_bytes(), &[]), &sandbox) {
        Err(error) => error.to_string().replace(&format!("{}/", sandbox.path().display()), ""),
        Ok(rows) => panic!("{content:?} is read as {rows:?}"),
    };
    assert!(message.starts_with(says) && message.contains("\nhint: "), "{content:?}: {message}");
}

#[test]
fn a_quote_that_encloses_nothing_is_refused_with_its_line() {
    for (content, says) in [
        ("id\n1\n\"a\"b\n", "list, line 3: text behind a closing quote"),
        ("id\n1\n\"a\" \n", "list, line 3: text behind a closing quote"),
        ("id\n1\na\"b\"\n", "list, line 3: a quote within a field"),
        ("id\n1\n \"a\"\n", "list, line 3: a quote within a field"),
        (
            "id\n\"Heroes\n3\nother,\"x\"\n",
            "list, line 4: text behind a closing quote (its record begins in line 2)",
        ),
        ("id,n\n1,\"it's 5\"\"\n2,x\n", "list, line 2: a quoted field that begins here never ends"),
        ("id,\"n\n1,x\n2,y\n", "list, line 1: a quoted field that begins here never ends"),
        ("id\r1\r\"a\"b\r", "list, line 3: text behind a closing quote"),
        ("id,n\n\"1,x\n2,y\"\n", "list, line 2: 1 fields, but the header has 2\nhint: where quotes are text"),
        ("id,n\n1,x\n2\n", "list, line 3: 1 fields"),
    ] {
        refuses(Format::Csv, content, says);
    }
}

/// What an unclosed quote swallows up to a later one that happens to end a field: whole records.
#[test]
fn a_field_that_swallows_records_is_refused() {
    for (format, content, last) in [
        (Format::Tsv, "id\n\"Heroes\n3\nother\"\n4\n", 4),
        (Format::Tsv, "id\ttitle\n1\t\"Heroes\n2\tx\n3\tGame\"\n4\ty\n", 4),
        (Format::Tsv, "id\ttitle\tnone\n1\t\"Heroes\t\n2\tx\t\n3\tGame\"\t\n4\ty\t\n", 4),
        (Format::Csv, "id,n,m\r\n1,\"a,\r\n\r\n2,b\",c\r\n", 4),
        (Format::Csv, "id\r\"a\rb\"\rc\r", 3),
    ] {
        refuses(
            format,
            content,
            &format!("list, line 2: a quoted field goes on to line {last}, over lines that"),
        );
    }
    refuses(Format::Csv, "id,\"n\n1,x\"\n2,y\n", "list, line 1: a quoted field goes on to line 2");
    refuses(
        Format::Csv,
        "id,n,m\n1,\"a,x\n2,b\",\"c, d\"\n",
        "list, line 2: a quoted field goes on to line 3",
    );
    refuses(
        Format::Csv,
        "id,n,m\n\"1, 1\",\"a,x\n2,\"\",y\n3,b\",c\n",
        "list, line 2: a quoted field goes on to line 4",
    );
    let sandbox = Sandbox::new();
    let mut job = job(&sandbox, Format::Csv, b"id\n\"a\nb\"\nc\n", &[]);
    job.input.dialect.quote = Some(Quote::Character(b'"'));
    assert_eq!(read(&job, &sandbox).unwrap(), [["a\nb"], ["c"]], "said, a quote may enclose any lines");
    job.input.dialect.quote = Some(Quote::None);
    assert_eq!(read(&job, &sandbox).unwrap(), [["\"a"], ["b\""], ["c"]]);
}

#[test]
fn what_is_legal_stays() {
    reads(
        "id,n\n1,\"Dear all,\nplease, read\n\nthis\"\n2,x\n",
        &["n"],
        &[&["1", "Dear all,\nplease, read\n\nthis"], &["2", "x"]],
    );
    reads(
        "id,n,m\r\n1,\"a\r\nb\",\"\"\"q\"\"\"\r\n\r\n\"2\",,\"\"\r\n",
        &["n", "m"],
        &[&["1", "a\r\nb", "\"q\""], &["2", "", ""]],
    );
    reads("\"id\",\"a \"\"b\"\"\"\n1,\"x\"", &["a \"b\""], &[&["1", "x"]]);
    reads("id,n\r1,x\r\r2,y", &["n"], &[&["1", "x"], &["2", "y"]]);
    reads(
        "id,n\n\"a\nb\",x\n\"c\n\nd, e\",\"f\ng\nh\"\n",
        &["n"],
        &[&["a\nb", "x"], &["c\n\nd, e", "f\ng\nh"]],
    );
    reads("sep=;\nid;n\n1;x,y\n", &["n"], &[&["1", "x,y"]]);
    reads("\"sep=;\"\r\nid;n;\r\n1;x,y;\r\n", &["n"], &[&["1", "x,y"]]);
    reads("id, n ,n\n1, x,y\n", &["n"], &[&["1", "y"]]);
    reads("id, m \n1, x\n", &["m"], &[&["1", " x"]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the bytes: the records are those of the csv crate, or the list is refused.
    #[test]
    fn a_list_is_read_as_the_csv_crate_reads_it_or_refused(content in "(([ab\"]{0,2},[ab\"]{0,2}|\"[ab\",\r\n]{0,4}\",[a]?)[\r\n]{1,2}){0,6}[ab\",\r\n]{0,4}") {
        let content = format!("id,n\n{content}");
        let sandbox = Sandbox::new();
        let mut job = job(&sandbox, Format::Csv, content.as_bytes(), &["n"]);
        job.input.allow_empty = true;
        job.input.dialect.quote = Some(Quote::Character(b'"'));
        if let Ok(rows) = read(&job, &sandbox) {
            let theirs: Vec<Vec<String>> = csv::Reader::from_reader(content.as_bytes())
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(rows, theirs);
        }
    }

    /// What the csv crate writes is read as it was, whatever it holds.
    #[test]
    fn what_the_csv_crate_writes_is_read_as_it_was(rows in proptest::collection::vec(("[ab\",\r\n]{1,4}", "[ab\",\r\n]{0,6}"), 0..6)) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(["id", "n"]).unwrap();
        rows.iter().for_each(|(id, n)| writer.write_record([id, n]).unwrap());
        let sandbox = Sandbox::new();
        let mut job = job(&sandbox, Format::Csv, &writer.into_inner().unwrap(), &["n"]);
        job.input.allow_empty = true;
        job.input.dialect.quote = Some(Quote::Character(b'"'));
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(id, n)| vec![id, n]).collect();
        prop_assert_eq!(read(&job, &sandbox).unwrap(), rows);
    }
}
