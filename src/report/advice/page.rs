//! `docs/failures.md`: each kind, what it means, and what to do, from the same text as the program's own.

use super::command::{Commands, Stage};
use super::subject::Subject;
use super::text::Advice;
use crate::job::KeepAnswers;
use crate::record::Kind;

/// Where it is kept.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md");

const HEAD: &str = "# Kinds of failures

Generated from the program (`src/report/advice`): `WINDROW_WRITE_KINDS=1 make test T=the_page_of_kinds` writes it anew.

`windrow failures` counts them by kind, and says what to do with the names, keys and values of your job; below, the job is
`films`. After a `retry` or an `extract`, `windrow merge films` publishes what is new. A key that stands in the endpoint may
stand in `[defaults]`, too. What only waits (`interrupted`, `max_requests`, `quota`, `token`, `host_down` before the last
round) has not failed: `windrow run films.toml` goes on with it.

| kind | means | what to do |
|---|---|---|
";

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

fn page() -> String {
    let mut page = HEAD.to_owned();
    for kind in Kind::ALL {
        let told: Vec<_> = DETAILS.into_iter().filter(|(of, ..)| *of == kind).collect();
        let told = if told.is_empty() { vec![(kind, None, "")] } else { told };
        for (_, status, detail) in told {
            let details: Vec<String> = (!detail.is_empty()).then(|| detail.to_owned()).into_iter().collect();
            let subject =
                Subject { kind, status, details: &details, id: None, endpoint: None, is_all: false };
            let Advice { means, todo } = Advice::of(&subject, &commands(kind));
            page += &format!("| `{kind}` | {means} | {todo} |\n");
        }
    }
    page
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

#[test]
fn the_page_of_kinds_is_what_the_program_says() {
    if std::env::var_os("WINDROW_WRITE_KINDS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(kept == page(), "docs/failures.md is not what the program says\n{}", page());
}
