//! Which column of the list a request asks about, and what stands for it there.

use super::InitArgs;
use crate::draft::{Candidate, DraftError, Place, RequestDraft, is_secret};
use crate::os::{ask_for_line, can_ask, tell};
use crate::plan::PeekedList;
use crate::report::init::{shown_piece, shown_pieces};
use crate::runner::RunnerError;

/// Puts the list's columns into the request.
pub(super) fn place(
    args: &InitArgs,
    list: &PeekedList,
    shown_list: &str,
    request: &mut RequestDraft,
) -> Result<(), RunnerError> {
    let wanted = args.id.as_deref().map(|name| column(list, shown_list, name)).transpose()?;
    if args.example.is_none() && request.take_named(&list.columns) {
        return Ok(());
    }
    let chosen = match &args.example {
        Some(text) => {
            request.example(wanted.map_or_else(|| only_column(list, shown_list), Ok)?, text).map_err(usage)?
        }
        None => found(list, shown_list, request, wanted)?,
    };
    request.ask_about(list, &chosen).map_err(usage)
}

fn usage(error: DraftError) -> RunnerError {
    match error {
        DraftError::List(error) => error.into(),
        error => RunnerError::Usage(error.to_string()),
    }
}

/// The index of a column.
fn column(list: &PeekedList, shown_list: &str, name: &str) -> Result<usize, RunnerError> {
    list.columns.iter().position(|column| column == name).ok_or_else(|| {
        RunnerError::Usage(format!(
            "{shown_list} has no column {name:?}\nhint: it has {}",
            list.columns.join(", ")
        ))
    })
}

fn only_column(list: &PeekedList, shown_list: &str) -> Result<usize, RunnerError> {
    match list.columns.len() {
        1 => Ok(0),
        _ => choose_column(list).ok_or_else(|| {
            RunnerError::Usage(format!(
                "{shown_list} has several columns: {}\nhint: --id says which one the request asks about",
                list.columns.join(", ")
            ))
        }),
    }
}

/// The candidate that is found; where several are as telling, the one that the person chooses, or the first.
fn found(
    list: &PeekedList,
    shown_list: &str,
    request: &RequestDraft,
    wanted: Option<usize>,
) -> Result<Candidate, RunnerError> {
    let mut candidates = request.candidates(list).map_err(usage)?;
    candidates.retain(|candidate| wanted.is_none_or(|column| column == candidate.column));
    let Some(first) = candidates.first().cloned() else { return by_hand(list, shown_list, request, wanted) };
    let equal: Vec<&Candidate> =
        candidates.iter().filter(|other| other.value.len() == first.value.len()).collect();
    if equal.len() > 1 {
        let names: Vec<&str> =
            equal.iter().map(|candidate| list.columns[candidate.column].as_str()).collect();
        let question = format!(
            "{} is in the columns {}: which one identifies a record? [{}]",
            first.value,
            names.join(", "),
            names[0]
        );
        let answer = ask_for_line(&question);
        let chosen = answer.and_then(|answer| names.iter().position(|name| *name == answer));
        return Ok(equal[chosen.unwrap_or(0)].clone());
    }
    Ok(first)
}

/// Where no value of the list stands in the request: the person says what stands for it.
fn by_hand(
    list: &PeekedList,
    shown_list: &str,
    request: &RequestDraft,
    wanted: Option<usize>,
) -> Result<Candidate, RunnerError> {
    let pieces = request.pieces();
    let nowhere = format!("no value of {shown_list} stands in the request");
    let shown = shown_pieces(&pieces);
    if can_ask() {
        tell!("{nowhere}. Its parts:\n{}", shown.join("\n"));
        let number =
            ask_for_line("which of them is an id? [number]").and_then(|answer| answer.parse::<usize>().ok());
        let piece = number.and_then(|number| pieces.get(number.checked_sub(1)?));
        if let Some(piece) = piece {
            let column = match wanted {
                Some(column) => column,
                None => only_column(list, shown_list)?,
            };
            return request.example(column, &piece.text).map_err(usage);
        }
    }
    let others = || pieces.iter().filter(|piece| !is_secret(piece));
    let example = others().rfind(|piece| piece.place == Place::Path).or(others().next());
    let example = example.map_or_else(|| "ID".to_owned(), |piece| shown_piece(piece));
    Err(RunnerError::Usage(format!(
        "{nowhere}, so it is not known what stands for an id. Its parts:\n{}\nhint: name it: --example {example}; or write \
         {{COLUMN}} in its place",
        shown.join("\n")
    )))
}

/// The column that the person at the terminal names.
fn choose_column(list: &PeekedList) -> Option<usize> {
    let question = format!("which column of the list is it? {}", list.columns.join(", "));
    let answer = ask_for_line(&question)?;
    list.columns.iter().position(|column| *column == answer)
}
