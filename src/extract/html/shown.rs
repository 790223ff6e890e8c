//! The text of an element as a page shows it, on one line.
//!
//! | in the page | in the text |
//! |---|---|
//! | any white space, also `&nbsp;`, also in `<pre>` | one blank |
//! | `<br>`, `<hr>`, the beginning and end of a block, table cell, option | one blank |
//! | `<b>`, `<a>`, `<wbr>` and other inline elements | nothing: `foo<b>bar</b>` is `foobar` |
//! | comments; `<script>`, `<style>`, `<template>`, `<noscript>` and the like inside it | nothing |
//!
//! That is `innerText` of the HTML standard (section 3.2.7) under its default style sheet (section 15.3), lines folded
//! into blanks. What a page's own CSS hides or sets apart is not known here. An element that is asked for itself has
//! its text: `script[type="application/ld+json"]`, `noscript`.

use ego_tree::iter::Edge;
use scraper::{ElementRef, Node};

/// What the page shows of an element, with single blanks and none around it.
pub(super) fn text(element: ElementRef<'_>) -> String {
    let mut line = Line::default();
    let mut hidden = None;
    for edge in element.traverse() {
        match edge {
            Edge::Close(node) if hidden == Some(node.id()) => hidden = None,
            _ if hidden.is_some() => {}
            Edge::Open(node) => match node.value() {
                Node::Text(text) => line.push(text),
                Node::Element(found) if node.id() != element.id() && is_hidden(found.name()) => {
                    hidden = Some(node.id());
                }
                Node::Element(found) => line.is_apart |= separates(found.name()),
                _ => {}
            },
            Edge::Close(node) => {
                line.is_apart |= node.value().as_element().is_some_and(|found| separates(found.name()));
            }
        }
    }
    line.text
}

/// Words with single blanks between them.
#[derive(Default)]
struct Line {
    text: String,
    /// Whether the next word is another one than the last.
    is_apart: bool,
}

impl Line {
    fn push(&mut self, piece: &str) {
        for (at, word) in piece.split(char::is_whitespace).enumerate() {
            self.is_apart |= at > 0;
            if word.is_empty() {
                continue;
            }
            if self.is_apart && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
            self.is_apart = false;
        }
    }
}

/// Elements whose content is no text of the page: code, what only browsers without scripts or frames show, and what
/// scripts make elements of.
fn is_hidden(name: &str) -> bool {
    matches!(name, "script" | "style" | "template" | "noscript" | "noembed" | "noframes" | "iframe")
}

/// Elements that begin on a new line or in a new cell, and end there.
#[rustfmt::skip]
fn separates(name: &str) -> bool {
    matches!(
        name,
        "address" | "article" | "aside" | "blockquote" | "body" | "br" | "caption" | "center" | "dd" | "details"
            | "dialog" | "dir" | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1"
            | "h2" | "h3" | "h4" | "h5" | "h6" | "head" | "header" | "hgroup" | "hr" | "legend" | "li" | "listing"
            | "main" | "menu" | "nav" | "ol" | "optgroup" | "option" | "p" | "plaintext" | "pre" | "search"
            | "section" | "select" | "summary" | "table" | "tbody" | "td" | "textarea" | "tfoot" | "th" | "thead"
            | "title" | "tr" | "ul" | "xmp"
    )
}
