//! Tables made by hand beforehand are filled as they are: what the job does not name is the table's.

use super::engines::{Engine, MODES, on_each};
use super::sandbox::Sandbox;
use crate::job::{Mode, OnFailure};
use crate::merge::End;

on_each! {
    [postgres, mariadb, sqlite]
    an_upsert_leaves_what_the_job_does_not_name_and_what_refers_to_it,
    append_and_replace_give_defaults;
    [postgres, mariadb]
    kept_columns_keep_every_digit_of_the_table;
}

/// A serial number, a default, a reference to another table, a computed column, a trigger that counts.
fn by_hand(on: Engine, key: &str) -> String {
    let serial =
        on.own(["serial PRIMARY KEY", "int AUTO_INCREMENT PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"]);
    let urls: Vec<String> = (0..10).map(|n| format!("('tt{n:04}')")).collect();
    let trigger = |word: &str| {
        let count = format!("INSERT INTO counted VALUES ('{word}')");
        let done = if on == Engine::Sqlite { format!("BEGIN {count}; END") } else { count };
        format!("CREATE TRIGGER on_{word} AFTER {word} ON films FOR EACH ROW {done};")
    };
    let triggers = match on {
        Engine::Postgres => "CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO counted VALUES (TG_OP); RETURN NULL; END'; \
             CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON films FOR EACH ROW EXECUTE FUNCTION count_it()"
            .to_owned(),
        _ => ["INSERT", "UPDATE", "DELETE"].map(trigger).concat(),
    };
    format!(
        "CREATE TABLE urls (id varchar(20) PRIMARY KEY); INSERT INTO urls VALUES {};
         CREATE TABLE films (
             number {serial}, rating varchar(9) NOT NULL DEFAULT '5.0', id varchar(20) NOT NULL {key}, title varchar(60),
             votes bigint NOT NULL, budget integer, facts json, doubled bigint GENERATED ALWAYS AS (votes * 2) STORED,
             FOREIGN KEY (id) REFERENCES urls (id) ON DELETE CASCADE);
         INSERT INTO films (id, title, votes, rating)
             VALUES ('tt0001', 'old', -1, '9.9'), ('tt0002', 'old', -2, '1.1'), ('tt0009', 'old', -9, '2.2');
         CREATE TABLE counted (what varchar(9)); {triggers}",
        urls.join(", ")
    )
}

const REVIEWS: &str = "
    CREATE TABLE reviews (film int, stars int, FOREIGN KEY (film) REFERENCES films (number) ON DELETE CASCADE);
    INSERT INTO reviews VALUES (1, 5), (3, 4);";

const COUNTED: &str = "SELECT what, count(*) FROM counted GROUP BY what ORDER BY what";

async fn an_upsert_leaves_what_the_job_does_not_name_and_what_refers_to_it(on: Engine) {
    // MariaDB wants the key.
    for key in ["UNIQUE", ""].iter().take(if on == Engine::MariaDb { 1 } else { 2 }) {
        let sandbox = on.run_into(&by_hand(on, key), 4, Mode::Upsert).await;
        sandbox.execute(REVIEWS);
        let published = sandbox.publish().await.unwrap();
        let counts = (published.rows, published.replaced, published.total);
        assert_eq!(counts, (4, 2, Some(5)), "{on:?} {key}");
        assert_eq!(
            sandbox.rows("SELECT number, rating, id, title, votes, doubled FROM films ORDER BY id, number"),
            [
                "4|5.0|tt0000|film 0 of round 0|0|0",
                "1|9.9|tt0001|film 1 of round 0|1|2",
                "2|1.1|tt0002|film 2 of round 0|2|4",
                "5|5.0|tt0003|film 3 of round 0|3|6",
                "3|2.2|tt0009|old|-9|-18",
            ],
            "{on:?} {key}"
        );
        assert_eq!(sandbox.rows("SELECT film FROM reviews ORDER BY 1"), ["1", "3"], "{on:?} {key}");
        assert_eq!(sandbox.rows(COUNTED), ["INSERT|2", "UPDATE|2"], "{on:?} {key}");
    }
}

async fn append_and_replace_give_defaults(on: Engine) {
    let sandbox = on.run_into(&by_hand(on, ""), 4, Mode::Append).await;
    assert_eq!(sandbox.publish().await.unwrap().total, Some(7), "{on:?}");
    assert_eq!(
        sandbox.rows("SELECT id, rating FROM films WHERE number > 3 ORDER BY id"),
        ["tt0000|5.0", "tt0001|5.0", "tt0002|5.0", "tt0003|5.0"],
        "{on:?}"
    );
    // Rows are numbered as they come, which need not be the list's order.
    assert_eq!(sandbox.rows("SELECT number FROM films WHERE number > 3 ORDER BY 1"), ["4", "5", "6", "7"]);
    assert_eq!(sandbox.rows(COUNTED), ["INSERT|4"], "{on:?}");
    for mode in [Mode::Replace, Mode::ReplaceIds] {
        let sandbox = on.run_into(&by_hand(on, "UNIQUE"), 4, mode).await;
        let published = sandbox.publish().await.unwrap();
        let replaced = if mode == Mode::Replace { 3 } else { 2 };
        assert_eq!((published.rows, published.replaced), (4, replaced), "{on:?} {mode:?}");
        let new = sandbox.rows("SELECT count(DISTINCT number), min(rating) FROM films WHERE number > 3");
        assert_eq!(new, ["4|5.0"], "{on:?} {mode:?}");
        assert_eq!(
            sandbox.rows(COUNTED),
            [format!("DELETE|{replaced}"), "INSERT|4".into()],
            "{on:?} {mode:?}"
        );
    }
}

async fn kept_columns_keep_every_digit_of_the_table(on: Engine) {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for mode in MODES {
        let mut sandbox = Sandbox::of_one_round(3, &ends).await.mode(mode).on(on);
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        let key = if on == Engine::MariaDb && mode == Mode::Upsert { "UNIQUE" } else { "" };
        sandbox.execute(&format!(
            "CREATE TABLE films (id varchar(20) {key}, title text, votes bigint, budget decimal(20, 2), facts {});
             INSERT INTO films VALUES ('tt0001', 'old', -1, 12345678901.25, '{{\"b\": 1}}')",
            if on == Engine::Postgres { "jsonb" } else { "json" }
        ));
        if on == Engine::MariaDb && mode != Mode::Upsert {
            let said = sandbox.refused().await.to_string();
            assert!(said.contains("on_failure = \"keep\" needs a primary key"), "{mode:?}: {said}");
            sandbox.execute("ALTER TABLE films ADD number int AUTO_INCREMENT PRIMARY KEY");
        }
        sandbox.publish().await.unwrap();
        let kept = "SELECT title, budget, facts FROM films WHERE id = 'tt0001' AND votes = 1";
        let expected = "film 1 of round 0|12345678901.25|{\"b\": 1}";
        assert_eq!(sandbox.rows(kept), [expected], "{on:?} {mode:?}");
    }
}
