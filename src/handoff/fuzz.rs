//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::commit::Commit;
use super::plan::{Amendment, Outcome, Plan, Publishing, Round};
use super::{guard, seal};
use crate::os::is_plain_name;

/// A file of a run: what is read of it is written and read again as it was, and no name that it holds leads elsewhere.
pub fn file(data: &[u8]) {
    if let Some(commit) = again::<Commit>(data)
        && guard::commit_leaves(&commit).is_none()
    {
        assert!(commit.files.iter().all(|file| is_plain_name(&file.name)));
    }
    if let Some(plan) = again::<Plan>(data)
        && guard::leaves(&plan).is_none()
    {
        assert!(plan.extracted_from.iter().all(|run| is_plain_name(run)));
        assert!(plan.source_in_short().len() <= plan.source.len().max(4 * 121));
    }
    let _ =
        (again::<Round>(data), again::<Outcome>(data), again::<Publishing>(data), again::<Amendment>(data));
}

/// What is read, after it was written, sealed and read again.
fn again<T: DeserializeOwned + Serialize + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let sealed = seal::seal(&read);
    assert_eq!(seal::check(&sealed), Ok(()), "{read:?}");
    assert_eq!(serde_json::from_slice::<T>(&sealed).ok().as_ref(), Some(&read));
    Some(read)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("run").iter().for_each(|seed| super::file(seed));
    }
}
