//! The file of one budget, opened: begun anew after a start of the machine, and joined as one of its members.
//!
//! The file of a host goes with its last member, unless there is something in it that the next one must know: else the
//! folder would keep a file for every host that any list ever named. It is removed under the page's lock; who has opened
//! it meanwhile finds under that lock that it has no name any more, and opens it anew.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use super::words::{
    self, BOOT, DOWN_SINCE, FORMAT, LAST_ANSWER, LEFT, LEFT_UNTIL, LOSSES, MEMBERS, PAUSED_UNTIL, SET_ASIDE,
    SILENCES, VERSION, WORDS,
};
use super::{BudgetError, quota};
use crate::os::{ByteLock, SharedWords, boot_number, is_alive, monotonic_nanos};

/// The lock under which members, window and quotas are changed.
const BOOKS: u32 = 0;

/// How long a process that begins waits for the lock: others hold them for microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests that a server still takes which are as good as any number: who knows nothing begins with no more.
const ENOUGH: u64 = 64;

/// How long it is known that a host answered before it went away, in nanoseconds: a day, as a run of many hours may come
/// back to it only at its end.
const REMEMBERED: u64 = 86_400_000_000_000;

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
    /// The file, where it is to go with its last member.
    removable: Option<PathBuf>,
}

impl Page {
    /// A page of this process alone.
    pub(super) fn alone() -> Page {
        let words = SharedWords::own(WORDS);
        words::member(words.words(), 0).process.store(u64::from(std::process::id()), Release);
        Page { words, me: 0, was_alone: true, removable: None }
    }

    /// Joins the members of a budget.
    pub(super) fn join(path: &Path) -> Result<Page, BudgetError> {
        let failed = |source| BudgetError::File { path: path.display().to_string(), source };
        loop {
            let words = SharedWords::open(path, WORDS).map_err(failed)?;
            let entered = {
                let _lock = lock_of_page(&words, path)?;
                if words.is_removed() { None } else { Some(enter(&words).map_err(failed)?) }
            };
            if let Some(place) = entered {
                let full = || BudgetError::Full(path.display().to_string());
                let (me, was_alone) = place.ok_or_else(full)?;
                return Ok(Page { words, me, was_alone, removable: None });
            }
        }
    }

    /// Joins those who ask a host; its file goes with the last of them.
    pub(super) fn join_host(path: &Path) -> Result<Page, BudgetError> {
        let mut page = Page::join(path)?;
        page.removable = Some(path.to_owned());
        Ok(page)
    }

    /// The words.
    pub(super) fn words(&self) -> &[AtomicU64] {
        self.words.words()
    }

    /// The lock on the page, unless somebody else has it just now.
    pub(super) fn lock(&self) -> Option<ByteLock<'_>> {
        // Where there are no locks any more, the next look may find them.
        self.words.try_lock(BOOKS).ok().flatten()
    }

    /// The lock on the page, waited for as long as others hold it who are at work; none where somebody stands still.
    pub(super) fn lock_soon(&self) -> Option<ByteLock<'_>> {
        let begun = Instant::now();
        loop {
            match self.lock() {
                Some(lock) => return Some(lock),
                None if begun.elapsed() > SOON => return None,
                None => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// Strikes members off that ended without a word. Only under the page's lock.
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
        if let Some(path) = &self.removable
            && let Some(_lock) = self.lock_soon()
        {
            let _ = remove_if_idle(&self.words, path, Aside::Stays);
        }
    }
}

/// What becomes of a host that is down, which a process that goes on has let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    /// It is known to be down as long as that process lives.
    Stays,
    /// It is that process itself that needs it no more.
    Goes,
}

/// Removes the file of a host that nobody asks, unless the next one must know what is in it; whether it was removed. Only
/// under the page's lock.
fn remove_if_idle(words: &SharedWords, path: &Path, aside: Aside) -> std::io::Result<bool> {
    if words.is_removed() || is_worth_keeping(words.words(), aside) || members(words).next().is_some() {
        return Ok(false);
    }
    std::fs::remove_file(path)?;
    Ok(true)
}

/// Whether a host said something that still holds, or is known to be down, or went away: who asks it next waits for it
/// longer than for one that nobody ever heard of.
fn is_worth_keeping(words: &[AtomicU64], aside: Aside) -> bool {
    if words[FORMAT].load(Acquire) != VERSION || words[BOOT].load(Acquire) != boot_number() {
        return false;
    }
    let now = monotonic_nanos();
    let is_short = words[LEFT_UNTIL].load(Acquire) > now && words[LEFT].load(Acquire) < ENOUGH;
    let went_away = || {
        let nobody_answers =
            [DOWN_SINCE, SILENCES, LOSSES].iter().any(|word| words[*word].load(Acquire) != 0);
        nobody_answers && has_answered_lately(words, now)
    };
    words[PAUSED_UNTIL].load(Acquire) > now
        || is_short
        || went_away()
        || (aside == Aside::Stays && is_set_aside(words))
}

/// Whether the host answered anybody within the day before.
pub(super) fn has_answered_lately(words: &[AtomicU64], now: u64) -> bool {
    let last = words[LAST_ANSWER].load(Acquire);
    last != 0 && now.saturating_sub(last) < REMEMBERED
}

/// Whether a process that goes on has let go of it while it was down.
pub(super) fn is_set_aside(words: &[AtomicU64]) -> bool {
    i32::try_from(words[SET_ASIDE].load(Acquire)).is_ok_and(is_alive)
}

/// Removes the file of a host that nobody asks, see [`Page`]; whether there was one to remove, and it `is_only_asked`.
///
/// # Errors
/// It cannot be opened, locked or removed.
pub(super) fn sweep(path: &Path, aside: Aside, is_only_asked: bool) -> Result<bool, BudgetError> {
    let failed = |source| BudgetError::File { path: path.display().to_string(), source };
    let Some(words) = SharedWords::open_existing(path, WORDS).map_err(failed)? else { return Ok(false) };
    let _lock = lock_of_page(&words, path)?;
    if is_only_asked {
        return Ok(!is_worth_keeping(words.words(), aside) && members(&words).next().is_none());
    }
    remove_if_idle(&words, path, aside).map_err(failed)
}

/// Lets go of all that is known of a host, and of its file where nobody asks it; how many processes do, if it is known.
///
/// # Errors
/// As [`sweep`].
pub(super) fn forget(path: &Path) -> Result<Option<usize>, BudgetError> {
    let failed = |source| BudgetError::File { path: path.display().to_string(), source };
    let Some(words) = SharedWords::open_existing(path, WORDS).map_err(failed)? else { return Ok(None) };
    let _lock = lock_of_page(&words, path)?;
    words::FORGOTTEN.iter().for_each(|word| words.words()[*word].store(0, Release));
    remove_if_idle(&words, path, Aside::Goes).map_err(failed)?;
    Ok(Some(members(&words).count()))
}

/// The members that live.
pub(super) fn members(words: &SharedWords) -> impl Iterator<Item = usize> {
    let lives = |at: &usize| {
        words::member(words.words(), *at).process.load(Acquire) != 0 && words.is_held_elsewhere(lock_of(*at))
    };
    (0..MEMBERS).filter(lives)
}

/// The page's lock, waited for.
fn lock_of_page<'a>(words: &'a SharedWords, path: &Path) -> Result<ByteLock<'a>, BudgetError> {
    let begun = Instant::now();
    loop {
        match words.try_lock(BOOKS) {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) if begun.elapsed() > PATIENCE => {
                return Err(BudgetError::Busy(path.display().to_string()));
            }
            Ok(None) => std::thread::sleep(Duration::from_micros(500)),
            Err(source) => return Err(BudgetError::File { path: path.display().to_string(), source }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_left_on_a_file_that_another_removes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let page = Page::join_host(&path).unwrap();
                        assert!(!page.words.is_removed(), "others would join another file");
                    }
                });
            }
        });
        assert!(!path.exists(), "the last one takes it along");
    }

    #[test]
    fn that_a_host_answered_before_it_went_away_is_known_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host");
        let is_kept = |has_answered: bool, word: usize| {
            let page = Page::join_host(&path).unwrap();
            let words = page.words();
            [DOWN_SINCE, SILENCES, LOSSES]
                .iter()
                .for_each(|at| words[*at].store(u64::from(*at == word), Release));
            words[LAST_ANSWER].store(if has_answered { monotonic_nanos() } else { 0 }, Release);
            drop(page);
            path.exists()
        };
        assert!([DOWN_SINCE, SILENCES, LOSSES].iter().all(|word| is_kept(true, *word)));
        assert!(!is_kept(true, LAST_ANSWER), "it answers: the next one finds that out at once");
        assert!(!is_kept(false, DOWN_SINCE), "nobody ever heard of it");
        let words = SharedWords::own(WORDS);
        words.words()[LAST_ANSWER].store(1, Release);
        let is_known = |now: u64| has_answered_lately(words.words(), now);
        assert!(is_known(REMEMBERED) && !is_known(REMEMBERED + 1));
    }

    #[test]
    fn a_pause_keeps_its_file_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host");
        let pause_for = |nanos: u64| {
            let page = Page::join_host(&path).unwrap();
            page.words()[PAUSED_UNTIL].store(monotonic_nanos() + nanos, Release);
        };
        pause_for(3_600_000_000_000);
        assert!(path.exists() && !sweep(&path, Aside::Goes, false).unwrap());
        pause_for(0);
        assert!(!path.exists());
        // A process that was killed leaves its file; one that another process uses stays.
        drop(Page::join(&path).unwrap());
        let page = Page::join_host(&path).unwrap();
        assert!(!sweep(&path, Aside::Stays, false).unwrap());
        std::mem::forget(page);
        assert!(path.exists() && !sweep(&path, Aside::Stays, true).unwrap(), "its lock is still held");
    }
}
