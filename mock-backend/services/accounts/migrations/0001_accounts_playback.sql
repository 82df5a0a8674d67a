-- Identifiers are TEXT, times BIGINT milliseconds since the Unix epoch (UTC): the same statements run on SQLite and PostgreSQL.

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,          -- trimmed, lower case
    display_name  TEXT NOT NULL,
    password_hash TEXT NOT NULL,                 -- PHC string, Argon2id
    max_streams   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE profiles (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    position   BIGINT NOT NULL,                  -- 0 is the default profile
    name       TEXT NOT NULL,
    max_age    BIGINT,
    language   TEXT,
    UNIQUE (account_id, position)
);

-- One chain of refresh tokens for each sign-in on a device.
CREATE TABLE token_families (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device_id   TEXT NOT NULL,
    device_name TEXT NOT NULL,
    platform    TEXT NOT NULL,
    app_version TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX token_families_by_account ON token_families (account_id);

-- Tokens are kept as SHA-256 digests: a stolen database opens no account.
CREATE TABLE refresh_tokens (
    digest     TEXT PRIMARY KEY,
    family_id  TEXT NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

CREATE TABLE playback_sessions (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    profile_id   TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    title_id     TEXT NOT NULL,
    duration_ms  BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,                -- of the latest signed addresses
    last_seen_at BIGINT NOT NULL,
    stopped_at   BIGINT
);
CREATE INDEX playback_sessions_running ON playback_sessions (account_id, last_seen_at) WHERE stopped_at IS NULL;

CREATE TABLE playback_events (
    session_id  TEXT NOT NULL REFERENCES playback_sessions (id) ON DELETE CASCADE,
    at          BIGINT NOT NULL,
    phase       TEXT NOT NULL,
    position_ms BIGINT NOT NULL
);
CREATE INDEX playback_events_by_session ON playback_events (session_id, at);

CREATE TABLE positions (
    profile_id  TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    title_id    TEXT NOT NULL,
    position_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    finished    BIGINT NOT NULL,                 -- 0 or 1
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (profile_id, title_id)
);
