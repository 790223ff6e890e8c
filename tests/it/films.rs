//! The films job from end to end: what it publishes, and that others can read what it leaves.

use std::process::Command;

use crate::support::{Origin, Sandbox, ended, films_job};

#[test]
fn the_films_job_publishes_every_film_once() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = films_job(&sandbox, &origin);
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    assert!(ended.stderr.contains("22,305"), "{}", ended.stderr);
    assert_eq!(
        sandbox.query("movies", "SELECT count(*), count(DISTINCT imdb_id) FROM rows"),
        ["22305,22305"]
    );
    assert_eq!(sandbox.query("movies", "SELECT count(*) FROM requests"), ["44610"]);
    let types = sandbox.query(
        "movies",
        "SELECT typeof(budget), typeof(released), typeof(title), count(budget) FROM rows GROUP BY ALL",
    );
    assert_eq!(types, ["BIGINT,DATE,VARCHAR,20987"]);
    let counts = origin.counts();
    assert_eq!(counts["total"], 44_610, "each pair is asked once");
}

#[test]
fn pandas_pyarrow_and_polars_read_the_chunk_files() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = crate::support::small_job(&sandbox, &origin, 300, "", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let script = r#"
import glob, sys, pandas, polars
files = sorted(glob.glob(sys.argv[1] + "/*/*.omdb.parquet"))
frame = pandas.concat(pandas.read_parquet(file) for file in files)
assert len(frame) == frame["imdb_id"].nunique() == 300, frame
assert str(frame["year"].dtype) in ("int32", "float64"), frame.dtypes
requests = polars.concat(polars.read_parquet(file) for file in glob.glob(sys.argv[1] + "/*/*.requests.parquet"))
assert requests.height == 600 and requests["started_at"].null_count() == 0, requests
print("read", len(frame))
"#;
    let mut python = Command::new("python3");
    python.arg("-c").arg(script).arg(sandbox.newest_run("small"));
    let read = ended(python).with_code(0);
    assert_eq!(read.stdout, "read 300\n");
}
