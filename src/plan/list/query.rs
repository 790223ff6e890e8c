//! A list that a database answers with.

use std::io;

use super::{Intake, ListError, Reader, Request};
use crate::job::{Database, Job};
use crate::plan::PlanError;
use crate::secrets::Secrets;

/// Reads the answer; its digest.
pub(super) async fn read(
    request: &Request<'_>,
    database: &Database,
    _query: &str,
    _reader: &Reader<'_>,
) -> Result<(Intake, String), PlanError> {
    // Without a server there is no password to look up.
    let _secrets = request.secrets;
    Err(unsupported(database))
}

/// The digest that the answer has now.
pub(super) async fn sha256(
    _job: &Job,
    database: &Database,
    _query: &str,
    _secrets: &Secrets,
) -> Result<String, PlanError> {
    Err(unsupported(database))
}

fn unsupported(database: &Database) -> PlanError {
    let source = io::ErrorKind::Unsupported.into();
    ListError::Unreadable { list: database.to_string(), source }.into()
}
