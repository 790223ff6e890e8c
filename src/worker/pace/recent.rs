//! A table of what is used now or was used lately: a list of whole URLs may name as many hosts as it has lines.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// Values by key; those that somebody holds, and a bounded number of others.
pub(super) struct Recent<K, V> {
    by_key: HashMap<K, Entry<V>>,
    /// How many there may be as long as not all are held.
    most: usize,
    /// At how many the table is gone through.
    full_at: usize,
    /// Counts how often any of them was looked up.
    looks: u64,
}

struct Entry<V> {
    value: Rc<V>,
    /// The look at which it was last used.
    used: u64,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(super) fn new(most: usize) -> Recent<K, V> {
        Recent { by_key: HashMap::new(), most, full_at: most, looks: 0 }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<Rc<V>>
    where
        K: Borrow<Q>,
    {
        self.looks += 1;
        let entry = self.by_key.get_mut(key)?;
        entry.used = self.looks;
        Some(entry.value.clone())
    }

    /// Puts a value in. Those that nobody holds and that were not used for the longest time are taken out, where there are
    /// too many.
    pub(super) fn put(&mut self, key: K, value: Rc<V>) -> Vec<(K, V)> {
        self.looks += 1;
        self.by_key.insert(key, Entry { value, used: self.looks });
        if self.by_key.len() <= self.full_at {
            return Vec::new();
        }
        let idle = self.by_key.iter().filter(|(_, entry)| Rc::strong_count(&entry.value) == 1);
        let mut idle: Vec<(u64, K)> = idle.map(|(key, entry)| (entry.used, key.clone())).collect();
        idle.sort_unstable_by_key(|(used, _)| *used);
        // A quarter at a time, or each new one would have the table gone through.
        idle.truncate(self.by_key.len().saturating_sub(self.most - self.most / 4));
        let taken = idle.into_iter().filter_map(|(_, key)| {
            let value = Rc::into_inner(self.by_key.remove(&key)?.value)?;
            Some((key, value))
        });
        let taken = taken.collect();
        self.full_at = self.most.max(self.by_key.len() + self.most / 4);
        taken
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Rc<V>> {
        self.by_key.values().map(|entry| &entry.value)
    }

    pub(super) fn clear(&mut self) {
        self.by_key.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_or_was_used_lately_stays_and_the_rest_goes() {
        let mut recent = Recent::new(16);
        let held = Rc::new(0);
        recent.put(0, held.clone());
        for number in 1..10_000 {
            recent.put(number, Rc::new(number)).into_iter().for_each(|(key, value)| {
                assert!(key == value && ![0, 1].contains(&key) && key + 4 < number, "{key} of {number}");
            });
            assert!(recent.by_key.len() <= 16);
            assert_eq!(recent.get(&1).as_deref(), Some(&1), "it is used all the time");
        }
        assert_eq!(recent.get(&0).as_deref(), Some(&0));
        drop(held);
        recent.get(&1);
        (10_000..10_016).for_each(|number| drop(recent.put(number, Rc::new(number))));
        assert!(recent.get(&0).is_none(), "nobody holds it any more");
    }

    #[test]
    fn as_many_as_are_held_are_there() {
        let mut recent = Recent::new(16);
        let held: Vec<Rc<u32>> = (0..100).map(Rc::new).collect();
        held.iter().for_each(|value| assert!(recent.put(**value, value.clone()).is_empty()));
        assert_eq!(recent.by_key.len(), 100);
        drop(held);
        let taken: usize = (100..200).map(|number| recent.put(number, Rc::new(number)).len()).sum();
        assert!(taken >= 100 && recent.by_key.len() <= 104, "{taken}");
        assert!(recent.full_at <= 16 + 104);
    }
}
