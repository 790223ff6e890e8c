//! How the jobs stand, for people: one page, which asks for nothing else and runs no script.
//!
//! What is well and what is not stands there in words and as a mark, not as a colour alone. Names and texts may be anybody's:
//! they are escaped, cut, and do not turn what stands beside them around.
//!
//! The page does not load itself anew: that would take from its reader what they are about to copy, and what reads it aloud
//! would begin again. It says of when it is; what watches jobs has `/metrics` and `/readyz`.

mod address;
mod job;
mod table;
#[cfg(test)]
mod tests;
mod words;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use self::address::Address;
use self::job::{job, mark};
use self::words::{NAME, quoted, second, shown};
use super::standing::JobStanding;
use super::verdict::Verdict;

const STYLE: &str = include_str!("style.css");

/// The page, for readers who reach it by `address`.
pub fn page(jobs: &[JobStanding], now: Timestamp, address: &Address) -> String {
    let verdicts: Vec<Verdict> = jobs.iter().map(|job| Verdict::of(job, now)).collect();
    let headline = headline(&verdicts);
    let body = html! {
        header {
            h1 { (headline) }
            p { "as of " time datetime=(now) { (second(now)) } }
            @if jobs.len() > 1 { (contents(jobs, &verdicts)) }
        }
        main {
            @for (nth, (standing, verdict)) in jobs.iter().zip(&verdicts).enumerate() {
                (job(nth, standing, *verdict, now, address))
            }
        }
        footer {
            a href="/openapi.json" { "openapi.json" } " " a href="/metrics" { "metrics" } " "
            a href="/readyz" { "readyz" } " " a href="/healthz" { "healthz" }
        }
    };
    let title = match jobs {
        [job] => format!("{}: {headline}", shown(&job.name, NAME)),
        _ => headline,
    };
    document(&title, &body).into_string()
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

/// The whole in one sentence: what is worst comes first.
fn headline(verdicts: &[Verdict]) -> String {
    let number = |verdict| verdicts.iter().filter(|other| **other == verdict).count();
    let of_all = |number: usize, is: &str, are: &str| match (number, verdicts.len()) {
        (1, 1) => format!("The job {is}"),
        (number, all) if number == all => format!("All {all} jobs {are}"),
        (1, all) => format!("1 of {all} jobs {is}"),
        (number, all) => format!("{number} of {all} jobs {are}"),
    };
    match (number(Verdict::Ill), number(Verdict::Waiting), number(Verdict::New)) {
        _ if verdicts.is_empty() => "No job is served".to_owned(),
        (0, 0, 0) => of_all(verdicts.len(), "is well", "are well"),
        (0, 0, new) => of_all(new, "has gathered nothing yet", "have gathered nothing yet"),
        (0, waiting, _) => of_all(waiting, "is waiting", "are waiting"),
        (ill, _, _) => of_all(ill, "is not well", "are not well"),
    }
}

fn contents(jobs: &[JobStanding], verdicts: &[Verdict]) -> Markup {
    html! {
        nav aria-label="Jobs" {
            @for (nth, (job, verdict)) in jobs.iter().zip(verdicts).enumerate() {
                a href=(format!("#job-{nth}")) { (mark(*verdict)) " " (quoted(&job.name, NAME)) }
            }
        }
    }
}
