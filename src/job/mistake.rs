//! What is wrong with a job file, and how it is shown: all of it at once, in the order of the file.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// Bytes of the file.
pub(super) type Span = Range<usize>;

/// Mistakes that [`JobError::render`] shows; further ones are only counted.
const SHOWN: usize = 100;

/// Width of a rendered report, in characters.
const WIDTH: usize = 110;

/// A line longer than this is not quoted.
const LONGEST_LINE: usize = 2000;

/// Characters of a message or a hint.
const LONGEST_MESSAGE: usize = 400;

/// One mistake of a job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// Characters of the line, from 1, the end exclusive.
    pub columns: Range<usize>,
    /// What is wrong: one lowercase line.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The bytes to point at, all on one line; none where that line is too long to quote.
    quoted: Option<Span>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if self.quoted.is_none() {
            write!(out, " (line {}, column {})", self.line, self.columns.start)?;
        }
        Ok(())
    }
}

impl Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.hint))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.quoted.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, span))))
    }
}

/// Mistakes as they are found, in any order.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<(Span, String, String)>);

impl Mistakes {
    /// Notes a mistake.
    pub(super) fn add(&mut self, span: &Span, message: impl AsRef<str>, hint: impl AsRef<str>) {
        self.0.push((span.clone(), one_line(message.as_ref()), one_line(hint.as_ref())));
    }

    /// Takes back what was noted of a value.
    pub(super) fn forget(&mut self, value: &Span) {
        self.0.retain(|(span, ..)| span.start < value.start || span.end > value.end);
    }

    /// Whether some are noted of a value.
    pub(super) fn are_in(&self, value: &Span) -> bool {
        self.0.iter().any(|(span, ..)| value.start <= span.start && span.end <= value.end)
    }

    /// How many are noted.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes in the order of the file, each once, with their lines in `text`.
    fn placed(mut self, text: &str) -> Vec<Mistake> {
        self.0.sort_by(|(a, one, _), (b, other, _)| (a.start, a.end, one).cmp(&(b.start, b.end, other)));
        self.0.dedup();
        let lines = Lines::of(text);
        self.0.into_iter().map(|(span, message, hint)| lines.mistake(span, message, hint)).collect()
    }
}

/// The text, control characters escaped, its end left out where it is long: names are the user's.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST_MESSAGE));
    for one in text.chars().take(LONGEST_MESSAGE) {
        if one.is_control() { line.extend(one.escape_default()) } else { line.push(one) }
    }
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

/// Where the lines of a text start.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        let after_newlines =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The mistake at `span`, cut to its first line.
    fn mistake(&self, span: Span, message: String, hint: String) -> Mistake {
        let from = self.text.floor_char_boundary(span.start.min(end_of(self.text).start));
        let line = self.starts.partition_point(|start| *start <= from) - 1;
        let begin = self.starts[line];
        let whole = self.text[begin..].lines().next().unwrap_or_default();
        let from = from.min(begin + whole.len());
        let to = self.text.ceil_char_boundary(span.end).clamp(from, begin + whole.len());
        let first = self.text[begin..from].chars().count() + 1;
        let columns = first..first + self.text[from..to].chars().count().max(1);
        let quoted = (whole.len() <= LONGEST_LINE).then_some(from..to);
        Mistake { line: line + 1, columns, message, hint, quoted }
    }
}

/// The last character of a text that is more than space: what lacks is pointed at there.
pub(super) fn end_of(text: &str) -> Span {
    let end = text.trim_end().len();
    let start = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    start..end
}

/// The text as a report may quote it: with stars, as many as there are bytes, for the passwords that stand in its URLs.
fn without_passwords(mut text: String) -> String {
    let is_end = |letter: char| "/?#\"'`".contains(letter) || letter.is_whitespace();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        from += at + "://".len();
        let authority = &text[from..from + text[from..].find(is_end).unwrap_or(text.len() - from)];
        let password = authority.rfind('@').and_then(|end| Some(authority[..end].find(':')? + 1..end));
        if let Some(password) = password.filter(|password| !authority[password.clone()].starts_with("${")) {
            let stars = "*".repeat(password.len());
            text.replace_range(from + password.start..from + password.end, &stars);
        }
    }
    text
}

/// Why a job file is not a job: it cannot be read, or has mistakes.
pub struct JobError(Box<Inside>);

struct Inside {
    path: PathBuf,
    reason: Reason,
}

enum Reason {
    Unreadable { message: String, hint: &'static str },
    Mistaken { source: NamedSource<String>, mistakes: Vec<Mistake> },
}

impl JobError {
    /// A file that cannot be read at all.
    pub(super) fn unreadable(path: &Path, message: impl Into<String>, hint: &'static str) -> JobError {
        let reason = Reason::Unreadable { message: message.into(), hint };
        JobError(Box::new(Inside { path: path.to_owned(), reason }))
    }

    /// A file with mistakes.
    pub(super) fn mistaken(path: &Path, text: String, mistakes: Mistakes) -> JobError {
        let mistakes = mistakes.placed(&text);
        let source = NamedSource::new(path.display().to_string(), without_passwords(text));
        JobError(Box::new(Inside { path: path.to_owned(), reason: Reason::Mistaken { source, mistakes } }))
    }

    /// Every mistake, in the order of the file; none where the file could not be read.
    pub fn mistakes(&self) -> &[Mistake] {
        match &self.0.reason {
            Reason::Unreadable { .. } => &[],
            Reason::Mistaken { mistakes, .. } => mistakes,
        }
    }

    /// The whole report for a person, the lines of the file quoted; ends with a newline.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(WIDTH);
        let Reason::Mistaken { source, mistakes } = &self.0.reason else { return format!("{self}\n") };
        let mut report = self.headline() + "\n";
        for mistake in mistakes.iter().take(SHOWN) {
            report.push('\n');
            let quoted = handler.render_report(&mut report, &Quoted { mistake, source });
            debug_assert!(quoted.is_ok(), "text grows without errors");
            report.push_str(&format!("  hint: {}\n", mistake.hint));
        }
        if mistakes.len() > SHOWN {
            report.push_str(&format!("\nand {} more\n", mistakes.len() - SHOWN));
        }
        report
    }

    /// The first line of a report.
    fn headline(&self) -> String {
        let path = self.0.path.display();
        match &self.0.reason {
            Reason::Unreadable { message, .. } => format!("job file {path}: {message}"),
            Reason::Mistaken { mistakes, .. } if mistakes.len() == 1 => {
                format!("a mistake in job file {path}")
            }
            Reason::Mistaken { mistakes, .. } => format!("{} mistakes in job file {path}", mistakes.len()),
        }
    }
}

/// All of it in plain lines, for logs; [`JobError::render`] is for people.
impl fmt::Display for JobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.headline())?;
        if let Reason::Unreadable { hint, .. } = &self.0.reason {
            write!(out, "\nhint: {hint}")?;
        }
        for mistake in self.mistakes().iter().take(SHOWN) {
            write!(out, "\nline {}, column {}: {}", mistake.line, mistake.columns.start, mistake.message)?;
            write!(out, "\nhint: {}", mistake.hint)?;
        }
        Ok(())
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Error for JobError {}

impl Diagnostic for JobError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match &self.0.reason {
            Reason::Unreadable { hint, .. } => Some(Box::new(hint)),
            Reason::Mistaken { mistakes, .. } => (mistakes.len() > SHOWN)
                .then(|| Box::new(format!("the first {SHOWN} are shown")) as Box<dyn fmt::Display>),
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match &self.0.reason {
            Reason::Unreadable { .. } => None,
            Reason::Mistaken { source, .. } => Some(source),
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let mistakes = self.mistakes().iter().take(SHOWN);
        Some(Box::new(mistakes.map(|mistake| mistake as &dyn Diagnostic)))
    }
}

/// A mistake with the file that it is quoted from, without its hint.
#[derive(Debug)]
struct Quoted<'a> {
    mistake: &'a Mistake,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistake.fmt(out)
    }
}

impl Error for Quoted<'_> {}

impl Diagnostic for Quoted<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.mistake.labels()
    }
}
