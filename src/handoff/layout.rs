//! Where everything of a run lies; the tree is drawn in [`handoff`](super). Paths are joined here and nowhere else.

use std::collections::HashMap;

use object_store::path::Path;

use super::commit::Content;
use crate::job::ChunkFormat;
use crate::record::Ordinal;

/// The job file as it was planned.
pub const JOB: &str = "job.toml";
/// The plan.
pub const PLAN: &str = "plan.json";
/// How the run ended.
pub const OUTCOME: &str = "merged.json";
/// That a publication has begun and nobody has been told how it ended.
pub const PUBLISHING: &str = "publishing.json";
/// How commands that worked the run went, second by second.
pub const PULSE: &str = "pulse.jsonl";
/// How the last command on the run ended, for programs.
pub const SUMMARY: &str = "summary.json";
/// The jobs of a queue that the run is about.
pub const CLAIMED: &str = "claimed.json";
/// The table of a trial.
pub const TRIAL_DATABASE: &str = "trial.duckdb";
/// A job's kernel lock, beside its runs.
pub const JOB_LOCK: &str = "job.lock";
/// What a command's processes know of the job's secrets, as long as it lasts.
pub const SECRETS_ACCEPTED: &str = "secrets.accepted";
/// The run's kernel lock.
pub const RUN_LOCK: &str = "run.lock";
/// A shard's kernel lock, within its folder.
pub const SHARD_LOCK: &str = "shard.lock";
/// What a shard's processes wrote to standard error, within its folder.
pub const SHARD_LOG: &str = "shard.log";
/// A shard's frozen lines, within its folder.
pub const INPUT: &str = "input.parquet";

/// What has one name only, in a run's folder or a shard's.
const OWN: [&str; 15] = [
    super::mark::MARK,
    JOB,
    PLAN,
    OUTCOME,
    PUBLISHING,
    PULSE,
    SUMMARY,
    CLAIMED,
    TRIAL_DATABASE,
    SECRETS_ACCEPTED,
    RUN_LOCK,
    SHARD_LOCK,
    SHARD_LOG,
    INPUT,
    "probe",
];

/// `round-001.json`.
pub fn round(number: u32) -> Path {
    Path::from(format!("round-{number:03}.json"))
}

/// `job-001.json`.
pub fn amendment(number: u32) -> Path {
    Path::from(format!("job-{number:03}.json"))
}

/// The chunks that are no endpoint's, in their names.
const REQUESTS: &str = "requests";
const ANSWERS: &str = "answers";

/// `00003`.
pub fn shard_folder(shard: u32) -> String {
    format!("{shard:05}")
}

/// A file within a shard's folder.
pub fn in_shard(shard: u32, name: &str) -> Path {
    Path::from(format!("{}/{name}", shard_folder(shard)))
}

/// `000012000.json`, within the shard's folder.
pub fn commit(first: Ordinal) -> String {
    format!("{first:09}.json")
}

/// The block that a name within a shard's folder is the commit of.
pub fn committed_block(name: &str) -> Option<Ordinal> {
    let digits = name.strip_suffix(".json")?;
    (digits.len() >= 9 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// `000012000.<attempt>.omdb.parquet`, within the shard's folder; `….requests.rows.parquet` of an endpoint that is named
/// like another chunk.
pub fn chunk(first: Ordinal, attempt: &str, content: &Content, format: ChunkFormat) -> String {
    let (what, ending) = match (content, format) {
        (Content::Requests, _) => (REQUESTS.to_owned(), "parquet"),
        (Content::Answers, _) => (ANSWERS.to_owned(), "parquet"),
        (Content::Rows(endpoint), format) => {
            // No endpoint's name has a point.
            let is_own = [REQUESTS, ANSWERS].iter().any(|own| own.eq_ignore_ascii_case(endpoint));
            let what = if is_own { format!("{endpoint}.rows") } else { endpoint.clone() };
            (what, if format == ChunkFormat::Csv { "csv" } else { "parquet" })
        }
    };
    format!("{first:09}.{attempt}.{what}.{ending}")
}

/// Whether a name within a shard's folder is that of a chunk.
pub fn is_chunk(name: &str) -> bool {
    let mut parts = name.split('.');
    let is_number = |part: &str| part.len() >= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    let begins = parts.next().is_some_and(is_number);
    begins && parts.clone().count() >= 3 && matches!(parts.next_back(), Some("parquet" | "csv"))
}

/// Whether a name within a run's folder is that of a shard's folder.
pub fn is_shard_folder(name: &str) -> bool {
    name.len() >= 5 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name within a run's folder, or a shard's, is one of windrow's own.
pub fn is_own(name: &str) -> bool {
    let is_round = (name.starts_with("round-") || name.starts_with("job-")) && name.ends_with(".json");
    OWN.contains(&name)
        || is_round
        || is_shard_folder(name)
        || is_chunk(name)
        || committed_block(name).is_some()
}

/// Whether there may be files among these of a shard's folder that no commit names: half-written ones, or chunks of more
/// than one writer for one block.
pub fn has_leftovers(names: &[String]) -> bool {
    let mut writers: HashMap<&str, &str> = HashMap::new();
    names.iter().any(|name| {
        let mut parts = name.split('.');
        let (block, writer) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        is_staged(name) || is_chunk(name) && *writers.entry(block).or_insert(writer) != writer
    })
}

/// Whether a name within a shard's folder is that of a file that was not written to its end: the object store writes
/// into a file whose name ends with `#` and a number.
pub fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(staged, number)| {
        let is_ours = staged == INPUT || is_chunk(staged) || committed_block(staged).is_some();
        is_ours && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn two_writers_of_a_block_and_half_written_files_leave_something() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let one = ["input.parquet", "000000000.5f0c7a11.shop.parquet", "000000000.5f0c7a11.requests.parquet"];
        let next = ["000000064.99999999.requests.parquet", "000000000.json", "000000064.json", "shard.log"];
        assert!(!has_leftovers(&names(&[&one[..], &next[..]].concat())));
        for more in
            ["000000000.99999999.shop.parquet", "000000064.json#1", "000000000.5f0c7a11.shop.parquet#2"]
        {
            assert!(has_leftovers(&names(&[&one[..], &next[..], &[more]].concat())), "{more}");
        }
    }

    #[test]
    fn what_windrow_writes_into_a_shards_folder_is_known_by_its_name() {
        let rows = ["a.b", "requests", "Answers"].map(|endpoint| Content::Rows(endpoint.into()));
        let mut all = HashSet::new();
        for content in [Content::Requests, Content::Answers].into_iter().chain(rows) {
            let name = chunk(12_000, "5f0c7a11", &content, ChunkFormat::Parquet);
            assert!(all.insert(name.to_lowercase()), "{name} is another's");
            for format in [ChunkFormat::Parquet, ChunkFormat::Csv] {
                let name = chunk(12_000, "5f0c7a11", &content, format);
                assert!(is_chunk(&name) && is_staged(&format!("{name}#1")) && !is_staged(&name), "{name}");
            }
        }
        let others = [
            shard_folder(3),
            commit(1),
            round(0).into(),
            amendment(1).into(),
            SHARD_LOG.into(),
            TRIAL_DATABASE.into(),
        ];
        assert!(all.iter().chain(&others).all(|name| is_own(name)) && !is_own("notes.md"));
        assert!(is_staged("input.parquet#1") && is_staged(&format!("{}#27", commit(1))));
        for theirs in [
            "notes.csv",
            "0001.a.b.parquet",
            "000012000.parquet",
            "000012000.a.b.py",
            "x#1",
            "#1",
            "list.csv#2",
        ] {
            assert!(!is_chunk(theirs) && !is_staged(theirs), "{theirs}");
        }
    }
}
