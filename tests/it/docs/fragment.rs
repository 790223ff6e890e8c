//! A part of a job file laid over a whole one: tables by their keys, lists of tables one by one, and all else anew.

use toml::{Table, Value};

/// The whole with the part in it.
pub fn laid_over(whole: &str, part: &str) -> Result<String, toml::de::Error> {
    let mut whole: Table = whole.parse()?;
    lay(&mut whole, part.parse()?);
    Ok(whole.to_string())
}

fn lay(whole: &mut Table, part: Table) {
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay(below, above),
            (Some(Value::Array(below)), Value::Array(above)) if above.iter().all(Value::is_table) => {
                for (at, one) in above.into_iter().enumerate() {
                    match (below.get_mut(at), one) {
                        (Some(Value::Table(below)), Value::Table(above)) => lay(below, above),
                        (_, one) => below.push(one),
                    }
                }
            }
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}

#[test]
fn tables_are_laid_over_tables() {
    let whole = "[job]\nname = \"a\"\n[[endpoint]]\nurl = \"u\"\n";
    let laid: Table =
        laid_over(whole, "[job]\nevery = \"5m\"\n[[endpoint]]\nauth = \"x\"\n").unwrap().parse().unwrap();
    assert_eq!(laid["job"]["name"].as_str(), Some("a"));
    assert_eq!(laid["job"]["every"].as_str(), Some("5m"));
    let endpoint = &laid["endpoint"][0];
    assert_eq!((endpoint["url"].as_str(), endpoint["auth"].as_str()), (Some("u"), Some("x")));
}
