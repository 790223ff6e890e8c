//! A page's blocks, in their order, each with its line; and the page with other output in it.

use std::fmt;
use std::ops::Range;

/// A page as it is run.
#[derive(Debug)]
pub struct Page {
    pub blocks: Vec<Block>,
}

/// Something that is run, written, or neither.
#[derive(Debug)]
pub struct Block {
    /// Where it begins, from 1.
    pub line: usize,
    pub step: Step,
}

/// What becomes of a block.
#[derive(Debug, PartialEq)]
pub enum Step {
    Copy(Vec<String>),
    Write { name: String, text: String },
    Run(String),
    Python(String),
    Console(Vec<Exchange>),
    Fragment { base: String, text: String },
    NotRun(String),
    Later(String),
}

/// A command, and what stands below it.
#[derive(Debug, PartialEq)]
pub struct Exchange {
    pub command: String,
    /// Lines of what it prints, from 0.
    pub lines: Range<usize>,
    pub printed: String,
    /// What the block's lines begin with.
    pub indent: String,
}

/// A place where the page says something else than what happens.
#[derive(Debug)]
pub struct Untrue {
    /// From 1.
    pub line: usize,
    pub why: String,
    /// What to write in place of which lines, where that mends it.
    pub mended: Option<(Range<usize>, String)>,
}

impl fmt::Display for Untrue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.line, self.why)
    }
}

/// What an unseen line says of the next block.
enum Mark {
    With(String),
    NotRun(String),
}

impl Page {
    /// Reads a page; an error begins with its line.
    pub fn read(text: &str) -> Result<Page, String> {
        let lines: Vec<&str> = text.lines().collect();
        let (mut blocks, mut at, mut mark) = (Vec::new(), 0, None);
        while at < lines.len() {
            let (line, from) = (lines[at].trim_start(), at);
            let failed = |why: &str| format!("{}: {why}", from + 1);
            let indent = &lines[at][..lines[at].len() - line.len()];
            if let Some(info) = line.strip_prefix("```") {
                let end = until(&lines, at + 1, |line| line.trim() == "```")
                    .ok_or(failed("a block without an end"))?;
                let step =
                    block(info, &lines, at + 1..end, indent, mark.take()).map_err(|why| failed(&why))?;
                blocks.push(Block { line: from + 1, step });
                at = end;
            } else if let Some(words) = line.strip_prefix("<!-- ") {
                let end = until(&lines, at, |line| line.trim_end().ends_with("-->"))
                    .ok_or(failed("a comment without an end"))?;
                let rest = lines[at + 1..=end].join("\n");
                match comment(words, rest.trim_end_matches("-->")).map_err(|why| failed(&why))? {
                    Comment::Mark(of_next) => mark = Some(of_next),
                    Comment::Step(step) => blocks.push(Block { line: from + 1, step }),
                }
                at = end;
            } else if !line.is_empty() && mark.is_some() {
                return Err(failed("the comment before this line is one for a block"));
            }
            at += 1;
        }
        Ok(Page { blocks })
    }
}

fn until(lines: &[&str], from: usize, is_end: impl Fn(&str) -> bool) -> Option<usize> {
    (from..lines.len()).find(|&at| is_end(lines[at]))
}

enum Comment {
    Mark(Mark),
    Step(Step),
}

/// Reads a comment: what stands behind `<!-- ` in its first line, and the lines below.
fn comment(first: &str, text: &str) -> Result<Comment, String> {
    let (word, rest) = first.trim_end_matches("-->").trim().split_once(' ').unwrap_or((first.trim(), ""));
    let (rest, text) = (rest.trim().to_owned(), text.to_owned());
    Ok(match word {
        "with" => Comment::Mark(Mark::With(rest)),
        "not" if rest.starts_with("run: ") => Comment::Mark(Mark::NotRun(rest["run: ".len()..].to_owned())),
        "later:" => Comment::Step(Step::Later(rest)),
        "copy" => Comment::Step(Step::Copy(rest.split(' ').map(str::to_owned).collect())),
        "run" => Comment::Step(Step::Run(text)),
        "file" => Comment::Step(Step::Write { name: rest, text }),
        _ => return Err(format!("a comment that says nothing to the test: {word}")),
    })
}

fn block(
    info: &str,
    lines: &[&str],
    body: Range<usize>,
    indent: &str,
    mark: Option<Mark>,
) -> Result<Step, String> {
    let text: String = lines[body.clone()]
        .iter()
        .map(|line| line.strip_prefix(indent).unwrap_or(line).to_owned() + "\n")
        .collect();
    let (language, name) = info.split_once(' ').unwrap_or((info, ""));
    Ok(match (mark, language, name) {
        (Some(Mark::NotRun(why)), ..) => Step::NotRun(why),
        (Some(Mark::With(base)), ..) => Step::Fragment { base, text },
        (None, "console", _) => Step::Console(exchanges(lines, body, indent)?),
        (None, _, name) if !name.is_empty() => Step::Write { name: name.to_owned(), text },
        (None, "sh", _) => Step::Run(text),
        (None, "python", _) => Step::Python(text),
        _ => return Err("this block is neither run nor marked `<!-- not run: why -->`".to_owned()),
    })
}

fn exchanges(lines: &[&str], body: Range<usize>, indent: &str) -> Result<Vec<Exchange>, String> {
    let inner = |at: usize| lines[at].strip_prefix(indent).unwrap_or(lines[at]);
    let (mut all, mut at) = (Vec::new(), body.start);
    while at < body.end {
        let Some(first) = inner(at).strip_prefix("$ ") else {
            return Err("a console begins with `$ `".to_owned());
        };
        let mut command = first.to_owned();
        while command.ends_with('\\') && at + 1 < body.end {
            at += 1;
            command = command + "\n" + inner(at);
        }
        let end = (at + 1..body.end).find(|&next| inner(next).starts_with("$ ")).unwrap_or(body.end);
        let printed = (at + 1..end).map(inner).collect::<Vec<_>>().join("\n");
        all.push(Exchange { command, lines: at + 1..end, printed, indent: indent.to_owned() });
        at = end;
    }
    Ok(all)
}

/// The page with what is printed in place of what is not.
pub fn replaced(text: &str, untrue: &[Untrue]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for one in untrue.iter().rev() {
        match &one.mended {
            Some((range, printed)) => drop(lines.splice(range.clone(), printed.lines().map(str::to_owned))),
            None => panic!("line {one}"),
        }
    }
    lines.join("\n") + "\n"
}

/// Headings as links name them.
pub fn headings(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let heading = |line: &str| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|char| char.is_alphanumeric() || " -_".contains(*char))
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(heading).collect()
}

#[test]
fn a_page_is_read_block_by_block() {
    let text = "# A\n<!-- with a.toml -->\n```toml\nx = 1\n```\n<!-- run\nexport A=1\n-->\n  ```console\n  $ one \\\n  two\n  out\n  $ three\n  ```\n";
    let page = Page::read(text).unwrap();
    let steps: Vec<&Step> = page.blocks.iter().map(|block| &block.step).collect();
    assert_eq!(*steps[0], Step::Fragment { base: "a.toml".to_owned(), text: "x = 1\n".to_owned() });
    assert_eq!(*steps[1], Step::Run("export A=1\n".to_owned()));
    let Step::Console(exchanges) = steps[2] else { panic!("{steps:?}") };
    assert_eq!((exchanges[0].command.as_str(), exchanges[0].printed.as_str()), ("one \\\ntwo", "out"));
    assert_eq!((exchanges[1].command.as_str(), exchanges[1].printed.as_str()), ("three", ""));
    let untrue = Untrue { line: 12, why: String::new(), mended: Some((11..12, "  new\n  lines".to_owned())) };
    assert!(replaced(text, &[untrue]).contains("  two\n  new\n  lines\n  $ three"));
    for (bad, why) in [
        ("```yaml\na: 1\n```\n", "neither run nor marked"),
        ("```console\nout\n```\n", "begins with"),
        ("```sh\ntrue\n", "without an end"),
        ("<!-- note -->\n", "says nothing"),
        ("<!-- not run: x -->\ntext\n", "one for a block"),
    ] {
        let error = Page::read(bad).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(headings("## What is `run`, and when?\n"), ["what-is-run-and-when"]);
}
