//! A document's tree, built within bounds.
//!
//! html5ever neither recurses nor fails, but what it does for a tag may take time for each element that is open
//! there, and of those that are to be opened again (`<p><b><i>…</p><p>`) it makes copies: a text of 20 KB can
//! become a million elements, or a few elements with a thousand attributes each become gigabytes. So it is given the
//! text in pieces, the smaller the more is open, and looked at after each.
//!
//! It compares each attribute of a tag with those before it, and all of a formatting element (`<b class=…>`) with those
//! of all that are open: a bound on the attributes of one element keeps the first within a few seconds for the largest
//! text, and their weight in what is open the second.

use std::cell::Cell;

use html5ever::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{Tracer, TreeBuilder, TreeBuilderOpts, TreeSink};
use scraper::{Html, HtmlTreeSink, Node};

use super::unended::Silence;
use crate::record::{Failure, Kind};

/// Levels of elements. Browsers stop at some 500; pages with tags that nobody closes come to some thousands.
/// The matching of `:has(…)` recurses, and at this depth stays within 2 MiB of stack (tried).
const MAX_DEPTH: usize = 10_000;

/// Attributes of one element. Pages come to some dozens.
const MAX_ATTRIBUTES: usize = 1000;

/// The same of what is only thought to be a tag: comments of so many words without a `>` are unheard of.
const MAX_SUSPECTED: usize = 4 * MAX_ATTRIBUTES;

/// Attributes that weigh as much as an element: comparing them takes as long as what else is done for one.
const ATTRIBUTES_PER_ELEMENT: usize = 4;

/// Bytes of `max_answer` for each element, text and comment of a document, and for so many attributes: these take some
/// 200 bytes of memory.
const BYTES_PER_NODE: u64 = 8;

/// Elements, texts and comments that every document may have.
const ALWAYS_ALLOWED: u64 = 1_000_000;

/// The sum, over all bytes, of what is open there, in elements: what all work on a document is bounded by,
/// a few seconds. A page of 16 MiB may have 128 elements open everywhere, one of 200 KB the full depth.
const MAX_WORK: usize = 2 << 30;

/// Bytes that are read at once where few elements are open.
const LONGEST_PIECE: usize = 1024;

/// Bytes that are read at once, times the elements that are open: no piece makes more copies of these.
const WORK_AT_ONCE: usize = 64 << 10;

/// The tree of a document.
pub(super) fn document(text: &str, max_answer: u64) -> Result<Html, Failure> {
    // A tendril's length has 32 bits.
    if u32::try_from(text.len()).is_err() {
        return Err(Failure::lasting(Kind::TooLarge, "HTML of 4 GiB or more cannot be read"));
    }
    let whole = StrTendril::from(text);
    let mut parser = Parser::new();
    let mut silence = Silence::of_suspects(MAX_SUSPECTED);
    let most = ALWAYS_ALLOWED.max(max_answer / BYTES_PER_NODE);
    let (mut at, mut open, mut work) = (0, 0, 0);
    while at < text.len() {
        let end = end_of_piece(text, at, open);
        let was_heard = parser.read(whole.subtendril(at as u32, (end - at) as u32));
        if silence.is_suspect(text, at..end, was_heard) {
            return Err(too_many_attributes());
        }
        open = parser.check_open()?;
        work += open * (end - at);
        check_work(work)?;
        parser.check_size(most)?;
        at = end;
    }
    let document = parser.finish();
    if depth(&document) > MAX_DEPTH { Err(too_deep()) } else { Ok(document) }
}

fn end_of_piece(text: &str, at: usize, open: usize) -> usize {
    let length = (WORK_AT_ONCE / open.max(1)).clamp(8, LONGEST_PIECE);
    text.ceil_char_boundary(at + length)
}

/// html5ever's parser, which is listened to.
struct Parser {
    tokenizer: Tokenizer<Heard>,
    input: BufferQueue,
    /// Elements and texts that were looked at, and what they and their attributes weigh.
    nodes: usize,
    size: u64,
}

impl Parser {
    fn new() -> Parser {
        let sink = HtmlTreeSink::new(Html::new_document());
        let builder = TreeBuilder::new(sink, TreeBuilderOpts::default());
        // A byte order mark at the start of a piece would be dropped; that of the text is gone already.
        let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
        let heard = Heard { builder, anything: Cell::new(false), attributes: Cell::new(0) };
        Parser { tokenizer: Tokenizer::new(heard, options), input: BufferQueue::default(), nodes: 0, size: 0 }
    }

    /// Reads a piece; whether anything was heard of what is in it.
    fn read(&mut self, piece: StrTendril) -> bool {
        self.input.push_back(piece);
        // Scripts do not run, and the encoding is known.
        while !matches!(self.tokenizer.feed(&self.input), TokenizerResult::Done) {}
        self.tokenizer.sink.anything.take()
    }

    /// What the elements weigh that are open, or are to be opened again.
    fn check_open(&self) -> Result<usize, Failure> {
        let heard = &self.tokenizer.sink;
        let html = heard.builder.sink.0.borrow();
        let open =
            Open { html: &html, elements: Cell::new(0), weight: Cell::new(0), attributes: Cell::new(0) };
        heard.builder.trace_handles(&open);
        // A formatting element that is open counts twice.
        let elements = open.elements.get();
        if elements > 2 * MAX_DEPTH || elements > MAX_DEPTH && newest_depth(&html) > MAX_DEPTH {
            return Err(too_deep());
        }
        // Those of `html` and `body` grow by every further tag of that name.
        if open.attributes.get().max(heard.attributes.get()) > MAX_ATTRIBUTES {
            return Err(too_many_attributes());
        }
        Ok(open.weight.get())
    }

    fn check_size(&mut self, most: u64) -> Result<(), Failure> {
        let html = self.tokenizer.sink.builder.sink.0.borrow();
        let nodes = html.tree.values();
        let added = nodes.len() - self.nodes;
        self.nodes += added;
        self.size += nodes.rev().take(added).map(|node| weight(attributes(node)) as u64).sum::<u64>();
        if self.size <= most {
            return Ok(());
        }
        Err(Failure::lasting(Kind::TooLarge, format!("the HTML has more than {most} elements and texts")))
    }

    fn finish(self) -> Html {
        self.tokenizer.end();
        self.tokenizer.sink.builder.sink.finish()
    }
}

/// Hands on to the tree what the tokenizer finds, and notes that it does.
struct Heard {
    builder: TreeBuilder<Handle, HtmlTreeSink>,
    anything: Cell<bool>,
    /// The most of one tag.
    attributes: Cell<usize>,
}

type Handle = <HtmlTreeSink as TreeSink>::Handle;

impl TokenSink for Heard {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        // A tag tells its errors before it is whole.
        self.anything.set(self.anything.get() || !matches!(token, Token::ParseError(_)));
        if let Token::TagToken(Tag { attrs, .. }) = &token {
            self.attributes.set(self.attributes.get().max(attrs.len()));
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// What is open.
struct Open<'t> {
    html: &'t Html,
    elements: Cell<usize>,
    weight: Cell<usize>,
    /// The most of one element.
    attributes: Cell<usize>,
}

impl Tracer for Open<'_> {
    type Handle = Handle;

    fn trace_handle(&self, handle: &Handle) {
        let attributes = self.html.tree.get(*handle).map_or(0, |node| attributes(node.value()));
        self.elements.set(self.elements.get() + 1);
        self.weight.set(self.weight.get() + weight(attributes));
        self.attributes.set(self.attributes.get().max(attributes));
    }
}

fn attributes(node: &Node) -> usize {
    node.as_element().map_or(0, |element| element.attrs.len())
}

/// What an element or a text with so many attributes counts for.
fn weight(attributes: usize) -> usize {
    1 + attributes / ATTRIBUTES_PER_ELEMENT
}

fn too_many_attributes() -> Failure {
    let why = format!("an element of the HTML has more than {MAX_ATTRIBUTES} attributes");
    Failure::lasting(Kind::TooLarge, why)
}

fn check_work(work: usize) -> Result<(), Failure> {
    if work > MAX_WORK {
        return Err(Failure::lasting(Kind::TooDeep, "the HTML nests too deeply for its length"));
    }
    Ok(())
}

fn too_deep() -> Failure {
    Failure::lasting(Kind::TooDeep, format!("the HTML nests deeper than {MAX_DEPTH}"))
}

/// The level of the node that was made last: where tags are only opened, the deepest.
fn newest_depth(html: &Html) -> usize {
    html.tree.nodes().next_back().map_or(0, |node| node.ancestors().count())
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

    /// Attributes that no two are the same of.
    fn attributes(number: usize) -> String {
        (0..number).map(|at| format!(" a{at}")).collect()
    }

    #[test]
    fn the_attributes_of_an_element_are_bounded() {
        assert_eq!(selected(&format!("<p{}>x", attributes(MAX_ATTRIBUTES)), "p"), ["x"]);
        let more = attributes(MAX_ATTRIBUTES + 1);
        let bodies: String = (0..=MAX_ATTRIBUTES).map(|at| format!("<body a{at}>")).collect();
        for text in [
            format!("<p{more}>x"),
            format!("</p{more}>"),
            format!("<svg><title><a{more}>"),
            // Before all of them are compared with one another, be the tag whole or not.
            format!("<p{}", attributes(30_000)),
            format!("<script>\"<!--\"</script x=\"<\"{}", attributes(30_000)),
            format!("<p{}{}>", attributes(1000), " a999".repeat(30_000)),
            bodies,
        ] {
            let failure = refused(&text);
            assert_eq!(failure.detail, "an element of the HTML has more than 1000 attributes");
            assert_eq!((failure.kind, failure.worth_repeating), (Kind::TooLarge, false));
        }
    }

    #[test]
    fn words_without_tags_are_no_attributes() {
        let words = "a b ".repeat(10_000);
        for (text, css, found) in [
            (format!("<p>x<!-- {words}--><b>y"), "b", "y"),
            (format!("<p title='{words}'>x"), "p", "x"),
            (format!("<p>x<script>a<b {words}</script><b>y"), "b", "y"),
            (format!("<p>x<path d=\"{words}\"/><b>y"), "b", "y"),
        ] {
            assert_eq!(selected(&text, css), [found], "{}", &text[..20]);
        }
    }

    #[test]
    fn copies_of_attributes_are_bounded() {
        let unclosed: String = (0..100).map(|at| format!("<b b{at}{}>", attributes(900))).collect();
        let failure = refused(&format!("<p>{unclosed}{}", "<p>x".repeat(200)));
        assert!(matches!(failure.kind, Kind::TooLarge | Kind::TooDeep), "{failure:?}");
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
