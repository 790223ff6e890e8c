use std::fs;
use std::path::Path;
use std::process::Command;

use super::kinds::Kind;
use super::sandbox::{Sandbox, all_ok, film_values, films};
use crate::job::{Destination, Mode};
use crate::merge::check_destination;
use crate::value::Value;

async fn refused(sandbox: &Sandbox) -> String {
    let said = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
    assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    said
}

fn by(sandbox: &mut Sandbox, columns: &[&str]) {
    sandbox.job.table.partition_by = columns.iter().map(|name| (*name).to_owned()).collect();
}

/// Titles that are hard to have as names of folders.
fn odd_titles(round: u32, ordinal: u64, endpoint: usize, part: u32) -> Vec<Value> {
    let mut values = film_values(round, ordinal, endpoint, part);
    if endpoint == 0 {
        values[0] = match ordinal % 4 {
            0 => Value::Null,
            1 => Value::Text(String::new()),
            2 => Value::Text("a/b=c %2F é\n..".into()),
            _ => Value::Text("plain".into()),
        };
    }
    values
}

#[tokio::test]
async fn a_folder_of_files_is_exchanged_as_a_whole() {
    let mut sandbox = Sandbox::with(8, films(), odd_titles).await.mode(Mode::Upsert).into_kind(Kind::Folder);
    by(&mut sandbox, &["title", "budget"]);
    sandbox.add_round(2, &all_ok).await;
    assert_eq!(sandbox.publish().await.unwrap().total, Some(8));
    let title = |id: &str| sandbox.rows(&format!("SELECT coalesce(title, '~') FROM films WHERE id = '{id}'"));
    assert_eq!(
        ["tt0000", "tt0001", "tt0002", "tt0003"].map(title).concat(),
        ["~", "", "a/b=c %2F é\n..", "plain"]
    );
    assert!(sandbox.file().join("title=plain/budget=30/data_0.parquet").is_file());
    // The next one reads it, and its own files are all there is.
    let mut next = Sandbox::with(2, films(), odd_titles).await.mode(Mode::Upsert).into_kind(Kind::Folder);
    next.job.table.to = sandbox.job.table.to.clone();
    next.plan.run = "20261124T000000-0000000000000".into();
    by(&mut next, &["title", "budget"]);
    next.run.put_plan(&next.plan).await.unwrap();
    next.ids[1] = "new".into();
    next.add_round(1, &all_ok).await;
    let published = next.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (2, 1, Some(9)));
    let table =
        sandbox.rows("SELECT id, coalesce(title, '~') FROM films WHERE id IN ('tt0002', 'tt0006', 'new')");
    assert!(table.contains(&"tt0002|a/b=c %2F é\n..".to_owned()), "{table:?}");
    assert_eq!(table.len(), 3);
    // It remembers both.
    assert!(sandbox.publish().await.unwrap().already && next.publish().await.unwrap().already);
    assert!(sandbox.beside().iter().all(|name| !name.starts_with(".windrow")));
}

/// Names, types and rows of a folder, as pyarrow, pandas and polars have them.
const READERS: &str = r#"
import sys, pandas, polars, pyarrow.dataset
path = sys.argv[1]
table = pyarrow.dataset.dataset(path, partitioning="hive").to_table()
frame, lazy = pandas.read_parquet(path), polars.read_parquet(path + "/**/*.parquet", hive_partitioning=True)
print(sorted(table.column_names) == sorted(frame.columns) == sorted(lazy.columns), table.schema.field("votes").type)
print(table.num_rows, len(frame), len(lazy), sorted(table.column_names))
"#;

fn read_by_others(folder: &Path) -> String {
    let output = Command::new("python3").args(["-c", READERS]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_folder_without_rows_is_read_by_its_readers() {
    let mut sandbox = Sandbox::of_one_round(0, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Folder);
    assert_eq!(sandbox.publish().await.unwrap().total, Some(0));
    assert!(sandbox.file().join("_windrow.json").is_file());
    assert_eq!(sandbox.table(), Vec::<String>::new());
    assert_eq!(
        read_by_others(&sandbox.file()),
        "True int32\n0 0 0 ['budget', 'facts', 'id', 'title', 'votes']\n"
    );
    assert!(sandbox.publish().await.unwrap().already);
    by(&mut sandbox, &["title"]);
    assert!(refused(&sandbox).await.contains("it is divided by votes, the job divides by title"));
}

#[tokio::test]
async fn a_folder_that_is_not_windrows_is_not_touched() {
    let mut sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Folder);
    let folder = sandbox.file();
    fs::create_dir(&folder).unwrap();
    assert!(check_destination(&sandbox.job, &sandbox.place()).await.is_ok(), "it is empty");
    fs::write(folder.join("mine.parquet"), "mine").unwrap();
    assert!(
        refused(&sandbox)
            .await
            .contains("it is a folder that windrow did not make (it has no _windrow.json)")
    );
    fs::remove_file(folder.join("mine.parquet")).unwrap();
    sandbox.publish().await.unwrap();
    fs::create_dir(folder.join("votes=0/mine")).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let said = refused(&sandbox).await;
    assert!(
        said.contains("\n  notes.txt in it is not windrow's\n  votes=0/mine in it is not windrow's\n"),
        "{said}"
    );
    fs::remove_file(folder.join("notes.txt")).unwrap();
    fs::remove_dir(folder.join("votes=0/mine")).unwrap();
    by(&mut sandbox, &["title", "budget"]);
    assert!(refused(&sandbox).await.contains("it is divided by votes, the job divides by title, budget"));
    by(&mut sandbox, &["votes"]);
    fs::write(folder.join("_windrow.json"), r#"{"version": 1000}"#).unwrap();
    assert!(
        refused(&sandbox).await.contains("a newer windrow wrote it (format version 1000, this one knows 1)")
    );
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "mine").unwrap();
    assert!(refused(&sandbox).await.contains("partition_by makes a folder of files, and it is a file"));
    sandbox.job.table.to = Destination::Parquet(folder.with_file_name("k=v").join("out"));
    fs::create_dir(folder.with_file_name("k=v")).unwrap();
    assert!(
        refused(&sandbox)
            .await
            .contains("it lies in a folder \"k=v\", which readers of partitioned files take")
    );
}

#[tokio::test]
async fn columns_that_make_no_folders_are_refused() {
    let mut sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Replace).into_kind(Kind::Folder);
    by(&mut sandbox, &["facts", "nobody"]);
    let said = refused(&sandbox).await;
    assert!(said.contains("names \"facts\", whose values make no names of folders"), "{said}");
    assert!(said.contains("names \"nobody\", which is not one of its columns"), "{said}");
    by(&mut sandbox, &[]);
    sandbox.job.table.to = Destination::Parquet(sandbox.folder().join("out/"));
    assert!(refused(&sandbox).await.contains("it is to be a folder, and the job has no partition_by"));
    by(&mut sandbox, &["id", "title", "votes", "budget", "facts"]);
    assert!(refused(&sandbox).await.contains("none is left for the files"));
    // What only the rows show.
    let null = |round: u32, ordinal: u64, endpoint: usize, part: u32| {
        let mut values = film_values(round, ordinal, endpoint, part);
        if endpoint == 0 {
            values[0] = Value::Text("Null".into());
        }
        values
    };
    let mut sandbox = Sandbox::with(2, films(), null).await.mode(Mode::Replace).into_kind(Kind::Folder);
    by(&mut sandbox, &["title"]);
    sandbox.add_round(1, &all_ok).await;
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("2 rows have the text \"NULL\" in \"title\""), "{said}");
    assert!(!sandbox.file().exists());

    // A folder's name has 255 bytes at the most: `title=`, and three bytes for each of a text that is percent-encoded.
    let long = |round: u32, ordinal: u64, endpoint: usize, part: u32| {
        let mut values = film_values(round, ordinal, endpoint, part);
        if endpoint == 0 {
            let text = ["a".repeat(249), "ä".repeat(41), "a".repeat(250), "ä".repeat(42)];
            values[0] = Value::Text(text[ordinal as usize].clone());
        }
        values
    };
    for (records, expected) in [(2, None), (4, Some("2 rows have a text in \"title\" that is too long"))] {
        let mut sandbox =
            Sandbox::with(records, films(), long).await.mode(Mode::Replace).into_kind(Kind::Folder);
        by(&mut sandbox, &["title"]);
        sandbox.add_round(1, &all_ok).await;
        match (sandbox.publish().await, expected) {
            (Ok(published), None) => assert_eq!(published.rows, 2),
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{error}"),
            (published, _) => panic!("{published:?}"),
        }
    }
}
