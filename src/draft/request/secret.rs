//! What of a request is nobody else's business: it becomes `${NAME}`, and never stands in a job file.

use std::ops::Range;

use super::piece::{Piece, Place};

/// Words in the names of parameters, headers and fields whose values are secrets.
const WORDS: [&str; 17] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "apikey",
    "appid",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "session",
    "sig",
    "signature",
];

/// Beginnings of values that are secrets, whatever their name is.
const PREFIXES: [&str; 18] = [
    "AIza",
    "AKIA",
    "SG.",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "hf_",
    "pk_live_",
    "rk_live_",
    "shpat_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "xoxb-",
    "xoxp-",
    "ya29.",
];

/// Shortest value that is taken for a secret for its name's sake; a password may have any length.
const SHORTEST: usize = 6;

/// The part of a piece that is secret.
pub(super) fn secret_in(piece: &Piece) -> Option<Range<usize>> {
    let text = piece.text.as_str();
    let whole = Some(0..text.len()).filter(|_| !text.is_empty());
    if piece.place == Place::Header && matches!(piece.name.as_str(), "authorization" | "proxy-authorization")
    {
        // What stands before the last blank says how it is to be read: `Bearer`, `Token`, `Bot`.
        let from = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
        return Some(from..text.len()).filter(|range| !range.is_empty());
    }
    if let Some(at) = bot_token(text).or_else(|| begins_as_one(text)) {
        return Some(at..text.len());
    }
    whole.filter(|_| !piece.name.is_empty() && is_name_of_one(&piece.name, text))
}

/// `bot123456:ABC…` in the path, as Telegram has it.
fn bot_token(text: &str) -> Option<usize> {
    let (number, rest) = text.strip_prefix("bot")?.split_once(':')?;
    let is_one = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() >= 20;
    is_one.then_some(3)
}

fn begins_as_one(text: &str) -> Option<usize> {
    let is_jwt = text.starts_with("eyJ") && text.matches('.').count() == 2 && text.len() > 40;
    let is_known =
        PREFIXES.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 12));
    (is_jwt || is_known).then_some(0)
}

/// Whether values of that name are secrets.
fn is_name_of_one(name: &str, value: &str) -> bool {
    let words = words(name);
    let is_password = words.iter().any(|word| word.starts_with("pass") || word == "pwd");
    let is_word = words.iter().any(|word| WORDS.contains(&word.as_str()));
    let is_key = words.last().is_some_and(|word| word == "key" || word.ends_with("apikey"));
    (is_word || is_key || words.concat().ends_with("token"))
        && (is_password || value.chars().count() >= SHORTEST)
}

/// The words of a name, in lower case: `x-api-key`, `apiKey`, `client_secret`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower);
        if begins {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a secret of the job is called, and of which piece it is: `FILMS_API_KEY`.
pub(super) fn name_of(job: &str, piece: &Piece) -> String {
    let words = match (piece.place, piece.name.as_str()) {
        (Place::Header, "authorization") => vec!["token".to_owned()],
        (_, "") => vec!["token".to_owned()],
        (_, name) => words(name.trim_start_matches("x-")),
    };
    prefixed(job, &words.join("_"))
}

/// `FILMS_PASSWORD`: the job's name and a word, as a variable of the environment.
pub(super) fn prefixed(job: &str, word: &str) -> String {
    let spelled =
        |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_").to_uppercase();
    let name = format!("{}_{}", spelled(job), spelled(word));
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(place: Place, name: &str, text: &str) -> Option<String> {
        let piece = Piece::plain(place, name, text);
        secret_in(&piece).map(|range| text[range].to_owned())
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "api_key",
            "apikey",
            "apiKey",
            "key",
            "access_token",
            "accessToken",
            "appid",
            "x-auth-token",
            "client_secret",
            "sig",
            "x-rapidapi-key",
            "ocp-apim-subscription-key",
            "cookie",
            "PHPSESSION_token",
            "session",
        ] {
            assert_eq!(secret(Place::Param, name, "0123456789").as_deref(), Some("0123456789"), "{name}");
        }
        for name in [
            "id",
            "keyword",
            "monkey",
            "q",
            "authors",
            "page",
            "author",
            "tokens_used",
            "design",
            "passenger",
        ] {
            assert_eq!(secret(Place::Param, name, "0123456789"), None, "{name}");
        }
        assert_eq!(secret(Place::Payload, "login.password", "x").as_deref(), Some("x"));
        assert_eq!(secret(Place::Param, "key", "name"), None, "too short to be one");
    }

    #[test]
    fn secrets_are_known_by_their_values() {
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", "e".repeat(20), "s".repeat(20));
        assert_eq!(secret(Place::Param, "x", &jwt), Some(jwt.clone()));
        assert_eq!(
            secret(Place::Path, "", "bot12345:AAabcdefghijklmnopqrstuv").as_deref(),
            Some("12345:AAabcdefghijklmnopqrstuv")
        );
        assert_eq!(secret(Place::Path, "", "bottles:of_beer_on_the_wall_all"), None);
        assert_eq!(secret(Place::Path, "", "sk-"), None);
        assert_eq!(
            secret(Place::Payload, "a", "sk-0123456789abcdef").as_deref(),
            Some("sk-0123456789abcdef")
        );
    }

    #[test]
    fn how_a_header_is_read_is_no_secret() {
        let of = |text| secret(Place::Header, "authorization", text);
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("Token token=x").as_deref(), Some("token=x"));
        assert_eq!(of("abc").as_deref(), Some("abc"));
        assert_eq!(of(""), None);
    }

    #[test]
    fn names_are_those_of_variables() {
        let header = |name| Piece::plain(Place::Header, name, "x");
        assert_eq!(name_of("films", &header("authorization")), "FILMS_TOKEN");
        assert_eq!(name_of("my-films", &header("x-api-key")), "MY_FILMS_API_KEY");
        assert_eq!(name_of("2024", &header("Cookie")), "_2024_COOKIE");
    }
}
