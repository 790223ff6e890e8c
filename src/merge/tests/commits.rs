//! A connection that is cut around COMMIT, a server that goes away, merges at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::engines::{Engine, MODES, on_each, statement};
use super::sandbox::{Sandbox, all_ok};
use crate::database::DatabaseError;
use crate::database_servers::AnyServer;
use crate::handoff::Exit;
use crate::job::{Destination, Mode, ServerUrl};
use crate::mariadb_server::{self, MariaDbServer};
use crate::merge::MergeError;
use crate::postgres_server::{self, PostgresServer};

on_each! {
    [postgres, mariadb]
    a_commit_without_an_answer_publishes_once,
    a_server_that_goes_away_is_told_and_the_next_merge_publishes;
    [postgres, mariadb, sqlite]
    merges_of_one_run_at_once_publish_it_once;
}

/// Where the first COMMIT, or its answer, gets lost.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    OnTheWayThere,
    OnTheWayBack,
}

/// The URL of a proxy that stands between us and the server, and cuts the first connection that commits.
async fn proxy(on: Engine, url: &str, cut: Cut) -> ServerUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server =
        if on == Engine::Postgres { postgres_server::shared().port } else { mariadb_server::shared().port };
    let is_cut = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, server, cut, Arc::clone(&is_cut)));
        }
    });
    ServerUrl::parse(&url.replace(&format!(":{server}/"), &format!(":{port}/"))).unwrap()
}

/// As either protocol has it.
fn is_commit(said: &[u8]) -> bool {
    said.windows(7).any(|word| word == b"COMMIT\0") || said.ends_with(b"\x03COMMIT")
}

async fn pass(client: TcpStream, server: u16, cut: Cut, is_cut: Arc<AtomicBool>) {
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let said = &buffer[..length];
        let commits = is_commit(said) && !is_cut.swap(true, Ordering::SeqCst);
        if commits && cut == Cut::OnTheWayThere {
            break;
        }
        if commits {
            back.abort();
            tokio::task::yield_now().await;
        }
        if to_server.write_all(said).await.is_err() || commits {
            tokio::time::sleep(Duration::from_millis(200)).await;
            break;
        }
    }
    back.abort();
}

async fn a_commit_without_an_answer_publishes_once(on: Engine) {
    for cut in [Cut::OnTheWayThere, Cut::OnTheWayBack] {
        for mode in [Mode::Append, Mode::Upsert, Mode::Replace] {
            let mut sandbox = on.run_of(5, mode).await;
            let report = sandbox.report("SELECT count(*) AS n FROM films");
            let url = proxy(on, &sandbox.server.as_ref().unwrap().url(), cut).await;
            sandbox.job.table.to = Destination::Server(url);
            let published = sandbox.publish().await.unwrap();
            assert_eq!((published.rows, published.already), (5, false), "{on:?} {cut:?} {mode:?}");
            assert_eq!(sandbox.table().len(), 5);
            assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["5"]);
            assert_eq!(std::fs::read_to_string(report).unwrap(), "n\n5\n");
        }
    }
}

/// A server of a test's own, and what shows that it sleeps for a minute, which the first statement makes it.
fn own_server(on: Engine) -> (Box<dyn AnyServer>, [&'static str; 2]) {
    match on {
        Engine::Postgres => {
            let asleep = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            (Box::new(PostgresServer::start(&[])), ["SELECT pg_sleep(60)", asleep])
        }
        _ => {
            let asleep = "SELECT id FROM information_schema.processlist WHERE state = 'User sleep'";
            (Box::new(MariaDbServer::start(&[])), ["SELECT sleep(60)", asleep])
        }
    }
}

async fn a_server_that_goes_away_is_told_and_the_next_merge_publishes(on: Engine) {
    let (mut server, [sleep, asleep]) = own_server(on);
    let (url, name) = server.new_database();
    let mut sandbox = Sandbox::of_one_round(4, &all_ok).await;
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
    sandbox.job.after = vec![statement(sleep)];
    for at_once in [true, false] {
        let error = {
            let publishing = sandbox.publish();
            let sleeps = async {
                while server.rows(&name, asleep).is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::pin!(publishing);
            tokio::select! {
                published = &mut publishing => panic!("{published:?}"),
                () = sleeps => {}
            }
            if at_once {
                server.stop_immediately()
            } else {
                server.stop_fast()
            }
            publishing.await.unwrap_err()
        };
        assert!(matches!(&error, MergeError::Server(DatabaseError::Lost { .. })), "{on:?}: {error:?}");
        assert!(error.to_string().contains("\nhint: repeat the command"), "{error}");
        assert_eq!(error.exit(), Exit::Database);
        server.launch();
    }
    sandbox.job.after.clear();
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    assert_eq!(server.rows(&name, "SELECT count(*) FROM films"), ["4"]);
}

/// Each waits, and then finds what one of them has published. (A DuckDB file is locked between processes, not within one.)
async fn merges_of_one_run_at_once_publish_it_once(on: Engine) {
    for mode in MODES {
        let mut sandbox = on.run_of(50, mode).await;
        if on == Engine::Postgres {
            // Keeps a transaction open for a while.
            sandbox.job.before = vec![statement("SELECT pg_sleep(0.3)")];
        }
        let published = futures_util::future::join_all((0..4).map(|_| sandbox.publish())).await;
        let published: Vec<_> = published.into_iter().map(Result::unwrap).collect();
        assert!(published.iter().all(|one| one.rows == 50), "{on:?} {mode:?}");
        let first = published.iter().filter(|one| !one.already).count();
        assert_eq!(first, 1, "{on:?} {mode:?}");
        assert_eq!(
            (sandbox.table().len(), sandbox.rows("SELECT count(*) FROM windrow_runs")),
            (50, vec!["1".into()])
        );
        if mode == Mode::Append {
            assert_eq!(sandbox.publish_partial().await.unwrap().rows, 0, "{on:?}");
        }
    }
}
