//! A child that does not outlive its parent; whether a process is there.

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// The parent ended before the child could tie itself to it.
#[derive(Debug, thiserror::Error)]
#[error("the supervisor (process {0}) is gone")]
pub struct ParentGone(i32);

/// The user that this process works for.
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The name of that user, where the system knows one.
pub fn user_name() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name)
}

/// That user's home, where the system knows one: `$HOME` may be another, or not set.
pub fn user_home() -> Option<std::path::PathBuf> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.dir)
}

/// Makes the kernel kill this process when the thread that started it ends (`PR_SET_PDEATHSIG`, prctl(2)).
///
/// `parent` is the expected parent: it may have died between the fork and this call, which the kernel would
/// not tell.
pub fn die_with_parent(parent: i32) -> Result<(), ParentGone> {
    let tied = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok();
    if tied && getppid() == Pid::from_raw(parent) { Ok(()) } else { Err(ParentGone(parent)) }
}

/// Whether there is a process of that number, whoever's it is.
pub fn is_alive(process: i32) -> bool {
    use nix::errno::Errno;
    // Numbers below 1 stand for groups of processes.
    process > 0 && !matches!(nix::sys::signal::kill(Pid::from_raw(process), None), Err(Errno::ESRCH))
}

/// Makes a program that is about to be started die with the thread that starts it, as [`die_with_parent`] does for
/// this process.
pub fn dies_with_us(command: &mut tokio::process::Command) -> &mut tokio::process::Command {
    let tie = || nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(std::io::Error::from);
    // SAFETY: the closure runs in the forked child before exec and makes one system call (prctl), which is
    // async-signal-safe; it allocates nothing and takes no lock.
    unsafe { command.pre_exec(tie) }
}
