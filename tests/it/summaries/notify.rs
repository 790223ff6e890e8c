//! `[notify]`: who is told how a command ended, and what becomes of it where the other side does not do its part.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{are_valid, kept, printed};
use crate::support::processes::{naming, until};
use crate::support::{Origin, Sandbox, at_most, ended, free_port, small_job, wait};

/// What a server does with one request.
#[derive(Debug, Clone, Copy)]
enum Act {
    Answer(u16),
    /// Reads it, and says nothing.
    Hang,
    Reset,
    /// Leads elsewhere.
    Redirect,
}

/// A server that is told, by one thread.
struct Hook {
    port: u16,
    told: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Hook {
    /// Does this with the first requests, the last of it with all others.
    fn start(acts: &'static [Act]) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let noted = told.clone();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let act = acts[noted.lock().unwrap().len().min(acts.len() - 1)];
                noted.lock().unwrap().push(read(&mut stream));
                match act {
                    Act::Answer(status) => {
                        // Some repeat what they were asked.
                        let asked = noted.lock().unwrap().last().unwrap().0.replace("\r\n", " ");
                        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", asked.len());
                        let _ = stream.write_all((head + &asked).as_bytes());
                    }
                    Act::Redirect => {
                        let head = format!("HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:{port}/other\r\n");
                        let _ = write!(stream, "{head}content-length: 0\r\n\r\n");
                    }
                    Act::Hang => held.push(stream),
                    Act::Reset => drop(stream),
                }
            }
        });
        Hook { port, told }
    }

    fn told(&self) -> Vec<(String, Value)> {
        self.told.lock().unwrap().clone()
    }
}

/// The head of a request, and its JSON.
fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

struct Site {
    sandbox: Sandbox,
    origin: Origin,
}

impl Site {
    fn new(notify: &str) -> Site {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        small_job(&sandbox, &origin, 20, "", "");
        sandbox.edit("small.toml", "[table]", &format!("[notify]\n{notify}\n\n[table]"));
        Site { sandbox, origin }
    }

    /// A program that is told.
    fn program(&self, text: &str) {
        let path = self.sandbox.write("tell.sh", format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn the_summary_is_posted_as_it_is_printed_and_kept() {
    let hook = Hook::start(&[Act::Answer(200)]);
    let site = Site::new(&format!("url = \"http://127.0.0.1:{}/ping/{{exit}}?state={{state}}\"", hook.port));
    let told = site.sandbox.run(["run", "small.toml", "--summary", "json"]).with_code(0);
    let summary = printed(&told);
    let [(head, posted)] = &hook.told()[..] else { panic!("{:?}", hook.told()) };
    assert_eq!((posted, Some(posted)), (&summary, kept(&site.sandbox.newest_run("small")).as_ref()));
    assert!(head.starts_with("POST /ping/0?state=published HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/json\r\n"), "{head}");
    assert!(!told.stderr.contains("notify"), "{}", told.stderr);
    are_valid(&[summary]);

    site.sandbox.edit("small.toml", "[notify]", "[publish]\nmin_rows = 99\n[notify]");
    site.sandbox.run(["run", "small.toml"]).with_code(1);
    assert!(hook.told()[1].0.starts_with("POST /ping/1?state=refused "));
    site.sandbox.run(["merge", "small", "--anyway"]).with_code(0);
    assert_eq!(
        (&hook.told()[2].1["command"], &hook.told()[2].1["state"]),
        (&"merge".into(), &"published".into())
    );
}

#[test]
fn what_a_person_does_and_a_trial_is_told_to_nobody_unless_they_say_so() {
    let hook = Hook::start(&[Act::Answer(204)]);
    let site = Site::new(&format!("url = \"http://127.0.0.1:{}/\"", hook.port));
    site.sandbox.run(["run", "small.toml", "--sample", "3"]).with_code(0);
    site.sandbox.run(["run", "small.toml", "--sample", "3", "--runs", "/dev/null/x"]).with_code(4);
    site.sandbox.run(["plan", "small.toml"]).with_code(0);
    assert!(hook.told().is_empty());
    site.sandbox.edit("small.toml", "[notify]", "[notify]\non = [\"paused\", \"fetched\"]");
    site.sandbox.run(["run", "small.toml", "--max-requests", "4"]).with_code(7);
    site.sandbox.run(["run", "small.toml"]).with_code(0);
    let states: Vec<Value> = hook.told().iter().map(|(_, told)| told["state"].clone()).collect();
    assert_eq!(states, ["paused"]);
}

/// A webhook's address is a secret as a whole, and where it is not set the run is none the worse.
#[test]
fn a_secret_address_is_never_shown_and_one_that_is_not_set_is_told() {
    let hook = Hook::start(&[Act::Answer(500)]);
    let site = Site::new("url = \"${PING_URL}\"");
    let run = |address: Option<String>| {
        let mut command = site.sandbox.command(["run", "small.toml", "--summary", "json"]);
        command.env_remove("PING_URL").envs(address.map(|address| ("PING_URL", address)));
        ended(command).with_code(0)
    };
    let address = format!("http://127.0.0.1:{}/services/T0SECRET/B1SECRET", hook.port);
    let told = run(Some(address)).saying("small: [notify] could not tell that the state is published: ");
    let told = told.saying(&format!("http://127.0.0.1:{} status: ", hook.port));
    assert!(!told.stderr.contains("SECRET"), "{}", told.stderr);
    assert_eq!(hook.told().len(), 3, "it is tried three times");
    assert!(hook.told()[0].0.starts_with("POST /services/T0SECRET/B1SECRET "));
    run(None).saying("the secret ${PING_URL} is not set");
    run(Some("hooks.example.com/T0SECRET".into())).saying("${PING_URL} is no URL that starts with http://");
}

#[test]
fn a_server_that_does_not_do_its_part_costs_seconds_and_changes_nothing() {
    for (acts, least, most, said, asked) in [
        (&[Act::Reset, Act::Answer(503), Act::Answer(200)][..], 0, 8, "", 3),
        (&[Act::Answer(404)], 0, 5, " status: 404 ", 1),
        (&[Act::Redirect], 0, 5, "redirect", 1),
        (&[Act::Hang], 9, 14, "timeout: ", 1),
    ] {
        let hook = Hook::start(acts);
        let site = Site::new(&format!("url = \"http://127.0.0.1:{}/\"", hook.port));
        site.sandbox.run(["run", "small.toml"]).with_code(0);
        let (began, before) = (Instant::now(), hook.told().len());
        assert_eq!(before, asked, "{acts:?}");
        let told = site.sandbox.run(["merge", "small"]).with_code(0);
        let took = began.elapsed();
        if said.is_empty() {
            assert!(!told.stderr.contains("[notify]"), "{}", told.stderr);
            continue;
        }
        assert!(told.stderr.contains("[notify] could not tell"), "{}", told.stderr);
        assert!(told.stderr.contains(said), "{said:?} is not in {}", told.stderr);
        assert!(took >= Duration::from_secs(least), "{acts:?}: {took:?}");
        assert!(took < at_most(Duration::from_secs(most)), "{acts:?}: {took:?}");
    }
    // Nobody listens there.
    let site = Site::new(&format!("url = \"http://127.0.0.1:{}/\"", free_port()));
    site.sandbox.run(["run", "small.toml"]).with_code(0).saying("connect: ");
}

#[test]
fn a_program_reads_the_summary_in_the_jobs_folder() {
    let site = Site::new("command = [\"./tell.sh\", \"a b\"]");
    site.program("cat > \"told-$1.json\"; echo to nobody");
    let told = site.sandbox.run(["run", "small.toml", "--summary", "json"]).with_code(0);
    let text = std::fs::read_to_string(site.sandbox.path().join("told-a b.json")).unwrap();
    assert_eq!(text, told.stdout, "the same, byte by byte");
}

#[test]
fn a_program_that_does_not_do_its_part_costs_seconds_and_changes_nothing() {
    let site = Site::new("command = [\"./tell.sh\"]");
    let tell = |program: &str| {
        site.program(program);
        let began = Instant::now();
        let told = site.sandbox.run(["run", "small.toml"]).with_code(0);
        (told.saying("published 20 rows"), began.elapsed())
    };
    let quick = at_most(Duration::from_secs(8));
    let (told, took) = tell("echo it is broken >&2; echo really >&2; exit 3");
    told.saying(
        "[notify] could not tell that the state is published: ./tell.sh: exit status: 3: it is broken really",
    );
    assert!(took < quick);
    // It reads nothing, writes a lot, and leaves somebody behind who holds its output open.
    for program in ["exit 0", "yes | head -c 3000000; yes | head -c 3000000 >&2", "sleep 20 & exit 0"] {
        let (told, took) = tell(program);
        assert!(!told.stderr.contains("[notify]") && took < quick, "{program}: {took:?}\n{}", told.stderr);
    }
    let place = site.sandbox.path().join("sleeper");
    let sleep = format!("sh -c 'sleep 1000; echo' {} & wait", place.display());
    let (told, took) = tell(&sleep);
    told.saying("./tell.sh: no end within 10 s").saying("published 20 rows");
    assert!(took >= Duration::from_secs(10) && took < at_most(Duration::from_secs(16)), "{took:?}");
    until(Duration::from_secs(5), "it is killed with all that it started", || naming(&place).is_empty());
    std::fs::remove_file(site.sandbox.path().join("tell.sh")).unwrap();
    let told = site.sandbox.run(["run", "small.toml"]).with_code(0);
    told.saying("./tell.sh: cannot be started: No such file");
}

#[test]
fn a_signal_ends_it() {
    let site = Site::new("command = [\"./tell.sh\"]");
    site.program("touch begun; sleep 1000");
    let running = site.sandbox.start(["run", "small.toml"]);
    until(Duration::from_secs(60), "it is told", || site.sandbox.path().join("begun").exists());
    let began = Instant::now();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.id().cast_signed()), nix::sys::signal::SIGINT)
        .unwrap();
    wait(running)
        .with_code(0)
        .saying("[notify] could not tell that the state is published: ./tell.sh: interrupted");
    assert!(began.elapsed() < at_most(Duration::from_secs(5)));
    let _ = &site.origin;
}
