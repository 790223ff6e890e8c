//! From a query to a question, to SQL, and to a query again.

use super::{DIGEST, columns, shape};
use crate::serve::column::Column;
use crate::serve::filter::{BadQuestion, Question};

fn table() -> Vec<Column> {
    columns(&[
        ("id", "BIGINT"),
        ("symbol", "VARCHAR"),
        ("price", "DECIMAL(9,2)"),
        ("at", "TIMESTAMP"),
        ("limit", "INTEGER"),
        ("tags", "VARCHAR[]"),
        ("ok", "BOOLEAN"),
        ("a,b", "VARCHAR"),
    ])
}

fn parse(query: &str) -> Result<Question, BadQuestion> {
    Question::parse(Some(query), &shape(&table()))
}

fn sql(query: &str) -> String {
    let (sql, values) = parse(query).unwrap_or_else(|bad| panic!("{query}: {bad}")).sql();
    format!("{sql} {values:?}")
}

#[test]
fn a_question_becomes_sql_with_bound_values() {
    for (query, expected) in [
        ("id=7", r#"WHERE "id" = CAST(? AS BIGINT) LIMIT 1001 ["7"]"#),
        (
            "symbol.in=A,%22b,c%22&symbol.in=A&price.gt=1.5&limit=10",
            r#"WHERE "symbol" IN (CAST(? AS VARCHAR), CAST(? AS VARCHAR)) AND "price" > CAST(? AS DECIMAL(9,2)) LIMIT 11 ["A", "b,c", "1.50"]"#,
        ),
        (
            "order=-price,symbol",
            r#"ORDER BY "price" DESC NULLS LAST, "symbol" ASC NULLS LAST, windrow_row LIMIT 1001 []"#,
        ),
        ("symbol.ne=x", r#"WHERE "symbol" IS DISTINCT FROM CAST(? AS VARCHAR) LIMIT 1001 ["x"]"#),
        ("tags.null=false&ok.null=TRUE", r#"WHERE "tags" IS NOT NULL AND "ok" IS NULL LIMIT 1001 []"#),
        (
            "symbol.contains=%25&symbol.startswith=_",
            r#"WHERE contains("symbol", CAST(? AS VARCHAR)) AND starts_with("symbol", CAST(? AS VARCHAR)) LIMIT 1001 ["%", "_"]"#,
        ),
        ("limit.eq=5", r#"WHERE "limit" = CAST(? AS INTEGER) LIMIT 1001 ["5"]"#),
        (
            "limit=5",
            r#"WHERE windrow_row >= CAST(? AS BIGINT) AND windrow_row < CAST(? AS BIGINT) ORDER BY windrow_row ["0", "6"]"#,
        ),
        ("limit=5&after=0123456789ab.40&id.null=true", r#"WHERE "id" IS NULL LIMIT 6 OFFSET 40 []"#),
    ] {
        assert_eq!(sql(query), expected, "{query}");
    }
    let selected = parse("select=price,id,%22a,b%22").unwrap();
    assert_eq!(selected.selected(), [2, 0, 7]);
}

#[test]
fn nothing_asked_is_the_whole_table() {
    let whole = Question::parse(None, &shape(&table())).unwrap();
    assert!(whole.is_whole() && whole.canonical().is_empty());
    for query in ["", "&", "&&", "select=id,symbol,price,at,limit,tags,ok,%22a,b%22"] {
        assert_eq!(parse(query).unwrap(), whole, "{query}");
    }
    for query in ["id=1", "select=id", "select=symbol,id", "order=id", "limit=1", "id.null=false"] {
        assert!(!parse(query).unwrap().is_whole(), "{query}");
    }
}

#[test]
fn questions_that_ask_the_same_are_the_same() {
    for (one, other) in [
        ("id=7&symbol=a", "symbol=a&id=007"),
        ("id.eq=7", "id=7.0"),
        ("symbol.in=b,a,b", "symbol.in=a&symbol.in=b"),
        ("at.ge=2026-11-23", "at.ge=2026-11-23T01:00:00%2B01:00"),
        ("ok=t", "ok=1"),
        ("price.lt=1.10", "price.lt=1.1"),
    ] {
        assert_eq!(parse(one).unwrap(), parse(other).unwrap(), "{one}");
        assert_eq!(parse(one).unwrap().canonical(), parse(other).unwrap().canonical(), "{one}");
    }
    let different = [
        "",
        "id=1",
        "id=2",
        "id.ne=1",
        "id.in=1",
        "id.in=1,2",
        "symbol=1",
        "symbol=a,b",
        "symbol.in=a,b",
        "symbol.in=%22a,b%22",
        "select=id",
        "select=id,symbol",
        "select=symbol,id",
        "order=id",
        "order=-id",
        "order=id,symbol",
        "order=symbol,id",
        "limit=1",
        "limit=2",
        "limit=1&after=0123456789ab.1",
        "limit=1&after=0123456789ab.2",
        "limit.eq=1",
        "id.null=true",
        "id.null=false",
        "symbol=id%26limit%3D1",
    ];
    let canonical: std::collections::BTreeSet<String> =
        different.iter().map(|query| parse(query).unwrap().canonical()).collect();
    assert_eq!(canonical.len(), different.len(), "{canonical:#?}");
}

#[test]
fn the_next_page_is_the_same_question_further_on() {
    for query in [
        "limit=5",
        "limit=5&after=0123456789ab.10",
        "limit=1000&id.in=1,2&symbol=%26a%3Db%2B+%22%C3%A9&limit.eq=3&order=-%61t,symbol&select=%22a,b%22,id&ok.null=false",
    ] {
        let question = parse(query).unwrap();
        let next = parse(&question.next(DIGEST)).unwrap();
        let expected = Question { offset: question.offset + u64::from(question.limit.unwrap()), ..question };
        assert_eq!(next, expected, "{query}");
    }
    let written = parse("symbol=%C3%A9+x&order=-price&limit=5").unwrap().next(DIGEST);
    assert_eq!(written, "symbol=%C3%A9%20x&order=-price&limit=5&after=0123456789ab.5");
}

#[test]
fn a_page_of_what_was_published_before_is_gone() {
    let refused = parse("limit=5&after=fedcba987654.5").unwrap_err();
    assert_eq!(refused.status, 410);
    for after in [
        "",
        "5",
        ".5",
        "0123456789ab.",
        "0123456789ab.-1",
        "0123456789ab.x",
        "0123456789ab.5.5",
        "x.5",
        "0123456789ab.99999999999999999999",
        "0123456789ab.1125899906842624",
    ] {
        assert_eq!(parse(&format!("limit=5&after={after}")).unwrap_err().status, 400, "{after}");
    }
}

#[test]
fn what_has_no_meaning_is_an_error_that_says_what_is_meant() {
    for (query, expected) in [
        ("id=abc", "`id`: `abc` is no bigint\nhint: such as 7"),
        ("id=", "`id`: `` is no bigint\nhint: such as 7"),
        ("id.gt=9223372036854775808", "`id.gt`: `9223372036854775808` is beyond the range of bigint"),
        ("id=1.5", "`id`: `1.5` is no bigint: it has a fraction"),
        ("price=0.125", "`price`: `0.125` has more digits after the point than decimal(9,2)"),
        (
            "at.ge=2026-11-23T14:05:00+02:00",
            "`at.ge`: `2026-11-23T14:05:00 02:00` is no timestamp\nhint: such as 2026-11-23T14:05:00Z, or 2026-11-23; a `+` is written %2B in a URL",
        ),
        ("ok.null=maybe", "`ok.null`: `maybe` is no boolean\nhint: such as true"),
        (
            "tags=x",
            "`tags`: a `varchar[]` cannot be compared so\nhint: it can be asked whether there is a value: `tags.null`=true or false",
        ),
        (
            "id.contains=7",
            "`id.contains`: a `bigint` cannot be compared so\nhint: it can be asked whether there is a value: `id.null`=true or false",
        ),
        (
            "id=1&id=2",
            "`id` is there twice\nhint: all parameters hold at once; for one of several values there is COLUMN.in=a,b",
        ),
        (
            "id=1&id.eq=1",
            "`id.eq` is there twice\nhint: all parameters hold at once; for one of several values there is COLUMN.in=a,b",
        ),
        (
            "order=id&order=at",
            "`order` is there twice\nhint: all parameters hold at once; for one of several values there is COLUMN.in=a,b",
        ),
        ("select=id,id", "`select`: `id` is there twice"),
        (
            "select=",
            "`select`: there is no column ``\nhint: there are `id`, `symbol`, `price`, `at`, `limit`, `tags`, `ok`, `a,b`",
        ),
        ("select=Id", "`select`: there is no column `Id`\nhint: did you mean `id`?"),
        ("order=id,-id", "`order`: `id` is there twice"),
        ("order=tags", "`order`: `tags` is a `varchar[]`, which has no order"),
        ("order=id.desc", "`order`: there is no column `id.desc`\nhint: write `-id`"),
        (
            "limit=0",
            "`limit`: `0` is no number from 1 to 1000\nhint: further rows are on further pages: each says in `Link: <…>; rel=\"next\"` where the next one is",
        ),
        (
            "after=0123456789ab.5",
            "`after` is there without `limit`\nhint: take the whole URL that a page gives in `Link: <…>; rel=\"next\"`",
        ),
        (
            "symbol.in=%22a",
            "`symbol.in`: in `\"a` a quote does not end, or not before a comma\nhint: a text with a comma in it is written \"a,b\", a quote within such a one twice",
        ),
        (
            "_=17",
            "`_` is no parameter of this table\nhint: there are `id`, `symbol`, `price`, `at`, `limit`, `tags`, `ok`, `a,b`, `select`, `order`, `limit`, `after`",
        ),
    ] {
        let refused = parse(query).expect_err(query);
        assert_eq!((refused.status, refused.to_string().as_str()), (400, expected), "{query}");
    }
    for limit in ["1001", "-1", "+5", "5.0", "1e2", "99999999999999999999", "", "all", " 5"] {
        assert!(parse(&format!("limit={}", limit.replace('+', "%2B"))).is_err(), "{limit}");
    }
}

#[test]
fn no_message_repeats_much_of_what_came() {
    let long = "%F0%9F%8E%AC".repeat(500);
    for query in [
        format!("{long}=1"),
        format!("id={long}"),
        format!("select={long}"),
        format!("order={long}"),
        format!("limit={long}"),
        format!("limit=1&after={long}"),
        format!("symbol.in=%22{long}"),
        format!("id.in=1,{long}"),
        format!("id.{long}=1"),
    ] {
        let refused = parse(&query).expect_err(&query);
        assert!(refused.to_string().chars().count() < 350, "{refused}");
    }
    assert!(!parse("id=%0A%1B%5B31m").unwrap_err().to_string().contains(['\u{1b}', '\r']));
}

#[test]
fn a_thousand_values_may_be_one_of() {
    let values = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    assert!(parse(&format!("id.in={}", values(1000))).is_ok());
    assert!(parse(&format!("id.in={}&id.in=5", values(1000))).is_err());
}

#[test]
fn a_column_that_begins_like_a_direction_is_not_guessed() {
    let table = columns(&[("b", "BIGINT"), ("-b", "BIGINT"), ("-c", "BIGINT")]);
    let order = |text: &str| {
        Question::parse(Some(&format!("order={text}")), &shape(&table)).map(|question| question.sql().0)
    };
    assert!(order("-b").is_err());
    assert_eq!(order("b").unwrap(), r#"ORDER BY "b" ASC NULLS LAST, windrow_row LIMIT 1001"#);
    assert_eq!(order("-c").unwrap(), r#"ORDER BY "-c" ASC NULLS LAST, windrow_row LIMIT 1001"#);
    assert_eq!(order("--c").unwrap(), r#"ORDER BY "-c" DESC NULLS LAST, windrow_row LIMIT 1001"#);
}

#[test]
fn a_key_is_a_question_for_its_columns() {
    let table = table();
    let of_key = |path: &str, key: &[usize]| Question::of_key(path, key, &shape(&table));
    assert_eq!(of_key("007", &[0]).unwrap(), parse("id=7").unwrap());
    assert_eq!(of_key("a/b", &[1]).unwrap(), parse("symbol=a/b").unwrap());
    assert_eq!(of_key("a/7", &[1, 0]).unwrap(), parse("id=7&symbol=a").unwrap());
    assert_eq!(
        Question::of_key_parts(&["a/b", "7"], &[1, 0], &shape(&table)).unwrap(),
        parse("id=7&symbol=a/b").unwrap()
    );
    assert_eq!(of_key("x", &[0]).unwrap_err().message, "`id`: `x` is no bigint");
    for path in ["a", "a/b/7", ""] {
        let refused = of_key(path, &[1, 0]).unwrap_err();
        assert!(refused.hint.unwrap().contains("`symbol` / `id`"), "{path}");
    }
}
