//! Limits of this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the number of files (sockets included) that this process may have open as far as allowed, and says
/// how many that is; every child inherits it. A system that refuses keeps what it had.
pub fn raise_open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// Gives up, for this process and those that it starts, what a hostile answer could make use of: rights that a program may
/// gain (`sudo`; `PR_SET_NO_NEW_PRIVS`, prctl(2)), and core files, which would hold its secrets. A system that refuses keeps
/// what it had.
pub fn give_up_privileges() {
    let _ = nix::sys::prctl::set_no_new_privs();
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// How many files this process may have open.
pub fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}
