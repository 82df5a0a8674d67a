//! Decodes and shows with GStreamer.
