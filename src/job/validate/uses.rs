//! Which limits an endpoint's requests are taken from, what they cost there, and limits that nothing uses.

use ::url::Url;

use super::language::{self, Language};
use super::limit::{self, Written};
use super::names::GivenNames;
use super::url;
use crate::job::limit::Cost;
use crate::job::limit::is_of;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At, CostRule};
use crate::job::suggest;
use crate::job::{Endpoint, Template};

/// What an endpoint takes from.
pub(super) struct Uses {
    /// Indices of the limits of every request, ascending.
    pub limits: Vec<usize>,
    /// Whether the list chooses the host, so that any other limit of a host may be used.
    any_host: bool,
    /// Whether all of it is known: no name is unknown, and the URL can be read.
    whole: bool,
}

/// What each endpoint takes from, in the order of the file; notes names of no limit, and limits of no endpoint.
pub(super) fn all(
    file: &raw::JobFile,
    limits: &[Written<'_>],
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Vec<Uses> {
    let uses: Vec<Uses> = file.endpoints().map(|endpoint| of(endpoint, limits, known, mistakes)).collect();
    for (endpoint, its) in file.endpoints().zip(&uses) {
        let Some(cost) = &endpoint.common.cost else { continue };
        // One of the defaults need not be counted by the limits of every endpoint.
        let shares = |(other, _): &(&raw::Endpoint, &Uses)| {
            other.common.cost.as_ref().is_some_and(|other| other.span == cost.span)
        };
        if file.endpoints().zip(&uses).filter(shares).all(|(_, uses)| uses.counts_nothing(limits)) {
            let hint = "leave it out, or let its limit count units: rate = \"90000 tokens/min\"";
            mistakes.add(&cost.span, "`cost` where no limit counts it", hint);
        }
        check_cost(cost, its, limits, mistakes);
    }
    // A name that is wrong may be the one that lacks here.
    if file.names_are_known && uses.iter().all(|uses| uses.whole) {
        check_unused(file, &uses, limits, known, mistakes);
    }
    uses
}

/// The endpoints with their limits.
pub(super) fn taken(endpoints: Vec<Endpoint>, uses: Vec<Uses>) -> Vec<Endpoint> {
    let with = |(endpoint, uses): (Endpoint, Uses)| Endpoint { limits: uses.limits, ..endpoint };
    endpoints.into_iter().zip(uses).map(with).collect()
}

fn of(
    endpoint: &raw::Endpoint,
    limits: &[Written<'_>],
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Uses {
    let mentions = endpoint.common.limit.as_ref().map_or(&[][..], |mentions| &mentions.value.0);
    check_mentions(mentions, limits, mistakes);
    let named: Vec<Option<usize>> = mentions.iter().map(|mention| position(mention, limits)).collect();
    let url = endpoint.url.as_ref().and_then(|url| Template::parse(url.text(), &known.answers).ok());
    let any_host = url.as_ref().is_some_and(Template::is_whole_url);
    let origin = url.as_ref().and_then(url::literal_origin);
    let is_used = |index: &usize| {
        let of_host = limits[*index].name.as_ref().zip(origin.as_ref());
        named.contains(&Some(*index)) || of_host.is_some_and(|(name, origin)| is_of_url(name, origin))
    };
    Uses {
        limits: (0..limits.len()).filter(is_used).collect(),
        any_host,
        whole: named.iter().all(Option::is_some) && (any_host || origin.is_some()),
    }
}

fn is_of_url(name: &str, origin: &Url) -> bool {
    let host = origin.host_str().zip(origin.port_or_known_default());
    host.is_some_and(|(host, port)| is_of(name, host, port))
}

fn position(mention: &At<String>, limits: &[Written<'_>]) -> Option<usize> {
    let name = limit::name_of(mention.text())?;
    limits.iter().position(|limit| limit.name.as_ref() == Some(&name))
}

/// Notes names of no limit.
fn check_mentions(mentions: &[At<String>], limits: &[Written<'_>], mistakes: &mut Mistakes) {
    for mention in mentions.iter().filter(|mention| position(mention, limits).is_none()) {
        if limit::name_of(mention.text()).is_none() {
            limit::note_unfit(mention, mistakes);
            continue;
        }
        let names: Vec<&str> = limits.iter().map(|limit| limit.key.text()).collect();
        let hint = suggest::did_you_mean(mention.text(), &names).unwrap_or_else(|| {
            format!("add it: [limit.{}] with rate = \"200/s\"", quoted_key(mention.text()))
        });
        mistakes.add(&mention.span, format!("there is no limit `{}`", mention.value), hint);
    }
}

/// The name as a key of TOML.
fn quoted_key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

/// The cost of a request; its jq compiles, on answers that jq can look at.
pub(super) fn cost(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> Option<Cost> {
    let written = endpoint.common.cost.as_ref()?;
    let code = match &written.value {
        CostRule::Constant(number) => return Some(Cost::Constant(*number)),
        CostRule::Answer(code) => code,
    };
    match language::language(endpoint) {
        Some(Language::Jq) => language::check_jq(code, mistakes),
        Some(Language::Css | Language::Text) => {
            let hint = "write a whole number; jq is for answers of JSON";
            mistakes.add(&code.span, "a cost that is taken from an answer that is no JSON", hint);
        }
        None => {}
    }
    Some(Cost::Answer(code.value.clone()))
}

impl Uses {
    /// The limits that count units, and these.
    fn counting<'l>(&'l self, limits: &'l [Written<'_>]) -> impl Iterator<Item = (&'l Written<'l>, &'l str)> {
        self.limits.iter().filter_map(|index| Some((&limits[*index], limits[*index].unit()?)))
    }

    /// Whether none of the limits counts units, as far as all of that is known.
    fn counts_nothing(&self, limits: &[Written<'_>]) -> bool {
        let might_be_wrong = self.limits.iter().any(|index| limits[*index].is_unclear());
        self.counting(limits).next().is_none() && self.whole && !self.any_host && !might_be_wrong
    }
}

/// Notes a cost that a quota never has room for.
fn check_cost(cost: &At<CostRule>, uses: &Uses, limits: &[Written<'_>], mistakes: &mut Mistakes) {
    let CostRule::Constant(cost_of_one) = cost.value else { return };
    for (limit, unit) in uses.counting(limits) {
        let quota = limit.limit.and_then(|limit| limit.quota.as_ref()).and_then(|quota| quota.value.amount());
        if let Some(quota) = quota.filter(|quota| quota.value.number < cost_of_one) {
            let message =
                format!("a request costs {cost_of_one} {unit}, and the quota is {}", quota.value.number);
            let hint = format!("not one could be made: raise the quota of `{}`", limit.key.value);
            mistakes.add(&cost.span, message, hint);
        }
    }
}

/// Notes words that no endpoint names, and limits of units that no endpoint's cost is taken from.
fn check_unused(
    file: &raw::JobFile,
    uses: &[Uses],
    limits: &[Written<'_>],
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) {
    for (index, limit) in limits.iter().enumerate() {
        let Some(name) = limit.name.as_ref().filter(|_| !limit.is_unclear()) else { continue };
        let takes = |uses: &&Uses| uses.limits.contains(&index) || uses.any_host && !is_plain(name);
        if is_plain(name) && uses.iter().all(|uses| !takes(&uses)) {
            let hint = hint_of_unused(file, name, known);
            mistakes.add(&limit.key.span, format!("nothing uses the limit `{}`", limit.key.value), hint);
            continue;
        }
        let costs = || file.endpoints().zip(uses).filter(|(endpoint, _)| endpoint.common.cost.is_some());
        if let Some(unit) = limit.unit().filter(|_| !costs().any(|(_, uses)| takes(&uses))) {
            let message = format!(
                "the limit `{}` counts {unit}, and no endpoint says what a request costs",
                limit.key.value
            );
            let hint = "add cost = \".usage.total_tokens\" to an endpoint that uses it, or leave the word out to count requests";
            mistakes.add(&limit.key.span, message, hint);
        }
    }
}

/// Whether only endpoints that name it use it: it is no host with a point or a port.
fn is_plain(name: &str) -> bool {
    !name.contains(['.', ':', '[']) && name != "localhost"
}

/// The host that was meant, if one of the job's is near; otherwise how a limit is used.
fn hint_of_unused(file: &raw::JobFile, name: &str, known: &GivenNames<'_>) -> String {
    let templates = file.endpoints().filter_map(|endpoint| endpoint.url.as_ref());
    let parsed = templates.filter_map(|url| Template::parse(url.text(), &known.answers).ok());
    let hosts: Vec<String> =
        parsed.filter_map(|url| url::literal_origin(&url)?.host_str().map(str::to_owned)).collect();
    let host = hosts.first().map_or("www.example.com", String::as_str);
    suggest::did_you_mean(name, &hosts).unwrap_or_else(|| {
        format!("name it in an endpoint: limit = \"{name}\"; that of a host needs none: [limit.\"{host}\"]")
    })
}
