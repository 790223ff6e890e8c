//! `when`: what a condition names, and the conditions of which that cannot be told.

use super::super::*;
use super::{mistakes_of, parse, said, small};

/// The small job with a condition, and a second endpoint with columns `type` and `odd name`.
fn with(condition: &str) -> String {
    let columns = "columns = { type = '.t', 'odd name' = '.o' }";
    let two = format!("[[endpoint]]\nname = \"two\"\nurl = \"https://example.org/{{id}}\"\n{columns}\n");
    small(&format!("when = '''{condition}'''")) + &two
}

fn when(condition: &str) -> When {
    let job = parse(&with(condition)).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let mut endpoints = job.endpoints;
    let after: &[usize] = if endpoints[0].answers().next().is_some() { &[1] } else { &[] };
    assert_eq!(endpoints[0].after, after);
    let when = endpoints.remove(0).when.expect("a condition");
    assert_eq!(when.jq, condition);
    when
}

#[test]
fn what_a_condition_names_is_found() {
    let two = [(1, 0)];
    let none: [(usize, usize); 0] = [];
    for (condition, inputs, answers) in [
        ("true", &[][..], &none[..]),
        (".country == \"US\"", &["country"], &none),
        (".country == \"US\" and .year > 2000 or .country == \"DE\"", &["country", "year"], &none),
        (".two.type == \"movie\"", &[], &two),
        (".[\"two\"][\"type\"] == \"movie\" # a remark", &[], &two),
        (".two[\"odd name\"] != null", &[], &[(1, 1)]),
        (".two | .type == \"movie\"", &[], &two),
        (".two as $t | $t.type == $t.type", &[], &two),
        (". as $r | .year | . > 3 and $r.two.type == \"x\"", &["year"], &two),
        (". as {two: {type: $t}, $year} | $t == $year", &["year"], &two),
        (".two as {\"type\": $t} | $t", &[], &two),
        ("(.two.type // .year) as $x | [\"a\", \"b\"] | any(. == $x)", &["year"], &two),
        (".year | not", &["year"], &none),
        (".name | test(\"^x\"; \"i\")", &["name"], &none),
        (".tags | any(. == \"x\")", &["tags"], &none),
        ("any(.tags[]; . == \"x\")", &["tags"], &none),
        ("all(\"US\", .kept; . == \"US\")", &["kept"], &none),
        (".tags.first[0].x == 1", &["tags"], &none),
        ("[.a, {b: .b, c, \"d\": .e, (.f): 1}] | length > 0", &["a", "b", "c", "e", "f"], &none),
        ("if .a then .b elif .c then .d else .e end", &["e", "a", "b", "c", "d"], &none),
        ("try (.a | tonumber > 3) catch false", &["a"], &none),
        ("(.a | tonumber)? > 3", &["a"], &none),
        ("reduce .a[] as $x (.b; . + $x + 1) > 3", &["a", "b"], &none),
        (
            "label $out | foreach .a[] as [$x, $y] (0; . + $x; if . > 3 then ., break $out else empty end)",
            &["a"],
            &none,
        ),
        ("-.a < 0 and \"\\(.b) \\(.c)\" == @text \"\\(.d)\"", &["a", "b", "c", "d"], &none),
        ("select(.a).b", &["a", "b"], &none),
        ("first(.a, .b) == (limit(1; .c) | .)", &["a", "b", "c"], &none),
        ("now > .a and ([range(.b)] | length) > 2", &["a", "b"], &none),
        (".a[.b:.c] == .d[.e]", &["a", "b", "c", "d", "e"], &none),
    ] {
        let found = when(condition);
        let found_inputs: Vec<&str> = found.inputs.iter().map(String::as_str).collect();
        assert_eq!((found_inputs.as_slice(), found.answers.as_slice()), (inputs, answers), "{condition}");
    }
}

#[test]
fn a_condition_on_the_record_as_a_whole_is_refused() {
    for (condition, says) in [
        (".", "a condition on the record as a whole"),
        (".two", "a condition on all of `.two` as a whole"),
        ("keys", "`keys` looks at the record as a whole"),
        ("length > 3", "`length` looks at the record as a whole"),
        (".two | length > 3", "`length` looks at all of `.two` as a whole"),
        ("has(\"year\")", "`has` looks at the record as a whole"),
        ("to_entries | any(.value == 3)", "`to_entries` looks at"),
        ("any", "`any` looks at"),
        (".[]", "`[]` looks at"),
        (".two[]", "`[]` looks at"),
        ("..", "`..` looks at"),
        ("\"year\" as $x | .[$x]", "a name that the condition computes"),
        (".[.kept]", "a name that the condition computes"),
        (".[\"a\\(.kept)\"]", "a name that the condition computes"),
        (".two[.kept] == 1", "a name that the condition computes"),
        (". == {}", "the record as a whole"),
        ("[.] | length", "the record as a whole"),
        ("{a: .two}.a.type", "all of `.two` as a whole"),
        ("{two}.two.type", "all of `.two` as a whole"),
        ("(., .two) | .type", "the record as a whole"),
        ("(.two // .) | .type", "the record as a whole"),
        (". as [$x] | $x", "the record as a whole"),
        ("reduce . as $x (0; 1)", "the record as a whole"),
        ("1 | . as $v | $v", ""),
        (". as $r | 1 | $r | length", "`length` looks at the record as a whole"),
        ("if .a then .b end", "the record as a whole"),
        ("try . catch false", "the record as a whole"),
        ("select(.a)", "the record as a whole"),
        ("first(.)", "the record as a whole"),
        ("del(.a) | .b", "`del` looks at the record as a whole"),
        (".a |= 1 | .b", "`=` looks at the record as a whole"),
        (".a = 1 | .b", "`=` looks at the record as a whole"),
        ("getpath([\"a\"])", "`getpath` looks at the record as a whole"),
        ("tojson", "`tojson` looks at"),
        ("@json == \"x\"", "`@json` looks at"),
        ("def f: .a; f", "a condition that defines functions"),
    ] {
        let found = mistakes_of(&with(condition));
        let messages: Vec<&str> = found.iter().map(|mistake| mistake.message.as_str()).collect();
        if says.is_empty() {
            assert_eq!(messages, [""; 0], "{condition}");
        } else {
            assert!(messages.iter().any(|message| message.contains(says)), "{condition}: {messages:?}");
        }
    }
}

#[test]
fn a_condition_names_what_there_is() {
    insta::assert_snapshot!(said("when = '.imdb.type == 1'"), @r#"
    line 8: imdb
    unknown endpoint `imdb` in the condition
    hint: name an endpoint; if it is a column of JSON, add types = { imdb = "json" }
    "#);
    insta::assert_snapshot!(said("when = '.country == \"US\" and keys'"), @r#"
    line 8: keys
    `keys` looks at the record as a whole
    hint: name each column that decides: .country of the list, .omdb.type of an endpoint
    "#);
    insta::assert_snapshot!(said("when = '.country = '"), @r#"
    line 8: '
    jq does not parse: expected term, found the end
    hint: jq is described at https://jqlang.org/manual; `.country` is a column of the list, `.omdb.type` one of an endpoint
    "#);
    insta::assert_snapshot!(said("when = 'env.HOME'"), @r#"
    line 8: env
    jq function `env` is not available
    hint: jq is described at https://jqlang.org/manual; `.country` is a column of the list, `.omdb.type` one of an endpoint
    "#);
    assert_eq!(said("when = '.ordinal > 3 and .Kept'"), "", "no name is reserved");
    insta::assert_snapshot!(said("when = ''"), @r#"
    line 8: '
    jq does not parse: expected term, found the end
    hint: jq is described at https://jqlang.org/manual; `.country` is a column of the list, `.omdb.type` one of an endpoint
    "#);
    let text = with(".tow.type == 1 and .two.tipe == 1");
    let found: Vec<(String, String)> =
        mistakes_of(&text).into_iter().map(|mistake| (mistake.message, mistake.hint)).collect();
    let expected = [
        ("unknown endpoint `tow` in the condition", "did you mean `two`?"),
        ("endpoint `two` has no column `tipe`", "did you mean `type`?"),
    ];
    assert_eq!(found, expected.map(|(message, hint)| (message.to_owned(), hint.to_owned())));
}

#[test]
fn a_name_of_both_an_endpoint_and_a_column_is_not_guessed() {
    let text = with(".two.type == 1").replace("\"kept\"", "\"two\"");
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "`.two` is both an endpoint and a column of the list");
}

#[test]
fn conditions_go_round_in_circles_too() {
    let found = mistakes_of(&small("when = '.one.x == 1'"));
    assert_eq!(found[0].message, "endpoint `one` uses its own answer");
    let text = with(".two.type == 1").replace("/{id}\"\ncolumns = { type", "/{one.x}\"\ncolumns = { type");
    let found = mistakes_of(&text);
    assert_eq!(found[0].message, "endpoints wait for each other: one needs two needs one");
}

/// A list of bare ids has nothing else to look at.
#[test]
fn the_columns_of_a_condition_must_be_there() {
    let text = small("when = '.country == 1'")
        .replace("ids.csv", "ids.txt")
        .replace(", columns = [\"kept\", \"tags\"]", "");
    let text = text.replace(", types = { tags = \"json\" }", "");
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "the list has no column `country`");
    assert_eq!(found[0].line, super::line_of(&text, "when"));
}
