//! How many requests an HTTP/2 connection carries at a time.
//!
//! A server says how many streams may be open (SETTINGS_MAX_CONCURRENT_STREAMS, RFC 9113, section 5.1.2) with the first
//! bytes that it sends, and may say another number later. hyper assumes a hundred until then, and what is beyond the
//! server's number comes back refused; and of what waits in hyper for a stream nobody knows whether it was sent when the
//! connection goes away. So the first request goes alone, and the others wait here until they have a stream.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hyper::client::conn::http2;
use hyper::rt::{Executor, Read, Write};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::request::Body;

/// Our end of an HTTP/2 connection; its clones share it.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) sender: http2::SendRequest<Body>,
    pub(super) streams: Arc<Streams>,
}

/// A request's place on a connection, until it is dropped.
pub(super) type Stream = OwnedSemaphorePermit;

/// The streams of a connection.
pub(super) struct Streams {
    /// Those that nobody has.
    free: Arc<Semaphore>,
    /// Those that nobody has and those that somebody has.
    granted: Mutex<usize>,
    /// Counts how often one was taken.
    taken: AtomicUsize,
    /// The server's number; `None` when the connection is no more.
    most: OnceLock<Box<dyn Fn() -> Option<usize> + Send + Sync>>,
}

/// No stream became free for that long.
pub(super) struct NoneFree;

impl Shared {
    /// Begins to speak HTTP/2, and goes on in a task until the connection ends.
    pub(super) async fn handshake<T>(stream: T, max_head: u32) -> hyper::Result<Shared>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let streams = Arc::new(Streams {
            free: Arc::new(Semaphore::new(1)),
            granted: Mutex::new(1),
            taken: AtomicUsize::new(0),
            most: OnceLock::new(),
        });
        let (sender, connection) = http2::Builder::new(Tasks(streams.clone()))
            .initial_max_send_streams(1)
            .max_header_list_size(max_head)
            .handshake::<_, Body>(stream)
            .await?;
        let connection = Arc::new(Mutex::new(connection));
        let weak = Arc::downgrade(&connection);
        let most = move || weak.upgrade().map(|connection| lock(&connection).current_max_send_streams());
        let _ = streams.most.set(Box::new(most));
        let shared = Shared { sender, streams: streams.clone() };
        tokio::spawn(async move {
            // What breaks it is told to the requests that are on it.
            let _ = poll_fn(|context| Pin::new(&mut *lock(&connection)).poll(context)).await;
            streams.free.close();
        });
        Ok(shared)
    }
}

impl Streams {
    /// A stream, if one is free.
    pub(super) fn try_take(&self) -> Option<Stream> {
        let stream = self.free.clone().try_acquire_owned().ok()?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(stream)
    }

    /// A stream as soon as one is free; `None` where the connection has ended. Others have their turn before: it may take
    /// as long as they need, but not longer than `patience` without any of them getting on.
    pub(super) async fn take(&self, patience: Duration) -> Result<Option<Stream>, NoneFree> {
        let mut free = pin!(self.free.clone().acquire_owned());
        loop {
            let taken = self.taken.load(Ordering::Relaxed);
            tokio::select! {
                stream = &mut free => {
                    self.taken.fetch_add(1, Ordering::Relaxed);
                    return Ok(stream.ok());
                }
                () = sleep(patience) => {}
            }
            if self.taken.load(Ordering::Relaxed) == taken {
                return Err(NoneFree);
            }
        }
    }

    /// Takes over how many the server admits. Of streams that it no longer does, those in use go when they are free.
    fn follow(&self) {
        let Some(most) = self.most.get().and_then(|most| most()) else { return };
        let most = most.min(Semaphore::MAX_PERMITS);
        let mut granted = lock(&self.granted);
        if most > *granted {
            self.free.add_permits(most - *granted);
            *granted = most;
        } else if most < *granted {
            *granted -= self.free.forget_permits(*granted - most);
        }
    }
}

/// Runs hyper's tasks for a connection. One of them reads what the server says, so after each of their steps its number
/// of streams may be another.
#[derive(Clone)]
struct Tasks(Arc<Streams>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let streams = self.0.clone();
        tokio::spawn(async move {
            let mut task = pin!(task);
            poll_fn(|context| {
                let polled = task.as_mut().poll(context);
                streams.follow();
                polled
            })
            .await;
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(most: Arc<AtomicUsize>) -> Streams {
        let of_server: Box<dyn Fn() -> Option<usize> + Send + Sync> =
            Box::new(move || Some(most.load(Ordering::Relaxed)));
        Streams {
            free: Arc::new(Semaphore::new(1)),
            granted: Mutex::new(1),
            taken: AtomicUsize::new(0),
            most: OnceLock::from(of_server),
        }
    }

    /// Takes all that are free.
    fn all(streams: &Streams) -> Vec<Stream> {
        std::iter::from_fn(|| streams.try_take()).collect()
    }

    #[test]
    fn as_many_are_taken_as_the_server_admits() {
        let most = Arc::new(AtomicUsize::new(3));
        let streams = streams(most.clone());
        let admit = |number| {
            most.store(number, Ordering::Relaxed);
            streams.follow();
        };
        assert_eq!(all(&streams).len(), 1);
        streams.follow();
        let mut taken = all(&streams);
        assert_eq!(taken.len(), 3);
        admit(1);
        // Two come back, and are not given out again.
        taken.truncate(1);
        streams.follow();
        assert_eq!(all(&streams).len(), 0);
        drop(taken);
        assert_eq!(all(&streams).len(), 1);
        admit(usize::MAX);
        admit(2);
        assert_eq!(all(&streams).len(), 2);
        admit(0);
        assert_eq!(all(&streams).len(), 0);
    }

    #[tokio::test]
    async fn who_waits_is_patient_as_long_as_others_get_on() {
        const PATIENCE: Duration = Duration::from_millis(200);
        let streams = streams(Arc::new(AtomicUsize::new(1)));
        let held = streams.try_take().unwrap();
        assert!(matches!(streams.take(PATIENCE).await, Err(NoneFree)));
        drop(held);
        let turns = (0..12).map(|_| async {
            let stream = streams.take(PATIENCE).await;
            sleep(PATIENCE / 4).await;
            matches!(stream, Ok(Some(_)))
        });
        assert_eq!(futures_util::future::join_all(turns).await, [true; 12]);
        streams.free.close();
        assert!(matches!(streams.take(PATIENCE).await, Ok(None)));
    }
}
