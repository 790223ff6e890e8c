//! `[input]` as written.

use schemars::JsonSchema;

use super::at::At;
use super::fields::{Fields, Section};
use super::forms::{Id, Named, Names};
use super::word::{Choice, TypeName, Word};
use crate::job::input::{Duplicates, Format};

/// `[input]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Input {
    /// The list: a .csv, .tsv, .jsonl, .parquet or .txt file, relative to this file; `-` is standard input.
    pub file: Option<At<String>>,
    /// The list itself, instead of a file.
    pub ids: Option<At<Vec<At<Id>>>>,
    /// Format of the list where the file's ending does not say: `csv`, `tsv`, `jsonl`, `parquet` or `lines`
    /// (one id a line, no header; the default of standard input).
    pub format: Option<At<Word<Format>>>,
    /// The column, or columns, that identify a line; for `lines` and `ids` the name that the ids get.
    #[schemars(required)]
    pub id: Option<At<Names>>,
    /// Columns of the list to carry into the table; the id always is.
    pub keep: Option<At<Vec<At<String>>>>,
    /// Types of columns of the list. CSV values are text unless this says otherwise (007 stays 007).
    pub types: Option<At<Named<TypeName>>>,
    /// What to do with an id that comes twice: `refuse` (default), `keep` both, or `first` (later ones are left out).
    pub duplicates: Option<At<Word<Duplicates>>>,
    /// `ok` where an empty list is no error.
    pub empty: Option<At<Word<Empty>>>,
}

impl Section for Input {
    const TITLE: &'static str = "[input]";

    fn read(fields: &mut Fields<'_>) -> Input {
        fields.exactly_one(["file", "ids"], "add file = \"….csv\" or ids = [\"…\", \"…\"]");
        Input {
            file: fields.optional("file"),
            ids: fields.optional("ids"),
            format: fields.optional("format"),
            id: fields.required("id", "add id = \"…\", the name of the id column"),
            keep: fields.optional("keep"),
            types: fields.optional("types"),
            duplicates: fields.optional("duplicates"),
            empty: fields.optional("empty"),
        }
    }
}

impl Choice for Format {
    const WORDS: &'static [(&'static str, Format)] = &[
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("jsonl", Format::Jsonl),
        ("parquet", Format::Parquet),
        ("lines", Format::Lines),
    ];
}

impl Choice for Duplicates {
    const WORDS: &'static [(&'static str, Duplicates)] =
        &[("refuse", Duplicates::Refuse), ("keep", Duplicates::Keep), ("first", Duplicates::First)];
}

/// What an empty list is.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) enum Empty {
    /// No error.
    Ok,
}

impl Choice for Empty {
    const WORDS: &'static [(&'static str, Empty)] = &[("ok", Empty::Ok)];
}
