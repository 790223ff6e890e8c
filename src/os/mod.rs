//! The operating system, wrapped: what a process inherits from and shares with its parent.

mod clock;
mod exchange;
mod limits;
mod locks;
mod mapped;
mod network;
mod own;
mod paste;
mod paths;
mod process;
mod program;
mod shared;
mod signals;
mod slot;
mod told;
mod watchdog;

pub use clock::{boot_number, core_demand, monotonic_nanos};
pub use exchange::{exchange, rename_new};
pub use limits::{give_up_privileges, open_files, raise_open_files};
pub use mapped::mapped;
pub use network::network_file_system;
pub use own::{
    foreign_owner, is_link, is_plain_name, make_private, mode_of, permit, permit_at, refuse_others,
    shown_user, without_links,
};
pub use paste::{ask_for_line, can_ask, read_paste};
pub use paths::shown_path;
pub use process::{die_with_parent, dies_with_us, is_alive, user, user_home, user_name};
pub use program::{ask_to_end, feed_program, kill_group};
pub use shared::{ByteLock, SharedWords};
pub use signals::{Stop, asked_to_tell, end, stop_on_signals};
pub use slot::{Slot, shared_slot};
pub use told::{draw, printable, printable_json, tell, tell_in_colors, wait_until_read};
pub use watchdog::{Bounds, Excess, Watchdog, Working};
