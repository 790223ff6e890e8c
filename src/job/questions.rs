//! What decides what is asked and how columns are made, as one text: a run is resumed only where it is unchanged.

use super::template::AnswerNames;
use super::{
    Absent, AnswerFormat, Batch, Column, Css, Dialect, Duplicates, Endpoint, Expression, Format, Input, Job,
    JsonTemplate, NextPage, Of, OnBadCharacter, OnError, Pages, Payload, Quote, Source, Template,
};

/// Changes when the text below is written in another way.
const VERSION: u32 = 1;

impl Job {
    /// The questions of the job, a fact a line, always in the same words; its SHA-256 is in every plan.
    ///
    /// What the list holds, its path, and whatever is read anew while a run lasts (bounds, most pages, limits and what a
    /// request costs of them, retries, what a failure does to a row, table, publish gate, statements, settings) are not
    /// part of it: none of that makes another row of the same answer, and a run may well have paused because a limit was
    /// too narrow. (A table that moves to PostgreSQL is, by what becomes of U+0000.) What a job does not say has no line.
    pub fn questions(&self) -> String {
        let mut text = Text(String::new());
        text.line("questions", &[&VERSION.to_string()]);
        text.input(&self.input);
        let answers = self.answer_names();
        for endpoint in &self.endpoints {
            text.endpoint(endpoint, &answers);
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
            Source::Query { query, .. } => self.line("query", &[query]),
        }
        self.dialect(&input.dialect);
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

    fn dialect(&mut self, dialect: &Dialect) {
        let Dialect { delimiter, quote, encoding, comment, skip_lines } = dialect;
        let letter = |byte: u8| char::from(byte).to_string();
        self.optional("delimiter", delimiter.map(letter).as_deref());
        let quote = quote.map(|quote| match quote {
            Quote::None => "none".to_owned(),
            Quote::Character(quote) => letter(quote),
        });
        self.optional("quote", quote.as_deref());
        self.optional("encoding", encoding.map(encoding_rs::Encoding::name));
        self.optional("comment", comment.as_deref());
        if *skip_lines > 0 {
            self.line("skip_lines", &[&skip_lines.to_string()]);
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint, all: &[AnswerNames]) {
        self.line("endpoint", &[&endpoint.name]);
        self.asked(endpoint, all);
        self.answered(endpoint);
        for status in &endpoint.missing.statuses {
            self.line("missing status", &[&status.to_string()]);
        }
        self.optional("missing when", endpoint.missing.when.as_deref());
        for column in &endpoint.columns {
            self.column(column);
        }
    }

    fn asked(&mut self, endpoint: &Endpoint, all: &[AnswerNames]) {
        if endpoint.method != "GET" {
            self.line("method", &[&endpoint.method]);
        }
        self.line("url", &[&endpoint.url.written(all)]);
        for host in &endpoint.hosts {
            self.line("host", &[host]);
        }
        self.templates("query", &endpoint.query, all);
        self.templates("header", &endpoint.headers, all);
        match &endpoint.payload {
            Some(Payload::Json(json)) => self.line("json", &[&written_json(json, all)]),
            Some(Payload::Form(fields)) => {
                self.line("form", &[]);
                self.templates("field", fields, all);
            }
            Some(Payload::Text(body)) => self.line("body", &[&body.written(all)]),
            None => {}
        }
        self.optional("when", endpoint.when.as_ref().map(|when| when.jq.as_str()));
        if let Some(batch) = &endpoint.batch {
            self.batch(batch);
        }
    }

    fn batch(&mut self, batch: &Batch) {
        let Batch { size, column, join, split, key, absent, status, retry_after: _, unprocessed } = batch;
        let absent = match absent {
            Absent::Missing => "missing",
            Absent::Single => "single",
        };
        self.line("batch", &[&size.to_string(), column, join, split, key, absent]);
        self.optional("batch status", status.as_deref());
        self.optional("batch unprocessed", unprocessed.as_deref());
    }

    fn answered(&mut self, endpoint: &Endpoint) {
        match endpoint.answer {
            AnswerFormat::Json => {}
            AnswerFormat::JsonLines => self.line("answer", &["jsonl"]),
            AnswerFormat::Jsonp => self.line("answer", &["jsonp"]),
            AnswerFormat::Html => self.line("answer", &["html"]),
            AnswerFormat::Text => self.line("answer", &["text"]),
        }
        if let Some(pipe) = &endpoint.pipe {
            self.line("pipe", &pipe.iter().map(String::as_str).collect::<Vec<_>>());
        }
        self.optional("ok", endpoint.ok.as_deref());
        self.optional("rows", endpoint.rows.as_deref());
        if let Some(pages) = &endpoint.pages {
            self.pages(pages);
        }
    }

    fn pages(&mut self, pages: &Pages) {
        let (word, parameter, first, more) = match &pages.next {
            NextPage::Link => return self.line("pages link", &[]),
            NextPage::Url(url) => return self.line("pages next", &[url]),
            NextPage::Cursor { value, parameter } => return self.line("pages cursor", &[value, parameter]),
            NextPage::Offset { parameter, first, more } => ("pages offset", parameter, first, more),
            NextPage::Number { parameter, first, more } => ("pages number", parameter, first, more),
        };
        self.line(word, &[parameter, &first.to_string()]);
        self.optional("more", more.as_deref());
        self.optional("items", pages.items.as_deref());
    }

    fn templates(&mut self, word: &str, named: &[(String, Template)], all: &[AnswerNames]) {
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
        if let Expression::Css(Css { attribute, all, .. }) = &column.expression {
            self.optional("attribute", attribute.as_deref());
            if *all {
                self.line("all", &[]);
            }
        }
        if column.of == Of::Answer {
            self.line("of", &["answer"]);
        }
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
        match column.on_bad_character {
            OnBadCharacter::Keep => {}
            OnBadCharacter::Fail => self.line("on_bad_character", &["fail"]),
            OnBadCharacter::Replace => self.line("on_bad_character", &["replace"]),
        }
    }
}

/// JSON with its templates as they are written; members stand in the order of the file.
fn written_json(json: &JsonTemplate, all: &[AnswerNames]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match json {
        JsonTemplate::Fixed(value) => value.to_string(),
        JsonTemplate::Text(template) => quoted(&template.written(all)),
        JsonTemplate::List(items) => {
            let items: Vec<String> = items.iter().map(|item| written_json(item, all)).collect();
            format!("[{}]", items.join(","))
        }
        JsonTemplate::Object(members) => {
            let member = |(name, member): &(String, JsonTemplate)| {
                format!("{}:{}", quoted(name), written_json(member, all))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
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

    use super::super::tests::FULL;
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

    /// See above.
    #[test]
    fn all_questions_are_written_in_the_same_words() {
        insta::assert_snapshot!(questions(FULL), @r#"
        questions "1"
        file "csv"
        id "id"
        keep
        duplicates "refuse"
        endpoint "many"
        method "PUT"
        url "https://example.org/many"
        json "{\"ids\":\"{id}\",\"deep\":[1,true,{\"x\":\"{{}}{id}\"}]}"
        when ".country == \"US\""
        batch "50" "id" ";" ".data[]" ".id" "single"
        answer "jsonp"
        ok ".fine"
        column "a" "text" ".a"
        endpoint "page"
        method "POST"
        url "{page:url}"
        host "example.org"
        host "*.example.org"
        form
        field "q" "{id}"
        answer "html"
        rows "table tr"
        pages next "a.next"
        column "b" "json" "td"
        attribute "id"
        all
        column "c" "text" "h1"
        of "answer"
        endpoint "piped"
        method "POST"
        url "https://example.org/piped"
        body "id={id}"
        pipe "python3" "parse.py"
        column "d" "text" ".d"
        endpoint "text"
        url "https://example.org/text"
        answer "text"
        column "e" "text" ""
        regex "(\\d+)"
        column "f" "text" ""
        "#);
    }

    #[test]
    fn each_way_to_pages_has_its_words() {
        let pages = |pages: &str| {
            let job =
                JOB.replace("name = \"two\"", &format!("name = \"two\"\nrows = '.[]'\npages = {pages}"));
            questions(&job)
                .lines()
                .filter(|line| line.starts_with("pages") || line.starts_with("more"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(pages("{ link = true }"), "pages link");
        assert_eq!(pages("{ next = '.n', most = 2 }"), r#"pages next ".n""#);
        assert_eq!(pages("{ cursor = '.c', parameter = 'p' }"), r#"pages cursor ".c" "p""#);
        assert_eq!(pages("{ offset = 'o' }"), r#"pages offset "o" "0""#);
        assert_eq!(
            pages("{ number = 'n', first = 3, more = '.m' }"),
            "pages number \"n\" \"3\"\nmore \".m\""
        );
    }

    #[test]
    fn what_is_read_anew_changes_no_question() {
        for (old, new) in [
            ("name = \"small\" }", "name = \"other\", rounds = 3, in_flight = 9, chunks = \"csv\" }"),
            ("ids.csv", "/elsewhere/list.csv"),
            ("timeout = \"10s\"", "max_body = 10, retry = { attempts = 9 }"),
            ("mode = \"append\"", "mode = \"upsert\", key = \"id\""),
            ("name = \"two\"", "name = \"two\"\non_failure = \"null\""),
            ("name = \"two\"", "name = \"two\"\nidempotent = false"),
            ("name = \"two\"", "name = \"two\"\nmethod = \"GET\"\nanswer = \"json\""),
            ("mode = \"append\"", "mode = \"replace_ids\", gone = \"delete\""),
            ("name = \"small\" }", "name = \"small\", bodies = \"all\" }"),
            ("small.duckdb", "large.duckdb"),
            (
                "name = \"small\" }",
                "name = \"small\", on_change = \"stop\", keep_runs = \"9d\", patience = \"0s\" }",
            ),
            ("timeout = \"10s\"", "retry = { on = [], deadline = \"1m\" }"),
            ("name = \"two\"", "name = \"two\"\nmin_success = 0.5"),
            (
                "duckdb:small.duckdb\", name = \"small\", mode = \"append\"",
                "parquet:small/\", partition_by = \"id\", mode = \"replace\"",
            ),
            (
                "job = {",
                "before = [{ sql = \"ANALYZE\" }]\nafter = [{ sql = \"FROM x\", file = \"x.csv\" }]\njob = {",
            ),
            ("job = {", "publish = { when = \"each_pause\", min_rows = 7, max_change = 0.1 }\njob = {"),
            ("job = {", "limits.'example.org' = { rate = '3/s', quota = '9/day' }\njob = {"),
            ("[[endpoint]]\nname = \"one\"", "# a remark\n[[endpoint]]\nname = \"one\""),
        ] {
            assert_eq!(JOB.matches(old).count(), 1, "{old}");
            assert_eq!(questions(&JOB.replace(old, new)), questions(JOB), "{new}");
        }
    }

    /// What PostgreSQL cannot hold is refused, unless the column says otherwise.
    #[test]
    fn a_table_in_postgresql_makes_other_columns() {
        let moved = JOB.replace("duckdb:small.duckdb", "postgres://h/small");
        let nul = questions(&moved).lines().filter(|line| *line == "on_bad_character \"fail\"").count();
        assert_eq!(nul, 2, "of x and z, which are text");
        let kept = moved.replace("x = '.x'", "x = { jq = '.x', on_bad_character = 'keep' }");
        let kept = kept.replace("strip = ','", "strip = ',', on_bad_character = 'keep'");
        assert_eq!(questions(&kept), questions(JOB));
    }

    #[test]
    fn a_query_is_a_question_and_who_is_asked_is_none() {
        let asked = |database: &str, query: &str| {
            let source = format!("database = \"{database}\", query = \"{query}\"");
            questions(&JOB.replace("file = \"ids.csv\"", &source))
        };
        let usual = asked("postgres://h/one", "SELECT id FROM urls");
        assert!(usual.starts_with("questions \"1\"\nquery \"SELECT id FROM urls\"\nid "), "{usual}");
        assert_eq!(asked("postgres://h/other", "SELECT id FROM urls"), usual);
        assert_ne!(asked("postgres://h/one", "SELECT id FROM films"), usual);
    }

    /// A run goes on after a limit was changed, left out, or made to count something else.
    #[test]
    fn limits_and_costs_are_no_question() {
        let with = |limit: &str, keys: &str| {
            let job = JOB.replace("job = {", &format!("limits.'example.org' = {{ {limit} }}\njob = {{"));
            questions(&job.replace("name = \"two\"", &format!("name = \"two\"\n{keys}")))
        };
        for (limit, keys) in [
            ("rate = '3/s'", ""),
            ("in_flight = 4", "limit = 'example.org'"),
            ("quota = '1000 tokens/month'", "cost = 3"),
            ("rate = '5 tokens/s'", "cost = '.usage.total_tokens'"),
        ] {
            assert_eq!(with(limit, keys), questions(JOB), "{limit} {keys}");
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
            ("strip = ','", "strip = ',', on_bad_character = 'replace'"),
            ("strip = ','", "strip = ',', on_bad_character = 'fail'"),
            ("ids.csv\"", "ids.csv\", format = \"tsv\""),
            ("file = \"ids.csv\"", "database = \"duckdb:\", query = \"SELECT 1 AS id\""),
            ("name = \"two\"", "name = \"two\"\nmethod = \"HEAD\""),
            ("name = \"two\"", "name = \"two\"\nbody = \"\""),
            ("name = \"two\"", "name = \"two\"\nwhen = \"true\""),
            ("name = \"two\"", "name = \"two\"\nok = \"true\""),
            ("name = \"two\"", "name = \"two\"\nrows = \".\""),
        ] {
            assert_eq!(JOB.matches(old).count(), 1, "{old}");
            assert_ne!(questions(&JOB.replace(old, new)), questions(JOB), "{new}");
        }
    }

    #[test]
    fn what_the_further_keys_say_changes_the_questions() {
        for (old, new) in [
            ("method = \"PUT\"", ""),
            (
                "json = { ids = \"{id}\", deep = [1, true, { x = \"{{}}{id}\" }] }",
                "form = { ids = \"{id}\" }",
            ),
            ("[1, true,", "[true, 1,"),
            ("x = \"{{}}{id}\"", "y = \"{{}}{id}\""),
            ("== \"US\"", "!= \"US\""),
            ("when = '.country == \"US\"'", ""),
            ("size = 50", "size = 51"),
            ("'.data[]'", "'.data[0]'"),
            ("'.id'", "'.ID'"),
            ("join = ';', ", ""),
            (", absent = 'single'", ", absent = 'missing'"),
            (", absent = 'single'", ", absent = 'single', status = '.s'"),
            (", absent = 'single'", ", absent = 'single', unprocessed = '.u[]'"),
            ("jsonp", "jsonl"),
            ("ok = \".fine\"", "ok = \".good\""),
            (", \"*.example.org\"", ""),
            ("form = { q =", "form = { r ="),
            ("form = { q = \"{id}\" }", "body = \"q={id}\""),
            ("body = \"id={id}\"", "body = \"id={id} \""),
            ("table tr", "tr"),
            ("pages = { next = \"a.next\", most = 5 }", ""),
            ("a.next", "a"),
            ("css = \"td\"", "css = \"th\""),
            ("attr = \"id\", ", ""),
            (", all = true", ", type = \"json\""),
            (", of = \"answer\"", ""),
            (", \"parse.py\"", ""),
            ("pipe = [\"python3\", \"parse.py\"]", ""),
            ("e = '(\\d+)'", "e = '(\\d*)'"),
            ("f = {}", "f = '.*'"),
        ] {
            assert_eq!(FULL.matches(old).count(), 1, "{old}");
            assert_ne!(questions(&FULL.replace(old, new)), questions(FULL), "{new}");
        }
        for (old, new) in [
            ("most = 5", "most = 6"),
            ("method = \"PUT\"", "idempotent = false\nmethod = \"PUT\""),
            (", absent = 'single'", ""),
        ] {
            assert_eq!(questions(&FULL.replace(old, new)), questions(FULL), "{new}");
        }
    }
}
