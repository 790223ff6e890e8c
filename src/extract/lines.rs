//! `format = "jsonl"`: a JSON value a line. To expressions they are one array.

use serde::de::IgnoredAny;

use crate::record::Failure;

use super::body;

/// The array of the values; blank lines count for nothing. A line that is not JSON is named by its number.
pub(super) fn array(text: &str) -> Result<String, Failure> {
    // The values, a comma for each but the first, and two brackets.
    let mut array = String::with_capacity(text.len() + 3);
    array.push('[');
    for (at, line) in text.split('\n').enumerate() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() {
            continue;
        }
        check(line, at + 1)?;
        if array.len() > 1 {
            array.push(',');
        }
        array.push_str(line);
    }
    array.push(']');
    Ok(array)
}

/// Each line by itself: of `[1` and `2]` the array would be JSON.
fn check(line: &str, number: usize) -> Result<(), Failure> {
    serde_json::from_str::<IgnoredAny>(line).map(drop).map_err(|error| {
        let why = error.to_string().replace(" at line 1 column ", " at column ");
        body::not_json(line, format!("line {number}: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    #[test]
    fn lines_become_one_array() {
        assert_eq!(array("{\"a\": 1}\r\n\n \t\n[2]\n\"\u{2028}\"").unwrap(), "[{\"a\": 1},[2],\"\u{2028}\"]");
        assert_eq!(array("7\n").unwrap(), "[7]");
        assert_eq!(array("\n \n").unwrap(), "[]");
        assert_eq!(array("").unwrap(), "[]");
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, number) in
            [("[1\n2]", 1), ("1\n\n2,3", 3), ("{}\n{\"a\":\n1}", 2), ("1\n2 3", 2), ("\n\n<p>", 3)]
        {
            let failure = array(text).unwrap_err();
            assert_eq!(failure.kind, Kind::NotJson);
            assert!(failure.detail.starts_with(&format!("line {number}: ")), "{text:?} {failure:?}");
            assert!(!failure.detail.contains("line 1 column"), "{failure:?}");
        }
        assert_eq!(
            array("1\n{\"a\":tru}").unwrap_err().detail,
            r#"line 2: expected ident at column 9, the answer starts with "{\"a\":tru}""#
        );
    }
}
