-- What schemas/queue_postgres.toml works and fills, made by hand (PostgreSQL): a table of jobs, into which another program
-- inserts, and one of results. windrow adds tables of its own beside them: windrow_claims, windrow_dead and windrow_runs.

CREATE TABLE link_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    priority smallint NOT NULL DEFAULT 5,       -- 1 comes first
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'failed')),
    inserted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz
);

-- In the order in which jobs are taken, of those that wait: taking some costs the same however many are done.
CREATE INDEX link_jobs_that_wait ON link_jobs (priority, id) WHERE state = 'new';

CREATE TABLE link_counts (
    id bigint PRIMARY KEY REFERENCES link_jobs (id),
    pins bigint,
    shares bigint,
    counted_at timestamptz NOT NULL
);
