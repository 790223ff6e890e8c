//! One machine word that a child writes and its parent can read after the child's death: what it was working on.
//!
//! The supervisor makes a slot in anonymous memory and gives it to the child as standard input. The child
//! stores there which pair it works on, and 0 when it is done: an ordinary store, no system call. Whatever
//! ends the child, the word stays for the supervisor to read.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapMut;
use nix::sys::memfd::{MFdFlags, memfd_create};

/// Bytes of a slot: the word, and the count of stores.
const SIZE: u64 = 16;

/// The writer's end.
#[derive(Debug, Clone)]
pub struct Slot {
    words: Words,
}

#[derive(Debug, Clone)]
enum Words {
    Shared(Arc<MmapMut>),
    Own(Arc<[AtomicU64; 2]>),
}

/// The parent's end.
#[derive(Debug)]
pub struct SlotReader {
    file: File,
}

/// A new slot: the file to hand to the child as its standard input, and the end to read it by.
pub fn shared_slot() -> io::Result<(File, SlotReader)> {
    let file = File::from(memfd_create("windrow-slot", MFdFlags::MFD_CLOEXEC)?);
    file.set_len(SIZE)?;
    Ok((file.try_clone()?, SlotReader { file }))
}

impl SlotReader {
    /// What the child was working on; `None` when it was between two pieces of work.
    pub fn read(&self) -> Option<u64> {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, 0).ok()?;
        match u64::from_ne_bytes(word) {
            0 => None,
            word => Some(word - 1),
        }
    }
}

impl Slot {
    /// A slot that nobody else reads: a shard that a person runs by hand.
    pub fn own() -> Slot {
        Slot { words: Words::Own(Arc::new([AtomicU64::new(0), AtomicU64::new(0)])) }
    }

    /// The slot that the supervisor gave as standard input.
    pub fn inherited() -> io::Result<Slot> {
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if file.metadata()?.len() != SIZE {
            return Err(io::Error::other("standard input is not a slot"));
        }
        // SAFETY: the file is anonymous memory that only the supervisor holds besides this process; it has
        // just been seen to be SIZE bytes, and the supervisor never resizes it, so no access can fault.
        let map = unsafe { MmapMut::map_mut(&file)? };
        Ok(Slot { words: Words::Shared(Arc::new(map)) })
    }

    /// Says that work on `what` begins: through a [`Watchdog`](super::Watchdog) alone.
    pub(super) fn begin(&self, what: u64) {
        let [word, count] = self.words();
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
        let [word, count] = self.words();
        match word.load(Ordering::Acquire) {
            0 => None,
            word => Some((word - 1, count.load(Ordering::Relaxed))),
        }
    }

    fn words(&self) -> [&AtomicU64; 2] {
        match &self.words {
            Words::Own(words) => [&words[0], &words[1]],
            Words::Shared(map) => {
                // SAFETY: a mapping starts on a page's boundary and has SIZE = 16 bytes, so both words are
                // aligned and inside; every bit pattern is a valid u64; all access to the memory, here and in
                // the supervisor (a read(2)), is to whole words that only this process writes. The borrow of
                // `self` keeps the mapping alive.
                let words = map.as_ptr().cast::<AtomicU64>();
                unsafe { [&*words, &*words.add(1)] }
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
        let (_file, reader) = shared_slot().unwrap();
        assert_eq!(reader.read(), None);
    }
}
