//! `auth` of an endpoint, and `[auth.NAME]`, as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::at::At;
use super::fields::Fields;
use super::fields::{FromToml, Present, wrong_shape};
use super::forms::Named;
use super::section::section;
use super::word::{Choice, Word};
use crate::job::auth::ClientAuth;

/// `auth`: the name of an `[auth.NAME]`, or what is sent.
#[derive(Debug, Clone)]
pub(in crate::job) enum AnyAuth {
    Named(String),
    Own(Auth),
}

impl FromToml for AnyAuth {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<AnyAuth> {
        match value.get_ref() {
            DeValue::String(name) => Some(AnyAuth::Named(name.to_string())),
            DeValue::Table(_) => Auth::from_toml(value, mistakes).map(AnyAuth::Own),
            _ => {
                let hint = "write auth = { bearer = \"${TOKEN}\" }, { basic = \"user:${PASSWORD}\" } or the name of an \
                            [auth.NAME]";
                mistakes.add(&value.span(), wrong_shape("a table or a name", value), hint);
                None
            }
        }
    }
}

impl JsonSchema for AnyAuth {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyAuth".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Auth>()] })
    }
}

section! {
    /// An `authorization` header, one of these.
    "`auth`";
    Auth {
        /// A token, as in `${API_TOKEN}`: a template, sent behind `Bearer`.
        bearer: String,
        /// `user:${PASSWORD}`, as HTTP's basic authentication sends it.
        basic: String,
        ..
        /// The keys that are there, right or wrong.
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

impl Auth {
    pub(in crate::job) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        self.bearer.iter().chain(&self.basic)
    }
}

/// `[auth]`: a table of tables.
#[derive(Debug, Clone)]
pub(in crate::job) struct Tokens(pub Named<Token>);

impl FromToml for Tokens {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Tokens> {
        let is_source = |value: &Spanned<DeValue<'_>>| value.get_ref().as_table().is_some();
        if !value.get_ref().as_table().is_some_and(|sources| sources.values().all(is_source)) {
            let hint =
                "write each under a name of its own, [auth.play], which endpoints say: auth = \"play\"";
            mistakes.add(&value.span(), "[auth] has no sources of tokens in it", hint);
            return None;
        }
        Named::from_toml(value, mistakes).map(Tokens)
    }
}

impl JsonSchema for Tokens {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tokens".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Named::<Token>::json_schema(generator)
    }
}

section! {
    /// Where access tokens come from (OAuth 2.0), for endpoints that say `auth = "NAME"`. All processes of the user on this
    /// machine share a token, and one of them at a time asks for the next.
    "[auth.NAME]";
    Token {
        /// What a token is asked for with: `refresh_token`, `client_credentials`, or `service_account`, a key file as cloud
        /// consoles hand it out.
        #[schemars(required)]
        grant_type: Word<GrantType> = "add grant_type = \"refresh_token\", \"client_credentials\" or \"service_account\"",
        /// Where tokens are asked for: `https://oauth2.googleapis.com/token`. For a service account the key file says it.
        token_url: String,
        /// The client's id: text and `${NAME}`, as the secret and the refresh token.
        client_id: String,
        /// The client's secret.
        client_secret: String,
        /// The refresh token. Where the server gives another in its place, that one is kept in the user's state folder and used
        /// from then on.
        refresh_token: String,
        /// How the client proves who it is: `client_secret_post` (default), by fields of the form, or `client_secret_basic`, by
        /// a header.
        token_endpoint_auth_method: Word<ClientAuth>,
        /// The key file of a service account, JSON.
        key_file: String,
        /// What the token is to be good for, words with spaces between.
        scope: String,
        /// Whom the token is for: a field of the form, of a service account the `aud` of its assertion.
        audience: String,
        /// Further fields of the form; values are templates of text and `${NAME}`.
        params: Named<String>,
        /// Hosts that get the token besides those of the endpoints' URLs: `example.com`, or `*.example.com`.
        hosts: Vec<At<String>>,
        ..
        /// The keys that are there, right or wrong.
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

/// What a token is asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::job) enum GrantType {
    RefreshToken,
    ClientCredentials,
    ServiceAccount,
}

impl Choice for GrantType {
    const WORDS: &'static [(&'static str, GrantType)] = &[
        ("refresh_token", GrantType::RefreshToken),
        ("client_credentials", GrantType::ClientCredentials),
        ("service_account", GrantType::ServiceAccount),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["refresh", "offline"], "write \"refresh_token\""),
        (&["client", "machine", "m2m", "application"], "write \"client_credentials\""),
        (
            &["jwt", "jwt_bearer", "urn:ietf:params:oauth:grant_type:jwt_bearer", "google", "assertion"],
            "write \"service_account\" and key_file = \"key.json\"",
        ),
        (
            &["authorization_code", "code", "implicit", "device_code", "device", "password"],
            "get a refresh token once, by hand, and write \"refresh_token\"",
        ),
    ];
}

impl Choice for ClientAuth {
    const WORDS: &'static [(&'static str, ClientAuth)] = &[
        ("client_secret_post", ClientAuth::ClientSecretPost),
        ("client_secret_basic", ClientAuth::ClientSecretBasic),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["post", "body", "form", "request_body"], "write \"client_secret_post\""),
        (&["basic", "header"], "write \"client_secret_basic\""),
    ];
}
