//! What the ledger of a run says at its end: by endpoint, by kind, and of all requests.

use crate::fetch::Mask;
use crate::handoff::Plan;
use crate::handoff::summary::{
    Advice, EndpointOfSummary, ExampleOfFailure, FailuresOfKind, LatencyOfSummary, NullColumn,
    RequestsOfSummary,
};
use crate::job::Job;
use crate::merge::{MergeError, QueryResult, RunQuery};
use crate::record::Status;
use crate::report::advice::{self, Cause, Commands};
use crate::report::nulls::null_columns;
use crate::runner::{LiveRun, RunState, id_columns};

/// What the ledger says.
pub(super) struct Figures {
    pub endpoints: Vec<EndpointOfSummary>,
    pub failures: Vec<FailuresOfKind>,
    pub requests: RequestsOfSummary,
    pub null_columns: Vec<NullColumn>,
}

impl Figures {
    /// Reads them. What a server or a list wrote is masked. Columns are looked at where the run is whole.
    pub async fn read(
        run: &LiveRun,
        job: Option<&Job>,
        is_whole: bool,
        mask: &Mask,
    ) -> Result<Figures, MergeError> {
        let (query, plan) = (RunQuery::open(&run.store, job).await?, &run.plan);
        let ends = query.ask(&by_endpoint(plan), None)?;
        let sent = query.ask(&sent(plan), None)?;
        let endpoints: Vec<EndpointOfSummary> = plan
            .endpoints
            .iter()
            .map(|planned| endpoint(&planned.name, &ends, &sent, plan.records))
            .collect();
        let requests = requests(&sent, &query.ask(&latency(plan), None)?);
        let failures = query.ask(&by_kind(plan), None)?;
        let mut failures: Vec<_> = (0..failures.rows.len()).map(|row| failed(&failures, row, mask)).collect();
        if let Some(job) = job.filter(|_| !failures.is_empty()) {
            advise(&mut failures, run, job, mask).await?;
        }
        let of_well = |(at, endpoint): (usize, &EndpointOfSummary)| (endpoint.ok > 0).then_some(at);
        let answered: Vec<usize> = endpoints.iter().enumerate().filter_map(of_well).collect();
        let null_columns = match job.filter(|_| is_whole) {
            Some(job) => null_columns(&query, plan, job, &answered, mask)?,
            None => Vec::new(),
        };
        Ok(Figures { endpoints, failures, requests, null_columns })
    }
}

/// What became of the requests to an endpoint, of so many records.
fn endpoint(name: &str, ends: &QueryResult, sent: &QueryResult, records: u64) -> EndpointOfSummary {
    let of = |result: &QueryResult, column| figure(result, row_of(result, name), column);
    let [ok, missing, failed, not_asked] = [1, 2, 3, 4].map(|column| of(ends, column));
    EndpointOfSummary {
        endpoint: name.to_owned(),
        ok,
        missing,
        failed,
        not_asked,
        // Of what is not committed there is no line.
        waiting: records.saturating_sub(ok + missing + failed + not_asked),
        requests: of(sent, 1),
    }
}

/// By endpoint: how its pairs ended, each as its last round left it.
fn by_endpoint(plan: &Plan) -> String {
    let of = |status: Status| format!("count(*) FILTER (WHERE status = '{status}')");
    let statuses = [Status::Ok, Status::Missing, Status::Failed, Status::NotAsked].map(of);
    format!("SELECT endpoint, {} FROM {} GROUP BY endpoint", statuses.join(", "), plan.view("requests"))
}

/// By endpoint: requests, repeats and bytes of all rounds. Of a request that several records shared one line counts them.
fn sent(plan: &Plan) -> String {
    format!(
        "SELECT endpoint, sum(requests), sum(greatest(attempts - 1, 0)) FILTER (WHERE requests > 0), sum(bytes)
         FROM {} GROUP BY endpoint",
        plan.view("all_requests")
    )
}

/// How long answers took, in milliseconds: those that came at the first try, as the time of the others has pauses in it.
fn latency(plan: &Plan) -> String {
    format!(
        "SELECT approx_quantile(took, 0.5), approx_quantile(took, 0.95)
         FROM (SELECT epoch_us(finished_at) / 1e3 - epoch_us(started_at) / 1e3 AS took
               FROM {} WHERE attempts = 1 AND requests = 1 AND http_status IS NOT NULL)",
        plan.view("all_requests")
    )
}

/// By kind, the most frequent first, with an example each; what the table rejected as one kind.
fn by_kind(plan: &Plan) -> String {
    let id = id_columns(plan).iter().map(|column| format!("input.{column}::VARCHAR")).collect::<Vec<_>>();
    let (id, ordinal) = (id.join(" || ' ' || "), &plan.shown_input().own[0]);
    let [requests, rejected, input] = ["requests", "rejected", "input"].map(|view| plan.view(view));
    format!(
        "SELECT r.endpoint, r.status, r.kind, r.http_status, count(*) AS requests,
                arg_min({id}, r.ordinal), arg_min(r.detail, r.ordinal)
         FROM {requests} r JOIN {input} input ON input.{ordinal} = r.ordinal
         WHERE r.kind IS NOT NULL
         GROUP BY ALL
         UNION ALL
         SELECT NULL, 'rejected', 'rejected', NULL, count(*), arg_min(r.id, r.ordinal),
                arg_min(concat_ws(': ', nullif(r.\"value\", ''), r.why), r.ordinal)
         FROM {rejected} r
         HAVING count(*) > 0
         ORDER BY requests DESC, 1, 3, 4"
    )
}

/// Says what to do about each.
async fn advise(
    failures: &mut [FailuresOfKind],
    run: &LiveRun,
    job: &Job,
    mask: &Mask,
) -> Result<(), MergeError> {
    let state = RunState::read(&run.store).await?;
    let commands = Commands::of(&run.store, &run.plan, job, &state);
    let causes = advice::causes(&run.store, &run.plan, job, &commands).await?;
    let of_text = |advice: &advice::Advice| Advice {
        text: mask.apply(&advice.todo),
        command: advice.command().map(|command| mask.apply(command)),
    };
    for failure in failures {
        let is_its = |cause: &&Cause| {
            failure.endpoint.as_ref() == Some(&cause.endpoint)
                && (failure.kind.as_str(), failure.http_status) == (cause.kind.word(), cause.http_status)
        };
        failure.advice = match failure.status.as_str() {
            "waiting" => Some(Advice { text: commands.for_waiting(), command: None }),
            "rejected" => Some(of_text(&advice::Advice::for_rejected(&commands))),
            _ => causes.iter().find(is_its).map(|cause| of_text(&cause.advice)),
        };
    }
    Ok(())
}

fn failed(result: &QueryResult, row: usize, mask: &Mask) -> FailuresOfKind {
    let text = |column: usize| result.rows[row].get(column).cloned().flatten();
    let shown = |column| text(column).map(|text| mask.apply(&text));
    FailuresOfKind {
        endpoint: text(0),
        status: text(1).unwrap_or_default(),
        kind: text(2).unwrap_or_default(),
        http_status: text(3).and_then(|status| status.parse().ok()),
        count: figure(result, Some(row), 4),
        example: ExampleOfFailure { id: shown(5), detail: shown(6) },
        advice: None,
    }
}

fn requests(sent: &QueryResult, latency: &QueryResult) -> RequestsOfSummary {
    let sum = |column| (0..sent.rows.len()).map(|row| figure(sent, Some(row), column)).sum();
    let millis = |column: usize| {
        let time: f64 = latency.rows.first()?.get(column)?.as_ref()?.parse().ok()?;
        Some(rounded(time))
    };
    RequestsOfSummary {
        sent: sum(1),
        repeats: sum(2),
        bytes: sum(3),
        per_second: None,
        latency: millis(0).zip(millis(1)).map(|(p50, p95)| LatencyOfSummary { p50, p95 }),
    }
}

/// To a thousandth.
pub(super) fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

/// The row of an endpoint.
fn row_of(result: &QueryResult, endpoint: &str) -> Option<usize> {
    result.rows.iter().position(|row| row.first().and_then(Option::as_deref) == Some(endpoint))
}

/// A count; 0 where there is none.
fn figure(result: &QueryResult, row: Option<usize>, column: usize) -> u64 {
    let cell = row.and_then(|row| result.rows[row].get(column)?.as_ref()?.parse().ok());
    cell.unwrap_or(0)
}
