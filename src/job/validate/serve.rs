//! `[serve]`: how what the job has gathered is served.

use url::Url;

use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::serve::Serve;

/// How, the usual where the job does not say.
pub(super) fn validated(file: &raw::JobFile, mistakes: &mut Mistakes) -> Serve {
    let usual = Serve::default();
    let Some(serve) = file.serve.as_ref().map(|serve| &serve.value) else { return usual };
    Serve {
        stale_after: serve.stale_after.as_ref().map(|time| time.value.0),
        cors: serve.cors.as_ref().map_or(usual.cors, |list| origins(list, mistakes)),
        max_rows: serve.max_rows.as_ref().map_or(usual.max_rows, |count| count.value.0),
        max_memory: serve.max_memory.as_ref().map_or(usual.max_memory, |size| size.value.0),
    }
}

fn origins(list: &At<Vec<At<String>>>, mistakes: &mut Mistakes) -> Vec<String> {
    let all = list.value.iter().find(|origin| origin.text() == "*");
    if let Some(all) = all.filter(|_| list.value.len() > 1) {
        mistakes.add(&all.span, "`*` beside other origins", "write [\"*\"] alone, or leave it out");
    }
    let mut origins: Vec<String> = Vec::new();
    for written in &list.value {
        match origin(written.text()) {
            Ok(origin) if !origins.contains(&origin) => origins.push(origin),
            Ok(_) => {}
            Err(hint) => {
                mistakes.add(&written.span, format!("\"{}\" is no origin", written.value), hint);
            }
        }
    }
    origins
}

/// An origin as browsers spell it (RFC 6454, section 6.2); otherwise what to write.
fn origin(text: &str) -> Result<String, String> {
    let shape = || "write scheme and host, as in \"https://app.example.com\"".to_owned();
    if text == "*" {
        return Ok(text.to_owned());
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.ok_or_else(|| match text.contains("://") || text.is_empty() || text == "null" {
        true => shape(),
        false => format!("write its scheme, too: \"https://{}\"", text.trim_start_matches('/')),
    })?;
    if host.contains('*') {
        return Err("write each origin out, or [\"*\"] for those of all".to_owned());
    }
    let url = Url::parse(text).map_err(|_| shape())?;
    let spelled = url.origin().ascii_serialization();
    // A browser sends no path: compared with one, it would never match.
    if host.contains(['/', '?', '#', '\\', '@', ' ', '\t', '\n', '\r']) {
        return Err(format!("an origin has no path, no query and no user: write \"{spelled}\""));
    }
    Ok(spelled)
}
