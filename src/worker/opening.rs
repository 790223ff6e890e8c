//! A block is opened: claimed first, left to another process that works on it, passed over if it is done.

use std::rc::Rc;

use super::lease::Claim;
use super::work::Work;
use crate::handoff::{Block, HandoffError};

/// Opens a block that the board has handed out, if it is this process's to open.
pub(super) async fn open(work: &Rc<Work>, block: Block) {
    match work.output.lease.claim(&work.output.run, &block) {
        Ok(Claim::Ours) => return work.open(block).await,
        Ok(Claim::Theirs) => {
            work.board.borrow_mut().left_to_another();
            tokio::task::spawn_local(await_another(work.clone(), block));
        }
        Ok(Claim::Done) => work.board.borrow_mut().closed(),
        Err(error) => {
            work.board.borrow_mut().closed();
            work.fail(error.into());
        }
    }
    work.changed.notify_waiters();
}

/// Waits for what becomes of a block that another process works on.
async fn await_another(work: Rc<Work>, block: Block) {
    let claimed = work.output.lease.claim_patiently(&work.output.run, &block).await;
    settle(&work, block, claimed);
    work.changed.notify_waiters();
}

fn settle(work: &Rc<Work>, block: Block, claimed: Result<Claim, HandoffError>) {
    let free = matches!(claimed, Ok(Claim::Ours));
    work.board.borrow_mut().back_from_another(free.then_some(block));
    if let Err(error) = claimed {
        work.fail(error.into());
    }
}
