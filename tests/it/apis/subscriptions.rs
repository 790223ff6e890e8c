//! The subscriptions job: purchases out of MariaDB, statuses back into it, and reports (`schemas/subscriptions.*`).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::mariadb_server::{self, TestDatabase};
use crate::support::{Origin, Sandbox};

/// The tokens that the store does not know, of those that `schemas/subscriptions.sql` has.
const STATES: [&str; 5] = ["active", "cancelled", "pending", "trial", "unknown"];

/// The job's file and its tables.
fn stage(sandbox: &Sandbox, origin: &Origin) -> TestDatabase<'static> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let read = |name: &str| std::fs::read_to_string(schemas.join(name)).unwrap();
    let database = mariadb_server::database();
    database.execute(&read("subscriptions.sql"));
    sandbox.write("store.env", "STORE_CLIENT_SECRET=shop-secret\nSTORE_REFRESH_TOKEN=shop-refresh\n");
    let job = read("subscriptions.toml").replace("http://127.0.0.1:8477", &origin.url());
    sandbox.write("schemas/subscriptions.toml", job.replace("mysql://localhost/shop", &database.url()));
    database
}

/// A purchase: its token, product and user.
struct Purchase {
    token: String,
    product: String,
    user: String,
}

fn purchases(database: &TestDatabase<'_>) -> Vec<Purchase> {
    let rows = database.rows("SELECT token, product, user_id FROM purchases ORDER BY id");
    let purchase = |row: &String| {
        let [token, product, user] =
            row.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        Purchase { token, product, user }
    };
    rows.iter().map(purchase).collect()
}

/// A moment as MariaDB prints it, of milliseconds since 1970 as a text.
fn moment(millis: &Value) -> String {
    let millis: i64 = millis.as_str().unwrap().parse().unwrap();
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap();
    moment.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// What the table says of a document, worked out anew: `state|started_at|expires_at|auto_renewing|cancel_reason`.
fn status(document: &Value) -> String {
    let reason = |reason: &Value| match reason.as_u64() {
        None => "~",
        Some(0) => "user",
        Some(1) => "billing",
        Some(3) => "developer",
        Some(other) => panic!("{other}"),
    };
    let state = match (document["cancelReason"].as_u64(), document["paymentState"].as_u64()) {
        (Some(_), _) => "cancelled",
        (None, Some(0)) => "pending",
        (None, Some(2)) => "trial",
        (None, _) => "active",
    };
    let renews = u8::from(document["autoRenewing"].as_bool().unwrap());
    let [start, end] = ["startTimeMillis", "expiryTimeMillis"].map(|name| moment(&document[name]));
    format!("{state}|{start}|{end}|{renews}|{}", reason(&document["cancelReason"]))
}

const UNKNOWN: &str = "unknown|~|~|~|~";

/// The statuses by token after a round, given those of the round before.
fn expected(
    origin: &Origin,
    purchases: &[Purchase],
    round: u64,
    before: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let of = |purchase: &Purchase| {
        let document =
            origin.truth(&format!("subscriptions/{}/{}?at={round}", purchase.product, purchase.token));
        let status = match (document, before.get(&purchase.token)) {
            (Value::Null, Some(known)) => known.clone(),
            (Value::Null, None) => UNKNOWN.to_owned(),
            (document, _) => status(&document),
        };
        (purchase.token.clone(), status)
    };
    purchases.iter().map(of).collect()
}

/// The report, worked out from the purchases and their statuses.
fn report(
    database: &TestDatabase<'_>,
    purchases: &[Purchase],
    statuses: &BTreeMap<String, String>,
) -> String {
    let products = ["weekly", "monthly", "yearly"];
    let counts = products.map(|product| format!("{product}_attempts,{product}_cancellations")).join(",");
    let mut text = format!("user_id,country,registered_at,credits,{counts}\n");
    let users =
        database.rows("SELECT id, IFNULL(country, 'none'), registered_at, credits FROM users ORDER BY id");
    for user in users {
        let [id, country, registered, credits] =
            user.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        let country = if country.is_empty() { "\"\"".to_owned() } else { country.replace("none", "") };
        text += &format!("{id},{country},{registered},{credits}");
        for product in products {
            let own: Vec<&Purchase> =
                purchases.iter().filter(|one| one.user == id && one.product == product).collect();
            let cancelled = own.iter().filter(|one| statuses[&one.token].starts_with("cancelled|")).count();
            text += &format!(",{},{cancelled}", own.len());
        }
        text.push('\n');
    }
    text
}

fn statuses(database: &TestDatabase<'_>) -> BTreeMap<String, String> {
    let rows = database
        .rows("SELECT token, state, started_at, expires_at, auto_renewing, cancel_reason FROM subscriptions");
    let pair =
        |row: &String| row.split_once('|').map(|(token, rest)| (token.to_owned(), rest.to_owned())).unwrap();
    rows.iter().map(pair).collect()
}

#[test]
fn each_status_is_the_stores_and_the_report_counts_them_round_after_round() {
    let (sandbox, origin) =
        (Sandbox::new(), Origin::start(&["--token-needed", "--token-rotates", "--token-ms", "2000"]));
    let database = stage(&sandbox, &origin);
    let purchases = purchases(&database);
    let mut known = BTreeMap::new();
    let serials = "SELECT token, id, first_checked_at FROM subscriptions ORDER BY token";
    let mut before = Vec::new();
    for round in [0, 1, 3] {
        origin.knobs(&format!(r#"{{"subscriptions_round": {round}}}"#));
        sandbox.run(["run", "schemas/subscriptions.toml", "--env-file", "store.env"]).with_code(0);
        let now = expected(&origin, &purchases, round, &known);
        assert_eq!(statuses(&database), now, "round {round}");
        assert_ne!(now, known, "round {round} changes something");
        assert_eq!(database.rows("SELECT count(*), count(DISTINCT token) FROM subscriptions"), ["600|600"]);
        let text = std::fs::read_to_string(sandbox.path().join("subscriptions_by_user.csv")).unwrap();
        assert_eq!(text, report(&database, &purchases, &now), "round {round}");
        let serials = database.rows(serials);
        assert!(round == 0 || serials == before, "an upsert keeps serial numbers and defaults");
        (known, before) = (now, serials);
    }
    let states: Vec<String> = database.rows("SELECT DISTINCT state FROM subscriptions ORDER BY 1");
    assert_eq!(states, STATES, "the sample has all of them");
}

#[test]
fn the_parquet_report_has_types_and_the_tables_rows() {
    let (sandbox, origin) =
        (Sandbox::new(), Origin::start(&["--token-needed", "--token-rotates", "--token-ms", "2000"]));
    let database = stage(&sandbox, &origin);
    sandbox.run(["run", "schemas/subscriptions.toml", "--env-file", "store.env"]).with_code(0);
    // `print` makes a decimal and a moment of it as Python does.
    let script = "import pyarrow.parquet as parquet, sys\n\
         table = parquet.read_table(sys.argv[1])\n\
         print(*(f'{field.name} {field.type}' for field in table.schema), sep=', ')\n\
         for row in table.to_pylist():\n    \
             print(*('~' if value is None else value for value in row.values()), sep='|')\n";
    let file = sandbox.path().join("subscriptions.parquet");
    let python = std::process::Command::new("python3").args(["-c", script]).arg(file).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let text = String::from_utf8(python.stdout).unwrap();
    let (columns, rows) = text.split_once('\n').unwrap();
    assert_eq!(
        columns,
        "token string_view, product string_view, user_id int32, country string_view, credits decimal128(9, 2), \
         state string_view, expires_at timestamp[us, tz=UTC], cancel_reason string_view"
    );
    let expected = database.rows(
        "SELECT purchases.token, product, user_id, country, credits, state, \
         CONCAT(IF(MICROSECOND(expires_at) = 0, DATE_FORMAT(expires_at, '%Y-%m-%d %H:%i:%s'), expires_at), '+00:00'), \
         cancel_reason FROM purchases JOIN users ON users.id = user_id \
         JOIN subscriptions ON subscriptions.token = purchases.token ORDER BY purchases.id",
    );
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);
}
