//! What a document costs, in tokens, as language models bill for them.

use bytes::Bytes;

use crate::answer::Answer;
use crate::draw::Draw;

/// Keeps the draw of the cost apart from others about the same id.
const TOKENS: u64 = 0x746f_6b65_6e73;

/// Tokens that a document costs, 50 to 150; the same at every request.
pub fn tokens(id: &str) -> u64 {
    Draw::about(TOKENS, id).between(50, 150)
}

/// The answer, a JSON object, with `"usage": {"total_tokens": …}` as its last member.
pub fn with_usage(answer: Answer, tokens: u64) -> Answer {
    let Some(members) = answer.body.strip_suffix(b"}") else { return answer };
    let usage = format!(r#","usage":{{"total_tokens":{tokens}}}}}"#);
    Answer { body: Bytes::from([members, usage.as_bytes()].concat()), ..answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_cost_follows_from_the_id() {
        let costs: Vec<u64> = (0..5_000).map(|id| tokens(&id.to_string())).collect();
        assert_eq!(costs, (0..5_000).map(|id| tokens(&id.to_string())).collect::<Vec<_>>());
        assert_eq!((costs.iter().min(), costs.iter().max()), (Some(&50), Some(&150)));
        let mean = costs.iter().sum::<u64>() / 5_000;
        assert!((95..=105).contains(&mean), "{mean}");
    }

    #[test]
    fn the_usage_is_the_last_member() {
        let answer = with_usage(Answer::json(r#"{"Title":"a"}"#), 77);
        let document: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(document, json!({"Title": "a", "usage": {"total_tokens": 77}}));
    }
}
