//! What people write who come from other tools: each word leads to the key that is meant, or to what to do instead.
//!
//! The words are those of the documentation of dlt (rest_api), Airbyte (low-code), Redpanda Connect (http, rate_limit,
//! retry), Meltano and Singer, qsv fetch, Scrapy, requests and urllib3, pandas, dbt and curl; the first 23 are a newcomer's guesses.

use super::{mistakes_of, small};

/// A job with a key in a section, and nothing else wrong.
fn with(section: &str, key: &str) -> String {
    let line = format!("{key} = 1");
    match section {
        "[[endpoint]]" => small(&line),
        "[defaults]" => format!("defaults = {{ {line} }}\n{}", small("")),
        "[job]" => {
            small("").replace("job.name = \"small\"", &format!("job = {{ name = \"small\", {line} }}"))
        }
        "[input]" => small("").replace("id = \"id\",", &format!("id = \"id\", {line},")),
        "[table]" => small("").replace("mode = \"append\"", &format!("mode = \"append\", {line}")),
        "[publish]" => format!("publish = {{ {line} }}\n{}", small("")),
        "[limit]" => format!("limit.\"example.org\" = {{ in_flight = 1, {line} }}\n{}", small("")),
        "retry" => small(&format!("retry = {{ {line} }}")),
        "batch" => small(&format!(
            "batch = {{ size = 2, split = '.[]', match = '.id', {line} }}\nparams = {{ ids = '{{id}}' }}\nurl = 'http://h/'"
        )),
        "pages" => small(&format!("rows = '.[]'\npages = {{ link = true, {line} }}")),
        "column" => small(&format!("columns = {{ x = {{ jq = '.x', {line} }} }}")),
        "[notify]" => format!("notify = {{ url = 'http://h/', {line} }}\n{}", small("")),
        "[serve]" => format!("serve = {{ max_rows = 10, {line} }}\n{}", small("")),
        "[[publish.after]]" => format!("{}[[publish.after]]\nsql = 'FROM x'\n{line}\n", small("")),
        "queue" => small("").replace("file = \"ids.csv\"", &format!("queue = {{ {line} }}")),
        "file" => format!("{line}\n{}", small("")),
        section => panic!("{section}"),
    }
}

const WORDS: &[(&str, &[&str], &str)] = &[
    // A newcomer's guesses.
    ("[job]", &["concurrency", "workers", "parallel"], "in_flight = 128"),
    ("[[endpoint]]", &["max_retries", "retries"], "attempts = 4"),
    ("[[endpoint]]", &["data_selector"], "rows = "),
    ("[[endpoint]]", &["paginator", "pagination"], "pages = "),
    ("[[endpoint]]", &["on_error"], "on_failure = "),
    ("[[endpoint]]", &["rate_limit"], "rate = \"5/s\""),
    ("[[endpoint]]", &["data", "payload"], "json = "),
    ("[[endpoint]]", &["not_found"], "missing = [404]"),
    ("[[endpoint]]", &["verb"], "method = "),
    ("[[endpoint]]", &["if"], "when = "),
    ("[table]", &["primary_key"], "key = "),
    ("[table]", &["write_disposition"], "mode = "),
    ("[table]", &["destination", "output"], "to = "),
    ("[table]", &["table"], "name = "),
    ("[input]", &["primary_key"], "id = "),
    ("[input]", &["source"], "file = "),
    ("column", &["dtype"], "type = "),
    ("column", &["default"], "// 0"),
    ("column", &["thousands"], "remove = "),
    // dlt
    ("[[endpoint]]", &["path", "resource", "response_actions", "next_url_path", "cursor_path"], "write "),
    ("[input]", &["include_from_parent"], "columns = "),
    ("[table]", &["merge_key"], "replace_ids"),
    ("[table]", &["schema_contract"], "on_new_column = \"add\""),
    ("file", &["client", "resources", "resource_defaults"], "write "),
    ("pages", &["maximum_page"], "max = 100"),
    ("pages", &["next_url_path"], "next = "),
    ("pages", &["has_more_path"], "more = "),
    ("pages", &["offset"], "offset_param = "),
    ("pages", &["base_page"], "first = 0"),
    ("pages", &["total_path"], "empty page"),
    // Airbyte
    ("[[endpoint]]", &["request_parameters"], "params = "),
    ("[[endpoint]]", &["request_headers"], "headers = "),
    ("[[endpoint]]", &["request_body_json", "request_body_data"], "json = "),
    ("[[endpoint]]", &["url_base"], "url = "),
    ("[[endpoint]]", &["record_selector", "extractor"], "rows = "),
    ("[[endpoint]]", &["record_filter"], "when = "),
    ("[[endpoint]]", &["error_handler", "error_message_contains"], "ok = "),
    ("[[endpoint]]", &["backoff_strategies"], "backoff = "),
    ("[[endpoint]]", &["authenticator"], "${API_TOKEN}"),
    ("[[endpoint]]", &["decoder"], "format = "),
    ("[[endpoint]]", &["http_method"], "method = "),
    ("[[endpoint]]", &["partition_router", "parent_stream"], "{other.column}"),
    ("[[endpoint]]", &["transform"], "pipe = "),
    ("[defaults]", &["api_budget"], "rate = "),
    ("column", &["field_path"], "jq = "),
    ("[table]", &["sync_mode", "destination_sync_mode"], "mode = "),
    // Redpanda Connect
    ("[[endpoint]]", &["successful_on"], "ok = "),
    ("[[endpoint]]", &["drop_on", "backoff_on"], "on = [429"),
    ("[[endpoint]]", &["retry_period", "max_retry_backoff"], "backoff"),
    ("[[endpoint]]", &["follow_redirects"], "max_redirects = 0"),
    ("[[endpoint]]", &["proxy_url"], "proxy = \"environment\""),
    ("[[endpoint]]", &["tls", "skip_cert_verify"], "ca_file = "),
    ("[[endpoint]]", &["basic_auth", "oauth2"], "write auth = "),
    ("[limit]", &["count"], "rate = "),
    ("[limit]", &["interval"], "rate = \"1/2s\""),
    ("file", &["input_resources", "rate_limit"], ""),
    // Meltano, Singer
    ("[table]", &["load_method", "key_properties", "add_record_metadata"], "write "),
    ("[table]", &["replication_method"], "mode = "),
    ("[[endpoint]]", &["records_path", "next_page_token_path"], "write "),
    ("file", &["streams"], "[[endpoint]]"),
    // qsv fetch
    ("[job]", &["max_errors"], "max_failed"),
    ("[limit]", &["rate_limit"], "rate = "),
    ("[[endpoint]]", &["jaq"], "[endpoint.columns]"),
    ("[[endpoint]]", &["user_agent"], "user-agent"),
    ("[job]", &["cache", "store_response"], "keep_answers = "),
    // Scrapy
    ("[job]", &["CONCURRENT_REQUESTS"], "in_flight"),
    ("[defaults]", &["DOWNLOAD_DELAY"], "rate = "),
    ("[defaults]", &["DOWNLOAD_TIMEOUT"], "timeout = "),
    ("[defaults]", &["RETRY_TIMES"], "attempts = 4"),
    ("[defaults]", &["RETRY_HTTP_CODES"], "on = [429"),
    ("[defaults]", &["DOWNLOAD_MAXSIZE"], "max_answer = "),
    ("[defaults]", &["handle_httpstatus_list"], "missing = "),
    ("file", &["start_urls"], "[input]"),
    ("[input]", &["start_urls"], "ids = "),
    ("column", &["getall"], "all = true"),
    ("column", &["re"], "regex = "),
    ("column", &["xpath"], "css = "),
    // requests, urllib3, aiohttp, curl
    ("[[endpoint]]", &["allow_redirects"], "max_redirects = 0"),
    ("[[endpoint]]", &["verify"], "ca_file = "),
    ("[[endpoint]]", &["cert"], "client_certificate_file = "),
    ("[[endpoint]]", &["trust_env"], "proxy = \"none\""),
    ("[[endpoint]]", &["proxies"], "proxy = \"environment\""),
    ("[[endpoint]]", &["cookies"], "headers = { cookie"),
    ("[[endpoint]]", &["files"], "json = "),
    ("[[endpoint]]", &["raise_for_status"], "ok = "),
    ("[[endpoint]]", &["max_time", "read_timeout"], "timeout = "),
    ("[[endpoint]]", &["connection_timeout"], "connect_timeout = "),
    ("retry", &["total", "max_tries"], "attempts = 4"),
    ("retry", &["status_forcelist"], "on = [429"),
    ("retry", &["backoff_factor"], "backoff = "),
    ("retry", &["backoff_max"], "max_backoff = "),
    ("retry", &["max_elapsed_time"], "deadline = "),
    ("retry", &["respect_retry_after_header"], "Retry-After"),
    ("[limit]", &["requests_per_second", "max_concurrency"], "write "),
    ("[limit]", &["capacity"], "burst = 5"),
    // pandas
    ("[input]", &["sep"], "delimiter = "),
    ("[input]", &["usecols"], "columns = "),
    ("[input]", &["dtype"], "types = "),
    ("[input]", &["skiprows"], "skip_lines = 1"),
    ("[input]", &["quotechar"], "quote = "),
    ("[input]", &["nrows"], "--sample 100"),
    ("[input]", &["index_col"], "id = "),
    ("[input]", &["compression"], ".gz"),
    ("[input]", &["drop_duplicates"], "on_duplicate = "),
    ("[[endpoint]]", &["na_values"], "nulls = "),
    ("[[endpoint]]", &["record_path"], "rows = "),
    ("[[endpoint]]", &["errors"], "on_failure = "),
    ("column", &["errors", "coerce"], "on_error = "),
    ("column", &["date_format"], "format = "),
    ("column", &["tz"], "zone = "),
    ("column", &["fillna"], "// 0"),
    ("column", &["astype"], "type = "),
    ("[table]", &["if_exists"], "mode = "),
    ("[table]", &["con", "index"], "write "),
    ("[job]", &["chunksize"], "shard_size"),
    // BigQuery, Kafka Connect, Snowflake, Delta
    (
        "[table]",
        &[
            "schemaUpdateOptions",
            "allow_field_addition",
            "auto_evolve",
            "schema_evolution",
            "mergeSchema",
            "add_columns",
            "alter",
        ],
        "on_new_column = \"add\"",
    ),
    // dbt
    ("[table]", &["unique_key", "incremental_strategy", "materialized"], "write "),
    ("[table]", &["on_schema_change"], "on_new_column = \"add\""),
    ("[table]", &["hard_deletes"], "on_unlisted = "),
    ("[publish]", &["pre_hook"], "[[publish.before]]"),
    ("[publish]", &["post_hook"], "[[publish.after]]"),
    ("file", &["post_hook"], "[[publish.after]]"),
    // Words that this program had.
    ("[[endpoint]]", &["query"], "params = "),
    ("[[endpoint]]", &["answer"], "format = "),
    ("[[endpoint]]", &["max_body"], "max_answer = "),
    ("[input]", &["query"], "sql = "),
    ("[input]", &["keep"], "columns = "),
    ("[input]", &["duplicates"], "on_duplicate = "),
    ("[input]", &["empty"], "allow_empty = true"),
    ("file", &["limits"], "did you mean `limit`?"),
    ("file", &["before"], "[[publish.before]]"),
    ("file", &["after"], "[[publish.after]]"),
    ("[table]", &["gone"], "on_unlisted = "),
    ("[table]", &["replace"], "swap = true"),
    ("[publish]", &["when"], "on_pause = "),
    ("[job]", &["rounds"], "retry_rounds = 1"),
    ("[job]", &["bodies"], "keep_answers = "),
    ("column", &["strip"], "remove = "),
    ("column", &["of"], "from = "),
    ("batch", &["key"], "match = "),
    ("batch", &["absent"], "on_absent = "),
    ("pages", &["most"], "max = 100"),
    ("pages", &["number"], "page_param = "),
    ("pages", &["parameter"], "cursor_param = "),
    // Airflow, dbt, Meltano, Scrapy, monitors.
    (
        "file",
        &["webhook", "slack", "on_failure_callback", "alert", "notifications", "healthcheck"],
        "write [notify] with url = ",
    ),
    ("[notify]", &["slack_webhook", "ping_url"], "write url = "),
    ("[notify]", &["script", "exec"], "write command = "),
    ("[notify]", &["when", "events"], "write on = "),
    // Celery, Sidekiq, SQS, River, Oban, pg-boss, BullMQ, Solid Queue, Prometheus.
    ("[input]", &["table", "jobs", "broker"], "write queue = { table = "),
    ("file", &["queue", "tasks"], "write queue = { table = "),
    ("queue", &["queue_name", "name", "from"], "write table = "),
    ("queue", &["condition", "filter", "pending", "state"], "write where = "),
    ("queue", &["order_by", "priority"], "write order = "),
    ("queue", &["success", "completed", "ack"], "write done = "),
    ("queue", &["dead", "dead_letter", "error", "failure", "discard"], "write failed = "),
    ("queue", &["redrive", "kick"], "write requeue = "),
    (
        "queue",
        &["batch", "batch_size", "limit", "chunk", "prefetch_multiplier", "prefetch_count", "max_jobs"],
        "write claim = 200",
    ),
    ("queue", &["workers", "concurrency", "threads", "processes"], "write parallel = 4"),
    (
        "queue",
        &[
            "visibility_timeout",
            "lock_timeout",
            "timeout",
            "ttl",
            "lock_duration",
            "rescue_after",
            "stalledInterval",
        ],
        "write lease = ",
    ),
    (
        "queue",
        &["max_attempts", "retries", "max_retries", "retry_limit", "max_receive_count"],
        "write attempts = 5",
    ),
    ("queue", &["delay", "retry_delay", "retry_backoff"], "write backoff = "),
    ("queue", &["created_at", "enqueued_at"], "write created = "),
    ("queue", &["interval", "poll_interval", "fetch_poll_interval", "polling_interval"], "write poll = "),
    ("queue", &["database", "url"], "[table] to"),
    ("queue", &["id", "primary_key"], "write id = "),
    ("queue", &["columns", "types"], "it belongs in"),
    ("[input]", &["where", "claim", "lease"], "it belongs in `queue` of [input]"),
    // APScheduler, GitHub Actions, Airflow, Dagster, Home Assistant, systemd; Datasette, PostgREST, FastAPI, nginx.
    (
        "[job]",
        &["schedule", "interval", "crontab", "at", "refresh", "schedule_interval", "scan_interval"],
        "every = \"5m\"",
    ),
    ("[job]", &["timezone", "tz", "CRON_TZ"], "write zone = "),
    ("file", &["schedule", "every", "cron"], "[job]"),
    ("[serve]", &["ttl", "max_age", "freshness", "cache"], "write stale_after = "),
    ("[serve]", &["allow_origins", "allow_origin", "Access-Control-Allow-Origin"], "write cors = "),
    ("[serve]", &["page_size", "max_limit", "max_returned_rows"], "write max_rows = "),
    ("[serve]", &["every", "interval"], "every = \"5m\" in [job]"),
    ("[serve]", &["memory_limit"], "write max_memory = "),
    ("[job]", &["cors", "max_rows"], "it belongs in [serve]"),
    ("[[publish.after]]", &["primary_key", "id", "index"], "write key = \"symbol\""),
    ("[job]", &["metrics", "prometheus", "health", "port"], "write listen = "),
    ("file", &["metrics"], "write listen = "),
];

#[test]
fn each_word_of_others_leads_to_the_key_that_is_meant() {
    for (section, words, meant) in WORDS {
        for word in *words {
            let found = mistakes_of(&with(section, word));
            let unknown = format!("unknown key `{word}`");
            let mistake = found.iter().find(|mistake| mistake.message.starts_with(&unknown));
            let hint = &mistake.unwrap_or_else(|| panic!("{section} {word}: {found:?}")).hint;
            assert!(hint.contains(meant), "{section} {word}: {hint}");
            assert!(!meant.is_empty() || !hint.is_empty());
        }
    }
    let words: usize = WORDS.iter().map(|(_, words, _)| words.len()).sum();
    assert!(words > 123, "{words} words");
}

#[test]
fn words_for_values_lead_to_ours() {
    for (keys, hint) in [
        ("on_failure = 'drop'", "write \"skip\""),
        ("on_failure = 'ignore'", "write \"skip\""),
        ("on_failure = 'raise'", "max_failed = 0"),
        ("format = 'ndjson'", "write \"jsonl\""),
        ("format = 'xml'", "pipe = "),
        ("redirects = 'follow'", "write \"browser\""),
        ("columns = { x = { jq = '.x', on_error = 'coerce' } }", "write \"null\""),
        ("columns = { x = { jq = '.x', from = 'response' } }", "write \"answer\""),
        ("columns = { x = { jq = '.x', type = 'string' } }", "write \"text\""),
    ] {
        let found = mistakes_of(&small(keys));
        assert!(found.len() == 1 && found[0].hint.contains(hint), "{keys}: {found:?}");
    }
    for (mode, hint) in [
        ("merge", "write \"upsert\""),
        ("overwrite", "write \"replace\""),
        ("truncate", "write \"replace\""),
        ("insert", "write \"append\""),
        ("append-only", "write \"append\""),
        ("delete+insert", "write \"replace_ids\""),
        ("insert_overwrite", "write \"replace_ids\""),
    ] {
        let found = mistakes_of(&small("").replace("mode = \"append\"", &format!("mode = \"{mode}\"")));
        assert!(found.len() == 1 && found[0].hint.contains(hint), "{mode}: {found:?}");
    }
    for (rate, hint) in [
        ("5/m", "write \"5/min\""),
        ("200 per second", "write \"200/s\""),
        ("10 per minute", "write \"10/min\""),
        ("90 tokens/hrs", "write \"90 tokens/h\""),
        ("5", "200/s"),
    ] {
        let job = format!("limit.\"example.org\" = {{ rate = \"{rate}\" }}\n{}", small(""));
        let found = mistakes_of(&job);
        assert!(found.len() == 1 && found[0].hint.contains(hint), "{rate}: {found:?}");
    }
}
