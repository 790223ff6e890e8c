//! What a person sees on a terminal while a run works, as an emulator of a terminal shows it.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use vt100::Parser;

use crate::support::processes::until;
use crate::support::{Origin, Sandbox, small_job};

/// How soon it is to be seen; ten times as long on a busy machine.
const SOON: Duration = Duration::from_secs(2);

/// A terminal with a run on it.
struct Terminal {
    screen: Arc<Mutex<Parser>>,
    run: Child,
}

impl Terminal {
    fn of(sandbox: &Sandbox, width: u16) -> Terminal {
        let size = Winsize { ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).unwrap();
        let mut command = sandbox.command(["run", "small.toml"]);
        command.env("TERM", "xterm").stdout(Stdio::null()).stderr(Stdio::from(terminal.slave));
        let run = command.spawn().unwrap();
        drop(command);
        let screen = Arc::new(Mutex::new(Parser::new(24, width, 0)));
        let (drawn, mut master) = (screen.clone(), File::from(terminal.master));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal that nobody writes to any more is an error.
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Terminal { screen, run }
    }

    fn lines(&self) -> Vec<String> {
        let parser = self.screen.lock().unwrap();
        let (_, width) = parser.screen().size();
        parser.screen().rows(0, width).collect()
    }

    fn shows(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        until(SOON, &format!("{text} is seen"), || self.shows(text));
    }
}

#[test]
fn a_server_that_goes_away_is_named_with_the_reason_until_it_is_back() {
    let sandbox = Sandbox::new();
    let mut origin = Origin::start(&["--latency-ms", "100"]);
    small_job(&sandbox, &origin, 1200, "in_flight = 16", "");
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for("16 in flight");
    terminal.wait_for("held by: in_flight (8 in each process)");
    assert!(!terminal.shows("waiting: "), "{:#?}", terminal.lines());
    origin.kill();
    let waiting = format!("waiting: 127.0.0.1:{} does not answer (no connection); given up in ", origin.port);
    terminal.wait_for(&waiting);
    let _back = Origin::on_port(origin.port, &["--latency-ms", "1"]);
    until(SOON, "it is there again", || !terminal.shows("waiting: "));
    assert_eq!(terminal.run.wait().unwrap().code(), Some(0), "{:#?}", terminal.lines());
}

#[test]
fn what_holds_a_run_back_is_one_line_of_those_that_fit_the_terminal() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "20"]);
    for width in [60, 80, 100, 200] {
        small_job(&sandbox, &origin, 1200, "", "limit = \"slow\"");
        sandbox.edit("small.toml", "[defaults]", "[limit.slow]\nrate = \"100/s\"\n\n[defaults]");
        let mut terminal = Terminal::of(&sandbox, width);
        terminal.wait_for("held by: the limit 100/s of slow");
        terminal.wait_for("0 failed");
        let lines = terminal.lines();
        let title = lines.iter().position(|line| line.starts_with("small   run ")).expect("a title");
        let bar = &lines[title + 1];
        assert_eq!(bar.chars().count(), usize::from(width), "the bar is as wide as the terminal: {lines:#?}");
        assert!(lines[title + 2].contains(" of 2,400 requests done, "), "{lines:#?}");
        assert!(lines[title + 3].contains(" shards done; at work: "), "{lines:#?}");
        assert!(lines[title + 4].starts_with("held by: "), "{lines:#?}");
        assert!(lines[title + 5..].iter().all(String::is_empty), "no line is wrapped or torn: {lines:#?}");
        nix::sys::signal::kill(pid(&terminal.run), nix::sys::signal::Signal::SIGTERM).unwrap();
        terminal.run.wait().unwrap();
        sandbox.run(["prune", "small", "--unfinished"]);
    }
}

fn pid(child: &Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap())
}
