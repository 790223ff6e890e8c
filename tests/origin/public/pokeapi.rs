//! `api/v2/pokemon/{name}` and `api/v2/pokemon-species/{name}`, to which the first one leads.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::decoded;

const UNKNOWN: &str = "missingno";

pub fn answer(path: &str) -> Answer {
    let (kind, name) = path.strip_prefix("api/v2/").and_then(|rest| rest.split_once('/')).unwrap_or_default();
    let name = decoded(name);
    match kind {
        "pokemon" if name != UNKNOWN => Answer::value(&json!({
            "id": number(&name, "id", 1, 1_000),
            "name": name,
            "height": number(&name, "height", 1, 40),
            "weight": number(&name, "weight", 1, 4_000),
            "species": { "name": species(&name), "url": format!("https://pokeapi.co/api/v2/pokemon-species/{}/", species(&name)) },
            "types": [{ "slot": 1, "type": { "name": kind_of(&name), "url": "" } }],
            "stats": [{ "base_stat": number(&name, "hp", 20, 120), "effort": 0, "stat": { "name": "hp", "url": "" } }],
        })),
        "pokemon-species" => Answer::value(&json!({
            "name": name,
            "is_legendary": is_legendary(&name),
            "generation": { "name": "generation-i", "url": "" },
            "capture_rate": number(&name, "capture", 3, 255),
        })),
        _ => Answer { status: StatusCode::NOT_FOUND, ..Answer::of("text/plain", "Not Found") },
    }
}

/// Forms of one kind are of one species: `deoxys-normal` of `deoxys`.
fn species(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

fn kind_of(name: &str) -> String {
    words(name, "type").split(' ').next().unwrap_or_default().to_owned()
}

fn is_legendary(species: &str) -> bool {
    number(species, "legendary", 0, 1) == 1
}

pub fn truth(name: &str) -> Value {
    if name == UNKNOWN {
        return json!([{ "number": null, "height": null, "weight": null, "hp": null, "types": null, "species": null, "is_legendary": null, "capture_rate": null }]);
    }
    let species = species(name);
    json!([{
        "number": number(name, "id", 1, 1_000), "height": number(name, "height", 1, 40),
        "weight": number(name, "weight", 1, 4_000), "hp": number(name, "hp", 20, 120), "types": [kind_of(name)],
        "species": species, "is_legendary": is_legendary(species), "capture_rate": number(species, "capture", 3, 255),
    }])
}
