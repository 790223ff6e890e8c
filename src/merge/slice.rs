//! A stretch of a run's records as relations: the frozen lines, the answers of each endpoint, the ledger.
//!
//! Blocks of round 0 lie side by side in the order of the list, so a run is loaded slice by slice: the files
//! of some blocks of round 0, and of later rounds those that reach into their range. A slice ends at a number of files, and
//! where values are large, at a number of bytes: a statement holds what it joins, and hands on whole blocks at a time.

use std::path::Path;

use super::files::{BlockFiles, RunFiles, Stretch};
use super::refused::Rejected;
use super::sql::{self, FileList};
use crate::handoff::input::{ORDINAL, PART};
use crate::handoff::ledger;
use crate::job::ChunkFormat;
use crate::record::Ordinal;
use crate::value::{Field, Type};

/// Files that one statement reads at most.
///
/// Every further INSERT of a transaction leaves row groups half full, which costs time and space (a half more
/// of both for three of them); every file costs its statement some 10 kB. Tests have slices of two blocks.
const FILES: usize = if cfg!(test) { 6 } else { 10_000 };

/// Bytes of rows that one statement reads at most, though at least one block: compressed, in memory they are several times
/// as many.
const BYTES: u64 = 16 << 20;

/// Which blocks.
pub(super) type BlockFilter<'a> = &'a dyn Fn(&BlockFiles) -> bool;

/// All blocks.
pub(super) const ALL: fn(&BlockFiles) -> bool = |_| true;

/// A stretch of a run.
pub(super) struct Slice<'a> {
    pub files: &'a RunFiles,
    pub stretch: Stretch,
    first_round: &'a [BlockFiles],
    later_rounds: Vec<&'a BlockFiles>,
    /// Records that are left out, since the table refuses them.
    rejected: Vec<Ordinal>,
}

/// A run's slices, in the order of the list.
pub(super) fn slices(files: &RunFiles) -> Vec<Slice<'_>> {
    let most = (FILES / (files.plan.endpoints.len() + 1)).max(1);
    let (mut rest, later_rounds) = by_round(files);
    let mut slices = Vec::new();
    while !rest.is_empty() {
        let (blocks, others) = rest.split_at(fitting(&rest[..most.min(rest.len())]));
        let stretch = blocks.iter().fold(blocks[0].stretch, |range, b| range.joined(&b.stretch));
        let later = later_rounds.iter().filter(|block| block.stretch.overlaps(&stretch));
        slices.push(Slice {
            files,
            stretch,
            first_round: blocks,
            later_rounds: later.collect(),
            rejected: Vec::new(),
        });
        rest = others;
    }
    slices
}

/// How many of these blocks, from the first on, have no more than [`BYTES`] where they are wide; one at the least.
fn fitting(blocks: &[BlockFiles]) -> usize {
    let mut bytes = 0;
    let is_too_much = |block: &BlockFiles| {
        if block.is_wide() {
            bytes += block.bytes_of_rows;
        }
        bytes > BYTES
    };
    blocks.iter().position(is_too_much).unwrap_or(blocks.len()).max(1)
}

/// All of a run at once.
pub(super) fn whole(files: &RunFiles) -> Slice<'_> {
    let (first_round, later_rounds) = by_round(files);
    Slice {
        files,
        stretch: Stretch::whole(),
        first_round,
        later_rounds: later_rounds.iter().collect(),
        rejected: Vec::new(),
    }
}

fn by_round(files: &RunFiles) -> (&[BlockFiles], &[BlockFiles]) {
    files.blocks.split_at(files.blocks.partition_point(|block| block.round == 0))
}

impl Slice<'_> {
    /// The same without some records, where rows are made of it.
    pub fn without(self, rejected: &Rejected) -> Self {
        let Stretch { first, until } = self.stretch;
        Slice { rejected: rejected.range(first..until).map(|(record, _)| *record).collect(), ..self }
    }

    /// A join that takes the records out that are left out, by their ordinal.
    pub fn taken(&self, ordinal: &str) -> String {
        if self.rejected.is_empty() {
            return String::new();
        }
        let rejected =
            self.rejected.iter().map(|record| format!("({record})")).collect::<Vec<_>>().join(", ");
        format!(" ANTI JOIN (VALUES {rejected}) rejected(record) ON rejected.record = {ordinal}")
    }

    /// `ordinal` and the frozen columns of the slice's records, as [`Slice::frozen`] calls them.
    pub fn input(&self) -> String {
        let inputs = self.files.inputs.iter().filter(|input| input.stretch.overlaps(&self.stretch));
        let plan = &self.files.plan;
        let mut fields = vec![ordinal()];
        fields.extend(named(&plan.columns, plan.input_names()));
        let paths = inputs.map(|input| input.path.as_path()).collect();
        let list = FileList { paths, format: ChunkFormat::Parquet, largest: 0, fields };
        format!("(SELECT * FROM {} WHERE {})", list.relation(), self.in_range())
    }

    /// What a frozen column is called in [`Slice::input`]. An id's column is called the same in [`Slice::answers`].
    pub fn frozen(&self, name: &str) -> String {
        let plan = &self.files.plan;
        let place = plan.columns.iter().position(|column| column.name == name);
        place.map_or_else(|| name.to_owned(), |place| plan.input_names().swap_remove(place))
    }

    /// What a column of the endpoint is called in [`Slice::answers`].
    pub fn answered(&self, endpoint: usize, name: &str) -> String {
        let plan = &self.files.plan;
        let place = plan.endpoints[endpoint].columns.iter().position(|column| column.name == name);
        let named = |place: usize| plan.answer_names(endpoint).swap_remove(plan.id_columns + place);
        place.map_or_else(|| name.to_owned(), named)
    }

    /// `ordinal`, `part`, the id and the endpoint's columns: all rows that it gave.
    pub fn answers(&self, endpoint: usize) -> String {
        self.answers_in(endpoint, &ALL)
    }

    fn answers_in(&self, endpoint: usize, wanted: BlockFilter<'_>) -> String {
        self.parts(
            wanted,
            |block| block.rows.get(endpoint)?.as_deref(),
            |blocks| self.rows_relation(endpoint, blocks),
        )
    }

    /// The `ordinal` of every record that succeeded at the endpoint in one of these blocks, at least once.
    ///
    /// Its rows tell, unless there may be none: then the ledger does.
    pub fn succeeded(&self, endpoint: usize, wanted: BlockFilter<'_>) -> String {
        let planned = &self.files.plan.endpoints[endpoint];
        if planned.explodes {
            format!(
                "(SELECT {ORDINAL} FROM {} WHERE {})",
                self.requests_in(wanted),
                succeeded_at(&planned.name)
            )
        } else {
            self.answers_in(endpoint, wanted)
        }
    }

    /// The `ordinal` of every record whose answer at the endpoint has no rows.
    pub fn emptied(&self, endpoint: usize) -> String {
        let name = &self.files.plan.endpoints[endpoint].name;
        let condition = succeeded_at(name);
        format!("(SELECT {ORDINAL} FROM {} WHERE \"rows\" = 0 AND {condition})", self.requests())
    }

    /// The ledger's columns: a line for every pair of every round.
    pub fn requests(&self) -> String {
        self.requests_in(&ALL)
    }

    fn requests_in(&self, wanted: BlockFilter<'_>) -> String {
        self.parts(wanted, |block| block.requests.as_deref(), ledger_relation)
    }

    /// The relation over some of the slice's files; those of later rounds may reach beyond its range.
    fn parts<'b>(
        &'b self,
        wanted: BlockFilter<'_>,
        path: impl Fn(&'b BlockFiles) -> Option<&'b Path>,
        relation: impl Fn(Files<'b>) -> String,
    ) -> String {
        let first = self.first_round.iter().filter(|block| wanted(block));
        let later = self.later_rounds.iter().copied().filter(|block| wanted(block));
        let first = Files::of(first, &path);
        let later = Files::of(later, &path);
        if later.paths.is_empty() {
            return relation(first);
        }
        let range = self.in_range();
        format!("(FROM {} UNION ALL FROM {} WHERE {range})", relation(first), relation(later))
    }

    fn rows_relation(&self, endpoint: usize, files: Files<'_>) -> String {
        let plan = &self.files.plan;
        let mut fields = vec![ordinal(), Field { name: PART.into(), ty: Type::Integer }];
        fields.extend(named(plan.answer_columns(endpoint), plan.answer_names(endpoint)));
        let Files { paths, largest } = files;
        FileList { paths, format: plan.chunks, largest, fields }.relation()
    }

    fn in_range(&self) -> String {
        let Stretch { first, until } = self.stretch;
        format!("{ORDINAL} >= {first} AND {ORDINAL} < {until}")
    }
}

/// A condition on the ledger's lines: a success of the endpoint. What its `when` left out has no kind.
fn succeeded_at(endpoint: &str) -> String {
    let endpoint = sql::text(endpoint);
    format!(
        "endpoint = {endpoint} AND (status IN ('ok', 'missing') OR status = 'not_asked' AND kind IS NULL)"
    )
}

struct Files<'a> {
    paths: Vec<&'a Path>,
    largest: u64,
}

impl<'a> Files<'a> {
    fn of(
        blocks: impl Iterator<Item = &'a BlockFiles> + Clone,
        path: impl Fn(&'a BlockFiles) -> Option<&'a Path>,
    ) -> Files<'a> {
        let largest = blocks.clone().map(|block| block.largest).max().unwrap_or(0);
        Files { paths: blocks.filter_map(path).collect(), largest }
    }
}

/// The columns under other names.
fn named<'a>(
    columns: impl IntoIterator<Item = &'a Field>,
    names: Vec<String>,
) -> impl Iterator<Item = Field> {
    columns.into_iter().zip(names).map(|(column, name)| Field { name, ty: column.ty })
}

fn ordinal() -> Field {
    Field { name: ORDINAL.into(), ty: Type::Bigint }
}

fn ledger_relation(files: Files<'_>) -> String {
    let Files { paths, largest } = files;
    let fields = ledger_fields();
    FileList { paths, format: ChunkFormat::Parquet, largest, fields }.relation()
}

/// The ledger's columns with their types.
fn ledger_fields() -> Vec<Field> {
    let ty = |name: &str| match name {
        "ordinal" | "bytes" | "batch" => Type::Bigint,
        "http_status" | "attempts" | "requests" | "pages" | "rows" => Type::Integer,
        "worth_repeating" => Type::Boolean,
        "started_at" | "finished_at" => Type::Timestamp,
        _ => Type::Text,
    };
    ledger::COLUMNS.iter().map(|(name, _)| Field { name: (*name).to_owned(), ty: ty(name) }).collect()
}

/// The ledger of one shard's committed blocks, as a relation with all its columns. Files of earlier versions lack the last.
pub(super) fn ledger_of<'a>(blocks: impl Iterator<Item = &'a BlockFiles> + Clone) -> String {
    let Files { paths, largest } = Files::of(blocks, |block| block.requests.as_deref());
    let none = FileList { paths: Vec::new(), format: ChunkFormat::Parquet, largest, fields: ledger_fields() };
    if paths.is_empty() {
        return none.relation();
    }
    let there = sql::parquet_by_name(paths.into_iter());
    format!("(FROM {} UNION ALL BY NAME FROM {there})", none.relation())
}

/// The name of a column, qualified by its relation's alias.
pub(super) fn column(alias: &str, name: &str) -> String {
    format!("{alias}.{}", sql::identifier(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(records: u64, bytes_of_rows: u64) -> BlockFiles {
        BlockFiles {
            round: 0,
            shard: 0,
            place: 0,
            commit: String::new(),
            stretch: Stretch::whole(),
            requests: None,
            answers: None,
            rows: Vec::new(),
            largest: bytes_of_rows,
            records,
            bytes_of_rows,
            text_of_row: 0,
        }
    }

    #[test]
    fn wide_blocks_end_a_slice_by_their_bytes_and_narrow_ones_do_not() {
        let narrow = vec![block(1024, 1 << 20); 100];
        assert_eq!(fitting(&narrow), 100);
        let wide = vec![block(64, BYTES / 4); 100];
        assert_eq!(fitting(&wide), 4);
        let widest = vec![block(64, BYTES * 2); 3];
        assert_eq!(fitting(&widest), 1);
        let mixed = [&narrow[..50], &wide[..]].concat();
        assert_eq!(fitting(&mixed), 54);
    }

    /// A run may be begun by one version and continued by the next.
    #[test]
    fn of_requests_that_an_earlier_version_noted_the_host_is_null() {
        let folder = tempfile::tempdir().unwrap();
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let write = |name: &str, which: &str| {
            let path = folder.path().join(name);
            // A line with nothing in it.
            let none = ledger_of(std::iter::empty());
            let select =
                format!("SELECT line.* EXCLUDE ({which}) FROM (SELECT 1) LEFT JOIN {none} line ON true");
            connection.execute_batch(&format!("COPY ({select}) TO '{}'", path.display())).unwrap();
            BlockFiles { requests: Some(path), ..block(1, 0) }
        };
        let (old, new) = (write("old.parquet", "batch, host"), write("new.parquet", "batch"));
        for blocks in [[&old, &new], [&new, &old], [&old, &old]] {
            let all = ledger_of(blocks.into_iter());
            let plain = ledger_relation(Files::of(blocks.into_iter(), |block| block.requests.as_deref()));
            for sql in [
                format!("SELECT count(*) + count(host) FROM {all}"),
                format!("SELECT count(*) + count(ordinal) + count(status) FROM {plain}"),
            ] {
                let rows: i64 = connection
                    .query_row(&sql, [], |row| row.get(0))
                    .unwrap_or_else(|error| panic!("{sql}: {error}"));
                assert_eq!(rows, 2);
            }
        }
    }
}
