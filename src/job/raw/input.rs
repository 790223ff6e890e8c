//! `[input]` as written.

use super::at::At;
use super::fields::{Fields, Present};
use super::forms::{Id, Named, Names};
use super::leaf::Count;
use super::queue::Queue;
use super::section::section;
use super::word::{Choice, TypeName, Word};
use crate::job::input::{Format, OnDuplicate};

section! {
    /// `[input]`
    "[input]", check_source;
    Input {
        /// The list: a .csv, .tsv, .jsonl, .parquet or .txt file, also with .gz or .zst behind it, relative to this file; `-`
        /// is standard input.
        file: String,
        /// A database that gives the list, instead of a file: `postgres://user:${PASSWORD}@host:5432/database`, `mysql://…`, `duckdb:` or
        /// `sqlite:` and the path of its file, or `duckdb:` alone for the files that the query names.
        #[schemars(regex(pattern = "^((postgres(ql)?|mysql|mariadb)://.*|duckdb:.*|sqlite:.+)$"))]
        database: String,
        /// The statement that gives the list, one SELECT; its columns are the list's.
        sql: String,
        /// The list itself, instead of a file.
        ids: Vec<At<Id>>,
        /// A table of jobs that `windrow work` takes as they come, instead of a list: `{ table = "jobs", where = "state = 'new'",
        /// done = "state = 'done'", failed = "state = 'failed'" }`, also written as `[input.queue]`. Its database is that of
        /// `[table] to`, a server; the id is covered by a unique index.
        queue: Queue,
        /// Format of the list where the file's ending does not say: `csv`, `tsv`, `jsonl`, `parquet` or `lines`
        /// (one id a line, no header; the default of standard input).
        format: Word<Format>,
        /// The character between two fields of a CSV or TSV list, such as `;`; a comma (csv) or a tab (tsv) unless said.
        #[schemars(length(equal = 1))]
        delimiter: String,
        /// The character that encloses fields of a CSV or TSV list, or `none` where quotes are text like any other. By default
        /// it is `"`, and a quoted field that swallows lines which read as records of their own is refused; said, it is not.
        #[schemars(regex(pattern = "^(none|.)$"))]
        quote: String,
        /// The encoding of a text list, such as `utf-16le`, `cp1252` or `shift_jis` (the labels of the Encoding Standard). By
        /// default that of its byte order mark, or else UTF-8.
        encoding: String,
        /// Lines of a text list that begin with this are passed over, as with `#`.
        #[schemars(length(min = 1))]
        comment: String,
        /// Lines at the beginning of a text list that are passed over, before its header.
        skip_lines: Count<0, 1_000_000>,
        /// The column, or columns, that identify a record; for `lines` and `ids` the name that the ids get. Default the column
        /// that the endpoints use, if it is one.
        id: Names,
        /// Columns of the list to carry into the table; the id always is.
        columns: Vec<At<String>>,
        /// Types of columns of the list. CSV values are text unless this says otherwise (007 stays 007).
        types: Named<TypeName>,
        /// What to do with an id that comes twice: `fail` (default), `keep` both, or `first` (later ones are left out).
        on_duplicate: Word<OnDuplicate>,
        /// Whether an empty list is no error. Default false.
        allow_empty: bool,
        ..
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

/// A list comes from one place; a database needs its statement.
fn check_source(fields: &mut Fields<'_>) {
    // One of the two alone counts as the source: beside a file it is one mistake, and not a second that the other lacks.
    let server = if fields.has("database") || !fields.has("sql") { "database" } else { "sql" };
    let hint = "add file = \"….csv\", ids = [\"…\", \"…\"], database = \"postgres://…\" with sql = \"SELECT …\", or queue = { … }";
    fields.exactly_one(&["file", "ids", server, "queue"], hint);
    if !["file", "ids", "queue"].iter().any(|key| fields.has(key)) {
        fields.needs("database", "sql", "add sql = \"SELECT …\", the statement that gives the list");
        fields.needs("sql", "database", "add database = \"postgres://…\" or \"duckdb:….duckdb\"");
    }
}

impl Choice for Format {
    const WORDS: &'static [(&'static str, Format)] = &[
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("jsonl", Format::Jsonl),
        ("parquet", Format::Parquet),
        ("lines", Format::Lines),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["json_lines", "jsonlines", "ndjson", "json"], "write \"jsonl\", a JSON object a line"),
        (&["txt", "text", "list", "plain"], "write \"lines\", one id a line"),
        (&["xlsx", "excel", "xls"], "save it as CSV"),
    ];
}

impl Choice for OnDuplicate {
    const WORDS: &'static [(&'static str, OnDuplicate)] =
        &[("fail", OnDuplicate::Fail), ("keep", OnDuplicate::Keep), ("first", OnDuplicate::First)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["refuse", "error", "raise", "reject"], "write \"fail\""),
        (
            &["drop", "skip", "ignore", "unique", "dedupe", "distinct"],
            "write \"first\", which leaves later ones out",
        ),
        (&["last"], "write \"first\", or \"keep\" both: an upsert by the id then has the later one"),
        (&["all", "allow"], "write \"keep\""),
    ];
}
