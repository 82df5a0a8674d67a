ALTER TABLE playback_sessions ADD COLUMN device_name TEXT NOT NULL DEFAULT '';
ALTER TABLE playback_sessions ADD COLUMN title_name TEXT NOT NULL DEFAULT '';

-- 1 if the viewer removed the title from those to continue; the next position that is reported sets it to 0.
ALTER TABLE positions ADD COLUMN is_removed BIGINT NOT NULL DEFAULT 0;

-- Titles that profiles keep.
CREATE TABLE my_list (
    profile_id TEXT NOT NULL,
    title_id   TEXT NOT NULL,
    added_at   BIGINT NOT NULL,                  -- by the wall clock, for display
    ordered_at BIGINT NOT NULL,                  -- logical time (see `clock::LogicalClock`)
    PRIMARY KEY (profile_id, title_id)
);
CREATE INDEX my_list_by_order ON my_list (profile_id, ordered_at);
