-- Tables that every store has. Times are BIGINT milliseconds since the Unix epoch (UTC).

-- Counters that outlive the rows that they number.
CREATE TABLE store_state (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- Events that were written with the change that they report, and wait for their delivery.
CREATE TABLE outbox (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    topic   TEXT NOT NULL,
    payload TEXT NOT NULL                        -- JSON
);
