//! Words typed for the first time, and typed wrongly.

use std::path::Path;

use crate::support::{Origin, Sandbox, ended};

#[test]
fn init_writes_a_job_that_is_valid_and_overwrites_nothing() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(["init", "prices"]).with_code(0);
    ended.saying("wrote prices.toml\nnext: windrow plan prices.toml");
    sandbox
        .run(["plan", "prices.toml"])
        .with_code(0)
        .saying("hint: `windrow run prices.toml` goes on from here");
    sandbox.write("prices.toml", "# mine");
    let ended = sandbox.run(["init", "prices"]).with_code(2);
    ended
        .saying("cannot write prices.toml: it is there already")
        .saying("hint: choose another file with --output");
    assert_eq!(std::fs::read_to_string(sandbox.path().join("prices.toml")).unwrap(), "# mine");
    sandbox.run(["init", "prices", "--output", "other.toml"]).with_code(0);
    sandbox
        .run(["init", "prices", "--output", "none/other.toml"])
        .with_code(2)
        .saying("No such file or directory");
    for name in ["two words", "../up", "", "-x"] {
        let ended =
            sandbox.run(["init", "--", name]).with_code(2).saying("is no name for a job").saying("hint: ");
        assert!(ended.stderr.lines().count() <= 2, "{}", ended.stderr);
    }
    std::fs::create_dir(sandbox.path().join("schemas")).unwrap();
    sandbox.run(["init", "prices"]).with_code(0).saying("wrote schemas/prices.toml");
    // Of nothing at all: the folder's name.
    let named = sandbox.path().join("my films");
    std::fs::create_dir(&named).unwrap();
    let mut init = sandbox.command(["init"]);
    init.current_dir(&named);
    crate::support::ended(init).with_code(0).saying("wrote my-films.toml");
}

/// The starter asks a public server; here it asks an origin of the test's own.
#[test]
fn the_starter_runs_as_it_is() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    sandbox.run(["init", "first"]).with_code(0);
    sandbox.edit(
        "first.toml",
        "https://jsonplaceholder.typicode.com/users",
        &format!("{}/numbers", origin.url()),
    );
    sandbox.edit("first.toml", "company = { jq", "# company = { jq");
    sandbox.run(["run", "first.toml", "--sample", "2"]).with_code(0).saying("published 2 rows");
    sandbox
        .run(["run", "first.toml"])
        .with_code(0)
        .saying("published 10 rows")
        .saying("table  first in first.duckdb");
    assert_eq!(sandbox.query("first", "SELECT count(*) FROM rows"), ["10"]);
}

#[test]
fn the_schema_is_that_of_the_repository() {
    let printed = Sandbox::new().run(["schema"]).with_code(0).stdout;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/job.schema.json");
    assert_eq!(printed, std::fs::read_to_string(file).unwrap(), "write it anew with `windrow schema`");
    serde_json::from_str::<serde_json::Value>(&printed).unwrap();
}

#[test]
fn help_names_every_command_and_exit_code() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(["--help"]).with_code(0).stdout;
    insta::assert_snapshot!(help, @r#"
    Bulk fetching from HTTP APIs into a database, on every core, that loses nothing

    Usage: windrow [OPTIONS] <COMMAND>

    Start:
      init         Write a job file to start from, or draft one from a curl command
      check        Ask three records and show request, answer and row; write nothing
      plan         Plan a run and say what it will take, without a request
      run          Plan, fetch, retry, publish and summarise; resume an unfinished run

    Look:
      status       List the runs, a run's shards, or how a queue stands
      failures     Show what failed, by kind, with an example each
      query        Ask a run by SQL: views rows, requests, answers, input, and one per endpoint

    Mend:
      retry        Ask failed requests again; merge then publishes what is new
      extract      Extract columns again from kept answers, without a request
      merge        Check that nothing is missing, and publish

    Keep:
      limits       Show what is known of limits and hosts: pauses, quotas; lift a host's pause
      prune        Remove runs that are over and old

    Stay up:
      work         Work a table of jobs as they come, until a signal
      requeue      Let jobs of a queue that have failed for good wait again
      serve        Serve what jobs have gathered over HTTP, and run them as often as they say

    Many machines:
      shard        Fetch one shard in this process; what is committed stays

    Shell and editor:
      schema       Print the JSON Schema of job files
      completions  Print what a shell completes commands and flags by: bash, zsh or fish
      man          Write manual pages

    Options:
          --runs <DIR>  Folder of the runs [default: shards/ beside the schemas/ folder that holds the
                        job file, or beside the job file; for commands that take a RUN: ./shards]
      -h, --help        Print help
      -V, --version     Print version

    Words:
      run            one pass through the whole list, in a folder of its own
      shard          a part of the list, fetched by a process of its own
      round          asks again what failed or waits; round 0 asks everything
      failed         asked, and not answered as it should be; windrow retry asks again
      waiting        not answered yet: a quota is used up, its host is down, or the run was interrupted
      not_asked      its when said no, or what it depends on failed
      rejected       fetched, but refused by a rule of the table; windrow merge tries it again
      missing        the server says that the id does not exist: a success, its columns null

    Exit codes:
      0              published (windrow shard: committed)
      1              finished, but the publish gate refused (windrow check: an answer does not fit)
      2              usage or job file, a refused secret, or a permanent error
      3              the job or the run is in use by a living process
      4              the disk
      5              the database
      6              integrity: a file does not match what was committed
      7              paused: a quota, or --max-requests, is used up; the next run goes on
      75             temporary: a shard is not complete, its server may be down; run it again
      129, 130, 143  interrupted: its terminal was closed (SIGHUP; not under nohup), SIGINT, SIGTERM

    More:
      windrow help exit-codes   what each exit code asks of a script, of cron or of systemd
      windrow help kinds        why requests fail, and what to do about each kind of failure
      windrow help types        the types of columns, and what databases make of them
    "#);
    let groups = help.lines().take_while(|line| *line != "Options:");
    let commands = groups.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 19);
    for command in commands {
        let of_its_own = sandbox.run([command, "--help"]).with_code(0).stdout;
        assert!(of_its_own.contains("Usage: windrow "), "{command}: {of_its_own}");
        assert!(of_its_own.contains(&format!("Example:\n  windrow {command} ")), "{command}: {of_its_own}");
        let looks_at_runs = !["init", "limits", "schema", "completions", "man"].contains(&command);
        assert_eq!(of_its_own.contains("--runs"), looks_at_runs, "{command}");
    }
}

#[test]
fn words_of_others_for_commands_lead_to_ours() {
    let sandbox = Sandbox::new();
    for (words, hint) in [
        (&["fetch", "x"][..], "hint: windrow run"),
        (&["validate", "x"], "hint: windrow check"),
        (&["ls"], "hint: windrow status"),
        (&["dry-run", "x"], "hint: windrow plan"),
        (&["publish", "x"], "hint: windrow merge"),
        (&["clean", "x"], "hint: windrow prune"),
        (&["rum", "x"], "a similar subcommand exists: 'run'"),
        (&["merge", "--force", "x"], "a similar argument exists: '--anyway'"),
        (&["failures", "--lst", "x"], "a similar argument exists: '--list'"),
    ] {
        let ended = sandbox.run(words).with_code(2);
        assert!(ended.stderr.contains(hint), "{words:?}: {}", ended.stderr);
    }
}

/// A job is named by its file, its name or a run of it; a run in the same ways.
#[test]
fn job_and_run_take_the_same_words() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write("ids.csv", "id\n1\n2\n");
    let job = format!(
        "input.file = \"../ids.csv\"\ntable.to = \"duckdb:../numbers.duckdb\"\n\
         [[endpoint]]\nurl = \"{}/numbers/{{id}}\"\ncolumns = {{ big = \".big\" }}\n",
        origin.url()
    );
    sandbox.write("schemas/numbers.toml", job);
    let planned = sandbox.run(["plan", "numbers"]).with_code(0).stdout;
    assert!(planned.contains("inferred  [job] name = \"numbers\""), "{planned}");
    assert!(planned.contains("[table] key = \"id\""), "{planned}");
    sandbox.run(["run", "numbers"]).with_code(0).saying("published 2 rows").saying("numbers in ");
    let newest = sandbox.newest_run("numbers");
    let id = newest.file_name().unwrap().to_str().unwrap().to_owned();
    let folder = format!("shards/numbers/{id}");
    for word in ["numbers", "schemas/numbers.toml", "shards/numbers", &folder, &id] {
        sandbox.run(["plan", word, "--new"]).with_code(0);
        sandbox.run(["check", word]).with_code(0);
        let pruned = sandbox.run(["prune", word, "--keep", "5", "--dry-run"]);
        // Who names one run might mean that one alone.
        if word == id || word == folder {
            pruned.with_code(2).saying("is a run, and prune takes a job");
        } else {
            pruned.with_code(0);
        }
        let rows = sandbox.run(["query", word, "SELECT count(*) FROM requests", "--format", "csv"]);
        rows.with_code(0);
        sandbox.run(["status", word]).with_code(0);
    }
    for command in ["plan", "run", "check"] {
        sandbox.run([command, "nobody"]).with_code(2).saying("cannot be read: No such file");
    }
    sandbox.run(["status", "nobody"]).with_code(2).saying("no run of job \"nobody\"");
    // Of a job whose file is gone a run says where the copy is.
    std::fs::remove_file(sandbox.path().join("schemas/numbers.toml")).unwrap();
    sandbox.run(["run", &id]).with_code(2).saying("is gone").saying("has a copy of it in ");
    sandbox.run(["status", "numbers"]).with_code(0);
}

#[test]
fn a_wrong_word_is_a_mistake_of_usage() {
    let sandbox = Sandbox::new();
    for words in [
        &[][..],
        &["fetch"],
        &["run"],
        &["query", "small"],
        &["shard", "small", "x"],
        &["run", "--neww", "j"],
    ] {
        let ended = sandbox.run(words).with_code(2);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{words:?}");
    }
    for words in [
        &["merge", "small"][..],
        &["retry", "small"],
        &["shard", "small", "0"],
        &["failures", "small"],
        &["query", "small", "FROM rows"],
    ] {
        let ended = sandbox.run(words).with_code(2).saying("no run of job \"small\" in shards");
        ended.saying("hint: `windrow status` lists the runs; --runs says where they are");
    }
}

#[test]
fn secrets_come_from_the_environment_or_a_file_and_are_never_shown() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    sandbox.run(["init", "first"]).with_code(0);
    let url = format!(
        "{}/echo/{{user_id}}?key=${{WINDROW_TEST_KEY}}\"\ncolumns = {{ target = \".target\" }}\n#",
        origin.url()
    );
    sandbox.edit("first.toml", "https://jsonplaceholder.typicode.com/users/{user_id}\"", &url);
    let text = std::fs::read_to_string(sandbox.path().join("first.toml")).unwrap();
    let (before, after) = text.split_once("[endpoint.columns]").unwrap();
    sandbox.write("first.toml", format!("{before}[table]{}", after.split_once("[table]").unwrap().1));
    sandbox.run(["run", "first.toml"]).with_code(2).saying("secret ${WINDROW_TEST_KEY} is not set");
    sandbox.write("secrets.env", "WINDROW_TEST_KEY='from the file'\n");
    sandbox.asks_for_secrets();
    sandbox.run(["run", "first.toml", "--env-file", "none.env"]).with_code(2).saying("cannot read none.env");
    sandbox.run(["run", "first.toml", "--env-file", "secrets.env"]).with_code(0);
    assert_eq!(
        sandbox.query("first", "SELECT DISTINCT split_part(target, 'key=', 2) FROM rows"),
        ["from%20the%20file"]
    );
    let mut command = sandbox.command(["run", "first.toml", "--new"]);
    command.env("WINDROW_TEST_KEY", "from-the-environment");
    ended(command).with_code(0);
    let frozen = std::fs::read_to_string(sandbox.newest_run("first").join("job.toml")).unwrap();
    assert!(frozen.contains("${WINDROW_TEST_KEY}"));
}
