//! `every`, `cron` and `zone` of `[job]`: when `windrow serve` runs it.

use jiff::tz::TimeZone;

use super::zone;
use crate::job::mistake::Mistakes;
use crate::job::raw;
use crate::job::schedule::{Crontab, Schedule};

/// When the job is run, if it says so.
pub(super) fn validated(file: &raw::JobFile, mistakes: &mut Mistakes) -> Option<Schedule> {
    let job = &file.job.as_ref()?.value;
    check_list(file, job, mistakes);
    match (&job.every, &job.cron) {
        (Some(every), None) => Some(Schedule::Every(every.value.0)),
        (_, Some(cron)) => {
            let zone = job.zone.as_ref().map(|written| zone::checked(written, mistakes));
            let zone = zone.map_or(Some(TimeZone::UTC), |name| TimeZone::get(&name).ok());
            // What is wrong with the zone has been said.
            let parsed = Crontab::parse(cron.text(), zone.unwrap_or(TimeZone::UTC));
            parsed
                .map_err(|(message, hint)| mistakes.add(&cron.span, message, hint))
                .ok()
                .map(|crontab| Schedule::Cron(Box::new(crontab)))
        }
        (None, None) => None,
    }
}

/// A list from standard input is there once.
fn check_list(file: &raw::JobFile, job: &raw::Job, mistakes: &mut Mistakes) {
    let list = file.input.as_ref().and_then(|input| input.value.file.as_ref());
    let is_stdin = list.is_some_and(|file| file.text() == "-");
    let every = job.every.as_ref().map(|every| ("every", &every.span));
    let cron = job.cron.as_ref().map(|cron| ("cron", &cron.span));
    for (key, span) in every.into_iter().chain(cron).filter(|_| is_stdin) {
        let hint = "a job that is run again and again reads its list again: name a file";
        mistakes.add(span, format!("`{key}` beside a list from standard input"), hint);
    }
}
