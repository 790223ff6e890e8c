//! What planning costs: seconds and peak memory for 10⁴, 10⁶ and 10⁷ ids, each in a process of its own.
//!
//! Memory that stays flat from 10⁶ to 10⁷ is the point: nothing holds the list. Peak memory is `VmHWM` of
//! `/proc/self/status`, which counts this process alone and all of it.
//!
//! `cargo bench --bench plan` prints a table; one size: `cargo bench --bench plan -- size 1000000 csv`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use windrow::handoff::RunStore;
use windrow::job::*;
use windrow::plan::{PlanOptions, read_list, write_run};
use windrow::secrets::Secrets;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["size", records, format] => one_size(records.parse()?, format),
        _ => all_sizes(),
    }
}

fn all_sizes() -> Outcome<()> {
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "records", "format", "read s", "cut s", "list MB", "peak MB"
    );
    for format in ["lines", "csv", "jsonl"] {
        for records in [10_000u64, 1_000_000, 10_000_000] {
            let status = Command::new(std::env::current_exe()?)
                .args(["size", &records.to_string(), format])
                .status()?;
            if !status.success() {
                return Err(format!("{records} records as {format}: {status}").into());
            }
        }
    }
    Ok(())
}

fn one_size(records: u64, format: &str) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("list");
    write_list(&list, records, format)?;
    let megabytes = std::fs::metadata(&list)?.len() as f64 / 1e6;
    let job = job(&list, format);
    let options = PlanOptions { cores: 2, ..PlanOptions::default() };

    let started = Instant::now();
    let read = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(read_list(
        &job,
        &options,
        &Secrets::default(),
        folder.path(),
    ))?;
    let reading = started.elapsed().as_secs_f64();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let plan = runtime.block_on(async {
        let run = RunStore::create(&folder.path().join("run")).await?;
        write_run(&job, read, &run, "bench", &options).await.map_err(Box::<dyn Error>::from)
    })?;
    let cutting = started.elapsed().as_secs_f64() - reading;
    assert_eq!(plan.records, records);
    println!(
        "{records:>10} {format:>8} {reading:>8.2} {cutting:>8.2} {megabytes:>8.1} {:>9.1}",
        peak_kilobytes()? as f64 / 1e3
    );
    Ok(())
}

/// Ids in the shape of films' ids, in no order; a second column where the format has columns.
fn write_list(path: &Path, records: u64, format: &str) -> Outcome<()> {
    let mut list = BufWriter::new(File::create(path)?);
    if format == "csv" {
        writeln!(list, "imdb_id,country,note")?;
    }
    for number in 0..records {
        // Odd multiplier: a permutation of the numbers below 2^32.
        let id = number.wrapping_mul(2_654_435_761) % (1 << 32);
        match format {
            "csv" => writeln!(list, "tt{id:010},country {},\"unused, quoted\"", id % 200)?,
            "jsonl" => writeln!(
                list,
                "{{\"imdb_id\":\"tt{id:010}\",\"country\":\"country {}\",\"x\":[1]}}",
                id % 200
            )?,
            _ => writeln!(list, "tt{id:010}")?,
        }
    }
    Ok(list.flush()?)
}

fn job(list: &Path, format: &str) -> Job {
    let (format, keep) = match format {
        "csv" => (Format::Csv, vec!["country".to_owned()]),
        "jsonl" => (Format::Jsonl, vec!["country".to_owned()]),
        _ => (Format::Lines, vec![]),
    };
    let parts = vec![Part::Literal("https://example.org/".into()), Part::Input("imdb_id".into())];
    let url = Template { parts };
    Job {
        name: "bench".into(),
        input: Input {
            source: Source::File { path: list.to_owned(), format },
            id: vec!["imdb_id".into()],
            columns: keep,
            types: vec![],
            on_duplicate: OnDuplicate::Fail,
            allow_empty: false,
            dialect: Dialect::default(),
        },
        limits: vec![],
        endpoints: vec![Endpoint::get("omdb", url, vec![])],
        table: Table::plain(Destination::DuckDb("bench.duckdb".into()), "bench", Mode::Append),
        publish: Publish::default(),
        before: vec![],
        after: vec![],
        notify: None,
        serve: Serve::default(),
        settings: Settings { in_flight: 1, retry_rounds: 0, ..Settings::default() },
        inferred: Vec::new(),
        text: String::new(),
        path: "bench.toml".into(),
        folder: ".".into(),
    }
}

/// `VmHWM`: the most memory that this process ever had resident.
fn peak_kilobytes() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
