//! One case for each kind of mistake: the films job with something wrong in it, which alone is reported, in its line.

use super::{FILMS, films_with, line_of, mistakes_of, small};

/// Puts `new` in place of `old` and expects one mistake, in the line of `new`, that says `says`.
#[track_caller]
fn one(old: &str, new: &str, says: &str) {
    one_at(old, new, new, says);
}

/// Puts `new` in place of `old` and expects one mistake, in the line of `at`, that says `says`.
#[track_caller]
fn one_at(old: &str, new: &str, at: &str, says: &str) {
    let text = films_with(old, new);
    let found = mistakes_of(&text);
    let [mistake] = found.as_slice() else { panic!("{new:?}: one mistake expected, found {found:#?}") };
    let said = format!("{}\nhint: {}", mistake.message, mistake.hint);
    assert!(said.contains(says), "{new:?}: {says:?} expected, found {said:?}");
    assert_eq!(mistake.line, line_of(&text, at), "{new:?}: {said}");
    assert!(!mistake.hint.is_empty() && mistake.columns.start < mistake.columns.end, "{mistake:?}");
}

#[test]
fn sections_and_keys() {
    one("[publish]", "[publsh]", "unknown key `publsh` in the job file\nhint: did you mean `publish`?");
    one("params = {", "parms = {", "unknown key `parms` in [[endpoint]]\nhint: did you mean `params`?");
    one(
        "remove = \",\", type = \"bigint\" }\nrating",
        "trim = \",\", type = \"bigint\" }\nrating",
        "unknown key `trim`",
    );
    one("retry_rounds = 2", "min_success = 1", "hint: it belongs in [[endpoint]] or [publish]");
    one("chunks = \"csv\"", "colour = 1", "hint: the keys here are `name`, `chunks`");
    one("backoff = \"100ms\" }", "back_off = \"100ms\" }", "did you mean `backoff`?");
    one("[publish]", "[[publish]]", "expected a table, found a list");
}

#[test]
fn values_of_the_wrong_shape() {
    one("in_flight = 64", "in_flight = \"64\"", "expected a whole number, found text");
    one("in_flight = 64", "in_flight = 64.0", "found a number with a point");
    one("name = \"films\"", "name = 3", "expected text, found an integer\nhint: put it in quotes");
    one("not_null = true", "not_null = \"true\"", "expected true or false, found text");
    one("columns = [\"country\"]", "columns = \"country\"", "expected a list, found text");
    one("title = \".Title\"", "title = 3", "expected an expression or a table, found an integer");
    one("timeout = \"20s\"", "timeout = 20", "expected a duration in quotes, found an integer");
    one("timeout = \"20s\"", "timeout = \"20\"", "not a duration");
    one("max_answer = \"1MiB\"", "max_answer = \"1 MiX\"", "not a size");
    one("max_answer = \"1MiB\"", "max_answer = true", "expected a size, found true or false");
    one("min_success = 0.98", "min_success = \"98%\"", "expected a share, found text");
    one(
        "params = { i = \"{imdb_id}\", y = \"{year}\", apikey = \"${OMDB_KEY}\" }",
        "params = \"i={imdb_id}{year}\"",
        "expected a table",
    );
}

#[test]
fn numbers_out_of_bounds() {
    one("in_flight = 64", "in_flight = 0", "0 is out of bounds\nhint: write a whole number from 1 to 65535");
    one("in_flight = 64", "in_flight = 65_536", "out of bounds");
    one("in_flight = 64", "in_flight = -1", "-1 is out of bounds");
    one("retry_rounds = 2", "retry_rounds = 11", "from 0 to 10");
    one("shard_size = 10_000", "shard_size = 63", "from 64 to");
    one("attempts = 3", "attempts = 0", "from 1 to 100");
    one("attempts = 3", "attempts = 101", "from 1 to 100");
    one("max_depth = 64", "max_depth = 513", "from 1 to 512");
    one("max_depth = 64", "max_depth = 99999999999999999999", "out of bounds");
    one("max_answer = \"1MiB\"", "max_answer = \"1025MiB\"", "at most 1.0 GiB");
    one("max_answer = \"1MiB\"", "max_answer = 0", "0 bytes are out of bounds");
    one("min_success = 0.98", "min_success = 1.01", "1.01 is not a share");
    one("min_success = 0.98", "min_success = nan", "is not a share");
    one("min_success = 0.98", "min_success = -0.5", "is not a share");
    one("timeout = \"20s\"", "timeout = \"0s\"", "out of bounds");
    one("timeout = \"20s\"", "timeout = \"300000years\"", "out of bounds");
    one("backoff = \"100ms\"", "backoff = \"31s\"", "`backoff` is longer than `max_backoff`, 30s");
}

#[test]
fn words() {
    one("chunks = \"csv\"", "chunks = \"cvs\"", "unknown word \"cvs\"\nhint: did you mean `csv`?");
    one("mode = \"upsert\"", "mode = \"insert\"", "unknown word \"insert\"");
    one("key = [\"imdb_id\"]", "on_unlisted = \"lose\"\nkey = [\"imdb_id\"]", "write \"keep\" or \"delete\"");
    one("keep_answers = \"none\"", "keep_answers = \"some\"", "write \"failed\", \"all\" or \"none\"");
    one("on_duplicate = \"first\"", "on_duplicate = true", "expected a word in quotes, found true or false");
    one("on_duplicate = \"first\"", "on_duplicate = \"2nd\"", "write \"fail\", \"keep\" or \"first\"");
    one("allow_empty = true", "allow_empty = 1", "expected true or false, found an integer");
    one("on_error = \"null\"", "on_error = \"zero\"", "write \"fail\" or \"null\"");
    one("on_failure = \"keep\"", "on_failure = \"lose\"", "write \"skip\", \"null\" or \"keep\"");
    one("run = \"run.id\"", "run = \"run_id\"", "did you mean `run.id`?");
}

#[test]
fn types() {
    for word in ["bytea", "binary", "bytes", "varbinary(16)", "VARBINARY", "longblob"] {
        one("\"decimal(3,1)\"", &format!("\"{word}\""), "hint: write \"blob\"");
    }
    for word in ["array", "list", "text[]", "varchar(9)[]", "bigint[]"] {
        one("\"decimal(3,1)\"", &format!("\"{word}\""), "hint: write \"json\"");
    }
    one("\"decimal(3,1)\"", "\"decimal(3,4)\"", "unknown type \"decimal(3,4)\"\nhint: write decimal(p,s)");
    one("\"decimal(3,1)\"", "\"decimal\"", "write decimal(p,s)");
    one("\"decimal(3,1)\"", "\"float\"", "write \"double\"");
    one("\"decimal(3,1)\"", "\"VARCHAR(20)\"", "write \"text\"");
    one("\"decimal(3,1)\"", "\"bigin\"", "did you mean `bigint`?");
    one("year = \"integer\"", "year = \"int\"", "write \"integer\"");
    one(
        "year = \"integer\"",
        "yaer = \"integer\"",
        "uses no column `yaer` of the list\nhint: did you mean `year`?",
    );
}

#[test]
fn names() {
    for name in ["", "a b", "../x", "-x", "fílms", &"x".repeat(65)] {
        one("name = \"films\"", &format!("name = \"{name}\""), "is no name for a job");
    }
    for name in ["", "1st", "a-b", "a.b", &"x".repeat(49)] {
        one("name = \"business\"", &format!("name = \"{name}\""), "is no name for an endpoint");
    }
    one("name = \"business\"", "name = \"OMDB\"", "a second endpoint named \"OMDB\"");
    for name in ["\"\"", "\"a\\u0000b\""] {
        one("released = {", &format!("{name} = {{"), "is no name for a column");
    }
    one("columns = [\"country\"]", "columns = [\"country\", \"a\\u0000b\"]", "is no name for a column");
}

#[test]
fn columns_of_the_same_name() {
    one("released = {", "Title = {", "a second column named `Title`\nhint: an endpoint has `title` already");
    one("released = {", "imdb_ID = {", "hint: the id has `imdb_id` already");
    one("{ budget = {", "{ Country = {", "hint: `columns` of [input] has `country` already");
    one("run = \"run.id\"", "BUDGET = \"run.id\"", "hint: an endpoint has `budget` already");
    one("columns = [\"country\"]", "columns = [\"country\", \"imdb_id\"]", "the id has `imdb_id` already");
}

#[test]
fn the_list() {
    one("file = \"../film_ids.csv\"", "file = \"film_ids.xlsx\"", "ending does not tell its format");
    one("file = \"../film_ids.csv\"", "file = \"film_ids.xlsx.gz\"", "ending does not tell its format");
    let file = "file = \"../film_ids.csv\"";
    for (key, says) in [
        ("delimiter = \";;\"", "\";;\" is no delimiter"),
        ("delimiter = \"é\"", "\"é\" is no delimiter"),
        ("quote = \"\"", "\"\" is no quote"),
        ("delimiter = \"'\"\nquote = \"'\"", "`delimiter` and `quote` are the same character"),
        ("encoding = \"cp437\"", "unknown encoding \"cp437\""),
        ("comment = \"\"", "`comment` names no beginning of a line"),
        ("skip_lines = -1", "-1 is out of bounds"),
    ] {
        let at = key.lines().next().unwrap();
        one_at(file, &format!("{file}\n{key}"), at, says);
    }
    let parquet = "file = \"film_ids.parquet\"\nencoding = \"cp1252\"";
    one_at(file, parquet, "encoding", "`encoding` has no effect on this list");
    let jsonl = "file = \"film_ids.jsonl.gz\"\ndelimiter = \";\"";
    one_at(file, jsonl, "delimiter", "`delimiter` has no effect on this list");
    one("file = \"../film_ids.csv\"", "file = \"\"", "no path");
    one("file = \"../film_ids.csv\"", "file = \"~/ids.csv\"", "`~` is not expanded");
    one("file = \"../film_ids.csv\"", "file = \"s3://ids/ids.csv\"", "not yet supported: a URL");
    one("id = \"imdb_id\"\ncolumns", "ids = [\"a\"]\nid = \"imdb_id\"\ncolumns", "both `file` and `ids`");
    one_at(
        "file = \"../film_ids.csv\"\n",
        "",
        "[input]",
        "[input] lacks `file`, `ids`, `database` or `queue`",
    );
    one("id = \"imdb_id\"\ncolumns", "id = []\ncolumns", "an empty list of columns");
    one_at("id = \"imdb_id\"\ncolumns", "columns", "[input]", "[input] lacks `id`");
}

#[test]
fn a_list_of_bare_ids_has_no_other_columns() {
    let text = films_with("../film_ids.csv", "film_ids.txt");
    let found: Vec<String> = mistakes_of(&text).into_iter().map(|mistake| mistake.message).collect();
    assert_eq!(found, ["the list has no column `country`", "the list has no column `year`"]);
    let text = films_with("file = \"../film_ids.csv\"", "format = \"csv\"\nids = []");
    let text = text
        .replace("allow_empty = true\n", "")
        .replace("columns = [\"country\"]\n", "")
        .replace("y = \"{year}\", ", "");
    let text = text.replace("types = { country = \"text\", year = \"integer\" }\n", "");
    let found: Vec<String> = mistakes_of(&text).into_iter().map(|mistake| mistake.message).collect();
    assert_eq!(found, ["`format` without a file", "the list is empty"]);
}

#[test]
fn urls() {
    let url = "url = \"https://www.omdbapi.com/\"";
    for (new, says) in [
        ("ftp://www.omdbapi.com/", "does not start with http:// or https://"),
        ("www.omdbapi.com", "does not start with http:// or https://"),
        ("{imdb_id}", "\"{column:url}\" alone is a whole URL from the list"),
        ("{imdb_id:url}?x=1", "a whole URL from the list beside other text"),
        ("https://omdbapi.com/{imdb_id:url}", "a whole URL from the list beside other text"),
        ("${HOST}/x", "does not start with http:// or https://"),
        ("https://{imdb_id}.omdbapi.com/", "the host is not literal"),
        ("https://omdbapi.com:{imdb_id}/", "the host is not literal"),
        ("https://omdbapi.com{imdb_id}", "the host is not literal"),
        ("https://me:secret@omdbapi.com/", "a user name in the URL"),
        ("https://${ME}@omdbapi.com/", "the host is not literal"),
        ("https://", "no valid host"),
        ("https:///x", "no valid host"),
        ("https://a b/", "no valid host"),
        ("https://omdbapi.com:99999/", "no valid host"),
        ("https://omdbapi.com/#top", "a fragment"),
        ("https://omdbapi.com/a b", "a space or control character"),
        ("https://omdbapi.com/a\\\\b", "a backslash"),
        ("https://omdbapi.com/../x", "`.` or `..` in the URL's path"),
        ("https://omdbapi.com/%2E%2e/x", "`.` or `..` in the URL's path"),
    ] {
        one(url, &format!("url = \"{new}\""), says);
    }
}

#[test]
fn templates() {
    one("i = \"{imdb_id}\"", "i = \"{imdb_id\"", "a `{` without its `}`");
    one("i = \"{imdb_id}\"", "i = \"{imdb_id}}\"", "a `}` without its `{`");
    one("i = \"{imdb_id}\"", "i = \"{}\"", "names no column");
    one("i = \"{imdb_id}\"", "i = \"{ imdb_id }\"", "names no column");
    one("i = \"{imdb_id}\"", "i = \"{imdb_id:url}\"", "`{imdb_id:url}` is a whole URL, which stands alone");
    one("apikey = \"${OMDB_KEY}\"", "apikey = \"${OMDB-KEY}\"", "is no name of a secret");
    one(
        "/{omdb.title}/",
        "/{imdb.title}/",
        "unknown endpoint `imdb` in `{imdb.title}`\nhint: did you mean `omdb`?",
    );
    one(
        "/{omdb.title}/",
        "/{omdb.titel}/",
        "endpoint `omdb` has no column `titel`\nhint: did you mean `title`?",
    );
}

#[test]
fn a_templates_mistake_is_pointed_at() {
    let text = films_with("/{omdb.title}/", "/{omdb.titel}/");
    let mistake = mistakes_of(&text).remove(0);
    let line = text.lines().nth(mistake.line - 1).expect("the line");
    let at = line.find("omdb.titel").expect("the name") + 1;
    assert_eq!(mistake.columns, at..at + "omdb.titel".len());
}

#[test]
fn headers() {
    one("X-Key = \"${OMDB_KEY}\"", "\"X Key\" = \"${OMDB_KEY}\"", "is no name for a header");
    one("X-Key = \"${OMDB_KEY}\"", "\"\" = \"x\"", "is no name for a header");
    one("X-Key = \"${OMDB_KEY}\"", "ACCEPT = \"x\"", "a second header `ACCEPT`");
    for name in ["Host", "content-length", "Connection", "Transfer-Encoding"] {
        one("X-Key = \"${OMDB_KEY}\"", &format!("{name} = \"x\""), "is windrow's own to send");
    }
    one("X-Key = \"${OMDB_KEY}\"", "X-Key = \"a\\nb\"", "`\\n` cannot stand in a header");
    one("X-Key = \"${OMDB_KEY}\"", "X-Key = \"né\"", "`é` cannot stand in a header");
    one("User-Agent = \"films/1.0\"", "User-Agent = \"{omdb\"", "a `{` without its `}`");
}

#[test]
fn circles() {
    let text = films_with("y = \"{year}\"", "y = \"{business.budget}\"").replace(", year = \"integer\"", "");
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "endpoints wait for each other: omdb needs business needs omdb");
    assert_eq!(found[0].line, line_of(&text, "name = \"omdb\""));
    let text = films_with("/{omdb.title}/", "/{business.budget}/");
    assert_eq!(mistakes_of(&text)[0].message, "endpoint `business` uses its own answer");
}

#[test]
fn circles_are_found_where_endpoints_have_other_mistakes_too() {
    let text = films_with("y = \"{year}\"", "y = \"{business.budget}\"").replace(", year = \"integer\"", "");
    let text = text.replace(".Title\"", ".Title |\"").replace("1MiB", "1XB");
    let found: Vec<usize> = mistakes_of(&text).into_iter().map(|mistake| mistake.line).collect();
    let expected = ["name = \"omdb\"", "title = ", "1XB"].map(|part| line_of(&text, part));
    assert_eq!(found, expected);
}

/// A header of the defaults counts for the endpoints that do not have their own.
#[test]
fn circles_through_the_defaults() {
    let agent = "User-Agent = \"films/1.0\"";
    one_at(agent, "User-Agent = \"{omdb.title}\"", "name = \"omdb\"", "endpoint `omdb` uses its own answer");
    let text = films_with(agent, "User-Agent = \"{omdb.title}\"");
    let own = text.replace("params = {", "headers = { user-agent = \"x\" }\nparams = {");
    assert_eq!(mistakes_of(&own), []);
}

#[test]
fn jq_and_regular_expressions() {
    one("title = \".Title\"", "title = \".Title |\"", "jq does not parse");
    one("title = \".Title\"", "title = \"Title\"", "no jq function `Title`");
    one("title = \".Title\"", "title = \"env.HOME\"", "jq function `env` is not available");
    one("title = \".Title\"", "title = \"$ENV.HOME\"", "no jq");
    one("missing = ['.Response == \"False\"', 404, 410]", "missing = '.Response ='", "jq does not parse");
    one(
        "regex = '\\$([\\d,]+)'",
        "regex = '\\$([\\d,]+'",
        "the regular expression does not compile: unclosed group",
    );
    one("regex = '\\$([\\d,]+)'", "regex = '(\\$)([\\d,]+)'", "more than one capture group");
    one("regex = '\\$([\\d,]+)'", "regex = '(?=x)'", "look-around");
}

#[test]
fn missing() {
    one("404, 410]", "404, 410, '.x']", "a second jq condition\nhint: join the two with `or`");
    one("404, 410]", "404, 200]", "200 is no HTTP status");
    one("404, 410]", "404, 40400000000000]", "is no HTTP status");
    one("404, 410]", "404, true]", "expected an HTTP status or a jq condition");
    one("missing = ['.Response == \"False\"', 404, 410]", "missing = 404", "hint: write a list: [404]");
}

#[test]
fn conversions() {
    let votes = "votes = { jq = \".imdbVotes\", remove = \",\", type = \"bigint\" }";
    one(
        votes,
        "votes = { jq = \".\", remove = \",\", type = \"json\" }",
        "`remove` on a column of type json",
    );
    one(votes, "votes = { jq = \".\", regex = \"x\", type = \"json\" }", "`regex` on a column of type json");
    one(votes, "votes = { jq = \".\", format = \"%Y\" }", "`format` on a column of type text");
    one(votes, "votes = { jq = \".\", zone = \"UTC\", type = \"date\" }", "`zone` on a column of type date");
    one(votes, "votes = { jq = \".\", remove = \"\" }", "`remove` without characters");
    one(
        votes,
        "votes = { jq = \".\", on_bad_character = \"keep\", type = \"date\" }",
        "`on_bad_character` on a column of type date",
    );
    one(
        votes,
        "votes = { jq = \".\", on_bad_character = \"drop\" }",
        "write \"keep\", \"fail\" or \"replace\"",
    );
    one(votes, "votes = { type = \"bigint\" }", "the column lacks `jq`");
    let of_bytes = |more: &str| format!("votes = {{ jq = \".\", type = \"blob\"{more} }}");
    one(
        votes,
        &of_bytes(""),
        "a column of bytes without `format`\nhint: add format = \"base64\" or format = \"hex\"",
    );
    one(
        votes,
        &of_bytes(", format = \"base64url\""),
        "no bytes are written as \"base64url\"\nhint: write format =",
    );
    one(votes, &of_bytes(", format = \"hex\", zone = \"UTC\""), "`zone` on a column of type blob");
    one(
        votes,
        &of_bytes(", format = \"hex\", on_bad_character = \"keep\""),
        "`on_bad_character` on a column of type blob",
    );
    one("\"%d %b %Y\"", "\"%d %q %Y\"", "the format cannot be read back");
    one("\"%d %b %Y\"", "\"%b %Y\"", "the format cannot be read back");
    one("\"%d %b %Y\"", "\"released\"", "the format cannot be read back");
    one("zone = \"Europe/Berlin\"", "zone = \"Europe/Berlim\"", "did you mean `Europe/Berlin`?");
    one("zone = \"Europe/Berlin\"", "zone = \"\"", "unknown time zone");
}

#[test]
fn formats_that_can_be_read_back() {
    for format in ["%Y-%m-%d", "%d/%m/%y", "%B %e, %Y", "%Y%m%d", "%j %Y", "%s", "%Y-%m-%dT%H:%M:%S"] {
        assert_eq!(mistakes_of(&films_with("%d %b %Y", format)), [], "{format}");
    }
    for format in
        ["%s", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%.f", "%d.%m.%Y %I:%M %p", "%Y-%m-%d", "%FT%T%:z"]
    {
        let text = films_with("zone = \"Europe/Berlin\"", &format!("format = \"{format}\""));
        assert_eq!(mistakes_of(&text), [], "{format}");
    }
}

#[test]
fn endpoints() {
    let columns = "columns = { budget = { jq = \".budget[0]\", regex = '\\$([\\d,]+)', remove = \",\", type = \"bigint\" } }";
    one(columns, "columns = {}", "an endpoint without columns");
    one_at("url = \"https://www.omdbapi.com/\"\n", "", "[[endpoint]]", "[[endpoint]] lacks `url`");
    let two_brackets = films_with("[publish]\nmin_success = 0.98", "");
    let none = two_brackets.replace("[[endpoint]]\nname = \"omdb\"", "[x]").replace("[[endpoint]]", "[y]");
    assert!(
        mistakes_of(&none.replace("[endpoint.columns]", "[z]"))
            .iter()
            .any(|one| one.message == "the job file lacks `endpoint`")
    );
    let many: String = (0..65)
        .map(|number| format!("[[endpoint]]\nname='e{number}'\nurl='http://x/'\ncolumns={{c{number}='.'}}\n"))
        .collect();
    let start = FILMS.find("[[endpoint]]").expect("there");
    let end = FILMS.find("[table]").expect("there");
    let text = format!("{}{many}{}", FILMS[..start].replace(", year = \"integer\"", ""), &FILMS[end..]);
    let found = mistakes_of(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "65 endpoints are too many");
}

#[test]
fn an_endpoint_in_single_brackets() {
    let text = FILMS[..FILMS.find("[[endpoint]]\nname = \"business\"").expect("there")]
        .replace("[[endpoint]]", "[endpoint]")
        + &FILMS[FILMS.find("[table]").expect("there")..];
    let found = mistakes_of(&text);
    assert_eq!(found[0].message, "expected a list, found a table");
    assert!(found[0].hint.contains("[[endpoint]]"), "{}", found[0].hint);
}

#[test]
fn the_table() {
    let to = "to = \"duckdb:../films.duckdb\"";
    one(
        to,
        "to = \"films.duckdb\"",
        "unknown destination \"films.duckdb\"\nhint: write \"postgres://…\" or \"mysql://…\", or",
    );
    one(to, "to = \"oracle:x\"", "unknown destination \"oracle:x\"");
    one(
        to,
        "to = \"postgress://u:geheim@h/d\"",
        "destination \"postgress://…\"\nhint: did you mean `postgres`?",
    );
    one(to, "to = \"duckdb:\"", "no path");
    one(to, "to = \"duckdb::memory:\"", "unknown destination");
    one(
        to,
        "to = \"duckdb:/tmp\"",
        "\"duckdb:/tmp\" is a directory\nhint: write duckdb: and the path of a file",
    );
    one(to, "to = \"duckdb:films/\"", "is a directory");
    one("name = \"main.films\"", "name = \"a.b.c\"", "is no name for a table");
    for name in ["", "main.", ".films", "main. films", "\\\"a\\\"b", "\\\"\\\"", "a\\u0000"] {
        one("name = \"main.films\"", &format!("name = \"{name}\""), "is no name for a table");
    }
    one("name = \"main.films\"", "name = \"Windrow_Runs\"", "is the table of the runs");
    one("name = \"main.films\"", "name = 7", "expected text, found an integer");
}

#[test]
fn keys() {
    let key = "key = [\"imdb_id\"]";
    one(key, "key = [\"imdbid\"]", "is no column of the table\nhint: did you mean `imdb_id`?");
    one(key, "key = \"fetched_at\"", "is no column of the table");
    one(key, "key = [\"imdb_id\", \"imdb_id\"]", "stands twice in the key");
    one(key, "key = [\"imdb_id\", \"budget\"]", "has no value when its endpoint fails");
    let text = films_with("country = \"text\"", "country = \"double\"")
        .replace(key, "key = [\"imdb_id\", \"country\"]");
    assert_eq!(mistakes_of(&text)[0].message, "`country` is double, and no key");
    let found = |text: &str| -> Vec<(usize, String)> {
        mistakes_of(text).into_iter().map(|one| (one.line, one.message)).collect()
    };
    let text = films_with(key, "")
        .replace("mode = \"upsert\"", "mode = \"append\"")
        .replace("on_pause = \"publish\"\n", "");
    let lost = "what the table has is found by a key, and [table] names none";
    assert_eq!(found(&text), [(line_of(&text, "on_failure"), lost.to_owned())]);
    let text = small("rows = '.[]'").replace("append", "upsert");
    assert_eq!(found(&text), [(line_of(&text, "mode = "), "upsert without a key".to_owned())]);
}

#[test]
fn syntax() {
    one("name = \"films\"", "name = films", "not TOML");
    one("name = \"films\"", "name = \"films", "not TOML");
    one("regex = '\\$([\\d,]+)'", "regex = \"\\$x\"", "in single quotes a backslash is itself");
    one("chunks = \"csv\"", "name = \"twice\"", "a key may stand only once");
}
