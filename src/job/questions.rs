//! What decides what is asked and how columns are made, as one text: a run is resumed only where it is unchanged.

use super::{Column, Duplicates, Endpoint, Expression, Format, Input, Job, OnError, Source, Template};

/// Changes when the text below is written in another way.
const VERSION: u32 = 1;

impl Job {
    /// The questions of the job, a fact a line, always in the same words; its SHA-256 is in every plan.
    ///
    /// What the list holds, its path, and whatever is read anew while a run lasts (bounds, retries, what a failure does
    /// to a row, table, publish gate, settings) are not part of it.
    pub fn questions(&self) -> String {
        let mut text = Text(String::new());
        text.line("questions", &[&VERSION.to_string()]);
        text.input(&self.input);
        for endpoint in &self.endpoints {
            text.endpoint(endpoint, &self.endpoints);
        }
        text.0
    }
}

/// Lines of a word and its values, quoted as JSON.
struct Text(String);

impl Text {
    fn line(&mut self, word: &str, values: &[&str]) {
        self.0.push_str(word);
        for value in values {
            self.0.push(' ');
            self.0.push_str(&serde_json::Value::from(*value).to_string());
        }
        self.0.push('\n');
    }

    fn optional(&mut self, word: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(word, &[value]);
        }
    }

    fn input(&mut self, input: &Input) {
        match &input.source {
            Source::File { format, .. } => self.line("file", &[format_word(*format)]),
            Source::Stdin { format } => self.line("stdin", &[format_word(*format)]),
            Source::Ids(ids) => self.line("ids", &ids.iter().map(String::as_str).collect::<Vec<_>>()),
        }
        self.line("id", &input.id.iter().map(String::as_str).collect::<Vec<_>>());
        self.line("keep", &input.keep.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, ty) in &input.types {
            self.line("type", &[name, &ty.to_string()]);
        }
        let duplicates = match input.duplicates {
            Duplicates::Refuse => "refuse",
            Duplicates::Keep => "keep",
            Duplicates::First => "first",
        };
        self.line("duplicates", &[duplicates]);
    }

    fn endpoint(&mut self, endpoint: &Endpoint, all: &[Endpoint]) {
        self.line("endpoint", &[&endpoint.name]);
        self.line("url", &[&endpoint.url.written(all)]);
        self.templates("query", &endpoint.query, all);
        self.templates("header", &endpoint.headers, all);
        for status in &endpoint.missing.statuses {
            self.line("missing status", &[&status.to_string()]);
        }
        self.optional("missing when", endpoint.missing.when.as_deref());
        for column in &endpoint.columns {
            self.column(column);
        }
    }

    fn templates(&mut self, word: &str, named: &[(String, Template)], all: &[Endpoint]) {
        for (name, template) in named {
            self.line(word, &[name, &template.written(all)]);
        }
    }

    fn column(&mut self, column: &Column) {
        let expression = match &column.expression {
            Expression::Jq(jq) => jq,
            Expression::Css(css) => &css.selector,
            Expression::Text => "",
        };
        self.line("column", &[&column.name, &column.ty.to_string(), expression]);
        for null in &column.nulls {
            self.line("null", &[null]);
        }
        self.optional("strip", column.strip.as_deref());
        self.optional("regex", column.regex.as_deref());
        self.optional("format", column.format.as_deref());
        self.optional("zone", column.zone.as_deref());
        if column.on_error == OnError::Null {
            self.line("on error", &["null"]);
        }
        if column.not_null {
            self.line("not null", &[]);
        }
    }
}

fn format_word(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Jsonl => "jsonl",
        Format::Parquet => "parquet",
        Format::Lines => "lines",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const JOB: &str = r#"
job = { name = "small" }
input = { file = "ids.csv", id = "id", types = { id = "bigint" } }
table = { to = "duckdb:small.duckdb", name = "small", mode = "append" }
defaults = { timeout = "10s", nulls = ["N/A"] }
[[endpoint]]
name = "one"
url = "https://example.org/{id}"
query = { b = "{{1}}", a = "${KEY}" }
headers = { X-Key = "${KEY}" }
missing = [404, '.gone == "yes"']
columns = { x = '.x', y = { jq = '.y', type = 'date', format = '%Y', on_error = 'null', not_null = true } }
[[endpoint]]
name = "two"
url = "https://example.org/two/{one.x}"
columns = { z = { jq = '.z', strip = ',', regex = '(\d+)' }, w = { jq = '.w', type = 'timestamp', zone = 'UTC', nulls = [] } }
"#;

    fn questions(text: &str) -> String {
        let text = text.replace("format = '%Y'", "format = '%Y-%m-%d'");
        Job::parse(text, Path::new("/nowhere/small.toml"))
            .unwrap_or_else(|error| panic!("{error}"))
            .questions()
    }

    /// Runs on disk hold the digest of this text: change it only with [`VERSION`].
    #[test]
    fn the_questions_are_written_in_the_same_words() {
        insta::assert_snapshot!(questions(JOB), @r#"
        questions "1"
        file "csv"
        id "id"
        keep
        type "id" "bigint"
        duplicates "refuse"
        endpoint "one"
        url "https://example.org/{id}"
        query "b" "{{1}}"
        query "a" "${KEY}"
        header "x-key" "${KEY}"
        missing status "404"
        missing when ".gone == \"yes\""
        column "x" "text" ".x"
        null "N/A"
        column "y" "date" ".y"
        null "N/A"
        format "%Y-%m-%d"
        on error "null"
        not null
        endpoint "two"
        url "https://example.org/two/{one.x}"
        column "z" "text" ".z"
        null "N/A"
        strip ","
        regex "(\\d+)"
        column "w" "timestamp" ".w"
        zone "UTC"
        "#);
    }

    #[test]
    fn what_is_read_anew_changes_no_question() {
        for (old, new) in [
            ("name = \"small\" }", "name = \"other\", rounds = 3, in_flight = 9, chunks = \"csv\" }"),
            ("ids.csv", "/elsewhere/list.csv"),
            ("timeout = \"10s\"", "max_body = 10, retry = { attempts = 9 }"),
            ("mode = \"append\"", "mode = \"upsert\", key = \"id\""),
            ("name = \"two\"", "name = \"two\"\non_failure = \"null\""),
            ("small.duckdb", "large.duckdb"),
            ("[[endpoint]]\nname = \"one\"", "# a remark\n[[endpoint]]\nname = \"one\""),
        ] {
            assert_eq!(JOB.matches(old).count(), 1, "{old}");
            assert_eq!(questions(&JOB.replace(old, new)), questions(JOB), "{new}");
        }
    }

    #[test]
    fn what_is_asked_or_made_changes_the_questions() {
        for (old, new) in [
            ("ids.csv", "ids.tsv"),
            ("id = \"id\", types = { id = \"bigint\" }", "id = \"id\""),
            ("id = \"id\",", "id = \"id\", keep = [\"k\"],"),
            ("id = \"id\",", "id = \"id\", duplicates = \"first\","),
            ("nulls = [\"N/A\"]", "nulls = [\"n/a\"]"),
            ("name = \"two\"", "name = \"due\""),
            ("https://example.org/{id}", "http://example.org/{id}"),
            ("{{1}}", "{{2}}"),
            ("a = \"${KEY}\"", "a = \"${KEY2}\""),
            ("query = { b = \"{{1}}\", a = \"${KEY}\" }", "query = { a = \"${KEY}\", b = \"{{1}}\" }"),
            ("X-Key", "X-Other"),
            ("404", "410"),
            ("\"yes\"", "\"no\""),
            ("x = '.x'", "x = '.X'"),
            ("type = 'date', format = '%Y'", "type = 'timestamp', format = '%Y'"),
            ("on_error = 'null', ", ""),
            (", not_null = true", ""),
            ("'UTC'", "'Europe/Berlin'"),
            ("nulls = []", "nulls = ['-']"),
            ("strip = ','", "strip = '.'"),
            ("(\\d+)", "(\\d*)"),
            ("{one.x}", "{one.y}"),
        ] {
            assert_eq!(JOB.matches(old).count(), 1, "{old}");
            assert_ne!(questions(&JOB.replace(old, new)), questions(JOB), "{new}");
        }
    }
}
