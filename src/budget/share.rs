//! Who may have how many requests in flight.

/// The share of the member `me` of `cap` requests in flight, by what each wants.
///
/// Nobody gets more than he wants as long as others want more; what is left is divided evenly, and what cannot be divided
/// goes round with `turn`, so that everybody gets his turn where there are fewer places than members. All shares add up
/// to `cap`, or to less while nobody wants anything.
pub(super) fn fair(wants: &[u64], me: usize, cap: u64, turn: u64) -> u64 {
    let mut left = cap;
    let mut open: Vec<usize> = (0..wants.len()).filter(|at| wants[*at] > 0).collect();
    if open.is_empty() {
        return cap / wants.len().max(1) as u64;
    }
    while !open.is_empty() {
        let even = left / open.len() as u64;
        let (content, wanting): (Vec<usize>, Vec<usize>) = open.iter().partition(|at| wants[**at] <= even);
        if content.is_empty() {
            return wanting
                .iter()
                .position(|at| *at == me)
                .map_or(wants[me], |place| even + extra(place, wanting.len(), left, turn));
        }
        left -= content.iter().map(|at| wants[*at]).sum::<u64>();
        open = wanting;
    }
    // Everybody has what he wants: the rest lies ready for whoever wants more.
    wants[me] + left / wants.len() as u64
}

/// One of what cannot be divided evenly, for those whose turn it is.
fn extra(place: usize, members: usize, left: u64, turn: u64) -> u64 {
    let members = members as u64;
    u64::from((place as u64 + turn) % members < left % members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(wants: &[u64], cap: u64, turn: u64) -> Vec<u64> {
        (0..wants.len()).map(|me| fair(wants, me, cap, turn)).collect()
    }

    #[test]
    fn whoever_wants_little_gets_it_and_the_others_share_the_rest() {
        assert_eq!(all(&[100, 2, 100], 32, 0), [15, 2, 15]);
        assert_eq!(all(&[100, 100, 100, 100], 128, 0), [32; 4]);
        assert_eq!(all(&[5, 0, 1000], 20, 0), [5, 0, 15]);
    }

    #[test]
    fn what_nobody_wants_lies_ready() {
        assert_eq!(all(&[1, 1], 10, 0), [5, 5]);
        assert_eq!(all(&[0, 0], 10, 0), [5, 5]);
        assert_eq!(all(&[0], 10, 0), [10]);
    }

    #[test]
    fn one_place_goes_round() {
        let turns: Vec<Vec<u64>> = (0..3).map(|turn| all(&[9, 9, 9], 1, turn)).collect();
        for member in 0..3 {
            assert_eq!(turns.iter().map(|turn| turn[member]).sum::<u64>(), 1);
        }
    }

    #[test]
    fn shares_never_add_up_to_more_than_there_is() {
        let mut random = crate::seed::seeded();
        for _ in 0..10_000 {
            let wants: Vec<u64> = (0..random.usize(1..9)).map(|_| random.u64(0..50)).collect();
            let (cap, turn) = (random.u64(0..100), random.u64(0..100));
            let shares = all(&wants, cap, turn);
            assert!(shares.iter().sum::<u64>() <= cap, "{wants:?} of {cap}: {shares:?}");
            let wanted = wants.iter().sum::<u64>().min(cap);
            assert!(shares.iter().sum::<u64>() >= wanted, "{wants:?} of {cap}: {shares:?}");
        }
    }
}
