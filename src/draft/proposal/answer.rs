//! An answer that is JSON, and what stands at its top.

use super::json::{Json, Kind};

/// An answer that is JSON.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    /// The id that it is about.
    pub(super) id: &'a str,
    /// All of it.
    pub(super) json: Json<'a>,
    /// Its members, if it is an object.
    pub(super) members: Vec<(String, Json<'a>)>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A value.
    Value(Json<'a>),
    /// Nothing, which is null to jq.
    Nothing,
    /// Something on the way that has no members, which is an error to jq.
    Blocked,
}

impl<'a> Answer<'a> {
    pub(super) fn new(id: &'a str, json: Json<'a>) -> Answer<'a> {
        Answer { id, json, members: json.members() }
    }

    /// The member of that key at its top.
    pub(super) fn member(&self, key: &str) -> Option<Json<'a>> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// What a path of keys leads to.
    pub(super) fn at(&self, keys: &[String]) -> Found<'a> {
        let Some((first, below)) = keys.split_first() else { return Found::Value(self.json) };
        let top = match self.json.kind() {
            Kind::Object => self.member(first),
            Kind::Null => None,
            Kind::Boolean | Kind::Number | Kind::Text | Kind::Array => return Found::Blocked,
        };
        let mut found = top;
        for key in below {
            found = match found {
                None => return Found::Nothing,
                Some(above) if above.is_null() => return Found::Nothing,
                Some(above) if above.kind() == Kind::Object => above.member(key),
                Some(_) => return Found::Blocked,
            };
        }
        found.map_or(Found::Nothing, Found::Value)
    }
}
