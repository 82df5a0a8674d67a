-- The service of playback has a store of its own; what was here of it has been copied there.
DROP TABLE playback_events;
DROP TABLE positions;
DROP TABLE revoked_sessions;
DROP TABLE playback_sessions;
DROP TABLE service_state;
