//! Rows on their way into a table: LOAD DATA, or INSERTs where the server takes no LOCAL.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::sync::{MutexGuard, mpsc};

use super::{CUT, Session, error, insert};
use crate::database::{DatabaseError, LoadInto, Trouble};

/// Bytes of the rows that go to the server at once: no more than it takes (`max_allowed_packet`), however long a row is.
const PACKET: usize = 1 << 19;

/// The warning that a statement may not do the same on a replica: it says nothing of values.
const UNSAFE: u16 = 1592;

impl Session {
    /// Sends pieces of encoded rows into a table; the rows that were written. Where the pieces end with an error, some may
    /// be.
    ///
    /// # Errors
    /// Of the pieces, of the server, and where it understands a value otherwise than it was sent.
    pub async fn load<E: From<DatabaseError>>(
        &self,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let takes_local = self.rows("SELECT @@GLOBAL.local_infile").await?;
        let mut conn = self.conn.lock().await;
        if takes_local.first().is_some_and(|row| row.flag(0)) {
            self.load_local(&mut conn, into, pieces).await
        } else {
            self.insert(&mut conn, into, pieces).await
        }
    }

    async fn load_local<E: From<DatabaseError>>(
        &self,
        conn: &mut MutexGuard<'_, Conn>,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(1);
        let received =
            stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        conn.set_infile_handler(async move { Ok(received.boxed()) });
        let load = format!(
            "LOAD DATA LOCAL INFILE 'windrow' INTO TABLE {} CHARACTER SET utf8mb4 \
             FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' {}",
            into.table, into.columns
        );
        let loading = conn.query_drop(load);
        let (loaded, sent) = both(loading, pump(pieces, sender)).await;
        // What the pieces ended with says more than what the server makes of it.
        sent.transpose()?;
        loaded.map_err(|error| E::from(self.failed(&error)))?;
        let written = conn.affected_rows();
        match self.warning(conn).await? {
            Some(warning) => Err(error::refused(&self.server, Trouble::Misread, &warning).into()),
            None => Ok(written),
        }
    }

    /// A value that the server understood otherwise than it was sent, in its words.
    async fn warning(&self, conn: &mut MutexGuard<'_, Conn>) -> Result<Option<String>, DatabaseError> {
        let all = usize::from(conn.get_warnings());
        if all == 0 {
            return Ok(None);
        }
        let shown: mysql_async::Result<Vec<(String, u16, String)>> = conn.query("SHOW WARNINGS").await;
        let shown = shown.map_err(|error| self.failed(&error))?;
        // The server keeps the first ones only.
        let more = (shown.len() < all).then(|| format!("{all} warnings"));
        let is_about_values = |level: &str, code| code == CUT || level != "Note" && code != UNSAFE;
        let mut about_values = shown.into_iter().filter(|(level, code, _)| is_about_values(level, *code));
        Ok(about_values.next().map(|(_, _, message)| message).or(more))
    }

    async fn insert<E: From<DatabaseError>>(
        &self,
        conn: &mut MutexGuard<'_, Conn>,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let mut pieces = pin!(pieces);
        let mut written = 0;
        while let Some(piece) = pieces.next().await {
            for insert in insert::statements(&into.to_string(), &piece?) {
                conn.query_drop(insert).await.map_err(|error| E::from(self.failed(&error)))?;
                written += conn.affected_rows();
            }
        }
        Ok(written)
    }
}

/// Hands pieces on until they end, or nobody takes them; what they ended with, where that was an error.
async fn pump<E>(
    pieces: impl Stream<Item = Result<Bytes, E>>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), E> {
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.next().await {
        let mut piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                // Nobody may take it any more.
                let _ = sender.send(Err(io::Error::other("the rows ended with an error"))).await;
                return Err(error);
            }
        };
        while !piece.is_empty() {
            let packet = piece.split_to(piece.len().min(PACKET));
            if sender.send(Ok(packet)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Waits for a load, and for what feeds it as long as it does; of that what it ended with, if it has.
async fn both<T, E>(
    loading: impl Future<Output = T>,
    feeding: impl Future<Output = Result<(), E>>,
) -> (T, Option<Result<(), E>>) {
    let mut loading = pin!(loading.fuse());
    let mut feeding = pin!(feeding);
    tokio::select! {
        loaded = &mut loading => (loaded, feeding.now_or_never()),
        fed = &mut feeding => (loading.await, Some(fed)),
    }
}
