//! A load that nobody waits for any more: the server stops what it is doing.

use tokio::runtime::Handle;

use crate::database::{Canceller, Session};

/// Cancels the session's statement when it is dropped: held by the future that waits for a transaction.
///
/// The connection itself ends once its last statement has, which may take long. Where the runtime ends too, the server
/// finds the connection gone by itself.
pub(super) struct CancelWhenDropped(Option<Canceller>);

impl CancelWhenDropped {
    pub fn new(session: &Session) -> CancelWhenDropped {
        CancelWhenDropped(Some(session.canceller()))
    }

    /// Cancels now.
    pub async fn cancel(mut self) {
        if let Some(canceller) = self.0.take() {
            canceller.cancel().await;
        }
    }

    /// Nothing is to be cancelled any more.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelWhenDropped {
    fn drop(&mut self) {
        if let (Some(canceller), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { canceller.cancel().await });
        }
    }
}
