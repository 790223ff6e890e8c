//! The arguments of a curl command: which of its words are options, which their values, which URLs.
//!
//! Promises: they are told apart as curl does it (src/tool_getparam.c), with letters in a row and names cut short, and
//! `--name=value` as it has it since 8.16. An option that curl does not have is an error, since nobody knows whether the word
//! behind it is its value.

use super::CurlError;
use super::options::{self, CurlOption, Meaning, NoOption};
use super::words::{Word, is_dash};

const HELP: &str = "`curl --help all` lists the options";

/// An option of a command, or a URL.
#[derive(Debug, PartialEq, Eq)]
pub enum Argument {
    /// An option.
    Given(Given),
    /// A word that is none, and no option's value.
    Url(Word),
    /// What comes behind `--next`, as written.
    Next(String),
}

/// An option as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    /// Which one.
    pub option: &'static CurlOption,
    /// Its value; empty where it takes none.
    pub value: String,
    /// Whether `no-` stands before its name.
    pub is_negated: bool,
    /// How it is written, with its value.
    pub written: String,
}

/// `--expand-data` and its like: a value with curl's own variables, which only curl knows.
static EXPAND: CurlOption =
    CurlOption { long: "expand-", short: '\0', takes_value: true, meaning: Meaning::NotUnderstood };

/// The arguments that words are.
///
/// # Errors
/// An option that curl does not have, or one without its value.
pub fn read(words: &[Word]) -> Result<Vec<Argument>, CurlError> {
    let mut words = words.iter();
    let mut arguments = Vec::new();
    while let Some(word) = words.next() {
        match spelled(word) {
            Spelled::Url => arguments.push(Argument::Url(word.clone())),
            Spelled::End => {
                arguments.extend(words.map(|word| Argument::Url(word.clone())));
                break;
            }
            Spelled::Long(name) => arguments.push(Argument::Given(long(&name, word, &mut words)?)),
            Spelled::Letters(letters) => row(&letters, word, &mut words, &mut arguments)?,
        }
        if let Some(Argument::Given(Given { option: CurlOption { meaning: Meaning::Next, .. }, .. })) =
            arguments.last()
        {
            arguments.pop();
            let behind: Vec<&str> = words.map(|word| word.written.as_str()).collect();
            arguments.push(Argument::Next(format!("--next {}", behind.join(" "))));
            break;
        }
    }
    Ok(arguments)
}

enum Spelled {
    Url,
    End,
    Long(String),
    Letters(String),
}

/// What a word is by its dashes; one of print stands for one or two that were typed.
fn spelled(word: &Word) -> Spelled {
    let dashes: Vec<char> = word.text.chars().take_while(|&c| c == '-' || is_dash(c)).collect();
    let name: String = word.text.chars().skip(dashes.len()).collect();
    if dashes.iter().any(|&c| is_dash(c)) && word.written.starts_with(&dashes[..].iter().collect::<String>())
    {
        let is_long = dashes.len() > 1 || name.chars().count() > 1 && options::long(&name).is_ok();
        return if is_long { Spelled::Long(name) } else { Spelled::Letters(name) };
    }
    match word.text.strip_prefix('-') {
        None => Spelled::Url,
        Some("-") => Spelled::End,
        Some(text) => match text.strip_prefix('-') {
            Some(name) => Spelled::Long(name.to_owned()),
            None => Spelled::Letters(text.to_owned()),
        },
    }
}

fn long<'a>(name: &str, word: &Word, words: &mut impl Iterator<Item = &'a Word>) -> Result<Given, CurlError> {
    let (option, is_negated, inline) = match (options::long(name), name.split_once('=')) {
        (Ok((option, is_negated)), _) => (option, is_negated, None),
        (Err(_), Some((name, value))) if options::long(name).is_ok_and(|(option, _)| option.takes_value) => {
            let (option, _) = options::long(name).map_err(|why| unknown(name, why, word))?;
            (option, false, Some(value.to_owned()))
        }
        (Err(_), _) if name.starts_with("expand-") => (&EXPAND, false, None),
        (Err(why), _) => return Err(unknown(name, why, word)),
    };
    let (value, written) = match inline {
        None if option.takes_value => following(word, words)?,
        inline => (inline.unwrap_or_default(), word.written.clone()),
    };
    Ok(Given { option, value, is_negated, written })
}

/// Letters in a row; what is behind one that takes a value is the value.
fn row<'a>(
    letters: &str,
    word: &Word,
    words: &mut impl Iterator<Item = &'a Word>,
    arguments: &mut Vec<Argument>,
) -> Result<(), CurlError> {
    if letters.is_empty() {
        return Err(CurlError::new("a dash without a letter", &word.written, HELP));
    }
    for (at, letter) in letters.char_indices() {
        let no_option = || CurlError::new(format!("curl has no option -{letter}"), &word.written, HELP);
        let option = options::short(letter).ok_or_else(no_option)?;
        let behind = &letters[at + letter.len_utf8()..];
        let (value, written) = match option.takes_value {
            true if behind.is_empty() => {
                let (value, written) = following(word, words)?;
                (
                    value,
                    if at == 0 { written } else { written.replacen(&word.written, &format!("-{letter}"), 1) },
                )
            }
            true => (behind.to_owned(), format!("-{letter}{behind}")),
            false => (String::new(), format!("-{letter}")),
        };
        arguments.push(Argument::Given(Given { option, value, is_negated: false, written }));
        if option.takes_value {
            break;
        }
    }
    Ok(())
}

/// The word behind an option, and how both are written.
fn following<'a>(
    word: &Word,
    words: &mut impl Iterator<Item = &'a Word>,
) -> Result<(String, String), CurlError> {
    let value = words.next().ok_or_else(|| {
        CurlError::new(
            "an option without its value",
            &word.written,
            "copy the whole command, to its last line",
        )
    })?;
    Ok((value.text.clone(), format!("{} {}", word.written, value.written)))
}

fn unknown(name: &str, why: NoOption, word: &Word) -> CurlError {
    let bare = name.split_once('=').map_or(name, |(bare, _)| bare);
    match why {
        NoOption::Ambiguous(names) => {
            let hint = format!("write one of --{}", names.join(", --"));
            CurlError::new(format!("several options begin with --{bare}"), &word.written, hint)
        }
        NoOption::Unknown => {
            let hint =
                options::nearest(bare).map_or(HELP.to_owned(), |known| format!("did you mean --{known}?"));
            CurlError::new(format!("curl has no option --{bare}"), &word.written, hint)
        }
    }
}
