//! Where it is listened: at an address, or at what systemd has opened already.

use std::net::SocketAddr;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

/// It cannot be listened there.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the address, or this machine has not.
    #[error(
        "cannot listen on {0}: {1}\nhint: --listen ADDRESS:PORT names another; 127.0.0.1 is this machine alone"
    )]
    Address(SocketAddr, std::io::Error),
    /// What systemd handed over is no socket for it.
    #[error(
        "what the service manager opened cannot be listened at: {0}\nhint: a .socket unit needs ListenStream=ADDRESS:PORT"
    )]
    Socket(std::io::Error),
}

/// Listens at the socket that the service manager has opened, if it has; or else at the address, of which port 0 is a free one.
///
/// # Errors
/// See [`ListenError`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    match ListenFd::from_env().take_tcp_listener(0) {
        Ok(Some(listener)) => {
            listener.set_nonblocking(true).map_err(ListenError::Socket)?;
            TcpListener::from_std(listener).map_err(ListenError::Socket)
        }
        Ok(None) => TcpListener::bind(address).await.map_err(|error| ListenError::Address(address, error)),
        Err(error) => Err(ListenError::Socket(error)),
    }
}

/// Tells the service manager, if there is one, that questions are answered, and then again and again that they still are, for
/// as long as this is polled.
pub async fn tell_manager() {
    // One that cannot be told sees that nothing is told.
    let tell = |state| sd_notify::notify(&[state]).is_ok();
    tell(NotifyState::Ready);
    let Some(within) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    loop {
        tell(NotifyState::Watchdog);
        tokio::time::sleep((within / 3).max(Duration::from_millis(10))).await;
    }
}
