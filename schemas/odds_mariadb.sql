-- What schemas/odds_mariadb.toml fills, made by hand (MariaDB or MySQL 8): with the indexes of whoever reads it, by kick-off
-- and for the best price of a market.

CREATE TABLE odds (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    match_id varchar(20) NOT NULL,
    league varchar(40) NOT NULL,
    home varchar(60) NOT NULL,
    away varchar(60) NOT NULL,
    kick_off datetime(6) NOT NULL,
    bookmaker varchar(40) NOT NULL,
    market varchar(40) NOT NULL,
    price decimal(9,2),
    fetched_at datetime(6) NOT NULL,
    UNIQUE KEY offer (match_id, bookmaker, market),
    KEY by_kick_off (kick_off, market),
    KEY best_price (market, match_id, price)
) CHARACTER SET utf8mb4;
