//! `[[endpoint]]`, its columns, and what `[defaults]` may say for all, as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::DAY;
use super::at::At;
use super::fields::{Fields, FromToml, Section, wrong_shape};
use super::forms::{MissingRule, Named};
use super::leaf::{Count, Size, Time};
use super::word::{Choice, TypeName, Word};
use crate::job::endpoint::{OnError, OnFailure};
use crate::job::mistake::Mistakes;

/// `[[endpoint]]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Endpoint {
    /// Names it, its view in `windrow query`, and its files: letters, digits and `_`, at most 48.
    #[schemars(required, regex(pattern = "^[A-Za-z_][A-Za-z0-9_]{0,47}$"))]
    pub name: Option<At<String>>,
    /// The URL. `{column}` is a column of the list, `{endpoint.column}` one that another endpoint's answer gave, both
    /// encoded; `${NAME}` is a secret from the environment; `{{` and `}}` are braces. Scheme, host and port are literal.
    #[schemars(required, regex(pattern = "^https?://"))]
    pub url: Option<At<String>>,
    /// Query parameters, appended to the URL's own; values are templates like the URL.
    pub query: Option<At<Named<String>>>,
    /// What is taken from the answer: a column's name and its jq expression, or a table that says more.
    #[schemars(required)]
    pub columns: Option<At<Columns>>,
    /// When an answer says that the id does not exist there, which is a success without values: a jq condition, a list
    /// of HTTP statuses, or a list of both.
    pub missing: Option<At<MissingRule>>,
    /// What a failure of this endpoint does to the row: `drop` it (default), make its columns `null`, or `keep` what
    /// the table has.
    pub on_failure: Option<At<Word<OnFailure>>>,
    #[schemars(flatten)]
    pub common: Common,
}

impl Endpoint {
    /// Its own templates: the URL, then query, then headers.
    pub(in crate::job) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        let query = self.query.iter().flat_map(|query| query.value.entries()).map(|(_, template)| template);
        self.url.iter().chain(query).chain(self.common.header_templates())
    }
}

impl Section for Endpoint {
    const TITLE: &'static str = "[[endpoint]]";

    fn read(fields: &mut Fields<'_>) -> Endpoint {
        Endpoint {
            name: fields.required("name", "add name = \"…\": letters, digits and `_`"),
            url: fields.required("url", "add url = \"https://…\""),
            query: fields.optional("query"),
            columns: fields
                .required("columns", "add [endpoint.columns] with lines such as title = \".Title\""),
            missing: fields.optional("missing"),
            on_failure: fields.optional("on_failure"),
            common: Common::read(fields),
        }
    }
}

impl Choice for OnFailure {
    const WORDS: &'static [(&'static str, OnFailure)] =
        &[("drop", OnFailure::Drop), ("null", OnFailure::Null), ("keep", OnFailure::Keep)];
}

/// Keys of both `[[endpoint]]` and `[defaults]`.
#[derive(Debug, Clone, Default, JsonSchema)]
pub(in crate::job) struct Common {
    /// Request headers; values are templates like the URL. An endpoint's own come besides those of the defaults.
    pub headers: Option<At<Named<String>>>,
    /// Texts that mean null, such as `"N/A"`.
    pub nulls: Option<At<Vec<At<String>>>>,
    /// From the start of an attempt to the answer's end. Default `60s`.
    pub timeout: Option<At<Time<1, DAY>>>,
    /// To connect, TLS included. Default `10s`.
    pub connect_timeout: Option<At<Time<1, DAY>>>,
    /// Between two pieces of an answer. Default `30s`.
    pub idle_timeout: Option<At<Time<1, DAY>>>,
    /// Most bytes of an answer, decoded. Default `16MiB`.
    pub max_body: Option<At<Size<{ 1 << 30 }>>>,
    /// Deepest nesting of an answer's JSON. Default 128.
    pub max_depth: Option<At<Count<1, 512>>>,
    /// Redirects followed for one request. Default 5.
    pub max_redirects: Option<At<Count<0, 50>>>,
    /// When and how often a failed request is repeated.
    pub retry: Option<At<Retry>>,
}

impl Common {
    /// The names of its headers.
    pub(in crate::job) fn header_names(&self) -> Vec<&At<String>> {
        self.headers.as_ref().map_or_else(Vec::new, |headers| headers.value.names())
    }

    /// The values of its headers.
    pub(in crate::job) fn header_templates(&self) -> impl Iterator<Item = &At<String>> {
        self.headers.iter().flat_map(|headers| headers.value.entries()).map(|(_, template)| template)
    }

    /// Takes its keys from the table of an endpoint or of the defaults.
    pub(super) fn read(fields: &mut Fields<'_>) -> Common {
        Common {
            headers: fields.optional("headers"),
            nulls: fields.optional("nulls"),
            timeout: fields.optional("timeout"),
            connect_timeout: fields.optional("connect_timeout"),
            idle_timeout: fields.optional("idle_timeout"),
            max_body: fields.optional("max_body"),
            max_depth: fields.optional("max_depth"),
            max_redirects: fields.optional("max_redirects"),
            retry: fields.optional("retry"),
        }
    }
}

/// When and how often a request is repeated that failed with a connection error, a timeout, 408, 429 or 5xx.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Retry {
    /// Attempts altogether, the first included. Default 5.
    pub attempts: Option<At<Count<1, 100>>>,
    /// Longest first pause; it doubles each time, and the pause is drawn from 0 to it. Default `500ms`.
    pub backoff: Option<At<Time<0, DAY>>>,
    /// Longest pause. Default `30s`.
    pub max_backoff: Option<At<Time<0, DAY>>>,
    /// The longest `Retry-After` that is waited for; above it the request fails at once. Default `5m`.
    pub max_retry_after: Option<At<Time<0, { 7 * DAY }>>>,
}

impl Section for Retry {
    const TITLE: &'static str = "retry";

    fn read(fields: &mut Fields<'_>) -> Retry {
        Retry {
            attempts: fields.optional("attempts"),
            backoff: fields.optional("backoff"),
            max_backoff: fields.optional("max_backoff"),
            max_retry_after: fields.optional("max_retry_after"),
        }
    }
}

/// The columns of an endpoint.
pub(in crate::job) type Columns = Named<AnyColumn>;

/// A column: a bare jq expression, or a table.
#[derive(Debug, Clone)]
pub(in crate::job) struct AnyColumn(pub Column);

impl FromToml for AnyColumn {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<AnyColumn> {
        match value.get_ref() {
            DeValue::String(code) => {
                let jq = Some(At { value: code.to_string(), span: value.span() });
                Some(AnyColumn(Column { jq, ..Column::default() }))
            }
            DeValue::Table(_) => Column::from_toml(value, mistakes).map(AnyColumn),
            _ => {
                let hint = "write \".Title\" or { jq = \".Votes\", type = \"bigint\" }";
                mistakes.add(&value.span(), wrong_shape("a jq expression or a table", value), hint);
                None
            }
        }
    }
}

impl JsonSchema for AnyColumn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyColumn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Column>()] })
    }
}

/// A column that is written as a table.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Column {
    /// The jq expression that finds the value in the answer. No value is null, more than one a failure.
    #[schemars(required)]
    pub jq: Option<At<String>>,
    /// The type of the column. Default `text`.
    #[schemars(rename = "type")]
    pub ty: Option<At<TypeName>>,
    /// Texts that mean null here, instead of the endpoint's.
    pub nulls: Option<At<Vec<At<String>>>>,
    /// Characters to remove before the value is converted: `","` for 1,234.
    pub strip: Option<At<String>>,
    /// A regular expression: its capture group, or else the whole match, is the value; no match is null.
    pub regex: Option<At<String>>,
    /// How a date or timestamp is written, as strptime has it: `%d %b %Y`.
    pub format: Option<At<String>>,
    /// The IANA time zone of timestamps that name none, such as `Europe/Berlin`. Default UTC.
    pub zone: Option<At<String>>,
    /// What a value that does not fit its type does: `fail` (default), or become `null`.
    pub on_error: Option<At<Word<OnError>>>,
    /// Whether null is a failure. Default false.
    pub not_null: Option<At<bool>>,
}

impl Section for Column {
    const TITLE: &'static str = "the column";

    fn read(fields: &mut Fields<'_>) -> Column {
        Column {
            jq: fields.required("jq", "add jq = \"…\", the expression that finds the value"),
            ty: fields.optional("type"),
            nulls: fields.optional("nulls"),
            strip: fields.optional("strip"),
            regex: fields.optional("regex"),
            format: fields.optional("format"),
            zone: fields.optional("zone"),
            on_error: fields.optional("on_error"),
            not_null: fields.optional("not_null"),
        }
    }
}

impl Choice for OnError {
    const WORDS: &'static [(&'static str, OnError)] = &[("fail", OnError::Fail), ("null", OnError::Null)];
}
