//! What a job says of a database server: its URL, the table of the runs, how a table is replaced there.

use super::names::{is_same_table, table_name};
use super::scheme::Kind;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Mode, OnReferencing, ServerUrl};

/// The URL of a server.
pub(super) fn url(written: &At<String>, mistakes: &mut Mistakes) -> Option<ServerUrl> {
    let parsed = ServerUrl::parse(written.text());
    parsed.map_err(|mistake| mistakes.add(&written.span, mistake.message, mistake.hint)).ok()
}

/// Where the runs are noted, if the job says.
pub(super) fn runs_table(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) -> Option<String> {
    let written = table.runs_table.as_ref()?;
    if let Some(refusal) = runs_table_refusal(file, table, written.text()) {
        mistakes.add(&written.span, refusal.0, refusal.1);
    }
    Some(written.value.clone())
}

/// A message and its hint.
type Refusal = (String, &'static str);

fn runs_table_refusal(file: &raw::JobFile, table: &raw::Table, runs_table: &str) -> Option<Refusal> {
    let is_the_table = table.name.as_ref().is_some_and(|name| is_same_table(name.text(), runs_table));
    if let Err(refusal) = table_name(runs_table, Kind::of(file)) {
        return Some(refusal);
    }
    if is_the_table {
        let hint = "the runs are noted in a table of their own: take another name";
        return Some((format!("`runs_table` is the table \"{runs_table}\" itself"), hint));
    }
    if table.to.is_some() && !Kind::of(file).is_server() {
        let hint = "leave it out: it is for database servers and SQLite";
        return Some(("`runs_table` of a destination that is no server".to_owned(), hint));
    }
    None
}

/// Whether `replace` makes a new table.
pub(super) fn swap(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) -> bool {
    let Some(written) = table.swap.as_ref().filter(|swap| swap.value) else { return false };
    let is_replaced = table.mode().is_none_or(|mode| mode == Mode::Replace);
    let (message, hint) = if !is_replaced {
        ("swap = true without mode = \"replace\"", "leave it out, or take mode = \"replace\"")
    } else if table.to.is_some() && !Kind::of(file).can_swap() {
        let hint = "leave it out: it is for to = \"postgres://…\"";
        ("swap = true of a destination that is not PostgreSQL", hint)
    } else {
        return true;
    };
    mistakes.add(&written.span, message, hint);
    false
}

/// What may become of rows that refer to the table's.
pub(super) fn on_referencing(
    file: &raw::JobFile,
    table: &raw::Table,
    mistakes: &mut Mistakes,
) -> OnReferencing {
    let Some(written) = &table.on_referencing else { return OnReferencing::Fail };
    if table.to.is_some() && !Kind::of(file).has_references() {
        let hint = "leave it out: it is for database servers and SQLite";
        mistakes.add(&written.span, "`on_referencing` of a destination that is no server", hint);
    } else if table.mode() == Some(Mode::Append) {
        let hint = "leave it out: no row is deleted or updated";
        mistakes.add(&written.span, "`on_referencing` of a table that is only appended to", hint);
    }
    written.value.0
}
