//! A run of two endpoints and twelve columns, in blocks as `plan` cuts them, every pair ok.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

use polars::prelude::{ParquetCompression, ParquetReader, ParquetWriter, SerReader as _, StatisticsOptions};
use windrow::chunk::{Row, encode_ledger, encode_rows};
use windrow::handoff::VERSION;
use windrow::handoff::digest;
use windrow::handoff::ledger::Line;
use windrow::handoff::{
    Block, ChunkFile, Commit, Content, Plan, PlannedEndpoint, Round, RunStore, Shard, Tally, layout,
};
use windrow::job::{
    ChunkFormat, Destination, Dialect, Format, Input, Job, Mode, OnDuplicate, OnFailure, Publish, Serve,
    Settings, Source, Table,
};
use windrow::record::Status;
use windrow::value::{Field, Type, Value};

const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];

/// `VmHWM` of proc_pid_status(5), in MB.
pub fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The chunks of an endpoint, in the order of the list, as DuckDB's `read_parquet` takes them.
pub fn chunks(folder: &Path, endpoint: &str) -> String {
    let ending = format!(".{endpoint}.parquet");
    let shards = std::fs::read_dir(folder.join("run")).expect("the run").flatten();
    let entries = shards.flat_map(|shard| std::fs::read_dir(shard.path()).into_iter().flatten().flatten());
    let paths = entries.map(|entry| entry.path().display().to_string());
    let mut paths: Vec<String> = paths.filter(|path| path.ends_with(&ending)).collect();
    paths.sort();
    paths.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>().join(",")
}

/// The SELECT that a person would write for the table.
pub fn select(folder: &Path) -> String {
    format!(
        "SELECT f.* EXCLUDE (ordinal, part), m.* EXCLUDE (ordinal, part, id) \
         FROM read_parquet([{}]) f JOIN read_parquet([{}]) m USING (ordinal)",
        chunks(folder, "film"),
        chunks(folder, "money")
    )
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

/// A run, every pair ok; the number of its blocks.
pub fn make_run(folder: &Path, records: u64) -> usize {
    let run = folder.join("run");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = runtime.block_on(RunStore::create(&run)).expect("a run");
    let block = (records.div_ceil(64)).clamp(64, 1024).max(records.div_ceil(5000));
    let mut random = fastrand::Rng::with_seed(1);
    let shards: Vec<Shard> = (0..records)
        .step_by(SHARD as usize)
        .zip(0..)
        .map(|(first, number)| {
            make_shard(&run, number, first..records.min(first + SHARD), block, &mut random)
        })
        .collect();
    let blocks = shards.iter().map(|shard| shard.blocks.len()).sum();
    let round = Round { version: VERSION, number: 0, created_at: 0, shards, from_kept: false };
    let put = async {
        store.put_round(&round).await?;
        store.put_plan(&plan(records)).await
    };
    runtime.block_on(put).expect("files");
    blocks
}

/// Records of a shard, as `plan` cuts them.
const SHARD: u64 = 250_000;

fn make_shard(run: &Path, number: u32, records: Range<u64>, block: u64, random: &mut fastrand::Rng) -> Shard {
    let folder = run.join(layout::shard_folder(number));
    std::fs::create_dir_all(&folder).expect("a folder");
    let until = records.end;
    let blocks: Vec<Block> = records
        .clone()
        .step_by(block as usize)
        .map(|first| Block { first, line: first - records.start, records: block.min(until - first) })
        .collect();
    let id = |ordinal: u64| Value::Text(format!("tt{ordinal:08}"));
    let lines: Vec<[Value; 2]> = records.clone().map(|ordinal| [Value::Bigint(0b11), id(ordinal)]).collect();
    let rows: Vec<Row<'_>> = lines
        .iter()
        .zip(records.clone())
        .map(|(values, ordinal)| Row { ordinal, part: 0, id: &[], values })
        .collect();
    let fields = [field("ask", Type::Bigint), field("id", Type::Text)];
    let input = encode_rows(&[], &fields, &rows, ChunkFormat::Parquet).expect("the input");
    let input = by_block(input, block as usize);
    let input_sha256 = digest::sha256(&input);
    std::fs::write(folder.join(layout::INPUT), input).expect("a file");
    for block in &blocks {
        make_block(&folder, number, block, random);
    }
    Shard { number, input_sha256, pairs: (until - records.start) * 2, blocks }
}

/// The frozen lines as `plan` writes them: a row group per block.
fn by_block(input: bytes::Bytes, block: usize) -> Vec<u8> {
    let mut frame = ParquetReader::new(Cursor::new(input)).finish().expect("the lines");
    // As columns of an endpoint's these names are ours, and were given others.
    frame.rename("ask_", "ask".into()).expect("what is asked");
    let frame = frame.drop("part").expect("the lines");
    let mut written = Vec::new();
    let mut writer = ParquetWriter::new(&mut written)
        .with_compression(ParquetCompression::Snappy)
        .with_statistics(StatisticsOptions::empty())
        .batched(frame.schema())
        .expect("a writer");
    for first in (0..frame.height()).step_by(block) {
        writer.write_batch(&frame.slice(first as i64, block)).expect("a row group");
    }
    writer.finish().expect("a file");
    drop(writer);
    written
}

fn make_block(shard: &Path, number: u32, block: &Block, random: &mut fastrand::Rng) {
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
        shard: number,
        first: block.first,
        records: block.records,
        attempt: "a".into(),
        files,
        tally: BTreeMap::from([("film".into(), tally.clone()), ("money".into(), tally)]),
        at: 0,
        answered_by: Vec::new(),
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
        text_bytes: 0,
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
        host: Some("127.0.0.1:80".into()),
    }
}

fn plan(records: u64) -> Plan {
    let endpoint = |name: &str, columns| PlannedEndpoint {
        name: name.into(),
        columns,
        on_failure: OnFailure::Skip,
        explodes: false,
        batched: false,
    };
    Plan {
        version: VERSION,
        run: "bench".into(),
        job: "bench".into(),
        job_path: "/nowhere/bench.toml".into(),
        job_sha256: String::new(),
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
        leased: false,
    }
}

/// What merge reads of a job: its endpoints' failures are as planned.
pub fn job(to: Destination, plan: &Plan, mode: Mode) -> Job {
    let key = if mode == Mode::Upsert { vec!["id".to_owned()] } else { vec![] };
    Job {
        name: plan.job.clone(),
        input: Input {
            source: Source::Stdin { format: Format::Lines },
            id: vec!["id".into()],
            columns: vec![],
            types: vec![],
            on_duplicate: OnDuplicate::Fail,
            allow_empty: false,
            dialect: Dialect::default(),
        },
        limits: vec![],
        endpoints: vec![],
        table: Table { key, ..Table::plain(to, "films", mode) },
        publish: Publish { min_success: Some(1.0), ..Publish::default() },
        before: vec![],
        after: vec![],
        notify: None,
        serve: Serve::default(),
        settings: Settings { in_flight: 1, retry_rounds: 0, ..Settings::default() },
        inferred: Vec::new(),
        text: String::new(),
        path: plan.job_path.clone(),
        folder: PathBuf::from("/nowhere"),
    }
}
