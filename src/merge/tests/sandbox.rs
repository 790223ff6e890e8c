//! A run in a temporary folder, written block by block as a worker would.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use crate::chunk::{InputRecord, Row, encode_ledger, encode_records, encode_rows};
use crate::database::sqlite::by_hand;
use crate::handoff::VERSION;
use crate::handoff::digest;
use crate::handoff::ledger::Line;
use crate::handoff::{
    Block, ChunkFile, Commit, Content, Plan, PlannedEndpoint, Round, RunStore, Shard, Tally, layout,
};
use crate::job::{
    ChunkFormat, Column, Destination, Dialect, Endpoint, Expression, Format, Input, Job, KeepAnswers, Mode,
    OnDuplicate, OnFailure, Publish, Serve, ServerUrl, Settings, Source, Table, Template,
};
use crate::mariadb_server;
use crate::merge::gate::Gate;
use crate::merge::load::Order;
use crate::merge::prove::Extent;
use crate::merge::{
    End, MergeError, Proof, Published, PublishedPart, ResolvedDestination, Terms, prove, publish,
    publish_partial,
};
use crate::postgres_server::{self, TestDatabase};
use crate::record::{Failure, Kind};
use crate::secrets::Secrets;
use crate::value::{Field, Type, Value};

/// 2026-11-23T00:00:00Z.
pub const NOW: i64 = 1_795_392_000_000_000;

/// Now, through the gate.
pub const TERMS: Terms = Terms { now_micros: NOW, anyway: false, again: false, sent: None };

pub struct Sandbox {
    own_folder: TempDir,
    pub run: RunStore,
    pub plan: Plan,
    pub job: Job,
    /// Records of a block.
    pub block: usize,
    pub rounds: Vec<Round>,
    /// The ids, by ordinal.
    pub ids: Vec<String>,
    pub values: Values,
    /// The rows of an answer of the endpoint that explodes: (round, ordinal).
    pub parts: Box<dyn Fn(u32, u64) -> u32>,
    /// Where the run goes, unless it is a DuckDB file.
    pub server: Option<OnServer>,
}

/// The values of an answer's row: (round, ordinal, endpoint, part).
pub type Values = fn(u32, u64, usize, u32) -> Vec<Value>;

/// Ends by (ordinal, endpoint); `None` where a round does not plan the pair.
pub type Ends<'a> = &'a dyn Fn(u64, usize) -> Option<End>;

pub fn all_ok(_: u64, _: usize) -> Option<End> {
    Some(End::Ok)
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.into(), ty }
}

/// Two endpoints: `film` (title, votes) and `money` (budget, facts).
pub fn films() -> Vec<(&'static str, Vec<Field>)> {
    let film = vec![field("title", Type::Text), field("votes", Type::Bigint)];
    vec![("film", film), ("money", vec![field("budget", Type::Integer), field("facts", Type::Json)])]
}

/// Rows of one answer differ in `votes` and `budget`.
pub fn film_values(round: u32, ordinal: u64, endpoint: usize, part: u32) -> Vec<Value> {
    match endpoint {
        0 => vec![
            Value::Text(format!("film {ordinal} of round {round}")),
            Value::Bigint(ordinal as i64 + 1000 * i64::from(part)),
        ],
        _ => vec![
            Value::Integer(ordinal as i32 * 10 + round as i32 + 1000 * part as i32),
            Value::Json(format!("{{\"n\":{ordinal}}}")),
        ],
    }
}

impl Sandbox {
    pub async fn new(records: u64) -> Sandbox {
        Sandbox::with(records, films(), film_values).await
    }

    /// A planned run without rounds.
    pub async fn with(records: u64, endpoints: Vec<(&str, Vec<Field>)>, values: Values) -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        let run = RunStore::create(&folder.path().join("it's a [x] *run*/title=1")).await.unwrap();
        let plan = plan(records, &endpoints);
        let job = job(folder.path().join("films.duckdb"), &plan);
        run.put_job_text("").await.unwrap();
        run.put_plan(&plan).await.unwrap();
        let ids = (0..records).map(|ordinal| format!("tt{ordinal:04}")).collect();
        let (rounds, parts) = (Vec::new(), Box::new(|_, _| 1));
        Sandbox { own_folder: folder, run, plan, job, block: 3, rounds, ids, values, parts, server: None }
    }

    /// A run of one round with two shards, published nowhere yet.
    pub async fn of_one_round(records: u64, ends: Ends<'_>) -> Sandbox {
        let mut sandbox = Sandbox::new(records).await;
        sandbox.add_round(2, ends).await;
        sandbox
    }

    pub async fn csv(mut self) -> Sandbox {
        self.plan.chunks = ChunkFormat::Csv;
        self.run.put_plan(&self.plan).await.unwrap();
        self
    }

    /// How many rows each answer of this endpoint has: by (round, ordinal).
    pub async fn exploding(mut self, endpoint: usize, parts: impl Fn(u32, u64) -> u32 + 'static) -> Sandbox {
        self.plan.endpoints[endpoint].explodes = true;
        self.job.endpoints[endpoint].rows = Some(".[]".into());
        self.parts = Box::new(parts);
        self.run.put_plan(&self.plan).await.unwrap();
        self
    }

    pub fn mode(mut self, mode: Mode) -> Sandbox {
        self.job.table.mode = mode;
        self.job.table.key = if mode == Mode::Upsert { vec!["id".into()] } else { vec![] };
        self
    }

    pub fn on_failure(&mut self, policy: [OnFailure; 2]) {
        for (endpoint, policy) in self.job.endpoints.iter_mut().zip(policy) {
            endpoint.on_failure = policy;
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.own_folder.path().to_owned()
    }

    pub fn database(&self) -> PathBuf {
        match &self.job.table.to {
            Destination::DuckDb(path) => path.clone(),
            other => panic!("{other:?} is no DuckDB file"),
        }
    }

    /// Where the run goes.
    pub fn place(&self) -> ResolvedDestination {
        ResolvedDestination::of(&self.run, &self.plan, &self.job, &Secrets::default()).unwrap()
    }

    /// Plans a round and commits all its blocks.
    pub async fn add_round(&mut self, shards: usize, ends: Ends<'_>) {
        let round = self.plan_round(shards, ends).await;
        for shard in &round.shards {
            for block in &shard.blocks {
                self.commit_block(round.number, shard.number, block, ends).await;
            }
        }
    }

    pub async fn plan_round(&mut self, shards: usize, ends: Ends<'_>) -> Round {
        let number = self.rounds.len() as u32;
        let planned: Vec<u64> = (0..self.plan.records).filter(|o| self.ask(*o, ends) != 0).collect();
        let first: u32 = self.rounds.iter().map(|round| round.shards.len() as u32).sum();
        let size = planned.len().div_ceil(shards).max(1);
        let mut round =
            Round { version: VERSION, number, created_at: 0, shards: Vec::new(), from_kept: false };
        for (at, ordinals) in planned.chunks(size).enumerate() {
            round.shards.push(self.put_shard(first + at as u32, ordinals, ends).await);
        }
        self.run.put_round(&round).await.unwrap();
        self.rounds.push(round.clone());
        round
    }

    fn ask(&self, ordinal: u64, ends: Ends<'_>) -> u64 {
        let planned = |at: &usize| ends(ordinal, *at).is_some();
        (0..self.plan.endpoints.len()).filter(planned).map(|at| 1 << at).sum()
    }

    async fn put_shard(&self, number: u32, ordinals: &[u64], ends: Ends<'_>) -> Shard {
        let record = |o: &u64| InputRecord { ordinal: *o, ask: self.ask(*o, ends), values: self.line(*o) };
        let records: Vec<InputRecord> = ordinals.iter().map(record).collect();
        let input = encode_records(&self.plan.columns, &records).unwrap();
        let input_sha256 = digest::sha256(&input);
        self.run.put_shard_file(number, layout::INPUT, input).await.unwrap();
        let blocks = ordinals.chunks(self.block).enumerate().map(|(at, ordinals)| Block {
            first: ordinals[0],
            line: (at * self.block) as u64,
            records: ordinals.len() as u64,
        });
        let pairs = ordinals.iter().map(|o| u64::from(self.ask(*o, ends).count_ones())).sum();
        Shard { number, input_sha256, pairs, blocks: blocks.collect() }
    }

    fn line(&self, ordinal: u64) -> Vec<Value> {
        let country =
            if ordinal.is_multiple_of(2) { Value::Null } else { Value::Text(format!("land {ordinal}")) };
        vec![Value::Text(self.ids[ordinal as usize].clone()), country]
    }

    /// Commits a block with the statuses that `ends` says.
    pub async fn commit_block(&self, round: u32, shard: u32, block: &Block, ends: Ends<'_>) {
        let content = self.content(round, block, ends);
        self.put_block(shard, block, content).await;
    }

    /// What a worker would write for a block.
    pub fn content(&self, round: u32, block: &Block, ends: Ends<'_>) -> BlockContent {
        let planned = (block.first..self.plan.records).filter(|o| self.ask(*o, ends) != 0);
        let mut lines = Vec::new();
        let mut rows = vec![Vec::new(); self.plan.endpoints.len()];
        for ordinal in planned.take(block.records as usize) {
            for (endpoint, rows) in rows.iter_mut().enumerate() {
                let Some(end) = ends(ordinal, endpoint) else { continue };
                let values = self.answer(round, ordinal, endpoint, end);
                lines.push(line(round, ordinal, endpoint, end, values.len() as u32));
                rows.extend((0..).zip(values).map(|(part, values)| (ordinal, part, values)));
            }
        }
        BlockContent { lines, rows }
    }

    /// The rows of a pair's chunk.
    fn answer(&self, round: u32, ordinal: u64, endpoint: usize, end: End) -> Vec<Vec<Value>> {
        let parts = if self.plan.endpoints[endpoint].explodes { (self.parts)(round, ordinal) } else { 1 };
        match end {
            End::Ok => (0..parts).map(|part| (self.values)(round, ordinal, endpoint, part)).collect(),
            End::Missing if self.plan.endpoints[endpoint].explodes => vec![],
            End::Missing | End::Exempt => vec![self.nulls(endpoint)],
            End::Failed | End::NotAsked | End::Waiting => vec![],
        }
    }

    fn nulls(&self, endpoint: usize) -> Vec<Value> {
        vec![Value::Null; self.plan.endpoints[endpoint].columns.len()]
    }

    /// Writes a block's chunks and its commit, replacing one that stands.
    pub async fn put_block(&self, shard: u32, block: &Block, content: BlockContent) {
        let mut files = Vec::new();
        for (endpoint, rows) in content.rows.iter().enumerate() {
            let name = Content::Rows(self.plan.endpoints[endpoint].name.clone());
            let mut file = self.put_chunk(shard, block, name, rows.len(), self.encode(endpoint, rows)).await;
            let values = rows.iter().flat_map(|(_, _, values)| values);
            file.text_bytes = values.map(|value| value.text_bytes() as u64).sum();
            files.push(file);
        }
        let names: Vec<String> = self.plan.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let ledger = encode_ledger(&names, &content.lines).unwrap();
        files.push(self.put_chunk(shard, block, Content::Requests, content.lines.len(), ledger).await);
        let tally = self.tally(&content.lines);
        self.put_commit(&Commit {
            version: VERSION,
            run: self.plan.run.clone(),
            shard,
            first: block.first,
            records: block.records,
            attempt: "a1".into(),
            files,
            tally,
            at: NOW,
            answered_by: Vec::new(),
        })
        .await;
    }

    /// Writes a commit over the one that stands.
    pub async fn put_commit(&self, commit: &Commit) {
        let text = serde_json::to_vec(commit).unwrap();
        self.run.put_shard_file(commit.shard, &layout::commit(commit.first), text.into()).await.unwrap();
    }

    fn encode(&self, endpoint: usize, rows: &[(u64, u32, Vec<Value>)]) -> Bytes {
        let id = &self.plan.columns[..self.plan.id_columns];
        let ids: Vec<Vec<Value>> = rows.iter().map(|(ordinal, ..)| self.line(*ordinal)).collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .zip(&ids)
            .map(|((ordinal, part, values), line)| Row {
                ordinal: *ordinal,
                part: *part,
                id: &line[..id.len()],
                values,
            })
            .collect();
        encode_rows(id, &self.plan.endpoints[endpoint].columns, &rows, self.plan.chunks).unwrap()
    }

    async fn put_chunk(
        &self,
        shard: u32,
        block: &Block,
        content: Content,
        rows: usize,
        bytes: Bytes,
    ) -> ChunkFile {
        let name = layout::chunk(block.first, "a1", &content, self.plan.chunks);
        self.run.put_shard_file(shard, &name, bytes.clone()).await.unwrap();
        let (size, sha256) = (bytes.len() as u64, digest::sha256(&bytes));
        ChunkFile { content, name, rows: rows as u64, bytes: size, text_bytes: 0, sha256 }
    }

    fn tally(&self, lines: &[Line]) -> BTreeMap<String, Tally> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for line in lines {
            let tally = tallies.entry(self.plan.endpoints[line.endpoint].name.clone()).or_default();
            *tally.statuses.entry(line.status).or_default() += 1;
            tally.requests += u64::from(line.requests);
        }
        tallies
    }

    pub async fn prove(&self) -> Result<Proof, MergeError> {
        prove(&self.run).await
    }

    pub async fn publish(&self) -> Result<Published, MergeError> {
        publish(&self.run, &self.job, &self.place(), &self.prove().await?, &TERMS, pending()).await
    }

    /// Publishes what there is, as a run that pauses does.
    pub async fn publish_partial(&self) -> Result<PublishedPart, MergeError> {
        publish_partial(&self.run, &self.job, &self.place(), NOW, pending()).await
    }

    /// Publishes whatever the gate says.
    pub async fn publish_anyway(&self) -> Result<Published, MergeError> {
        let terms = Terms { anyway: true, ..TERMS };
        publish(&self.run, &self.job, &self.place(), &self.prove().await?, &terms, pending()).await
    }

    /// Publishes into a table that may refuse a few records: those that it refuses.
    pub async fn rejected(&self) -> Vec<u64> {
        let mut job = self.job.clone();
        job.publish.max_rejected = 3;
        let proof = self.prove().await.unwrap();
        let published = publish(&self.run, &job, &self.place(), &proof, &TERMS, pending()).await.unwrap();
        published.outcome.rejected.iter().map(|row| row.record).collect()
    }

    /// What is to be loaded.
    pub(in crate::merge) async fn order(&self) -> Order {
        let proof = self.prove().await.unwrap();
        let gate = Gate::of_run(&self.job, &proof, false);
        let (place, job, extent) = (self.place(), self.job.clone(), Extent::Whole);
        let rejected = Default::default();
        Order {
            place,
            job,
            proof,
            extent,
            gate,
            noted: None,
            rejected,
            staged: false,
            batch: None,
            moved: BTreeMap::new(),
            again: false,
            now_micros: NOW,
            sent: None,
        }
    }

    /// Publishes into a PostgreSQL database of its own instead.
    pub fn on_postgres(self) -> Sandbox {
        let server = postgres_server::database();
        self.on_server(server)
    }

    /// Publishes into an SQLite file instead.
    pub fn on_sqlite(mut self) -> Sandbox {
        self.job.table.to = Destination::Sqlite(self.folder().join("it's films.sqlite"));
        self.server = None;
        self
    }

    /// The SQLite file, where it goes into one.
    pub fn sqlite(&self) -> Option<&Path> {
        match &self.job.table.to {
            Destination::Sqlite(path) => Some(path),
            _ => None,
        }
    }

    /// Publishes into this database instead.
    pub fn on_server(self, server: TestDatabase<'static>) -> Sandbox {
        self.at(OnServer::Postgres(server))
    }

    /// Publishes into a MariaDB database of its own instead.
    pub fn on_mariadb(self) -> Sandbox {
        self.at(OnServer::MariaDb(mariadb_server::database()))
    }

    pub fn is_on_mariadb(&self) -> bool {
        matches!(self.server, Some(OnServer::MariaDb(_)))
    }

    /// The PostgreSQL database that it publishes into.
    pub fn postgres(&self) -> &TestDatabase<'static> {
        match &self.server {
            Some(OnServer::Postgres(server)) => server,
            _ => panic!("not on PostgreSQL"),
        }
    }

    fn at(mut self, server: OnServer) -> Sandbox {
        self.job.table.to = Destination::Server(ServerUrl::parse(&server.url()).unwrap());
        self.server = Some(server);
        self
    }

    /// Runs statements in the destination.
    pub fn execute(&self, sql: &str) {
        if let Some(server) = &self.server {
            return server.execute(&self.for_server(server, sql));
        }
        if let Some(path) = self.sqlite() {
            return by_hand::execute(path, sql);
        }
        let connection = self.connection();
        connection.execute_batch(sql).unwrap();
        self.put_back(&connection);
    }

    /// A table as MariaDB makes one: no TEXT can be a key there, an upsert needs one, and rows have no order but that of a
    /// key.
    fn for_server(&self, server: &OnServer, sql: &str) -> String {
        match server {
            OnServer::Postgres(_) => sql.to_owned(),
            OnServer::MariaDb(_) => {
                let sql = sql.replace("films (id TEXT PRIMARY KEY", "films (id VARCHAR(60) PRIMARY KEY");
                let key = if self.job.table.mode == Mode::Upsert { " UNIQUE" } else { "" };
                let number = "number INT AUTO_INCREMENT INVISIBLE PRIMARY KEY";
                sql.replace("films (id TEXT", &format!("films ({number}, id VARCHAR(60){key}"))
            }
        }
    }

    /// The rows of a query to the destination, columns joined by `|`, null as `~`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        match (&self.server, self.sqlite()) {
            (Some(server), _) => server.rows(sql),
            (None, Some(path)) => by_hand::rows(path, &sql.replace(" COLLATE \"C\"", "")),
            (None, None) => rows(&self.connection(), sql),
        }
    }

    /// Whether the destination has the table. In MariaDB it is made before the transaction, so that one without rows is none.
    pub fn has_table(&self) -> bool {
        match (&self.server, self.sqlite()) {
            (Some(OnServer::Postgres(server)), _) => server.rows("SELECT to_regclass('films')") != ["~"],
            (Some(server), _) => {
                let is_there = !server.rows("SHOW TABLES LIKE 'films'").is_empty();
                is_there && server.rows("SELECT count(*) FROM films") != ["0"]
            }
            (None, Some(_)) => !self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'films'").is_empty(),
            (None, None) => {
                let there = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'films'";
                self.file().exists() && !self.rows(there).is_empty()
            }
        }
    }

    /// The rows of the table, by id.
    pub fn table(&self) -> Vec<String> {
        self.rows("SELECT id, title, votes, budget FROM films ORDER BY 1, 2, 3, 4")
    }
}

/// A database of a test's own on a server.
pub enum OnServer {
    Postgres(TestDatabase<'static>),
    MariaDb(mariadb_server::TestDatabase<'static>),
}

impl OnServer {
    /// Its URL, as a job file has it.
    pub fn url(&self) -> String {
        match self {
            OnServer::Postgres(server) => server.url(),
            OnServer::MariaDb(server) => server.url(),
        }
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) {
        match self {
            OnServer::Postgres(server) => server.execute(sql),
            OnServer::MariaDb(server) => server.execute(sql),
        }
    }

    /// The rows of a query, columns joined by `|`, null as `~`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        match self {
            OnServer::Postgres(server) => server.rows(sql),
            OnServer::MariaDb(server) => {
                server.rows(&sql.replace("COLLATE \"C\"", "COLLATE utf8mb4_bin").replace('"', "`"))
            }
        }
    }
}

pub fn rows(connection: &duckdb::Connection, sql: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat_ws('|', *COLUMNS(x -> true)) FROM (SELECT coalesce(COLUMNS(*)::VARCHAR, '~') FROM ({sql}))"
    );
    let mut statement = connection.prepare(&sql).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.collect::<duckdb::Result<_>>().unwrap()
}

/// The lines and rows of a block, to be broken by tests.
#[derive(Clone)]
pub struct BlockContent {
    pub lines: Vec<Line>,
    /// By endpoint.
    pub rows: Vec<Vec<(u64, u32, Vec<Value>)>>,
}

fn line(round: u32, ordinal: u64, endpoint: usize, end: End, rows: u32) -> Line {
    let asked = u32::from(end != End::Exempt);
    let finished_at = NOW + i64::from(round) * 1_000_000 + endpoint as i64;
    Line {
        ordinal,
        endpoint,
        status: end.status(),
        failure: (!end.succeeded()).then(|| Failure::passing(Kind::Timeout, "no answer within 60s")),
        http_status: matches!(end, End::Ok | End::Missing).then_some(200),
        attempts: asked,
        requests: asked,
        pages: asked,
        rows,
        bytes: 100,
        started_at: (asked > 0).then_some(NOW),
        finished_at: (asked > 0).then_some(finished_at),
        batch: None,
        host: None,
    }
}

pub fn plan(records: u64, endpoints: &[(&str, Vec<Field>)]) -> Plan {
    Plan {
        version: VERSION,
        run: "20261123T000000-4f2a9c81d3f60".into(),
        job: "films".into(),
        job_path: "/nowhere/films.toml".into(),
        job_sha256: String::new(),
        created_at: NOW,
        windrow: "0.1.0".into(),
        source: "ids".into(),
        input_sha256: String::new(),
        questions_sha256: String::new(),
        records,
        left_out: 0,
        columns: vec![field("id", Type::Text), field("country", Type::Text)],
        id_columns: 1,
        endpoints: endpoints
            .iter()
            .map(|(name, columns)| PlannedEndpoint {
                name: (*name).into(),
                columns: columns.clone(),
                on_failure: OnFailure::Skip,
                explodes: false,
                batched: false,
            })
            .collect(),
        chunks: ChunkFormat::Parquet,
        trial: false,
        extracted_from: None,
        leased: false,
    }
}

pub fn job(database: PathBuf, plan: &Plan) -> Job {
    Job {
        name: plan.job.clone(),
        input: Input {
            source: Source::File { path: "/nowhere/ids.csv".into(), format: Format::Csv },
            id: vec!["id".into()],
            columns: vec![],
            types: vec![],
            on_duplicate: OnDuplicate::Fail,
            allow_empty: true,
            dialect: Dialect::default(),
        },
        limits: vec![],
        endpoints: plan.endpoints.iter().map(endpoint).collect(),
        table: Table::plain(Destination::DuckDb(database), "films", Mode::Append),
        // What is published of runs with failures is tested by most; what a job needs that does not say it, by `success`.
        publish: Publish { min_success: Some(0.0), ..Publish::default() },
        before: vec![],
        after: vec![],
        notify: None,
        serve: Serve::default(),
        settings: Settings {
            chunks: plan.chunks,
            keep_answers: KeepAnswers::None,
            shard_size: 1000,
            in_flight: 1,
            retry_rounds: 1,
            resume_within: Duration::from_secs(60),
            ..Settings::default()
        },
        inferred: Vec::new(),
        text: String::new(),
        path: plan.job_path.clone(),
        folder: "/nowhere".into(),
    }
}

fn endpoint(planned: &PlannedEndpoint) -> Endpoint {
    let columns = planned.columns.iter().map(column).collect();
    let plain = Endpoint::get(&planned.name, Template { parts: vec![] }, columns);
    Endpoint { on_failure: planned.on_failure, ..plain }
}

fn column(field: &Field) -> Column {
    Column::plain(&field.name, Expression::Jq(".".into()), field.ty)
}
