//! Servers that keep connections, by what they say, and close them: nothing is lost, and nothing that may have been
//! acted on is sent twice.

use std::collections::HashMap;
use std::io::Read;
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use super::site::{Peer, Raw};
use super::*;
use crate::job::Payload;
use crate::record::Kind;

const NUMBER: usize = 300;

/// A server that counts how often it worked each request: those that it read whole.
struct Closing {
    raw: Raw,
    worked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Closing {
    /// After `answers` answers on a connection, `closes` says how it ends.
    fn after(answers: usize, closes: impl Fn(&mut Peer) + Send + Sync + 'static) -> Closing {
        let worked = Arc::new(Mutex::new(HashMap::new()));
        let count = worked.clone();
        let raw = Raw::serving(move |_, peer| {
            for _ in 0..answers {
                let Some(id) = payload(peer) else { return };
                *count.lock().unwrap().entry(id).or_default() += 1;
                peer.write(b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nthere");
            }
            closes(peer);
        });
        Closing { raw, worked }
    }

    /// The failures of as many requests, eight at a time.
    async fn lost(&self, method: &str) -> Vec<Failure> {
        let mut endpoint = endpoint(&self.raw.url("/"));
        endpoint.method = method.to_owned();
        endpoint.payload = Some(Payload::Text(template("<{id}>")));
        endpoint.idempotent = method != "POST";
        let asked = ask_all(&client(), &endpoint, NUMBER, 8).await;
        asked.into_iter().filter_map(|asked| asked.answer.err()).collect()
    }

    /// How many requests were worked once, and how many more often.
    fn worked(&self) -> (usize, usize) {
        let worked = self.worked.lock().unwrap();
        (
            worked.values().filter(|times| **times == 1).count(),
            worked.values().filter(|times| **times > 1).count(),
        )
    }
}

/// Reads a request: its payload.
fn payload(peer: &mut Peer) -> Option<String> {
    let head = peer.head()?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let mut payload = vec![0; length];
    peer.stream.read_exact(&mut payload).ok()?;
    String::from_utf8(payload).ok()
}

type Closes = fn(&mut Peer);

#[tokio::test]
async fn a_server_that_closes_after_its_answers_loses_nothing() {
    let ways: [(&str, usize, Closes); 4] = [
        ("at once", 1, |_| {}),
        ("its side", 1, |peer| drop(peer.stream.shutdown(Shutdown::Write))),
        ("a moment later", 1, |_| std::thread::sleep(Duration::from_millis(1))),
        ("some time later", 1, |_| std::thread::sleep(Duration::from_micros(fastrand::u64(..10_000)))),
    ];
    for (name, answers, closes) in ways {
        for method in ["POST", "PUT"] {
            let server = Closing::after(answers, closes);
            assert_eq!(server.lost(method).await, [], "{name} {method}");
            assert_eq!(server.worked(), (NUMBER, 0), "{name} {method}");
        }
    }
}

#[tokio::test]
async fn a_server_that_closes_after_some_answers_loses_next_to_nothing() {
    let ways: [Closes; 2] = [|_| {}, |_| std::thread::sleep(Duration::from_millis(1))];
    for closes in ways {
        let server = Closing::after(5, closes);
        assert_eq!(server.lost("PUT").await, []);
        assert_eq!(server.worked(), (NUMBER, 0));
        // It looked as if it kept them: what was on its way when the first were closed may be lost, and nothing later.
        let server = Closing::after(5, closes);
        let lost = server.lost("POST").await.len();
        assert!(lost <= 8, "{lost}");
        assert_eq!(server.worked(), (NUMBER - lost, 0));
    }
}

#[tokio::test]
async fn a_server_that_closes_within_a_request_may_have_acted_on_it() {
    let server = Closing::after(1, |peer| drop(peer.head()));
    // What was read in part is sent again where that does no harm.
    assert_eq!(server.lost("PUT").await, []);
    assert_eq!(server.worked(), (NUMBER, 0));
    let server = Closing::after(1, |peer| drop(peer.head()));
    let lost = server.lost("POST").await;
    for failure in &lost {
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Reset, false));
        assert!(failure.detail.starts_with("not sent again (idempotent = true"), "{}", failure.detail);
    }
    assert_eq!(server.worked(), (NUMBER - lost.len(), 0));
    // Once it was seen, connections are not used again.
    assert!(lost.len() <= 16, "{}", lost.len());
}

#[tokio::test]
async fn connections_that_stay_open_are_used_again() {
    let server = Closing::after(usize::MAX, |_| {});
    let mut endpoint = endpoint(&server.raw.url("/"));
    endpoint.method = "POST".to_owned();
    endpoint.payload = Some(Payload::Text(template("<{id}>")));
    endpoint.idempotent = false;
    let client = client();
    let mut connections = Vec::new();
    for _ in 0..3 {
        assert!(ask_all(&client, &endpoint, 1000, 8).await.iter().all(|asked| asked.answer.is_ok()));
        connections.push(server.raw.connections());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // In the beginning nothing is known of the server; later as many are there as are kept.
    assert!(connections[2] - connections[0] <= 2 * 16, "{connections:?}");
}
