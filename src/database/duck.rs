//! DuckDB as windrow opens it.

use duckdb::Config;

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

/// DuckDB's first paragraph: what follows are links and advice for other settings than ours.
pub fn message(error: &duckdb::Error) -> String {
    let text = match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    text.split("\n\n").next().unwrap_or_default().trim_end().to_owned()
}
