//! Records as they come out of a list: given their types, checked for their id, and put into the spool.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::{List, ListError, Position, Request, Unit};
use crate::job::OnDuplicate as Policy;
use crate::plan::PlanError;
use crate::plan::batch::{BatchBuilder, Cell};
use crate::plan::columns::Columns;
use crate::plan::duplicates::{Duplicates, Positions};
use crate::plan::spool::{LINE, ScratchError, Spool};
use crate::value;

/// Bytes that one value may have.
pub(in crate::plan) const FIELD_LIMIT: usize = 1 << 20;

/// Characters of a value that a message shows.
const SHOWN: usize = 60;

/// What a value that is too long most often means.
const LONG_VALUE: &str = "is the format right, and in CSV the delimiter and the quote ([input])? A value that is meant to be \
                          so long must be shortened, or left out of `columns` and the templates";

/// What is held in memory before it goes to a temporary file.
#[derive(Debug, Clone, Copy)]
pub(in crate::plan) struct Sizes {
    /// Records of a batch.
    pub batch_records: usize,
    /// Bytes of a batch, about.
    pub batch_bytes: usize,
    /// Ids that are compared in memory, 24 bytes each.
    pub ids: usize,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { batch_records: 1 << 16, batch_bytes: 16 << 20, ids: 1 << 20 }
    }
}

/// Takes the records of one list.
pub(in crate::plan) struct Intake {
    list: String,
    unit: Unit,
    columns: Columns,
    sizes: Sizes,
    scratch: PathBuf,
    batch: BatchBuilder,
    spool: Spool,
    duplicates: Option<(Policy, Duplicates)>,
    picked: Option<Picked>,
    sample: Option<u64>,
    allow_empty: bool,
    /// Records that came, picked or not.
    came: u64,
    key: Vec<u8>,
}

/// The ids that `--ids` asks for.
struct Picked {
    ids: Vec<String>,
    /// Index into `ids` by the hash of the id.
    by_hash: HashMap<u128, usize>,
    found: Vec<bool>,
}

impl Intake {
    pub fn new(
        request: &Request<'_>,
        list: String,
        unit: Unit,
        columns: Columns,
    ) -> Result<Intake, PlanError> {
        let (job, sizes) = (request.job, request.sizes);
        let duplicates = match job.input.on_duplicate {
            Policy::Keep => None,
            policy => Some((policy, Duplicates::new(request.scratch, sizes.ids))),
        };
        let mut intake = Intake {
            batch: BatchBuilder::new(Arc::clone(&columns.fields)),
            spool: Spool::new(request.scratch),
            scratch: Path::to_owned(request.scratch),
            sample: request.options.sample,
            allow_empty: job.input.allow_empty,
            list,
            unit,
            columns,
            sizes,
            duplicates,
            picked: None,
            came: 0,
            key: Vec::new(),
        };
        if let Some(ids) = &request.options.ids {
            intake.pick(ids)?;
        }
        Ok(intake)
    }

    /// Lets only these ids through.
    fn pick(&mut self, ids: &[String]) -> Result<(), ListError> {
        if self.columns.id != 1 {
            return Err(ListError::CompoundId { columns: self.columns.id });
        }
        let mut picked = Picked { ids: Vec::new(), by_hash: HashMap::new(), found: Vec::new() };
        for (number, id) in (1..).zip(ids) {
            let place = Position { list: "--ids".to_owned(), unit: Unit::Entry, number };
            let cell = self.typed(0, Cell::text(id), &place)?;
            let hash = self.identify(&[cell], &place)?;
            if let Entry::Vacant(new) = picked.by_hash.entry(hash) {
                new.insert(picked.ids.len());
                picked.ids.push(id.clone());
                picked.found.push(false);
            }
        }
        self.picked = Some(picked);
        Ok(())
    }

    /// Takes the record at `number` (from 1) of the list; its cells are text, or have their columns' types.
    pub fn push(&mut self, number: u64, cells: Vec<Cell<'_>>) -> Result<(), PlanError> {
        let place = Position { list: std::mem::take(&mut self.list), unit: self.unit, number };
        let pushed = self.take_in(&place, cells);
        self.list = place.list;
        pushed
    }

    fn take_in(&mut self, place: &Position, cells: Vec<Cell<'_>>) -> Result<(), PlanError> {
        self.came += 1;
        let typed = cells.into_iter().enumerate().map(|(index, cell)| self.typed(index, cell, place));
        let cells: Vec<Cell<'_>> = typed.collect::<Result<_, _>>()?;
        let hash = self.identify(&cells[..self.columns.id], place)?;
        if let Some(picked) = &mut self.picked {
            match picked.by_hash.get(&hash) {
                Some(index) => picked.found[*index] = true,
                None => return Ok(()),
            }
        }
        self.keep(place.number, hash, cells)
    }

    /// Puts a record into the batch, and a full batch into the spool.
    fn keep(&mut self, number: u64, hash: u128, cells: Vec<Cell<'_>>) -> Result<(), PlanError> {
        if let Some((_, duplicates)) = &mut self.duplicates {
            duplicates.note(hash, self.spool.records() + self.batch.records() as u64)?;
        }
        self.batch.push(number, cells);
        if self.batch.records() >= self.sizes.batch_records || self.batch.bytes() >= self.sizes.batch_bytes {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ScratchError> {
        let batch = self.batch.take()?;
        self.spool.push(batch)
    }

    /// The cell in its column's type, if it is short enough.
    fn typed<'c>(&self, index: usize, cell: Cell<'c>, place: &Position) -> Result<Cell<'c>, ListError> {
        let field = &self.columns.fields[index];
        if cell.size() > FIELD_LIMIT {
            let what = format!("column {:?}", field.name);
            return Err(ListError::TooLong { place: place.clone(), what, limit: "1 MiB", hint: LONG_VALUE });
        }
        let misfit = |misfit| ListError::Misfit { place: place.clone(), column: field.name.clone(), misfit };
        cell.into_type(field.ty).map_err(misfit)
    }

    /// The hash of an id, no part of which is null or empty.
    fn identify(&mut self, id: &[Cell<'_>], place: &Position) -> Result<u128, ListError> {
        self.key.clear();
        for (cell, field) in id.iter().zip(self.columns.fields.iter()) {
            if matches!(cell, Cell::Null) || matches!(cell, Cell::Text(text) if text.is_empty()) {
                return Err(ListError::NoId { place: place.clone(), column: field.name.clone() });
            }
            cell.identify(&mut self.key);
        }
        Ok(xxh3_128(&self.key))
    }

    /// Checks what only the whole list shows.
    pub fn finish(mut self, source: String, sha256: String) -> Result<List, PlanError> {
        if self.came == 0 && !self.allow_empty {
            return Err(ListError::Empty(self.list).into());
        }
        self.refuse_unlisted()?;
        self.flush()?;
        let left_out = self.later_ones()?;
        Ok(List { source, sha256, columns: self.columns, spool: self.spool, left_out, sample: self.sample })
    }

    /// An error that names the ids that were asked for and did not come.
    fn refuse_unlisted(&mut self) -> Result<(), ListError> {
        let Some(picked) = self.picked.take() else { return Ok(()) };
        let unlisted = picked.ids.into_iter().zip(picked.found).filter(|(_, found)| !found).map(|(id, _)| id);
        match unlisted.collect::<Vec<String>>() {
            ids if ids.is_empty() => Ok(()),
            ids => Err(ListError::NotListed { list: self.list.clone(), ids }),
        }
    }

    /// The later records of ids that came twice, or the error that they are.
    fn later_ones(&mut self) -> Result<Positions, PlanError> {
        let mut later = Positions::default();
        let mut earliest: Option<(u64, u64)> = None;
        let Some((policy, duplicates)) = self.duplicates.take() else { return Ok(later) };
        duplicates.find(|first, again| {
            later.insert(again);
            if earliest.is_none_or(|(_, earliest)| again < earliest) {
                earliest = Some((first, again));
            }
        })?;
        match earliest {
            Some((first, again)) if policy == Policy::Fail => {
                Err(self.duplicate(first, again, later.len() - 1)?.into())
            }
            _ => Ok(later),
        }
    }

    fn duplicate(&self, first: u64, again: u64, more: u64) -> Result<ListError, ScratchError> {
        let (id, first) = self.look_up(first)?;
        let (_, again) = self.look_up(again)?;
        let (list, unit) = (self.list.clone(), self.unit.to_string());
        Ok(ListError::Duplicate { list, id, unit, first, again, more })
    }

    /// The id at a position of the spool, for a message, and its number in the list.
    fn look_up(&self, position: u64) -> Result<(String, u64), ScratchError> {
        let found = self.spool.find(position);
        let (batch, row) = found
            .ok_or_else(|| ScratchError::file(&self.scratch, std::io::ErrorKind::UnexpectedEof.into()))?;
        let batch = self.spool.read(batch)?;
        let line = batch.column(LINE)?.i64()?.get(row).unwrap_or_default() + row as i64;
        let ids = &batch.columns()[..self.columns.id];
        let words: Vec<String> = ids.iter().map(|column| in_words(column, row)).collect();
        Ok((words.join(", "), line as u64))
    }
}

fn in_words(column: &Column, row: usize) -> String {
    match column.get(row) {
        Ok(AnyValue::String(text)) => value::cut(text, SHOWN).into_owned(),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
