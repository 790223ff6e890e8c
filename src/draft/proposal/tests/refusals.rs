//! Answers that say that they are none.

use super::support::*;
use crate::draft::{Proposal, propose};
use crate::extract::Extracted;

/// What is proposed for answers of which these indices, and no others, are missing, or fail.
fn told(bodies: &[&str], missing: &[usize], failing: &[usize]) -> String {
    let samples = samples(bodies);
    let proposal = propose(&samples, "id", &[]);
    check(&samples, &proposal);
    let job = job(&proposal);
    for (at, sample) in samples.iter().enumerate() {
        let extracted = extracted(&job, &sample.body);
        let is_missing = matches!(extracted, Ok(Extracted::Missing));
        assert_eq!(is_missing, missing.contains(&at), "{}\n{}", sample.body, text(&proposal));
        assert_eq!(extracted.is_err(), failing.contains(&at), "{}\n{}", sample.body, text(&proposal));
    }
    conditions(&proposal)
}

fn conditions(proposal: &Proposal) -> String {
    let value = |key: &Option<crate::draft::proposal::Proposed<String>>| {
        key.as_ref().map_or(String::new(), |key| key.value.clone())
    };
    [value(&proposal.missing), value(&proposal.ok)].join(" | ").trim_matches([' ', '|']).to_owned()
}

const FILM: &str = r#"{"title":"Ran","year":1985,"cast":[{"name":"N"}],"data":{"x":1}}"#;

#[test]
fn an_answer_that_says_that_there_is_none_is_missing() {
    for (refused, condition) in [
        ("null", r#"". == null""#),
        ("[]", r#"". == []""#),
        ("{}", r#"". == {}""#),
        (r#"{"error":"not found"}"#, r#"".error != null""#),
        (r#"{"error":{"code":404,"message":"No such film"}}"#, r#"".error != null""#),
        (r#"{"success":false,"message":"Film does not exist"}"#, r#"".success == false""#),
        (r#"{"Response":"False","Error":"Incorrect IMDb ID."}"#, r#"'.Response == "False"'"#),
        (r#"{"status":404,"title":"Not Found"}"#, r#"".status == 404""#),
        (r#"{"cod":"404","message":"city not found"}"#, r#"'.cod == "404"'"#),
        (r#"{"message":"Unknown id"}"#, r#"".message != null""#),
        (r#"{"detail":"Not found."}"#, r#"".detail != null""#),
        (r#"{"found":false}"#, r#"".found == false""#),
        (r#"{"data":null}"#, r#"".data == null""#),
        (r#"{"data":[]}"#, r#"".data == []""#),
        (r#"{"odd key":1,"er\"ror":0,"error":"nothing found"}"#, r#"".error != null""#),
    ] {
        assert_eq!(told(&[FILM, refused, FILM], &[1], &[]), condition, "{refused}");
    }
}

#[test]
fn what_failed_is_no_missing_id() {
    for (refused, condition) in [
        (r#"{"error":"Rate limit exceeded"}"#, r#"".error == null""#),
        (r#"{"success":false,"message":"Invalid API key"}"#, r#"".success != false""#),
        (r#"{"status":"error","message":"internal"}"#, r#"'.status != "error"'"#),
        (r#"{"error":"whatever this means"}"#, r#"".error == null""#),
    ] {
        assert_eq!(told(&[FILM, refused, FILM], &[], &[1]), condition, "{refused}");
    }
}

#[test]
fn both_are_told_apart() {
    let both = [FILM, r#"{"error":"not found"}"#, r#"{"error":"too many requests"}"#];
    assert_eq!(told(&both, &[1], &[2]), r#"'.error == "not found"' | ".error == null""#);
    let lists = [r#"[{"a":1},{"a":2}]"#, r#"{"error":"not found"}"#, r#"{"error":"quota"}"#, "[]"];
    assert_eq!(told(&lists, &[1], &[2]), r#"'.error? == "not found"' | "any(.error? != null; .) | not""#);
    let several = [FILM, "null", r#"{"error":"not found"}"#, "[]"];
    assert_eq!(told(&several, &[1, 2, 3], &[]), r#""any(. == null, .error? != null, . == []; .)""#);
}

#[test]
fn an_answer_is_not_missing_for_words_in_it() {
    for body in [
        r#"{"title":"Error","error":0.03,"message":"x","values":[1]}"#,
        r#"{"error":null,"errors":[],"title":"x"}"#,
        r#"{"status":"failed","id":1,"name":"job","started":"x","ended":"y"}"#,
        r#"{"errors":["partial"],"data":{"title":"x"}}"#,
    ] {
        assert_eq!(told(&[FILM, body], &[], &[]), "", "{body}");
    }
    // All of them: then it is what they are.
    assert_eq!(told(&[r#"{"error":"a"}"#, r#"{"error":"b"}"#], &[], &[]), "");
    assert_eq!(told(&["[]", r#"[{"a":1},{"a":2}]"#], &[], &[]), "", "no rows are no missing id");
}

#[test]
fn statuses_say_which_ids_do_not_exist() {
    let some = [sample("1", 200, FILM), sample("2", 404, "{}"), sample("3", 410, ""), sample("4", 204, "")];
    insta::assert_snapshot!(shown_of(&some), @r#"
    missing = [204, 404, 410]  # 3 of 4 answers had status 204, 404, 410, as for 2
      title = ".title"
      year = { jq = ".year", type = "bigint" }
      cast_ = { jq = ".cast", type = "json" }
      data_x = { jq = ".data.x", type = "bigint" }
    "#);
    let all = [sample("1", 404, "{}"), sample("2", 404, "<html>")];
    insta::assert_snapshot!(shown_of(&all), @"note: all 2 answers had status 404, and none was a success: is the URL right?");
    let both = [sample("1", 200, FILM), sample("2", 404, "{}"), sample("3", 200, r#"{"error":"not found"}"#)];
    insta::assert_snapshot!(shown_of(&both), @r#"
    missing = [404, ".error != null"]  # 1 of 3 answers had status 404, as for 2; 1 of 2 answers said {"error":"not found"}
      title = ".title"
      year = { jq = ".year", type = "bigint" }
      cast_ = { jq = ".cast", type = "json" }
      data_x = { jq = ".data.x", type = "bigint" }
    "#);
    let failures = [
        sample("1", 200, FILM),
        sample("2", 401, "{}"),
        sample("3", 429, ""),
        sample("4", 503, ""),
        sample("5", 400, ""),
        sample("6", 202, ""),
        sample("7", 200, " "),
    ];
    insta::assert_snapshot!(shown_of(&failures), @r#"
      title = ".title"
      year = { jq = ".year", type = "bigint" }
      cast_ = { jq = ".cast", type = "json" }
      data_x = { jq = ".data.x", type = "bigint" }
    note: 1 of 7 answers: nothing in them (status 200, as for 7)
    note: 1 of 7 answers: not ready yet (status 202, as for 6): a 202 is asked again until it is another status
    note: 1 of 7 answers: refused (status 401, as for 2): is the secret right, and may it ask this?
    note: 1 of 7 answers: turned away as too many (status 429, as for 3): give the host a [limit]
    note: 1 of 7 answers: errors of the server (status 503, as for 4)
    note: 1 of 7 answers: failures (status 400, as for 5): if it means that the id does not exist, add the status to `missing`
    "#);
    assert_eq!(propose(&[], "id", &[]), Proposal::default());
}
