//! What is wrong with a query, as a person reads it: the database's words, and the place in what was written.

use super::ListError;

/// Characters shown before and after the place.
const AROUND: usize = 50;

/// The hint where a query could be prepared alone, but not within another.
pub(super) const ONE_SELECT: &str =
    "write one SELECT (or WITH, VALUES, TABLE), with nothing after its end; without $1 or ?";

/// The hint where the database's own words say it all.
pub(super) const WORDS: &str = "correct `sql` under [input]";

/// A query that cannot be asked; `place` is where in it, as [`excerpt`] shows it.
pub(super) fn wrong(list: &str, message: &str, place: String, hint: &'static str) -> ListError {
    ListError::Query { list: list.to_owned(), message: message.to_owned(), place, hint }
}

/// The line around a position (in characters, from 1), and a mark below it.
pub(super) fn excerpt(query: &str, position: u32) -> String {
    let at = usize::try_from(position).unwrap_or(usize::MAX).saturating_sub(1);
    let mut start = 0;
    for line in query.split('\n') {
        let length = line.chars().count();
        if at <= start + length {
            return marked(line, at - start);
        }
        start += length + 1;
    }
    String::new()
}

/// A line with a mark below its character `at`, from 0.
pub(super) fn marked(line: &str, at: usize) -> String {
    let from = at.saturating_sub(AROUND);
    let shown: String = line.chars().skip(from).take(2 * AROUND).map(blank_for_tab).collect();
    format!("\n  {}\n  {:width$}^", shown.trim_end(), "", width = at - from)
}

fn blank_for_tab(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_mistake() {
        assert_eq!(excerpt("SELECT nme\nFROM films", 8), "\n  SELECT nme\n         ^");
        assert_eq!(excerpt("SELECT 'é',\n\tnme\r\nFROM films", 14), "\n   nme\n   ^");
        assert_eq!(excerpt("SELECT", 7), "\n  SELECT\n        ^");
        assert_eq!(excerpt("SELECT", 99), "");
    }

    #[test]
    fn a_long_line_is_shown_around_the_mistake() {
        let query = format!("SELECT {}nme, {}", "a, ".repeat(500), "b, ".repeat(500));
        let shown = excerpt(&query, 1508);
        let lines: Vec<&str> = shown.lines().collect();
        let mark = lines[2].chars().count() - 1;
        assert_eq!(lines[1].chars().skip(mark).take(3).collect::<String>(), "nme");
        assert!(lines[1].chars().count() < 110, "{shown}");
    }
}
