//! `auth` of an endpoint, and `[auth.NAME]`.

use super::super::*;
use super::{SMALL, endpoint, parse, said, said_of};

/// The small job with an `[auth.play]` of these keys, whose endpoint uses it.
fn with_source(keys: &str) -> String {
    format!(
        "{SMALL}[[endpoint]]\nname = \"one\"\nurl = \"https://example.org/{{id}}\"\ncolumns = {{ x = \".x\" }}\n\
         auth = \"play\"\n[auth.play]\n{keys}\n"
    )
}

fn source(keys: &str) -> TokenSource {
    let job = parse(&with_source(keys)).unwrap_or_else(|error| panic!("{keys}\n{error}"));
    match job.endpoints.into_iter().next().unwrap().auth {
        Some(Auth::Token(source)) => *source,
        other => panic!("{other:?}"),
    }
}

const REFRESH: &str = "grant_type = \"refresh_token\"\ntoken_url = \"https://id.example.org/token\"\n\
                       client_id = \"me\"\nrefresh_token = \"${REFRESH}\"";

#[test]
fn credentials_are_templates() {
    let Some(Auth::Bearer(token)) = endpoint("auth = { bearer = \"{kept}-${TOKEN}\" }").auth else {
        panic!()
    };
    assert_eq!(token.to_string(), "{kept}-${TOKEN}");
    let Some(Auth::Basic(user)) = endpoint("auth = { basic = \"${USER}:${PASSWORD}\" }").auth else {
        panic!()
    };
    assert_eq!(user.secrets().collect::<Vec<_>>(), ["USER", "PASSWORD"]);
    assert_eq!(endpoint("").auth, None);
    let job = parse(&super::small("auth = { bearer = \"{deep}${TOKEN}\" }")).unwrap();
    assert_eq!((job.used_columns(), job.secrets()), (vec!["id".into(), "deep".into()], vec!["TOKEN".into()]));
}

#[test]
fn a_source_of_tokens_is_what_its_grant_needs() {
    let refresh = source(REFRESH);
    assert_eq!(
        (refresh.name.as_str(), refresh.token_url.as_deref()),
        ("play", Some("https://id.example.org/token"))
    );
    assert!(matches!(&refresh.grant, Grant::RefreshToken(token) if token.to_string() == "${REFRESH}"));
    assert_eq!(refresh.client_auth, ClientAuth::ClientSecretPost);
    let client = source(
        "grant_type = \"client_credentials\"\ntoken_url = \"http://localhost:8080/t?x=1\"\nclient_id = \"me\"\n\
         client_secret = \"${S}\"\ntoken_endpoint_auth_method = \"client_secret_basic\"\nscope = \"a b\"\n\
         audience = \"https://api\"\nparams = { resource = \"${R}\" }\nhosts = [\"*.Example.com\"]",
    );
    assert_eq!(
        (&client.grant, client.client_auth),
        (&Grant::ClientCredentials, ClientAuth::ClientSecretBasic)
    );
    assert_eq!(
        (client.hosts.as_slice(), client.params[0].0.as_str()),
        (["*.example.com".to_owned()].as_slice(), "resource")
    );
    let account = source("grant_type = \"service_account\"\nkey_file = \"../key.json\"");
    let Grant::ServiceAccount(file) = account.grant else { panic!() };
    assert!(file.ends_with("key.json") && file.is_absolute());
    let job = parse(&with_source(REFRESH)).unwrap();
    assert_eq!(job.secrets(), ["REFRESH"]);
}

#[test]
fn credentials_that_are_wrong() {
    insta::assert_snapshot!(said("auth = { basic = \"user\" }"), @r#"
    line 8: "user"
    no `:` between user and password
    hint: write basic = "user:${PASSWORD}"; without a password "user:"
    "#);
    insta::assert_snapshot!(said("auth = { basic = \"{kept}:x\" }"), @r#"
    line 8: {kept}
    a column in a credential
    hint: write text and ${NAME} only: it is the same for all records; `{{` is a brace
    "#);
    insta::assert_snapshot!(said("auth = {}"), @r#"
    line 8: {}
    `auth` without anything in it
    hint: write { bearer = "${TOKEN}" } or { basic = "user:${PASSWORD}" }
    "#);
    insta::assert_snapshot!(said("auth = { bearer = \"x\", basic = \"a:b\" }"), @r#"
    line 8: { bearer = "x", basic = "a:b" }
    `bearer` and `basic` are two headers of one name
    hint: leave one out
    "#);
    insta::assert_snapshot!(said("auth = { bearer = \"x\" }\nheaders = { Authorization = \"y\" }"), @r#"
    line 8: { bearer = "x" }
    `auth` beside a header `authorization`
    hint: leave one of the two out
    "#);
    insta::assert_snapshot!(said("auth = 7"), @r#"
    line 8: 7
    expected a table or a name, found an integer
    hint: write auth = { bearer = "${TOKEN}" }, { basic = "user:${PASSWORD}" } or the name of an [auth.NAME]
    "#);
    insta::assert_snapshot!(said("auth = \"play\""), @r#"
    line 8: "play"
    there is no [auth.play]
    hint: add [auth.play] with grant_type and what that needs
    "#);
    insta::assert_snapshot!(said("auth = { username = \"a\" }"), @r#"
    line 8: username
    unknown key `username` in `auth`
    hint: write basic = "user:${PASSWORD}"
    "#);
    insta::assert_snapshot!(said("url = \"{id:url}\"\nauth = { bearer = \"${TOKEN}\" }"), @r#"
    line 8: ${TOKEN}
    a secret in a request whose URL comes from the list
    hint: whoever the list names would get it: leave it out, or write the host into `url`
    "#);
    insta::assert_snapshot!(said("url = \"https://me:pass@example.org/{id}\""), @r#"
    line 7: "https://me:pass@example.org/{id}"
    a user name in the URL
    hint: write it beside the URL: auth = { basic = "user:${PASSWORD}" }
    "#);
}

#[test]
fn sources_of_tokens_that_are_wrong() {
    insta::assert_snapshot!(said_of(&with_source("grant_type = \"refresh_token\"\nkey_file = \"k\"")), @r#"
    line 9: [auth.play]
    `key_file` beside grant_type = "refresh_token"
    hint: leave one of the two out

    line 9: [auth.play]
    grant_type = "refresh_token" needs `client_id`
    hint: add client_id = "…"

    line 9: [auth.play]
    grant_type = "refresh_token" needs `refresh_token`
    hint: add refresh_token = "${REFRESH_TOKEN}"

    line 9: [auth.play]
    grant_type = "refresh_token" needs `token_url`
    hint: add token_url = "https://…"
    "#);
    insta::assert_snapshot!(said_of(&with_source("grant_type = \"password\"")), @r#"
    line 10: "password"
    unknown word "password"
    hint: get a refresh token once, by hand, and write "refresh_token"
    "#);
    insta::assert_snapshot!(said_of(&with_source(&REFRESH.replace("https:", "ftp:"))), @r#"
    line 11: "ftp://id.example.org/token"
    no URL to ask for tokens at
    hint: write it as https://host/path, without a user
    "#);
    insta::assert_snapshot!(said_of(&with_source(&REFRESH.replace("\"me\"", "\"{id}\""))), @r#"
    line 12: {id}
    a column in a credential
    hint: write text and ${NAME} only: it is the same for all records; `{{` is a brace
    "#);
    insta::assert_snapshot!(said_of(&with_source(&format!("{REFRESH}\nhosts = []"))), @r#"
    line 14: []
    an empty list of hosts
    hint: name at least one, or leave it out: the hosts of the endpoints' URLs get the token
    "#);
    insta::assert_snapshot!(said_of(&with_source(&format!("{REFRESH}\ntoken_uri = \"x\""))), @r#"
    line 14: token_uri
    unknown key `token_uri` in [auth.NAME]
    hint: write token_url = "https://…"
    "#);
    insta::assert_snapshot!(said_of(&with_source(REFRESH).replace("auth = \"play\"", "auth = \"plai\"")), @r#"
    line 8: "plai"
    there is no [auth.plai]
    hint: did you mean `play`?
    "#);
    insta::assert_snapshot!(said_of(&with_source(REFRESH).replace("https://example.org/{id}", "{id:url}")), @r#"
    line 8: "play"
    a token for a request whose URL comes from the list
    hint: say which hosts of the list get the token: hosts = ["…"] in [auth.play]
    "#);
    insta::assert_snapshot!(said_of(&with_source(REFRESH).replace("[auth.play]", "[auth]")), @r#"
    line 8: "play"
    there is no [auth.play]
    hint: add [auth.play] with grant_type and what that needs

    line 9: [auth]
    [auth] has no sources of tokens in it
    hint: write each under a name of its own, [auth.play], which endpoints say: auth = "play"
    "#);
}
