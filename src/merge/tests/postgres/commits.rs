//! A connection that is cut around COMMIT, and a server that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::sandbox::{Sandbox, all_ok};
use super::run_of;
use crate::database::DatabaseError;
use crate::handoff::Exit;
use crate::job::{Destination, Mode, ServerUrl, Statement};
use crate::merge::MergeError;
use crate::postgres_server::{PostgresServer, TestDatabase, shared};

/// Where the first COMMIT, or its answer, gets lost.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    OnTheWayThere,
    OnTheWayBack,
}

/// Stands between us and the shared server, and cuts the first connection that commits; its port.
async fn proxy(cut: Cut) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let is_cut = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, cut, Arc::clone(&is_cut)));
        }
    });
    port
}

async fn pass(client: TcpStream, cut: Cut, is_cut: Arc<AtomicBool>) {
    let server = TcpStream::connect(("127.0.0.1", shared().port)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let said = &buffer[..length];
        let commits = said.windows(7).any(|word| word == b"COMMIT\0") && !is_cut.swap(true, Ordering::SeqCst);
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

#[tokio::test]
async fn a_commit_without_an_answer_publishes_once() {
    for cut in [Cut::OnTheWayThere, Cut::OnTheWayBack] {
        for mode in [Mode::Append, Mode::Upsert, Mode::Replace] {
            let mut sandbox = run_of(5, mode).await;
            let report = sandbox.run.folder().join("report.csv");
            sandbox.job.after =
                vec![Statement { sql: "SELECT count(*) AS n FROM films".into(), file: Some(report.clone()) }];
            let name = &sandbox.postgres().name;
            let url = format!("postgres://postgres@127.0.0.1:{}/{name}", proxy(cut).await);
            sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
            let published = sandbox.publish().await.unwrap();
            assert_eq!((published.rows, published.already), (5, false), "{cut:?} {mode:?}");
            assert_eq!(sandbox.table().len(), 5);
            assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["5"]);
            assert_eq!(std::fs::read_to_string(report).unwrap(), "n\n5\n");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_told_and_the_next_merge_publishes() {
    let mut server = PostgresServer::start(&[]);
    let name = server.database().name;
    let mut sandbox = Sandbox::of_one_round(4, &all_ok).await;
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&server.url(&name)).unwrap());
    sandbox.job.after = vec![Statement { sql: "SELECT pg_sleep(60)".into(), file: None }];
    for stop in [PostgresServer::stop_immediately, PostgresServer::stop_fast] {
        let error = {
            let publishing = sandbox.publish();
            tokio::pin!(publishing);
            tokio::select! {
                published = &mut publishing => panic!("{published:?}"),
                () = is_asleep(&server, &name) => {}
            }
            stop(&mut server);
            publishing.await.unwrap_err()
        };
        assert!(matches!(&error, MergeError::Server(DatabaseError::Lost { .. })), "{error:?}");
        assert!(error.to_string().contains("\nhint: repeat the command"), "{error}");
        assert_eq!(error.exit(), Exit::Database);
        server.launch();
    }
    sandbox.job.after.clear();
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    let database = TestDatabase { server: &server, name };
    assert_eq!(database.rows("SELECT count(*) FROM films"), ["4"]);
}

async fn is_asleep(server: &PostgresServer, name: &str) {
    let asleep = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let database = TestDatabase { server, name: name.to_owned() };
    while database.rows(asleep).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
