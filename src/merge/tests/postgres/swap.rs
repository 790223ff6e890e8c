//! `swap = true`: the new table is the old one in all that people gave it.

use super::super::sandbox::{Sandbox, all_ok};
use crate::job::{Mode, OnFailure, Statement};
use crate::merge::{End, MergeError, check_destination};

const BY_HAND: &str = "
    CREATE TABLE lists (id text PRIMARY KEY);
    INSERT INTO lists SELECT 'tt' || to_char(n, 'FM0000') FROM generate_series(0, 9) n;
    CREATE TABLE films (
        number serial PRIMARY KEY, counted bigint GENERATED ALWAYS AS IDENTITY (START 100),
        id text NOT NULL CONSTRAINT in_list REFERENCES lists, title text CONSTRAINT has_title CHECK (title <> ''),
        dropped text, votes bigint, budget integer DEFAULT 7, facts json,
        doubled bigint GENERATED ALWAYS AS (votes * 2) STORED) WITH (fillfactor = 70);
    ALTER TABLE films DROP COLUMN dropped;
    CREATE INDEX by_votes ON films (votes) WHERE votes > 0;
    CREATE UNIQUE INDEX by_both ON films (id, lower(title));
    COMMENT ON TABLE films IS 'it''s ours';
    COMMENT ON COLUMN films.votes IS 'of all';
    GRANT SELECT ON films TO PUBLIC;
    GRANT UPDATE (title) ON films TO PUBLIC;
    INSERT INTO films (id, title, votes) VALUES ('tt0001', 'old', -1), ('tt0009', 'old', -9)";

async fn swapping(records: u64) -> Sandbox {
    let mut sandbox = Sandbox::of_one_round(records, &all_ok).await.mode(Mode::Replace).on_postgres();
    sandbox.job.table.swap = true;
    sandbox
}

/// All that the catalogue has of the table, but its number.
fn described(sandbox: &Sandbox) -> Vec<String> {
    [
        "SELECT relname, reloptions, relacl, pg_get_userbyid(relowner), obj_description(oid) FROM pg_class \
         WHERE oid = 'films'::regclass",
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attacl, \
           pg_get_serial_sequence('films', attname), col_description(attrelid, attnum), pg_get_expr(adbin, adrelid) \
         FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum \
         WHERE attrelid = 'films'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'films' ORDER BY 1",
        "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid = 'films'::regclass ORDER BY 1",
        "SELECT relname FROM pg_class WHERE relkind = 'S' ORDER BY 1",
    ]
    .iter()
    .flat_map(|query| sandbox.rows(query))
    .collect()
}

#[tokio::test]
async fn all_that_was_given_to_the_table_goes_along() {
    let sandbox = swapping(3).await;
    sandbox.execute(BY_HAND);
    let (before, number) = (described(&sandbox), sandbox.rows("SELECT 'films'::regclass::oid"));
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (3, 2, Some(3)));
    assert_eq!(described(&sandbox), before);
    assert_ne!(sandbox.rows("SELECT 'films'::regclass::oid"), number, "it was not swapped");
    // Which row has which number is left to chance: they are copied in no order.
    let rows = |columns: &str| sandbox.rows(&format!("SELECT {columns} FROM films ORDER BY 1"));
    assert_eq!(rows("number, counted"), ["3|102", "4|103", "5|104"]);
    assert_eq!(rows("id, votes, doubled"), ["tt0000|0|0", "tt0001|1|2", "tt0002|2|4"]);
    assert!(sandbox.publish().await.unwrap().already);
}

#[tokio::test]
async fn rights_are_the_old_tables_and_not_the_defaults_of_new_ones() {
    let sandbox = swapping(2).await;
    sandbox.execute(BY_HAND);
    sandbox.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC");
    let before = sandbox.rows("SELECT relacl FROM pg_class WHERE oid = 'films'::regclass");
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT relacl FROM pg_class WHERE oid = 'films'::regclass"), before);
}

#[tokio::test]
async fn the_owner_stays_the_owner_and_a_stranger_may_not_swap() {
    let mut sandbox = swapping(2).await;
    sandbox.execute(BY_HAND);
    let user = sandbox.as_new_user();
    sandbox.execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"));
    let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
    assert!(error.contains("only its owner may do that: postgres"), "{error}");
    assert!(error.contains("cannot take this along: this user may not make a table"), "{error}");
    sandbox.execute(&format!(
        "CREATE ROLE {user}_owner; GRANT {user}_owner TO {user}; ALTER TABLE films OWNER TO {user}_owner;
         GRANT CREATE ON SCHEMA public TO {user}, {user}_owner; GRANT SELECT, REFERENCES ON lists TO {user}_owner"
    ));
    let before = described(&sandbox);
    assert_eq!(sandbox.publish().await.unwrap().replaced, 2);
    assert_eq!(described(&sandbox), before);
}

#[tokio::test]
async fn what_cannot_go_along_is_listed_before_anything_is_asked() {
    let sandbox = swapping(2).await;
    sandbox.execute(BY_HAND);
    assert!(check_destination(&sandbox.job, &sandbox.place()).await.is_ok());
    sandbox.execute(
        "CREATE VIEW seen AS SELECT id FROM films;
         CREATE TABLE reviews (film integer CONSTRAINT of_film REFERENCES films);
         CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER counts AFTER INSERT ON films FOR EACH ROW EXECUTE FUNCTION nothing();
         CREATE POLICY all_of_it ON films USING (true);
         CREATE RULE silent AS ON DELETE TO films DO INSTEAD NOTHING;
         CREATE TABLE more () INHERITS (films); CREATE PUBLICATION out FOR TABLE films",
    );
    let error = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err();
    let said = error.to_string();
    for obstacle in [
        "the view seen reads it",
        "the key of_film of reviews refers to it",
        "the trigger counts",
        "the policy all_of_it",
        "the rule silent",
        "it inherits, or is inherited from",
        "it is published for replication",
    ] {
        assert!(said.contains(&format!("\n  swap = true cannot take this along: {obstacle}")), "{said}");
    }
    assert!(matches!(sandbox.publish().await.unwrap_err(), MergeError::Table { .. }));
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["2"]);
}

#[tokio::test]
async fn what_comes_into_the_way_meanwhile_is_told_too() {
    let mut sandbox = swapping(2).await;
    sandbox.execute(BY_HAND);
    sandbox.job.before = vec![Statement {
        sql: "CREATE VIEW seen AS SELECT id FROM films".into(),
        file: None,
        key: Vec::new(),
    }];
    let error = sandbox.publish().await.unwrap_err();
    assert!(error.to_string().contains("the view seen reads it"), "{error}");
    assert_eq!(sandbox.rows("SELECT count(*), to_regclass('seen') FROM films"), ["2|~"]);
}

#[tokio::test]
async fn without_a_table_it_is_made_and_the_statements_after_see_the_new_one() {
    let mut sandbox = swapping(2).await;
    sandbox.publish().await.unwrap();
    sandbox.job.after = vec![Statement {
        sql: "CREATE TABLE seen AS SELECT count(*) AS n FROM films".into(),
        file: None,
        key: Vec::new(),
    }];
    sandbox.add_round(1, &|_, _| None).await;
    sandbox.execute("INSERT INTO films (id) VALUES ('more')");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced), (2, 3));
    assert_eq!(sandbox.rows("SELECT n FROM seen"), ["2"]);
}

#[tokio::test]
async fn columns_that_are_kept_and_rows_that_are_spared_come_from_the_old_table() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for spares in [false, true] {
        let mut sandbox = Sandbox::new(3).await.mode(Mode::Replace);
        if spares {
            sandbox = sandbox.exploding(1, |_, _| 1).await;
        }
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        sandbox.job.table.swap = true;
        sandbox.add_round(1, &ends).await;
        let sandbox = sandbox.on_postgres();
        sandbox.execute(BY_HAND);
        sandbox.execute("UPDATE films SET budget = 70 WHERE id = 'tt0001'");
        let published = sandbox.publish().await.unwrap();
        let kept = "SELECT counted, title, budget FROM films WHERE id = 'tt0001'";
        if spares {
            assert_eq!(sandbox.rows(kept), ["100|old|70"]);
            assert_eq!((published.rows, published.replaced, published.total), (2, 1, Some(3)));
        } else {
            assert_eq!(sandbox.rows(kept), ["103|film 1 of round 0|70"]);
            assert_eq!((published.rows, published.replaced), (3, 2));
        }
    }
}

#[tokio::test]
async fn a_gate_that_refuses_leaves_the_old_table() {
    let mut sandbox = swapping(2).await;
    sandbox.execute(BY_HAND);
    sandbox.job.publish.min_rows = Some(3);
    let (before, number) = (described(&sandbox), sandbox.rows("SELECT 'films'::regclass::oid"));
    sandbox.publish().await.unwrap_err();
    assert_eq!((described(&sandbox), sandbox.rows("SELECT 'films'::regclass::oid")), (before, number));
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["2"]);
}
