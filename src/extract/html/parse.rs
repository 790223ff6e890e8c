//! A document's tree, built within bounds.
//!
//! html5ever neither recurses nor fails, but what it does for a tag may take time for each element that is open
//! there, and of those that are to be opened again (`<p><b><i>…</p><p>`) it makes copies: a text of 20 KB can
//! become a million elements. So it is given the text in pieces, the smaller the more elements are open, and
//! looked at after each.

use std::cell::Cell;

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tree_builder::{Tracer, TreeSink};
use html5ever::{ParseOpts, Parser, parse_document};
use scraper::{Html, HtmlTreeSink};

use crate::record::{Failure, Kind};

/// Levels of elements. Browsers stop at some 500; pages with tags that nobody closes come to some thousands.
/// The matching of `:has(…)` recurses, and at this depth stays within 2 MiB of stack (tried).
const MAX_DEPTH: usize = 10_000;

/// Bytes of `max_answer` for each element, text and comment of a document: these take some 200 bytes of memory.
const BYTES_PER_NODE: u64 = 8;

/// Elements, texts and comments that every document may have.
const ALWAYS_ALLOWED: u64 = 1_000_000;

/// The sum, over all bytes, of the elements that are open there: what all work on a document is bounded by,
/// a few seconds. A page of 16 MiB may have 128 elements open everywhere, one of 200 KB the full depth.
const MAX_WORK: usize = 2 << 30;

/// Bytes that are read at once where few elements are open.
const LONGEST_PIECE: usize = 1024;

/// Bytes that are read at once, times the elements that are open: no piece makes more copies of these.
const WORK_AT_ONCE: usize = 64 << 10;

type HtmlParser = Parser<HtmlTreeSink>;

/// The tree of a document. What is not bounded here is a tag with a million attributes, which takes minutes: like
/// an expression without end it is left to the worker's watchdog.
pub(super) fn document(text: &str, max_answer: u64) -> Result<Html, Failure> {
    // A tendril's length has 32 bits.
    if u32::try_from(text.len()).is_err() {
        return Err(Failure::lasting(Kind::TooLarge, "HTML of 4 GiB or more cannot be read"));
    }
    let whole = StrTendril::from(text);
    // A byte order mark at the start of a piece would be dropped; that of the text is gone already.
    let tokenizer = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = parse_document(sink, ParseOpts { tokenizer, ..ParseOpts::default() });
    let most = ALWAYS_ALLOWED.max(max_answer / BYTES_PER_NODE);
    let (mut at, mut open, mut work) = (0, 0, 0);
    while at < text.len() {
        let end = end_of_piece(text, at, open);
        parser.process(whole.subtendril(at as u32, (end - at) as u32));
        open = opened(&parser);
        work += open * (end - at);
        check_work(open, work)?;
        check_size(&parser, most)?;
        at = end;
    }
    let document = parser.finish();
    if depth(&document) > MAX_DEPTH { Err(too_deep()) } else { Ok(document) }
}

fn end_of_piece(text: &str, at: usize, open: usize) -> usize {
    let length = (WORK_AT_ONCE / open.max(1)).clamp(8, LONGEST_PIECE);
    text.ceil_char_boundary(at + length)
}

/// How many elements are open, or are to be opened again.
fn opened(parser: &HtmlParser) -> usize {
    let counter = Counter(Cell::new(0));
    parser.tokenizer.sink.trace_handles(&counter);
    counter.0.get()
}

struct Counter(Cell<usize>);

impl Tracer for Counter {
    type Handle = <HtmlTreeSink as TreeSink>::Handle;

    fn trace_handle(&self, _: &Self::Handle) {
        self.0.set(self.0.get() + 1);
    }
}

fn check_work(open: usize, work: usize) -> Result<(), Failure> {
    // A formatting element that is open counts twice.
    if open > 2 * MAX_DEPTH {
        return Err(too_deep());
    }
    if work > MAX_WORK {
        return Err(Failure::lasting(Kind::TooDeep, "the HTML nests too deeply for its length"));
    }
    Ok(())
}

fn check_size(parser: &HtmlParser, most: u64) -> Result<(), Failure> {
    if parser.tokenizer.sink.sink.0.borrow().tree.values().len() as u64 <= most {
        return Ok(());
    }
    Err(Failure::lasting(Kind::TooLarge, format!("the HTML has more than {most} elements and texts")))
}

fn too_deep() -> Failure {
    Failure::lasting(Kind::TooDeep, format!("the HTML nests deeper than {MAX_DEPTH}"))
}

/// The levels of a tree, found without recursion.
fn depth(document: &Html) -> usize {
    let (mut depth, mut deepest) = (0, 0);
    let mut node = document.tree.root();
    loop {
        if let Some(child) = node.first_child() {
            depth += 1;
            deepest = deepest.max(depth);
            node = child;
            continue;
        }
        loop {
            if let Some(sibling) = node.next_sibling() {
                node = sibling;
                break;
            }
            let Some(parent) = node.parent() else { return deepest };
            depth -= 1;
            node = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Failure {
        document(text, 16 << 20).map(drop).unwrap_err()
    }

    fn selected(text: &str, css: &str) -> Vec<String> {
        let selector = scraper::Selector::parse(css).unwrap();
        let document = document(text, 0).unwrap();
        document.root_element().select(&selector).map(|element| element.inner_html()).collect()
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let unit = "<p title='é > \u{FEFF}'>ä\r\n&amp;\u{FEFF}&notin;x<!-- é --><script>a<b</script>";
        for padding in 0..unit.len() {
            let text = format!("<i>{}</i>{}", "x".repeat(padding), unit.repeat(100));
            assert_eq!(document(&text, 0).unwrap(), Html::parse_document(&text), "{padding}");
        }
    }

    #[test]
    fn copies_of_unclosed_elements_are_bounded() {
        let unclosed: String = (0..2000).map(|at| format!("<b a{at}>")).collect();
        let bomb = format!("<p>{unclosed}{}", "<p>x".repeat(10_000));
        let failure = refused(&bomb);
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::TooLarge, false));
        assert!(failure.detail.ends_with("2097152 elements and texts"), "{failure:?}");
    }

    #[test]
    fn work_is_bounded() {
        let failure = refused(&format!("{}{}", "<div>".repeat(9000), "</li>".repeat(200_000)));
        assert_eq!(
            (failure.kind, failure.detail.as_str()),
            (Kind::TooDeep, "the HTML nests too deeply for its length")
        );
    }

    #[test]
    fn elements_side_by_side_are_not_deep() {
        let items = "<li>x".repeat(100_000);
        assert_eq!(selected(&format!("<ul>{items}"), "ul > li:last-child"), ["x"]);
    }

    #[test]
    fn an_empty_text_is_an_empty_document() {
        assert_eq!(selected("", "body"), [""]);
    }
}
