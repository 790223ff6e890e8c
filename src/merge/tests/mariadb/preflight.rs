//! What is looked over before the first request.

use super::super::sandbox::Sandbox;
use super::run_of;
use crate::job::{Destination, Mode, ServerUrl};
use crate::mariadb_server;

async fn sandbox(mode: Mode) -> Sandbox {
    Sandbox::new(1).await.mode(mode).on_mariadb()
}

const COLUMNS: &str = "id varchar(20), title text, votes bigint, budget int, facts json";

#[tokio::test]
async fn engines_that_cannot_undo_views_and_a_missing_key_are_told() {
    let sandbox = sandbox(Mode::Upsert).await;
    sandbox.execute(&format!("CREATE TABLE films ({COLUMNS}) ENGINE=MyISAM CHARACTER SET utf8mb4"));
    assert!(sandbox.checked().await.contains("it is no InnoDB table"));
    sandbox.execute("ALTER TABLE films ENGINE=InnoDB");
    let said = sandbox.checked().await;
    assert!(said.contains("an upsert needs a unique index on its key: CREATE UNIQUE INDEX"), "{said}");
    sandbox.execute("CREATE UNIQUE INDEX by_beginning ON films (id(3))");
    assert!(sandbox.checked().await.contains("upsert needs a unique index"), "of beginnings");
    sandbox.execute("CREATE UNIQUE INDEX by_id ON films (id)");
    assert_eq!(sandbox.checked().await, "fits");
    sandbox.execute("RENAME TABLE films TO others; CREATE VIEW films AS SELECT * FROM others");
    assert!(sandbox.checked().await.contains("it is a view"));
}

#[tokio::test]
async fn a_right_by_a_role_counts() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let user = sandbox.as_new_user();
    let role = format!("role_{}", user.split('@').next().unwrap());
    sandbox.execute(&format!(
        "CREATE ROLE {role}; GRANT INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES ON * TO {role};
         GRANT {role} TO {user}; SET DEFAULT ROLE {role} FOR {user}"
    ));
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
}

#[tokio::test]
async fn tables_that_are_made_take_every_letter_and_tell_keys_apart() {
    let mut sandbox = Sandbox::new(5).await.mode(Mode::Upsert);
    sandbox.ids = ["a", "A", "ä", "a ", "😀"].map(str::to_owned).to_vec();
    sandbox.add_round(1, &super::super::sandbox::all_ok).await;
    let sandbox = sandbox.on_mariadb();
    assert_eq!(sandbox.publish().await.unwrap().rows, 5);
    assert_eq!(sandbox.rows("SELECT count(DISTINCT hex(id)) FROM films"), ["5"]);
    let made = crate::merge::ddl(&sandbox.job, &sandbox.plan).unwrap();
    assert!(made.contains("`id` varchar(768)") && made.contains("PRIMARY KEY (`id`)"), "{made}");
    assert!(made.contains("utf8mb4_nopad_bin"), "{made}");
}

#[tokio::test]
async fn a_server_that_is_read_only_is_told() {
    let server = mariadb_server::MariaDbServer::start(&["--read-only"]);
    let name = server.database().name;
    let mut sandbox = Sandbox::new(1).await.mode(Mode::Append);
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&server.url(&name)).unwrap());
    assert!(sandbox.checked().await.contains("its server takes no writes (read_only)"));
}
