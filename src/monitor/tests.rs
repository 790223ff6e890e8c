//! Asked over real sockets, by clients that are slow, wrong or hostile.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reader::read_by_prometheus;
use super::{Answering, Monitor, QueueFigures};

const LEASE: Duration = Duration::from_secs(60);
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

async fn begun(figures: QueueFigures) -> (SocketAddr, Answering) {
    let monitor = Monitor::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (monitor.address(), monitor.begin(Arc::new(figures)))
}

/// All that comes back for these bytes, until the connection is closed.
async fn asked(address: SocketAddr, question: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be refused before it is all written.
    let _ = stream.write_all(question).await;
    answered(&mut stream).await
}

async fn answered(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> &str {
    answer
        .split("\r\n")
        .next()
        .unwrap()
        .strip_prefix("HTTP/1.1 ")
        .or(answer.strip_prefix("HTTP/1.0 "))
        .unwrap_or("")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn whoever_asks_for_something_else_or_in_another_way_is_told_so_and_the_next_is_answered() {
    let (address, _answering) = begun(QueueFigures::new("films", LEASE)).await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(200));
    let cases: [(&[u8], &[&str]); 24] = [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        (b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        (b"GET /healthz HTTP/1.0\r\n\r\n", &["200"]),
        (b"GET /metrics?name=x HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: b\r\n\r\n", &["200"]),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        // Two questions at once, and a body that never ends: the first question is answered, and that is all.
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &["200"]),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\nxx", &["200"]),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &["404"]),
        (b"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", &["404"]),
        (b"GET /../healthz HTTP/1.1\r\nHost: a\r\n\r\n", &["404"]),
        (b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &["404"]),
        (b"OPTIONS /healthz HTTP/1.0\r\n\r\n", &["405"]),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", &["405"]),
        (b"DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &["405"]),
        (b"nonsense\r\n\r\n", &["400"]),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", &["400"]),
        (b"GET /he althz HTTP/1.1\r\nHost: a\r\n\r\n", &["400"]),
        // A client that speaks TLS, one that speaks HTTP/2, one that says nothing.
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", &["400", ""]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &["400", "505", ""]),
        (b"", &["408", ""]),
        (long.as_bytes(), &["431"]),
        (many.as_bytes(), &["431"]),
    ];
    for (question, expected) in cases {
        let answer = asked(address, question).await;
        let code = status(&answer).split(' ').next().unwrap();
        assert!(expected.contains(&code), "{:?}: {answer}", String::from_utf8_lossy(question));
        assert_eq!(
            answer.matches("HTTP/1.").count(),
            usize::from(!answer.is_empty()),
            "one answer: {answer}"
        );
    }
    assert_eq!(body(&asked(address, b"GET /healthz HTTP/1.0\r\n\r\n").await), "ok\n");
    let head = asked(address, b"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0; charset=utf-8") && body(&head).is_empty()
    );
    let refused = asked(address, b"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(refused.contains("allow: GET, HEAD\r\n"), "{refused}");
}

/// They send a few bytes of a question and then nothing, one after the other, as many as there are files for.
#[tokio::test]
async fn a_thousand_slow_clients_keep_nobody_from_being_answered() {
    const SLOW: usize = 1000;
    crate::os::raise_open_files();
    let (address, _answering) = begun(QueueFigures::new("films", LEASE)).await;
    let begin = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").await;
        stream
    };
    let mut slow = Vec::new();
    for nth in 0..SLOW {
        slow.push(begin().await);
        if nth % 100 == 99 {
            let before = Instant::now();
            let answer = asked(address, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert!(answer.ends_with("ok\n"), "{answer}");
            assert!(before.elapsed() < PATIENCE / 10, "{:?}", before.elapsed());
        }
    }
    // The last of them are thrown out by their time, the others were by those who came after them.
    for mut stream in slow {
        assert!(!answered(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn who_reads_slowly_or_sends_a_byte_now_and_then_has_a_few_seconds() {
    let (address, _answering) = begun(QueueFigures::new("films", LEASE)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    let mut sent = 0;
    while stream.write_all(b"G").await.is_ok() {
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < PATIENCE, "{sent} bytes");
    }
}

#[tokio::test]
async fn a_worker_that_does_not_look_at_its_queue_is_ill() {
    // No look is recent enough.
    let figures = QueueFigures::new("films", Duration::ZERO);
    figures.look_failed("connection refused\nhint: none of this is shown");
    let (address, _answering) = begun(figures).await;
    let answer = asked(address, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&answer), "503 Service Unavailable");
    let said = body(&answer);
    assert!(said.starts_with("the database has failed since 20"), "{said}");
    assert!(said.ends_with(" UTC: connection refused\n"), "{said}");
    // Its figures are there all the same.
    let metrics = asked(address, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(metrics.contains("windrow_queue_database_up{windrow_job=\"films\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn an_address_that_is_taken_or_not_ours_is_an_error_with_a_hint() {
    let first = Monitor::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = first.address();
    let said = Monitor::bind(address).await.unwrap_err().to_string();
    assert_eq!(
        said,
        format!(
            "cannot listen on {address} ([job] listen): Address already in use (os error 98)\n\
             hint: another process listens there, perhaps another `windrow work`: give each its own port"
        )
    );
    // Of a network for documentation.
    let said = Monitor::bind(SocketAddr::from(([192, 0, 2, 1], 9464))).await.unwrap_err().to_string();
    assert!(said.contains("hint: this machine has no such address"), "{said}");
}

#[tokio::test]
async fn it_ends_when_it_is_dropped_and_its_address_is_free_at_once() {
    let (address, answering) = begun(QueueFigures::new("films", LEASE)).await;
    let mut open = TcpStream::connect(address).await.unwrap();
    assert!(asked(address, b"GET /healthz HTTP/1.0\r\n\r\n").await.ends_with("ok\n"));
    drop(answering);
    assert_eq!(answered(&mut open).await, "");
    TcpStream::connect(address).await.unwrap_err();
    // There are connections of before that the kernel still remembers.
    Monitor::bind(address).await.unwrap();
}

#[test]
fn prometheus_reads_the_figures_as_they_are() {
    let figures = QueueFigures::new("films", LEASE);
    figures.done.inc_by(3);
    figures.failed_attempts.inc_by(4);
    figures.died.inc();
    figures.freed.inc_by(5);
    figures.dropped.inc_by(6);
    figures.requests.inc_by(1 << 40);
    figures.waiting.set(7);
    figures.claimed.set(8);
    figures.resting.set(9);
    figures.dead.set(10);
    figures.oldest.set(11.5);
    figures.batches.set(12);
    figures.batch_seconds.observe(0.3);
    figures.pick_up.observe(4000.0);
    figures.look_succeeded();
    let read = read_by_prometheus(&figures.open_metrics());
    let is_bucket = |line: &&String| line.contains("_bucket ");
    let (buckets, others): (Vec<&String>, Vec<&String>) = read.iter().partition(is_bucket);
    let others: Vec<&str> = others.into_iter().map(String::as_str).collect();
    insta::assert_snapshot!(others.join("\n"), @r"
    counter - windrow_queue_jobs_done_total windrow_job='films' 3
    counter - windrow_queue_failed_attempts_total windrow_job='films' 4
    counter - windrow_queue_jobs_died_total windrow_job='films' 1
    counter - windrow_queue_jobs_freed_total windrow_job='films' 5
    counter - windrow_queue_batches_dropped_total windrow_job='films' 6
    counter - windrow_queue_http_requests_total windrow_job='films' 1099511627776
    gauge - windrow_queue_waiting_jobs windrow_job='films' 7
    gauge - windrow_queue_claimed_jobs windrow_job='films' 8
    gauge - windrow_queue_resting_jobs windrow_job='films' 9
    gauge - windrow_queue_dead_jobs windrow_job='films' 10
    gauge - windrow_queue_batches_under_way windrow_job='films' 12
    gauge - windrow_queue_database_up windrow_job='films' 1
    gauge seconds windrow_queue_oldest_job_seconds windrow_job='films' 11.5
    histogram seconds windrow_queue_batch_seconds_sum windrow_job='films' 0.3
    histogram seconds windrow_queue_batch_seconds_count windrow_job='films' 1
    histogram seconds windrow_queue_pick_up_seconds_sum windrow_job='films' 4000.0
    histogram seconds windrow_queue_pick_up_seconds_count windrow_job='films' 1
    ");
    let holding = |name: &str, count: &str| {
        let of = |line: &&&String| line.contains(name) && line.ends_with(count);
        buckets.iter().filter(of).count()
    };
    // Of twelve bounds and infinity: 0.3 is within all but the first three, 4000 within infinity alone.
    assert_eq!((holding("batch_seconds", " 0"), holding("batch_seconds", " 1")), (3, 10));
    assert_eq!((holding("pick_up_seconds", " 0"), holding("pick_up_seconds", " 1")), (12, 1));
}

#[test]
fn a_jobs_name_is_a_label_whatever_is_in_it() {
    let name = "a\"b\\c\nd{e=\"f\"} 1 # é";
    let read = read_by_prometheus(&QueueFigures::new(name, LEASE).open_metrics());
    let expected = "windrow_job='a\"b\\\\c\\nd{e=\"f\"} 1 # é'";
    assert!(!read.is_empty() && read.iter().all(|line| line.contains(expected)), "{read:#?}");
}

/// Figures as `docs/queues.md` lists them, and all that its alerts name.
#[test]
fn the_documentation_names_the_figures_that_there_are() {
    let page = include_str!("../../docs/queues.md");
    let text = QueueFigures::new("films", LEASE).open_metrics();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let name = |(name, ty)| if ty == "counter" { format!("{name}_total") } else { String::from(name) };
    let figures: BTreeSet<String> = types.map(name).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `windrow_queue_")?.split('`').next());
    let listed: BTreeSet<String> = rows.map(|name| format!("windrow_queue_{name}")).collect();
    assert_eq!(listed, figures);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = page.split(|c| !is_of_name(c)).filter(|word| word.starts_with("windrow_queue_"));
    let unknown: Vec<&str> = words.filter(|word| !figures.contains(*word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
