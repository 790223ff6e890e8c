//! What people had trouble with in tools of this kind, asked here.

use super::{columns, duckdb, row_numbers, shape};
use crate::serve::filter::{BadQuestion, Question};

/// Rows that are answered, or why none.
fn asked(query: &str) -> Result<Vec<i64>, BadQuestion> {
    let connection = duckdb();
    connection
        .execute_batch(
            "CREATE TABLE served AS SELECT *, (row_number() OVER () - 1) windrow_row FROM (VALUES \
             (1, 'x,y', '0666666666', 1234567891234567891, 'c', 1.25, TIMESTAMP '2013-04-05 13:20:00'), \
             (2, 'a,b', '666666666', 1234567891234567892, NULL, 0.5, NULL), \
             (3, '(x)', '123.45', 9007199254740993, 'null', 12.345, NULL), \
             (42, 'a_b', '123.450', 9007199254740992, 'йопта', NULL, NULL), \
             (24, 'aXb', '80331', 2, 'say \"x\"', NULL, NULL)) \
             AS t(id, name, phone, big, \"_id\", \"Unit Price\", \"at\")",
        )
        .unwrap();
    let columns = columns(&[
        ("id", "INTEGER"),
        ("name", "VARCHAR"),
        ("phone", "VARCHAR"),
        ("big", "BIGINT"),
        ("_id", "VARCHAR"),
        ("Unit Price", "DECIMAL(5,3)"),
        ("at", "TIMESTAMP"),
    ]);
    Question::parse(Some(query), &shape(&columns))
        .map(|question| row_numbers(&connection, &question).unwrap())
}

#[test]
fn what_others_answer_wrongly_is_answered() {
    for (whose, query, rows) in [
        ("PostgREST #701: texts with commas in a list", "name.in=%22x,y%22,%22a,b%22", vec![0, 1]),
        ("PostgREST #1384: parentheses need no quotes", "name.in=(x),y", vec![2]),
        (
            "PostgREST #2501, postgrest-js #473: others are those without a value, too",
            "_id.ne=c",
            vec![1, 2, 3, 4],
        ),
        ("PostgREST #2879: the text `null` is none", "_id=null", vec![2]),
        ("PostgREST #1761: those with a value", "_id.null=false", vec![0, 2, 3, 4]),
        ("supabase-js #2529: quotes within quotes", "_id.in=%22say+%22%22x%22%22%22", vec![4]),
        ("php-crud-api #1038, sequelpro #2964: no letter stands for others", "name.contains=a_b", vec![3]),
        ("datasette #1506, #1527: a name that begins with _", "_id=c", vec![0]),
        ("json-server #86: a text of digits keeps its zero", "phone=0666666666", vec![0]),
        ("json-server #340: a text that looks like a number", "phone=123.45", vec![2]),
        ("json-server #273: nineteen digits", "big=1234567891234567892", vec![1]),
        ("53 bits are not enough", "big=9007199254740993", vec![2]),
        ("sqlitebrowser #2191, #3270: 2 is not 42", "id=2", vec![1]),
        ("data-api-builder #1103: numbers with a point", "Unit+Price.gt=1.25", vec![2]),
        ("sqlitebrowser #2708: a name with a blank", "Unit%20Price=1.25", vec![0]),
        ("dataset-viewer #1952: letters of all alphabets", "_id=%D0%B9%D0%BE%D0%BF%D1%82%D0%B0", vec![3]),
        ("django-tastypie #1198: an offset, encoded", "at=2013-04-05T18:50:00%2B05:30", vec![0]),
    ] {
        assert_eq!(asked(query), Ok(rows), "{whose}: {query}");
    }
}

#[test]
fn what_others_pass_over_is_refused_with_advice() {
    for (whose, query, hint) in [
        ("json-server #764: a field that is not there", "newProperty=4", "there are `id`"),
        ("json-server #1531: one of two", "id=1&id=2", "COLUMN.in=a,b"),
        (
            "django-tastypie #1198, hfs #1296: an offset, not encoded",
            "at.gt=2013-04-05T18:50:00+05:30",
            "%2B",
        ),
        ("PyAnalytica #17: a number compared with a text", "id.gt=Mobile", "such as 7"),
        ("sequelpro #1570: letters", "id=2x", "such as 7"),
        ("supabase-js #2529: a quote that a backslash should keep", "name.in=%22a%5C%22b,c%22", "twice"),
        ("Django", "id__gte=2", "`id.ge=…`"),
        ("json-server", "id_gte=2", "`id.ge=…`"),
        ("PostgREST's `order`", "order=id.desc", "`-id`"),
        ("up-banking #116: brackets", "id%5Bsince%5D=2", "`id.ge=…`"),
    ] {
        let refused = asked(query).expect_err(whose);
        assert!(refused.hint.as_ref().is_some_and(|said| said.contains(hint)), "{whose}: {query}: {refused}");
    }
    // A fraction of an integer is no error of the server (tdp_core #188).
    assert_eq!(asked("id=1.5").unwrap_err().status, 400);
}
