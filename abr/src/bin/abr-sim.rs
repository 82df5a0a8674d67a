//! Kinora.
fn main() {}
