-- Filter that the names of its manifests have; empty for a device without limits. A renewal keeps it.
ALTER TABLE playback_sessions ADD COLUMN manifest_filter TEXT NOT NULL DEFAULT '';
