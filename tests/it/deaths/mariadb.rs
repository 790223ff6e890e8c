//! MariaDB.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;

use super::{Death, Ground, Look, Stage};
use crate::mariadb_server::MariaDbServer;
use crate::support::{Cut, Proxy};

/// COMMIT, as the protocol has it.
const COMMIT: &[u8] = b"\x03COMMIT";

const SUMMARY: &str = "SELECT concat(count(*), ' rows, ', count(DISTINCT imdb_id), ' ids, ', \
       coalesce(sum(crc32(concat_ws(' / ', imdb_id, title, year, plot))), 0)) FROM films";

struct MariaDb {
    server: MariaDbServer,
    database: String,
    proxy: Proxy,
}

fn stage() -> Stage<MariaDb> {
    Stage::new(|_| {
        let server = MariaDbServer::start(&[]);
        let (database, proxy) = (server.database().name, Proxy::before(server.port, COMMIT));
        let user = "loader@'127.0.0.1'";
        server.rows("", &format!("CREATE USER {user}; GRANT ALL ON {database}.* TO {user}"));
        MariaDb { server, database, proxy }
    })
}

impl Ground for MariaDb {
    fn to(&self) -> String {
        format!("mysql://loader@127.0.0.1:{}/{}", self.proxy.port, self.database)
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        self.server.rows(&self.database, sql)
    }

    fn make_table(&self, mode: &str, ids: &str, _: usize) {
        let unique = if mode == "upsert" { "UNIQUE" } else { "" };
        self.sql(&format!(
            "DROP TABLE IF EXISTS films, windrow_runs;
             CREATE TABLE films (serial bigint AUTO_INCREMENT PRIMARY KEY, imdb_id varchar(20), title text DEFAULT 'old',
               year int, plot text, {unique} KEY (imdb_id)) CHARACTER SET utf8mb4;
             INSERT INTO films (imdb_id) VALUES {ids}; ALTER TABLE films ALTER title DROP DEFAULT"
        ));
    }

    fn summary(&self) -> &'static str {
        SUMMARY
    }

    fn runs(&self) -> String {
        if self.sql("SHOW TABLES LIKE 'windrow_runs'").is_empty() {
            return "no run".into();
        }
        self.sql("SELECT coalesce(group_concat(rounds, ':', `rows`), 'no run') FROM windrow_runs").concat()
    }

    fn deaths(&self) -> &'static [Death] {
        use Death::{Connection, Merge, Run, Server, ServersEnd, ServersWork};
        const CUTS: [Cut; 2] = [Cut::BeforeCommit, Cut::BeforeAnswer];
        &[Merge, Run, Merge, Server, ServersEnd, ServersWork, Connection(CUTS[0]), Connection(CUTS[1])]
    }

    fn cut_next(&self, cut: Cut) {
        self.proxy.cut_next(cut);
    }

    /// Whether it is connected or not.
    fn let_die(&mut self, death: Death) {
        match death {
            Death::Server => {
                self.server.stop_immediately();
                self.server.launch();
            }
            Death::ServersEnd => drop(self.sql("KILL HARD CONNECTION USER loader@'127.0.0.1'")),
            Death::ServersWork => drop(self.sql("KILL QUERY USER loader@'127.0.0.1'")),
            Death::Merge | Death::Run | Death::Connection(_) => {}
        }
    }

    fn reader(&self) -> Option<Look> {
        let url = self.server.url(&self.database);
        Some(Box::new(move |watch| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                while watch.goes_on() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let Ok(mut conn) = mysql_async::Conn::from_url(&url).await else { continue };
                    while watch.goes_on()
                        && let Ok(Some(table)) = conn.query_first::<String, _>(SUMMARY).await
                    {
                        watch.saw(table);
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
