//! Lines at the foot of a terminal that are drawn anew in their place.
//!
//! Each is cut to the window, so that none is wrapped. A window that becomes narrower may wrap those that stand there, as most
//! terminals do: then they take more rows, which are erased as well.

use std::fmt::Write as _;

use console::{Term, measure_text_width, truncate_str};

use crate::os::draw;

/// What stands there.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The lines, and how wide the window was when they were drawn.
    shown: Vec<String>,
    width: usize,
}

impl Frame {
    /// Draws these lines in the place of those before, for a window of `columns`.
    pub(super) fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) {
        let size = Term::stderr().size();
        if let Some(text) = self.next(lines, size) {
            draw(&text);
        }
    }

    /// Writes lines above.
    pub(super) fn above(&mut self, text: &str) {
        let (_, width) = Term::stderr().size();
        let erased = self.erased(width.into());
        draw(&format!("{erased}{text}\n{}", self.shown.join("\n")));
    }

    /// Removes the lines.
    pub(super) fn clear(&mut self) {
        let (_, width) = Term::stderr().size();
        draw(&self.erased(width.into()));
        self.shown.clear();
    }

    fn next(
        &mut self,
        lines: impl FnOnce(usize) -> Vec<String>,
        (height, width): (u16, u16),
    ) -> Option<String> {
        let (height, width) = (usize::from(height.max(2)), usize::from(width.max(1)));
        let cut = |line: String| truncate_str(&line, width, "…").into_owned();
        let lines: Vec<String> = lines(width).into_iter().take(height - 1).map(cut).collect();
        if lines == self.shown && width == self.width {
            return None;
        }
        let text = format!("{}{}", self.erased(width), lines.join("\n"));
        (self.shown, self.width) = (lines, width);
        Some(text)
    }

    /// What erases the lines in a window that is so wide now, and leaves the cursor where they began (ECMA-48, 8.3).
    fn erased(&self, width: usize) -> String {
        let mut text = String::from("\r");
        let wrapped = |line: &String| match width < self.width {
            true => measure_text_width(line).div_ceil(width.max(1)).max(1),
            false => 1,
        };
        let rows: usize = self.shown.iter().map(wrapped).sum();
        if rows > 1 {
            // Writing to a text does not fail.
            let _ = write!(text, "\x1b[{}A", rows - 1);
        }
        text + "\x1b[J"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn lines_are_drawn_in_the_place_of_those_before_whatever_the_window() {
        let mut frame = Frame::default();
        let mut next = |text: &[&str], size| frame.next(|_| lines(text), size);
        assert_eq!(next(&["one", "two"], (24, 10)).as_deref(), Some("\r\x1b[Jone\ntwo"));
        assert_eq!(next(&["one", "two"], (24, 10)), None, "nothing is new");
        assert_eq!(next(&["one"], (24, 10)).as_deref(), Some("\r\x1b[1A\x1b[Jone"));
        assert_eq!(next(&["0123456789", "ab"], (24, 10)).as_deref(), Some("\r\x1b[J0123456789\nab"));
        // The first line takes three rows now.
        assert_eq!(next(&["0123456789", "ab"], (24, 4)).as_deref(), Some("\r\x1b[3A\x1b[J012…\nab"));
        assert_eq!(next(&["01", "ab"], (24, 40)).as_deref(), Some("\r\x1b[1A\x1b[J01\nab"));
        assert_eq!(
            next(&["a", "b", "c"], (3, 40)).as_deref(),
            Some("\r\x1b[1A\x1b[Ja\nb"),
            "no higher than the window"
        );
        assert_eq!(next(&["日本語"], (24, 5)).as_deref(), Some("\r\x1b[1A\x1b[J日本…"), "by cells");
    }
}
