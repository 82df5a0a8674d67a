-- Events that were written with the change that they report, and wait for the event log.
CREATE TABLE logged_events (
    seq     BIGINT PRIMARY KEY,
    id      TEXT NOT NULL,                       -- by which the log takes it once
    subject TEXT NOT NULL,                       -- profile, else account: the key in the log
    at      BIGINT NOT NULL,
    body    TEXT NOT NULL,                       -- JSON
    erases  BIGINT NOT NULL                      -- 1 if all earlier events of the subject are to be erased
);
CREATE INDEX logged_events_by_subject ON logged_events (subject);
