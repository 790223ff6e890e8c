//! The query of a request's target.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A query without its `?`, in which `+` is a blank.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(pub &'a str);

impl<'a> Query<'a> {
    /// The value of a parameter as received; its first one where it comes more than once.
    pub fn raw(self, name: &str) -> Option<&'a str> {
        self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The value of a parameter, decoded.
    pub fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(value)
    }

    /// The value of a parameter that is a number; `None` for what is none.
    pub fn number(self, name: &str) -> Option<u64> {
        self.raw(name)?.parse().ok()
    }

    /// Whether the parameter is `1`.
    pub fn says(self, name: &str) -> bool {
        self.raw(name) == Some("1")
    }

    /// Names and values in order, decoded.
    pub fn pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, text)| (value(name), value(text)))
    }
}

/// A name or value of a query, decoded.
pub fn value(text: &str) -> Cow<'_, str> {
    if text.contains('+') { Cow::Owned(decoded(&text.replace('+', " ")).into_owned()) } else { decoded(text) }
}

/// Percent-decoded; bytes that are no UTF-8 become U+FFFD.
pub fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        let query = Query("xid=1&id=a%2Cb+c&id=2&flag&n=12");
        assert_eq!(query.get("id").as_deref(), Some("a,b c"));
        assert_eq!(
            (query.raw("id"), query.number("n"), query.number("id")),
            (Some("a%2Cb+c"), Some(12), None)
        );
        assert_eq!((query.get("flag"), query.get("i")), (None, None));
        let pairs: Vec<String> = query.pairs().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["xid=1", "id=a,b c", "id=2", "flag=", "n=12"]);
    }
}
