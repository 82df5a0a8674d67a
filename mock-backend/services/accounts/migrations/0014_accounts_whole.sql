-- Registration, PIN, settings of profiles, devices, sign-in by code.

ALTER TABLE accounts ADD COLUMN pin_hash TEXT;               -- PHC string, Argon2id; NULL: no PIN

ALTER TABLE profiles ADD COLUMN avatar TEXT;
ALTER TABLE profiles ADD COLUMN subtitle_style TEXT;         -- JSON
ALTER TABLE profiles ADD COLUMN data_saver BIGINT NOT NULL DEFAULT 0;

ALTER TABLE token_families ADD COLUMN last_seen_at BIGINT NOT NULL DEFAULT 0;
UPDATE token_families SET last_seen_at = created_at;
-- Profile that the sign-in has entered; with it goes what its age limit allows.
ALTER TABLE token_families ADD COLUMN entered_profile TEXT;

-- Codes that were mailed, one for each purpose and subject.
CREATE TABLE mailed_codes (
    purpose    TEXT NOT NULL,                                -- register, reset, email
    subject    TEXT NOT NULL,                                -- address; for `email` the account
    code_hash  TEXT NOT NULL,                                -- PHC string, Argon2id
    expires_at BIGINT NOT NULL,
    failures   BIGINT NOT NULL,
    detail     TEXT NOT NULL,                                -- JSON
    PRIMARY KEY (purpose, subject)
);
CREATE INDEX mailed_codes_by_expiry ON mailed_codes (expires_at);

-- Attempts that are slowed down. The subject is a digest.
CREATE TABLE paced_attempts (
    subject TEXT PRIMARY KEY,
    count   BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

-- Sign-ins by code that are under way (RFC 8628). Codes and tickets are kept as digests.
CREATE TABLE device_codes (
    device_code TEXT PRIMARY KEY,
    user_code   TEXT NOT NULL UNIQUE,
    device      TEXT NOT NULL,                               -- JSON
    expires_at  BIGINT NOT NULL,
    interval_ms BIGINT NOT NULL,
    asked_at    BIGINT NOT NULL,
    ticket      TEXT UNIQUE,                                 -- of the page of the account that looks at it
    account_id  TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    decision    TEXT                                         -- allowed, denied
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
