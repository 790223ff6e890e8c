//! `auth` of an endpoint, and `[auth.NAME]`: what there must be, may not be, and is named.

use std::collections::BTreeMap;
use std::path::Path;

use ::url::Url;

use super::names::GivenNames;
use super::template::{slot, validated as template};
use super::{hosts, path};
use crate::job::auth::{Auth, Grant, TokenSource};
use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::{self, AnyAuth, At, GrantType};
use crate::job::suggest;
use crate::job::{Part, Template};

/// Most bytes of the name of an `[auth.NAME]`.
const LONGEST_NAME: usize = 63;

/// `[auth.NAME]` by name; nothing where one is wrong.
pub(super) type TokenSources<'a> = BTreeMap<&'a str, Option<TokenSource>>;

/// What goes into an endpoint's `authorization` header: `Some(None)` where it says nothing.
pub(super) fn of_endpoint(
    endpoint: &raw::Endpoint,
    sources: &TokenSources<'_>,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Option<Auth>> {
    let Some(auth) = &endpoint.common.auth else { return Some(None) };
    refuse_second_header(endpoint, auth, mistakes);
    match &auth.value {
        AnyAuth::Named(name) => {
            let Some(source) = sources.get(name.as_str()) else {
                let names: Vec<&str> = sources.keys().copied().collect();
                let hint = suggest::did_you_mean(name, &names)
                    .unwrap_or_else(|| format!("add [auth.{name}] with grant_type and what that needs"));
                mistakes.add(&auth.span, format!("there is no [auth.{name}]"), hint);
                return None;
            };
            let source = source.clone()?;
            check_reach(endpoint, &source, auth, mistakes);
            Some(Some(Auth::Token(Box::new(source))))
        }
        AnyAuth::Own(own) => of_its_own(own, &auth.span, known, mistakes).map(Some),
    }
}

/// A token that is written into the job, or a user with a password.
fn of_its_own(
    own: &raw::Auth,
    place: &Span,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Auth> {
    match (&own.bearer, &own.basic) {
        (Some(bearer), None) => template(bearer, known, mistakes).map(Auth::Bearer),
        (None, Some(basic)) => {
            let user = constant(basic, known, mistakes)?;
            if !user.parts.iter().any(|part| matches!(part, Part::Literal(text) if text.contains(':'))) {
                let hint = "write basic = \"user:${PASSWORD}\"; without a password \"user:\"";
                mistakes.add(&basic.span, "no `:` between user and password", hint);
            }
            Some(Auth::Basic(user))
        }
        (None, None) => {
            if own.present.is_empty() {
                let hint = "write { bearer = \"${TOKEN}\" } or { basic = \"user:${PASSWORD}\" }";
                mistakes.add(place, "`auth` without anything in it", hint);
            }
            None
        }
        (Some(_), Some(_)) => {
            mistakes.add(place, "`bearer` and `basic` are two headers of one name", "leave one out");
            None
        }
    }
}

fn refuse_second_header(endpoint: &raw::Endpoint, auth: &At<AnyAuth>, mistakes: &mut Mistakes) {
    let headers = endpoint.common.headers.iter().flat_map(|headers| headers.value.names());
    if headers.into_iter().any(|name| name.text().eq_ignore_ascii_case("authorization")) {
        let hint = "leave one of the two out";
        mistakes.add(&auth.span, "`auth` beside a header `authorization`", hint);
    }
}

/// A token goes to hosts that the job names.
fn check_reach(endpoint: &raw::Endpoint, source: &TokenSource, auth: &At<AnyAuth>, mistakes: &mut Mistakes) {
    let is_whole_url = endpoint.url.as_ref().is_some_and(|url| url.value.ends_with(":url}"));
    if is_whole_url && source.hosts.is_empty() {
        let hint =
            format!("say which hosts of the list get the token: hosts = [\"…\"] in [auth.{}]", source.name);
        mistakes.add(&auth.span, "a token for a request whose URL comes from the list", hint);
    }
}

/// Those of a file.
pub(super) fn sources<'a>(
    file: &'a raw::JobFile,
    known: &GivenNames<'_>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> TokenSources<'a> {
    let mut sources = BTreeMap::new();
    for entry in file.auth.iter().flat_map(|auth| &auth.value.0.0) {
        let name = entry.name.text();
        check_name(&entry.name, file, mistakes);
        let source = entry.value.as_ref().and_then(|token| source(name, token, known, folder, mistakes));
        sources.insert(name, source);
    }
    sources
}

fn check_name(name: &At<String>, file: &raw::JobFile, mistakes: &mut Mistakes) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.value.is_empty() || name.value.len() > LONGEST_NAME || !name.value.bytes().all(fits) {
        let hint = format!("letters, digits, `_` and `-`, at most {LONGEST_NAME}");
        mistakes.add(&name.span, format!("\"{}\" is no name for an [auth.NAME]", name.value), hint);
        return;
    }
    let own = name.text();
    let mut used = file.endpoints().filter_map(|endpoint| match &endpoint.common.auth.as_ref()?.value {
        AnyAuth::Named(name) => Some(name.as_str()),
        AnyAuth::Own(_) => None,
    });
    let sources = file.auth.iter().flat_map(|auth| auth.value.0.names());
    let known: Vec<&str> = sources.map(At::text).collect();
    // A name that is wrong may be the one that lacks here.
    if file.names_are_known && used.all(|name| known.contains(&name) && name != own) {
        let hint =
            format!("add auth = \"{}\" to the endpoints that need its tokens, or leave it out", name.value);
        mistakes.add(&name.span, format!("no endpoint uses [auth.{}]", name.value), hint);
    }
}

fn source(
    name: &str,
    written: &At<raw::Token>,
    known: &GivenNames<'_>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<TokenSource> {
    let token = &written.value;
    let grant_type = token.grant_type.as_ref()?.value.0;
    check_keys(token, grant_type, &written.span, mistakes);
    let mut constant = |text: &Option<At<String>>| match text {
        Some(text) => constant(text, known, mistakes).map(Some),
        None => Some(None),
    };
    let client_id = constant(&token.client_id);
    let client_secret = constant(&token.client_secret);
    let refresh_token = constant(&token.refresh_token);
    let params: Vec<Option<(String, Template)>> = token
        .params
        .iter()
        .flat_map(|params| params.value.entries())
        .map(|(name, value)| Some((name.value.clone(), constant(&Some(value.clone()))??)))
        .collect();
    let token_url = match &token.token_url {
        Some(url) => Some(self::token_url(url, mistakes)?),
        None => None,
    };
    let hosts = token.hosts.as_ref().map_or_else(Vec::new, |list| {
        hosts::patterns(list, "the hosts of the endpoints' URLs get the token", mistakes)
    });
    let grant = match grant_type {
        GrantType::RefreshToken => Grant::RefreshToken(refresh_token??),
        GrantType::ClientCredentials => Grant::ClientCredentials,
        GrantType::ServiceAccount => {
            let file = token.key_file.as_ref()?;
            Grant::ServiceAccount(path::absolute(file, file.text(), folder, mistakes)?)
        }
    };
    Some(TokenSource {
        name: name.to_owned(),
        grant,
        token_url,
        client_id: client_id?,
        client_secret: client_secret?,
        client_auth: token
            .token_endpoint_auth_method
            .as_ref()
            .map_or_else(Default::default, |word| word.value.0),
        scope: token.scope.as_ref().map(|scope| scope.value.clone()),
        audience: token.audience.as_ref().map(|audience| audience.value.clone()),
        params: params.into_iter().collect::<Option<_>>()?,
        hosts,
    })
}

/// The keys that a grant needs, and those that it has no use for.
fn check_keys(token: &raw::Token, grant: GrantType, place: &Span, mistakes: &mut Mistakes) {
    let (grant, needed, useless): (_, &[(&str, &str)], &[&str]) = match grant {
        GrantType::RefreshToken => (
            "refresh_token",
            &[("token_url", "https://…"), ("client_id", "…"), ("refresh_token", "${REFRESH_TOKEN}")],
            &["key_file"],
        ),
        GrantType::ClientCredentials => (
            "client_credentials",
            &[("token_url", "https://…"), ("client_id", "…"), ("client_secret", "${CLIENT_SECRET}")],
            &["key_file", "refresh_token"],
        ),
        GrantType::ServiceAccount => (
            "service_account",
            &[("key_file", "key.json")],
            &["client_id", "client_secret", "refresh_token", "token_endpoint_auth_method"],
        ),
    };
    for (key, example) in needed.iter().filter(|(key, _)| !token.present.has(key)) {
        let message = format!("grant_type = \"{grant}\" needs `{key}`");
        mistakes.add(place, message, format!("add {key} = \"{example}\""));
    }
    for key in useless.iter().filter(|key| token.present.has(key)) {
        let message = format!("`{key}` beside grant_type = \"{grant}\"");
        mistakes.add(place, message, "leave one of the two out");
    }
}

/// A template that has no columns: it is the same for all records.
fn constant(written: &At<String>, known: &GivenNames<'_>, mistakes: &mut Mistakes) -> Option<Template> {
    let parsed = template(written, known, mistakes)?;
    let is_column = |part: &&Part| !matches!(part, Part::Literal(_) | Part::Secret(_));
    if let Some(part) = parsed.parts.iter().find(is_column) {
        let hint = "write text and ${NAME} only: it is the same for all records; `{{` is a brace";
        mistakes.add(&slot(written, part, known), "a column in a credential", hint);
        return None;
    }
    Some(parsed)
}

fn token_url(written: &At<String>, mistakes: &mut Mistakes) -> Option<String> {
    let url = Url::parse(written.text()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let is_plain =
        |url: &Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.filter(is_plain) {
        Some(url) => Some(url.into()),
        None => {
            let hint = "write it as https://host/path, without a user";
            mistakes.add(&written.span, "no URL to ask for tokens at", hint);
            None
        }
    }
}
