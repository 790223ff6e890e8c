//! Is a generation what the file was, can it do nothing but answer, and is it the same within its memory and beyond?

use std::path::Path;

use duckdb::Connection;
use tempfile::TempDir;

use super::copy::Copy;
use super::load::{Loaded, load};
use crate::job::Job;
use crate::merge::PublishedFile;
use crate::serve::column::{ORDER, TABLE};

const PLENTY: u64 = 1 << 30;

/// The table of a job with this destination and these columns, and what stands behind it.
fn published(folder: &Path, to: &str, more: &str) -> Vec<PublishedFile> {
    let job = format!(
        "[job]\nname = \"t\"\n[input]\nids = [\"1\"]\nid = \"id\"\n[[endpoint]]\nurl = \"https://a.example/{{id}}\"\n\
         [endpoint.columns]\nsize = {{ jq = \".size\", type = \"integer\" }}\ntags = {{ jq = \".tags\", type = \"json\" }}\n\
         at = {{ jq = \".at\", type = \"timestamp\" }}\n[table]\nto = \"{to}\"\n{more}"
    );
    let path = folder.join("t.toml");
    std::fs::write(&path, job).unwrap();
    PublishedFile::all_of(&Job::load(&path).unwrap()).unwrap()
}

fn loaded(file: &PublishedFile, most: u64) -> Result<Loaded, String> {
    let folder = file.path.parent().unwrap();
    load(file, &Copy::make(&file.path, folder).unwrap(), most, folder)
}

fn types(loaded: &Loaded) -> Vec<(&str, &str)> {
    loaded.columns.iter().map(|column| (column.name.as_str(), column.ty.as_str())).collect()
}

fn rows(loaded: &Loaded, sql: &str) -> Vec<String> {
    let mut statement = loaded.connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
    rows.map(|row| row.unwrap().unwrap_or_else(|| "NULL".to_owned())).collect()
}

fn parquet(path: &Path, select: &str) {
    let copy = format!("COPY ({select}) TO '{}' (FORMAT parquet)", path.display());
    Connection::open_in_memory().unwrap().execute_batch(&copy).unwrap();
}

#[test]
fn a_csv_table_has_the_types_that_the_job_declares_and_a_csv_report_has_text() {
    let folder = TempDir::new().unwrap();
    let report = "[[publish.after]]\nsql = \"SELECT 1\"\nfile = \"r.csv\"\nkey = \"code\"\n";
    let files = published(folder.path(), "csv:t.csv", report);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["t", "r"]);
    std::fs::write(&files[0].path, "id,size,tags,at\n007,5,\"[1, 2.50]\",2026-11-23 14:05:00.25Z\n,,\"\",\n")
        .unwrap();
    let error = loaded(&files[0], PLENTY).unwrap_err();
    assert!(error.contains("JSON"), "an empty text is no JSON: {error}");
    std::fs::write(&files[0].path, "id,size,tags,at\n007,5,\"[1, 2.50]\",2026-11-23 14:05:00.25Z\n\"\",,,\n")
        .unwrap();
    let table = loaded(&files[0], PLENTY).unwrap();
    assert_eq!(
        types(&table),
        [("id", "VARCHAR"), ("size", "INTEGER"), ("tags", "JSON"), ("at", "TIMESTAMP")]
    );
    let spelled = format!("SELECT concat_ws('|', id, size, tags, \"at\") FROM {TABLE} ORDER BY {ORDER}");
    assert_eq!(rows(&table, &spelled), ["007|5|[1, 2.50]|2026-11-23 14:05:00.25", ""]);
    assert_eq!((table.rows, table.key.as_slice(), table.key_is_unique), (2, &[0][..], true));
    std::fs::write(&files[1].path, "code,n\n007,1e3\n007,\n").unwrap();
    let report = loaded(&files[1], PLENTY).unwrap();
    assert_eq!(types(&report), [("code", "VARCHAR"), ("n", "VARCHAR")]);
    assert_eq!(rows(&report, &format!("SELECT code || coalesce(n, '-') FROM {TABLE}")), ["0071e3", "007-"]);
    assert_eq!((report.key.as_slice(), report.key_is_unique), (&[0][..], false), "twins");
}

#[test]
fn json_in_parquet_is_json_where_the_job_says_so() {
    let folder = TempDir::new().unwrap();
    let files = published(folder.path(), "parquet:t.parquet", "");
    parquet(
        &files[0].path,
        "SELECT '1' AS id, 5 AS size, '{\"a\": 1}' AS tags, TIMESTAMPTZ '2026-11-23 14:05:00Z' AS at, 9 AS older",
    );
    let table = loaded(&files[0], PLENTY).unwrap();
    assert_eq!(
        types(&table),
        [
            ("id", "VARCHAR"),
            ("size", "INTEGER"),
            ("tags", "JSON"),
            ("at", "TIMESTAMP WITH TIME ZONE"),
            ("older", "INTEGER")
        ]
    );
}

#[test]
fn what_does_not_fit_is_read_from_the_copy_and_is_the_same() {
    let folder = TempDir::new().unwrap();
    let select = "SELECT CAST(range AS VARCHAR) AS id, CAST(range % 7 AS INTEGER) AS size, '[]' AS tags, \
                  TIMESTAMPTZ '2026-11-23 14:05:00Z' AS at FROM range(50000)";
    let digest =
        format!("SELECT CAST(bit_xor(hash(id, size, tags, \"at\", {ORDER})) AS VARCHAR) FROM {TABLE}");
    for to in ["parquet:t.parquet", "csv:t.csv"] {
        let files = published(folder.path(), to, "");
        if to.starts_with("csv") {
            let copy = format!(
                "COPY ({}) TO '{}' (HEADER)",
                select.replace("TIMESTAMPTZ", "TIMESTAMP"),
                files[0].path.display()
            );
            Connection::open_in_memory().unwrap().execute_batch(&copy).unwrap();
        } else {
            parquet(&files[0].path, select);
        }
        let within = loaded(&files[0], PLENTY).unwrap();
        let beyond = loaded(&files[0], 100_000).unwrap();
        assert!(within.beside.is_none() && beyond.beside.is_some(), "{to}");
        assert_eq!(types(&within), types(&beyond), "{to}");
        assert_eq!((within.rows, within.key_is_unique), (beyond.rows, beyond.key_is_unique), "{to}");
        assert_eq!(rows(&within, &digest), rows(&beyond, &digest), "{to}");
        // Each can be opened anew, as long as it is there.
        let other = beyond.connection.try_clone().unwrap();
        let count: u64 = other
            .query_row(&format!("SELECT count(*) FROM {TABLE} WHERE size = 3"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 7143, "{to}");
    }
}

#[test]
fn nothing_but_the_table_can_be_reached() {
    let folder = TempDir::new().unwrap();
    let files = published(folder.path(), "parquet:t.parquet", "");
    parquet(
        &files[0].path,
        "SELECT range::VARCHAR AS id, 1 AS size, '1' AS tags, now() AS at FROM range(5000)",
    );
    let secret = folder.path().join("secret.csv");
    std::fs::write(&secret, "a\nsecret\n").unwrap();
    let (secret, out) = (secret.display().to_string(), folder.path().join("out").display().to_string());
    for most in [PLENTY, 10_000] {
        let table = loaded(&files[0], most).unwrap();
        for sql in [
            format!("SELECT * FROM read_csv('{secret}')"),
            format!("SELECT * FROM read_text('{secret}')"),
            format!("SELECT * FROM '{secret}'"),
            format!("SELECT * FROM glob('{secret}')"),
            format!("COPY {TABLE} TO '{out}'"),
            format!("ATTACH '{out}' AS o"),
            "INSTALL httpfs".to_owned(),
            "LOAD httpfs".to_owned(),
            "SET enable_external_access = true".to_owned(),
            "SET memory_limit = '100GB'".to_owned(),
            "RESET lock_configuration".to_owned(),
            format!("SET allowed_paths = ['{secret}']"),
        ] {
            let done = table.connection.execute_batch(&sql);
            assert!(done.is_err(), "{sql}");
        }
        assert!(!Path::new(&out).exists());
        assert_eq!(rows(&table, &format!("SELECT count(*)::VARCHAR FROM {TABLE}")), ["5000"]);
    }
}

#[test]
fn what_is_no_table_is_told_in_words() {
    let folder = TempDir::new().unwrap();
    let files = published(folder.path(), "parquet:t.parquet", "");
    std::fs::write(&files[0].path, "no Parquet").unwrap();
    let why = loaded(&files[0], PLENTY).unwrap_err();
    assert!(why.contains(&*files[0].path.to_string_lossy()) && why.contains("Parquet"), "{why}");
    parquet(&files[0].path, &format!("SELECT 1 AS {ORDER}"));
    assert_eq!(loaded(&files[0], PLENTY).unwrap_err(), "it has a column windrow_row, which is windrow's own");
    let files = published(folder.path(), "csv:t.csv", "");
    std::fs::write(&files[0].path, "").unwrap();
    assert_eq!(loaded(&files[0], PLENTY).unwrap_err(), "it is empty, without a header");
}
