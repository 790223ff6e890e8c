//! Read as Prometheus reads them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Figures;
use crate::handoff::StateOfRun;
use crate::monitor::reader::read_by_prometheus;
use crate::serve::standing::tests::{NOW, hostile, prices};

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// Samples but those of buckets and zeros, in order.
fn samples(text: &str) -> String {
    let read = read_by_prometheus(text);
    let tells = |line: &&String| !line.contains("_bucket ") && !line.ends_with(" 0");
    let mut samples: Vec<&String> = read.iter().filter(tells).collect();
    samples.sort();
    samples.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn prometheus_reads_the_figures_as_they_are() {
    let figures = Figures::new();
    figures.answered("table", 200, 1 << 40, 0.3);
    figures.answered("table", 304, 0, 0.3);
    figures.answered("row", 404, 20, 0.0001);
    figures.answered("page", 503, 30, 40.0);
    figures.started("prices");
    figures.ended("prices", Some(75));
    figures.ended("prices", None);
    figures.loaded("prices", true);
    figures.loaded("prices", false);
    let open = figures.connected();
    let closed = figures.connected();
    drop(closed);
    insta::assert_snapshot!(samples(&figures.open_metrics(&[prices()], now())), @r#"
    counter - windrow_serve_generations_total result='loaded' table='prices' 1
    counter - windrow_serve_generations_total result='refused' table='prices' 1
    counter - windrow_serve_requests_total route='page' status='5xx' 1
    counter - windrow_serve_requests_total route='row' status='4xx' 1
    counter - windrow_serve_requests_total route='table' status='2xx' 1
    counter - windrow_serve_requests_total route='table' status='3xx' 1
    counter - windrow_serve_runs_ended_total exit='75' windrow_job='prices' 1
    counter - windrow_serve_runs_ended_total exit='signal' windrow_job='prices' 1
    counter - windrow_serve_runs_started_total windrow_job='prices' 1
    counter bytes windrow_serve_sent_bytes_total  1099511627826
    gauge - windrow_serve_connections_open  1
    gauge - windrow_serve_last_run_failed_requests windrow_job='prices' 3.0
    gauge - windrow_serve_last_run_rows windrow_job='prices' 1201.0
    gauge - windrow_serve_running windrow_job='prices' 0.0
    gauge - windrow_serve_table_in_memory table='prices' windrow_job='prices' 1.0
    gauge - windrow_serve_table_ready table='prices' windrow_job='prices' 1.0
    gauge - windrow_serve_table_rows table='prices' windrow_job='prices' 1201.0
    gauge - windrow_serve_up windrow_job='prices' 1.0
    gauge bytes windrow_serve_table_size_bytes table='prices' windrow_job='prices' 48213.0
    gauge seconds windrow_serve_last_run_duration_seconds windrow_job='prices' 1.3
    gauge seconds windrow_serve_last_run_timestamp_seconds windrow_job='prices' 1796081909.0
    gauge seconds windrow_serve_next_run_timestamp_seconds windrow_job='prices' 1796082210.0
    gauge seconds windrow_serve_table_age_seconds table='prices' windrow_job='prices' 190.0
    histogram seconds windrow_serve_request_seconds_count route='page' 1
    histogram seconds windrow_serve_request_seconds_count route='row' 1
    histogram seconds windrow_serve_request_seconds_count route='table' 2
    histogram seconds windrow_serve_request_seconds_sum route='page' 40.0
    histogram seconds windrow_serve_request_seconds_sum route='row' 0.0001
    histogram seconds windrow_serve_request_seconds_sum route='table' 0.6
    "#);
    drop(open);
    assert!(figures.open_metrics(&[], now()).contains("windrow_serve_connections_open 0\n"));
}

#[test]
fn what_has_not_happened_is_a_zero_and_what_is_not_known_is_not_there() {
    let mut job = prices();
    job.last = None;
    job.next = None;
    job.tables[0].generation = None;
    let read = read_by_prometheus(&Figures::new().open_metrics(&[job], now())).join("\n");
    for zero in [
        "windrow_serve_requests_total route='table' status='5xx' 0",
        "windrow_serve_runs_started_total windrow_job='prices' 0",
        "windrow_serve_runs_ended_total exit='0' windrow_job='prices' 0",
        "windrow_serve_generations_total result='refused' table='prices' 0",
        "windrow_serve_table_ready table='prices' windrow_job='prices' 0",
        "windrow_serve_up windrow_job='prices' 1",
    ] {
        assert!(read.contains(zero), "{zero}: {read}");
    }
    for unknown in ["table_age", "table_rows", "last_run", "next_run"] {
        assert!(!read.contains(unknown), "{unknown}: {read}");
    }
}

#[test]
fn a_table_that_grows_old_is_seen_in_its_figures() {
    let (job, figures) = (prices(), Figures::new());
    let at =
        |seconds: u64| figures.open_metrics(std::slice::from_ref(&job), now() + Duration::from_secs(seconds));
    let labels = r#"{windrow_job="prices",table="prices"}"#;
    let fresh = at(0);
    assert!(fresh.contains(&format!("windrow_serve_table_age_seconds{labels} 190.0\n")), "{fresh}");
    assert!(fresh.contains("windrow_serve_up{windrow_job=\"prices\"} 1.0\n"), "{fresh}");
    let old = at(3600);
    assert!(old.contains(&format!("windrow_serve_table_age_seconds{labels} 3790.0\n")), "{old}");
    assert!(old.contains(&format!("windrow_serve_table_ready{labels} 0.0\n")), "{old}");
    assert!(old.contains("windrow_serve_up{windrow_job=\"prices\"} 0.0\n"), "{old}");
}

#[test]
fn names_are_labels_whatever_is_in_them() {
    let job = hostile("a\"b\\c\nd{e=\"f\"} 1 # é\r\u{0}\u{202e}");
    let figures = Figures::new();
    figures.ended(&job.name, Some(1));
    let read = read_by_prometheus(&figures.open_metrics(&[job], now()));
    let of_job = |line: &&String| line.contains("windrow_job=");
    let expected = r#"windrow_job='a"b\\c\nd{e="f"} 1 # é\r\x00\u202e'"#;
    assert!(read.iter().any(|line| line.contains("windrow_serve_runs_ended_total")), "{read:#?}");
    assert!(read.iter().filter(of_job).all(|line| line.contains(expected)), "{read:#?}");
}

/// Whoever asks cannot add to what Prometheus has to store.
#[test]
fn a_million_answers_are_as_many_series_as_one_of_each_kind() {
    let figures = Figures::new();
    let lines = || figures.open_metrics(&[], now()).lines().count();
    for route in super::ROUTES {
        figures.answered(route, 200, 1, 0.1);
    }
    let before = lines();
    for status in 200..=u16::MAX {
        figures.answered("row", status, 1, f64::from(status));
    }
    assert_eq!(lines(), before);
}

#[test]
fn threads_count_together() {
    let figures = Arc::new(Figures::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| figures.answered("table", 200, 3, 0.01)));
        }
    });
    let text = figures.open_metrics(&[], now());
    assert!(text.contains("windrow_serve_requests_total{route=\"table\",status=\"2xx\"} 4000\n"), "{text}");
    assert!(text.contains("windrow_serve_sent_bytes_total 12000\n"), "{text}");
}

/// Figures as `docs/serving-for-weeks.md` lists them, and all that its alerts name.
#[test]
fn the_documentation_names_the_figures_that_there_are() {
    let page = include_str!("../../../docs/serving-for-weeks.md");
    let figures = Figures::new();
    figures.answered("table", 200, 1, 1.0);
    let text = figures.open_metrics(&[prices()], now());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let name = |(name, ty)| if ty == "counter" { format!("{name}_total") } else { String::from(name) };
    let figures: BTreeSet<String> = types.map(name).collect();
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("| `windrow_serve_")?.split(['`', '{']).next());
    let listed: BTreeSet<String> = rows.map(|name| format!("windrow_serve_{name}")).collect();
    assert_eq!(listed, figures);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = page.split(|c| !is_of_name(c)).filter(|word| word.starts_with("windrow_serve_"));
    let without_ending = |word: &str| word.trim_end_matches("_bucket").to_owned();
    let unknown: Vec<&str> = words.filter(|word| !figures.contains(&without_ending(word))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_job_that_waits_is_up_and_one_that_failed_is_not() {
    let up = |state: StateOfRun| {
        let mut job = prices();
        job.last.as_mut().unwrap().state = state;
        Figures::new().open_metrics(&[job], now()).contains("windrow_serve_up{windrow_job=\"prices\"} 1.0\n")
    };
    let well: Vec<StateOfRun> = StateOfRun::ALL.into_iter().filter(|state| up(*state)).collect();
    use StateOfRun::{Fetched, Interrupted, Paused, Published, Running};
    assert_eq!(well, [Running, Published, Paused, Interrupted, Fetched]);
}
