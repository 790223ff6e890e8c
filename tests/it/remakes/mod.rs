//! `windrow extract` where answers were kept for what failed: columns made anew, as a further round of the run, by the job as
//! it is now. The server says what it was asked, so that the right value is known; and how often it was.
//!
//! | file | |
//! |---|---|
//! | `changes` | what may change, and what is refused; what the other commands say |
//! | `shapes` | batches, pages, rows, endpoints that depend on others, programs, secrets |
//! | `ends` | kills at every step, signals, damaged files |

mod changes;
mod ends;
mod shapes;

use crate::servers::raw::{Raw, http};
use crate::support::{Ended, Sandbox, published};

/// A run of a small job.
struct Site {
    sandbox: Sandbox,
    server: Raw,
}

impl Site {
    /// Runs a job over these ids; `SERVER` in `endpoints` is the server's address.
    #[track_caller]
    fn run(ids: &[&str], settings: &str, endpoints: &str) -> Site {
        Site::run_with(Raw::serve(answer), ids, settings, endpoints)
    }

    #[track_caller]
    fn run_with(server: Raw, ids: &[&str], settings: &str, endpoints: &str) -> Site {
        let site = Site { sandbox: Sandbox::new(), server };
        site.write_job(ids, settings, endpoints);
        site.windrow(&["run", "job.toml"]).with_code(0);
        site
    }

    fn write_job(&self, ids: &[&str], settings: &str, endpoints: &str) {
        let endpoints = endpoints.replace("SERVER", &self.server.url());
        let mode = match endpoints.contains("rows = ") {
            true => "mode = \"replace_ids\"",
            false => "mode = \"upsert\"\nkey = \"id\"",
        };
        let job = format!(
            "[job]\nname = \"small\"\nretry_rounds = 0\n{settings}\n[input]\nids = {ids:?}\nid = \"id\"\n\
             [defaults]\nretry = {{ attempts = 1 }}\n{endpoints}\n\
             [table]\nto = \"duckdb:small.duckdb\"\nname = \"small\"\n{mode}\n\
             [publish]\nmin_success = 0.0\nmin_rows = 0\n"
        );
        self.sandbox.write("job.toml", job);
    }

    fn windrow(&self, words: &[&str]) -> Ended {
        self.sandbox.run(words)
    }

    /// Changes the job file.
    fn edit(&self, old: &str, new: &str) {
        self.sandbox.edit("job.toml", old, new);
    }

    /// Extracts, which asks nobody, and publishes.
    #[track_caller]
    fn extract(&self) -> Ended {
        let before = self.server.asked();
        let said = self.windrow(&["extract", "small"]).with_code(0).saying("no request");
        self.windrow(&["merge", "small"]).with_code(0);
        assert_eq!(self.server.asked(), before, "nobody is asked");
        said
    }

    /// The table.
    #[track_caller]
    fn rows(&self, select: &str) -> Vec<String> {
        let sql = format!("SELECT concat_ws(' ', {select}) FROM small ORDER BY ALL");
        published(&self.sandbox.path().join("small.duckdb"), &sql)
    }

    /// The latest line of each pair.
    fn ledger(&self, columns: &str) -> Vec<String> {
        let requests = "requests JOIN input USING (ordinal) ORDER BY ordinal, endpoint";
        let lines = self.sandbox.query("small", &format!("SELECT concat_ws(' ', {columns}) FROM {requests}"));
        lines.iter().map(|line| line.trim_matches('"').to_owned()).collect()
    }

    /// Runs of the job.
    fn runs(&self) -> usize {
        let entries = std::fs::read_dir(self.sandbox.path().join("shards/small")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    }
}

/// `/v/X` answers `{"n": "X"}`, `/gone/X` with 404 and a word, `/void/X` with nothing.
fn answer(path: &str) -> Vec<u8> {
    let (what, value) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let value = decoded(value);
    match what {
        "v" => http("200 OK", "", serde_json::json!({ "n": value }).to_string()),
        "gone" if value.contains("none") => http("404 Not Found", "", r#"{"error":"no such id"}"#),
        "void" if value.contains("none") => http("404 Not Found", "", ""),
        _ => http("200 OK", "", serde_json::json!({ "n": value }).to_string()),
    }
}

/// Without percent-encoding.
fn decoded(text: &str) -> String {
    let url = url::Url::parse(&format!("http://x/?v={text}")).unwrap();
    url.query_pairs().next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
