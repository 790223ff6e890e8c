//! `kill -9` of a shard's process, at seeded random moments.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use super::site::{Site, writers};
use crate::support::{film_ids, seeded, wait};

const FILMS: usize = 1024;
const BLOCKS: usize = 16;
const KILLS: u64 = 24;
/// Kills within one run; then the shard's process is left alone.
const KILLS_A_RUN: u64 = 6;
/// What a killed process had open at most: 8 blocks of 64 records, two endpoints each.
const OPEN_PAIRS: u64 = 8 * 64 * 2;

/// No pair of a block that was seen committed has been asked since. `committed`: how often the pairs of committed blocks
/// had been asked when their commit was seen.
#[track_caller]
fn compare_counts(site: &Site, committed: &mut BTreeMap<(&'static str, String), u64>) {
    let (commits, counts, ids) = (site.commits(), site.counts(), film_ids(FILMS));
    let ordinals = commits.iter().flat_map(|(first, commit)| *first..*first + commit.records);
    for ordinal in ordinals {
        for endpoint in ["omdb", "business"] {
            let pair = (endpoint, ids[ordinal as usize].clone());
            let now = counts[&pair];
            let then = *committed.entry(pair.clone()).or_insert(now);
            assert_eq!(then, now, "{pair:?} was asked again after its block was committed");
        }
    }
}

/// One shard whose process is killed again and again; how many kills it took, and by how many processes its blocks were
/// committed.
#[track_caller]
fn under_fire(random: &mut Rng) -> (u64, usize) {
    let site = Site::new(FILMS, r#"{"latency_ms": 40}"#);
    let (mut kills, mut committed) = (0, BTreeMap::new());
    while kills < KILLS_A_RUN && site.commits().len() < BLOCKS {
        let mut process = site.start();
        std::thread::sleep(Duration::from_millis(random.u64(30..800)));
        // One that ended by itself just before is not killed.
        let _ = process.kill();
        process.wait().unwrap();
        kills += 1;
        compare_counts(&site, &mut committed);
    }
    wait(site.start()).with_code(0);
    compare_counts(&site, &mut committed);
    let asked = site.asked();
    assert!(asked <= site.pairs() + kills * OPEN_PAIRS, "{asked} requests after {kills} kills");
    let most = site.most_asked();
    assert!(most <= 1 + kills, "a pair was asked {most} times after {kills} kills");
    site.is_whole();
    (kills, writers(&site.commits()).len())
}

#[test]
fn kill_9_of_a_shards_process_loses_its_open_blocks_only() {
    let mut random = seeded();
    let (mut kills, mut writers) = (0, 0);
    while kills < KILLS {
        let (more, of_run) = under_fire(&mut random);
        (kills, writers) = (kills + more, writers.max(of_run));
    }
    assert!(writers > 1, "one process goes on where the one before was killed");
}
