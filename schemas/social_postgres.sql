-- What schemas/social_postgres.toml reads and fills, made by hand: a list of URLs, and a table of counts per URL and day
-- with a serial number of its own and a reference to the list.

CREATE TABLE urls (
    id bigint PRIMARY KEY,
    url text NOT NULL
);

CREATE TABLE social_stats (
    id bigserial PRIMARY KEY,
    url_id bigint NOT NULL REFERENCES urls (id),
    day date NOT NULL,
    pin_count bigint,
    share_count bigint,
    comment_count bigint,
    like_count bigint,
    professional_share_count bigint,
    plus_one_count bigint,
    fetched_at timestamptz,
    note text DEFAULT 'by windrow',         -- the job does not name it: new rows get the default, others keep what they have
    UNIQUE (url_id, day)
);
