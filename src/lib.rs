//! windrow: bulk fetching from HTTP APIs into a database, on every core, that loses nothing.
//!
//! Somebody has a list and an API or two to ask about each of its lines. A **job** ([`job`]) declares list,
//! questions and table in one TOML file. A **run** cuts the list into **shards**, fetches each in a process of
//! its own into Parquet files, proves that nothing is missing, and loads everything into one table in one
//! transaction.
//!
//! # Words
//!
//! A *record* is one line of the list; its *ordinal*, its position, is its identity for the whole run. An
//! *endpoint* is one HTTP question asked for every record; a record and an endpoint are a *pair*. A *shard* is
//! a slice of the records, worked by one child process. A *round* works shards over what the round before left
//! failed or waiting; round 0 asks everything, and one from kept answers nobody. A *queue* is a table of jobs, which are
//! *claimed* in *batches*: each is a run of its own. A *block* is consecutive lines of a shard, its bounds fixed by the
//! plan: the unit of commit. A *chunk* is a file that a block becomes: its rows, one file per endpoint, and its
//! requests. The *ledger* is all the requests: one line for every planned pair.
//!
//! # The floors
//!
//! Imports go down only; neighbours on a floor never import each other, nor do the files of a module. Tests hold this
//! (`tests/it/floors.rs`, `tests/it/circles.rs`).
//!
//! ```text
//! 8  main, cli                       words typed, exit codes
//! 7  serve                           what was gathered, served over HTTP, and gathered again at an interval
//! 6  report                          how a run looks to a person
//! 5  runner                          what a run does, told as events and returned as a value
//! 4  supervisor | worker | merge     the parent, the child, the load
//!    monitor                         what a queue's worker tells of itself over HTTP
//!    draft                           a job that is drafted from a request and a few answers
//! 3  plan | fetch | extract | chunk  one per step of a record's way
//!    budget                          what all processes of the machine may send together
//! 2  handoff                         every path, format, event and exit code that two processes agree on
//!    database                        how a database is opened, and what its errors mean
//! 1  job, record, secrets            what the user declares; what flows
//!    value                           what a text means in a column of a type
//!    curl                            what a pasted curl command asks
//! 0  os                              the operating system, wrapped
//! ```
//!
//! Supervisor, worker and merge never know one another: they meet only in the files of a run ([`handoff`]).
//! Each heavy library has one door: hyper in [`fetch`], which asks, and [`monitor`] and [`serve`], which answer, polars in [`value`], [`chunk`] and [`plan`], those of databases
//! in [`plan`], which reads lists, [`merge`], which fills tables, and [`serve`], which shows them,
//! scraper in [`extract`] (and [`job`], which checks selectors), clap in [`cli`], object_store in [`handoff`].
//!
//! The wheel's module, `src/python`, starts the program, and knows of it what `--help` and the summary say.
//!
//! # A record's way
//!
//! | step | it is now | module | on disk, under `shards/<job>/<run>/` |
//! |---|---|---|---|
//! | read, cut | a line of a shard's frozen input | [`plan`] | `plan.json`, `round-000.json`, `00003/input.parquet` |
//! | spawn | arguments: run and shard number | [`supervisor`] | `00003/shard.log` |
//! | request, answer | an answer or a classified failure | [`fetch`] | |
//! | rows | typed values | [`extract`] | |
//! | block done | columns, then files | [`chunk`] | `00003/000012000.<attempt>.omdb.parquet`, `….requests.parquet` |
//! | block committed | names, counts, digests | [`worker`], [`handoff::commit`] | `00003/000012000.json`, created only if absent |
//! | prove | ledger = plan, digests match | [`merge`] | |
//! | join, load | rows of the table | [`merge`] | `merged.json`, last |
//!
//! Nothing travels back: down go arguments, files written before the spawn, signals, and words of shared
//! memory; up come files, progress events and the exit code. Beside each other, all processes of the machine share the
//! words of their budgets, in a folder of the user's own, and those of a command what they saw of the job's secrets.
//!
//! # What holds
//!
//! 1. Each planned pair has exactly one ledger line; merge proves it, block by block, before it loads.
//! 2. A run is published in one transaction together with its row in `windrow_runs`, or not at all. Where it is
//!    published in parts, when it pauses, the same holds of each part. Into a file it is published by one rename, so
//!    that readers find the old file or the new one.
//! 3. A block is done when its commit file exists; a rerun skips it. A crash costs the open blocks at the most.
//! 4. Every file of a run goes through an object store; the local folder syncs what it writes, but for a queue's runs, whose
//!    jobs come back when their lease ends. It is its user's alone: who writes refuses what another user made, and what leads
//!    elsewhere.
//! 5. A failed request is a ledger line with a kind from a closed list, never an empty value.
//! 6. A credential belongs to one origin. TLS is always verified.
//! 7. Everything is bounded: times, sizes, depth, redirects, retries, memory. Nothing holds the list.
//! 8. The template owns the URL: a record's value never changes scheme, host, port or the path's shape. A whole URL
//!    from the list leads only to the hosts that the job names, or to public addresses; so does the answer of a public host,
//!    whatever its name leads to by then.
//! 9. A request that may not be sent twice is not, unless the server cannot have acted on it.
//! 10. The first signal drains and commits, the second stops at once; a child never outlives its supervisor.
//! 11. A limit holds for all processes of this user on this machine together ([`budget`]); a quota is never exceeded, a
//!     pause that one is told holds for all, and what a killed process had comes back.
//! 12. A run ends: a host that is down is waited for as long as the job says, and left to the end where others answer; then
//!     its records fail, and the rest is published. Where no host answers, not even what it answered before, nothing is
//!     settled: its repetition asks again.
//! 13. A shard is worked by one process at a time, and done when all its blocks are. Two that do not see each other's
//!     locks do no harm: each block is committed once.
//! 14. A run in which nothing succeeded is not published, and a secret that is refused stops it, unless the job says
//!     otherwise.
//! 15. What is committed is settled: no error after COMMIT changes the exit code, and who repeats a command that died there
//!     is told of it, and publishes nothing twice.
//! 16. Each job of a queue has one result, whatever dies and however many workers there are: its rows, its state and its claim
//!     are one transaction, and whose claims others have taken over publishes nothing.
//! 17. What is served is what one publication left, whole: a copy that nobody writes to. Readers and runs never wait for each
//!     other, and whatever goes wrong with a run, what was published last is served.

#![warn(missing_docs)]
// These panic where nobody reads: `os::tell` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(not(target_os = "linux"))]
compile_error!("windrow runs on Linux: it relies on its signals, locks and renames");

// With `benches` all of it is public, for the programs in `benches/`; without, the compiler sees what nobody uses.
pub mod cli;
pub mod handoff;

#[cfg(feature = "benches")]
pub mod budget;
#[cfg(not(feature = "benches"))]
mod budget;
#[cfg(feature = "benches")]
pub mod chunk;
#[cfg(not(feature = "benches"))]
mod chunk;
#[cfg(feature = "benches")]
pub mod curl;
#[cfg(not(feature = "benches"))]
mod curl;
#[cfg(feature = "benches")]
pub mod database;
#[cfg(not(feature = "benches"))]
mod database;
#[cfg(feature = "benches")]
pub mod draft;
#[cfg(not(feature = "benches"))]
mod draft;
#[cfg(feature = "benches")]
pub mod extract;
#[cfg(not(feature = "benches"))]
mod extract;
#[cfg(feature = "benches")]
pub mod fetch;
#[cfg(not(feature = "benches"))]
mod fetch;
#[cfg(feature = "benches")]
pub mod job;
#[cfg(not(feature = "benches"))]
mod job;
#[cfg(feature = "benches")]
pub mod merge;
#[cfg(not(feature = "benches"))]
mod merge;
#[cfg(feature = "benches")]
pub mod monitor;
#[cfg(not(feature = "benches"))]
mod monitor;
#[cfg(feature = "benches")]
pub mod os;
#[cfg(not(feature = "benches"))]
mod os;
#[cfg(feature = "benches")]
pub mod plan;
#[cfg(not(feature = "benches"))]
mod plan;
#[cfg(feature = "benches")]
pub mod record;
#[cfg(not(feature = "benches"))]
mod record;
#[cfg(feature = "benches")]
pub mod report;
#[cfg(not(feature = "benches"))]
mod report;
#[cfg(feature = "benches")]
pub mod runner;
#[cfg(not(feature = "benches"))]
mod runner;
#[cfg(feature = "benches")]
pub mod secrets;
#[cfg(not(feature = "benches"))]
mod secrets;
#[cfg(feature = "benches")]
pub mod serve;
#[cfg(not(feature = "benches"))]
mod serve;
#[cfg(feature = "benches")]
pub mod supervisor;
#[cfg(not(feature = "benches"))]
mod supervisor;
#[cfg(feature = "benches")]
pub mod value;
#[cfg(not(feature = "benches"))]
mod value;
#[cfg(feature = "benches")]
pub mod worker;
#[cfg(not(feature = "benches"))]
mod worker;

#[cfg(test)]
#[path = "../tests/databases/mod.rs"]
pub(crate) mod database_servers;
#[cfg(test)]
pub(crate) use database_servers::{mariadb as mariadb_server, postgres as postgres_server};
#[cfg(test)]
#[path = "../tests/engines.rs"]
pub(crate) mod engines;
#[cfg(test)]
#[path = "../tests/fuzz/seeds.rs"]
pub(crate) mod fuzz_seeds;
#[cfg(test)]
#[expect(dead_code, reason = "the tests that run the program include it, too, and use what these do not")]
#[path = "../tests/seed.rs"]
pub(crate) mod seed;
