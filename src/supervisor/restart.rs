//! What to do about a child that crashed: a decision without I/O.

/// How often a child is started again without a new committed block in between.
pub const RESTARTS: u32 = 5;

/// What is known of a shard's crashes.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Crashes since the last committed block.
    crashes: u32,
    /// What the child worked on when it crashed last.
    last_suspect: Option<u64>,
    /// What is to be left out.
    pub(super) given_up: Vec<u64>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start it again.
    Restart,
    /// Start it again without this.
    Condemn(u64),
    /// Leave it.
    GiveUp,
}

impl History {
    /// A block was committed.
    pub(super) fn progressed(&mut self) {
        self.crashes = 0;
    }

    /// The child crashed while it worked on `suspect`, if on anything.
    ///
    /// One crash proves nothing against a record: the process may have been killed from outside. Two in a row
    /// at the same record do, since a healthy extraction takes microseconds.
    pub(super) fn crashed(&mut self, suspect: Option<u64>) -> Verdict {
        let again = suspect.filter(|_| suspect == self.last_suspect);
        self.last_suspect = suspect;
        if let Some(word) = again {
            self.crashes = 0;
            self.last_suspect = None;
            self.given_up.push(word);
            return Verdict::Condemn(word);
        }
        self.crashes += 1;
        if self.crashes > RESTARTS { Verdict::GiveUp } else { Verdict::Restart }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_given_up_after_so_many_crashes_without_progress() {
        let mut history = History::default();
        for _ in 0..RESTARTS {
            assert_eq!(history.crashed(None), Verdict::Restart);
        }
        assert_eq!(history.crashed(None), Verdict::GiveUp);
    }

    #[test]
    fn progress_gives_a_child_new_chances() {
        let mut history = History::default();
        for _ in 0..100 {
            assert_eq!(history.crashed(None), Verdict::Restart);
            history.progressed();
        }
    }

    #[test]
    fn a_record_is_condemned_when_it_was_under_way_twice_in_a_row() {
        let mut history = History::default();
        assert_eq!(history.crashed(Some(7)), Verdict::Restart);
        assert_eq!(history.crashed(Some(8)), Verdict::Restart);
        assert_eq!(history.crashed(None), Verdict::Restart);
        assert_eq!(history.crashed(Some(8)), Verdict::Restart);
        assert_eq!(history.crashed(Some(8)), Verdict::Condemn(8));
        assert_eq!(history.given_up, [8]);
    }
}
