//! Ports that are free and stay so.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system hands out for outgoing connections and for port 0 (from 32,768 on, by default):
/// one of those could be somebody else's in the moment after it was found free.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A port of 127.0.0.1 on which nobody listens, and which no other caller is given.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes beside each other begin apart.
    let of_process = u64::from(std::process::id()) * 97;
    loop {
        let next = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((of_process + next) % u64::from(COUNT)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
