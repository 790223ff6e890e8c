//! DuckDB as windrow opens it.

use bytesize::ByteSize;
use duckdb::{Config, Connection};

/// Nothing is ever fetched from the network on DuckDB's own account.
///
/// # Errors
/// Where the linked DuckDB does not know one of the settings.
pub fn config() -> duckdb::Result<Config> {
    Config::default()
        .enable_autoload_extension(false)?
        .with("allow_community_extensions", "false")?
        .with("custom_user_agent", concat!("windrow/", env!("CARGO_PKG_VERSION")))
}

/// Times are UTC; half of the memory that DuckDB would take; files are read once, so they are not cached.
///
/// # Errors
/// Where DuckDB does not know one of the settings.
pub fn prepare(connection: &Connection) -> duckdb::Result<()> {
    connection.execute_batch("SET TimeZone = 'UTC'; SET enable_external_file_cache = false")?;
    let own: String = connection.query_row("SELECT current_setting('memory_limit')", [], |row| row.get(0))?;
    match own.parse::<ByteSize>() {
        Ok(own) => connection.execute_batch(&format!("SET memory_limit = '{}B'", own.as_u64() / 2)),
        Err(_) => Ok(()),
    }
}

/// DuckDB's first paragraph: what follows are links and advice for other settings than ours.
pub fn message(error: &duckdb::Error) -> String {
    let text = match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    text.split("\n\n").next().unwrap_or_default().trim_end().to_owned()
}
