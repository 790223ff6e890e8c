//! What the tests of this module share: jobs made by hand, runs in temporary folders.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use polars::prelude::*;
use tempfile::TempDir;

use super::list::{Request, Sizes};
use super::{List, PlanError, PlanOptions, frames, write_run};
use crate::handoff::{Block, Plan, Round, RunStore, Shard, layout};
use crate::job::*;
use crate::secrets::Secrets;

/// Batches of ten records and twenty ids in memory, so that short lists spill.
pub(super) const TINY: Sizes = Sizes { batch_records: 10, batch_bytes: 1 << 20, ids: 20 };

pub fn options() -> PlanOptions {
    PlanOptions { cores: 2, windrow: "0.1.0".into(), now_micros: 7, ..PlanOptions::default() }
}

/// A job that asks one endpoint for each id of the column `id`.
pub fn job_of(source: Source) -> Job {
    Job {
        name: "films".into(),
        input: Input {
            source,
            id: vec!["id".into()],
            columns: vec![],
            types: vec![],
            on_duplicate: OnDuplicate::Fail,
            allow_empty: false,
            dialect: Dialect::default(),
        },
        limits: vec![],
        endpoints: vec![endpoint("one", "https://example.org/{id}")],
        table: Table::plain(Destination::DuckDb("/films.duckdb".into()), "films", Mode::Append),
        publish: Publish::default(),
        before: vec![],
        after: vec![],
        notify: None,
        serve: Serve::default(),
        settings: Settings {
            chunks: ChunkFormat::Parquet,
            keep_answers: KeepAnswers::None,
            shard_size: 250_000,
            in_flight: 128,
            retry_rounds: 1,
            resume_within: Duration::from_secs(7 * 86_400),
            ..Settings::default()
        },
        inferred: vec![],
        text: "[job]\nname = \"films\"\n".into(),
        path: "/schemas/films.toml".into(),
        folder: "/schemas".into(),
    }
}

/// An endpoint whose URL holds `{column}`s of the input.
pub fn endpoint(name: &str, url: &str) -> Endpoint {
    Endpoint::get(name, template(url), vec![])
}

fn template(text: &str) -> Template {
    let mut parts = Vec::new();
    for (index, piece) in text.split(['{', '}']).enumerate() {
        match index % 2 {
            0 if piece.is_empty() => {}
            0 => parts.push(Part::Literal(piece.into())),
            _ => parts.push(Part::Input(piece.into())),
        }
    }
    Template { parts }
}

/// A column that an answer gives.
pub fn answer_column(name: &str, ty: crate::value::Type) -> crate::job::Column {
    crate::job::Column::plain(name, Expression::Jq(format!(".{name}")), ty)
}

/// What needs no waiting, such as reading a file.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

/// A folder with a list in it.
pub struct Sandbox {
    pub folder: TempDir,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Sandbox { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A job over a file of this content.
    pub fn job(&self, format: Format, content: &[u8]) -> Job {
        let path = self.path().join("list");
        std::fs::write(&path, content).unwrap();
        job_of(Source::File { path, format })
    }

    pub fn read(&self, job: &Job, options: &PlanOptions) -> Result<List, PlanError> {
        self.read_from(job, options, b"")
    }

    /// Reads with this on standard input.
    pub fn read_from(&self, job: &Job, options: &PlanOptions, stdin: &[u8]) -> Result<List, PlanError> {
        let secrets = Secrets::default();
        let request = Request { job, options, secrets: &secrets, scratch: self.path(), sizes: TINY };
        at_once(request.read(Box::new(Cursor::new(stdin.to_vec()))))
    }

    /// Reads with the batches of a real run.
    pub fn read_large(&self, job: &Job) -> Result<List, PlanError> {
        let (options, secrets, sizes) = (options(), Secrets::default(), Sizes::default());
        let request = Request { job, options: &options, secrets: &secrets, scratch: self.path(), sizes };
        at_once(request.read(Box::new(std::io::empty())))
    }

    pub fn run_folder(&self) -> PathBuf {
        self.path().join("run")
    }

    /// Reads, cuts and freezes.
    pub fn plan(&self, job: &Job, options: &PlanOptions) -> Frozen {
        let list = self.read(job, options).unwrap();
        wait(async {
            let run = RunStore::create(&self.run_folder()).await.unwrap();
            let plan = write_run(job, list, &run, "20261123T071500-4f2a9c81d3f60", options).await.unwrap();
            let rounds = run.rounds().await.unwrap();
            Frozen { run, plan, round: rounds.into_iter().next().unwrap() }
        })
    }
}

/// A run that was planned.
pub struct Frozen {
    pub run: RunStore,
    pub plan: Plan,
    pub round: Round,
}

impl Frozen {
    /// The frozen input of a shard, read the way a worker may: a block by its row group.
    pub fn block(&self, shard: &Shard, block: &Block) -> DataFrame {
        let file = std::fs::File::open(self.run.local_path(shard.number, layout::INPUT)).unwrap();
        let mut reader = ParquetReader::new(file);
        let groups: Vec<usize> =
            reader.get_metadata().unwrap().row_groups.iter().map(|group| group.num_rows()).collect();
        let index = shard.blocks.iter().position(|other| other == block).unwrap();
        assert_eq!(groups.len(), shard.blocks.len(), "a row group per block");
        assert_eq!(groups[index] as u64, block.records);
        let before: usize = groups[..index].iter().sum();
        assert_eq!(before as u64, block.line);
        reader
            .with_slice(Some((before, groups[index])))
            .read_parallel(ParallelStrategy::RowGroups)
            .finish()
            .unwrap()
    }

    /// All frozen lines of a round, in order.
    pub fn lines(&self, round: &Round) -> DataFrame {
        let inputs = round.shards.iter().map(|shard| {
            let bytes = std::fs::read(self.run.local_path(shard.number, layout::INPUT)).unwrap();
            frames::from_parquet(bytes.into(), None).unwrap()
        });
        inputs.reduce(|all, next| all.vstack(&next).unwrap()).unwrap()
    }
}

/// A column's values as text; null as `None`.
pub fn texts(frame: &DataFrame, column: &str) -> Vec<Option<String>> {
    frame.column(column).unwrap().str().unwrap().iter().map(|text| text.map(str::to_owned)).collect()
}

/// A column of 64-bit integers.
pub fn numbers(frame: &DataFrame, column: &str) -> Vec<i64> {
    frame.column(column).unwrap().i64().unwrap().into_no_null_iter().collect()
}

/// Runs to the end on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
