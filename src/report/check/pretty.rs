//! The beginning of an answer in lines: JSON laid out, its lists and texts shortened; of anything else the first words.
//!
//! Promises: numbers, order and names that come twice are as they came; a file in an answer is not printed.

use serde::de::IgnoredAny;

use super::text::beginning;

/// Lines of an answer.
const LINES: usize = 12;

/// Nesting of what is laid out.
const DEPTH: usize = 64;

/// Items of a list.
const ITEMS: usize = 3;

/// Characters of a text, and of a line.
const TEXT: usize = 50;
const LINE: usize = 72;

/// The lines of an answer.
pub(super) fn answer_lines(body: &[u8]) -> Vec<String> {
    if body.is_empty() {
        return vec!["(nothing)".to_owned()];
    }
    // A page of text may have one of these characters.
    if body.iter().take(8192).any(|byte| *byte == 0) && std::str::from_utf8(body).is_err() {
        return vec![format!("(binary: {})", super::super::size(body.len() as u64))];
    }
    match json(body) {
        Some(root @ (Node::List { .. } | Node::Object { .. })) => lines(&root),
        Some(Node::Plain(_)) | None => vec![beginning(body)],
    }
}

/// The value of a JSON text; nothing of anything else.
fn json(body: &[u8]) -> Option<Node<'_>> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Reader { text, at: 0, depth: 0 }.value()
}

/// A value, as it is written.
enum Node<'a> {
    Plain(&'a str),
    List { items: Vec<Node<'a>>, more: usize },
    Object(Vec<(&'a str, Node<'a>)>),
}

/// Reads what is known to be JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes one of these marks.
    fn passes(&mut self, marks: &[u8]) -> bool {
        let is_there = self.peek().is_some_and(|byte| marks.contains(&byte));
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self) -> Option<Node<'a>> {
        match self.peek()? {
            // What nests deeper is no answer that anybody reads.
            b'{' | b'[' if self.depth == DEPTH => None,
            b'{' => self.deeper(Reader::object),
            b'[' => self.deeper(Reader::list),
            _ => self.plain().map(Node::Plain),
        }
    }

    fn deeper(&mut self, read: fn(&mut Reader<'a>) -> Option<Node<'a>>) -> Option<Node<'a>> {
        self.depth += 1;
        let node = read(self)?;
        self.depth -= 1;
        Some(node)
    }

    fn plain(&mut self) -> Option<&'a str> {
        let (begin, is_text) = (self.at, self.peek()? == b'"');
        let rest = &self.text.as_bytes()[begin..];
        let length = if is_text {
            let mut is_escaped = false;
            1 + rest[1..].iter().position(|byte| {
                let ends = *byte == b'"' && !is_escaped;
                is_escaped = *byte == b'\\' && !is_escaped;
                ends
            })? + 1
        } else {
            rest.iter().take_while(|byte| !b",]} \t\r\n".contains(byte)).count()
        };
        self.at += length;
        self.text.get(begin..self.at)
    }

    fn list(&mut self) -> Option<Node<'a>> {
        let (mut items, mut more) = (Vec::new(), 0);
        self.at += 1;
        while !self.passes(b"]") {
            let item = self.value()?;
            if items.len() < ITEMS {
                items.push(item)
            } else {
                more += 1
            }
            self.passes(b",");
        }
        Some(Node::List { items, more })
    }

    fn object(&mut self) -> Option<Node<'a>> {
        let mut members = Vec::new();
        self.at += 1;
        while !self.passes(b"}") {
            self.peek()?;
            let name = self.plain()?;
            self.passes(b":");
            members.push((name, self.value()?));
            self.passes(b",");
        }
        Some(Node::Object(members))
    }
}

fn lines(root: &Node<'_>) -> Vec<String> {
    let mut all = Vec::new();
    write(&mut all, 0, String::new(), root, "");
    let more = all.len().saturating_sub(LINES);
    // A line that says that one is left out is no shorter.
    if more > 1 {
        all.truncate(LINES);
        all.push(format!("… {more} more lines"));
    }
    all
}

/// Appends a value's lines, the first behind `before`.
fn write(out: &mut Vec<String>, depth: usize, before: String, node: &Node<'_>, after: &str) {
    let indent = |depth: usize| "  ".repeat(depth);
    if let Some(short) = in_one_line(node) {
        let mut line = format!("{}{before}{short}{after}", indent(depth));
        super::super::stdout::shorten(&mut line, LINE);
        return out.push(line);
    }
    let (open, close) = if matches!(node, Node::List { .. }) { ('[', ']') } else { ('{', '}') };
    out.push(format!("{}{before}{open}", indent(depth)));
    match node {
        Node::Plain(_) => {}
        Node::List { items, more } => {
            let last = items.len() - usize::from(*more == 0);
            for (at, item) in items.iter().enumerate() {
                write(out, depth + 1, String::new(), item, if at < last { "," } else { "" });
            }
            if *more > 0 {
                out.push(format!("{}… {more} more", indent(depth + 1)));
            }
        }
        Node::Object(members) => {
            for (at, (name, member)) in members.iter().enumerate() {
                let after = if at + 1 < members.len() { "," } else { "" };
                write(out, depth + 1, format!("{}: ", short_text(name)), member, after);
            }
        }
    }
    out.push(format!("{}{close}{after}", indent(depth)));
}

/// A value that is short, or a list of such.
fn in_one_line(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Plain(text) => Some(short_text(text)),
        Node::Object(members) => members.is_empty().then(|| "{}".to_owned()),
        Node::List { items, more } => {
            let plain = |node: &Node<'_>| match node {
                Node::Plain(text) => Some(short_text(text)),
                Node::List { .. } | Node::Object(_) => None,
            };
            let mut all: Vec<String> = items.iter().map(plain).collect::<Option<_>>()?;
            all.extend((*more > 0).then(|| format!("… {more} more")));
            let line = format!("[{}]", all.join(", "));
            (line.chars().count() <= TEXT).then_some(line)
        }
    }
}

/// A text, a number or a word, the text cut between two of its characters.
fn short_text(text: &str) -> String {
    let is_text = text.starts_with('"');
    let (mut used, mut letters) = (0, text.char_indices().peekable());
    while let Some((at, letter)) = letters.next() {
        if used >= TEXT && letters.peek().is_some() {
            return format!("{}…{}", &text[..at], if is_text { "\"" } else { "" });
        }
        used += 1;
        if letter == '\\' {
            let is_unit = letters.next().is_some_and(|(_, letter)| letter == 'u');
            is_unit.then(|| letters.nth(3));
            used += if is_unit { 5 } else { 1 };
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        answer_lines(body.as_bytes()).join("\n")
    }

    #[test]
    fn json_is_laid_out_as_it_came() {
        let body = r#"{"b":1.50,"a":12345678901234567890123,"a":"\u00e9\"","empty":{},"none":[],"n":null,
            "list":[1,2,3,4,5],"films":[{"x":1},{"x":2},{"x":3},{"x":4}]}"#;
        insta::assert_snapshot!(shown(body), @r#"
        {
          "b": 1.50,
          "a": 12345678901234567890123,
          "a": "\u00e9\"",
          "empty": {},
          "none": [],
          "n": null,
          "list": [1, 2, 3, … 2 more],
          "films": [
            {
              "x": 1
            },
        … 9 more lines
        "#);
        insta::assert_snapshot!(shown("[[[]],{}]"), @r"
        [
          [
            []
          ],
          {}
        ]
        ");
    }

    #[test]
    fn long_answers_are_cut() {
        let text = "\\u00e9".repeat(80);
        let members: Vec<String> = (0..40).map(|at| format!("\"m{at}\": \"{text}\"")).collect();
        let lines = answer_lines(format!("{{{}}}", members.join(",")).as_bytes());
        assert_eq!(lines[1], format!("  \"m0\": \"{}…\",", "\\u00e9".repeat(9)));
        assert_eq!((lines.len(), lines[12].as_str()), (13, "… 30 more lines"));
        let thirteen: Vec<String> = (0..11).map(|at| format!("\"m{at}\":1")).collect();
        assert_eq!(answer_lines(format!("{{{}}}", thirteen.join(",")).as_bytes()).len(), 13);
    }

    #[test]
    fn anything_else_is_its_beginning() {
        assert_eq!(answer_lines(b""), ["(nothing)"]);
        assert_eq!(answer_lines(b"\x89PNG\r\n\0\0"), ["(binary: 8 B)"]);
        assert_eq!(shown("<html>\n<p>x</p>"), "<html> <p>x</p>");
        assert_eq!(shown("<html>\0</html>"), "<html>\\u{0}</html>");
        assert_eq!(shown("17"), "17");
        assert_eq!(shown("{\"a\": 1"), "{\"a\": 1");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(answer_lines(deep.as_bytes()).len(), 1);
    }
}
