//! Endpoints that use each other's columns are asked one after the other: that must have a beginning.

use super::names::GivenNames;
use crate::job::mistake::Mistakes;

/// Notes circles of endpoints, each at the first of its endpoints; `needs` has those that each endpoint needs.
pub(super) fn check(needs: &[Vec<usize>], known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    let mut named = vec![false; needs.len()];
    for start in 0..needs.len() {
        let Some(circle) = circle_from(start, needs).filter(|_| !named[start]) else { continue };
        circle.iter().for_each(|&member| named[member] = true);
        let Some(name) = known.endpoints.get(start).and_then(|endpoint| endpoint.name) else { continue };
        let steps: Vec<&str> =
            circle.iter().chain([&start]).map(|&member| known.answers[member].endpoint.as_str()).collect();
        let message = match steps.len() {
            2 => format!("endpoint `{}` uses its own answer", steps[0]),
            _ => format!("endpoints wait for each other: {}", steps.join(" needs ")),
        };
        mistakes.add(&name.span, message, "one of them must do without the other's columns");
    }
}

/// The shortest way from `start` back to it: its members, `start` first.
fn circle_from(start: usize, needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut reached_from: Vec<Option<usize>> = vec![None; needs.len()];
    let mut waiting = std::collections::VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for &next in &needs[at] {
            if next == start {
                return Some(way_back(at, start, &reached_from));
            }
            if reached_from[next].is_none() {
                reached_from[next] = Some(at);
                waiting.push_back(next);
            }
        }
    }
    None
}

fn way_back(end: usize, start: usize, reached_from: &[Option<usize>]) -> Vec<usize> {
    let mut way = vec![end];
    while let Some(before) = way.last().filter(|&&at| at != start).and_then(|&at| reached_from[at]) {
        way.push(before);
    }
    way.reverse();
    way
}
