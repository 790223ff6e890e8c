//! What the files hold of limits and hosts, to be shown; and their removal.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

use super::BudgetError;
use super::folder::{Kind, file_of_limit, files, shown};
use super::page::{self, Aside};
use super::quota::Quota;
use super::words::{
    self, BOOT, DOWN_SINCE, FORMAT, LEFT, LEFT_UNTIL, PAUSED_UNTIL, QUOTAS, QuotaWords, VERSION, WORDS,
};
use crate::job::{self, Limit};
use crate::os::{SharedWords, boot_number, monotonic_nanos};

/// Renewals of a quota beyond which nobody plans.
const OUT_OF_SIGHT: u64 = 1_000;

/// What is known of a limit or a host.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitState {
    /// As its file is named: a host with its port.
    pub name: String,
    /// Whether it is a host; else a limit that jobs name.
    pub is_host: bool,
    /// Processes that use it now.
    pub processes: usize,
    /// How long nobody sends anything.
    pub paused: Option<Duration>,
    /// How long nobody has answered.
    pub down: Option<Duration>,
    /// How many requests it said that it still takes, and for how long.
    pub left: Option<(u64, Duration)>,
    /// What was used of its quotas.
    pub quotas: Vec<QuotaUsed>,
}

/// What was used of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUsed {
    /// Units used.
    pub used: u64,
    /// Units that there are.
    pub amount: u64,
    /// When there is a new one, in seconds since 1970.
    pub renews_at: u64,
}

impl LimitState {
    /// Whether there is anything to say of it.
    pub fn says_something(&self) -> bool {
        let is_told = self.paused.is_some() || self.down.is_some() || self.left.is_some();
        self.processes > 0 || is_told || !self.quotas.is_empty()
    }
}

/// All limits and hosts of which there is something to say, by name; `second` is the wall clock, in seconds since 1970.
///
/// # Errors
/// The folder cannot be read.
pub fn known(folder: &Path, second: u64) -> Result<Vec<LimitState>, BudgetError> {
    let mut all: Vec<LimitState> =
        files(folder)?.filter_map(|(path, kind)| read(&path, kind, second)).collect();
    all.retain(LimitState::says_something);
    all.sort_by(|one, other| one.name.cmp(&other.name).then(one.is_host.cmp(&other.is_host)));
    Ok(all)
}

/// What one file knows; nothing where it is gone, or not of this version.
fn read(path: &Path, kind: Kind, second: u64) -> Option<LimitState> {
    let shared = SharedWords::open_existing(path, WORDS).ok()??;
    let words = shared.words();
    let word = |at: usize| words[at].load(Acquire);
    if word(FORMAT) != VERSION {
        return None;
    }
    // Times of an earlier start of the machine say nothing.
    let is_of_now = word(BOOT) == boot_number();
    let now = monotonic_nanos();
    let until = |at: usize| word(at).checked_sub(now).filter(|left| is_of_now && *left > 0);
    let quotas = (0..QUOTAS).map(|at| words::quota(words, at)).filter_map(|quota| {
        let used = used_of(&quota, is_of_now);
        let renews_at = quota.until.load(Acquire);
        let is_told = quota.key.load(Acquire) != 0 && renews_at > second;
        is_told.then(|| QuotaUsed { used, amount: quota.amount.load(Acquire), renews_at })
    });
    let down = word(DOWN_SINCE);
    Some(LimitState {
        name: shown_name(path),
        is_host: kind == Kind::Host,
        processes: page::members(&shared).count(),
        paused: until(PAUSED_UNTIL).map(Duration::from_nanos),
        down: (is_of_now && down != 0).then(|| Duration::from_nanos(now.saturating_sub(down))),
        left: until(LEFT_UNTIL).map(|time| (word(LEFT), Duration::from_nanos(time))),
        quotas: quotas.collect(),
    })
}

/// What was used of a quota, as its file says it.
fn used_of(quota: &QuotaWords<'_>, is_of_now: bool) -> u64 {
    // Of what was counted before the machine started anew only the note is left: see `quota`.
    let counted: &[&AtomicU64] =
        if is_of_now { &[quota.used] } else { &[quota.used, quota.noted, quota.to_be_noted] };
    counted.iter().map(|word| word.load(Acquire)).max().unwrap_or_default()
}

/// How much of a limit's quota is used now, without joining those who use it; `None` where it has none or nobody has
/// counted it. `second` is the wall clock, in seconds since 1970.
pub fn quota_now(folder: &Path, limit: &Limit, second: u64) -> Option<QuotaUsed> {
    let quota = Quota::of(limit.quota.as_ref()?);
    let path = file_of_limit(folder, &limit.name).ok()?;
    let shared = SharedWords::open_existing(&path, WORDS).ok()??;
    let words = shared.words();
    if words[FORMAT].load(Acquire) != VERSION {
        return None;
    }
    let place = words::quota(words, quota.known_place(words)?);
    let span = quota.span(second);
    let is_of_now = words[BOOT].load(Acquire) == boot_number();
    let used = if quota.is_current(&place, &span) { used_of(&place, is_of_now) } else { 0 };
    Some(QuotaUsed { used, amount: quota.amount, renews_at: span.end })
}

/// When a quota has renewed so many times, in seconds since 1970; `None` where that is out of sight.
pub fn renewal_after(quota: &job::Quota, second: u64, times: u64) -> Option<u64> {
    let quota = Quota::of(quota);
    (times <= OUT_OF_SIGHT).then(|| (0..times).fold(second, |second, _| quota.span(second).end))
}

/// What a file's name shows: without the kind before it and the digest after it.
fn shown_name(path: &Path) -> String {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name = name.split_once('-').map_or(name, |(_, rest)| rest);
    name.rsplit_once('-').map_or(name, |(shown, _)| shown).to_owned()
}

/// Lifts all pauses of a host, named with its port or without, and forgets what else is known of it: its names with the
/// port, and how many processes ask it now.
///
/// # Errors
/// The folder or a file cannot be used.
pub fn forget_host(folder: &Path, host: &str) -> Result<Vec<(String, usize)>, BudgetError> {
    let wanted = shown(host);
    let mut forgotten = Vec::new();
    for (path, kind) in files(folder)? {
        let name = shown_name(&path);
        let is_meant = name == wanted || name.rsplit_once(':').is_some_and(|(host, _)| host == wanted);
        if kind == Kind::Host && is_meant {
            forgotten.extend(page::forget(&path)?.map(|processes| (name, processes)));
        }
    }
    Ok(forgotten)
}

/// Removes the files of hosts that nobody asks and that said nothing which still holds: what processes leave behind that
/// are killed. How many; limits stay, and with them their quotas. With `is_only_asked` nothing is touched.
///
/// # Errors
/// The folder cannot be read. A file that cannot be removed stays.
pub fn sweep_hosts(folder: &Path, is_only_asked: bool) -> Result<u64, BudgetError> {
    let hosts = files(folder)?.filter(|(_, kind)| *kind == Kind::Host);
    let swept = hosts.filter(|(path, _)| page::sweep(path, Aside::Stays, is_only_asked).unwrap_or(false));
    Ok(swept.count() as u64)
}

/// Removes the file of a host that this process set aside and needs no more, unless others do.
pub fn let_go_of_host(path: &Path) {
    // What stays is swept later.
    let _ = page::sweep(path, Aside::Goes, false);
}
