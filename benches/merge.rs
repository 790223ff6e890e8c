//! What proof and load cost beside DuckDB alone: `cargo bench --bench merge [-- RECORDS…]`.
//!
//! For every size a run of two endpoints and twelve columns is made, in blocks as `plan` cuts them. Then, each
//! in a process of its own and on the same files, three times in turn, the best time of each:
//!
//! - `CREATE TABLE AS SELECT … FROM read_parquet([…]) JOIN read_parquet([…])`, by DuckDB as it comes;
//! - prove and publish the run into a new table (append), then into one that holds all its keys (upsert) or ids
//!   (replace_ids).
//!
//! Times run from opening the database to its being closed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use windrow::chunk::{Row, encode_ledger, encode_rows};
use windrow::handoff::digest;
use windrow::handoff::ledger::Line;
use windrow::handoff::store::VERSION;
use windrow::handoff::{
    Block, ChunkFile, Commit, Content, Plan, PlannedEndpoint, Round, RunStore, Shard, Tally, layout,
};
use windrow::job::{
    ChunkFormat, Destination, Duplicates, Format, Input, Job, Mode, OnFailure, Publish, Settings, Source,
    Table,
};
use windrow::merge::{Place, Terms, prove, publish};
use windrow::record::{Field, Status, Type, Value};

const TRIES: usize = 3;
const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measured, folder] = &arguments[..]
        && let Some(measured) = Measured::of(measured)
    {
        return measured.print(Path::new(folder));
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    println!(
        "{:>9} {:>7} | {:>8} {:>8} | {:>8} {:>8} {:>6} | {:>8} {:>8} | {:>8} {:>8} | {:>8}",
        "records",
        "blocks",
        "ctas s",
        "peak MB",
        "append s",
        "peak MB",
        "ratio",
        "upsert s",
        "peak MB",
        "ids s",
        "peak MB",
        "proof s"
    );
    sizes.into_iter().for_each(compare);
}

/// One line of the table.
fn compare(records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let blocks = make_run(folder.path(), records);
    let mut best: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for _ in 0..TRIES {
        for measured in ["ctas", "append", "upsert", "replace_ids"] {
            let now = in_own_process(measured, folder.path());
            let best = best.entry(measured).or_insert(now);
            (0..3).for_each(|at| best[at] = best[at].min(now[at]));
        }
    }
    let ([ctas, ctas_peak, _], [append, append_peak, proof], [upsert, upsert_peak, _]) =
        (best["ctas"], best["append"], best["upsert"]);
    let [ids, ids_peak, _] = best["replace_ids"];
    println!(
        "{records:>9} {blocks:>7} | {ctas:>8.2} {ctas_peak:>8.0} | {append:>8.2} {append_peak:>8.0} {:>6.2} | {upsert:>8.2} {upsert_peak:>8.0} | {ids:>8.2} {ids_peak:>8.0} | {proof:>8.2}",
        append / ctas
    );
}

/// Seconds, peak memory in MB, seconds of the proof.
fn in_own_process(measured: &str, folder: &Path) -> [f64; 3] {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this).arg(measured).arg(folder).output().expect("a child");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{measured}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[derive(Clone, Copy)]
enum Measured {
    Ctas,
    Append,
    Upsert,
    ReplaceIds,
}

impl Measured {
    fn of(word: &str) -> Option<Measured> {
        Some(match word {
            "ctas" => Measured::Ctas,
            "append" => Measured::Append,
            "upsert" => Measured::Upsert,
            "replace_ids" => Measured::ReplaceIds,
            _ => return None,
        })
    }

    fn print(self, folder: &Path) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (load, proof) = match self {
            Measured::Ctas => (ctas(folder), Duration::ZERO),
            Measured::Append => runtime.block_on(merge(folder, Mode::Append)),
            Measured::Upsert => runtime.block_on(merge(folder, Mode::Upsert)),
            Measured::ReplaceIds => runtime.block_on(merge(folder, Mode::ReplaceIds)),
        };
        println!("{} {} {}", load.as_secs_f64(), peak_mb(), proof.as_secs_f64());
    }
}

/// `VmHWM` of proc_pid_status(5).
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn new_database(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn ctas(folder: &Path) -> Duration {
    let path = new_database(folder, "ctas.duckdb");
    let list = |endpoint: &str| {
        let ending = format!(".{endpoint}.parquet");
        let entries = std::fs::read_dir(folder.join("run/00000")).expect("the shard");
        let paths = entries.map(|entry| entry.expect("an entry").path().display().to_string());
        let mut paths: Vec<String> = paths.filter(|path| path.ends_with(&ending)).collect();
        paths.sort();
        paths.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>().join(",")
    };
    let sql = format!(
        "CREATE TABLE films AS SELECT f.* EXCLUDE (ordinal, part), m.* EXCLUDE (ordinal, part, id) \
         FROM read_parquet([{}]) f JOIN read_parquet([{}]) m USING (ordinal)",
        list("film"),
        list("money")
    );
    let started = Instant::now();
    let connection = duckdb::Connection::open(path).expect("a database");
    connection.execute_batch(&sql).expect("the table");
    drop(connection);
    started.elapsed()
}

/// Load and proof. What replaces rows comes upon a table that an append has filled.
async fn merge(folder: &Path, mode: Mode) -> (Duration, Duration) {
    let run = RunStore::open(&folder.join("run")).await.expect("the run");
    let plan = run.plan().await.expect("the plan");
    let append = folder.join("append.duckdb");
    let path = match mode {
        Mode::Append => new_database(folder, "append.duckdb"),
        _ => new_database(folder, "replaced.duckdb"),
    };
    if mode != Mode::Append {
        std::fs::copy(append, &path).expect("a copy");
        let connection = duckdb::Connection::open(&path).expect("a database");
        connection.execute_batch("DELETE FROM windrow_runs").expect("a run to merge anew");
    }
    let started = Instant::now();
    let proof = prove(&run).await.expect("a proof");
    let proved = started.elapsed();
    let started = Instant::now();
    let terms = Terms { now_micros: 0, anyway: false };
    let to = Place::DuckDb(path.clone());
    let published = publish(&run, &job(path, &plan, mode), &to, &proof, &terms, std::future::pending())
        .await
        .expect("a table");
    assert_eq!((published.rows, published.total), (plan.records, Some(plan.records)));
    (started.elapsed(), proved)
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.into(), ty }
}

fn films() -> Vec<Field> {
    vec![
        field("title", Type::Text),
        field("plot", Type::Text),
        field("year", Type::Integer),
        field("votes", Type::Bigint),
        field("rating", Type::Double),
        field("genre", Type::Text),
        field("director", Type::Text),
        field("released", Type::Date),
    ]
}

fn moneys() -> Vec<Field> {
    vec![
        field("budget", Type::Bigint),
        field("gross", Type::Decimal { precision: 18, scale: 2 }),
        field("studio", Type::Text),
    ]
}

fn film(random: &mut fastrand::Rng, ordinal: u64) -> Vec<Value> {
    let plot: Vec<&str> = (0..12).map(|_| WORDS[random.usize(..WORDS.len())]).collect();
    vec![
        Value::Text(format!("{} {ordinal}", WORDS[random.usize(..WORDS.len())])),
        Value::Text(plot.join(" ")),
        Value::Integer(random.i32(1900..2027)),
        Value::Bigint(random.i64(0..10_000_000)),
        Value::Double(random.f64() * 10.0),
        Value::Text(WORDS[random.usize(..WORDS.len())].into()),
        Value::Text(format!("director {}", random.u32(..5000))),
        Value::Date(random.i32(0..20_000)),
    ]
}

fn money(random: &mut fastrand::Rng) -> Vec<Value> {
    vec![
        Value::Bigint(random.i64(0..1_000_000_000)),
        Value::Decimal(random.i128(0..100_000_000_000)),
        Value::Text(WORDS[random.usize(..WORDS.len())].into()),
    ]
}

/// A run of one shard, every pair ok; the number of its blocks.
fn make_run(folder: &Path, records: u64) -> usize {
    let run = folder.join("run");
    std::fs::create_dir_all(run.join("00000")).expect("a folder");
    let block = (records.div_ceil(64)).clamp(64, 1024).max(records.div_ceil(5000));
    let blocks: Vec<Block> = (0..records)
        .step_by(block as usize)
        .map(|first| Block { first, line: first, records: block.min(records - first) })
        .collect();
    let id = |ordinal: u64| Value::Text(format!("tt{ordinal:08}"));
    let lines: Vec<[Value; 2]> = (0..records).map(|ordinal| [Value::Bigint(0b11), id(ordinal)]).collect();
    let rows: Vec<Row<'_>> =
        lines.iter().zip(0..).map(|(values, ordinal)| Row { ordinal, part: 0, id: &[], values }).collect();
    let fields = [field("ask", Type::Bigint), field("id", Type::Text)];
    let input = encode_rows(&[], &fields, &rows, ChunkFormat::Parquet).expect("the input");
    let input_sha256 = digest::sha256(&input);
    std::fs::write(run.join("00000/input.parquet"), input).expect("a file");
    let mut random = fastrand::Rng::with_seed(1);
    for block in &blocks {
        make_block(&run.join("00000"), block, &mut random);
    }
    let shard = Shard { number: 0, input_sha256, pairs: records * 2, blocks: blocks.clone() };
    let round = Round { version: VERSION, number: 0, created_at: 0, shards: vec![shard] };
    std::fs::write(run.join("round-000.json"), serde_json::to_vec(&round).expect("text")).expect("a file");
    std::fs::write(run.join(layout::PLAN), serde_json::to_vec(&plan(records)).expect("text"))
        .expect("a file");
    blocks.len()
}

fn make_block(shard: &Path, block: &Block, random: &mut fastrand::Rng) {
    let ordinals = block.first..block.first + block.records;
    let ids: Vec<[Value; 1]> = ordinals.clone().map(|o| [Value::Text(format!("tt{o:08}"))]).collect();
    let films_of: Vec<Vec<Value>> = ordinals.clone().map(|ordinal| film(random, ordinal)).collect();
    let moneys_of: Vec<Vec<Value>> = ordinals.clone().map(|_| money(random)).collect();
    let lines: Vec<Line> = ordinals.clone().flat_map(|o| [line(o, 0), line(o, 1)]).collect();
    let names = ["film".to_owned(), "money".to_owned()];
    let mut files =
        vec![put(shard, block, Content::Requests, encode_ledger(&names, &lines).expect("a ledger"))];
    for (name, fields, values) in [("film", films(), films_of), ("money", moneys(), moneys_of)] {
        let values = ids.iter().zip(&values).zip(ordinals.clone());
        let rows: Vec<Row<'_>> =
            values.map(|((id, values), ordinal)| Row { ordinal, part: 0, id, values }).collect();
        let bytes = encode_rows(&[field("id", Type::Text)], &fields, &rows, ChunkFormat::Parquet);
        files.push(put(shard, block, Content::Rows(name.into()), bytes.expect("rows")));
    }
    files[0].rows *= 2;
    let statuses = BTreeMap::from([(Status::Ok, block.records)]);
    let tally = Tally { statuses, ..Tally::default() };
    let commit = Commit {
        version: VERSION,
        run: "bench".into(),
        shard: 0,
        first: block.first,
        records: block.records,
        attempt: "a".into(),
        files,
        tally: BTreeMap::from([("film".into(), tally.clone()), ("money".into(), tally)]),
        at: 0,
    };
    let text = serde_json::to_vec(&commit).expect("text");
    std::fs::write(shard.join(layout::commit(block.first)), text).expect("a file");
}

fn put(shard: &Path, block: &Block, content: Content, bytes: bytes::Bytes) -> ChunkFile {
    let name = layout::chunk(block.first, "a", &content, ChunkFormat::Parquet);
    std::fs::write(shard.join(&name), &bytes).expect("a file");
    ChunkFile {
        content,
        name,
        rows: block.records,
        bytes: bytes.len() as u64,
        sha256: digest::sha256(&bytes),
    }
}

fn line(ordinal: u64, endpoint: usize) -> Line {
    Line {
        ordinal,
        endpoint,
        status: Status::Ok,
        failure: None,
        http_status: Some(200),
        attempts: 1,
        requests: 1,
        pages: 1,
        rows: 1,
        bytes: 1000,
        started_at: Some(0),
        finished_at: Some(1),
        batch: None,
    }
}

fn plan(records: u64) -> Plan {
    let endpoint = |name: &str, columns| PlannedEndpoint {
        name: name.into(),
        columns,
        on_failure: OnFailure::Drop,
        explodes: false,
        batched: false,
    };
    Plan {
        version: VERSION,
        run: "bench".into(),
        job: "bench".into(),
        job_path: "/nowhere/bench.toml".into(),
        created_at: 0,
        windrow: String::new(),
        source: String::new(),
        input_sha256: String::new(),
        questions_sha256: String::new(),
        records,
        left_out: 0,
        columns: vec![field("id", Type::Text)],
        id_columns: 1,
        endpoints: vec![endpoint("film", films()), endpoint("money", moneys())],
        chunks: ChunkFormat::Parquet,
        trial: false,
        extracted_from: None,
    }
}

/// What merge reads of a job: its endpoints' failures are as planned.
fn job(database: PathBuf, plan: &Plan, mode: Mode) -> Job {
    let key = if mode == Mode::Upsert { vec!["id".to_owned()] } else { vec![] };
    Job {
        name: plan.job.clone(),
        input: Input {
            source: Source::Stdin { format: Format::Lines },
            id: vec!["id".into()],
            keep: vec![],
            types: vec![],
            duplicates: Duplicates::Refuse,
            empty_ok: false,
        },
        limits: vec![],
        endpoints: vec![],
        table: Table { key, ..Table::plain(Destination::DuckDb(database), "films", mode) },
        publish: Publish { min_success: 1.0, ..Publish::default() },
        before: vec![],
        after: vec![],
        settings: Settings { in_flight: 1, rounds: 0, ..Settings::default() },
        text: String::new(),
        path: plan.job_path.clone(),
        folder: PathBuf::from("/nowhere"),
    }
}
