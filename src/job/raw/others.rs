//! Words of other tools (dlt, Airbyte, Meltano, Redpanda Connect, qsv, Scrapy, requests, pandas), and what to write instead
//! of them: the key that is meant, or what to do where there is none.
//!
//! Words that this program once had are here, too. A word is looked up in its own section first, then in [`ANYWHERE`].
//! Capitals, `-` and `_` make no difference.

/// Where a word means something, the words, and what to write.
type Meaning = (&'static str, &'static [&'static str], &'static str);

/// For a word of any section.
const ANYWHERE: &str = "";

const JOB: &str = "[job]";
const FILE: &str = "the job file";
const INPUT: &str = "[input]";
const ENDPOINT: &str = "[[endpoint]]";
const COLUMN: &str = "the column";
const TABLE: &str = "[table]";
const PUBLISH: &str = "[publish]";
const LIMIT: &str = "[limit.NAME]";
const AUTH: &str = "`auth`";
const TOKEN: &str = "[auth.NAME]";
const RETRY: &str = "retry";
const BATCH: &str = "batch";
const PAGES: &str = "pages";
const NOTIFY: &str = "[notify]";
const QUEUE: &str = "queue";
const SERVE: &str = "[serve]";

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    // The list.
    (INPUT, &["path", "filename", "file_path", "uri", "location", "csv", "glob", "paths", "source"],
        "write file = \"ids.csv\"; several files are one list by database = \"duckdb:\" and sql = \"SELECT … FROM 'ids/*.csv'\""),
    (INPUT, &["query", "select", "statement", "sql_query"], "write sql = \"SELECT …\", beside database"),
    (INPUT, &["url", "connection", "dsn", "connection_string", "conn", "con"], "write database = \"postgres://…\", beside sql"),
    (INPUT, &["id_column", "primary_key", "key", "index_col", "unique_key", "ids_column", "id_field"], "write id = \"…\", the name of the column"),
    (INPUT, &["keep", "usecols", "include_from_parent", "fields", "carry", "include_columns", "select_columns"],
        "write columns = [\"country\"], the columns of the list that the table gets besides the id"),
    (INPUT, &["type", "file_format", "file_type", "kind"], "write format = \"csv\", or types = { … } for the types of columns"),
    (INPUT, &["dtype", "dtypes", "schema", "converters", "parse_dates", "column_types"], "write types = { price = \"decimal(12,2)\" }"),
    (INPUT, &["sep", "separator", "delim", "field_delimiter"], "write delimiter = \";\""),
    (INPUT, &["quotechar", "quoting", "quote_char"], "write quote = \"'\", or quote = \"none\""),
    (INPUT, &["charset", "codec"], "write encoding = \"cp1252\""),
    (INPUT, &["skiprows", "skip_rows", "header_rows"], "write skip_lines = 1, lines before the header"),
    (INPUT, &["header", "has_header", "names"], "a list has a header; one without it is format = \"lines\", one id a line"),
    (INPUT, &["duplicates", "dedupe", "dedup", "deduplicate", "distinct", "unique", "drop_duplicates"],
        "write on_duplicate = \"first\" (or \"keep\"); by default an id that comes twice is an error"),
    (INPUT, &["empty", "skip_empty", "fail_on_empty"], "write allow_empty = true"),
    (INPUT, &["limit", "nrows", "n_rows", "head", "sample", "take", "max_rows"],
        "leave it out: `windrow run JOB --sample 100` tries some"),
    (INPUT, &["values", "items", "list", "urls", "start_urls", "seeds"], "write ids = [\"…\", \"…\"], or file = \"ids.csv\""),
    (INPUT, &["compression"], "leave it out: .gz and .zst are told by the file's name"),
    (INPUT, &["null_values", "na_values", "nulls"], "leave it out: texts of the list are taken as they are, null is an empty field"),

    (INPUT, &["table", "jobs", "tasks", "job_table", "jobs_table", "work_queue", "broker", "outbox", "worker"],
        "write queue = { table = \"jobs\", where = \"state = 'new'\", … }, or for a list that is read once database and sql"),

    // Jobs.
    (QUEUE, &["name", "table_name", "tablename", "relation", "queue", "queue_name", "jobs", "tasks", "source", "from", "topic"], "write table = \"jobs\""),
    (QUEUE, &["condition", "filter", "pending", "predicate", "ready", "waiting", "new", "available", "select", "status", "state"],
        "write where = \"state = 'new'\""),
    (QUEUE, &["order_by", "sort", "sort_by", "priority", "orderby", "ordering"], "write order = \"priority DESC, id\""),
    (QUEUE, &["success", "on_success", "complete", "completed", "finished", "succeeded", "ok", "ack", "on_done", "set_done", "mark_done", "processed"],
        "write done = \"state = 'done'\""),
    (QUEUE, &["dead", "error", "failure", "on_failure", "dead_letter", "dlq", "discard", "discarded", "on_error", "on_failed", "errored", "nack", "exhausted", "buried", "on_dead"],
        "write failed = \"state = 'failed'\""),
    (QUEUE, &["again", "reset", "revive", "kick", "redrive", "reopen", "requeued", "restart", "on_requeue", "rescue"], "write requeue = \"state = 'new'\""),
    (QUEUE, &["batch", "batch_size", "batchsize", "limit", "chunk", "chunk_size", "size", "count", "prefetch", "prefetch_count", "max_messages", "max_jobs", "fetch_size", "prefetch_multiplier"],
        "write claim = 200, the jobs that are taken together"),
    (QUEUE, &["workers", "concurrency", "threads", "processes", "max_workers", "num_workers", "pool_size", "pool", "parallelism", "max_concurrency", "runs"],
        "write parallel = 4, the batches at once; requests at once are in_flight of [job]"),
    (QUEUE, &["visibility_timeout", "lock_timeout", "timeout", "ttl", "lock", "lock_duration", "lease_time", "lease_seconds", "claim_timeout", "stalled_interval", "stuck_after", "rescue_after", "heartbeat", "max_run_time", "invisible"],
        "write lease = \"60s\", for which a job is a worker's that shows no life"),
    (QUEUE, &["max_attempts", "retries", "max_retries", "tries", "max_tries", "retry", "max_receive_count", "retry_limit", "retry_count", "attempt_limit"],
        "write attempts = 5: attempts count the first one, so 4 retries are 5"),
    (QUEUE, &["delay", "retry_delay", "retry_backoff", "backoff_factor", "retry_interval", "wait", "min_backoff", "retry_policy", "countdown"],
        "write backoff = \"30s\", doubled after each failure"),
    (QUEUE, &["interval", "poll_interval", "polling_interval", "sleep", "poll_delay", "poll_every", "fetch_poll_interval", "sleep_delay", "every", "notify", "listen_notify"],
        "write poll = \"250ms\", how often it is looked for new jobs"),
    (QUEUE, &["url", "database", "connection", "dsn", "to", "db", "con", "connection_string"], "leave it out: the queue is in the database of [table] to"),
    (QUEUE, &["created_at", "inserted_at", "enqueued_at", "queued_at", "timestamp", "time_column", "added_at", "created_on"],
        "write created = \"created_at\", the column that says when a job was put there"),
    (QUEUE, &["sql", "query"], "write table and where: the jobs' columns are there by their names"),
    (QUEUE, &["id", "key", "primary_key", "id_column", "pk"], "write id = \"id\" in [input], beside queue"),

    // Requests.
    (ENDPOINT, &["query", "request_parameters", "query_params", "query_parameters", "parameters", "querystring", "query_string", "qs", "url_params", "args"],
        "write params = { page = \"1\" }"),
    (ENDPOINT, &["verb", "http_method", "request_method"], "write method = \"POST\""),
    (ENDPOINT, &["data", "payload", "request_body", "body_json", "request_body_json", "request_body_data", "body_data", "post_data", "request_body_json_data"],
        "write json = { … }, form = { … } or body = \"…\""),
    (ENDPOINT, &["files", "multipart"], "there is none: a request has json = { … }, form = { … } or body = \"…\""),
    (ENDPOINT, &["header", "request_headers", "http_headers"], "write headers = { accept = \"application/json\" }"),
    (ENDPOINT, &["user_agent", "useragent"], "write headers = { user-agent = \"…\" }"),
    (ENDPOINT, &["cookies", "cookie"], "write headers = { cookie = \"…\" }; cookies that a server sets are kept while a request is redirected"),
    (ENDPOINT, &["base_url", "url_base", "endpoint", "endpoint_url", "uri", "href", "address", "path", "url_path", "api_url", "link"],
        "write url = \"https://…\", the whole of it"),
    (ENDPOINT, &["id", "resource", "stream", "stream_name", "title", "label"], "write name = \"…\""),
    (ENDPOINT, &["data_selector", "records_path", "record_selector", "records", "record_path", "items", "items_path", "data_path", "data_key", "extractor", "explode", "each", "iterate"],
        "write rows = \".items[]\", the jq that makes several rows of an answer"),
    (ENDPOINT, &["jsonpath", "json_path", "jq", "css", "selector", "xpath", "field_path", "fields", "extract", "jaq"],
        "write it in [endpoint.columns]: title = \".Title\""),
    (ENDPOINT, &["paginator", "pagination", "next_url_path", "cursor_path", "next_page_token_path", "next_page", "next_url", "pagination_strategy", "paginate", "cursor", "offset", "page"],
        "write pages = { next = \".next\" }, or link = true, cursor and cursor_param, offset_param or page_param in it"),
    (ENDPOINT, &["max_pages", "maximum_page", "page_limit"], "write pages = { …, max = 100 }"),
    (ENDPOINT, &["page_size", "per_page"], "write it as the API has it: params = { per_page = \"100\" }"),
    (ENDPOINT, &["not_found", "ignore", "ignore_statuses", "allowed_statuses", "expected_statuses", "handle_httpstatus_list", "optional", "not_found_codes", "response_actions", "ignore_404"],
        "write missing = [404], the answers that say that there is no such id"),
    (ENDPOINT, &["successful_on", "assert", "asserts", "success", "check", "validate", "expect", "error_message_contains", "error_handler", "raise_for_status", "response_filters"],
        "write ok = '.error == null', without which an answer is a failure"),
    (ENDPOINT, &["if", "condition", "where", "filter", "record_filter", "skip_if", "only_if"], "write when = '.country == \"US\"'"),
    (ENDPOINT, &["on_error", "on_fail", "on_exception", "ignore_errors", "errors", "continue_on_error", "drop_on_error", "fail_fast"],
        "write on_failure = \"skip\", \"null\" or \"keep\"; whether a run is published in spite of failures says [publish]"),
    (ENDPOINT, &["answer", "response_format", "decoder", "parse", "parser", "response_type", "content_type", "accept", "data_format", "response_decoder"],
        "write format = \"json\", or jsonl, jsonp, html or text"),
    (ENDPOINT, &["max_body", "max_size", "download_maxsize", "max_response_size", "max_bytes"], "write max_answer = \"16MiB\""),
    (ENDPOINT, &["batch_size", "chunk_size", "chunksize", "bulk", "ids_per_request"],
        "write batch = { size = 50, split = \".data[]\", match = \".id\" }"),
    (ENDPOINT, &["follow_redirects", "allow_redirects", "redirect_limit"], "write max_redirects = 0 to follow none; 5 are followed by default"),
    (ENDPOINT, &["read_timeout", "socket_timeout"], "write idle_timeout = \"30s\", between two pieces of an answer"),
    (ENDPOINT, &["request_timeout", "max_time", "download_timeout", "time_limit", "total_timeout"], "write timeout = \"60s\", for a whole answer"),
    (ENDPOINT, &["connection_timeout"], "write connect_timeout = \"10s\""),
    (ENDPOINT, &["proxies", "http_proxy", "https_proxy", "all_proxy", "proxy_url", "proxy_host", "proxy_server", "httpproxy"],
        "write proxy = \"http://proxy.example.com:3128\", or proxy = \"environment\" for that of the variables"),
    (ENDPOINT, &["no_proxy", "noproxy", "trust_env", "proxy_bypass"], "write proxy = \"environment\" and set no_proxy there, or proxy = \"none\" in an [[endpoint]]"),
    (ENDPOINT, &["proxy_auth", "proxy_user", "proxy_username", "proxy_password"], "write proxy = \"http://user:${PROXY_PASSWORD}@proxy.example.com:3128\""),
    (ENDPOINT, &["ca", "cacert", "ca_bundle", "ca_cert", "ca_certificate", "ca_path", "root_cas", "root_cas_file", "root_certificates", "trusted_certificates", "ca_certs", "ssl_ca_cert"],
        "write ca_file = \"ca.pem\", certificates that are trusted besides the system's"),
    (ENDPOINT, &["cert", "client_cert", "client_certificate", "client_certs", "certificate", "cert_file", "ssl_cert", "client_cert_file", "mtls"],
        "write client_certificate_file = \"client.pem\", with its key in it or in client_key_file"),
    (ENDPOINT, &["key_file", "client_key", "ssl_key", "private_key", "cert_key"], "write client_key_file = \"client.key\", beside client_certificate_file"),
    (ENDPOINT, &["verify", "insecure", "insecure_skip_verify", "skip_cert_verify", "verify_ssl", "ssl_verify", "tls"],
        "leave it out: certificates are always checked; ca_file = \"ca.pem\" trusts those of an authority of your own"),
    (ENDPOINT, &["authentication", "authenticator", "bearer", "bearer_token", "token", "auth_token"], "write auth = { bearer = \"${API_TOKEN}\" }"),
    (ENDPOINT, &["basic_auth", "http_basic", "username", "password", "userpwd", "http_user", "http_pass"], "write auth = { basic = \"user:${PASSWORD}\" }"),
    (ENDPOINT, &["api_key", "apikey", "credentials"], "write the secret as ${NAME}, into headers = { x-api-key = \"${API_KEY}\" } or into params"),
    (ENDPOINT, &["oauth", "oauth2", "access_token_url", "refresh_token", "client_id", "grant_type", "token_url"], "write auth = \"NAME\", and [auth.NAME] with grant_type and token_url"),
    (AUTH, &["kind", "type", "scheme"], "leave it out: the key says it, bearer or basic"),
    (AUTH, &["token", "access_token", "bearer_token"], "write bearer = \"${API_TOKEN}\""),
    (AUTH, &["username", "user", "password", "login"], "write basic = \"user:${PASSWORD}\""),
    (AUTH, &["api_key", "header", "header_name", "key", "name", "location", "query", "param"], "an API key goes into headers or params of [[endpoint]], as ${NAME}"),
    (TOKEN, &["grant", "flow", "type"], "write grant_type = \"refresh_token\", \"client_credentials\" or \"service_account\""),
    (TOKEN, &["token_uri", "token_endpoint", "url", "access_token_url", "token_refresh_endpoint", "refresh_url", "auth_url"], "write token_url = \"https://…\""),
    (TOKEN, &["scopes"], "write scope = \"…\", words with spaces between"),
    (TOKEN, &["resource", "extra", "body", "data", "form", "refresh_request_body", "access_token_request_data", "extra_params"], "write params = { resource = \"…\" }, further fields of the form"),
    (TOKEN, &["keyfile", "credentials_file", "private_key", "service_account_file", "key", "private_key_file", "json_key_file"], "write key_file = \"key.json\""),
    (TOKEN, &["origins", "domains", "allowed_hosts"], "write hosts = [\"…\"]"),
    (TOKEN, &["auth_method", "auth_style", "token_auth", "send_credentials_in", "client_auth"], "write token_endpoint_auth_method = \"client_secret_basic\""),
    (TOKEN, &["username", "password"], "get a refresh token once, by hand: grant_type = \"refresh_token\""),
    (ENDPOINT, &["transform", "map", "script", "processor", "processing_steps", "command", "exec", "subprocess"],
        "write pipe = [\"python3\", \"parse.py\"], a program that makes JSON of an answer"),
    (ENDPOINT, &["weight", "weights", "units", "price"], "write cost = 2, or jq on the answer"),
    (ENDPOINT, &["depends_on", "parent", "parent_stream", "partition_router"],
        "leave it out: a url or params with {other.column} asks after the endpoint `other`"),

    // Columns.
    (COLUMN, &["path", "jsonpath", "json_path", "field_path", "json_pointer", "pointer", "expr", "expression", "field", "source", "selector", "value", "key"],
        "write jq = \".Title\", or css = \"h1\" for HTML"),
    (COLUMN, &["xpath"], "write css = \"h1\": HTML is read by CSS selectors"),
    (COLUMN, &["of", "scope"], "write from = \"answer\", for a value of the whole answer"),
    (COLUMN, &["attribute", "attr_name"], "write attr = \"href\""),
    (COLUMN, &["many", "multiple", "getall", "as_list", "list"], "write all = true"),
    (COLUMN, &["dtype", "data_type", "datatype", "kind", "as", "cast", "astype"], "write type = \"bigint\""),
    (COLUMN, &["strip", "thousands", "strip_chars", "remove_chars", "replace"], "write remove = \",\""),
    (COLUMN, &["date_format", "datetime_format", "strptime", "fmt", "parse_format", "timestamp_format"], "write format = \"%d %b %Y\", as strptime has it"),
    (COLUMN, &["tz", "timezone", "time_zone"], "write zone = \"Europe/Berlin\""),
    (COLUMN, &["pattern", "re", "match", "regexp", "extract", "group"], "write regex = '^(\\d+) min$': the group is the value"),
    (COLUMN, &["default", "fill_value", "fillna", "fallback", "default_value"], "write it in jq: jq = '.Votes // 0'"),
    (COLUMN, &["errors", "coerce", "on_failure", "on_bad_value", "ignore_errors", "invalid"], "write on_error = \"null\", or \"fail\""),
    (COLUMN, &["required", "not_nullable", "non_null", "mandatory", "nullable", "nonnull"], "write not_null = true"),
    (COLUMN, &["nul", "encoding_errors", "surrogates", "invalid_characters"], "write on_bad_character = \"replace\", \"fail\" or \"keep\""),
    (COLUMN, &["name", "rename", "alias", "column", "column_name"], "leave it out: a column's name stands before the =, as in title = \".Title\""),
    (COLUMN, &["transform", "function", "func", "lambda", "apply", "convert"], "write it in jq: jq = '.Title | ascii_downcase'"),
    (ANYWHERE, &["null_value", "null_values", "na_values", "na_rep", "nullif", "null_if", "missing_values", "none_values", "nan"],
        "write nulls = [\"N/A\", \"\"] in [[endpoint]], [defaults] or a column"),

    // Who is told.
    (NOTIFY, &["webhook", "webhook_url", "slack", "slack_webhook", "endpoint", "to", "address", "uri", "ping", "ping_url"], "write url = \"${PING_URL}\""),
    (NOTIFY, &["exec", "program", "script", "run", "cmd", "email", "mail"], "write command = [\"./tell.sh\"], a program that reads the summary"),
    (NOTIFY, &["when", "states", "events", "event", "on_state", "only", "level", "on_failure", "on_success"], "write on = [\"refused\", \"failed\"]"),
    (NOTIFY, &["headers", "header", "method", "body", "template", "payload", "message", "json"],
        "the summary is posted as JSON; write command = [\"./tell.sh\"] for anything else"),

    // Parts and pages.
    (BATCH, &["key", "id", "id_path", "key_path", "on", "by", "join_on"], "write match = \".id\", the value that a part of the answer belongs to"),
    (BATCH, &["absent", "on_missing", "missing", "not_found", "default"], "write on_absent = \"missing\", or \"alone\""),
    (BATCH, &["batch_size", "max", "count", "n", "limit", "max_size"], "write size = 50"),
    (BATCH, &["rows", "items", "path", "data_selector", "records_path"], "write split = \".data[]\", which takes the answer apart"),
    (BATCH, &["separator", "sep", "delimiter"], "write join = \",\""),
    (PAGES, &["most", "max_pages", "maximum_page", "page_limit", "limit", "maximum"], "write max = 100, the most pages of a record"),
    (PAGES, &["offset", "start_param", "skip_param"], "write offset_param = \"start\""),
    (PAGES, &["number", "page", "page_number", "page_name", "page_number_param"], "write page_param = \"page\""),
    (PAGES, &["parameter", "param", "cursor_parameter", "token_param", "inject_into", "page_token_option", "cursor_name"], "write cursor_param = \"cursor\""),
    (PAGES, &["next_url", "next_url_path", "next_page", "next_link", "json_link", "next_path"], "write next = \".next\", the jq of the next page's URL"),
    (PAGES, &["cursor_path", "cursor_value", "next_token", "token", "next_page_token_path", "next_cursor", "continuation_token"], "write cursor = \".cursor\" and cursor_param = \"cursor\""),
    (PAGES, &["header_link", "link_header", "links_next_key", "rel"], "write link = true"),
    (PAGES, &["has_more", "has_more_path", "stop_condition", "stop", "until", "is_last"], "write more = \".has_more\", which holds unless this is the last page"),
    (PAGES, &["start", "initial", "base_page", "start_page", "start_from", "start_from_page", "start_index"], "write first = 0"),
    (PAGES, &["page_size", "per_page", "limit_param", "size"], "write it beside pages, as the API has it: params = { per_page = \"100\" }"),
    (PAGES, &["total", "total_path", "total_pages", "total_count"], "leave it out: an empty page is the last, or more = \".page < .pages\""),
    (PAGES, &["type", "strategy", "kind"], "leave it out: the keys say it (link, next, cursor, offset_param or page_param)"),

    // Budgets and repeating.
    (LIMIT, &["requests_per_second", "rps", "qps", "calls_per_second", "max_rate", "rate_limit", "throttle", "per_second", "calls", "count"], "write rate = \"5/s\""),
    (LIMIT, &["delay", "download_delay", "sleep", "interval", "wait", "pause"], "write rate = \"1/2s\": one request in two seconds"),
    (LIMIT, &["concurrency", "parallel", "workers", "max_connections", "max_concurrency", "connections", "concurrent_requests_per_domain"], "write in_flight = 16"),
    (LIMIT, &["daily", "per_day", "requests_per_day", "daily_limit", "budget", "max_requests"], "write quota = \"100000/day\""),
    (LIMIT, &["bucket_size", "capacity", "burst_size"], "write burst = 5"),
    (RETRY, &["retries", "max_retries", "retry_count", "total", "count", "max_attempts", "tries", "max_tries", "times", "num_retries"],
        "write attempts = 4: attempts count the first one, so 3 retries are 4"),
    (RETRY, &["delay", "retry_delay", "backoff_factor", "retry_period", "wait", "initial_backoff", "base", "min_backoff"], "write backoff = \"500ms\", the longest first pause"),
    (RETRY, &["max_delay", "backoff_max", "max_retry_backoff", "backoff_limit", "max_wait"], "write max_backoff = \"30s\""),
    (RETRY, &["status_codes", "statuses", "status_forcelist", "backoff_on", "retry_on", "codes", "http_codes", "drop_on", "retry_http_codes"], "write on = [429, \"5xx\", \"timeout\"]"),
    (RETRY, &["max_elapsed_time", "timeout", "max_time", "max_elapsed"], "write deadline = \"10m\""),
    (RETRY, &["respect_retry_after", "respect_retry_after_header"], "leave it out: Retry-After is always kept to, up to max_retry_after"),
    (ENDPOINT, &["retries", "max_retries", "retry_count", "retry_times", "max_attempts", "tries", "attempts", "num_retries"],
        "write retry = { attempts = 4 }: attempts count the first one, so 3 retries are 4"),
    (ENDPOINT, &["backoff", "backoff_factor", "retry_delay", "retry_period", "max_retry_backoff", "backoff_strategy", "backoff_strategies"],
        "write retry = { backoff = \"500ms\", max_backoff = \"30s\" }"),
    (ENDPOINT, &["backoff_on", "status_codes", "status_forcelist", "retry_on", "retry_http_codes", "retry_statuses", "drop_on", "retry_status_codes"],
        "write retry = { on = [429, \"5xx\", \"timeout\"] }"),

    // The table.
    (TABLE, &["destination", "output", "target", "sink", "dsn", "connection", "url", "database", "db", "path", "file", "dest", "con", "connection_string", "credentials"],
        "write to = \"duckdb:films.duckdb\", or postgres://…, mysql://…, sqlite:, parquet: or csv: and a path"),
    (TABLE, &["table", "table_name", "dataset", "schema", "relation", "into"], "write name = \"films\", or \"schema.films\""),
    (TABLE, &["primary_key", "unique_key", "primary_keys", "pk", "keys", "key_properties", "index", "conflict_target", "on_conflict", "upsert_keys"], "write key = [\"imdb_id\"]"),
    (TABLE, &["merge_key"], "write mode = \"replace_ids\", which replaces all rows of an id together"),
    (TABLE, &["write_disposition", "load_method", "incremental_strategy", "disposition", "write_mode", "sync_mode", "destination_sync_mode", "if_exists", "replication_method", "materialized", "strategy"],
        "write mode = \"append\", \"upsert\", \"replace\" or \"replace_ids\""),
    (TABLE, &["gone", "hard_deletes", "delete", "hard_delete", "remove_missing", "on_gone"], "write on_unlisted = \"delete\", for rows of ids that the list no longer has"),
    (TABLE, &["replace", "replace_strategy"], "write swap = true, beside mode = \"replace\""),
    (TABLE, &["loaded_at", "ingested_at", "add_metadata", "metadata", "include_metadata", "timestamps", "add_record_metadata"], "write stamp = { fetched_at = \"record.fetched_at\" }"),
    (TABLE, &["partition", "partitions", "partition_cols", "partition_columns"], "write partition_by = [\"country\"]"),
    (TABLE, &["schema_contract", "on_schema_change", "schema_evolution", "evolve_schema", "schema_evolution_mode", "allow_field_addition", "schema_update_options", "merge_schema",
        "auto_evolve", "add_columns", "add_new_columns", "alter", "allow_alter", "alter_table", "on_missing_column", "new_columns"],
        "write on_new_column = \"add\", for columns that the table does not have yet"),
    (TABLE, &["columns", "dtype"], "leave it out: the columns of [[endpoint]] and [input] are the table's"),

    // Publishing.
    (PUBLISH, &["when", "publish_at"], "write on_pause = \"publish\", for what there is when a quota makes the run pause"),
    (PUBLISH, &["max_errors", "max_failures", "error_limit", "fail_threshold", "max_error_count", "allowed_failures"], "write max_failed = 10"),
    (PUBLISH, &["reject_limit", "max_rejects", "max_bad_records", "max_bad_rows", "maxerror", "max_reject", "rejects", "error_table", "dead_letter", "errors_tolerance"],
        "write max_rejected = 10, the records that the table may refuse"),
    (PUBLISH, &["success_rate", "min_success_rate", "threshold", "min_ratio"], "write min_success = 0.98"),
    (PUBLISH, &["pre_hook", "pre_sql", "presql"], "write [[publish.before]] with sql = \"…\""),
    (PUBLISH, &["post_hook", "post_sql", "postsql"], "write [[publish.after]] with sql = \"…\""),
    (FILE, &["before", "pre_hook", "pre_sql", "presql"], "write [[publish.before]] with sql = \"…\""),
    (FILE, &["after", "post_hook", "post_sql", "postsql", "report"], "write [[publish.after]] with sql = \"…\""),
    ("[[publish.before]]", &["query", "statement", "statements"], "write sql = \"…\""),
    ("[[publish.after]]", &["query", "statement", "statements"], "write sql = \"…\""),
    ("[[publish.after]]", &["path", "output", "to", "csv", "into"], "write file = \"report.csv\""),

    // The job.
    (JOB, &["rounds", "retry_passes"], "write retry_rounds = 1, the rounds over what failed"),
    (JOB, &["bodies", "store_response", "save_body", "keep_responses", "cache", "save_responses", "httpcache_enabled", "raw"], "write keep_answers = \"all\", \"failed\" or \"none\""),
    (JOB, &["chunk_size", "chunksize", "records_per_shard", "rows_per_file", "partition_size"], "write shard_size = 250000, the most records of a shard"),
    (JOB, &["schedule", "interval", "crontab", "at", "run_every", "repeat", "repeat_every", "frequency", "refresh", "refresh_interval", "refresh_every", "poll", "poll_interval", "polling_interval", "timer", "period", "cadence", "schedule_interval", "trigger", "triggers", "scan_interval", "scrape_interval", "on_calendar", "update_interval", "wait_time", "minutes", "seconds", "hours"],
        "write every = \"5m\", or cron = \"15 3 * * *\": when `windrow serve` runs the job; or leave it out, and let cron or a systemd timer start `windrow run`"),
    (JOB, &["tz", "timezone", "time_zone", "cron_tz", "cron_timezone"], "write zone = \"Europe/Berlin\", beside cron"),
    (JOB, &["stale", "max_age", "freshness", "max_staleness"], "write stale_after = \"15m\" in [serve]"),
    (JOB, &["resume", "checkpoint", "checkpoints", "state"], "leave it out: `windrow run` goes on with an unfinished run; resume_within says for how long"),
    (JOB, &["permissions", "umask", "chmod", "file_mode", "dir_mode"], "write runs_permissions = \"0750\", who may look into the folders of runs"),
    (JOB, &["retention", "keep", "expire", "ttl", "cleanup"], "write keep_runs = \"14d\""),
    (JOB, &["id", "job_name", "pipeline_name", "pipeline", "title"], "write name = \"films\"; without it the file's name is taken"),
    (JOB, &["output_dir", "work_dir", "cache_dir", "folder", "directory", "runs"], "leave it out: `windrow run --runs FOLDER` says where runs are kept"),
    (JOB, &["metrics", "prometheus", "metrics_address", "metrics_port", "prometheus_port", "health", "healthz", "health_check", "bind", "port", "http", "address", "listen_address", "statsd", "exporter"],
        "write listen = \"127.0.0.1:9464\", where `windrow work` answers /healthz and /metrics"),
    (JOB, &["file_format", "format", "storage_format"], "write chunks = \"parquet\", or \"csv\""),

    (JOB, &["parallel"], "write in_flight = 128, the requests at once; there is a process for each core"),
    (ENDPOINT, &["parallel"], "write in_flight = 128 in [job], the requests at once; there is a process for each core"),

    // Serving.
    (SERVE, &["ttl", "max_age", "maxage", "freshness", "stale", "max_staleness", "staleness", "expires", "expire_after", "stale_while_revalidate", "stale_if_error", "cache", "cache_control", "cache_ttl", "warn_after", "error_after"],
        "write stale_after = \"15m\", the age that is too old; how long answers may be kept is told from the schedule"),
    (SERVE, &["allow_origin", "allow_origins", "allowed_origins", "origins", "origin", "cors_origins", "cors_allowed_origins", "access_control_allow_origin", "enable_cors", "cors_origin"],
        "write cors = [\"https://app.example.com\"]"),
    (SERVE, &["page_size", "max_page_size", "max_limit", "limit", "row_limit", "maxsize", "max_returned_rows", "default_page_size", "db_max_rows", "max_results", "per_page", "default_limit"],
        "write max_rows = 10000, the most rows of one answer; who asks says limit=100"),
    (SERVE, &["listen", "port", "bind", "address", "host", "addr"], "leave it out: `windrow serve --listen 127.0.0.1:8480` says where"),
    (SERVE, &["token", "token_file", "auth", "api_key", "password", "bearer", "basic_auth"], "leave it out: `windrow serve --token-file FILE` says what readers must know"),
    (SERVE, &["memory", "memory_limit", "max_size", "cache_size", "mem", "max_bytes"], "write max_memory = \"1GB\""),
    (SERVE, &["every", "cron", "schedule", "interval", "refresh", "refresh_interval", "poll", "poll_interval", "crontab"], "write every = \"5m\" in [job], or cron = \"15 3 * * *\""),
    (SERVE, &["key", "keys", "primary_key", "id", "pk", "index"], "write key = \"symbol\" in [[publish.after]] or [table]"),
    (FILE, &["schedule", "interval", "crontab", "timer", "trigger", "triggers", "refresh"], "write every = \"5m\" in [job], or cron = \"15 3 * * *\": when `windrow serve` runs the job"),
    (FILE, &["server", "serving", "web", "rest"], "write [serve] with stale_after = \"15m\""),
    ("[[publish.after]]", &["primary_key", "unique_key", "keys", "pk", "id", "index", "index_column", "id_column", "by", "lookup"], "write key = \"symbol\", the column of the file by which `windrow serve` finds a row"),

    // What is guessed anywhere.
    (ANYWHERE, &["concurrency", "parallel", "parallelism", "workers", "max_connections", "max_concurrency", "concurrent_requests", "num_threads", "threads", "processes", "n_jobs", "pool_size", "max_workers", "processes_count", "thread_count"],
        "write in_flight = 128 in [job], the requests at once; there is a process for each core"),
    (ANYWHERE, &["rate_limit", "requests_per_second", "rps", "qps", "api_budget", "calls_per_second", "throttle", "delay", "download_delay", "sleep", "rate"],
        "write [limit.\"api.example.com\"] with rate = \"5/s\""),
    (ANYWHERE, &["daily_limit", "requests_per_day", "quota"], "write [limit.\"api.example.com\"] with quota = \"100000/day\""),
    (FILE, &["webhook", "webhooks", "slack", "on_failure_callback", "on_success_callback", "on_failure", "on_success", "callback", "callbacks", "alert", "alerts", "alerting", "notification", "notifications", "hook", "hooks", "email", "healthcheck", "healthchecks", "ping", "notifier"],
        "write [notify] with url = \"${PING_URL}\", or command = [\"./tell.sh\"]"),
    (FILE, &["source", "list", "sources", "inputs", "seeds", "urls", "start_urls", "records"], "write [input] with file = \"ids.csv\", or ids"),
    (FILE, &["destination", "output", "target", "sink", "dest", "load", "loader"], "write [table] with to = \"duckdb:films.duckdb\" or \"postgres://…\""),
    (FILE, &["request", "requests", "http", "resource", "resources", "stream", "streams", "api", "client", "endpoint_list"], "write [[endpoint]] with url and columns"),
    (FILE, &["resource_defaults", "common", "global", "globals", "base"], "write [defaults], which hold for every endpoint"),
    (FILE, &["columns", "schema", "fields", "extract"], "write [endpoint.columns] below its [[endpoint]]"),
    (FILE, &["gate", "checks", "quality"], "write [publish]"),
    (FILE, &["queue", "queues", "worker", "tasks", "broker"], "write queue = { table = \"jobs\", where = \"state = 'new'\", … } in [input]"),
    (FILE, &["metrics", "prometheus", "health", "monitoring", "listen"], "write listen = \"127.0.0.1:9464\" in [job]"),
    (FILE, &["name", "pipeline", "pipeline_name", "config", "settings", "run"], "write [job] with name = \"films\"; without it the file's name is taken"),
    (ANYWHERE, &["max_retries", "retries", "retry_count", "max_attempts"],
        "write retry = { attempts = 4 } in [[endpoint]] or [defaults]: attempts count the first one, so 3 retries are 4"),
    (ANYWHERE, &["primary_key", "unique_key"], "write key = [\"imdb_id\"] in [table]"),
    (ANYWHERE, &["write_disposition", "load_method", "if_exists", "incremental_strategy"], "write mode = \"append\", \"upsert\", \"replace\" or \"replace_ids\" in [table]"),
    (ANYWHERE, &["max_errors", "max_failures"], "write max_failed = 10 in [publish]"),
    (ANYWHERE, &["proxy", "proxies"], "not yet: requests go straight to their host"),
    (ANYWHERE, &["log_level", "logging", "verbose", "debug", "quiet"], "leave it out: what a run says goes to standard error; its answers are in `windrow query` and `windrow failures`"),
];

/// What to write instead of another tool's word for a key of the section `title`.
pub(super) fn instead_of(word: &str, title: &str) -> Option<&'static str> {
    let word = plain(word);
    // The defaults hold what an endpoint may say.
    let title = if title == "[defaults]" { ENDPOINT } else { title };
    let meant = |place: &str| {
        MEANINGS.iter().find(|(at, words, _)| *at == place && words.iter().any(|known| plain(known) == word))
    };
    meant(title).map(|(.., hint)| *hint)
}

/// The same for a word that says it wherever it stands.
pub(super) fn anywhere(word: &str) -> Option<&'static str> {
    instead_of(word, ANYWHERE)
}

fn plain(word: &str) -> String {
    word.chars().filter(|one| !matches!(one, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sections;
    use super::*;

    /// What is to be written is a key of the section, or of the one that the hint names.
    #[test]
    fn what_is_to_be_written_is_a_key() {
        let mut tried = 0;
        for (at, words, hint) in MEANINGS {
            let Some((key, _)) = hint.strip_prefix("write ").and_then(|rest| rest.split_once(" = ")) else {
                continue;
            };
            let is_one = key.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
            if !is_one {
                continue;
            }
            tried += 1;
            let mut named = sections().into_iter().filter(|section| {
                let is_here = section.read_as == *at || *at == ENDPOINT && section.read_as == "[defaults]";
                is_here || hint.contains(section.read_as)
            });
            assert!(named.any(|section| section.keys.contains(&key)), "{at} {words:?}: {hint}");
        }
        assert!(tried > 100, "{tried}");
    }

    #[test]
    fn a_word_of_others_is_no_key_of_its_section_and_means_one_thing_there() {
        for (at, words, _) in MEANINGS {
            let keys: Vec<&str> = sections()
                .iter()
                .filter(|section| section.read_as == *at)
                .flat_map(|section| section.keys.clone())
                .collect();
            assert!(*at == ANYWHERE || !keys.is_empty(), "{at}");
            for word in *words {
                assert!(!keys.contains(word), "`{word}` is a key of {at}");
                let meanings =
                    MEANINGS.iter().filter(|(other, words, _)| other == at && words.contains(word)).count();
                assert_eq!(meanings, 1, "`{word}` in {at}");
            }
        }
    }
}
