//! The seeds that fuzzing begins with, and what it has found: `make test` gives them all to their target.

use std::path::Path;

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let seeds = std::fs::read_dir(folder).expect("each target has seeds");
    let seeds: Vec<Vec<u8>> = seeds.map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty(), "{target} has no seed");
    seeds
}
