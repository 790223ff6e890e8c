//! What do people, Prometheus and systemd see?

use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::stage::{SOON, Serving, Stage, served};
use crate::support::processes::until;

#[test]
fn the_page_shows_each_job_and_asks_for_nothing_else() {
    let (_stage, serving) = served();
    let page = serving.get("/").with_status(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = page.text();
    for part in ["prices", "/prices.json", "/prices.csv", "/prices.parquet", "curl"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in ["<script", "src=", "@import", "url("] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    serving.end();
}

#[test]
fn metrics_are_what_happened() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"1h\"");
    let serving = stage.serve();
    serving.wait_for("/prices.json");
    (0..3).for_each(|_| drop(serving.get("/prices/a").with_status(200)));
    serving.get("/prices/nobody").with_status(404);
    let figure = |text: &str, start: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(start)?.trim().parse::<f64>().ok());
        line.unwrap_or(f64::NAN)
    };
    until(SOON, "the run is counted", || {
        figure(
            &serving.get("/metrics").text(),
            "windrow_serve_runs_ended_total{windrow_job=\"prices\",exit=\"0\"}",
        ) == 1.0
    });
    let metrics = serving.get("/metrics").with_status(200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let text = metrics.text();
    for (start, expected) in [
        ("windrow_serve_requests_total{route=\"row\",status=\"2xx\"}", 3.0),
        ("windrow_serve_requests_total{route=\"row\",status=\"4xx\"}", 1.0),
        ("windrow_serve_runs_started_total{windrow_job=\"prices\"}", 1.0),
        ("windrow_serve_generations_total{table=\"prices\",result=\"loaded\"}", 1.0),
        ("windrow_serve_table_rows{windrow_job=\"prices\",table=\"prices\"}", 3.0),
    ] {
        assert_eq!(figure(&text, start), expected, "{start}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    serving.end();
}

/// The socket is open before the program is: nobody is refused while it is started again.
#[test]
fn it_listens_where_systemd_has_and_tells_it_that_it_is_there() {
    let stage = Stage::new();
    stage.run().with_code(0);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told_at = stage.sandbox.path().join("notify");
    let manager = UnixDatagram::bind(&told_at).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // As systemd does it: the socket is the third file, and the process knows that it is meant.
    let shell = format!(
        "exec 3<&{}; LISTEN_FDS=1 LISTEN_PID=$$ WATCHDOG_PID=$$ WATCHDOG_USEC=300000 exec \"$0\" serve prices.toml --no-runs",
        listener.as_raw_fd()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &shell, env!("CARGO_BIN_EXE_windrow")]).env("NOTIFY_SOCKET", &told_at);
    stage.sandbox.confine(&mut command);
    inherit(&listener);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut told = [0; 100];
    let mut next = || {
        let bytes = manager.recv(&mut told).expect("it tells");
        String::from_utf8_lossy(&told[..bytes]).into_owned()
    };
    assert_eq!(next().trim(), "READY=1");
    for _ in 0..4 {
        assert_eq!(next().trim(), "WATCHDOG=1");
    }
    let serving = Serving::started(child, address, &stage.sandbox);
    serving.wait_for("/prices.json");
    serving.end();
}

/// A socket unit at an address that others reach, and no token: whoever came would be answered.
#[test]
fn a_socket_that_others_reach_wants_a_token_too() {
    let stage = Stage::new();
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let shell = format!(
        "exec 3<&{}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve prices.toml --no-runs",
        listener.as_raw_fd()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &shell, env!("CARGO_BIN_EXE_windrow")]);
    stage.sandbox.confine(&mut command);
    inherit(&listener);
    crate::support::ended(command).with_code(2).saying("--token-file");
}

/// A job that has never run is new, and not ill.
#[test]
fn a_table_that_was_never_published_is_no_trouble_and_not_ready() {
    let stage = Stage::new();
    let serving = stage.serve_only();
    let told = serving.get("/prices.json").with_status(503);
    assert_eq!(told.json()["detail"], "prices: nothing was published yet");
    assert_eq!(serving.get("/readyz").status, 503);
    std::thread::sleep(Duration::from_millis(700));
    assert!(!serving.get("/").text().contains("not well"), "{}", serving.get("/").text());
    serving.end();
}

/// Has children have it, too.
fn inherit(listener: &std::net::TcpListener) {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
}
