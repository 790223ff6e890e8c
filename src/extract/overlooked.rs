//! What an answer's parts say of themselves where the job does not say where that stands: for `windrow check` to ask
//! about. A guess by the names that APIs use, and so never more than a question.

use serde_json::Value;

/// Names of a part's own status: Microsoft Graph and Elasticsearch, AWS, Stripe and others, Facebook.
const STATUS: [&str; 5] = ["status", "statusCode", "status_code", "http_status", "code"];

/// How deep a part is looked into: Elasticsearch's `{"index":{"status":429}}` is two.
const DEPTH: usize = 2;

/// The first number in a part that reads like the status of a failure, as jq and as it stands.
pub(super) fn status(part: &Value, depth: usize) -> Option<(String, u64)> {
    let members = part.as_object().filter(|_| depth < DEPTH)?;
    let own = members.iter().find_map(|(name, value)| {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        let is_one = STATUS.contains(&name.as_str()) && (400..600).contains(&number);
        is_one.then(|| (member(name), number))
    });
    let deeper = || {
        members.iter().find_map(|(name, value)| {
            status(value, depth + 1).map(|(path, number)| (format!("{}{path}", member(name)), number))
        })
    };
    own.or_else(deeper)
}

/// A member of an object, in jq.
pub(super) fn member(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain && !name.starts_with(|c: char| c.is_ascii_digit()) {
        format!(".{name}")
    } else {
        format!(".[{}]", serde_json::Value::from(name))
    }
}

/// The first member of an answer that names what was not processed, and holds something (`UnprocessedKeys` of AWS).
pub(super) fn unprocessed(answer: &Value) -> Option<&str> {
    let holds = |value: &Value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    let mut members = answer.as_object()?.iter();
    let is_one =
        |(name, value): &(&String, &Value)| name.to_lowercase().starts_with("unprocessed") && holds(value);
    members.find(is_one).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failures_status_is_found_by_the_names_that_apis_use() {
        let found = |part: Value| status(&part, 0).map(|(path, number)| format!("{path} {number}"));
        assert_eq!(found(json!({"id": "1", "status": 429, "headers": {}})).unwrap(), ".status 429");
        assert_eq!(found(json!({"index": {"_id": "1", "status": 503}})).unwrap(), ".index.status 503");
        assert_eq!(found(json!({"code": "404", "body": "{}"})).unwrap(), ".code 404");
        assert_eq!(found(json!({"a-b": {"status": 500}})).unwrap(), ".[\"a-b\"].status 500");
        for fine in [json!({"status": 200}), json!({"status": "ok", "votes": 404}), json!([{"status": 500}])]
        {
            assert_eq!(found(fine.clone()), None, "{fine}");
        }
    }

    #[test]
    fn what_was_not_processed_is_found_where_there_is_any() {
        assert_eq!(unprocessed(&json!({"UnprocessedKeys": {"T": {}}})), Some("UnprocessedKeys"));
        assert_eq!(unprocessed(&json!({"unprocessed_ids": ["1"]})), Some("unprocessed_ids"));
        assert_eq!(unprocessed(&json!({"UnprocessedKeys": {}, "unprocessed": []})), None);
    }
}
