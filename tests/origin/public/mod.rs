//! `/public/{api}/…`: eight open APIs as their documentation has them, with made-up values, for the jobs of `schemas/public`. What they say
//! of an id follows from the id. Each knows its own list but for one id, and turns some requests away when they come for the first
//! time, in its own way.
//!
//! Where the real ones have `https://api.github.com/users/…`, this one has `/public/github/users/…`.

mod crossref;
mod github;
mod ncbi;
mod omdb;
mod open_library;
mod open_meteo;
mod pokeapi;
mod pubchem;

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::draw::Draw;
use crate::query::Query;

/// Share of the requests that are turned away at first.
const REFUSED_SHARE: f64 = 0.6;

/// The answer to a target, which is everything behind `/public/`, asked for the `nth` time.
pub fn answer(target: &str, nth: u32) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (api, path) = path.split_once('/').unwrap_or((path, ""));
    let query = Query(query);
    if nth == 1
        && is_refused(api, target)
        && let Some(refusal) = refusal(api)
    {
        return refusal;
    }
    match api {
        "crossref" => crossref::answer(path),
        "github" => github::answer(path, query),
        "ncbi" => ncbi::answer(query),
        "omdb" => omdb::answer(query),
        "open_library" => open_library::answer(query),
        "open_meteo" => open_meteo::answer(query),
        "pokeapi" => pokeapi::answer(path),
        "pubchem" => pubchem::answer(path),
        _ => Answer::problem(StatusCode::NOT_FOUND, "no such API"),
    }
}

/// The rows that a job makes of an id, as a list of objects.
pub fn truth(path: &str) -> Value {
    let (api, id) = path.split_once('/').unwrap_or((path, ""));
    match api {
        "crossref" => crossref::truth(id),
        "github" => github::truth(id),
        "ncbi" => ncbi::truth(id),
        "omdb" => omdb::truth(id),
        "open_library" => open_library::truth(id),
        "open_meteo" => open_meteo::truth(id),
        "pokeapi" => pokeapi::truth(id),
        "pubchem" => pubchem::truth(id),
        _ => Value::Null,
    }
}

/// The one request that a whole list becomes in a batch is always turned away.
fn is_refused(api: &str, target: &str) -> bool {
    let is_batch = ["ncbi", "open_library"].contains(&api);
    is_batch || Draw::about(0, &format!("refused {target}")).happens(REFUSED_SHARE)
}

/// How an API says that it is asked too often; `None` where the jobs' limits alone keep below it.
fn refusal(api: &str) -> Option<Answer> {
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    let with = |status, body: Value| Some(Answer { status, ..Answer::value(&body) });
    match api {
        "crossref" => Some(Answer { status: too_many, ..Answer::of("text/plain", "Rate limit exceeded.") }),
        "github" => {
            with(too_many, json!({ "message": "You have exceeded a secondary rate limit.", "documentation_url": "https://docs.example.com/rest" }))
                .map(|answer| answer.with(RETRY_AFTER, "1"))
        }
        "ncbi" => with(too_many, json!({ "error": "API rate limit exceeded", "api-key": "127.0.0.1", "count": "4", "limit": "3" })),
        "open_library" => Some(Answer { status: too_many, ..Answer::of("text/html", "<html><body>Too many requests</body></html>") }),
        "open_meteo" => with(too_many, json!({ "error": true, "reason": "Minutely API request limit exceeded. Please try again in one minute." })),
        "pokeapi" => Some(Answer { status: too_many, ..Answer::of("text/plain", "Too Many Requests") }.with(RETRY_AFTER, "1")),
        "pubchem" => with(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "Fault": { "Code": "PUGREST.ServerBusy", "Message": "Too many requests or server too busy" } }),
        ),
        _ => None,
    }
}

/// A number about an id.
fn number(id: &str, what: &str, low: u64, high: u64) -> u64 {
    Draw::about(0, &format!("public {what} {id}")).between(low, high)
}

/// A few words about an id.
fn words(id: &str, what: &str) -> String {
    let word = |place: u64| {
        const WORDS: [&str; 12] = [
            "amber", "basalt", "cedar", "delta", "ember", "fjord", "gravel", "heather", "islet", "juniper",
            "kelp", "lagoon",
        ];
        Draw::about(place, &format!("public {what} {id}")).pick(&WORDS)
    };
    (1..=3).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refuses_in_its_own_way_and_then_answers() {
        let apis = ["crossref", "github", "ncbi", "open_library", "open_meteo", "pokeapi", "pubchem"];
        for api in apis {
            let refusal = refusal(api).expect(api);
            assert!([429, 503].contains(&refusal.status.as_u16()), "{api}");
        }
        let target = "ncbi/esummary.fcgi?id=1";
        assert_eq!(answer(target, 1).status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer(target, 2).status, StatusCode::OK);
        assert_eq!(answer("omdb/?apikey=k&i=tt0000001", 1).status, StatusCode::OK);
        assert_eq!(answer("nobody/x", 2).status, StatusCode::NOT_FOUND);
    }
}
