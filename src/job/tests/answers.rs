//! How answers are read: formats, columns, rows, pages, pipes and conditions on the body.

use super::super::*;
use super::{endpoint, mistakes_of, parse, said, small};
use crate::value::Type;

fn css(selector: &str, attribute: Option<&str>, all: bool) -> Expression {
    Expression::Css(Css { selector: selector.into(), attribute: attribute.map(str::to_owned), all })
}

#[test]
fn a_bare_column_is_written_in_the_language_of_the_answer() {
    let column = |answer: &str, column: &str| {
        endpoint(&format!("format = \"{answer}\"\ncolumns = {{ x = {column} }}")).columns.remove(0)
    };
    for format in ["json", "jsonl", "jsonp"] {
        assert_eq!(column(format, "'.x'"), Column::plain("x", Expression::Jq(".x".into()), Type::Text));
    }
    assert_eq!(column("html", "'h1 > a'"), Column::plain("x", css("h1 > a", None, false), Type::Text));
    let text = Column::plain("x", Expression::Text, Type::Text);
    assert_eq!(column("text", "'(\\d+)'"), Column { regex: Some("(\\d+)".into()), ..text.clone() });
    assert_eq!(column("text", "{}"), text);
    assert_eq!(column("text", "{ regex = 'x', type = 'bigint' }").regex.as_deref(), Some("x"));
}

#[test]
fn the_formats_of_answers() {
    let format = |answer: &str| {
        endpoint(&format!(
            "format = \"{answer}\"\ncolumns = {{ x = {{ {} }} }}",
            match answer {
                "html" => "css = 'a'",
                "text" => "",
                _ => "jq = '.'",
            }
        ))
        .format
    };
    assert_eq!(format("json"), AnswerFormat::Json);
    assert_eq!(format("jsonl"), AnswerFormat::JsonLines);
    assert_eq!(format("jsonp"), AnswerFormat::Jsonp);
    assert_eq!(format("html"), AnswerFormat::Html);
    assert_eq!(format("text"), AnswerFormat::Text);
    assert_eq!(endpoint("").format, AnswerFormat::Json);
}

#[test]
fn elements_give_text_attributes_or_lists() {
    let columns = "a = { css = 'a', attr = 'href' }, b = { css = 'a', all = true }, \
                   c = { css = 'a', all = true, type = 'text', regex = 'x' }, d = { css = ':scope', from = 'row' }, \
                   e = { css = 'h1', from = 'answer', type = 'date', format = '%Y-%m-%d' }";
    let endpoint =
        endpoint(&format!("format = \"html\"\nrows = \"table.odds tr\"\ncolumns = {{ {columns} }}"));
    let made: Vec<(Expression, Type, TakenFrom)> =
        endpoint.columns.into_iter().map(|column| (column.expression, column.ty, column.from)).collect();
    let expected = [
        (css("a", Some("href"), false), Type::Text, TakenFrom::Row),
        (css("a", None, true), Type::Json, TakenFrom::Row),
        (css("a", None, true), Type::Text, TakenFrom::Row),
        (css(":scope", None, false), Type::Text, TakenFrom::Row),
        (css("h1", None, false), Type::Date, TakenFrom::Answer),
    ];
    assert_eq!(made, expected);
    assert_eq!(endpoint.rows.as_deref(), Some("table.odds tr"));
}

#[test]
fn columns_in_the_language_of_another_format() {
    insta::assert_snapshot!(said("columns = { a = { css = 'a' }, b = { jq = '.', attr = 'x', all = true } }"), @r#"
    line 7: 'a'
    `css` in a column of an endpoint whose answers are JSON
    hint: write jq = "…", or add format = "html" to the endpoint

    line 7: 'x'
    `attr` in a column of an endpoint whose answers are JSON
    hint: write jq = "…", or add format = "html" to the endpoint

    line 7: true
    `all` in a column of an endpoint whose answers are JSON
    hint: write jq = "…", or add format = "html" to the endpoint
    "#);
    insta::assert_snapshot!(said("format = \"html\"\ncolumns = { a = { jq = '.' }, b = 'a', c = {} }"), @r#"
    line 8: '.'
    `jq` in a column of an endpoint whose answers are HTML
    hint: write css = "…", or leave format = "html" out

    line 8: {}
    the column lacks `css`
    hint: add css = "…", the selector that finds the value
    "#);
    insta::assert_snapshot!(said("format = \"text\"\ncolumns = { a = { css = 'a', regex = 'x' }, b = '(' }"), @r#"
    line 8: 'a'
    `css` in a column of an endpoint whose answers are text
    hint: write regex = "…", or leave format = "text" out

    line 8: '('
    the regular expression does not compile: unclosed group
    hint: the syntax is that of https://docs.rs/regex: no look-around, no back-references
    "#);
    insta::assert_snapshot!(said("format = \"html\"\ncolumns = { a = { css = 'a', attr = '[x]', all = 1 } }"), @r#"
    line 8: '[x]'
    "[x]" is no name for an attribute
    hint: write its name alone, as in attr = "href"

    line 8: 1
    expected true or false, found an integer
    hint: write it without quotes
    "#);
    insta::assert_snapshot!(said("format = \"html\"\ncolumns = { a = { css = 'a', all = true, type = 'bigint' } }"), @r#"
    line 8: 'bigint'
    a list of elements as bigint
    hint: `all` makes a list: write type = "json" or "text", or leave `all` out
    "#);
    insta::assert_snapshot!(said("columns = { a = { jq = '.', from = 'answer' }, b = { jq = 3 } }"), @r#"
    line 7: 'answer'
    `from` in an endpoint without `rows`
    hint: leave it out: it is for endpoints with `rows`, where it says "row" or "answer"

    line 7: 3
    expected text, found an integer
    hint: put it in quotes
    "#);
    insta::assert_snapshot!(said("format = \"htm\"\ncolumns = { a = 'a >', b = { css = 'a' } }"), @r#"
    line 7: "htm"
    unknown word "htm"
    hint: write "html"
    "#);
    insta::assert_snapshot!(said("rows = 3\ncolumns = { a = { jq = '.', from = 'answers' } }"), @r#"
    line 7: 3
    expected text, found an integer
    hint: put it in quotes

    line 8: 'answers'
    unknown word "answers"
    hint: did you mean `answer`?
    "#);
}

#[test]
fn selectors_that_do_not_parse() {
    let refused = |selector: &str| {
        let said = said(&format!("format = \"html\"\ncolumns = {{ x = '{selector}' }}"));
        let reason = said.lines().find_map(|line| line.strip_prefix("the CSS selector does not parse: "));
        reason.unwrap_or_else(|| panic!("{selector}: {said}")).to_owned()
    };
    assert_eq!(refused(""), "empty selector");
    assert_eq!(refused("a >"), "dangling combinator");
    assert_eq!(refused("a:hover"), "unsupported pseudo class or element");
    assert_eq!(refused("a["), "it ends too early");
    assert_eq!(refused("a::text"), "unsupported pseudo class or element");
    assert_eq!(refused("a.1"), "unexpected token");
    assert_eq!(refused("a,"), "empty selector");
    assert_eq!(refused("<a>"), "empty selector");
    let long = format!("format = \"html\"\ncolumns = {{ x = '{}' }}", "a ".repeat(2100));
    assert!(said(&long).contains("4200 bytes of CSS selector are too many"), "{}", said(&long));
}

#[test]
fn deep_selectors_do_not_overflow_the_stack() {
    for open in [":is(", ":not(", ":has(", ":where(", "(", "[", ":nth-child(1 of "] {
        for close in ["", ")"] {
            let levels = LONGEST_JQ / (open.len() + close.len());
            let selector = format!("{}{}", open.repeat(levels), close.repeat(levels));
            let _ = said(&format!("format = \"html\"\ncolumns = {{ x = '{selector}' }}"));
        }
    }
}

#[test]
fn conditions_and_statuses() {
    let one = endpoint("ok = '.status == \"ok\"'\nmissing = [404, '.gone']");
    assert_eq!(one.ok.as_deref(), Some(".status == \"ok\""));
    assert_eq!(one.missing, Missing { statuses: vec![404], when: Some(".gone".into()) });
    let page = endpoint("format = \"html\"\ncolumns = { x = 'a' }\nmissing = [404]");
    assert_eq!(page.missing.statuses, [404]);
    insta::assert_snapshot!(said("ok = '.x ='"), @r#"
    line 8: '
    jq does not parse: expected term, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(said("format = \"html\"\ncolumns = { x = 'a' }\nmissing = [404, '.gone']\nok = 'a'"), @r#"
    line 9: '.gone'
    a condition in `missing` on an answer that is no JSON
    hint: list statuses, such as [404]; a condition is jq, for answers of JSON

    line 10: 'a'
    a condition in `ok` on an answer that is no JSON
    hint: leave it out; a column with not_null = true fails where nothing is found
    "#);
}

#[test]
fn a_program_makes_json_of_answers() {
    let piped =
        endpoint("pipe = [\"python3\", \"parse.py\", \"\"]\nok = '.fine'\nrows = '.[]'\nmissing = '.gone'");
    assert_eq!(piped.pipe, Some(vec!["python3".into(), "parse.py".into(), "".into()]));
    assert_eq!(piped.format, AnswerFormat::Json);
    insta::assert_snapshot!(said("pipe = []"), @r#"
    line 8: []
    `pipe` without a program
    hint: name the program, then its arguments: ["python3", "parse.py"]
    "#);
    insta::assert_snapshot!(said("pipe = [\"\", \"a\\u0000\"]"), @r#"
    line 8: ["", "a\u0000"]
    `pipe` without a program
    hint: name the program, then its arguments: ["python3", "parse.py"]

    line 8: "a\u0000"
    a null character in an argument
    hint: no program can be given one
    "#);
    insta::assert_snapshot!(said("pipe = \"parse.py\""), @r#"
    line 8: "parse.py"
    expected a list, found text
    hint: put it in brackets: [ … ]
    "#);
    insta::assert_snapshot!(said("pipe = [\"x\"]\nformat = \"text\""), @r#"
    line 9: "text"
    both `format` and `pipe` in [[endpoint]]
    hint: leave `format` out: the program gets the text of an answer and makes JSON of it
    "#);
}

#[test]
fn each_way_to_the_next_page() {
    let pages = |keys: &str| endpoint(&format!("rows = '.[]'\npages = {{ {keys} }}")).pages.expect("pages");
    assert_eq!(pages("link = true"), Pages { next: NextPage::Link, max: 1000, items: Some(".".into()) });
    assert_eq!(
        pages("next = '.n', max = 5"),
        Pages { next: NextPage::Url(".n".into()), max: 5, items: Some(".".into()) }
    );
    let cursor = NextPage::Cursor { value: ".c".into(), parameter: "after".into() };
    assert_eq!(pages("cursor = '.c', cursor_param = 'after'").next, cursor);
    let offset = |first, more| NextPage::Offset { parameter: "start".into(), first, more };
    assert_eq!(pages("offset_param = 'start'").next, offset(0, None));
    assert_eq!(pages("offset_param = 'start', first = 1, more = '.m'").next, offset(1, Some(".m".into())));
    let number = |first| NextPage::Number { parameter: "page".into(), first, more: None };
    assert_eq!(pages("page_param = 'page'").next, number(1));
    assert_eq!(pages("page_param = 'page', first = 0").next, number(0));
    let html = endpoint("format = \"html\"\ncolumns = { x = 'a' }\nrows = 'tr'\npages = { next = 'a.next' }");
    assert_eq!(html.pages.map(|pages| pages.next), Some(NextPage::Url("a.next".into())));
    let first = endpoint(
        "rows = '.[]'\nparams = { cursor = '*' }\npages = { cursor = '.c', cursor_param = 'cursor' }",
    );
    assert!(first.pages.is_some(), "a first cursor");
}

#[test]
fn what_a_page_holds_is_read_off_rows_or_demanded() {
    let items = |rows: &str, keys: &str| {
        endpoint(&format!("rows = '{rows}'\npages = {{ {keys} }}")).pages.expect("pages").items
    };
    let selected = ".items[] | select(.active)";
    assert_eq!(items(selected, "page_param = 'page'").as_deref(), Some(r#".["items"]"#));
    assert_eq!(items(selected, "offset_param = 'start'").as_deref(), Some(r#".["items"]"#));
    assert_eq!(items(selected, "link = true").as_deref(), Some(r#".["items"]"#));
    assert_eq!(items(selected, "offset_param = 'start', items = '.n'").as_deref(), Some(".n"));
    assert_eq!(items(".a[].b[]", "offset_param = 'start', items = '.a'").as_deref(), Some(".a"));
    assert_eq!(
        items(".a[].b[]", "page_param = 'page', more = '.more'"),
        None,
        "the answer says what leads on"
    );
    assert_eq!(items(".a[].b[]", "next = '.next'"), None);
    assert_eq!(items(".", "page_param = 'page'"), None, "one row a page");
    let lines = endpoint("format = \"jsonl\"\nrows = '.[] | select(.a)'\npages = { page_param = 'page' }");
    assert_eq!(lines.pages.and_then(|pages| pages.items).as_deref(), Some("."));
}

#[test]
fn what_a_page_holds_is_never_guessed() {
    for (rows, keys, message) in [
        ("rows = '.a[].b[]'", "page_param = 'page'", "what a page holds cannot be told from `rows`"),
        (
            "rows = '.a[].b[]'",
            "offset_param = 's', more = '.m'",
            "what a page holds cannot be told from `rows`",
        ),
        (
            "rows = '.a | map(select(.b))[]'",
            "page_param = 'page'",
            "what a page holds cannot be told from `rows`",
        ),
        ("rows = '.'", "offset_param = 's'", "what a page holds cannot be told from `rows`"),
        (
            "pipe = ['parse']\nrows = '.[]'",
            "page_param = 'page'",
            "cannot be told from what a `pipe` makes of it",
        ),
        (
            "rows = '.[]'",
            "link = true, items = '.'",
            "`items` in pages without `offset_param` or `page_param`",
        ),
        ("rows = '.[]'", "page_param = 'page', items = '.['", "jq does not parse"),
    ] {
        let said = said(&format!("{rows}\npages = {{ {keys} }}"));
        assert!(said.contains(message), "{rows} {keys}: {said}");
        assert_eq!(said.matches("hint: ").count(), 1, "{said}");
    }
}

#[test]
fn rows_and_pages_that_lead_nowhere() {
    insta::assert_snapshot!(said("pages = { link = true }"), @r#"
    line 8: { link = true }
    `pages` without `rows`
    hint: add rows = ".items[]", which makes rows of each page
    "#);
    insta::assert_snapshot!(said("rows = '.['\npages = { next = '.n |' }"), @r#"
    line 8: '
    jq does not parse: expected closing bracket, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer

    line 9: '
    jq does not parse: expected term, found the end
    hint: jq is described at https://jqlang.org/manual; `.Title` takes the member Title of the answer
    "#);
    insta::assert_snapshot!(said("format = \"text\"\ncolumns = { x = 'a' }\nrows = 'x'\npages = { link = true }"), @r#"
    line 9: 'x'
    `rows` on an answer that is text
    hint: text gives one row: read it as "jsonl" or "html" if it is, or let a `pipe` take it apart
    "#);
    insta::assert_snapshot!(said("format = \"html\"\ncolumns = { x = 'a' }\nrows = 'tr:hover'"), @r#"
    line 9: 'tr:hover'
    the CSS selector does not parse: unsupported pseudo class or element
    hint: selectors are those of CSS: table.odds tr, a[href], li:nth-child(2)
    "#);
    let pages = |keys: &str| said(&format!("rows = '.[]'\npages = {{ {keys} }}"));
    insta::assert_snapshot!(pages(""), @r#"
    line 9: {  }
    `pages` does not say what leads to the next page
    hint: write { link = true }, { next = ".next" }, { cursor = ".cursor", cursor_param = "cursor" }, { offset_param = "start" } or { page_param = "page" }
    "#);
    insta::assert_snapshot!(pages("link = true, page_param = 'page'"), @r#"
    line 9: { link = true, page_param = 'page' }
    both `link` and `page_param` in pages
    hint: leave one of them out: one way leads to the next page
    "#);
    insta::assert_snapshot!(pages("link = false"), @r#"
    line 9: false
    `link = false` leads nowhere
    hint: leave `pages` out, or write link = true
    "#);
    insta::assert_snapshot!(pages("cursor = '.c'"), @r#"
    line 9: '.c'
    a cursor without its `cursor_param`
    hint: add cursor_param = "cursor", the query parameter that it goes into
    "#);
    insta::assert_snapshot!(pages("next = '.n', cursor_param = 'p', first = 3, more = '.m'"), @r#"
    line 9: 'p'
    `cursor_param` in pages without `cursor`
    hint: leave it out: it has no effect here

    line 9: 3
    `first` in pages without `offset_param` or `page_param`
    hint: leave it out: it has no effect here

    line 9: '.m'
    `more` in pages without `offset_param` or `page_param`
    hint: leave it out: it has no effect here
    "#);
    insta::assert_snapshot!(pages("page_param = '', max = 0"), @r#"
    line 9: ''
    a query parameter without a name
    hint: write its name, such as "page"

    line 9: 0
    0 is out of bounds
    hint: write a whole number from 1 to 1000000
    "#);
    insta::assert_snapshot!(pages("pages = 3"), @r#"
    line 9: { pages = 3 }
    `pages` does not say what leads to the next page
    hint: write { link = true }, { next = ".next" }, { cursor = ".cursor", cursor_param = "cursor" }, { offset_param = "start" } or { page_param = "page" }

    line 9: pages
    unknown key `pages` in pages
    hint: it belongs in [[endpoint]]
    "#);
    insta::assert_snapshot!(said("rows = '.[]'\npages = { page_param = 'page' }\nparams = { page = '1' }"), @r#"
    line 9: 'page'
    the parameter `page` of pages stands in the request already
    hint: leave it out there: `first` is its value on the first page
    "#);
    let url = "url = \"https://example.org/{id}?a=b&page=1\"";
    insta::assert_snapshot!(said(&format!("{url}\nrows = '.[]'\npages = {{ page_param = 'page' }}")), @r#"
    line 9: 'page'
    the parameter `page` of pages stands in the request already
    hint: leave it out there: `first` is its value on the first page
    "#);
    let html = |keys: &str| {
        said(&format!("format = \"html\"\ncolumns = {{ x = 'a' }}\nrows = 'tr'\npages = {{ {keys} }}"))
    };
    insta::assert_snapshot!(html("page_param = 'page', more = 'a'"), @r#"
    line 10: 'page'
    `page_param` for pages of HTML
    hint: write { link = true }, or { next = "a.next" }, the element whose href it is

    line 10: 'a'
    `more` for pages of HTML
    hint: write { link = true }, or { next = "a.next" }, the element whose href it is
    "#);
    insta::assert_snapshot!(html("next = 'a:'"), @r#"
    line 10: 'a:'
    the CSS selector does not parse: it ends too early
    hint: selectors are those of CSS: table.odds tr, a[href], li:nth-child(2)
    "#);
}

const TWO: &str =
    "[[endpoint]]\nname = \"two\"\nurl = \"https://example.org/{one.x}/{id}\"\ncolumns = { y = \".y\" }\n";

#[test]
fn one_endpoint_makes_rows_and_others_do_not_use_them() {
    let text = small("rows = '.[]'") + &TWO.replace("{one.x}", "2") + "rows = '.[]'\n";
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "a second endpoint with `rows`");
    let text = small("rows = '.[]'") + TWO;
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "endpoint `one` has `rows`: its columns have no single value to use");
    assert_eq!(found[0].line, super::line_of(&text, "{one.x}"));
    let text = small("rows = '.[]'") + &TWO.replace("{one.x}", "2") + "when = '.one.x == 1'\n";
    let found = mistakes_of(&text);
    assert_eq!(found[0].message, "endpoint `one` has `rows`: its columns have no single value to use");
    let reversed = small("rows = '.[]'\nparams = { y = '{two.y}' }") + &TWO.replace("{one.x}", "2");
    assert_eq!(parse(&reversed).expect("an exploding endpoint may use others").endpoints[0].after, [1]);
}
