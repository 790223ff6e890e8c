//! `auth`: how a request says who asks.

use std::path::PathBuf;

use serde::Serialize;

use super::by_name::by_name;
use super::template::Template;

/// What an endpoint's requests have in their `authorization` header.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// A token that the job has (RFC 6750, section 2.1).
    Bearer(Template),
    /// `user:password`, without columns (RFC 7617).
    Basic(Template),
    /// An access token, which is asked for.
    Token(Box<TokenSource>),
}

/// `[auth.NAME]`: where access tokens come from (OAuth 2.0, RFC 6749). No template has columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenSource {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What a token is asked for with.
    pub grant: Grant,
    /// Where, an absolute URL; `None`: the key file says it.
    pub token_url: Option<String>,
    /// Who asks for it.
    pub client_id: Option<Template>,
    /// What proves that.
    pub client_secret: Option<Template>,
    /// How it is proven.
    pub client_auth: ClientAuth,
    /// What the token is to be good for, words with spaces between.
    pub scope: Option<String>,
    /// Whom it is for.
    pub audience: Option<String>,
    /// Further fields of the form.
    #[serde(serialize_with = "by_name")]
    pub params: Vec<(String, Template)>,
    /// Hosts that get the token besides those of the endpoints' URLs, as [`Endpoint::hosts`](super::Endpoint::hosts).
    pub hosts: Vec<String>,
}

/// What a token is asked for with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A refresh token, in whose place the server may give another each time (RFC 6749, section 6).
    RefreshToken(Template),
    /// The client's own credentials (RFC 6749, section 4.4).
    ClientCredentials,
    /// A signed assertion, by the key in a file as cloud consoles hand it out (RFC 7523). The file's path.
    ServiceAccount(PathBuf),
}

/// How a client proves who it is where it asks for a token (RFC 7591, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By fields of the form (the default).
    #[default]
    ClientSecretPost,
    /// By a header.
    ClientSecretBasic,
}

impl Auth {
    /// Its templates, those of where its token comes from included.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let (own, source) = match self {
            Auth::Bearer(template) | Auth::Basic(template) => (Some(template), None),
            Auth::Token(source) => (None, Some(source)),
        };
        own.into_iter().chain(source.into_iter().flat_map(|source| source.templates()))
    }
}

impl TokenSource {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let refresh_token = match &self.grant {
            Grant::RefreshToken(template) => Some(template),
            Grant::ClientCredentials | Grant::ServiceAccount(_) => None,
        };
        let client = self.client_id.iter().chain(&self.client_secret);
        client.chain(refresh_token).chain(self.params.iter().map(|(_, template)| template))
    }
}
