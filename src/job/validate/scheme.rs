//! What `to` begins with: much of a job is right or wrong by it, whatever else is wrong with it.

use crate::job::ServerKind;
use crate::job::raw::{self, At};

/// What the rows go into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A DuckDB file, or what cannot be told.
    DuckDb,
    /// A PostgreSQL server.
    Postgres,
    /// A MariaDB or MySQL server.
    MySql,
    /// An SQLite file.
    Sqlite,
    /// A file of its own, in which nothing else is noted.
    File,
}

impl Kind {
    /// What `to` begins with.
    pub(super) fn of(file: &raw::JobFile) -> Kind {
        match (scheme(file), ServerKind::of(scheme(file))) {
            (_, Some(ServerKind::Postgres)) => Kind::Postgres,
            (_, Some(ServerKind::MySql)) => Kind::MySql,
            ("sqlite", None) => Kind::Sqlite,
            ("parquet" | "csv", None) => Kind::File,
            (_, None) => Kind::DuckDb,
        }
    }

    /// Whether the runs may be noted in a table of any name.
    pub(super) fn is_server(self) -> bool {
        match self {
            Kind::Postgres | Kind::MySql | Kind::Sqlite => true,
            Kind::DuckDb | Kind::File => false,
        }
    }

    /// Whether a new table can take the place of an old one in a transaction.
    pub(super) fn can_swap(self) -> bool {
        match self {
            Kind::Postgres => true,
            Kind::MySql | Kind::DuckDb | Kind::Sqlite | Kind::File => false,
        }
    }

    /// Whether rows of other tables may change with a row that is deleted.
    pub(super) fn has_references(self) -> bool {
        match self {
            Kind::Postgres | Kind::MySql | Kind::Sqlite => true,
            Kind::DuckDb | Kind::File => false,
        }
    }

    /// Whether a text may have the character U+0000.
    pub(super) fn takes_nul(self) -> bool {
        match self {
            Kind::Postgres | Kind::Sqlite => false,
            Kind::MySql | Kind::DuckDb | Kind::File => true,
        }
    }

    /// Whether two columns may have names that differ in capitals only.
    pub(super) fn knows_capitals(self) -> bool {
        match self {
            Kind::Postgres => true,
            Kind::MySql | Kind::DuckDb | Kind::Sqlite | Kind::File => false,
        }
    }

    /// What a name may not be there, beyond what holds of every name.
    pub(super) fn names(self) -> Option<&'static NameRules> {
        match self {
            Kind::Postgres => Some(&POSTGRES),
            Kind::MySql => Some(&MYSQL),
            Kind::Sqlite => Some(&SQLITE),
            Kind::DuckDb | Kind::File => None,
        }
    }
}

/// What a database does not take for a name.
pub(super) struct NameRules {
    /// As people call it.
    pub(super) database: &'static str,
    /// Most bytes.
    pub(super) longest: usize,
    /// What it does with longer ones.
    pub(super) of_longer: &'static str,
    /// What its own tables' names begin with.
    pub(super) reserved: Option<&'static str>,
    /// Columns that each of its tables has.
    pub(super) system_columns: &'static [&'static str],
}

/// `NAMEDATALEN` - 1; manual, "System Columns".
const POSTGRES: NameRules = NameRules {
    database: "PostgreSQL",
    longest: 63,
    of_longer: "it cuts off what is longer than 63 bytes: take a shorter name",
    reserved: None,
    system_columns: &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"],
};

/// Manual, "Identifier Names": characters there, of which one has up to four bytes.
const MYSQL: NameRules = NameRules {
    database: "MySQL",
    longest: 64,
    of_longer: "it takes 64 characters at the most: take a shorter name",
    system_columns: &[],
    reserved: None,
};

/// "The SQLite Rowid": by that name windrow knows a table's rows, which may have a `rowid` of their own.
const SQLITE: NameRules = NameRules {
    database: "SQLite",
    longest: usize::MAX,
    of_longer: "",
    reserved: Some("sqlite_"),
    system_columns: &["_rowid_"],
};

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
