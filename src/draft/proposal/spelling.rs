//! How things are written in a job file: paths in jq, texts in TOML.
//!
//! Promise: any key is reached by its path, and any text is read back as it is.

use crate::job::toml_text;

/// Words that jq keeps for itself: as keys they stand in quotes.
const RESERVED: [&str; 19] = [
    "def", "module", "import", "include", "if", "then", "else", "elif", "end", "as", "reduce", "foreach",
    "try", "catch", "label", "and", "or", "not", "__loc__",
];

/// A path of keys in jq, below `above`, which is a path or empty: `.a."odd key"`.
pub(super) fn jq_path<S: AsRef<str>>(above: &str, keys: &[S]) -> String {
    let path = keys.iter().fold(above.to_owned(), |path, key| path + &jq_key(key.as_ref()));
    if path.is_empty() { ".".to_owned() } else { path }
}

/// One step down: `.key`, or `."odd key"`.
pub(super) fn jq_key(key: &str) -> String {
    let fits = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let is_word = key.bytes().all(fits) && key.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if is_word && !RESERVED.contains(&key) { format!(".{key}") } else { format!(".{}", jq_text(key)) }
}

/// A text in jq, which is that of JSON: a backslash is always escaped, so that none begins an interpolation.
pub(super) fn jq_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of texts in TOML.
pub(super) fn toml_texts<S: AsRef<str>>(texts: &[S]) -> String {
    let spelled: Vec<String> = texts.iter().map(|text| toml_text(text.as_ref())).collect();
    format!("[{}]", spelled.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_spelled_as_jq_reads_them() {
        for (key, spelled) in [
            ("a", ".a"),
            ("_source", "._source"),
            ("odd key", r#"."odd key""#),
            ("", r#"."""#),
            ("24h", r#"."24h""#),
            ("and", r#"."and""#),
            ("é", r#"."é""#),
            (r#"q"\(1)"#, r#"."q\"\\(1)""#),
        ] {
            assert_eq!(jq_key(key), spelled);
        }
        assert_eq!(jq_path::<&str>("", &[]), ".");
        assert_eq!(jq_path(".data", &["a", "b c"]), r#".data.a."b c""#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_from_toml(text in "(?s).{0,20}|[\\x00-\\x7f]{0,9}") {
            let read: toml::Table = format!("x = {}", toml_text(&text)).parse().unwrap();
            prop_assert_eq!(read["x"].as_str().unwrap(), text);
        }
    }
}
