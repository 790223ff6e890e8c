//! DuckDB as windrow opens it.
//!
//! A file of DuckDB's belongs to the process that writes it, or to those that read it. Jobs that end at the same time
//! and publish into one file have it one after the other: who finds it in use waits for a while, and says for whom.

use std::time::{Duration, Instant};

use bytesize::ByteSize;
use duckdb::{Config, Connection};

use crate::os::tell;

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

/// Whether another process has the file open.
pub fn is_in_use(error: &duckdb::Error) -> bool {
    error.to_string().contains("Could not set lock on file")
}

/// How long a file is waited for that another process has: as long as a load takes, not as long as a person keeps it.
const LONGEST: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 60 });

/// Between two looks, in milliseconds; who waits for the same file looks at other moments.
const BETWEEN_LOOKS: std::ops::Range<u64> = 50..250;

/// Waiting for a file that another process has.
#[derive(Debug, Default)]
pub struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// How long to wait until the next look; `None` where it has been waited for long enough. The first time, the person
    /// is told what for; `message` is DuckDB's and names the process.
    pub fn pause(&mut self, path: &str, message: &str) -> Option<Duration> {
        let since = *self.since.get_or_insert_with(|| {
            let longest = LONGEST.as_secs();
            tell(format_args!("{path} is in use, waiting up to {longest} s for it: {message}"));
            Instant::now()
        });
        (since.elapsed() < LONGEST).then(|| Duration::from_millis(fastrand::u64(BETWEEN_LOOKS)))
    }
}
