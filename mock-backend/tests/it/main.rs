//! Integration tests of the backend crate, one binary for all.

mod media;
