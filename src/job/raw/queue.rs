//! `queue` of `[input]` as written.

use super::DAY;
use super::fields::{Fields, Present};
use super::leaf::{Count, Time};
use super::section::section;

section! {
    /// A table whose rows are jobs.
    "queue", check_required;
    Queue {
        /// The table of jobs, `name` or `schema.name`, in the database of `[table] to`: queue and results are in one
        /// transaction.
        #[schemars(required, length(min = 1))]
        table: String,
        /// The condition of SQL that a waiting job meets: `state = 'new'`.
        #[schemars(required, rename = "where", length(min = 1))]
        condition as "where": String,
        /// In which order jobs are taken, what SQL has behind ORDER BY: `priority DESC, id`. An index has to serve it. Default
        /// the id.
        #[schemars(length(min = 1))]
        order: String,
        /// What becomes of a job whose rows are in the table, in the same transaction; what SQL has behind SET:
        /// `state = 'done', done_at = now()`. The job must not meet `where` after it.
        #[schemars(required, length(min = 1))]
        done: String,
        /// What becomes of a job that has failed for good, in the same form: `state = 'failed'`.
        #[schemars(required, length(min = 1))]
        failed: String,
        /// What `windrow requeue` makes of a job that has failed, in the same form. Default `where`, if that is one comparison
        /// such as `state = 'new'` or `done_at IS NULL`.
        #[schemars(length(min = 1))]
        requeue: String,
        /// The column that says when a job was put there, in UTC where its type has no zone: `windrow status` and `/metrics` then
        /// tell how long the oldest has been waiting.
        #[schemars(length(min = 1))]
        created: String,
        /// Most jobs that are taken together and settled in one transaction. Default 200; 1 commits each job alone.
        claim: Count<1, 10_000>,
        /// Batches under way at once, each a process of its own. Default 4.
        parallel: Count<1, 64>,
        /// How long a job is a worker's after that has shown no life: then others take it. Default `60s`.
        lease: Time<5_000, DAY>,
        /// How often a job is tried before it has failed for good; what no repetition can mend fails at once. Default 5.
        attempts: Count<1, 1000>,
        /// How long a job rests after its first failure; twice as long after each further one, a day at the most. Default
        /// `30s`.
        backoff: Time<0, DAY>,
        /// How often it is looked for new jobs where none waits. Default `250ms`.
        poll: Time<10, { DAY / 24 }>,
        ..
        /// The keys that are there, right or wrong.
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

/// One mistake for all that lacks: somebody writes the first queue, and not four.
fn check_required(fields: &mut Fields<'_>) {
    let hint = "write queue = { table = \"jobs\", where = \"state = 'new'\", done = \"state = 'done'\", failed = \"state = 'failed'\" }";
    fields.all_of(&["table", "where", "done", "failed"], hint);
}
