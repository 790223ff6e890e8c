//! The attributes of a tag that has not ended yet, counted from outside of the parser.
//!
//! html5ever compares each attribute of a tag with all before it, and shows a tag when it is whole: one of a million
//! attributes takes it minutes. So where it has been silent for a while, what was read since is looked at here: a tag, by
//! the states that the HTML standard gives the tokenizer in one (sections 13.2.5.6 to 13.2.5.40). Where it began is not
//! known exactly: it is looked for from each `<` of the piece in which the parser was heard last. Comments are silent,
//! too, so what is counted is a suspicion, and the bound for it is larger than that of a tag that is seen.

use std::ops::Range;

/// What has been read since the parser was heard last.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Attributes that one tag may have without being suspected.
    most: usize,
    /// The piece that the parser was heard in.
    from: Range<usize>,
    /// What may be a tag of it, up to `read`.
    tag: Unended,
    read: usize,
}

impl Silence {
    /// One in which so many attributes are still none of its business.
    pub fn of_suspects(most: usize) -> Silence {
        Silence { most, ..Silence::default() }
    }

    /// Whether what the parser is silent about may be a tag of too many attributes, now that this piece was read.
    pub fn is_suspect(&mut self, text: &str, piece: Range<usize>, was_heard: bool) -> bool {
        if was_heard || piece.start == 0 {
            *self = Silence { most: self.most, read: piece.start, from: piece, tag: Unended::default() };
            return false;
        }
        // An attribute and a blank have two bytes: what pages are made of is heard of much sooner.
        if piece.end - self.from.start < 2 * self.most {
            return false;
        }
        let beginning = self.read..self.read.max(self.from.end);
        self.tag.read(&text[beginning.clone()], true);
        self.tag.read(&text[beginning.end..piece.end], false);
        self.read = piece.end;
        self.tag.attributes() > self.most
    }
}

/// Where a reading of a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Behind `<` or `</`.
    Open,
    TagName,
    /// Also behind a quoted value and `/`.
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    DoubleQuoted,
    SingleQuoted,
    Unquoted,
}

const STATES: usize = State::Unquoted as usize + 1;

/// All readings of what may be a tag: for each state the most attributes of one that stands there.
#[derive(Debug, Default)]
struct Unended([Option<usize>; STATES]);

impl Unended {
    /// Reads on; where `may_begin`, each `<` may be the beginning of the tag.
    fn read(&mut self, piece: &str, may_begin: bool) {
        for byte in piece.bytes() {
            let mut next = [None; STATES];
            for (state, attributes) in ALL.into_iter().zip(self.0) {
                let Some(attributes) = attributes else { continue };
                let Some((state, is_new)) = state.after(byte) else { continue };
                let place = &mut next[state as usize];
                *place = (*place).max(Some(attributes + usize::from(is_new)));
            }
            if may_begin && byte == b'<' {
                let place = &mut next[State::Open as usize];
                *place = (*place).max(Some(0));
            }
            self.0 = next;
        }
    }

    /// The most attributes that the tag may have.
    fn attributes(&self) -> usize {
        self.0.into_iter().flatten().max().unwrap_or(0)
    }
}

const ALL: [State; STATES] = [
    State::Open,
    State::TagName,
    State::BeforeName,
    State::Name,
    State::AfterName,
    State::BeforeValue,
    State::DoubleQuoted,
    State::SingleQuoted,
    State::Unquoted,
];

impl State {
    /// Where the reading stands after a byte, and whether an attribute begins with it; none where this is no tag, or its
    /// end.
    fn after(self, byte: u8) -> Option<(State, bool)> {
        let is_blank = matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
        let next = match (self, byte) {
            (State::DoubleQuoted, b'"') | (State::SingleQuoted, b'\'') => State::BeforeName,
            (State::DoubleQuoted | State::SingleQuoted, _) => self,
            (State::Open, b'/') => State::Open,
            (State::Open, _) if byte.is_ascii_alphabetic() => State::TagName,
            (State::Open, _) | (_, b'>') => return None,
            (State::BeforeValue, _) if is_blank => State::BeforeValue,
            (State::BeforeValue, b'"') => State::DoubleQuoted,
            (State::BeforeValue, b'\'') => State::SingleQuoted,
            (State::Name | State::AfterName, _) if is_blank => State::AfterName,
            (State::Name | State::AfterName, b'=') => State::BeforeValue,
            (State::Unquoted | State::TagName | State::BeforeName, _) if is_blank => State::BeforeName,
            (State::TagName | State::Name | State::AfterName | State::BeforeName, b'/') => State::BeforeName,
            (State::BeforeValue | State::Unquoted, _) => State::Unquoted,
            (State::TagName, _) => State::TagName,
            (State::Name, _) => State::Name,
            (State::BeforeName | State::AfterName, _) => return Some((State::Name, true)),
        };
        Some((next, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> usize {
        let mut unended = Unended::default();
        unended.read(text, true);
        unended.attributes()
    }

    #[test]
    fn attributes_are_counted_in_every_spelling() {
        for text in [
            "<p a b=c d",
            "<P\ta\nb = c\r\x0cd",
            "</p a b d",
            "<p/a/b/d",
            "<p a=\"x y > z\"b='\" z'd",
            "<p a=x/y b=\"\" d=",
            "<p =a b d='1 2 3",
            "x > y < z <i>k</i><p a b d",
        ] {
            assert_eq!(attributes(text), 3, "{text}");
        }
    }

    #[test]
    fn what_is_no_tag_or_has_ended_has_none() {
        for text in
            ["", "a b c", "<p a b c>", "<p a='>'>", "< p a b", "<!-- a b", "<? a b", "</ a b", "<p", "<3 a b"]
        {
            assert_eq!(attributes(text), 0, "{text}");
        }
    }

    #[test]
    fn the_tag_may_begin_at_any_bracket_of_the_first_piece_and_no_later() {
        assert_eq!(attributes("<p title=\"<b x y\" z"), 3, "x, y\" and z: the most that there may be");
        let mut unended = Unended::default();
        unended.read("<p a ", true);
        unended.read("b='<i c d e f g h", false);
        assert_eq!(unended.attributes(), 2);
    }
}
