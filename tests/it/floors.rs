//! The floors of the crate: imports go down only, neighbours never import each other, and each heavy library
//! is known in one place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules from the ground up; those on one line are neighbours. `database_servers`, its two parts, `engines`, `fuzz_seeds` and `seed` are the tests' own.
const FLOORS: [&[&str]; 11] = [
    &["os", "database_servers", "mariadb_server", "postgres_server", "engines", "fuzz_seeds", "seed"],
    &["value", "secrets", "curl"],
    &["record"],
    &["job"],
    &["handoff", "database"],
    &["plan", "fetch", "extract", "chunk", "budget"],
    &["supervisor", "worker", "merge", "monitor", "draft"],
    &["runner"],
    &["report"],
    &["serve"],
    &["cli"],
];

/// Libraries and the modules that may name them.
const DOORS: [(&str, &[&str]); 23] = [
    ("polars", &["value", "chunk", "plan"]),
    ("duckdb", &["database", "plan", "merge", "serve"]),
    ("mysql_async", &["database", "plan"]),
    ("tokio_postgres", &["database", "plan"]),
    ("rusqlite", &["database", "plan"]),
    ("tokio_postgres_rustls", &["database"]),
    ("hyper", &["fetch", "monitor", "serve"]),
    ("hyper_util", &["fetch", "monitor", "serve"]),
    ("prometheus_client", &["monitor", "serve"]),
    ("axum", &["serve"]),
    ("tower_http", &["serve"]),
    ("maud", &["serve"]),
    ("croner", &["job"]),
    ("hyper_rustls", &["fetch"]),
    ("webpki", &["fetch"]),
    ("cookie_store", &["fetch"]),
    ("nix", &["os", "supervisor"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("object_store", &["handoff"]),
    ("scraper", &["extract", "job"]),
    ("html5ever", &["extract"]),
];

/// The source files of each module, without what stands in comments.
fn sources() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut modules: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().to_owned();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
        if ["lib", "main", "build"].contains(&module.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        modules.entry(module).or_default().push((relative, code));
    }
    modules
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn floor(module: &str) -> usize {
    let place = FLOORS.iter().position(|floor| floor.contains(&module));
    place.unwrap_or_else(|| panic!("module {module} has no floor: give it one in FLOORS"))
}

/// The modules of this crate that a piece of code names.
fn imports(code: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.match_indices("crate::").map(|(at, found)| word(&code[at + found.len()..])).collect()
}

#[test]
fn imports_go_down_only() {
    let mut climbs = Vec::new();
    for (module, files) in sources() {
        for (path, code) in files {
            for import in imports(&code).into_iter().filter(|import| *import != module) {
                if floor(&import) >= floor(&module) {
                    climbs.push(format!("{} imports {import}", path.display()));
                }
            }
        }
    }
    assert!(climbs.is_empty(), "these imports climb, or enter a neighbour:\n{}", climbs.join("\n"));
}

/// Whether code names a library: as a path, not as a part of a word or of the crate's own modules.
fn names(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    let is_own = |at: usize| code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:\"".contains(c));
    code.match_indices(&path).any(|(at, _)| !is_own(at))
}

#[test]
fn each_heavy_library_has_one_door() {
    let mut strangers = Vec::new();
    for (module, files) in sources() {
        for (library, doors) in DOORS {
            for (path, code) in &files {
                if names(code, library) && !doors.contains(&module.as_str()) {
                    strangers.push(format!("{} knows {library}", path.display()));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "these libraries have other doors:\n{}", strangers.join("\n"));
}

/// A database is known to its dialect alone; what loads into all of them names none.
#[test]
fn what_loads_into_databases_names_none() {
    let mut named = Vec::new();
    for (path, code) in &sources()["merge"] {
        let code = code.to_lowercase();
        let words = ["postgres", "pg_", "regclass", "ctid", "tableoid", "sqlite", "pragma", "rowid"];
        let found = words.into_iter().filter(|word| code.contains(word));
        if path.starts_with("merge/outside") {
            named.extend(found.map(|word| format!("{} has {word}", path.display())));
        }
    }
    assert!(named.is_empty(), "these belong to a dialect:\n{}", named.join("\n"));
}

/// A run is told as milestones and returned as a value: queue, server and Python module have no terminal.
#[test]
fn what_a_run_does_is_told_and_not_printed() {
    let printing = ["tell!", "tell(", "println!", "print!", "eprint", "stdout", "stderr"];
    let mut printed = Vec::new();
    for (path, code) in sources()["runner"].iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        let found = printing.into_iter().filter(|word| code.contains(word));
        printed.extend(found.map(|word| format!("{} has {word}", path.display())));
    }
    assert!(printed.is_empty(), "`report` alone writes for people:\n{}", printed.join("\n"));
}

/// Cargo sets them for every test (`.cargo/config.toml`); without them each run of the tests would be another.
#[test]
fn random_tests_draw_from_seeds_that_can_be_set() {
    for name in ["WINDROW_SEED", "PROPTEST_RNG_SEED"] {
        assert!(std::env::var(name).is_ok_and(|seed| seed.parse::<u64>().is_ok()), "{name} is not set");
    }
}
