//! What is looked over before the first request.

use super::super::engines::statement;
use super::super::sandbox::Sandbox;
use super::run_of;
use crate::job::{Destination, Mode, ServerUrl, Stamp};
use crate::postgres_server;

async fn sandbox(mode: Mode) -> Sandbox {
    Sandbox::new(1).await.mode(mode).on_postgres()
}

#[tokio::test]
async fn columns_that_differ_in_capitals_are_two_there_or_refused() {
    let mut sandbox = sandbox(Mode::Append).await;
    sandbox.job.table.stamp = vec![("Title".into(), Stamp::RunId)];
    assert_eq!(sandbox.checked().await, "fits");
    let columns = "id text, title text, votes bigint, budget integer, facts json";
    sandbox.execute(&format!("CREATE TABLE films ({columns})"));
    let said = sandbox.checked().await;
    assert!(said.contains("columns \"title\" and \"Title\" would both be its column \"title\""), "{said}");
    sandbox.execute("ALTER TABLE films ADD COLUMN \"Title\" text");
    assert_eq!(sandbox.checked().await, "fits");
}

#[tokio::test]
async fn a_narrower_number_a_view_and_runs_without_a_key_do_not_fit() {
    let sandbox = sandbox(Mode::Append).await;
    let columns = "id varchar(9), title text, votes numeric(18), budget numeric(10), facts json";
    sandbox.execute(&format!("CREATE TABLE films ({columns})"));
    assert!(sandbox.checked().await.contains("column \"votes\" is numeric(18,0) there, bigint in the job"));
    sandbox.execute("ALTER TABLE films ALTER votes TYPE numeric(19)");
    assert_eq!(sandbox.checked().await, "fits");
    sandbox.publish().await.unwrap_err();
    sandbox.execute("ALTER TABLE films RENAME TO others; CREATE VIEW films AS SELECT * FROM others");
    assert!(sandbox.checked().await.contains("it is a view"));
    sandbox.execute(
        "DROP VIEW films; CREATE TABLE windrow_runs (run_id text, rounds integer, job text, table_name text,
             digest text, \"rows\" bigint, published_at timestamptz, on_failure text, blocks text, rejected text, jobs bigint)",
    );
    assert!(sandbox.checked().await.contains("it lacks its key: PRIMARY KEY (run_id, table_name, rounds)"));
    sandbox.execute("ALTER TABLE windrow_runs ADD PRIMARY KEY (run_id, table_name, rounds)");
    assert_eq!(sandbox.checked().await, "fits");
}

#[tokio::test]
async fn rights_on_the_filled_columns_suffice_and_a_key_spares_delete() {
    let by_hand =
        "CREATE TABLE films (id text PRIMARY KEY, title text, votes bigint, budget integer, facts json)";
    let mut sandbox = run_of(2, Mode::Upsert).await;
    sandbox.execute(by_hand);
    let user = sandbox.as_new_user();
    sandbox.execute(&format!(
        "GRANT SELECT, INSERT (id, title, votes, budget, facts), UPDATE ON films TO {user};
         GRANT CREATE ON SCHEMA public TO {user}"
    ));
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    sandbox.execute(&format!("REVOKE INSERT (facts) ON films FROM {user}"));
    assert!(sandbox.checked().await.contains("may not INSERT there"));
}

/// Where the runs are noted nothing is ever deleted: not even a claim that a statement has committed too early.
#[tokio::test]
async fn in_the_table_of_runs_three_rights_suffice() {
    let mut sandbox = run_of(2, Mode::Append).await;
    sandbox.job.before = vec![statement("COMMIT")];
    sandbox.publish().await.unwrap_err();
    assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["-1"]);
    sandbox.job.before = Vec::new();
    let user = sandbox.as_new_user();
    sandbox.execute(&format!("GRANT SELECT, INSERT ON films TO {user}"));
    let said = sandbox.checked().await;
    for right in ["SELECT", "INSERT", "UPDATE"] {
        let told = format!("windrow_runs, which is to note the runs: this user may not {right} there");
        assert!(said.contains(&told), "{said}");
    }
    sandbox.execute(&format!("GRANT SELECT, INSERT, UPDATE ON windrow_runs TO {user}"));
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["2"]);
}

#[tokio::test]
async fn a_table_or_schema_that_may_not_be_made_and_hidden_rows_are_told() {
    let mut sandbox = sandbox(Mode::Append).await;
    let user = sandbox.as_new_user();
    let said = sandbox.checked().await;
    assert!(said.contains("it is not there, and this user may not make a table in that schema"), "{said}");
    sandbox.job.table.name = "other.films".into();
    let said = sandbox.checked().await;
    assert!(said.contains("may not make its schema (GRANT CREATE ON DATABASE)"), "{said}");
    sandbox.job.table.name = "films".into();
    sandbox.execute(&format!(
        "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json);
         GRANT ALL ON films TO {user}; GRANT CREATE ON SCHEMA public TO {user};
         ALTER TABLE films ENABLE ROW LEVEL SECURITY"
    ));
    assert!(sandbox.checked().await.contains("row security hides rows"));
}

#[tokio::test]
async fn a_database_that_is_not_utf8_is_told() {
    let mut sandbox = sandbox(Mode::Append).await;
    let server = postgres_server::shared();
    let name = format!("{}_ascii", sandbox.postgres().name);
    sandbox.postgres().rows(&format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&server.url(&name)).unwrap());
    assert!(sandbox.checked().await.contains("the encoding SQL_ASCII, not UTF8"));
}

#[tokio::test]
async fn names_are_found_as_written_or_in_lower_case() {
    let columns = "id text, title text, votes bigint, budget integer, facts json";
    let mut sandbox = run_of(2, Mode::Append).await;
    sandbox.job.table.name = "Films".into();
    sandbox.execute(&format!("CREATE TABLE films ({columns})"));
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["2"]);
    assert_eq!(sandbox.rows("SELECT table_name FROM windrow_runs"), ["public.films"]);
    let mut sandbox = run_of(2, Mode::Append).await;
    sandbox.job.table.name = "Films".into();
    sandbox.execute(&format!("CREATE TABLE \"Films\" ({columns}); CREATE TABLE films ({columns})"));
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM \"Films\""), ["2"]);
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_made_for_the_table_and_for_the_runs() {
    let mut sandbox = run_of(2, Mode::Upsert).await;
    sandbox.job.table.name = "cinema.films".into();
    sandbox.job.table.runs_table = Some("audit.runs".into());
    assert_eq!(sandbox.checked().await, "fits");
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM cinema.films"), ["2"]);
    assert_eq!(sandbox.rows("SELECT table_name, \"rows\" FROM audit.runs"), ["cinema.films|2"]);
    assert_eq!(
        sandbox.rows("SELECT to_regclass('windrow_runs'), to_regclass('cinema.windrow_runs')"),
        ["~|~"]
    );
    assert!(sandbox.publish().await.unwrap().already);
    let shown = crate::merge::ddl(&sandbox.job, &sandbox.plan).unwrap();
    let columns = "\"id\" text,\n    \"title\" text,\n    \"votes\" bigint,\n    \"budget\" integer,\n    \"facts\" json";
    let made = format!("CREATE TABLE \"cinema\".\"films\" (\n    {columns},\n    PRIMARY KEY (\"id\")\n);");
    assert_eq!(shown, made);
    // A key makes the next upsert quick, and is the table's own promise.
    let key = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'cinema'";
    assert!(sandbox.rows(key)[0].ends_with("UNIQUE INDEX films_pkey ON cinema.films USING btree (id)"));
}

#[tokio::test]
async fn a_socket_leads_to_the_server_too() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let (server, name) = (postgres_server::shared(), &sandbox.postgres().name);
    let folder = server.data().parent().unwrap().display().to_string();
    let url = format!("postgres:///{name}?host={folder}&port={}&user=postgres", server.port);
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
}

#[tokio::test]
async fn a_search_path_without_a_schema_is_told_before_the_first_request() {
    for search_path in ["", "nowhere"] {
        let mut sandbox = super::run_of(5, Mode::Upsert).await;
        let user = sandbox.as_new_user();
        sandbox.execute(&format!(
            "ALTER ROLE {user} SET search_path = '{search_path}'; GRANT ALL ON SCHEMA public TO {user}"
        ));
        let said = sandbox.checked().await;
        let shown = if search_path.is_empty() { "\"\"" } else { search_path };
        assert!(
            said.contains(&format!("it is not found, and search_path = {shown} has no schema")),
            "{said}"
        );
        assert!(said.contains("such as name = \"public.films\""), "{said}");
        assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
        sandbox.job.table.name = "public.films".into();
        for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds, Mode::Append] {
            let mut again = Sandbox::of_one_round(5, &super::super::sandbox::all_ok).await.mode(mode);
            again.job.table.to = sandbox.job.table.to.clone();
            again.job.table.name = "public.films".into();
            again.server = sandbox.server.take();
            assert_eq!(again.checked().await, "fits");
            assert_eq!(again.publish().await.unwrap().rows, 5, "{mode:?}");
            sandbox.server = again.server.take();
            sandbox.execute("DELETE FROM public.windrow_runs; ALTER TABLE public.films DROP CONSTRAINT IF EXISTS films_pkey");
        }
        assert_eq!(sandbox.rows("SELECT count(*) FROM public.films"), ["10"]);
    }
}
