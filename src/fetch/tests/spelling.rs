//! Names of headers as HTTP/1.1 has them: old servers and appliances know one spelling only.

use super::site::Raw;
use super::*;
use crate::job::Payload;

fn answering() -> Raw {
    Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
}

fn names(head: &str) -> Vec<String> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn names_are_in_title_case_and_the_host_comes_first() {
    let raw = answering();
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.headers =
        named(&[("authorization", "Bearer ${KEY}"), ("x-api-key", "{id}"), ("soapaction", "x")]);
    endpoint.method = "POST".to_owned();
    endpoint.payload = Some(Payload::Text(template("{id}")));
    ask(&endpoint).await.answer.unwrap();
    let head = &raw.heads()[0];
    let url = raw.url("");
    assert!(head.starts_with(&format!("POST / HTTP/1.1\r\nHost: {}\r\n", &url["http://".len()..])), "{head}");
    let mut names = names(head);
    assert_eq!(names.remove(0), "Host");
    names.sort();
    let expected = [
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "Content-Length",
        "Content-Type",
        "Soapaction",
        "User-Agent",
        "X-Api-Key",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_host_comes_first_after_a_redirect_and_of_a_whole_url() {
    let other = answering();
    let location = other.url("/").replace("127.0.0.1", "localhost");
    let first =
        Raw::answering(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"));
    ask(&endpoint(&first.url("/"))).await.answer.unwrap();
    assert_eq!(names(&other.heads()[0])[0], "Host");
    assert!(other.heads()[0].contains("\r\nHost: localhost:"), "{}", other.heads()[0]);
    let raw = answering();
    let mut given = endpoint("{id:url}");
    given.hosts = vec!["127.0.0.1".to_owned()];
    let question = question(&given);
    let request = question.build(&Row::id(&raw.url("/x"))).unwrap();
    let (_running, stop) = watch::channel(false);
    client().ask(&question, &request, &&Gate::open(), &stop, |most| most).await.answer.unwrap();
    let head = &raw.heads()[0];
    assert!(head.starts_with("GET /x HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert_eq!(head.matches("Host:").count(), 1, "{head}");
}
