//! `queue` of `[input]`: the table of jobs, and the pieces of SQL that say which wait and what becomes of them.

use std::time::Duration;

use super::fragment::{self, Misfit, Placed, Token};
use super::names::table_name;
use super::scheme::{Kind, parted};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Queue, ServerKind, ServerUrl};

/// Where a piece of SQL stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    Where,
    OrderBy,
    Set,
}

/// Words that begin another clause: around the piece stands the rest of a statement. All are reserved, and no names.
const OTHER_CLAUSES: [&str; 14] = [
    "where",
    "order",
    "group",
    "having",
    "limit",
    "for",
    "union",
    "intersect",
    "except",
    "window",
    "into",
    "select",
    "set",
    "update",
];

/// The queue, whose database is that of the table.
pub(super) fn validated(file: &raw::JobFile, queue: &raw::Queue, mistakes: &mut Mistakes) -> Option<Queue> {
    let server = server(file, mistakes);
    let table = queue.table.as_ref().and_then(|table| table_of_jobs(table, Kind::of(file), mistakes));
    let kind = server.as_ref().map(ServerUrl::kind);
    let mut checked = |clause, key, written: &Option<At<String>>| -> Option<String> {
        check(clause, key, written.as_ref()?, kind, mistakes);
        written.as_ref().map(|written| written.value.clone())
    };
    let condition = checked(Clause::Where, "where", &queue.condition);
    let order = checked(Clause::OrderBy, "order", &queue.order);
    let done = checked(Clause::Set, "done", &queue.done);
    let failed = checked(Clause::Set, "failed", &queue.failed);
    let requeue = checked(Clause::Set, "requeue", &queue.requeue);
    if let (Some(kind), Some(condition)) = (kind, &queue.condition) {
        for (key, settled) in [("done", &queue.done), ("failed", &queue.failed)] {
            check_is_settled(key, settled.as_ref(), condition, kind, mistakes);
        }
    }
    let created = queue.created.as_ref().and_then(|created| column(created, mistakes));
    let Pace { claim, parallel, lease, attempts, backoff, poll } = Pace::of(queue);
    Some(Queue {
        database: server?,
        table: table?,
        condition: condition?,
        order,
        done: done?,
        failed: failed?,
        requeue,
        created,
        claim,
        parallel,
        lease,
        attempts,
        backoff,
        poll,
    })
}

/// How a queue is worked, with the usual where the job does not say.
struct Pace {
    claim: u32,
    parallel: u16,
    lease: Duration,
    attempts: u32,
    backoff: Duration,
    poll: Duration,
}

impl Pace {
    fn of(queue: &raw::Queue) -> Pace {
        Pace {
            claim: queue.claim.as_ref().map_or(200, |count| count.value.0 as u32),
            parallel: queue.parallel.as_ref().map_or(4, |count| count.value.0 as u16),
            lease: queue.lease.as_ref().map_or(Duration::from_secs(60), |time| time.value.0),
            attempts: queue.attempts.as_ref().map_or(5, |count| count.value.0 as u32),
            backoff: queue.backoff.as_ref().map_or(Duration::from_secs(30), |time| time.value.0),
            poll: queue.poll.as_ref().map_or(Duration::from_millis(250), |time| time.value.0),
        }
    }
}

/// The server that the rows go to. What is wrong with its URL is told where the table is looked at.
fn server(file: &raw::JobFile, mistakes: &mut Mistakes) -> Option<ServerUrl> {
    let to = file.table.as_ref()?.value.to.as_ref()?;
    if ["duckdb", "sqlite", "parquet", "csv"].contains(&parted(to.text()).0) {
        let hint = "write to = \"postgres://…\" or \"mysql://…\": queue and results are in one database, because they are in one transaction";
        mistakes.add(&to.span, "a queue, and a destination that is no server", hint);
        return None;
    }
    ServerUrl::parse(to.text()).ok()
}

fn table_of_jobs(name: &At<String>, kind: Kind, mistakes: &mut Mistakes) -> Option<String> {
    match table_name(name.text(), kind) {
        Ok(table) if is_of_windrow(&table.table) => {
            let message = format!("\"{}\" is a table of windrow's own", table.table);
            mistakes.add(&name.span, message, "name the table that your program puts jobs into");
        }
        Ok(_) => {}
        Err((message, hint)) => mistakes.add(&name.span, message, hint),
    }
    Some(name.value.clone())
}

fn column(created: &At<String>, mistakes: &mut Mistakes) -> Option<String> {
    if created.text().trim().is_empty() {
        let hint =
            "write the name of the column that says when a job was put there: created = \"created_at\"";
        mistakes.add(&created.span, "`created` is empty", hint);
    }
    Some(created.value.clone())
}

/// Whether a table is one that windrow keeps itself.
pub(super) fn is_of_windrow(table: &str) -> bool {
    ["windrow_runs", "windrow_claims", "windrow_dead"].iter().any(|own| table.eq_ignore_ascii_case(own))
}

/// Notes what keeps a text from being such a clause, and nothing more.
fn check(
    clause: Clause,
    key: &str,
    written: &At<String>,
    server: Option<ServerKind>,
    mistakes: &mut Mistakes,
) {
    let example = match clause {
        Clause::Where => "write what stands behind WHERE: where = \"state = 'new'\"",
        Clause::OrderBy => "write what stands behind ORDER BY: order = \"priority DESC, id\"",
        Clause::Set => "write what stands behind SET: \"state = 'done', done_at = now()\"",
    };
    if written.text().trim().is_empty() {
        mistakes.add(&written.span, format!("`{key}` is empty"), example);
        return;
    }
    let Some(server) = server else { return };
    let noted = |misfit: Misfit| {
        let place = written.part(misfit.range);
        mistakes.add(&place, format!("{} in `{key}`", misfit.message), misfit.hint);
    };
    let Ok(tokens) = fragment::tokens(written.text(), server).map_err(noted) else { return };
    if let Some(other) = other_clause(written.text(), &tokens) {
        let word = &written.text()[other.range.clone()];
        let message = format!("`{}` in `{key}`", word.to_uppercase());
        mistakes.add(&written.part(other.range.clone()), message, format!("leave it out: {example}"));
    } else if clause == Clause::Set && !is_assignment(&tokens) {
        mistakes.add(&written.span, format!("`{key}` sets no column"), example);
    }
}

/// The first word outside of parentheses that belongs to another clause; behind a point any word is a name.
fn other_clause<'a>(text: &str, tokens: &'a [Placed]) -> Option<&'a Placed> {
    let is_name = |at: usize| at > 0 && tokens[at - 1].token == Token::Sign('.');
    let begins_another = |placed: &Placed| {
        let word = text[placed.range.clone()].to_ascii_lowercase();
        placed.depth == 0 && placed.token == Token::Word && OTHER_CLAUSES.contains(&word.as_str())
    };
    let found = tokens.iter().enumerate().find(|(at, placed)| begins_another(placed) && !is_name(*at));
    found.map(|(_, placed)| placed)
}

fn is_assignment(tokens: &[Placed]) -> bool {
    let starts_with_column = tokens.first().is_some_and(|first| {
        matches!(first.token, Token::Word | Token::Name | Token::Number | Token::Sign('('))
    });
    starts_with_column
        && tokens.iter().skip(1).any(|placed| placed.depth == 0 && placed.token == Token::Sign('='))
}

/// Notes assignments after which a job would meet the condition, and be asked again and again.
fn check_is_settled(
    key: &str,
    settled: Option<&At<String>>,
    condition: &At<String>,
    server: ServerKind,
    mistakes: &mut Mistakes,
) {
    let Some(settled) = settled else { return };
    let Some(waiting) = comparison(condition.text(), server) else { return };
    let Ok(tokens) = fragment::tokens(settled.text(), server) else { return };
    let of_one =
        |part: &&[Placed]| comparison_of(settled.text(), part).is_some_and(|set| waiting.is_met_by(&set));
    let parts = tokens.split(|placed| placed.depth == 0 && placed.token == Token::Sign(','));
    if parts.collect::<Vec<_>>().iter().any(of_one) {
        let message = format!("`{key}` leaves the job as `where` takes it");
        let hint = "set another value: a job that still meets `where` would be taken again";
        mistakes.add(&settled.span, message, hint);
    }
}

/// `column = literal`, or `column IS NULL`.
#[derive(Debug, PartialEq, Eq)]
struct Comparison<'a> {
    column: &'a str,
    /// As it is written.
    literal: &'a str,
}

impl Comparison<'_> {
    fn is_met_by(&self, other: &Comparison<'_>) -> bool {
        self.column.eq_ignore_ascii_case(other.column)
            && (self.literal == other.literal || self.is_null() && other.is_null())
    }

    fn is_null(&self) -> bool {
        self.literal.eq_ignore_ascii_case("null")
    }
}

/// A condition that is one comparison.
fn comparison(text: &str, server: ServerKind) -> Option<Comparison<'_>> {
    let tokens = fragment::tokens(text, server).ok()?;
    let compared = comparison_of(text, &tokens);
    // `state = NULL` is met by nothing.
    compared.filter(|compared| !compared.is_null() || tokens[1].token == Token::Word)
}

fn comparison_of<'a>(text: &'a str, tokens: &[Placed]) -> Option<Comparison<'a>> {
    let [column, sign, value @ ..] = tokens else { return None };
    let written = |placed: &Placed| &text[placed.range.clone()];
    let is = |placed: &Placed, word: &str| {
        placed.token == Token::Word && written(placed).eq_ignore_ascii_case(word)
    };
    let is_literal = match value {
        [one] if sign.token == Token::Sign('=') => {
            matches!(one.token, Token::Text | Token::Number)
                || ["true", "false", "null"].iter().any(|word| is(one, word))
        }
        [minus, number] if sign.token == Token::Sign('=') => {
            minus.token == Token::Sign('-') && number.token == Token::Number
        }
        [one] => is(sign, "is") && is(one, "null"),
        _ => false,
    };
    let is_column = matches!(column.token, Token::Word | Token::Name);
    let literal = value.first()?.range.start..value.last()?.range.end;
    (is_column && is_literal).then(|| Comparison { column: written(column), literal: &text[literal] })
}

/// The assignment that makes a job meet the condition, where this is one comparison and the job does not say.
pub(super) fn requeue(file: &raw::JobFile) -> Option<String> {
    let queue = &file.input.as_ref()?.value.queue.as_ref()?.value;
    let condition = queue.condition.as_ref().filter(|_| !queue.present.has("requeue"))?;
    let to = file.table.as_ref()?.value.to.as_ref()?;
    let Comparison { column, literal } = comparison(condition.text(), ServerKind::of(parted(to.text()).0)?)?;
    Some(format!("{column} = {literal}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comparison_is_told_from_what_is_more() {
        let column_and_value =
            |text| comparison(text, ServerKind::Postgres).map(|it| (it.column, it.literal));
        for (text, expected) in [
            ("state = 'new'", ("state", "'new'")),
            ("\"State\"='it''s; new'", ("\"State\"", "'it''s; new'")),
            ("state = -1", ("state", "-1")),
            ("is_open = TRUE", ("is_open", "TRUE")),
            ("done_at IS NULL", ("done_at", "NULL")),
            ("state = E'\\'new'", ("state", "E'\\'new'")),
        ] {
            assert_eq!(column_and_value(text), Some(expected), "{text}");
        }
        for text in [
            "state = 'new' AND n = 1",
            "state <> 'new'",
            "state <= 1",
            "NOT done",
            "state = other",
            "state = NULL",
            "lower(state) = 'new'",
            "jobs.state = 'new'",
            "state IN ('new')",
            "done_at IS NOT NULL",
            "state = 'new'::job_state",
        ] {
            assert_eq!(column_and_value(text), None, "{text}");
        }
    }
}
