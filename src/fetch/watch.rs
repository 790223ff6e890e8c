//! Time limits of one request, with a single timer.
//!
//! Arming a timer costs about as much as parsing an answer's head, so a request arms one, once. Progress is
//! only noted; when the timer fires early, because pieces came in the meantime, it is set to what is then left.
//!
//! A timer that fires late says that this process was busy (with a page that takes seconds to parse) or stopped: the
//! silence was its own. Then the server gets as much time again, so that one record's answer is not another's timeout;
//! at the most twice its time altogether.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::record::{Failure, Kind};

/// How late a timer is if its process was busy with something else: later than on a busy machine.
const UNSEEN: Duration = Duration::from_millis(500);

/// Watches the steps of one request.
pub(super) struct Watch<'a> {
    timer: Pin<&'a mut Sleep>,
    /// Longest time between two steps.
    idle: Duration,
    /// The limit that `end` comes from, for the message.
    total: Duration,
    /// When the last step ended.
    progress: Instant,
    end: Instant,
    /// The end at the latest, whatever this process was busy with.
    last: Instant,
}

impl<'a> Watch<'a> {
    /// Begins now. `left` is what remains of `total`; `timer` is any pinned sleep, it is set here.
    pub(super) fn new(
        timer: Pin<&'a mut Sleep>,
        idle: Duration,
        total: Duration,
        left: Duration,
    ) -> Watch<'a> {
        let progress = Instant::now();
        let end = progress + left;
        let mut watch = Watch { timer, idle, total, progress, end, last: end + left };
        let due = watch.due();
        watch.timer.as_mut().reset(due);
        watch
    }

    /// Waits for a step, at most as long as the limits allow.
    pub(super) async fn step<F: Future>(&mut self, step: F) -> Result<F::Output, Failure> {
        let mut step = pin!(step);
        let output = poll_fn(|context| match step.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_late(context).map(Err),
        })
        .await?;
        self.progress = Instant::now();
        Ok(output)
    }

    /// What is left of the whole time.
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Goes on after a time that was another's matter for so long.
    pub(super) fn resume(&mut self, another: Duration) {
        self.progress = Instant::now();
        self.end += another;
        self.last += another;
    }

    fn due(&self) -> Instant {
        self.end.min(self.progress + self.idle)
    }

    fn poll_late(&mut self, context: &mut Context) -> Poll<Failure> {
        while self.timer.as_mut().poll(context).is_ready() {
            match Instant::now().checked_duration_since(self.due()) {
                Some(late) if late >= UNSEEN && self.end < self.last => self.look_again(late),
                Some(_) => return Poll::Ready(self.too_late()),
                None => {}
            }
            let due = self.due();
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Goes on after a time that nobody looked in: what came meanwhile has yet to be seen.
    fn look_again(&mut self, late: Duration) {
        self.progress = Instant::now();
        self.end = self.end.max(self.progress + late.min(self.idle)).min(self.last);
    }

    fn too_late(&self) -> Failure {
        let why = if Instant::now() >= self.end {
            format!("the answer was not whole within {:?}", self.total)
        } else {
            format!("nothing came for {:?}", self.idle)
        };
        Failure::passing(Kind::Timeout, why)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_millis(250);

    /// A number of steps, each of this length; how it ended and after how long.
    async fn steps(each: Duration, number: u32, total: Duration) -> (Result<(), String>, Duration) {
        let begun = Instant::now();
        let timer = pin!(sleep(Duration::ZERO));
        let mut watch = Watch::new(timer, IDLE, total, total);
        for _ in 0..number {
            if let Err(failure) = watch.step(sleep(each)).await {
                assert_eq!((failure.kind, failure.worth_repeating), (Kind::Timeout, true));
                return (Err(failure.detail), begun.elapsed());
            }
        }
        (Ok(()), begun.elapsed())
    }

    const SHORT: Duration = Duration::from_millis(10);
    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn steps_within_the_limits_pass() {
        let (result, took) = steps(SHORT, 30, LONG).await;
        assert_eq!(result, Ok(()));
        assert!(took > IDLE, "{took:?}");
    }

    #[tokio::test]
    async fn a_step_may_not_take_longer_than_the_idle_limit() {
        let (result, took) = steps(LONG, 1, LONG).await;
        assert_eq!(result, Err("nothing came for 250ms".to_owned()));
        assert!(took >= IDLE && took < LONG / 2, "{took:?}");
    }

    #[tokio::test]
    async fn steady_dribbling_ends_at_the_total_limit() {
        let total = Duration::from_millis(300);
        let (result, took) = steps(SHORT, 1000, total).await;
        assert_eq!(result, Err("the answer was not whole within 300ms".to_owned()));
        assert!(took >= total && took < LONG / 2, "{took:?}");
    }

    /// A step that is done just after the thread was busy for longer than a limit allows, or not at all.
    async fn behind_a_busy_thread(total: Duration, is_done: bool) -> (Result<(), String>, Duration) {
        let begun = Instant::now();
        let (done, step) = tokio::sync::oneshot::channel();
        let busy = async {
            sleep(SHORT).await;
            std::thread::sleep(IDLE + 2 * UNSEEN);
            sleep(SHORT).await;
            if is_done { done.send(()).unwrap() } else { std::mem::forget(done) }
        };
        let timer = pin!(sleep(Duration::ZERO));
        let mut watch = Watch::new(timer, IDLE, total, total);
        let (ended, ()) = tokio::join!(watch.step(step), busy);
        (ended.map(drop).map_err(|failure| failure.detail), begun.elapsed())
    }

    #[tokio::test]
    async fn a_time_that_nobody_looked_in_is_not_the_servers() {
        for total in [LONG, 8 * IDLE] {
            assert_eq!(behind_a_busy_thread(total, true).await.0, Ok(()), "{total:?}");
            let (result, took) = behind_a_busy_thread(total, false).await;
            assert!(result.is_err() && took < LONG / 2, "{result:?} {took:?}");
        }
    }
}
