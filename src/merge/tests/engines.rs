//! What the tests of all databases share: a promise is written once, and is tested on each of them under its name.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sandbox::{Sandbox, Values, all_ok};
use crate::database::Session;
pub(crate) use crate::engines::{Engine, on_each};
use crate::job::{Destination, Mode, ServerUrl, Statement};
use crate::merge::{MergeError, ResolvedDestination, check_destination};
use crate::value::{Field, Type, Value};

pub const MODES: [Mode; 4] = [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds];

impl Engine {
    /// A run of some records, not published yet.
    pub async fn run_of(self, records: u64, mode: Mode) -> Sandbox {
        Sandbox::of_one_round(records, &all_ok).await.mode(mode).on(self)
    }

    /// The same, into a table made by hand.
    pub async fn run_into(self, table: &str, records: u64, mode: Mode) -> Sandbox {
        let sandbox = self.run_of(records, mode).await;
        sandbox.execute(table);
        sandbox
    }

    /// A run with one endpoint of one column, whose values are given.
    pub async fn of_values(self, ty: Type, values: Values, records: u64) -> Sandbox {
        let column = Field { name: "value".into(), ty };
        let mut sandbox = Sandbox::with(records, vec![("answer", vec![column])], values).await;
        sandbox.add_round(1, &all_ok).await;
        sandbox.on(self)
    }
}

impl Sandbox {
    /// Publishes into a database of its own there instead.
    pub fn on(self, engine: Engine) -> Sandbox {
        match engine {
            Engine::DuckDb => self,
            Engine::Postgres => self.on_postgres(),
            Engine::MariaDb => self.on_mariadb(),
            Engine::Sqlite => self.on_sqlite(),
        }
    }

    /// What is told before the first request.
    pub async fn checked(&self) -> String {
        match check_destination(&self.job, &self.place()).await {
            Ok(_) => "fits".to_owned(),
            Err(error) => {
                assert!(matches!(error, MergeError::Table { .. } | MergeError::Server(_)), "{error:?}");
                error.to_string()
            }
        }
    }

    /// The error of a publication that must fail; no run may be noted there, nor may a table of runs be, unless it is made
    /// before the transaction.
    pub async fn refused(&self) -> MergeError {
        let error = self.publish().await.unwrap_err();
        assert_eq!(self.noted_runs(), "0", "{error}");
        error
    }

    /// How many runs are noted.
    fn noted_runs(&self) -> String {
        let there = match &self.job.table.to {
            Destination::Server(_) if self.is_on_mariadb() => {
                let there = "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
                             AND table_name = 'windrow_runs'";
                match self.rows(there).concat().as_str() {
                    "0" => there,
                    _ => "SELECT count(*) FROM windrow_runs",
                }
            }
            Destination::Server(_) => "SELECT count(to_regclass('windrow_runs'))",
            Destination::Sqlite(_) => "SELECT count(*) FROM sqlite_schema WHERE name = 'windrow_runs'",
            _ => "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'windrow_runs'",
        };
        self.rows(there).concat()
    }

    /// A connection of somebody else's.
    pub async fn connect(&self) -> Session {
        let ResolvedDestination::Server(server) = self.place() else { panic!("a server") };
        server.connect().await.unwrap()
    }

    /// A user of this test's own, who may connect, in MariaDB also read, and who the job then publishes as; as GRANT names him.
    pub fn as_new_user(&mut self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let user = format!("user_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let named = if self.is_on_mariadb() { format!("{user}@'127.0.0.1'") } else { user.clone() };
        self.execute(&match self.is_on_mariadb() {
            true => format!("CREATE USER {named}; GRANT SELECT ON *.* TO {named}"),
            false => format!("CREATE ROLE {named} LOGIN"),
        });
        let url = self.server.as_ref().expect("a server").url();
        let url = ["postgres@", "root@"].iter().fold(url, |url, root| url.replace(root, &format!("{user}@")));
        self.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
        named
    }

    /// Writes the answer of a query beside the run when all is published; where.
    pub fn report(&mut self, sql: &str) -> PathBuf {
        let path = self.run.folder().join("report.csv");
        self.job.after = vec![Statement { sql: sql.into(), file: Some(path.clone()), key: Vec::new() }];
        path
    }
}

/// Another run of the same records, into the same table.
pub async fn another_run(sandbox: &Sandbox, run: &str) -> Sandbox {
    let mut other = Sandbox::new(sandbox.plan.records).await.mode(sandbox.job.table.mode);
    other.plan.run = run.into();
    other.run.put_plan(&other.plan).await.unwrap();
    other.add_round(2, &all_ok).await;
    other.job.table = sandbox.job.table.clone();
    other
}

pub fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None, key: Vec::new() }
}

pub fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}
