//! The reference of all keys of a job file, one page of Markdown: made from the JSON Schema, which is made from what is read.

use std::fmt::Write as _;

use serde_json::Value;

use super::raw::{Group, groups};
use super::schema::json_schema;

const HEAD: &str = "\
# Keys of a job file

This page is printed by `windrow schema --markdown`. A job file is TOML 1.0; a key that is not here is refused, with a hint.

- A **template** is text in which `{column}` is a column of the list, `{endpoint.column}` one that another endpoint's answer
  gave, and `${NAME}` a secret from the environment; `{{` and `}}` are braces.
- A **time** is written `500ms`, `30s`, `10m`, `2h` or `7d`, a **size** `16MiB` or `1GB`, or as a number of bytes.
- **jq** is described at <https://jqlang.org/manual>.
- A **record** is a line of the list. It is asked about, an **answer** comes, or the request **fails**; a value that does not
  fit its column has an **error**.
";

/// The reference, with a newline at its end.
pub fn reference() -> String {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap_or_default();
    let mut page = HEAD.to_owned();
    for group in groups() {
        page.push_str(&section(&schema, &group));
    }
    page
}

/// A heading, what the section is for, and a table of its keys.
fn section(schema: &Value, group: &Group) -> String {
    let of = if group.schema.is_empty() { schema } else { &schema["definitions"][&*group.schema] };
    let mut text = format!("\n## {}\n\n", group.title.replace("the job file", "The file"));
    if let Some(more) = group.more {
        let _ = writeln!(text, "{more}\n");
    }
    text.push_str("| key | value | what it is for |\n|---|---|---|\n");
    for key in &group.keys {
        let property = &of["properties"][*key];
        let means = property["description"].as_str().unwrap_or_default();
        let _ = writeln!(text, "| `{key}` | {} | {} |", cell(&value(schema, property)), cell(means));
    }
    text
}

/// How the value of a key is written.
fn value(schema: &Value, of: &Value) -> String {
    if let Some(forms) = of["anyOf"].as_array() {
        let mut all: Vec<String> = Vec::new();
        for form in forms.iter().map(|form| value(schema, form)) {
            if !all.contains(&form) {
                all.push(form);
            }
        }
        return all.join(" or ");
    }
    if let Some(name) = of["$ref"].as_str().and_then(|name| name.strip_prefix("#/definitions/")) {
        return value(schema, &schema["definitions"][name]);
    }
    if let Some(all) = of["allOf"].as_array() {
        return all.iter().map(|one| value(schema, one)).collect();
    }
    if let Some(words) = of["enum"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    match of["type"].as_str() {
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer") => format!("a whole number{}", bounds(of)),
        Some("number") => format!("a number{}", bounds(of)),
        Some("array") => format!("a list of {}", several(&value(schema, &of["items"]))),
        Some("object") if of["additionalProperties"].is_object() => {
            format!("{} by name", several(&value(schema, &of["additionalProperties"])))
        }
        Some("object") => "a table".to_owned(),
        Some("string") => "text".to_owned(),
        _ if of["type"].as_array().is_some_and(|types| types.len() == 2) => {
            "text or a whole number".to_owned()
        }
        _ => "any value".to_owned(),
    }
}

/// More than one of such values.
fn several(value: &str) -> String {
    let plural = |form: &str| match form.split_once(',') {
        _ if form == "text" => "texts".to_owned(),
        _ if form == "a table" => "tables".to_owned(),
        Some(("a whole number", bounds)) => format!("whole numbers ({})", bounds.trim()),
        _ => form.replace("a whole number", "whole numbers"),
    };
    value.split(" or ").map(plural).collect::<Vec<_>>().join(" or ")
}

/// `, 1 to 500`, as far as there are bounds.
fn bounds(of: &Value) -> String {
    match (of["minimum"].as_number(), of["maximum"].as_number()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

/// Text as a table's cell may have it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date_and_has_every_key_once() {
        let file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/job-file.md"));
        assert!(
            file == reference(),
            "docs/job-file.md is out of date: `cargo run --release -- schema --markdown > docs/job-file.md`"
        );
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        let sections = std::iter::once(&schema).chain(schema["definitions"].as_object().unwrap().values());
        for key in
            sections.filter_map(|section| section["properties"].as_object()).flat_map(|keys| keys.keys())
        {
            assert!(file.contains(&format!("\n| `{key}` | ")), "{key}");
        }
        assert!(!file.contains("|  |"), "each has a value and a sentence");
    }
}
