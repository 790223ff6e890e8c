//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use std::path::Path;

use super::{Job, JobError};

/// Where the file would lie.
const PATH: &str = "/nowhere/job.toml";

/// A job file: it is a job, and the same one where it is spelled otherwise, or a list of mistakes, each with its line and what
/// to do.
pub fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Job::parse(text.to_owned(), Path::new(PATH)) {
        Ok(job) => {
            let again =
                toml::from_str::<toml::Table>(text).ok().and_then(|table| toml::to_string(&table).ok());
            let again = again.expect("a job file is TOML");
            match Job::parse(again.clone(), Path::new(PATH)) {
                Ok(same) => assert_eq!(meaning(&job), meaning(&same), "{again}"),
                Err(error) => panic!("{again}\n{}", error.render(false)),
            }
        }
        Err(error) => hold(text, &error),
    }
}

/// All that is in a job but how it is written, and the order, since tables that are written anew are in that of their names.
fn meaning(job: &Job) -> Vec<String> {
    let Job {
        name, input, limits, endpoints, table, publish, before, after, serve, settings, inferred, ..
    } = job;
    let all = format!(
        "{:?}",
        (name, input, limits, endpoints, table, publish, before, after, serve, settings, inferred)
    );
    // The indices of columns and limits go by the order.
    let is_index = |atom: &str| atom.starts_with(" column: ") || atom.trim().parse::<u8>().is_ok();
    let atoms = all.split([',', '[', ']', '{', '}', '(', ')']).filter(|atom| !is_index(atom));
    let mut atoms: Vec<String> =
        atoms.map(|atom| atom.trim().to_owned()).filter(|atom| !atom.is_empty()).collect();
    atoms.sort();
    atoms
}

fn hold(text: &str, error: &JobError) {
    assert!(!error.mistakes().is_empty(), "{error}");
    let lines = text.lines().count().max(1);
    for mistake in error.mistakes() {
        assert!((1..=lines).contains(&mistake.line), "{mistake:?} of {lines} lines");
        assert!(!mistake.message.is_empty() && !mistake.hint.is_empty(), "{mistake:?}");
        assert!(!format!("{}{}", mistake.message, mistake.hint).contains(char::is_control), "{mistake:?}");
    }
    assert!(!error.render(false).contains("Failed to read"), "{}", error.render(false));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("job").iter().for_each(|seed| super::file(seed));
    }
}
