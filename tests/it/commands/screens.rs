//! What commands print on a terminal of any width, as an emulator of a terminal shows it.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};
use vt100::Parser;

use crate::support::{Origin, Sandbox, film_ids, small_job};

/// Lines of the emulator's screen, more than anything here prints.
const HEIGHT: u16 = 2000;

/// What a command printed.
pub(super) struct Printed {
    screen: Parser,
    pub(super) bytes: Vec<u8>,
    /// What it said beside that.
    said: String,
}

/// Runs a command with its standard output on a terminal.
fn on_a_terminal(sandbox: &Sandbox, words: &[&str], width: u16, term: &str) -> Printed {
    let mut command = sandbox.command(words);
    command.env("TERM", term);
    printed(command, width)
}

/// What a command prints on a terminal.
pub(super) fn printed(mut command: Command, width: u16) -> Printed {
    let size = Winsize { ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).unwrap();
    command.stdout(Stdio::from(terminal.slave)).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    drop(command);
    let mut master = File::from(terminal.master);
    let reader = std::thread::spawn(move || {
        let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
        // The end of a terminal that nobody writes to any more is an error.
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            all.extend_from_slice(&bytes[..count]);
        }
        all
    });
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = reader.join().unwrap();
    let mut screen = Parser::new(HEIGHT, width, 0);
    screen.process(&bytes);
    Printed { screen, bytes, said: String::from_utf8_lossy(&output.stderr).into_owned() }
}

impl Printed {
    pub(super) fn lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        let (_, width) = screen.size();
        let lines: Vec<String> = screen.rows(0, width).collect();
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        lines[..end].to_vec()
    }

    /// No line ran over the edge, and nothing steers the terminal.
    #[track_caller]
    fn fits(&self) {
        self.fits_from("");
    }

    /// The same from the line on that begins so: paths above it stay whole, to be copied.
    #[track_caller]
    fn fits_from(&self, begin: &str) {
        let screen = self.screen.screen();
        let first = self.lines().iter().position(|line| line.starts_with(begin)).expect("such a line");
        let wrapped = (first as u16..HEIGHT).filter(|row| screen.row_wrapped(*row)).count();
        assert_eq!(wrapped, 0, "{}", self.lines().join("\n"));
        assert!(!self.bytes.contains(&0x1b), "no colors");
    }
}

fn run() -> Sandbox {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 100, "retry_rounds = 0", "");
    let failing = film_ids(50).into_iter().map(|id| (id, serde_json::json!({ "status": 404 })));
    let failing: serde_json::Map<String, serde_json::Value> = failing.collect();
    origin.knobs(&serde_json::json!({ "fail_ids": failing }).to_string());
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 0.1\n\n[table]");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    sandbox
}

/// Columns of all sorts, of a given number of rows.
fn wide(rows: u32) -> String {
    format!(
        "SELECT n, 'a title that goes on and on and on, number ' || n AS title,
                'https://images.example.com/posters/large/' || n || '/of/a/film.jpg?size=large' AS poster,
                '電影片名' AS \"名前\", NULL AS nothing, 'é e' || chr(769) || chr(10) || 'second line' AS lines
         FROM range({rows}) t(n)"
    )
}

#[test]
fn what_is_wider_than_the_terminal_is_a_line_for_each_column() {
    let sandbox = run();
    for width in [60, 80, 120] {
        let printed = on_a_terminal(&sandbox, &["query", "small", &wide(3)], width, "xterm");
        printed.fits();
        let lines = printed.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with("── ")).count(), 3, "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("名前     電影片名")), "{lines:#?}");
        assert!(lines.iter().any(|line| line == "nothing  NULL"), "{lines:#?}");
        assert!(lines.iter().any(|line| line == "         second line"), "{lines:#?}");
        let poster = "https://images.example.com/posters/large/0/of/a/film.jpg?size=large";
        let whole = lines.iter().any(|line| *line == format!("poster   {poster}"));
        assert_eq!(whole, width > 70, "{lines:#?}");
        let joined: String = lines.iter().map(|line| line.trim()).collect();
        assert!(joined.contains(&poster[40..]), "nothing of it is lost: {lines:#?}");
    }
    // What fits is a table, and into a pipe everything is.
    let narrow = on_a_terminal(&sandbox, &["query", "small", "SELECT 1 AS n, 'x' AS t"], 60, "xterm");
    assert!(narrow.lines()[0].starts_with('┌'), "{:?}", narrow.lines());
    let piped = sandbox.run(["query", "small", &wide(100)]).with_code(0);
    assert!(!piped.stdout.contains(['┌', '│', '┆']) && !piped.stderr.contains("more"), "{}", piped.stderr);
    assert_eq!(piped.stdout.lines().count(), 101, "a header, and a line for each row");
    assert_eq!(piped.stdout.matches("film.jpg").count(), 100);
}

#[test]
fn a_terminal_shows_forty_rows_and_says_how_to_see_the_others() {
    let sandbox = run();
    let rows = "SELECT n FROM range(1234) t(n);";
    let printed = on_a_terminal(&sandbox, &["query", "small", rows], 80, "xterm");
    printed.fits();
    assert_eq!(printed.lines().len(), 44);
    assert_eq!(
        printed.said.trim(),
        "… and 1,194 more rows; `--max-rows 1234` shows them all, and so does a file or a pipe"
    );
    let all = on_a_terminal(&sandbox, &["query", "small", rows, "--max-rows", "1234"], 80, "xterm");
    assert_eq!((all.lines().len(), all.said.as_str()), (1238, ""));
    let odd = on_a_terminal(&sandbox, &["query", "small", "SHOW ALL TABLES"], 200, "xterm");
    odd.fits();
    let few = sandbox.run(["query", "small", rows, "--max-rows", "2", "-f", "csv"]).with_code(0);
    assert_eq!(few.stdout, "n\n0\n1\n");
    few.saying("… and 1,232 more rows");
}

#[test]
fn every_looking_command_fits() {
    let sandbox = run();
    sandbox.run(["run", "small.toml", "--sample", "3"]);
    for width in [60, 80, 120] {
        for words in [
            &["status"][..],
            &["failures", "small"],
            &["failures", "small", "--list"],
            &["query", "small", "FROM requests"],
        ] {
            on_a_terminal(&sandbox, words, width, "xterm").fits();
        }
        on_a_terminal(&sandbox, &["status", "small"], width, "xterm").fits_from("ROUND");
    }
}

#[test]
fn a_terminal_that_can_only_print_letters_gets_nothing_else() {
    let sandbox = run();
    for query in ["SELECT 1 AS n", "SELECT repeat('x ', 100) AS long"] {
        let printed = on_a_terminal(&sandbox, &["query", "small", query], 60, "dumb");
        printed.fits();
        assert!(printed.bytes.is_ascii(), "{:?}", printed.lines());
    }
}
