//! How a database is opened, and what its errors mean: for [`plan`](crate::plan), which reads lists from it, and for
//! [`merge`](crate::merge), which fills its tables.
//!
//! | file | database |
//! |---|---|
//! | `csv_lines.rs` | those that write no CSV themselves |
//! | `error.rs` | any: what can be done about its errors |
//! | `session.rs` | any outside of this process: what can be asked of it |
//! | `load.rs` | any: what a load fills |
//! | `row.rs` | any: an answer as texts |
//! | `words.rs` | servers: their words without secrets, on one line |
//! | `duck.rs` | DuckDB, within this process |
//! | `mysql/` | a MariaDB or MySQL server: its address, what its error codes mean, rows as LOAD DATA |
//! | `postgres/` | a PostgreSQL server: its address, TLS as `sslmode` says, what its error codes mean |
//! | `sqlite/` | an SQLite file: how it is opened, who has it, what its error codes mean |

mod csv_lines;
pub mod duck;
mod error;
mod load;
pub mod mysql;
pub mod postgres;
mod row;
mod session;
pub mod sqlite;
#[cfg(test)]
mod tests;
mod words;

pub use error::{DatabaseError, RowRefusal, TOLD, Trouble};
pub use load::LoadInto;
pub use row::{Cell, Row};
pub use session::{Canceller, Server, Session};
