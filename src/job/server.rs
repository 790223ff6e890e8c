//! The URL of a database server, such as `postgres://user:${PASSWORD}@host:5432/database?sslmode=verify-full`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::template::{Part, Template};

/// Which database a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// PostgreSQL: `postgres://`, `postgresql://`.
    Postgres,
    /// MariaDB and MySQL: `mariadb://`, `mysql://`.
    MySql,
}

impl ServerKind {
    /// What a URL of this scheme leads to; `None` where that is no server that is known.
    pub fn of(scheme: &str) -> Option<ServerKind> {
        match scheme {
            "postgres" | "postgresql" => Some(ServerKind::Postgres),
            "mysql" | "mariadb" => Some(ServerKind::MySql),
            _ => None,
        }
    }

    /// How its URL looks.
    pub fn form(self) -> &'static str {
        match self {
            ServerKind::Postgres => "postgres://user:${PASSWORD}@host:5432/database?sslmode=verify-full",
            ServerKind::MySql => "mysql://user:${PASSWORD}@host:3306/database?ssl-mode=verify_identity",
        }
    }

    /// How its URL looks, as a hint.
    fn shape(self) -> &'static str {
        match self {
            ServerKind::Postgres => {
                "it has the shape postgres://user:${PASSWORD}@host:5432/database?sslmode=verify-full"
            }
            ServerKind::MySql => {
                "it has the shape mysql://user:${PASSWORD}@host:3306/database?ssl-mode=verify_identity"
            }
        }
    }

    /// The variable in which its own programs look for a password.
    fn password_hint(self) -> &'static str {
        match self {
            ServerKind::Postgres => {
                "write ${NAME} in its place and set NAME in the environment, or PGPASSWORD"
            }
            ServerKind::MySql => "write ${NAME} in its place and set NAME in the environment, or MYSQL_PWD",
        }
    }
}

/// A server's URL. It holds `${NAME}` where a secret belongs, never a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    kind: ServerKind,
    template: Template,
}

/// What is wrong with a server's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct ServerUrlMistake {
    /// One lowercase line; it does not repeat the URL.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

impl ServerUrl {
    /// Reads a URL as a job file has it.
    ///
    /// # Errors
    /// Where it is no URL, or has a password in plain text: runs keep a copy of the job file.
    pub fn parse(text: &str) -> Result<ServerUrl, ServerUrlMistake> {
        let mistake = |message: &str, hint| ServerUrlMistake { message: message.to_owned(), hint };
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        let Some(kind) = ServerKind::of(scheme) else {
            return Err(mistake("no URL of a database server", ServerKind::Postgres.shape()));
        };
        let shape = kind.shape();
        let template = Template::parse(text, &[]).map_err(|mistakes| {
            let message = mistakes.into_iter().next().map_or_else(String::new, |first| first.message);
            ServerUrlMistake { message, hint: shape }
        })?;
        let server = ServerUrl { kind, template };
        if server.template.parts.iter().any(|part| !matches!(part, Part::Literal(_) | Part::Secret(_))) {
            return Err(mistake("a column of the list in a server's URL", shape));
        }
        let url = Url::parse(&server.spelled(|_| "secret".to_owned()))
            .map_err(|error| mistake(&format!("no URL of a server: {error}"), shape))?;
        if url.cannot_be_a_base() {
            return Err(mistake("no URL of a database server", shape));
        }
        if server.has_plain_password() {
            return Err(mistake("a password in plain text", kind.password_hint()));
        }
        Ok(server)
    }

    /// Whether a password would be in the job file's copies: one that is not a secret as a whole. Two spellings of the
    /// secrets tell one from a password that happens to be spelled so.
    fn has_plain_password(&self) -> bool {
        let is_plain = |secret: &str| {
            let Ok(url) = Url::parse(&self.spelled(|_| secret.to_owned())) else { return true };
            let in_query = url.query_pairs().any(|(name, value)| name == "password" && value != secret);
            in_query || url.password().is_some_and(|password| password != secret)
        };
        is_plain("one") || is_plain("other")
    }

    /// Which database it has.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The URL as it is written.
    pub fn written(&self) -> String {
        self.template.to_string()
    }

    /// For people: without password and parameters.
    pub fn shown(&self) -> String {
        let written = self.written();
        let short = written.split('?').next().unwrap_or_default();
        let Some((scheme, rest)) = short.split_once("://") else { return short.to_owned() };
        match rest.rsplit_once('@') {
            Some((who, rest)) => {
                format!("{scheme}://{}@{rest}", who.split(':').next().unwrap_or_default())
            }
            None => short.to_owned(),
        }
    }

    /// The secrets that it names, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.template.secrets()
    }

    /// The URL to connect with, each secret percent-encoded in its place.
    pub fn with_values<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut encoded = |name: &str| Ok(utf8_percent_encode(&value(name)?, NON_ALPHANUMERIC).to_string());
        let pieces = self.template.parts.iter().map(|part| match part {
            Part::Secret(name) => encoded(name),
            Part::Literal(text) => Ok(text.clone()),
            Part::Input(_) | Part::Answer { .. } | Part::Url(_) => Ok(String::new()),
        });
        pieces.collect()
    }

    fn spelled(&self, secret: impl Fn(&str) -> String) -> String {
        let spelled = self.with_values(|name| Ok::<_, std::convert::Infallible>(secret(name)));
        spelled.unwrap_or_else(|never| match never {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_names_and_reach_the_server_encoded() {
        let url = ServerUrl::parse("postgres://loader:${PG_PASSWORD}@db.example:5432/stats?sslmode=require");
        let url = url.unwrap();
        assert_eq!(url.shown(), "postgres://loader@db.example:5432/stats");
        assert_eq!(url.secrets().collect::<Vec<_>>(), ["PG_PASSWORD"]);
        let spelled = url.spelled(|_| "p@ss/w".into());
        assert_eq!(spelled, "postgres://loader:p%40ss%2Fw@db.example:5432/stats?sslmode=require");
    }

    #[test]
    fn a_password_in_the_job_file_is_refused_and_not_repeated() {
        for url in [
            "postgres://u:geheim@h/db",
            "postgres://u@h/db?password=geheim",
            "postgres://u:geheim${PASSWORD}@h/db",
            "postgresql://u:${PASSWORD}@h/db?password=geheim",
        ] {
            let mistake = ServerUrl::parse(url).unwrap_err().to_string();
            assert!(mistake.contains("plain text\nhint: write ${NAME}"), "{mistake}");
            assert!(!mistake.contains("geheim"), "{mistake}");
        }
        for url in ["postgres://u:secret@h/db", "postgres://u:one@h/db", "postgres://u:other@h/db"] {
            assert!(ServerUrl::parse(url).is_err(), "{url}");
        }
        assert!(ServerUrl::parse("postgres://${PGUSER}@h/db").is_ok());
        assert!(ServerUrl::parse("postgres:///db?host=/run/postgresql").is_ok());
        assert!(ServerUrl::parse("postgres://{id}@h/db").is_err());
        assert!(ServerUrl::parse("postgres:stats").is_err());
        assert!(ServerUrl::parse("mysql://h/stats").is_ok_and(|url| url.kind() == ServerKind::MySql));
        assert!(ServerUrl::parse("oracle://h/stats").is_err());
    }
}
