//! What a browser adds to every request, and no API asks for.
//!
//! Promises: what is left out is named. Headers are left out where others show that a browser or a recorder wrote the command;
//! what somebody typed stays, but for those that belong to the connection. Cookies that count visitors never stay.

use super::CurlCommand;

/// Headers that a browser or a recorder adds.
const BROWSERS: [&str; 28] = [
    "accept-encoding",
    "accept-language",
    "baggage",
    "dnt",
    "if-modified-since",
    "if-none-match",
    "newrelic",
    "priority",
    "save-data",
    "sentry-trace",
    "te",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "x-client-data",
    "x-newrelic-id",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    ":authority",
    ":method",
    ":path",
    ":scheme",
    "method",
    "path",
    "scheme",
    "proxy-connection",
];

/// Those of them that every browser and most recorders add, and nobody types all of.
const USUAL: [&str; 8] = [
    "accept-encoding",
    "accept-language",
    "connection",
    "dnt",
    "keep-alive",
    "priority",
    "te",
    "upgrade-insecure-requests",
];

/// Headers of a connection: another makes its own.
const CONNECTION: [&str; 3] = ["connection", "keep-alive", "content-length"];

/// How names of cookies begin that count visitors, or remember what these said of being counted.
const COUNTING: [&str; 34] = [
    "_ga",
    "_gid",
    "_gat",
    "_gcl_",
    "_gac_",
    "__gads",
    "__gpi",
    "__utm",
    "_fbp",
    "_fbc",
    "_hj",
    "_uet",
    "_clck",
    "_clsk",
    "_pin_unauth",
    "_scid",
    "_ttp",
    "_tt_",
    "_rdt_",
    "_pk_",
    "_mkto_trk",
    "_dc_gtm",
    "__hs",
    "hubspotutk",
    "ajs_",
    "amp_",
    "amplitude_",
    "mp_",
    "optimizely",
    "OptanonConsent",
    "OptanonAlertBoxClosed",
    "CookieConsent",
    "intercom-",
    "_vwo",
];

/// How many of a browser's headers show that it was one.
const MANY: usize = 3;

/// Leaves out what is noise.
pub fn remove(command: &mut CurlCommand) {
    let is_recorded = is_recorded(command);
    let host = host(&command.url).to_owned();
    let mut headers = Vec::new();
    for (name, value) in std::mem::take(&mut command.headers) {
        let name_is = name.to_ascii_lowercase();
        match name_is.as_str() {
            "cookie" => {
                let kept = kept_cookies(&value, &mut command.left_out);
                headers.extend(kept.map(|value| (name, value)));
            }
            _ if is_noise(&name_is, &value, &host, is_recorded) => command.left_out.push(name),
            _ => headers.push((name, value)),
        }
    }
    command.headers = headers;
}

/// Whether a browser or a recorder wrote the command.
fn is_recorded(command: &CurlCommand) -> bool {
    let names: Vec<String> = command.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let is_certain = |name: &String| {
        name.starts_with("sec-fetch-") || name.starts_with("sec-ch-") || name == "postman-token"
    };
    let is_usual = |name: &&String| USUAL.contains(&name.as_str());
    let is_browser =
        command.headers.iter().any(|(name, value)| is_browser(&name.to_ascii_lowercase(), value));
    names.iter().any(is_certain) || names.iter().filter(is_usual).count() + usize::from(is_browser) >= MANY
}

fn is_browser(name: &str, value: &str) -> bool {
    name == "user-agent" && value.starts_with("Mozilla/5.0")
}

fn is_noise(name: &str, value: &str, host: &str, is_recorded: bool) -> bool {
    if CONNECTION.contains(&name) || name == "host" && value.eq_ignore_ascii_case(host) {
        return true;
    }
    let is_reload =
        matches!(name, "cache-control" | "pragma") && matches!(value, "no-cache" | "max-age=0" | "no-store");
    let is_named = BROWSERS.contains(&name) || name.starts_with("sec-") || name == "postman-token";
    let is_authority = name == "authority" && value.eq_ignore_ascii_case(host);
    is_recorded && (is_reload || is_named || is_authority || is_browser(name, value))
}

/// Host and port of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// The cookies that do not count visitors; `None` where there is no other.
fn kept_cookies(value: &str, left_out: &mut Vec<String>) -> Option<String> {
    let cookies = value.split(';').map(str::trim).filter(|cookie| !cookie.is_empty());
    let (counting, kept): (Vec<&str>, Vec<&str>) =
        cookies.partition(|cookie| COUNTING.iter().any(|name| cookie.starts_with(name)));
    if counting.is_empty() {
        return Some(value.to_owned());
    }
    left_out.extend(
        counting.iter().map(|cookie| cookie.split_once('=').map_or(*cookie, |(name, _)| name).to_owned()),
    );
    (!kept.is_empty()).then(|| kept.join("; "))
}
