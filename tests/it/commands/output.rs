//! `query --output FILE`.

use crate::support::{Origin, Sandbox, small_job};

/// What `--output` leaves is the whole answer with its types, or what was there.
#[test]
fn a_query_writes_files_whole_and_typed() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 5, "", "");
    sandbox.run(["run", "small.toml"]).with_code(0);
    let write = |words: &[&str]| {
        let words = [&["query", "small", "SELECT imdb_id, year, [year] AS list FROM rows ORDER BY 1"], words];
        sandbox.run(words.concat())
    };
    let text = |name: &str| std::fs::read_to_string(sandbox.path().join(name)).unwrap();
    for (file, shape) in [("all.csv", "csv"), ("all.json", "json"), ("all.md", "markdown")] {
        write(&["--output", file]).with_code(0).saying(&format!("wrote {file}"));
        assert_eq!(text(file), write(&["--format", shape]).with_code(0).stdout, "{file}");
    }
    write(&["--output", "all", "--format", "csv"]).with_code(0);
    assert_eq!(text("all"), text("all.csv"));
    write(&["--output", "all.parquet", "--max-rows", "3"]).with_code(0);
    let read = "SELECT (SELECT string_agg(column_type) FROM (DESCRIBE FROM 'all.parquet')) || count(*) || min(list) \
                FROM 'all.parquet'";
    let lists = sandbox.query("small", "SELECT to_json([year]) FROM rows ORDER BY imdb_id LIMIT 1");
    assert_eq!(
        sandbox.query("small", read)[0].replace('"', ""),
        format!("VARCHAR,INTEGER,VARCHAR3{}", lists[0])
    );
    for (words, code, said) in [
        (&["--format", "parquet"][..], 2, "hint: add --output FILE.parquet"),
        (&["--output", "all.xlsx"], 2, "does not say how rows are written\nhint: add --format csv"),
        (&["--output", "none/all.csv"], 4, "cannot write none/all.csv: No such file"),
        (&["--output", ".", "--format", "csv"], 2, ". is a folder"),
        (
            &["--output", "all.txt", "--format", "table"],
            2,
            "hint: add --format csv, json, markdown or parquet",
        ),
        (&["--format", "arrow"], 2, "choose table, csv, json, markdown or parquet"),
    ] {
        write(words).with_code(code).saying(said);
    }
    // What stands stays where the answer fails on its way.
    let before = text("all.csv");
    for sql in ["SELECT nothing FROM rows", "SELECT 1/0, error('no') FROM rows"] {
        sandbox.run(["query", "small", sql, "--output", "all.csv"]).with_code(2);
        sandbox.run(["query", "small", sql, "--output", "new.parquet"]).with_code(2);
    }
    let infinite = "SELECT 'infinity'::TIMESTAMP AS at, 1 AS a";
    sandbox
        .run(["query", "small", infinite, "--output", "new.parquet"])
        .with_code(2)
        .saying("column \"at\": an infinite");
    sandbox
        .run(["query", "small", "EXPLAIN FROM rows", "--output", "new.parquet"])
        .with_code(2)
        .saying("has no rows");
    assert_eq!(text("all.csv"), before);
    assert!(!sandbox.path().join("new.parquet").exists());
    let hidden = std::fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(hidden.filter(|name| name.to_string_lossy().starts_with('.')).count(), 0);
    // Into a pipe, too.
    let piped = write(&["--output", "/dev/stdout", "--format", "csv"]).with_code(0);
    assert_eq!(piped.stdout, before);
}
