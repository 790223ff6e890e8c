//! The work loop: a lane takes a pair, asks, extracts, settles, and takes the next.
//!
//! There are more lanes than requests may be in flight, since a lane that waits before a retry, or for a limit, sends
//! nothing.

use std::rc::Rc;

use super::OPEN_BLOCKS;
use super::answering::{ask_pair, settled};
use super::board::Next;
use super::pair::Pair;
use super::together::answer_together;
use super::work::Work;

/// Lanes for `in_flight` requests at a time.
pub(super) fn lanes_for(in_flight: usize) -> usize {
    (in_flight * 2).min(in_flight + 1024)
}

/// Takes pairs until there are none.
pub(super) async fn lane(work: Rc<Work>) {
    loop {
        let changed = work.changed.notified();
        let next = work.board.borrow_mut().next(work.keep.open_blocks(OPEN_BLOCKS));
        match next {
            Next::Ask(pair) => answer(&work, pair).await,
            Next::AskTogether(together) => answer_together(&work, together).await,
            Next::Open(block) => work.open(block).await,
            Next::Wait => changed.await,
            Next::Nothing => return work.changed.notify_waiters(),
        }
    }
}

/// Asks one pair and settles it.
async fn answer(work: &Rc<Work>, pair: Pair) {
    let (request, ordinal) = match work.request(pair) {
        Ok(request) => request,
        Err(Some(settled)) => return work.settle(pair, *settled),
        Err(None) => return,
    };
    let told = ask_pair(work, pair, ordinal, request).await;
    let settled = settled(&work.recipe.steps[pair.endpoint], pair.endpoint, ordinal, told);
    work.settle(pair, settled);
}
