//! `windrow work`: a table of jobs is worked by any number of processes, and each job has its result once, whatever dies.
//!
//! | file | asks |
//! |---|---|
//! | `stage` | (a table of jobs and one of results on each server, the program that works it, the origin) |
//! | `plain` | are jobs that are there and jobs that come done, whatever their ids are? |
//! | `examples` | do the jobs of `schemas/` work, with a producer that goes on inserting? |
//! | `failing` | what becomes of jobs that fail, for a while or for good, and of their neighbours? |
//! | `changed` | what of one that somebody deletes, cancels or changes while it is being asked? |
//! | `ending` | what is freed by a signal, a quota that is used up, a host that is down, a refused secret? |
//! | `attack` | is there one result for each job, whatever is killed, stopped, cut or restarted? |
//! | `looks` | what do `status`, `failures` and `check` tell of a queue, and does `requeue` bring back what it says? |
//! | `lasting` | how soon is a job taken up, and what is left after thousands of batches? |
//! | `watched` | what is told over HTTP and to systemd, and what is not synced? |
//! | `surroundings` | do rights, settings, other queues and many jobs that are done leave it alone? |
//! | `trouble` | what other queues were told of in public |

mod attack;
mod changed;
mod ending;
mod examples;
mod failing;
mod lasting;
mod looks;
mod plain;
mod stage;
mod surroundings;
mod trouble;
mod watched;

/// A test on PostgreSQL and one on MariaDB of each function of a [`stage::Server`], named for them.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => { $(mod $test {
        #[test]
        fn postgres() {
            super::$test($crate::queues::stage::Server::Postgres);
        }

        #[test]
        fn mariadb() {
            super::$test($crate::queues::stage::Server::MariaDb);
        }
    })+ };
}
use on_both;
