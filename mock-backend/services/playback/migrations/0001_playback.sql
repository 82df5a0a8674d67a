-- Identifiers are TEXT, times BIGINT milliseconds since the Unix epoch (UTC). Accounts, profiles, sign-ins and titles belong to
-- other services: their ids stand here without foreign keys.

CREATE TABLE playback_sessions (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL,
    profile_id    TEXT NOT NULL,
    title_id      TEXT NOT NULL,
    title_version BIGINT NOT NULL,               -- a renewal keeps it; 0 for the current one
    duration_ms   BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,               -- of the latest signed addresses
    last_seen_at  BIGINT NOT NULL,
    family_id     TEXT,                          -- sign-in that it belongs to
    stopped_at    BIGINT,
    end_reason    TEXT                           -- stopped, displaced (another device took its place), signed_out
);
CREATE INDEX playback_sessions_running ON playback_sessions (account_id, last_seen_at) WHERE stopped_at IS NULL;
CREATE INDEX playback_sessions_by_family ON playback_sessions (family_id) WHERE stopped_at IS NULL;
CREATE INDEX playback_sessions_by_expiry ON playback_sessions (expires_at);

CREATE TABLE playback_events (
    id          TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES playback_sessions (id) ON DELETE CASCADE,
    at          BIGINT NOT NULL,
    phase       TEXT NOT NULL,
    position_ms BIGINT NOT NULL
);
CREATE INDEX playback_events_by_session ON playback_events (session_id, at);
CREATE INDEX playback_events_by_time ON playback_events (at);

CREATE TABLE positions (
    profile_id  TEXT NOT NULL,
    title_id    TEXT NOT NULL,
    position_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    finished    BIGINT NOT NULL,                 -- 0 or 1
    recorded_at BIGINT NOT NULL,                 -- by the wall clock, for display
    ordered_at  BIGINT NOT NULL,                 -- logical time of the write (see `clock::LogicalClock`)
    PRIMARY KEY (profile_id, title_id)
);

-- Sessions whose signed addresses are refused before they expire, in the order of their revocation.
CREATE TABLE revoked_sessions (
    seq        BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL,
    until      BIGINT NOT NULL                   -- expiry of the latest signed addresses
);
CREATE INDEX revoked_sessions_by_expiry ON revoked_sessions (until);

-- Sign-ins that are over: a grant that was asked for before and is written after is refused.
CREATE TABLE ended_sign_ins (
    family_id TEXT PRIMARY KEY,
    at        BIGINT NOT NULL
);
