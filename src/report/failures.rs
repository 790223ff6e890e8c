//! What failed, as queries over a run.

use crate::handoff::Plan;
use crate::runner::id_columns;

/// The ledger and the records that it is of: `r` and `input`.
fn requests_of_records(plan: &Plan) -> String {
    let (requests, input) = (plan.view("requests"), plan.view("input"));
    format!("{requests} r JOIN {input} input ON input.{} = r.ordinal", plan.shown_input().own[0])
}

/// Failures by endpoint and kind, the most frequent first, with an example each. A list may have columns that are named
/// like those of the requests.
pub fn by_kind(plan: &Plan) -> String {
    let id = id_columns(plan).iter().map(|column| format!("input.{column}::VARCHAR")).collect::<Vec<_>>();
    let (id, from) = (id.join(" || ' ' || "), requests_of_records(plan));
    format!(
        "SELECT r.endpoint, r.status, r.kind, r.http_status AS http, count(*) AS requests,
                arg_min({id}, r.ordinal) AS example_id, arg_min(r.detail, r.ordinal) AS example
         FROM {from}
         WHERE r.kind IS NOT NULL
         GROUP BY ALL ORDER BY requests DESC, r.endpoint, r.kind, http"
    )
}

fn every_one_with(plan: &Plan, more: &str) -> String {
    let from = requests_of_records(plan);
    let id = id_columns(plan).iter().map(|column| format!("input.{column}")).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT {id}, r.endpoint, r.status, r.kind, r.http_status AS http, r.attempts, r.detail{more}
         FROM {from}
         WHERE r.kind IS NOT NULL
         ORDER BY r.ordinal, r.endpoint"
    )
}

/// Every request that failed.
pub fn every_one(plan: &Plan) -> String {
    every_one_with(plan, "")
}

/// The same with what was answered; of several pages the last.
pub fn every_answer(plan: &Plan) -> String {
    let answer = format!(
        ", (SELECT arg_max(body, page) FROM {} AS kept
            WHERE kept.ordinal = r.ordinal AND kept.endpoint = r.endpoint) AS answer",
        plan.view("answers")
    );
    every_one_with(plan, &answer)
}
