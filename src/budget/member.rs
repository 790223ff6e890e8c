//! This process as a member of one budget: what it may do now, and what it has seen.
//!
//! Everything is a question to the words that all members share; `now` is the machine's monotonic clock in nanoseconds,
//! passed in, so that the whole can be run by a clock of its own (see `simulation`).

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use super::page::Page;
use super::quota::Span;
use super::rate::Pace;
use super::share;
use super::terms::Terms;
use super::window::{Seen, Window};
use super::words::{
    self, BASE, COST, DOUBLING, DOWN_SINCE, EPOCH, EPOCH_FAST, EPOCH_REFUSALS, EPOCH_REQUESTS, FAILING,
    IS_SURE, LAST_ANSWER, LEFT, LEFT_GUESSED, LEFT_MOST, LEFT_UNTIL, LOSSES, MEMBERS, NEXT, NEXT_PROBE,
    PAUSED_UNTIL, ROUND_ANSWERS, ROUND_REFUSALS, ROUND_TIME, SILENCES, WINDOW,
};
use super::{BudgetError, Down, UsedUp};

/// Attempts in a row without an answer, of all members, after which nobody is there.
const SILENT: u64 = 16;

/// The same of those that may be ones that are never answered.
const LOST: u64 = 256;

/// The first and the longest pause between two looks at a host that is down, in nanoseconds.
const PROBES: [u64; 2] = [1_000_000_000, 15_000_000_000];

/// How often it is looked which members still live, in nanoseconds.
const ROLL_CALL: u64 = 100_000_000;

/// How long a place goes to one member where there are fewer places than members, in nanoseconds.
const TURN: u64 = 250_000_000;

/// How long is gone by what a server said before, until it says something new, in nanoseconds.
const GUESSED: u64 = 1_000_000_000;

/// How often an answer is noted as the last one, in nanoseconds.
const NOTED_EVERY: u64 = 100_000_000;

/// A moment at which a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When, in nanoseconds of the monotonic clock.
    pub at: u64,
    /// Whether other members see that it is taken.
    is_shown: bool,
}

/// A member of a budget. Its place is free as soon as it is dropped, or its process ends, however it ends.
#[derive(Debug)]
pub struct Member {
    page: Page,
    terms: Terms,
    /// The pace that holds now: the slowest that any member was told.
    pace: Cell<Option<Pace>>,
    share: Cell<u64>,
    in_flight: Cell<u64>,
    waiting: Cell<u64>,
    seen: Cell<Seen>,
    /// The members when this process looked last.
    members: RefCell<Vec<usize>>,
    next_roll_call: Cell<u64>,
    span: Cell<Span>,
    /// What others were told, where it differs: nanoseconds per unit.
    differs: Cell<Option<u64>>,
}

impl Member {
    /// Joins the budget that lies in a file. `most` is how many requests this process could have in flight.
    ///
    /// # Errors
    /// The file cannot be used, or has no place for a further process.
    pub fn join(path: &Path, terms: Terms, most: u64, now: u64) -> Result<Member, BudgetError> {
        Ok(Member::of(Page::join(path)?, terms, most, now))
    }

    /// The only member of a budget that nobody else knows.
    pub fn alone(terms: Terms, most: u64, now: u64) -> Member {
        Member::of(Page::alone(), terms, most, now)
    }

    fn of(page: Page, terms: Terms, most: u64, now: u64) -> Member {
        let mine = words::member(page.words(), page.me);
        mine.most.store(most, Release);
        mine.interval.store(terms.pace.map_or(0, |pace| pace.interval), Release);
        mine.cap.store(terms.in_flight.unwrap_or(0), Release);
        let member = Member {
            pace: Cell::new(terms.pace),
            terms,
            share: Cell::new(0),
            in_flight: Cell::default(),
            waiting: Cell::default(),
            seen: Cell::default(),
            members: RefCell::default(),
            next_roll_call: Cell::new(0),
            span: Cell::new(Span { start: 0, end: 0 }),
            differs: Cell::new(None),
            page,
        };
        if member.page.was_alone {
            member.forget();
        }
        member.look(now);
        member
    }

    /// Forgets what is found out again at once: a server may have become another while nobody asked it.
    fn forget(&self) {
        for word in [DOWN_SINCE, SILENCES, LOSSES, NEXT_PROBE, LAST_ANSWER] {
            self.words()[word].store(0, Release);
        }
        self.store_window(&Window::new());
    }

    fn words(&self) -> &[std::sync::atomic::AtomicU64] {
        self.page.words()
    }

    fn word(&self, word: usize) -> u64 {
        self.words()[word].load(Acquire)
    }

    // ---- requests in flight

    /// Takes a place in flight, if this process has one left.
    pub fn enter(&self) -> bool {
        let has_room = self.in_flight.get() < self.share.get();
        if has_room {
            self.count_in_flight(self.in_flight.get() + 1);
        } else {
            self.seen.set(Seen { is_full: true, ..self.seen.get() });
        }
        has_room
    }

    /// Gives a place back.
    pub fn leave(&self) {
        self.count_in_flight(self.in_flight.get() - 1);
    }

    fn count_in_flight(&self, requests: u64) {
        self.in_flight.set(requests);
        words::member(self.words(), self.page.me).in_flight.store(requests, Release);
    }

    /// Requests of this process that are in flight.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.get()
    }

    /// Somebody begins to wait for a place, or (`false`) ends to.
    pub fn waits(&self, begins: bool) {
        let waiting = self.waiting.get();
        self.waiting.set(if begins { waiting + 1 } else { waiting - 1 });
    }

    /// Looks at what the others do, and takes or gives back places accordingly. To be done every few hundredths of a
    /// second, and whenever a place is wanted. Does nothing while somebody else is looking.
    pub fn look(&self, now: u64) {
        let Some(_books) = self.page.books() else { return };
        if now >= self.next_roll_call.get() {
            self.page.bury();
            self.next_roll_call.set(now + ROLL_CALL);
        }
        words::member(self.words(), self.page.me)
            .want
            .store(self.in_flight.get() + self.waiting.get(), Release);
        let members: Vec<usize> =
            (0..MEMBERS).filter(|at| words::member(self.words(), *at).process.load(Acquire) != 0).collect();
        self.agree(&members);
        match self.cap(&members, now) {
            Some(cap) => self.share_out(&members, cap, now),
            None => self.share.set(u64::MAX),
        }
        self.members.replace(members);
    }

    /// The pace that holds for all: the slowest.
    fn agree(&self, members: &[usize]) {
        let intervals = || {
            members
                .iter()
                .map(|at| words::member(self.words(), *at).interval.load(Acquire))
                .filter(|it| *it > 0)
        };
        let Some(mine) = self.terms.pace else { return };
        let slowest = intervals().max().unwrap_or(mine.interval);
        if self.pace.get().is_none_or(|pace| pace.interval != slowest) {
            self.pace.set(self.terms.pace_of(slowest));
        }
        self.differs.set(intervals().find(|interval| *interval != mine.interval));
    }

    /// Requests that all members together may have in flight; none where nothing bounds them.
    fn cap(&self, members: &[usize], now: u64) -> Option<u64> {
        let caps = members.iter().map(|at| words::member(self.words(), *at).cap.load(Acquire));
        let declared = caps.filter(|cap| *cap > 0).min();
        let cap = match declared {
            Some(cap) => cap,
            None if self.terms.adapts => self.adapted(members, now),
            None => return None,
        };
        Some(cap)
    }

    /// The adaptive window, with what this process has seen since it looked last.
    fn adapted(&self, members: &[usize], now: u64) -> u64 {
        let most: u64 = members.iter().map(|at| words::member(self.words(), *at).most.load(Acquire)).sum();
        let window = self.window().after(&self.seen.take(), most as f64, now);
        self.store_window(&window);
        // A server that fails nearly everything gets its requests one by one, with a pause between them.
        self.pace.set((window.size < 1.0).then(Pace::of_a_failing_server));
        (window.size.min(most as f64) as u64).max(1)
    }

    /// Takes what is this process's part, as far as others have let go of it.
    fn share_out(&self, members: &[usize], cap: u64, now: u64) {
        let of = |at: &usize| words::member(self.words(), *at);
        let wants: Vec<u64> = members.iter().map(|at| of(at).want.load(Acquire)).collect();
        let Some(me) = members.iter().position(|at| *at == self.page.me) else { return };
        let target = share::fair(&wants, me, cap, now / TURN);
        let taken: u64 = members.iter().map(|at| of(at).share.load(Acquire)).sum();
        let mine = of(&self.page.me).share.load(Acquire);
        // What is in flight beyond it is this process's until it is answered; nothing new takes its place.
        let (share, held) = match target < mine {
            true => (target, target.max(self.in_flight.get()).min(mine)),
            false => [target.min(mine + cap.saturating_sub(taken)); 2].into(),
        };
        of(&self.page.me).share.store(held, Release);
        self.share.set(share);
    }

    fn window(&self) -> Window {
        Window {
            size: words::load(&self.words()[WINDOW]),
            doubling: self.word(DOUBLING) == 1,
            answers: self.word(ROUND_ANSWERS),
            time: self.word(ROUND_TIME),
            refusals: self.word(ROUND_REFUSALS),
            failing: words::load(&self.words()[FAILING]),
            base: self.word(BASE),
            epoch: self.word(EPOCH),
            epoch_requests: self.word(EPOCH_REQUESTS),
            epoch_refusals: self.word(EPOCH_REFUSALS),
            epoch_fast: self.word(EPOCH_FAST) == 1,
            is_sure: self.word(IS_SURE) == 1,
        }
    }

    fn store_window(&self, window: &Window) {
        words::store(&self.words()[WINDOW], window.size);
        words::store(&self.words()[FAILING], window.failing);
        let figures = [
            (DOUBLING, u64::from(window.doubling)),
            (ROUND_ANSWERS, window.answers),
            (ROUND_TIME, window.time),
            (ROUND_REFUSALS, window.refusals),
            (BASE, window.base),
            (EPOCH, window.epoch),
            (EPOCH_REQUESTS, window.epoch_requests),
            (EPOCH_REFUSALS, window.epoch_refusals),
            (EPOCH_FAST, u64::from(window.epoch_fast)),
            (IS_SURE, u64::from(window.is_sure)),
        ];
        figures.into_iter().for_each(|(word, figure)| self.words()[word].store(figure, Release));
    }

    // ---- the pace

    /// Takes the next moment at which a request of so many units may leave; `None` where there is no pace to keep.
    ///
    /// A member that used its last moment before another did changes with that one, if its moment is nearer: so one that
    /// asks for the next moment only when the last request is answered is not behind those that always ask at once.
    pub fn reserve(&self, now: u64, units: u64) -> Option<Moment> {
        let at = self.pace.get()?.reserve(&self.words()[NEXT], now, units);
        let mine = words::member(self.words(), self.page.me);
        // Of several that wait in this process the first stands for all.
        if at <= now || mine.moment.load(Acquire) != 0 {
            return Some(Moment { at, is_shown: false });
        }
        let at = self.nearest(at, now, mine.served.load(Acquire));
        mine.moment.store(at, Release);
        Some(Moment { at, is_shown: true })
    }

    /// The nearest moment of a member that was served later, for which it gets this one; or else this one.
    fn nearest(&self, at: u64, now: u64, served: u64) -> u64 {
        let others = self.members.borrow();
        let others = others.iter().filter(|other| **other != self.page.me);
        let nearer = others.map(|other| words::member(self.words(), *other)).filter_map(|other| {
            let moment = other.moment.load(Acquire);
            let is_nearer = (now..at).contains(&moment) && other.served.load(Acquire) > served;
            is_nearer.then_some((moment, other.moment))
        });
        let Some((moment, word)) = nearer.min_by_key(|(moment, _)| *moment) else { return at };
        // If it was used meanwhile, it is gone.
        word.compare_exchange(moment, at, AcqRel, Acquire).unwrap_or(at).min(at)
    }

    /// Uses a moment that has come.
    ///
    /// # Errors
    /// Another member has changed it for a later one, which is to be waited for.
    pub fn confirm(&self, moment: Moment, now: u64) -> Result<(), Moment> {
        let mine = words::member(self.words(), self.page.me);
        if moment.is_shown
            && let Err(later) = mine.moment.compare_exchange(moment.at, 0, AcqRel, Acquire)
        {
            return Err(Moment { at: later, ..moment });
        }
        mine.served.store(now, Release);
        Ok(())
    }

    /// Lets go of a moment that is not used.
    pub fn forgo(&self, moment: Moment) {
        if moment.is_shown {
            words::member(self.words(), self.page.me).moment.store(0, Release);
        }
    }

    /// What a request costs as far as is known: the average of what answers said; `None` while none has.
    pub fn expected_cost(&self) -> Option<u64> {
        let mean = words::load(&self.words()[COST]);
        (mean > 0.0).then_some((mean.ceil() as u64).max(1))
    }

    /// An answer said what its request cost, of which so much was taken before it was sent.
    pub fn settle(&self, taken: u64, cost: u64) {
        let learn = |bits: u64| {
            let mean = f64::from_bits(bits);
            let next = if mean > 0.0 { mean + (cost as f64 - mean) / 16.0 } else { cost.max(1) as f64 };
            Some(next.to_bits())
        };
        // The function always gives a value.
        let _ = self.words()[COST].fetch_update(AcqRel, Acquire, learn);
        let more = i64::try_from(i128::from(cost) - i128::from(taken)).unwrap_or(i64::MAX);
        if let Some(pace) = self.pace.get() {
            pace.correct(&self.words()[NEXT], more);
        }
        if let Some((quota, words)) = self.quota() {
            quota.correct(&words, more);
        }
    }

    /// What another member was told, where it differs from what this one was: both in units per second, theirs first.
    pub fn rival(&self) -> Option<[f64; 2]> {
        let rate = |interval: u64| 1e9 / interval as f64;
        Some([rate(self.differs.get()?), rate(self.terms.pace?.interval)])
    }

    // ---- quotas

    fn quota(&self) -> Option<(&super::quota::Quota, words::QuotaWords<'_>)> {
        let quota = self.terms.quota.as_ref()?;
        Some((quota, words::quota(self.words(), quota.place(self.words())?)))
    }

    /// Takes so many units of the quota; `second` is the wall clock, in seconds since 1970.
    ///
    /// # Errors
    /// They are not there any more before the quota renews.
    pub fn spend(&self, units: u64, second: u64) -> Result<(), UsedUp> {
        let Some((quota, words)) = self.quota() else { return Ok(()) };
        let mut span = self.span.get();
        if !(span.start..span.end).contains(&second) {
            span = quota.span(second);
            self.span.set(span);
        }
        if !quota.is_current(&words, &span) {
            let Some(_books) = self.page.books() else { return Err(UsedUp { renews_at: second + 1 }) };
            quota.renew(&words, second);
        }
        if !quota.take(&words, units) {
            return Err(UsedUp { renews_at: span.end });
        }
        if quota.is_to_be_noted(&words)
            && let Some(_books) = self.page.books()
        {
            quota.note(&words);
            self.page.sync();
        }
        Ok(())
    }

    /// Gives units back that were taken and not used.
    pub fn give_back(&self, units: u64) {
        if let Some((quota, words)) = self.quota() {
            quota.correct(&words, -i64::try_from(units).unwrap_or(0));
        }
    }

    /// What is left of the quota, and of how much; `second` as for [`spend`](Member::spend).
    pub fn left_of_quota(&self, second: u64) -> Option<[u64; 2]> {
        let (quota, words) = self.quota()?;
        let used = if quota.is_current(&words, &quota.span(second)) { words.used.load(Acquire) } else { 0 };
        Some([quota.amount.saturating_sub(used), quota.amount])
    }

    // ---- what the server says

    /// Nobody sends anything until then.
    pub fn pause(&self, until: u64) {
        self.words()[PAUSED_UNTIL].fetch_max(until, AcqRel);
    }

    /// Until when nobody may send anything; in the past where everybody may.
    pub fn paused_until(&self) -> u64 {
        self.word(PAUSED_UNTIL)
    }

    /// The server takes so many more requests until then, those among them that are in flight now.
    pub fn takes(&self, requests: u64, until: u64) {
        let in_flight = |at: &usize| words::member(self.words(), *at).in_flight.load(Acquire);
        let under_way: u64 = self.members.borrow().iter().map(in_flight).sum();
        self.words()[LEFT_MOST].fetch_max(requests, AcqRel);
        self.words()[LEFT].store(requests.saturating_sub(under_way), Release);
        self.words()[LEFT_GUESSED].store(0, Release);
        self.words()[LEFT_UNTIL].store(until, Release);
    }

    /// Takes one of the requests that the server said it still takes; where there is none left, until when.
    ///
    /// When that time is over it is taken to allow as much again as it ever said; its next answer tells.
    pub fn take_left(&self, now: u64) -> Result<(), u64> {
        let until = self.word(LEFT_UNTIL);
        if until == 0 {
            return Ok(());
        }
        if until <= now {
            let is_guess = self.word(LEFT_GUESSED) == 1;
            let guess = if is_guess { 0 } else { now + GUESSED };
            self.words()[LEFT].store(self.word(LEFT_MOST).max(1), Release);
            self.words()[LEFT_GUESSED].store(1, Release);
            // Somebody else may have done the same.
            let _ = self.words()[LEFT_UNTIL].compare_exchange(until, guess, AcqRel, Acquire);
        }
        let one_less = self.words()[LEFT].fetch_update(AcqRel, Acquire, |left| left.checked_sub(1));
        one_less.map(drop).map_err(|_| self.word(LEFT_UNTIL))
    }

    /// A request was answered after so many nanoseconds.
    pub fn answered(&self, now: u64, took: u64) {
        let seen = self.seen.get();
        self.seen.set(Seen { answers: seen.answers + 1, time: seen.time.saturating_add(took), ..seen });
        if now.saturating_sub(self.word(LAST_ANSWER)) > NOTED_EVERY {
            self.words()[LAST_ANSWER].store(now, Release);
        }
        self.is_there();
    }

    /// A request was one too many, or the server had no time for it: somebody is there.
    pub fn refused(&self) {
        self.count_refusal();
        self.is_there();
    }

    fn is_there(&self) {
        for word in [SILENCES, LOSSES, DOWN_SINCE] {
            if self.word(word) != 0 {
                self.words()[word].store(0, Release);
            }
        }
    }

    fn count_refusal(&self) {
        let seen = self.seen.get();
        self.seen.set(Seen { refusals: seen.refusals + 1, ..seen });
    }

    /// There was no connection, or nobody answered. After so many in a row, of all members, nobody is there.
    pub fn silent(&self, now: u64) {
        self.count_silence(SILENCES, SILENT, now);
    }

    /// A request was sent that long ago, and nobody answered. That tells less where it had been lost `before`, or where
    /// another was answered since it was sent: it may be one that is never answered.
    pub fn lost(&self, now: u64, took: u64, before: bool) {
        let since = self.word(LAST_ANSWER);
        let answers_since = since != 0 && now.saturating_sub(took) < since + NOTED_EVERY;
        match before || answers_since {
            true => self.count_silence(LOSSES, LOST, now),
            false => self.count_silence(SILENCES, SILENT, now),
        }
    }

    fn count_silence(&self, word: usize, most: u64, now: u64) {
        self.count_refusal();
        let silences = self.words()[word].fetch_add(1, AcqRel) + 1;
        if silences >= most
            && self.words()[DOWN_SINCE].compare_exchange(0, now.max(1), AcqRel, Acquire).is_ok()
        {
            self.words()[NEXT_PROBE].store(now + PROBES[0], Release);
        }
    }

    /// Whether nobody is there to answer. One who asks when it is time to look again is told to look; the others wait.
    pub fn down(&self, now: u64) -> Option<Down> {
        let since = self.word(DOWN_SINCE);
        if since == 0 {
            return None;
        }
        let next = self.word(NEXT_PROBE);
        let pause = (now.saturating_sub(since) / 2).clamp(PROBES[0], PROBES[1]);
        let is_probe = now >= next
            && self.words()[NEXT_PROBE].compare_exchange(next, now + pause, AcqRel, Acquire).is_ok();
        Some(Down { since, is_probe, has_answered: self.word(LAST_ANSWER) != 0 })
    }

    /// Requests that this process may have in flight now.
    pub fn share(&self) -> u64 {
        self.share.get()
    }

    /// Whether this process uses it just now.
    pub fn is_busy(&self) -> bool {
        self.in_flight.get() + self.waiting.get() > 0
    }
}
