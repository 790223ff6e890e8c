//! JSON as it stands in an answer: looked into only as deep as somebody asks, in the order in which it was written.
//!
//! Promise: whatever its depth or size, looking takes time for one pass over the text and no stack. Numbers keep their
//! digits. Of equal keys the last one counts, as everywhere in windrow.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value in an answer's text, without space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Json<'a>(&'a str);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl<'a> Json<'a> {
    /// Null.
    pub(super) const NULL: Json<'static> = Json("null");

    /// The value that a text is.
    pub(super) fn parse(text: &'a str) -> Result<Json<'a>, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text.trim_start_matches('\u{feff}')).map(|raw| Json(raw.get()))
    }

    pub(super) fn text(self) -> &'a str {
        self.0
    }

    pub(super) fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub(super) fn is_container(self) -> bool {
        matches!(self.kind(), Kind::Array | Kind::Object)
    }

    /// Whether nothing is in it: null, `""`, `[]`, `{}`.
    pub(super) fn is_empty(self) -> bool {
        match self.kind() {
            Kind::Null => true,
            Kind::Text => self.0.len() == 2,
            Kind::Array | Kind::Object => self.0[1..self.0.len() - 1].trim().is_empty(),
            Kind::Boolean | Kind::Number => false,
        }
    }

    /// The members of an object, each key once; none of anything else.
    pub(super) fn members(self) -> Vec<(String, Json<'a>)> {
        if self.kind() != Kind::Object {
            return Vec::new();
        }
        serde_json::from_str(self.0).map_or_else(|_| Vec::new(), |Members(members)| members)
    }

    /// The elements of an array; none of anything else.
    pub(super) fn elements(self) -> Vec<Json<'a>> {
        if self.kind() != Kind::Array {
            return Vec::new();
        }
        let raw: Vec<&RawValue> = serde_json::from_str(self.0).unwrap_or_default();
        raw.into_iter().map(|raw| Json(raw.get())).collect()
    }

    /// The member of that key.
    pub(super) fn member(self, key: &str) -> Option<Json<'a>> {
        self.members().into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What a path of keys leads to.
    pub(super) fn at<S: AsRef<str>>(self, keys: &[S]) -> Option<Json<'a>> {
        keys.iter().try_fold(self, |above, key| above.member(key.as_ref()))
    }

    /// A text without its quotes and escapes, or a number or boolean as it is written. None of null, of containers, and
    /// of a text that holds half a surrogate pair.
    pub(super) fn scalar(self) -> Option<String> {
        match self.kind() {
            Kind::Text => serde_json::from_str(self.0).ok(),
            Kind::Number | Kind::Boolean => Some(self.0.to_owned()),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// Whether a text in it holds half a surrogate pair, which JSON can write and no text can have.
    pub(super) fn has_half_pair(self) -> bool {
        let mut rest = self.0;
        while let Some(at) = rest.find('\\') {
            rest = &rest[at + 1..];
            match unit(rest) {
                Some(0xd800..=0xdbff) => {
                    let low = rest[5..].strip_prefix('\\').and_then(unit);
                    if !matches!(low, Some(0xdc00..=0xdfff)) {
                        return true;
                    }
                    rest = &rest[11..];
                }
                Some(0xdc00..=0xdfff) => return true,
                // What is escaped may be a backslash.
                _ => rest = &rest[1..],
            }
        }
        false
    }

    /// A number that is whole and not below 0.
    pub(super) fn count(self) -> Option<u64> {
        if self.kind() == Kind::Number { self.0.parse().ok() } else { None }
    }
}

/// The number of `u00e9`.
fn unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, Json<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, Json<'de>)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    let value = Json(raw.get());
                    match places.get(&key) {
                        Some(place) => members[*place].1 = value,
                        None => {
                            places.insert(key.clone(), members.len());
                            members.push((key, value));
                        }
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_their_order_and_the_last_of_equal_keys_counts() {
        let json = Json::parse("\u{feff} {\"b\": 1.50, \"a\": [ ], \"\\u0062\": \"\\u00e9\"} ").unwrap();
        let members = json.members();
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(members[0].1.scalar().unwrap(), "é");
        assert!(members[1].1.is_empty());
        assert!(Json::parse("{} x").is_err());
    }

    #[test]
    fn half_a_pair_is_found() {
        for (text, has) in [
            (r#""\\ud800""#, false),
            (r#""\ud83d\ude00""#, false),
            (r#""\uD83D\uDE00 é \u00e9""#, false),
            (r#""\ud83d""#, true),
            (r#""\ude00""#, true),
            (r#"{"a":["\ud83d\ud83d\ude00"]}"#, true),
            (r#""é\\""#, false),
        ] {
            assert_eq!(Json::parse(text).unwrap().has_half_pair(), has, "{text}");
        }
    }

    #[test]
    fn depth_and_size_take_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(Json::parse(&deep).unwrap().member("a").unwrap().elements().len(), 1);
    }
}
