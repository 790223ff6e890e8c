//! What failed, and what the table refused, as queries over a run. What only waits has not failed.

use crate::handoff::Plan;
use crate::merge::QueryResult;
use crate::runner::id_columns;

/// What counts as a failure, of `r`: also what was not asked since what it depends on failed.
const FAILED: &str = "r.kind IS NOT NULL AND r.status <> 'waiting'";

/// What is said of a rejected row.
const REASON: &str = "concat_ws(': ', nullif(r.\"value\", ''), r.why)";

/// Characters of a detail that tell causes apart.
const BEGINNING: usize = 14;

/// Values that did not fit, of which advice looks at so many at the most.
const DETAILS: usize = 200;

/// A relation and the records that it is of: `r` and `input`.
fn of_records(plan: &Plan, relation: &str) -> String {
    let (relation, input) = (plan.view(relation), plan.view("input"));
    format!("{relation} r JOIN {input} input ON input.{} = r.ordinal", plan.shown_input().own[0])
}

/// Failures by endpoint and kind, the most frequent first, with an example each; rejected records as one kind. A list may
/// have columns that are named like those of the requests.
pub fn by_kind(plan: &Plan) -> String {
    let id = shown_id(plan);
    let (requests, rejected) = (of_records(plan, "requests"), of_records(plan, "rejected"));
    format!(
        "SELECT r.endpoint, r.status, r.kind, r.http_status AS http, count(*) AS requests,
                arg_min({id}, r.ordinal) AS example_id, arg_min(r.detail, r.ordinal) AS example
         FROM {requests}
         WHERE {FAILED}
         GROUP BY ALL
         UNION ALL
         SELECT NULL, 'rejected', 'rejected', NULL, count(*), arg_min({id}, r.ordinal), arg_min({REASON}, r.ordinal)
         FROM {rejected}
         HAVING count(*) > 0
         ORDER BY requests DESC, endpoint, kind, http"
    )
}

/// The id of a record, of several columns as one text.
fn shown_id(plan: &Plan) -> String {
    let id = id_columns(plan).iter().map(|column| format!("input.{column}::VARCHAR")).collect::<Vec<_>>();
    id.join(" || ' ' || ")
}

/// Failures by endpoint, kind, status and the beginning of what is said of them (of what the job itself could not make: the
/// column), the most frequent first: the number, an example's id and detail, of values that did not fit what is said of
/// many, and how many of the endpoint were asked.
pub fn causes(plan: &Plan) -> String {
    let (id, requests, all) = (shown_id(plan), of_records(plan, "requests"), plan.view("requests"));
    format!(
        "SELECT r.endpoint, r.kind, r.http_status, count(*) AS requests, arg_min({id}, r.ordinal),
                arg_min(r.detail, r.ordinal),
                to_json((list(DISTINCT r.detail) FILTER (WHERE r.kind = 'convert'))[:{DETAILS}])::VARCHAR,
                any_value(asked.number)
         FROM {requests}
         JOIN (SELECT endpoint, count(*) FILTER (WHERE status IN ('ok', 'missing', 'failed')) AS number
               FROM {all} GROUP BY endpoint) asked ON asked.endpoint = r.endpoint
         WHERE {FAILED}
         GROUP BY r.endpoint, r.kind, r.http_status,
                  CASE WHEN r.kind IN ('convert', 'null', 'extract') THEN split_part(r.detail, ': ', 1)
                       ELSE left(r.detail, {BEGINNING}) END
         ORDER BY requests DESC, r.endpoint, r.kind, r.http_status, min(r.ordinal)"
    )
}

/// How many requests only wait, by kind.
pub fn waiting(plan: &Plan) -> String {
    let requests = plan.view("requests");
    format!("SELECT kind, count(*) FROM {requests} WHERE status = 'waiting' GROUP BY kind ORDER BY 2 DESC, 1")
}

/// Whether some of what one of these queries found is rejected.
pub fn some_are_rejected(found: &QueryResult) -> bool {
    statuses(found).any(|status| status == Some("rejected"))
}

/// A list may have a column of that name, too: it stands before ours.
fn statuses(found: &QueryResult) -> impl Iterator<Item = Option<&str>> {
    let place = found.columns.iter().rposition(|column| column.name == "status");
    found.rows.iter().map(move |row| row.get(place?).and_then(Option::as_deref))
}

/// All of them, and what there is `more` of each request.
fn every_one_with(plan: &Plan, more: Option<&str>) -> String {
    let (requests, rejected) = (of_records(plan, "requests"), of_records(plan, "rejected"));
    let id = id_columns(plan).iter().map(|column| format!("input.{column}")).collect::<Vec<_>>().join(", ");
    let (more, no_more) = more.map_or_else(Default::default, |more| (format!(", {more}"), ", NULL"));
    format!(
        "(SELECT {id}, r.endpoint, r.status, r.kind, r.http_status AS http, r.attempts, r.detail{more}
          FROM {requests}
          WHERE {FAILED}
          ORDER BY r.ordinal, r.endpoint)
         UNION ALL
         (SELECT {id}, NULL, 'rejected', 'rejected', NULL, NULL, {REASON}{no_more}
          FROM {rejected}
          ORDER BY r.ordinal)"
    )
}

/// Every request that failed, and after them every record that was rejected.
pub fn every_one(plan: &Plan) -> String {
    every_one_with(plan, None)
}

/// The same with what was answered; of several pages the last.
pub fn every_answer(plan: &Plan) -> String {
    let answer = format!(
        "(SELECT arg_max(body, page) FROM {} AS kept
          WHERE kept.ordinal = r.ordinal AND kept.endpoint = r.endpoint) AS answer",
        plan.view("answers")
    );
    every_one_with(plan, Some(&answer))
}
