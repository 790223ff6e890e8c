//! Chance that can be had again: what every random test draws from.
//!
//! Cargo sets `WINDROW_SEED` for what draws with fastrand, and `PROPTEST_RNG_SEED` for what draws with proptest
//! (`.cargo/config.toml`), so that `make test` is the same each time. `make soak` sets new ones, and `WINDROW_SOAK`.

use fastrand::Rng;

/// The number in `WINDROW_SEED`, shown where the test fails.
pub fn seed() -> u64 {
    let seed = std::env::var("WINDROW_SEED").expect("cargo sets WINDROW_SEED, see .cargo/config.toml");
    println!("rerun with WINDROW_SEED={seed}");
    seed.parse().expect("WINDROW_SEED is a number")
}

/// Random numbers from that seed.
pub fn seeded() -> Rng {
    Rng::with_seed(seed())
}

/// Whether this is `make soak`, which has the machine to itself and holds times and rates to tight bounds.
pub fn is_soak() -> bool {
    std::env::var_os("WINDROW_SOAK").is_some()
}
