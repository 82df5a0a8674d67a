-- Opinions of profiles on titles: up, down or not_interested.
CREATE TABLE ratings (
    profile_id TEXT NOT NULL,
    title_id   TEXT NOT NULL,
    rating     TEXT NOT NULL,
    rated_at   BIGINT NOT NULL,
    PRIMARY KEY (profile_id, title_id)
);
