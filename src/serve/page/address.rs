//! What a reader asks for, ready to be copied.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::report::shell_word;

/// What stands in a path as it is: RFC 3986, unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Bytes of a name, from which on nobody's URL has it.
const LONGEST: usize = 600;

/// How readers reach this server.
#[derive(Debug, Clone)]
pub struct Address {
    /// Scheme, host and port: `http://127.0.0.1:8480`.
    pub origin: String,
    /// Whether they have to show a token.
    pub wants_token: bool,
}

impl Address {
    /// A command that fetches a path of this server, as a shell takes it.
    pub(super) fn curl(&self, path: &str) -> String {
        let url = shell_word(&format!("{}{path}", self.origin));
        let token = if self.wants_token { "-H \"Authorization: Bearer $TOKEN\" " } else { "" };
        format!("curl -sf --compressed {token}{url}")
    }
}

/// The path of a table, without its format; `None` where no URL has such a name.
pub(super) fn path_of(table: &str) -> Option<String> {
    let is_usable = table.len() <= LONGEST && ![".", "..", ""].contains(&table);
    is_usable.then(|| format!("/{}", utf8_percent_encode(table, ESCAPED)))
}

/// A question about part of a table, by the first column that needs no quotes; without any, its first rows.
pub(super) fn example(columns: &[String]) -> String {
    let is_plain = |name: &&String| {
        name.len() <= 40
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !["limit", "order", "select", "after"].contains(&name.as_str())
    };
    match columns.iter().find(is_plain) {
        Some(column) => format!("?order=-{column}&limit=10"),
        None => "?limit=10".to_owned(),
    }
}
