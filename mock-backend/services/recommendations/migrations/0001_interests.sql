-- What each profile has done with each title, as JSON (`domain::interest::Interest`).
CREATE TABLE interests (
    profile_id TEXT NOT NULL,
    title_id   TEXT NOT NULL,
    interest   TEXT NOT NULL,
    PRIMARY KEY (profile_id, title_id)
);

-- Offset of the next event of each partition of the log that is not in `interests` yet.
CREATE TABLE progress (
    partition_number BIGINT NOT NULL PRIMARY KEY,
    next_offset      BIGINT NOT NULL
);
