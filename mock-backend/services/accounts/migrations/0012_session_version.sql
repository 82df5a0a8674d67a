-- Version of the title that a playback plays: a renewal keeps it when the title has been replaced meanwhile. 0 for playbacks
-- granted before this migration.
ALTER TABLE playback_sessions ADD COLUMN title_version BIGINT NOT NULL DEFAULT 0;
