-- What schemas/queue_mariadb.toml works and fills, made by hand (MariaDB from 10.6 on, or MySQL 8): purchases, which a shop
-- inserts as they are made, and what an app store says of each. windrow adds tables of its own beside them: windrow_claims,
-- windrow_dead and windrow_runs.

CREATE TABLE purchase_jobs (
    -- The store's tokens differ in capitals, too: most collations would take two of them for one.
    token varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
    product varchar(20) NOT NULL,
    state varchar(10) NOT NULL DEFAULT 'new',
    inserted_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    settled_at datetime(6),
    -- Without it each claim would lock all jobs that wait, and the shop's inserts with them.
    KEY jobs_that_wait (state, inserted_at)
) CHARACTER SET utf8mb4;

CREATE TABLE purchase_states (
    token varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
    expires_at datetime(6),
    auto_renewing boolean,
    checked_at datetime(6) NOT NULL
) CHARACTER SET utf8mb4;
