//! What browsers add is left out, and what people write is not.

use super::parsed;

const BROWSER: &str = "curl 'https://www.example.com/api/list?page=2' \\
  -H 'authority: www.example.com' -H 'accept: application/json' -H 'accept-language: de,en;q=0.9' \\
  -H 'cache-control: no-cache' -H 'content-type: application/json' \\
  -b '_ga=GA1.1.5; session=abc; _gid=x; __utma=1; theme=dark; OptanonConsent=a=b&c=d' \\
  -H 'dnt: 1' -H 'if-none-match: W/\"x\"' -H 'origin: https://www.example.com' -H 'pragma: no-cache' -H 'priority: u=1, i' \\
  -H 'referer: https://www.example.com/list' -H 'sec-ch-ua: \"Chromium\";v=\"131\"' -H 'sec-fetch-mode: cors' \\
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36' -H 'x-csrf: t' --compressed";

#[test]
fn what_a_browser_adds_is_left_out_and_named() {
    let command = parsed(BROWSER);
    let names: Vec<&str> = command.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Cookie", "accept", "content-type", "origin", "referer", "x-csrf"]);
    assert_eq!(command.headers[0].1, "session=abc; theme=dark");
    let left_out = [
        "_ga",
        "_gid",
        "__utma",
        "OptanonConsent",
        "authority",
        "accept-language",
        "cache-control",
        "dnt",
        "if-none-match",
        "pragma",
        "priority",
        "sec-ch-ua",
        "sec-fetch-mode",
        "user-agent",
    ];
    assert_eq!(command.left_out, left_out);
}

#[test]
fn what_somebody_typed_stays() {
    let typed = "curl -H 'Accept-Language: de' -H 'Cache-Control: no-cache' -A 'Mozilla/5.0 (mine)' -H 'If-None-Match: x' \
                 -b 'gamma=1; _session=2' https://example.com";
    let command = parsed(typed);
    assert_eq!((command.headers.len(), command.left_out.len()), (5, 0), "{command:?}");
}

#[test]
fn what_belongs_to_the_connection_never_stays() {
    let command = parsed(
        "curl -H 'Host: Example.com' -H 'Connection: close' -H 'content-length: 5' https://example.com/x",
    );
    assert_eq!(command.left_out, ["Host", "Connection", "content-length"]);
    let other = parsed("curl -H 'Host: other.example' https://example.com/x");
    assert_eq!((other.headers.len(), other.left_out.len()), (1, 0));
}

#[test]
fn recorders_of_apps_are_known_too() {
    let command = parsed(
        "curl -H 'Host: api.example.com' -H 'Accept: */*' -H 'Connection: keep-alive' -H 'User-Agent: App/1 CFNetwork/1335' \
         -H 'Accept-Language: en-gb' -H 'Accept-Encoding: gzip' 'https://api.example.com/v2'",
    );
    assert_eq!(command.left_out, ["Host", "Connection", "Accept-Language", "Accept-Encoding"]);
    let postman =
        parsed("curl --header 'Postman-Token: x' --header 'cache-control: no-cache' https://example.com");
    assert_eq!(postman.left_out, ["Postman-Token", "cache-control"]);
    let counting = parsed("curl -b '_ga=1; _gid=2' https://example.com");
    assert_eq!((counting.headers, counting.left_out), (vec![], vec!["_ga".to_owned(), "_gid".to_owned()]));
}
