//! The module's tests against real sockets, and what they share: [`Raw`] servers that write bytes, [`Site`]s
//! that speak HTTP, an endpoint with its defaults, a pacer that counts.
//!
//! | file | what it shows |
//! |---|---|
//! | `urls` | values in templates: shape, encoding, refusals, secrets |
//! | `payloads` | methods, JSON, forms and text; values read back as they went in |
//! | `given` | whole URLs from the input: who is asked and who is not |
//! | `batches` | several records in one request |
//! | `pages` | the next page, the `Link` header |
//! | `parts` | parts of a batch's answer, judged by their own status |
//! | `answers` | encodings, charsets, error pages |
//! | `once` | requests that may not be sent twice |
//! | `failures` | every class of failure, limits of time and size |
//! | `redirects` | followed, bounded, without credentials elsewhere |
//! | `limits` | what the job repeats, and for how long; what servers say of their limits |
//! | `repeats` | attempts, pauses, interruption, what is counted |
//! | `connections` | reuse, connections that went stale |
//! | `closing` | servers that close connections which they say they keep |
//! | `http2` | refused streams, servers that go away, how many streams at a time |
//! | `credential` | whether an answer says that the secrets were refused |
//! | `token` | access tokens: asked for once, renewed, shared, never elsewhere, never shown |
//! | `transitions` | credentials, wherever answers lead: a table of cases |
//! | `addresses` | addresses that are not public, however they are spelled, reached and led to |
//! | `tls` | HTTP/2, HTTP/1.1, certificates |
//! | `certificates` | who is trusted, who is shown a certificate of ours, and the words for what fails |
//! | `proxy` | what a proxy is told, what hosts are told, and a proxy's own answers |
//! | `spelling` | names of headers as the wire has them |
//! | `heads` | the heads of answers, as an observer is shown them |
//! | `cookies` | those that are set while a request is redirected |

mod addresses;
mod answers;
mod batches;
mod certificates;
mod closing;
mod connections;
mod cookies;
mod credential;
mod failures;
mod given;
mod heads;
mod http2;
mod limits;
mod million;
mod once;
mod pages;
mod parts;
mod payloads;
mod proxy;
mod redirects;
mod repeats;
mod site;
mod spelling;
mod tls;
mod token;
mod transitions;
mod urls;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use super::*;
use crate::job::{Bounds, Endpoint, Missing, Part, Retry, Template};
use crate::record::Failure;
use crate::secrets::Secrets;
use crate::value::{Field, Type};

/// A template in a job file's notation, with input columns, whole URLs and secrets only.
fn template(text: &str) -> Template {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let close = open + rest[open..].find('}').unwrap();
        let name = rest[open + 1..close].to_owned();
        let (before, part) = match rest[..open].strip_suffix('$') {
            Some(before) => (before, Part::Secret(name)),
            None => match name.strip_suffix(":url") {
                Some(name) => (&rest[..open], Part::Url(name.to_owned())),
                None => (&rest[..open], Part::Input(name)),
            },
        };
        if !before.is_empty() {
            parts.push(Part::Literal(before.to_owned()));
        }
        parts.push(part);
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Template { parts }
}

/// An endpoint that asks once.
fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        missing: Missing { statuses: vec![404], when: None },
        bounds: Bounds { max_answer: 1 << 20, ..Bounds::default() },
        retry: Retry {
            attempts: 1,
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_millis(40),
            max_retry_after: Duration::from_secs(5),
            ..Retry::default()
        },
        ..Endpoint::get("films", template(url), Vec::new())
    }
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, Template)> {
    pairs.iter().map(|(name, text)| (name.to_string(), template(text))).collect()
}

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    let variables: HashMap<String, String> =
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Secrets::default().with_file(variables)
}

/// The secret that tests look for where it must not be.
const SECRET: &str = "s3cr3t/+ key";

fn question(endpoint: &Endpoint) -> Question {
    let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
    let secrets = secrets(&[("KEY", SECRET)]);
    Question::compile_all(std::slice::from_ref(endpoint), &columns, &secrets).unwrap().remove(0)
}

/// A record with the input column `id`.
struct Row(Value);

impl Row {
    fn id(text: &str) -> Row {
        Row(Value::Text(text.to_owned()))
    }
}

impl Values for Row {
    fn input(&self, _: usize) -> &Value {
        &self.0
    }

    fn answer(&self, _: usize, _: usize) -> Option<&Value> {
        None
    }
}

/// A pacer that lets a number of requests through and counts them.
struct Gate {
    left: Cell<u32>,
    refusal: Refused,
    held: Cell<u32>,
    pauses: RefCell<Vec<Duration>>,
    takes: RefCell<Vec<(u64, Duration)>>,
}

struct Held<'a>(&'a Gate);

impl Permit for Held<'_> {}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.set(self.0.held.get() - 1);
    }
}

impl Gate {
    fn open() -> Gate {
        Gate::letting(u32::MAX, Refused::MaxRequests)
    }

    fn letting(requests: u32, refusal: Refused) -> Gate {
        Gate {
            left: Cell::new(requests),
            refusal,
            held: Cell::new(0),
            pauses: RefCell::default(),
            takes: RefCell::default(),
        }
    }
}

impl<'a> Pacer for &'a Gate {
    type Permit = Held<'a>;

    async fn start(&self, _: &Origin) -> Result<Held<'a>, Refused> {
        assert!(self.held.get() == 0, "a pair holds two permits");
        let left = self.left.get().checked_sub(1).ok_or(self.refusal)?;
        self.left.set(left);
        self.held.set(self.held.get() + 1);
        Ok(Held(self))
    }

    fn pause(&self, _: &Origin, wait: Duration) {
        self.pauses.borrow_mut().push(wait);
    }

    fn takes(&self, _: &Origin, requests: u64, within: Duration) {
        self.takes.borrow_mut().push((requests, within));
    }
}

/// Asks for `number` records, `at_once` at a time, in any order.
async fn ask_all(client: &Client, endpoint: &Endpoint, number: usize, at_once: usize) -> Vec<Asked> {
    let question = question(endpoint);
    let (_running, stop) = watch::channel(false);
    let asking = stream::iter(0..number).map(|number| {
        let request = question.build(&Row::id(&number.to_string())).unwrap();
        let (question, stop) = (&question, &stop);
        async move { client.ask(question, &request, &&Gate::open(), stop, |most| most).await }
    });
    asking.buffer_unordered(at_once).collect().await
}

fn client() -> Client {
    Client::new(&ClientSettings { max_idle: 16 })
}

/// Asks for the id `tt1` with a client of its own.
async fn ask(endpoint: &Endpoint) -> Asked {
    ask_with(&client(), endpoint, &&Gate::open()).await
}

async fn ask_with(client: &Client, endpoint: &Endpoint, pacer: &impl Pacer) -> Asked {
    let question = question(endpoint);
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(false);
    client.ask(&question, &request, pacer, &stop, |most| most).await
}

/// Kind, status and whether it is worth repeating, of a question that failed.
fn failure(asked: Asked) -> Failure {
    asked.answer.expect_err("it succeeded")
}

/// What the answer says, read as the endpoint reads it.
fn text(endpoint: &Endpoint, asked: Asked) -> Result<String, Failure> {
    let answer = asked.answer.expect("it failed");
    question(endpoint).text(&answer).map(|text| String::from_utf8(text.to_vec()).unwrap())
}

fn body(asked: Asked) -> String {
    let answer = asked.answer.expect("it failed");
    String::from_utf8(answer.body.to_vec()).unwrap()
}
