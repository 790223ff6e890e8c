//! What an answer says of the secrets that it was asked with.

use super::site::{Raw, Site, ok, reply};
use super::*;

/// Whether the secrets were refused, where the answer says anything of them.
async fn refused(endpoint: &Endpoint) -> Option<bool> {
    ask(endpoint).await.secrets.map(|seen| seen.refused)
}

fn answering(status: &str, headers: &str) -> Raw {
    Raw::answering(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{headers}\r\n"))
}

fn with_key(url: &str) -> Endpoint {
    Endpoint { headers: named(&[("x-key", "Key ${KEY}")]), ..endpoint(url) }
}

#[tokio::test]
async fn only_401_and_403_refuse_and_what_passes_says_nothing() {
    for (status, headers, said) in [
        ("200 OK", "", Some(false)),
        ("400 Bad Request", "", Some(false)),
        ("404 Not Found", "", Some(false)),
        ("401 Unauthorized", "", Some(true)),
        ("403 Forbidden", "", Some(true)),
        ("403 Forbidden", "retry-after: 1\r\n", None),
        ("403 Forbidden", "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 30\r\n", None),
        ("429 Too Many Requests", "", None),
        ("503 Service Unavailable", "", None),
        ("304 Not Modified", "", None),
    ] {
        let raw = answering(status, headers);
        assert_eq!(refused(&with_key(&raw.url("/"))).await, said, "{status} {headers}");
        assert_eq!(refused(&endpoint(&raw.url("/"))).await, None, "nothing was sent");
    }
    let raw = answering("403 Forbidden", "");
    let mut repeated = with_key(&raw.url("/"));
    repeated.retry.on.statuses = vec![403..=403];
    let mut missing = with_key(&raw.url("/"));
    missing.missing.statuses = vec![403];
    assert_eq!((refused(&repeated).await, refused(&missing).await), (None, None));
    let dropped = Raw::serving(|_, peer| {
        peer.request();
    });
    assert_eq!(refused(&with_key(&dropped.url("/"))).await, None);
}

#[tokio::test]
async fn wherever_a_secret_is_sent_it_may_be_refused() {
    let raw = answering("401 Unauthorized", "");
    let mut in_query = endpoint(&raw.url("/"));
    in_query.params = named(&[("key", "${KEY}")]);
    let mut in_body = endpoint(&raw.url("/"));
    in_body.method = "POST".to_owned();
    in_body.payload = Some(crate::job::Payload::Text(template("key ${KEY}")));
    for endpoint in [in_query, in_body, endpoint(&raw.url("/${KEY}"))] {
        assert_eq!(refused(&endpoint).await, Some(true));
    }
}

#[tokio::test]
async fn after_a_redirect_it_counts_where_the_secret_went_along() {
    let other = Site::plain(|_| reply(401, ("x-any", ""), ""));
    let location = other.url("/elsewhere");
    let site = Site::plain(move |target| match target {
        "/away" => reply(302, ("location", &location), ""),
        "/here" => reply(302, ("location", "/no"), ""),
        "/no" => reply(403, ("x-any", ""), ""),
        _ => ok("yes"),
    });
    assert_eq!(refused(&with_key(&site.url("/away"))).await, None);
    assert_eq!(refused(&with_key(&site.url("/here"))).await, Some(true));
    assert_eq!(refused(&with_key(&site.url("/yes"))).await, Some(false));
}

#[tokio::test]
async fn a_key_is_of_an_origin_and_its_secrets() {
    let key = async |endpoint: Endpoint| ask(&endpoint).await.secrets.unwrap().key;
    let [one, other] = [answering("200 OK", ""), answering("200 OK", "")];
    let first = key(with_key(&one.url("/a"))).await;
    assert_eq!(first, key(with_key(&one.url("/b"))).await);
    assert_ne!(first, key(with_key(&other.url("/a"))).await);
    let endpoints =
        [with_key(&one.url("/")), Endpoint { headers: named(&[("x", "${B}")]), ..with_key(&one.url("/")) }];
    let secrets = secrets(&[("KEY", SECRET), ("B", "another")]);
    let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
    let questions = Question::compile_all(&endpoints, &columns, &secrets).unwrap();
    let request = questions[0].build(&Row::id("tt1")).unwrap();
    let keys = questions.iter().map(|question| question.credential.key(&request.origin)).collect::<Vec<_>>();
    assert_ne!(keys[0], keys[1]);
    let seen = SecretsSeen { key: 0, refused: true, is_of_proxy: false };
    let shown = questions[1].shown_refusals(&request, seen);
    assert!(shown.ends_with(", asked with ${B}, were all 401 or 403"), "{shown}");
}
