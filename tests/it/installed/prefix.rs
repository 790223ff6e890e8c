//! `make install`.

use std::path::Path;
use std::process::Command;

use crate::support::{Sandbox, ended};

/// Into a folder with a blank in its name; what is built is taken as it is.
fn install(sandbox: &Sandbox, prefix: &Path) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_windrow"));
    let target = program.parent().and_then(Path::parent).unwrap();
    let mut make = Command::new("make");
    make.args(["--no-print-directory", "-C", env!("CARGO_MANIFEST_DIR"), "-o", "build", "install"]);
    make.arg(format!("PREFIX={}", prefix.display())).arg(format!("CARGO_TARGET_DIR={}", target.display()));
    // Of another make, which may run these tests.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"] {
        make.env_remove(name);
    }
    make.env("WINDROW_STATE", sandbox.state());
    let told = ended(make).with_code(0);
    told.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn make_install_says_what_it_put_where_and_all_of_it_works() {
    let sandbox = Sandbox::new();
    let prefix = sandbox.path().join("pre fix");
    let told = install(&sandbox, &prefix);
    let expected = [
        "bin/windrow",
        "lib/windrow/libduckdb.so",
        "share/bash-completion/completions/windrow",
        "share/fish/vendor_completions.d/windrow.fish",
        "share/man/man1/windrow.1",
        "share/man/man1/windrow-run.1",
        "share/zsh/site-functions/_windrow",
    ];
    for file in expected {
        let path = prefix.join(file);
        assert!(told.contains(&path.display().to_string()), "{file}: {told:#?}");
        assert!(path.metadata().unwrap().len() > 0, "{file}");
    }
    assert!(told.iter().all(|line| Path::new(line).is_file()), "{told:#?}");
    let mut program = Command::new(prefix.join("bin/windrow"));
    // The library that it brings, not one of the tests' own.
    program.env_remove("LD_LIBRARY_PATH").arg("--version");
    sandbox.confine(&mut program);
    assert!(ended(program).with_code(0).stdout.starts_with("windrow "));
    // Once more over what is there.
    assert_eq!(install(&sandbox, &prefix), told);
}
