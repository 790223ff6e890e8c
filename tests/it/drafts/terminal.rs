//! A shell in a terminal: from a curl command that is pasted to the rows of the table, each command printed by the one
//! before.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};

use crate::support::{Origin, Sandbox, film_ids, published};

const PROMPT: &str = "shell$ ";
const PATIENCE: Duration = Duration::from_secs(120);

/// A shell in a terminal.
struct Shell {
    keys: File,
    said: Arc<Mutex<String>>,
    bash: Child,
    /// How much of what was said has been looked at.
    seen: usize,
}

impl Shell {
    fn start(sandbox: &Sandbox) -> Shell {
        let size = Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let mut command = Command::new("bash");
        sandbox.confine(command.args(["--noprofile", "--norc", "-i"]));
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_windrow")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("PS1", PROMPT).env("TERM", "dumb").env("HISTFILE", "/dev/null");
        command.stdin(terminal.slave.try_clone().unwrap());
        command.stdout(terminal.slave.try_clone().unwrap()).stderr(Stdio::from(terminal.slave));
        // SAFETY: between fork and exec only calls that are safe there: a session of its own, whose terminal this is.
        unsafe {
            std::os::unix::process::CommandExt::pre_exec(&mut command, || {
                nix::unistd::setsid()?;
                match nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let bash = command.spawn().unwrap();
        drop(command);
        let keys = File::from(terminal.master);
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, mut reading) = (said.clone(), keys.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reading.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        let mut shell = Shell { keys, said, bash, seen: 0 };
        shell.until(PROMPT);
        shell
    }

    /// Types.
    fn keys(&mut self, text: &str) {
        for piece in text.as_bytes().chunks(512) {
            self.keys.write_all(piece).unwrap();
        }
    }

    /// What is said from where one looked last until this comes.
    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        let began = Instant::now();
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some(at) = said[self.seen..].find(end) {
                let part = said[self.seen..self.seen + at].to_owned();
                self.seen += at + end.len();
                return part.replace('\r', "");
            }
            assert!(began.elapsed() < PATIENCE, "{end:?} does not come:\n{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Runs a command to its end, which must be well; what it said.
    #[track_caller]
    fn run(&mut self, command: &str) -> String {
        self.keys(&format!("{command}\n"));
        self.ended(command)
    }

    #[track_caller]
    fn ended(&mut self, command: &str) -> String {
        let said = self.until(PROMPT);
        self.keys("echo code $?\n");
        let code = self.until(PROMPT);
        assert!(code.contains("code 0"), "{command} ended with {code}:\n{said}");
        said
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}

/// The command that was printed as the next.
#[track_caller]
fn next(said: &str) -> String {
    let next = said.lines().find_map(|line| line.strip_prefix("next: "));
    next.unwrap_or_else(|| panic!("no next command in\n{said}")).to_owned()
}

/// From the paste to the rows, in five commands.
#[track_caller]
fn from_paste_to_table(paste: impl FnOnce(&str) -> String) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let ids = film_ids(30);
    sandbox.write(
        "ids.csv",
        format!("imdb_id,country\n{}", ids.iter().map(|id| format!("{id},US\n")).collect::<String>()),
    );
    let url = format!("{}/?i={}&plot=full", origin.url(), ids[7]);
    let mut shell = Shell::start(&sandbox);
    shell.keys("windrow init films --from-curl --ids ids.csv --env-file films.env\n");
    shell.until("press Ctrl-D:");
    let paste = paste(&url);
    assert!(paste.lines().any(|line| line.len() > 4_096), "longer than what a terminal hands over of a line");
    shell.keys(&format!("{paste}\n\u{4}"));
    let init = shell.ended("init");
    let check = next(&init);
    assert_eq!(check, "windrow check films.toml --env-file films.env");
    let trial = next(&shell.run(&check));
    assert_eq!(trial, "windrow run films.toml --sample 10 --env-file films.env");
    let run = next(&shell.run(&trial));
    assert_eq!(run, "windrow run films.toml --env-file films.env");
    let said = shell.run(&run);
    assert!(said.contains("hint: `windrow query films` shows the rows"), "{said}");
    let rows = shell.run("windrow query films");
    assert!(rows.contains("The Land Girls"), "{rows}");
    let told = published(
        &sandbox.path().join("films.duckdb"),
        "SELECT count(*), count(title), min(year), max(imdb_votes) FROM films",
    );
    assert_eq!(told.len(), 1, "{told:?}");
    let job = std::fs::read_to_string(sandbox.path().join("films.toml")).unwrap();
    assert!(!job.contains("geheim") && job.contains("${FILMS_TOKEN}"), "{job}");
    let env = std::fs::read_to_string(sandbox.path().join("films.env")).unwrap();
    assert!(env.contains("geheim"), "{env}");
}

#[test]
fn from_a_curl_command_of_a_browser_to_a_table() {
    let token = format!("geheim{}", "x".repeat(5_000));
    from_paste_to_table(|url| {
        format!(
            "curl '{url}' \\\n  -H 'accept: application/json' \\\n  -H 'accept-language: en-US,en;q=0.9' \\\n  \
             -H 'authorization: Bearer {token}' \\\n  -H 'sec-ch-ua: \"Chromium\";v=\"140\"' \\\n  \
             -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'"
        )
    });
}

#[test]
fn from_a_curl_command_of_a_browser_on_windows_to_a_table() {
    let token = format!("geheim{}", "x".repeat(5_000));
    from_paste_to_table(|url| {
        let url = url.replace('&', "^&");
        format!(
            "curl ^\"{url}^\" ^\n  -H ^\"accept: application/json^\" ^\n  -H ^\"authorization: Bearer {token}^\" ^\n  \
             -H ^\"sec-ch-ua: ^\\^\"Chromium^\\^\";v=^\\^\"140^\\^\"^\" ^\n  -H ^\"user-agent: Mozilla/5.0 (Windows NT 10.0; \
             Win64; x64)^\""
        )
    });
}
