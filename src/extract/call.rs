//! `format = "jsonp"`: JSON as the only argument of a function call, `callback({…});`.
//!
//! Accepted around the JSON: a comment before the call, as servers put there against sniffing (`/**/`), the
//! test for the function that Express writes (`typeof callback === 'function' && callback(…)`), a semicolon
//! after it, and white space.

use crate::record::Failure;

use super::body;

/// The argument of the call that `text` is.
pub(super) fn argument(text: &str) -> Result<&str, Failure> {
    let call = without_test(without_comments(text.trim()));
    inside(call).ok_or_else(|| body::not_json(text, "not a call of the form callback(…)"))
}

fn inside(call: &str) -> Option<&str> {
    let (name, rest) = call.split_once('(')?;
    let argument = rest.strip_suffix(';').unwrap_or(rest).trim_end().strip_suffix(')')?;
    is_name(name.trim_end()).then(|| argument.trim())
}

fn without_comments(mut text: &str) -> &str {
    while let Some((_, rest)) = text.strip_prefix("/*").and_then(|comment| comment.split_once("*/")) {
        text = rest.trim_start();
    }
    text
}

fn without_test(text: &str) -> &str {
    let call = text.strip_prefix("typeof ").and_then(|test| {
        let (name, rest) = test.split_once(" === 'function' && ")?;
        is_name(name.trim()).then(|| rest.trim_start())
    });
    call.unwrap_or(text)
}

/// `callback`, `jQuery1_2.success`, `window["cb"]`, `calls[0]`.
fn is_name(name: &str) -> bool {
    let starts = |letter: char| letter.is_alphabetic() || "_$".contains(letter);
    name.starts_with(starts)
        && name.chars().all(|letter| letter.is_alphanumeric() || "_$.[]'\"".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    #[test]
    fn the_argument_is_found() {
        for (text, json) in [
            (r#"callback({"a":1})"#, r#"{"a":1}"#),
            (r#"receiveCount({"count":")(;"});"#, r#"{"count":")(;"}"#),
            (" /**/ cb ( [1] ) ; \n", "[1]"),
            ("/**//* no sniffing */jQuery17_2.success(7)", "7"),
            (r#"window["cb"][0]("x")"#, r#""x""#),
            ("/**/ typeof $cb === 'function' && $cb({});", "{}"),
            ("é(null)", "null"),
        ] {
            assert_eq!(argument(text).unwrap(), json, "{text}");
        }
    }

    #[test]
    fn what_is_no_call_is_not_json() {
        for text in [
            r#"{"error":"no (callback)"}"#,
            "<html>(x)",
            "cb(1",
            "cb 1)",
            "(1)",
            "1cb(1)",
            "a b(1)",
            "if(x){y}",
            "/* cb(1)",
            "alert(1) + cb(1",
        ] {
            let failure = argument(text).unwrap_err();
            assert_eq!(failure.kind, Kind::NotJson, "{text}");
            assert!(failure.detail.starts_with("not a call of the form callback(…), the answer starts with"));
        }
        assert_eq!(argument(" ").unwrap_err().detail, "the answer is empty");
    }
}
