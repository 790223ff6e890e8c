//! What a server's errors mean: which group each is of, by its number (MariaDB's and MySQL's error references).

use mysql_async::{DriverError, Error, IoError, ServerError};
use rustls::CertificateError;

use super::Server;
use crate::database::error::told;
use crate::database::words::{chain, one_line};
use crate::database::{DatabaseError, RowRefusal, Trouble};

/// Whether a connection failed only since the server has no TLS.
pub(super) fn is_without_tls(error: &Error) -> bool {
    matches!(error, Error::Driver(DriverError::NoClientSslFlagFromServer))
}

/// A name that a certificate is for, where it was refused since it is not for that of the URL.
pub(super) fn certified_name(error: &Error) -> Option<String> {
    let Error::Io(IoError::Io(why)) = error else { return None };
    match why.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            // `DnsName("*.example.org")`, say.
            let name = presented.first()?.split('"').nth(1)?;
            Some(name.replacen('*', "any", 1))
        }
        _ => None,
    }
}

/// What an error means while connecting.
pub(super) fn of_connecting(server: &Server, error: &Error) -> DatabaseError {
    let (message, hint) = match error {
        Error::Server(refusal) => (refusal.message.clone(), hint_of_login(server, refusal.code)),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            ("the server does not encrypt".to_owned(), "let it, or take ssl-mode=disabled".to_owned())
        }
        Error::Driver(DriverError::UnknownAuthPlugin { .. }) => (
            chain(error),
            "let the user log in by mysql_native_password or caching_sha2_password, which windrow knows"
                .to_owned(),
        ),
        Error::Io(IoError::Tls(why)) => (chain(why), "look at ssl-mode and ssl-ca in the URL".to_owned()),
        other => {
            let words = chain(other);
            let is_tls = ["certificate", "TLS", "tls"].iter().any(|word| words.contains(word));
            let hint = if is_tls {
                "look at ssl-mode and ssl-ca in the URL"
            } else {
                "is the server running there, and does it listen on that address?"
            };
            (words, hint.to_owned())
        }
    };
    let message = server.hidden.masked(&message);
    DatabaseError::Unreachable { server: server.shown().to_owned(), message, hint }
}

fn hint_of_login(server: &Server, code: u16) -> String {
    match code {
        1045 | 1698 => server.password_hint.to_string(),
        1044 => "GRANT this user rights in that database, or name another one".to_owned(),
        1049 => "the database must be there: CREATE DATABASE makes one".to_owned(),
        1040 | 1203 | 1226 => {
            "the server has no connection left: try again, or raise its max_connections".to_owned()
        }
        1129 | 1130 => "the server does not let this user in from this host".to_owned(),
        3159 => "look at ssl-mode in the URL, and whether the server has a certificate".to_owned(),
        _ => "the server answered, and refused".to_owned(),
    }
}

/// What an error of a statement means.
pub(super) fn of_statement(server: &Server, error: &Error) -> DatabaseError {
    match error {
        Error::Server(refusal) if is_goodbye(refusal.code) => lost(server, refusal.message.clone()),
        Error::Server(refusal) => of_refusal(server, refusal),
        Error::Driver(DriverError::LocalInfile(_)) => {
            refused(server, Trouble::Statement, "it asks for a file of the client, and windrow sends none")
        }
        other if chain(other).contains("packet too large") => {
            refused(server, Trouble::Value, "a row is longer than the server takes (max_allowed_packet)")
        }
        other => lost(server, chain(other)),
    }
}

fn lost(server: &Server, message: String) -> DatabaseError {
    DatabaseError::Lost { server: server.shown().to_owned(), message: server.hidden.masked(&message) }
}

fn of_refusal(server: &Server, refusal: &ServerError) -> DatabaseError {
    let trouble = trouble(refusal);
    let message = words(server, &refusal.message);
    let is_of_a_row = matches!(trouble, Trouble::Taken | Trouble::Constraint | Trouble::Value);
    let row = is_of_a_row.then(|| Box::new(row_refusal(&message)));
    DatabaseError::Refused { server: server.shown().to_owned(), message, trouble, position: None, row }
}

/// A refusal that is not about a row, in the server's words or in ours.
pub(super) fn refused(server: &Server, trouble: Trouble, message: &str) -> DatabaseError {
    let message = words(server, message);
    DatabaseError::Refused { server: server.shown().to_owned(), message, trouble, position: None, row: None }
}

/// A note about a row that is no error to the server.
pub(super) fn of_a_row(server: &Server, message: &str) -> DatabaseError {
    let message = words(server, message);
    let row = Some(Box::new(row_refusal(&message)));
    let (server, trouble) = (server.shown().to_owned(), Trouble::Value);
    DatabaseError::Refused { server, message, trouble, position: None, row }
}

/// On one line: the server repeats values, and what stands in them must not look like a line of ours.
fn words(server: &Server, message: &str) -> String {
    server.hidden.masked(&one_line(message))
}

/// The server ends the connection: a restart, an administrator, a time limit between packets.
fn is_goodbye(code: u16) -> bool {
    matches!(code, 1053 | 1077 | 1079 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2013 | 4031)
}

fn trouble(refusal: &ServerError) -> Trouble {
    match refusal.code {
        1022 | 1062 | 1169 | 1586 | 1859 => Trouble::Taken,
        // A record changed since it was read (`innodb_snapshot_isolation`) is one, too, or a table that was altered.
        1020 | 1205 | 1213 | 1412 => Trouble::Deadlock,
        1007 | 1050 | 1060 | 1061 => Trouble::Exists,
        1305 => Trouble::Ended,
        3 | 1021 | 1026 | 1114 => Trouble::Disk,
        1030 if refusal.message.contains("28") => Trouble::Disk,
        1317 | 1969 | 3024 | 1907 => Trouble::Cancelled,
        1044 | 1142 | 1143 | 1227 | 1290 | 1370 | 1410 | 1836 => Trouble::Privilege,
        1040 | 1203 | 1226 => Trouble::Passing,
        1048 | 1216 | 1217 | 1263 | 1364 | 1369 | 1451 | 1452 | 1526 | 1644 | 1748 | 3819 | 4025 => {
            Trouble::Constraint
        }
        1118 | 1153 | 1264 | 1265 | 1292 | 1300 | 1366 | 1406 | 1690 | 1071 => Trouble::Value,
        _ => match refusal.state.get(..2) {
            // Of SIGNAL in a trigger, with whatever number, is the second one.
            Some("23" | "45") => Trouble::Constraint,
            Some("22") => Trouble::Value,
            Some("40") => Trouble::Deadlock,
            // Or it writes in a transaction that only reads.
            Some("42" | "21" | "25") => Trouble::Statement,
            _ => Trouble::Other,
        },
    }
}

/// What is said of a row. The server has it in its sentence only.
fn row_refusal(message: &str) -> RowRefusal {
    let column = after(message, "column '")
        .or_else(|| after(message, "Column '"))
        .or_else(|| after(message, "Field '"));
    // `db`.`table`.`column`, as MariaDB says it of some.
    let column = column.or_else(|| {
        let (_, rest) = message.split_once("for column `")?;
        rest.split('`').nth(4).or_else(|| rest.split('`').next())
    });
    let key = after(message, "for key '").map(|key| key.rsplit('.').next().unwrap_or(key));
    let constraint = key.or_else(|| {
        let (_, rest) = message.split_once("CONSTRAINT `")?;
        rest.split('`').next()
    });
    let constraint = constraint.or_else(|| after(message, "Check constraint '"));
    RowRefusal {
        why: told(without_row(message)).unwrap_or(without_row(message)).to_owned(),
        column: column.map(str::to_owned),
        constraint: constraint.map(str::to_owned),
    }
}

/// What stands between this and the next quote.
fn after<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    rest.split('\'').next()
}

/// Without the number of the row: it counts within the statement.
fn without_row(message: &str) -> &str {
    match message.rsplit_once(" at row ") {
        Some((before, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_keys_are_found_in_the_sentences() {
        for (message, column, constraint, why) in [
            (
                "Data too long for column 'title' at row 3",
                Some("title"),
                None,
                "Data too long for column 'title'",
            ),
            (
                "Duplicate entry 'a' for key 'films.PRIMARY'",
                None,
                Some("PRIMARY"),
                "Duplicate entry 'a' for key 'films.PRIMARY'",
            ),
            ("Column 'year' cannot be null", Some("year"), None, "Column 'year' cannot be null"),
            (
                "Incorrect integer value: 'x' for column `t`.`films`.`year` at row 2",
                Some("year"),
                None,
                "Incorrect integer value: 'x' for column `t`.`films`.`year`",
            ),
            (
                "CONSTRAINT `positive` failed for `t`.`films`",
                None,
                Some("positive"),
                "CONSTRAINT `positive` failed for `t`.`films`",
            ),
        ] {
            let found = row_refusal(message);
            assert_eq!(
                (found.column.as_deref(), found.constraint.as_deref()),
                (column, constraint),
                "{message}"
            );
            assert_eq!(found.why, why);
        }
    }
}
