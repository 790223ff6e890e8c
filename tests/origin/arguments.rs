//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::{ids, knobs::Knobs, printed::List};

/// A small HTTP(S) server with films and more, for demos, tests and benches.
///
/// Films       GET /?i=ID  /business/ID
/// Counts      GET /v1/urls/count.json?url=URL  /countserv/count/share?url=URL&format=json
///             GET /graph/?ids=URL,URL&access_token=ANY  POST /rpc
/// Odds        GET /matches/ID[?at=ROUND]
/// Pages       GET /pages/NUMBER
/// Lists       GET /lists/ID[?page=N|offset=N|cursor=TEXT][&as=html]  /jsonl/ID
/// Batches     GET /items?ids=ID,ID  /items?id=ID&id=ID  POST /items
/// Open APIs   GET /public/API/…, as schemas/public asks them
/// Others      GET /numbers/ID  /texts/ID  /states/ID[?busy=TIMES]  any method /echo/ANYTHING  /redirects/ID?to=URL
/// Of itself   GET /_admin/counts[?full=1]  /_admin/arrivals[?full=1&from=US&to=US]  /_admin/knobs  /_admin/truth/…
///             POST /_admin/knobs  /_admin/reset
#[derive(Debug, Parser)]
#[command(name = "origin", verbatim_doc_comment)]
pub struct Arguments {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8477)]
    pub port: u16,

    /// File that gets the port and a line end as soon as connections are accepted.
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,

    /// Serve HTTPS (HTTP/2 and HTTP/1.1) with a certificate made at the start.
    #[arg(long)]
    pub tls: bool,

    /// File that gets the PEM of the authority that signed the certificate.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub cert_out: Option<PathBuf>,

    /// Length of the list of ids.
    #[arg(long, value_name = "COUNT", default_value_t = ids::LISTED, value_parser = clap::value_parser!(u32).range(1..=i64::from(ids::MOST)))]
    pub ids: u32,

    /// Print a list that an example job reads, and end; without a name that of the films.
    #[arg(long, value_name = "LIST", num_args = 0..=1, require_equals = true, default_missing_value = "films")]
    pub print_ids: Option<List>,

    /// Seed of every random decision.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// End when the thread that started this process ends (Linux).
    #[arg(long)]
    pub exit_with_parent: bool,

    /// End when standard input ends.
    #[arg(long)]
    pub exit_on_stdin_eof: bool,

    #[command(flatten, next_help_heading = "Knobs (also changed by POST /_admin/knobs)")]
    pub knobs: Knobs,
}

/// Writes a file that others wait for: it appears with its whole content or not at all.
pub fn write_whole(path: &Path, content: &str) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(content.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_list_to_print_may_be_named() {
        let list = |words: &[&str]| Arguments::try_parse_from(words).expect("valid flags").print_ids;
        assert_eq!(list(&["origin", "--print-ids", "--ids", "5"]), Some(List::Films));
        assert_eq!(list(&["origin", "--print-ids=urls"]), Some(List::Urls));
        assert_eq!(list(&["origin"]), None);
    }

    #[test]
    fn knobs_are_flags() {
        let words =
            ["origin", "--latency-ms", "200", "--fail-ids", r#"{"tt0000001":{"status":500,"times":2}}"#];
        let arguments = Arguments::try_parse_from(words).expect("valid flags");
        assert_eq!(arguments.knobs.latency_ms, 200);
        assert_eq!(arguments.knobs.fail_ids["tt0000001"].times, Some(2));
    }
}
