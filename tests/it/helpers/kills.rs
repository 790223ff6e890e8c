//! `kill -9` of an owner, of helpers, and of all of them, at seeded random moments.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::Duration;

use fastrand::Rng;

use super::site::{Site, writers};
use crate::support::{film_ids, seeded, wait};

const FILMS: usize = 2048;
const BLOCKS: usize = 32;
const KILLS: u64 = 48;
/// Kills within one run; then its owner is left alone.
const KILLS_A_RUN: u64 = 12;
/// What a killed process had open at most: 8 blocks of 64 records, two endpoints each.
const OPEN_PAIRS: u64 = 8 * 64 * 2;

/// A shard worked by an owner and up to two helpers.
struct Attack<'a> {
    site: &'a Site,
    random: &'a mut Rng,
    owner: Option<Child>,
    helpers: Vec<Child>,
    kills: u64,
    /// How often the pairs of committed blocks had been asked when their commit was seen.
    committed: BTreeMap<(&'static str, String), u64>,
}

impl Attack<'_> {
    /// Starts whoever is missing; ended processes ended well.
    fn fill(&mut self) {
        let has_ended = |process: &mut Child| match process.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "{status}");
                true
            }
            None => false,
        };
        self.helpers.retain_mut(|helper| !has_ended(helper));
        if self.owner.as_mut().is_none_or(has_ended) {
            self.owner = Some(self.site.owner());
        }
        while self.helpers.len() < 2 {
            self.helpers.push(self.site.helper());
        }
    }

    /// Kills the owner, a helper, or everybody.
    fn strike(&mut self) {
        let victims: Vec<Child> = match self.random.u8(0..5) {
            0 | 1 => self.owner.take().into_iter().collect(),
            2 | 3 => self.helpers.pop().into_iter().collect(),
            _ => self.owner.take().into_iter().chain(self.helpers.drain(..)).collect(),
        };
        for mut victim in victims {
            // One that ended by itself just before is not killed.
            let _ = victim.kill();
            victim.wait().unwrap();
            self.kills += 1;
        }
    }

    /// No pair of a block that was seen committed has been asked since.
    #[track_caller]
    fn compare_counts(&mut self) {
        let (commits, counts, ids) = (self.site.commits(), self.site.counts(), film_ids(FILMS));
        let ordinals = commits.iter().flat_map(|(first, commit)| *first..*first + commit.records);
        for ordinal in ordinals {
            for endpoint in ["omdb", "business"] {
                let pair = (endpoint, ids[ordinal as usize].clone());
                let now = counts[&pair];
                let then = *self.committed.entry(pair.clone()).or_insert(now);
                assert_eq!(then, now, "{pair:?} was asked again after its block was committed");
            }
        }
    }
}

/// One run under fire; how many kills it took, and whether helpers committed some of it.
#[track_caller]
fn under_fire(random: &mut Rng) -> (u64, bool) {
    let site = Site::new(FILMS, r#"{"latency_ms": 40}"#);
    let (owner, helpers, committed) = (None, Vec::new(), BTreeMap::new());
    let mut attack = Attack { site: &site, random, owner, helpers, kills: 0, committed };
    while attack.kills < KILLS_A_RUN && site.commits().len() < BLOCKS {
        attack.fill();
        std::thread::sleep(Duration::from_millis(attack.random.u64(30..500)));
        attack.strike();
        attack.compare_counts();
    }
    attack.fill();
    attack.helpers.drain(..).for_each(|helper| drop(wait(helper).with_code(0)));
    wait(attack.owner.take().expect("the owner")).with_code(0);
    attack.compare_counts();
    let kills = attack.kills;
    let asked = site.asked();
    assert!(asked <= site.pairs() + kills * OPEN_PAIRS, "{asked} requests after {kills} kills");
    let most = site.most_asked();
    assert!(most <= 1 + kills, "a pair was asked {most} times after {kills} kills");
    site.is_whole();
    (kills, writers(&site.commits()).len() > 1)
}

#[test]
fn kill_9_of_owners_and_helpers_loses_nothing_and_asks_only_what_was_open() {
    let mut random = seeded();
    let (mut kills, mut helped) = (0, false);
    while kills < KILLS {
        let (more, by_helpers) = under_fire(&mut random);
        (kills, helped) = (kills + more, helped | by_helpers);
    }
    assert!(helped, "several processes committed blocks of one shard");
}
