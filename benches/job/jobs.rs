//! The job files, each in a folder of its own with its runs and its database, gone before each run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// Requests in flight where the server is fast: what the films job has.
const IN_FLIGHT: u32 = 128;
/// Requests in flight where every answer is late.
pub const LATE_IN_FLIGHT: u32 = 4096;
/// Requests a second that as many in flight allow, when an answer takes 200 ms.
pub const LATE_BOUND: f64 = LATE_IN_FLIGHT as f64 / 0.2;

/// The films job: its columns are the ones that are measured.
const FILMS: &str = include_str!("../../schemas/movies.toml");

/// Where a run takes place.
pub struct JobFolder {
    pub job: PathBuf,
    pub log: PathBuf,
}

impl JobFolder {
    /// A job that asks nginx for one document per record.
    pub fn films(folder: &Path, list: &Path, port: u16) -> Outcome<JobFolder> {
        let columns = section("[endpoint.columns]");
        let endpoint = format!(
            "[[endpoint]]\nname = \"omdb\"\nurl = \"http://127.0.0.1:{port}/{{document}}.json\"\n\
             missing = '.Response == \"False\"'\nnulls = [\"N/A\", \"\"]\n{columns}"
        );
        JobFolder::fresh(folder, list, IN_FLIGHT, &endpoint)
    }

    /// The same, its answers kept.
    pub fn keeping(folder: &Path, list: &Path, port: u16) -> Outcome<JobFolder> {
        let place = JobFolder::films(folder, list, port)?;
        let text = fs::read_to_string(&place.job)?;
        fs::write(&place.job, text.replacen("[job]\n", "[job]\nkeep_answers = \"all\"\n", 1))?;
        Ok(place)
    }

    /// A job with four questions per record, as the origin answers them.
    pub fn late(folder: &Path, list: &Path, port: u16) -> Outcome<JobFolder> {
        let server = format!("http://127.0.0.1:{port}");
        let films = section("[endpoint.columns]");
        let endpoints = format!(
            r#"
[[endpoint]]
name = "omdb"
url = "{server}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
nulls = ["N/A", ""]
{films}
[[endpoint]]
name = "business"
url = "{server}/business/{{imdb_id}}"
missing = [404]
columns = {{ budget = {{ jq = ".budget[0]", regex = '\$([\d,]+)', remove = ",", type = "bigint" }} }}

[[endpoint]]
name = "numbers"
url = "{server}/numbers/{{imdb_id}}"
columns = {{ big = {{ jq = ".big", type = "bigint" }}, exact = {{ jq = ".decimal", type = "decimal(38,2)" }} }}

[[endpoint]]
name = "echo"
url = "{server}/echo/{{imdb_id}}"
columns = {{ target = ".target" }}
"#
        );
        JobFolder::fresh(folder, list, LATE_IN_FLIGHT, &endpoints)
    }

    /// Begins the folder anew and writes the job.
    fn fresh(folder: &Path, list: &Path, in_flight: u32, endpoints: &str) -> Outcome<JobFolder> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let list = list.display();
        let text = format!(
            "[job]\nname = \"bench\"\nin_flight = {in_flight}\n\n[input]\nfile = \"{list}\"\nid = \"imdb_id\"\n\n\
             {endpoints}\n[table]\nto = \"duckdb:bench.duckdb\"\nname = \"films\"\nmode = \"upsert\"\n\
             key = [\"imdb_id\"]\nstamp = {{ fetched_at = \"record.fetched_at\" }}\n"
        );
        let place = JobFolder { job: folder.join("bench.toml"), log: folder.join("log") };
        fs::write(&place.job, text)?;
        Ok(place)
    }
}

/// The first section of the films job with this heading, heading included.
fn section(heading: &str) -> String {
    let from = FILMS.find(heading).unwrap_or(0);
    let lines = FILMS[from..].lines().enumerate();
    let section = lines.take_while(|(at, line)| *at == 0 || !line.starts_with('['));
    section.map(|(_, line)| format!("{line}\n")).collect()
}
