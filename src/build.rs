//! Lets every binary find the prebuilt DuckDB library without environment variables: a copy of it lies beside
//! the binary, and the binary looks there (and in `../lib/windrow`, where an installation puts it).

use std::path::{Path, PathBuf};

const LIBRARY: &str = "libduckdb.so";

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else {
        println!(
            "cargo:warning=DUCKDB_LIB_DIR is not set: eval \"$(make env)\" sets it; or build with --features bundled"
        );
        return;
    };
    println!("cargo:rerun-if-changed={}", folder.join(LIBRARY).display());
    // The binary lies in the profile's folder; tests, examples and benches one below.
    for place in ["", "/..", "/../lib/windrow"] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN{place}");
    }
    if let Some(profile) = profile_folder()
        && let Err(error) = put_beside(&folder.join(LIBRARY), &profile.join(LIBRARY))
    {
        println!("cargo:warning=cannot copy {LIBRARY} beside the binary: {error}");
    }
}

/// `target/release`: the build script's own folder is `target/release/build/windrow-<hash>/out`.
fn profile_folder() -> Option<PathBuf> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR")?);
    Some(out.ancestors().nth(3)?.to_path_buf())
}

/// Puts the copy there whole: a program that has the old one mapped keeps it.
fn put_beside(library: &Path, copy: &Path) -> std::io::Result<()> {
    let staged = copy.with_extension("staged");
    std::fs::copy(library, &staged)?;
    std::fs::rename(&staged, copy)
}
