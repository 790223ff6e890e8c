//! What `to` begins with: much of a job is right or wrong by it, whatever else is wrong with it.

use crate::job::raw::{self, At};

/// Whether the rows go to a PostgreSQL server.
pub(super) fn is_server(file: &raw::JobFile) -> bool {
    matches!(scheme(file), "postgres" | "postgresql")
}

/// Whether the rows go into files of their own, in which nothing else is noted.
pub(super) fn is_plain_file(file: &raw::JobFile) -> bool {
    matches!(scheme(file), "parquet" | "csv")
}

/// Whether the rows go into a folder.
pub(super) fn is_folder(to: &At<String>) -> bool {
    to.text().starts_with("parquet:") && to.text().ends_with('/')
}

fn scheme(file: &raw::JobFile) -> &str {
    let to = file.table.as_ref().and_then(|table| table.value.to.as_ref());
    to.map_or("", |to| parted(to.text()).0)
}

/// What stands before the colon, and after it.
pub(super) fn parted(to: &str) -> (&str, &str) {
    to.split_once(':').unwrap_or(("", to))
}
