//! HTML through the [`Extractor`].

use proptest::prelude::*;

use super::*;
use crate::job::{AnswerFormat, Css, Expression, NextPage, Pages, TakenFrom};
use crate::record::{Kind, Rows};

fn css(selector: &str) -> Css {
    Css { selector: selector.to_owned(), attribute: None, all: false }
}

fn attribute(selector: &str, attribute: &str) -> Css {
    Css { attribute: Some(attribute.to_owned()), ..css(selector) }
}

fn found(name: &str, css: Css, ty: Type) -> job::Column {
    job::Column::plain(name, Expression::Css(css), ty)
}

fn html(rows: Option<&str>, columns: Vec<job::Column>) -> Endpoint {
    Endpoint { format: AnswerFormat::Html, rows: rows.map(str::to_owned), ..endpoint(columns, None) }
}

fn rows_of(endpoint: &Endpoint, body: impl AsRef<[u8]>) -> Result<Rows, Failure> {
    match Extractor::compile(endpoint).unwrap().extract(body.as_ref())? {
        Extracted::Rows(rows) => Ok(rows),
        Extracted::Missing => panic!("missing without a condition"),
    }
}

/// The one value that a selector finds.
fn value_of(css: Css, ty: Type, body: &str) -> Value {
    rows_of(&html(None, vec![found("v", css, ty)]), body).unwrap().values.remove(0)
}

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><title>
  Odds  &amp;
  more</title><script type="application/ld+json">{"name": "a  b"}</script></head><body>
<h1>Ran&nbsp;&nbsp;<i>vs</i> Ikiru</h1><a href=" /a ">A</a><a>B</a><a href="">C</a>
<table class="odds"><tr data-id=1><td class=name>Ann</td><td>1,5</td><td><a href="/ann">+</a></td></tr>
<tr data-id=2><td class=name>Bob</td><td>N/A</td></tr></table></body></html>"#;

#[test]
fn text_is_folded_and_attributes_are_not() {
    assert_eq!(value_of(css("title"), Type::Text, PAGE), text("Odds & more"));
    assert_eq!(value_of(css("h1"), Type::Text, PAGE), text("Ran vs Ikiru"));
    assert_eq!(value_of(css("tr"), Type::Text, PAGE), text("Ann 1,5 +"));
    assert_eq!(value_of(css("nosuch"), Type::Text, PAGE), Value::Null);
    assert_eq!(value_of(attribute("a", "href"), Type::Text, PAGE), text(" /a "));
    assert_eq!(value_of(attribute("a:nth-of-type(2)", "href"), Type::Text, PAGE), Value::Null);
    assert_eq!(value_of(attribute("html", "lang"), Type::Text, PAGE), text("en"));
    assert_eq!(value_of(attribute(":scope", "lang"), Type::Text, PAGE), text("en"));
    assert_eq!(
        value_of(css(r#"script[type="application/ld+json"]"#), Type::Json, PAGE),
        Value::Json(r#"{"name": "a  b"}"#.into())
    );
}

#[test]
fn text_is_what_the_page_shows() {
    for (body, shown) in [
        ("12 Main St<br>Springfield", "12 Main St Springfield"),
        ("12 Main St<br/>\n<br>Springfield<br>", "12 Main St Springfield"),
        ("<p>one</p><p>two</p>three<div>four</div>", "one two three four"),
        ("<ul><li>a<li>b<ol><li>c</ol></ul>", "a b c"),
        ("<h2>Price</h2>12<hr>EUR", "Price 12 EUR"),
        ("<table><tr><td>1<td>2<tr><th>3<td><table><tr><td>4<td>5</table></table>", "1 2 3 4 5"),
        ("<dl><dt>Size<dd>XL<dt>Color<dd>red</dl>", "Size XL Color red"),
        ("<select><option>S<option>M</select>", "S M"),
        // Inline elements do not cut a word in two.
        ("foo<b>bar</b><i></i><span>baz</span>", "foobarbaz"),
        ("1<sup>st</sup> <a>a</a><a>b</a>", "1st ab"),
        ("long<wbr>word<!-- - -->s", "longwords"),
        ("x<img alt=no>y<my-tag>z</my-tag>", "xyz"),
        // Code is no text.
        ("a<script>var x = '<b>';</script>b<style>p{}</style>c<template><p>d</template>e", "abce"),
        ("<div>4.99<script type=application/json>{}</script></div>", "4.99"),
        ("<noscript><img src=x>turn it on</noscript>on", "on"),
        ("<iframe>old browser</iframe><svg><style>a{}</style><text>1</text></svg>", "1"),
        ("<p>a<script>1</script></p><script>2</script><p>b", "a b"),
        // All white space is one blank.
        ("a&nbsp;&nbsp;\u{2003}b<pre>c\n  d\te</pre>f", "a b c d e f"),
        ("\u{200b}", "\u{200b}"),
        ("&lt;br&gt;&amp;", "<br>&"),
        ("", ""),
    ] {
        assert_eq!(value_of(css("main"), Type::Text, &format!("<main>{body}</main>")), text(shown), "{body}");
    }
    let every = Css { all: true, ..css("li") };
    let list = "<ul><li>1<br>2<script>0</script><li><p>3<p>4</ul>";
    assert_eq!(value_of(every, Type::Json, list), Value::Json(r#"["1 2","3 4"]"#.into()));
}

#[test]
fn an_element_that_is_asked_for_itself_has_its_text() {
    let page = "<script>a  b</script><style>p{}</style><noscript>c</noscript><template>d<i>e</i></template>";
    for (name, shown) in [("script", "a b"), ("style", "p{}"), ("noscript", "c"), ("template", "de")] {
        assert_eq!(value_of(css(name), Type::Text, &format!("<body>{page}")), text(shown), "{name}");
    }
}

#[test]
fn all_matches_are_an_array() {
    let all = |css: Css| Css { all: true, ..css };
    assert_eq!(value_of(all(css("a")), Type::Json, PAGE), Value::Json(r#"["A","B","C","+"]"#.into()));
    let hrefs = value_of(all(attribute("a", "href")), Type::Json, PAGE);
    assert_eq!(hrefs, Value::Json(r#"[" /a ","","/ann"]"#.into()));
    assert_eq!(value_of(all(css("td.name")), Type::Text, PAGE), text(r#"["Ann","Bob"]"#));
    assert_eq!(value_of(all(css("nosuch")), Type::Json, PAGE), Value::Json("[]".into()));
}

#[test]
fn columns_are_relative_to_their_row() {
    let price = job::Column {
        remove: Some(",".to_owned()),
        nulls: vec!["N/A".to_owned()],
        ..found("price", css(":scope > td:nth-child(2)"), Type::Integer)
    };
    let columns = vec![
        found("name", css("td.name"), Type::Text),
        price,
        found("id", attribute(":scope", "data-id"), Type::Integer),
        found("link", attribute("a", "href"), Type::Text),
        job::Column { from: TakenFrom::Answer, ..found("title", css("title"), Type::Text) },
        found("outside", css("h1"), Type::Text),
    ];
    let rows = rows_of(&html(Some("table.odds tr"), columns.clone()), PAGE).unwrap();
    let title = text("Odds & more");
    assert_eq!(
        rows.iter().collect::<Vec<_>>(),
        [
            [text("Ann"), Value::Integer(15), Value::Integer(1), text("/ann"), title.clone(), Value::Null],
            [text("Bob"), Value::Null, Value::Integer(2), Value::Null, title, Value::Null],
        ]
    );
    assert_eq!(rows_of(&html(Some("nosuch"), columns), PAGE).unwrap().count, 0);
}

#[test]
fn a_row_is_not_inside_itself() {
    let body = "<div id=1>a<div id=2>b</div></div>";
    let columns = vec![
        found("inner", attribute("div", "id"), Type::Integer),
        found("own", attribute(":scope", "id"), Type::Integer),
    ];
    let rows = rows_of(&html(Some("div"), columns), body).unwrap();
    assert_eq!(rows.values, [Value::Integer(2), Value::Integer(1), Value::Null, Value::Integer(2)]);
}

#[test]
fn rows_come_in_the_order_of_the_document() {
    // What stands in a table but not in a cell is moved before the table.
    let body = "<table><tr><td><b>1</b></td></tr><b>0</b></table><b>2</b>";
    let rows = rows_of(&html(Some("b"), vec![found("n", css(":scope"), Type::Integer)]), body).unwrap();
    assert_eq!(rows.values, [0, 1, 2].map(Value::Integer));
}

#[test]
fn values_that_do_not_fit_fail_the_answer() {
    let strict = job::Column { not_null: true, ..found("n", css("b"), Type::Integer) };
    for (body, kind) in [("<b>x</b>", Kind::Convert), ("<p>", Kind::Null)] {
        assert_eq!(rows_of(&html(None, vec![strict.clone()]), body).unwrap_err().kind, kind);
    }
    assert_eq!(rows_of(&html(None, vec![]), b"<p>\xFF").unwrap_err().kind, Kind::Decode);
}

#[test]
fn an_empty_answer_is_no_page() {
    for rows in [None, Some("tr")] {
        let endpoint = html(rows, vec![found("n", css("td"), Type::Text)]);
        let failure = rows_of(&endpoint, b" \n").unwrap_err();
        assert_eq!((failure.kind, failure.detail.as_str()), (Kind::Extract, "the answer is empty"));
    }
}

fn next(head: &str, link: &str) -> Option<String> {
    let pages = Some(Pages { next: NextPage::Url("a.next".to_owned()), max: 9, items: None });
    let endpoint = Endpoint { pages, ..html(Some("li"), vec![found("n", css(":scope"), Type::Integer)]) };
    let body = format!("<head>{head}</head><ul><li>1</ul><a href=/first>x</a>{link}");
    let page = Extractor::compile(&endpoint).unwrap().page(body.as_bytes()).unwrap();
    assert_eq!(page.extracted, Extracted::Rows(Rows::one(vec![Value::Integer(1)])));
    page.next
}

#[test]
fn the_next_page_is_a_links_target() {
    for (link, target) in [
        ("<a class=next href='?page=2'>", Some("?page=2")),
        ("<a class=next href=' http://x/y '><a class=next href=/z>", Some("http://x/y")),
        ("<a class=next href=''>", None),
        ("<a class=next>", None),
        ("<a class=other href=/z>", None),
    ] {
        assert_eq!(next("", link).as_deref(), target, "{link}");
    }
}

#[test]
fn links_start_from_the_base_of_the_document() {
    let link = "<a class=next href='b?page=2'>";
    for (base, target) in [
        ("<base href=/>", "/b?page=2"),
        ("<base href=/a/x.html>", "/a/b?page=2"),
        ("<base href='https://cdn.example/a/'>", "https://cdn.example/a/b?page=2"),
        ("<base target=_top>", "b?page=2"),
        ("<base href=a/>", "b?page=2"),
        ("<base href=//other/>", "b?page=2"),
    ] {
        assert_eq!(next(base, link).as_deref(), Some(target), "{base}");
    }
    let other = "<a class=next href=//other/x>";
    assert_eq!(next("<base href=/a/>", other).as_deref(), Some("//other/x"));
    assert_eq!(next("<base href=https://cdn.example>", other).as_deref(), Some("https://other/x"));
}

#[test]
fn mistakes_name_their_column() {
    let refused = |endpoint: &Endpoint| Extractor::compile(endpoint).err().unwrap().to_string();
    let wrong = html(None, vec![found("a", css("td >"), Type::Text)]);
    assert!(refused(&wrong).starts_with("column a: not a CSS selector: "), "{}", refused(&wrong));
    assert!(refused(&html(Some("<td>"), vec![])).starts_with("rows: not a CSS selector: "));
    let conditional = Endpoint { ok: Some(".".to_owned()), ..html(None, vec![]) };
    assert!(refused(&conditional).starts_with("ok does not fit the answers"));
}

/// On a thread with as little stack as a test or a child may have.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

fn kind_of(selectors: [&'static str; 3], body: String) -> Result<u32, Kind> {
    on_a_small_stack(move || {
        let columns = selectors.iter().map(|selector| found("v", css(selector), Type::Text)).collect();
        rows_of(&html(None, columns), body).map(|rows| rows.count).map_err(|failure| failure.kind)
    })
}

#[test]
fn depth_costs_no_stack() {
    let selectors = ["body", "div div div b", "div:has(b)"];
    let nested = |depth: usize| format!("{}<b>x</b>", "<div>".repeat(depth));
    assert_eq!(kind_of(selectors, nested(9_990)), Ok(1));
    assert_eq!(kind_of(selectors, nested(10_000)), Err(Kind::TooDeep));
    assert_eq!(kind_of(selectors, nested(100_000)), Err(Kind::TooDeep));
    assert_eq!(kind_of(selectors, "<svg>".repeat(1_000_000)), Err(Kind::TooDeep));
    assert_eq!(kind_of(selectors, "<a>".repeat(100_000)), Ok(1));
}

#[test]
fn the_same_text_over_and_over_is_bounded() {
    let inside = |rows: Option<&str>, css: Css, ty| {
        let body = format!("{}{}", "<div>".repeat(1000), "x".repeat(500_000));
        rows_of(&html(rows, vec![found("v", css, ty)]), body).unwrap_err()
    };
    let all = Css { all: true, ..css("div") };
    for failure in [inside(Some("div"), css(":scope"), Type::Text), inside(None, all, Type::Json)] {
        assert_eq!(failure.kind, Kind::Extract);
        assert!(failure.detail.contains("256 MiB"), "{failure:?}");
    }
}

/// Columns and rows that meet in anything.
fn anything() -> Endpoint {
    let all = |css: Css| Css { all: true, ..css };
    let columns = vec![
        found("all", all(css("*")), Type::Json),
        found("href", attribute(":scope", "href"), Type::Text),
        found("nth", css("td:nth-child(2n+1), :scope > :last-child"), Type::Text),
        found("has", css(":has(a, > b):not(:empty)"), Type::Text),
        job::Column { from: TakenFrom::Answer, ..found("next", css("* + b ~ i"), Type::Text) },
    ];
    html(Some("a, b, td, p, :root"), columns)
}

/// Text that looks like HTML, with the elements whose parsing is peculiar.
fn soup() -> impl Strategy<Value = String> {
    let names = [
        "a",
        "b",
        "i",
        "nobr",
        "font",
        "p",
        "div",
        "li",
        "table",
        "tr",
        "td",
        "tbody",
        "caption",
        "col",
        "colgroup",
        "select",
        "option",
        "optgroup",
        "template",
        "svg",
        "math",
        "mi",
        "foreignObject",
        "annotation-xml",
        "title",
        "style",
        "script",
        "noscript",
        "textarea",
        "plaintext",
        "frameset",
        "frame",
        "html",
        "head",
        "body",
        "form",
        "button",
        "input",
        "object",
        "ruby",
        "rt",
        "dd",
        "h1",
        "br",
        "hr",
        "image",
        "selectedcontent",
    ];
    let tag = (
        prop::sample::select(names.to_vec()),
        prop::sample::select(vec!["<", "<", "<", "</"]),
        "[ a-c=\"/]{0,6}",
    )
        .prop_map(|(name, open, attributes)| format!("{open}{name} {attributes}>"));
    let other = prop::sample::select(vec![
        "x",
        " ",
        "\0",
        "&amp;",
        "&#0;",
        "<!--",
        "-->",
        "<!doctype html>",
        "<![CDATA[",
        "]]>",
        "<?x?>",
        "é",
        "\r\n",
    ]);
    prop::collection::vec(prop_oneof![4 => tag, 1 => other.prop_map(str::to_owned)], 0..60)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]
    #[test]
    fn any_soup_is_read(soup in soup()) {
        rows_of(&anything(), format!("a{soup}")).unwrap();
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let refused = rows_of(&anything(), &bytes).is_err();
        let is_page = |text: &str| !text.trim_start_matches('\u{feff}').trim().is_empty();
        prop_assert_eq!(refused, !std::str::from_utf8(&bytes).is_ok_and(is_page));
    }

    #[test]
    fn no_element_is_lost_or_doubled(
        cells in prop::collection::vec(prop::collection::vec("[a-z<&é]{0,6}", 0..6), 0..12),
    ) {
        let escape = |text: &String| text.replace('&', "&amp;").replace('<', "&lt;");
        let row = |cells: &Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
            format!("<tr>{cells}</tr>")
        };
        let body = format!("<table>{}</table>", cells.iter().map(row).collect::<String>());
        let all = Css { all: true, ..css("td") };
        let rows = rows_of(&html(Some("tr"), vec![found("cells", all, Type::Json)]), body).unwrap();
        let expected: Vec<_> = cells.iter().map(|cells| Value::Json(serde_json::json!(cells).to_string())).collect();
        prop_assert_eq!(rows.values, expected);
    }
}
