//! Texts of a bounded length, of whose end blanks are cut off in silence (manual, "Character Types").

use crate::database::TOLD;
use crate::merge::sql;

/// What `atttypmod` counts from.
const MODIFIER: i32 = 4;

/// The characters that a `varchar` of this modifier has room for; `None` where it takes all.
pub(super) fn length(modifier: i32) -> Option<usize> {
    usize::try_from(modifier.checked_sub(MODIFIER)?).ok()
}

/// The text, or an error where only the blanks at its end have no room.
pub(super) fn cut_is_refused(most: usize, text: &str) -> String {
    let told = sql::text(&format!("{TOLD}it has "));
    let why = sql::text(&format!(" characters, and varchar({most}) would cut off the blanks at its end"));
    format!(
        "CASE WHEN {} THEN (({told} || char_length({text}) || {why})::integer)::text ELSE {text} END",
        is_cut(most, text)
    )
}

/// A condition: a `varchar` of so many characters would cut blanks off the text.
pub(super) fn is_cut(most: usize, text: &str) -> String {
    format!("char_length({text}) > {most} AND char_length(rtrim({text}, ' ')) <= {most}")
}
