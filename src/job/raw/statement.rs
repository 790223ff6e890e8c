//! `[[before]]` and `[[after]]` as written.

use schemars::JsonSchema;

use super::at::At;
use super::fields::{Fields, Section};

/// `[[before]]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Before {
    /// The statement, or several, as the destination reads them. The run is there as `windrow_rows`, `windrow_failures`
    /// and `windrow_input`.
    #[schemars(required)]
    pub sql: Option<At<String>>,
}

impl Section for Before {
    const TITLE: &'static str = "[[before]]";

    fn read(fields: &mut Fields<'_>) -> Before {
        Before { sql: fields.required("sql", SQL_HINT) }
    }
}

/// `[[after]]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct After {
    /// The statement, or several, as the destination reads them. The run is there as `windrow_rows`, `windrow_failures`
    /// and `windrow_input`.
    #[schemars(required)]
    pub sql: Option<At<String>>,
    /// The .csv file that the statement's answer goes into, relative to this file.
    #[schemars(regex(pattern = "\\.[cC][sS][vV]$"))]
    pub file: Option<At<String>>,
}

impl Section for After {
    const TITLE: &'static str = "[[after]]";

    fn read(fields: &mut Fields<'_>) -> After {
        After { sql: fields.required("sql", SQL_HINT), file: fields.optional("file") }
    }
}

const SQL_HINT: &str = "add sql = \"…\", as the destination reads it";
