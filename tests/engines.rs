//! The databases that promises are tested on.

/// A database, as a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    DuckDb,
    Postgres,
    MariaDb,
    Sqlite,
}

/// A test of each engine, named for it: `on_each! { [postgres, sqlite] nothing_is_left; }` makes `nothing_is_left::postgres`
/// and `nothing_is_left::sqlite` of `async fn nothing_is_left(on: Engine)`.
macro_rules! on_each {
    ($($engines:tt $($test:ident),+;)+) => { $($($crate::engines::on_each!(@ $engines $test);)+)+ };
    (@ [$($engine:ident),+] $test:ident) => {
        mod $test {
            $(#[tokio::test]
            async fn $engine() {
                super::$test($crate::engines::Engine::named(stringify!($engine))).await;
            })+
        }
    };
}
pub(crate) use on_each;

impl Engine {
    pub fn named(name: &str) -> Engine {
        match name {
            "duckdb" => Engine::DuckDb,
            "postgres" => Engine::Postgres,
            "mariadb" => Engine::MariaDb,
            "sqlite" => Engine::Sqlite,
            other => panic!("{other} is no engine"),
        }
    }

    /// Of what differs, what is this one's: PostgreSQL's, MariaDB's, SQLite's.
    pub fn own<T>(self, [postgres, mariadb, sqlite]: [T; 3]) -> T {
        match self {
            Engine::Postgres => postgres,
            Engine::MariaDb => mariadb,
            Engine::Sqlite => sqlite,
            Engine::DuckDb => panic!("DuckDB has none of its own"),
        }
    }
}
