//! The columns of an endpoint as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::at::At;
use super::fields::{Fields, FromToml, Present, wrong_shape};
use super::forms::Named;
use super::section::section;
use super::word::{Choice, TypeName, Word};
use crate::job::answer::TakenFrom;
use crate::job::endpoint::{OnBadCharacter, OnError};
use crate::job::mistake::Mistakes;

/// The columns of an endpoint.
pub(in crate::job) type Columns = Named<AnyColumn>;

/// A column: a bare expression, or a table.
#[derive(Debug, Clone)]
pub(in crate::job) enum AnyColumn {
    /// jq, a CSS selector or a regular expression, as the endpoint's `format` has it.
    Bare(At<String>),
    /// Everything else is boxed: it is much larger.
    Table(Box<Column>),
}

impl AnyColumn {
    /// What is written in its table, if it is one.
    pub(in crate::job) fn table(&self) -> Option<&Column> {
        match self {
            AnyColumn::Bare(_) => None,
            AnyColumn::Table(column) => Some(column),
        }
    }
}

impl FromToml for AnyColumn {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<AnyColumn> {
        match value.get_ref() {
            DeValue::String(code) => {
                Some(AnyColumn::Bare(At { value: code.to_string(), span: value.span() }))
            }
            DeValue::Table(_) => Column::from_toml(value, mistakes).map(Box::new).map(AnyColumn::Table),
            _ => {
                let hint = "write \".Title\" or { jq = \".Votes\", type = \"bigint\" }";
                mistakes.add(&value.span(), wrong_shape("an expression or a table", value), hint);
                None
            }
        }
    }
}

impl JsonSchema for AnyColumn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyColumn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Column>()] })
    }
}

section! {
    /// A column that is written as a table.
    "the column";
    Column {
        /// The jq expression that finds the value in a JSON answer, or in one of its rows. No value is null, more than one
        /// a failure.
        jq: String,
        /// The CSS selector that finds the value in an HTML answer, or in one of its rows: the text of the first element,
        /// as the page shows it, on one line. No element is null; `:scope` is the row's own element.
        css: String,
        /// The attribute that holds the value, instead of the element's text: `href`.
        attr: String,
        /// Whether the value is a list of all elements instead of the first; its type is then `json`, or `text`.
        all: bool,
        /// What the expression is applied to where an answer has rows: the `row` (default), or the whole `answer`.
        from: Word<TakenFrom>,
        /// The type of the column: `text`, `boolean`, `integer` (32 bits), `bigint` (64 bits), `double`, `decimal(p,s)`, `date`,
        /// `timestamp` (UTC), `json` or `blob` (bytes). Default `text`.
        #[schemars(rename = "type")]
        ty as "type": TypeName,
        /// Texts that mean null here, instead of the endpoint's.
        nulls: Vec<At<String>>,
        /// Characters to remove before the value is converted: `","` for 1,234.
        remove: String,
        /// A regular expression: its capture group, or else the whole match, is the value; no match is null.
        regex: String,
        /// How a date or timestamp is written, as strptime has it: `%d %b %Y`. How the bytes of a blob are: `base64` (either
        /// alphabet, with padding or without) or `hex`; a blob needs it.
        format: String,
        /// The IANA time zone of timestamps that name none, such as `Europe/Berlin`. Default UTC.
        zone: String,
        /// What a value that does not fit its type does: `fail` (default), or become `null`.
        on_error: Word<OnError>,
        /// Whether null is a failure. Default false.
        not_null: bool,
        /// What becomes of characters in text or JSON that a database cannot hold: of U+0000 in PostgreSQL, and of half a
        /// surrogate pair, which JSON alone can write. `keep` (default; half a pair is no text, and fails all the same), `fail`
        /// the value as one that does not fit (default where the table is in PostgreSQL), or `replace` them by U+FFFD.
        on_bad_character: Word<OnBadCharacter>,
        ..
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

impl Choice for OnError {
    const WORDS: &'static [(&'static str, OnError)] = &[("fail", OnError::Fail), ("null", OnError::Null)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["ignore", "coerce", "none", "nan", "skip", "drop"], "write \"null\""),
        (&["raise", "error", "strict", "stop"], "write \"fail\""),
    ];
}

impl Choice for OnBadCharacter {
    const WORDS: &'static [(&'static str, OnBadCharacter)] = &[
        ("keep", OnBadCharacter::Keep),
        ("fail", OnBadCharacter::Fail),
        ("replace", OnBadCharacter::Replace),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["refuse", "strict", "error", "raise"], "write \"fail\""),
        (&["ignore", "remove", "strip"], "write \"replace\", by U+FFFD"),
    ];
}

impl Choice for TakenFrom {
    const WORDS: &'static [(&'static str, TakenFrom)] =
        &[("row", TakenFrom::Row), ("answer", TakenFrom::Answer)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["response", "document", "page", "body", "root"], "write \"answer\""),
        (&["item", "record", "element"], "write \"row\""),
    ];
}
