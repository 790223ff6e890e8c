//! Text on its way to the wire, with a note of where secrets stand in it, so that it can be shown without them.

use std::ops::Range;
use std::sync::Arc;

use super::secret::Secret;

/// A text and its secrets' places.
#[derive(Debug, Default, Clone)]
pub(super) struct Marked {
    /// As it goes over the wire.
    pub(super) text: String,
    /// In order, apart from one another.
    pub(super) marks: Vec<Mark>,
}

/// What is not shown of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Bytes.
    pub(super) at: Range<usize>,
    /// What is shown there: `${NAME}`.
    pub(super) shown: Arc<str>,
}

impl Marked {
    /// Appends a secret the way `write` spells it.
    pub(super) fn push_secret(&mut self, secret: &Secret, write: impl FnOnce(&mut String, &str)) {
        let start = self.text.len();
        write(&mut self.text, secret.reveal());
        self.marks.push(Mark { at: start..self.text.len(), shown: secret.shown().clone() });
    }

    /// Appends a part of another text, with the marks that lie in it.
    pub(super) fn push_part(&mut self, text: &str, marks: &[Mark], part: Range<usize>) {
        let shift = |at: usize| at - part.start + self.text.len();
        let inside = |mark: &&Mark| part.start <= mark.at.start && mark.at.end <= part.end;
        let moved =
            |mark: &Mark| Mark { at: shift(mark.at.start)..shift(mark.at.end), shown: mark.shown.clone() };
        self.marks.extend(marks.iter().filter(inside).map(moved));
        self.text.push_str(&text[part]);
    }
}

/// `text` for people.
pub(super) fn shown(text: &str, marks: &[Mark]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for mark in marks {
        shown.push_str(&text[from..mark.at.start]);
        shown.push_str(&mark.shown);
        from = mark.at.end;
    }
    shown.push_str(&text[from..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: Range<usize>) -> Mark {
        Mark { at, shown: "${KEY}".into() }
    }

    #[test]
    fn marks_move_with_the_part_that_holds_them() {
        let text = "/a?key=abc&b=abc";
        let marks = [mark(7..10), mark(13..16)];
        assert_eq!(shown(text, &marks), "/a?key=${KEY}&b=${KEY}");
        let mut part = Marked { text: "/x?".to_owned(), marks: Vec::new() };
        part.push_part(text, &marks, 11..16);
        part.push_part(text, &marks, 2..10);
        assert_eq!(part.text, "/x?b=abc?key=abc");
        assert_eq!(shown(&part.text, &part.marks), "/x?b=${KEY}?key=${KEY}");
    }
}
