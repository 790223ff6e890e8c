use super::*;

const FILMS: &str = "CREATE TABLE films (id text, year int, score numeric(5,2), seen timestamptz, tags text[]);
    INSERT INTO films VALUES ('b', 1999, 7.50, '2024-05-31 12:00:00.123456+02', '{x,y}'), ('a', NULL, NULL, NULL, NULL)";

fn films() -> TestDatabase<'static> {
    let database = postgres_server::database();
    database.execute(FILMS);
    database
}

#[test]
fn rows_come_in_the_order_of_the_query() {
    let database = postgres_server::database();
    database.execute("CREATE TABLE n AS SELECT (i * 7919) % 5003 AS id FROM generate_series(1, 5000) i");
    let list = read(&server(&database, "SELECT id, 'x' AS other FROM n ORDER BY id DESC;\n")).unwrap();
    let found = frame(&list).column("id").unwrap().i32().unwrap().into_no_null_iter().collect::<Vec<_>>();
    assert_eq!(found.len(), 5000);
    assert!(found.is_sorted_by(|a, b| a > b), "descending");
}

#[test]
fn only_needed_columns_are_taken_each_in_its_own_type() {
    let database = films();
    let mut job = server(&database, "SELECT * FROM films ORDER BY id DESC -- a remark");
    job.input.columns = ["year", "score", "seen", "tags"].map(str::to_owned).to_vec();
    let list = read(&job).unwrap();
    assert_eq!(ids(&list), ["b", "a"]);
    assert_eq!(type_of(&list, "year"), Type::Integer);
    assert_eq!(type_of(&list, "score"), Type::Decimal { precision: 5, scale: 2 });
    assert_eq!(type_of(&list, "seen"), Type::Timestamp);
    assert_eq!(texts(&frame(&list), "tags"), [Some("{x,y}".to_owned()), None]);
    assert_eq!(value(&list, "seen"), "2024-05-31T10:00:00.123456Z");
    assert_eq!(value(&list, "score"), "7.50");
    job.input.columns.clear();
    assert_eq!(read(&job).unwrap().columns.fields.len(), 1);
}

/// What PostgreSQL calls a value, our type for it, and how it then reads.
const VALUES: [(&str, Type, &str); 27] = [
    ("true", Type::Boolean, "true"),
    ("'-32768'::int2", Type::Integer, "-32768"),
    ("'-2147483648'::int4", Type::Integer, "-2147483648"),
    ("'-9223372036854775808'::int8", Type::Bigint, "-9223372036854775808"),
    ("'4294967295'::oid", Type::Bigint, "4294967295"),
    ("0.1::float4", Type::Double, "0.1"),
    ("-1.5e-7::float8", Type::Double, "-0.00000015"),
    (
        "'99999999999999999999999999999999999999'::numeric(38,0)",
        Type::Decimal { precision: 38, scale: 0 },
        "99999999999999999999999999999999999999",
    ),
    ("'-0.05'::numeric(2,2)", Type::Decimal { precision: 2, scale: 2 }, "-0.05"),
    ("12345::numeric(3,-2)", Type::Text, "12300"),
    ("0.00012::numeric(2,5)", Type::Text, "0.00012"),
    ("1::numeric(39,1)", Type::Text, "1.0"),
    ("1.500::numeric", Type::Text, "1.500"),
    ("'0001-01-01'::date", Type::Date, "0001-01-01"),
    ("'1969-12-31 23:59:59.999999'::timestamp", Type::Timestamp, "1969-12-31T23:59:59.999999Z"),
    ("'2024-01-01 00:00+05:30'::timestamptz", Type::Timestamp, "2023-12-31T18:30:00Z"),
    ("'{\"a\":  1}'::json", Type::Json, "{\"a\":  1}"),
    ("'{\"a\":  1}'::jsonb", Type::Json, "{\"a\": 1}"),
    ("'é𝄞'::text", Type::Text, "é𝄞"),
    ("'x'::varchar(9)", Type::Text, "x"),
    ("'x'::char(4)", Type::Text, "x"),
    ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", Type::Text, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("'127.0.0.1/32'::inet", Type::Text, "127.0.0.1"),
    ("'\\xDEAD'::bytea", Type::Text, "\\xdead"),
    ("'1 day'::interval", Type::Text, "1 day"),
    ("'{1,2}'::int[]", Type::Text, "{1,2}"),
    ("'happy'::mood", Type::Text, "happy"),
];

#[test]
fn every_type_is_kept_or_becomes_text() {
    let database = postgres_server::database();
    database.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN year AS int CHECK (value > 0);
         ALTER ROLE postgres IN DATABASE postgres RESET ALL",
    );
    for (sql, ty, expected) in VALUES {
        let mut job = server(&database, &format!("SELECT 1 AS id, {sql} AS value"));
        job.input.columns = vec!["value".into()];
        let list = read(&job).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!((type_of(&list, "value"), value(&list, "value").as_str()), (ty, expected), "{sql}");
    }
    let mut job = server(&database, "SELECT 1 AS id, 1999::year AS value");
    job.input.columns = vec!["value".into()];
    assert_eq!(type_of(&read(&job).unwrap(), "value"), Type::Integer, "a domain is what it is made of");
}

/// Values of the types that become text; each must be the text that `psql` shows of it.
const PRINTED: [&str; 51] = [
    "'10.0.0.1'::inet",
    "'10.0.0.1/24'::inet",
    "'2001:db8::1'::inet",
    "'2001:db8::/32'::inet",
    "'10.0.0.1'::address",
    "NULL::inet",
    "'10.0.0.0/8'::cidr",
    "'10.0.0.1/32'::cidr",
    "'08:00:2b:01:02:03'::macaddr",
    "'08:00:2b:01:02:03:04:05'::macaddr8",
    "'1 year 2 mons -3 days 04:05:06.789'::interval",
    "'1234.50'::money",
    "'\\xDEAD00'::bytea",
    "'[1,5)'::int4range",
    "'[2024-01-01,2024-02-01]'::daterange",
    "'[2024-01-01 00:00+02,infinity)'::tstzrange",
    "'{[1,3), [7,9)}'::int4multirange",
    "'{1,NULL,3}'::int[]",
    "'{\"a b\",\"NULL\",\"\\\"\"}'::text[]",
    "'{10.0.0.1,10.0.0.0/8}'::inet[]",
    "'{{0.1,1e30},{-0,NaN}}'::float4[]",
    "'{2024-01-01 00:00+02}'::timestamptz[]",
    "'{x}'::char(3)[]",
    "ARRAY[ROW(1, 'a,b')]",
    "ROW(1, 'a b', NULL, '10.0.0.1'::inet)",
    "'NaN'::numeric",
    "'-Infinity'::numeric",
    "1.500::numeric",
    "1e-20::numeric",
    "'12:34:56.789'::time",
    "'12:34:56+05:30'::timetz",
    "'happy'::mood",
    "'a'::\"char\"",
    "'name'::name",
    "'x'::varchar(9)",
    "' x '::text",
    "''::text",
    "'<a>&amp;</a>'::xml",
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    "'101'::bit(3)",
    "'10101'::varbit",
    "'(1.5,2)'::point",
    "'[(0,0),(1,1)]'::lseg",
    "'((0,0),(1,1))'::path",
    "'<(0,0),1>'::circle",
    "'a & b'::tsquery",
    "'a fat cat'::tsvector",
    "'pg_class'::regclass",
    "'16/B374D848'::pg_lsn",
    "'$.a[*]'::jsonpath",
    "'(0,1)'::tid",
];

#[test]
fn a_text_is_what_the_server_prints() {
    let database = postgres_server::database();
    database.execute("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN address AS inet");
    for sql in PRINTED {
        let mut job = server(&database, &format!("SELECT 1 AS id, {sql} AS value"));
        job.input.columns = vec!["value".into()];
        let list = read(&job).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let printed = database.rows(&format!("SELECT {sql}"));
        let text = texts(&frame(&list), "value").remove(0).unwrap_or_else(|| "~".to_owned());
        assert_eq!((type_of(&list, "value"), text), (Type::Text, printed.join("\n")), "{sql}");
    }
    for (sql, text) in [("'x'::char(4)", "x"), ("'x '::char(4)", "x"), ("''::char(4)", "")] {
        let mut job = server(&database, &format!("SELECT 1 AS id, {sql} AS value"));
        job.input.columns = vec!["value".into()];
        assert_eq!(value(&read(&job).unwrap(), "value"), text, "{sql}: the padding is no part of it");
    }
}

#[test]
fn an_address_can_be_the_id() {
    let database = postgres_server::database();
    database
        .execute("CREATE TABLE hosts AS SELECT ('10.0.0.' || i)::inet AS ip FROM generate_series(1, 3) i");
    let mut job = server(&database, "SELECT ip AS id FROM hosts ORDER BY ip");
    job.input.columns.clear();
    assert_eq!(ids(&read(&job).unwrap()), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn how_values_are_written_is_not_the_servers_choice() {
    let database = films();
    let name = &database.name;
    for setting in [
        "DateStyle = 'SQL, DMY'",
        "TimeZone = 'Asia/Tokyo'",
        "extra_float_digits = -10",
        "bytea_output = 'escape'",
        // Shorter than the query, and longer than BEGIN takes on a busy machine: of that nothing can be said beforehand.
        "statement_timeout = '1s'",
    ] {
        database.execute(&format!("ALTER DATABASE {name} SET {setting}"));
    }
    let sql = "SELECT id, seen, 0.1::float8 + 0.2 AS sum, '\\xff'::bytea AS bytes, pg_sleep(0.6)::text FROM films ORDER BY 1 DESC";
    let mut job = server(&database, sql);
    job.input.columns = ["seen", "sum", "bytes"].map(str::to_owned).to_vec();
    let list = read(&job).unwrap();
    assert_eq!(value(&list, "seen"), "2024-05-31T10:00:00.123456Z");
    assert_eq!(value(&list, "sum"), "0.30000000000000004");
    assert_eq!(value(&list, "bytes"), "\\xff");
}

#[test]
fn the_types_of_the_job_come_first() {
    let database = films();
    let mut job = server(&database, "SELECT '007' AS id, 3 AS n, 1.50::numeric AS m, '\\xff00'::bytea AS b");
    job.input.columns = ["n", "m", "b"].map(str::to_owned).to_vec();
    job.input.types = vec![
        ("id".into(), Type::Bigint),
        ("n".into(), Type::Text),
        ("m".into(), Type::Double),
        ("b".into(), Type::Blob),
    ];
    let list = read(&job).unwrap();
    assert_eq!(numbers(&frame(&list), "id"), [7]);
    assert_eq!((value(&list, "n"), value(&list, "m")), ("3".to_owned(), "1.5".to_owned()));
    let bytes = crate::value::values(frame(&list).column("b").unwrap(), Type::Blob).unwrap();
    assert_eq!(bytes, [crate::value::Value::Blob(vec![255, 0])]);
}

#[test]
fn what_no_column_of_ours_can_hold_is_named_by_row_and_column() {
    let database = postgres_server::database();
    for (sql, says) in [
        ("'infinity'::date", "\"infinity\" is not a date"),
        ("'-infinity'::timestamptz", "\"-infinity\" is not a timestamp"),
        ("'0044-03-15 BC'::date", "\"0044-03-15 BC\" is not a date"),
        ("'NaN'::float8", "\"NaN\" is not a double"),
        ("'-Infinity'::float4", "\"-Infinity\" is not a double"),
        ("'NaN'::numeric(4,1)", "\"NaN\" is not a decimal(4,1)"),
    ] {
        let query = format!("SELECT 1 AS id, {sql} AS value");
        let mut job = server(&database, &query);
        job.input.columns = vec!["value".into()];
        let said = mistake(&job);
        assert!(said.contains(&format!(", row 1, column \"value\": {says}")), "{said}");
        assert!(said.starts_with("postgres://postgres@127.0.0.1:"), "{said}");
    }
}

#[test]
fn a_needed_column_must_be_there_once() {
    let database = films();
    let said = mistake(&server(&database, "SELECT id AS idd, year FROM films"));
    assert!(
        said.contains("has no column \"id\"; it has \"idd\", \"year\"\nhint: did you mean \"idd\"?"),
        "{said}"
    );
    let said = mistake(&server(&database, "SELECT a.id, b.id FROM films a, films b"));
    assert!(said.contains("more than one column \"id\""), "{said}");
    let twice = "SELECT a.id, b.year, a.year, 'B' AS \"ID\" FROM films a JOIN films b USING (id)";
    assert_eq!(read(&server(&database, twice)).unwrap().records(), 2, "unneeded ones may come twice");
}

#[test]
fn a_mistake_points_into_the_query() {
    let database = films();
    let said = mistake(&server(&database, "SELECT id,\n  nme\nFROM films"));
    assert!(said.contains("column \"nme\" does not exist\n    nme\n    ^\nhint: correct `sql`"), "{said}");
    let said = mistake(&server(&database, "SELECT id FROM flims"));
    assert!(
        said.contains("relation \"flims\" does not exist\n  SELECT id FROM flims\n                 ^\nhint:"),
        "{said}"
    );
    let said = mistake(&server(&database, "SELECT 1/(year - 1999) AS id FROM films"));
    assert!(said.contains("division by zero\nhint: correct `sql`"), "{said}");
}

#[test]
fn only_one_query_is_asked_and_it_only_reads() {
    let database = films();
    for query in [
        "SELECT id FROM films; DROP TABLE films",
        "SELECT id FROM films) AS x; DROP TABLE films; SELECT (1",
        "SELECT id FROM films; -- the end",
        "DELETE FROM films RETURNING id",
        "INSERT INTO films (id) VALUES ('c')",
        "SELECT id FROM films WHERE id = $1",
        "SHOW server_version",
        "",
        " ;",
    ] {
        let said = mistake(&server(&database, query));
        assert!(said.contains("\nhint: "), "{query}: {said}");
    }
    database.execute("CREATE FUNCTION eat() RETURNS text LANGUAGE sql AS 'DELETE FROM films RETURNING id'");
    let error = refused(&server(&database, "SELECT eat() AS id")).to_string();
    assert!(error.contains("read-only transaction"), "{error}");
    assert_eq!(database.rows("SELECT count(*) FROM films"), ["2"]);
    for query in
        ["SELECT id FROM films;\n;", "WITH f AS (SELECT * FROM films) SELECT id FROM f", "TABLE films"]
    {
        assert_eq!(read(&server(&database, query)).unwrap().records(), 2, "{query}");
    }
}

#[test]
fn duplicates_samples_and_picked_ids_are_as_of_any_list() {
    let database = postgres_server::database();
    database.execute("CREATE TABLE n AS SELECT i AS id FROM unnest(ARRAY['a','b','a','c']) i");
    let mut job = server(&database, "SELECT id FROM n");
    assert!(mistake(&job).contains("id \"a\" comes twice, in row 1 and row 3\n"));
    job.input.on_duplicate = OnDuplicate::First;
    assert_eq!(read(&job).unwrap().left_out(), 1);
    job.input.on_duplicate = OnDuplicate::Keep;
    let sample = PlanOptions { sample: Some(2), ..options() };
    assert_eq!(read_with(&job, &sample, TINY).unwrap().records(), 2);
    let picked = PlanOptions { ids: Some(vec!["c".into()]), ..options() };
    assert_eq!(ids(&read_with(&job, &picked, TINY).unwrap()), ["c"]);
    let said = mistake(&server(&database, "SELECT id FROM n WHERE false"));
    assert!(said.contains("holds no records"), "{said}");
    let said = mistake(&server(&database, "SELECT 'a' AS id UNION ALL SELECT NULL"));
    assert!(said.contains("row 2: no \"id\""), "{said}");
    let said = mistake(&server(&database, "SELECT repeat('x', 1048577) AS id"));
    assert!(said.contains("column \"id\" is longer than 1 MiB"), "{said}");
}

#[test]
fn the_digest_is_that_of_the_needed_rows_in_any_order() {
    let database = films();
    let query = "SELECT id, year FROM films";
    let mut job = server(&database, query);
    job.input.columns = vec!["year".into()];
    let list = read(&job).unwrap();
    assert_eq!(list.sha256, digest_now(&job));
    assert_eq!(list.source, format!("{}: {query}", database.url()));
    let mut reversed = server(&database, "SELECT year, id, score FROM films ORDER BY id");
    reversed.input.columns = vec!["year".into()];
    assert_eq!(digest_now(&reversed), list.sha256);
    database.execute("UPDATE films SET score = 1, year = 1999 WHERE id = 'b'");
    assert_eq!(digest_now(&job), list.sha256, "columns that are not needed do not count");
    database.execute("UPDATE films SET year = 2000 WHERE id = 'a'");
    assert_ne!(digest_now(&job), list.sha256);
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    let server_of_bytes = postgres_server::shared();
    let database = server_of_bytes.database();
    let name = format!("{}_ascii", database.name);
    database.rows(&format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"));
    let ascii = TestDatabase { server: server_of_bytes, name };
    ascii.execute("CREATE TABLE t AS SELECT E'\\351t\\351' AS id");
    let said = mistake(&server(&ascii, "SELECT id FROM t"));
    assert!(said.contains("invalid byte sequence for encoding \"UTF8\""), "{said}");
}

#[test]
fn a_server_that_is_not_there_or_goes_away_is_the_databases_trouble() {
    let mut own = crate::postgres_server::PostgresServer::start(&[("fsync", "off")]);
    let url = own.url("postgres");
    let ask = |query: &str| job(Database::Server(ServerUrl::parse(&url).unwrap()), query);
    let killed = "SELECT pg_terminate_backend(pg_backend_pid())::text AS id";
    let error = refused(&ask(killed));
    assert_eq!(error.exit(), Exit::Database, "{error}");
    assert!(error.to_string().contains("the connection was lost"), "{error}");
    own.stop_immediately();
    own.launch();
    assert_eq!(read(&ask("SELECT 1 AS id")).unwrap().records(), 1);
    own.stop_fast();
    let error = refused(&ask("SELECT 1 AS id"));
    assert_eq!(error.exit(), Exit::Database, "{error}");
    assert!(error.to_string().contains("hint: is the server running there"), "{error}");
    let now = wait(source_sha256(&ask("SELECT 1 AS id"), &Secrets::default())).unwrap_err();
    assert_eq!(now.exit(), Exit::Database);
}

#[test]
fn a_secret_without_a_value_is_told_before_anybody_is_asked() {
    let url = ServerUrl::parse("postgres://u:${NOT_SET}@127.0.0.1:9/db").unwrap();
    let said = mistake(&job(Database::Server(url), "SELECT 1 AS id"));
    assert!(said.contains("the secret NOT_SET is not set"), "{said}");
}

/// Peak memory, measured by hand: `WINDROW_ROWS=2000000 cargo test --lib -- --ignored --exact --nocapture …`.
#[test]
#[ignore = "a measurement"]
fn memory_is_flat() {
    let database = postgres_server::database();
    let rows = rows_to_measure();
    let query =
        format!("SELECT 'https://example.org/page/' || i AS id, i AS n FROM generate_series(1, {rows}) i");
    measured(&server(&database, &query));
}
