//! Rows that are found by their id: `replace_ids` and `on_unlisted`.

use super::sandbox::{Sandbox, all_ok, rows};
use crate::handoff::layout;
use crate::job::{Mode, OnFailure, OnUnlisted};
use crate::merge::{End, Published, database};
use crate::value::Type;

const STANDING: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
    INSERT INTO films VALUES ('tt0001', 'a', 1, 1, NULL), ('tt0001', 'b', 2, 2, NULL), ('x', 'c', 3, 3, NULL), \
    (NULL, 'd', 4, 4, NULL)";

fn one_fails(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(if (ordinal, endpoint) == (1, 1) { End::Failed } else { End::Ok })
}

fn the_one_again(ordinal: u64, endpoint: usize) -> Option<End> {
    ((ordinal, endpoint) == (1, 1)).then_some(End::Ok)
}

#[tokio::test]
async fn all_rows_of_an_answered_id_are_replaced() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::ReplaceIds);
    sandbox.execute(STANDING);
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.gone, published.total.unwrap()), (3, 2, 0, 5));
    assert_eq!(
        sandbox.rows("SELECT id, title FROM films ORDER BY ALL"),
        ["tt0000|film 0 of round 0", "tt0001|film 1 of round 0", "tt0002|film 2 of round 0", "x|c", "~|d"]
    );
}

/// DuckDB's own `rowid` is hidden by a column of that name, in which many rows may have one value.
#[tokio::test]
async fn a_column_named_rowid_is_never_taken_for_the_place_of_a_row() {
    let hiding =
        STANDING.replace("facts JSON)", "facts JSON, RowId INTEGER DEFAULT 7)").replace("NULL)", "NULL, 7)");
    for gone in [OnUnlisted::Keep, OnUnlisted::Delete] {
        let mut sandbox = Sandbox::of_one_round(3, &one_fails).await.mode(Mode::ReplaceIds);
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        sandbox.job.table.on_unlisted = gone;
        sandbox.execute(&hiding);
        let published = sandbox.publish().await.unwrap();
        let (left, others) = if gone == OnUnlisted::Keep { (0, 2) } else { (2, 0) };
        assert_eq!(
            (published.replaced, published.gone, published.total.unwrap()),
            (2, left, 3 + others),
            "{gone:?}"
        );
        assert_eq!(sandbox.rows("SELECT budget FROM films WHERE id = 'tt0001'"), ["1"], "the first row's");
    }
}

#[tokio::test]
async fn the_first_row_of_an_id_is_what_its_columns_are_kept_from() {
    let mut sandbox = Sandbox::of_one_round(3, &one_fails).await.mode(Mode::ReplaceIds);
    sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
    // A key, which `keep` needs in other modes, does not matter.
    sandbox.job.table.key = vec!["title".into()];
    sandbox.execute(STANDING);
    assert_eq!(sandbox.publish().await.unwrap().replaced, 2);
    assert_eq!(sandbox.table()[1], "tt0001|film 1 of round 0|1|1");
}

#[tokio::test]
async fn an_answer_without_rows_empties_its_id() {
    let mut sandbox = Sandbox::new(3).await.exploding(1, |_, _| 0).await.mode(Mode::ReplaceIds);
    sandbox.add_round(1, &one_fails).await;
    sandbox.execute(STANDING);
    let published = sandbox.publish().await.unwrap();
    assert_eq!(
        (published.rows, published.replaced, published.left_out, published.total.unwrap()),
        (0, 0, 1, 4)
    );
    sandbox.add_round(1, &the_one_again).await;
    // What another run wrote meanwhile stands: nothing is new about these records.
    sandbox.execute("INSERT INTO films VALUES ('tt0000', 'newer', 0, 0, NULL)");
    let published = sandbox.publish().await.unwrap();
    assert_eq!(
        (published.rows, published.replaced, published.left_out, published.total.unwrap()),
        (0, 2, 0, 3)
    );
    assert_eq!(sandbox.rows("SELECT title FROM films ORDER BY ALL"), ["c", "d", "newer"]);
}

#[tokio::test]
async fn records_with_one_id_are_written_together() {
    let mut sandbox = Sandbox::new(4).await.mode(Mode::ReplaceIds);
    sandbox.ids[3] = "tt0001".into();
    sandbox.add_round(1, &one_fails).await;
    sandbox.execute(STANDING);
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.left_out), (3, 2, 1));
    sandbox.execute("UPDATE films SET title = 'newer' WHERE id = 'tt0002'");
    sandbox.add_round(1, &the_one_again).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced), (2, 1));
    let found = sandbox.rows("SELECT id, title FROM films WHERE id LIKE 'tt%' ORDER BY ALL");
    assert_eq!(
        found,
        ["tt0000|film 0 of round 0", "tt0001|film 1 of round 0", "tt0001|film 3 of round 0", "tt0002|newer"]
    );
}

/// A run whose id is two columns, one of them null for every other record.
async fn of_two_columns(on_unlisted: OnUnlisted) -> (Sandbox, Published) {
    let mut sandbox = Sandbox::new(3).await.mode(Mode::ReplaceIds);
    sandbox.plan.id_columns = 2;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    sandbox.job.input.id = vec!["id".into(), "country".into()];
    sandbox.job.table.on_unlisted = on_unlisted;
    sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
    let ends = |o: u64, e: usize| Some(if (o, e) == (2, 1) { End::Failed } else { End::Ok });
    sandbox.add_round(1, &ends).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT, country TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('tt0000', NULL, 'a', 1, 1, NULL), ('tt0001', 'land 1', 'b', 2, 2, NULL), \
         ('tt0001', NULL, 'c', 3, 3, NULL), ('tt0002', NULL, 'd', 4, 4, NULL), (NULL, 'land 1', 'e', 5, 5, NULL)",
    );
    let published = sandbox.publish().await.unwrap();
    (sandbox, published)
}

#[tokio::test]
async fn null_in_an_id_is_like_null() {
    let (sandbox, published) = of_two_columns(OnUnlisted::Keep).await;
    assert_eq!((published.rows, published.replaced, published.gone), (3, 3, 0));
    let found = "SELECT id, country, votes, budget FROM films ORDER BY votes";
    assert_eq!(
        sandbox.rows(found),
        ["tt0000|~|0|0", "tt0001|land 1|1|10", "tt0002|~|2|4", "tt0001|~|3|3", "~|land 1|5|5"]
    );
    let (sandbox, published) = of_two_columns(OnUnlisted::Delete).await;
    assert_eq!((published.rows, published.replaced, published.gone, published.total.unwrap()), (3, 3, 2, 3));
    assert_eq!(sandbox.rows(found), ["tt0000|~|0|0", "tt0001|land 1|1|10", "tt0002|~|2|4"]);
}

#[tokio::test]
async fn rows_of_ids_that_the_list_no_longer_has_go() {
    for mode in [Mode::Upsert, Mode::ReplaceIds] {
        // What failed is in the list: its rows stay.
        let mut sandbox = Sandbox::of_one_round(3, &one_fails).await.mode(mode);
        sandbox.job.table.on_unlisted = OnUnlisted::Delete;
        sandbox.execute(STANDING);
        let published = sandbox.publish().await.unwrap();
        assert_eq!(
            (published.rows, published.replaced, published.gone, published.total.unwrap()),
            (2, 0, 2, 4)
        );
        assert_eq!(
            sandbox.rows("SELECT id, title FROM films ORDER BY ALL"),
            ["tt0000|film 0 of round 0", "tt0001|a", "tt0001|b", "tt0002|film 2 of round 0"]
        );
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["2"]);
    }
}

#[tokio::test]
async fn without_being_told_so_nothing_goes() {
    for (mode, gone) in [
        (Mode::Upsert, OnUnlisted::Keep),
        (Mode::ReplaceIds, OnUnlisted::Keep),
        (Mode::Append, OnUnlisted::Delete),
    ] {
        let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(mode);
        sandbox.job.table.on_unlisted = gone;
        sandbox.execute(STANDING);
        assert_eq!(sandbox.publish().await.unwrap().gone, 0);
        assert_eq!(
            sandbox.rows("SELECT title FROM films WHERE id = 'x' OR id IS NULL ORDER BY 1"),
            ["c", "d"]
        );
    }
}

#[tokio::test]
async fn a_trial_deletes_nothing() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::ReplaceIds);
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    sandbox.plan.trial = true;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    let trial = sandbox.run.folder().join(layout::TRIAL_DATABASE);
    database::open(&trial).unwrap().execute_batch(STANDING).unwrap();
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.gone, published.total.unwrap()), (0, 5));
    assert_eq!(rows(&database::open(&trial).unwrap(), "SELECT count(*) FROM films WHERE id = 'x'"), ["1"]);
}

#[tokio::test]
async fn ids_are_compared_as_the_table_has_them() {
    let mut sandbox = Sandbox::new(3).await.mode(Mode::ReplaceIds);
    sandbox.ids = ["B0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002", "no uuid"]
        .map(str::to_owned)
        .into();
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    sandbox.add_round(1, &|o, _| Some(if o == 0 { End::Ok } else { End::Failed })).await;
    sandbox.execute(
        "CREATE TABLE films (id UUID, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('b0000000-0000-4000-8000-000000000001', 'a', 1, 1, NULL), \
         ('b0000000-0000-4000-8000-000000000002', 'b', 2, 2, NULL), \
         ('b0000000-0000-4000-8000-000000000003', 'c', 3, 3, NULL), (NULL, 'd', 4, 4, NULL)",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.gone), (1, 1, 2));
    assert_eq!(sandbox.rows("SELECT title FROM films ORDER BY 1"), ["b", "film 0 of round 0"]);
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_refused_before() {
    let mut sandbox = Sandbox::new(1).await.mode(Mode::ReplaceIds);
    sandbox.job.input.types = vec![("id".into(), Type::Date)];
    sandbox.execute("CREATE TABLE films (id INTEGER, title TEXT, votes BIGINT, budget INTEGER, facts JSON)");
    let error =
        crate::merge::check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
    assert!(error.contains("column \"id\" is INTEGER there, date in the job"), "{error}");
}
