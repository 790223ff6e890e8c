//! A value as written, with its place in the file.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::super::mistake::Span;

/// A value and the bytes of the file that it was written in.
#[derive(Debug, Clone)]
pub(in crate::job) struct At<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl At<String> {
    /// The text.
    pub(in crate::job) fn text(&self) -> &str {
        &self.value
    }

    /// Where `range` of the text lies in the file; the whole where escapes or line ends come between.
    pub(in crate::job) fn part(&self, range: Span) -> Span {
        let written = self.span.end - self.span.start;
        // Without escapes a string is its text between two quotes of one character, or of three.
        let quotes = match written.checked_sub(self.value.len()) {
            Some(2) => 1,
            Some(6) => 3,
            _ => return self.span.clone(),
        };
        if self.value.contains('\n') {
            return self.span.clone();
        }
        let start = self.span.start + quotes;
        start + range.start..start + range.end
    }
}

/// Places do not show in the schema.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
