//! A program that is given a text and does something with it, in a group of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::dies_with_us;

/// How long what a program wrote is read after its end: something that it started may hold its output open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Bytes of what it wrote to standard error that are repeated where it fails.
const SHOWN: usize = 400;

/// A program with all that it started; when this goes it is killed, if it has not ended by itself.
struct Group {
    child: Child,
    /// The process that began the group, until it has ended.
    id: Option<u32>,
}

impl Drop for Group {
    fn drop(&mut self) {
        kill_group(self.id);
    }
}

/// Kills all processes of the group that a child leads; nobody, where that has been waited for.
pub fn kill_group(leader: Option<u32>) {
    if let Some(leader) = pid(leader) {
        // One that has ended needs no killing.
        let _ = killpg(leader, Signal::SIGKILL);
    }
}

/// Asks a child to finish what it has begun, and nobody that it has started; nobody, where it has been waited for.
pub fn ask_to_end(child: Option<u32>) {
    if let Some(child) = pid(child) {
        let _ = kill(child, Signal::SIGTERM);
    }
}

/// Numbers below 2 stand for others than a child.
fn pid(child: Option<u32>) -> Option<Pid> {
    child.and_then(|child| i32::try_from(child).ok()).filter(|child| *child > 1).map(Pid::from_raw)
}

/// Starts a program in a folder, gives it a text on its standard input, and waits for its end. Who waits no longer, and drops
/// this, kills it with all that it has started.
///
/// # Errors
/// Why it cannot be started, or how it failed: its status, and how what it wrote to standard error begins, in one line.
pub async fn feed_program(command: &[String], folder: &Path, text: String) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("there is no program")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = dies_with_us(&mut command).spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let mut group = Group { id: child.id(), child };
    if let Some(mut input) = group.child.stdin.take() {
        // Whether it reads is its own affair.
        tokio::spawn(async move { input.write_all(text.as_bytes()).await });
    }
    let reading = tokio::spawn(beginning(group.child.stderr.take()));
    let status = group.child.wait().await.map_err(|error| error.to_string())?;
    group.id = None;
    if status.success() {
        return Ok(());
    }
    let said = tokio::time::timeout(LAST_WORDS, reading).await;
    let said = said.ok().and_then(Result::ok).unwrap_or_default();
    Err(if said.is_empty() { status.to_string() } else { format!("{status}: {said}") })
}

/// The beginning of what a program writes, in one line. All of it is read, so that it is not held up.
async fn beginning(output: Option<impl AsyncRead + Unpin>) -> String {
    let (mut begun, mut rest) = (Vec::new(), Vec::new());
    if let Some(output) = output {
        let mut first = output.take(SHOWN as u64);
        let _ = first.read_to_end(&mut begun).await;
        let mut output = first.into_inner();
        rest.resize(8 << 10, 0);
        while output.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    }
    String::from_utf8_lossy(&begun).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_is_written_is_read_and_its_beginning_is_one_line() {
        let (mut into, out_of) = tokio::io::duplex(64);
        let written = tokio::spawn(async move { into.write_all("a\nb ".repeat(1 << 16).as_bytes()).await });
        let said = beginning(Some(out_of)).await;
        assert!(written.await.unwrap().is_ok());
        assert!(said.starts_with("a b a b") && said.len() <= SHOWN, "{said}");
        assert_eq!(beginning(None::<tokio::io::Empty>).await, "");
    }
}
