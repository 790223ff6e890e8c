//! What is told of a server's words: on one line, with their causes, and without the secrets of its URL.

use std::fmt;
use std::sync::Arc;

use crate::job::ServerUrl;
use crate::secrets::{Secrets, Unusable};

/// The secrets of a URL, and what is shown in their place.
#[derive(Clone)]
pub(super) struct Hidden(Arc<[(String, String)]>);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|(_, shown)| shown)).finish()
    }
}

impl Hidden {
    /// A URL with the values of its secrets, and these.
    pub fn in_url(url: &ServerUrl, secrets: &Secrets) -> Result<(String, Hidden), String> {
        let mut hidden = Vec::new();
        let spelled = url.with_values(|name| {
            let value = secrets.get(name).map_err(|why| match why {
                Unusable::Missing => {
                    format!("the secret {name} {why}: export {name}=…, or put it into a file for --env-file")
                }
                other => format!("the secret {name} {other}"),
            })?;
            hidden.push((value.to_string(), format!("${{{name}}}")));
            Ok::<_, String>(value)
        })?;
        Ok((spelled, Hidden(hidden.into())))
    }

    /// Words without the secrets: servers repeat what they were told, and where it is a part of the URL. Values of a few
    /// characters would be found everywhere.
    pub fn masked(&self, words: &str) -> String {
        let long = self.0.iter().filter(|(value, _)| value.len() >= 4);
        long.fold(words.to_owned(), |words, (value, shown)| words.replace(value, shown))
    }
}

/// An error and what caused it.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if !words.contains(&inner.to_string()) {
            words += &format!(": {inner}");
        }
        cause = inner.source();
    }
    words
}

/// Servers repeat values, and what stands in them must not look like a line of ours.
pub(super) fn one_line(words: &str) -> String {
    words.replace('\r', "\\r").replace('\n', "\\n")
}
