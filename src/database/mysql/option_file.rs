//! The option file of MySQL's own programs (manual, "Using Option Files"): `[client]` of `~/.my.cnf`, for user and
//! password. A file that the group or others may read is passed over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::secrets::Secrets;

/// The rights of the group and of others.
const OTHERS: u32 = 0o077;

/// Sections that are about every program, or about MariaDB's.
const SECTIONS: [&str; 3] = ["client", "client-server", "client-mariadb"];

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub user: Option<String>,
    pub password: Option<String>,
    /// The file, where it was not read since others may read it.
    pub passed_over: Option<PathBuf>,
}

impl Options {
    /// Reads the file of this user; nothing where there is none.
    pub fn read(secrets: &Secrets) -> Options {
        let Some(path) = secrets.find("HOME").map(|home| PathBuf::from(home).join(".my.cnf")) else {
            return Options::default();
        };
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.permissions().mode() & OTHERS != 0 => {
                Options { passed_over: Some(path), ..Options::default() }
            }
            Ok(found) if found.is_file() => {
                fs::read_to_string(&path).map_or_else(|_| Options::default(), |text| Options::of(&text))
            }
            _ => Options::default(),
        }
    }

    fn of(text: &str) -> Options {
        let mut options = Options::default();
        let mut is_ours = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                is_ours = SECTIONS.contains(&section.trim());
            } else if let Some((name, value)) = line.split_once('=').filter(|_| is_ours) {
                match name.trim() {
                    "user" => options.user = Some(unquoted(value.trim())),
                    "password" => options.password = Some(unquoted(value.trim())),
                    _ => {}
                }
            }
        }
        options
    }
}

/// A value without the quotes around it; without a comment behind it, where it has none.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner.to_owned();
        }
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_sections_count() {
        let text = "[mysqld]\nuser=mysql\npassword=no\n# [client]\n[client]\nuser = loader\n\
                    password = 'pass # word'\n[mysqldump]\npassword=other\n";
        let found = Options::of(text);
        assert_eq!(found.user.as_deref(), Some("loader"));
        assert_eq!(found.password.as_deref(), Some("pass # word"));
        assert_eq!(Options::of("[client]\npassword=geheim # mine\n").password.as_deref(), Some("geheim"));
        assert_eq!(Options::of("password=before any section"), Options::default());
    }
}
