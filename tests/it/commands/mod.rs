//! What a person types and reads.
//!
//! | file | asks |
//! |---|---|
//! | [`trials`] | `--sample`, `--ids`, `--max-requests` |
//! | [`rounds`] | `retry`, `merge`, `shard` |
//! | [`reading`] | `status`, `failures`, `query` |
//! | [`advice`] | is what is advised for each kind of failure right, followed word for word? |
//! | [`checks`] | `check`: what is shown, columns without values, lines for curl |
//! | [`gate`] | conditions of publishing, `--anyway`, what a pause publishes |
//! | [`success`] | what becomes of yesterday's table where nothing came today |
//! | [`help`] | `help`, `completions`, `man`: does a person find what there is, and do shells and formatters take it? |
//! | [`words`] | `init`, `schema`, `--help`, and what is typed wrongly |
//! | [`machines`] | do programs read what people are told? |
//! | [`output`] | `query --output`: is a file whole, and typed? |
//! | [`plans`] | what `plan` says of a job whose run is unfinished |
//! | [`price`] | what a run is said to cost before its first request |
//! | [`resume`] | which run is gone on with, and who waits for whom |
//! | [`progress`] | what is seen on a terminal while a run works |
//! | [`prune`] | what is removed, when, and what never is |
//! | [`screens`] | do tables fit the terminal, whatever its width? |
//! | [`states`] | how does a run stand, and why, for people and for programs? |
//! | [`steering`] | what of characters that steer a terminal, whoever brings them? |
//! | [`tables`] | modes over two runs, formats of lists and of chunks |

mod advice;
mod checks;
mod gate;
mod help;
mod machines;
mod output;
mod plans;
mod price;
mod progress;
mod prune;
mod reading;
mod resume;
mod rounds;
mod screens;
mod states;
mod steering;
mod success;
mod tables;
mod trials;
mod words;
