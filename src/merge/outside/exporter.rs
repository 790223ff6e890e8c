//! What a run brings, on its way into a database: DuckDB and the encoding on a thread of their own, the connection on
//! the runtime, some pieces between them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use duckdb::Connection;
use duckdb::arrow::array::{Array as _, ArrayRef, StructArray};
use duckdb::arrow::util::display::array_value_to_string;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::merge::columns::{Origin, Output};
use crate::merge::dialect::{Dialect, Sent, Unsendable};
use crate::merge::gate::Duplicates;
use crate::merge::kept::InMemory;
use crate::merge::load::{Export, Exported, Order, Relation, Stop, StopWhenDropped};
use crate::merge::refused::id_of;
use crate::merge::runs::Publication;
use crate::merge::{MergeError, database};
use crate::value::Field;

/// Bytes of a piece of encoded rows, about.
const PIECE: usize = 256 << 10;
/// Pieces that wait for the connection.
const WAITING: usize = 8;

/// What the thread sends.
pub(super) enum Piece {
    /// What follows belongs to this relation, of these columns.
    Begin(Relation, Vec<Field>),
    /// A piece of encoded rows.
    Data(Bytes),
    /// The relation is whole: the number of its rows.
    End(u64),
}

/// What is to be exported, in this order.
pub(super) struct Exports {
    pub dialect: &'static dyn Dialect,
    pub order: Arc<Order>,
    pub columns: Vec<Output>,
    pub earlier: Vec<Publication>,
    pub is_new: bool,
    pub relations: Vec<Relation>,
    /// How the columns of the rows go straight into the table.
    pub sent: Vec<Sent>,
}

/// Facts that are known when the last piece has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub duplicates: Duplicates,
    pub late: u64,
    pub narrowed: bool,
}

/// A thread at work. It is stopped when this is dropped.
pub(super) struct Exporter {
    pub pieces: mpsc::Receiver<Piece>,
    thread: JoinHandle<Result<Facts, MergeError>>,
    stop: StopWhenDropped,
}

impl Exporter {
    /// Starts the thread.
    pub fn start(exports: Exports) -> Exporter {
        let (sender, pieces) = mpsc::channel(WAITING);
        let stop = Arc::new(Stop::default());
        let attended = Arc::clone(&stop);
        let thread = tokio::task::spawn_blocking(move || export(&exports, &sender, &attended));
        Exporter { pieces, thread, stop: StopWhenDropped(stop) }
    }

    /// What the thread ended with, where what it brought was written. Else it is stopped.
    pub async fn end<T>(self, written: Result<T, MergeError>) -> Result<(Facts, T), MergeError> {
        let Exporter { mut pieces, thread, stop } = self;
        pieces.close();
        // Where the thread failed, its pieces only stopped coming.
        let may_wait = matches!(written, Ok(_) | Err(MergeError::Interrupted));
        if !may_wait {
            drop(stop);
        }
        let facts = thread.await.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()));
        match (facts, written) {
            (Ok(facts), Ok(written)) => Ok((facts, written)),
            (Err(error), Ok(_) | Err(MergeError::Interrupted)) | (_, Err(error)) => Err(error),
        }
    }
}

fn export(exports: &Exports, sender: &mpsc::Sender<Piece>, stop: &Stop) -> Result<Facts, MergeError> {
    let memory = InMemory::open()?;
    let exported = stop.attend(memory.connection(), || export_from(memory.connection(), exports, sender));
    memory.end(exported)
}

fn export_from(
    connection: &Connection,
    exports: &Exports,
    sender: &mpsc::Sender<Piece>,
) -> Result<Facts, MergeError> {
    let Exports { dialect, order, columns, earlier, is_new, relations, sent } = exports;
    let export = Export::prepare(connection, order, columns.clone(), earlier.clone(), *is_new)?;
    for relation in relations {
        let exported = export.relation(*relation);
        let sent = match relation {
            Relation::Rows => sent.as_slice(),
            _ => &[],
        };
        let sending =
            Sending { connection, dialect: *dialect, order, columns, sender, sent, fields: &exported.fields };
        sending.relation(*relation, &exported)?;
    }
    Ok(Facts { duplicates: export.duplicates().clone(), late: export.late, narrowed: export.narrowed })
}

/// A relation on its way.
struct Sending<'a> {
    connection: &'a Connection,
    dialect: &'static dyn Dialect,
    order: &'a Order,
    columns: &'a [Output],
    sender: &'a mpsc::Sender<Piece>,
    sent: &'a [Sent],
    fields: &'a [Field],
}

impl Sending<'_> {
    fn relation(&self, relation: Relation, exported: &Exported) -> Result<(), MergeError> {
        self.send(Piece::Begin(relation, exported.fields.clone()))?;
        let mut buffer = BytesMut::with_capacity(PIECE + PIECE / 4);
        buffer.extend_from_slice(self.dialect.header());
        let mut rows = 0;
        for select in &exported.selects {
            rows += self.select(select, &mut buffer)?;
        }
        buffer.extend_from_slice(self.dialect.trailer());
        self.send(Piece::Data(buffer.freeze()))?;
        self.send(Piece::End(rows))
    }

    /// Sends the rows of a statement; their number.
    fn select(&self, sql: &str, buffer: &mut BytesMut) -> Result<u64, MergeError> {
        let failed = |error: duckdb::Error| database::failed(&self.order.job.folder, &error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        drop(statement.stream_arrow([]).map_err(failed)?);
        let mut rows = 0;
        // Step by step: the iterator would panic where a step fails.
        while let Some(batch) = statement.step().map_err(failed)? {
            self.dialect.encode(&batch, self.sent, buffer).map_err(|why| self.unsendable(&batch, why))?;
            rows += batch.len() as u64;
            if let Some(sent) = self.order.sent {
                sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
            if buffer.len() >= PIECE {
                let full = std::mem::replace(buffer, BytesMut::with_capacity(PIECE + PIECE / 4));
                self.send(Piece::Data(full.freeze()))?;
            }
        }
        Ok(rows)
    }

    /// Fails where nobody waits for it any more.
    fn send(&self, piece: Piece) -> Result<(), MergeError> {
        self.sender.blocking_send(piece).map_err(|_| MergeError::Interrupted)
    }

    fn unsendable(&self, batch: &StructArray, unsendable: Unsendable) -> MergeError {
        let Unsendable { column, row, why } = unsendable;
        let is_id =
            |name: &String| self.columns.iter().any(|own| own.origin == Origin::Id && own.name == *name);
        let names = self.fields.iter().map(|field| &field.name);
        let ids = names.zip(batch.columns()).filter(|(name, _)| is_id(name));
        let text = |array: &ArrayRef| array_value_to_string(array, row).ok();
        let ids: Vec<(String, Option<String>)> =
            ids.map(|(name, array)| (name.clone(), text(array))).collect();
        let column = self.fields.get(column).map_or_else(String::new, |field| field.name.clone());
        MergeError::Value { column, id: id_of(&ids), why }
    }
}
