//! `pipe`: the job's own program between answer and rows.

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox};

const PARSE: &str = r#"
import json, sys
print("parse.py is here", file=sys.stderr)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["input"]["id"] == "bad":
        print(json.dumps({"error": "no price on this page"}), flush=True)
    elif asked["input"]["id"] == "bomb":
        sys.exit(3)
    else:
        words = asked["body"].split()
        print(json.dumps({"answer": [{"word": word, "place": at} for at, word in enumerate(words)]}), flush=True)
"#;

#[test]
fn answers_go_in_and_rows_come_out() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write("parse.py", PARSE);
    let endpoint = "url = \"ORIGIN/texts/{id}\"\npipe = [\"python3\", \"parse.py\"]\nrows = \".[]\"\n\
                    columns = { word = \".word\", place = { jq = \".place\", type = \"integer\" } }";
    job(&sandbox, &origin, &["a", "bad", "bomb", "b"], "rounds = 0", endpoint, "");
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
