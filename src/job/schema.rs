//! The JSON Schema of job files, for editors: made from what `raw` reads.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::raw::JobFile;

/// The schema (draft 7, which TOML editors know), indented, with a newline at its end.
pub fn json_schema() -> String {
    let mut settings = SchemaSettings::draft07();
    // Before the transforms of draft 7, which look for references that have siblings.
    settings.transforms.insert(0, Box::new(RecursiveTransform(as_toml)));
    let schema = settings.into_generator().into_root_schema_for::<JobFile>();
    // A schema is a JSON object: the alternate form of its display is indented.
    format!("{:#}\n", schema.as_value())
}

/// TOML has no null: a key that may be absent is not one that may be null. And descriptions are one line.
fn as_toml(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
        forms.retain(|form| form.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::sections;
    use super::*;

    /// The keys of a section as the schema has them.
    fn properties(schema: &Value, section: &str) -> Vec<String> {
        let object = if section.is_empty() { schema } else { &schema["definitions"][section] };
        assert_eq!(object["additionalProperties"], false, "{section}: other keys are refused");
        let properties = object["properties"].as_object().unwrap_or_else(|| panic!("no section {section}"));
        let described = properties.values().all(|property| property["description"].is_string());
        assert!(described, "{section}: every key has its line: {properties:?}");
        let mut names: Vec<String> = properties.keys().cloned().collect();
        names.sort();
        names
    }

    #[test]
    fn the_schema_has_the_sections_and_keys_that_are_read() {
        let schema: Value = serde_json::from_str(&json_schema()).expect("JSON");
        let mut tables: Vec<String> = Vec::new();
        for mut section in sections() {
            let name = &section.schema;
            section.keys.sort_unstable();
            assert_eq!(properties(&schema, name), section.keys, "{name}");
            tables.push(name.to_string());
        }
        let definitions = schema["definitions"].as_object().expect("definitions").iter();
        let sections = definitions.filter(|(_, definition)| definition.get("properties").is_some());
        let unknown: Vec<_> = sections.map(|(name, _)| name).filter(|name| !tables.contains(name)).collect();
        assert!(unknown.is_empty(), "not in `raw::sections`: {unknown:?}");
    }

    #[test]
    fn nothing_is_null_as_toml_has_no_such_value() {
        let schema = json_schema();
        assert!(!schema.contains("\"type\": \"null\""));
        assert!(schema.lines().all(|line| !line.trim().starts_with("null") && !line.contains(": null")));
    }

    #[test]
    fn the_schema_file_is_up_to_date() {
        let file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/job.schema.json"));
        assert!(
            file == json_schema(),
            "schemas/job.schema.json is out of date: `cargo run --release -- schema > schemas/job.schema.json`"
        );
    }

    /// Editors check a job file where its first line names the schema and a blank line follows (so does Tombi).
    #[test]
    fn every_job_names_its_schema_to_editors() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
        let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
        let jobs: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
        assert!(jobs.len() >= 12, "{jobs:?}");
        for job in jobs {
            let text = std::fs::read_to_string(&job).expect("a text");
            assert!(text.starts_with("#:schema ./job.schema.json\n\n"), "{}", job.display());
        }
        assert!(crate::job::starter("x").starts_with("#:schema ./job.schema.json\n\n"));
    }
}
