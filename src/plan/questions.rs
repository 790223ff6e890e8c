//! What a run asks, as a digest: a run is resumed only where it is unchanged.

use crate::job::Job;

use crate::handoff::digest;

/// SHA-256, in hexadecimal, of what the job says about input and endpoints.
///
/// What is read anew when a run goes on is left out ([`Job::questions`]).
pub fn questions_sha256(job: &Job) -> String {
    digest::sha256(job.questions().to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{OnFailure, Source};
    use crate::plan::sandbox::{endpoint, job_of};

    #[test]
    fn only_what_is_asked_counts() {
        let mut job = job_of(Source::Ids(vec!["a".into()]));
        job.endpoints = vec![endpoint("one", "https://a/{id}")];
        let before = questions_sha256(&job);

        job.endpoints[0].on_failure = OnFailure::Null;
        job.endpoints[0].retry.attempts = 9;
        job.endpoints[0].bounds.timeout *= 2;
        job.publish.min_success = Some(0.5);
        job.text.push_str("# a comment");
        assert_eq!(questions_sha256(&job), before);

        job.endpoints[0].missing.statuses.push(404);
        assert_ne!(questions_sha256(&job), before);
    }
}
