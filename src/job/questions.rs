//! What decides what is asked and how columns are made: a run is resumed only where it is unchanged.
//!
//! It is what input and endpoints serialize. A field that has no part in it says so where it stands, by `#[serde(skip)]`;
//! what is forgotten there starts a new run for nothing, and never goes on with answers to another question.

use serde::Serialize;
use serde_json::Value;

use super::{Endpoint, Input, Job};

/// Changes when the same job is written in another way.
const VERSION: u32 = 2;

/// What is asked, and of what.
#[derive(Debug, Serialize)]
struct Questions<'a> {
    version: u32,
    input: &'a Input,
    endpoints: &'a [Endpoint],
}

impl Job {
    /// The questions of the job, as JSON; the SHA-256 of its text is in every plan.
    ///
    /// What the list holds, its path, and whatever is read anew while a run lasts (bounds, most pages, limits and what a
    /// request costs of them, retries, what a failure does to a row, table, publish gate, statements, settings) are not
    /// part of it: none of that makes another row of the same answer, and a run may well have paused because a limit was
    /// too narrow. (A table that moves to PostgreSQL is, by what becomes of U+0000.) What a job does not say is not there,
    /// so that a key of a later version changes nothing where it is not used.
    pub fn questions(&self) -> Value {
        let questions = Questions { version: VERSION, input: &self.input, endpoints: &self.endpoints };
        match serde_json::to_value(&questions) {
            Ok(questions) => said(questions),
            // None of today's types fails. One that did would be told from every other all the same.
            Err(error) => Value::from(format!("{error}: {questions:?}")),
        }
    }
}

/// Without what says nothing: null, false, and lists of nothing.
fn said(value: Value) -> Value {
    let says_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, said(value)));
            members.filter(|(_, value)| !says_nothing(value)).collect()
        }
        Value::Array(items) => items.into_iter().map(said).collect(),
        other => other,
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
params = { b = "{{1}}", a = "${KEY}" }
headers = { X-Key = "${KEY}" }
missing = [404, '.gone == "yes"']
columns = { x = '.x', y = { jq = '.y', type = 'date', format = '%Y', on_error = 'null', not_null = true } }
[[endpoint]]
name = "two"
url = "https://example.org/two/{one.x}"
columns = { z = { jq = '.z', remove = ',', regex = '(\d+)' }, w = { jq = '.w', type = 'timestamp', zone = 'UTC', nulls = [] } }
"#;

    fn questions(text: &str) -> Value {
        let text = text.replace("format = '%Y'", "format = '%Y-%m-%d'");
        Job::parse(text, Path::new("/nowhere/small.toml"))
            .unwrap_or_else(|error| panic!("{error}"))
            .questions()
    }

    /// A line for the input, each endpoint, and each of its columns.
    fn shown(text: &str) -> String {
        let mut questions = questions(text);
        let mut lines = vec![questions["version"].to_string(), questions["input"].to_string()];
        for endpoint in questions["endpoints"].as_array_mut().unwrap() {
            let columns = endpoint.as_object_mut().unwrap().remove("columns").unwrap();
            lines.push(endpoint.to_string());
            lines.extend(columns.as_array().unwrap().iter().map(Value::to_string));
        }
        lines.join("\n")
    }

    /// Runs on disk hold the digest of this text: change it only with [`VERSION`].
    #[test]
    fn the_questions_are_written_in_the_same_words() {
        insta::assert_snapshot!(shown(JOB), @r#"
        2
        {"file":{"format":"csv"},"id":["id"],"on_duplicate":"fail","skip_lines":0,"types":[{"name":"id","value":"bigint"}]}
        {"format":"json","headers":[{"name":"x-key","value":"${KEY}"}],"method":"GET","missing":{"statuses":[404],"when":".gone == \"yes\""},"name":"one","params":[{"name":"b","value":"{{1}}"},{"name":"a","value":"${KEY}"}],"url":"https://example.org/{id}"}
        {"expression":{"jq":".x"},"from":"row","name":"x","nulls":["N/A"],"on_bad_character":"keep","on_error":"fail","ty":"text"}
        {"expression":{"jq":".y"},"format":"%Y-%m-%d","from":"row","name":"y","not_null":true,"nulls":["N/A"],"on_bad_character":"keep","on_error":"null","ty":"date"}
        {"format":"json","method":"GET","missing":{},"name":"two","url":"https://example.org/two/{one.x}"}
        {"expression":{"jq":".z"},"from":"row","name":"z","nulls":["N/A"],"on_bad_character":"keep","on_error":"fail","regex":"(\\d+)","remove":",","ty":"text"}
        {"expression":{"jq":".w"},"from":"row","name":"w","on_bad_character":"keep","on_error":"fail","ty":"timestamp","zone":"UTC"}
        "#);
    }

    /// See above.
    #[test]
    fn all_questions_are_written_in_the_same_words() {
        insta::assert_snapshot!(shown(FULL), @r#"
        2
        {"file":{"format":"csv"},"id":["id"],"on_duplicate":"fail","skip_lines":0}
        {"batch":{"column":"id","join":";","match":".id","on_absent":"alone","size":50,"split":".data[]"},"format":"jsonp","json":"{\"ids\":\"{id}\",\"deep\":[1,true,{\"x\":\"{{}}{id}\"}]}","method":"PUT","missing":{},"name":"many","ok":".fine","url":"https://example.org/many","when":{"jq":".country == \"US\""}}
        {"expression":{"jq":".a"},"from":"row","name":"a","on_bad_character":"keep","on_error":"fail","ty":"text"}
        {"form":{"fields":[{"name":"q","value":"{id}"}]},"format":"html","hosts":["example.org","*.example.org"],"method":"POST","missing":{},"name":"page","pages":{"next":{"url":"a.next"}},"rows":"table tr","url":"{page:url}"}
        {"expression":{"css":{"all":true,"attribute":"id","selector":"td"}},"from":"row","name":"b","on_bad_character":"keep","on_error":"fail","ty":"json"}
        {"expression":{"css":{"selector":"h1"}},"from":"answer","name":"c","on_bad_character":"keep","on_error":"fail","ty":"text"}
        {"body":"id={id}","format":"json","method":"POST","missing":{},"name":"piped","pipe":["python3","parse.py"],"url":"https://example.org/piped"}
        {"expression":{"jq":".d"},"from":"row","name":"d","on_bad_character":"keep","on_error":"fail","ty":"text"}
        {"format":"text","method":"GET","missing":{},"name":"text","url":"https://example.org/text"}
        {"expression":"text","from":"row","name":"e","on_bad_character":"keep","on_error":"fail","regex":"(\\d+)","ty":"text"}
        {"expression":"text","from":"row","name":"f","on_bad_character":"keep","on_error":"fail","ty":"text"}
        "#);
    }

    #[test]
    fn each_way_to_pages_is_another_question() {
        let pages = |pages: &str| {
            let more = format!("name = \"two\"\nrows = '.[]'\npages = {pages}");
            questions(&JOB.replace("name = \"two\"", &more))["endpoints"][1]["pages"]["next"].to_string()
        };
        assert_eq!(pages("{ link = true }"), r#""link""#);
        assert_eq!(pages("{ next = '.n', max = 2 }"), r#"{"url":".n"}"#);
        assert_eq!(
            pages("{ cursor = '.c', cursor_param = 'p' }"),
            r#"{"cursor":{"parameter":"p","value":".c"}}"#
        );
        assert_eq!(pages("{ offset_param = 'o' }"), r#"{"offset":{"first":0,"parameter":"o"}}"#);
        assert_eq!(
            pages("{ page_param = 'n', first = 3, more = '.m' }"),
            r#"{"number":{"first":3,"more":".m","parameter":"n"}}"#
        );
    }

    #[test]
    fn what_is_read_anew_changes_no_question() {
        for (old, new) in [
            ("name = \"small\" }", "name = \"other\", retry_rounds = 3, in_flight = 9, chunks = \"csv\" }"),
            ("ids.csv", "/elsewhere/list.csv"),
            ("timeout = \"10s\"", "max_answer = 10, retry = { attempts = 9 }"),
            ("mode = \"append\"", "mode = \"upsert\", key = \"id\""),
            ("name = \"two\"", "name = \"two\"\non_failure = \"null\""),
            ("name = \"two\"", "name = \"two\"\nidempotent = false"),
            ("name = \"two\"", "name = \"two\"\nmethod = \"GET\"\nformat = \"json\""),
            ("mode = \"append\"", "mode = \"replace_ids\", on_unlisted = \"delete\""),
            ("name = \"small\" }", "name = \"small\", keep_answers = \"all\" }"),
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
                "publish.before = [{ sql = \"ANALYZE\" }]
publish.after = [{ sql = \"FROM x\", file = \"x.csv\" }]\njob = {",
            ),
            ("job = {", "publish = { on_pause = \"publish\", min_rows = 7, max_change = 0.1 }\njob = {"),
            ("job = {", "limit.'example.org' = { rate = '3/s', quota = '9/day' }\njob = {"),
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
        let nul = shown(&moved).matches("\"on_bad_character\":\"fail\"").count();
        assert_eq!(nul, 2, "of x and z, which are text");
        let kept = moved.replace("x = '.x'", "x = { jq = '.x', on_bad_character = 'keep' }");
        let kept = kept.replace("remove = ','", "remove = ',', on_bad_character = 'keep'");
        assert_eq!(questions(&kept), questions(JOB));
    }

    #[test]
    fn a_query_is_a_question_and_who_is_asked_is_none() {
        let asked = |database: &str, query: &str| {
            let source = format!("database = \"{database}\", sql = \"{query}\"");
            questions(&JOB.replace("file = \"ids.csv\"", &source))
        };
        let usual = asked("postgres://h/one", "SELECT id FROM urls");
        assert_eq!(usual["input"]["sql"]["sql"], "SELECT id FROM urls");
        assert_eq!(asked("postgres://h/other", "SELECT id FROM urls"), usual);
        assert_ne!(asked("postgres://h/one", "SELECT id FROM films"), usual);
    }

    /// A run goes on after a limit was changed, left out, or made to count something else.
    #[test]
    fn limits_and_costs_are_no_question() {
        let with = |limit: &str, keys: &str| {
            let job = JOB.replace("job = {", &format!("limit.'example.org' = {{ {limit} }}\njob = {{"));
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
            ("id = \"id\",", "id = \"id\", columns = [\"k\"],"),
            ("id = \"id\",", "id = \"id\", on_duplicate = \"first\","),
            ("nulls = [\"N/A\"]", "nulls = [\"n/a\"]"),
            ("name = \"two\"", "name = \"due\""),
            ("https://example.org/{id}", "http://example.org/{id}"),
            ("{{1}}", "{{2}}"),
            ("a = \"${KEY}\"", "a = \"${KEY2}\""),
            ("params = { b = \"{{1}}\", a = \"${KEY}\" }", "params = { a = \"${KEY}\", b = \"{{1}}\" }"),
            ("X-Key", "X-Other"),
            ("404", "410"),
            ("\"yes\"", "\"no\""),
            ("x = '.x'", "x = '.X'"),
            ("type = 'date', format = '%Y'", "type = 'timestamp', format = '%Y'"),
            ("on_error = 'null', ", ""),
            (", not_null = true", ""),
            ("'UTC'", "'Europe/Berlin'"),
            ("nulls = []", "nulls = ['-']"),
            ("remove = ','", "remove = '.'"),
            ("(\\d+)", "(\\d*)"),
            ("{one.x}", "{one.y}"),
            ("remove = ','", "remove = ',', on_bad_character = 'replace'"),
            ("remove = ','", "remove = ',', on_bad_character = 'fail'"),
            ("ids.csv\"", "ids.csv\", format = \"tsv\""),
            ("file = \"ids.csv\"", "database = \"duckdb:\", sql = \"SELECT 1 AS id\""),
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
    fn each_source_of_a_list_is_another_question() {
        let sources = [
            "file = \"ids.csv\"",
            "file = \"ids.txt\"",
            "file = \"-\"",
            "file = \"-\", format = \"csv\"",
            "ids = [\"a\", \"b\"]",
            "ids = [\"a,b\"]",
            "database = \"duckdb:\", sql = \"SELECT 1 AS id\"",
            "file = \"ids.csv\", quote = \"none\"",
            "file = \"ids.csv\", quote = \"'\"",
            "file = \"ids.csv\", delimiter = \";\"",
            "file = \"ids.csv\", encoding = \"cp1252\"",
            "file = \"ids.csv\", comment = \"#\"",
            "file = \"ids.csv\", skip_lines = 1",
        ];
        let all: Vec<Value> =
            sources.iter().map(|source| questions(&JOB.replace("file = \"ids.csv\"", source))).collect();
        for (at, one) in all.iter().enumerate() {
            assert!(one["input"].is_object(), "{one}");
            assert!(!all[at + 1..].contains(one), "{}", sources[at]);
        }
    }

    /// What says nothing of a key says something in what is sent.
    #[test]
    fn false_null_and_nothing_are_told_apart_in_what_is_sent() {
        let sent = |keys: &str| {
            questions(&JOB.replace("name = \"two\"", &format!("name = \"two\"\nmethod = \"POST\"\n{keys}")))
        };
        let bodies =
            ["", "form = {}", "body = \"\"", "json = {}", "json = { a = false }", "json = { a = [] }"];
        for (at, one) in bodies.iter().enumerate() {
            for other in &bodies[at + 1..] {
                assert_ne!(sent(one), sent(other), "{one} {other}");
            }
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
            (", on_absent = 'alone'", ", on_absent = 'missing'"),
            (", on_absent = 'alone'", ", on_absent = 'alone', status = '.s'"),
            (", on_absent = 'alone'", ", on_absent = 'alone', unprocessed = '.u[]'"),
            ("jsonp", "jsonl"),
            ("ok = \".fine\"", "ok = \".good\""),
            (", \"*.example.org\"", ""),
            ("form = { q =", "form = { r ="),
            ("form = { q = \"{id}\" }", "body = \"q={id}\""),
            ("body = \"id={id}\"", "body = \"id={id} \""),
            ("table tr", "tr"),
            ("pages = { next = \"a.next\", max = 5 }", ""),
            ("a.next", "a"),
            ("css = \"td\"", "css = \"th\""),
            ("attr = \"id\", ", ""),
            (", all = true", ", type = \"json\""),
            (", from = \"answer\"", ""),
            (", \"parse.py\"", ""),
            ("pipe = [\"python3\", \"parse.py\"]", ""),
            ("e = '(\\d+)'", "e = '(\\d*)'"),
            ("f = {}", "f = '.*'"),
        ] {
            assert_eq!(FULL.matches(old).count(), 1, "{old}");
            assert_ne!(questions(&FULL.replace(old, new)), questions(FULL), "{new}");
        }
        for (old, new) in [
            ("max = 5", "max = 6"),
            ("method = \"PUT\"", "idempotent = false\nmethod = \"PUT\""),
            (", on_absent = 'alone'", ""),
        ] {
            assert_eq!(questions(&FULL.replace(old, new)), questions(FULL), "{new}");
        }
    }
}
