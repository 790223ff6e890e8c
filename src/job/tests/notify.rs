//! `[notify]`: whom it may name, and of which ends they are told.

use super::{parse, said_of, small};
use crate::job::{Notify, NotifyTo, StateOfRun};

fn with(notify: &str) -> String {
    format!("{}\n[notify]\n{notify}\n", small(""))
}

fn notified(notify: &str) -> Notify {
    parse(&with(notify)).unwrap().notify.unwrap()
}

#[test]
fn an_address_may_be_a_secret_and_a_program_has_arguments() {
    let usual = notified("url = \"${PING_URL}\"");
    assert_eq!(usual.on, Notify::USUAL);
    assert!(matches!(usual.to, NotifyTo::Url { .. }));
    for url in ["https://h.example/ping/{exit}", "${PING}/{exit}", "https://h.example/${KEY}?state={state}"] {
        assert!(matches!(notified(&format!("url = \"{url}\"")).to, NotifyTo::Url { .. }), "{url}");
    }
    let told = notified("command = [\"./tell.sh\", \"a b\"]\non = [\"failed\", \"interrupted\"]");
    assert_eq!(told.to, NotifyTo::Command(vec!["./tell.sh".into(), "a b".into()]));
    assert_eq!(told.on, [StateOfRun::Failed, StateOfRun::Interrupted]);
    assert!(parse(&small("")).unwrap().notify.is_none());
}

#[test]
fn its_way_is_that_of_the_defaults_without_who_is_asking() {
    let defaults = "defaults = { proxy = 'http://proxy.example:3128', client_certificate_file = 'c.pem', \
                    ca_file = 'ca.pem' }\n";
    let job = parse(&format!("{defaults}{}", with("url = 'https://h.example/'"))).unwrap();
    let NotifyTo::Url { network, .. } = job.notify.unwrap().to else { panic!("an address") };
    assert!(network.has_proxy() && network.ca_file.is_some() && network.client_certificate.is_none());
}

/// What would be told to nobody, or to somebody else, is said before anything is asked.
#[test]
fn what_cannot_be_told_is_a_mistake() {
    let said = |notify: &str| said_of(&with(notify));
    insta::assert_snapshot!(said(""), @r#"
    line 10: [notify]
    [notify] lacks `url` or `command`
    hint: write url = "${PING_URL}", or command = ["./tell.sh"]
    "#);
    insta::assert_snapshot!(said("url = 'http://h/'\ncommand = ['x']"), @r#"
    line 12: command
    both `url` and `command` in [notify]
    hint: leave one of them out
    "#);
    insta::assert_snapshot!(said("url = 'hooks.example.com/x'"), @r#"
    line 11: 'hooks.example.com/x'
    an address that does not start with http:// or https://
    hint: write the whole URL, or ${NAME} alone, a secret that is one
    "#);
    insta::assert_snapshot!(said("url = 'https://${HOST}/x'"), @r#"
    line 11: 'https://${HOST}/x'
    the host is not literal
    hint: write host and port out, and end them with `/` before the first value
    "#);
    insta::assert_snapshot!(said("url = 'https://user:pass@h.example/x'"), @r#"
    line 11: 'https://user:pass@h.example/x'
    a user name in the address of [notify]
    hint: leave it out; command = ["./tell.sh"] tells whom an address alone does not reach
    "#);
    insta::assert_snapshot!(said("url = 'https://h.example/{id}'"), @r#"
    line 11: 'https://h.example/{id}'
    `{id}` in the address of [notify]
    hint: a summary is of all records: write {exit}, {state} or a secret as ${NAME}
    "#);
    insta::assert_snapshot!(said("command = []"), @r#"
    line 11: []
    `command` without a program
    hint: name the program, then its arguments: ["python3", "tell.py"]
    "#);
    insta::assert_snapshot!(said("command = 'mail root'"), @r#"
    line 11: 'mail root'
    expected a list, found text
    hint: put it in brackets: [ … ]
    "#);
    insta::assert_snapshot!(said("url = 'http://h/'\non = []"), @r#"
    line 12: []
    `on` without a state
    hint: leave [notify] out: then nobody is told
    "#);
    insta::assert_snapshot!(said("url = 'http://h/'\non = ['success', 'error', 'running', 'x']"), @r#"
    line 12: 'success'
    unknown word "success"
    hint: write "published"

    line 12: 'error'
    unknown word "error"
    hint: write "failed"; a run is also "refused", "paused" or "unfinished"

    line 12: 'running'
    unknown word "running"
    hint: only the end of a command is told

    line 12: 'x'
    unknown word "x"
    hint: write "published", "refused", "paused", "interrupted", "unfinished", "fetched" or "failed"
    "#);
    insta::assert_snapshot!(said("url = 'http://h/'\nwebhook = 'x'"), @r#"
    line 12: webhook
    unknown key `webhook` in [notify]
    hint: write url = "${PING_URL}"
    "#);
}
