//! `kill -9` of one child, of the supervisor, and of all at once, at 200 random moments altogether; then records that
//! crash their process, and a child that crashes at every start.
//!
//! After every kill: nobody outlives the supervisor by 2 s, and what was committed is never asked again. After
//! every run: the table is that of an undisturbed run, published once.

mod attack;
mod records;

use std::process::Child;
use std::time::Duration;

use attack::{Attack, Phase};

use crate::support::processes::kill_9;
use crate::support::seeded;

/// Kills of each kind of victim; 200 altogether.
const KILLS_OF_CHILDREN: usize = 66;
const KILLS_OF_SUPERVISORS: usize = 67;
const KILLS_OF_GROUPS: usize = 67;

/// Kills within one run of the job, by the phase that they aim at.
const KILLS_A_RUN: [(Phase, usize); 3] = [(Phase::Planning, 3), (Phase::Fetching, 5), (Phase::Merging, 4)];

#[test]
fn kill_9_of_the_supervisor_loses_nothing() {
    runs_under_fire(KILLS_OF_SUPERVISORS, |attack, mut supervisor| {
        supervisor.kill().unwrap();
        attack.buried(supervisor)
    });
}

#[test]
fn kill_9_of_the_whole_group_loses_nothing() {
    runs_under_fire(KILLS_OF_GROUPS, |attack, supervisor| {
        let mut group = attack::children(&supervisor);
        group.push(supervisor.id() as i32);
        attack.random.shuffle(&mut group);
        group.into_iter().for_each(kill_9);
        attack.buried(supervisor)
    });
}

/// Starts the job again and again, each time ended by `kill` in the midst, until it has been killed so often; `kill`
/// says whether the process was still there to be killed.
#[track_caller]
fn runs_under_fire(kills: usize, mut kill: impl FnMut(&mut Attack, Child) -> bool) {
    let mut attack = Attack::new(seeded());
    while attack.kills < kills {
        for phase in KILLS_A_RUN.iter().flat_map(|&(phase, count)| std::iter::repeat_n(phase, count)) {
            let supervisor = attack.start();
            attack.wait_for(phase, &supervisor);
            if kill(&mut attack, supervisor) {
                attack.struck();
            }
            if attack.is_finished() {
                break;
            }
        }
        attack.finish_run();
    }
    attack.hit_every_phase();
}

#[test]
fn kill_9_of_single_children_loses_nothing() {
    let mut attack = Attack::new(seeded());
    while attack.kills < KILLS_OF_CHILDREN {
        let mut supervisor = attack.start();
        while supervisor.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(attack.random.u64(0..300)));
            let children = attack::children(&supervisor);
            if let Some(&child) = attack.random.choice(&children) {
                kill_9(child);
                attack.struck();
            }
        }
        attack.buried(supervisor);
        attack.finish_run();
    }
    assert!(attack.said("started again"), "the supervisor says what it does");
}
