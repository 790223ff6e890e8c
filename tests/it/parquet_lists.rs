//! Parquet lists as pyarrow and pandas write them: every type, whatever the pages.

use std::process::Command;

use crate::support::{Sandbox, ended};

const WRITE: &str = r#"
import datetime, decimal, sys
import numpy, pandas, pyarrow as pa, pyarrow.parquet as pq
D = decimal.Decimal
columns = {
    "id": pa.array(["a", "b", "c"]).dictionary_encode(),
    "code": pa.array([7, None, 300], pa.int16()).dictionary_encode(),
    "i8": pa.array([-128, None, 127], pa.int8()),
    "i16": pa.array([-32768, None, 5], pa.int16()),
    "u8": pa.array([255, None, 1], pa.uint8()),
    "u16": pa.array([65535, None, 1], pa.uint16()),
    "u32": pa.array([4294967295, None, 1], pa.uint32()),
    "u64": pa.array([18446744073709551615, None, 1], pa.uint64()),
    "f16": pa.array(numpy.array([1.5, -0.25, 65504], dtype=numpy.float16)),
    "f32": pa.array([0.5, None, float("nan")], pa.float32()),
    "f64": pa.array([0.1, float("inf"), None], pa.float64()),
    "nothing": pa.nulls(3),
    "list": pa.array([[1, None, 3], None, []], pa.list_(pa.int64())),
    "texts": pa.array([['a"b', "é\n"], [None], [""]], pa.list_(pa.large_string())),
    "struct": pa.array([{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}],
                       pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())]))])),
    "deep": pa.array([[{"k": D("1.25"), "u": 18446744073709551615}], [], None],
                     pa.list_(pa.struct([("k", pa.decimal128(38, 2)), ("u", pa.uint64())]))),
    "map": pa.array([[("k", 1), ("l", None)], [], None], pa.map_(pa.string(), pa.int64())),
    "money": pa.array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)),
    "wide": pa.array([D("12345678901234567890123456789012345678"), None, D("-1")], pa.decimal128(38, 0)),
    "bytes": pa.array(["é".encode(), None, b""]),
    "fixed": pa.array([b"abcd", None, b"efgh"], pa.binary(4)),
    "large": pa.array(["L", None, ""], pa.large_string()),
    "view": pa.array(["a text of more than twelve bytes", None, ""], pa.string_view()),
    "ns": pa.array([1_000, None, 1_700_000_000_000_000_000], pa.timestamp("ns")),
    "zoned": pa.array([1_000, None, -1], pa.timestamp("ms", tz="Europe/Berlin")),
    "seconds": pa.array([1_000, None, 1_700_000_000], pa.timestamp("s")),
    "day": pa.array([1, None, 19000], pa.date32()),
    "day64": pa.array([86400000, None, 0], pa.date64()),
    "time": pa.array([1, None, 86399000000], pa.time64("us")),
    "flag": pa.array([True, None, False]),
}
table = pa.table(columns)
if sys.argv[1] == "plain":
    pq.write_table(table, "list.parquet")
elif sys.argv[1] == "small pages":
    pq.write_table(table, "list.parquet", data_page_version="2.0", data_page_size=1, use_dictionary=False,
                   compression="zstd", row_group_size=1, write_statistics=False)
elif sys.argv[1] == "null pages":
    # Pages of nothing but null among others, in a flat and in a nested column.
    count = 50_000
    keep = lambda at: at // 5_000 % 2 == 0
    pq.write_table(pa.table({
        "id": pa.array(range(count), pa.int64()),
        "n": pa.array([at if keep(at) else None for at in range(count)], pa.int64()),
        "l": pa.array([[at, None] if keep(at) else None for at in range(count)], pa.list_(pa.int64())),
    }), "list.parquet", data_page_size=1024, row_group_size=20_000)
elif sys.argv[1] == "refused":
    pq.write_table(pa.table({"id": ["a"], "big": pa.array([D("1.5")], pa.decimal256(50, 2)),
        "nested": pa.array([{"x": D("1.5")}], pa.struct([("x", pa.decimal256(50, 2))])),
        "raw": pa.array([b"\xff"]), "nan": pa.array([[float("nan")]], pa.list_(pa.float64()))}), "list.parquet")
elif sys.argv[1].startswith("moments"):
    # As Spark writes timestamps (INT96), and as pandas writes those with a zone.
    whole = [1_700_000_000_123_456_000, None, -1_000] + [0] * 70_000
    fine = whole[:-1] + [1_700_000_000_123_456_789]
    zoned = pa.timestamp("ns", tz="Europe/Berlin")
    pq.write_table(pa.table({"id": pa.array(range(len(whole))), "whole": pa.array(whole, zoned),
        "fine": pa.array(fine, zoned), "nested": pa.array([[at] for at in whole], pa.list_(zoned)),
        "micros": pa.array([1_700_000_000_123_456] * len(whole), pa.timestamp("us")),
        "far": pa.array([datetime.datetime(9999, 12, 31)] * len(whole), pa.timestamp("us")),
    }), "list.parquet", use_deprecated_int96_timestamps="INT96" in sys.argv[1], row_group_size=30_000,
        store_schema="Spark" not in sys.argv[1])
elif sys.argv[1] == "twice":
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["id", "id"]), "list.parquet")
else:
    frame = pandas.DataFrame({"id": ["a", "b"], "n": [1.0, None], "c": pandas.Categorical(["x", None])})
    frame.to_parquet("list.parquet", index=False)
"#;

fn write(sandbox: &Sandbox, what: &str) {
    let mut python = Command::new("python3");
    python.arg("-c").arg(WRITE).arg(what).current_dir(sandbox.path());
    ended(python).with_code(0);
}

/// Plans a run of the list, which keeps these columns.
fn plan(sandbox: &Sandbox, keep: &[&str]) -> crate::support::Ended {
    let job = format!(
        "[input]\nfile = \"list.parquet\"\nid = \"id\"\ncolumns = {keep:?}\n[[endpoint]]\nname = \"one\"\n\
         url = \"http://127.0.0.1:9/{{id}}\"\ncolumns = {{ x = \".x\" }}\n[table]\nto = \"duckdb:t.duckdb\"\n\
         name = \"t\"\nmode = \"append\"\n[job]\nname = \"kept\"\n"
    );
    sandbox.write("kept.toml", job);
    sandbox.run(["plan", "kept.toml"])
}

const KEPT: [(&str, &str, [Option<&str>; 3]); 29] = [
    ("code", "INTEGER", [Some("7"), None, Some("300")]),
    ("i8", "INTEGER", [Some("-128"), None, Some("127")]),
    ("i16", "INTEGER", [Some("-32768"), None, Some("5")]),
    ("u8", "INTEGER", [Some("255"), None, Some("1")]),
    ("u16", "INTEGER", [Some("65535"), None, Some("1")]),
    ("u32", "BIGINT", [Some("4294967295"), None, Some("1")]),
    ("u64", "DECIMAL(20,0)", [Some("18446744073709551615"), None, Some("1")]),
    ("f16", "DOUBLE", [Some("1.5"), Some("-0.25"), Some("65504.0")]),
    ("f32", "DOUBLE", [Some("0.5"), None, Some("nan")]),
    ("f64", "DOUBLE", [Some("0.1"), Some("inf"), None]),
    ("nothing", "VARCHAR", [None, None, None]),
    ("list", "JSON", [Some("[1,null,3]"), None, Some("[]")]),
    ("texts", "JSON", [Some(r#"["a\"b","é\n"]"#), Some("[null]"), Some(r#"[""]"#)]),
    ("struct", "JSON", [Some(r#"{"a":1,"b":{"c":"x"}}"#), None, Some(r#"{"a":null,"b":null}"#)]),
    ("deep", "JSON", [Some(r#"[{"k":1.25,"u":18446744073709551615}]"#), Some("[]"), None]),
    ("map", "JSON", [Some(r#"{"k":1,"l":null}"#), Some("{}"), None]),
    ("money", "DECIMAL(10,2)", [Some("1.50"), None, Some("-99999999.99")]),
    ("wide", "DECIMAL(38,0)", [Some("12345678901234567890123456789012345678"), None, Some("-1")]),
    ("bytes", "VARCHAR", [Some("é"), None, Some("")]),
    ("fixed", "VARCHAR", [Some("abcd"), None, Some("efgh")]),
    ("large", "VARCHAR", [Some("L"), None, Some("")]),
    ("view", "VARCHAR", [Some("a text of more than twelve bytes"), None, Some("")]),
    ("ns", "TIMESTAMP", [Some("1970-01-01 00:00:00.000001"), None, Some("2023-11-14 22:13:20")]),
    ("zoned", "TIMESTAMP", [Some("1970-01-01 00:00:01"), None, Some("1969-12-31 23:59:59.999")]),
    ("seconds", "TIMESTAMP", [Some("1970-01-01 00:16:40"), None, Some("2023-11-14 22:13:20")]),
    ("day", "DATE", [Some("1970-01-02"), None, Some("2022-01-08")]),
    ("day64", "DATE", [Some("1970-01-02"), None, Some("1970-01-01")]),
    ("time", "VARCHAR", [Some("00:00:00.000001"), None, Some("23:59:59")]),
    ("flag", "BOOLEAN", [Some("true"), None, Some("false")]),
];

#[test]
fn every_type_of_a_parquet_list_is_carried() {
    for what in ["plain", "small pages"] {
        let sandbox = Sandbox::new();
        write(&sandbox, what);
        let names: Vec<&str> = KEPT.iter().map(|(name, ..)| *name).collect();
        plan(&sandbox, &names).with_code(0);
        for (name, ty, values) in KEPT {
            let sql =
                format!("SELECT typeof({name:?}) AS t, {name:?}::VARCHAR AS v FROM input ORDER BY ordinal");
            let ended = sandbox.run(["query", "kept", &sql, "--format", "json"]).with_code(0);
            let rows: Vec<serde_json::Value> = serde_json::from_str(&ended.stdout).unwrap();
            let expected: Vec<serde_json::Value> =
                values.iter().map(|value| serde_json::json!({ "t": ty, "v": value })).collect();
            assert_eq!(rows, expected, "{what}: {name}");
        }
    }
}

#[test]
fn pages_of_nulls_keep_their_place() {
    let sandbox = Sandbox::new();
    write(&sandbox, "null pages");
    plan(&sandbox, &["n", "l"]).with_code(0);
    let wrong = "SELECT count(*), count(*) FILTER (id <> ordinal), count(n), count(l),
        count(*) FILTER (n IS DISTINCT FROM CASE WHEN id // 5000 % 2 = 0 THEN id END),
        count(*) FILTER (l IS DISTINCT FROM CASE WHEN id // 5000 % 2 = 0 THEN '[' || id || ',null]' END) FROM input";
    assert_eq!(sandbox.query("kept", wrong), ["50000,0,25000,25000,0,0"]);
}

#[test]
fn what_no_type_holds_is_refused_with_its_column() {
    let sandbox = Sandbox::new();
    write(&sandbox, "refused");
    plan(&sandbox, &[]).with_code(0);
    for (column, says) in [
        ("big", "column \"big\": DOUBLE cannot be carried\nhint: cast it to a decimal of at most 38 digits"),
        ("nested", "column \"nested\": STRUCT(x DOUBLE) cannot be carried\nhint: cast it to a decimal"),
        ("raw", "not valid UTF8"),
        ("nan", "row 1, column \"nan\": \"[NaN]\" is not json"),
    ] {
        plan(&sandbox, &[column]).with_code(2).saying(says).saying("hint: ");
    }
    write(&sandbox, "twice");
    plan(&sandbox, &[]).with_code(2).saying("more than one column \"id\"");
}

#[test]
fn what_is_finer_than_a_microsecond_is_cut_off() {
    for what in ["moments", "moments in INT96", "moments in INT96 as of Spark"] {
        let sandbox = Sandbox::new();
        write(&sandbox, what);
        plan(&sandbox, &["whole", "micros", "fine", "nested"]).with_code(0);
        let micros = "SELECT DISTINCT micros FROM input";
        assert_eq!(sandbox.query("kept", micros), ["2023-11-14 22:13:20.123456Z"], "{what}");
        let sql = "SELECT whole FROM input ORDER BY ordinal LIMIT 3";
        assert_eq!(
            sandbox.query("kept", sql),
            ["2023-11-14 22:13:20.123456Z", "\"\"", "1969-12-31 23:59:59.999999Z"]
        );
        let fine = sandbox.query("kept", "SELECT fine FROM input WHERE ordinal = 70002");
        assert_eq!(fine, ["2023-11-14 22:13:20.123456Z"], "{what}");
    }
    for what in ["moments in INT96", "moments in INT96 as of Spark"] {
        let sandbox = Sandbox::new();
        write(&sandbox, what);
        plan(&sandbox, &["far"]).with_code(0);
        assert_eq!(
            sandbox.query("kept", "SELECT DISTINCT far FROM input"),
            ["9999-12-31 00:00:00Z"],
            "{what}"
        );
    }
}

#[test]
fn a_frame_of_pandas_is_a_list() {
    let sandbox = Sandbox::new();
    write(&sandbox, "pandas");
    plan(&sandbox, &["n", "c"]).with_code(0);
    assert_eq!(sandbox.query("kept", "SELECT id, n, c FROM input ORDER BY ordinal"), ["a,1.0,x", "b,,"]);
}
