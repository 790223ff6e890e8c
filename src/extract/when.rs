//! `when`: whether a record is asked at all.

use crate::record::Failure;

use super::ExtractorError;
use super::condition::Condition;
use super::expression::{ParsedAnswer, planted};
use super::trie::Trie;

/// A compiled `when`; it runs under the watchdog ([`Guarded`](super::Guarded)).
pub struct When {
    condition: Condition,
    trie: Trie,
}

impl When {
    pub(super) fn compile(jq: &str) -> Result<When, ExtractorError> {
        let mut condition = Condition::new(jq, "when")?;
        let trie = planted(condition.plain());
        Ok(When { condition, trie })
    }

    /// Whether it holds for a record: a JSON object of its input columns, and an object of its columns for each
    /// endpoint that was asked before.
    ///
    /// # Errors
    ///
    /// The condition fails or gives several values: kind `extract`.
    pub fn holds(&self, record: &str) -> Result<bool, Failure> {
        self.condition.holds(&ParsedAnswer::read(record, &self.trie)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    const RECORD: &str = r#"{"country":"US","year":1998,"omdb":{"type":"movie","votes":null}}"#;

    fn holds(jq: &str) -> Result<bool, Failure> {
        When::compile(jq).unwrap().holds(RECORD)
    }

    #[test]
    fn it_looks_at_the_record_plain_or_not() {
        for jq in [r#".country == "US""#, ".omdb.type", r#".omdb.type == "movie" and .year > 1990"#] {
            assert!(holds(jq).unwrap(), "{jq}");
        }
        for jq in [r#".country != "US""#, ".omdb.votes", ".nosuch", "empty", ".year < 1990"] {
            assert!(!holds(jq).unwrap(), "{jq}");
        }
    }

    #[test]
    fn a_condition_that_fails_is_named() {
        for jq in [".country.code", ".country + 1", ".country, .year"] {
            let failure = holds(jq).unwrap_err();
            assert_eq!(failure.kind, Kind::Extract);
            assert!(failure.detail.starts_with("when: "), "{failure:?}");
        }
        assert!(When::compile(".a ==").err().unwrap().to_string().starts_with("when: not a jq expression"));
    }
}
