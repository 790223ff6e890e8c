//! Moments and texts, as the page shows them.

use std::borrow::Cow;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::os::printable;
use crate::report::age;

/// Letters of a name that are shown, and of a text.
pub(super) const NAME: usize = 80;
pub(super) const TEXT: usize = 400;

/// A text that anybody may have written: no more than so many letters of it, none of which turns what is beside it around.
pub(super) fn quoted(text: &str, most: usize) -> Markup {
    html! { bdi { (shown(text, most)) } }
}

/// The same where there is no markup: in a title.
pub(super) fn shown(text: &str, most: usize) -> String {
    let (kept, is_cut) = match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    };
    let dots = if is_cut { "…" } else { "" };
    match printable(kept) {
        Cow::Borrowed(kept) => format!("{kept}{dots}"),
        Cow::Owned(kept) => kept + dots,
    }
}

/// `4 min 20 s ago`, `in 3 s`, with the moment itself: in UTC, since who reads it may be anywhere.
pub(super) fn moment(moment: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(moment) title=(second(moment)) { (relative(moment, now)) } " " small { (second(moment)) } }
}

/// `2026-11-30 23:41:40 UTC`.
pub(super) fn second(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn relative(moment: Timestamp, now: Timestamp) -> String {
    let apart = now.duration_since(moment);
    let time = match apart.unsigned_abs() {
        short if short.as_secs() < 10 => format!("{} s", short.as_secs()),
        long => age(long),
    };
    match apart.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("{time} ago"),
        _ => format!("in {time}"),
    }
}
