//! `windrow man`: manual pages, one for the program and one for each command, out of the help.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::help;
use super::topics::TOPICS;
use crate::handoff::{Exit, ExitMeaning};
use crate::os::{shown_path, tell};
use crate::report::{counted, stdout};
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write all pages into this folder, such as ~/.local/share/man/man1, instead of that of the program to standard output
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<Exit, RunnerError> {
    let program = help::shown();
    let Some(folder) = &args.folder else {
        let page = page(&program)?;
        stdout::write_exactly(|out| out.write_all(&page))?;
        return Ok(Exit::Done);
    };
    let pages = write_pages(&program, folder).map_err(|error| {
        RunnerError::Disk(format!(
            "cannot write into {}: {error}\nhint: name a folder that is yours to write to",
            shown_path(folder)
        ))
    })?;
    tell!("wrote {} into {}", counted(pages, "manual page"), shown_path(folder));
    Ok(Exit::Done)
}

/// How many there are.
fn write_pages(program: &Command, folder: &Path) -> io::Result<u64> {
    std::fs::create_dir_all(folder)?;
    let mut pages = 0;
    for command in std::iter::once(program).chain(program.get_subcommands()) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        std::fs::write(folder.join(format!("{name}.1")), page(command)?)?;
        pages += 1;
    }
    Ok(pages)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let is_program = command.has_subcommands();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if is_program {
        commands(command).to_writer(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if is_program {
        words().to_writer(&mut page)?;
    } else {
        examples(command.get_name()).to_writer(&mut page)?;
    }
    exit_status().to_writer(&mut page)?;
    see_also(is_program).to_writer(&mut page)?;
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    Ok(finished(name, &String::from_utf8_lossy(&page)).into_bytes())
}

/// What each section begins with: how an apostrophe is written.
const APOSTROPHES: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The page with its title, in characters that every formatter reads, whatever the locale.
fn finished(name: &str, sections: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // An empty date has to be written in quotes, or what follows is taken for it.
    let title = format!(".TH {name} 1 \"\" \"windrow {version}\" windrow\n");
    let plain = |c: char| {
        if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) }
    };
    let sections: String = sections.replace(APOSTROPHES, "").chars().map(plain).collect();
    format!("{APOSTROPHES}{title}{sections}")
}

/// The commands, in the groups that the help has.
fn commands(program: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for (title, names) in help::GROUPS {
        roff.control("SS", [title]);
        for name in names {
            let about = program.find_subcommand(name).and_then(Command::get_about);
            tagged(
                &mut roff,
                &format!("windrow-{name}(1)"),
                &about.map(ToString::to_string).unwrap_or_default(),
            );
        }
    }
    roff
}

fn words() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["WORDS"]);
    for (word, means) in help::WORDS {
        tagged(&mut roff, word, &means.replace('`', ""));
    }
    roff
}

/// Examples as they are typed.
fn examples(command: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (typed, does) in help::examples(command) {
        roff.text([bold(typed)]);
        if !does.is_empty() {
            roff.control("RS", ["4"]);
            roff.text([roman(does)]);
            roff.control("RE", []);
        }
    }
    roff
}

fn exit_status() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for ExitMeaning { codes, means, todo, .. } in Exit::MEANINGS {
        tagged(&mut roff, codes, &format!("{means}. To do: {todo}.").replace('`', ""));
    }
    roff
}

fn see_also(is_program: bool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let mut also: Vec<String> = TOPICS.iter().map(|(name, ..)| format!("windrow help {name}")).collect();
    if !is_program {
        also.insert(0, "windrow(1)".to_owned());
    }
    roff.text([roman(also.join(", "))]);
    roff
}

fn tagged(roff: &mut Roff, tag: &str, text: &str) {
    roff.control("TP", []);
    roff.text([bold(tag)]);
    roff.text([roman(text)]);
}
