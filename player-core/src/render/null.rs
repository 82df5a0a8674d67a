//! Paces time like a device and decodes nothing.
