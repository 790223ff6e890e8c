//! `pipe`: the job's own program between answer and rows.

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox};

const PARSE: &str = r#"
import json, sys
print("parse.py is here", file=sys.stderr)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["input"]["id"] == "bad":
        print(json.dumps({"ordinal": asked["ordinal"], "error": "no price on this page"}), flush=True)
    elif asked["input"]["id"] == "bomb":
        sys.exit(3)
    else:
        words = asked["body"].split()
        answer = [{"word": word, "place": at} for at, word in enumerate(words)]
        print(json.dumps({"ordinal": asked["ordinal"], "answer": answer}), flush=True)
"#;

#[test]
fn answers_go_in_and_rows_come_out() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write("parse.py", PARSE);
    let endpoint = "url = \"ORIGIN/texts/{id}\"\npipe = [\"python3\", \"parse.py\"]\nrows = \".[]\"\n\
                    columns = { word = \".word\", place = { jq = \".place\", type = \"integer\" } }";
    job(&sandbox, &origin, &["a", "bad", "bomb", "b"], "retry_rounds = 0", endpoint, "");
    run(&sandbox);
    assert_eq!(
        ledger(&sandbox, "id, status, kind"),
        ["a,ok,", "bad,failed,pipe", "bomb,failed,pipe", "b,ok,"]
    );
    let rows: u64 = ledger(&sandbox, "rows").iter().map(|rows| rows.parse::<u64>().unwrap()).sum();
    let words = found(&sandbox, "id || ' ' || place || ' ' || word");
    assert_eq!(words.len() as u64, rows);
    assert!(
        words.iter().any(|word| word.starts_with("a 0 "))
            && words.iter().any(|word| word.starts_with("b 1 "))
    );
    let details = ledger(&sandbox, "coalesce(detail, '')");
    assert!(
        details[1].contains("no price on this page") && details[2].contains("exit status: 3"),
        "{details:?}"
    );
    let log = std::fs::read_to_string(sandbox.newest_run("apis").join("00000/shard.log")).unwrap();
    assert_eq!(log.matches("parse.py is here").count(), 2, "once more after its death: {log}");
}

#[test]
fn who_reads_answers_gains_no_rights_and_leaves_no_core() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write(
        "tell.py",
        "import json, resource, sys\n\
         gains = [line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNewPrivs')]\n\
         for line in sys.stdin:\n    \
             answer = {'word': gains[0] + ' ' + str(resource.getrlimit(resource.RLIMIT_CORE))}\n    \
             print(json.dumps({'ordinal': json.loads(line)['ordinal'], 'answer': answer}), flush=True)\n",
    );
    let endpoint =
        "url = \"ORIGIN/texts/{id}\"\npipe = [\"python3\", \"tell.py\"]\ncolumns = { word = \".word\" }";
    job(&sandbox, &origin, &["a"], "", endpoint, "");
    run(&sandbox);
    assert_eq!(found(&sandbox, "word"), ["1 (0, 0)"]);
}

#[test]
fn a_program_that_is_not_there_is_said_before_the_first_request() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint =
        "url = \"ORIGIN/texts/{id}\"\npipe = [\"no-such-program\"]\ncolumns = { word = \".word\" }";
    job(&sandbox, &origin, &["a"], "", endpoint, "");
    sandbox
        .run(["run", "job.toml"])
        .with_code(2)
        .saying("no-such-program cannot be started")
        .saying("hint: `pipe` names");
    assert_eq!(origin.counts()["total"], 0);
}

/// Replies with the id that it was asked about.
const REPLIES: &str = r#"
import json, os, sys
replies = []
def reply(asked, of):
    replies.append(json.dumps({"ordinal": asked["ordinal"], "answer": {"of": of}}) + "\n")
last = None
FIRST
for line in sys.stdin:
    asked = json.loads(line)
    BEFORE
    reply(asked, asked["input"]["id"])
    AFTER
    sys.stdout.flush()
    os.write(1, "".join(replies).encode())
    replies.clear()
    last = asked
"#;

/// A program that writes a line more than it should, at its start or now and then: whoever is published has its own
/// answer, and `check` says what is wrong.
#[test]
fn a_line_too_many_gives_nobody_its_neighbours_answer() {
    let ids: Vec<String> = (0..49).map(|at| format!("t{at:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (first, before, after, answered, said) in [
        ("print('loading model')", "pass", "pass", 0, "it wrote \"loading model\""),
        ("pass", "print('working')", "pass", 0, "it wrote \"working\""),
        ("pass", "pass", "reply(asked, 'twice')", 0, "it wrote more than its reply"),
        // Those that come next are asked of a new process.
        ("pass", "if last: reply(last, 'late')", "pass", 49, "it was ended, and a new one started"),
    ] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let program = REPLIES.replace("FIRST", first).replace("BEFORE", before).replace("AFTER", after);
        sandbox.write("parse.py", program);
        let endpoint =
            "url = \"ORIGIN/texts/{id}\"\npipe = [\"python3\", \"parse.py\"]\ncolumns = { of = \".of\" }";
        job(&sandbox, &origin, &ids, "retry_rounds = 0", endpoint, "");
        let checked = sandbox.run(["check", "job.toml"]);
        assert!(format!("{}{}", checked.stdout, checked.stderr).contains(said), "{said}: {}", checked.stdout);
        sandbox.run(["run", "job.toml"]);
        let rows = sandbox.query("apis", "SELECT id, of FROM one ORDER BY id");
        assert!(
            rows.iter().all(|row| row.split_once(',').is_some_and(|(id, of)| id == of)),
            "{said}: {rows:?}"
        );
        let statuses = ledger(&sandbox, "status");
        let failed = statuses.iter().filter(|status| *status == "failed").count();
        assert_eq!((rows.len(), failed), (answered, 49 - answered), "{said}: {statuses:?}");
    }
}
