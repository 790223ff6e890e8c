//! The password file of PostgreSQL's own programs (libpq's manual, "The Password File").
//!
//! `PGPASSFILE`, else `~/.pgpass`: lines of `host:port:database:user:password`, the first that fits. `*` fits anything;
//! `\:` and `\\` stand for `:` and `\`. A file that the group or others may read is passed over, as libpq does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::secrets::Secrets;

/// Folders of the sockets of servers that use PostgreSQL's defaults: the file calls those `localhost`.
const SOCKETS: [&str; 3] = ["/tmp", "/var/run/postgresql", "/run/postgresql"];

/// The rights of the group and of others.
const OTHERS: u32 = 0o077;

/// What there is.
pub(super) enum PasswordFile {
    /// Nothing that can be read.
    Missing,
    /// A file that others may read.
    Exposed(PathBuf),
    /// Its text.
    Text(String),
}

impl PasswordFile {
    pub fn open(secrets: &Secrets) -> PasswordFile {
        let own = || Some(PathBuf::from(secrets.find("HOME")?).join(".pgpass"));
        let Some(path) = secrets.find("PGPASSFILE").map(PathBuf::from).or_else(own) else {
            return PasswordFile::Missing;
        };
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.permissions().mode() & OTHERS != 0 => {
                PasswordFile::Exposed(path)
            }
            Ok(found) if found.is_file() => {
                fs::read_to_string(&path).map_or(PasswordFile::Missing, PasswordFile::Text)
            }
            _ => PasswordFile::Missing,
        }
    }
}

/// The password for whoever the address names; of several hosts, for the first that has one.
pub(super) fn password_for(config: &Config, text: &str) -> Option<String> {
    let user = config.get_user()?;
    let database = config.get_dbname().unwrap_or(user);
    let hosts = config.get_hosts().iter().enumerate();
    let mut found = hosts.filter_map(|(number, host)| {
        let ports = config.get_ports();
        let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432).to_string();
        let place = [&name(host), &port, database, user];
        text.lines().find_map(|line| password(line, place))
    });
    found.next()
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) if SOCKETS.iter().any(|known| folder.as_os_str() == *known) => {
            "localhost".to_owned()
        }
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// The password of a line, if it is for that place.
fn password(line: &str, place: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in place {
        let (field, more) = field(rest)?;
        if field != "*" && without_escapes(field) != wanted {
            return None;
        }
        rest = more;
    }
    Some(without_escapes(rest)).filter(|password| !password.is_empty())
}

/// What stands before the next `:`, and what after it.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = line.find(|letter| {
        let is_end = letter == ':' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    })?;
    Some((&line[..end], &line[end + 1..]))
}

fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, text: &str) -> Option<String> {
        password_for(&url.parse().unwrap(), text)
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# h:5432:db:u:remark\n\nh:5432:other:u:one\nh:*:db:u:two\n*:*:*:*:three\n";
        assert_eq!(found("postgres://u@h/db", text).as_deref(), Some("two"));
        assert_eq!(found("postgres://u@h:6000/db", text).as_deref(), Some("two"));
        assert_eq!(found("postgres://u@h/other", text).as_deref(), Some("one"));
        assert_eq!(found("postgres://v@h/db", text).as_deref(), Some("three"));
        assert_eq!(found("postgres://u@h/db", "h:5433:db:u:p\nshort:line\n"), None);
        assert_eq!(
            found("postgres://u@h", "h:5432:u:u:of the user's database").as_deref(),
            Some("of the user's database")
        );
        assert_eq!(found("postgres://u@g,h/db", "h:5432:db:u:second").as_deref(), Some("second"));
    }

    #[test]
    fn colons_and_backslashes_are_escaped() {
        let text = r"\:\:1:5432:d\:b:u\\:a\:b\\c:d";
        let mut config = Config::new();
        config.host("::1").dbname("d:b").user(r"u\");
        assert_eq!(password_for(&config, text).as_deref(), Some(r"a:b\c:d"));
        assert_eq!(found("postgres://u@h/db", r"h:5432:db:\*:p"), None, "an escaped star is a star");
    }

    #[test]
    fn a_socket_is_its_folder_or_localhost() {
        let text = "localhost:5432:db:u:one\n/srv/sockets:5432:db:u:two\n";
        assert_eq!(found("postgres://u@/db?host=/run/postgresql", text).as_deref(), Some("one"));
        assert_eq!(found("postgres://u@/db?host=/srv/sockets", text).as_deref(), Some("two"));
    }
}
