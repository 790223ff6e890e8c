//! How a database is opened, and what its errors mean: for [`plan`](crate::plan), which reads lists from it, and for
//! [`merge`](crate::merge), which fills its tables.
//!
//! | file | database |
//! |---|---|
//! | `duck.rs` | DuckDB, within this process |
//! | `postgres/` | a PostgreSQL server: its address, TLS as `sslmode` says, what its error codes mean |

pub mod duck;
pub mod postgres;
