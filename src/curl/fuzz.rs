//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use super::CurlCommand;

/// A pasted text: it is a request of HTTP, or an error of one line with what to do.
pub fn command(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A file of this machine is not what is tried here.
    if text.contains('@') || text.contains('<') {
        return;
    }
    match CurlCommand::parse(text, |name| (name != "UNSET").then(|| "a value".to_owned())) {
        Ok(command) => {
            assert!(command.url.starts_with("http://") || command.url.starts_with("https://"), "{command:?}");
            assert!(!command.url.contains(['#', ' ', '\n']), "{command:?}");
            let mut headers = command.headers.iter().flat_map(|(name, value)| [name, value]);
            assert!(headers.all(|text| !text.contains(['\n', '\r', '\0'])), "{command:?}");
            assert!(!command.method.is_empty(), "{command:?}");
        }
        Err(error) => {
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
            let all = format!("{}{}{}", error.message, error.place, error.hint);
            assert!(!all.contains(char::is_control), "{error:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("curl").iter().for_each(|seed| super::command(seed));
    }
}
