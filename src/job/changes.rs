//! What differs between the questions of a job now and then, in words.

use super::Job;

/// Changed things of a section that are named; further ones are counted.
const NAMED: usize = 4;

impl Job {
    /// What this job asks or makes otherwise than `earlier` did, a clause each; none where the questions are the same.
    pub fn changes_since(&self, earlier: &Job) -> Vec<String> {
        changes(&earlier.questions(), &self.questions())
    }
}

/// What the text of [`Job::questions`] says of the input, or of one endpoint.
#[derive(Debug, Default, PartialEq)]
struct Section {
    /// The endpoint's name; empty for the input.
    name: String,
    /// What it says, by what it says it of: `url`, `query "i"`, `column "title"`, each once, in order.
    things: Vec<(String, String)>,
}

impl Section {
    fn thing(&self, of: &str) -> Option<&str> {
        self.things.iter().find(|(key, _)| key == of).map(|(_, text)| text.as_str())
    }

    fn title(&self) -> String {
        match self.name.as_str() {
            "" => "the input section".to_owned(),
            name => format!("endpoint {name}"),
        }
    }
}

fn changes(then: &str, now: &str) -> Vec<String> {
    let (then, now) = (sections(then), sections(now));
    let named = |all: &[Section], name: &str| all.iter().position(|section| section.name == name);
    let mut changes = Vec::new();
    for section in &now {
        match named(&then, &section.name) {
            None => changes.push(format!("{} is new", section.title())),
            Some(at) if then[at] != *section => changes.push(changed(&then[at], section)),
            Some(_) => {}
        }
    }
    let gone = then.iter().filter(|section| named(&now, &section.name).is_none());
    changes.extend(gone.map(|section| format!("{} is gone", section.title())));
    let both = |all: &[Section], other: &[Section]| -> Vec<String> {
        all.iter().map(|section| section.name.clone()).filter(|name| named(other, name).is_some()).collect()
    };
    if both(&then, &now) != both(&now, &then) {
        changes.push("the endpoints stand in another order".to_owned());
    }
    changes
}

/// `endpoint omdb has changed (url, column title)`.
fn changed(then: &Section, now: &Section) -> String {
    let differs = |key: &&String| then.thing(key) != now.thing(key);
    let gone = then.things.iter().map(|(key, _)| key).filter(|key| now.thing(key).is_none());
    let differing = now.things.iter().map(|(key, _)| key).filter(differs);
    let keys: Vec<String> = differing.chain(gone).map(|key| key.replace('"', "")).collect();
    let what = match keys.len() {
        0 => "the order".to_owned(),
        1..=NAMED => keys.join(", "),
        more => format!("{}, and {} more", keys[..NAMED].join(", "), more - NAMED),
    };
    format!("{} has changed ({what})", now.title())
}

fn sections(questions: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    for line in questions.lines() {
        let (word, values) = line.split_at(line.find('"').unwrap_or(line.len()));
        let word = word.trim_end();
        if word == "endpoint" {
            sections.push(Section { name: values.trim_matches('"').to_owned(), things: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.say(word, values, line);
        }
    }
    sections
}

impl Section {
    fn say(&mut self, word: &str, values: &str, line: &str) {
        let first = values.split_inclusive('"').take(2).collect::<String>();
        let key = match word {
            // A query of the list is its only one.
            "query" if self.name.is_empty() => word.to_owned(),
            "type" | "query" | "header" | "field" | "column" => format!("{word} {first}"),
            // What follows a column is said of it.
            _ => match self.things.last() {
                Some((last, _)) if last.starts_with("column ") => last.clone(),
                _ => word.to_owned(),
            },
        };
        match self.things.iter_mut().find(|(known, _)| *known == key) {
            Some((_, text)) => *text += &format!("\n{line}"),
            None => self.things.push((key, line.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: &str = r#"questions "1"
file "csv"
id "id"
keep
type "id" "bigint"
duplicates "refuse"
endpoint "one"
url "https://example.org/{id}"
query "b" "1"
query "a" "${KEY}"
missing status "404"
missing status "410"
column "x" "text" ".x"
null "N/A"
column "y" "date" ".y"
null "N/A"
endpoint "two"
url "https://example.org/two/{one.x}"
column "z" "text" ".z"
"#;

    fn after(old: &str, new: &str) -> Vec<String> {
        assert_eq!(THEN.matches(old).count(), 1, "{old}");
        changes(THEN, &THEN.replace(old, new))
    }

    #[test]
    fn the_same_questions_have_no_changes() {
        assert!(changes(THEN, THEN).is_empty());
    }

    #[test]
    fn what_changed_is_named_where_it_stands() {
        let x = "column \"x\" \"text\" \".x\"\nnull \"N/A\"\n";
        let query = "query \"b\" \"1\"\nquery \"a\" \"${KEY}\"\n";
        for (old, new, said) in [
            ("id \"id\"", "id \"key\"", "the input section has changed (id)"),
            ("\"bigint\"", "\"integer\"", "the input section has changed (type id)"),
            ("org/{id}", "com/{id}", "endpoint one has changed (url)"),
            ("${KEY}", "${KEYS}", "endpoint one has changed (query a)"),
            ("query \"b\" \"1\"\n", "", "endpoint one has changed (query b)"),
            (query, "query \"a\" \"${KEY}\"\nquery \"b\" \"1\"\n", "endpoint one has changed (the order)"),
            ("410", "411", "endpoint one has changed (missing status)"),
            ("410\"\n", "410\"\nmissing when \".gone\"\n", "endpoint one has changed (missing when)"),
            (x, "column \"x\" \"text\" \".x\"\n", "endpoint one has changed (column x)"),
            ("\".z\"", "\".z\"\nstrip \",\"", "endpoint two has changed (column z)"),
            ("\".z\"", "\".z\"\nnul \"refuse\"", "endpoint two has changed (column z)"),
            ("column \"z\"", "column \"w\"", "endpoint two has changed (column w, column z)"),
        ] {
            assert_eq!(after(old, new), [said]);
        }
    }

    #[test]
    fn of_a_lists_query_it_is_said_that_it_changed() {
        let then = THEN.replace("file \"csv\"", "query \"SELECT id FROM a\"");
        let now = THEN.replace("file \"csv\"", "query \"SELECT \\\"id\\\" FROM b\"");
        assert_eq!(changes(&then, &now), ["the input section has changed (query)"]);
        assert_eq!(changes(THEN, &now), ["the input section has changed (query, file)"]);
    }

    #[test]
    fn endpoints_that_come_go_and_change_places_are_told() {
        let (input, rest) = THEN.split_once("endpoint \"one\"").unwrap();
        let (one, two) = rest.split_once("endpoint \"two\"").unwrap();
        assert_eq!(changes(THEN, &format!("{input}endpoint \"one\"{one}")), ["endpoint two is gone"]);
        let renamed = THEN.replace("endpoint \"two\"", "endpoint \"due\"");
        assert_eq!(changes(THEN, &renamed), ["endpoint due is new", "endpoint two is gone"]);
        let turned = format!("{input}endpoint \"two\"{two}endpoint \"one\"{one}");
        assert_eq!(changes(THEN, &turned), ["the endpoints stand in another order"]);
    }

    #[test]
    fn of_many_changes_a_few_are_named() {
        let column = |at: usize| format!("column \"c{at}\" \"text\" \".c\"\n");
        let now = format!("{THEN}{}", (0..7).map(column).collect::<String>());
        assert_eq!(
            changes(THEN, &now),
            ["endpoint two has changed (column c0, column c1, column c2, column c3, and 3 more)"]
        );
    }
}
