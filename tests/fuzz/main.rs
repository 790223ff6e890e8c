//! Bytes from outside, as libFuzzer thinks them up: one program, whose target `WINDROW_FUZZ` names. What holds of each is said
//! where its function is, in the module that it is of. `tests/fuzz/run.sh` builds it and runs all of them.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The targets by name.
const TARGETS: [(&str, fn(&[u8])); 12] = [
    ("template", windrow::fetch::fuzz::template),
    ("body", windrow::fetch::fuzz::body),
    ("headers", windrow::fetch::fuzz::headers),
    ("token", windrow::fetch::fuzz::token),
    ("json", windrow::extract::fuzz::json),
    ("html", windrow::extract::fuzz::html),
    ("job", windrow::job::fuzz::file),
    ("curl", windrow::curl::fuzz::command),
    ("run", windrow::handoff::fuzz::file),
    ("values", windrow::value::fuzz::text),
    ("list", windrow::plan::fuzz::list),
    ("question", windrow::serve::fuzz::question),
];

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn target() -> fn(&[u8]) {
    let name = std::env::var("WINDROW_FUZZ").unwrap_or_default();
    let names = TARGETS.map(|(name, _)| name).join(", ");
    let found = TARGETS.into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("WINDROW_FUZZ names none of the targets: {names}")).1
}

fuzz_target!(|data: &[u8]| TARGET.get_or_init(target)(data));
