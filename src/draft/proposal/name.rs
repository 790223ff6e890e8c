//! Names of columns, made of keys.
//!
//! Promise: a name is an ASCII identifier in small letters of at most 60 characters, no word that SQL keeps for itself, and
//! one that nothing else in the table has, whatever the capitals.

use std::collections::HashSet;

use heck::ToSnakeCase;
use unicode_normalization::UnicodeNormalization;

/// The longest name: the shortest limit of a database is 63 bytes.
const LONGEST: usize = 60;

/// Words of SQL that are no name of a column without quotes, in one of the databases at least, and columns that their
/// tables have already.
const TAKEN_BY_SQL: &str = " all analyse analyze and any array as asc between both by case cast check collate column \
    constraint create cross current_date current_time current_timestamp current_user default deferrable delete desc \
    distinct do drop else end except exists false fetch for foreign from full grant group having in index initially \
    inner insert intersect into is join key keys leading left like limit natural not notnull null offset on only or order \
    outer over overlaps partition placing primary range rank references returning right row rows schema select \
    session_user set similar some system table then to trailing trigger true union unique update user using values \
    variadic verbose view when where window with rowid oid ctid xmin xmax cmin cmax tableoid ";

/// Names that are given, each once.
pub(super) struct Names(HashSet<String>);

impl Names {
    /// None but those that the table has already.
    pub(super) fn besides<'a>(taken: impl Iterator<Item = &'a str>) -> Names {
        Names(taken.map(str::to_ascii_lowercase).collect())
    }

    /// A name for what these keys lead to; the last ones alone if that is free, else with those before it.
    pub(super) fn give(&mut self, keys: &[&str], alone: usize) -> String {
        let from = keys.len().saturating_sub(alone);
        let short = identifier(&keys[from..].join("_"));
        let long = identifier(&keys.join("_"));
        let name = [short, long.clone()].into_iter().find(|name| !self.0.contains(name));
        let name = name.unwrap_or_else(|| self.numbered(&long));
        self.0.insert(name.clone());
        name
    }

    fn numbered(&self, name: &str) -> String {
        let numbered = |number: usize| {
            let ending = format!("_{number}");
            format!("{}{ending}", &name[..name.len().min(LONGEST - ending.len())])
        };
        // There are fewer names than numbers.
        (2..).map(numbered).find(|name| !self.0.contains(name)).unwrap_or_default()
    }
}

/// The identifier that a text makes: `imdbID` is `imdb_id`.
fn identifier(text: &str) -> String {
    let spelled: String = text.chars().flat_map(spelled).nfkd().filter(char::is_ascii).collect();
    let words: String =
        spelled.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' }).collect();
    let mut name = words.to_snake_case();
    if name.is_empty() {
        name.push_str("value");
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name.truncate(LONGEST);
    if TAKEN_BY_SQL.contains(&format!(" {name} ")) {
        name.push('_');
    }
    name
}

/// Letters that do not decompose, as they are commonly written.
fn spelled(letter: char) -> Vec<char> {
    match letter {
        'ß' => vec!['s', 's'],
        'ä' | 'æ' => vec!['a', 'e'],
        'ö' | 'ø' | 'œ' => vec!['o', 'e'],
        'ü' => vec!['u', 'e'],
        'Ä' | 'Æ' => vec!['A', 'e'],
        'Ö' | 'Ø' | 'Œ' => vec!['O', 'e'],
        'Ü' => vec!['U', 'e'],
        'ł' => vec!['l'],
        'Ł' => vec!['L'],
        'đ' | 'ð' => vec!['d'],
        'ı' => vec!['i'],
        '%' => " percent ".chars().collect(),
        '#' => " number ".chars().collect(),
        // `don't` is one word.
        '\'' | '’' => vec![],
        _ => vec![letter],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_become_identifiers() {
        for (key, name) in [
            ("Title", "title"),
            ("imdbID", "imdb_id"),
            ("imdbVotes", "imdb_votes"),
            ("BoxOffice", "box_office"),
            ("DVD", "dvd"),
            ("HTTPServer", "http_server"),
            ("created_at", "created_at"),
            ("@odata.etag", "odata_etag"),
            ("odd key!", "odd_key"),
            ("Größe", "groesse"),
            ("naïve café", "naive_cafe"),
            ("24h", "_24h"),
            ("", "value"),
            ("名前", "value"),
            ("order", "order_"),
            ("ctid", "ctid_"),
            ("growth %", "growth_percent"),
            ("_id", "id"),
        ] {
            assert_eq!(identifier(key), name, "{key}");
        }
    }

    #[test]
    fn each_name_is_given_once() {
        let mut names = Names::besides(["IMDB_ID"].into_iter());
        assert_eq!(names.give(&["imdbID"], 1), "imdb_id_2");
        assert_eq!(names.give(&["imdb_id"], 1), "imdb_id_3");
        assert_eq!(names.give(&["attributes", "name"], 1), "name");
        assert_eq!(names.give(&["author", "name"], 1), "author_name");
        assert_eq!(names.give(&["author", "name"], 2), "author_name_2");
        let long = "x".repeat(200);
        assert_eq!(names.give(&[&long], 1).len(), 60);
        assert!(names.give(&[&long], 1).ends_with("x_2"));
    }

    proptest! {
        #[test]
        fn any_keys_make_names_that_differ(keys in proptest::collection::vec("\\PC{0,70}|[a-cA-C_ ]{0,2}", 1..12)) {
            let mut names = Names::besides(std::iter::empty());
            let given: Vec<String> = keys.iter().map(|key| names.give(&[key], 1)).collect();
            let is_fit = |name: &String| {
                name.len() <= LONGEST
                    && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    && !name.starts_with(|first: char| first.is_ascii_digit())
            };
            prop_assert!(given.iter().all(is_fit), "{given:?}");
            let once: HashSet<&String> = given.iter().collect();
            prop_assert_eq!(once.len(), given.len());
        }
    }
}
