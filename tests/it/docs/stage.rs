//! A page, run.

use super::alike::alike;
use super::fragment::laid_over;
use super::page::{Block, Exchange, Page, Step, Untrue};
use super::repository;
use super::shell::{Said, Shell};
use crate::support::{Origin, Sandbox, free_port};

/// The origin's address on the pages.
const ON_PAGES: &str = "127.0.0.1:8477";

/// Where `windrow serve` answers on the pages.
const SERVED_ON_PAGES: &str = "127.0.0.1:8480";

/// The sandbox's folder on the pages.
const FOLDER_ON_PAGES: &str = "/home/me/films";

/// What a part of a job may end with when it is planned: it is taken, and its database need not be there.
const PLANNED: [i32; 2] = [0, 5];

struct Stage {
    sandbox: Sandbox,
    address: String,
    served: String,
    _origin: Origin,
    shell: Shell,
}

/// Runs a page's blocks, and says what on it is not true.
pub fn play(page: &Page) -> Vec<Untrue> {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let address = format!("127.0.0.1:{}", origin.port);
    let shell = Shell::start(&sandbox);
    let served = format!("127.0.0.1:{}", free_port());
    let mut stage = Stage { sandbox, address, served, _origin: origin, shell };
    page.blocks.iter().flat_map(|block| stage.step(block)).collect()
}

impl Stage {
    fn step(&mut self, block: &Block) -> Vec<Untrue> {
        match &block.step {
            Step::Copy(names) => names.iter().for_each(|name| self.copy(name)),
            Step::Write { name, text } => drop(self.sandbox.write(name, self.to_here(text))),
            Step::Console(exchanges) => {
                return exchanges.iter().filter_map(|one| self.exchange(one)).collect();
            }
            Step::Run(text) => return self.succeeds(block.line, text),
            Step::Python(text) => return self.python(block.line, text),
            Step::Fragment { base, text } => return self.fragment(block.line, base, text),
            Step::NotRun(_) | Step::Later(_) => {}
        }
        Vec::new()
    }

    fn copy(&self, name: &str) {
        let text = std::fs::read_to_string(repository().join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        self.sandbox.write(name, self.to_here(&text));
    }

    /// A page's text, with the addresses of this test.
    fn to_here(&self, text: &str) -> String {
        text.replace(ON_PAGES, &self.address).replace(SERVED_ON_PAGES, &self.served)
    }

    fn run(&mut self, command: &str) -> Said {
        let command = self.to_here(command);
        let said = self.shell.run(&command);
        let folder = self.sandbox.path().display().to_string();
        let printed = said.printed.replace(&self.address, ON_PAGES).replace(&self.served, SERVED_ON_PAGES);
        Said { printed: printed.replace(&folder, FOLDER_ON_PAGES), ..said }
    }

    fn exchange(&mut self, one: &Exchange) -> Option<Untrue> {
        let mut said = self.run(&one.command);
        if said.code != 0 {
            said.printed += &format!("(exit code {})\n", said.code);
        }
        if alike(&one.printed, &said.printed) {
            return None;
        }
        let indented = |line: &str| format!("{}{}\n", one.indent, line.trim_end());
        let printed: String = said.printed.trim_end().lines().map(indented).collect();
        let why =
            format!("`{}` prints\n{}\nin place of\n{}", one.command, said.printed.trim_end(), one.printed);
        Some(Untrue { line: one.lines.start, why, mended: Some((one.lines.clone(), printed)) })
    }

    fn succeeds(&mut self, line: usize, text: &str) -> Vec<Untrue> {
        let said = self.run(text);
        let is_well = said.code == 0 && !said.is_failed;
        if is_well { Vec::new() } else { vec![untrue(line, &format!("a command fails: {}", said.printed))] }
    }

    fn python(&mut self, line: usize, text: &str) -> Vec<Untrue> {
        let name = format!("block-{line}.py");
        self.sandbox.write(&name, self.to_here(text));
        self.succeeds(line, &format!("python3 {name}"))
    }

    fn fragment(&mut self, line: usize, base: &str, text: &str) -> Vec<Untrue> {
        let whole = std::fs::read_to_string(self.sandbox.path().join(base))
            .expect("the file that the part is laid over");
        let laid = match laid_over(&whole, &self.to_here(text)) {
            Ok(laid) => laid,
            Err(error) => return vec![untrue(line, &error.to_string())],
        };
        let name = format!("part-{line}.toml");
        self.sandbox.write(&name, laid);
        let said = self.run(&format!("windrow plan {name}"));
        // A queue is worked, not planned; that is said once the job is read.
        let is_queue = said.printed.contains("has a queue, whose jobs come one after the other");
        let is_taken = is_queue || PLANNED.contains(&said.code);
        if is_taken { Vec::new() } else { vec![untrue(line, &said.printed)] }
    }
}

fn untrue(line: usize, why: &str) -> Untrue {
    Untrue { line, why: why.to_owned(), mended: None }
}
