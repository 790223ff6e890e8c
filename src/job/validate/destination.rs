//! `to`: a file of DuckDB, SQLite, Parquet or CSV, a folder of Parquet files, or a database server.

use std::path::{Path, PathBuf};

use super::scheme::{is_folder, parted};
use super::{path, server};
use crate::job::mistake::Mistakes;
use crate::job::raw::At;
use crate::job::suggest;
use crate::job::{Destination, ServerKind};

/// What `to` may begin with.
const SCHEMES: [&str; 7] = ["duckdb", "postgres", "mysql", "mariadb", "sqlite", "parquet", "csv"];

/// Where the rows go.
pub(super) fn validated(to: &At<String>, folder: &Path, mistakes: &mut Mistakes) -> Option<Destination> {
    let (scheme, rest) = parted(to.text());
    match scheme {
        _ if ServerKind::of(scheme).is_some() => server::url(to, mistakes).map(Destination::Server),
        "duckdb" if !rest.starts_with(':') => a_file(to, folder, mistakes).map(Destination::DuckDb),
        "sqlite" if !rest.starts_with(':') => a_file(to, folder, mistakes).map(Destination::Sqlite),
        "parquet" if is_folder(to) => a_folder(to, folder, mistakes).map(Destination::Parquet),
        "parquet" => a_file(to, folder, mistakes).map(Destination::Parquet),
        "csv" => a_file(to, folder, mistakes).map(Destination::Csv),
        _ => {
            let hint = "write \"postgres://…\" or \"mysql://…\", or \"duckdb:\", \"sqlite:\", \"parquet:\" or \"csv:\" and the path of a file";
            refuse("destination", to, &SCHEMES, hint, mistakes);
            None
        }
    }
}

/// Notes a URL of a scheme that a `what` does not have; `hint` says how one is written.
pub(super) fn refuse(what: &str, url: &At<String>, schemes: &[&str], hint: &str, mistakes: &mut Mistakes) {
    let (scheme, rest) = parted(url.text());
    // What follows may have a password.
    let shown = if rest.starts_with("//") { format!("{scheme}://…") } else { url.value.clone() };
    let meant = suggest::did_you_mean(scheme, schemes).filter(|_| !schemes.contains(&scheme));
    let hint = meant.unwrap_or_else(|| hint.to_owned());
    mistakes.add(&url.span, format!("unknown {what} \"{shown}\""), hint);
}

/// The path of a file, which need not exist.
pub(super) fn a_file(url: &At<String>, folder: &Path, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let (scheme, rest) = parted(url.text());
    let path = path::absolute(url, rest, folder, mistakes)?;
    if path.is_dir() || rest.ends_with('/') {
        let hint = format!("write {scheme}: and the path of a file, as in \"{scheme}:films.{scheme}\"");
        mistakes.add(&url.span, format!("\"{}\" is a directory", url.value), hint);
        return None;
    }
    Some(path)
}

fn a_folder(url: &At<String>, folder: &Path, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let path = path::absolute(url, parted(url.text()).1, folder, mistakes)?;
    if path.is_file() {
        let hint = "leave the / at its end out, or name a folder";
        mistakes.add(&url.span, "a folder that is a file already", hint);
        return None;
    }
    Some(path)
}
