//! What every test stands on: a folder of its own, the origin, the program; and the machine alone, where times are measured.

mod alone;
pub mod canaries;
mod cut;
mod disk;
pub mod faults;
mod films;
mod origin;
mod ports;
pub mod processes;
mod published;
mod sandbox;
#[path = "../../seed.rs"]
mod seed;

pub use alone::{Alone, alone, at_most};
pub use cut::{Cut, Proxy};
pub use disk::Disk;
pub use films::{film_ids, films_job, small_job};
pub use origin::{Arrivals, Origin};
pub use ports::free_port;
pub use published::{published, published_films};
pub use sandbox::{Ended, Sandbox, ended, wait};
pub use seed::{is_soak, seed, seeded};
