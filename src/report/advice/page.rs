//! `docs/failures.md`: each kind, what it means, and what to do, from the same text as the program's own.

use super::every_kind::every_kind;
use super::text::Advice;
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

fn page() -> String {
    let line = |(kind, Advice { means, todo }): (Kind, Advice)| format!("| `{kind}` | {means} | {todo} |\n");
    HEAD.to_owned() + &every_kind().into_iter().map(line).collect::<String>()
}

#[test]
fn the_page_of_kinds_is_what_the_program_says() {
    if std::env::var_os("WINDROW_WRITE_KINDS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(kept == page(), "docs/failures.md is not what the program says\n{}", page());
}
