//! `[publish]`: when a run is published, which the table's mode and place allow, and on what conditions.

use super::scheme::Kind;
use crate::job::mistake::Mistakes;
use crate::job::raw;
use crate::job::{Mode, OnPause, Publish};

/// The publish gate.
pub(super) fn validated(file: &raw::JobFile, mistakes: &mut Mistakes) -> Publish {
    let usual = Publish::default();
    let Some(publish) = file.publish.as_ref().map(|publish| &publish.value) else { return usual };
    check_on_pause(file, publish, mistakes);
    check_duplicates(file, publish, mistakes);
    check_rejected(file, publish, mistakes);
    Publish {
        on_pause: publish.on_pause.as_ref().map_or(usual.on_pause, |word| word.value.0),
        min_success: publish.min_success.as_ref().map(|share| share.value.0),
        max_failed: publish.max_failed.as_ref().map(|count| count.value.0),
        max_duplicates: publish.max_duplicates.as_ref().map(|count| count.value.0),
        max_rejected: publish.max_rejected.as_ref().map_or(usual.max_rejected, |count| count.value.0),
        min_rows: publish.min_rows.as_ref().map(|count| count.value.0),
        max_change: publish.max_change.as_ref().map(|ratio| ratio.value.0),
    }
}

/// Only an upsert leaves rows out because of their key.
fn check_duplicates(file: &raw::JobFile, publish: &raw::Publish, mistakes: &mut Mistakes) {
    let mode = file.table.as_ref().and_then(|table| table.value.mode());
    let (Some(most), Some(mode)) = (&publish.max_duplicates, mode) else { return };
    if mode != Mode::Upsert {
        let hint = "leave it out, or take mode = \"upsert\" and a key: the other modes write every row";
        mistakes.add(&most.span, "max_duplicates without an upsert", hint);
    }
}

/// A file takes every row.
fn check_rejected(file: &raw::JobFile, publish: &raw::Publish, mistakes: &mut Mistakes) {
    if let Some(most) = publish.max_rejected.as_ref().filter(|_| Kind::of(file) == Kind::File) {
        let hint = "leave it out: a file has no rules, it takes every row";
        mistakes.add(&most.span, "max_rejected for a file", hint);
    }
}

/// What there is at a pause adds to a table; it does not replace one, and a file is written as a whole.
fn check_on_pause(file: &raw::JobFile, publish: &raw::Publish, mistakes: &mut Mistakes) {
    let mode = file.table.as_ref().and_then(|table| table.value.mode.as_ref());
    let (Some(on_pause), Some(mode)) = (&publish.on_pause, mode) else { return };
    let replaced = match mode.value.0 {
        Mode::Append | Mode::Upsert if Kind::of(file) == Kind::File => "a file",
        Mode::Append | Mode::Upsert => return,
        Mode::Replace => "a table that is replaced as a whole",
        Mode::ReplaceIds => "a table whose ids are replaced as a whole",
    };
    if on_pause.value.0 == OnPause::Publish {
        let hint = if Kind::of(file) == Kind::File {
            "leave it out: a file is written as a whole, when the run is finished"
        } else {
            "leave it out, or take mode = \"append\" or \"upsert\""
        };
        mistakes.add(&on_pause.span, format!("on_pause = \"publish\" in {replaced}"), hint);
    }
}
