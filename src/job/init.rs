//! The job file that `windrow init` writes where it is told nothing more: it runs as it is, and explains its keys.

/// A commented job file of that name for a newcomer to start from. It asks a public test API about ten ids.
///
/// It is valid if `name` is a valid name of a job.
pub fn starter(name: &str) -> String {
    STARTER.replace("@job@", name).replace("@table@", &table_name(name))
}

/// The job's name as a table may be named.
fn table_name(name: &str) -> String {
    let word = name.replace('-', "_");
    let starts_with_digit = word.starts_with(|first: char| first.is_ascii_digit());
    let word = if starts_with_digit { format!("t_{word}") } else { word };
    word.chars().take(60).collect()
}

const STARTER: &str = r##"#:schema ./job.schema.json

# A windrow job: for every id of a list, HTTP requests; from their answers, rows; one table in the end.
# What it will do:    windrow plan @job@         (asks nobody)
# Try two ids:        windrow run @job@ --sample 2        (a public API for tests is asked)
# All of them:        windrow run @job@
# Then look at it:    windrow query @job@ "SELECT * FROM rows"
# The first line is for editors: they check each key, and complete it, where they know TOML's schemas (as Tombi does).
# Paths are relative to this file. Lines that start with # are switched off; remove the # to use them.

[job]
name = "@job@"                      # names the folder of its runs: letters, digits, _ and -
# in_flight = 128                   # requests at the same time
# retry_rounds = 1                  # how often failed requests are tried again after everything else
# resume_within = "7d"              # `windrow run` goes on with an unfinished run if it is younger than this
# on_change = "stop"                # if list or endpoints changed meanwhile, it says so and starts "new", unless: "stop"
# keep_runs = "30d"                 # finished runs are removed from this age on
# patience = "5m"                   # how long a host that answers nobody is waited for
# keep_answers = "all"              # keep answers as they came: those that "failed" are kept, unless: "all", "none"

[input]
ids = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]  # the list itself, or a file instead (or database and sql):
# file = "ids.csv"                  # .csv, .tsv, .jsonl, .parquet, or .txt with one id a line; "-" is standard input
id = "user_id"                      # the column that identifies a line; here the name that the ids get
# columns = ["country"]             # further columns of the file to carry into the table
# types = { user_id = "bigint" }    # columns of a .csv are text (007 stays 007) unless this says otherwise
# on_duplicate = "first"            # an id that comes twice is an error, unless: "first" or "keep"

# [limit."jsonplaceholder.typicode.com"]   # a budget of all your processes here; by host, or by a name: limit = "name"
# rate = "20/s"                     # or "100/min", "5000/h", "20/10s"; after a rest this many may go at once:
# burst = 5
# in_flight = 16                    # requests at the same time
# quota = "100000/day"              # kept over restarts; also per hour, week, month, or "1000/30s"

# [defaults]                        # for all endpoints: headers, nulls, retry, timeout, max_answer and their like
# headers = { user-agent = "me@example.org" }

[[endpoint]]                        # one request per id; repeat the whole block for further requests
name = "user"                       # letters, digits and _
url = "https://jsonplaceholder.typicode.com/users/{user_id}"  # {column} is filled in, encoded
# params = { lang = "en", key = "${API_KEY}" }                # ${NAME} comes from the environment and is never shown
# auth = { bearer = "${API_TOKEN}" }
# method = "POST"                   # with a payload it is POST anyway; json, or form = { … }, or body = "…"
# json = { user = "{user_id}", verbose = true }
# idempotent = true                 # a POST may be repeated (any GET may)
# when = '.country == "DE"'         # ask only where this holds: .column of the list, .endpoint.column of an answer
# ok = '.error == null'             # an answer for which this does not hold is a failure
missing = [404]                     # what says "no such id": statuses, or jq such as '.error == "not found"'
nulls = ["", "N/A"]                 # texts that mean null
# on_failure = "null"               # if a request fails for good, its row is left out ("skip"), or: "null", "keep"
# timeout = "60s"
# retry = { attempts = 5, backoff = "500ms", deadline = "10m", on = [429, "5xx", "timeout", "connect"] }
# min_success = 0.5                 # of this endpoint alone; of all together it is in [publish]

[endpoint.columns]                  # name = the jq expression that finds the value; the type is text
name = ".name"
email = ".email"
city = ".address.city"
# With a type (text, boolean, integer, bigint, double, decimal(p,s), date, timestamp, json) it is a table:
latitude = { jq = ".address.geo.lat", type = "double" }
company = { jq = ".company.name", not_null = true }                      # null would be a failure
street_number = { jq = ".address.suite", regex = '(\d+)', type = "integer" }  # the group is the value; no match is null
# votes = { jq = ".votes", remove = ",", type = "bigint" }               # 1,234 becomes 1234
# born = { jq = ".born", format = "%d %b %Y", type = "date" }            # 12 Jun 1998
# score = { jq = ".score", type = "double", on_error = "null" }          # what is no number becomes null

[table]
to = "duckdb:@job@.duckdb"          # or "postgres://…", "mysql://…", "sqlite:FILE", "parquet:FILE", "csv:FILE"
name = "@table@"                    # the table, likewise
mode = "upsert"                     # "upsert" replaces rows of the same key; "append" adds; "replace" takes their place;
                                    # "replace_ids" replaces all rows of an id, for endpoints with several (rows = ".items[]")
# on_unlisted = "delete"            # rows of ids that the list no longer has stay, unless: "delete"
key = ["user_id"]                   # the columns that identify a row
stamp = { fetched_at = "record.fetched_at" }  # a further column: when the row was fetched

[publish]
min_success = 0.9                   # publish only if nine of ten ids were answered; a missing id counts as answered;
                                    # 0 publishes whatever failed
# max_failed = 1                    # if at most this many ids failed,
# max_duplicates = 0                # if at most this many rows have the key of a later one,
# max_rejected = 0                  # if the table refuses at most this many ids (a value too long, a CHECK): the rest is
#                                   # published without them
# min_rows = 5                      # if there are at least this many rows,
# max_change = 0.5                  # if the table's number of rows changes by half at the most
# on_pause = "publish"              # what there is, also whenever a quota makes the run pause; else it waits for all

# [[publish.after]]                 # SQL of your own, in the same transaction after the rows
# sql = "SELECT kind, count(*) AS failures FROM windrow_failures GROUP BY kind"
# file = "failures.csv"             # its answer, with a header; a .parquet has typed columns
"##;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Job, Part};
    use super::*;

    #[test]
    fn the_starter_is_valid_under_any_name() {
        for name in ["films", "my-first-job", "2024_films", &"x".repeat(64), &"9".repeat(64)] {
            let job = Job::parse(starter(name), Path::new("/jobs/starter.toml")).expect("valid");
            assert_eq!(job.name, *name);
            assert_eq!(job.endpoints[0].url.parts.last(), Some(&Part::Input("user_id".into())));
        }
    }

    /// The switched-off lines are examples: they must be right as well.
    #[test]
    fn the_starter_is_valid_with_everything_switched_on() {
        let is_switched_off =
            |line: &str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
        let on: String = starter("films")
            .lines()
            .filter(|line| !line.starts_with("ids = "))
            .map(|line| if is_switched_off(line) { &line[2..] } else { line })
            .fold(String::new(), |text, line| text + line + "\n");
        let job = Job::parse(on, Path::new("/jobs/starter.toml")).expect("valid");
        assert_eq!((job.endpoints[0].columns.len(), job.input.columns.len()), (9, 1));
    }
}
