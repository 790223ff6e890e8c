//! What `plan` and `run` say of a run before its first request.

use std::path::PathBuf;

use crate::support::{Ended, Origin, Sandbox, small_job};

/// The line of a plan with this label, without it.
fn line<'a>(ended: &'a Ended, label: &str) -> Vec<&'a str> {
    let lines = ended.stdout.lines().filter(|line| line.starts_with(label));
    lines.map(|line| line.trim_start_matches(label).trim_start()).collect()
}

/// A job of 2,500 ids with one endpoint that draws from the limit `shop`; nobody is asked.
fn limited(sandbox: &Sandbox, limit: &str, endpoint: &str) -> PathBuf {
    sandbox.write("ids.txt", (0..2500).map(|id| format!("{id}\n")).collect::<String>());
    sandbox.write(
        "shop.toml",
        format!(
            "[job]\nname = \"shop\"\n\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n\n[limit.shop]\n{limit}\n\n\
             [[endpoint]]\nname = \"price\"\nurl = \"http://127.0.0.1:9/{{id}}\"\nlimit = \"shop\"\n{endpoint}\n\
             columns = {{ price = \".price\" }}\n\n\
             [table]\nto = \"duckdb:shop.duckdb\"\nname = \"prices\"\nmode = \"append\"\n"
        ),
    )
}

#[test]
fn a_plan_says_what_it_will_take_in_aligned_lines() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 300, "", "");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    let labels: Vec<&str> = ended.stdout.lines().take_while(|line| !line.is_empty()).collect();
    let labels: Vec<&str> = labels.iter().map(|line| line[..10].trim_end()).collect();
    assert_eq!(
        labels,
        ["run", "records", "requests", "disk", "publish", "shards", "at risk"],
        "{}",
        ended.stdout
    );
    assert_eq!(line(&ended, "requests"), ["600 at least"]);
    assert_eq!(line(&ended, "records"), ["300"]);
    assert!(ended.stdout.contains("\n\nCREATE TABLE"), "{}", ended.stdout);
    assert_eq!(origin.counts()["total"], 0);

    // It is about what the run then takes.
    let disk = line(&ended, "disk")[0].to_owned();
    let about: f64 = disk.strip_prefix("about ").unwrap().split(' ').next().unwrap().parse().unwrap();
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let du = std::process::Command::new("du").arg("-sb").arg(sandbox.newest_run("small")).output().unwrap();
    let bytes = String::from_utf8(du.stdout).unwrap();
    let bytes: f64 = bytes.split_whitespace().next().unwrap().parse().unwrap();
    assert!((0.5..2.0).contains(&(about * 1000.0 / bytes)), "{disk}, and it took {bytes} bytes");
}

#[test]
fn records_that_share_a_request_count_once() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let endpoint = "\n[[endpoint]]\nname = \"items\"\nparams = { ids = \"{imdb_id}\" }\n\
                    batch = { size = 50, split = \".data[]\", match = \".id\", on_absent = \"missing\" }\n\
                    columns = { item = \".name\" }";
    let endpoint = endpoint.replace("\nparams", &format!("\nurl = \"{}/items\"\nparams", origin.url()));
    let job = small_job(&sandbox, &origin, 300, "retry_rounds = 0", &endpoint);
    let job = job.to_str().unwrap();
    // Blocks of a hundred records: no batch is cut short.
    let ended = sandbox.run(["plan", job]).with_code(0);
    assert_eq!(line(&ended, "requests"), ["606 at least"]);
    let planned = sandbox.run(["run", job, "--new"]).with_code(0);
    planned.saying("300 records, 606 requests, ");
    assert_eq!(origin.counts()["total"], 606, "as it was said");
}

#[test]
fn what_a_condition_decides_is_said_apart() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 100, "", "when = '.imdb_id > \"tt5\"'");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert_eq!(line(&ended, "requests"), ["100 at least, 200 if every `when` holds"]);
}

#[test]
fn the_time_at_the_limits_and_the_days_of_a_quota_are_said() {
    let sandbox = Sandbox::new();
    let job = limited(&sandbox, "rate = \"5/s\"\nquota = \"1000/day\"", "");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert_eq!(line(&ended, "time"), ["8 min 20 s at least (shop allows 5 a second)"]);
    assert_eq!(
        line(&ended, "quota"),
        ["3 days: 2,500 of 1,000 a day at shop; the run pauses and goes on when it is repeated"]
    );
    sandbox.edit("shop.toml", "1000/day", "10000/day");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert_eq!(line(&ended, "quota"), ["25 % of 10,000 a day at shop"]);
}

#[test]
fn units_of_cost_are_priced_as_far_as_they_are_known() {
    let sandbox = Sandbox::new();
    let job = limited(&sandbox, "rate = \"90000 tokens/min\"", "cost = 360");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert_eq!(line(&ended, "time"), ["10 min 0 s at least (shop allows 90,000 tokens a minute)"]);
    sandbox.edit("shop.toml", "cost = 360", "cost = \".usage.tokens\"");
    let ended = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert_eq!(
        line(&ended, "cost"),
        ["what price takes of shop is known only from its answers, and is not counted here"]
    );
}

#[test]
fn run_says_it_in_its_first_line() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.edit("small.toml", "[defaults]", "[limit.\"127.0.0.1\"]\nrate = \"200/s\"\n\n[defaults]");
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying("20 records, 40 requests, 1 shard, 0.2 s at the limits, run ");
}
