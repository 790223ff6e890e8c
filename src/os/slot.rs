//! Words of memory that a child and its parent share: what the child works on, which the parent can read after its death,
//! and how many requests it may have in flight, which changes while others end.
//!
//! The supervisor makes a slot in anonymous memory and gives it to the child as standard input. The child
//! stores there which pair it works on, and 0 when it is done: an ordinary store, no system call. Whatever
//! ends the child, the word stays for the supervisor to read.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapMut;
use nix::sys::memfd::{MFdFlags, memfd_create};

/// Words of a slot: the word, the count of stores, and the requests in flight.
const WORDS: usize = 3;

/// Bytes of a slot.
const SIZE: u64 = 8 * WORDS as u64;

/// Either end.
#[derive(Debug, Clone)]
pub struct Slot {
    words: Words,
}

#[derive(Debug, Clone)]
enum Words {
    Shared(Arc<MmapMut>),
    Own(Arc<[AtomicU64; WORDS]>),
}

/// A new slot: the file to hand to the child as its standard input, and the parent's end.
pub fn shared_slot() -> io::Result<(File, Slot)> {
    let file = File::from(memfd_create("windrow-slot", MFdFlags::MFD_CLOEXEC)?);
    file.set_len(SIZE)?;
    let slot = Slot::map(&file)?;
    Ok((file, slot))
}

impl Slot {
    /// A slot that nobody else reads: a shard that a person runs by hand.
    pub fn own() -> Slot {
        Slot { words: Words::Own(Arc::default()) }
    }

    /// The slot that the supervisor gave as standard input.
    pub fn inherited() -> io::Result<Slot> {
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if file.metadata()?.len() != SIZE {
            return Err(io::Error::other("standard input is not a slot"));
        }
        Slot::map(&file)
    }

    /// `file` has SIZE bytes.
    fn map(file: &File) -> io::Result<Slot> {
        // SAFETY: the file is anonymous memory that only a supervisor and its child hold; it has SIZE bytes, as it was
        // made or has just been seen to, and nobody ever resizes it, so no access can fault.
        let map = unsafe { MmapMut::map_mut(file)? };
        Ok(Slot { words: Words::Shared(Arc::new(map)) })
    }

    /// The parent says how many requests the child may have in flight from now on.
    pub fn allow(&self, in_flight: usize) {
        self.words()[2].store(in_flight as u64, Ordering::Release);
    }

    /// How many requests this process may have in flight, where its parent has said so.
    pub fn allowed(&self) -> Option<usize> {
        usize::try_from(self.words()[2].load(Ordering::Acquire)).ok().filter(|allowed| *allowed > 0)
    }

    /// Says that work on `what` begins: through a [`Watchdog`](super::Watchdog) alone.
    pub(super) fn begin(&self, what: u64) {
        let [word, count, _] = self.words();
        count.fetch_add(1, Ordering::Relaxed);
        word.store(what + 1, Ordering::Release);
    }

    /// Says that the work is done.
    pub(super) fn end(&self) {
        self.words()[0].store(0, Ordering::Release);
    }

    /// Whether a supervisor reads it.
    pub fn is_supervised(&self) -> bool {
        matches!(self.words, Words::Shared(_))
    }

    /// What is being worked on, with a number that differs for each piece of work.
    pub fn now(&self) -> Option<(u64, u64)> {
        let [word, count, _] = self.words();
        match word.load(Ordering::Acquire) {
            0 => None,
            word => Some((word - 1, count.load(Ordering::Relaxed))),
        }
    }

    fn words(&self) -> [&AtomicU64; WORDS] {
        match &self.words {
            Words::Own(words) => words.each_ref(),
            Words::Shared(map) => {
                // SAFETY: a mapping starts on a page's boundary and has SIZE bytes, so all words are aligned and inside;
                // every bit pattern is a valid u64; all access to the memory, in this process and the other, is atomic.
                // The borrow of `self` keeps the mapping alive.
                let words = map.as_ptr().cast::<AtomicU64>();
                unsafe { [&*words, &*words.add(1), &*words.add(2)] }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_says_what_is_being_worked_on() {
        let slot = Slot::own();
        assert_eq!(slot.now(), None);
        slot.begin(0);
        assert_eq!(slot.now(), Some((0, 1)));
        slot.end();
        slot.begin(7);
        assert_eq!(slot.now(), Some((7, 2)));
    }

    #[test]
    fn a_new_slot_is_idle() {
        let (_file, slot) = shared_slot().unwrap();
        assert_eq!((slot.now(), slot.allowed()), (None, None));
    }

    #[test]
    fn one_end_says_what_the_other_reads() {
        let (file, parent) = shared_slot().unwrap();
        let child = Slot::map(&file).unwrap();
        child.begin(7);
        parent.allow(64);
        assert_eq!((parent.now(), child.allowed()), (Some((7, 1)), Some(64)));
    }
}
