//! The draft as a job file: what was guessed, and why, stands in comments.

use super::proposal::{Proposal, Proposed, ProposedColumn};
use super::request::{Line, RequestDraft, key};
use crate::job::toml_text;

/// Where comments begin, if what they are about is shorter.
const COMMENTS: usize = 62;

/// Characters of an example.
const EXAMPLE: usize = 40;

/// A job that is drafted.
pub struct JobDraft<'a> {
    /// What it is called, where its file is called otherwise.
    pub name: Option<&'a str>,
    /// The list, as the job names it: relative to its file.
    pub list: &'a str,
    /// Its format, where its name does not tell.
    pub list_format: Option<&'a str>,
    /// Whether ids come twice in it.
    pub on_duplicate: bool,
    /// The request.
    pub request: &'a RequestDraft,
    /// What its answers suggest.
    pub proposal: &'a Proposal,
    /// Where the rows go.
    pub to: &'a str,
    /// What the first lines say, each a comment.
    pub notes: Vec<String>,
}

impl JobDraft<'_> {
    /// The job file.
    pub fn text(&self) -> String {
        let mut lines = vec!["#:schema ./job.schema.json".to_owned(), String::new()];
        lines.extend(self.notes.iter().chain(&self.proposal.notes).flat_map(|note| commented(note)));
        lines.extend(self.input());
        lines.extend(self.limit());
        lines.extend(["".to_owned(), "[[endpoint]]".to_owned()]);
        lines.extend(self.endpoint().iter().map(written));
        lines.extend(["".to_owned(), "[endpoint.columns]".to_owned()]);
        lines.extend(self.columns());
        lines.extend(self.table());
        lines.join("\n") + "\n"
    }

    fn input(&self) -> Vec<String> {
        let named = self.name.map(|name| format!("\n[job]\nname = {}", toml_text(name)));
        let mut lines: Vec<String> = named.into_iter().collect();
        lines.extend([String::new(), "[input]".to_owned(), format!("file = {}", toml_text(self.list))]);
        lines.extend(self.list_format.map(|format| format!("format = {}", toml_text(format))));
        let Some(found) = self.request.found() else { return lines };
        let comment = format!("{} in the request", shortened(&found.value));
        lines.push(written(&commented_line(format!("id = {}", toml_text(&found.column)), Some(comment))));
        if self.on_duplicate {
            let comment = Some("some ids come twice: the first line of each counts".to_owned());
            lines.push(written(&commented_line("on_duplicate = \"first\"".to_owned(), comment)));
        }
        let numbers: Vec<String> =
            self.request.numbers().iter().map(|column| format!("{} = \"bigint\"", key(column))).collect();
        if !numbers.is_empty() {
            let types = format!("types = {{ {} }}", numbers.join(", "));
            lines.push(written(&commented_line(types, Some("sent as a number".to_owned()))));
        }
        lines
    }

    fn limit(&self) -> Vec<String> {
        let Some(limit) = &self.proposal.limit else { return Vec::new() };
        let host = self.request.origin().split_once("://").map_or("", |(_, host)| host);
        let head = commented_line(format!("[limit.{}]", toml_text(host)), Some(limit.because.clone()));
        let keys = limit.value.iter().map(|(name, value)| format!("{name} = {}", toml_text(value)));
        [String::new(), written(&head)].into_iter().chain(keys).collect()
    }

    fn endpoint(&self) -> Vec<Line> {
        let proposal = self.proposal;
        let mut lines = self.request.lines();
        lines.extend(proposed("format", proposal.format.as_ref(), |word| toml_text(word)));
        lines.extend(proposed("missing", proposal.missing.as_ref(), String::clone));
        lines.extend(proposed("ok", proposal.ok.as_ref(), String::clone));
        lines.extend(proposed("rows", proposal.rows.as_ref(), |jq| toml_text(jq)));
        lines.extend(proposed("pages", proposal.pages.as_ref(), String::clone));
        lines.extend(proposed("nulls", proposal.nulls.as_ref(), |nulls| {
            let nulls: Vec<String> = nulls.iter().map(|null| toml_text(null)).collect();
            format!("[{}]", nulls.join(", "))
        }));
        lines
    }

    fn columns(&self) -> Vec<String> {
        let width =
            self.proposal.columns.iter().map(|column| key(&column.name).len()).max().unwrap_or(0).min(24);
        if self.proposal.columns.is_empty() {
            let comment = Some("the whole answer, until there are columns here".to_owned());
            let line = commented_line("answer = { jq = \".\", type = \"json\" }".to_owned(), comment);
            return vec![written(&line)];
        }
        let line = |column: &ProposedColumn| {
            let text = format!("{:width$} = {}", key(&column.name), column.toml);
            written(&commented_line(text, about(column)))
        };
        self.proposal.columns.iter().map(line).collect()
    }

    fn table(&self) -> Vec<String> {
        let mut lines = vec![String::new(), "[table]".to_owned(), format!("to = {}", toml_text(self.to))];
        let id = self.request.found().map(|found| found.column.as_str()).unwrap_or_default();
        let comment = match self.proposal.rows {
            Some(_) => "an id's rows take the place of those that it had",
            None => "a row takes the place of the one with the same id",
        };
        let mode = if self.proposal.rows.is_some() { "replace_ids" } else { "upsert" };
        lines.push(written(&commented_line(format!("mode = {}", toml_text(mode)), Some(comment.to_owned()))));
        if self.proposal.rows.is_none() {
            lines.push(format!("key = {}", toml_text(id)));
        }
        lines
    }
}

/// A proposal that takes anything for an answer, as a text: what is asked with before anything is known of the answers.
pub fn anything() -> Proposal {
    let answer = ProposedColumn {
        name: "answer".to_owned(),
        toml: "'(?s)^.*$'".to_owned(),
        type_word: "text".to_owned(),
        from: String::new(),
        example: None,
        nulls: 0,
        of: 0,
        because: None,
    };
    let format = Some(Proposed { value: "text", because: String::new() });
    Proposal { format, columns: vec![answer], ..Proposal::default() }
}

/// What is said of a column: an example, nulls, and why it is as it is.
fn about(column: &ProposedColumn) -> Option<String> {
    let example = column.example.as_ref().map(|example| shortened(example));
    let nulls = (column.nulls > 0).then(|| format!("null in {} of {}", column.nulls, column.of));
    let parts: Vec<String> = [example, nulls, column.because.clone()].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn proposed<T>(name: &str, proposed: Option<&Proposed<T>>, value: impl Fn(&T) -> String) -> Option<Line> {
    let proposed = proposed?;
    Some(commented_line(format!("{name} = {}", value(&proposed.value)), Some(proposed.because.clone())))
}

fn commented_line(text: String, comment: Option<String>) -> Line {
    Line { text, comment: comment.filter(|comment| !comment.is_empty()) }
}

fn written(line: &Line) -> String {
    match &line.comment {
        None => line.text.clone(),
        Some(comment) => format!("{:COMMENTS$} # {}", line.text, on_one_line(comment)),
    }
}

/// A note as comments of at most a hundred characters.
fn commented(note: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in note.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > 98 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| on_one_line(&format!("#{line}"))).collect()
}

/// A comment of TOML ends with its line and holds no control characters.
fn on_one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(EXAMPLE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
