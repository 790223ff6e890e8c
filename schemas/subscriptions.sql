-- What schemas/subscriptions.toml reads and fills, made by hand (MariaDB or MySQL 8): users, what they have bought, and what
-- an app store says of it. The rows are invented.

CREATE TABLE users (
    id int PRIMARY KEY,
    country char(2),
    registered_at date NOT NULL,
    credits decimal(9,2) NOT NULL
) CHARACTER SET utf8mb4;

CREATE TABLE purchases (
    id int PRIMARY KEY,
    user_id int NOT NULL,
    product varchar(20) NOT NULL,
    -- The store's tokens differ in capitals, too: most collations would take two of them for one.
    token varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE,
    FOREIGN KEY (user_id) REFERENCES users (id)
) CHARACTER SET utf8mb4;

CREATE TABLE subscriptions (
    id int AUTO_INCREMENT PRIMARY KEY,
    token varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE,
    state varchar(10) NOT NULL,
    started_at datetime(6),
    expires_at datetime(6),
    auto_renewing boolean,
    cancel_reason varchar(20),
    checked_at datetime(6) NOT NULL,
    first_checked_at datetime(6) DEFAULT CURRENT_TIMESTAMP(6),  -- the job does not name it: it stays what it was
    FOREIGN KEY (token) REFERENCES purchases (token)
) CHARACTER SET utf8mb4;

INSERT INTO users
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200)
SELECT n, NULLIF(ELT(n % 5 + 1, 'DE', 'FR', '', 'PL', 'none'), 'none'),
       DATE('2023-01-01') + INTERVAL n DAY, n * 7 % 100 + n % 4 * 0.25
FROM numbers;

INSERT INTO purchases
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 600)
SELECT n, n * 13 % 180 + 1, ELT(n % 3 + 1, 'weekly', 'monthly', 'yearly'),
       CONCAT(IF(n % 2, 'tok', 'TOK'), '.', LPAD((n + 1) DIV 2, 4, '0'))
FROM numbers;
