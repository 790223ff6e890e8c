//! Access tokens of a run: had once by all its processes, renewed as they end, waited for, refused; and shown nowhere.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::processes::{kill_9, until};
use crate::support::{Ended, Origin, Sandbox, canaries, ended, wait};

const ENVIRONMENT: &str = "STORE_CLIENT_SECRET=shop-secret\nSTORE_REFRESH_TOKEN=shop-refresh\n";

/// A job that asks the store about tokens that it is told of to nobody without an access token.
fn stage(sandbox: &Sandbox, origin: &Origin, tokens: usize, settings: &str) {
    sandbox.write("tokens.txt", (0..tokens).map(|number| format!("{number}\n")).collect::<String>());
    sandbox.write("store.env", ENVIRONMENT);
    let url = origin.url();
    sandbox.write(
        "store.toml",
        format!(
            r#"
[job]
{settings}
[input]
file = "tokens.txt"
id = "token"
[auth.store]
grant_type = "refresh_token"
token_url = "{url}/oauth/token"
client_id = "shop"
client_secret = "${{STORE_CLIENT_SECRET}}"
refresh_token = "${{STORE_REFRESH_TOKEN}}"
[[endpoint]]
name = "store"
url = "{url}/androidpublisher/v3/applications/com.example/purchases/subscriptions/monthly/tokens/{{token}}"
auth = "store"
missing = [404]
columns = {{ expires_at = ".expiryTimeMillis" }}
[table]
to = "duckdb:store.duckdb"
name = "store"
"#
        ),
    );
}

#[track_caller]
fn run(sandbox: &Sandbox) -> Ended {
    sandbox.run(["run", "store.toml", "--env-file", "store.env"])
}

/// Requests that the origin has had, for tokens or for what needs them.
fn total(origin: &Origin, endpoint: &str) -> u64 {
    let counts = origin.counts();
    counts["by_endpoint"].get(endpoint).map_or(0, |counts| counts["total"].as_u64().unwrap())
}

#[test]
fn tokens_that_end_all_through_a_run_are_renewed_and_every_record_is_answered() {
    let origin =
        Origin::start(&["--token-needed", "--token-rotates", "--token-ms", "1500", "--latency-ms", "100"]);
    let sandbox = Sandbox::new();
    stage(&sandbox, &origin, 1000, "in_flight = 16\nkeep_answers = \"all\"");
    // Those before the last, too.
    canaries::add(sandbox.path(), ["shop-access".to_owned()]);
    run(&sandbox).with_code(0);
    let counted = sandbox.query("store", "SELECT status, count(*) FROM requests GROUP BY 1 ORDER BY 1");
    let all: usize = counted.iter().map(|row| row.split_once(',').unwrap().1.parse::<usize>().unwrap()).sum();
    assert!(counted.iter().all(|row| row.starts_with("ok,") || row.starts_with("missing,")), "{counted:?}");
    assert_eq!(all, 1000);
    let requests = total(&origin, "tokens");
    // Some 6 s in steps of 1.35 s, one more for each 401 that came first; on a busy machine more.
    assert!((3..=60).contains(&requests), "{requests}");
}

#[test]
fn that_a_token_is_waited_for_is_told() {
    let origin = Origin::start(&["--token-needed", "--token-ms", "60000", "--latency-ms", "2500"]);
    let sandbox = Sandbox::new();
    stage(&sandbox, &origin, 40, "");
    let told =
        sandbox.run(["run", "store.toml", "--env-file", "store.env", "--progress", "json"]).with_code(0);
    let waits = r#""hold":{"by":"token","name":"store"}"#;
    assert!(told.stderr.contains(waits), "{}", told.stderr);
}

/// How far the file of a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OnDisk {
    Written { aside: String },
    Synced { aside: String },
    Renamed { folder: String },
    Durable,
}

/// What a call of a trace (strace -y) means for the file of a token, which is `stage` so far.
fn next_stage(stage: &OnDisk, call: &str) -> Option<OnDisk> {
    let syncs =
        |path: &str| call.contains("sync(") && call.contains(&format!("<{path}>)")) && call.ends_with("= 0");
    match stage {
        OnDisk::Written { aside } if syncs(aside) => Some(OnDisk::Synced { aside: aside.clone() }),
        OnDisk::Synced { aside } if call.contains("rename") && call.contains(&format!("\"{aside}\"")) => {
            let folder = Path::new(aside).parent()?.to_str()?.to_owned();
            Some(OnDisk::Renamed { folder })
        }
        OnDisk::Renamed { folder } if syncs(folder) => Some(OnDisk::Durable),
        _ => None,
    }
}

/// The calls of a trace in the order in which they returned, but for those that write or send, which count when they begin.
fn calls(trace: &str) -> Vec<String> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut calls = Vec::new();
    for (process, call) in trace.lines().filter_map(|line| line.split_once(' ')) {
        let call = call.trim_start();
        if let Some((call, _)) = call.split_once(" <unfinished") {
            begun.insert(process, call);
            calls.push(call.to_owned());
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(process).unwrap_or_default()));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let begin = text.find(before)? + before.len();
    text[begin..].find(after).map(|end| &text[begin..begin + end])
}

#[test]
fn no_token_is_sent_before_its_file_is_synced_renamed_and_its_folder_synced() {
    let origin =
        Origin::start(&["--token-needed", "--token-rotates", "--token-ms", "1500", "--latency-ms", "100"]);
    let sandbox = Sandbox::new();
    stage(&sandbox, &origin, 150, "in_flight = 4");
    sandbox.plan_on_one_core("store.toml");
    let trace = sandbox.path().join("trace.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-s", "4096", "-e"]);
    command.arg("trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg");
    command.arg("-o").arg(&trace).arg(env!("CARGO_BIN_EXE_windrow"));
    command.args(["shard", "store", "0", "--env-file", "store.env"]);
    sandbox.confine(&mut command);
    ended(command).with_code(0);
    let mut tokens: HashMap<String, OnDisk> = HashMap::new();
    let mut sent = 0;
    let told = std::fs::read_to_string(&trace).unwrap();
    // It holds the tokens, as no file of a run may.
    std::fs::remove_file(&trace).unwrap();
    for call in calls(&told) {
        // Quotes in a traced text are escaped.
        if let Some(token) =
            between(&call, "\\\"access_token\\\":\\\"", "\\\"").filter(|_| call.contains("/tokens/"))
        {
            let aside = between(&call, "<", ">").unwrap().to_owned();
            tokens.insert(token.to_owned(), OnDisk::Written { aside });
        } else if let Some(token) = between(&call, "Bearer ", "\\r\\n") {
            assert_eq!(tokens.get(token), Some(&OnDisk::Durable), "{token} is sent: {call}");
            sent += 1;
        } else {
            for stage in tokens.values_mut() {
                next_stage(stage, &call).into_iter().for_each(|next| *stage = next);
            }
        }
    }
    assert!(tokens.len() >= 2 && sent >= 150, "{} tokens, sent {sent} times", tokens.len());
    assert!(tokens.values().all(|stage| *stage == OnDisk::Durable), "{tokens:?}");
}

#[test]
fn a_refresh_token_that_is_refused_ends_the_run_with_the_servers_words_and_a_new_one_goes_on() {
    let (origin, sandbox) = (Origin::start(&["--token-needed"]), Sandbox::new());
    stage(&sandbox, &origin, 100, "");
    sandbox.write("store.env", ENVIRONMENT.replace("shop-refresh", "an-old-one"));
    let ended = run(&sandbox).with_code(2).saying("the token of [auth.store]");
    ended.saying("answered 400: invalid_grant: the token was used, or revoked");
    assert_eq!(total(&origin, "subscriptions"), 0);
    sandbox.write("store.env", ENVIRONMENT);
    run(&sandbox).with_code(0).saying("published 100 rows");
}

#[test]
fn while_no_token_can_be_had_nothing_has_failed() {
    let (origin, sandbox) = (Origin::start(&["--token-needed"]), Sandbox::new());
    stage(&sandbox, &origin, 100, "patience = \"1s\"\nretry_rounds = 0");
    for broken in [
        r#"{"fail_ids": {"refresh_token": {"status": 500, "endpoint": "tokens"}}}"#,
        r#"{"fail_ids": {}, "body_ids": {"refresh_token": "<html>maintenance</html>"}}"#,
    ] {
        origin.knobs(broken);
        let ended = run(&sandbox).with_code(75).saying("the token of [auth.store]");
        assert!(!ended.stderr.contains("100 failed"), "{}", ended.stderr);
        assert!(!sandbox.path().join("store.duckdb").exists());
    }
    origin.knobs(r#"{"body_ids": {}}"#);
    run(&sandbox).with_code(0).saying("published 100 rows");
    assert_eq!(sandbox.query("store", "SELECT count(*) FROM requests WHERE status = 'failed'"), ["0"]);
}

/// The token server takes its time, so that whoever asks it is killed over it, at some moment of it.
#[test]
fn who_is_killed_while_he_asks_for_a_token_is_in_nobodys_way() {
    let (origin, sandbox) = (Origin::start(&["--token-needed", "--latency-ms", "150"]), Sandbox::new());
    stage(&sandbox, &origin, 40, "");
    for moment in [0, 40, 80, 120, 160, 170, 180, 200] {
        let asked = || total(&origin, "tokens") + total(&origin, "subscriptions");
        let before = asked();
        let child = sandbox.start(["run", "store.toml", "--env-file", "store.env", "--new"]);
        until(Duration::from_secs(60), "something is asked", || asked() > before);
        std::thread::sleep(Duration::from_millis(moment));
        kill_9(child.id().cast_signed());
        wait(child);
    }
    run(&sandbox).with_code(0).saying("published 40 rows");
}

/// What the files of tokens hold; one that is no JSON fails the test.
fn kept_tokens(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let files = std::fs::read_dir(sandbox.state().join("tokens")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let tokens = files.filter(|file| file.extension().is_some_and(|ending| ending == "json"));
    tokens.map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

/// Killed at each call that makes the file of the first token durable, and at those behind, until nobody is killed any more.
#[test]
fn who_is_killed_at_any_step_of_keeping_a_token_leaves_a_whole_one_or_none() {
    let calls = "fsync,fdatasync,rename,renameat,renameat2,linkat,unlinkat";
    let mut ends = HashSet::new();
    for nth in 1.. {
        let (origin, sandbox) = (Origin::start(&["--token-needed"]), Sandbox::new());
        stage(&sandbox, &origin, 40, "");
        sandbox.plan_on_one_core("store.toml");
        let arguments = ["shard", "store", "0", "--env-file", "store.env"];
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={calls}"));
        command.arg("-e").arg(format!("inject={calls}:signal=SIGKILL:when={nth}"));
        command.arg(env!("CARGO_BIN_EXE_windrow")).args(arguments);
        sandbox.confine(&mut command);
        if ended(command).code == Some(0) {
            // There are no more.
            break;
        }
        let asked = total(&origin, "tokens");
        let kept = kept_tokens(&sandbox);
        ends.insert(kept.is_empty());
        assert!(kept.iter().all(|token| token["access_token"].is_string()), "call {nth}: {kept:?}");
        sandbox.run(arguments).with_code(0);
        let more = total(&origin, "tokens") - asked;
        assert_eq!(more, u64::from(kept.is_empty()), "call {nth}: a token that is kept is used");
        let left = std::fs::read_dir(sandbox.state().join("tokens")).unwrap().count();
        assert_eq!(left, 2, "call {nth}: the token and its lock");
    }
    assert_eq!(ends.len(), 2, "some were killed before it was kept, and some after");
}

#[test]
fn a_user_with_a_password_and_a_token_of_ones_own_are_sent_and_not_shown() {
    let (origin, sandbox) = (Origin::start(&[]), Sandbox::new());
    sandbox.write("ids.txt", "a\n");
    sandbox.write("my.env", "PASSWORD=can:ary\nTOKEN=canary-token\n");
    for (auth, sent) in [
        // printf 'me:can:ary' | base64
        ("{ basic = \"me:${PASSWORD}\" }", "Basic bWU6Y2FuOmFyeQ=="),
        ("{ bearer = \"${TOKEN}\" }", "Bearer canary-token"),
    ] {
        // The job may not hold what is looked for.
        let (url, reversed) = (origin.url(), sent.chars().rev().collect::<String>());
        sandbox.write(
            "mine.toml",
            format!(
                r#"
job.keep_answers = "all"
[input]
file = "ids.txt"
id = "id"
[[endpoint]]
url = "{url}/echo/{{id}}"
auth = {auth}
ok = '(.headers.authorization | explode | reverse | implode) == "{reversed}"'
columns = {{ target = ".target" }}
[table]
to = "duckdb:mine.duckdb"
name = "mine"
"#
            ),
        );
        sandbox.run(["plan", "mine.toml", "--env-file", "my.env"]).with_code(0);
        sandbox.run(["run", "mine.toml", "--env-file", "my.env", "--new"]).with_code(0);
    }
}
