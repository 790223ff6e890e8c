//! Questions over HTTP, and their answers.
//!
//! Promises:
//!
//! - Every body is of one generation, and its `ETag` says which; what a cache may do with it is said by the next run.
//! - Nobody is answered who is not meant to be: at an address of this machine alone only names of it are taken as `Host` (a page
//!   elsewhere could have its name lead here), at any other a token is wanted.
//! - Who asks slowly, reads slowly, or asks much takes nothing from the others: connections, their time and their pace are
//!   bounded, so are questions at once, their time, rows and memory.
//! - What is wrong with a question is said as RFC 9457 has it, with a hint. Nothing of it is ignored.
//!
//! | file | what is there |
//! |---|---|
//! | `listen.rs` | where it is listened |
//! | `connections.rs` | connections: how many, how long, how fast |
//! | `pace.rs` | a reader that is too slow |
//! | `guard.rs` | who may ask |
//! | `site.rs` | all that is served |
//! | `routes.rs` | which URL is answered by what |
//! | `table.rs` | tables and rows |
//! | `facts.rs` | what is said of a body |
//! | `conditional.rs` | what the asker has already, which part and which encoding it wants |
//! | `problem.rs` | what is wrong |

mod conditional;
mod connections;
mod facts;
mod guard;
mod listen;
mod pace;
mod problem;
mod routes;
mod site;
mod table;

pub use self::connections::answer_all;
pub use self::guard::Guard;
pub use self::listen::{listen, tell_manager};
pub use self::site::Site;
