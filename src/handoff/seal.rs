//! A JSON file that nobody but windrow writes: it bears the SHA-256 of what else stands in it.
//!
//! Promises: a value that was changed by hand, or by a disk, is found before anything is made of it. How the file is laid
//! out is free: the digest is of the JSON without spaces, its members in the order of their names.

use serde::Serialize;
use serde_json::{Map, Value};

use super::digest;

/// The member that holds the digest.
const MEMBER: &str = "sha256";

/// A value as such a file.
pub(super) fn seal<T: Serialize>(value: &T) -> Vec<u8> {
    // The formats hold only strings, numbers, lists and maps with string-like keys: this cannot fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    let sealed = match serde_json::to_value(value) {
        Ok(Value::Object(members)) => digest_of(members),
        _ => String::new(),
    };
    // Behind the others, which stay in their order for people.
    text.truncate(text.trim_end_matches("\n}").len());
    text.push_str(&format!(",\n  \"{MEMBER}\": \"{sealed}\"\n}}\n"));
    text.into_bytes()
}

/// What is wrong with such a file, if anything is.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut members: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match members.remove(MEMBER) {
        None => Err(format!("it lacks its {MEMBER}")),
        Some(sealed) if sealed == digest_of(members) => Ok(()),
        Some(_) => Err(format!("it is not what its {MEMBER} was made of")),
    }
}

fn digest_of(members: Map<String, Value>) -> String {
    digest::sha256(Value::Object(members).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Two {
        version: u32,
        name: &'static str,
        nested: [Option<f64>; 2],
        last: Option<std::collections::BTreeMap<u32, u32>>,
    }

    #[test]
    fn a_change_is_found_and_another_layout_is_none() {
        let sealed = seal(&Two {
            version: 1,
            name: "a }\n\"",
            nested: [Some(0.5), None],
            last: Some([(1, 2)].into()),
        });
        let text = String::from_utf8(sealed.clone()).unwrap();
        assert_eq!(check(&sealed), Ok(()));
        assert!(text.starts_with("{\n  \"version\": 1,\n  \"name\""), "{text}");
        let compact = serde_json::from_str::<Value>(&text).unwrap().to_string();
        assert_eq!(check(compact.as_bytes()), Ok(()));
        for (from, to) in
            [(": 1", ": 2"), ("0.5", "0.6"), ("null", "0"), ("a }", "b }"), ("\"sha256\"", "\"sha\"")]
        {
            assert!(check(text.replace(from, to).as_bytes()).is_err(), "{from}");
        }
        assert!(check(b"[]").is_err() && check(b"{").is_err() && check(b"{}").is_err());
    }
}
