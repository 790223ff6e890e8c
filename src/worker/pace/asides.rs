//! What questions wait for that is not their turn: counted, to be told where most wait for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::fetch::Aside;
use crate::handoff::Hold;
use crate::record::Kind;

/// How many wait for what.
#[derive(Debug, Default)]
pub(super) struct Asides {
    tokens: Cell<u32>,
    /// Which token was waited for last.
    token: RefCell<String>,
    back_offs: Cell<u32>,
    /// How the last of them failed.
    failure: Cell<Option<Kind>>,
}

/// One that waits, until this is dropped.
pub(in crate::worker) struct Waiting {
    asides: Rc<Asides>,
    is_token: bool,
}

impl Asides {
    /// One more waits for this.
    pub(super) fn begin(self: &Rc<Asides>, what: Aside<'_>) -> Waiting {
        let is_token = match what {
            Aside::Token(name) => {
                if *self.token.borrow() != name {
                    self.token.replace(name.to_owned());
                }
                true
            }
            Aside::BackOff(kind) => {
                self.failure.set(Some(kind));
                false
            }
        };
        let waiting = Waiting { asides: self.clone(), is_token };
        waiting.change(|count| count + 1);
        waiting
    }

    /// What more wait for than are in flight, and how many.
    pub(super) fn hold(&self, in_flight: u32) -> Option<(u32, Hold)> {
        let (tokens, back_offs) = (self.tokens.get(), self.back_offs.get());
        // Who asks for the token is in flight.
        match tokens.max(back_offs) {
            count if count <= in_flight => None,
            _ if tokens >= back_offs => Some((tokens, Hold::Token { name: self.token.borrow().clone() })),
            _ => self.failure.get().map(|kind| (back_offs, Hold::BackOff { kind })),
        }
    }
}

impl Waiting {
    fn change(&self, how: impl Fn(u32) -> u32) {
        let count = if self.is_token { &self.asides.tokens } else { &self.asides.back_offs };
        count.set(how(count.get()));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.change(|count| count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_wait_for_is_told_where_they_are_more_than_are_in_flight() {
        let asides = Rc::new(Asides::default());
        assert_eq!(asides.hold(0), None);
        let tokens: Vec<Waiting> = (0..3).map(|_| asides.begin(Aside::Token("shop"))).collect();
        let back_offs: Vec<Waiting> = (0..2).map(|_| asides.begin(Aside::BackOff(Kind::Reset))).collect();
        assert_eq!(asides.hold(2), Some((3, Hold::Token { name: "shop".to_owned() })));
        assert_eq!(asides.hold(3), None);
        drop(tokens);
        assert_eq!(asides.hold(1), Some((2, Hold::BackOff { kind: Kind::Reset })));
        drop(back_offs);
        assert_eq!(asides.hold(0), None);
    }
}
