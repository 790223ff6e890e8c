//! PostgreSQL.

use std::process::Command;
use std::time::Duration;

use super::{Death, Ground, Look, Stage};
use crate::postgres_server::PostgresServer;
use crate::support::{Cut, Proxy};

/// COMMIT, as the simple protocol has it.
const COMMIT: &[u8] = b"COMMIT\0";

const SUMMARY: &str = "SELECT count(*) || ' rows, ' || count(DISTINCT imdb_id) || ' ids, ' || \
     coalesce(sum(hashtext(concat_ws('|', imdb_id, title, year, plot))), 0) FROM films";

struct Postgres {
    server: PostgresServer,
    database: String,
    proxy: Proxy,
}

fn stage() -> Stage<Postgres> {
    Stage::new(|_| {
        let server = PostgresServer::start(&[("fsync", "off"), ("restart_after_crash", "on")]);
        let (database, proxy) = (server.database().name, Proxy::before(server.port, COMMIT));
        Postgres { server, database, proxy }
    })
}

impl Ground for Postgres {
    fn to(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.proxy.port, self.database)
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.database, sql)
    }

    fn make_table(&self, _: &str, ids: &str, _: usize) {
        self.sql(&format!(
            "DROP TABLE IF EXISTS films, windrow_runs; \
             CREATE TABLE films (serial bigserial, imdb_id text, title text, year integer, plot text); \
             INSERT INTO films (imdb_id, title) SELECT id, 'old' FROM (VALUES {ids}) v(id)"
        ));
    }

    fn summary(&self) -> &'static str {
        SUMMARY
    }

    fn runs(&self) -> String {
        match self.sql("SELECT to_regclass('windrow_runs') IS NOT NULL").join("").as_str() {
            "t" => {
                let runs =
                    "SELECT coalesce(string_agg(rounds || ':' || rows, ' '), 'no run') FROM windrow_runs";
                self.sql(runs).join(" ")
            }
            _ => "no run".into(),
        }
    }

    fn deaths(&self) -> &'static [Death] {
        use Death::{Connection, Merge, Run, Server, ServersEnd, ServersWork};
        const CUTS: [Cut; 2] = [Cut::BeforeCommit, Cut::BeforeAnswer];
        &[Merge, Merge, Run, Server, ServersEnd, ServersWork, Connection(CUTS[0]), Connection(CUTS[1])]
    }

    fn cut_next(&self, cut: Cut) {
        self.proxy.cut_next(cut);
    }

    /// Its process for the connection is killed, at which the server restarts itself, or ended by a function.
    fn let_die(&mut self, death: Death) {
        let backend = "SELECT pid FROM pg_stat_activity WHERE application_name = 'windrow'";
        match death {
            Death::Server => {
                self.server.stop_immediately();
                self.server.launch();
            }
            Death::ServersEnd => self.sql(backend).iter().for_each(|pid| {
                // It may just have ended by itself.
                let _ = Command::new("kill").args(["-KILL", pid]).status();
            }),
            Death::ServersWork => {
                self.sql(&format!("SELECT pg_terminate_backend(pid) FROM ({backend}) of_ours"));
            }
            Death::Merge | Death::Run | Death::Connection(_) => {}
        }
    }

    fn is_whole(&self) -> bool {
        self.server.wait_until_it_answers();
        true
    }

    fn reader(&self) -> Option<Look> {
        let url = self.server.url(&self.database);
        Some(Box::new(move |watch| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                while watch.goes_on() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
                    let Ok((client, connection)) = connected else { continue };
                    tokio::spawn(connection);
                    while watch.goes_on()
                        && let Ok(row) = client.query_one(SUMMARY, &[]).await
                    {
                        watch.saw(row.get(0));
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
            });
        }))
    }
}

#[test]
fn a_death_at_any_moment_loses_nothing_and_doubles_nothing() {
    stage().let_all_die();
}

#[test]
fn records_that_the_table_refuses_are_left_out_and_named_and_come_when_it_takes_them() {
    stage().refuse_and_widen();
}
