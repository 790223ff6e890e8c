//! What a request sends: the forms that `-d` and its kin take.
//!
//! Promises: the text that curl would send (src/tool_getparam.c). Files are read from the current folder, no more than
//! [`MOST`] bytes of them; what is not UTF-8 is an error.

use std::io::Read;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::CurlError;
use super::words::Input;

/// Most bytes of a file.
const MOST: u64 = 16 << 20;

/// What `curl_easy_escape` leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How data is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// `-d`: `@FILE` without its line breaks.
    Form,
    /// `--data-raw`: as it is.
    Raw,
    /// `--data-binary`: `@FILE` as it is.
    Binary,
    /// `--data-urlencode`: a part of it encoded.
    Encoded,
    /// `--json`: `@FILE` as it is; several are put together.
    Json,
}

/// Adds data to what is sent already.
pub fn add(
    data: Data,
    value: &str,
    written: &str,
    input: Option<&Input>,
    sent: Option<String>,
) -> Result<String, CurlError> {
    let piece = piece(data, value, written, input)?;
    Ok(match sent {
        None => piece,
        Some(sent) if data == Data::Json => sent + &piece,
        Some(sent) => format!("{sent}&{piece}"),
    })
}

fn piece(data: Data, value: &str, written: &str, input: Option<&Input>) -> Result<String, CurlError> {
    match (data, value.strip_prefix('@')) {
        (Data::Encoded, _) => encoded(value, written, input),
        (Data::Raw, _) | (_, None) => Ok(value.to_owned()),
        (Data::Form, Some(path)) => Ok(file(path, written, input)?.replace(['\r', '\n', '\0'], "")),
        (Data::Binary | Data::Json, Some(path)) => file(path, written, input),
    }
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`, encoded but for the name.
pub fn encoded(value: &str, written: &str, input: Option<&Input>) -> Result<String, CurlError> {
    let (name, content) = match (value.split_once('='), value.split_once('@')) {
        (Some((name, content)), _) => (name, content.to_owned()),
        (None, Some((name, path))) => (name, file(path, written, input)?),
        (None, None) => ("", value.to_owned()),
    };
    let content = utf8_percent_encode(&content, ESCAPED).to_string().replace("%20", "+");
    Ok(if name.is_empty() { content } else { format!("{name}={content}") })
}

/// The text of a file; `-` is standard input.
pub fn file(path: &str, written: &str, input: Option<&Input>) -> Result<String, CurlError> {
    match (path, input) {
        ("-" | "/dev/stdin", Some(Input::Text(text))) => Ok(text.clone()),
        ("-" | "/dev/stdin", Some(Input::File(path))) => read(path, written),
        ("-" | "/dev/stdin", None) => {
            let hint = "put what is to be sent into a file, and write @FILE, or into the command itself";
            Err(CurlError::new("data from standard input, which is not a part of the command", written, hint))
        }
        _ => read(path, written),
    }
}

fn read(path: &str, written: &str) -> Result<String, CurlError> {
    let hint = "paths are relative to the current folder; where no file is meant, write --data-raw";
    let unreadable =
        |why: &str| CurlError::new(format!("the file {path} cannot be read: {why}"), written, hint);
    let failed = |error: std::io::Error| unreadable(&error.kind().to_string());
    // What is no plain file may never end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable("it is no plain file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(unreadable("it is larger than 16 MiB"));
    }
    let hint = "only text can be sent, in UTF-8";
    String::from_utf8(bytes)
        .map_err(|_| CurlError::new(format!("the file {path} is not UTF-8"), written, hint))
}
