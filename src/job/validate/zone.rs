//! Time zones: names of the IANA database, as this machine has it.

use jiff::tz::TimeZone;

use crate::job::mistake::Mistakes;
use crate::job::raw::At;
use crate::job::suggest;

/// The name of a zone; noted where there is none of that name.
pub(super) fn checked(zone: &At<String>, mistakes: &mut Mistakes) -> String {
    if TimeZone::get(zone.text()).is_err() {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let hint = if names.is_empty() {
            "this machine has no time zones: install tzdata".to_owned()
        } else {
            suggest::did_you_mean(zone.text(), &names)
                .unwrap_or_else(|| "write a name of the IANA list, such as \"Europe/Berlin\"".to_owned())
        };
        mistakes.add(&zone.span, format!("unknown time zone \"{}\"", zone.value), hint);
    }
    zone.value.clone()
}
