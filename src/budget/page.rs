//! The file of one budget, opened: begun anew after a start of the machine, and joined as one of its members.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use super::words::{self, BOOT, FORMAT, MEMBERS, VERSION, WORDS};
use super::{BudgetError, quota};
use crate::os::{ByteLock, SharedWords, boot_number};

/// The lock under which members, window and quotas are changed.
const BOOKS: u32 = 0;

/// How long a process that begins waits for the books: others hold them for microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a process at work waits for them.
const SOON: Duration = Duration::from_millis(20);

/// A budget's words, and this process's place among its members.
#[derive(Debug)]
pub(super) struct Page {
    words: SharedWords,
    /// Which member this is.
    pub(super) me: usize,
    /// Whether nobody else was a member when this one joined.
    pub(super) was_alone: bool,
}

impl Page {
    /// A page of this process alone.
    pub(super) fn alone() -> Page {
        let words = SharedWords::own(WORDS);
        words::member(words.words(), 0).process.store(u64::from(std::process::id()), Release);
        Page { words, me: 0, was_alone: true }
    }

    /// Joins the members of a budget.
    pub(super) fn join(path: &Path) -> Result<Page, BudgetError> {
        let named = || path.display().to_string();
        let failed = |source| BudgetError::File { path: named(), source };
        let words = SharedWords::open(path, WORDS).map_err(failed)?;
        let begun = Instant::now();
        let (me, was_alone) = loop {
            match words.try_lock(BOOKS).map_err(failed)? {
                Some(_books) => {
                    break enter(&words).map_err(failed)?.ok_or_else(|| BudgetError::Full(named()))?;
                }
                None if begun.elapsed() > PATIENCE => return Err(BudgetError::Busy(named())),
                None => std::thread::sleep(Duration::from_micros(500)),
            }
        };
        Ok(Page { words, me, was_alone })
    }

    /// The words.
    pub(super) fn words(&self) -> &[AtomicU64] {
        self.words.words()
    }

    /// The lock on the books, unless somebody else has it just now.
    pub(super) fn books(&self) -> Option<ByteLock<'_>> {
        // Where there are no locks any more, the next look may find them.
        self.words.try_lock(BOOKS).ok().flatten()
    }

    /// The lock on the books, waited for as long as others hold it who are at work; none where somebody stands still.
    pub(super) fn books_soon(&self) -> Option<ByteLock<'_>> {
        let begun = Instant::now();
        loop {
            match self.books() {
                Some(books) => return Some(books),
                None if begun.elapsed() > SOON => return None,
                None => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// Strikes members off that ended without a word. Only under the books' lock.
    pub(super) fn bury(&self) {
        for at in (0..MEMBERS).filter(|at| *at != self.me) {
            let process = words::member(self.words(), at).process;
            if process.load(Acquire) != 0 && !self.words.is_held_elsewhere(lock_of(at)) {
                clear(&self.words, at);
            }
        }
    }

    /// Writes the words through to the disk.
    pub(super) fn sync(&self) {
        // A quota that cannot be noted is still counted by everybody who runs.
        let _ = self.words.sync();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        clear(&self.words, self.me);
    }
}

/// Takes the first free place; `None` where there is none. Says also whether it is the only one that is taken.
fn enter(words: &SharedWords) -> std::io::Result<Option<(usize, bool)>> {
    begin_anew(words.words());
    let mut mine = None;
    let mut others = 0;
    for at in 0..MEMBERS {
        let is_taken = words::member(words.words(), at).process.load(Acquire) != 0;
        if is_taken && words.is_held_elsewhere(lock_of(at)) {
            others += 1;
        } else if mine.is_none() && words.hold(lock_of(at))? {
            mine = Some(at);
        } else if is_taken {
            clear(words, at);
        }
    }
    let Some(at) = mine else { return Ok(None) };
    clear(words, at);
    words::member(words.words(), at).process.store(u64::from(std::process::id()), Release);
    Ok(Some((at, others == 0)))
}

/// Empties words of another version, and forgets all times of the machine's earlier start.
fn begin_anew(words: &[AtomicU64]) {
    if words[FORMAT].load(Acquire) != VERSION {
        words.iter().for_each(|word| word.store(0, Release));
        words[FORMAT].store(VERSION, Release);
    }
    let boot = boot_number();
    if words[BOOT].load(Acquire) != boot {
        words[BOOT + 1..words::QUOTAS_AT].iter().for_each(|word| word.store(0, Release));
        quota::after_restart(words);
        words[BOOT].store(boot, Release);
    }
}

fn clear(words: &SharedWords, at: usize) {
    words::member_slice(words.words(), at).iter().for_each(|word| word.store(0, Release));
}

fn lock_of(member: usize) -> u32 {
    1 + member as u32
}
