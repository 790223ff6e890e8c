//! What it costs to serve a table, beside nginx with the same bytes as a file: `cargo bench --bench serve [-- ROWS]`.
//!
//! - **By rows** (10,000, 100,000, and ROWS, a million where nothing is said): seconds until a table is served, resident memory,
//!   and look-ups by key, page by page and by another column: requests a second, and those for each second of a core that the
//!   server took (the client takes the other core).
//! - **Whole**: the table of 10,000 rows as JSON, plain and in gzip, and a question whether it has changed, beside nginx.
//! - **While it is written**: 100,000 records are gathered and published into a table that is served, with readers all the while;
//!   and the same rows are written by threads into SQLite, row by row, with readers. What was lost, and who was refused.

#[path = "../job/site.rs"]
#[expect(dead_code, reason = "the bench `job` asks films, too")]
mod site;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use duckdb::Connection;
use site::{Nginx, Origin};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows of the largest table, where the command line does not say.
const ROWS: u64 = 1_000_000;
/// Rows that are written while others read.
const WRITTEN: u64 = 100_000;
/// Seconds that `wrk` asks for.
const SECONDS: u32 = 5;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/serve/sqlite_threads.py");

const JOB: &str = r#"
[job]
name = "ticks"
[input]
file = "ids.csv"
id = "id"
types = { id = "bigint" }
[[endpoint]]
name = "echo"
url = "http://127.0.0.1:PORT/echo/{id}"
columns = { target = ".target" }
[table]
to = "parquet:ticks.parquet"
[serve]
max_memory = "4GB"
"#;

fn main() -> Outcome<()> {
    let most = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ROWS);
    let folder = tempfile::tempdir()?;
    println!(
        "{:>10} {:>9} {:>9}   {:<28} {:>9} {:>12}",
        "rows", "served in", "memory", "", "a second", "a core's"
    );
    for rows in [10_000, 100_000, most] {
        by_rows(&folder.path().join(rows.to_string()), rows)?;
    }
    whole(&folder.path().join("10000"))?;
    while_written(folder.path())
}

/// `windrow serve`, killed with its value.
struct Serving {
    child: Child,
    port: u16,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Serves the job in a folder; the time until its table is.
    fn start(folder: &Path) -> Outcome<(Serving, Duration)> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let began = Instant::now();
        let mut command = Command::new(beside("windrow")?);
        command.args(["serve", "ticks.toml", "--no-runs", "--listen", &format!("127.0.0.1:{port}")]);
        let child = command.current_dir(folder).stderr(Stdio::null()).spawn()?;
        let serving = Serving { child, port };
        while serving.get("/readyz")?.is_none() {
            if began.elapsed() > Duration::from_secs(120) {
                return Err("nothing is served".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok((serving, began.elapsed()))
    }

    /// A body, where it is answered with 200.
    fn get(&self, path: &str) -> Outcome<Option<Vec<u8>>> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let done = Command::new("curl").args(["-sf", &url]).output()?;
        Ok(done.status.success().then_some(done.stdout))
    }

    /// MB that it has in memory.
    fn memory(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    /// Seconds of a core that it has taken.
    fn core_seconds(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no stat")?.1.split_whitespace().collect();
        // In hundredths, behind the name: user and system.
        Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
    }
}

fn by_rows(folder: &Path, rows: u64) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("ticks.toml"), JOB.replace("PORT", "9"))?;
    let table = folder.join("ticks.parquet");
    Connection::open_in_memory()?.execute_batch(&format!(
        "COPY (SELECT range AS id, 'S' || (hash(range) % 1000) AS symbol, (hash(range) % 100000) / 100 AS price, \
         hash(range) % 10000 AS volume, TIMESTAMPTZ '2026-11-23 00:00:00+00' + to_seconds(range) AS at \
         FROM range({rows})) TO '{}' (FORMAT parquet)",
        table.display()
    ))?;
    let (serving, took) = Serving::start(folder)?;
    let memory = serving.memory()?;
    let questions = [
        ("a row by its key", "'/ticks/' .. math.random(0, ROWS - 1)"),
        ("100 rows, the first", "'/ticks.json?limit=100'"),
        ("100 rows of a range of keys", "'/ticks.json?limit=100&id.ge=' .. math.random(0, ROWS - 1)"),
        ("100 rows by another column", "'/ticks.json?limit=100&symbol=S' .. math.random(0, 999)"),
    ];
    for (at, (name, path)) in questions.into_iter().enumerate() {
        let before = serving.core_seconds()?;
        let rate = wrk(folder, serving.port, &path.replace("ROWS", &rows.to_string()), "")?;
        let core = serving.core_seconds()? - before;
        let left = match at {
            0 => format!("{rows:>10} {:>7.2} s {memory:>6.0} MB", took.as_secs_f64()),
            _ => " ".repeat(30),
        };
        println!("{left}   {name:<28} {rate:>9.0} {:>12.0}", rate * f64::from(SECONDS) / core);
    }
    Ok(())
}

fn whole(folder: &Path) -> Outcome<()> {
    let (serving, _) = Serving::start(folder)?;
    let body = serving.get("/ticks.json")?.ok_or("no table")?;
    fs::create_dir_all(folder.join("www"))?;
    fs::write(folder.join("www/ticks.json"), &body)?;
    let nginx = Nginx::start(folder)?;
    println!(
        "\nthe whole table as JSON, {} KB, by 16 connections: a second, and of nginx",
        body.len() / 1024
    );
    let file = wrk(folder, nginx.port, "'/ticks.json'", "")?;
    println!("  {:<40} {file:>9.0}", "nginx, the same bytes in a file");
    for (name, header) in [
        ("windrow serve", ""),
        ("windrow serve, in gzip", "wrk.headers['Accept-Encoding'] = 'gzip'"),
        ("windrow serve, unchanged (304)", "wrk.headers['If-None-Match'] = '*'"),
    ] {
        let rate = wrk(folder, serving.port, "'/ticks.json'", header)?;
        println!("  {name:<40} {rate:>9.0} {:>6.2}", rate / file);
    }
    Ok(())
}

/// Requests a second of one thread with 16 connections.
fn wrk(folder: &Path, port: u16, path: &str, more: &str) -> Outcome<f64> {
    let script = folder.join("wrk.lua");
    fs::write(&script, format!("{more}\nfunction request() return wrk.format('GET', {path}) end\n"))?;
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", &format!("-d{SECONDS}s"), "-s"]).arg(&script);
    command.arg(format!("http://127.0.0.1:{port}/"));
    let hint = |error| format!("wrk: {error}\nhint: `make bench-needs` installs it");
    let said = String::from_utf8(command.output().map_err(hint)?.stdout)?;
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    match rate {
        // 304 is no 2xx for it.
        Some(rate) if more.contains("None-Match") || !said.contains("Non-2xx") => Ok(rate.trim().parse()?),
        _ => Err(format!("wrk said:\n{said}").into()),
    }
}

fn while_written(folder: &Path) -> Outcome<()> {
    let place = folder.join("written");
    fs::create_dir_all(&place)?;
    let ids: String = (0..WRITTEN).map(|id| format!("{id}\n")).collect();
    fs::write(place.join("ids.csv"), format!("id\n{ids}"))?;
    let origin = Origin::start(&place, &beside("examples/origin")?, &[])?;
    fs::write(place.join("ticks.toml"), JOB.replace("PORT", &origin.port.to_string()))?;
    let run = |arguments: &[&str]| -> Outcome<()> {
        let mut command = Command::new(beside("windrow")?);
        let done = command.args(["run", "ticks.toml", "-q"]).args(arguments).current_dir(&place).output()?;
        done.status
            .success()
            .then_some(())
            .ok_or_else(|| String::from_utf8_lossy(&done.stderr).into_owned().into())
    };
    run(&[])?;
    let (serving, _) = Serving::start(&place)?;
    println!("\n{WRITTEN} rows written while others read");
    println!(
        "  {:<40} {:>8} {:>9} {:>7} {:>9} {:>9}",
        "", "seconds", "rows lost", "refused", "reads", "refused"
    );
    let began = Instant::now();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let (written, reads) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| read_on(serving.port, &is_over))).collect();
        let written = run(&["--new"]).map(|()| began.elapsed()).map_err(|error| error.to_string());
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let reads: Vec<(u64, u64)> = readers.into_iter().filter_map(|reader| reader.join().ok()).collect();
        (written, reads)
    });
    let sql = format!("SELECT count(DISTINCT target) FROM '{}'", place.join("ticks.parquet").display());
    let rows: u64 = Connection::open_in_memory()?.query_row(&sql, [], |row| row.get(0))?;
    let (whole, refused) = reads.iter().fold((0, 0), |sum, read| (sum.0 + read.0, sum.1 + read.1));
    println!(
        "  {:<40} {:>8.1} {:>9} {:>7} {whole:>9} {refused:>9}",
        "windrow run, windrow serve",
        written?.as_secs_f64(),
        WRITTEN - rows,
        0
    );
    for (name, patience) in
        [("threads on SQLite, no timeout", "0"), ("threads on SQLite, a timeout of 5 s", "5")]
    {
        let database = place.join(format!("{patience}.db"));
        let done = Command::new("python3")
            .args([SCRIPT.as_ref(), database.as_os_str()])
            .args([&WRITTEN.to_string(), patience])
            .output()?;
        let said = String::from_utf8(done.stdout)?;
        let [seconds, _, lost, refused, reads, unread] = said.split_whitespace().collect::<Vec<_>>()[..]
        else {
            return Err(format!("python3: {}", String::from_utf8_lossy(&done.stderr)).into());
        };
        println!("  {name:<40} {seconds:>8} {lost:>9} {refused:>7} {reads:>9} {unread:>9}");
    }
    Ok(())
}

/// Asks for a row again and again; how often it came, and how often it did not.
fn read_on(port: u16, is_over: &std::sync::atomic::AtomicBool) -> (u64, u64) {
    use std::io::{Read as _, Write as _};
    let (mut whole, mut refused) = (0, 0);
    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
        let mut answer = String::new();
        let read = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            write!(
                stream,
                "GET /ticks/{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                whole % WRITTEN
            )?;
            stream.read_to_string(&mut answer)
        });
        if read.is_ok() && answer.starts_with("HTTP/1.1 200") { whole += 1 } else { refused += 1 }
    }
    (whole, refused)
}

/// A program that was built beside this one.
fn beside(name: &str) -> Outcome<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).ok_or("where is this?")?;
    Ok(folder.join(name))
}
