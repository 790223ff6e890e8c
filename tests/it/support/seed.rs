//! Chance that can be had again.

use fastrand::Rng;

/// The seed of a random test: `WINDROW_SEED`, or a new one; shown where the test fails.
pub fn seeded() -> Rng {
    let given =
        std::env::var("WINDROW_SEED").ok().map(|seed| seed.parse().expect("WINDROW_SEED is a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: rerun with WINDROW_SEED={seed}");
    Rng::with_seed(seed)
}
