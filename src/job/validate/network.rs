//! How requests come to their hosts: the proxy, and the files of certificates.

use std::path::{Path, PathBuf};

use super::path;
use crate::job::mistake::Mistakes;
use crate::job::network::{ClientCertificate, Network, Proxy, ProxyUrl};
use crate::job::raw::{self, At};

/// What an endpoint says of it; paths are relative to `folder`.
pub(super) fn validated(endpoint: &raw::Endpoint, folder: &Path, mistakes: &mut Mistakes) -> Network {
    let common = &endpoint.common;
    let client_certificate = client_certificate(endpoint, folder, mistakes);
    Network { client_certificate, ..of_defaults(common, folder, mistakes) }
}

/// The same without who is asking: what holds for all endpoints that do not say otherwise, too.
pub(super) fn of_defaults(common: &raw::Common, folder: &Path, mistakes: &mut Mistakes) -> Network {
    Network {
        proxy: common.proxy.as_ref().map_or(Proxy::Unsaid, |written| proxy(written, mistakes)),
        ca_file: file(&common.ca_file, folder, mistakes),
        client_certificate: None,
    }
}

fn proxy(written: &At<String>, mistakes: &mut Mistakes) -> Proxy {
    match written.text() {
        "environment" => return Proxy::Environment,
        "none" => return Proxy::None,
        _ => {}
    }
    let hint = match written.text() {
        "env" | "system" | "auto" | "from_env" | "" => Some("write \"environment\", \"none\" or a URL"),
        "direct" | "off" | "no" | "false" => Some("write \"none\""),
        _ => None,
    };
    match (hint, ProxyUrl::parse(written.text())) {
        (None, Ok(url)) => return Proxy::Url(url),
        (None, Err(mistake)) => mistakes.add(&written.span, mistake.message, mistake.hint),
        (Some(hint), _) => mistakes.add(&written.span, format!("\"{}\" is no proxy", written.value), hint),
    }
    Proxy::Unsaid
}

fn file(written: &Option<At<String>>, folder: &Path, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let written = written.as_ref()?;
    path::absolute(written, written.text(), folder, mistakes)
}

/// The certificate, and the key in a file of its own or in the same.
fn client_certificate(
    endpoint: &raw::Endpoint,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<ClientCertificate> {
    let common = &endpoint.common;
    let certificate = file(&common.client_certificate_file, folder, mistakes);
    let key = file(&common.client_key_file, folder, mistakes);
    if let (None, Some(key)) = (&common.client_certificate_file, &common.client_key_file) {
        let hint = "add client_certificate_file = \"client.pem\", the certificate that the key belongs to";
        mistakes.add(&key.span, "`client_key_file` without `client_certificate_file`", hint);
    }
    let is_given = endpoint.url.as_ref().is_some_and(|url| url.text().ends_with(":url}"));
    if let (Some(written), true) = (&common.client_certificate_file, is_given) {
        let hint = "whoever the list names would be shown it: leave it out, or write the host into `url`";
        mistakes.add(&written.span, "a client certificate where the URL comes from the list", hint);
    }
    let certificate = certificate?;
    Some(ClientCertificate { key: key.unwrap_or_else(|| certificate.clone()), certificate })
}
