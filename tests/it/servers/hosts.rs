//! Jobs that ask several hosts, of which some are gone: the others' answers are published, the run ends, and so does its
//! repetition; where nobody answers, the run waits for better days.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::processes::until;
use crate::support::{Ended, Origin, Sandbox, film_ids, free_port, wait};

/// So many addresses at an origin.
fn urls_of(origin: &Origin, count: usize) -> Vec<String> {
    film_ids(count).iter().map(|id| format!("{}/business/{id}", origin.url())).collect()
}

/// So many addresses at another.
fn urls_at(address: &str, count: usize) -> Vec<String> {
    (0..count).map(|page| format!("{address}/{page}")).collect()
}

/// An address at which nobody listens.
fn nobody() -> String {
    format!("http://127.0.0.1:{}", free_port())
}

/// A job over whole URLs.
fn job_over(urls: &[String], settings: &str, endpoint: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("urls.txt", urls.join("\n"));
    sandbox.write(
        "pages.toml",
        format!(
            "[job]\nname = \"pages\"\npatience = \"1s\"\n{settings}\n\n[input]\nfile = \"urls.txt\"\nid = \"page\"\n\n\
             [[endpoint]]\nname = \"page\"\nurl = \"{{page:url}}\"\nhosts = [\"127.0.0.1\", \"*.invalid\"]\n\
             missing = [404]\nretry = {{ attempts = 2, backoff = \"10ms\" }}\n{endpoint}\n\
             columns = {{ budget = \".budget[0]\" }}\n\n\
             [table]\nto = \"duckdb:pages.duckdb\"\nname = \"pages\"\nmode = \"append\"\n"
        ),
    );
    sandbox
}

fn count_where(sandbox: &Sandbox, condition: &str) -> usize {
    let sql = format!("SELECT count(*) FROM requests WHERE {condition}");
    sandbox.query("pages", &sql)[0].parse().unwrap()
}

/// Runs the job, which publishes at the first try, with so many records left out.
#[track_caller]
fn publishes(sandbox: &Sandbox, origin: &Origin, good: usize, gone: usize) -> Ended {
    let ended = sandbox.run(["run", "pages.toml"]).with_code(0);
    is_published(sandbox, origin, good, gone);
    ended
}

/// Everybody who answers was asked once for each record, and nobody else's records are anything but failures.
#[track_caller]
fn is_published(sandbox: &Sandbox, origin: &Origin, good: usize, gone: usize) {
    let ends =
        ["status IN ('ok', 'missing')", "status = 'failed'", "true"].map(|is| count_where(sandbox, is));
    assert_eq!(ends, [good, gone, good + gone]);
    let asked = &origin.counts()["by_endpoint"]["business"];
    assert_eq!(
        (&asked["repeated"], origin.counts()["total"].as_u64()),
        (&serde_json::json!({}), Some(good as u64))
    );
    let table = crate::support::published(&sandbox.path().join("pages.duckdb"), "SELECT count(*) FROM pages");
    assert_eq!(table, [good.to_string()]);
}

#[test]
fn a_host_that_is_gone_is_left_out_wherever_it_stands_in_the_list() {
    let gone = || urls_at(&nobody(), 200);
    for place in ["last", "first", "between", "every tenth", "two of them", "most of it", "all but one"] {
        let origin = Origin::start(&[]);
        let good = urls_of(&origin, if place == "all but one" { 1 } else { 700 });
        let urls = match place {
            "last" => [&good[..], &gone()].concat(),
            "first" => [&gone()[..], &good].concat(),
            "between" => [&good[..300], &gone(), &good[300..]].concat(),
            "every tenth" => {
                let others = urls_at(&nobody(), 70);
                let with_another =
                    |(other, good): (&String, &[String])| [std::slice::from_ref(other), good].concat();
                others.iter().zip(good.chunks(10)).flat_map(with_another).collect()
            }
            "most of it" => [&urls_at(&nobody(), 1500)[..], &good].concat(),
            _ => [&gone()[..], &good, &urls_at("http://shop.invalid", 200)].concat(),
        };
        eprintln!("{place}");
        publishes(&job_over(&urls, "", ""), &origin, good.len(), urls.len() - good.len());
    }
}

#[test]
fn hosts_that_are_all_gone_each_for_itself_are_left_out() {
    let origin = Origin::start(&[]);
    let gone = (0..200).map(|_| format!("{}/", nobody()));
    let urls: Vec<String> = urls_of(&origin, 300).into_iter().chain(gone).collect();
    publishes(&job_over(&urls, "", ""), &origin, 300, 200);
}

#[test]
fn a_shard_of_which_nobody_is_there_does_not_hold_up_the_others() {
    let origin = Origin::start(&["--latency-ms", "20"]);
    for gone_first in [true, false] {
        origin.reset();
        let (gone, good) = (urls_at(&nobody(), 192), urls_of(&origin, 192));
        let urls = if gone_first { [gone, good].concat() } else { [good, gone].concat() };
        let sandbox = job_over(&urls, "shard_size = 64", "");
        let ended = sandbox.run(["run", "pages.toml", "--processes", "1"]).with_code(0);
        ended.saying("published 192 rows, 192 records left out");
        is_published(&sandbox, &origin, 192, 192);
    }
}

#[test]
fn a_host_that_only_says_503_is_left_out_where_another_answers() {
    let (origin, ill) = (Origin::start(&[]), Origin::start(&["--error-rate", "1"]));
    let urls = [urls_of(&origin, 300), urls_of(&ill, 200)].concat();
    publishes(&job_over(&urls, "", ""), &origin, 300, 200);
}

#[test]
fn a_host_that_never_says_anything_is_left_out_where_another_answers() {
    let origin = Origin::start(&[]);
    // The kernel accepts connections, nobody reads what comes.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let urls = [urls_of(&origin, 300), urls_at(&address, 200)].concat();
    publishes(&job_over(&urls, "", "timeout = \"500ms\""), &origin, 300, 200);
}

#[test]
fn a_host_that_dies_in_the_middle_is_left_out_where_another_answers() {
    let (origin, mut dies) = (Origin::start(&["--latency-ms", "20"]), Origin::start(&["--latency-ms", "20"]));
    let urls = [urls_of(&origin, 500), urls_of(&dies, 900)].concat();
    let sandbox = job_over(&urls, "in_flight = 16", "");
    let run = sandbox.start(["run", "pages.toml"]);
    until(Duration::from_secs(30), "it answers", || dies.counts()["total"].as_u64() >= Some(100));
    dies.kill();
    wait(run).with_code(0).saying("records left out: a request failed");
    let answered = count_where(&sandbox, "status IN ('ok', 'missing')");
    assert!((550..1400).contains(&answered), "{answered}");
    assert_eq!(count_where(&sandbox, "true"), 1400);
    assert_eq!(origin.counts()["total"].as_u64(), Some(500));
    // What was left out is there for the asking.
    let _back = Origin::on_port(dies.port, &[]);
    sandbox.run(["retry", "pages"]).with_code(0);
    assert_eq!(count_where(&sandbox, "status IN ('ok', 'missing')"), 1400);
    sandbox.run(["merge", "pages"]).with_code(0);
}

#[test]
fn a_list_whose_only_host_is_gone_is_asked_again_when_it_is_back() {
    for gone_in_the_middle in [false, true] {
        let mut origin = Origin::start(&["--latency-ms", "20"]);
        let urls = urls_of(&origin, 700);
        let sandbox = job_over(&urls, "in_flight = 16", "");
        let run = if gone_in_the_middle {
            let run = sandbox.start(["run", "pages.toml"]);
            until(Duration::from_secs(30), "it answers", || origin.counts()["total"].as_u64() >= Some(300));
            run
        } else {
            origin.kill();
            sandbox.start(["run", "pages.toml"])
        };
        origin.kill();
        wait(run).with_code(75).saying("nothing succeeds (").saying("nothing is published");
        sandbox.run(["run", "pages.toml"]).with_code(75);
        let back = Origin::on_port(origin.port, &[]);
        sandbox.run(["run", "pages.toml"]).with_code(0).saying("continuing run");
        assert_eq!(count_where(&sandbox, "status IN ('ok', 'missing')"), 700);
        assert_eq!(back.counts()["by_endpoint"]["business"]["repeated"], serde_json::json!({}));
    }
}

/// The network is gone, and with it every host: that is no reason to let anything fail.
#[test]
fn where_no_host_is_there_any_more_nothing_is_settled() {
    let (mut one, mut other) =
        (Origin::start(&["--latency-ms", "20"]), Origin::start(&["--latency-ms", "20"]));
    let urls = [urls_of(&one, 700), urls_of(&other, 700)].concat();
    let sandbox = job_over(&urls, "in_flight = 16", "");
    let run = sandbox.start(["run", "pages.toml"]);
    let asked = |origin: &Origin| origin.counts()["total"].as_u64() >= Some(150);
    until(Duration::from_secs(30), "both answer", || asked(&one) && asked(&other));
    one.kill();
    other.kill();
    wait(run).with_code(75).saying("nothing succeeds (");
    sandbox.run(["run", "pages.toml"]).with_code(75);
    let _back = [Origin::on_port(one.port, &[]), Origin::on_port(other.port, &[])];
    sandbox.run(["run", "pages.toml"]).with_code(0).saying("continuing run");
    assert_eq!(count_where(&sandbox, "status IN ('ok', 'missing')"), 1400);
}

#[test]
fn a_shard_whose_host_is_gone_can_be_worked_by_hand_and_is_retried() {
    let origin = Origin::start(&[]);
    let mut gone = Origin::start(&[]);
    gone.kill();
    let urls = [urls_of(&origin, 128), urls_of(&gone, 128)].concat();
    let sandbox = job_over(&urls, "shard_size = 64", "");
    sandbox.run(["plan", "pages.toml"]).with_code(0);
    // Nobody has answered yet.
    sandbox.run(["shard", "pages", "3"]).with_code(75).saying("nothing succeeds (connect: ");
    for shard in ["0", "1", "2", "3"] {
        sandbox.run(["shard", "pages", shard]).with_code(0);
    }
    assert_eq!(count_where(&sandbox, "status IN ('failed', 'waiting')"), 128);
    sandbox.run(["run", "pages.toml"]).with_code(0).saying("published 128 rows, 128 records left out");
    is_published(&sandbox, &origin, 128, 128);
    sandbox.run(["retry", "pages"]).with_code(0).saying("128 waiting");
    let _back = Origin::on_port(gone.port, &[]);
    sandbox.run(["retry", "pages"]).with_code(0).saying("0 failed");
    sandbox.run(["merge", "pages"]).with_code(0);
}

#[test]
fn a_run_that_is_killed_over_a_dead_host_ends_when_it_is_repeated() {
    let origin = Origin::start(&[]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let urls = [urls_of(&origin, 300), urls_at(&address, 200)].concat();
    let sandbox = job_over(&urls, "", "timeout = \"2s\"");
    let mut run = sandbox.start(["run", "pages.toml"]);
    until(Duration::from_secs(30), "the others are answered", || {
        origin.counts()["total"].as_u64() == Some(300)
    });
    std::thread::sleep(Duration::from_millis(700));
    run.kill().unwrap();
    run.wait().unwrap();
    sandbox.run(["run", "pages.toml"]).with_code(0).saying("continuing run");
    assert_eq!(count_where(&sandbox, "status IN ('ok', 'missing')"), 300);
    assert_eq!(count_where(&sandbox, "status = 'failed'"), 200);
}

/// An endpoint of four is dead, and its failures leave nulls; or they drop the record.
#[test]
fn an_endpoint_whose_host_is_gone_leaves_the_answers_of_the_others() {
    for (policy, rows) in [("null", "published 200 rows"), ("skip", "0 rows")] {
        let (origin, sandbox) = (Origin::start(&[]), Sandbox::new());
        sandbox.write("ids.txt", film_ids(200).join("\n"));
        let endpoint = |name: &str, base: &str| {
            format!(
                "[[endpoint]]\nname = \"{name}\"\nurl = \"{base}/business/{{id}}\"\nmissing = [404]\n\
                 on_failure = \"{policy}\"\nretry = {{ attempts = 2, backoff = \"10ms\" }}\n\
                 columns = {{ {name} = \".budget[0]\" }}\n\n"
            )
        };
        let base = origin.url();
        let endpoints =
            [("a", &base), ("b", &base), ("c", &nobody()), ("d", &base)].map(|(name, at)| endpoint(name, at));
        sandbox.write(
            "pages.toml",
            format!(
                "[job]\nname = \"pages\"\npatience = \"1s\"\n\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n\n{}\
                 [table]\nto = \"duckdb:pages.duckdb\"\nname = \"pages\"\nmode = \"append\"\n",
                endpoints.concat()
            ),
        );
        let ended = sandbox.run(["run", "pages.toml"]);
        assert!([Some(0), Some(1)].contains(&ended.code), "{}", ended.stderr);
        assert!(policy == "skip" || ended.stderr.contains(rows), "{}", ended.stderr);
        assert_eq!(count_where(&sandbox, "endpoint != 'c' AND status IN ('ok', 'missing')"), 600);
        assert_eq!(count_where(&sandbox, "endpoint = 'c' AND status = 'failed'"), 200);
    }
}

/// Whom a request was sent to, wherever it was led; who was not asked has none.
#[test]
fn each_request_names_its_host() {
    let (one, other) = (Origin::start(&[]), Origin::start(&[]));
    let there = format!("{}/business/tt0000001", other.url());
    let urls = [
        urls_of(&one, 1),
        urls_of(&other, 2),
        vec![format!("{}/redirects/1?to={there}", one.url()), nobody()],
    ];
    let second = "columns = { budget = \".budget[0]\" }\n[[endpoint]]\nname = \"second\"\nurl = \"{page:url}\"\n\
                  when = \"false\"\nhosts = [\"127.0.0.1\"]";
    let sandbox = job_over(&urls.concat(), "retry_rounds = 0", second);
    sandbox.edit(
        "pages.toml",
        "columns = { budget = \".budget[0]\" }\n\n[table]",
        "columns = { b = \".budget[0]\" }\n\n[table]",
    );
    sandbox.run(["run", "pages.toml"]);
    let asked = "SELECT host, count(*) FROM requests WHERE endpoint = 'page' GROUP BY ALL";
    let mut hosts = sandbox.query("pages", asked);
    let down = format!("{},1", urls[2][1].trim_start_matches("http://"));
    let mut expected = vec![format!("127.0.0.1:{},2", one.port), format!("127.0.0.1:{},2", other.port), down];
    hosts.sort();
    expected.sort();
    assert_eq!(hosts, expected);
    assert_eq!(count_where(&sandbox, "endpoint = 'second' AND host IS NULL AND status = 'not_asked'"), 5);
}
