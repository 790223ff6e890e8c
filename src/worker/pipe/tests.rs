use std::cell::RefCell;

use super::*;

/// Runs a Python statement for each line, `asked`; `reply` prints a reply to it.
fn python(body: &str) -> Pipe {
    program(&format!("{REPLY}for line in sys.stdin:\n    asked = json.loads(line)\n    {body}"))
}

/// A Python program.
fn program(text: &str) -> Pipe {
    let arguments = ["python3", "-u", "-c", text].map(str::to_owned);
    Pipe::start(&arguments, Path::new("/"), Duration::from_secs(20), 1000).unwrap()
}

const REPLY: &str = "import sys, json, os, time\n\
    def reply(asked, **said): print(json.dumps({'ordinal': asked['ordinal'], **said}))\n";

/// What the program says to answer `ordinal`, and what else it is told.
async fn ask_of(
    pipe: &Pipe,
    ordinal: Ordinal,
    page: Option<u32>,
    body: &str,
) -> (Result<String, String>, Vec<String>) {
    let input = RawValue::from_string(r#"{"id":"a"}"#.to_owned()).unwrap();
    let given = Given { ordinal, page, endpoint: "page", input: &input, status: 200, body };
    let warnings = RefCell::<Vec<String>>::default();
    let said = pipe.answer(&given, |text| warnings.borrow_mut().push(text)).await;
    let said = said.map(|answer| answer.get().to_owned()).map_err(|failure| {
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Pipe, false));
        failure.detail
    });
    (said, warnings.into_inner())
}

async fn ask(pipe: &Pipe, ordinal: Ordinal, body: &str) -> Result<String, String> {
    ask_of(pipe, ordinal, None, body).await.0
}

#[tokio::test]
async fn answers_come_back_in_order() {
    let pipe = python("reply(asked, answer=[asked['ordinal'], asked['input'], asked['body']])");
    for (at, body) in ["x", "é\"\n", ""].into_iter().enumerate() {
        let expected = serde_json::json!([at, {"id": "a"}, body]);
        let said = ask(&pipe, at as Ordinal, body).await.unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap(), expected);
    }
    let null = python("reply(asked, answer=None, error=None)");
    assert_eq!(ask(&null, 1, "").await.unwrap(), "null", "null is an answer, and no error");
}

#[tokio::test]
async fn an_error_is_a_failure_and_the_program_goes_on() {
    let pipe = python("reply(asked, error=f'no price {os.getpid()}')");
    let first = ask(&pipe, 1, "x").await.unwrap_err();
    assert!(first.starts_with("python3: no price "));
    assert_eq!(ask(&pipe, 2, "x").await.unwrap_err(), first, "by the same process");
}

/// What a program may write in place of its reply, or around it: nothing of it is ever taken for another's answer.
#[tokio::test]
async fn a_line_that_is_no_reply_to_the_answer_fails_it_and_ends_the_process() {
    for (says, told) in [
        ("print('hello')", "it wrote \"hello\", which is no reply (expected value"),
        ("print()", "it wrote \"\", which is no reply"),
        ("print(json.dumps({'answer': 1}))", "(missing field `ordinal`"),
        ("print(json.dumps({'ordinal': 8, 'answer': 1}))", "and its reply must repeat \"ordinal\": 7"),
        ("print(json.dumps({'ordinal': '7', 'answer': 1}))", "(invalid type: string"),
        ("print(json.dumps({'ordinal': 7, 'page': 0, 'answer': 1}))", "must repeat \"ordinal\": 7"),
        ("reply(asked)", "must have one of `answer` and `error`"),
        ("reply(asked, answer=1, error='x')", "must have one of `answer` and `error`"),
        ("reply(asked, anwser=1)", "(unknown field `anwser`"),
        (
            "sys.stdout.write('{\"ordinal\":7,\"answer\":1}\\nand more\\n')",
            "more than its reply: \"and more\"",
        ),
        ("sys.stdout.write('{\"ordinal\":7,\"answer\":1}\\n' * 2)", "more than its reply: \"{"),
    ] {
        let pipe = python(&format!("{says} if asked['body'] else reply(asked, answer=os.getpid())"));
        let before = ask(&pipe, 6, "").await.unwrap();
        let why = ask(&pipe, 7, "x").await.unwrap_err();
        assert!(why.contains(told), "{says}: {why}");
        assert_ne!(ask(&pipe, 8, "").await.unwrap(), before, "{says}: a new process");
    }
}

#[tokio::test]
async fn a_program_that_greets_is_refused_at_every_answer() {
    let pipe = program(&format!(
        "{REPLY}print('loading model')\nfor line in sys.stdin: reply(json.loads(line), answer=line)"
    ));
    for ordinal in 0..30 {
        let (said, warnings) = ask_of(&pipe, ordinal, None, "x").await;
        assert!(said.unwrap_err().contains("it wrote \"loading model\""), "{ordinal}");
        assert_eq!(warnings, [""; 0]);
    }
}

/// What a process writes of an earlier answer when it is given the next is nobody's: that one is asked of a new process.
#[tokio::test]
async fn what_comes_late_is_not_the_next_ones_answer() {
    for late in ["print('so much for', last['ordinal'])", "reply(last, answer='late')"] {
        let pipe = program(&format!(
            "{REPLY}last = None\nfor line in sys.stdin:\n    asked = json.loads(line)\n    if last: {late}\n    \
             reply(asked, answer=[asked['ordinal'], os.getpid()])\n    last = asked"
        ));
        let mut processes = std::collections::BTreeSet::new();
        let mut told = Vec::new();
        for ordinal in 0..6 {
            let (said, warnings) = ask_of(&pipe, ordinal, None, "x").await;
            let (of, process): (Ordinal, u32) = serde_json::from_str(&said.unwrap()).unwrap();
            assert_eq!(of, ordinal, "{late}");
            processes.insert(process);
            told.extend(warnings);
        }
        assert_eq!(processes.len(), 6, "{late}: a process each");
        assert!(told.len() == 1 && told[0].ends_with("it was ended, and a new one started"), "{told:?}");
    }
}

/// It may also have come before the next is given, or together with the reply.
#[tokio::test]
async fn what_comes_at_any_time_is_nobody_elses_answer() {
    for (wait, ordinals) in [("0.001", 0..40), ("0.1", 40..44)] {
        let pipe = python(&format!(
            "reply(asked, answer=asked['ordinal']); time.sleep({wait}); reply(asked, answer='late')"
        ));
        for ordinal in ordinals {
            match ask(&pipe, ordinal, "x").await {
                Ok(said) => assert_eq!(said, ordinal.to_string()),
                Err(why) => assert!(why.contains("more than its reply"), "{why}"),
            }
            tokio::time::sleep(Duration::from_millis(ordinal * 5)).await;
        }
    }
}

#[tokio::test]
async fn the_pages_of_a_record_are_told_apart() {
    let pipe = python(
        "print(json.dumps({'ordinal': asked['ordinal'], 'page': 0 if asked['body'] else asked['page'], 'answer': asked['page']}))",
    );
    assert_eq!(ask_of(&pipe, 3, Some(0), "").await.0.unwrap(), "0");
    assert_eq!(ask_of(&pipe, 3, Some(1), "").await.0.unwrap(), "1");
    let why = ask_of(&pipe, 3, Some(2), "x").await.0.unwrap_err();
    assert!(why.contains("must repeat \"ordinal\": 3, \"page\": 2"), "{why}");
    let without = python("reply(asked, answer=1)");
    assert!(ask_of(&without, 3, Some(0), "").await.0.unwrap_err().contains("must repeat"));
}

#[tokio::test]
async fn a_death_fails_the_answer_that_it_died_over_and_no_other() {
    let pipe = python("os._exit(7) if asked['body'] == 'bomb' else reply(asked, answer=os.getpid())");
    let before = ask(&pipe, 1, "x").await.unwrap();
    assert!(ask(&pipe, 2, "bomb").await.unwrap_err().ends_with("it ended without an answer: exit status: 7"));
    assert_ne!(ask(&pipe, 3, "x").await.unwrap(), before);
}

#[tokio::test]
async fn a_program_that_always_dies_is_not_started_for_ever() {
    let pipe = python("os._exit(1)");
    for at in 0..DEATHS {
        assert!(ask(&pipe, at.into(), "x").await.unwrap_err().contains("ended without"));
    }
    let why = ask(&pipe, 99, "x").await.unwrap_err();
    assert!(why.contains("is not started again; at last it ended without an answer"), "{why}");
}

#[tokio::test]
async fn time_and_length_are_bounded() {
    let mut slow = python("time.sleep(60)");
    slow.limit = Duration::from_millis(200);
    assert_eq!(ask(&slow, 1, "x").await.unwrap_err(), "python3: it gave nothing within 200ms");
    let long = python("reply(asked, answer='x' * 2000)");
    assert_eq!(ask(&long, 1, "x").await.unwrap_err(), "python3: its line has more than 1000 bytes");
}

#[tokio::test]
async fn a_large_answer_does_not_block_a_program_that_writes_first() {
    let script = "while printf '{\"ordinal\":3,\"answer\":1}\\n' && read -r line; do sleep 1000; done";
    let pipe =
        Pipe::start(&["sh", "-c", script].map(str::to_owned), Path::new("/"), Duration::from_secs(10), 1000);
    assert_eq!(ask(&pipe.unwrap(), 3, &"x".repeat(1 << 20)).await.unwrap(), "1");
}

#[test]
fn a_program_that_is_not_there_is_told_before_anything_is_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = runtime.block_on(async {
        Pipe::start(&["no-such-program".to_owned()], Path::new("/"), Duration::from_secs(1), 1).err()
    });
    assert!(started.unwrap().starts_with("cannot be started: "));
}
