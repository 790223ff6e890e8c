//! Each line of `lines.txt`, as curl sends it and as it is read here; each of `cmd.txt` beside what it is in bash.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;

use super::{VARIABLES, environment, parsed};
use crate::curl::CurlCommand;

const LINES: &str = include_str!("lines.txt");
const CMD: &str = include_str!("cmd.txt");

/// A request, without what curl adds by itself.
#[derive(Debug, PartialEq)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// The bytes of the requests that come to a port.
fn origin() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(bytes) = answer(stream.unwrap()) else { continue };
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    (host, receiver)
}

fn answer(mut stream: TcpStream) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        let mut part = [0; 4096];
        let count = stream.read(&mut part)?;
        bytes.extend(&part[..count]);
        if count == 0 {
            break;
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(bytes)
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    bytes.len() - body >= length.map_or(0, |length| length.parse().unwrap())
}

/// A folder with the files that the lines name.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("body.json", "{\n  \"title\": \"ü\"\n}\n");
    write("lines.txt", "one\r\ntwo & three\n");
    write("headers.txt", "X-One: 1\nX-Two: 2\r\n\nX-Three;\n");
    folder
}

fn sent(line: &str, folder: &Path, origin: &Receiver<Vec<u8>>) -> Vec<u8> {
    let mut bash = Command::new("bash");
    bash.args(["-c", line])
        .current_dir(folder)
        .envs(VARIABLES)
        .env("CURL_HOME", folder)
        .env_remove("http_proxy");
    let status = bash.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    origin
        .recv_timeout(Duration::from_secs(10))
        .unwrap_or_else(|_| panic!("curl sent nothing ({status}):\n{line}"))
}

fn of_curl(bytes: &[u8], host: &str) -> Request {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let header = |line: &str| {
        let start = usize::from(line.starts_with(':'));
        let at = line[start..].find(':').unwrap() + start;
        (line[..at].to_owned(), line[at + 1..].trim().to_owned())
    };
    let is_own = |(name, value): &(String, String)| match name.as_str() {
        "Host" => value == host,
        "User-Agent" => value.starts_with("curl/"),
        "Content-Length" => true,
        "Accept-Encoding" => value.contains("br"),
        _ => false,
    };
    Request {
        method: first.next().unwrap().to_owned(),
        target: same_bytes(first.next().unwrap()),
        headers: lines.map(header).filter(|header| !is_own(header)).filter(is_told).collect(),
        body: body.to_owned(),
    }
}

/// What curl sends where nothing else is said counts as nothing, also where it is said.
fn is_told((name, value): &(String, String)) -> bool {
    !(name == "Accept" && value == "*/*")
}

/// A target whose bytes beyond ASCII are encoded, in one spelling of `%xx`.
fn same_bytes(target: &str) -> String {
    let mut same = String::new();
    let encoded =
        percent_encoding::utf8_percent_encode(target, &percent_encoding::AsciiSet::EMPTY).to_string();
    for (at, part) in encoded.split('%').enumerate() {
        let (digits, rest) = part.split_at(if at == 0 { 0 } else { part.len().min(2) });
        same.push_str(if at == 0 { "" } else { "%" });
        same.push_str(&digits.to_ascii_uppercase());
        same.push_str(rest);
    }
    same
}

fn of_ours(command: CurlCommand, host: &str) -> Request {
    let user = command.user.map(|(user, password)| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        ("Authorization".to_owned(), format!("Basic {encoded}"))
    });
    let target = command.url.strip_prefix(&format!("http://{host}")).unwrap_or(&command.url);
    Request {
        method: command.method,
        target: same_bytes(target),
        headers: user.into_iter().chain(command.headers).filter(is_told).collect(),
        body: command.body.unwrap_or_default(),
    }
}

/// Each is told before the test fails, so that one run shows all.
#[test]
fn what_is_read_is_what_curl_sends() {
    let (host, origin) = origin();
    let folder = files();
    let path = folder.path().display().to_string();
    let written = LINES.replace("https://HOST", "http://HOST").replace("HOST", &host).replace("DIR", &path);
    let lines: Vec<&str> = written.split("\n\n").filter(|line| !line.trim().is_empty()).collect();
    let mut wrong = Vec::new();
    for line in &lines {
        let sent = of_curl(&sent(line, folder.path(), &origin), &host);
        match CurlCommand::with_noise(line, &environment) {
            Ok(command) => {
                let read = of_ours(command, &host);
                if sent != read {
                    wrong.push(format!("{line}\n curl: {sent:?}\n read: {read:?}"));
                }
            }
            Err(error) => wrong.push(format!("{line}\n{error}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} lines:\n\n{}", wrong.len(), lines.len(), wrong.join("\n\n"));
    assert!(lines.len() >= 200, "{} lines", lines.len());
}

#[test]
fn what_windows_shells_quote_is_what_it_is_in_bash() {
    let mut wrong = Vec::new();
    // An empty line of a command is no end of a pair.
    let whole = CMD.replace("\n\n\"line", "\n\u{0}\"line").replace("^\n\nline", "^\n\u{0}line");
    for pair in whole.split("\n\n").filter(|pair| !pair.trim().is_empty()) {
        let pair = pair.replace('\0', "\n");
        let (theirs, bash) = pair.split_once("\n---\n").unwrap_or_else(|| panic!("no twin: {pair}"));
        for theirs in [theirs.to_owned(), theirs.replace('\n', "\r\n")] {
            match CurlCommand::parse(&theirs, environment) {
                Ok(read) => {
                    let mut expected = parsed(bash);
                    expected.variables.clone_from(&read.variables);
                    if read != expected {
                        wrong.push(format!("{theirs}\n bash: {expected:?}\n read: {read:?}"));
                    }
                }
                Err(error) => wrong.push(format!("{theirs}\n{error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
