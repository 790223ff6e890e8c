//! The tokens kept on disk, for commands that show what a server sent and ask for no token themselves.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::fetch::secret::Secret;
use crate::fetch::spelled::Spellings;

/// What a token's file holds, of whatever version.
#[derive(Deserialize)]
struct Kept {
    access_token: Option<String>,
    refresh_token: Option<String>,
}

/// How those are spelled that lie in a folder, whose job's they may be. A file that cannot be read has none.
pub(in crate::fetch) fn spelled_in(folder: &Path) -> Spellings {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let kept = files.filter_map(|path| serde_json::from_slice::<Kept>(&fs::read(path).ok()?).ok());
    let tokens = kept.flat_map(|kept| [kept.access_token, kept.refresh_token]).flatten();
    let secrets: Vec<Secret> = tokens.map(|token| Secret::named("(a token)".into(), &token)).collect();
    Spellings::of(&secrets)
}
