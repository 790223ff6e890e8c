//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use std::io::Cursor;
use std::path::Path;

use futures_util::FutureExt as _;

use super::list::{List, Request, Sizes};
use super::{PlanError, PlanOptions};
use crate::job::Job;
use crate::secrets::Secrets;

/// The jobs that read it, by its first byte.
const FORMATS: [&str; 5] = ["csv", "tsv", "jsonl", "lines", "csv"];

/// A list, its format in the first byte: it is read to its end or refused with a hint; CSV as the csv crate reads it, where that
/// does.
pub fn list(data: &[u8]) {
    let Some((format, content)) = data.split_first() else { return };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    match read(format, content) {
        Ok(list) => {
            if format == "csv" {
                agrees(&list, content);
            }
        }
        Err(error) => assert!(error.to_string().contains("\nhint: "), "{error}"),
    }
}

fn read(format: &str, content: &[u8]) -> Result<List, PlanError> {
    let columns = if format == "lines" { "" } else { "columns = [\"n\"]" };
    let text = format!(
        "[input]\nfile = \"-\"\nformat = \"{format}\"\nid = \"id\"\n{columns}\nallow_empty = true\non_duplicate = \"keep\"\n\
         [[endpoint]]\nurl = \"http://localhost/{{id}}\"\ncolumns = {{ x = \".x\" }}\n[table]\nto = \"duckdb:x.duckdb\"\n\
         mode = \"append\"\n"
    );
    let job = Job::parse(text, Path::new("/nowhere/job.toml")).expect("a job");
    let options = PlanOptions { cores: 2, ..PlanOptions::default() };
    let (secrets, scratch) = (Secrets::default(), std::env::temp_dir());
    let request = Request {
        job: &job,
        options: &options,
        secrets: &secrets,
        scratch: &scratch,
        sizes: Sizes::default(),
    };
    let read = request.read(Box::new(Cursor::new(content.to_vec())));
    read.now_or_never().expect("nothing to wait for")
}

/// As many records as the csv crate finds, where it knows the same separator and quote.
fn agrees(list: &List, content: &[u8]) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    if !text.starts_with("id,n\n") || text.contains('\r') {
        return;
    }
    let theirs: Result<Vec<_>, _> = csv::Reader::from_reader(content).records().collect();
    if let Ok(theirs) = theirs {
        assert_eq!(list.records(), theirs.len() as u64, "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("list").iter().for_each(|seed| super::list(seed));
    }
}
