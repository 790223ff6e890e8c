//! Limits, queues and costs, and what is noted of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, report, started};

const FILM: &str = "/?i=tt0000001";

fn film(port: u16) -> String {
    ask(port, "GET", FILM, "", "").0
}

fn status(head: &str) -> &str {
    &head["HTTP/1.1 ".len()..][..3]
}

#[test]
fn requests_are_noted_as_they_arrive() {
    let port = started(r#"{"arrivals": true}"#);
    for target in [FILM, "/nothing", "/business/tt0000001"] {
        ask(port, "GET", target, "", "");
    }
    let told = report(port, "arrivals?full=1");
    assert_eq!(
        (&told["count"], &told["most_in_1s"], &told["max_in_flight"]),
        (&json!(3), &json!(3), &json!(1))
    );
    assert_eq!(told["by_port"].as_object().map(|ports| ports.len()), Some(3));
    let endpoints: Vec<&Value> =
        told["arrivals"].as_array().expect("a list").iter().map(|one| &one[1]).collect();
    assert_eq!(endpoints, [&json!("omdb"), &Value::Null, &json!("business")]);
    let (first, last) =
        (told["first_us"].as_u64().expect("a time"), told["last_us"].as_u64().expect("a time"));
    let between = report(port, &format!("arrivals?from={}&to={last}", first + 1));
    assert_eq!(between["count"], 1);
    ask(port, "POST", "/_admin/reset", "", "");
    assert_eq!(report(port, "arrivals")["count"], 0);
}

#[test]
fn a_server_that_is_down_sees_who_knocks() {
    let port = started(r#"{"arrivals": true, "down": true}"#);
    assert_eq!(film(port), "");
    assert_eq!(report(port, "arrivals")["count"], 1);
}

#[test]
fn nothing_is_noted_unasked() {
    let port = started(r#"{"refuse_next": 1}"#);
    film(port);
    let told = report(port, "arrivals");
    assert_eq!((&told["count"], &told["marks"]), (&json!(0), &json!([])));
}

#[test]
fn the_next_so_many_are_refused_and_marked_when_that_is_written() {
    let port = started(r#"{"refuse_next": 2, "retry_after": 7, "arrivals": true}"#);
    let heads = [film(port), film(port), film(port)];
    assert_eq!(heads.each_ref().map(|head| status(head)), ["429", "429", "200"]);
    assert!(heads[0].contains("retry-after: 7") && !heads[2].contains("retry-after"), "{heads:?}");
    let told = report(port, "arrivals?full=1");
    let marks = told["marks"].as_array().expect("a list");
    assert_eq!(marks.len(), 2);
    for (mark, arrivals) in marks.iter().zip(told["arrivals"].as_array().expect("a list").windows(2)) {
        let written = mark["written_us"].as_u64().expect("written");
        assert_eq!(mark["status"], 429);
        assert!(arrivals[0][0].as_u64() < Some(written) && Some(written) < arrivals[1][0].as_u64(), "{told}");
    }
    assert_eq!(report(port, "counts")["refusals"], json!({"429": 2}));
    assert_eq!(report(port, "knobs")["refuse_next"], 0);
}

#[test]
fn a_limit_refuses_what_is_beyond_it_and_tells_everybody() {
    let port = started(r#"{"limit": "2/1h", "limit_headers": "draft7"}"#);
    let heads = [film(port), film(port), film(port)];
    assert_eq!(heads.each_ref().map(|head| status(head)), ["200", "200", "429"]);
    let remaining = ["1", "0", "0"];
    for (head, remaining) in heads.iter().zip(remaining) {
        assert!(head.contains(&format!("ratelimit-remaining: {remaining}\r\n")), "{head}");
    }
    assert!(heads[2].contains("retry-after: ") && !heads[1].contains("retry-after"), "{heads:?}");
    assert_eq!(report(port, "counts")["refusals"], json!({"429": 1}));
}

#[test]
fn a_limits_window_ends() {
    let port = started(r#"{"limit": "1/300ms"}"#);
    let began = Instant::now();
    let mut answered = 0;
    while began.elapsed() < Duration::from_millis(900) {
        answered += u32::from(status(&film(port)) == "200");
    }
    assert!((2..=4).contains(&answered), "{answered}");
}

/// So many requests at once: their statuses, and how long the last took.
fn at_once(port: u16, requests: usize) -> (Vec<String>, Duration) {
    let began = Instant::now();
    let threads: Vec<_> = (0..requests).map(|_| std::thread::spawn(move || film(port))).collect();
    let heads = threads.into_iter().map(|thread| thread.join().expect("an answer"));
    let mut statuses: Vec<String> = heads.map(|head| status(&head).to_owned()).collect();
    statuses.sort();
    (statuses, began.elapsed())
}

#[test]
fn what_cannot_be_worked_on_at_once_queues() {
    let port = started(r#"{"capacity": 2, "latency_ms": 100, "arrivals": true}"#);
    let (statuses, took) = at_once(port, 6);
    assert_eq!(statuses, ["200"; 6]);
    assert!(took >= Duration::from_millis(300), "three turns of two: {took:?}");
    let in_flight = report(port, "arrivals")["max_in_flight"].as_u64();
    assert!(in_flight > Some(2), "who queues is in flight too: {in_flight:?}");
}

#[test]
fn a_full_queue_is_answered_503_at_once() {
    let port = started(r#"{"capacity": 1, "latency_ms": 1000, "overload_503": 1}"#);
    let (statuses, took) = at_once(port, 5);
    assert_eq!(statuses, ["200", "200", "503", "503", "503"]);
    // Two seconds, and five if all were answered one after the other.
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(report(port, "counts")["refusals"], json!({"503": 3}));
}

#[test]
fn films_say_what_they_cost_and_the_costs_are_counted() {
    let port = started(r#"{"tokens": true}"#);
    let cost = |target| {
        let (_, body) = ask(port, "GET", target, "", "");
        let document: Value = serde_json::from_slice(&body).expect("JSON");
        document["usage"]["total_tokens"].as_u64()
    };
    let costs = [FILM, FILM, "/business/tt6180338", "/?i=unknown"].map(cost);
    assert!(costs.iter().all(|cost| (50..=150).contains(&cost.unwrap_or(0))), "{costs:?}");
    assert_eq!(costs[0], costs[1]);
    assert_eq!((cost("/business/unknown"), cost("/numbers/1")), (None, None));
    assert_eq!(report(port, "counts")["tokens"].as_u64(), costs.into_iter().sum());
}
