//! One pass over an answer that keeps what the paths of a [`Trie`] name and skips the rest.
//!
//! What a path names is kept as the answer's own text, unread (so `-0` stays that). The results are those of
//! the jaq interpreter: a key or place that is not there is null, and so is everything below null; of keys that
//! come twice the last counts, as a whole; a number indexes an object to null; whatever else does not fit
//! blocks the path there. The pass reads the whole text, so it also decides whether that is JSON (RFC 8259).

use std::collections::VecDeque;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::trie::{Node, Trie};

/// What a path led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    /// Nothing: null.
    Absent,
    /// A value, as its JSON text without space around it.
    Found(&'a str),
    /// The step at `depth` does not fit the value that it met.
    Blocked {
        /// From 0.
        depth: u8,
        /// `"a string"` and the like.
        met: &'static str,
    },
}

/// What each path of `trie` leads to in the JSON `text`, by slot. An error means that `text` is not JSON.
pub(super) fn fill<'a>(trie: &Trie, text: &'a str) -> Result<Vec<Slot<'a>>, serde_json::Error> {
    let mut slots = vec![Slot::Absent; trie.slots()];
    if pass(trie, text, &mut slots, Care::Fast).is_err() {
        serde_json::from_str::<IgnoredAny>(text)?;
        // It is JSON: what could not be read is a value that blocks a path, such as 1e999, and need not be.
        pass(trie, text, &mut slots, Care::Exact)?;
    }
    Ok(slots)
}

fn pass<'a>(trie: &Trie, text: &'a str, slots: &mut [Slot<'a>], care: Care) -> Result<(), serde_json::Error> {
    let mut document = serde_json::Deserializer::from_str(text);
    Fill { node: trie.root(), slots, depth: 0, care }.deserialize(&mut document)?;
    document.end()
}

/// Whether values on the way of a path may be read before it is known that they are arrays or objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    Fast,
    Exact,
}

/// Fills the slots of one node from the value that is there.
struct Fill<'t, 's, 'a> {
    node: &'t Node,
    /// All slots of the trie.
    slots: &'s mut [Slot<'a>],
    depth: u8,
    care: Care,
}

impl<'t, 'a> Fill<'t, '_, 'a> {
    fn below(&mut self, node: &'t Node) -> Fill<'t, '_, 'a> {
        Fill { node, slots: self.slots, depth: self.depth + 1, care: self.care }
    }

    fn clear(&mut self) {
        self.slots[self.node.slots_below()].fill(Slot::Absent);
    }

    fn block<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>, met: &'static str) {
        for node in nodes {
            self.slots[node.slots.clone()].fill(Slot::Blocked { depth: self.depth, met });
        }
    }

    fn block_all<E>(mut self, met: &'static str) -> Result<(), E> {
        let node = self.node;
        self.block(keys(node).chain(places(node)), met);
        Ok(())
    }

    /// From the text of the value, for nodes that need it or must not be read blindly.
    fn raw(mut self, text: &'a str) -> Result<(), serde_json::Error> {
        if self.node.is_leaf {
            self.slots[self.node.slots.start] = Slot::Found(text);
        }
        if self.node.slots_below().is_empty() {
            return Ok(());
        }
        match text.as_bytes().first() {
            Some(b'{' | b'[') => serde_json::Deserializer::from_str(text).deserialize_any(self),
            Some(b'n') => {
                self.clear();
                Ok(())
            }
            Some(b'"') => self.block_all("a string"),
            Some(b't' | b'f') => self.block_all("a boolean"),
            _ => self.block_all("a number"),
        }
    }

    /// Places that count from the end wait for it; as many elements are kept as the farthest of them needs.
    fn fill_from_both_ends<A: SeqAccess<'a>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let (from_end, from_start) = split_places(self.node);
        let mut from_start = from_start.iter().peekable();
        let farthest = from_end.first().map_or(0, |(place, _)| place.unsigned_abs());
        let mut last = VecDeque::new();
        for at in 0.. {
            let Some(element) = elements.next_element::<&RawValue>()? else { break };
            if let Some((_, node)) = from_start.next_if(|(place, _)| *place == at) {
                self.below(node).raw(element.get()).map_err(A::Error::custom)?;
            }
            last.truncate(farthest.saturating_sub(1));
            last.push_front(element);
        }
        for (place, node) in from_end {
            if let Some(element) = last.get(place.unsigned_abs() - 1) {
                self.below(node).raw(element.get()).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }

    fn in_turn<A: SeqAccess<'a>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut places = self.node.places.iter().peekable();
        for at in 0.. {
            let more = match places.next_if(|(place, _)| *place == at) {
                Some((_, node)) => elements.next_element_seed(self.below(node))?.is_some(),
                None => elements.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

fn keys(node: &Node) -> impl Iterator<Item = &Node> {
    node.keys.iter().map(|(_, below)| below)
}

fn places(node: &Node) -> impl Iterator<Item = &Node> {
    node.places.iter().map(|(_, below)| below)
}

/// An index, from the end where it is negative, and where it leads.
type AtIndex = (isize, Node);

/// Places that count from the end, then those from the start.
fn split_places(node: &Node) -> (&[AtIndex], &[AtIndex]) {
    node.places.split_at(node.places.partition_point(|(place, _)| *place < 0))
}

impl<'a> DeserializeSeed<'a> for Fill<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, value: D) -> Result<(), D::Error> {
        if self.node.slots.is_empty() {
            return IgnoredAny::deserialize(value).map(drop);
        }
        if self.node.is_leaf || self.care == Care::Exact {
            let text = <&RawValue>::deserialize(value)?.get();
            return self.raw(text).map_err(D::Error::custom);
        }
        value.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Fill<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.clear();
        while let Some(found) = map.next_key_seed(KeyOf(self.node))? {
            match found {
                Some(node) => map.next_value_seed(self.below(node))?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, elements: A) -> Result<(), A::Error> {
        self.clear();
        self.block(keys(self.node), "an array");
        match split_places(self.node) {
            ([], _) => self.in_turn(elements),
            _ => self.fill_from_both_ends(elements),
        }
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.clear();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.block_all("a boolean")
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.block_all("a number")
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.block_all("a number")
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.block_all("a number")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.block_all("a string")
    }
}

/// Reads a key of an object and finds where it leads.
struct KeyOf<'t>(&'t Node);

impl<'t, 'a> DeserializeSeed<'a> for KeyOf<'t> {
    type Value = Option<&'t Node>;

    fn deserialize<D: Deserializer<'a>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl<'t> Visitor<'_> for KeyOf<'t> {
    type Value = Option<&'t Node>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.key(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::path;

    /// What the expressions lead to, in their order, as one line each.
    fn slots(expressions: &[&str], text: &str) -> Vec<String> {
        let paths: Vec<_> =
            expressions.iter().map(|text| path::plain(&path::parse(text).unwrap()).unwrap()).collect();
        let trie = Trie::new(paths.iter().map(|path| path.steps.as_slice()));
        let slots = fill(&trie, text).unwrap();
        let shown = |slot: Slot<'_>| match slot {
            Slot::Absent => "-".to_owned(),
            Slot::Found(text) => text.to_owned(),
            Slot::Blocked { depth, met } => format!("{met} at {depth}"),
        };
        paths.iter().map(|path| shown(slots[trie.slot(&path.steps).unwrap()])).collect()
    }

    #[test]
    fn values_are_kept_as_their_text() {
        let text = r#" { "a" : [ 1, {"b": 1.50} ] , "c":"\u0041" , "d":{ } } "#;
        assert_eq!(
            slots(&[".a", ".a[1].b", ".c", ".d", ".a[-2]"], text),
            [r#"[ 1, {"b": 1.50} ]"#, "1.50", r#""\u0041""#, "{ }", "1"]
        );
        assert_eq!(slots(&["."], " [ ] "), ["[ ]"]);
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let text = r#"{"a":null,"b":[0],"c":{}}"#;
        assert_eq!(slots(&[".x", ".x.y", ".b[1]", ".b[-2]", ".c.d", ".c[0]"], text), ["-"; 6]);
        assert_eq!(slots(&[".a", ".a.b", ".a[0]"], text), ["null", "-", "-"]);
        assert_eq!(slots(&[".a.b", "."], "null"), ["-", "null"]);
    }

    #[test]
    fn what_does_not_fit_blocks_the_path() {
        let text = r#"{"a":"x","b":[0],"c":1e999,"d":true}"#;
        assert_eq!(
            slots(&[".a.b.c", ".b.x", ".c[0]", ".d.e"], text),
            ["a string at 1", "an array at 1", "a number at 1", "a boolean at 1"]
        );
        assert_eq!(slots(&[".[0]"], "-1"), ["a number at 0"]);
    }

    #[test]
    fn the_last_of_equal_keys_counts_as_a_whole() {
        assert_eq!(slots(&[".a.b", ".a"], r#"{"a":{"b":1},"a":{"c":2}}"#), ["-", r#"{"c":2}"#]);
        assert_eq!(slots(&[".a.b"], r#"{"a":5,"a":{"b":1}}"#), ["1"]);
        assert_eq!(slots(&[".a.b", ".a[0]"], r#"{"a":{"b":1},"a":5}"#), ["a number at 1", "a number at 1"]);
        assert_eq!(slots(&[".a.b"], r#"{"a":{"b":1},"a":null}"#), ["-"]);
        assert_eq!(slots(&[".a[0]"], r#"{"a":[1],"\u0061":[]}"#), ["-"]);
    }

    #[test]
    fn a_path_may_end_where_others_go_on() {
        let text = r#"{"a":{"b":[{"c":7}, 2]}}"#;
        assert_eq!(
            slots(&[".a.b", ".a.b[0].c", ".a.b[0]", ".a"], text),
            [r#"[{"c":7}, 2]"#, "7", r#"{"c":7}"#, r#"{"b":[{"c":7}, 2]}"#]
        );
        assert_eq!(
            slots(&[".", ".a", "[0]", ".b.c"].map(|e| if e == "[0]" { ".[0]" } else { e }), "5"),
            ["5", "a number at 0", "a number at 0", "a number at 0"]
        );
    }

    #[test]
    fn places_fill_from_both_ends_meet() {
        assert_eq!(
            slots(&[".[0]", ".[-1]", ".[2]", ".[-3]", ".[1].a"], r#"[1,{"a":2},3]"#),
            ["1", "3", "3", "1", "2"]
        );
        assert_eq!(slots(&[".[-1][-1]", ".[-1].a"], "[1,[2,[3]]]"), ["[3]", "an array at 1"]);
    }

    #[test]
    fn a_value_beyond_a_double_is_no_obstacle() {
        assert_eq!(slots(&[".a.b", ".c[0]"], r#"{"a":1e999,"c":[-1e999]}"#), ["a number at 1", "-1e999"]);
        assert_eq!(slots(&[".a.b", ".c"], r#"{"a":"\ud800","c":2}"#), ["a string at 1", "2"]);
    }

    #[test]
    fn text_that_is_not_json_is_refused_whatever_is_wanted() {
        for text in
            ["", " ", "<html>", "{\"a\":1", "{\"a\":1}x", "{\"a\":1,}", "[1 2]", "nul", "{a:1}", "+1", "01"]
        {
            for wanted in [&[][..], &["."], &[".a"], &[".a.b", ".[0]"], &[".[-1]"]] {
                let paths: Vec<_> =
                    wanted.iter().map(|text| path::plain(&path::parse(text).unwrap()).unwrap()).collect();
                let trie = Trie::new(paths.iter().map(|path| path.steps.as_slice()));
                assert!(fill(&trie, text).is_err(), "{text:?} {wanted:?}");
            }
        }
    }
}
