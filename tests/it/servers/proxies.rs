//! Runs through a proxy: what is published, what it costs where the proxy is not there or refuses, and where its password is
//! found afterwards: nowhere.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::{Ended, Origin, Sandbox, canaries, ended, free_port};

const PASSWORD: &str = "pr0xy-canary-7f3a";
const WRONG: &str = "pr0xy-mistake-1b2c";
/// `me:` and the password, as the Basic scheme has them.
const BASIC: &str = "bWU6cHIweHktY2FuYXJ5LTdmM2E=";
const KEY: &str = "key-canary-55e1";

/// A proxy that passes on for whoever knows the password, and notes the heads that it is sent.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Proxy {
        Proxy::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    fn on(listener: TcpListener) -> Proxy {
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = noted.clone();
                // A client that hangs up is none of the proxy's business.
                std::thread::spawn(move || drop(serve(stream, &noted)));
            }
        });
        Proxy { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    noted.lock().unwrap().push(head.clone());
    if !head.contains(&format!("\r\nProxy-Authorization: Basic {BASIC}\r\n")) {
        client.write_all(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        return client.shutdown(Shutdown::Write);
    }
    let target = head.split(' ').nth(1).unwrap();
    let host = match target.strip_prefix("http://") {
        Some(rest) => rest.split('/').next().unwrap(),
        None => target,
    };
    let mut host_stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 Here you are\r\n\r\n")?;
    } else {
        let lines = head.lines().filter(|line| !line.starts_with("Proxy-"));
        let head = lines.collect::<Vec<_>>().join("\r\n").replacen(&format!("http://{host}"), "", 1);
        let head = head.replacen("HTTP/1.1\r\n", "HTTP/1.1\r\nConnection: close\r\n", 1);
        host_stream.write_all(format!("{}\r\n\r\n", head.trim_end()).as_bytes())?;
    }
    let (mut from, mut to) = (host_stream.try_clone()?, client.try_clone()?);
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut client, &mut host_stream);
    let _ = host_stream.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}

/// A job that asks a server what it was asked with.
fn job(sandbox: &Sandbox, url: &str, proxy: &str, more: &str) {
    sandbox.write("ids.txt", (0..40).map(|id| format!("{id}\n")).collect::<String>());
    let text = format!(
        "{more}\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n[defaults]\n{proxy}\n[[endpoint]]\nname = \"echo\"\n\
         url = \"{url}/echo/{{id}}\"\nheaders = {{ x-a = \"${{KEY}}\" }}\n\
         columns = {{ target = \".target\", headers = {{ jq = \".headers | keys\", type = \"json\" }} }}\n\
         [table]\nto = \"duckdb:by.duckdb\"\nmode = \"append\"\n[publish]\nmin_success = 0.5\n"
    );
    sandbox.write("by.toml", text);
}

#[track_caller]
fn run(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = sandbox.command(arguments);
    command.env("KEY", KEY).envs(variables.iter().copied());
    // What stands in a variable's URL is no value of a job's, but a secret all the same.
    canaries::add(sandbox.path(), [PASSWORD, WRONG, BASIC].map(str::to_owned));
    ended(command)
}

#[test]
fn what_is_fetched_through_a_proxy_is_published_and_its_password_is_nowhere() {
    for tls in [&[][..], &["--tls"]] {
        let (sandbox, proxy, origin) = (Sandbox::new(), Proxy::start(), Origin::start(tls));
        let ca = if tls.is_empty() { String::new() } else { format!("ca_file = {:?}\n", origin.authority) };
        let url = if tls.is_empty() { origin.url() } else { format!("https://localhost:{}", origin.port) };
        let line = format!("{ca}proxy = \"http://me:${{PW}}@127.0.0.1:{}\"", proxy.port);
        job(&sandbox, &url, &line, "job.keep_answers = \"all\"");
        run(&sandbox, &["run", "by.toml"], &[("PW", PASSWORD)]).with_code(0).saying("published 40 rows");
        let headers = sandbox.query("by", "SELECT DISTINCT headers FROM rows").concat();
        assert!(headers.contains("x-a") && !headers.contains("proxy"), "{headers}");
        let heads = proxy.heads();
        let begin = if tls.is_empty() { "GET http://127.0.0.1:" } else { "CONNECT localhost:" };
        assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(begin)), "{heads:?}");
        assert_eq!(
            heads.concat().contains(KEY),
            tls.is_empty(),
            "only what is not encrypted is seen on the way"
        );
        for arguments in
            [&["plan", "by.toml", "--new"][..], &["check", "by.toml"], &["status", "by"], &["failures", "by"]]
        {
            run(&sandbox, arguments, &[("PW", PASSWORD)]);
        }
    }
}

#[test]
fn the_environments_proxy_is_used_where_the_job_says_so_and_told_of_where_it_says_nothing() {
    let (proxy, origin) = (Proxy::start(), Origin::start(&[]));
    let address = format!("http://me:{PASSWORD}@127.0.0.1:{}", proxy.port);
    let all = [("http_proxy", address.as_str())];
    let told = "http_proxy is set and not used: requests go straight to their hosts";
    let of = |line: &str, variables: &[(&str, &str)]| {
        let sandbox = Sandbox::new();
        job(&sandbox, &origin.url(), line, "");
        let ended = run(&sandbox, &["run", "by.toml"], variables).with_code(0).saying("published 40 rows");
        ended.stderr.matches(told).count()
    };
    assert_eq!((of("", &all), proxy.heads().len()), (1, 0), "once, whatever the number of processes");
    assert_eq!((of("proxy = \"none\"", &all), proxy.heads().len()), (0, 0));
    let except = [all[0], ("no_proxy", "example.com, 127.0.0.0/8")];
    assert_eq!((of("proxy = \"environment\"", &except), proxy.heads().len()), (0, 0));
    assert_eq!(of("proxy = \"environment\"", &all), 0);
    assert!(proxy.heads().len() >= 40 && proxy.heads().iter().all(|head| head.contains("GET http://")));
}

#[test]
fn a_password_that_the_proxy_refuses_stops_the_run_and_a_right_one_goes_on_with_it() {
    for tls in [&[][..], &["--tls"]] {
        let (sandbox, proxy, origin) = (Sandbox::new(), Proxy::start(), Origin::start(tls));
        let ca = if tls.is_empty() { String::new() } else { format!("ca_file = {:?}\n", origin.authority) };
        let url = if tls.is_empty() { origin.url() } else { format!("https://localhost:{}", origin.port) };
        let line = format!("{ca}proxy = \"http://me:${{PW}}@127.0.0.1:{}\"", proxy.port);
        job(&sandbox, &url, &line, "");
        let stopped = run(&sandbox, &["run", "by.toml"], &[("PW", WRONG)]).with_code(2);
        let said = format!(
            "the first 20 answers of the proxy http://127.0.0.1:{}, asked with ${{PW}}, were all 407",
            proxy.port
        );
        stopped.saying(&said);
        assert!(!sandbox.path().join("by.duckdb").exists());
        let went_on = run(&sandbox, &["run", "by.toml"], &[("PW", PASSWORD)]).with_code(0);
        went_on.saying("continuing run").saying("published 40 rows");
    }
}

#[test]
fn a_proxy_that_is_down_is_waited_for_and_fails_no_record() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let port = free_port();
    job(
        &sandbox,
        &origin.url(),
        &format!("proxy = \"http://me:${{PW}}@127.0.0.1:{port}\""),
        "job.patience = \"1s\"",
    );
    let ended = run(&sandbox, &["run", "by.toml"], &[("PW", PASSWORD)]).with_code(75);
    ended.saying(&format!("the proxy http://127.0.0.1:{port}"));
    let proxy = Proxy::on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
    let ended = run(&sandbox, &["run", "by.toml"], &[("PW", PASSWORD)]).with_code(0);
    ended.saying("continuing run").saying("published 40 rows");
    assert!(proxy.heads().len() >= 40);
}

#[test]
fn what_cannot_be_a_proxy_is_told_before_anything_is_asked() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    job(&sandbox, &origin.url(), "proxy = \"environment\"", "");
    let socks = format!("socks5h://me:{PASSWORD}@127.0.0.1:1080");
    let ended = run(&sandbox, &["run", "by.toml"], &[("all_proxy", &socks)]).with_code(2);
    ended.saying("endpoint echo: the variable all_proxy: not supported: a SOCKS proxy");
    job(&sandbox, &origin.url(), "proxy = \"${PROXY}\"", "");
    run(&sandbox, &["run", "by.toml"], &[]).with_code(2).saying("secret ${PROXY} is not set");
    let ended = run(&sandbox, &["run", "by.toml"], &[("PROXY", &socks)]).with_code(2);
    ended.saying("endpoint echo: proxy: not supported: a SOCKS proxy");
    assert_eq!(origin.counts()["requests"].as_u64().unwrap_or_default(), 0);
}
