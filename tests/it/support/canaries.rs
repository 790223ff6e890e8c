//! Secrets of the tests, looked for where they must not be: in what a command writes to its streams, and at a test's end in each
//! file that it leaves, however they are spelled there. No test asks for it: each value that a command is given for a `${NAME}`
//! of a job beside it is a secret, and so are the access tokens that are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A shorter value is found by chance.
const SHORTEST: usize = 6;

/// The same of one that is spelled in base64 or in hexadecimal digits.
const SHORTEST_ENCODED: usize = 8;

/// Variables of other programs that windrow reads.
const PASSWORDS: [&str; 2] = ["PGPASSWORD", "MYSQL_PWD"];

/// By the folder in which commands were given them.
static GIVEN: LazyLock<Mutex<BTreeMap<PathBuf, BTreeSet<String>>>> = LazyLock::new(Mutex::default);

/// Notes the secrets that a command is given, and how it is given them.
pub fn note(command: &Command) {
    let Some(folder) = command.get_current_dir().and_then(|folder| folder.canonicalize().ok()) else {
        return;
    };
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let mut given: Vec<(String, String)> =
        command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
    let mut arguments = command.get_args();
    while let Some(argument) = arguments.next() {
        if argument == "--env-file"
            && let Some(file) = arguments.next()
        {
            given.extend(variables(&folder.join(file)));
        }
    }
    let jobs = jobs_in(&folder);
    let is_named = |name: &str| jobs.iter().any(|job| job.contains(&format!("${{{name}}}")));
    given.retain(|(name, value)| {
        // What a job's own text says is no secret.
        let is_told = || jobs.iter().any(|job| job.contains(value.as_str()));
        value.len() >= SHORTEST && (is_named(name) || PASSWORDS.contains(&name.as_str())) && !is_told()
    });
    add(&folder, given.into_iter().map(|(_, value)| value));
}

/// Adds to the secrets of a folder.
pub fn add(folder: &Path, values: impl IntoIterator<Item = String>) {
    let Ok(folder) = folder.canonicalize() else { return };
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.entry(folder).or_default().extend(values);
}

fn variables(file: &Path) -> Vec<(String, String)> {
    let read = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['\'', '"']).to_owned()))
    };
    std::fs::read_to_string(file).unwrap_or_default().lines().filter_map(read).collect()
}

/// The job files of a folder, and of the folder in it that may hold them.
fn jobs_in(folder: &Path) -> Vec<String> {
    let entries =
        [folder.to_owned(), folder.join("schemas")].into_iter().filter_map(|at| std::fs::read_dir(at).ok());
    let files = entries.flatten().flatten().map(|entry| entry.path());
    let jobs = files.filter(|path| path.extension() == Some(OsStr::new("toml")));
    jobs.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

/// Fails the test where a command that ran in a folder wrote a secret to one of its streams.
#[track_caller]
pub fn search_streams(folder: &Path, streams: &[&str]) {
    let Some(seeker) = Seeker::of(folder) else { return };
    for stream in streams {
        if let Some(found) = seeker.found(stream.as_bytes()) {
            panic!("{found} is in what a command wrote:\n{stream}");
        }
    }
}

/// Fails the test where a file below one of these folders holds a secret that commands were given in the first; but for those
/// that it `wrote` itself, and for those of values, where it asks for a secret as a value.
pub fn search_files(folders: [&Path; 2], wrote: &BTreeSet<PathBuf>, asks_for_secrets: bool) {
    let tokens = folders[1].join("tokens");
    add(folders[0], kept_tokens(&tokens));
    let Some(seeker) = Seeker::of(folders[0]) else { return };
    let mut files = Vec::new();
    folders.iter().for_each(|folder| files_below(folder, &mut files));
    for path in files.iter().filter(|path| !wrote.contains(*path) && !path.starts_with(&tokens)) {
        if asks_for_secrets && holds_values(path) {
            continue;
        }
        let holds = |text: &[u8]| {
            if let Some(found) = seeker.found(text) {
                panic!("{found} is in {}", path.display());
            }
        };
        holds(path.to_string_lossy().as_bytes());
        holds(&std::fs::read(path).unwrap_or_default());
        decoded(path).iter().for_each(|text| holds(text.as_bytes()));
    }
}

/// The files of tokens are for this user alone, and hold them.
fn kept_tokens(folder: &Path) -> Vec<String> {
    let mut tokens = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
        let json: serde_json::Value = std::fs::read(entry.path())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let held = ["access_token", "refresh_token"].into_iter().filter_map(|key| json[key].as_str());
        tokens.extend(held.filter(|token| token.len() >= SHORTEST).map(str::to_owned));
    }
    tokens
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}

/// Whether a file has values of answers: a table, or a chunk of rows.
fn holds_values(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_chunk_of_others = name.ends_with(".requests.parquet") || name.ends_with(".answers.parquet");
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    ["parquet", "csv", "duckdb", "wal", "db"].contains(&&*ending) && !is_chunk_of_others
}

/// What is compressed in a file, as text; nothing where nobody can read it, as one that is half written.
fn decoded(path: &Path) -> Vec<String> {
    let path = path.to_string_lossy();
    let texts = if path.ends_with(".parquet") {
        let chunk = [format!("read_parquet('{path}')")];
        duckdb::Connection::open_in_memory().and_then(|duckdb| values_of(&duckdb, &chunk))
    } else if path.ends_with(".duckdb") {
        let read_only = duckdb::Config::default().access_mode(duckdb::AccessMode::ReadOnly);
        let opened = read_only.and_then(|config| duckdb::Connection::open_with_flags(&*path, config));
        opened.and_then(|duckdb| values_of(&duckdb, &tables_of(&duckdb)?))
    } else {
        return Vec::new();
    };
    texts.unwrap_or_default()
}

fn tables_of(duckdb: &duckdb::Connection) -> duckdb::Result<Vec<String>> {
    let sql = "SELECT format('\"{}\".\"{}\"', schema_name, table_name) FROM duckdb_tables()";
    duckdb.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// All values of some tables, as JSON.
fn values_of(duckdb: &duckdb::Connection, tables: &[String]) -> duckdb::Result<Vec<String>> {
    let mut values = Vec::new();
    for table in tables {
        let mut rows = duckdb.prepare(&format!("SELECT to_json(COLUMNS(*))::VARCHAR FROM {table}"))?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let columns = 0..row.as_ref().column_count();
            values.extend(columns.filter_map(|at| row.get::<_, Option<String>>(at).ok().flatten()));
        }
    }
    Ok(values)
}

/// Finds secrets however they are spelled.
struct Seeker {
    automaton: AhoCorasick,
    /// What is found, and how it is spelled.
    told: Vec<String>,
}

impl Seeker {
    /// For those that commands were given in a folder; nothing where there are none.
    fn of(folder: &Path) -> Option<Seeker> {
        let folder = folder.canonicalize().ok()?;
        let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner).get(&folder)?.clone();
        let (forms, told): (Vec<String>, Vec<String>) =
            given.iter().flat_map(|secret| spellings(secret)).unzip();
        (!forms.is_empty()).then(|| Seeker { automaton: AhoCorasick::new(&forms).unwrap(), told })
    }

    fn found(&self, bytes: &[u8]) -> Option<&str> {
        self.automaton.find(bytes).map(|found| self.told[found.pattern().as_usize()].as_str())
    }
}

/// A secret's spellings, and how to say which it is.
pub fn spellings(secret: &str) -> Vec<(String, String)> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let every: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::to_string(secret).unwrap();
    let json = json.trim_matches('"').to_owned();
    let swapped = |letter: char| {
        if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
    };
    let mut spelled = vec![
        ("as it is", secret.to_owned()),
        ("in other case", secret.chars().map(swapped).collect()),
        (
            "percent-encoded",
            percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
        ),
        ("percent-encoded throughout", every),
        ("as in forms", form),
        ("as in JSON", json.replace('/', "\\/")),
        ("as in JSON", json),
        ("as in HTML", secret.replace('&', "&amp;").replace('/', "&#x2F;")),
        ("in hexadecimal digits", hex.to_uppercase()),
        ("in hexadecimal digits", hex),
    ];
    spelled.extend(in_base64(bytes).into_iter().map(|text| ("in base64", text)));
    spelled.into_iter().map(|(how, form)| (form, format!("the secret {secret:?}, {how},"))).collect()
}

/// What of some bytes stands in base64 of all that holds them, in three ways.
fn in_base64(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for before in 0..3 {
        let all = [&[0; 2][..before], bytes].concat();
        let own = [0, 2, 3][before]..all.len() * 8 / 6;
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            found.push(alphabet.encode(&all)[own.clone()].to_owned());
        }
    }
    found.retain(|text| text.len() >= SHORTEST_ENCODED);
    found
}
