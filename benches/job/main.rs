//! What a whole job gets out of a machine, beside the raw rate of a load generator: all in one run, in turns.
//!
//! - **nginx** (one process) serves 3,201 films as files. `wrk` (one thread, 64 connections) asks for them and
//!   throws the answers away; `windrow run` asks for them under 160,000 ids, from the list to the published
//!   table: plan, fetch, extract 33 typed columns, chunks, proof, one transaction. They take turns; the figures
//!   are medians, what counts is their ratio.
//! - **python3** does the same by hand with aiohttp and pyarrow, where it has them.
//! - **extract**: the same job with its answers kept, then its columns made anew from them without a request.
//! - **10 ids**: what a run costs that asks next to nothing.
//! - **200 ms**: 160,000 records with four questions each, every answer delayed (by the `origin` example).
//!
//! `cargo bench --bench job [-- ROUNDS] [late] [--against PROGRAM]`; `late` runs the 200 ms alone, PROGRAM is
//! another windrow that takes its turns too.

mod account;
mod jobs;
mod rivals;
mod site;

use std::error::Error;
use std::path::{Path, PathBuf};

use account::Run;
use jobs::JobFolder;
use site::{Nginx, Origin, Site};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Records of the large runs.
const RECORDS: u32 = 160_000;
/// Ids of a small run.
const FEW: usize = 10;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let rounds = words.iter().filter_map(|word| word.parse().ok()).next().unwrap_or(3);
    let against = words.iter().position(|word| word == "--against").and_then(|at| words.get(at + 1));
    let mut programs = vec![beside("windrow")?];
    programs.extend(against.map(PathBuf::from));
    windrow::os::raise_open_files();
    let folder = tempfile::tempdir()?;
    let origin = beside("examples/origin")?;
    if words.iter().any(|word| word == "late") {
        return late(&folder.path().join("late"), &programs[0], &origin);
    }
    let site = Site::make(folder.path(), &origin, RECORDS)?;
    let nginx = Nginx::start(folder.path())?;
    in_turns(rounds, &programs, &site, &nginx)?;
    anew(&programs[0], &site, &nginx)?;
    few(&programs[0], &site, &nginx)?;
    drop(nginx);
    late(&folder.path().join("late"), &programs[0], &origin)
}

/// A program of this build.
fn beside(name: &str) -> Outcome<PathBuf> {
    let here = std::env::current_exe()?;
    let release = here.parent().and_then(Path::parent).ok_or("no folder above this program's")?;
    let program = release.join(name);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is not there: run `make build` first", program.display()).into())
    }
}

/// The load generator, the programs and the rival, one after the other, again and again.
fn in_turns(rounds: usize, programs: &[PathBuf], site: &Site, nginx: &Nginx) -> Outcome<()> {
    let mut raw = Vec::new();
    let mut by_hand = Vec::new();
    let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
    println!("{RECORDS} records, one request each, {:.0} bytes an answer, {rounds} rounds", site.mean_bytes);
    for round in 0..rounds {
        raw.push(rivals::wrk(site, nginx.port)?);
        for (program, runs) in programs.iter().zip(&mut runs) {
            let place = JobFolder::films(&site.folder.join("run"), &site.list, nginx.port)?;
            runs.push(account::run(program, &place, Some(nginx.pid()))?);
        }
        // Much slower than the others: once is enough.
        if round == 0 {
            by_hand.extend(rivals::python(site, nginx.port)?);
        }
    }
    report(median(raw), programs, &runs, by_hand.first().copied());
    Ok(())
}

fn report(raw: f64, programs: &[PathBuf], runs: &[Vec<Run>], by_hand: Option<f64>) {
    println!("\n{:32} {:>10} {:>8}", "", "a second", "of wrk");
    let rate = |name: &str, rate: f64| println!("{name:32} {rate:>10.0} {:>8.2}", rate / raw);
    rate("wrk -t1 -c64, answers thrown away", raw);
    let requests = f64::from(RECORDS);
    for (program, runs) in programs.iter().zip(runs) {
        let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
        let name = if programs.len() == 1 { "windrow" } else { &program.to_string_lossy() };
        rate(&format!("{name} run, list to table"), requests / of(|run| run.wall));
        rate("  its fetching alone", requests / of(|run| run.fetch));
    }
    match by_hand {
        Some(by_hand) => rate("python3, aiohttp to Parquet", by_hand),
        None => println!("python3 has no aiohttp and pyarrow: not measured"),
    }
    for runs in runs {
        println!();
        account::print(runs);
        account::print_cpu(runs, requests);
    }
}

/// The columns made anew from kept answers, beside the run that kept them.
fn anew(program: &Path, site: &Site, nginx: &Nginx) -> Outcome<()> {
    let place = JobFolder::keeping(&site.folder.join("kept"), &site.list, nginx.port)?;
    let fetched = account::run(program, &place, Some(nginx.pid()))?;
    let extracted = account::extract(program, &place)?;
    let requests = f64::from(RECORDS);
    println!("\nanswers kept: {:.0} a second while fetching", requests / fetched.fetch);
    println!(
        "columns made anew from them: {:.0} a second, {:.2} of that",
        requests / extracted.fetch,
        fetched.fetch / extracted.fetch
    );
    account::print_cpu(&[extracted], requests);
    Ok(())
}

/// A run of few ids.
fn few(program: &Path, site: &Site, nginx: &Nginx) -> Outcome<()> {
    let mut runs = Vec::new();
    for _ in 0..5 {
        let list = site.shortened(FEW)?;
        let place = JobFolder::films(&site.folder.join("few"), &list, nginx.port)?;
        runs.push(account::run(program, &place, None)?);
    }
    println!("\n{FEW} ids, from the first look at the job file to the published table");
    account::print(&runs);
    Ok(())
}

/// Every answer 200 ms late.
fn late(folder: &Path, program: &Path, origin: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let origin = Origin::start(folder, origin, &["--latency-ms", "200", "--ids", &RECORDS.to_string()])?;
    let list = origin.print_ids(folder, RECORDS)?;
    let place = JobFolder::late(&folder.join("run"), &list, origin.port)?;
    let run = account::run(program, &place, Some(origin.pid()))?;
    let requests = 4.0 * f64::from(RECORDS);
    println!(
        "\n{RECORDS} records, 4 requests each, every answer 200 ms late, {} in flight",
        jobs::LATE_IN_FLIGHT
    );
    println!(
        "{:.0} requests a second; at most {:.0} with so many in flight",
        requests / run.wall,
        jobs::LATE_BOUND
    );
    account::print(std::slice::from_ref(&run));
    account::print_cpu(&[run], requests);
    Ok(())
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
