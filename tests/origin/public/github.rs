//! `users/{login}/repos?per_page=…&page=…`: a user's repositories in pages, the next one in `Link`.

use hyper::StatusCode;
use hyper::header::LINK;
use serde_json::{Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::{Query, decoded};

const UNKNOWN: &str = "no-such-user-0";

pub fn answer(path: &str, query: Query<'_>) -> Answer {
    let login = path.strip_prefix("users/").and_then(|rest| rest.strip_suffix("/repos"));
    let login = decoded(login.unwrap_or_default());
    if login.is_empty() || login == UNKNOWN {
        let body = json!({ "message": "Not Found", "documentation_url": "https://docs.example.com/rest", "status": "404" });
        return Answer { status: StatusCode::NOT_FOUND, ..Answer::value(&body) };
    }
    let (per_page, page) =
        (query.number("per_page").unwrap_or(30).clamp(1, 100), query.number("page").unwrap_or(1));
    let from = page.saturating_sub(1) * per_page;
    let repositories: Vec<Value> =
        (from..(from + per_page).min(total(&login))).map(|at| repository(&login, at)).collect();
    let answer = Answer::value(&repositories);
    if from + per_page >= total(&login) {
        return answer;
    }
    let next =
        format!("</public/github/users/{login}/repos?per_page={per_page}&page={}>; rel=\"next\"", page + 1);
    answer.with(LINK, &next)
}

/// Up to three pages of a hundred.
fn total(login: &str) -> u64 {
    number(login, "repositories", 0, 250)
}

fn repository(login: &str, at: u64) -> Value {
    let of = format!("{login} {at}");
    let name = format!("{}-{at}", words(&of, "name").replace(' ', "-"));
    json!({
        "id": number(login, "id", 1, 90_000) * 1_000 + at,
        "name": name,
        "full_name": format!("{login}/{name}"),
        "fork": number(&of, "fork", 0, 1) == 1,
        "stargazers_count": number(&of, "stars", 0, 5_000),
        "language": if number(&of, "language", 0, 3) == 0 { Value::Null } else { json!("Rust") },
        "pushed_at": format!("2026-01-{:02}T12:00:00Z", number(&of, "pushed", 1, 28)),
    })
}

pub fn truth(login: &str) -> Value {
    let row = |at| {
        let one = repository(login, at);
        json!({
            "repository": one["name"], "is_fork": one["fork"], "stars": one["stargazers_count"],
            "language": one["language"], "pushed_at": one["pushed_at"],
        })
    };
    let total = if login == UNKNOWN { 0 } else { total(login) };
    Value::Array((0..total).map(row).collect())
}
