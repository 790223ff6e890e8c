//! The parent: one child process per shard, as many at a time as it is told, restarted when they crash.
//!
//! A child of whose shard little is left ([`Event::Finishing`]) makes room for another: a list of several shards does not
//! wait for the few slow requests at the end of each. All children together never have more requests in flight than they
//! are told.
//!
//! Promises:
//!
//! - A child does not outlive the supervisor: the kernel kills it when the supervisor dies
//!   ([`os::die_with_parent`](crate::os::die_with_parent)), and each is in a process group of its own, so that
//!   a key pressed at the terminal reaches the supervisor alone, which passes it on.
//! - A child that crashes is started again, at most `RESTARTS` times without a new committed block; then
//!   its shard is reported as failed while the others go on.
//! - A record whose extraction was under way in two crashes in a row is named, and the child is started again
//!   without it: the record ends as `crashed` in the ledger. (That needs no bookkeeping on disk: a rerun
//!   finds it again.)
//! - A secret that one child finds refused stops all of them as the first signal does, and no other is started.
//! - The first signal makes the children drain, the second kills them.
//!
//! One `select!` gathers what happens; `Crew::handle` deals with one happening at a time.

mod child;
mod places;
mod restart;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::{mpsc, watch};

use crate::handoff::{Event, Exit, Plan, RunStore, event};
use crate::os::{Slot, Stop};
use crate::record::Ordinal;

use child::{Death, Happening, Start};
use places::Places;
use restart::{History, Verdict};

/// How children are started.
#[derive(Debug, Clone)]
pub struct CrewOptions {
    /// The program, this one.
    pub program: PathBuf,
    /// Arguments for every `windrow shard` besides the run, the shard and what the supervisor adds.
    pub arguments: Vec<OsString>,
    /// Children at a time.
    pub at_once: usize,
    /// Requests in flight at once over all children.
    pub in_flight: usize,
    /// Requests that may be sent altogether.
    pub max_requests: Option<u64>,
}

/// How a shard ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardEnd {
    /// Every block is committed.
    Committed,
    /// It ended with this exit code of windrow's own, saying why.
    Ended(Exit, String),
    /// It crashed, again and again; how it did last, with the end of its log.
    Crashed(String),
    /// It was not started, or stopped before its end.
    Stopped,
}

/// What came of the shards.
#[derive(Debug)]
pub struct Worked {
    /// How each ended.
    pub ends: BTreeMap<u32, ShardEnd>,
    /// Requests that all of them sent.
    pub requests: u64,
    /// When a quota renews that one of them found used up; the first of several. In seconds since 1970.
    pub renews_at: Option<u64>,
    /// Which secrets were refused, and by whom: then all were told to stop.
    pub refused: Option<String>,
}

/// What a person may want to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A child crashed and is started again.
    Restarted {
        /// How it ended.
        how: String,
    },
    /// A record is left out because it ended its process twice.
    GivenUp {
        /// The record.
        ordinal: Ordinal,
        /// The endpoint.
        endpoint: String,
        /// Whether it may have been another that shared its request.
        shared: bool,
    },
    /// A shard ended.
    Ended(ShardEnd),
}

/// Where the supervisor tells what happens.
pub trait Observer {
    /// A shard's child told this.
    fn event(&mut self, shard: u32, event: &Event);
    /// This happened to a shard.
    fn notice(&mut self, shard: u32, notice: &Notice);
    /// A signal has come, and is passed on to all children.
    fn stopping(&mut self, _stop: Stop) {}
}

/// Works the shards, a child process each, and says how each ended.
///
/// Must run on the thread that lives longest (the main thread of a current-thread runtime): the kernel ties
/// the children to the thread that starts them.
pub async fn supervise(
    run: &RunStore,
    plan: &Plan,
    shards: Vec<u32>,
    options: &CrewOptions,
    observer: &mut dyn Observer,
    mut stop: watch::Receiver<Stop>,
) -> Result<Worked, std::io::Error> {
    let (sender, mut happenings) = mpsc::unbounded_channel();
    let mut crew = Crew::new(run, plan, shards, options, observer, sender);
    crew.fill(*stop.borrow())?;
    while !crew.children.is_empty() {
        tokio::select! {
            Some((shard, happening)) = happenings.recv() => crew.handle(shard, happening, *stop.borrow())?,
            Ok(()) = stop.changed() => {
                let stop = *stop.borrow_and_update();
                crew.observer.stopping(stop);
                crew.pass_on(stop);
            }
        }
    }
    let Crew { ends, requests, renews_at, refused, .. } = crew;
    Ok(Worked { ends, requests, renews_at, refused })
}

/// The children and what is known of them.
struct Crew<'a> {
    run: &'a RunStore,
    plan: &'a Plan,
    options: &'a CrewOptions,
    observer: &'a mut dyn Observer,
    sender: mpsc::UnboundedSender<(u32, Happening)>,
    waiting: VecDeque<u32>,
    /// Requests that each shard may send, where there is a limit.
    shares: BTreeMap<u32, u64>,
    /// Requests that the children which ended have sent.
    requests: u64,
    renews_at: Option<u64>,
    refused: Option<String>,
    places: Places,
    /// By shard.
    children: BTreeMap<u32, Post>,
    ends: BTreeMap<u32, ShardEnd>,
}

/// One child at work.
struct Post {
    pid: i32,
    /// Where it is told how many requests it may have in flight.
    slot: Slot,
    history: History,
    /// What the child said last of why it ends.
    last_words: String,
    /// Requests that its predecessors sent.
    sent_before: u64,
    sent: u64,
}

impl<'a> Crew<'a> {
    fn new(
        run: &'a RunStore,
        plan: &'a Plan,
        shards: Vec<u32>,
        options: &'a CrewOptions,
        observer: &'a mut dyn Observer,
        sender: mpsc::UnboundedSender<(u32, Happening)>,
    ) -> Crew<'a> {
        let shares = options.max_requests.map(|requests| shares(requests, &shards)).unwrap_or_default();
        let ends = shards.iter().map(|&shard| (shard, ShardEnd::Stopped)).collect();
        Crew {
            run,
            plan,
            options,
            observer,
            sender,
            waiting: shards.into(),
            shares,
            requests: 0,
            renews_at: None,
            refused: None,
            places: Places::new(options.in_flight, options.at_once),
            children: BTreeMap::new(),
            ends,
        }
    }

    /// Starts waiting shards while there is room.
    fn fill(&mut self, stop: Stop) -> Result<(), std::io::Error> {
        while !stop.is_set() && self.refused.is_none() && self.places.has_room() {
            let Some(shard) = self.waiting.pop_front() else { break };
            self.start(shard, History::default(), 0)?;
        }
        Ok(())
    }

    /// Starts a shard's child.
    fn start(&mut self, shard: u32, history: History, sent_before: u64) -> Result<(), std::io::Error> {
        let allowed = self.places.begin(shard);
        let start = Start {
            program: &self.options.program,
            arguments: &self.options.arguments,
            run: self.run.folder(),
            shard,
            in_flight: self.places.part(),
            allowed,
            max_requests: self.shares.get(&shard).map(|share| share.saturating_sub(sent_before)),
            crashed: history.given_up.iter().map(|&word| self.pair(word)).collect(),
        };
        let (pid, slot) = child::start(&start, self.sender.clone())?;
        let last_words = String::new();
        let post = Post { pid, slot, history, last_words, sent_before, sent: 0 };
        self.children.insert(shard, post);
        Ok(())
    }

    /// Deals with one happening.
    fn handle(&mut self, shard: u32, happening: Happening, stop: Stop) -> Result<(), std::io::Error> {
        match happening {
            Happening::Told(event) => {
                let was_refused = self.refused.is_some();
                self.note(shard, &event);
                // Once: a second signal would end them at once.
                if self.refused.is_some() && !was_refused && !stop.is_set() {
                    self.signal(Signal::SIGTERM);
                }
            }
            Happening::Died(death) => self.reap(shard, death, stop)?,
        }
        self.fill(stop)?;
        for (shard, in_flight) in self.places.deal() {
            self.children.get(&shard).inspect(|post| post.slot.allow(in_flight));
        }
        Ok(())
    }

    /// Remembers what a child told, and passes it on.
    fn note(&mut self, shard: u32, event: &Event) {
        if let Some(post) = self.children.get_mut(&shard) {
            match event {
                Event::Committed { .. } => post.history.progressed(),
                Event::Finishing { in_flight } => self.places.finish(shard, *in_flight),
                Event::Progress(counts) => post.sent = counts.requests,
                Event::Ended { text } => post.last_words.clone_from(text),
                Event::UsedUp { renews_at } => {
                    self.renews_at =
                        Some(self.renews_at.map_or(*renews_at, |earlier| earlier.min(*renews_at)));
                }
                Event::SecretRefused { text } => {
                    self.refused.get_or_insert_with(|| text.clone());
                }
                Event::Started { .. } | Event::Warning { .. } => {}
            }
        }
        self.observer.event(shard, event);
    }

    /// A child ended: its shard is done, given up, or started again.
    fn reap(&mut self, shard: u32, death: Death, stop: Stop) -> Result<(), std::io::Error> {
        let Some(post) = self.children.remove(&shard) else { return Ok(()) };
        self.places.end(shard);
        self.requests += post.sent;
        match death {
            Death::Exited(Exit::Done) => self.end(shard, ShardEnd::Committed),
            Death::Exited(exit) => self.end(shard, ShardEnd::Ended(exit, post.last_words)),
            Death::Crashed { .. } if stop.is_set() || self.refused.is_some() => {
                self.end(shard, ShardEnd::Stopped)
            }
            Death::Crashed { how, suspect, log } => self.crashed(shard, post, how, suspect, log)?,
        }
        Ok(())
    }

    /// A child crashed: it is started again, without the record that did it where that is known.
    fn crashed(
        &mut self,
        shard: u32,
        mut post: Post,
        how: String,
        suspect: Option<u64>,
        log: String,
    ) -> Result<(), std::io::Error> {
        match post.history.crashed(suspect) {
            Verdict::Restart => self.observer.notice(shard, &Notice::Restarted { how }),
            Verdict::Condemn(word) => {
                let (ordinal, endpoint) = self.pair(word);
                let shared =
                    self.plan.endpoints.iter().any(|planned| planned.name == endpoint && planned.batched);
                self.observer.notice(shard, &Notice::GivenUp { ordinal, endpoint, shared });
            }
            Verdict::GiveUp => {
                let log = if log.is_empty() { String::new() } else { format!("\n{}", log.trim_start()) };
                self.end(shard, ShardEnd::Crashed(format!("{how}{log}")));
                return Ok(());
            }
        }
        self.start(shard, post.history, post.sent_before + post.sent)
    }

    fn end(&mut self, shard: u32, end: ShardEnd) {
        self.observer.notice(shard, &Notice::Ended(end.clone()));
        self.ends.insert(shard, end);
    }

    /// Passes a wish to stop on to the children.
    fn pass_on(&self, stop: Stop) {
        self.signal(if stop.is_now() { Signal::SIGKILL } else { Signal::SIGTERM });
    }

    fn signal(&self, signal: Signal) {
        for post in self.children.values() {
            // A child that is gone already needs no signal.
            let _ = kill(Pid::from_raw(post.pid), signal);
        }
    }

    /// The record and the endpoint's name that a slot's word stands for.
    fn pair(&self, word: u64) -> (Ordinal, String) {
        let (ordinal, endpoint) = event::pair_of_word(word);
        let name =
            self.plan.endpoints.get(endpoint).map_or_else(String::new, |endpoint| endpoint.name.clone());
        (ordinal, name)
    }
}

/// A number of requests, shared out evenly; each shard may send at least one.
fn shares(requests: u64, shards: &[u32]) -> BTreeMap<u32, u64> {
    let count = shards.len().max(1) as u64;
    let share = |place: u64| (requests / count + u64::from(place < requests % count)).max(1);
    (0..).zip(shards).map(|(place, &shard)| (shard, share(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn requests_are_shared_out_to_the_last() {
        let of = |requests, shards: &[u32]| shares(requests, shards).into_values().collect::<Vec<_>>();
        assert_eq!(of(100, &[4, 5, 9]), [34, 33, 33]);
        assert_eq!(of(2, &[0, 1, 2]), [1, 1, 1]);
        assert_eq!(of(7, &[3]), [7]);
        assert!(of(7, &[]).is_empty());
    }
}
