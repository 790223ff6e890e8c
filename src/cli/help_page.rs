//! `windrow help`, of the program, a command or a topic.

use clap::Args;

use super::help;
use super::topics::TOPICS;
use crate::handoff::Exit;
use crate::job::nearest_word;
use crate::report::stdout;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// A command, or a topic: exit-codes, kinds or types
    #[arg(value_name = "COMMAND or TOPIC")]
    words: Vec<String>,
}

pub(super) fn run(args: &HelpArgs) -> Result<Exit, RunnerError> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let page = match words.as_slice() {
        [] => of_command(None),
        [word] => of_topic(word).or_else(|| of_command(Some(word))),
        [..] => None,
    };
    let page = page.ok_or_else(|| unknown(&words))?;
    stdout::write(|out| out.write_all(page.as_bytes()))?;
    Ok(Exit::Done)
}

fn of_topic(word: &str) -> Option<String> {
    let word = word.replace('_', "-");
    TOPICS.iter().find(|(name, ..)| *name == word).map(|(_, _, page)| page())
}

/// What `--help` says, of the program where no command is named.
fn of_command(name: Option<&str>) -> Option<String> {
    let mut command = help::command();
    if let Some(name) = name {
        command.find_subcommand(name)?;
    }
    let words = ["windrow"].into_iter().chain(name).chain(["--help"]);
    command.try_get_matches_from_mut(words).err().map(|help| help.to_string())
}

fn unknown(words: &[&str]) -> RunnerError {
    let shown = words.join(" ");
    let topics = TOPICS.map(|(name, ..)| name);
    let command = help::command();
    let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).chain(topics).collect();
    let meant = match words {
        [word] => help::meant_by(word).or_else(|| nearest_word(word, &known)),
        // Commands have none below them.
        [first, ..] => known.iter().copied().find(|name| name == first),
        [] => None,
    };
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean `windrow help {meant}`? "));
    RunnerError::Usage(format!(
        "there is no command or topic {shown:?}\nhint: {meant}the topics are {}; `windrow help` lists the commands",
        topics.join(", ")
    ))
}
