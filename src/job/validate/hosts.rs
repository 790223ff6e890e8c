//! Which hosts may be asked besides that of a URL, and that no secret goes where the list says.

use ::url::Host;

use super::names::GivenNames;
use super::template::slot;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Part, Template};

/// The hosts that are named; none where the job does not say.
pub(super) fn validated(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> Vec<String> {
    let Some(hosts) = &endpoint.common.hosts else { return Vec::new() };
    patterns(hosts, "any host with a public address may then be asked", mistakes)
}

/// The hosts of a list, of which there is at least one; `otherwise` says what holds where there is no list.
pub(super) fn patterns(hosts: &At<Vec<At<String>>>, otherwise: &str, mistakes: &mut Mistakes) -> Vec<String> {
    if hosts.value.is_empty() {
        let hint = format!("name at least one, or leave it out: {otherwise}");
        mistakes.add(&hosts.span, "an empty list of hosts", hint);
    }
    hosts.value.iter().filter_map(|host| pattern(host, mistakes)).collect()
}

/// A host as URLs have it, or `*.` and one.
fn pattern(written: &At<String>, mistakes: &mut Mistakes) -> Option<String> {
    let (below, name) = match written.value.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", written.text()),
    };
    match parsed(name) {
        Some(Host::Domain(name)) => return Some(format!("{below}{name}")),
        Some(address) if below.is_empty() => return Some(address.to_string()),
        _ => {}
    }
    let hint = "write a host such as \"example.com\", or \"*.example.com\" for all names below it: \
                no scheme, port or path";
    mistakes.add(&written.span, format!("\"{}\" is no host", written.value), hint);
    None
}

/// A host as URLs have it, without the point that may end a name.
pub(super) fn host(text: &str) -> Option<String> {
    let host = parsed(text)?.to_string();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// A name of letters, digits, `-`, `_` and points, or an address.
fn parsed(text: &str) -> Option<Host> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let host = Host::parse(text).ok()?;
    let is_odd = matches!(&host, Host::Domain(name) if !name.bytes().all(fits));
    (!is_odd).then_some(host)
}

/// Notes the secrets of a request whose URL the list chooses.
pub(super) fn refuse_secrets(templates: &[&At<String>], known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    for written in templates {
        let Ok(template) = Template::parse(written.text(), &known.answers) else { continue };
        for part in template.parts.iter().filter(|part| matches!(part, Part::Secret(_))) {
            let hint = "whoever the list names would get it: leave it out, or write the host into `url`";
            mistakes.add(
                &slot(written, part, known),
                "a secret in a request whose URL comes from the list",
                hint,
            );
        }
    }
}
