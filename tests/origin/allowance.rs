//! A limit that is enforced: so many requests in a fixed window, and where a client stands with it.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde::{Deserialize, Serialize};

/// So many requests in a window, written `500/1s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Allowance {
    /// Requests; 0 refuses all.
    pub amount: u64,
    /// At least a millisecond. Windows follow one another since 1970-01-01T00:00:00Z.
    pub window: Duration,
}

/// How an answer tells where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Headers {
    /// `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds from now): draft-ietf-httpapi-ratelimit-headers-07.
    Draft7,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix time in seconds), as GitHub has them.
    X,
    /// `RateLimit` and `RateLimit-Policy`: draft-ietf-httpapi-ratelimit-headers-10.
    Structured,
}

/// What was used of the present window.
#[derive(Debug, Default)]
pub struct Used {
    /// The window's number since 1970.
    window: Cell<u128>,
    requests: Cell<u64>,
}

/// Where a client stands after its request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    allowance: Allowance,
    /// Whether the request was within the allowance.
    pub is_within: bool,
    /// Requests that the window has left.
    remaining: u64,
    /// When the request came, since 1970.
    now: Duration,
    /// When the window ends, since 1970.
    end: Duration,
}

impl Used {
    /// Counts a request at this time since 1970, and says where that leaves the client.
    pub fn take(&self, allowance: Allowance, now: Duration) -> Standing {
        let number = now.as_millis() / allowance.window_ms();
        if self.window.replace(number) != number {
            self.requests.set(0);
        }
        let used = self.requests.get();
        let is_within = used < allowance.amount;
        self.requests.set(used + u64::from(is_within));
        let end = (number + 1) * allowance.window_ms();
        Standing {
            allowance,
            is_within,
            remaining: allowance.amount.saturating_sub(self.requests.get()),
            now,
            end: Duration::from_millis(u64::try_from(end).unwrap_or(u64::MAX)),
        }
    }
}

impl Standing {
    /// Adds `Retry-After` where the request was refused, and what this style tells of every answer.
    pub fn tell(&self, style: Option<Headers>, headers: &mut HeaderMap) {
        let wait = seconds(self.end.saturating_sub(self.now));
        if !self.is_within {
            headers.insert(RETRY_AFTER, wait.into());
        }
        let (amount, remaining) = (self.allowance.amount, self.remaining);
        match style {
            None => {}
            Some(Headers::Draft7) => put(headers, DRAFT_7, [amount, remaining, wait]),
            Some(Headers::X) => put(headers, X, [amount, remaining, seconds(self.end)]),
            Some(Headers::Structured) => {
                let window = seconds(self.allowance.window);
                let texts = [
                    ("ratelimit", format!("\"default\";r={remaining};t={wait}")),
                    ("ratelimit-policy", format!("\"default\";q={amount};w={window}")),
                ];
                for (name, text) in texts {
                    let value = HeaderValue::from_str(&text).ok();
                    headers.extend(value.map(|value| (HeaderName::from_static(name), value)));
                }
            }
        }
    }
}

const DRAFT_7: [&str; 3] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
const X: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

fn put(headers: &mut HeaderMap, names: [&'static str; 3], numbers: [u64; 3]) {
    headers
        .extend(names.map(HeaderName::from_static).into_iter().map(Some).zip(numbers.map(HeaderValue::from)));
}

/// Whole seconds, rounded up: whoever waits them out is not early.
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000) as u64
}

impl Allowance {
    fn window_ms(&self) -> u128 {
        self.window.as_millis().max(1)
    }
}

impl FromStr for Allowance {
    type Err = String;

    fn from_str(text: &str) -> Result<Allowance, String> {
        let (amount, window) = text.split_once('/').ok_or("a limit is written like 500/1s")?;
        let amount = amount.parse().map_err(|error| format!("{amount:?}: {error}"))?;
        let window = humantime::parse_duration(window).map_err(|error| format!("{window:?}: {error}"))?;
        if window < Duration::from_millis(1) {
            return Err("a window lasts a millisecond at least".to_owned());
        }
        Ok(Allowance { amount, window })
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.amount, humantime::format_duration(self.window))
    }
}

impl TryFrom<String> for Allowance {
    type Error = String;

    fn try_from(text: String) -> Result<Allowance, String> {
        text.parse()
    }
}

impl From<Allowance> for String {
    fn from(allowance: Allowance) -> String {
        allowance.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "2/500ms";

    fn told(standing: &Standing, style: Option<Headers>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        standing.tell(style, &mut headers);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect()
    }

    #[test]
    fn an_allowance_is_read_and_shown() {
        for text in [TWO, "500/1s", "0/1h"] {
            assert_eq!(text.parse::<Allowance>().expect(text).to_string(), text);
        }
        for text in ["", "5", "x/1s", "5/s", "5/0s", "-1/1s"] {
            assert!(text.parse::<Allowance>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_gives_what_is_allowed_and_the_next_begins_anew() {
        let (used, two) = (Used::default(), TWO.parse().expect(TWO));
        let take = |ms| used.take(two, Duration::from_millis(ms));
        let within = [1_000, 1_001, 1_002, 1_499, 1_500, 1_999, 1_999].map(|ms| take(ms).is_within);
        assert_eq!(within, [true, true, false, false, true, true, false]);
    }

    #[test]
    fn each_style_tells_what_is_left_and_until_when() {
        let (used, three) = (Used::default(), "3/10s".parse().expect("3/10s"));
        used.take(three, Duration::from_millis(1_000_000_001_000));
        let standing = used.take(three, Duration::from_millis(1_000_000_001_500));
        assert_eq!(told(&standing, None), [""; 0]);
        assert_eq!(
            told(&standing, Some(Headers::Draft7)),
            ["ratelimit-limit: 3", "ratelimit-remaining: 1", "ratelimit-reset: 9"]
        );
        assert_eq!(
            told(&standing, Some(Headers::X)),
            ["x-ratelimit-limit: 3", "x-ratelimit-remaining: 1", "x-ratelimit-reset: 1000000010"]
        );
        assert_eq!(
            told(&standing, Some(Headers::Structured)),
            ["ratelimit: \"default\";r=1;t=9", "ratelimit-policy: \"default\";q=3;w=10"]
        );
    }

    #[test]
    fn a_refusal_says_when_the_window_ends() {
        let (used, none) = (Used::default(), "0/10s".parse().expect("0/10s"));
        let standing = used.take(none, Duration::from_millis(12_345));
        assert_eq!(told(&standing, None), ["retry-after: 8"]);
        assert_eq!(
            told(&standing, Some(Headers::X))[1..],
            ["x-ratelimit-limit: 0", "x-ratelimit-remaining: 0", "x-ratelimit-reset: 20"]
        );
    }
}
