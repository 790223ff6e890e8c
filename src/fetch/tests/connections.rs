//! Connections are used again, and one that went stale costs nothing.

use futures_util::future::join_all;

use super::site::{Raw, Site, ok, reply};
use super::*;
use crate::record::Kind;

/// Asks `rounds` times for `width` records at once.
async fn many(client: &Client, endpoint: &Endpoint, rounds: usize, width: usize) -> Vec<Asked> {
    let question = question(endpoint);
    let (_running, stop) = watch::channel(false);
    let mut all = Vec::new();
    for _ in 0..rounds {
        let asking = (0..width).map(|number| {
            let request = question.build(&Row::id(&format!("tt{number}"))).unwrap();
            let (client, question, stop) = (client, &question, &stop);
            async move { client.ask(question, &request, &&Gate::open(), stop, |most| most).await }
        });
        all.extend(join_all(asking).await);
    }
    all
}

#[tokio::test]
async fn connections_are_used_again() {
    let site = Site::plain(|target| {
        if target.ends_with('3') {
            reply(500, ("x-none", ""), "an error does not cost the connection")
        } else {
            ok("x".repeat(20_000))
        }
    });
    let asked = many(&client(), &endpoint(&site.url("/{id}")), 50, 8).await;
    assert_eq!(asked.len(), 400);
    assert_eq!(asked.iter().filter(|asked| asked.answer.is_ok()).count(), 350);
    assert_eq!(site.seen().len(), 400);
    assert!(site.connections() <= 8, "{}", site.connections());
}

#[tokio::test]
async fn no_more_connections_are_kept_than_allowed() {
    let site = Site::plain(|_| ok("there"));
    let client = Client::new(&ClientSettings { max_idle: 10 });
    many(&client, &endpoint(&site.url("/{id}")), 2, 16).await;
    assert_eq!(site.connections(), 16 + 6);
}

#[tokio::test]
async fn endpoints_share_connections() {
    let site = Site::plain(|_| ok("there"));
    let client = client();
    for path in ["/one", "/two", "/three"] {
        assert_eq!(body(ask_with(&client, &endpoint(&site.url(path)), &&Gate::open()).await), "there");
    }
    assert_eq!(site.connections(), 1);
}

/// Answers the first request of each connection and closes it when the second has come.
fn closing(number_that_always_close: usize) -> Raw {
    Raw::serving(move |number, peer| {
        let mut answered = number < number_that_always_close;
        while peer.request() && !answered {
            peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere");
            answered = true;
        }
    })
}

#[tokio::test]
async fn a_connection_closed_while_it_was_used_again_is_no_failure() {
    let raw = closing(0);
    let client = client();
    let endpoint = endpoint(&raw.url("/"));
    for _ in 0..5 {
        let asked = ask_with(&client, &endpoint, &&Gate::open()).await;
        assert_eq!((asked.attempts, asked.requests), (1, 1));
        assert_eq!(body(asked), "there");
    }
    // The first connection answered once; every later request was swallowed once and sent again.
    assert_eq!(raw.heads().len(), 1 + 4 * 2);
}

#[tokio::test]
async fn a_new_connection_that_closes_is_a_failure() {
    let raw = closing(1);
    let asked = ask(&endpoint(&raw.url("/"))).await;
    assert_eq!((asked.attempts, asked.requests), (1, 1));
    assert_eq!(failure(asked).kind, Kind::Reset);
    assert_eq!(raw.heads().len(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_left_aside() {
    let raw = Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere");
    let client = client();
    for _ in 0..3 {
        assert_eq!(body(ask_with(&client, &endpoint(&raw.url("/")), &&Gate::open()).await), "there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(raw.heads().len(), 3);
}

#[tokio::test]
async fn a_server_that_says_more_than_it_announced_spoils_nothing() {
    // The surplus bytes must not be taken for the next answer's beginning.
    let raw = Raw::serving(|_, peer| {
        while peer.request() {
            peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthereHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong");
        }
    });
    let client = client();
    for _ in 0..10 {
        let asked = ask_with(&client, &endpoint(&raw.url("/")), &&Gate::open()).await;
        assert_eq!(body(asked), "there");
    }
}

#[tokio::test]
async fn a_timed_out_connection_is_not_used_again() {
    let raw = Raw::serving(|number, peer| {
        while peer.request() {
            if number == 0 {
                std::thread::sleep(Duration::from_millis(150));
                peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate");
            } else {
                peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere");
            }
        }
    });
    let client = client();
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.bounds.idle_timeout = Duration::from_millis(50);
    assert_eq!(failure(ask_with(&client, &endpoint, &&Gate::open()).await).kind, Kind::Timeout);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(body(ask_with(&client, &endpoint, &&Gate::open()).await), "there");
}

#[tokio::test]
async fn questions_can_be_asked_from_any_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    struct Free;
    impl Pacer for Free {
        type Permit = ();
        async fn start(&self, _: &Origin) -> Result<(), Refused> {
            Ok(())
        }
    }
    let site = Site::plain(|_| ok("there"));
    let (client, question) = (client(), question(&endpoint(&site.url("/"))));
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(false);
    let asked = is_send(client.ask(&question, &request, &Free, &stop, |most| most)).await;
    assert_eq!(body(asked), "there");
}
