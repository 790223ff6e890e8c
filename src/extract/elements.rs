//! The elements of an array and the values of an object, each as its own text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::record::Failure;

use super::{body, text};

/// Called with the text of each element; the walk ends at its first failure.
pub(super) type Visit<'v, 'a> = &'v mut dyn FnMut(&'a str) -> Result<(), Failure>;

/// What is neither an array nor an object, in words.
pub(super) struct NotIterable(pub &'static str);

/// Visits what `.[]` gives for the valid JSON `text`, in jq's order: of keys that come twice the last value
/// counts, at the place of the first.
pub(super) fn each<'a>(text: &'a str, visit: Visit<'_, 'a>) -> Result<Result<(), Failure>, NotIterable> {
    match text.as_bytes().first() {
        Some(b'[') => Ok(array(text, visit)),
        Some(b'{') => Ok(object(text).and_then(|values| values.into_iter().try_for_each(visit))),
        Some(b'"') => Err(NotIterable("a string")),
        Some(b'n') => Err(NotIterable("null")),
        Some(b't' | b'f') => Err(NotIterable("a boolean")),
        _ => Err(NotIterable("a number")),
    }
}

fn array<'a>(text: &'a str, visit: Visit<'_, 'a>) -> Result<(), Failure> {
    let mut failure = None;
    let elements = Elements { visit, failure: &mut failure };
    let walked = serde_json::Deserializer::from_str(text).deserialize_seq(elements);
    match failure {
        Some(failure) => Err(failure),
        None => walked.map_err(|error| body::not_json(text, error)),
    }
}

struct Elements<'v, 'f, 'a> {
    visit: Visit<'v, 'a>,
    /// What ended the walk, if not its end.
    failure: &'f mut Option<Failure>,
}

impl<'a> Visitor<'a> for Elements<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if let Err(failure) = (self.visit)(element.get()) {
                *self.failure = Some(failure);
                return Err(A::Error::custom("ended"));
            }
        }
        Ok(())
    }
}

fn object(text: &str) -> Result<Vec<&str>, Failure> {
    let values = serde_json::Deserializer::from_str(text).deserialize_map(Values);
    values.map_err(|error| body::not_json(text, error))
}

struct Values;

impl<'a> Visitor<'a> for Values {
    type Value = Vec<&'a str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        let mut places = HashMap::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            // A key that is no text is equal only to itself.
            let key = text::unescaped(key.get()).unwrap_or(Cow::Borrowed(key.get()));
            match places.entry(key) {
                Entry::Occupied(place) => values[*place.get()] = value.get(),
                Entry::Vacant(place) => {
                    place.insert(values.len());
                    values.push(value.get());
                }
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    fn elements(text: &str) -> Vec<&str> {
        let mut elements = Vec::new();
        let walked = each(text, &mut |element| {
            elements.push(element);
            Ok(())
        });
        assert!(matches!(walked, Ok(Ok(()))), "{text}");
        elements
    }

    #[test]
    fn elements_are_their_own_text() {
        assert_eq!(
            elements(r#"[ 1.50 , "\u0041", [ ], {"a" : 1 }, null ]"#),
            ["1.50", r#""\u0041""#, "[ ]", r#"{"a" : 1 }"#, "null"]
        );
        assert!(elements("[]").is_empty() && elements("{ }").is_empty());
    }

    #[test]
    fn the_last_of_equal_keys_counts_at_the_place_of_the_first() {
        assert_eq!(elements(r#"{"a":1,"b":2,"\u0061":3,"\ud800":4}"#), ["3", "2", "4"]);
    }

    #[test]
    fn scalars_have_no_elements() {
        for (text, words) in
            [("null", "null"), ("7", "a number"), ("true", "a boolean"), ("\"a\"", "a string")]
        {
            assert!(matches!(each(text, &mut |_| Ok(())), Err(NotIterable(met)) if met == words));
        }
    }

    #[test]
    fn a_failure_ends_the_walk() {
        for text in ["[1,2,3]", r#"{"a":1,"b":2,"c":3}"#] {
            let mut seen = 0;
            let walked = each(text, &mut |_| {
                seen += 1;
                if seen == 2 { Err(Failure::lasting(Kind::Convert, "no")) } else { Ok(()) }
            });
            assert!(matches!(walked, Ok(Err(failure)) if failure.detail == "no"));
            assert_eq!(seen, 2);
        }
    }
}
