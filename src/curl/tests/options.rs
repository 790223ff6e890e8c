//! The table of options beside the curl that is installed.

use std::process::Command;

use crate::curl::options::{self, NoOption, OPTIONS};

#[test]
fn every_option_of_the_installed_curl_is_known_and_takes_what_it_takes_there() {
    let output = Command::new("curl").args(["--help", "all"]).output().expect("curl is installed");
    let help = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = help.lines().filter(|line| line.contains("--")).collect();
    assert!(lines.len() > 200, "{help}");
    for line in lines {
        let (before, after) = line.split_once("--").unwrap();
        let name: String = after.chars().take_while(|c| !c.is_whitespace()).collect();
        let takes_value = after[name.len()..].starts_with(" <") || after[name.len()..].starts_with(" [");
        let (option, _) = options::long(&name).unwrap_or_else(|_| panic!("--{name} is not known"));
        assert_eq!(option.takes_value, takes_value, "--{name}");
        if let Some(letter) = before.trim().strip_prefix('-').and_then(|letter| letter.chars().next()) {
            assert_eq!(options::short(letter).map(|option| option.long), Some(option.long), "-{letter}");
        }
    }
}

#[test]
fn names_are_cut_short_as_long_as_one_option_is_meant() {
    let long = |name| options::long(name).map(|(option, is_negated)| (option.long, is_negated));
    assert_eq!(long("compr"), Err(NoOption::Ambiguous(vec!["compressed", "compressed-ssh"])));
    assert_eq!(long("compressed"), Ok(("compressed", false)));
    assert_eq!(long("insec"), Ok(("insecure", false)));
    assert_eq!(long("no-loc"), Err(NoOption::Unknown));
    assert_eq!(long("no-location"), Ok(("location", true)));
    assert_eq!(long("no-header"), Err(NoOption::Unknown));
    assert_eq!(long(""), Err(NoOption::Unknown));
    assert!(OPTIONS.is_sorted_by_key(|option| option.long));
}
