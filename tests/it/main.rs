//! The tests that run the program. What belongs where:
//!
//! | file | asks |
//! |---|---|
//! | [`floors`] | do imports go down only, and does each heavy library have one door? |
//! | [`films`] | does the films job publish what it should, and can others read the files? |
//! | [`crash`] | what is lost when processes are killed, and what is asked again? |
//! | [`commit`] | is the commit's table of crashes true, cell by cell? |
//! | [`shard`] | is a shard whole though its process is killed, or two work on it that do not see each other's locks? |
//! | [`signals`] | does a run drain, stop, go on, and leave nobody behind? |
//! | [`headers`] | can a template name any column of the list, wherever it stands? |
//! | [`lists`] | what becomes of bad lists, odd ids and bad job files? |
//! | [`parquet_lists`] | are lists that pyarrow and pandas write read whole and right, whatever their types? |
//! | [`queries`] | is the answer to a query a list like any other, on a real PostgreSQL, and by DuckDB over files? |
//! | [`queues`] | `windrow work`: has each job of a table its result once, whatever dies, and is it taken up soon? |
//! | [`remakes`] | are columns made anew from what was kept of failures, and is what succeeded left as it is? |
//! | [`serving`] | `windrow serve`: is what was gathered read whole, whoever reads, writes, dies or asks for what? |
//! | [`settled`] | after COMMIT: is each row there once for whoever repeats the command, whatever died or failed? |
//! | [`hostile`] | what do a thousand hostile answers end as, one by one? |
//! | [`servers`] | what becomes of bad answers, and of servers that are not there? |
//! | [`apis`] | do the example jobs and every feature of requests and answers work? |
//! | [`budgets`] | are limits and quotas kept by all processes together, and does every run end? |
//! | [`drafts`] | `windrow init`: is the job that is drafted from a curl command what was asked for, and does it run? |
//! | [`deaths`] | PostgreSQL, MariaDB, SQLite: is anything lost or doubled whatever dies at any moment, do readers see half a table? |
//! | [`postgres`] | PostgreSQL as list and destination: a table made by hand, large values |
//! | [`files`] | do others read a published file, and is it whole whatever is killed? |
//! | [`places`] | full disks, runs in use, changed jobs |
//! | [`owners`] | whose a run is, who may look into it, what in it leads elsewhere |
//! | [`syscalls`] | what if the system's calls fail, one by one? |
//! | [`docs`] | is every block of the README and of `docs/` true? |
//! | [`services`] | does systemd take the units that the documentation hands out? |
//! | [`installed`] | does the wheel work in a fresh environment of Python's, and what `make install` installs? |
//! | [`summaries`] | what is a program told of how a command ended, whatever its exit code? |
//! | [`commands`] | retry, shard, status, failures, query, trials: what a person types and reads |
//! | [`database_servers`] | (starts a server of PostgreSQL or MariaDB) |
//! | [`support`] | a folder of its own for each test, the origin, the program |

mod apis;
mod budgets;
mod circles;
mod commands;
mod commit;
mod crash;
#[path = "../databases/mod.rs"]
mod database_servers;
mod deaths;
mod docs;
mod drafts;
mod files;
mod films;
mod floors;
mod headers;
mod hostile;
mod installed;
mod lists;
mod names;
mod owners;
mod parquet_lists;
mod places;
mod postgres;
mod queries;
mod queues;
mod remakes;
mod servers;
mod services;
mod serving;
mod settled;
mod shard;
mod signals;
mod summaries;
mod support;
mod syscalls;
mod words;

use database_servers::{mariadb as mariadb_server, postgres as postgres_server};
