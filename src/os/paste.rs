//! Text that is typed or pasted into the terminal.
//!
//! A terminal hands over whole lines, and of a line no more than 4,095 bytes: the rest is lost without a word. A curl
//! command that a browser copies is longer, so what is pasted is read as it comes.

use std::io::{self, Read, Write as _};
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

/// What ends it: Ctrl-D.
const END: u8 = 4;
/// What takes back the character before it.
const ERASERS: [u8; 2] = [8, 127];
/// Most bytes of a paste.
const LIMIT: usize = 4 << 20;

/// Reads standard input to its end; from a terminal until Ctrl-D, however long its lines are.
///
/// # Errors
/// Where it cannot be read, is longer than 4 MiB, or is no UTF-8.
pub fn read_paste() -> io::Result<String> {
    let stdin = io::stdin();
    let bytes = match tcgetattr(stdin.as_fd()) {
        Ok(before) => {
            let _restored = Restored::of(before)?;
            until_ctrl_d(&mut stdin.lock())?
        }
        // No terminal.
        Err(_) => {
            let mut bytes = Vec::new();
            stdin.lock().take(LIMIT as u64 + 1).read_to_end(&mut bytes)?;
            bytes
        }
    };
    if bytes.len() > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 4 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// The terminal's settings, put back when this goes.
struct Restored(Termios);

impl Restored {
    /// Until then the terminal hands over each byte as it comes. (Ctrl-C ends the process at once; shells put back the
    /// settings themselves then.)
    fn of(before: Termios) -> io::Result<Restored> {
        let mut now = before.clone();
        now.local_flags.remove(LocalFlags::ICANON);
        now.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        now.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &now)?;
        Ok(Restored(before))
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // Where it fails the terminal is gone.
        let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.0);
    }
}

fn until_ctrl_d(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = input.read(&mut buffer)?;
        let end = buffer[..count].iter().position(|byte| *byte == END);
        for byte in &buffer[..end.unwrap_or(count)] {
            if ERASERS.contains(byte) { erase(&mut bytes) } else { bytes.push(*byte) }
        }
        if count == 0 || end.is_some() || bytes.len() > LIMIT {
            return Ok(bytes);
        }
    }
}

/// Takes back the last character, whose further bytes in UTF-8 begin with the bits 10.
fn erase(bytes: &mut Vec<u8>) {
    while bytes.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
}

/// Asks for a line on the terminal; `None` where standard input or standard error is none, or nothing was typed.
pub fn ask_for_line(question: &str) -> Option<String> {
    if !can_ask() {
        return None;
    }
    let mut err = io::stderr();
    write!(err, "{question} ").and_then(|()| err.flush()).ok()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Whether somebody is there who can be asked.
pub fn can_ask() -> bool {
    use std::io::IsTerminal as _;
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_ends_with_ctrl_d_or_the_end() {
        let read = |text: &[u8]| String::from_utf8(until_ctrl_d(&mut &text[..]).unwrap()).unwrap();
        let long = "x".repeat(100_000);
        assert_eq!(read(format!("{long}\ny\n\u{4}z").as_bytes()), format!("{long}\ny\n"));
        assert_eq!(read("aä\u{7f}\u{8}b".as_bytes()), "b");
        assert_eq!(read(b""), "");
    }
}
