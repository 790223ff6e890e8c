//! Is every block of the README and of `docs/` true? Each page is a sandbox of its own, with the origin beside it; its blocks are
//! run in their order.
//!
//! | in a page | is |
//! |---|---|
//! | ```` ```toml films.toml ```` | written into that file, whatever the language |
//! | ```` ```console ```` | lines that begin with `$ ` are run by bash, and what they print is compared with what stands below them ([`alike`]) |
//! | ```` ```sh ````, ```` ```python ```` | run; each command has to succeed |
//! | `<!-- with films.toml -->` | the next block is a part of a job: laid over that file, `windrow plan` has to take it ([`fragment`]) |
//! | `<!-- not run: why -->` | the next block is not run; [`what_is_not_run_says_why`] counts and prints those |
//! | `<!-- file ids.csv`, lines, `-->` | written into that file, unseen |
//! | `<!-- run`, lines, `-->` | run, unseen |
//! | `<!-- copy schemas/lists.csv -->` | copied from the repository |
//! | `<!-- later: what -->` | a block that is still to be written |
//!
//! `127.0.0.1:8477` is the test's own origin. A command that fails has `(exit code 1)` below what it prints. Any other block fails
//! the test, so does a page that no test names. `WINDROW_WRITE_DOCS=1` writes what is printed into the pages, where it is not alike.

mod alike;
mod fragment;
mod page;
mod shell;
mod stage;

use std::path::{Path, PathBuf};

use page::{Page, Step};

/// Pages that the program prints, each compared with it by a test beside what prints it.
const PRINTED: [&str; 3] = ["docs/commands.md", "docs/failures.md", "docs/job-file.md"];

/// Longest page, in lines.
const LONGEST: usize = 300;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a page, and says where it is not true.
#[track_caller]
fn holds(name: &str) {
    let file = repository().join(name);
    let text = std::fs::read_to_string(&file).unwrap();
    let page = Page::read(&text).unwrap_or_else(|error| panic!("{name}:{error}"));
    let told = stage::play(&page);
    if std::env::var_os("WINDROW_WRITE_DOCS").is_some() {
        std::fs::write(&file, page::replaced(&text, &told)).unwrap();
        return;
    }
    let told: Vec<String> = told.iter().map(|one| format!("{name}:{one}")).collect();
    assert!(told.is_empty(), "{}\nWINDROW_WRITE_DOCS=1 writes what is printed into it", told.join("\n"));
}

macro_rules! pages {
    ($($test:ident: $page:literal),* $(,)?) => {
        $(#[test] fn $test() { holds($page); })*
        /// What the tests above run.
        const TESTED: &[&str] = &[$($page),*];
    };
}

pages! {
    the_readme: "README.md",
    the_index: "docs/README.md",
    analyse: "docs/analyse.md",
    apis: "docs/apis.md",
    databases: "docs/databases.md",
    from_python: "docs/from-python.md",
    inside: "docs/inside.md",
    limits: "docs/limits.md",
    lists: "docs/lists.md",
    mend: "docs/mend.md",
    publish: "docs/publish.md",
    queues: "docs/queues.md",
    requests: "docs/requests.md",
    running: "docs/running.md",
    schedule: "docs/schedule.md",
    serving_for_weeks: "docs/serving-for-weeks.md",
    serving: "docs/serving.md",
    speed: "docs/speed.md",
    start: "docs/start.md",
}

#[test]
fn every_page_is_tested_or_printed_by_the_program() {
    let mut there: Vec<String> = std::fs::read_dir(repository().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    there.push("README.md".to_owned());
    there.sort();
    let mut named = [TESTED, &PRINTED[..]].concat();
    named.sort_unstable();
    assert_eq!(there, named);
    for page in TESTED {
        let lines = std::fs::read_to_string(repository().join(page)).unwrap().lines().count();
        let most = if *page == "README.md" { 150 } else { LONGEST };
        assert!(lines <= most, "{page} has {lines} lines, {most} at the most");
    }
}

/// A page's blocks that are not run, each with its reason, and what is still to be written.
#[test]
fn what_is_not_run_says_why() {
    let (mut run, mut not_run, mut later) = (0, Vec::new(), Vec::new());
    for name in TESTED {
        let text = std::fs::read_to_string(repository().join(name)).unwrap();
        for block in Page::read(&text).unwrap_or_else(|error| panic!("{name}:{error}")).blocks {
            match block.step {
                Step::NotRun(why) => not_run.push(format!("{name}:{}: not run: {why}", block.line)),
                Step::Later(what) => later.push(format!("{name}:{}: later: {what}", block.line)),
                _ => run += 1,
            }
        }
    }
    let told = [not_run.as_slice(), &later].concat().join("\n");
    eprintln!("{told}\n{run} blocks are run, {} are not, {} are to be written", not_run.len(), later.len());
    assert!(run > 2 * not_run.len(), "most of what is shown is run:\n{told}");
}

/// What Markdown shows as a table.
#[test]
fn tables_have_heads() {
    for name in TESTED.iter().chain(&PRINTED) {
        let text = std::fs::read_to_string(repository().join(name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("|---")) {
            let columns = |line: &str| line.replace(r"\|", "").matches('|').count();
            let head = at.checked_sub(1).map(|above| lines[above]).unwrap_or_default();
            assert_eq!(columns(head), columns(line), "{name}:{}: a table without its head", at + 1);
            for (row, text) in lines.iter().enumerate().skip(at).take_while(|(_, text)| text.starts_with('|'))
            {
                assert_eq!(columns(text), columns(line), "{name}:{}: a row of another width", row + 1);
            }
        }
    }
}

/// Links from page to page, and to headings on them.
#[test]
fn links_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for name in TESTED.iter().chain(&PRINTED) {
        let file = repository().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.starts_with("http") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let led: PathBuf = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(led.exists(), "{name}: {target} is not there");
            if !heading.is_empty() {
                let headings = page::headings(&std::fs::read_to_string(&led).unwrap());
                assert!(headings.iter().any(|one| one == heading), "{name}: {target} is no heading");
            }
        }
    }
}
