//! What is strange in a run's folder: what another user made, what leads elsewhere, and names that do.

use std::fs::FileType;
use std::path::Path;

use super::commit::Commit;
use super::error::{HandoffError, file_error};
use super::layout;
use super::plan::Plan;
use crate::os::{foreign_owner, is_link, is_plain_name, shown_user};

/// What to do about a link, or the like, in a run.
const REMOVE_IT: &str = "windrow makes none: see who did, and remove it";

/// Refuses a folder that another user made.
pub(super) fn refuse_foreign(folder: &Path) -> Result<(), HandoffError> {
    let owner = foreign_owner(folder).map_err(|error| file_error("look at", folder.display(), error))?;
    let Some(owner) = owner.map(shown_user) else { return Ok(()) };
    let hint = format!(
        "run windrow as {owner}, start a run of your own (`windrow run JOB --new`), or make the run yours with `chown -R`"
    );
    Err(strange(folder, format!("belongs to another user ({owner})"), hint))
}

/// Refuses a link in the place of a folder.
pub(super) fn refuse_link(folder: &Path) -> Result<(), HandoffError> {
    if is_link(folder) { Err(strange(folder, "is a link", REMOVE_IT)) } else { Ok(()) }
}

/// What a link counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    IsStrange,
    IsFollowed,
}

/// The shards' folders among the entries of a folder, of which those that are named like windrow's own must be files or folders.
pub(super) fn entries(folder: &Path, link: Link) -> Result<Vec<String>, HandoffError> {
    let failed = |error| file_error("list", folder.display(), error);
    let mut shards = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !layout::is_own(&name) {
            continue;
        }
        let path = entry.path();
        let mut kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() && link == Link::IsFollowed {
            // A link that leads nowhere is reported where it is needed.
            let Ok(found) = path.metadata() else { continue };
            kind = found.file_type();
        }
        refuse_kind(&path, kind, layout::is_shard_folder(&name))?;
        if kind.is_dir() {
            shards.push(name);
        }
    }
    Ok(shards)
}

fn refuse_kind(path: &Path, kind: FileType, is_shard: bool) -> Result<(), HandoffError> {
    match kind {
        kind if kind.is_symlink() => Err(strange(path, "is a link", REMOVE_IT)),
        kind if is_shard && kind.is_dir() || !is_shard && kind.is_file() => Ok(()),
        _ if is_shard => Err(strange(path, "is no folder", REMOVE_IT)),
        _ => Err(strange(path, "is no file", REMOVE_IT)),
    }
}

pub(super) fn strange(path: &Path, why: impl Into<String>, hint: impl Into<String>) -> HandoffError {
    HandoffError::Strange { path: path.display().to_string(), why: why.into(), hint: hint.into() }
}

/// Why names that a plan holds would lead out of the run's folder, or of the folder that it lies in.
pub(super) fn leaves(plan: &Plan) -> Option<String> {
    let names = plan.extracted_from.iter().chain(plan.endpoints.iter().map(|endpoint| &endpoint.name));
    escaping(names)
}

/// The same of a commit.
pub(super) fn commit_leaves(commit: &Commit) -> Option<String> {
    escaping(commit.files.iter().map(|file| &file.name))
}

fn escaping<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<String> {
    names.find(|name| !is_plain_name(name)).map(|name| format!("it names {name:?}, which is no file's name"))
}
