//! What a question costs beside what HTTP itself costs.
//!
//! One thread serves a film of some 1,200 bytes; another asks for it, 128 at a time: a bare loop over hyper's
//! connections, then `Client::ask` with all that it adds (template, limits, pool, account). They take turns, so that
//! a busy machine slows both. The figure is CPU time of the asking thread, which other load hardly touches.
//!
//! Then the same client on two threads: with a runtime on each, as windrow's processes have it, and with one runtime
//! that moves the work between both. There the figure is CPU time of the whole program, server included.
//!
//! `cargo bench --bench fetch [-- REQUESTS]`

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::LocalSet;
use windrow::fetch::{Client, ClientSettings, Origin, Pacer, Question, Refused, Values};
use windrow::job::{Endpoint, Part, Template};
use windrow::secrets::Secrets;
use windrow::value::{Field, Type, Value};

const IN_FLIGHT: usize = 128;
const ROUNDS: usize = 5;

fn main() {
    let requests = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(50_000);
    let server = server();
    let mut costs = [Vec::new(), Vec::new()];
    println!("{requests} requests, {IN_FLIGHT} in flight, {ROUNDS} rounds");
    for _ in 0..ROUNDS {
        costs[0].push(measured("hyper loop", requests, bare(server, requests)));
        costs[1].push(measured("Client::ask", requests, asked(server, requests)));
    }
    let [bare, asked] = costs.map(|rounds| rounds.into_iter().fold(f64::INFINITY, f64::min));
    println!("best rounds: hyper loop {bare:.1} µs, Client::ask {asked:.1} µs, ratio {:.2}", asked / bare);
    runtimes::compare(server, requests);
}

/// Runs a load on a runtime of its own; CPU microseconds per request of this thread.
fn measured(name: &str, requests: usize, load: impl Future<Output = ()>) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (begun, cpu) = (Instant::now(), cpu_time());
    LocalSet::new().block_on(&runtime, load);
    let cost = (cpu_time() - cpu).as_secs_f64() * 1e6 / requests as f64;
    println!(
        "{name:12} {cost:6.1} µs CPU each, {:8.0} a second",
        requests as f64 / begun.elapsed().as_secs_f64()
    );
    cost
}

/// CPU time of this thread (Linux, proc(5): the first field is nanoseconds on a CPU).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// CPU time of the whole program (Linux, proc(5): utime and stime in ticks of USER_HZ, which is 100).
fn cpu_time_of_all() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// One runtime for both threads, or one for each.
mod runtimes {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::Builder;

    use super::*;

    const THREADS: usize = 2;

    pub fn compare(server: SocketAddr, requests: usize) {
        let mut costs = [Vec::new(), Vec::new()];
        println!("\n{THREADS} threads, {requests} requests, {IN_FLIGHT} in flight, {ROUNDS} rounds");
        for _ in 0..ROUNDS {
            costs[0].push(measured("a runtime each", requests, |left| apart(server, left)));
            costs[1].push(measured("one runtime", requests, |left| together(server, left)));
        }
        let [apart, together] = costs.map(|rounds| rounds.into_iter().fold(f64::INFINITY, f64::min));
        println!(
            "best rounds: a runtime each {apart:.1} µs, one {together:.1} µs, ratio {:.2}",
            together / apart
        );
    }

    /// CPU microseconds per request, server included.
    fn measured(name: &str, requests: usize, load: impl FnOnce(Arc<AtomicUsize>)) -> f64 {
        let (begun, cpu) = (Instant::now(), cpu_time_of_all());
        load(Arc::new(AtomicUsize::new(requests)));
        let cost = (cpu_time_of_all() - cpu).as_secs_f64() * 1e6 / requests as f64;
        let rate = requests as f64 / begun.elapsed().as_secs_f64();
        println!("{name:14} {cost:6.1} µs CPU each, {rate:8.0} a second");
        cost
    }

    fn apart(server: SocketAddr, left: Arc<AtomicUsize>) {
        let threads = [(); THREADS].map(|()| {
            let left = left.clone();
            thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(share(server, IN_FLIGHT / THREADS, left));
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
    }

    fn together(server: SocketAddr, left: Arc<AtomicUsize>) {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).enable_all().build().expect("a runtime");
        runtime.block_on(share(server, IN_FLIGHT, left));
    }

    async fn share(server: SocketAddr, tasks: usize, left: Arc<AtomicUsize>) {
        let client = Arc::new(Client::new(&ClientSettings { max_idle: IN_FLIGHT }));
        let question = Arc::new(question(server));
        let task = |_| tokio::spawn(ask(client.clone(), question.clone(), left.clone()));
        let tasks: Vec<_> = (0..tasks).map(task).collect();
        for task in tasks {
            task.await.expect("a task");
        }
    }

    async fn ask(client: Arc<Client>, question: Arc<Question>, left: Arc<AtomicUsize>) {
        let (_running, stop) = watch::channel(false);
        let one_less = |left: usize| left.checked_sub(1);
        while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            super::ask(&client, &question, number, &stop).await;
        }
    }
}

async fn bare(server: SocketAddr, requests: usize) {
    in_flight(requests, async |numbers| {
        let stream = TcpStream::connect(server).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        while let Some(number) = numbers.take() {
            let request = Request::get(format!("/films/tt{number:07}?apikey=abc"))
                .header("host", server.to_string())
                .header("user-agent", "bench")
                .header("accept", "application/json, */*;q=0.5")
                .header("accept-encoding", "gzip, br, zstd, deflate")
                .body(Empty::<Bytes>::new())
                .expect("a request");
            sender.ready().await.expect("a connection");
            let answer = sender.send_request(request).await.expect("an answer");
            answer.into_body().collect().await.expect("a body");
        }
    })
    .await;
}

async fn asked(server: SocketAddr, requests: usize) {
    let client = Client::new(&ClientSettings { max_idle: IN_FLIGHT });
    let (_running, stop) = watch::channel(false);
    let (client, question, stop) = (&client, &question(server), &stop);
    in_flight(requests, async |numbers| {
        while let Some(number) = numbers.take() {
            ask(client, question, number, stop).await;
        }
    })
    .await;
}

fn question(server: SocketAddr) -> Question {
    let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
    let mut questions =
        Question::compile_all(&[endpoint(server)], &columns, &Secrets::default()).expect("a question");
    questions.remove(0)
}

async fn ask(client: &Client, question: &Question, number: usize, stop: &watch::Receiver<bool>) {
    let record = Record(Value::Text(format!("tt{number:07}")));
    let request = question.build(&record).expect("a request");
    let asked = client.ask(question, &request, &Free, stop, |most| most.mul_f64(fastrand::f64())).await;
    assert!(asked.answer.is_ok(), "{asked:?}");
}

/// So many tasks, which take numbers until none are left.
async fn in_flight(requests: usize, task: impl AsyncFn(&Numbers)) {
    let numbers = Numbers(Cell::new(requests));
    futures_util::future::join_all((0..IN_FLIGHT).map(|_| task(&numbers))).await;
}

/// What is left to ask.
struct Numbers(Cell<usize>);

impl Numbers {
    fn take(&self) -> Option<usize> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(self.0.get())
    }
}

struct Record(Value);

impl Values for Record {
    fn input(&self, _: usize) -> &Value {
        &self.0
    }

    fn answer(&self, _: usize, _: usize) -> Option<&Value> {
        None
    }
}

struct Free;

impl Pacer for Free {
    type Permit = ();

    async fn start(&self, _: &Origin) -> Result<(), Refused> {
        Ok(())
    }
}

fn endpoint(server: SocketAddr) -> Endpoint {
    let literal = |text: &str| Part::Literal(text.to_owned());
    let parts = vec![literal(&format!("http://{server}/films/")), Part::Input("id".to_owned())];
    let query = vec![("apikey".to_owned(), Template { parts: vec![literal("abc")] })];
    Endpoint { params: query, ..Endpoint::get("films", Template { parts }, Vec::new()) }
}

fn server() -> SocketAddr {
    let (ready, address) = mpsc::channel();
    let serving = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            ready.send(listener.local_addr().expect("a port")).expect("the main thread");
            let film = Bytes::from(format!(r#"{{"Title":"Carmencita","Plot":"{}"}}"#, "x".repeat(1170)));
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, film.clone()));
            }
        });
    };
    thread::Builder::new().name("origin".to_owned()).spawn(serving).expect("a thread");
    address.recv().expect("the server")
}

async fn serve(stream: TcpStream, film: Bytes) {
    let service = service_fn(|_| {
        let answer = Response::new(Full::new(film.clone()));
        async { Ok::<_, Infallible>(answer) }
    });
    let served = stream.set_nodelay(true).map(|()| TokioIo::new(stream));
    if let Ok(stream) = served {
        // A client that goes away ends it.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}
