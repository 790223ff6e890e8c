//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::{ids, knobs::Knobs};

/// A small HTTP(S) server with films, for demos, tests and benches.
///
/// GET /?i=ID  /business/ID  /numbers/ID  /echo/ANYTHING
/// GET /_admin/counts[?full=1]  /_admin/knobs    POST /_admin/knobs  /_admin/reset
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

    /// Print the list of ids as CSV and end.
    #[arg(long)]
    pub print_ids: bool,

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
    fn knobs_are_flags() {
        let words =
            ["origin", "--latency-ms", "200", "--fail-ids", r#"{"tt0000001":{"status":500,"times":2}}"#];
        let arguments = Arguments::try_parse_from(words).expect("valid flags");
        assert_eq!(arguments.knobs.latency_ms, 200);
        assert_eq!(arguments.knobs.fail_ids["tt0000001"].times, Some(2));
    }
}
