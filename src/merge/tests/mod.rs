//! Runs made by hand, then proven, broken, published and asked.
//!
//! | file | what is tested |
//! |---|---|
//! | `sandbox` | (makes the runs) |
//! | `engines` | (a test of each database) |
//! | `proof` | a whole run is proven; each way to break one is refused, naming what is wrong |
//! | `publishing` | modes, keys, retries, what a death leaves, readers meanwhile |
//! | `gate` | each condition refuses and is told; `--anyway` |
//! | `success` | what a run needs whose job writes no `min_success` |
//! | `exploding` | answers of many rows and of none: proof, modes, views |
//! | `added` | columns of the job that a table lacks are added, in every destination, or refused |
//! | `adding` | what stands in the way of that, who waits for whom |
//! | `ids` | rows replaced by their id, rows of ids that are gone |
//! | `pauses` | what is published when a run pauses, and by whom it is found |
//! | `model` | random runs, policies, pauses and retries against a model of the table |
//! | `kinds` | (the table at destinations of every kind) |
//! | `files` | what is in a file, what it remembers, what a death leaves |
//! | `folders` | Parquet files divided by columns |
//! | `destination` | locked, foreign, unfitting destinations |
//! | `commits` | connections cut around COMMIT, servers that go away, merges at once |
//! | `rivals` | merges at once, of several runs into one table |
//! | `refused` | rows that a table refuses are named, in every database |
//! | `rejected` | records that a table may refuse, in every database |
//! | `standing` | tables made by hand: serial numbers, defaults, references, triggers |
//! | `statements` | the job's own SQL around the rows, in every destination |
//! | `types` | values into columns of other types; keys as the table compares them |
//! | `values` | every value is the same in every destination, read with its own client |
//! | `blobs` | bytes into columns of tables that stand, and out of files |
//! | `wide` | values that are large |
//! | `mariadb` | MariaDB: tables made by hand, types, odd servers |
//! | `preflight` | all that keeps a load from succeeding is told at once, before the first request |
//! | `postgres` | PostgreSQL: tables made by hand, statements, types, rivals, readers, swapping |
//! | `sqlite` | SQLite: tables made by hand, types, files that cannot be had, readers meanwhile |
//! | `questions` | views and queries |

mod added;
mod adding;
mod blobs;
mod commits;
mod destination;
pub mod engines;
mod exploding;
mod files;
mod folders;
mod gate;
mod ids;
mod kinds;
mod mariadb;
mod model;
mod pauses;
mod postgres;
mod preflight;
mod proof;
mod publishing;
mod questions;
mod queues;
mod refused;
mod rejected;
mod reports;
mod rivals;
pub mod sandbox;
mod sqlite;
mod standing;
mod statements;
mod success;
mod types;
mod values;
mod wide;
