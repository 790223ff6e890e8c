//! `windrow help TOPIC`: pages about what no single command is about. Each is made of what the program itself goes by.

use std::fmt::Write;

use crate::handoff::{Exit, ExitMeaning};
use crate::merge::{key_types_in_destinations, types_in_destinations};
use crate::report::advice::every_kind;
use crate::report::paragraph::paragraph;
use crate::report::stdout;
use crate::value::Type;

/// The topics, what each is about, and its page.
pub(super) const TOPICS: [(&str, &str, fn() -> String); 3] = [
    ("exit-codes", "what each exit code asks of a script, of cron or of systemd", exit_codes),
    ("kinds", "why requests fail, and what to do about each kind of failure", kinds),
    ("types", "the types of columns, and what databases make of them", types),
];

/// Where what is said of a code, a kind or a type begins.
const INDENT: usize = 15;

fn exit_codes() -> String {
    let meaning = |ExitMeaning { codes, means, todo, .. }: ExitMeaning| {
        paragraph(&format!("  {codes}"), INDENT + 2, means)
            + &paragraph("", INDENT + 2, &format!("do: {todo}"))
    };
    let codes: String = Exit::MEANINGS.into_iter().map(meaning).collect();
    let listed = |is_final: bool| {
        let codes = Exit::MEANINGS.into_iter().filter(|meaning| meaning.is_final == is_final);
        codes
            .map(|meaning| meaning.codes.replace(',', ""))
            .filter(|code| code != "0")
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (last, again) = (listed(true), listed(false));
    let intro = paragraph(
        "",
        0,
        "How a command ends, and what to do then. A command that is repeated goes on with what \
        is committed; nothing is asked or published twice.",
    );
    let scripts = paragraph(
        "",
        2,
        &format!(
            "Repeat the same command after {again}, after a pause; not after {last}: somebody has to look first. \
         `--summary json=FILE` writes the reason, a hint and all counts, whatever the code."
        ),
    );
    format!(
        "{intro}\nExit codes:\n{codes}\nIn a script, or from cron:\n{scripts}\nAs a service of systemd:\n  \
         Type=oneshot\n  SuccessExitStatus=7\n  Restart=on-failure\n  RestartSec=5min\n  RestartPreventExitStatus={last}\n"
    )
}

fn kinds() -> String {
    let mut page = paragraph(
        "",
        0,
        "Why a request is not a success. `windrow failures films` counts them by kind, and \
        says what to do with the names and keys of your job; here the job is films. After a retry or an extract, \
        `windrow merge films` publishes what is new.",
    );
    let mut before = (None, "");
    for (kind, advice) in every_kind() {
        if before != (Some(kind), advice.means) {
            page.push('\n');
            page += &paragraph(&format!("  {kind}"), INDENT + 2, advice.means);
        }
        page += &paragraph("", INDENT + 2, &format!("do: {}", advice.todo));
        before = (Some(kind), advice.means);
    }
    page
}

/// Digits that stand for any number of them.
const DIGITS: (&str, &str) = ("(18,4)", "(p,s)");

fn types() -> String {
    let name = |ty: Type| any_digits(&ty.to_string());
    let mut page = paragraph(
        "",
        0,
        "The types of columns: `year = { jq = \".Year\", type = \"integer\" }`. The default is \
        text. Null fits every type. A text that is not of its type is a failure of the kind convert, and is never guessed, \
        rounded or cut off.",
    );
    page += "\nTexts that they take:\n";
    for ty in Type::ALL {
        page += &paragraph(&format!("  {}", name(ty)), INDENT + 2, ty.form().texts);
    }
    page += "\nWhat a column of a new table is:\n";
    page += &table();
    for (destination, ty) in key_types_in_destinations(Type::Text) {
        let _ = writeln!(page, "  Of {destination}: the key, where it is a text, is {ty}.");
    }
    page
}

fn any_digits(ty: &str) -> String {
    ty.replace(DIGITS.0, DIGITS.1)
}

/// A line for each type, a column for each destination.
fn table() -> String {
    let there: Vec<_> = Type::ALL.map(|ty| (ty, types_in_destinations(ty))).to_vec();
    let names = there.first().map_or(&[][..], |(_, there)| there).iter().map(|(name, _)| (*name).to_owned());
    let mut lines: Vec<Vec<String>> = vec![["  type".to_owned()].into_iter().chain(names).collect()];
    for (ty, there) in &there {
        let first = format!("  {}", any_digits(&ty.to_string()));
        lines.push([first].into_iter().chain(there.iter().map(|(_, ty)| any_digits(ty))).collect());
    }
    let mut table = Vec::new();
    // Nothing can go wrong in memory.
    let _ = stdout::columns(&mut table, &lines);
    String::from_utf8_lossy(&table).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;
    use crate::report::paragraph::WIDEST;

    #[test]
    fn every_page_is_narrow_plain_and_ends_its_last_line() {
        for (name, _, page) in TOPICS {
            let page = page();
            let widest = page.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= WIDEST, "{name}: {widest}");
            assert!(page.ends_with('\n') && !page.ends_with("\n\n"), "{name}");
            assert!(!page.contains('\x1b') && page.lines().all(|line| !line.ends_with(' ')), "{name}");
        }
    }

    #[test]
    fn every_code_kind_and_type_is_told() {
        let told =
            |page: String, word: &str| page.lines().any(|line| line.starts_with(&format!("  {word} ")));
        for meaning in Exit::MEANINGS {
            assert!(told(exit_codes(), meaning.codes), "{}", meaning.codes);
        }
        for kind in Kind::ALL {
            assert!(told(kinds(), kind.word()), "{kind}");
        }
        for ty in Type::ALL {
            assert!(told(types(), &any_digits(&ty.to_string())), "{ty}");
        }
    }

    #[test]
    fn a_service_is_started_again_after_what_passes_only() {
        assert!(exit_codes().contains("RestartPreventExitStatus=1 2 3 4 5 6\n"));
        assert!(exit_codes().contains("after 7 75 129 130 143, after a pause"));
    }
}
