//! `docs/commands.md`: every command and option, from the same source as `--help`.

use clap::Command;

use super::help;

/// Where it is kept.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");

const HEAD: &str = "# Commands

Generated from the program (`src/cli`): `WINDROW_WRITE_COMMANDS=1 make test T=the_page_of_commands` writes it anew.

`windrow COMMAND --help` prints each of these. Where a command takes a JOB it takes its file, its name, or one of its runs; where
it takes a RUN the same words, and a job then stands for its newest run. Exit codes are on [Schedules](schedule.md#exit-codes).

";

fn page() -> String {
    let command = help::command().term_width(100);
    let mut page = HEAD.to_owned();
    for (title, names) in help::GROUPS {
        for name in names {
            let command = command.find_subcommand(name).expect("a command of a group");
            page += &format!("- [`windrow {name}`](#windrow-{name}): {} ({title})\n", about(command));
        }
    }
    for name in help::GROUPS.iter().flat_map(|(_, names)| *names) {
        let command = command.find_subcommand(name).expect("a command of a group");
        page += &format!("\n## windrow {name}\n\n```text\n{}\n```\n", help_of(command));
    }
    page
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// What `--help` prints, as wide as it is in a file.
fn help_of(command: &Command) -> String {
    let name = format!("windrow {}", command.get_name());
    let help = command.clone().bin_name(name).term_width(100).render_long_help().to_string();
    help.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_of_commands_is_what_the_program_says() {
    if std::env::var_os("WINDROW_WRITE_COMMANDS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(kept == page(), "docs/commands.md is not what the program says\n{}", page());
}
