//! Who may be asked.
//!
//! A URL template fixes its origin, which is asked whatever its address. Where redirects and next pages lead from there is
//! that host's choice, and a whole URL from the input is a stranger's: such requests go only to the hosts that the
//! endpoint names, or, where it names none, only to public addresses, lest a list or a server make this machine ask its
//! own network (a cloud's metadata service at 169.254.169.254, a router, a database without a password). A host that is
//! itself of such a network may lead to others there.
//!
//! A name is judged by the address that is connected to, in the resolver: one that looked public a moment ago cannot
//! lead elsewhere. Nor can it lead into a network by leading there itself, later on: once public, a host stays so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use super::origin::Origin;
use crate::job::Endpoint;

/// Who may be asked for an endpoint, by redirects and next pages too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// The template's origin, and from there on whom it leads to.
    From(Origin),
    /// Hosts that the job names, whatever their addresses.
    Hosts(Vec<HostPattern>),
    /// Any host with a public address.
    Public,
}

/// One of an endpoint's `hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPattern {
    /// As URLs have it: lower case, punycode, IPv6 in brackets.
    host: String,
    /// Whether it stands for the names below it (`*.` before it).
    is_below: bool,
}

impl Reach {
    /// That of an endpoint, whose template has this origin.
    pub(super) fn of(endpoint: &Endpoint, own: Option<&Origin>) -> Result<Reach, String> {
        let patterns = endpoint.hosts.iter().map(|host| HostPattern::parse(host));
        Ok(match own {
            Some(own) if endpoint.hosts.is_empty() => Reach::From(own.clone()),
            None if endpoint.hosts.is_empty() => Reach::Public,
            own => {
                let own = own.map(|own| Ok(HostPattern::of(own)));
                Reach::Hosts(patterns.chain(own).collect::<Result<_, _>>()?)
            }
        })
    }

    /// Whether the job names an origin, so that it is asked whatever its address. Another port of a template's host is where
    /// that host leads: its name may lead to this machine by then.
    pub(super) fn names(&self, origin: &Origin) -> bool {
        match self {
            Reach::From(own) => own == origin,
            Reach::Hosts(_) => true,
            Reach::Public => false,
        }
    }

    /// The template's origin, where its host leads on.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match self {
            Reach::From(own) => Some(own),
            Reach::Hosts(_) | Reach::Public => None,
        }
    }

    /// Whether connections must lead to public addresses.
    pub(super) fn is_public_only(&self) -> bool {
        *self == Reach::Public
    }

    /// Whether an origin may be asked, as far as its name tells; or why not.
    pub(super) fn admits(&self, origin: &Origin) -> Result<(), String> {
        match self {
            Reach::From(_) => Ok(()),
            Reach::Hosts(patterns) => {
                let host = origin.host_name();
                if patterns.iter().any(|pattern| pattern.matches(host)) {
                    Ok(())
                } else {
                    Err(format!("{host} is not among the hosts that the job names"))
                }
            }
            Reach::Public => match origin.address() {
                Some(address) if !is_public(address) => Err(not_public(&address.to_string(), address)),
                _ => Ok(()),
            },
        }
    }
}

impl HostPattern {
    /// The host of an origin.
    fn of(origin: &Origin) -> HostPattern {
        HostPattern { host: without_root(origin.host_name()).to_owned(), is_below: false }
    }

    pub(super) fn parse(text: &str) -> Result<HostPattern, String> {
        let (is_below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let refused = |why: &str| format!("hosts: {text:?} is not a host: {why}");
        if name.contains('*') {
            return Err(refused("`*.` can only stand before a name"));
        }
        let host = match name.parse() {
            Ok(address) => Host::Ipv6(address),
            Err(_) => Host::parse(name).map_err(|error| refused(&error.to_string()))?,
        };
        if is_below && !matches!(host, Host::Domain(_)) {
            return Err(refused("there are no names below an address"));
        }
        Ok(HostPattern { host: without_root(&host.to_string()).to_owned(), is_below })
    }

    pub(super) fn matches(&self, host: &str) -> bool {
        let host = without_root(host);
        match host.strip_suffix(self.host.as_str()) {
            Some("") => !self.is_below,
            Some(below) => self.is_below && below.len() > 1 && below.ends_with('.'),
            None => false,
        }
    }
}

/// `example.com.` is the same host as `example.com`.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// What is said of a host that leads into a network of somebody's own.
pub(super) fn not_public(host: &str, address: IpAddr) -> String {
    let leads = match host.parse::<IpAddr>() {
        Ok(_) => format!("{address} is not a public address"),
        _ => format!("{host} leads to {address}, which is not a public address"),
    };
    format!("{leads}; hint: name the host in the endpoint's hosts if it may be asked")
}

/// Whether an address can be reached from everywhere: not one of those that the registries of special addresses
/// (IANA, RFC 6890) keep for private networks, the machine itself, multicast, tests and documentation.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let reserved = match address.octets() {
        // This network, private, the machine itself, private, multicast and above.
        [0 | 10 | 127 | 224.., ..] => true,
        // Shared by customers of a provider (RFC 6598).
        [100, 64..=127, ..] => true,
        // Link-local: where clouds have their metadata.
        [169, 254, ..] => true,
        // Private.
        [172, 16..=31, ..] | [192, 168, ..] => true,
        // Protocol assignments, documentation, the relays of 6to4.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        // Benchmarks between networks (RFC 2544).
        [198, 18 | 19, ..] => true,
        // Documentation.
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // An IPv4 address in another form: mapped (RFC 4291), translated (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments, Teredo among them; documentation; 6to4, which holds an IPv4 address.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // The only block that public addresses are given from (RFC 4291, IANA).
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    const NOT_PUBLIC: &str = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 \
         169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 \
         198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 \
         :: ::1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 \
         2001::1 2001:2::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 \
         fd12::1 fe80::1 fec0::1 ff02::1";
    const PUBLIC: &str = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 192.167.0.1 \
         198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 \
         2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 3fff:1000::1";

    #[test]
    fn addresses_of_the_registries_are_not_public() {
        for address in NOT_PUBLIC.split_whitespace() {
            assert!(!public(address), "{address}");
        }
        for address in PUBLIC.split_whitespace() {
            assert!(public(address), "{address}");
        }
    }

    fn matches(pattern: &str, host: &str) -> bool {
        HostPattern::parse(pattern).unwrap().matches(host)
    }

    #[test]
    fn a_pattern_names_one_host_or_all_below_it() {
        assert!(matches("Example.com", "example.com") && matches("example.com", "example.com."));
        assert!(matches("*.example.org", "a.example.org") && matches("*.example.org", "a.b.example.org."));
        assert!(matches("*.bücher.example", "www.xn--bcher-kva.example"));
        assert!(matches("127.0.0.1", "127.0.0.1") && matches("[::1]", "[::1]") && matches("::1", "[::1]"));
        for (pattern, host) in [
            ("example.com", "www.example.com"),
            ("example.com", "notexample.com"),
            ("example.com", "example.com.evil.net"),
            ("*.example.org", "example.org"),
            ("*.example.org", ".example.org"),
            ("*.example.org", "notexample.org"),
            ("*.example.org", "example.org.evil.net"),
        ] {
            assert!(!matches(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for text in
            ["", "*.", "*.127.0.0.1", "example.com:80", "http://example.com", "a b", "*.*.example.com", "*"]
        {
            assert!(HostPattern::parse(text).is_err(), "{text:?}");
        }
    }
}
