//! The operating system, wrapped: what a process inherits from and shares with its parent.

mod limits;
mod process;
mod signals;
mod slot;

pub use limits::raise_open_files;
pub use process::{ParentGone, die_with_parent, dies_with_us};
pub use signals::{Stop, stop_on_signals};
pub use slot::{Slot, SlotReader, shared_slot};
