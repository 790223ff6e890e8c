//! What becomes of a process whose job's code never ends: jq of a column, `when`, `cost`, `ok` and their kin, or a
//! selector. All of it runs under [`os::Watchdog`](crate::os::Watchdog), which [`Guarded`](crate::extract::Guarded) asks
//! for.
//!
//! A supervised process is aborted, and its supervisor treats it like any other crash: the record is found and named, and
//! left out when it does it again. One that a person started says so, and ends.

use std::io;
use std::time::Duration;

use crate::handoff::{Exit, event};
use crate::job::Job;
use crate::os::{Bounds, Excess, Slot, Watchdog, end, tell, wait_until_read};

/// Longest time that the job's code may take for one answer or condition.
const LIMIT: Duration = Duration::from_secs(30);

/// Most memory that it may take beyond what the process has: far more than the largest answer makes.
const MEMORY: u64 = 4 << 30;

/// Watches what is said to the slot.
///
/// # Errors
/// There is no thread to be had.
pub fn watch(slot: Slot, job: &Job) -> io::Result<Watchdog> {
    let names: Vec<String> = job.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    let is_supervised = slot.is_supervised();
    let bounds = Bounds { time: LIMIT, memory: MEMORY };
    Watchdog::start(slot, bounds, move |word, excess| {
        let (ordinal, endpoint) = event::pair_of_word(word);
        let name = names.get(endpoint).map_or("", String::as_str);
        let why = match excess {
            Excess::Time => format!("has kept endpoint {name} busy for more than {LIMIT:?}"),
            Excess::Memory => format!("has endpoint {name} take more than {} GiB of memory", MEMORY >> 30),
        };
        tell(format_args!("windrow: record {ordinal} {why}: giving up on it"));
        if is_supervised {
            wait_until_read();
            std::process::abort();
        }
        tell(format_args!(
            "hint: an expression of the endpoint does not end for it (a loop, or a recursion without a last step); \
             `windrow run` leaves such a record out as crashed, `windrow shard` by --crashed {ordinal}:{name}"
        ));
        end(Exit::Usage.code().into());
    })
}
