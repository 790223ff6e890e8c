//! HTTP/2 servers that refuse streams and go away: what they have not acted on is sent again, a POST, too (RFC 9113,
//! section 8.7), and no more streams are open than they admit.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_rustls::server::TlsStream;

use super::tls::{Authority, handshaking};
use super::*;
use crate::record::Kind;

const NUMBER: usize = 200;

// RFC 9113, sections 6 and 7.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

/// A server's end of a connection, frame by frame.
struct Wire(TlsStream<TcpStream>);

impl Wire {
    /// Reads the client's first words, and says how many streams may be open.
    async fn begin(mut stream: TlsStream<TcpStream>, most_streams: u32) -> Wire {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        let mut wire = Wire(stream);
        wire.send(SETTINGS, 0, 0, &[&[0, 3], &most_streams.to_be_bytes()[..]].concat()).await;
        wire
    }

    /// The stream of the next request; `None` where the client has gone.
    async fn request(&mut self) -> Option<u32> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.ok()?;
            match head[3] {
                HEADERS => return Some(u32::from_be_bytes([head[5], head[6], head[7], head[8]])),
                SETTINGS if head[4] & 1 == 0 => self.send(SETTINGS, 1, 0, &[]).await,
                _ => {}
            }
        }
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        // The client may have gone.
        let _ = self.0.write_all(&frame).await;
        let _ = self.0.flush().await;
    }

    /// Answers 200 without a body.
    async fn answer(&mut self, stream: u32) {
        self.send(HEADERS, 0x4 | 0x1, stream, &[0x88]).await;
    }

    async fn reset(&mut self, stream: u32, code: u32) {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }

    async fn go_away(&mut self, last: u32) {
        self.send(GOAWAY, 0, 0, &[&last.to_be_bytes()[..], &[0; 4]].concat()).await;
        let _ = self.0.shutdown().await;
    }
}

/// What the connections of a server saw together.
#[derive(Default)]
struct Seen {
    connections: usize,
    /// Streams that were opened.
    streams: usize,
    /// Requests that were worked.
    worked: usize,
    open: usize,
    most_open: usize,
}

/// A server that serves its first connection, and says nothing on further ones.
async fn handshaking_once<F>(
    acceptor: tokio_rustls::TlsAcceptor,
    serve: impl FnOnce(TlsStream<TcpStream>) -> F + 'static,
) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::task::spawn_local(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(acceptor.accept(stream).await.unwrap()));
        let mut silent = Vec::new();
        while let Ok(stream) = listener.accept().await {
            silent.push(stream);
        }
    });
    url
}

fn posting(url: &str) -> Endpoint {
    let mut endpoint = endpoint(url);
    endpoint.method = "POST".to_owned();
    endpoint.idempotent = false;
    endpoint
}

/// Asks a server that serves each connection, by its number, like that.
async fn asked<F>(
    serve: impl Fn(usize, TlsStream<TcpStream>, Arc<Mutex<Seen>>) -> F + 'static,
    ask: impl AsyncFnOnce(Client, String) -> Vec<Asked>,
) -> (Vec<Asked>, Arc<Mutex<Seen>>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let counted = seen.clone();
    let asked = LocalSet::new()
        .run_until(async {
            let url = handshaking(authority.acceptor("localhost", &["h2"]), move |number, stream| {
                counted.lock().unwrap().connections += 1;
                serve(number, stream, counted.clone())
            });
            ask(authority.client(), url.await).await
        })
        .await;
    (asked, seen)
}

fn kinds(asked: Vec<Asked>) -> HashMap<String, usize> {
    let mut kinds = HashMap::new();
    for asked in asked {
        let what = asked.answer.map_or_else(|failure| failure.detail, |_| "answered".to_owned());
        *kinds.entry(what).or_default() += 1;
    }
    kinds
}

/// Works each request for a while, with at most as many streams as it says: others are refused.
async fn strict(stream: TlsStream<TcpStream>, seen: Arc<Mutex<Seen>>, most: usize) {
    let mut wire = Wire::begin(stream, most as u32).await;
    let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
    loop {
        tokio::select! {
            stream = wire.request() => {
                let Some(stream) = stream else { return };
                let admitted = {
                    let mut seen = seen.lock().unwrap();
                    seen.streams += 1;
                    seen.open += 1;
                    seen.most_open = seen.most_open.max(seen.open);
                    seen.open <= most
                };
                let done = done.clone();
                if admitted {
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        let _ = done.send(stream);
                    });
                } else {
                    seen.lock().unwrap().open -= 1;
                    wire.reset(stream, REFUSED_STREAM).await;
                }
            }
            Some(stream) = finished.recv() => {
                {
                    let mut seen = seen.lock().unwrap();
                    seen.open -= 1;
                    seen.worked += 1;
                }
                wire.answer(stream).await;
            }
        }
    }
}

#[tokio::test]
async fn no_more_streams_are_open_than_the_server_admits() {
    for most in [1, 8, 100] {
        let serve = move |_, stream, seen| strict(stream, seen, most);
        let (asked, seen) =
            asked(serve, async |client, url| ask_all(&client, &posting(&url), NUMBER, NUMBER).await).await;
        let seen = seen.lock().unwrap();
        assert_eq!(kinds(asked), HashMap::from([("answered".to_owned(), NUMBER)]), "{most}");
        assert_eq!((seen.worked, seen.streams, seen.connections), (NUMBER, NUMBER, 1), "{most}");
        assert_eq!(seen.most_open, most);
    }
}

#[tokio::test]
async fn a_refused_stream_is_asked_again_and_another_end_is_not() {
    for (code, is_repeated) in [(REFUSED_STREAM, true), (INTERNAL_ERROR, false)] {
        let serve = move |_, stream, seen: Arc<Mutex<Seen>>| async move {
            let mut wire = Wire::begin(stream, 100).await;
            while let Some(stream) = wire.request().await {
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.streams += 1;
                    seen.streams
                };
                match number % 2 {
                    1 => wire.reset(stream, code).await,
                    _ => wire.answer(stream).await,
                }
            }
        };
        let (mut asked, seen) = asked(serve, async |client, url| {
            let mut endpoint = posting(&url);
            endpoint.retry.attempts = 2;
            ask_all(&client, &endpoint, 1, 1).await
        })
        .await;
        let asked = asked.remove(0);
        assert_eq!(seen.lock().unwrap().streams, if is_repeated { 2 } else { 1 });
        if is_repeated {
            assert_eq!((asked.attempts, asked.answer.unwrap().status), (2, 200))
        } else {
            let failure = failure(asked);
            assert_eq!((failure.kind, failure.worth_repeating), (Kind::Reset, false));
            assert!(failure.detail.starts_with("not sent again"), "{}", failure.detail);
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_asked_as_often_as_the_job_says() {
    let serve = |_, stream, seen: Arc<Mutex<Seen>>| async move {
        let mut wire = Wire::begin(stream, 100).await;
        while let Some(stream) = wire.request().await {
            seen.lock().unwrap().streams += 1;
            wire.reset(stream, REFUSED_STREAM).await;
        }
    };
    let (mut asked, seen) = asked(serve, async |client, url| {
        let mut endpoint = posting(&url);
        endpoint.retry.attempts = 3;
        ask_all(&client, &endpoint, 1, 1).await
    })
    .await;
    let failure = failure(asked.remove(0));
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Reset, true));
    assert_eq!(seen.lock().unwrap().streams, 3);
}

/// Answers five requests, and goes away when the sixth has come; `last` says which is the last that it looked at.
async fn five(stream: TlsStream<TcpStream>, seen: Arc<Mutex<Seen>>, last: fn(u32, u32) -> u32) {
    let mut wire = Wire::begin(stream, 8).await;
    let mut answered = 0;
    for _ in 0..5 {
        let Some(stream) = wire.request().await else { return };
        tokio::time::sleep(Duration::from_millis(1)).await;
        wire.answer(stream).await;
        seen.lock().unwrap().worked += 1;
        answered = stream;
    }
    if let Some(sixth) = wire.request().await {
        wire.go_away(last(answered, sixth)).await;
    }
}

#[tokio::test]
async fn what_lies_beyond_the_last_stream_is_sent_again() {
    let serve = |_, stream, seen| five(stream, seen, |answered, _| answered);
    let (asked, seen) = asked(serve, async |client, url| {
        let mut endpoint = posting(&url);
        endpoint.retry.attempts = 3;
        ask_all(&client, &endpoint, NUMBER, 40).await
    })
    .await;
    assert_eq!(kinds(asked), HashMap::from([("answered".to_owned(), NUMBER)]));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.worked, NUMBER);
    assert!((NUMBER / 5..NUMBER / 4).contains(&seen.connections), "{}", seen.connections);
}

#[tokio::test]
async fn what_a_server_may_have_looked_at_before_it_went_is_not() {
    let serve = |_, stream, seen| five(stream, seen, |_, sixth| sixth);
    let (asked, seen) = asked(serve, async |client, url| ask_all(&client, &posting(&url), 30, 1).await).await;
    let seen = seen.lock().unwrap();
    // Each connection swallows its sixth request.
    assert_eq!((seen.worked, seen.connections), (25, 5));
    for failure in asked.into_iter().filter_map(|asked| asked.answer.err()) {
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Reset, false), "{failure:?}");
    }
}

#[tokio::test]
async fn a_connection_opened_anew_counts_into_the_time_of_the_attempt() {
    const TIMEOUT: Duration = Duration::from_secs(2);
    let serve = |stream| async move {
        let mut wire = Wire::begin(stream, 8).await;
        let first = wire.request().await.unwrap();
        wire.answer(first).await;
        wire.request().await.unwrap();
        tokio::time::sleep(TIMEOUT * 3 / 4).await;
        wire.go_away(first).await;
    };
    let authority = Authority::new();
    let (begun, asked) = LocalSet::new()
        .run_until(async {
            let url = handshaking_once(authority.acceptor("localhost", &["h2"]), serve).await;
            let client = authority.client();
            let mut endpoint = endpoint(&url);
            endpoint.bounds.timeout = TIMEOUT;
            endpoint.bounds.connect_timeout = TIMEOUT * 10;
            ask_with(&client, &endpoint, &&Gate::open()).await.answer.unwrap();
            let begun = std::time::Instant::now();
            (begun, ask_with(&client, &endpoint, &&Gate::open()).await)
        })
        .await;
    assert_eq!(failure(asked).kind, Kind::Timeout);
    let took = begun.elapsed();
    assert!(took >= TIMEOUT && took < TIMEOUT * 3 / 2, "{took:?}");
}

#[tokio::test]
async fn a_connection_that_nobody_needs_any_more_is_closed() {
    let (ended, mut end) = tokio::sync::mpsc::unbounded_channel();
    let serve = move |_, stream, _| {
        let ended = ended.clone();
        async move {
            let mut wire = Wire::begin(stream, 8).await;
            while let Some(stream) = wire.request().await {
                wire.answer(stream).await;
            }
            let _ = ended.send(());
        }
    };
    let (_, _) = asked(serve, async |client, url| {
        let asked = ask_all(&client, &endpoint(&url), 10, 4).await;
        drop(client);
        tokio::time::timeout(Duration::from_secs(20), end.recv()).await.expect("it stays open");
        asked
    })
    .await;
}
