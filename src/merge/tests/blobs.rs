//! Bytes into columns of tables that stand, and into files that are read again; what they do not fit is refused.

use std::fs;

use super::kinds::Kind;
use super::sandbox::{Sandbox, Values, all_ok};
use crate::job::{Destination, Mode, Statement};
use crate::merge::{MergeError, check_destination};
use crate::value::{Field, Type, Value};

/// A run of one round with one endpoint of one column, of bytes.
async fn of(values: Values, records: u64, mode: Mode) -> Sandbox {
    with(Type::Blob, values, records, mode).await
}

async fn with(ty: Type, values: Values, records: u64, mode: Mode) -> Sandbox {
    let column = Field { name: "value".into(), ty };
    let mut sandbox = Sandbox::with(records, vec![("answer", vec![column])], values).await.mode(mode);
    sandbox.add_round(1, &all_ok).await;
    sandbox
}

const BYTES: [&[u8]; 4] = [b"\0\xff\\", b"", b"\xc3\t\n", b"abc"];

fn bytes(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![BYTES.get(ordinal as usize).map_or(Value::Null, |bytes| Value::Blob(bytes.to_vec()))]
}

const HEX: [&str; 5] = ["00ff5c", "", "c3090a", "616263", "~"];

fn hex_of(sandbox: &Sandbox, function: &str) -> Vec<String> {
    sandbox.rows(&format!("SELECT {function} FROM films ORDER BY id"))
}

#[tokio::test]
async fn bytes_go_into_every_column_of_bytes_that_stands() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace] {
        let sandbox = of(bytes, 5, mode).await;
        sandbox.execute("CREATE TABLE films (id TEXT PRIMARY KEY, value BLOB)");
        sandbox.publish().await.unwrap();
        assert_eq!(hex_of(&sandbox, "lower(hex(value))"), HEX, "DuckDB");
        let sandbox = of(bytes, 5, mode).await.on_postgres();
        sandbox.execute("CREATE TABLE films (id TEXT PRIMARY KEY, value bytea)");
        sandbox.publish().await.unwrap();
        assert_eq!(hex_of(&sandbox, "encode(value, 'hex')"), HEX, "PostgreSQL");
        for column in ["blob", "varbinary(3)", "tinyblob", "longblob"] {
            let sandbox = of(bytes, 5, mode).await.on_mariadb();
            sandbox.execute(&format!("CREATE TABLE films (id TEXT PRIMARY KEY, value {column})"));
            sandbox.publish().await.unwrap();
            assert_eq!(hex_of(&sandbox, "lower(hex(value))"), HEX, "{column}");
        }
        for table in ["value BLOB)", "value)", "value BLOB) STRICT", "value ANY) STRICT"] {
            let sandbox = of(bytes, 5, mode).await.on_sqlite();
            sandbox.execute(&format!("CREATE TABLE films (id TEXT PRIMARY KEY, {table}"));
            sandbox.publish().await.unwrap();
            let of_type = "typeof(value) || CASE WHEN value IS NULL THEN '' ELSE lower(hex(value)) END";
            let expected = HEX.map(|hex| if hex == "~" { "null".to_owned() } else { format!("blob{hex}") });
            assert_eq!(hex_of(&sandbox, of_type), expected, "{table}");
        }
    }
}

#[tokio::test]
async fn a_fixed_length_holds_bytes_of_that_length_and_no_others() {
    let full: Values = |_, o, _, _| vec![Value::Blob(vec![o as u8; 3])];
    let sandbox = of(full, 2, Mode::Upsert).await.on_mariadb();
    sandbox.execute("CREATE TABLE films (id TEXT PRIMARY KEY, value binary(3))");
    sandbox.publish().await.unwrap();
    assert_eq!(hex_of(&sandbox, "hex(value)"), ["000000", "010101"]);
    for (mode, column, value, why) in [
        (Mode::Upsert, "binary(3)", "0102", "it has 2 bytes, to which a column of binary(3) adds zeros"),
        (Mode::Append, "binary(3)", "0102", "it has 2 bytes, to which a column of binary(3) adds zeros"),
        (Mode::Append, "binary(1)", "0102", "Data too long for column 'value'"),
        (Mode::Upsert, "varbinary(1)", "0102", "Data too long for column 'value'"),
    ] {
        let short: Values = |_, o, _, _| vec![if o == 0 { Value::Null } else { Value::Blob(vec![1, 2]) }];
        let sandbox = of(short, 2, mode).await.on_mariadb();
        sandbox.execute(&format!(
            "CREATE TABLE films (id TEXT PRIMARY KEY, value {column}); INSERT INTO films (id) VALUES ('tt0001x')"
        ));
        let error = sandbox.publish().await.unwrap_err();
        assert_eq!(refused(&error), format!("1 tt0001 value={value}: {why}"), "{column}: {error}");
        assert_eq!(sandbox.rows("SELECT id FROM films"), ["tt0001x"]);
    }
}

/// The one row that an error is about.
fn refused(error: &MergeError) -> String {
    let MergeError::Rows { rows, all: Some(1), .. } = error else { panic!("{error}") };
    let values: Vec<String> = rows[0]
        .values
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("~")))
        .collect();
    format!("{} {} {}: {}", rows[0].record, rows[0].id, values.join(" "), rows[0].why)
}

#[tokio::test]
async fn bytes_that_a_condition_refuses_are_named_in_hexadecimal_digits() {
    let table = |condition: &str| format!("CREATE TABLE films (id TEXT PRIMARY KEY, value {condition})");
    for (sandbox, table) in [
        (
            of(bytes, 5, Mode::Append).await,
            table("BLOB CHECK (octet_length(value) < 3 OR value < 'x'::BLOB)"),
        ),
        (of(bytes, 5, Mode::Append).await.on_postgres(), table("bytea CHECK (value < '\\xc0')")),
        (of(bytes, 5, Mode::Append).await.on_mariadb(), table("blob CHECK (hex(value) < 'C')")),
        (of(bytes, 5, Mode::Append).await.on_sqlite(), table("BLOB CHECK (hex(value) < 'C')")),
    ] {
        sandbox.execute(&table);
        let error = sandbox.publish().await.unwrap_err();
        let said = refused(&error);
        assert!(said.starts_with("2 tt0002 value=c3090a: "), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_column_of_bytes_is_refused_before_the_first_request() {
    let take_blob = "type = \"blob\", whose format is \"base64\" or \"hex\"";
    let sandboxes = |ty| async move {
        let new = || with(ty, bytes, 1, Mode::Append);
        [new().await, new().await.on_postgres(), new().await.on_mariadb(), new().await.on_sqlite()]
    };
    let of_bytes = ["BLOB", "bytea", "varbinary(9)", "BLOB) STRICT; CREATE TABLE other (a"];
    for (sandbox, column) in sandboxes(Type::Text).await.iter().zip(of_bytes) {
        sandbox.execute(&format!("CREATE TABLE films (id TEXT, value {column})"));
        let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
        assert!(error.contains("there, text in the job") && error.contains(take_blob), "{column}: {error}");
    }
    let of_text = ["VARCHAR", "text", "longtext", "TEXT"];
    for (sandbox, column) in sandboxes(Type::Blob).await.iter().zip(of_text) {
        sandbox.execute(&format!("CREATE TABLE films (id TEXT, value {column})"));
        let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
        assert!(error.contains("there, blob in the job"), "{column}: {error}");
    }
    for mut sandbox in sandboxes(Type::Blob).await {
        sandbox.job.table.key = vec!["value".into()];
        let error = sandbox.publish().await.unwrap_err().to_string();
        assert!(error.contains("key column \"value\" is blob: keep it as text"), "{error}");
    }
}

/// Files are read again, and so are chunks of CSV: an upsert keeps what stands there, byte by byte.
#[tokio::test]
async fn files_and_chunks_keep_bytes_as_they_are() {
    for kind in [Kind::Csv, Kind::Parquet] {
        let column = Field { name: "value".into(), ty: Type::Blob };
        let sandbox = Sandbox::with(5, vec![("answer", vec![column])], bytes).await.csv().await;
        let mut sandbox = sandbox.mode(Mode::Upsert).into_kind(kind);
        sandbox.add_round(1, &all_ok).await;
        match kind {
            Kind::Csv => fs::write(sandbox.file(), "id,value\nold,00C309\nno,\nnone,\"\"\n").unwrap(),
            _ => sandbox.execute(
                "CREATE TABLE films (id TEXT, value BLOB);
                 INSERT INTO films VALUES ('old', unhex('00c309')), ('no', NULL), ('none', '')",
            ),
        }
        sandbox.publish().await.unwrap();
        if kind == Kind::Csv {
            let stood = "id,value\nold,00c309\nno,\nnone,\"\"\n";
            let came = "tt0000,00ff5c\ntt0001,\"\"\ntt0002,c3090a\ntt0003,616263\ntt0004,\n";
            assert_eq!(fs::read_to_string(sandbox.file()).unwrap(), format!("{stood}{came}"));
        } else {
            let stood = ["~", "", "00c309"].map(str::to_owned).to_vec();
            assert_eq!(
                hex_of(&sandbox, "lower(hex(value))"),
                [stood, HEX.map(str::to_owned).to_vec()].concat()
            );
        }
    }
    let sandbox = of(bytes, 1, Mode::Upsert).await.into_kind(Kind::Csv);
    fs::write(sandbox.file(), "id,value\nold,0g\n").unwrap();
    let error = sandbox.publish().await.unwrap_err().to_string();
    assert!(
        error.contains("hex digit: g") && error.contains("nothing was published; correct the file"),
        "{error}"
    );
}

/// What the job's statements see are the bytes, and no way that they come by: LOAD DATA or INSERTs.
#[tokio::test]
async fn statements_of_the_job_see_bytes_in_mariadb() {
    let server = crate::mariadb_server::MariaDbServer::start(&["--local-infile=0"]);
    for database in [Some(server.database().name), None] {
        let mut sandbox = of(bytes, 5, Mode::Append).await.on_mariadb();
        if let Some(name) = &database {
            let url = crate::job::ServerUrl::parse(&server.url(name)).unwrap();
            sandbox.job.table.to = Destination::Server(url);
        }
        let sql = "UPDATE windrow_rows SET value = CONCAT(value, x'00e9') WHERE length(value) = 3";
        sandbox.job.before = vec![Statement { sql: sql.into(), file: None, key: Vec::new() }];
        sandbox.publish().await.unwrap();
        let select = "SELECT hex(value) FROM films ORDER BY id";
        let rows = match &database {
            Some(name) => server.rows(name, select),
            None => sandbox.rows(select),
        };
        assert_eq!(rows, ["00FF5C00E9", "", "C3090A00E9", "61626300E9", "~"]);
    }
}

/// More than the server takes in a packet: bytes come in lines, which no packet bounds.
#[tokio::test]
async fn bytes_beyond_a_packet_of_the_server_are_whole() {
    let server = crate::mariadb_server::MariaDbServer::start(&["--max-allowed-packet=1M"]);
    let name = server.database().name;
    let large: Values = |_, o, _, _| vec![Value::Blob(vec![0x80 | o as u8; 5_000_000])];
    let mut sandbox = of(large, 2, Mode::Append).await;
    let url = crate::job::ServerUrl::parse(&server.url(&name)).unwrap();
    sandbox.job.table.to = Destination::Server(url);
    sandbox.publish().await.unwrap();
    let rows = server.rows(&name, "SELECT length(value), hex(left(value, 1)) FROM films ORDER BY id");
    assert_eq!(rows, ["5000000|80", "5000000|81"]);
}
