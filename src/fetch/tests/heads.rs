//! The heads of answers, as an observer is shown them: for each attempt that brought one, the last.

use super::site::{Raw, Site, ok, reply};
use super::*;

/// What was shown: status, bytes, headers, content type.
type Shown = (u16, u64, Vec<(String, String)>, Option<String>);

/// Notes what it is shown.
#[derive(Default)]
struct Looking(RefCell<Vec<Shown>>);

impl Asker for Looking {
    fn received(&self, answer: &AnswerHead<'_>) {
        assert!(answer.took() > Duration::ZERO && answer.took() < Duration::from_secs(20));
        let shown = (answer.status(), answer.bytes(), answer.headers(), answer.content_type());
        self.0.borrow_mut().push(shown);
    }
}

async fn shown(endpoint: &Endpoint) -> Vec<Shown> {
    let (question, looking) = (question(endpoint), Looking::default());
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(false);
    client().ask_for(&looking, &question, &request, &&Gate::open(), &stop, |_| Duration::ZERO).await;
    looking.0.take()
}

async fn statuses(endpoint: &Endpoint) -> Vec<(u16, u64)> {
    shown(endpoint).await.into_iter().map(|(status, bytes, ..)| (status, bytes)).collect()
}

#[tokio::test]
async fn heads_are_shown_with_what_the_whole_took() {
    let raw = Raw::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Limit: 7\r\nSet-Cookie: a=1\r\nset-cookie: \u{fc}\r\n\
         Content-Length: 2\r\n\r\n{}",
    );
    let headers = [
        ("content-type", "application/json"),
        ("x-limit", "7"),
        ("set-cookie", "a=1"),
        ("set-cookie", "\u{fc}"),
        ("content-length", "2"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let expected = (200, 2, headers.to_vec(), Some("application/json".to_owned()));
    assert_eq!(shown(&endpoint(&raw.url("/"))).await, [expected]);
}

#[tokio::test]
async fn a_secret_in_a_header_is_shown_by_its_name() {
    let head = "HTTP/1.1 403 No\r\nx-key: s3cr3t/+ key\r\nContent-Type: text/s3cr3t/+ key\r\nContent-Length: 0\r\n\r\n";
    let mut endpoint = endpoint(&Raw::answering(head).url("/"));
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let shown = shown(&endpoint).await;
    assert_eq!(shown[0].2[0].1, "${KEY}");
    assert_eq!(shown[0].3.as_deref(), Some("text/${KEY}"));
    assert!(!format!("{shown:?}").contains("s3cr3t"), "{shown:?}");
}

#[tokio::test]
async fn every_attempt_is_shown_whatever_its_status() {
    let raw = Raw::serving(|number, peer| {
        peer.request();
        let status = [429, 500, 404][number];
        peer.write(
            format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 4\r\n\r\nwhat").as_bytes(),
        );
    });
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.retry.attempts = 3;
    assert_eq!(statuses(&endpoint).await, [(429, 4), (500, 4), (404, 4)]);
}

#[tokio::test]
async fn the_end_of_redirects_is_shown_wherever_it_is() {
    let site = Site::plain(|target| match target {
        "/from" => reply(302, ("location", "/to"), "moved"),
        "/to" => ok("there!"),
        _ => reply(302, ("location", "/round"), "go"),
    });
    assert_eq!(statuses(&endpoint(&site.url("/from"))).await, [(200, 6)]);
    assert_eq!(statuses(&endpoint(&site.url("/round"))).await, [(302, 2)]);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_shown_and_none_is_not() {
    let cut = Raw::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    assert_eq!(statuses(&endpoint(&cut.url("/"))).await, [(200, 4)]);
    let large = Raw::answering("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nhalf");
    assert_eq!(statuses(&endpoint(&large.url("/"))).await, [(200, 0)]);
    let silent = Raw::serving(|_, peer| assert!(peer.request()));
    assert_eq!(statuses(&endpoint(&silent.url("/"))).await, []);
    let refused =
        format!("http://{}/", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    assert_eq!(statuses(&endpoint(&refused)).await, []);
}
