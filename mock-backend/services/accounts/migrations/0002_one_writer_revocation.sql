-- What one writer, revocation that bites, and an order of writes without the wall clock need.

-- Sign-in that a playback belongs to; NULL for playbacks granted before this migration.
ALTER TABLE playback_sessions ADD COLUMN family_id TEXT;
-- Reason for the end: stopped, displaced (another device took its place), signed_out.
ALTER TABLE playback_sessions ADD COLUMN end_reason TEXT;
CREATE INDEX playback_sessions_by_family ON playback_sessions (family_id) WHERE stopped_at IS NULL;
CREATE INDEX playback_sessions_by_expiry ON playback_sessions (expires_at);

-- Sessions whose signed addresses are refused before they expire, in the order of their revocation.
CREATE TABLE revoked_sessions (
    seq        BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL,
    until      BIGINT NOT NULL                   -- expiry of the latest signed addresses
);
CREATE INDEX revoked_sessions_by_expiry ON revoked_sessions (until);

-- Counters of the service that outlive their rows.
CREATE TABLE service_state (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- Logical time of the write (see `clock::LogicalClock`); recorded_at stays the wall-clock time for display.
ALTER TABLE positions ADD COLUMN ordered_at BIGINT NOT NULL DEFAULT 0;
UPDATE positions SET ordered_at = recorded_at;

-- Failed sign-ins. The subject is a digest, so that the table holds no address.
CREATE TABLE sign_in_attempts (
    subject  TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
CREATE INDEX playback_events_by_time ON playback_events (at);
CREATE INDEX token_families_by_revocation ON token_families (revoked_at) WHERE revoked_at IS NOT NULL;
