//! Lines for a person, some of them in bold or in colour: on a terminal that shows it, and only where nobody asked for none
//! (`NO_COLOR`, `TERM=dumb`).

use std::io::{self, Write};

use console::Style;

use super::super::stdout;
use crate::os::printable;

/// How a line is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    /// What is asked.
    Bold,
    /// What is the same everywhere.
    Dim,
    /// What is well.
    Good,
    /// What is not.
    Bad,
}

/// Lines for a person.
#[derive(Debug, Default)]
pub(super) struct Page(Vec<(Paint, String)>);

impl Page {
    pub(super) fn line(&mut self, text: impl Into<String>) {
        self.painted(Paint::Plain, text);
    }

    pub(super) fn painted(&mut self, paint: Paint, text: impl Into<String>) {
        self.0.push((paint, text.into()));
    }

    /// What writes lines, with a mark before each.
    pub(super) fn written(
        &mut self,
        before: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        write(&mut text)?;
        String::from_utf8_lossy(&text).lines().for_each(|line| self.line(format!("{before}{line}")));
        Ok(())
    }

    /// Prints it, without steering the terminal but for colours.
    pub(super) fn print(&self) -> io::Result<()> {
        stdout::write_exactly(|out| {
            self.0
                .iter()
                .try_for_each(|(paint, text)| writeln!(out, "{}", paint.style().apply_to(printable(text))))
        })
    }
}

impl Paint {
    fn style(self) -> Style {
        match self {
            Paint::Plain => Style::new(),
            Paint::Bold => Style::new().bold(),
            Paint::Dim => Style::new().dim(),
            Paint::Good => Style::new().green(),
            Paint::Bad => Style::new().red(),
        }
    }
}
