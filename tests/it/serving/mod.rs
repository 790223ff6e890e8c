//! `windrow serve`: what was gathered is read whole, whoever reads, writes, dies or asks for what.
//!
//! | file | asks |
//! |---|---|
//! | `stage` | (a job that is served, the program that serves it, and who asks) |
//! | `answers` | is what was published answered in each format, whole, by filter, by key, in part and unchanged? |
//! | `turnover` | is every body of one publication, whatever happens to the file and to the run? |
//! | `gathering` | is a job run when it says so, and what becomes of runs that end otherwise? |
//! | `strangers` | who is refused, who is left, and what do hostile questions reach? |
//! | `looks` | what do people, Prometheus and systemd see? |

mod answers;
mod gathering;
mod looks;
mod stage;
mod strangers;
mod turnover;
