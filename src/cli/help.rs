//! The help: commands in the order in which they are needed, an example of each, and words that other tools have for them.

use std::path::PathBuf;

use clap::builder::UnknownArgumentValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory, value_parser};

use super::Cli;
use super::topics::TOPICS;
use crate::handoff::Exit;

/// The commands, by what they are for.
pub(super) const GROUPS: [(&str, &[&str]); 7] = [
    ("Start", &["init", "check", "plan", "run"]),
    ("Look", &["status", "failures", "query"]),
    ("Mend", &["retry", "extract", "merge"]),
    ("Keep", &["limits", "prune"]),
    ("Stay up", &["work", "requeue", "serve"]),
    ("Many machines", &["shard"]),
    ("Shell and editor", &["schema", "completions", "man"]),
];

/// An example of each command, and what it does.
const EXAMPLES: [(&str, &str); 20] = [
    ("init", "windrow init films --from-curl 'curl https://api.example.com/films/tt0111161' --ids ids.csv"),
    (
        "check",
        "windrow check films.toml                    asks three records of the list, and shows what became of them",
    ),
    (
        "plan",
        "windrow plan films.toml                     says how many requests it will be, and how long they take",
    ),
    ("run", "windrow run films.toml --sample 10          tries ten records, into a database of their own"),
    ("status", "windrow status films                        the shards of the newest run"),
    ("failures", "windrow failures films --list --format csv  every failed request with its id"),
    ("query", "windrow query films \"SELECT count(*) FROM rows WHERE year IS NULL\""),
    (
        "retry",
        "windrow retry films --status 5xx            asks again what a server's error was the answer to",
    ),
    (
        "extract",
        "windrow extract films                       makes what failed anew by the job as it is now, asking nobody",
    ),
    ("merge", "windrow merge films --to csv:films.csv      publishes the newest run into a file as well"),
    ("limits", "windrow limits --forget api.example.com     lets requests go to that host again"),
    ("prune", "windrow prune films --older-than 30d --dry-run"),
    (
        "work",
        "windrow work purchases                      asks about the jobs of a table as they come, until Ctrl-C",
    ),
    (
        "requeue",
        "windrow requeue purchases --kind status     lets jobs wait again that failed since a server said no",
    ),
    (
        "serve",
        "windrow serve prices.toml                   answers at 127.0.0.1:8480, and runs the job as often as it says",
    ),
    ("shard", "windrow shard films 3                       fetches shard 3 of the newest run"),
    ("schema", "windrow schema > job.schema.json            what editors complete and check job files by"),
    ("completions", "windrow completions bash > ~/.local/share/bash-completion/completions/windrow"),
    ("man", "windrow man ~/.local/share/man/man1         then `man windrow` and `man windrow-run` show them"),
    (
        "help",
        "windrow help exit-codes                     what each exit code asks of a script, of cron or of systemd",
    ),
];

/// What other tools, or people, call a command.
const OTHERS: [(&str, &[&str]); 15] = [
    ("init", &["new", "create", "generate", "scaffold", "template", "quickstart"]),
    ("check", &["validate", "lint", "test", "verify", "try", "preview", "debug"]),
    ("plan", &["explain", "dry-run", "dryrun", "estimate", "price", "cost"]),
    (
        "run",
        &[
            "fetch", "start", "go", "exec", "execute", "sync", "crawl", "download", "load", "resume",
            "continue", "restart", "read", "pipeline", "invoke",
        ],
    ),
    ("status", &["list", "ls", "ps", "runs", "show", "info", "progress", "state", "jobs"]),
    ("failures", &["errors", "error", "failed", "log", "logs", "rejects", "missing"]),
    ("query", &["sql", "select", "ask", "rows", "head", "shell"]),
    ("retry", &["rerun", "redo", "repair", "again"]),
    ("extract", &["transform", "parse", "reparse", "convert", "backfill"]),
    ("merge", &["publish", "commit", "upload", "export", "write", "insert", "push"]),
    ("work", &["worker", "consume", "drain", "queue", "dequeue"]),
    (
        "serve",
        &["server", "api", "http", "web", "schedule", "scheduler", "cron", "watch", "daemon", "listen"],
    ),
    ("requeue", &["redrive", "kick", "revive", "unbury", "retry-dead", "dead", "dlq", "dead-letters"]),
    ("limits", &["limit", "quota", "quotas", "budget", "budgets", "rate", "rates", "hosts", "unpause"]),
    ("prune", &["clean", "clear", "gc", "rm", "remove", "delete", "purge", "vacuum", "cleanup"]),
];

/// Words that the commands use, and what each means.
pub(super) const WORDS: [(&str, &str); 8] = [
    ("run", "one pass through the whole list, in a folder of its own"),
    ("shard", "a part of the list, fetched by a process of its own"),
    ("round", "asks again what failed or waits; round 0 asks everything"),
    ("failed", "asked, and not answered as it should be; `windrow retry` asks again"),
    ("waiting", "not answered yet: a quota is used up, its host is down, or the run was interrupted"),
    ("not_asked", "its `when` said no, or what it depends on failed"),
    ("rejected", "fetched, but refused by a rule of the table; `windrow merge` tries it again"),
    ("missing", "the server says that the id does not exist: a success, its columns null"),
];

/// The command line, as it is parsed and explained.
pub(super) fn command() -> Command {
    let command = Cli::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}{{after-help}}",
        groups(&command)
    );
    let command = command.help_template(template).after_help(after_help());
    let command = EXAMPLES.iter().fold(command, |command, (name, example)| {
        command.mut_subcommand(*name, |of| of.after_help(format!("Example:\n  {example}")))
    });
    let command = without_runs(command);
    command.mut_subcommand("merge", |of| of.arg(not_force()))
}

/// The same without what is hidden, for what does not know of hiding: completions, manual pages.
pub(super) fn shown() -> Command {
    let mut command = command();
    command.build();
    let of = |(name, _)| command.find_subcommand(name).map(|of| without_hidden(name, of));
    let mut shown = without_hidden("windrow", &command)
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(EXAMPLES.into_iter().filter_map(of))
        .mut_subcommand("help", |of| of.mut_arg("words", |words| words.value_parser(pages())))
        .disable_help_subcommand(true);
    shown.build();
    shown
}

/// What there is help about.
fn pages() -> Vec<&'static str> {
    TOPICS.iter().map(|(name, ..)| *name).chain(EXAMPLES.into_iter().map(|(name, _)| name)).collect()
}

/// The command without those below it.
fn without_hidden(name: &'static str, command: &Command) -> Command {
    let is_shown = |argument: &&Arg| {
        !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
    };
    let arguments = command.get_arguments().filter(is_shown).map(|argument| argument.clone().global(false));
    let mut shown = Command::new(name).args(arguments);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_long_about() {
        Some(long) => shown.long_about(long.clone()),
        None => shown,
    }
}

/// `--runs` goes with every command; where it says nothing it is taken and not shown.
fn without_runs(command: Command) -> Command {
    WITHOUT_RUNS.iter().fold(command, |command, name| {
        command.mut_subcommand(*name, |of| {
            // As the other commands have it, or reading it panics.
            let folder = Arg::new("folder").long("runs").value_parser(value_parser!(PathBuf));
            of.arg(folder.hide(true))
        })
    })
}

/// The examples of a command, as they are typed, and what each does.
pub(super) fn examples(command: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_it = EXAMPLES.into_iter().filter(move |(name, _)| *name == command);
    of_it.map(|(_, example)| {
        example.split_once("  ").map_or((example, ""), |(typed, does)| (typed, does.trim()))
    })
}

/// Commands that look at no run: `--runs`, which all have, is not shown there.
const WITHOUT_RUNS: [&str; 6] = ["init", "limits", "schema", "completions", "man", "help"];

/// What one types first where the gate refuses; `--anyway` says less.
fn not_force() -> Arg {
    let parser = UnknownArgumentValueParser::suggest_arg("--anyway")
        .and_suggest("it sets aside the conditions of [publish] only");
    Arg::new("force").long("force").action(ArgAction::SetTrue).value_parser(parser).hide(true)
}

/// The commands below the names of their groups, a line each.
fn groups(command: &Command) -> String {
    let line = |name: &&str| {
        let about = command.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string);
        format!("  {name:<13}{}\n", about.unwrap_or_default())
    };
    let group = |(title, names): &(&str, &[&str])| {
        format!("{title}:\n{}\n", names.iter().map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect()
}

/// What stands below the help: words, then exit codes, a line each.
fn after_help() -> String {
    let line = |(word, means): &(&str, &str)| format!("\n  {word:<14} {}", means.replace('`', ""));
    let lines = |words: &[(&str, &str)]| words.iter().map(line).collect::<String>();
    let codes = Exit::MEANINGS.map(|meaning| (meaning.codes, meaning.means));
    let topics: String =
        TOPICS.iter().map(|(name, about, _)| format!("\n  windrow help {name:<12} {about}")).collect();
    format!("Words:{}\n\nExit codes:{}\n\nMore:{topics}", lines(&WORDS), lines(&codes))
}

/// The command that another tool's word stands for.
pub(super) fn meant_by(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase().replace('_', "-");
    OTHERS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(command, _)| *command)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn every_command_is_in_one_group_and_has_an_example() {
        let command = Cli::command();
        let there: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        // What the help says of itself stands below the commands.
        let groups = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
        let grouped: Vec<&str> = groups.chain(["help"]).collect();
        assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), there);
        assert_eq!(grouped.len(), there.len());
        assert_eq!(EXAMPLES.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), there);
        for (name, example) in EXAMPLES {
            assert!(example.starts_with(&format!("windrow {name} ")), "{example}");
        }
    }

    #[test]
    fn commands_that_look_at_no_run_take_their_folder_all_the_same() {
        for words in [&["init", "films"][..], &["limits"], &["schema"], &["man"], &["help"]] {
            let words = [&["windrow"], words, &["--runs", "elsewhere"]].concat();
            let found = super::command().try_get_matches_from(words).unwrap();
            assert_eq!(Cli::from_arg_matches(&found).unwrap().runs.folder, Some(PathBuf::from("elsewhere")));
        }
    }

    #[test]
    fn words_of_others_lead_to_one_command_each_and_are_none() {
        let command = Cli::command();
        let words: Vec<&str> = OTHERS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        for (name, words) in OTHERS {
            assert!(command.find_subcommand(name).is_some(), "{name}");
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
        }
    }
}
