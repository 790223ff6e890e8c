//! `rest/pug/compound/name/{name}/property/…/JSON`: the compounds of a name, mostly one.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::decoded;

const UNKNOWN: &str = "unobtainium";

pub fn answer(path: &str) -> Answer {
    let name = path.strip_prefix("rest/pug/compound/name/").and_then(|rest| rest.split_once('/'));
    let name = decoded(name.map_or("", |(name, _)| name));
    if name.is_empty() || name == UNKNOWN {
        let fault = json!({ "Fault": { "Code": "PUGREST.NotFound", "Message": "No CID found" } });
        return Answer { status: StatusCode::NOT_FOUND, ..Answer::value(&fault) };
    }
    let compound = |place| {
        let (cid, formula, weight, iupac) = compound(&name, place);
        json!({ "CID": cid, "MolecularFormula": formula, "MolecularWeight": weight, "IUPACName": iupac })
    };
    let compounds: Vec<Value> = (0..compounds(&name)).map(compound).collect();
    Answer::value(&json!({ "PropertyTable": { "Properties": compounds } }))
}

/// Some names stand for two.
fn compounds(name: &str) -> u64 {
    number(name, "compounds", 1, 2)
}

fn compound(name: &str, place: u64) -> (u64, String, String, String) {
    let of = format!("{name} {place}");
    let (carbon, hydrogen) = (number(&of, "carbon", 2, 30), number(&of, "hydrogen", 2, 60));
    let weight = number(&of, "weight", 3_000, 90_000);
    let weight = format!("{}.{:02}", weight / 100, weight % 100);
    (number(&of, "cid", 1, 90_000), format!("C{carbon}H{hydrogen}"), weight, words(&of, "iupac"))
}

pub fn truth(name: &str) -> Value {
    let row = |place| {
        let (cid, formula, weight, iupac) = compound(name, place);
        json!({ "cid": cid, "formula": formula, "weight": weight, "iupac_name": iupac })
    };
    let compounds = if name == UNKNOWN { 0 } else { compounds(name) };
    Value::Array((0..compounds).map(row).collect())
}
