//! The publish gate: the job's own conditions, without which nothing is loaded.

use super::Proof;
use crate::job::Publish;

/// What the gate says against publishing; `None` where it is open.
pub(super) fn refusal(publish: &Publish, proof: &Proof) -> Option<String> {
    let (complete, records) = (proof.complete, proof.records);
    let share = if records == 0 { 1.0 } else { complete as f64 / records as f64 };
    (share < publish.min_success).then(|| {
        format!(
            "{} of the records succeeded ({complete} of {records}), the job asks for {} of them\n\
             hint: `windrow failures {run}` shows what failed and `windrow retry {run}` asks again; \
             or lower min_success under [publish] and merge again",
            percent(share),
            percent(publish.min_success),
            run = proof.files.plan.run,
        )
    })
}

/// Cut, not rounded, to two places: what misses a limit must not read as if it met it.
fn percent(share: f64) -> String {
    // A hair is added so that 0.98 is not cut to 97.99.
    format!("{} %", ((share * 1e4 + 1e-6).floor() / 1e2))
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_never_shown_larger_than_it_is() {
        assert_eq!(percent(0.98), "98 %");
        assert_eq!(percent(0.979_99), "97.99 %");
        assert_eq!(percent(0.999_999), "99.99 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
