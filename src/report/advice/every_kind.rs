//! Every kind of failure, and what there is to say of it where nothing else is known: for the pages of the documentation and of
//! the help. The job is `films`.

use super::command::{Commands, Stage};
use super::subject::Subject;
use super::text::Advice;
use crate::job::KeepAnswers;
use crate::record::Kind;

/// Details of the kinds that are told apart by them.
const DETAILS: [(Kind, Option<u16>, &str); 24] = [
    (Kind::Status, Some(401), ""),
    (Kind::Status, Some(404), ""),
    (Kind::Status, Some(405), ""),
    (Kind::Status, Some(429), ""),
    (Kind::Status, Some(400), ""),
    (Kind::Status, Some(503), ""),
    (Kind::Status, Some(202), ""),
    (Kind::Timeout, None, "the answer was not whole within"),
    (Kind::Timeout, None, "nothing came for"),
    (Kind::Timeout, None, "no connection to"),
    (Kind::Reset, None, ""),
    (Kind::Reset, None, "not sent again (idempotent"),
    (Kind::Redirect, Some(301), ""),
    (Kind::Redirect, Some(301), "more than 5 redirects"),
    (Kind::Redirect, Some(301), "would become a GET"),
    (Kind::TooLarge, None, "max_answer"),
    (Kind::TooLarge, None, "the answer's head"),
    (Kind::TooDeep, None, "the JSON nests"),
    (Kind::TooDeep, None, "the HTML nests"),
    (Kind::Pages, None, "`max` allows"),
    (Kind::Pages, None, "come again"),
    (Kind::Convert, None, ""),
    (Kind::Convert, None, "column votes: no matter what"),
    (Kind::HostDown, None, ""),
];

/// The kinds in their order, those that are told apart by their details as often as they are.
pub fn every_kind() -> Vec<(Kind, Advice)> {
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

fn of_kind(kind: Kind) -> Vec<(Kind, Advice)> {
    let told: Vec<_> = DETAILS.into_iter().filter(|(of, ..)| *of == kind).collect();
    let told = if told.is_empty() { vec![(kind, None, "")] } else { told };
    let advice = |(kind, status, detail): (Kind, Option<u16>, &str)| {
        let details: Vec<String> = (!detail.is_empty()).then(|| detail.to_owned()).into_iter().collect();
        let subject = Subject { kind, status, details: &details, id: None, endpoint: None, is_all: false };
        (kind, Advice::of(&subject, &commands(kind)))
    };
    told.into_iter().map(advice).collect()
}

fn commands(kind: Kind) -> Commands {
    let state = if kind.waits() && kind != Kind::HostDown { Stage::Unfinished } else { Stage::Whole };
    Commands {
        run: "films".to_owned(),
        job: "films.toml".to_owned(),
        state,
        has_ended: false,
        kept: KeepAnswers::Failed,
    }
}
