//! What `windrow init` found in a request and in a few answers, in lines for a person.

use std::path::Path;
use std::time::Duration;

use super::columns::columns_within;
use super::numbers::{count, counted, millis};
use super::words::shell_word;
use crate::curl::CurlCommand;
use crate::draft::{Piece, Place, Proposal, RequestDraft, is_secret};
use crate::os::{printable, tell};
use crate::runner::SampledAnswers;
use crate::worker::ShardEnd;

/// Characters of a value that are shown.
const SHOWN: usize = 32;
/// Columns of the table that is shown: the file has them all.
const COLUMNS: usize = 40;
/// Width of the table where the terminal does not say.
const WIDTH: usize = 100;

/// What of the command is not in the job, and why.
pub fn left_out(command: &CurlCommand) {
    if !command.left_out.is_empty() {
        let names = command.left_out.join(", ");
        tell!("left out, as only browsers need it: {}", printable(&names));
    }
    for option in &command.not_understood {
        tell!(
            "windrow: not understood, and left out: {}\nhint: without it the request may ask something else",
            printable(option)
        );
    }
    if command.insecure {
        tell!(
            "left out: -k; certificates are always verified\nhint: ca_file names those of an authority of your own"
        );
    }
}

/// What was found in the request.
pub fn found(request: &RequestDraft, method: &str, list: &str) {
    for name in request.left_out() {
        tell!("left out, as it belongs to a single request: {}", printable(name));
    }
    if let Some(found) = request.found() {
        tell!(
            "id      {} is column {} of {}",
            printable(&found.value),
            printable(&found.column),
            printable(list)
        );
        for other in &found.others {
            tell!("id      column {} of the same line is sent, too", printable(other));
        }
    }
    tell!("asks    {method} {}", printable(&request.shown_url()));
}

/// Which secrets the job names, and where they are.
pub fn secrets(request: &RequestDraft, file: Option<&Path>) {
    for secret in request.secrets() {
        let is_set = std::env::var(&secret.name).is_ok();
        let place = match file {
            _ if is_set => "set in the environment".to_owned(),
            Some(file) => format!("in {}", file.display()),
            None => format!("not kept: {}", how_to_set(&secret.name)),
        };
        tell!("secret  {} is ${{{}}}, {place}", printable(&secret.of), secret.name);
    }
}

/// Says that nobody looked for secrets in what is sent, where nobody could.
pub fn unread_text(request: &RequestDraft) {
    if request.is_plain_text() {
        tell!(
            "windrow: what is sent is neither JSON nor a form, and stands in the job as it is\nhint: write ${{NAME}} for what is secret in it"
        );
    }
}

/// How a variable is set without its value in the shell's history.
fn how_to_set(name: &str) -> String {
    format!("set it by `read -rs {name} && export {name}`, or name a file with --env-file")
}

/// Nobody was asked, and why where the person did not say so: what the job would send might do harm, or is not all of it.
pub fn nobody_asked(method: &str, is_whole: bool) {
    match is_whole {
        true => tell!(
            "nobody was asked: a {method} may change something there\nhint: --sample 20 asks 20 ids, where it does not, and \
             proposes columns"
        ),
        false => tell!(
            "nobody was asked: without what is left out the request may be another\nhint: --sample 20 asks 20 ids all the same, \
             and proposes columns"
        ),
    }
}

/// What a few ids were answered, and the columns that are proposed.
pub fn asked(sampled: &SampledAnswers, proposal: &Proposal, records: u64) {
    let asked = sampled.samples.len() + sampled.unanswered.len();
    let mut said = format!("asked   {} of {}", count(asked as u64), counted(records, "id"));
    for (status, number) in statuses(sampled) {
        said += &format!(", {number} × {status}");
    }
    if let Some(middle) = median(&sampled.took) {
        said += &format!(", p50 {}", millis(middle.as_secs_f64() * 1e3));
    }
    tell!("{said}");
    for (id, why) in sampled.unanswered.iter().take(1) {
        let why = if why.is_empty() { String::new() } else { format!(": {}", printable(why)) };
        tell!("windrow: no answer about {}{why}", printable(id));
    }
    if sampled.was_too_many {
        tell!("windrow: the server said \"too many requests\" (429), so no more were asked");
    }
    if let Some(ended) = sampled.ended.as_ref().and_then(ended) {
        tell!("windrow: {}", printable(&ended));
    }
    table(proposal);
    for note in &proposal.notes {
        tell!("note    {}", printable(note));
    }
}

fn ended(end: &ShardEnd) -> Option<String> {
    match end {
        ShardEnd::Committed => None,
        ShardEnd::Interrupted => Some("interrupted".to_owned()),
        ShardEnd::Paused(_) => Some("a quota is used up".to_owned()),
        ShardEnd::GaveUp(why) | ShardEnd::Refused(why) => Some(why.clone()),
    }
}

fn statuses(sampled: &SampledAnswers) -> Vec<(u16, usize)> {
    let mut statuses: std::collections::BTreeMap<u16, usize> = std::collections::BTreeMap::new();
    sampled.samples.iter().for_each(|sample| *statuses.entry(sample.status).or_default() += 1);
    statuses.into_iter().collect()
}

fn median(took: &[Duration]) -> Option<Duration> {
    let mut took = took.to_vec();
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}

/// The columns, a line each.
fn table(proposal: &Proposal) {
    if proposal.columns.is_empty() {
        return;
    }
    let mut lines = vec![["column", "from", "type", "example", "null"].map(str::to_owned).to_vec()];
    lines.extend(proposal.columns.iter().take(COLUMNS).map(|column| {
        let nulls =
            if column.nulls == 0 { String::new() } else { format!("{} of {}", column.nulls, column.of) };
        let example = column.example.as_deref().unwrap_or_default();
        [&column.name, &column.from, &column.type_word, example, &nulls].map(shown).to_vec()
    }));
    let width = console::Term::stderr().size_checked().map_or(WIDTH, |(_, width)| usize::from(width));
    let mut drawn = Vec::new();
    if columns_within(&mut drawn, &lines, Some(width.saturating_sub(2))).is_ok() {
        String::from_utf8_lossy(&drawn).lines().for_each(|line| tell!("  {line}"));
    }
    if proposal.columns.len() > COLUMNS {
        tell!("  … and {} more", proposal.columns.len() - COLUMNS);
    }
}

fn shown(text: &(impl AsRef<str> + ?Sized)) -> String {
    let text = printable(text.as_ref()).replace('\n', " ");
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// What was written, and what to do next.
pub fn written(file: &str, next: &str, proposal: &Proposal) {
    let columns = match proposal.columns.len() {
        0 => "no columns yet: write them into it".to_owned(),
        number => counted(number as u64, "column"),
    };
    tell!("wrote   {file}: {columns}\nnext: {next}");
}

/// What the job file says of how it came to be.
pub fn notes(request: &RequestDraft) -> Vec<String> {
    let mut notes = vec![
        "Drafted by `windrow init` from a request and a few answers: what was guessed stands in comments."
            .to_owned(),
    ];
    if !request.secrets().is_empty() {
        let names: Vec<String> =
            request.secrets().iter().map(|secret| format!("${{{}}}", secret.name)).collect();
        notes.push(format!(
            "Its secrets come from the environment, or from a file (--env-file): {}.",
            names.join(", ")
        ));
    }
    notes
}

/// The parts of a request, numbered.
pub fn shown_pieces(pieces: &[&Piece]) -> Vec<String> {
    let line = |(number, piece): (usize, &&Piece)| {
        let place = match piece.place {
            Place::Path => "path".to_owned(),
            Place::Param => format!("parameter {}", piece.name),
            Place::Header => format!("header {}", piece.name),
            Place::Payload if piece.name.is_empty() => "body".to_owned(),
            Place::Payload => format!("field {}", piece.name),
        };
        let text = if is_secret(piece) { "(secret)".to_owned() } else { shown(&piece.text) };
        format!("  {:>2}  {:<24} {text}", number + 1, printable(&place))
    };
    pieces.iter().enumerate().map(line).collect()
}

/// A part of a request, as a shell takes it.
pub fn shown_piece(piece: &Piece) -> String {
    shell_word(&piece.text)
}
