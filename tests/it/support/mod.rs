//! What every test stands on: a folder of its own, the origin, the program.

pub mod faults;
mod films;
mod origin;
pub mod processes;
mod published;
mod sandbox;
mod seed;

pub use films::{film_ids, films_job, small_job};
pub use origin::Origin;
pub use published::{published, published_films};
pub use sandbox::{Ended, Sandbox, ended, wait};
pub use seed::seeded;
