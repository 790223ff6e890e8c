//! `windrow completions SHELL`: the script by which a shell completes commands and flags, out of the help.

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::help;
use crate::handoff::Exit;
use crate::report::stdout;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: KnownShell,
}

/// The shells that `make install` and the tests know.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

impl From<KnownShell> for Shell {
    fn from(shell: KnownShell) -> Shell {
        match shell {
            KnownShell::Bash => Shell::Bash,
            KnownShell::Zsh => Shell::Zsh,
            KnownShell::Fish => Shell::Fish,
        }
    }
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, RunnerError> {
    let mut script = Vec::new();
    clap_complete::generate(Shell::from(args.shell), &mut help::shown(), "windrow", &mut script);
    stdout::write_exactly(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}
