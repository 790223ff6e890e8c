//! What differs between the questions of a job now and then, in words.

use serde_json::Value;

use super::Job;

/// Changed things of a section that are named; further ones are counted.
const NAMED: usize = 4;

impl Job {
    /// What this job asks or makes otherwise than `earlier` did, a clause each; none where the questions are the same.
    pub fn changes_since(&self, earlier: &Job) -> Vec<String> {
        changes(&earlier.questions(), &self.questions())
    }
}

fn changes(then: &Value, now: &Value) -> Vec<String> {
    let input = changed("the input section", &then["input"], &now["input"]);
    let mut changes: Vec<String> = input.into_iter().collect();
    let (then, now) = (parts(&then["endpoints"]), parts(&now["endpoints"]));
    for (name, endpoint) in &now {
        match part(&then, name) {
            None => changes.push(format!("endpoint {name} is new")),
            Some(earlier) => changes.extend(changed(&format!("endpoint {name}"), earlier, endpoint)),
        }
    }
    let gone = then.iter().filter(|(name, _)| part(&now, name).is_none());
    changes.extend(gone.map(|(name, _)| format!("endpoint {name} is gone")));
    if !stand_alike(&then, &now) {
        changes.push("the endpoints stand in another order".to_owned());
    }
    changes
}

/// `endpoint omdb has changed (url, columns.title)`; nothing where it has not.
fn changed(title: &str, then: &Value, now: &Value) -> Option<String> {
    let keys = differing(then, now);
    let what = match keys.len() {
        0 => return None,
        1..=NAMED => keys.join(", "),
        more => format!("{}, and {} more", keys[..NAMED].join(", "), more - NAMED),
    };
    Some(format!("{title} has changed ({what})"))
}

/// The keys that say something else, as the job file has them; of things with names of the user's, these.
fn differing(then: &Value, now: &Value) -> Vec<String> {
    let (then, now) = (parts(then), parts(now));
    let mut keys = Vec::new();
    for (key, value) in &now {
        match part(&then, key) {
            Some(earlier) if earlier == *value => {}
            earlier => keys.extend(differing_names(key, earlier.unwrap_or(&Value::Null), value)),
        }
    }
    let gone = then.iter().filter(|(key, _)| part(&now, key).is_none());
    keys.extend(gone.flat_map(|(key, value)| differing_names(key, value, &Value::Null)));
    keys
}

/// `columns.title` of a key that has things with names; where none of these differs, their order does.
fn differing_names(key: &str, then: &Value, now: &Value) -> Vec<String> {
    let (then, now) = (named(then), named(now));
    let differs = |name: &&str| part(&then, name) != part(&now, name);
    let gone = then.iter().map(|(name, _)| *name).filter(|name| part(&now, name).is_none());
    let names: Vec<&str> = now.iter().map(|(name, _)| *name).filter(differs).chain(gone).collect();
    match names.as_slice() {
        [] if now.is_empty() => vec![key.to_owned()],
        [] => vec![format!("the order of {key}")],
        names => names.iter().map(|name| format!("{key}.{name}")).collect(),
    }
}

/// What a value is made of: the members of an object, or things by their names, in order.
fn parts(value: &Value) -> Vec<(&str, &Value)> {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.as_str(), value)).collect(),
        value => named(value),
    }
}

/// The things of a list whose items all have a name.
fn named(value: &Value) -> Vec<(&str, &Value)> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| Some((item["name"].as_str()?, item))).collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn part<'a>(parts: &[(&str, &'a Value)], name: &str) -> Option<&'a Value> {
    parts.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Whether those that are in both stand in the same order.
fn stand_alike(then: &[(&str, &Value)], now: &[(&str, &Value)]) -> bool {
    let both = |all: &[(&str, &Value)], other: &[(&str, &Value)]| -> Vec<String> {
        let names = all.iter().map(|(name, _)| (*name).to_owned());
        names.filter(|name| part(other, name).is_some()).collect()
    };
    both(then, now) == both(now, then)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Job;

    const THEN: &str = r#"
job = { name = "small" }
input = { file = "ids.csv", id = "id", types = { id = "bigint" } }
table = { to = "duckdb:small.duckdb", name = "small", mode = "append" }
[[endpoint]]
name = "one"
url = "https://example.org/{id}"
params = { b = "1", a = "${KEY}" }
missing = [404, 410]
columns = { x = ".x", y = { jq = ".y", type = "date" } }
[[endpoint]]
name = "two"
url = "https://example.org/two/{one.x}"
columns = { z = ".z" }
"#;

    fn job(text: &str) -> Job {
        Job::parse(text.to_owned(), Path::new("/nowhere/small.toml"))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn changes(then: &str, now: &str) -> Vec<String> {
        job(now).changes_since(&job(then))
    }

    fn after(old: &str, new: &str) -> Vec<String> {
        assert_eq!(THEN.matches(old).count(), 1, "{old}");
        changes(THEN, &THEN.replace(old, new))
    }

    #[test]
    fn the_same_questions_have_no_changes() {
        assert!(changes(THEN, THEN).is_empty());
    }

    #[test]
    fn what_changed_is_named_as_the_job_file_has_it() {
        for (old, new, said) in [
            (
                "id = \"id\", types = { id",
                "id = \"key\", types = { key",
                "the input section has changed (id, types.key, types.id)",
            ),
            ("\"bigint\"", "\"integer\"", "the input section has changed (types.id)"),
            ("org/{id}", "com/{id}", "endpoint one has changed (url)"),
            ("${KEY}", "${KEYS}", "endpoint one has changed (params.a)"),
            ("b = \"1\", ", "", "endpoint one has changed (params.b)"),
            (
                "b = \"1\", a = \"${KEY}\"",
                "a = \"${KEY}\", b = \"1\"",
                "endpoint one has changed (the order of params)",
            ),
            ("410", "411", "endpoint one has changed (missing)"),
            (
                "{one.x}\"",
                "{one.x}\"\nrows = \".[]\"\npages = { link = true }",
                "endpoint two has changed (pages, rows)",
            ),
            (", type = \"date\"", "", "endpoint one has changed (columns.y)"),
            ("z = \".z\"", "z = { jq = \".z\", remove = \",\" }", "endpoint two has changed (columns.z)"),
            ("z = \".z\"", "w = \".z\"", "endpoint two has changed (columns.w, columns.z)"),
            // Where x stands in its endpoint is not said of who uses it.
            ("columns = { x", "columns = { new = \".n\", x", "endpoint one has changed (columns.new)"),
            ("{one.x}", "{one.y}", "endpoint two has changed (url)"),
        ] {
            assert_eq!(after(old, new), [said]);
        }
    }

    #[test]
    fn of_a_lists_query_it_is_said_that_it_changed() {
        let asking = |query: &str| {
            THEN.replace("file = \"ids.csv\"", &format!("database = \"duckdb:\", sql = '{query}'"))
        };
        let then = asking("SELECT id FROM a");
        assert_eq!(changes(&then, &asking("SELECT \"id\" FROM b")), ["the input section has changed (sql)"]);
        assert_eq!(changes(THEN, &then), ["the input section has changed (sql, file)"]);
    }

    #[test]
    fn endpoints_that_come_go_and_change_places_are_told() {
        let two = THEN.find("[[endpoint]]\nname = \"two\"").unwrap();
        let one = THEN.find("[[endpoint]]\nname = \"one\"").unwrap();
        assert_eq!(changes(THEN, &THEN[..two]), ["endpoint two is gone"]);
        let renamed = THEN.replace("name = \"two\"", "name = \"due\"");
        assert_eq!(changes(THEN, &renamed), ["endpoint due is new", "endpoint two is gone"]);
        let turned = format!("{}{}{}", &THEN[..one], &THEN[two..], &THEN[one..two]);
        assert_eq!(changes(THEN, &turned), ["the endpoints stand in another order"]);
    }

    #[test]
    fn of_many_changes_a_few_are_named() {
        let columns: String = (0..7).map(|at| format!(", c{at} = \".c\"")).collect();
        assert_eq!(
            after("{ z = \".z\"", &format!("{{ z = \".z\"{columns}")),
            ["endpoint two has changed (columns.c0, columns.c1, columns.c2, columns.c3, and 3 more)"]
        );
    }
}
