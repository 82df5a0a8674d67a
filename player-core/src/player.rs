//! The player handle.
