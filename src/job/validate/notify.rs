//! `[notify]`: who is told how a command ended.

use std::path::Path;

use super::{network, template, url};
use crate::job::mistake::Mistakes;
use crate::job::notify::{NOTIFY_WORDS, Notify, NotifyTo, StateOfRun};
use crate::job::raw::{self, At};
use crate::job::{Network, Part, Template};

/// Who is told, if anybody is.
pub(super) fn validated(file: &raw::JobFile, folder: &Path, mistakes: &mut Mistakes) -> Option<Notify> {
    let notify = &file.notify.as_ref()?.value;
    let on = match &notify.on {
        None => Notify::USUAL.to_vec(),
        Some(on) => states(on, mistakes),
    };
    let to = match (&notify.url, &notify.command) {
        (Some(written), _) => {
            NotifyTo::Url { url: address(written, mistakes)?, network: of_defaults(file, folder, mistakes) }
        }
        (None, Some(command)) => NotifyTo::Command(program(command, mistakes)?),
        (None, None) => return None,
    };
    Some(Notify { to, on })
}

fn states(on: &At<Vec<At<raw::Word<StateOfRun>>>>, mistakes: &mut Mistakes) -> Vec<StateOfRun> {
    if on.value.is_empty() && !mistakes.are_in(&on.span) {
        mistakes.add(&on.span, "`on` without a state", "leave [notify] out: then nobody is told");
    }
    on.value.iter().map(|word| word.value.0).collect()
}

/// A secret that is the whole URL, perhaps with something behind it; or a URL whose host is literal.
fn address(written: &At<String>, mistakes: &mut Mistakes) -> Option<Template> {
    let template = template::without_answers(written, mistakes)?;
    for part in &template.parts {
        let (Part::Input(name) | Part::Url(name) | Part::Answer { name, .. }) = part else { continue };
        if !matches!(part, Part::Input(name) if NOTIFY_WORDS.contains(&name.as_str())) {
            let hint = "a summary is of all records: write {exit}, {state} or a secret as ${NAME}";
            mistakes.add(&written.span, format!("`{{{name}}}` in the address of [notify]"), hint);
            return None;
        }
    }
    check_literal(&template, written, mistakes);
    Some(template)
}

/// What is no secret as a whole is a URL of a host that is written out.
fn check_literal(template: &Template, written: &At<String>, mistakes: &mut Mistakes) {
    let text = match template.parts.first() {
        Some(Part::Secret(_)) => return,
        Some(Part::Literal(text)) => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match authority.map(|rest| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()) {
        None => {
            let hint = "write the whole URL, or ${NAME} alone, a secret that is one";
            mistakes.add(&written.span, "an address that does not start with http:// or https://", hint);
        }
        Some(authority) if authority.contains('@') => {
            let hint = "leave it out; command = [\"./tell.sh\"] tells whom an address alone does not reach";
            mistakes.add(&written.span, "a user name in the address of [notify]", hint);
        }
        Some(_) => url::check(template, written, mistakes),
    }
}

/// The proxy and the trusted certificates of all endpoints. Who is asking is their own hosts' affair.
fn of_defaults(file: &raw::JobFile, folder: &Path, mistakes: &mut Mistakes) -> Network {
    match &file.defaults {
        Some(defaults) => network::of_defaults(&defaults.value, folder, mistakes),
        None => Network::default(),
    }
}

fn program(command: &At<Vec<At<String>>>, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    if command.value.first().is_none_or(|program| program.value.is_empty()) {
        let hint = "name the program, then its arguments: [\"python3\", \"tell.py\"]";
        mistakes.add(&command.span, "`command` without a program", hint);
        return None;
    }
    for word in command.value.iter().filter(|word| word.value.contains('\0')) {
        mistakes.add(&word.span, "a null character in an argument", "no program can be given one");
    }
    Some(command.value.iter().map(|word| word.value.clone()).collect())
}
