-- Time at which the player of a playback counted as gone, for it was silent for long; a heartbeat of it takes that back.
ALTER TABLE playback_sessions ADD COLUMN left_at BIGINT;
CREATE INDEX playback_sessions_heard ON playback_sessions (last_seen_at) WHERE stopped_at IS NULL AND left_at IS NULL;
