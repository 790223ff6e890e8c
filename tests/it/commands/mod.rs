//! What a person types and reads.
//!
//! | file | asks |
//! |---|---|
//! | [`trials`] | `--sample`, `--ids`, `--max-requests` |
//! | [`rounds`] | `retry`, `merge`, `shard` |
//! | [`reading`] | `status`, `failures`, `query` |
//! | [`gate`] | conditions of publishing, `--anyway`, what a pause publishes |
//! | [`words`] | `init`, `schema`, help, and what is typed wrongly |
//! | [`tables`] | modes over two runs, formats of lists and of chunks |

mod gate;
mod reading;
mod rounds;
mod tables;
mod trials;
mod words;
