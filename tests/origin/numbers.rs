//! `/numbers/{id}`: values that are easily spoilt on their way into a database.

use crate::answer::Answer;

/// The document of an id. With `k` the id as a number (0 where it is none):
///
/// - `big`: 2⁵³ + 1 + 2k, which a double cannot hold
/// - `decimal`: 1234567890123456789 and the last two digits of k behind the point
/// - `price`: (1 + k mod 9) thousand in the continental notation
/// - `when`: the last second of a leap day and (123456 + k) mod 1000000 microseconds, in UTC
pub fn answer(id: &str) -> Answer {
    let number: u64 = id.parse().unwrap_or(0);
    let id = serde_json::Value::from(id);
    let big = 9_007_199_254_740_993_i128 + 2 * i128::from(number);
    let cents = number % 100;
    let thousands = 1 + number % 9;
    let microseconds = (123_456 + number % 1_000_000) % 1_000_000;
    Answer::json(format!(
        concat!(
            r#"{{"id":{id},"big":{big},"decimal":1234567890123456789.{cents:02},"price":"{thousands}.234,56","#,
            r#""when":"2024-02-29T23:59:59.{microseconds:06}Z","nested":{{"a":{{"b":[1,2,3]}}}},"#,
            r#""flag":true,"nothing":null}}"#
        ),
        id = id,
        big = big,
        cents = cents,
        thousands = thousands,
        microseconds = microseconds,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_id() {
        let text = |id| String::from_utf8(answer(id).body.to_vec()).expect("UTF-8");
        assert!(
            text("0")
                .contains(r#""big":9007199254740993,"decimal":1234567890123456789.00,"price":"1.234,56""#)
        );
        assert!(
            text("7")
                .contains(r#""big":9007199254741007,"decimal":1234567890123456789.07,"price":"8.234,56""#)
        );
        assert!(text("7").contains(r#""when":"2024-02-29T23:59:59.123463Z""#));
    }

    #[test]
    fn every_id_gives_json() {
        for id in ["", "x\"\n", "18446744073709551615", "-1"] {
            let document: serde_json::Value = serde_json::from_slice(&answer(id).body).expect("JSON");
            assert_eq!(document["id"], id);
        }
    }
}
